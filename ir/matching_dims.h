// Which dimensions of two shapes that hold as many elements are the same elements in other groups.
#pragma once

#include <cstddef>
#include <vector>

#include "ir/type.h"

namespace lathe::ir {

// Dimensions [begin, end) of each, whose products are equal.
struct MatchingDims {
    std::size_t from_begin, from_end, to_begin, to_end;
};
// The smallest such groups, in order; dimensions of 1 go with what is before them. Where no smaller one is found, all
// that remain are one.
std::vector<MatchingDims> matching_dims(const Shape& from, const Shape& to);

}  // namespace lathe::ir
