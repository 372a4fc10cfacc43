// Movement of data: out[i] is one element of an operand, or a fill value.
#pragma once

#include "ir/functions/movement.h"
#include "ir/ops/rules.h"
#include "ir/ops/samples.h"

namespace lathe::ir::ops {

// The index of the element of a tensor of shape `to` that has the same row-major position as `index` has in `from`,
// which holds as many elements. Dimensions are matched in groups of equal products, so that most divisions fold away.
std::vector<Dim> same_position(const Shape& from, std::span<const Dim> index, const Shape& to);

inline constexpr ShapeAttribute<> target_shape{"shape", "of the result"};
inline constexpr AttributeDef shape_attribute[] = {target_shape};

inline constexpr OpDef reshape = {
    .name = "reshape",
    .doc = "The same elements in row-major order, in another shape.",
    .arity = 1,
    .lowering = Lowering::view,
    .dtypes = any_dtype,
    .attributes = shape_attribute,
    .type = [](TypeContext& c) -> Type {
        const Shape& shape = c.attribute(target_shape);
        for (Dim d : shape) rules::require_extent(c, d, "an extent is negative");
        c.require_equal(c.operand(0).shape.element_count(), shape.element_count(), "the numbers of elements differ");
        return {c.operand(0).dtype, shape};
    },
    .view = [](const ViewContext& c, std::span<const Dim> out) -> std::vector<ViewPiece> {
        return {{.operand = 0, .index = same_position(c.result->shape, out, c.operands[0].shape), .guards = {}}};
    },
    .rewrite = [](const Node& n) -> Value {
        const Value x = n.operands[0];
        if (x.type() == n.results[0]) return x;
        return x.node->op == n.op ? functions::reshape(x.node->operands[0], n.results[0].shape) : Value{};
    },
    .gradient = linear([](const GradientContext& g, std::span<const Value> ct, std::size_t) {
        return functions::reshape(ct[0], functions::shape_of(g.x[0]));
    }),
    .samples = [](Dtype d) -> std::vector<Sample> {
        return {{{{d, {2, 6}}}, {Shape{3, 4}}},
                {{{d, {2, 3, 4}}}, {Shape{6, 1, 4}}},
                {{{d, {1}}}, {Shape{}}},
                {{{d, {0, 3}}}, {Shape{2, 0}}}};
    },
};

inline Integers inverse(const Integers& permutation) {
    Integers result(permutation.size());
    for (std::size_t i = 0; i < permutation.size(); ++i)
        result[static_cast<std::size_t>(permutation[i])] = static_cast<std::int64_t>(i);
    return result;
}

inline constexpr PermutationAttribute<> transpose_permutation{
    "permutation", "which dimension of x each of the result is; the reverse order where it is left out", 0,
    Presence::optional};
inline constexpr AttributeDef transpose_attributes[] = {transpose_permutation};
inline constexpr OpDef transpose = {
    .name = "transpose",
    .doc = "Dimension i of the result is dimension permutation[i] of x.",
    .arity = 1,
    .lowering = Lowering::view,
    .dtypes = any_dtype,
    .attributes = transpose_attributes,
    .type = [](TypeContext& c) -> Type {
        const Shape& shape = c.operand(0).shape;
        Shape result;
        for (std::int64_t axis : c.attribute(transpose_permutation))
            result.push_back(shape[static_cast<std::size_t>(c.axis(axis, shape.rank()))]);
        return {c.operand(0).dtype, result};
    },
    .view = [](const ViewContext& c, std::span<const Dim> out) -> std::vector<ViewPiece> {
        std::vector<Dim> index(out.size());
        const Integers& permutation = transpose_permutation(c.attributes);
        for (std::size_t i = 0; i < out.size(); ++i) index[static_cast<std::size_t>(permutation[i])] = out[i];
        return {{.operand = 0, .index = std::move(index), .guards = {}}};
    },
    .rewrite = [](const Node& n) -> Value {
        const Value x = n.operands[0];
        Integers permutation = transpose_permutation(n.attributes);
        if (std::ranges::is_sorted(permutation)) return x;
        if (x.node->op != n.op) return {};
        const Integers& inner = transpose_permutation(x.node->attributes);
        for (std::int64_t& axis : permutation) axis = inner[static_cast<std::size_t>(axis)];
        return functions::transpose(x.node->operands[0], std::move(permutation));
    },
    .gradient = linear([](const GradientContext& g, std::span<const Value> ct, std::size_t) {
        return functions::transpose(ct[0], inverse(transpose_permutation(g.node.attributes)));
    }),
    .samples = samples::permutations,
};

inline constexpr OpDef broadcast_to = {
    .name = "broadcast_to",
    .doc = "x stretched to a shape by NumPy's rule.",
    .arity = 1,
    .lowering = Lowering::view,
    .dtypes = any_dtype,
    .attributes = shape_attribute,
    .type = [](TypeContext& c) -> Type {
        const Shape &from = c.operand(0).shape, &to = c.attribute(target_shape);
        if (from.rank() > to.rank())
            c.fail("the shape has " + std::to_string(to.rank()) + " dimensions, less than " +
                   std::to_string(from.rank()));
        const std::size_t extra = to.rank() - from.rank();
        for (Dim d : to) rules::require_extent(c, d, "an extent is negative");
        for (std::size_t i = 0; i < from.rank(); ++i)
            if (from[i] != Dim(1)) {
                const auto axis = static_cast<std::int64_t>(extra + i);
                c.require_equal(from[i], to[extra + i], "the shape does not broadcast", axis);
            }
        return {c.operand(0).dtype, to};
    },
    .view = [](const ViewContext& c, std::span<const Dim> out) -> std::vector<ViewPiece> {
        const Shape &from = c.operands[0].shape, &to = target_shape(c.attributes);
        const std::size_t extra = to.rank() - from.rank();
        std::vector<Dim> index(out.begin() + static_cast<std::ptrdiff_t>(extra), out.end());
        for (std::size_t i = 0; i < from.rank(); ++i)
            if (from[i] == Dim(1) && to[extra + i] != Dim(1)) index[i] = 0;
        return {{.operand = 0, .index = std::move(index), .guards = {}}};
    },
    .rewrite = [](const Node& n) -> Value {
        const Value x = n.operands[0];
        if (x.type() == n.results[0]) return x;
        return x.node->op == n.op ? functions::broadcast_to(x.node->operands[0], n.results[0].shape) : Value{};
    },
    .gradient = linear([](const GradientContext& g, std::span<const Value> ct, std::size_t) {
        return functions::sum_to(ct[0], functions::shape_of(g.x[0]));
    }),
    .batch = [](const BatchContext& c) -> Value {
        return broadcast_to.with(rules::batched_attributes(c),
                                 rules::with_rank(c.x[0], c.node.results[0].shape.rank() + 1));
    },
    .samples = [](Dtype d) -> std::vector<Sample> {
        return {{{{d, {3, 1}}}, {Shape{2, 3, 4}}},
                {{{d, {}}}, {Shape{2}}},
                {{{d, {1}}}, {Shape{0}}},
                {{{d, {2, 3}}}, {Shape{2, 3}}}};
    },
};

inline constexpr StartsAttribute<0> slice_start{"start", "the first element; 0 where it is left out", 0,
                                                Presence::optional};
inline constexpr SizesAttribute<1> slice_size{"size", "how many elements"};
inline constexpr StepsAttribute<2> slice_step{"step", "from one element to the next; 1 where it is left out", 0,
                                              Presence::optional};
inline constexpr AttributeDef slice_attributes[] = {slice_start, slice_size, slice_step};
inline constexpr OpDef slice = {
    .name = "slice",
    .doc = "y[i] = x[start + i * step], size elements along each dimension. A step may be negative, not 0.",
    .arity = 1,
    .lowering = Lowering::view,
    .dtypes = any_dtype,
    .attributes = slice_attributes,
    .type = [](TypeContext& c) -> Type {
        const Shape& from = c.operand(0).shape;
        const Shape &start = c.attribute(slice_start), &size = c.attribute(slice_size);
        const Integers& step = c.attribute(slice_step);
        for (std::size_t i = 0; i < from.rank(); ++i) {
            rules::require_extent(c, size[i], "a size is negative");
            if (size[i] == Dim(0)) continue;
            const Dim last = start[i] + (size[i] - 1) * step[i];
            c.require_at_most(0, step[i] > 0 ? start[i] : last, "the slice starts before its operand");
            c.require_at_most((step[i] > 0 ? last : start[i]) + 1, from[i], "the slice ends behind its operand");
        }
        return {c.operand(0).dtype, size};
    },
    .view = [](const ViewContext& c, std::span<const Dim> out) -> std::vector<ViewPiece> {
        const Shape& start = slice_start(c.attributes);
        const Integers& step = slice_step(c.attributes);
        std::vector<Dim> index;
        for (std::size_t i = 0; i < out.size(); ++i) index.push_back(start[i] + out[i] * step[i]);
        return {{.operand = 0, .index = std::move(index), .guards = {}}};
    },
    .rewrite = [](const Node& n) -> Value {
        const Value x = n.operands[0];
        Shape start = slice_start(n.attributes);
        Integers step = slice_step(n.attributes);
        if (x.type() == n.results[0] && std::ranges::all_of(start, [](Dim d) { return d == Dim(0); }) &&
            std::ranges::all_of(step, [](std::int64_t s) { return s == 1; }))
            return x;
        if (x.node->op != n.op) return {};
        const Shape& inner_start = slice_start(x.node->attributes);
        const Integers& inner_step = slice_step(x.node->attributes);
        for (std::size_t i = 0; i < step.size(); ++i) {
            if (std::abs(step[i]) > 0xffff || std::abs(inner_step[i]) > 0xffff) return {};
            start[i] = inner_start[i] + start[i] * inner_step[i];
            step[i] *= inner_step[i];
        }
        return functions::slice(x.node->operands[0], start, slice_size(n.attributes), std::move(step));
    },
    .gradient = linear([](const GradientContext& g, std::span<const Value> ct, std::size_t) {
        return functions::unslice(ct[0], functions::number(ct[0], 0), functions::shape_of(g.x[0]),
                                  slice_start(g.node.attributes), slice_step(g.node.attributes));
    }),
    .samples = [](Dtype d) -> std::vector<Sample> {
        return {{{{d, {5, 4}}}, {Shape{1, 0}, Shape{2, 4}, Integers{2, 1}}},
                {{{d, {5}}}, {Shape{4}, Shape{3}, Integers{-2}}},
                {{{d, {7}}}, {Shape{0}, Shape{3}, Integers{3}}},
                {{{d, {5}}}, {Shape{5}, Shape{0}, Integers{1}}}};
    },
};

inline constexpr PaddingAttribute<0> pad_low{"low", "elements before the first; none where it is left out", 0,
                                             Presence::optional};
inline constexpr PaddingAttribute<1> pad_high{"high", "elements behind the last; none where it is left out", 0,
                                              Presence::optional};
inline constexpr AttributeDef pad_attributes[] = {pad_low, pad_high};
// The cotangents of a pad's operands: the part that x fills, and the sum of the rest.
Value unpad(const GradientContext& g, Value ct, std::size_t operand);
Value pad_batch(const BatchContext& c);
inline constexpr OpDef pad = {
    .name = "pad",
    .doc =
        "x with low elements before it and high behind it along each dimension, all equal to the rank-0 fill.\n"
        "Negative amounts remove elements.",
    .arity = 2,
    .lowering = Lowering::view,
    .dtypes = any_dtype,
    .attributes = pad_attributes,
    .type = [](TypeContext& c) -> Type {
        const Shape &from = c.operand(0).shape, &low = c.attribute(pad_low), &high = c.attribute(pad_high);
        rules::require_same_dtype(c, 0, 1);
        if (c.operand(1).shape.rank() != 0)
            c.fail("the fill value has rank " + std::to_string(c.operand(1).shape.rank()) + ", not 0");
        Shape result;
        for (std::size_t i = 0; i < from.rank(); ++i) {
            result.push_back(low[i] + from[i] + high[i]);
            rules::require_extent(c, result[i], "more is removed than there is");
        }
        return {c.operand(0).dtype, result};
    },
    .view = [](const ViewContext& c, std::span<const Dim> out) -> std::vector<ViewPiece> {
        const Shape &low = pad_low(c.attributes), &high = pad_high(c.attributes);
        const auto removes = [](Dim d) { return d.is_constant() && d.constant() <= 0; };
        ViewPiece inside{.operand = 0, .index = {}, .guards = {}};
        for (std::size_t i = 0; i < out.size(); ++i) {
            const Dim at = out[i] - low[i];
            inside.index.push_back(at);
            if (!removes(low[i])) inside.guards.push_back(at);
            if (!removes(high[i])) inside.guards.push_back(c.operands[0].shape[i] - 1 - at);
        }
        if (inside.guards.empty()) return {inside};
        return {inside, {.operand = 1, .index = {}, .guards = {}}};
    },
    .rewrite = [](const Node& n) -> Value {
        const auto is_zero = [](Dim d) { return d == Dim(0); };
        const bool nothing =
            std::ranges::all_of(pad_low(n.attributes), is_zero) && std::ranges::all_of(pad_high(n.attributes), is_zero);
        return nothing ? n.operands[0] : Value{};
    },
    .gradient = linear([](const GradientContext& g, std::span<const Value> ct, std::size_t operand) {
        return unpad(g, ct[0], operand);
    }),
    .batch = pad_batch,
    .samples = [](Dtype d) -> std::vector<Sample> {
        return {{{{d, {2, 3}}, {d, {}}}, {Shape{1, 0}, Shape{0, 2}}}, {{{d, {5}}, {d, {}}}, {Shape{-2}, Shape{1}}}};
    },
};

inline constexpr AxisAttribute<> chosen_axis{"axis", "of the first operand"};
inline constexpr AttributeDef axis_attribute[] = {chosen_axis};
inline constexpr OpDef concat = {
    .name = "concat",
    .doc = "The operands one behind the other along an axis.",
    .arity = at_least(1),
    .lowering = Lowering::view,
    .dtypes = any_dtype,
    .attributes = axis_attribute,
    .type = [](TypeContext& c) -> Type {
        Shape result = c.operand(0).shape;
        const std::size_t axis = c.axis(chosen_axis);
        for (std::size_t k = 1; k < c.operand_count(); ++k) {
            const Shape& shape = c.operand(k).shape;
            rules::require_same_dtype(c, 0, k);
            if (shape.rank() != result.rank()) c.fail("the ranks differ");
            for (std::size_t i = 0; i < result.rank(); ++i) {
                if (i == axis) {
                    result[i] += shape[i];
                } else {
                    c.require_equal(result[i], shape[i], "the other extents differ", static_cast<std::int64_t>(i));
                    if (shape[i].is_constant()) result[i] = shape[i];
                }
            }
        }
        return {c.operand(0).dtype, result};
    },
    .view = [](const ViewContext& c, std::span<const Dim> out) -> std::vector<ViewPiece> {
        const auto axis = static_cast<std::size_t>(chosen_axis(c.attributes));
        std::vector<ViewPiece> pieces;
        Dim begin = 0;
        for (std::size_t k = 0; k < c.operands.size(); ++k) {
            ViewPiece piece{.operand = k, .index = {out.begin(), out.end()}, .guards = {}};
            piece.index[axis] = out[axis] - begin;
            begin += c.operands[k].shape[axis];
            if (k + 1 < c.operands.size()) piece.guards.push_back(begin - 1 - out[axis]);
            pieces.push_back(std::move(piece));
        }
        return pieces;
    },
    .associative = true,
    .rewrite = [](const Node& n) { return n.operands.size() == 1 ? n.operands[0] : Value{}; },
    .gradient = linear([](const GradientContext& g, std::span<const Value> ct, std::size_t operand) {
        const auto axis = static_cast<std::size_t>(chosen_axis(g.node.attributes));
        const Shape& shape = functions::shape_of(g.x[operand]);
        Shape start;
        for (std::size_t i = 0; i < shape.rank(); ++i) start.push_back(0);
        for (std::size_t k = 0; k < operand; ++k) start[axis] += functions::shape_of(g.x[k])[axis];
        return functions::slice(ct[0], start, shape, Integers(shape.rank(), 1));
    }),
    .samples = [](Dtype d) -> std::vector<Sample> {
        return {{{{d, {2, 3}}, {d, {1, 3}}, {d, {0, 3}}, {d, {4, 3}}}, {std::int64_t{0}}},
                {{{d, {2, 3}}, {d, {2, 1}}}, {std::int64_t{1}}}};
    },
};

// ---- diagonals

inline constexpr AxisAttribute<0> diagonal_rows{"rows", "the dimension that counts rows"};
inline constexpr AxisAttribute<1> diagonal_columns{"columns", "the dimension that counts columns"};
inline constexpr NumberAttribute<2> diagonal_offset{
    "offset", "how far to the right of the main diagonal; negative: below it", 0, Presence::optional};
inline constexpr AttributeDef diagonal_attributes[] = {diagonal_rows, diagonal_columns, diagonal_offset};
inline constexpr OpDef diagonal = {
    .name = "diagonal",
    .doc =
        "y[..., i] = x[..., i, ..., i + offset, ...]: the elements of one diagonal of each matrix, along a new last\n"
        "dimension; none where the offset leads past all of them.",
    .arity = 1,
    .lowering = Lowering::view,
    .dtypes = any_dtype,
    .attributes = diagonal_attributes,
    .type = [](TypeContext& c) -> Type {
        const std::size_t rows = c.axis(diagonal_rows), columns = c.axis(diagonal_columns);
        const std::int64_t offset = c.attribute(diagonal_offset);
        if (rows == columns) c.fail("axis " + std::to_string(rows) + " occurs twice");
        if (offset > Dim::greatest || offset < -Dim::greatest)
            c.fail("offset is " + std::to_string(offset) + ", which no matrix reaches");
        const Shape& from = c.operand(0).shape;
        Shape result;
        for (std::size_t i = 0; i < from.rank(); ++i)
            if (i != rows && i != columns) result.push_back(from[i]);
        result.push_back(functions::diagonal_extent(from[rows], from[columns], offset));
        return {c.operand(0).dtype, result};
    },
    .view = [](const ViewContext& c, std::span<const Dim> out) -> std::vector<ViewPiece> {
        const auto rows = static_cast<std::size_t>(diagonal_rows(c.attributes));
        const auto columns = static_cast<std::size_t>(diagonal_columns(c.attributes));
        const std::int64_t offset = diagonal_offset(c.attributes);
        std::vector<Dim> index;
        std::size_t next = 0;
        for (std::size_t i = 0; i < c.operands[0].shape.rank(); ++i)
            index.push_back(i == rows      ? out.back() + std::max<std::int64_t>(-offset, 0)
                            : i == columns ? out.back() + std::max<std::int64_t>(offset, 0)
                                           : out[next++]);
        return {{.operand = 0, .index = std::move(index), .guards = {}}};
    },
    .gradient = linear([](const GradientContext& g, std::span<const Value> ct, std::size_t) {
        const Attributes& a = g.node.attributes;
        return functions::on_diagonal(ct[0], functions::shape_of(g.x[0]), diagonal_rows(a), diagonal_columns(a),
                                      diagonal_offset(a));
    }),
    .samples = [](Dtype d) -> std::vector<Sample> {
        const auto of = [](std::int64_t rows, std::int64_t columns, std::int64_t offset) {
            return Attributes{rows, columns, offset};
        };
        return {{{{d, {3, 4}}}, of(0, 1, 0)},       {{{d, {4, 3}}}, of(0, 1, 2)}, {{{d, {3, 2, 5}}}, of(2, 0, -1)},
                {{{d, {2, 3, 2, 3}}}, of(1, 3, 1)}, {{{d, {0, 3}}}, of(0, 1, 0)}, {{{d, {2, 1}}}, of(0, 1, 0)},
                {{{d, {2, 3}}}, of(1, 0, -5)}};
    },
};

// ---- memory of any strides

inline constexpr StridesAttribute<1> element_strides{
    "strides", "how far apart in x neighbours of the result are, none negative", AttributeDef::of_shape};
inline constexpr AttributeDef strided_attributes[] = {target_shape, element_strides};
Type strided_type(TypeContext& c);
Value strided_transpose(const GradientContext& g, const Value& ct);
inline constexpr OpDef as_strided = {
    .name = "as_strided",
    .doc = "y[i, ...] = x[the sum of i * stride, ...]: elements of a vector, some of them perhaps several times.",
    .arity = 1,
    .lowering = Lowering::view,
    .dtypes = any_dtype,
    .attributes = strided_attributes,
    .type = strided_type,
    .view = [](const ViewContext& c, std::span<const Dim> out) -> std::vector<ViewPiece> {
        const Shape& strides = element_strides(c.attributes);
        Dim position = 0;
        for (std::size_t i = 0; i < out.size(); ++i) position += out[i] * strides[i];
        return {{.operand = 0, .index = {position}, .guards = {}}};
    },
    .gradient = linear(
        [](const GradientContext& g, std::span<const Value> ct, std::size_t) { return strided_transpose(g, ct[0]); }),
    .batch = [](const BatchContext& c) -> Value {
        Shape shape{c.extent}, strides{c.node.operands[0].type().shape[0]};
        for (const Dim d : target_shape(c.node.attributes)) shape.push_back(d);
        for (const Dim d : element_strides(c.node.attributes)) strides.push_back(d);
        return functions::as_strided(c.x[0], shape, strides);
    },
    .samples = [](Dtype d) -> std::vector<Sample> {
        return {{{{d, {12}}}, {Shape{4, 3}, Shape{1, 4}}}, {{{d, {7}}}, {Shape{3, 3}, Shape{2, 1}}},
                {{{d, {3}}}, {Shape{}, Shape{}}},          {{{d, {5}}}, {Shape{2, 3}, Shape{0, 2}}},
                {{{d, {0}}}, {Shape{0, 2}, Shape{2, 1}}},  {{{d, {9}}}, {Shape{1, 2, 2}, Shape{70, 5, 3}}}};
    },
};

inline constexpr auto views =
    std::to_array<const OpDef*>({&reshape, &transpose, &broadcast_to, &slice, &pad, &concat, &diagonal, &as_strided});

}  // namespace lathe::ir::ops
