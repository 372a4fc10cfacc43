#include "ir/ops/scatter.h"

#include "ir/ops/comparison.h"

namespace lathe::ir::ops {

Value scatter_batch(const BatchContext& c) {
    const auto axis = static_cast<std::size_t>(chosen_axis(c.node.attributes));
    const std::vector<Value> x = rules::in_batch(c);
    if (!c.batched[1]) {
        const std::vector<bool> batched{true, false, true};
        return c.node.op->with(rules::batched_attributes({c.node, c.x, batched, c.extent}), x[0], c.x[1], x[2]);
    }
    const std::size_t indices = c.node.operands[1].type().shape.rank();
    const Value total = c.node.op->with({std::int64_t{0}}, joined(x[0], axis), joined_indices(c, axis),
                                        moved(x[2], 1 + axis, indices, 1));
    Shape apart{c.extent, c.node.operands[0].type().shape[axis]};
    for (std::size_t i = 1; i < total.type().shape.rank(); ++i) apart.push_back(total.type().shape[i]);
    return moved(functions::reshape(total, apart), 1, 1, 1 + axis);
}

// ---- gradients

namespace {

// What is taken of x where the updates of a node go.
Value taken(const GradientContext& g, const Value& x) {
    return rows_of(g.node).take.with(g.node.attributes, x, g.x[1]);
}

Value zeros_of(const Value& like, const Value& x) { return functions::full_like(like, functions::shape_of(x), 0); }

// Which of the updates are the last of those for one element: where its place among them is what is found there when
// all have been put.
Value is_last(const GradientContext& g) {
    const Value& indices = g.x[1];
    const Shape &shape = functions::shape_of(indices), &updates = functions::shape_of(g.x[2]);
    const bool lines = rows_of(g.node).take.view == along_lines.view;
    const auto axis = static_cast<std::size_t>(chosen_axis(g.node.attributes));
    const Value places = functions::reshape(functions::count_up(indices, shape.element_count(), Dtype::i64), shape);
    const Shape targets = lines ? functions::shape_of(g.x[0]) : Shape{functions::shape_of(g.x[0])[axis]};
    const Attributes along{lines ? chosen_axis(g.node.attributes) : std::int64_t{0}};
    const Value last = rows_of(g.node).set.with(along, functions::full_like(places, targets, 0), indices, places);
    const Value found = eq(rows_of(g.node).take.with(along, last, indices), places);
    if (lines) return found;
    Shape beside;
    for (std::size_t i = 0; i < updates.rank(); ++i)
        beside.push_back(i >= axis && i < axis + shape.rank() ? shape[i - axis] : Dim(1));
    return functions::reshape(found, beside);
}

}  // namespace

Value scatter_add_gradient(const GradientContext& g, std::span<const Value> ct, std::size_t operand) {
    if (operand == 0) return ct[0];
    return operand == 2 ? taken(g, ct[0]) : Value{};
}

Value scatter_set_gradient(const GradientContext& g, std::span<const Value> ct, std::size_t operand) {
    if (operand == 1) return {};
    if (operand == 0) return rows_of(g.node).set.with(g.node.attributes, ct[0], g.x[1], zeros_of(ct[0], g.x[2]));
    return select(is_last(g), taken(g, ct[0]), functions::number(ct[0], 0));
}

namespace {

// For each update the product of all other factors of its element. Where one of them is 0 it has no quotient; so zeros
// are counted, and the product is that of the others.
Value products_of_others(const GradientContext& g, const Value& x, const Value& updates) {
    const ScatterRows rows = rows_of(g.node);
    const Value zero = functions::number(x, 0), one = functions::number(x, 1);
    const Value x_is_zero = eq(x, zero), is_zero = eq(updates, zero);
    const Value others = select(is_zero, one, updates);
    const Value product = rows.multiply.with(g.node.attributes, select(x_is_zero, one, x), g.x[1], others);
    const Value zeros = rows.add.with(g.node.attributes, functions::convert(x_is_zero, Dtype::i64), g.x[1],
                                      functions::convert(is_zero, Dtype::i64));
    const Value all = taken(g, product), count = taken(g, zeros);
    const Value none = eq(count, functions::number(count, 0)), alone = eq(count, functions::number(count, 1));
    return select(is_zero, select(alone, all, zero), select(none, div(all, others), zero));
}

}  // namespace

Value scatter_multiply_jvp(const GradientContext& g, std::span<const Value> t) {
    const ScatterRows rows = rows_of(g.node);
    return functions::in_accumulator(t[0], [&](const Value& of_x) {
        const auto wide = [&](const Value& v) { return functions::convert(v, functions::dtype_of(of_x)); };
        const Value x = wide(g.x[0]), updates = wide(g.x[2]);
        const Value ones = functions::full_like(x, functions::shape_of(x), 1);
        const Value moved = mul(of_x, rows.multiply.with(g.node.attributes, ones, g.x[1], updates));
        return rows.add.with(g.node.attributes, moved, g.x[1], mul(wide(t[2]), products_of_others(g, x, updates)));
    });
}

// As of a maximum along an axis: the mean of the tangents of all that are as great.
Value scatter_extreme_jvp(const GradientContext& g, std::span<const Value> t) {
    const Value &x = g.x[0], &updates = g.x[2], &y = g.y[0];
    const Value x_attains = logical_or(eq(x, y), ne(x, x));
    const Value attains = logical_or(eq(updates, taken(g, y)), ne(updates, updates));
    return functions::in_accumulator(t[0], [&](const Value& tangent) {
        const Value zero = functions::number(tangent, 0);
        const Value of_updates = functions::convert(t[2], functions::dtype_of(tangent));
        const auto total = [&](const Value& of_x, const Value& added) {
            return rows_of(g.node).add.with(g.node.attributes, of_x, g.x[1], added);
        };
        const Value sum = total(select(x_attains, tangent, zero), select(attains, of_updates, zero));
        const Value count = total(functions::indicator(x_attains, tangent), functions::indicator(attains, tangent));
        return div(sum, select(ne(y, y), functions::convert(y, functions::dtype_of(tangent)), count));
    });
}

}  // namespace lathe::ir::ops
