#include "tools/examples/files/wav.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string_view>

namespace {

constexpr std::uint16_t pcm = 1, bits = 16;
constexpr float full_scale = 32768;

// A number whose least byte comes first; 0 beyond the end.
std::uint32_t number(std::string_view bytes, std::size_t at, std::size_t width) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < width && at + i < bytes.size(); ++i)
        value |= static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[at + i])) << 8 * i;
    return value;
}

void put(std::string& bytes, std::uint32_t value, std::size_t width) {
    for (std::size_t i = 0; i < width; ++i) bytes += static_cast<char>(value >> 8 * i & 255);
}

}  // namespace

Wav read_wav(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) throw std::runtime_error(path + ": cannot be read");
    const std::string all(std::istreambuf_iterator<char>(file), {});
    const std::string_view bytes = all;
    if (bytes.size() < 12 || !bytes.starts_with("RIFF") || bytes.substr(8, 4) != "WAVE")
        throw std::runtime_error(path + ": is no WAV file");
    Wav wav;
    bool has_format = false;
    for (std::size_t at = 12; at + 8 <= bytes.size();) {
        const std::string_view kind = bytes.substr(at, 4);
        const std::size_t size = number(bytes, at + 4, 4);
        at += 8;
        // Programs that write to a pipe do not know the size: it is what is there.
        const std::string_view chunk = bytes.substr(at, size);
        if (kind == "fmt ") {
            if (number(chunk, 0, 2) != pcm || number(chunk, 14, 2) != bits || number(chunk, 2, 2) == 0)
                throw std::runtime_error(path + ": has other than 16-bit samples, which is not supported");
            wav.channels = static_cast<std::uint16_t>(number(chunk, 2, 2));
            wav.rate = number(chunk, 4, 4);
            has_format = true;
        } else if (kind == "data") {
            if (!has_format) break;
            for (std::size_t i = 0; i + 1 < chunk.size(); i += 2)
                wav.samples.push_back(static_cast<float>(static_cast<std::int16_t>(number(chunk, i, 2))) / full_scale);
            return wav;
        }
        at += chunk.size() + chunk.size() % 2;
    }
    throw std::runtime_error(path + ": has no samples");
}

void write_wav(const std::string& path, const Wav& wav) {
    const auto data = static_cast<std::uint32_t>(2 * wav.samples.size());
    std::string bytes = "RIFF";
    put(bytes, 36 + data, 4);
    bytes += "WAVEfmt ";
    put(bytes, 16, 4);
    put(bytes, pcm, 2);
    put(bytes, wav.channels, 2);
    put(bytes, wav.rate, 4);
    put(bytes, wav.rate * wav.channels * 2, 4);
    put(bytes, wav.channels * 2U, 2);
    put(bytes, bits, 2);
    bytes += "data";
    put(bytes, data, 4);
    for (const float sample : wav.samples) {
        const float scaled = std::clamp(std::nearbyint(sample * full_scale), -full_scale, full_scale - 1);
        put(bytes, static_cast<std::uint16_t>(static_cast<std::int16_t>(scaled)), 2);
    }
    std::ofstream file(path, std::ios::binary);
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    if (!file.flush()) throw std::runtime_error(path + ": cannot be written");
}
