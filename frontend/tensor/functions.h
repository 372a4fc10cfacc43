// Functions of tensors. Each op of the table, and what is built from them.
#pragma once

#include <optional>
#include <vector>

#include "frontend/tensor/axes.h"
#include "frontend/tensor/tensor.h"

namespace lathe {

// ---- creation; the extents of a tensor that is being traced may be part of a shape: zeros({x.dim(0), 10})

Tensor full(const Shape& shape, double value, Dtype dtype = Dtype::f32, Where where = Where::current());
Tensor zeros(const Shape& shape, Dtype dtype = Dtype::f32, Where where = Where::current());
Tensor ones(const Shape& shape, Dtype dtype = Dtype::f32, Where where = Where::current());
Tensor zeros_like(const Tensor& x, Where where = Where::current());
Tensor ones_like(const Tensor& x, Where where = Where::current());
// 0, 1, ..., n - 1.
Tensor arange(Dim n, Dtype dtype = Dtype::i64, Where where = Where::current());

// ---- elementwise

Tensor abs(const Tensor& x, Where where = Where::current());
Tensor exp(const Tensor& x, Where where = Where::current());
Tensor log(const Tensor& x, Where where = Where::current());
Tensor sqrt(const Tensor& x, Where where = Where::current());
Tensor rsqrt(const Tensor& x, Where where = Where::current());
Tensor tanh(const Tensor& x, Where where = Where::current());
Tensor sigmoid(const Tensor& x, Where where = Where::current());
Tensor erf(const Tensor& x, Where where = Where::current());
Tensor relu(const Tensor& x, Where where = Where::current());
Tensor gelu(const Tensor& x, Where where = Where::current());  // x / 2 * (1 + erf(x / sqrt(2)))
Tensor silu(const Tensor& x, Where where = Where::current());  // x * sigmoid(x)
Tensor pow(const detail::Operand& x, const detail::Operand& y);
Tensor maximum(const detail::Operand& x, const detail::Operand& y);  // NaN if either is
Tensor minimum(const detail::Operand& x, const detail::Operand& y);
Tensor logical_and(const Tensor& a, const Tensor& b, Where where = Where::current());
Tensor logical_or(const Tensor& a, const Tensor& b, Where where = Where::current());
Tensor logical_not(const Tensor& a, Where where = Where::current());
Tensor bit_and(const detail::Operand& a, const detail::Operand& b);
Tensor bit_or(const detail::Operand& a, const detail::Operand& b);
Tensor bit_xor(const detail::Operand& a, const detail::Operand& b);
Tensor bit_not(const Tensor& x, Where where = Where::current());
Tensor shift_left(const detail::Operand& a, const detail::Operand& b);
Tensor shift_right(const detail::Operand& a, const detail::Operand& b);
Tensor where(const Tensor& condition, const detail::Operand& if_true, const detail::Operand& if_false);
Tensor convert(const Tensor& x, Dtype dtype, Where where = Where::current());
// x, taken as a constant by derivatives. Nothing that x was computed from is kept for them.
Tensor stop_gradient(const Tensor& x, Where where = Where::current());

// ---- movement; axes may be negative: they count from the end

// One extent may be -1: what the others leave.
Tensor reshape(const Tensor& x, const Shape& shape, Where where = Where::current());
Tensor transpose(const Tensor& x, const Axes& permutation, Where where = Where::current());
Tensor broadcast_to(const Tensor& x, const Shape& shape, Where where = Where::current());
// `size` elements along each axis, from `start` on. See also x[{...}].
Tensor slice(const Tensor& x, Shape start, Shape size, Where where = Where::current());
// With so many elements of `fill` before the first along each axis, and behind the last; negative: without so many.
Tensor pad(const Tensor& x, const Shape& low, const Shape& high, double fill = 0, Where where = Where::current());
Tensor concat(std::span<const Tensor> parts, std::int64_t axis, Where where = Where::current());
inline Tensor concat(std::initializer_list<Tensor> parts, std::int64_t axis, Where where = Where::current()) {
    return concat(std::span<const Tensor>(parts.begin(), parts.size()), axis, where);
}
Tensor gather(const Tensor& x, const Tensor& indices, std::int64_t axis, Where where = Where::current());
Tensor scatter_add(const Tensor& x, const Tensor& indices, const Tensor& updates, std::int64_t axis,
                   Where where = Where::current());
// An index outside [0, classes) is an IndexError when that is computed, as of gather and scatter_add.
Tensor one_hot(const Tensor& indices, std::int64_t classes, Dtype dtype = Dtype::f32, Where where = Where::current());

// ---- reductions; no axes: all of them
// sum: of signed integers and booleans i64, of unsigned integers u64. mean: of integers and booleans f64. max, min,
// argmax and argmin of nothing are refused.

Tensor sum(const Tensor& x, const Axes& axes = {}, bool keep = false, Where where = Where::current());
Tensor mean(const Tensor& x, const Axes& axes = {}, bool keep = false, Where where = Where::current());
Tensor max(const Tensor& x, const Axes& axes = {}, bool keep = false, Where where = Where::current());
Tensor min(const Tensor& x, const Axes& axes = {}, bool keep = false, Where where = Where::current());
struct ArgmaxOptions {
    bool last = false;  // of equal elements the last one's position, not the first one's
};
// The position of the greatest element, as i64, and of the least; NaN counts as either.
Tensor argmax(const Tensor& x, std::int64_t axis = -1, ArgmaxOptions options = {}, Where where = Where::current());
Tensor argmin(const Tensor& x, std::int64_t axis = -1, ArgmaxOptions options = {}, Where where = Where::current());
struct VarianceOptions {
    std::int64_t correction = 0;  // taken off the number of elements that the sum is divided by
    bool keep = false;
};
// The mean of the squared differences from the mean; of integers and booleans f64.
Tensor variance(const Tensor& x, const Axes& axes = {}, VarianceOptions options = {}, Where where = Where::current());
Tensor softmax(const Tensor& x, std::int64_t axis = -1, Where where = Where::current());
Tensor log_softmax(const Tensor& x, std::int64_t axis = -1, Where where = Where::current());

// ---- along an axis

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

// Matrix product over the last axis of a and the last but one of b, batched over the axes before them.
Tensor matmul(const Tensor& a, const Tensor& b, Where where = Where::current());
struct ContractionAxes {
    Axes a_batch = {}, b_batch = {};        // pair up, and stay
    Axes a_contract = {}, b_contract = {};  // pair up, and are summed over
};
// The sum of a * b over pairs of axes, for all that the others choose: the result has the axes of the batch, then the
// others of a, then those of b.
Tensor dot_general(const Tensor& a, const Tensor& b, const ContractionAxes& axes, Where where = Where::current());

// ---- losses

struct CrossEntropyOptions {
    std::optional<std::int64_t> ignore_index;  // rows with this label count neither in the mean nor in derivatives
};
// Mean over the rows of -log softmax(logits)[label]; logits [..., classes], labels [...] of an integer dtype. A label
// outside [0, classes) is an IndexError when that is computed.
Tensor cross_entropy(const Tensor& logits, const Tensor& labels, CrossEntropyOptions options = {},
                     Where where = Where::current());
// Mean of the squared differences of two tensors of one shape.
Tensor mean_squared_error(const Tensor& prediction, const Tensor& target, Where where = Where::current());

// ---- random numbers: a function of key and shape alone (Philox4x32-10)
//
// A key is a number, or a u64 tensor of rank 0: an argument, or the next one of an nn::Generator. A number is the same
// at every call of a compiled function, and so are the random numbers.
//
// The ends of a range are finite, and low is at most high.

Tensor random_uniform(const Tensor& key, const Shape& shape, double low = 0, double high = 1,
                      Where where = Where::current());
Tensor random_uniform(std::uint64_t key, const Shape& shape, double low = 0, double high = 1,
                      Where where = Where::current());
Tensor random_normal(const Tensor& key, const Shape& shape, Where where = Where::current());
Tensor random_normal(std::uint64_t key, const Shape& shape, Where where = Where::current());

}  // namespace lathe
