#include "frontend/functions/differences.h"

#include <algorithm>

#include <fmt/format.h>

#include "frontend/functions/axis_arguments.h"
#include "frontend/functions/operand_checks.h"
#include "frontend/tensor/record.h"
#include "ir/functions/movement.h"
#include "ir/ops/ops.h"

namespace lathe {
namespace {

namespace f = ir::functions;
namespace ops = ir::ops;
using detail::blaming;
using detail::LocScope;
using detail::value_of;

// f(each element but the last, each but the first).
template <class F>
Tensor of_neighbours(const Tensor& x, std::int64_t axis, const F& function) {
    const Dim extent = x.type().shape[static_cast<std::size_t>(axis)];
    return function(f::narrow(x, axis, 0, extent - 1), f::narrow(x, axis, 1, extent - 1));
}
Tensor difference(const Tensor& x, std::int64_t axis) {
    return of_neighbours(x, axis, [](const Tensor& a, const Tensor& b) {
        return a.dtype() == Dtype::boolean ? ops::ne(b, a) : ops::sub(b, a);
    });
}

// The areas under the lines between neighbours; x is empty where distances are all the same.
Tensor areas(std::string_view function, const Tensor& y, const Tensor& x, double distance, std::int64_t axis,
             Where where) {
    if (x.is_empty())
        detail::require_floats(function, y);
    else
        detail::require_floats(function, y, x);
    const std::int64_t a = detail::axis_of(axis, y.rank(), function, where);
    const Tensor heights = of_neighbours(
        value_of(y), a, [](const Tensor& l, const Tensor& r) { return ops::mul(ops::add(l, r), f::number(l, 0.5)); });
    if (x.is_empty()) return ops::mul(heights, f::number(heights, distance));
    f::require_same_dtype(function, y, x);
    if (x.rank() == 1) {
        Shape beside = x.type().shape;
        for (auto i = static_cast<std::size_t>(a) + 1; i < y.rank(); ++i) beside.push_back(1);
        return ops::mul(heights, difference(f::reshape(value_of(x), beside), 0));
    }
    if (x.rank() != y.rank())
        f::refuse(function, fmt::format("wants a vector of points, or {} axes of them", y.rank()), y, x);
    return ops::mul(heights, difference(value_of(x), a));
}
Tensor total(std::string_view function, const Tensor& y, const Tensor& x, double distance, std::int64_t axis,
             bool is_running, Where where) {
    return blaming(where, function, [&] {
        const Tensor all = areas(function, y, x, distance, axis, where);
        const std::int64_t a = detail::natural_axis(axis, y);
        return is_running ? ops::cumsum.with({a, false}, all) : f::sum(all, {a});
    });
}

}  // namespace

Tensor diff(const Tensor& x, const DiffOptions& options, Where where) {
    LocScope scope(where, "diff", x);
    for (const auto* beside : {&options.prepend, &options.append})
        if (*beside) scope.also(**beside);
    return blaming(where, "diff", [&] {
        const std::int64_t axis = detail::axis_of(options.axis, x.rank(), "diff", where);
        detail::require_at_least("diff", "order", options.order, 0, where);
        Tensor y = value_of(x);
        if (options.order == 0) return y;
        std::vector<Tensor> parts;
        if (options.prepend) parts.push_back(value_of(*options.prepend));
        parts.push_back(y);
        if (options.append) parts.push_back(value_of(*options.append));
        if (std::ranges::any_of(parts, &Tensor::is_empty))
            detail::refuse("diff", "what is put beside x is an empty tensor", where);
        if (parts.size() > 1) y = f::concat(parts, axis);
        const Dim extent = y.type().shape[static_cast<std::size_t>(axis)];
        // Of fewer elements than differences are taken of nothing is left.
        if (extent.is_constant() && extent.constant() <= options.order) return f::narrow(y, axis, 0, 0);
        for (std::int64_t i = 0; i < options.order; ++i) y = difference(y, axis);
        return y;
    });
}

Tensor trapezoid(const Tensor& y, double distance, std::int64_t axis, Where where) {
    const LocScope scope(where, "trapezoid", y);
    return total("trapezoid", y, {}, distance, axis, false, where);
}
Tensor trapezoid(const Tensor& y, const Tensor& x, std::int64_t axis, Where where) {
    const LocScope scope(where, "trapezoid", y, x);
    return total("trapezoid", y, x, 0, axis, false, where);
}
Tensor cumulative_trapezoid(const Tensor& y, double distance, std::int64_t axis, Where where) {
    const LocScope scope(where, "cumulative_trapezoid", y);
    return total("cumulative_trapezoid", y, {}, distance, axis, true, where);
}
Tensor cumulative_trapezoid(const Tensor& y, const Tensor& x, std::int64_t axis, Where where) {
    const LocScope scope(where, "cumulative_trapezoid", y, x);
    return total("cumulative_trapezoid", y, x, 0, axis, true, where);
}

}  // namespace lathe
