// Reductions over axes, and running sums.
#include "frontend/functions/along_axis.h"
#include "frontend/functions/elementwise.h"
#include "frontend/functions/movement.h"
#include "frontend/functions/reductions.h"
#include "frontend/onnx/operators.h"

namespace lathe::onnx {
namespace {

using Fold = Tensor (*)(const Tensor&, const Axes&, bool, Where);

struct Reduction {
    Tensor x;
    std::vector<std::int64_t> axes;
    bool keep = true;
    bool is_whole = false;  // nothing is reduced
};

// Axes were an attribute up to opset 12 of ReduceSum and 17 of the others. Without any, all are meant, or none.
Reduction reduction_of(NodeCall& c) {
    Reduction r{c[0], integers_of(c, 1, "axes").value_or(std::vector<std::int64_t>()), c.flag("keepdims", true), false};
    for (std::int64_t& axis : r.axes) axis = c.natural_axis(axis, r.x.rank());
    r.is_whole = r.axes.empty() && (c.flag("noop_with_empty_axes") || r.x.rank() == 0);
    return r;
}

Tensor fold(const Reduction& r, Fold function) {
    if (r.is_whole) return r.x;
    return function(r.x, Axes(r.axes), r.keep, Where::current());
}

// Narrow integers are added in wide ones; the result has the operand's dtype.
template <Fold function>
Results reduced_narrowly(NodeCall& c) {
    const Reduction r = reduction_of(c);
    return {convert(fold(r, function), r.x.dtype())};
}

// Of known integers the product of all is one: the number of elements that a shape stands for.
template <Fold function, Dim (*of_two)(Dim, Dim)>
Results reduced_shape(NodeCall& c) {
    const Value& v = c.value(0);
    if (v.known() && v.known()->shape.size() == 1 && !v.known()->elements.empty() &&
        (c.size() > 1 ? !c.has(1) || c.value(1).is_constant() : true)) {
        KnownIntegers all{v.known()->dtype, {}, {v.known()->elements[0]}};
        for (std::size_t i = 1; i < v.known()->elements.size(); ++i)
            all.elements[0] = of_two(all.elements[0], v.known()->elements[i]);
        if (c.flag("keepdims", true)) all.shape = {1};
        return {Value(std::move(all))};
    }
    return reduced_narrowly<function>(c);
}
Dim product(Dim a, Dim b) { return a * b; }
Dim added(Dim a, Dim b) { return a + b; }

Results of_magnitudes(NodeCall& c) {
    Reduction r = reduction_of(c);
    const Dtype dtype = r.x.dtype();
    r.x = abs(r.x);
    return {convert(fold(r, sum), dtype)};
}
Tensor sum_of_squares(NodeCall& c) {
    Reduction r = reduction_of(c);
    const Dtype dtype = r.x.dtype();
    r.x = r.x * r.x;
    return convert(fold(r, sum), dtype);
}
Results of_squares(NodeCall& c) { return {sum_of_squares(c)}; }

// Roots and logarithms of integers are computed in f64 and truncated.
template <Tensor (*function)(const Tensor&, Where)>
Tensor by_float(const Tensor& x) {
    if (ir::is_float(x.dtype())) return function(x, Where::current());
    return convert(function(convert(x, Dtype::f64), Where::current()), x.dtype());
}
Results euclidean(NodeCall& c) { return {by_float<sqrt>(sum_of_squares(c))}; }
Results log_of_sum(NodeCall& c) { return {by_float<log>(reduced_narrowly<sum>(c)[0].tensor())}; }
Results log_of_sum_of_exponentials(NodeCall& c) {
    Reduction r = reduction_of(c);
    const Dtype dtype = r.x.dtype();
    if (!ir::is_float(dtype)) r.x = convert(r.x, Dtype::f64);
    if (r.is_whole) return {c[0]};
    return {convert(logsumexp(r.x, Axes(r.axes), r.keep), dtype)};
}
Results average(NodeCall& c) {
    Reduction r = reduction_of(c);
    const Dtype dtype = r.x.dtype();
    if (!ir::is_float(dtype)) r.x = convert(r.x, Dtype::f64);
    return {convert(fold(r, mean), dtype)};
}

// Of nothing the greatest is the least that there is, and the other way round.
template <Fold function, bool greatest>
Results extreme(NodeCall& c) {
    const Reduction r = reduction_of(c);
    if (r.x.dtype() == Dtype::boolean) return {fold(r, greatest ? any : all)};
    return {fold(r, function)};
}

Results running_sum(NodeCall& c) {
    const Tensor x = c[0];
    const std::int64_t axis = c.natural_axis(c.integer(1), x.rank());
    const bool reverse = c.flag("reverse");
    Tensor sums = convert(cumsum(x, axis, {.reverse = reverse}), x.dtype());
    if (c.flag("exclusive")) {
        // Without the element itself: one place on, with zero in front.
        Shape low(std::vector<Dim>(x.rank(), Dim(0))), high = low;
        (reverse ? high : low)[static_cast<std::size_t>(axis)] = 1;
        (reverse ? low : high)[static_cast<std::size_t>(axis)] = -1;
        sums = pad(sums, low, high);
    }
    return {sums};
}

constexpr Operator rows[] = {
    {"CumSum", running_sum},
    {"ReduceL1", of_magnitudes},
    {"ReduceL2", euclidean},
    {"ReduceLogSum", log_of_sum},
    {"ReduceLogSumExp", log_of_sum_of_exponentials},
    {"ReduceMax", extreme<max, true>},
    {"ReduceMean", average},
    {"ReduceMin", extreme<min, false>},
    {"ReduceProd", reduced_shape<prod, product>},
    {"ReduceSum", reduced_shape<sum, added>},
    {"ReduceSumSquare", of_squares},
};

}  // namespace

Operators reduction_operators() { return rows; }

}  // namespace lathe::onnx
