// IDX files, as MNIST and Fashion-MNIST come in: one array of numbers. (Described beside MNIST, by LeCun, Cortes and
// Burges, yann.lecun.com/exdb/mnist.)
#pragma once

#include <string>
#include <string_view>

#include "frontend/tensor/array.h"
#include "frontend/tensor/where.h"

namespace lathe {

// Images are u8[images, height, width], labels u8[images]; other files have i8, i16, i32, f32 or f64. Throws
// FormatError naming `name` and the byte where the file is none, is truncated or goes on after its numbers.
Array parse_idx(std::string_view bytes, const std::string& name, Where where = Where::current());

// A gzip-compressed file is unpacked.
Array read_idx(const std::string& path, Where where = Where::current());

}  // namespace lathe
