// Whole files, plain or compressed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace lathe {

// Throws FormatError naming the path where it cannot be read (it is the caller's mistake to name it), ResourceError
// where it does not fit memory.
std::string read_file(const std::string& path);

// Whether the bytes start as a gzip stream does.
bool is_gzip(std::string_view bytes);

// What a gzip stream holds. `name` is what messages call it. Throws FormatError where it is malformed or truncated, or
// holds more than `limit` bytes.
std::string unzip(std::string_view bytes, const std::string& name, std::uint64_t limit = std::uint64_t{1} << 32);

// A whole file, unzipped where it is a gzip stream.
std::string read_unzipped(const std::string& path);

}  // namespace lathe
