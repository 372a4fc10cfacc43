#include "frontend/functions/along_axis.h"

#include <algorithm>

#include <fmt/format.h>

#include "frontend/functions/axis_arguments.h"
#include "frontend/functions/operand_checks.h"
#include "frontend/tensor/record.h"
#include "ir/functions/along_axis.h"
#include "ir/functions/order_statistics.h"
#include "ir/functions/statistics.h"
#include "ir/ops/ops.h"

namespace lathe {
namespace {

namespace f = ir::functions;
namespace ops = ir::ops;
using detail::blaming;
using detail::LocScope;
using detail::natural_axis;

// All results of an op along an axis.
ValuesAndIndices both(const ir::OpDef& op, const Tensor& x, std::int64_t axis, bool flag, Where where) {
    const detail::NodeRef operand = detail::operand(x.node());
    const std::vector<detail::NodeRef> results = detail::record_results(op, {&operand, 1}, {axis, flag}, where);
    return {Tensor(results[0]), Tensor(results[1])};
}
Tensor without(const Tensor& x, std::int64_t axis) {
    ir::Shape shape;
    for (std::size_t i = 0; i < x.rank(); ++i)
        if (i != static_cast<std::size_t>(axis)) shape.push_back(x.type().shape[i]);
    return f::reshape(x, shape);
}
void require_elements(std::string_view name, const Tensor& sorted, std::int64_t axis) {
    if (sorted.type().shape[static_cast<std::size_t>(axis)] == ir::Dim(0))
        f::refuse(name, "there is nothing along the axis", sorted);
}

}  // namespace

Tensor sort(const Tensor& x, std::int64_t axis, SortOptions options, Where where) {
    const LocScope scope(where, "sort", x);
    return both(ops::sort, x, axis, options.descending, where).values;
}
Tensor argsort(const Tensor& x, std::int64_t axis, SortOptions options, Where where) {
    const LocScope scope(where, "argsort", x);
    return both(ops::sort, x, axis, options.descending, where).indices;
}
Tensor cumsum(const Tensor& x, std::int64_t axis, CumsumOptions options, Where where) {
    const LocScope scope(where, "cumsum", x);
    return ops::cumsum.with({axis, options.reverse}, x);
}

Tensor cumprod(const Tensor& x, std::int64_t axis, CumulativeOptions options, Where where) {
    const LocScope scope(where, "cumprod", x);
    return ops::cumprod.with({axis, options.reverse}, x);
}
Tensor logcumsumexp(const Tensor& x, std::int64_t axis, CumulativeOptions options, Where where) {
    const LocScope scope(where, "logcumsumexp", x);
    return blaming(where, "logcumsumexp", [&] {
        detail::require_floats("logcumsumexp", x);
        return f::logcumsumexp(detail::value_of(x), natural_axis(axis, x), options.reverse);
    });
}
ValuesAndIndices cummax(const Tensor& x, std::int64_t axis, CumulativeOptions options, Where where) {
    const LocScope scope(where, "cummax", x);
    return both(ops::cummax, x, axis, options.reverse, where);
}
ValuesAndIndices cummin(const Tensor& x, std::int64_t axis, CumulativeOptions options, Where where) {
    const LocScope scope(where, "cummin", x);
    const ValuesAndIndices greatest = both(ops::cummax, f::reversed_order(x), axis, options.reverse, where);
    return {f::reversed_order(greatest.values), greatest.indices};
}
Tensor linear_recurrence(const Tensor& a, const Tensor& b, std::int64_t axis, CumulativeOptions options, Where where) {
    const LocScope scope(where, "linear_recurrence", a, b);
    return ops::linear_recurrence.with({axis, options.reverse}, a, b);
}

ValuesAndIndices median(const Tensor& x, std::int64_t axis, bool keep, Where where) {
    const LocScope scope(where, "median", x);
    const ValuesAndIndices sorted = both(ops::sort, x, axis, false, where);
    return blaming(where, "median", [&]() -> ValuesAndIndices {
        const std::int64_t a = natural_axis(axis, x);
        require_elements("median", sorted.values, a);
        const Tensor value = f::at_median(sorted.values, sorted.values, a);
        const Tensor index = f::at_median(sorted.indices, sorted.values, a);
        return keep ? ValuesAndIndices{value, index} : ValuesAndIndices{without(value, a), without(index, a)};
    });
}

namespace {

// In the place of the axis.
Tensor quantiles(const Tensor& x, std::span<const double> q, std::int64_t axis, QuantileInterpolation interpolation) {
    for (const double part : q)
        if (!(part >= 0 && part <= 1)) f::refuse("quantile", fmt::format("{} is not in [0, 1]", part), x);
    detail::require_floats("quantile", x);
    const Tensor sorted = ops::sort.with({axis, false}, x);
    const std::int64_t a = natural_axis(axis, x);
    require_elements("quantile", sorted, a);
    const auto how = static_cast<f::QuantileInterpolation>(interpolation);
    return f::in_accumulator(sorted, [&](const Tensor& lines) { return f::quantiles(lines, q, a, how); });
}

}  // namespace

Tensor quantile(const Tensor& x, double q, std::int64_t axis, QuantileOptions options, Where where) {
    const LocScope scope(where, "quantile", x);
    return blaming(where, "quantile", [&] {
        const Tensor y = quantiles(x, {&q, 1}, axis, options.interpolation);
        return options.keep ? y : without(y, natural_axis(axis, x));
    });
}
Tensor quantile(const Tensor& x, const std::vector<double>& q, std::int64_t axis, QuantileOptions options,
                Where where) {
    const LocScope scope(where, "quantile", x);
    return blaming(where, "quantile", [&] {
        const Tensor y = quantiles(x, q, axis, options.interpolation);
        const auto a = static_cast<std::size_t>(natural_axis(axis, x));
        ir::Integers first = f::all_axes(y.rank());
        std::rotate(first.begin(), first.begin() + static_cast<std::ptrdiff_t>(a),
                    first.begin() + static_cast<std::ptrdiff_t>(a) + 1);
        const Tensor moved = f::transpose(y, first);
        if (!options.keep) return moved;
        ir::Shape shape{static_cast<std::int64_t>(q.size())};
        for (std::size_t i = 0; i < x.rank(); ++i) shape.push_back(i == a ? ir::Dim(1) : x.type().shape[i]);
        return f::reshape(moved, shape);
    });
}

}  // namespace lathe
