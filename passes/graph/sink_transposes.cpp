// Each value is carried through the graph as what it is of another one: a transposition of a reshape of it. Ops that
// work alike on any order of dimensions take the other value. Which those are follows from the lowering class and from
// what attributes mean; of a view, the index maps before and after have to be the same. What does not work so gets the
// transposition in front of it, where it is a view as before.
//
// That happens in two walks: the first takes all that can be taken, and shows which values reach a product, lose
// their transposition, or become narrower. The second takes those alone, so that nothing else is stored in an order
// that it did not have.
#include "passes/graph/sink_transposes.h"

#include <algorithm>
#include <optional>
#include <ranges>
#include <utility>

#include "ir/functions/basic.h"
#include "ir/loops/order.h"
#include "ir/matching_dims.h"
#include "ir/ops/memory.h"
#include "ir/ops/op.h"
#include "ir/ops/views.h"
#include "ir/program/index_maps.h"
#include "passes/graph/rebuild.h"

namespace lathe::passes {
namespace {

namespace f = ir::functions;

using ir::Attribute;
using ir::AttributeMeaning;
using ir::Dim;
using ir::Graph;
using ir::Integers;
using ir::Lowering;
using ir::Node;
using ir::Shape;
using ir::Value;

bool is_identity(const Integers& order) { return std::ranges::is_sorted(order); }

template <class List>
List picked(const List& from, const Integers& order) {
    List out;
    for (std::int64_t i : order) out.push_back(from[static_cast<std::size_t>(i)]);
    return out;
}

// Whether fewer bytes are left to transpose behind it, as behind a product that is quantised.
bool narrows(const Node& node) {
    return node.op->lowering == Lowering::elementwise &&
           ir::size_of(node.results[0].dtype) < ir::size_of(node.operands[0].type().dtype);
}

// A value of the old graph: dimension i of it is dimension order[i] of `base`, a value of the new one, in shape `cut`.
struct Placed {
    Value base;
    Shape cut;
    Integers order;

    explicit Placed(Value v) : base(v), cut(v.type().shape), order(f::all_axes(cut.rank())) {}
    Placed(Value v, const Shape& shape, Integers dims) : base(v), cut(shape), order(std::move(dims)) {}
    bool is_transposed() const { return !is_identity(order); }
    Value uncut() const { return f::reshape(base, cut); }
    // What is narrower than what it was made of is stored before it is transposed.
    Value itself() const {
        if (!is_transposed() || !narrows(*base.node)) return f::transpose(uncut(), order);
        const std::size_t rank = base.type().shape.rank();
        const Value stored = ir::ops::relayout.with({f::all_axes(rank), Integers(rank, 1)}, base);
        return f::transpose(f::reshape(stored, cut), order);
    }
};

// ---- what ops are

bool is_view(const Node& node) { return node.op->lowering == Lowering::view && !node.op->indices; }
bool is_transposition(const Node& node) {
    return is_view(node) && node.operands.size() == 1 && node.op->attributes.size() == 1 &&
           node.op->attributes[0].meaning == AttributeMeaning::permutation;
}
bool is_product(const Node& node) { return node.op->lowering == Lowering::contraction; }

// Of what a value is a reshape: a product, or a reshape of one that memory holds in another order, or what is computed
// element by element, as depthwise convolutions are; if there is one.
Value computed_behind(Value v) {
    Value last = v;
    while (ir::keeps_positions(*v.node)) {
        last = v;
        v = v.node->operands[0];
    }
    if (is_product(*v.node) || v.node->op->lowering == Lowering::elementwise) return v;
    if (!is_transposition(*v.node) || v.node->operands[0].node->op->lowering != Lowering::relayout) return {};
    return is_product(*v.node->operands[0].node->operands[0].node) ? last : Value{};
}

bool is_known(Value v) {
    while (is_view(*v.node) && v.node->operands.size() == 1) v = v.node->operands[0];
    return ir::literal_of(*v.node) != nullptr;
}

// Says nothing of dimensions.
bool is_plain(AttributeMeaning meaning) {
    return meaning == AttributeMeaning::number || meaning == AttributeMeaning::flag ||
           meaning == AttributeMeaning::dtype || meaning == AttributeMeaning::name ||
           meaning == AttributeMeaning::bound;
}

// An attribute of an op on x, for x with dimension i as its dimension order[i]; nothing if there is none.
std::optional<Attribute> reordered(AttributeMeaning meaning, const Attribute& a, const Integers& order) {
    const Integers back = ir::ops::inverse(order);
    switch (meaning) {
        case AttributeMeaning::axis:
            return order[static_cast<std::size_t>(std::get<std::int64_t>(a))];
        case AttributeMeaning::axes:
            return picked(order, std::get<Integers>(a));
        case AttributeMeaning::shape:
        case AttributeMeaning::starts:
        case AttributeMeaning::sizes:
        case AttributeMeaning::padding:
            return picked(std::get<Shape>(a), back);
        case AttributeMeaning::steps:
        case AttributeMeaning::blocks:
            return picked(std::get<Integers>(a), back);
        default:
            return is_plain(meaning) ? std::optional(a) : std::nullopt;
    }
}

class Sinker {
public:
    // `wanted`: the nodes that may be taken; all if null.
    Sinker(const Graph& graph, const std::vector<bool>* wanted) : old_(graph), wanted_(wanted) {}

    std::unique_ptr<Graph> run() {
        taken.assign(old_.nodes().size(), false);
        transposed.assign(old_.nodes().size(), false);
        std::unique_ptr<Graph> result = rebuild(
            old_, [&](Graph& into, const Node& node, const ValueMap& values) { return add(into, node, values); },
            values_);
        for (std::size_t i = 0; i < old_.outputs().size(); ++i)
            result->add_output(old_.output_name(i), itself(old_.outputs()[i]));
        return result;
    }

    // By node: whether it was taken, and whether its results are still transposed then.
    std::vector<bool> taken, transposed;

private:
    std::vector<Value> add(Graph& into, const Node& node, const ValueMap& values) {
        new_ = &into;
        known_ = &values;
        into.default_loc = node.loc;
        std::vector<Value> results;
        if (std::vector<Placed> placed = take(node); !placed.empty()) {
            taken[node.id] = true;
            transposed[node.id] = placed[0].is_transposed();
            for (const Placed& p : placed) results.push_back(p.is_transposed() ? Value{} : p.itself());
            places_.resize(old_.nodes().size());
            if (transposed[node.id]) places_[node.id] = std::move(placed);
        } else {
            std::vector<Value> operands;
            for (const Value& v : node.operands) operands.push_back(itself(v));
            results = results_of(into.add(*node.op, operands, node.attributes, node.loc));
        }
        into.default_loc = {};
        made_.resize(old_.nodes().size());
        return made_[node.id] = results;
    }

    // A value of the old graph as it is there.
    Value itself(const Value& v) {
        if (v.node->id >= made_.size() || made_[v.node->id].empty()) return mapped(*known_, v);
        Value& made = made_[v.node->id][v.index];
        if (!made) made = places_[v.node->id][v.index].itself();
        return made;
    }
    const Placed* transposition_of(const Value& v) const {
        return v.node->id < places_.size() && !places_[v.node->id].empty() ? &places_[v.node->id][v.index] : nullptr;
    }
    Placed placed(const Value& v) {
        const Placed* const found = transposition_of(v);
        return found != nullptr ? *found : Placed(itself(v));
    }
    bool has_transposed_operand(const Node& node) const {
        return std::ranges::any_of(node.operands, [&](const Value& v) { return transposition_of(v) != nullptr; });
    }

    // What the node's results are of values in the order of a product; empty if it does not work in that order.
    std::vector<Placed> take(const Node& node) {
        const bool may = wanted_ == nullptr || (*wanted_)[node.id];
        if (!may) return {};
        if (is_transposition(node)) return take_transposition(node);
        if (!has_transposed_operand(node)) return {};
        switch (node.op->lowering) {
            case Lowering::elementwise:
                return take_elementwise(node);
            case Lowering::reduction:
                return take_reduction(node);
            case Lowering::relayout:
                return take_relayout(node);
            case Lowering::view:
                return is_view(node) ? take_view(node) : std::vector<Placed>{};
            default:
                return {};
        }
    }

    std::vector<Placed> take_transposition(const Node& node) {
        const Integers& permutation = std::get<Integers>(node.attributes[0]);
        const Value x = node.operands[0];
        if (const Placed* const of = transposition_of(x)) return {{of->base, of->cut, picked(of->order, permutation)}};
        const Value product = computed_behind(itself(x));
        if (!product || is_identity(permutation)) return {};
        return {{product, x.type().shape, permutation}};
    }

    // The operand with the dimensions of another value's base, and an extent of 1 wherever it is the same along one.
    Value beside(const Value& operand, const Placed& other) {
        const Placed own = placed(operand);
        if (own.order == other.order && own.base.type().shape == other.base.type().shape && own.cut == other.cut)
            return own.base;
        if (own.order.empty()) return own.base;
        const std::size_t rank = other.order.size(), before = rank - own.order.size();
        Shape shape(std::vector<std::int64_t>(before, 1));
        for (Dim d : own.cut) shape.push_back(d);
        Integers order = f::all_axes(before);
        for (std::int64_t i : own.order) order.push_back(i + static_cast<std::int64_t>(before));
        const Value x = f::transpose(f::reshape(own.base, shape), picked(order, ir::ops::inverse(other.order)));
        if (other.cut == other.base.type().shape) return x;
        // Dimensions that the base has as one.
        const Shape now = x.type().shape;
        Shape full = now, joined = other.base.type().shape;
        for (const ir::MatchingDims& g : ir::matching_dims(other.cut, joined)) {
            const auto dims = std::span(now.dims()).subspan(g.from_begin, g.from_end - g.from_begin);
            if (std::ranges::all_of(dims, [](Dim d) { return d == Dim(1); })) {
                for (std::size_t i = g.to_begin; i < g.to_end; ++i) joined[i] = 1;
            } else if (g.from_end - g.from_begin != 1 || g.to_end - g.to_begin != 1) {
                for (std::size_t i = g.from_begin; i < g.from_end; ++i) full[i] = other.cut[i];
            }
        }
        return f::reshape(f::broadcast_to(x, full), joined);
    }

    // The order in which most operands of the result's shape come; theirs first that is a product's as it is.
    const Placed* most_common(const Node& node) {
        const Shape& shape = node.results[0].shape;
        std::vector<std::pair<const Placed*, int>> votes;
        int against = 0;
        for (const Value& v : node.operands) {
            if (v.type().shape.rank() != shape.rank()) continue;
            if (node.op->lowering == Lowering::elementwise && v.type().shape != shape) continue;
            const Placed* const of = transposition_of(v);
            if (of == nullptr) {
                against += is_known(itself(v)) ? 0 : 1;
                continue;
            }
            const auto found =
                std::ranges::find_if(votes, [&](const auto& vote) { return vote.first->order == of->order; });
            if (found == votes.end()) {
                votes.emplace_back(of, 1);
            } else {
                if (of->base.type().shape.rank() < found->first->base.type().shape.rank()) found->first = of;
                ++found->second;
            }
        }
        if (votes.empty()) return nullptr;
        const auto& most = *std::ranges::max_element(votes, {}, [](const auto& vote) { return vote.second; });
        return most.second > against ? most.first : nullptr;
    }

    std::vector<Placed> take_elementwise(const Node& node) {
        for (const ir::AttributeDef& def : node.op->attributes)
            if (!is_plain(def.meaning)) return {};
        const Placed* const most = most_common(node);
        if (most == nullptr) return {};
        const Placed like = *most;
        std::vector<Value> operands;
        for (const Value& v : node.operands) operands.push_back(beside(v, like));
        const Node& made = new_->add(*node.op, operands, node.attributes, node.loc);
        if (made.results[0].shape != like.base.type().shape) return {};
        std::vector<Placed> out;
        for (const Value& v : results_of(made)) out.emplace_back(v, like.cut, like.order);
        return out;
    }

    // The order of a fold knows which reduced axes are behind all others. So those stay behind, the rest goes to the
    // front, and what is kept comes in the order of the base.
    std::vector<Placed> take_reduction(const Node& node) {
        if (node.operands.size() != 1) return {};
        const Placed x = placed(node.operands[0]);
        const std::vector<ir::Type> types = ir::operand_types(node);
        const Integers axes = node.op->axes(types, node.attributes);
        const auto rank = static_cast<std::int64_t>(x.order.size());
        const auto is_folded = [&](std::int64_t d) { return std::ranges::find(axes, d) != axes.end(); };
        std::int64_t trailing = rank;
        while (trailing > 0 && is_folded(trailing - 1)) --trailing;
        Integers dims, kept;
        for (std::int64_t d : axes)
            if (d < trailing) dims.push_back(d);
        const auto front = static_cast<std::int64_t>(dims.size());
        for (std::int64_t d = 0; d < rank; ++d)
            if (!is_folded(d)) kept.push_back(d);
        const Integers ascending = kept;
        std::ranges::sort(kept, {}, [&](std::int64_t d) { return x.order[static_cast<std::size_t>(d)]; });
        dims.insert(dims.end(), kept.begin(), kept.end());
        for (std::int64_t d = trailing; d < rank; ++d) dims.push_back(d);

        Integers folded = f::all_axes(static_cast<std::size_t>(front));
        for (std::int64_t d = front + static_cast<std::int64_t>(kept.size()); d < rank; ++d) folded.push_back(d);
        ir::Attributes attributes = node.attributes;
        for (const ir::AttributeDef& def : node.op->attributes) {
            Attribute& a = attributes[def.slot];
            if (def.meaning == AttributeMeaning::axes && std::get<Integers>(a).size() == axes.size())
                a = folded;
            else if (def.meaning == AttributeMeaning::axis && axes.size() == 1)
                a = folded[0];
            else if (!is_plain(def.meaning))
                return {};
        }
        const Value arranged = f::transpose(x.uncut(), picked(x.order, dims));
        const Node& made = new_->add(*node.op, std::span(&arranged, 1), std::move(attributes), node.loc);
        if (made.results.size() != node.results.size() || made.results[0].shape.rank() != kept.size() ||
            ir::fold_order(made) != ir::fold_order(node))
            return {};
        Integers order;
        for (std::int64_t d : ascending) order.push_back(std::ranges::find(kept, d) - kept.begin());
        std::vector<Placed> out;
        for (const Value& v : results_of(made)) out.emplace_back(v, made.results[0].shape, order);
        return out;
    }

    // What is to be in memory in row-major order only has to be in memory.
    std::vector<Placed> take_relayout(const Node& node) {
        const Placed x = placed(node.operands[0]);
        ir::Attributes attributes = node.attributes;
        const bool is_dense = std::ranges::all_of(node.op->attributes, [&](const ir::AttributeDef& def) {
            const Integers& list = std::get<Integers>(attributes[def.slot]);
            return def.meaning == AttributeMeaning::permutation
                       ? is_identity(list)
                       : std::ranges::all_of(list, [](std::int64_t n) { return n == 1; });
        });
        if (!is_dense)
            for (const ir::AttributeDef& def : node.op->attributes) {
                Integers& list = std::get<Integers>(attributes[def.slot]);
                list = def.meaning == AttributeMeaning::permutation ? picked(x.order, list)
                                                                    : picked(list, ir::ops::inverse(x.order));
            }
        const Value base = x.uncut();
        return {{{&new_->add(*node.op, std::span(&base, 1), std::move(attributes), node.loc), 0}, x.cut, x.order}};
    }

    std::vector<Placed> take_view(const Node& node) {
        const Placed* const most = node.operands.size() == 1 ? transposition_of(node.operands[0]) : most_common(node);
        if (most == nullptr || node.results.size() != 1) return {};
        const Placed like{most->uncut(), most->cut, most->order};
        std::vector<Value> operands;
        for (const Value& v : node.operands) {
            if (v.type().shape.rank() != 0 && v.type().shape.rank() != like.order.size()) return {};
            const Placed own = placed(v);
            operands.push_back(own.order.empty()
                                   ? own.base
                                   : f::transpose(own.uncut(), picked(own.order, ir::ops::inverse(like.order))));
        }
        if (ir::keeps_positions(node)) return take_reshape(node, operands[0], like.order);
        if (node.results[0].shape.rank() == like.order.size()) return take_view_of_rank(node, operands, like.order);
        const bool may_broadcast = ir::view_shape(node) != nullptr && node.results[0].shape.rank() > like.order.size();
        return may_broadcast ? take_broadcast(node, operands[0], like.order) : std::vector<Placed>{};
    }

    // The same view with its attributes reordered, if there is one.
    std::vector<Placed> take_view_of_rank(const Node& node, const std::vector<Value>& operands, const Integers& order) {
        ir::Attributes attributes = node.attributes;
        for (const ir::AttributeDef& def : node.op->attributes) {
            std::optional<Attribute> a = reordered(def.meaning, attributes[def.slot], order);
            if (!a) return {};
            attributes[def.slot] = std::move(*a);
        }
        return checked(node, new_->add(*node.op, operands, std::move(attributes), node.loc), order, order);
    }

    // Dimensions that become one have to be neighbours, in their order; groups come as their first ones do in the base.
    // Those of 1 are in nobody's way in front.
    std::vector<Placed> take_reshape(const Node& node, const Value& operand, const Integers& order) {
        const Shape &before = node.operands[0].type().shape, &after = node.results[0].shape;
        Integers from, to;
        const Integers old_dims = without_ones(before, from), new_dims = without_ones(after, to);
        std::vector<ir::MatchingDims> groups = ir::matching_dims(picked(before, old_dims), picked(after, new_dims));
        // Where the group is in the base: at the first of its dimensions; equal ones, of nothing, as they come.
        const auto place = [&](const ir::MatchingDims& g) {
            std::int64_t first = static_cast<std::int64_t>(order.size());
            for (std::size_t d = g.from_begin; d < g.from_end; ++d)
                first = std::min(first, order[static_cast<std::size_t>(old_dims[d])]);
            return std::pair(first, g.to_begin);
        };
        std::ranges::sort(groups, {}, place);
        for (const ir::MatchingDims& g : groups) {
            for (std::size_t d = g.from_begin; d < g.from_end; ++d) from.push_back(old_dims[d]);
            for (std::size_t d = g.to_begin; d < g.to_end; ++d) to.push_back(new_dims[d]);
        }
        if (from.size() != before.rank() || to.size() != after.rank()) return {};
        const Value arranged = f::transpose(operand, picked(order, from));
        const Node& made = new_->add(*node.op, std::span(&arranged, 1), {picked(after, to)}, node.loc);
        return checked(node, made, ir::ops::inverse(from), ir::ops::inverse(to));
    }
    // The dimensions of 1 go into a list; the others are left.
    static Integers without_ones(const Shape& shape, Integers& ones) {
        Integers others;
        for (std::size_t d = 0; d < shape.rank(); ++d)
            (shape[d] == Dim(1) ? ones : others).push_back(static_cast<std::int64_t>(d));
        return others;
    }

    // A broadcast aligns dimensions from the last on; new ones come first.
    std::vector<Placed> take_broadcast(const Node& node, const Value& operand, const Integers& order) {
        const std::size_t rank = node.results[0].shape.rank(), fresh = rank - order.size();
        Integers dims = f::all_axes(fresh);
        for (std::int64_t d : ir::ops::inverse(order)) dims.push_back(d + static_cast<std::int64_t>(fresh));
        const Node& made = new_->add(*node.op, std::span(&operand, 1), {picked(node.results[0].shape, dims)}, node.loc);
        return checked(node, made, order, ir::ops::inverse(dims));
    }

    // Symbols for the index of a view's result; 0 where there is but one.
    std::vector<Dim> points(const Node& node) const {
        const auto first = static_cast<ir::Symbol>(std::max(old_.symbols.size(), new_->symbols.size()));
        std::vector<Dim> at;
        for (std::size_t i = 0; i < node.results[0].shape.rank(); ++i)
            at.push_back(node.results[0].shape[i] == Dim(1) ? Dim(0) : Dim::symbol(first + static_cast<ir::Symbol>(i)));
        return at;
    }

    // The result, if both read the same elements: dimension d of the operands as dimension order[d], and i of the
    // result as result_order[i].
    std::vector<Placed> checked(const Node& node, const Node& made, const Integers& order,
                                const Integers& result_order) const {
        const std::vector<Dim> at = points(node);
        const auto before = node.op->view(ir::NodeView(node), at);
        const auto after = made.op->view(ir::NodeView(made), picked(at, ir::ops::inverse(result_order)));
        const auto are_equal = [&](const ir::ViewPiece& a, const ir::ViewPiece& b) {
            if (a.operand != b.operand || a.index.size() != b.index.size() ||
                !std::ranges::is_permutation(a.guards, b.guards))
                return false;
            const Shape& shape = node.operands[a.operand].type().shape;
            for (std::size_t d = 0; d < a.index.size(); ++d)
                if (shape[d] != Dim(1) && a.index[d] != b.index[static_cast<std::size_t>(order[d])]) return false;
            return true;
        };
        if (!std::ranges::equal(before, after, are_equal)) return {};
        return {{{&made, 0}, made.results[0].shape, result_order}};
    }

    const Graph& old_;
    const std::vector<bool>* wanted_;
    Graph* new_ = nullptr;
    const ValueMap* known_ = nullptr;
    ValueMap values_;                          // of rebuild
    std::vector<std::vector<Value>> made_;     // by old node; empty values: not needed yet
    std::vector<std::vector<Placed>> places_;  // by old node; empty: not transposed
};

// By node: whether a product reads its results, through what was taken, or its transposition goes or costs less.
std::vector<bool> nodes_worth_taking(const Graph& graph, const Sinker& all) {
    std::vector<bool> worth(graph.nodes().size(), false);
    for (const Node& node : graph.nodes() | std::views::reverse) {
        const bool ends = all.taken[node.id] &&
                          (!all.transposed[node.id] || node.op->lowering == Lowering::reduction || narrows(node));
        if (ends) worth[node.id] = true;
        const bool passes_on =
            is_product(node) || ends || (all.taken[node.id] ? worth[node.id] : is_view(node) && worth[node.id]);
        if (!passes_on) continue;
        for (const Value& v : node.operands) worth[v.node->id] = true;
    }
    return worth;
}

bool may_gain(const Graph& graph) {
    return std::ranges::any_of(
        graph.nodes(), [](const Node& node) { return is_transposition(node) && computed_behind(node.operands[0]); });
}

}  // namespace

std::unique_ptr<Graph> sink_transposes(const Graph& graph) {
    if (!may_gain(graph)) return nullptr;
    Sinker all(graph, nullptr);
    all.run();
    const std::vector<bool> worth = nodes_worth_taking(graph, all);
    Sinker some(graph, &worth);
    std::unique_ptr<Graph> result = some.run();
    return std::ranges::find(some.taken, true) == some.taken.end() ? nullptr : copy_live(*result);
}

}  // namespace lathe::passes
