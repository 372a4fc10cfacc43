#include "ir/ops/views.h"

#include "ir/matching_dims.h"

namespace lathe::ir::ops {
namespace {

// Row-major position of an index within dimensions [begin, end) of a shape.
Dim flatten(const Shape& shape, std::span<const Dim> index, std::size_t begin, std::size_t end) {
    return linear_offset(shape.dims().subspan(begin, end - begin), [&](std::size_t i) { return index[begin + i]; });
}

void unflatten(Dim position, const Shape& shape, std::size_t begin, std::size_t end, std::vector<Dim>& index) {
    std::size_t first = begin;  // that is not 1: the position is below its extent once those behind it are taken out
    while (first < end && shape[first] == Dim(1)) ++first;
    for (std::size_t i = end; i-- > begin;) {
        if (shape[i] == Dim(1)) {
            index[i] = 0;
        } else if (i == first) {
            index[i] = position;
        } else {
            index[i] = mod(position, shape[i]);
            position = floordiv(position, shape[i]);
        }
    }
}

}  // namespace

std::vector<Dim> same_position(const Shape& from, std::span<const Dim> index, const Shape& to) {
    std::vector<Dim> result(to.rank(), 0);
    for (const MatchingDims& g : matching_dims(from, to))
        unflatten(flatten(from, index, g.from_begin, g.from_end), to, g.to_begin, g.to_end, result);
    return result;
}

Type strided_type(TypeContext& c) {
    const Shape &from = c.operand(0).shape, &shape = c.attribute(target_shape), &strides = c.attribute(element_strides);
    if (from.rank() != 1) c.fail("takes the elements of a vector");
    Dim last = 0;
    for (std::size_t i = 0; i < shape.rank(); ++i) {
        rules::require_extent(c, shape[i], "an extent is negative");
        rules::require_extent(c, strides[i], "a stride is negative");
        last += (shape[i] - 1) * strides[i];
    }
    if (!functions::is_empty(shape)) c.require_at_most(last + 1, from[0], "the elements end behind those of x");
    return {c.operand(0).dtype, shape};
}

// What is read several times takes the sum.
Value strided_transpose(const GradientContext& g, const Value& ct) {
    const Shape& shape = functions::shape_of(ct);
    const Shape all{shape.element_count()};
    const Dim extent = functions::shape_of(g.x[0])[0];
    const Value places =
        functions::as_strided(functions::count_up(ct, extent, Dtype::i64), shape, element_strides(g.node.attributes));
    return scatter_add.with({std::int64_t{0}}, functions::full_like(ct, Shape{extent}, 0),
                            functions::reshape(places, all), functions::reshape(ct, all));
}

namespace {

Value boolean_like(const Value& x, bool value) {
    return Value::constant_like(x, splat_literal(Dtype::boolean, Shape{}, std::int64_t{value}), Loc{});
}

// Where the result of a pad is its fill. `x` is any value of the graph.
Value is_fill(const Value& x, const Node& node) {
    return functions::pad(functions::broadcast_to(boolean_like(x, false), node.operands[0].type().shape),
                          boolean_like(x, true), pad_low(node.attributes), pad_high(node.attributes));
}

}  // namespace

Value unpad(const GradientContext& g, Value ct, std::size_t operand) {
    const Shape &low = pad_low(g.node.attributes), &high = pad_high(g.node.attributes);
    if (operand == 0) {
        Shape back_low, back_high;
        for (Dim d : low) back_low.push_back(Dim(0) - d);
        for (Dim d : high) back_high.push_back(Dim(0) - d);
        return functions::pad(ct, functions::number(ct, 0), back_low, back_high);
    }
    const Shape& shape = functions::shape_of(ct);
    return functions::sum(select(is_fill(ct, g.node), ct, functions::number(ct, 0)), functions::all_axes(shape.rank()));
}

// A fill for each index is chosen where there is none for all.
Value pad_batch(const BatchContext& c) {
    const Value x = c.batched[0] ? c.x[0] : rules::in_batch(c.x[0], c.extent);
    const bool all[] = {true, false};
    const std::vector<bool> batched(std::begin(all), std::end(all));
    const Attributes attributes = rules::batched_attributes({c.node, c.x, batched, c.extent});
    if (!c.batched[1]) return pad.with(attributes, x, c.x[1]);
    const Value padded = pad.with(attributes, x, functions::number(x, 0));
    return select(is_fill(x, c.node), rules::with_rank(c.x[1], padded.type().shape.rank()), padded);
}

}  // namespace lathe::ir::ops
