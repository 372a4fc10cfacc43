// Reductions over axes, and running sums.
#include <algorithm>
#include <limits>

#include "frontend/functions/along_axis.h"
#include "frontend/functions/elementwise.h"
#include "frontend/functions/movement.h"
#include "frontend/functions/reductions.h"
#include "frontend/onnx/counted.h"
#include "frontend/onnx/operators.h"

namespace lathe::onnx {
namespace {

using Fold = Tensor (*)(const Tensor&, const Axes&, bool, Where);

struct Reduction {
    Tensor x;
    std::vector<std::int64_t> axes;
    bool keep = true;
    bool is_whole = false;                // nothing is reduced
    std::optional<Counted> counted = {};  // of the result

    Value result(Tensor y) const {
        Value v(std::move(y));
        v.set_counted(counted);
        return v;
    }
};

// Axes were an attribute up to opset 12 of ReduceSum and 17 of the others. Without any, all are meant, or none.
// Elements that do not count are `nothing` to it; without that number, all have to count that are reduced.
Reduction reduction_of(NodeCall& c, std::optional<double> nothing = {}) {
    Reduction r{c[0], integers_of(c, 1, "axes").value_or(std::vector<std::int64_t>()), c.flag("keepdims", true)};
    for (std::int64_t& axis : r.axes) axis = c.natural_axis(axis, r.x.rank());
    r.is_whole = r.axes.empty() && (c.flag("noop_with_empty_axes") || r.x.rank() == 0);
    r.counted = c.value(0).counted();
    if (!r.counted || r.is_whole) return r;
    const auto axis = static_cast<std::int64_t>(r.counted->axis);
    if (r.axes.empty() || std::ranges::find(r.axes, axis) != r.axes.end()) {
        if (!nothing) c.need_extent(0);
        r.x = filled(c.value(0), *nothing);
        r.counted = {};
    } else if (!r.keep) {
        r.counted->axis -= static_cast<std::size_t>(std::ranges::count_if(r.axes, [&](auto a) { return a < axis; }));
    }
    return r;
}

Tensor fold(const Reduction& r, Fold function) {
    if (r.is_whole) return r.x;
    return function(r.x, Axes(r.axes), r.keep, Where::current());
}

// Narrow integers are added in wide ones; the result has the operand's dtype.
template <Fold function, int nothing>
Results reduced_narrowly(NodeCall& c) {
    const Reduction r = reduction_of(c, nothing);
    return {r.result(convert(fold(r, function), r.x.dtype()))};
}

// Of known integers the product of all is one: the number of elements that a shape stands for.
template <Fold function, int nothing, Dim (*of_two)(Dim, Dim)>
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
    return reduced_narrowly<function, nothing>(c);
}
Dim product(Dim a, Dim b) { return a * b; }
Dim added(Dim a, Dim b) { return a + b; }

Results of_magnitudes(NodeCall& c) {
    Reduction r = reduction_of(c, 0);
    const Dtype dtype = r.x.dtype();
    r.x = abs(r.x);
    return {r.result(convert(fold(r, sum), dtype))};
}
Value sum_of_squares(NodeCall& c) {
    Reduction r = reduction_of(c, 0);
    const Dtype dtype = r.x.dtype();
    r.x = r.x * r.x;
    return r.result(convert(fold(r, sum), dtype));
}
Results of_squares(NodeCall& c) { return {sum_of_squares(c)}; }

// Roots and logarithms of integers are computed in f64 and truncated.
template <Tensor (*function)(const Tensor&, Where)>
Value by_float(const Value& v) {
    const Tensor& x = v.tensor();
    Value y(ir::is_float(x.dtype()) ? function(x, Where::current())
                                    : convert(function(convert(x, Dtype::f64), Where::current()), x.dtype()));
    y.set_counted(v.counted());
    return y;
}
Results euclidean(NodeCall& c) { return {by_float<sqrt>(sum_of_squares(c))}; }
Results log_of_sum(NodeCall& c) { return {by_float<log>(reduced_narrowly<sum, 0>(c)[0])}; }
Results log_of_sum_of_exponentials(NodeCall& c) {
    Reduction r = reduction_of(c);
    const Dtype dtype = r.x.dtype();
    if (!ir::is_float(dtype)) r.x = convert(r.x, Dtype::f64);
    if (r.is_whole) return {c.value(0)};
    return {r.result(convert(logsumexp(r.x, Axes(r.axes), r.keep), dtype))};
}
Results average(NodeCall& c) {
    Reduction r = reduction_of(c);
    const Dtype dtype = r.x.dtype();
    if (!ir::is_float(dtype)) r.x = convert(r.x, Dtype::f64);
    return {r.result(convert(fold(r, mean), dtype))};
}

// Of nothing the greatest is the least that there is, and the other way round.
template <Fold function, bool greatest>
Results extreme(NodeCall& c) {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    const bool is_float = ir::is_float(c[0].dtype());
    const Reduction r =
        reduction_of(c, is_float ? std::optional(greatest ? -infinity : infinity) : std::optional<double>());
    if (r.x.dtype() == Dtype::boolean) return {r.result(fold(r, greatest ? any : all))};
    return {r.result(fold(r, function))};
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
    const std::optional<Counted>& counted = c.value(0).counted();
    if (counted && reverse && static_cast<std::int64_t>(counted->axis) == axis) c.need_extent(0);
    Value y(sums);
    y.set_counted(counted);
    return {std::move(y)};
}

constexpr auto rows = counting(Counts::by_itself, {
                                                      {"CumSum", running_sum},
                                                      {"ReduceL1", of_magnitudes},
                                                      {"ReduceL2", euclidean},
                                                      {"ReduceLogSum", log_of_sum},
                                                      {"ReduceLogSumExp", log_of_sum_of_exponentials},
                                                      {"ReduceMax", extreme<max, true>},
                                                      {"ReduceMean", average},
                                                      {"ReduceMin", extreme<min, false>},
                                                      {"ReduceProd", reduced_shape<prod, 1, product>},
                                                      {"ReduceSum", reduced_shape<sum, 0, added>},
                                                      {"ReduceSumSquare", of_squares},
                                                  });

}  // namespace

Operators reduction_operators() { return rows; }

}  // namespace lathe::onnx
