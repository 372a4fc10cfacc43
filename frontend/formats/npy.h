// NumPy's .npy files, versions 1 to 3. Nothing but plain numbers is read: objects, strings and records are refused.
#pragma once

#include <string>
#include <string_view>

#include "frontend/tensor/array.h"
#include "frontend/tensor/where.h"

namespace lathe {

// Fortran order and big-endian numbers are converted. Throws FormatError naming `name` and the byte.
Array parse_npy(std::string_view bytes, const std::string& name, Where where = Where::current());
Array read_npy(const std::string& path, Where where = Where::current());

// The bytes of a .npy file. Throws TypeError for bf16, which the format lacks.
std::string npy_bytes(const Array& array, Where where = Where::current());
// Complete or not at all.
void write_npy(const std::string& path, const Array& array, Where where = Where::current());

}  // namespace lathe
