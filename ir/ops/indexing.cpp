#include "ir/ops/indexing.h"

namespace lathe::ir::ops {

Value joined_indices(const BatchContext& c, std::size_t axis) {
    const Dim bound = c.node.operands[0].type().shape[axis];
    const Value checked = checked_index.with({Shape{bound}, index_name(c.node)}, c.x[1]);
    const Value first = functions::count_up(checked, c.extent, Dtype::i64);
    const Value begin = mul(first, functions::extent_value(checked, bound, Dtype::i64));
    Shape shape{c.extent};
    for (std::size_t i = 1; i < checked.type().shape.rank(); ++i) shape.push_back(1);
    return add(functions::convert(checked, Dtype::i64), functions::reshape(begin, shape));
}

Value joined(const Value& x, std::size_t axis) {
    Integers order = functions::all_axes(x.type().shape.rank());
    const auto second = order.begin() + 1;
    std::rotate(second, second + static_cast<std::ptrdiff_t>(axis), second + static_cast<std::ptrdiff_t>(axis) + 1);
    const Value moved = functions::transpose(x, std::move(order));
    const Shape& all = moved.type().shape;
    Shape shape{all[0] * all[1]};
    for (std::size_t i = 2; i < all.rank(); ++i) shape.push_back(all[i]);
    return functions::reshape(moved, shape);
}

Value moved(const Value& x, std::size_t from, std::size_t count, std::size_t to) {
    const Integers all = functions::all_axes(x.type().shape.rank());
    Integers order;
    for (std::int64_t axis : all)
        if (axis < static_cast<std::int64_t>(from) || axis >= static_cast<std::int64_t>(from + count))
            order.push_back(axis);
    const auto at = [](const auto& list, std::size_t i) { return list.begin() + static_cast<std::ptrdiff_t>(i); };
    order.insert(at(order, to), at(all, from), at(all, from + count));
    return functions::transpose(x, std::move(order));
}

// Where the indices differ from one to the next, they choose from all elements of all.
Value gather_batch(const BatchContext& c) {
    const auto axis = static_cast<std::size_t>(chosen_axis(c.node.attributes));
    if (!c.batched[1]) return gather.with(rules::batched_attributes(c), c.x[0], c.x[1]);
    if (!c.batched[0]) return rules::axis_to_front(gather.with(c.node.attributes, c.x[0], c.x[1]), axis);
    const Value taken = gather.with({std::int64_t{0}}, joined(c.x[0], axis), joined_indices(c, axis));
    const std::size_t indices = c.node.operands[1].type().shape.rank();
    return moved(taken, 1, indices, 1 + axis);
}

Value lines_batch(const BatchContext& c) {
    const std::vector<Value> x = rules::in_batch(c);
    const std::vector<bool> all(x.size(), true);
    return Value::record(*c.node.op, x, rules::batched_attributes({c.node, x, all, c.extent}), Loc{});
}

Value dynamic_slice_batch(const BatchContext& c) {
    const std::vector<Value> x = rules::in_batch(c);
    const std::vector<bool> all(x.size(), true);
    Attributes attributes = rules::batched_attributes({c.node, x, all, c.extent});
    ++std::get<std::int64_t>(attributes[block_batch.slot]);
    return Value::record(*c.node.op, x, std::move(attributes), Loc{});
}
Value dynamic_update_slice_batch(const BatchContext& c) {
    return Value::record(*c.node.op, rules::in_batch(c), {update_batch(c.node.attributes) + 1}, Loc{});
}

}  // namespace lathe::ir::ops
