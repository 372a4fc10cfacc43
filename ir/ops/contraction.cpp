#include "ir/ops/contraction.h"

namespace lathe::ir::ops {
namespace {

// Of one side: 0 is lhs.
const Integers& batch_of(std::span<const Attribute> attributes, std::size_t side) {
    return side == 0 ? lhs_batch(attributes) : rhs_batch(attributes);
}
const Integers& contract_of(std::span<const Attribute> attributes, std::size_t side) {
    return side == 0 ? lhs_contract(attributes) : rhs_contract(attributes);
}

// Dimensions of a tensor of some rank that are in neither list, ascending.
Integers free_axes(std::size_t rank, const Integers& batch, const Integers& contract) {
    Integers result;
    for (std::int64_t axis = 0; axis < static_cast<std::int64_t>(rank); ++axis)
        if (std::ranges::find(batch, axis) == batch.end() && std::ranges::find(contract, axis) == contract.end())
            result.push_back(axis);
    return result;
}

Integers range(std::size_t begin, std::size_t count) {
    Integers result;
    for (std::size_t i = 0; i < count; ++i) result.push_back(static_cast<std::int64_t>(begin + i));
    return result;
}

// x with its dimensions in the order batch, own, ones: where `ones` of them are new extents of 1 placed before own
// (`before`) or behind.
Value spread(const Value& x, const Integers& batch, const Integers& own, std::size_t ones, bool before) {
    Integers order = batch;
    order.insert(order.end(), own.begin(), own.end());
    const Value moved = functions::transpose(x, order);
    const Shape& shape = functions::shape_of(moved);
    Shape wide;
    for (std::size_t i = 0; i < batch.size(); ++i) wide.push_back(shape[i]);
    for (std::size_t i = 0; i < (before ? ones : 0); ++i) wide.push_back(1);
    for (std::size_t i = batch.size(); i < shape.rank(); ++i) wide.push_back(shape[i]);
    for (std::size_t i = 0; i < (before ? 0 : ones); ++i) wide.push_back(1);
    return functions::reshape(moved, wide);
}

}  // namespace

Type dot_general_type(TypeContext& c) {
    rules::require_dtype(c, 0, c.op().dtypes);
    rules::require_same_dtype(c, 0, 1);
    const Shape &lhs = c.operand(0).shape, &rhs = c.operand(1).shape;
    const Integers lhs_batch = c.axes(ops::lhs_batch), rhs_batch = c.axes(ops::rhs_batch);
    const Integers lhs_contract = c.axes(ops::lhs_contract), rhs_contract = c.axes(ops::rhs_contract);
    const auto check_side = [&](Integers all, const Integers& contract, std::size_t rank) {
        all.insert(all.end(), contract.begin(), contract.end());
        rules::axes(c, all, rank);
    };
    check_side(lhs_batch, lhs_contract, lhs.rank());
    check_side(rhs_batch, rhs_contract, rhs.rank());
    if (lhs_batch.size() != rhs_batch.size()) c.fail("the operands have different numbers of batch dimensions");
    if (lhs_contract.size() != rhs_contract.size())
        c.fail("the operands have different numbers of contracted dimensions");
    const auto at = [](const Shape& shape, std::int64_t axis) { return shape[static_cast<std::size_t>(axis)]; };
    const Integers lhs_free = free_axes(lhs.rank(), lhs_batch, lhs_contract);
    const Integers rhs_free = free_axes(rhs.rank(), rhs_batch, rhs_contract);
    rules::require_rank(c, lhs_batch.size() + lhs_free.size() + rhs_free.size());

    Shape result;
    for (std::size_t i = 0; i < lhs_batch.size(); ++i) {
        const Dim a = at(lhs, lhs_batch[i]), b = at(rhs, rhs_batch[i]);
        c.require_equal(a, b, "the batch extents differ");
        result.push_back(b.is_constant() ? b : a);
    }
    for (std::size_t i = 0; i < lhs_contract.size(); ++i)
        c.require_equal(at(lhs, lhs_contract[i]), at(rhs, rhs_contract[i]), "the inner extents differ");
    for (std::int64_t axis : lhs_free) result.push_back(at(lhs, axis));
    for (std::int64_t axis : rhs_free) result.push_back(at(rhs, axis));
    return {c.operand(0).dtype, result};
}

ContractionMaps dot_general_maps(std::span<const Type> operands, std::span<const Attribute> attributes) {
    ContractionMaps maps;
    std::size_t loop = lhs_batch(attributes).size();
    for (std::size_t side = 0; side < 2; ++side) {
        const Integers &batch = batch_of(attributes, side), &contract = contract_of(attributes, side);
        const std::size_t rank = operands[side].shape.rank();
        std::vector<std::size_t>& loops = maps.operands.emplace_back(rank);
        for (std::size_t i = 0; i < batch.size(); ++i) loops[static_cast<std::size_t>(batch[i])] = i;
        for (std::int64_t axis : free_axes(rank, batch, contract)) loops[static_cast<std::size_t>(axis)] = loop++;
    }
    maps.contracted = lhs_contract(attributes).size();
    for (std::size_t i = 0; i < maps.contracted; ++i) {
        const auto l = static_cast<std::size_t>(lhs_contract(attributes)[i]);
        const auto r = static_cast<std::size_t>(rhs_contract(attributes)[i]);
        maps.operands[0][l] = maps.operands[1][r] = loop + i;
        const Dim a = operands[0].shape[l], b = operands[1].shape[r];
        maps.contracted_extents.push_back(b.is_constant() ? b : a);
    }
    return maps;
}

// The cotangent contracted with the other operand over that one's free dimensions, and the dimensions put in place.
Value dot_general_transpose(const GradientContext& g, std::span<const Value> ct, std::size_t operand) {
    const std::size_t other = 1 - operand;
    const auto& attributes = g.node.attributes;
    const Integers &batch = batch_of(attributes, operand), &contract = contract_of(attributes, operand);
    const Integers &other_batch = batch_of(attributes, other), &other_contract = contract_of(attributes, other);
    const std::size_t rank = functions::shape_of(g.x[operand]).rank();
    const Integers own_free = free_axes(rank, batch, contract);
    const Integers other_free = free_axes(functions::shape_of(g.x[other]).rank(), other_batch, other_contract);
    const std::size_t own_at = batch.size() + (operand == 0 ? 0 : other_free.size());
    const std::size_t other_at = batch.size() + (operand == 0 ? own_free.size() : 0);
    const Integers ct_batch = range(0, batch.size());

    // The result's dimensions: batch, own free ones, then the other operand's contracted ones in ascending order; or
    // those two exchanged, where the operand has them so and no transposition is needed then.
    Integers remaining = other_contract;
    std::ranges::sort(remaining);
    const bool contracted_first =
        !other_free.empty() && !contract.empty() && !own_free.empty() && std::ranges::min(contract) < own_free.front();
    Value product;
    if (other_free.empty()) {
        // Nothing to sum over: an outer product.
        product = mul(spread(ct[0], ct_batch, range(own_at, own_free.size()), remaining.size(), false),
                      spread(g.x[other], other_batch, remaining, own_free.size(), true));
    } else if (const Integers ct_contract = range(other_at, other_free.size()); contracted_first) {
        product = dot_general.with({other_batch, ct_batch, other_free, ct_contract}, g.x[other], ct[0]);
    } else {
        product = dot_general.with({ct_batch, other_batch, ct_contract, other_free}, ct[0], g.x[other]);
    }

    Integers permutation(rank);
    for (std::size_t i = 0; i < batch.size(); ++i)
        permutation[static_cast<std::size_t>(batch[i])] = static_cast<std::int64_t>(i);
    const std::size_t own_first = batch.size() + (contracted_first ? remaining.size() : 0);
    const std::size_t contract_first = batch.size() + (contracted_first ? 0 : own_free.size());
    for (std::size_t i = 0; i < own_free.size(); ++i)
        permutation[static_cast<std::size_t>(own_free[i])] = static_cast<std::int64_t>(own_first + i);
    for (std::size_t i = 0; i < contract.size(); ++i) {
        const auto position = std::ranges::find(remaining, other_contract[i]) - remaining.begin();
        permutation[static_cast<std::size_t>(contract[i])] = static_cast<std::int64_t>(contract_first) + position;
    }
    return functions::transpose(product, permutation);
}

// Where both operands are batched that is one more batch dimension; else it is a free one of the operand that is, which
// the result has behind all before.
Value dot_general_batch(const BatchContext& c) {
    Attributes attributes = rules::batched_attributes(c);
    if (c.batched[0] && c.batched[1]) {
        for (const AttributeDef* const batch : std::initializer_list<const AttributeDef*>{&lhs_batch, &rhs_batch}) {
            auto& axes = std::get<Integers>(attributes[batch->slot]);
            axes.insert(axes.begin(), 0);
        }
        return c.node.op->with(std::move(attributes), c.x[0], c.x[1]);
    }
    const Value product = c.node.op->with(attributes, c.x[0], c.x[1]);
    std::size_t before = lhs_batch(attributes).size();
    if (c.batched[1])
        before += free_axes(c.x[0].type().shape.rank(), lhs_batch(attributes), lhs_contract(attributes)).size();
    return rules::axis_to_front(product, before);
}

}  // namespace lathe::ir::ops
