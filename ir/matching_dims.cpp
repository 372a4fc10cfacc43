#include "ir/matching_dims.h"

namespace lathe::ir {

std::vector<MatchingDims> matching_dims(const Shape& from, const Shape& to) {
    std::vector<MatchingDims> result;
    std::size_t i = 0, j = 0;
    while (i < from.rank() && j < to.rank()) {
        // The smallest group of dimensions on each side with equal products; all that remain where none is found.
        std::size_t i_end = from.rank(), j_end = to.rank();
        Dim a = 1;
        for (std::size_t ii = i; ii < from.rank() && i_end == from.rank(); ++ii) {
            a *= from[ii];
            Dim b = 1;
            for (std::size_t jj = j; jj < to.rank(); ++jj) {
                b *= to[jj];
                if (a == b && a != Dim(1)) {
                    i_end = ii + 1;
                    j_end = jj + 1;
                    break;
                }
            }
            if (j_end != to.rank()) break;
        }
        // Trailing extents of 1 join the group, so that the search ends with both sides used up.
        while (i_end < from.rank() && from[i_end] == Dim(1)) ++i_end;
        while (j_end < to.rank() && to[j_end] == Dim(1)) ++j_end;
        if (i_end == from.rank() || j_end == to.rank()) {
            i_end = from.rank();
            j_end = to.rank();
        }
        result.push_back({i, i_end, j, j_end});
        i = i_end;
        j = j_end;
    }
    return result;
}

}  // namespace lathe::ir
