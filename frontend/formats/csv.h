// Tables of numbers as text: rows on lines, commas between columns.
#pragma once

#include <string>
#include <string_view>

#include "frontend/tensor/array.h"
#include "frontend/tensor/where.h"

namespace lathe {

// A rank-2 array of a number type. All rows have as many columns as the first. Throws FormatError naming `name`, row
// and column. Floats are read with one rounding to f32 or f64, f16 and bf16 by way of f32; one that is larger than all
// of its type is none.
Array parse_csv(std::string_view text, const std::string& name, ir::Dtype dtype = ir::Dtype::f32,
                Where where = Where::current());

// A gzip-compressed file is unpacked.
Array read_csv(const std::string& path, ir::Dtype dtype = ir::Dtype::f32, Where where = Where::current());

}  // namespace lathe
