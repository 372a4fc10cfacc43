// What orders or accumulates the elements along one axis, each line of them for itself. To sums and the like of the
// elements up to each, a number is a line of one element.
#pragma once

#include <vector>

#include "frontend/tensor/tensor.h"

namespace lathe {

struct SortOptions {
    bool descending = false;
};
// Stable: equal elements keep their order; -0 equals 0; NaN comes last, also where the order is descending.
Tensor sort(const Tensor& x, std::int64_t axis = -1, SortOptions options = {}, Where where = Where::current());
// The positions, as i64, that the elements of sort(x) have in x.
Tensor argsort(const Tensor& x, std::int64_t axis = -1, SortOptions options = {}, Where where = Where::current());
struct CumulativeOptions {
    bool reverse = false;  // of each and all behind it
};
using CumsumOptions = CumulativeOptions;
// The sums of the elements up to each; of signed integers and booleans i64, of unsigned integers u64.
Tensor cumsum(const Tensor& x, std::int64_t axis = -1, CumsumOptions options = {}, Where where = Where::current());

// The products of the elements up to each, in the dtypes of cumsum.
Tensor cumprod(const Tensor& x, std::int64_t axis = -1, CumulativeOptions options = {}, Where where = Where::current());
// log(sum(exp(x))) of the elements up to each.
Tensor logcumsumexp(const Tensor& x, std::int64_t axis = -1, CumulativeOptions options = {},
                    Where where = Where::current());
struct ValuesAndIndices {
    Tensor values, indices;  // of i64: where along the axis
};
// The greatest, or the least, of the elements up to each: NaN if there was one; of equals the last one's position.
ValuesAndIndices cummax(const Tensor& x, std::int64_t axis = -1, CumulativeOptions options = {},
                        Where where = Where::current());
ValuesAndIndices cummin(const Tensor& x, std::int64_t axis = -1, CumulativeOptions options = {},
                        Where where = Where::current());
// y[i] = a[i] * y[i - 1] + b[i] along an axis of two tensors of one shape; y[0] = b[0].
Tensor linear_recurrence(const Tensor& a, const Tensor& b, std::int64_t axis = -1, CumulativeOptions options = {},
                         Where where = Where::current());

// The lower one of two in the middle: an element, where quantile(x, 0.5) may be their mean. NaN if there is one.
ValuesAndIndices median(const Tensor& x, std::int64_t axis = -1, bool keep = false, Where where = Where::current());
// What a quantile between two elements is: between them in proportion, one of them, their mean, or the nearer one; of
// two equally near the one at an even position.
enum class QuantileInterpolation : std::uint8_t { linear, lower, higher, midpoint, nearest };
struct QuantileOptions {
    QuantileInterpolation interpolation = QuantileInterpolation::linear;
    bool keep = false;  // the axis as an extent of 1
};
// Where a part q in [0, 1] of the elements is below, at position q * (n - 1) of the sorted ones. NaN if there is one.
Tensor quantile(const Tensor& x, double q, std::int64_t axis = -1, QuantileOptions options = {},
                Where where = Where::current());
// Of what is not NaN; where there is nothing else, NaN.
ValuesAndIndices nanmedian(const Tensor& x, std::int64_t axis = -1, bool keep = false, Where where = Where::current());
// A quantile of what is not NaN; where there is nothing else, NaN.
Tensor nanquantile(const Tensor& x, double q, std::int64_t axis = -1, QuantileOptions options = {},
                   Where where = Where::current());
Tensor nanquantile(const Tensor& x, const std::vector<double>& q, std::int64_t axis = -1, QuantileOptions options = {},
                   Where where = Where::current());
Tensor nanquantile(const Tensor& x, const Tensor& q, std::int64_t axis = -1, QuantileOptions options = {},
                   Where where = Where::current());
// The element that comes most often, the least of several, and the first position where it is. NaN counts as one value.
ValuesAndIndices mode(const Tensor& x, std::int64_t axis = -1, bool keep = false, Where where = Where::current());
// The k-th least element, from 1 on, and its position: of equals the one that sort() has there.
ValuesAndIndices kthvalue(const Tensor& x, std::int64_t k, std::int64_t axis = -1, bool keep = false,
                          Where where = Where::current());
// Several of them along a new first axis. Those of a tensor, a number or a vector of floats, whose number has no new
// axis, are an IndexError where they are not in [0, 1].
Tensor quantile(const Tensor& x, const std::vector<double>& q, std::int64_t axis = -1, QuantileOptions options = {},
                Where where = Where::current());
Tensor quantile(const Tensor& x, const Tensor& q, std::int64_t axis = -1, QuantileOptions options = {},
                Where where = Where::current());

}  // namespace lathe
