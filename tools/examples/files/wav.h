// WAV files of 16-bit samples.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

struct Wav {
    std::uint32_t rate = 16000;  // samples of each channel in a second
    std::uint16_t channels = 1;
    std::vector<float> samples;  // in [-1, 1); channels take turns
};

// Both throw std::runtime_error with the path: where the file cannot be read or written, or is of another kind.
Wav read_wav(const std::string& path);
// What is beyond [-1, 1) is cut off.
void write_wav(const std::string& path, const Wav& wav);
