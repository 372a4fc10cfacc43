// A dense array in memory of the process, as file formats read and write it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "ir/dtype.h"

namespace lathe {

struct Array {
    ir::Dtype dtype = ir::Dtype::f32;
    std::vector<std::int64_t> shape;
    std::vector<std::byte> bytes;  // row-major, of this machine's byte order

    friend bool operator==(const Array&, const Array&) = default;  // compares bits
};

}  // namespace lathe
