// Conversion of elements in memory, as the convert op does it.
#pragma once

#include <cstddef>

#include "ir/dtype.h"

namespace lathe::detail {

// Bytes from outside: any but 0 counts as true, and true is 1 in here.
void normalize(ir::Dtype dtype, void* elements, std::size_t bytes);

void convert_elements(ir::Dtype from, const void* source, ir::Dtype to, void* target, std::size_t count);

}  // namespace lathe::detail
