// Conversion of elements in memory, as the convert op does it.
#pragma once

#include <cstddef>
#include <optional>

#include "ir/dtype.h"

namespace lathe::detail {

// Bytes from outside: any but 0 counts as true, and true is 1 in here.
void normalize(ir::Dtype dtype, void* elements, std::size_t bytes);

void convert_elements(ir::Dtype from, const void* source, ir::Dtype to, void* target, std::size_t count);
// The same; gives the first element whose value the other dtype does not hold as it is, if there is one. A NaN is one
// in every dtype of floats.
std::optional<std::size_t> convert_exactly(ir::Dtype from, const void* source, ir::Dtype to, void* target,
                                           std::size_t count);

}  // namespace lathe::detail
