// What orders or accumulates the elements along one axis, each line of them for itself.
#pragma once

#include "frontend/tensor/tensor.h"

namespace lathe {

struct SortOptions {
    bool descending = false;
};
// Stable: equal elements keep their order; -0 equals 0; NaN comes last, also where the order is descending.
Tensor sort(const Tensor& x, std::int64_t axis = -1, SortOptions options = {}, Where where = Where::current());
// The positions, as i64, that the elements of sort(x) have in x.
Tensor argsort(const Tensor& x, std::int64_t axis = -1, SortOptions options = {}, Where where = Where::current());
struct CumsumOptions {
    bool reverse = false;  // of each and all behind it
};
// The sums of the elements up to each; of signed integers and booleans i64, of unsigned integers u64.
Tensor cumsum(const Tensor& x, std::int64_t axis = -1, CumsumOptions options = {}, Where where = Where::current());

}  // namespace lathe
