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
// scan(x), for which a number is a line of one element.
template <class F>
Tensor as_line(const Tensor& x, std::int64_t axis, const F& scan) {
    if (x.rank() > 0 || (axis != 0 && axis != -1)) return scan(x);
    return f::reshape(scan(f::reshape(detail::value_of(x), Shape{1})), Shape{});
}
ValuesAndIndices cumulative_greatest(const Tensor& x, std::int64_t axis, bool reverse, Where where) {
    if (x.rank() > 0 || (axis != 0 && axis != -1)) return both(ops::cummax, x, axis, reverse, where);
    const ValuesAndIndices line = both(ops::cummax, f::reshape(detail::value_of(x), Shape{1}), axis, reverse, where);
    return {f::reshape(line.values, Shape{}), f::reshape(line.indices, Shape{})};
}
void require_elements(std::string_view name, const Tensor& sorted, std::int64_t axis) {
    if (sorted.type().shape[static_cast<std::size_t>(axis)] == ir::Dim(0))
        f::refuse(name, fmt::format("there is nothing along axis {}", axis), sorted);
}

// Of extent 1 along the axis, which stays or goes.
ValuesAndIndices kept_if(const ValuesAndIndices& chosen, std::int64_t axis, bool keep) {
    return keep ? chosen : ValuesAndIndices{without(chosen.values, axis), without(chosen.indices, axis)};
}
// Those at one place of each sorted line.
ValuesAndIndices at_place(const ValuesAndIndices& sorted, const Tensor& place, std::int64_t axis, bool keep) {
    return kept_if({f::take_along_axis(sorted.values, place, axis), f::take_along_axis(sorted.indices, place, axis)},
                   axis, keep);
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
    return as_line(x, axis,
                   [&](const Tensor& line) -> Tensor { return ops::cumsum.with({axis, options.reverse}, line); });
}

Tensor cumprod(const Tensor& x, std::int64_t axis, CumulativeOptions options, Where where) {
    const LocScope scope(where, "cumprod", x);
    return as_line(x, axis,
                   [&](const Tensor& line) -> Tensor { return ops::cumprod.with({axis, options.reverse}, line); });
}
Tensor logcumsumexp(const Tensor& x, std::int64_t axis, CumulativeOptions options, Where where) {
    const LocScope scope(where, "logcumsumexp", x);
    return blaming(where, "logcumsumexp", [&] {
        detail::require_floats("logcumsumexp", x);
        return as_line(x, axis, [&](const Tensor& line) {
            return f::logcumsumexp(detail::value_of(line), natural_axis(axis, line), options.reverse);
        });
    });
}
ValuesAndIndices cummax(const Tensor& x, std::int64_t axis, CumulativeOptions options, Where where) {
    const LocScope scope(where, "cummax", x);
    return cumulative_greatest(x, axis, options.reverse, where);
}
ValuesAndIndices cummin(const Tensor& x, std::int64_t axis, CumulativeOptions options, Where where) {
    const LocScope scope(where, "cummin", x);
    const ValuesAndIndices greatest = cumulative_greatest(f::reversed_order(x), axis, options.reverse, where);
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
        return kept_if({f::at_median(sorted.values, sorted.values, a), f::at_median(sorted.indices, sorted.values, a)},
                       a, keep);
    });
}

ValuesAndIndices nanmedian(const Tensor& x, std::int64_t axis, bool keep, Where where) {
    const LocScope scope(where, "nanmedian", x);
    const ValuesAndIndices sorted = both(ops::sort, x, axis, false, where);
    return blaming(where, "nanmedian", [&]() -> ValuesAndIndices {
        const std::int64_t a = natural_axis(axis, x);
        require_elements("nanmedian", sorted.values, a);
        return at_place(sorted, f::nanmedian_place(sorted.values, a), a, keep);
    });
}
ValuesAndIndices mode(const Tensor& x, std::int64_t axis, bool keep, Where where) {
    const LocScope scope(where, "mode", x);
    const ValuesAndIndices sorted = both(ops::sort, x, axis, false, where);
    return blaming(where, "mode", [&]() -> ValuesAndIndices {
        const std::int64_t a = natural_axis(axis, x);
        require_elements("mode", sorted.values, a);
        return at_place(sorted, f::longest_run(sorted.values, a), a, keep);
    });
}
ValuesAndIndices kthvalue(const Tensor& x, std::int64_t k, std::int64_t axis, bool keep, Where where) {
    const LocScope scope(where, "kthvalue", x);
    const ValuesAndIndices sorted = both(ops::sort, x, axis, false, where);
    return blaming(where, "kthvalue", [&]() -> ValuesAndIndices {
        const std::int64_t a = natural_axis(axis, x);
        const Dim extent = x.type().shape[static_cast<std::size_t>(a)];
        if (k < 1 || (extent.is_constant() && k > extent.constant()))
            f::refuse("kthvalue", fmt::format("k is {}, not one of the elements along axis {}, from 1 on", k, a), x);
        return kept_if({f::element_at(sorted.values, a, k - 1), f::element_at(sorted.indices, a, k - 1)}, a, keep);
    });
}

namespace {

enum class OfNan { is_result, is_left_out };

// In the place of the axis, for q of f64 [count].
Tensor quantiles(std::string_view name, const Tensor& x, const Tensor& q, std::int64_t axis,
                 QuantileInterpolation interpolation, OfNan of_nan) {
    detail::require_floats(name, x);
    const Tensor sorted = ops::sort.with({axis, false}, x);
    const std::int64_t a = natural_axis(axis, x);
    require_elements(name, sorted, a);
    const auto how = static_cast<f::QuantileInterpolation>(interpolation);
    return f::in_accumulator(sorted, [&](const Tensor& lines) {
        return of_nan == OfNan::is_result ? f::quantiles(lines, q, a, how) : f::nanquantiles(lines, q, a, how);
    });
}
Tensor literal_of(std::string_view name, const Tensor& x, std::span<const double> q) {
    for (const double part : q) detail::require_between(name, "q", part, 0, 1, {});
    const auto count = static_cast<std::int64_t>(q.size());
    return detail::TensorRecorder::constant_like(x, ir::make_literal({Dtype::f64, ir::Shape{count}}, std::as_bytes(q)),
                                                 {});
}

// The axis of the quantiles as the first.
Tensor in_front(const Tensor& y, const Tensor& x, std::int64_t axis, bool keep) {
    const auto a = static_cast<std::size_t>(axis);
    ir::Integers first = f::all_axes(y.rank());
    std::rotate(first.begin(), first.begin() + static_cast<std::ptrdiff_t>(a),
                first.begin() + static_cast<std::ptrdiff_t>(a) + 1);
    const Tensor moved = f::transpose(y, first);
    if (!keep) return moved;
    ir::Shape shape{y.type().shape[a]};
    for (std::size_t i = 0; i < x.rank(); ++i) shape.push_back(i == a ? ir::Dim(1) : x.type().shape[i]);
    return f::reshape(moved, shape);
}

Tensor one_quantile(std::string_view name, const Tensor& x, double q, std::int64_t axis, QuantileOptions options,
                    OfNan of_nan, Where where) {
    const LocScope scope(where, name, x);
    return blaming(where, name, [&] {
        const Tensor y = quantiles(name, x, literal_of(name, x, {&q, 1}), axis, options.interpolation, of_nan);
        return options.keep ? y : without(y, natural_axis(axis, x));
    });
}
Tensor several_quantiles(std::string_view name, const Tensor& x, std::span<const double> q, std::int64_t axis,
                         QuantileOptions options, OfNan of_nan, Where where) {
    const LocScope scope(where, name, x);
    return blaming(where, name, [&] {
        const Tensor y = quantiles(name, x, literal_of(name, x, q), axis, options.interpolation, of_nan);
        return in_front(y, x, natural_axis(axis, x), options.keep);
    });
}

}  // namespace

Tensor quantile(const Tensor& x, double q, std::int64_t axis, QuantileOptions options, Where where) {
    return one_quantile("quantile", x, q, axis, options, OfNan::is_result, where);
}
Tensor quantile(const Tensor& x, const std::vector<double>& q, std::int64_t axis, QuantileOptions options,
                Where where) {
    return several_quantiles("quantile", x, q, axis, options, OfNan::is_result, where);
}
Tensor nanquantile(const Tensor& x, double q, std::int64_t axis, QuantileOptions options, Where where) {
    return one_quantile("nanquantile", x, q, axis, options, OfNan::is_left_out, where);
}
Tensor nanquantile(const Tensor& x, const std::vector<double>& q, std::int64_t axis, QuantileOptions options,
                   Where where) {
    return several_quantiles("nanquantile", x, q, axis, options, OfNan::is_left_out, where);
}
static Tensor quantiles_of_tensor(std::string_view name, const Tensor& x, const Tensor& q, std::int64_t axis,
                                  QuantileOptions options, OfNan of_nan, Where where) {
    const LocScope scope(where, name, x, q);
    return blaming(where, name, [&] {
        detail::require_dtype(name, "operand 1", ir::floats, q, x);
        if (q.rank() > 1) f::refuse(name, fmt::format("wants a number or a vector as q, not rank {}", q.rank()), x, q);
        const Tensor parts =
            f::convert(f::reshape(detail::value_of(q), ir::Shape{q.type().shape.element_count()}), Dtype::f64);
        const Tensor y = quantiles(name, x, parts, axis, options.interpolation, of_nan);
        const std::int64_t a = natural_axis(axis, x);
        if (q.rank() == 0) return options.keep ? y : without(y, a);
        return in_front(y, x, a, options.keep);
    });
}
Tensor quantile(const Tensor& x, const Tensor& q, std::int64_t axis, QuantileOptions options, Where where) {
    return quantiles_of_tensor("quantile", x, q, axis, options, OfNan::is_result, where);
}
Tensor nanquantile(const Tensor& x, const Tensor& q, std::int64_t axis, QuantileOptions options, Where where) {
    return quantiles_of_tensor("nanquantile", x, q, axis, options, OfNan::is_left_out, where);
}

}  // namespace lathe
