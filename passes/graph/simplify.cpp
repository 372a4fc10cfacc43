#include "passes/graph/simplify.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "ir/error.h"
#include "ir/graph/interpret.h"
#include "ir/ops/control.h"
#include "passes/graph/rebuild.h"

namespace lathe::passes {
namespace {

using ir::Graph;
using ir::Literal;
using ir::Lowering;
using ir::Node;
using ir::Value;

// Folding computes at most so many elements and never makes a constant that is larger, unless it is a splat.
constexpr std::int64_t max_folded_elements = 1 << 14;
// Rewrites of rewrites, for one node.
constexpr int max_rewrites = 16;

const Literal* literal_of(const Value& v) { return ir::literal_of(*v.node); }

// Whether all that a node does is to show elements of its one operand, each possibly several times.
bool moves_elements(const Node& node) {
    return node.op->lowering == Lowering::view && node.operands.size() == 1 && !node.op->indices;
}

// Bits of the element that all of a value's elements are, where that is known: views of one operand only move elements.
std::optional<std::uint64_t> splat_bits(Value v) {
    while (moves_elements(*v.node)) v = v.node->operands[0];
    const Literal* literal = literal_of(v);
    if (literal == nullptr || !literal->is_splat()) return std::nullopt;
    std::uint64_t bits = 0;
    std::memcpy(&bits, literal->bytes->data(), literal->bytes->size());
    return bits;
}

bool is_neutral(const Value& v, const std::optional<double>& neutral) {
    if (!neutral) return false;
    const auto bits = splat_bits(v);
    if (!bits) return false;
    const Literal wanted = ir::splat_literal(v.type().dtype, ir::Shape{}, *neutral);
    std::uint64_t wanted_bits = 0;
    std::memcpy(&wanted_bits, wanted.bytes->data(), wanted.bytes->size());
    return *bits == wanted_bits;
}

// ---- equal nodes

struct Hasher {
    std::uint64_t h = 0;
    void mix(std::uint64_t word) {
        h = (h ^ word) * 0x9E3779B97F4A7C15U;
        h ^= h >> 29;
    }
    void mix(const ir::Attribute& attribute) {
        mix(attribute.index());
        if (const auto* integer = std::get_if<std::int64_t>(&attribute)) mix(static_cast<std::uint64_t>(*integer));
        if (const auto* list = std::get_if<ir::Integers>(&attribute))
            for (std::int64_t i : *list) mix(static_cast<std::uint64_t>(i));
        if (const auto* shape = std::get_if<ir::Shape>(&attribute))
            for (ir::Dim d : *shape) mix(d.bits());
        if (const auto* dtype = std::get_if<ir::Dtype>(&attribute)) mix(static_cast<std::uint64_t>(*dtype));
        if (const auto* text = std::get_if<std::string>(&attribute)) mix(std::hash<std::string>{}(*text));
        if (const auto* literal = std::get_if<Literal>(&attribute)) {
            const auto* data = reinterpret_cast<const char*>(literal->bytes->data());
            mix(std::hash<std::string_view>{}({data, literal->bytes->size()}));
        }
        if (const auto* region = std::get_if<ir::Region>(&attribute)) mix(*region->graph);
    }
    void mix(const Graph& region) {
        mix(region.nodes().size());
        for (const Node& node : region.nodes()) {
            mix(reinterpret_cast<std::uintptr_t>(node.op));
            for (const Value& v : node.operands) mix(std::uint64_t{v.node->id} << 8 | v.index);
            for (const ir::Attribute& a : node.attributes) mix(a);
        }
        for (const Value& v : region.outputs()) mix(std::uint64_t{v.node->id} << 8 | v.index);
    }
};

// Operands in the order that counts for equality: any order will do where the op does not care.
bool is_before(const Value& a, const Value& b) {
    return std::pair{a.node->id, a.index} < std::pair{b.node->id, b.index};
}
const Value& key_operand(const Node& node, std::size_t i) {
    const bool exchanged = node.op->commutative && is_before(node.operands[1], node.operands[0]);
    return node.operands[exchanged ? 1 - i : i];
}

std::uint64_t hash_of(const Node& node) {
    Hasher hasher;
    hasher.mix(reinterpret_cast<std::uintptr_t>(node.op));
    for (std::size_t i = 0; i < node.operands.size(); ++i) {
        const Value& v = key_operand(node, i);
        hasher.mix(std::uint64_t{v.node->id} << 8 | v.index);
    }
    for (const ir::Attribute& a : node.attributes) hasher.mix(a);
    return hasher.h;
}

bool are_equal(const Node& a, const Node& b) {
    if (a.op != b.op || a.operands.size() != b.operands.size()) return false;
    for (std::size_t i = 0; i < a.operands.size(); ++i)
        if (key_operand(a, i) != key_operand(b, i)) return false;
    return a.attributes == b.attributes;
}

class Simplifier {
public:
    explicit Simplifier(const Graph& graph) : old_(graph), new_(like(graph)) {}

    std::unique_ptr<Graph> run() {
        const std::vector<bool> live = live_nodes(old_);
        ValueMap values(old_.nodes().size());
        known_.reserve(old_.nodes().size());
        std::size_t parameter = 0;
        for (const Node& node : old_.nodes()) {
            if (!live[node.id]) continue;
            const auto parameters = old_.parameters();
            if (parameter < parameters.size() && parameters[parameter].node == &node) {
                values[node.id] = {new_->add_parameter(old_.parameter_name(parameter), node.results[0], node.loc,
                                                       old_.is_steady(parameter))};
                ++parameter;
                seen_ = new_->nodes().size();
                continue;
            }
            values[node.id] = add(node, values);
        }
        for (std::size_t i = 0; i < old_.outputs().size(); ++i)
            new_->add_output(old_.output_name(i), mapped(values, old_.outputs()[i]));
        new_->default_loc = {};
        return copy_live(*new_);
    }

private:
    // What stands for the results of a node.
    std::vector<Value> add(const Node& node, const ValueMap& values) {
        if (const Graph* const region = chosen_region(node, values)) {
            std::vector<Value> arguments;
            for (const Value& v : std::span(node.operands).subspan(1)) arguments.push_back(mapped(values, v));
            return add_region(*region, arguments);
        }
        new_->default_loc = node.loc;
        const Node& made = new_->add(*node.op, mapped(values, node.operands), node.attributes, node.loc);
        const Node& settled = settle(made);
        if (made.results.size() != 1) return results_of(settled);
        return {simplified({&settled, 0})};
    }
    // Of a branch whose predicate is known: the region that runs.
    static const Graph* chosen_region(const Node& node, const ValueMap& values) {
        if (!ir::has_regions(node) || node.op->control != ir::Control::branch) return nullptr;
        const auto predicate = splat_bits(mapped(values, node.operands[0]));
        return predicate ? ir::regions_of(node)[*predicate != 0 ? 0 : 1] : nullptr;
    }
    // Regions nest a few levels deep (text allows 32), so this recursion is bounded.
    std::vector<Value> add_region(const Graph& region, std::span<const Value> arguments) {
        const std::vector<bool> live = live_nodes(region);
        ValueMap values(region.nodes().size());
        for (std::size_t i = 0; i < arguments.size(); ++i) values[region.parameters()[i].node->id] = {arguments[i]};
        for (const Node& node : region.nodes())
            if (live[node.id] && values[node.id].empty()) values[node.id] = add(node, values);
        std::vector<Value> results;
        for (const Value& v : region.outputs()) results.push_back(mapped(values, v));
        return results;
    }
    // The first node that is equal to this one. Nodes that rewrites added on the way are entered too.
    const Node& settle(const Node& node) {
        const Node* first = nullptr;
        for (; seen_ < new_->nodes().size(); ++seen_) {
            const Node& next = new_->nodes()[seen_];
            const Node& equal = enter(next);
            if (&next == &node) first = &equal;
        }
        return first != nullptr ? *first : enter(node);
    }
    const Node& enter(const Node& node) {
        if (is_stand_alone(node)) return node;
        const std::uint64_t h = hash_of(node);
        const auto [begin, end] = known_.equal_range(h);
        for (auto entry = begin; entry != end; ++entry)
            if (entry->second == &node || are_equal(*entry->second, node)) return *entry->second;
        known_.emplace(h, &node);
        return node;
    }
    // Parameters are equal to nothing but themselves.
    static bool is_stand_alone(const Node& node) {
        return node.op->lowering == Lowering::source && literal_of({&node, 0}) == nullptr;
    }

    Value simplified(Value v) {
        for (int i = 0; i < max_rewrites; ++i) {
            Value next = rewritten(*v.node);
            if (!next || next == v) break;
            if (next.node->results.size() == 1) next.node = &settle(*next.node);
            if (next == v) break;
            v = next;
            if (v.node->results.size() != 1) break;
        }
        return v;
    }

    // Something equal and simpler, or nothing.
    Value rewritten(const Node& node) {
        const ir::OpDef& op = *node.op;
        if (op.lowering == Lowering::source) return {};
        const ir::Type& type = node.results[0];
        if (op.involution && node.operands[0].node->op == &op && node.operands[0].node->operands[0].type() == type)
            return node.operands[0].node->operands[0];
        if (node.operands.size() == 2) {
            if (node.operands[0].type() == type && is_neutral(node.operands[1], op.identity.right))
                return node.operands[0];
            if (node.operands[1].type() == type && is_neutral(node.operands[0], op.identity.left))
                return node.operands[1];
        }
        if (Value folded = fold(node)) return folded;
        return op.rewrite != nullptr ? op.rewrite(node) : Value{};
    }

    Value fold(const Node& node) {
        if (node.operands.empty() || !node.results[0].shape.is_constant() || ir::has_regions(node)) return {};
        std::vector<Literal> operands;
        bool all_splat = true;
        std::int64_t work = count(node.results[0]);
        for (const Value& v : node.operands) {
            const std::optional<Literal> literal = operand_literal(v, work);
            if (!literal) return {};
            operands.push_back(*literal);
            all_splat = all_splat && literal->is_splat();
            work = std::max(work, count(literal->type));
        }
        // Where all elements are computed alike, one is enough.
        if (all_splat && node.op->lowering == Lowering::elementwise) return fold_one(node, std::move(operands));
        if (all_splat && moves_elements(node)) return new_->constant({node.results[0], operands[0].bytes});
        if (node.op->lowering == Lowering::contraction) work = count(operands[0].type) * count(operands[1].type);
        if (work > max_folded_elements || ir::has_symbols(node.attributes)) return {};
        try {
            return new_->constant(ir::interpret_node(node, operands)[0]);
        } catch (const IndexError&) {
            return {};  // stays, and says so when it runs
        }
    }

    // A constant; or, where a single element is wanted, an index, which otherwise is cheaper to compute than to load.
    static std::optional<Literal> operand_literal(const Value& v, std::int64_t wanted) {
        if (const Literal* literal = literal_of(v)) return *literal;
        if (wanted != 1 || v.node->op->lowering != Lowering::index || !v.type().shape.is_constant() ||
            count(v.type()) > max_folded_elements)
            return std::nullopt;
        return ir::interpret_node(*v.node, {})[0];
    }

    Value fold_one(const Node& node, std::vector<Literal> operands) {
        Node one;
        one.op = node.op;
        one.attributes = node.attributes;
        one.results = {{node.results[0].dtype, {}}};
        one.loc = node.loc;
        for (Literal& x : operands) x.type.shape = {};
        const Literal element = ir::interpret_node(one, operands)[0];
        if (count(node.results[0]) == 0) return new_->constant(ir::make_literal(node.results[0], {}));
        return new_->constant({node.results[0], element.bytes});
    }

    // Elements of a constant shape, saturated.
    static std::int64_t count(const ir::Type& type) {
        constexpr std::int64_t many = std::int64_t{1} << 30;
        std::int64_t n = 1;
        for (ir::Dim d : type.shape) n = std::min(many, d.constant() == 0 ? 0 : n * std::min(many, d.constant()));
        return n;
    }

    const Graph& old_;
    std::unique_ptr<Graph> new_;
    std::unordered_multimap<std::uint64_t, const Node*> known_;
    std::size_t seen_ = 0;  // nodes of the new graph that have been entered
};

}  // namespace

std::unique_ptr<Graph> simplify(const Graph& graph) { return Simplifier(graph).run(); }

}  // namespace lathe::passes
