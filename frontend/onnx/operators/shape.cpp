// Shapes as values, and the same elements in other shapes.
#include <algorithm>

#include "frontend/functions/creation.h"
#include "frontend/functions/elementwise.h"
#include "frontend/functions/movement.h"
#include "frontend/functions/reductions.h"
#include "frontend/onnx/counted.h"
#include "frontend/onnx/operators.h"

namespace lathe::onnx {
namespace {

std::vector<Dim> extents_of(const Value& v) {
    if (v.known()) return {v.known()->shape.begin(), v.known()->shape.end()};
    const Shape& shape = v.tensor().type().shape;
    return {shape.begin(), shape.end()};
}

const Value& tensor_of(NodeCall& c) {
    if (!c.value(0).is_tensor()) c.refuse("operand 0 is no tensor");
    return c.value(0);
}

// The extents of a tensor that is counted: numbers that a run finds.
Tensor found_extents(const Value& v) {
    const std::vector<Dim> extents = extents_of(v);
    const Tensor bounds = Value(KnownIntegers::vector(extents)).tensor();
    const Tensor axes = arange(static_cast<std::int64_t>(extents.size()));
    return where(axes == static_cast<std::int64_t>(v.counted()->axis), v.counted()->count, bounds);
}

Results shape(NodeCall& c) {
    const std::vector<Dim> extents = extents_of(tensor_of(c));
    const auto rank = static_cast<std::int64_t>(extents.size());
    const auto place = [&](std::int64_t i) { return std::clamp<std::int64_t>(i < 0 ? i + rank : i, 0, rank); };
    const std::int64_t start = place(c.integer("start", 0)), end = place(c.integer("end", rank));
    if (start >= end) return {Value(KnownIntegers::vector({}))};
    if (const auto& counted = c.value(0).counted()) {
        const auto axis = static_cast<std::int64_t>(counted->axis);
        if (axis >= start && axis < end) return {narrow(found_extents(c.value(0)), 0, start, end - start)};
    }
    return {Value(KnownIntegers::vector({extents.begin() + start, extents.begin() + end}))};
}

Results size(NodeCall& c) {
    if (c.value(0).counted()) return {prod(found_extents(c.value(0)))};
    Dim count = 1;
    for (const Dim d : extents_of(tensor_of(c))) count = count * d;
    return {Value(KnownIntegers::scalar(count))};
}

// Elements in row-major order that count are the first ones where the counted axis is the first one. They make whole
// lines of another shape if their lines are made of such.
Counted counted_in_front(const NodeCall& c, const Counted& counted, std::size_t inferred, const Shape& from,
                         const Shape& to) {
    Dim line = 1, new_line = 1;
    for (std::size_t i = 1; i < from.rank(); ++i) line = line * from[i];
    for (std::size_t i = 1; i < to.rank(); ++i) new_line = new_line * to[i];
    if (counted.axis != 0 || inferred != 0) c.need_extent(0);
    if (line == new_line) return counted;
    if (!line.is_constant() || !new_line.is_constant() || new_line.constant() < 1 ||
        line.constant() % new_line.constant() != 0)
        c.need_extent(0);
    return {0, counted.count * (line.constant() / new_line.constant())};
}

Results reshaped(NodeCall& c) {
    const Tensor x = c[0];
    const Shape& from = x.type().shape;
    Shape to = c.shape(1);
    const bool keeps_zero = c.flag("allowzero");
    Dim others = 1;
    std::size_t inferred = to.rank();
    for (std::size_t i = 0; i < to.rank(); ++i) {
        if (to[i] == Dim(0) && !keeps_zero) {
            if (i >= from.rank()) c.refuse("an extent of 0 stands for one that the operand does not have");
            to[i] = from[i];
            if (i == 0 && c.value(0).counted()) inferred = 0;
            others = others * to[i];
            continue;
        }
        if (to[i] == Dim(-1)) {
            if (inferred < to.rank()) c.refuse("two extents are -1");
            inferred = i;
        } else {
            others = others * to[i];
        }
    }
    // What a symbolic extent leaves is worked out by the library where it divides.
    Value y(reshape(x, to));
    if (const auto& counted = c.value(0).counted()) y.set_counted(counted_in_front(c, *counted, inferred, from, to));
    return {std::move(y)};
}

Results flat(NodeCall& c) {
    const Tensor x = c[0];
    const Shape& from = x.type().shape;
    std::int64_t axis = c.integer("axis", 1);
    const auto rank = static_cast<std::int64_t>(from.rank());
    if (axis < -rank || axis > rank) c.refuse("there is no such axis");
    if (axis < 0) axis += rank;
    Dim rows = 1, columns = 1;
    for (std::int64_t i = 0; i < rank; ++i) {
        Dim& side = i < axis ? rows : columns;
        side = side * from[static_cast<std::size_t>(i)];
    }
    Value y(reshape(x, {rows, columns}));
    if (const auto& counted = c.value(0).counted()) {
        if (axis < 1) c.need_extent(0);
        y.set_counted(counted_in_front(c, *counted, 0, from, {rows, columns}));
    }
    return {std::move(y)};
}

Results without_axes(NodeCall& c) {
    const Tensor x = c[0];
    const std::optional<std::vector<std::int64_t>> axes = integers_of(c, 1, "axes");
    if (axes && axes->empty()) return {c.value(0)};
    Value y(squeeze(x, axes ? Axes(*axes) : Axes()));
    if (const auto& counted = c.value(0).counted()) {
        // Without axes all of extent 1 go.
        std::vector<bool> goes(x.rank());
        if (axes)
            for (const std::int64_t a : c.natural_axes(*axes, x.rank())) goes[static_cast<std::size_t>(a)] = true;
        else
            for (std::size_t i = 0; i < x.rank(); ++i) goes[i] = x.type().shape[i] == Dim(1);
        if (goes[counted->axis]) c.need_extent(0);
        const auto before = goes.begin() + static_cast<std::ptrdiff_t>(counted->axis);
        y.set_counted(Counted{static_cast<std::size_t>(std::count(goes.begin(), before, false)), counted->count});
    }
    return {std::move(y)};
}
Results with_axes(NodeCall& c) {
    const std::optional<std::vector<std::int64_t>> axes = integers_of(c, 1, "axes");
    if (!axes) c.refuse("there are no axes");
    if (axes->empty()) return {c.value(0)};
    Value y(unsqueeze(c[0], Axes(*axes)));
    if (const auto& counted = c.value(0).counted()) {
        const std::vector<std::int64_t> fresh = c.natural_axes(*axes, y.rank());
        std::size_t axis = 0, old = 0;  // the place of the counted axis among those that are not new
        for (;; ++axis)
            if (std::ranges::find(fresh, static_cast<std::int64_t>(axis)) == fresh.end() && old++ == counted->axis)
                break;
        y.set_counted(Counted{axis, counted->count});
    }
    return {std::move(y)};
}

// Both the operand and the shape broadcast.
Results expanded(NodeCall& c) {
    const Tensor x = c[0];
    const Shape& from = x.type().shape;
    const std::vector<Dim> wanted = c.dims(1);
    const std::size_t rank = std::max(from.rank(), wanted.size());
    std::vector<Dim> to(rank, Dim(1));
    for (std::size_t i = 0; i < rank; ++i) {
        const std::size_t behind = rank - i;
        const Dim own = behind <= from.rank() ? from[from.rank() - behind] : Dim(1);
        const Dim asked = behind <= wanted.size() ? wanted[wanted.size() - behind] : Dim(1);
        to[i] = asked == Dim(1) ? own : asked;
    }
    if (rank > ir::max_rank) c.refuse("the result has more dimensions than are supported");
    return {broadcast_to(x, Shape(to))};
}

Results identity(NodeCall& c) { return {c.has(0) ? c.value(0) : Value()}; }  // an optional value may be left out

constexpr Operator rows[] = {
    {"Expand", expanded, Known::moves_first},
    Operator{"Flatten", flat, Known::moves_first}.counting(Counts::by_itself),
    Operator{"Identity", identity}.counting(Counts::by_itself),
    Operator{"Reshape", reshaped, Known::moves_first}.counting(Counts::by_itself),
    Operator{"Shape", shape, Known::of_types}.counting(Counts::by_itself),
    Operator{"Size", size, Known::of_types}.counting(Counts::by_itself),
    Operator{"Squeeze", without_axes, Known::moves_first}.counting(Counts::by_itself),
    Operator{"Unsqueeze", with_axes, Known::moves_first}.counting(Counts::by_itself),
};

}  // namespace

Operators shape_operators() { return rows; }

}  // namespace lathe::onnx
