// Movement of data: out[i] is one element of an operand, or a fill value.
#pragma once

#include "ir/functions/basic.h"
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
        if (from.rank() > to.rank()) c.fail("the shape has fewer dimensions");
        const std::size_t extra = to.rank() - from.rank();
        for (Dim d : to) rules::require_extent(c, d, "an extent is negative");
        for (std::size_t i = 0; i < from.rank(); ++i)
            if (from[i] != Dim(1)) c.require_equal(from[i], to[extra + i], "the shape does not broadcast");
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
// The cotangent of a slice's operand: the slice put back among zeros.
Value unslice(const GradientContext& g, Value ct);
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
    .gradient =
        linear([](const GradientContext& g, std::span<const Value> ct, std::size_t) { return unslice(g, ct[0]); }),
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
        if (c.operand(1).shape.rank() != 0) c.fail("the fill value has rank 0");
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
                    c.require_equal(result[i], shape[i], "the other extents differ");
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

// ---- positions that are data

// The shape of x with `axis` replaced by the indices' dimensions. Where there are indices there has to be an element:
// kernels clamp a wrong index to one that exists.
inline Shape taken_shape(TypeContext& c, std::size_t axis) {
    const Shape &x = c.operand(0).shape, &indices = c.operand(1).shape;
    rules::require_dtype(c, 1, integers);
    rules::require_rank(c, x.rank() + indices.rank() - 1);
    Dim count = 1;
    for (Dim d : indices) count *= d;
    c.require_at_most(ir::min(count, 1), x[axis], "there are indices along an axis without elements");
    Shape result;
    for (std::size_t i = 0; i < axis; ++i) result.push_back(x[i]);
    for (Dim d : indices) result.push_back(d);
    for (std::size_t i = axis + 1; i < x.rank(); ++i) result.push_back(x[i]);
    return result;
}

// The element of x that `taken`, an index into a tensor of the shape above, stands for.
inline std::vector<ViewPiece> taken_element(const ViewContext& c, std::span<const Dim> taken) {
    const auto axis = static_cast<std::size_t>(chosen_axis(c.attributes));
    const std::size_t rank = c.operands[1].shape.rank();
    std::vector<Dim> index(taken.begin(), taken.begin() + static_cast<std::ptrdiff_t>(axis));
    const std::span<const Dim> position = taken.subspan(axis, rank);
    index.push_back(c.loaded_index(1, {position.begin(), position.end()}, c.operands[0].shape[axis]));
    index.insert(index.end(), taken.begin() + static_cast<std::ptrdiff_t>(axis + rank), taken.end());
    return {{.operand = 0, .index = std::move(index), .guards = {}}};
}

Value gather_batch(const BatchContext& c);
Value scatter_add_batch(const BatchContext& c);

inline Dim taken_extent(std::span<const Type> operands, std::span<const Attribute> attributes) {
    return operands[0].shape[static_cast<std::size_t>(chosen_axis(attributes))];
}
inline constexpr Indices taken_indices{.operand = 1, .bound = taken_extent};

inline constexpr OpDef gather = {
    .name = "gather",
    .doc =
        "x[..., indices, ...]: the indices' dimensions take the place of the axis, as numpy.take.\n"
        "An index outside [0, extent) is a fault; where the extent is 0, any index is a mistake found before the run.",
    .arity = 2,
    .lowering = Lowering::view,
    .dtypes = any_dtype,
    .attributes = axis_attribute,
    .type = [](TypeContext& c) -> Type { return {c.operand(0).dtype, taken_shape(c, c.axis(chosen_axis))}; },
    .view = taken_element,
    .indices = taken_indices,
    .gradient = linear([](const GradientContext& g, std::span<const Value> ct, std::size_t operand) {
        if (operand != 0) return Value{};
        return functions::in_accumulator(ct[0], [&](const Value& updates) {
            const Value zeros = functions::full_like(updates, functions::shape_of(g.x[0]), 0);
            return scatter_add.with(g.node.attributes, zeros, g.x[1], updates);
        });
    }),
    .batch = gather_batch,
    .samples = [](Dtype d) -> std::vector<Sample> {
        return {{{{d, {4, 3}}, {Dtype::i64, {2, 2}}}, {std::int64_t{0}}},
                {{{d, {2, 4}}, {Dtype::u8, {}}}, {std::int64_t{1}}},
                {{{d, {2, 3, 4}}, {Dtype::i32, {5}}}, {std::int64_t{1}}}};
    },
};

inline constexpr BoundAttribute<0> index_bound{"bound", "what the integers stay below"};
inline constexpr NameAttribute<1> index_title{"name", "what a fault's message calls the integers"};
inline constexpr AttributeDef checked_index_attributes[] = {index_bound, index_title};
inline constexpr OpDef checked_index = {
    .name = "checked_index",
    .doc =
        "x, integers in [0, bound): one outside is a fault, whose message calls it by the name. For what an index "
        "chooses\nwithout gather or scatter_add, as a class's label does.",
    .arity = 1,
    .lowering = Lowering::view,
    .dtypes = integers,
    .attributes = checked_index_attributes,
    .type = [](TypeContext& c) -> Type {
        rules::require_dtype(c, 0, integers);
        rules::require_extent(c, c.attribute(index_bound)[0], "the bound is negative");
        return c.operand(0);
    },
    .view = [](const ViewContext& c, std::span<const Dim> out) -> std::vector<ViewPiece> {
        std::vector<Dim> index(out.begin(), out.end());
        c.loaded_index(0, index, index_bound(c.attributes)[0]);
        return {{.operand = 0, .index = std::move(index), .guards = {}}};
    },
    .indices = {.operand = 0,
                .bound = [](std::span<const Type>,
                            std::span<const Attribute> attributes) { return index_bound(attributes)[0]; }},
    .gradient = no_grad("its operand is an integer"),
    .samples = [](Dtype d) -> std::vector<Sample> {
        const Attributes below_4{Shape{4}, std::string("label")};
        return {{{{d, {}}}, below_4}, {{{d, {5}}}, below_4}, {{{d, {2, 3}}}, below_4}, {{{d, {0, 3}}}, below_4}};
    },
};

inline constexpr OpDef scatter_add = {
    .name = "scatter_add",
    .doc =
        "x, and at x[..., indices, ...] the updates added, one after the other in row-major order: gather's adjoint.\n"
        "An index outside [0, extent) is a fault; where the extent is 0, any index is a mistake found before the run.",
    .arity = 3,
    .lowering = Lowering::scatter,
    .dtypes = numbers,
    .attributes = axis_attribute,
    .type = [](TypeContext& c) -> Type {
        rules::require_dtype(c, 0, numbers);
        rules::require_same_dtype(c, 0, 2);
        const Shape taken = taken_shape(c, c.axis(chosen_axis));
        if (taken.rank() != c.operand(2).shape.rank()) c.fail("the updates have the wrong rank");
        for (std::size_t i = 0; i < taken.rank(); ++i)
            c.require_equal(taken[i], c.operand(2).shape[i], "the updates have the wrong shape");
        return c.operand(0);
    },
    // The accumulator is the element itself, so each addition rounds to the dtype.
    .reducer =
        {
            .accumulator = same_dtype,
            .init = [](const FoldContext& c) -> Scalars { return {c.b.constant(c.accumulator, 0.0)}; },
            .step = [](const FoldContext&, std::span<const Scalar> acc, std::span<const Scalar> x, Scalar) -> Scalars {
                return {acc[0] + x[0]};
            },
            .combine = [](const FoldContext&, std::span<const Scalar> earlier,
                          std::span<const Scalar> later) -> Scalars { return {earlier[0] + later[0]}; },
            .finish = [](const FoldContext&, std::span<const Scalar> acc) -> Scalars { return {acc[0]}; },
        },
    .view = taken_element,
    .indices = taken_indices,
    .gradient = linear([](const GradientContext& g, std::span<const Value> ct, std::size_t operand) {
        if (operand == 0) return ct[0];
        return operand == 2 ? gather.with(g.node.attributes, ct[0], g.x[1]) : Value{};
    }),
    .batch = scatter_add_batch,
    .samples = [](Dtype d) -> std::vector<Sample> {
        return {{{{d, {4, 3}}, {Dtype::i32, {5}}, {d, {5, 3}}}, {std::int64_t{0}}},
                {{{d, {2, 4}}, {Dtype::i64, {2, 2}}, {d, {2, 2, 2}}}, {std::int64_t{1}}}};
    },
};

inline constexpr auto views = std::to_array<const OpDef*>(
    {&reshape, &transpose, &broadcast_to, &slice, &pad, &concat, &gather, &checked_index, &scatter_add});

}  // namespace lathe::ir::ops
