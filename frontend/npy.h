// NumPy's .npy files, versions 1 to 3. Nothing but plain numbers is read: objects, strings and records are refused.
#pragma once

#include <string>
#include <string_view>

#include "frontend/array.h"

namespace lathe {

// Fortran order and big-endian numbers are converted. Throws FormatError naming `name` and the byte.
Array parse_npy(std::string_view bytes, const std::string& name);
Array read_npy(const std::string& path);

// The bytes of a .npy file. Throws TypeError for bf16, which the format lacks.
std::string npy_bytes(const Array& array);
void write_npy(const std::string& path, const Array& array);  // complete or not at all

}  // namespace lathe
