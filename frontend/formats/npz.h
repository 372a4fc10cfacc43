// NumPy's .npz files: ZIP archives of .npy files, one for each array by its name.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "frontend/formats/npy.h"
#include "frontend/tensor/array.h"
#include "frontend/tensor/where.h"

namespace lathe {

struct NpzOptions {
    bool compress = false;  // as NumPy's savez_compressed does; otherwise as savez
};

// The arrays by their names, without the ".npy" of the members. Throws FormatError naming `name`, the member and the
// byte where the archive or a member is malformed, or a member is no .npy file.
std::map<std::string, Array> parse_npz(std::string_view bytes, const std::string& name, Where where = Where::current());
std::map<std::string, Array> read_npz(const std::string& path, Where where = Where::current());

// The bytes of a .npz file. Throws TypeError for bf16, which the format lacks.
std::string npz_bytes(const std::map<std::string, Array>& arrays, NpzOptions options = {},
                      Where where = Where::current());
// Complete or not at all.
void write_npz(const std::string& path, const std::map<std::string, Array>& arrays, NpzOptions options = {},
               Where where = Where::current());

}  // namespace lathe
