// A copy of a tensor into which updates are accumulated where memory says, one after the other in row-major order of
// the updates, so that the result is the same for any number of threads. There are two ways of saying where: as gather
// chooses, and as take_along_axis does. A row is one of them with a way of accumulating; the accumulator is the element
// itself, which each step rounds to its dtype.
#pragma once

#include "ir/ops/indexing.h"
#include "ir/ops/reductions.h"

namespace lathe::ir::ops {

// ---- how an update is accumulated

// A reducer whose step and combination are one function of two values.
template <Scalar (*accumulate)(Scalar before, Scalar update), int start>
inline constexpr Reducer accumulation = {
    .accumulator = same_dtype,
    .init = [](const FoldContext& c) -> Scalars { return {c.b.constant_int(c.accumulator, start)}; },
    .step = [](const FoldContext&, std::span<const Scalar> acc, std::span<const Scalar> x, Scalar) -> Scalars {
        return {accumulate(acc[0], x[0])};
    },
    .combine = [](const FoldContext&, std::span<const Scalar> earlier, std::span<const Scalar> later) -> Scalars {
        return {accumulate(earlier[0], later[0])};
    },
    .finish = [](const FoldContext&, std::span<const Scalar> acc) -> Scalars { return {acc[0]}; },
};
inline constexpr Reducer accumulated_sum = accumulation<[](Scalar a, Scalar b) { return a + b; }, 0>;
inline constexpr Reducer accumulated_product = accumulation<[](Scalar a, Scalar b) { return a * b; }, 1>;
inline constexpr Reducer last_of_all = accumulation<[](Scalar, Scalar b) { return b; }, 0>;

// ---- where

struct Placement {
    void (*require_updates)(TypeContext& c, std::size_t axis);
    ViewRule view;
    BatchRule batch;
    SampleRule samples;
};

Value scatter_batch(const BatchContext& c);

inline constexpr Placement as_gather_takes{
    .require_updates =
        [](TypeContext& c, std::size_t axis) {
            const Shape taken = taken_shape(c, axis);
            if (const std::size_t rank = c.operand(2).shape.rank(); rank != taken.rank())
                c.fail("the updates have rank " + std::to_string(rank) + ", not " + std::to_string(taken.rank()));
            for (std::size_t i = 0; i < taken.rank(); ++i)
                c.require_equal(c.operand(2).shape[i], taken[i], "the updates have the wrong shape",
                                static_cast<std::int64_t>(i));
        },
    .view = taken_element,
    .batch = scatter_batch,
    .samples = [](Dtype d) -> std::vector<Sample> {
        return {{{{d, {4, 3}}, {Dtype::i32, {5}}, {d, {5, 3}}}, {std::int64_t{0}}},
                {{{d, {2, 4}}, {Dtype::i64, {2, 2}}, {d, {2, 2, 2}}}, {std::int64_t{1}}}};
    },
};
inline constexpr Placement along_lines{
    .require_updates =
        [](TypeContext& c, std::size_t axis) {
            require_lines(c, axis);
            const Shape &indices = c.operand(1).shape, &updates = c.operand(2).shape;
            if (indices.rank() != updates.rank())
                c.fail("the updates have rank " + std::to_string(updates.rank()) + ", not " +
                       std::to_string(indices.rank()));
            for (std::size_t i = 0; i < updates.rank(); ++i)
                c.require_equal(updates[i], indices[i], "the updates have the wrong shape",
                                static_cast<std::int64_t>(i));
        },
    .view = element_of_line,
    .batch = lines_batch,
    .samples = [](Dtype d) -> std::vector<Sample> {
        return {{{{d, {4, 3}}, {Dtype::i32, {5, 3}}, {d, {5, 3}}}, {std::int64_t{0}}},
                {{{d, {2, 4}}, {Dtype::i64, {2, 2}}, {d, {2, 2}}}, {std::int64_t{1}}},
                {{{d, {3}}, {Dtype::u8, {4}}, {d, {4}}}, {std::int64_t{0}}}};
    },
};

template <const Placement& where>
Type scatter_type(TypeContext& c) {
    rules::require_dtype(c, 0, c.op().dtypes);
    rules::require_same_dtype(c, 0, 2);
    where.require_updates(c, c.axis(chosen_axis));
    return c.operand(0);
}

// ---- gradients, for rows of either placement

// The rows of the placement of one of them.
struct ScatterRows {
    const OpDef &take, &add, &set, &multiply;
};
inline ScatterRows rows_of(const Node& node) {
    if (node.op->view == along_lines.view)
        return {take_along_axis, add_along_axis, put_along_axis, multiply_along_axis};
    return {gather, scatter_add, scatter_set, scatter_multiply};
}

Value scatter_add_gradient(const GradientContext& g, std::span<const Value> ct, std::size_t operand);
Value scatter_set_gradient(const GradientContext& g, std::span<const Value> ct, std::size_t operand);
Value scatter_multiply_jvp(const GradientContext& g, std::span<const Value> t);
Value scatter_extreme_jvp(const GradientContext& g, std::span<const Value> t);

template <const Placement& where>
constexpr OpDef scatter_row(std::string_view name, std::string_view doc, DtypeSet dtypes, const Reducer& reducer,
                            const Gradient& gradient) {
    return {
        .name = name,
        .doc = doc,
        .arity = 3,
        .lowering = Lowering::scatter,
        .dtypes = dtypes,
        .attributes = axis_attribute,
        .type = TypeRule{scatter_type<where>},
        .reducer = reducer,
        .view = where.view,
        .indices = taken_indices,
        .gradient = gradient,
        .batch = where.batch,
        .samples = where.samples,
    };
}

inline constexpr OpDef scatter_add = scatter_row<as_gather_takes>(
    "scatter_add",
    "x, and at x[..., indices, ...] the updates added, one after the other in row-major order: gather's adjoint.\n"
    "An index outside [0, extent) is a fault; where the extent is 0, any index is a mistake found before the run.",
    numbers, accumulated_sum, linear(scatter_add_gradient));
inline constexpr OpDef scatter_set = scatter_row<as_gather_takes>(
    "scatter_set",
    "x, and at x[..., indices, ...] the updates: of several for one element the last in row-major order.\n"
    "Indices are those of scatter_add. The derivative of an element is that of the update that it has.",
    any_dtype, last_of_all, linear(scatter_set_gradient));
inline constexpr OpDef scatter_multiply = scatter_row<as_gather_takes>(
    "scatter_multiply",
    "x, and x[..., indices, ...] multiplied by the updates, one after the other in row-major order.\n"
    "Indices are those of scatter_add. Second derivatives by two factors of one element, one of them 0, are 0.",
    numbers, accumulated_product, jvp(scatter_multiply_jvp));
inline constexpr OpDef scatter_max =
    scatter_row<as_gather_takes>("scatter_max",
                                 "x, and at x[..., indices, ...] the greatest of it and the updates, NaN if one is.\n"
                                 "Indices are those of scatter_add. The derivative is shared by all that are as great.",
                                 numbers, extreme<Prim::gt>, jvp(scatter_extreme_jvp));
inline constexpr OpDef scatter_min =
    scatter_row<as_gather_takes>("scatter_min",
                                 "x, and at x[..., indices, ...] the least of it and the updates, NaN if one is.\n"
                                 "Indices are those of scatter_add. The derivative is shared by all that are as small.",
                                 numbers, extreme<Prim::lt>, jvp(scatter_extreme_jvp));

inline constexpr OpDef add_along_axis = scatter_row<along_lines>(
    "add_along_axis",
    "x, and at x[..., indices[..., i, ...], ...] the updates [..., i, ...] added, in ascending order of i.\n"
    "Indices are those of take_along_axis.",
    numbers, accumulated_sum, linear(scatter_add_gradient));
inline constexpr OpDef put_along_axis = scatter_row<along_lines>(
    "put_along_axis",
    "x, and at x[..., indices[..., i, ...], ...] the updates [..., i, ...]: of several for one element the last.\n"
    "Indices are those of take_along_axis. The derivative of an element is that of the update that it has.",
    any_dtype, last_of_all, linear(scatter_set_gradient));
inline constexpr OpDef multiply_along_axis = scatter_row<along_lines>(
    "multiply_along_axis",
    "x, and x[..., indices[..., i, ...], ...] multiplied by the updates [..., i, ...], in ascending order of i.\n"
    "Indices are those of take_along_axis. Second derivatives by two factors of one element, one of them 0, are 0.",
    numbers, accumulated_product, jvp(scatter_multiply_jvp));
inline constexpr OpDef max_along_axis = scatter_row<along_lines>(
    "max_along_axis",
    "x, and at x[..., indices[..., i, ...], ...] the greatest of it and the updates [..., i, ...], NaN if one is.\n"
    "Indices are those of take_along_axis. The derivative is shared by all that are as great.",
    numbers, extreme<Prim::gt>, jvp(scatter_extreme_jvp));
inline constexpr OpDef min_along_axis = scatter_row<along_lines>(
    "min_along_axis",
    "x, and at x[..., indices[..., i, ...], ...] the least of it and the updates [..., i, ...], NaN if one is.\n"
    "Indices are those of take_along_axis. The derivative is shared by all that are as small.",
    numbers, extreme<Prim::lt>, jvp(scatter_extreme_jvp));

inline constexpr auto scatters = std::to_array<const OpDef*>(
    {&scatter_add, &scatter_set, &scatter_multiply, &scatter_max, &scatter_min, &add_along_axis, &put_along_axis,
     &multiply_along_axis, &max_along_axis, &min_along_axis});

}  // namespace lathe::ir::ops
