// Elements whose positions are data: chosen by integers that lie in memory. See ir/ops/scatter.h for what is written
// there.
#pragma once

#include "ir/ops/views.h"

namespace lathe::ir::ops {

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
// Indices for each of a batch, as indices into the batches' elements one behind the other.
Value joined_indices(const BatchContext& c, std::size_t axis);
// [batch, ..., axis, ...] with the axis second and both joined: [batch * axis, ..., ...].
Value joined(const Value& x, std::size_t axis);
// `count` dimensions from `from` on come to stand at `to`, where those before that have left.
Value moved(const Value& x, std::size_t from, std::size_t count, std::size_t to);

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

// ---- along one axis: indices of x's rank, each of which chooses from its own line

// Beside the axis the extents are the same.
inline void require_lines(TypeContext& c, std::size_t axis) {
    const Shape &x = c.operand(0).shape, &indices = c.operand(1).shape;
    rules::require_dtype(c, 1, integers);
    if (x.rank() != indices.rank()) c.fail("the indices have another rank");
    for (std::size_t i = 0; i < x.rank(); ++i)
        if (i != axis)
            c.require_equal(x[i], indices[i], "the extents beside the axis differ", static_cast<std::int64_t>(i));
    c.require_at_most(ir::min(indices.element_count(), 1), x[axis], "there are indices along an axis without elements");
}

inline std::vector<ViewPiece> element_of_line(const ViewContext& c, std::span<const Dim> at) {
    const auto axis = static_cast<std::size_t>(chosen_axis(c.attributes));
    std::vector<Dim> index(at.begin(), at.end());
    index[axis] = c.loaded_index(1, index, c.operands[0].shape[axis]);
    return {{.operand = 0, .index = std::move(index), .guards = {}}};
}

// Every operand has the batch's axis.
Value lines_batch(const BatchContext& c);

inline constexpr OpDef take_along_axis = {
    .name = "take_along_axis",
    .doc =
        "y[..., i, ...] = x[..., indices[..., i, ...], ...]: each line of the indices along the axis chooses from the "
        "same\nline of x. An index outside [0, extent) is a fault; where the extent is 0, any index is a mistake found "
        "before the run.",
    .arity = 2,
    .lowering = Lowering::view,
    .dtypes = any_dtype,
    .attributes = axis_attribute,
    .type = [](TypeContext& c) -> Type {
        require_lines(c, c.axis(chosen_axis));
        return {c.operand(0).dtype, c.operand(1).shape};
    },
    .view = element_of_line,
    .indices = taken_indices,
    .gradient = linear([](const GradientContext& g, std::span<const Value> ct, std::size_t operand) {
        if (operand != 0) return Value{};
        return functions::in_accumulator(ct[0], [&](const Value& updates) {
            const Value zeros = functions::full_like(updates, functions::shape_of(g.x[0]), 0);
            return add_along_axis.with(g.node.attributes, zeros, g.x[1], updates);
        });
    }),
    .batch = lines_batch,
    .samples = [](Dtype d) -> std::vector<Sample> {
        return {{{{d, {4, 3}}, {Dtype::i64, {2, 3}}}, {std::int64_t{0}}},
                {{{d, {2, 4}}, {Dtype::u8, {2, 7}}}, {std::int64_t{1}}},
                {{{d, {5}}, {Dtype::i32, {3}}}, {std::int64_t{0}}},
                {{{d, {2, 3, 4}}, {Dtype::i32, {2, 1, 4}}}, {std::int64_t{1}}}};
    },
};

// ---- blocks whose first element memory chooses

inline constexpr NumberAttribute<0> update_batch{
    "batch", "how many dimensions in front choose a block each for themselves", 0, Presence::optional};
inline constexpr SizesAttribute<0> block_size{"size", "how many elements"};
inline constexpr NumberAttribute<1> block_batch{
    "batch", "how many dimensions in front choose a block each for themselves", 0, Presence::optional};

// The starts of a block of `size` in x: one for each dimension behind the first `batch`, which they have in front.
inline void require_starts(TypeContext& c, std::size_t operand, const Shape& size, std::int64_t batch) {
    const Shape &x = c.operand(0).shape, &starts = c.operand(operand).shape;
    const auto rank = static_cast<std::int64_t>(x.rank());
    rules::require_dtype(c, operand, integers);
    if (batch < 0 || batch > rank) c.fail("there are not " + std::to_string(batch) + " dimensions in front");
    if (static_cast<std::int64_t>(starts.rank()) != batch + 1)
        c.fail("the starts have rank " + std::to_string(starts.rank()) + ", not " + std::to_string(batch + 1));
    c.require_equal(starts[starts.rank() - 1], rank - batch, "there is not one start for each dimension");
    for (std::size_t i = 0; i < x.rank(); ++i) {
        rules::require_extent(c, size[i], "a size is negative");
        if (static_cast<std::int64_t>(i) < batch) {
            c.require_equal(starts[i], x[i], "the extents in front differ", static_cast<std::int64_t>(i));
            c.require_equal(size[i], x[i], "the extents in front differ", static_cast<std::int64_t>(i));
        } else {
            c.require_at_most(size[i], x[i], "the block is larger than its operand");
        }
    }
}
// Where the block starts for an element of it, or of x: 0 where it is as large as x.
inline std::vector<Dim> first_of_block(const ViewContext& c, std::size_t operand, const Shape& size, std::int64_t batch,
                                       std::span<const Dim> at) {
    const Shape& x = c.operands[0].shape;
    std::vector<Dim> first(x.rank(), 0);
    std::vector<Dim> which(at.begin(), at.begin() + batch);
    which.emplace_back(0);
    for (auto i = static_cast<std::size_t>(batch); i < x.rank(); ++i) {
        if (size[i] == x[i]) continue;
        which.back() = static_cast<std::int64_t>(i) - batch;
        first[i] = c.loaded_index(operand, which, x[i] - size[i] + 1);
    }
    return first;
}
// The starts that every dimension has room for.
inline Dim common_starts(const Shape& x, const Shape& size, std::int64_t batch) {
    std::optional<Dim> least;
    for (auto i = static_cast<std::size_t>(batch); i < x.rank(); ++i) {
        const Dim room = x[i] - size[i] + 1;
        least = least ? ir::min(*least, room) : room;
    }
    return least.value_or(1);
}

Value dynamic_slice_batch(const BatchContext& c);
Value dynamic_update_slice_batch(const BatchContext& c);

inline constexpr AttributeDef dynamic_slice_attributes[] = {block_size, block_batch};
inline constexpr OpDef dynamic_slice = {
    .name = "dynamic_slice",
    .doc =
        "y[i] = x[starts + i], size elements along each dimension.\nA start outside [0, extent - size] is a fault; it "
        "is not looked at where the size is the extent.",
    .arity = 2,
    .lowering = Lowering::view,
    .dtypes = any_dtype,
    .attributes = dynamic_slice_attributes,
    .type = [](TypeContext& c) -> Type {
        require_starts(c, 1, c.attribute(block_size), c.attribute(block_batch));
        return {c.operand(0).dtype, c.attribute(block_size)};
    },
    .view = [](const ViewContext& c, std::span<const Dim> out) -> std::vector<ViewPiece> {
        std::vector<Dim> index = first_of_block(c, 1, c.result->shape, block_batch(c.attributes), out);
        for (std::size_t i = 0; i < index.size(); ++i) index[i] = index[i] + out[i];
        return {{.operand = 0, .index = std::move(index), .guards = {}}};
    },
    .indices = {.operand = 1,
                .bound =
                    [](std::span<const Type> operands, std::span<const Attribute> attributes) {
                        return common_starts(operands[0].shape, block_size(attributes), block_batch(attributes));
                    }},
    .gradient = linear([](const GradientContext& g, std::span<const Value> ct, std::size_t operand) {
        if (operand != 0) return Value{};
        const Value zeros = functions::full_like(ct[0], functions::shape_of(g.x[0]), 0);
        return dynamic_update_slice.with({block_batch(g.node.attributes)}, zeros, ct[0], g.x[1]);
    }),
    .batch = dynamic_slice_batch,
    .samples = [](Dtype d) -> std::vector<Sample> {
        const std::int64_t none = 0, one = 1;
        return {{{{d, {5, 4}}, {Dtype::i64, {2}}}, {Shape{3, 2}, none}},
                {{{d, {5, 4}}, {Dtype::i32, {2}}}, {Shape{2, 4}, none}},
                {{{d, {3, 6}}, {Dtype::u8, {3, 1}}}, {Shape{3, 2}, one}},
                {{{d, {}}, {Dtype::i64, {0}}}, {Shape{}, none}}};
    },
};

inline constexpr AttributeDef dynamic_update_slice_attributes[] = {update_batch};
inline constexpr OpDef dynamic_update_slice = {
    .name = "dynamic_update_slice",
    .doc =
        "x, and from x[starts] on the block y.\nA start outside [0, extent - size] is a fault; it is not looked at "
        "where the block is as large as x.",
    .arity = 3,
    .lowering = Lowering::view,
    .dtypes = any_dtype,
    .attributes = dynamic_update_slice_attributes,
    .type = [](TypeContext& c) -> Type {
        rules::require_same_dtype(c, 0, 1);
        if (c.operand(0).shape.rank() != c.operand(1).shape.rank()) c.fail("the block has another rank");
        require_starts(c, 2, c.operand(1).shape, c.attribute(update_batch));
        return c.operand(0);
    },
    .view = [](const ViewContext& c, std::span<const Dim> out) -> std::vector<ViewPiece> {
        const Shape &x = c.operands[0].shape, &size = c.operands[1].shape;
        std::vector<Dim> index = first_of_block(c, 2, size, update_batch(c.attributes), out);
        ViewPiece block{.operand = 1, .index = {}, .guards = {}};
        for (std::size_t i = 0; i < index.size(); ++i) {
            block.index.push_back(out[i] - index[i]);
            if (size[i] == x[i]) continue;
            block.guards.push_back(block.index[i]);
            block.guards.push_back(size[i] - 1 - block.index[i]);
        }
        if (block.guards.empty()) return {block};
        return {block, {.operand = 0, .index = {out.begin(), out.end()}, .guards = {}}};
    },
    .indices = {.operand = 2,
                .bound =
                    [](std::span<const Type> operands, std::span<const Attribute> attributes) {
                        return common_starts(operands[0].shape, operands[1].shape, update_batch(attributes));
                    }},
    .gradient = linear([](const GradientContext& g, std::span<const Value> ct, std::size_t operand) {
        const std::int64_t batch = update_batch(g.node.attributes);
        const Shape& size = functions::shape_of(g.x[1]);
        if (operand == 0)
            return dynamic_update_slice.with({batch}, ct[0], functions::full_like(ct[0], size, 0), g.x[2]);
        return operand == 1 ? dynamic_slice.with({size, batch}, ct[0], g.x[2]) : Value{};
    }),
    .batch = dynamic_update_slice_batch,
    .samples = [](Dtype d) -> std::vector<Sample> {
        const std::int64_t none = 0, one = 1;
        return {{{{d, {5, 4}}, {d, {3, 2}}, {Dtype::i64, {2}}}, {none}},
                {{{d, {5, 4}}, {d, {2, 4}}, {Dtype::i32, {2}}}, {none}},
                {{{d, {3, 6}}, {d, {3, 2}}, {Dtype::u8, {3, 1}}}, {one}},
                {{{d, {4}}, {d, {0}}, {Dtype::i64, {1}}}, {none}}};
    },
};

inline constexpr auto indexing =
    std::to_array<const OpDef*>({&gather, &take_along_axis, &checked_index, &dynamic_slice, &dynamic_update_slice});

}  // namespace lathe::ir::ops
