// What is looked for among elements: the greatest, the different ones, what is true, and how many of each there are.
//
// Where the extent of a result depends on values, these are computed now; such functions are refused while a function
// is being traced, and those named `bounded` take their place: they have as many results as they are told, and say how
// many of those count.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "frontend/tensor/tensor.h"

namespace lathe {

// ---- by order. Elements compare as sort() orders them: -0 equals 0, and NaN is behind all others

struct TopkOptions {
    bool largest = true;  // else the smallest
    bool sorted = true;   // whether they have to be in order; they are in either case
};
// The first `count` elements along an axis of sort(), in its order, and their positions as i64.
std::pair<Tensor, Tensor> topk(const Tensor& x, std::int64_t count, std::int64_t axis = -1, TopkOptions options = {},
                               Where where = Where::current());
struct SearchOptions {
    bool right = false;  // behind elements that are equal, not before them
};
// Where values belong among sorted ones, as i64: a vector, or lines along the last axis with values for each.
Tensor searchsorted(const Tensor& sorted, const Tensor& values, SearchOptions options = {},
                    Where where = Where::current());
// The same with the values first, as torch.bucketize.
Tensor bucketize(const Tensor& values, const Tensor& boundaries, SearchOptions options = {},
                 Where where = Where::current());

// ---- what is not 0, in row-major order

// The positions as i64 [count, rank].
Tensor nonzero(const Tensor& x, Where where = Where::current());
// The same for each axis by itself, as numpy.nonzero and numpy.where.
std::vector<Tensor> where(const Tensor& condition, Where where = Where::current());
struct Bounded {
    Tensor positions;  // i64 [bound, rank]: the first ones, then zeros
    Tensor count;      // i64: how many there are, which may be more
};
// The positions of elements that are not 0, at most so many.
Bounded nonzero_bounded(const Tensor& x, Dim bound, Where where = Where::current());

// ---- what is different: in ascending order; NaN counts as one value

struct Unique {
    Tensor values;
    Tensor inverse;  // i64, of x's shape: which of the values each element is
    Tensor counts;   // i64: how many elements are each value
};
// The different values in ascending order.
Unique unique(const Tensor& x, Where where = Where::current());
struct BoundedUnique {
    Tensor values;   // the first ones, then the least again
    Tensor inverse;  // positions among all values
    Tensor counts;   // 0 behind the last
    Tensor count;    // i64: how many values there are, which may be more
};
// The same, at most so many of them.
BoundedUnique unique_bounded(const Tensor& x, Dim bound, Where where = Where::current());

struct IsinOptions {
    bool invert = false;  // whether it is none of them
};
// Whether each element is one of the values, whatever their shape. It compares each with each. NaN is none.
Tensor isin(const Tensor& x, const Tensor& values, IsinOptions options = {}, Where where = Where::current());

// ---- how many

struct BincountOptions {
    std::optional<Tensor> weights = {};  // added up for each number, instead of 1
    std::int64_t minlength = 0;          // of the result, which ends with the greatest number
    std::optional<Dim> length = {};  // of the result, whatever the numbers are: one that is not less is an IndexError
};
// How many elements are 0, 1, ...: of integers, none negative. i64, or of the weights' dtype.
Tensor bincount(const Tensor& x, BincountOptions options = {}, Where where = Where::current());
struct HistogramOptions {
    std::optional<std::pair<double, double>> range = {};  // the least and the greatest element where it is left out
};
// How many elements lie in each of `bins` intervals of one width, as i64, and their bins + 1 ends. The last one holds
// its upper end, too; what is outside, and NaN, does not count.
std::pair<Tensor, Tensor> histogram(const Tensor& x, std::int64_t bins = 10, HistogramOptions options = {},
                                    Where where = Where::current());

}  // namespace lathe
