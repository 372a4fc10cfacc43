#include "frontend/functions/movement.h"

#include <algorithm>

#include <fmt/format.h>

#include "frontend/functions/axis_arguments.h"
#include "frontend/functions/elementwise.h"
#include "frontend/functions/indexing.h"
#include "frontend/functions/operand_checks.h"
#include "frontend/tensor/record.h"
#include "ir/functions/movement.h"
#include "ir/ops/ops.h"

namespace lathe {
namespace {

namespace f = ir::functions;
using detail::axes_of;
using detail::axis_of;
using detail::blaming;
using detail::LocScope;
using detail::natural_axis;
using detail::refuse;
using detail::refuse_entries;
using detail::value_of;

// The shape, with the extent of -1 that it may have as what the others leave of `all` elements.
Shape with_inferred(const Shape& shape, Dim all, std::string_view function, Where where) {
    const auto is_inferred = [](Dim d) { return d == Dim(-1); };
    const auto inferred = std::ranges::count_if(shape, is_inferred);
    if (inferred == 0) return shape;
    if (inferred > 1) refuse(function, "more than one extent is -1", where);
    for (const Dim d : shape)
        if (d.is_constant() && d.constant() < -1)
            refuse(function, fmt::format("an extent is negative: {}", d.constant()), where);
    Dim rest = 0;
    try {
        Dim others = 1;
        for (Dim d : shape)
            if (!is_inferred(d)) others *= d;
        if (others == Dim(0)) refuse(function, "an extent of -1 beside one of 0 could be any", where);
        rest = floordiv(all, others);
        if (all.is_constant() && others.is_constant() && rest * others != all)
            refuse(function, fmt::format("{} elements are no multiple of {}", all.constant(), others.constant()),
                   where);
    } catch (const Error& e) {  // of arithmetic with extents
        if (e.loc().known()) throw;
        refuse(function, e.message(), where);
    }
    Shape out;
    for (Dim d : shape) out.push_back(is_inferred(d) ? rest : d);
    return out;
}

// x with the axes from `first` on, `count` of them, as those of `shape`.
Tensor with_axes(const Tensor& x, std::size_t first, std::size_t count, const Shape& shape, std::string_view function,
                 Where where) {
    const Shape& own = x.type().shape;
    detail::require_rank(own.rank() - count + shape.rank(), function, where);
    Shape out;
    for (std::size_t i = 0; i < first; ++i) out.push_back(own[i]);
    for (Dim d : shape) out.push_back(d);
    for (std::size_t i = first + count; i < own.rank(); ++i) out.push_back(own[i]);
    return f::reshape(value_of(x), out);
}

}  // namespace

Tensor reshape(const Tensor& x, const Shape& shape, Where where) {
    const LocScope scope(where, "reshape", x);
    return f::reshape(value_of(x), with_inferred(shape, x.type().shape.element_count(), "reshape", where));
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
    if (rank() < 2) detail::refuse("t", fmt::format("wants two axes or more, not {}", rank()), where);
    ir::Integers order = f::all_axes(rank());
    std::swap(order[order.size() - 1], order[order.size() - 2]);
    return transpose(*this, std::move(order), where);
}
Tensor flatten(const Tensor& x, std::int64_t first, std::int64_t last, Where where) {
    const LocScope scope(where, "flatten", x);
    return blaming(where, "flatten", [&]() -> Tensor {
        const std::size_t rank = x.rank();
        if (rank == 0 && first == 0 && last == -1) return with_axes(x, 0, 0, {1}, "flatten", where);
        const auto from = static_cast<std::size_t>(axis_of(first, rank, "flatten", where));
        const auto to = static_cast<std::size_t>(axis_of(last, rank, "flatten", where));
        if (from > to) refuse("flatten", fmt::format("axis {} is behind axis {}", from, to), where);
        Dim all = 1;
        for (std::size_t i = from; i <= to; ++i) all *= x.type().shape[i];
        return with_axes(x, from, to - from + 1, {all}, "flatten", where);
    });
}
Tensor unflatten(const Tensor& x, std::int64_t axis, const Shape& shape, Where where) {
    const LocScope scope(where, "unflatten", x);
    return blaming(where, "unflatten", [&]() -> Tensor {
        const auto a = static_cast<std::size_t>(axis_of(axis, x.rank(), "unflatten", where));
        return with_axes(x, a, 1, with_inferred(shape, x.type().shape[a], "unflatten", where), "unflatten", where);
    });
}
Tensor squeeze(const Tensor& x, const Axes& axes, Where where) {
    const LocScope scope(where, "squeeze", x);
    const Shape& shape = x.type().shape;
    const ir::Integers gone = axes_of(axes, shape.rank(), "squeeze", where);
    Shape rest;
    for (std::size_t i = 0; i < shape.rank(); ++i) {
        const bool goes = axes.values().empty() ? shape[i] == Dim(1)
                                                : std::ranges::find(gone, static_cast<std::int64_t>(i)) != gone.end();
        if (goes && shape[i].is_constant() && shape[i] != Dim(1))
            refuse("squeeze", fmt::format("the extent of axis {} is {}, not 1", i, shape[i].constant()), where);
        if (!goes) rest.push_back(shape[i]);
    }
    return f::reshape(value_of(x), rest);
}
Tensor unsqueeze(const Tensor& x, const Axes& axes, Where where) {
    const LocScope scope(where, "unsqueeze", x);
    const std::size_t rank = x.rank() + axes.values().size();
    detail::require_rank(rank, "unsqueeze", where);
    return f::unsqueeze(value_of(x), axes_of(axes, rank, "unsqueeze", where));
}
Tensor broadcast_to(const Tensor& x, const Shape& shape, Where where) {
    const LocScope scope(where, "broadcast_to", x);
    return f::broadcast_to(value_of(x), shape);
}
Tensor expand(const Tensor& x, const Shape& shape, Where where) {
    const LocScope scope(where, "expand", x);
    const Shape& own = x.type().shape;
    Shape wide = shape;
    for (std::size_t i = 0; i < shape.rank(); ++i)
        if (shape[i] == Dim(-1) && i + own.rank() >= shape.rank()) wide[i] = own[i + own.rank() - shape.rank()];
    return f::broadcast_to(value_of(x), wide);
}

// ---- other orders of axes

Tensor movedim(const Tensor& x, const Axes& from, const Axes& to, Where where) {
    const LocScope scope(where, "movedim", x);
    const ir::Integers source = axes_of(from, x.rank(), "movedim", where);
    const ir::Integers target = axes_of(to, x.rank(), "movedim", where);
    if (source.size() != target.size())
        refuse("movedim", fmt::format("{} axes cannot move to {} places", source.size(), target.size()), where);
    ir::Integers order(x.rank(), -1);
    for (std::size_t i = 0; i < source.size(); ++i) order[static_cast<std::size_t>(target[i])] = source[i];
    std::int64_t next = 0;
    for (std::int64_t& axis : order) {
        if (axis >= 0) continue;
        while (std::ranges::find(source, next) != source.end()) ++next;
        axis = next++;
    }
    return f::transpose(value_of(x), std::move(order));
}
Tensor swapaxes(const Tensor& x, std::int64_t a, std::int64_t b, Where where) {
    const LocScope scope(where, "swapaxes", x);
    ir::Integers order = f::all_axes(x.rank());
    const std::int64_t first = axis_of(a, x.rank(), "swapaxes", where),
                       second = axis_of(b, x.rank(), "swapaxes", where);
    std::swap(order[static_cast<std::size_t>(first)], order[static_cast<std::size_t>(second)]);
    return f::transpose(value_of(x), std::move(order));
}

// ---- other orders of elements

Tensor flip(const Tensor& x, const Axes& axes, Where where) {
    const LocScope scope(where, "flip", x);
    return f::flip(value_of(x), axes.values().empty() ? f::all_axes(x.rank()) : axes_of(axes, x.rank(), "flip", where));
}
Tensor roll(const Tensor& x, std::int64_t shift, std::int64_t axis, Where where) {
    const LocScope scope(where, "roll", x);
    return blaming(where, "roll",
                   [&]() -> Tensor { return f::roll(value_of(x), shift, axis_of(axis, x.rank(), "roll", where)); });
}
Tensor roll(const Tensor& x, const std::vector<std::int64_t>& shifts, const Axes& axes, Where where) {
    const LocScope scope(where, "roll", x);
    const ir::Integers along = axes_of(axes, x.rank(), "roll", where);
    if (along.size() != shifts.size())
        refuse("roll", fmt::format("{} shifts for {} axes", shifts.size(), along.size()), where);
    return blaming(where, "roll", [&] {
        Tensor y = value_of(x);
        for (std::size_t i = 0; i < along.size(); ++i) y = f::roll(y, shifts[i], along[i]);
        return y;
    });
}
Tensor roll(const Tensor& x, std::int64_t shift, Where where) {
    const LocScope scope(where, "roll", x);
    return blaming(where, "roll", [&]() -> Tensor {
        const Shape& shape = x.type().shape;
        return f::reshape(f::roll(f::reshape(value_of(x), Shape{shape.element_count()}), shift, 0), shape);
    });
}
Tensor rot90(const Tensor& x, std::int64_t turns, const Axes& axes, Where where) {
    const LocScope scope(where, "rot90", x);
    const ir::Integers plane = axes_of(axes, x.rank(), "rot90", where);
    if (plane.size() != 2) refuse("rot90", fmt::format("wants two axes, not {}", plane.size()), where);
    switch ((turns % 4 + 4) % 4) {
        case 0:
            return value_of(x);
        case 1:
            return swapaxes(f::flip(x, {plane[1]}), plane[0], plane[1], where);
        case 2:
            return f::flip(x, plane);
        default:
            return f::flip(swapaxes(x, plane[0], plane[1], where), {plane[1]});
    }
}

// ---- parts

Tensor slice(const Tensor& x, Shape start, Shape size, Where where) {
    const LocScope scope(where, "slice", x);
    return f::slice(x, start, size, ir::Integers(start.rank(), 1));
}
Tensor narrow(const Tensor& x, std::int64_t axis, Dim start, Dim size, Where where) {
    const LocScope scope(where, "narrow", x);
    return blaming(where, "narrow", [&]() -> Tensor {
        return f::narrow(value_of(x), axis_of(axis, x.rank(), "narrow", where), start, size);
    });
}
Tensor as_strided(const Tensor& x, const Shape& shape, Shape strides, Dim offset, Where where) {
    const LocScope scope(where, "as_strided", x);
    return blaming(where, "as_strided", [&]() -> Tensor {
        if (strides.rank() != shape.rank())
            refuse_entries("as_strided", "strides", strides.rank(), shape.rank(), where);
        const Dim count = x.type().shape.element_count();
        ir::Integers turned;
        for (std::size_t i = 0; i < shape.rank(); ++i) {
            if (!strides[i].is_constant() || strides[i].constant() >= 0) continue;
            if (!f::is_empty(shape)) {
                offset += (shape[i] - 1) * strides[i];
                turned.push_back(static_cast<std::int64_t>(i));
            }
            strides[i] = 0 - strides[i];
        }
        const Tensor from = f::narrow(f::reshape(value_of(x), Shape{count}), 0, offset, count - offset);
        return f::flip(f::as_strided(from, shape, strides), turned);
    });
}

// ---- more of the same

Tensor tile(const Tensor& x, const Shape& counts, Where where) {
    const LocScope scope(where, "tile", x);
    return blaming(where, "tile", [&]() -> Tensor {
        Tensor out = value_of(x);
        Shape shape;
        for (std::size_t i = x.rank(); i < counts.rank(); ++i) shape.push_back(1);
        for (Dim d : x.type().shape) shape.push_back(d);
        out = f::reshape(out, shape);
        for (std::size_t i = 0; i < counts.rank(); ++i) {
            if (counts[i].is_constant() && counts[i].constant() < 0)
                refuse("tile", fmt::format("a count is {}, less than 0", counts[i].constant()), where);
            out = f::tile(out, counts[i], static_cast<std::int64_t>(shape.rank() - counts.rank() + i));
        }
        return out;
    });
}
Tensor repeat_interleave(const Tensor& x, Dim count, std::int64_t axis, Where where) {
    const LocScope scope(where, "repeat_interleave", x);
    return blaming(where, "repeat_interleave", [&]() -> Tensor {
        if (count.is_constant()) detail::require_at_least("repeat_interleave", "count", count.constant(), 0, where);
        return f::repeat_interleave(value_of(x), count, axis_of(axis, x.rank(), "repeat_interleave", where));
    });
}
Tensor repeat_interleave(const Tensor& x, const Tensor& counts, std::int64_t axis, Where where) {
    const LocScope scope(where, "repeat_interleave", x, counts);
    const std::int64_t a = axis_of(axis, x.rank(), "repeat_interleave", where);
    detail::require_dtype("repeat_interleave", "operand 1", ir::integers, counts);
    if (counts.rank() != 1) refuse("repeat_interleave", "wants a vector of counts", where);
    const std::vector<std::int64_t> times = convert(counts, Dtype::i64).to_vector<std::int64_t>(where);
    if (Dim(static_cast<std::int64_t>(times.size())) != x.type().shape[static_cast<std::size_t>(a)])
        refuse("repeat_interleave", fmt::format("{} counts, not one for each element along axis {}", times.size(), a),
               where);
    std::vector<std::int64_t> positions;
    for (std::size_t i = 0; i < times.size(); ++i) {
        if (times[i] < 0)
            refuse("repeat_interleave", fmt::format("the count at {} is {}, less than 0", i, times[i]), where);
        positions.insert(positions.end(), static_cast<std::size_t>(times[i]), static_cast<std::int64_t>(i));
    }
    const auto total = static_cast<std::int64_t>(positions.size());
    return gather(x, Tensor::from(positions, {total}), a, where);
}
Tensor pad(const Tensor& x, const Shape& low, const Shape& high, double fill, Where where) {
    const LocScope scope(where, "pad", x);
    return f::pad(x, detail::Operand(fill, where).as(x.dtype(), "pad"), low, high);
}
Tensor pad(const Tensor& x, const Shape& low, const Shape& high, PadMode mode, Where where) {
    const LocScope scope(where, "pad", x);
    return blaming(where, "pad", [&]() -> Tensor {
        const Shape shape = x.type().shape;
        if (low.rank() != shape.rank()) refuse_entries("pad", "low", low.rank(), shape.rank(), where);
        if (high.rank() != shape.rank()) refuse_entries("pad", "high", high.rank(), shape.rank(), where);
        Tensor out = value_of(x);
        for (std::size_t i = 0; i < shape.rank(); ++i) {
            const auto axis = static_cast<std::int64_t>(i);
            for (Dim amount : {low[i], high[i]}) {
                if (amount.is_constant() && amount.constant() < 0)
                    refuse("pad", fmt::format("{} elements cannot be added along axis {}", amount.constant(), i),
                           where);
                if (amount != Dim(0) && shape[i] == Dim(0))
                    refuse("pad", fmt::format("axis {} has no element to add", i), where);
                const Dim most = mode == PadMode::reflect ? shape[i] - 1 : shape[i];
                if (amount.is_constant() && most.is_constant() && mode != PadMode::replicate &&
                    amount.constant() > std::max<std::int64_t>(most.constant(), 0))
                    refuse("pad",
                           fmt::format("axis {} has {} elements to add, not {}", i, most.constant(), amount.constant()),
                           where);
            }
            switch (mode) {
                case PadMode::reflect:
                    out = f::pad_reflect(out, axis, low[i], high[i]);
                    break;
                case PadMode::replicate:
                    out = f::pad_replicate(out, axis, low[i], high[i]);
                    break;
                case PadMode::circular:
                    out = f::pad_circular(out, axis, low[i], high[i]);
                    break;
            }
        }
        return out;
    });
}

}  // namespace lathe
