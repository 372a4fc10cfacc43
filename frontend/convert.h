// Conversion of elements in memory, as the convert op does it.
#pragma once

#include <cstddef>

#include "ir/dtype.h"

namespace lathe::detail {

void convert_elements(ir::Dtype from, const void* source, ir::Dtype to, void* target, std::size_t count);

}  // namespace lathe::detail
