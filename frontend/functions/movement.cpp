#include "frontend/functions/movement.h"

#include <algorithm>

#include <fmt/format.h>

#include "frontend/functions/axis_arguments.h"
#include "frontend/tensor/record.h"
#include "ir/functions/basic.h"
#include "ir/ops/ops.h"

namespace lathe {
namespace {

namespace f = ir::functions;
namespace ops = ir::ops;
using detail::LocScope;
using detail::natural_axis;
using detail::value_of;

// The shape, with the extent of -1 that it may have as what the others leave of x's elements.
Shape with_inferred(const Shape& shape, const Tensor& x, Where where) {
    const auto is_inferred = [](Dim d) { return d == Dim(-1); };
    const auto inferred = std::ranges::count_if(shape, is_inferred);
    if (inferred == 0) return shape;
    const auto refuse = [&](const std::string& why) {
        throw TypeError(fmt::format("{}: {} ({})", detail::spoken("reshape"), why, x.type().to_string()),
                        detail::blame(where));
    };
    if (inferred > 1) refuse("more than one extent is -1");
    Dim rest = 0;
    try {
        Dim others = 1;
        for (Dim d : shape)
            if (!is_inferred(d)) others *= d;
        if (others == Dim(0)) refuse("an extent of -1 beside one of 0 could be any");
        const Dim all = x.type().shape.element_count();
        rest = floordiv(all, others);
        if (all.is_constant() && others.is_constant() && rest * others != all)
            refuse(fmt::format("{} elements do not divide into {}", all.constant(), others.constant()));
    } catch (const Error& e) {  // of arithmetic with extents
        if (e.loc().known()) throw;
        refuse(e.message());
    }
    Shape out;
    for (Dim d : shape) out.push_back(is_inferred(d) ? rest : d);
    return out;
}

}  // namespace

Tensor reshape(const Tensor& x, const Shape& shape, Where where) {
    const LocScope scope(where, "reshape", x);
    return f::reshape(value_of(x), with_inferred(shape, x, where));
}
Tensor Tensor::reshape(const Shape& shape, Where where) const { return lathe::reshape(*this, shape, where); }
Tensor transpose(const Tensor& x, const Axes& permutation, Where where) {
    const LocScope scope(where, "transpose", x);
    ir::Integers order = permutation.values();
    for (std::int64_t& axis : order) axis = natural_axis(axis, x);
    return f::transpose(value_of(x), std::move(order));
}
Tensor Tensor::t(Where where) const {
    const LocScope scope(where, "t", *this);
    if (rank() < 2) throw TypeError("t: wants two axes or more (" + type().to_string() + ")", detail::blame(where));
    ir::Integers order = f::all_axes(rank());
    std::swap(order[order.size() - 1], order[order.size() - 2]);
    return transpose(*this, std::move(order), where);
}
Tensor broadcast_to(const Tensor& x, const Shape& shape, Where where) {
    const LocScope scope(where, "broadcast_to", x);
    return f::broadcast_to(value_of(x), shape);
}
Tensor slice(const Tensor& x, Shape start, Shape size, Where where) {
    const LocScope scope(where, "slice", x);
    return f::slice(x, start, size, ir::Integers(start.rank(), 1));
}
Tensor pad(const Tensor& x, const Shape& low, const Shape& high, double fill, Where where) {
    const LocScope scope(where, "pad", x);
    return f::pad(x, detail::Operand(fill, where).as(x.dtype(), "pad"), low, high);
}
Tensor concat(std::span<const Tensor> parts, std::int64_t axis, Where where) {
    const LocScope scope(where, "concat");
    if (parts.empty()) throw TypeError(detail::spoken("concat") + ": wants one tensor or more", detail::blame(where));
    for (const Tensor& part : parts)
        if (part.is_empty())
            throw UserError(detail::spoken("concat") + ": an empty tensor was used", detail::blame(where));
    return detail::TensorRecorder::record(ops::concat, parts, {natural_axis(axis, parts[0])});
}

}  // namespace lathe
