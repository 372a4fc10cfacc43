// Shapes as values, and the same elements in other shapes.
#include <algorithm>

#include "frontend/functions/movement.h"
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

Results shape(NodeCall& c) {
    const std::vector<Dim> extents = extents_of(tensor_of(c));
    const auto rank = static_cast<std::int64_t>(extents.size());
    const auto place = [&](std::int64_t i) { return std::clamp<std::int64_t>(i < 0 ? i + rank : i, 0, rank); };
    const std::int64_t start = place(c.integer("start", 0)), end = place(c.integer("end", rank));
    if (start >= end) return {Value(KnownIntegers::vector({}))};
    return {Value(KnownIntegers::vector({extents.begin() + start, extents.begin() + end}))};
}

Results size(NodeCall& c) {
    Dim count = 1;
    for (const Dim d : extents_of(tensor_of(c))) count = count * d;
    return {Value(KnownIntegers::scalar(count))};
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
        }
        if (to[i] == Dim(-1)) {
            if (inferred < to.rank()) c.refuse("two extents are -1");
            inferred = i;
        } else {
            others = others * to[i];
        }
    }
    // What a symbolic extent leaves is worked out by the library where it divides.
    return {reshape(x, to)};
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
    return {reshape(x, {rows, columns})};
}

Results without_axes(NodeCall& c) {
    const Tensor x = c[0];
    const std::optional<std::vector<std::int64_t>> axes = integers_of(c, 1, "axes");
    if (axes && axes->empty()) return {x};
    return {squeeze(x, axes ? Axes(*axes) : Axes())};
}
Results with_axes(NodeCall& c) {
    const std::optional<std::vector<std::int64_t>> axes = integers_of(c, 1, "axes");
    if (!axes) c.refuse("there are no axes");
    if (axes->empty()) return {c[0]};
    return {unsqueeze(c[0], Axes(*axes))};
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
    {"Flatten", flat, Known::moves_first},
    {"Identity", identity},
    {"Reshape", reshaped, Known::moves_first},
    {"Shape", shape, Known::of_types},
    {"Size", size, Known::of_types},
    {"Squeeze", without_axes, Known::moves_first},
    {"Unsqueeze", with_axes, Known::moves_first},
};

}  // namespace

Operators shape_operators() { return rows; }

}  // namespace lathe::onnx
