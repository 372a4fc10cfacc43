#include "passes/fuse/drafts.h"

#include <algorithm>

#include "ir/ops/op.h"
#include "passes/fuse/rules.h"

namespace lathe::passes {

using ir::broadcast_index;
using ir::Dim;
using ir::fold_extents;
using ir::fold_kind;
using ir::fold_operand_index;
using ir::is_free;
using ir::Node;
using ir::scalar_instructions;
using ir::Value;

namespace {

constexpr std::uint32_t max_view_depth = 32;  // views seen through at one read
constexpr std::uint32_t max_view_paths = 64;  // values that one node reads through them
constexpr std::size_t max_path_search = 512;  // groups visited when looking for a cycle

// Symbols of a group, its domain's and its folds'; those of loaded indices come behind them.
constexpr ir::Symbol group_symbols = 4096;

}  // namespace

// Free nodes are repeated by what reads them. Some lie in memory all the same: views behind a long chain of views, and
// those of many values, where a node would read more of them than one kernel can hold.
void Drafts::find_seen_through(const ir::Graph& graph) {
    std::vector<std::uint32_t> depth(graph.nodes().size(), 0);
    std::vector<std::uint32_t> paths(graph.nodes().size(), 1);  // values that a read of the node leads to
    for (const Node& node : graph.nodes()) {
        std::vector<std::uint32_t> operands;
        for (Value v : node.operands) operands.push_back(v.node->id);
        const auto total = [&] {
            std::uint32_t sum = 0;
            for (std::uint32_t v : operands) sum += paths[v];
            return sum;
        };
        while (total() > max_view_paths) {
            const std::uint32_t most =
                *std::ranges::max_element(operands, {}, [&](std::uint32_t v) { return paths[v]; });
            if (paths[most] == 1) break;
            seen_through_[most] = false;
            paths[most] = 1;
            depth[most] = 0;
        }
        read_values_[node.id] = total();
        if (!is_free(node)) continue;
        if (node.op->lowering == ir::Lowering::view) {
            for (std::uint32_t v : operands) depth[node.id] = std::max(depth[node.id], depth[v] + 1);
            if (depth[node.id] > max_view_depth) {
                depth[node.id] = 0;
                continue;
            }
            paths[node.id] = total();
        }
        seen_through_[node.id] = true;
    }
}

bool Draft::is_closed() const {
    if (group.members.empty()) return false;
    const ir::Lowering lowering = group.members.back()->op->lowering;
    return lowering == ir::Lowering::scatter || lowering == ir::Lowering::control || lowering == ir::Lowering::opaque;
}

bool Draft::relayouts() const {
    return !group.outputs.empty() && group.outputs.front().node->op->lowering == ir::Lowering::relayout;
}

Drafts::Drafts(const ir::Graph& graph)
    : first_symbol_(static_cast<ir::Symbol>(graph.symbols.size())),
      next_loaded_(first_symbol_ + group_symbols),
      readers_(graph.nodes().size()),
      seen_through_(graph.nodes().size(), false),
      read_values_(graph.nodes().size(), 0),
      stored_(graph.outputs().begin(), graph.outputs().end()) {
    find_seen_through(graph);
}

std::size_t Drafts::statements(const Node& node, int g) const {
    std::size_t places = 0;
    for (std::uint32_t r = 0; r < node.results.size(); ++r)
        if (const auto found = (*this)[g].reads.find(Value{&node, r}); found != (*this)[g].reads.end())
            places = std::max(places, found->second.size());
    const std::size_t values = read_values_[node.id];
    return places * (1 + values + 2 * (values - std::min(values, node.operands.size())));
}

bool Drafts::is_output(const Node& node) const {
    for (std::uint32_t r = 0; r < node.results.size(); ++r)
        if (stored_.contains(Value{&node, r})) return true;
    return false;
}

bool Drafts::needed(Value v) const {
    if (stored_.contains(v)) return true;
    return std::ranges::any_of(readers_[v.node->id], [&](int g) { return (*this)[g].reads.contains(v); });
}

std::vector<int> Drafts::readers_of(const Node& node) const {
    std::vector<int> readers;
    for (int g : readers_[node.id]) {
        bool reads = false;
        for (std::uint32_t r = 0; r < node.results.size(); ++r)
            reads = reads || (*this)[g].reads.contains(Value{&node, r});
        if (reads) readers.push_back(g);
    }
    return readers;
}

bool Drafts::reaches(int from, int to) const {
    std::vector<int> stack{from};
    std::set<int> seen{from};
    while (!stack.empty()) {
        const int g = stack.back();
        stack.pop_back();
        for (const Value& out : (*this)[g].group.outputs)
            for (int reader : readers_[out.node->id]) {
                if ((*this)[reader].group.outputs.empty()) continue;  // merged into another
                if (reader == to || seen.size() > max_path_search) return true;
                if (seen.insert(reader).second) stack.push_back(reader);
            }
    }
    return false;
}

const Node* Drafts::storing_fold(const Node& node, int g) const {
    const Draft& d = (*this)[g];
    if (d.group.kind != FoldKind::row || d.group.outer_rank == 0) return nullptr;
    const Node* fold = nullptr;
    for (std::uint32_t r = 0; r < node.results.size(); ++r) {
        const auto found = d.reads.find(Value{&node, r});
        if (found == d.reads.end()) continue;
        for (const Access& a : found->second) {
            if (a.level == domain_level) return nullptr;
            const auto level = static_cast<std::size_t>(a.level);
            if (a.index != d.fold_identity[level] || !(node.results[0].shape == d.fold_domain[level])) return nullptr;
            if (fold == nullptr || d.group.folds[level]->id < fold->id) fold = d.group.folds[level];
        }
    }
    return fold;
}

// ---- symbols of a group: domain dimensions, then the loops of its folds

Dim Drafts::domain_symbol(std::size_t i) const { return Dim::symbol(first_symbol_ + static_cast<ir::Symbol>(i)); }

Dim Drafts::fold_symbol(std::size_t fold, std::size_t i) const {
    return Dim::symbol(first_symbol_ + static_cast<ir::Symbol>(ir::max_rank * (fold + 1) + i));
}

Index Drafts::domain_index(std::size_t rank) const {
    Index index;
    for (std::size_t i = 0; i < rank; ++i) index.push_back(domain_symbol(i));
    return index;
}

// ---- reads

// Loaded indices stand for themselves, and what they are read from is read.
class Drafts::Reads final : public ir::NodeView {
public:
    Reads(Drafts& drafts, int g, const Node& node, int level)
        : NodeView(node), drafts_(drafts), g_(g), node_(node), level_(level) {}
    Dim loaded_index(std::size_t operand, Index index, Dim) const override {
        drafts_.read(g_, node_.operands[operand], index, level_);
        return Dim::symbol(drafts_.next_loaded_++);
    }

private:
    Drafts& drafts_;
    int g_;
    const Node& node_;
    int level_;
};

void Drafts::add_reader(const Node& node, int g) {
    std::vector<int>& readers = readers_[node.id];
    if (std::ranges::find(readers, g) == readers.end()) readers.push_back(g);
}

void Drafts::read(int g, Value v, const Index& index, int level) {
    const Node& node = *v.node;
    if (seen_through_[node.id]) {
        if (node.op->lowering == ir::Lowering::view) read_through(g, node, index, level);
        return;
    }
    std::vector<Access>& accesses = at(g).reads[v];
    Access access{index, level};
    if (std::ranges::find(accesses, access) == accesses.end()) {
        accesses.push_back(std::move(access));
        ++at(g).loads;
    }
    add_reader(node, g);
}

void Drafts::read_through(int g, const Node& view, const Index& index, int level) {
    ++at(g).views;
    const Reads context(*this, g, view, level);
    const std::vector<ir::ViewPiece> pieces = view.op->view(context, index);
    at(g).choices += pieces.size() - 1;
    for (const ir::ViewPiece& piece : pieces) read(g, view.operands[piece.operand], piece.index, level);
}

void Drafts::read_operands(int g, const Node& node, const Index& at, int level) {
    if (node.op->lowering == ir::Lowering::view) {
        read_through(g, node, at, level);
        return;
    }
    if (node.op->lowering == ir::Lowering::index) return;
    for (Value v : node.operands) read(g, v, broadcast_index(v.type(), at, node.results[0].shape), level);
}

// ---- members

void Drafts::start(const Node& node) {
    drafts_.emplace_back();
    const int g = static_cast<int>(drafts_.size() - 1);
    Draft& d = drafts_.back();
    d.group.domain = node.results[0].shape;
    d.group.outer_rank = d.group.domain.rank();
    store(node, g);
    const Access here{domain_index(d.group.domain.rank()), domain_level};
    if (node.op->lowering == ir::Lowering::source) {  // an output that is a parameter or constant: a copy
        read(g, Value{&node, 0}, here.index, here.level);
        return;
    }
    if (is_fold(node) || is_pointwise(node) || node.op->lowering == ir::Lowering::relayout) {
        add_member(node, g, std::span(&here, 1));
        return;
    }
    d.group.members.push_back(&node);
    for (Value v : node.operands) {  // the node's own lowering reads its operands whole, most from memory
        const Index whole = domain_index(v.type().shape.rank());
        if (node.op->lowering == ir::Lowering::scatter) {
            read(g, v, whole, domain_level);
            continue;
        }
        at(g).reads[v].push_back({whole, domain_level});
        ++at(g).loads;
        add_reader(*v.node, g);
    }
}

void Drafts::join(const Node& node, int g, bool stored) {
    Draft& d = at(g);
    const Node* const fold = stored ? storing_fold(node, g) : nullptr;
    std::vector<Access> accesses;
    for (std::uint32_t r = 0; r < node.results.size(); ++r) {
        const auto found = d.reads.find(Value{&node, r});
        if (found == d.reads.end()) continue;
        for (Access& a : found->second)
            if (std::ranges::find(accesses, a) == accesses.end()) accesses.push_back(std::move(a));
        d.loads -= found->second.size();
        d.reads.erase(found);
    }
    std::erase(readers_[node.id], g);
    const std::size_t rank = node.results[0].shape.rank();
    if (stored && rank < d.group.outer_rank) d.group.outer_rank = rank;  // stored once a row
    add_member(node, g, accesses);
    if (stored) store(node, g, fold);
}

void Drafts::add_member(const Node& node, int g, std::span<const Access> accesses) {
    Draft& d = at(g);
    d.group.members.push_back(&node);
    d.cost += scalar_instructions(node);
    d.computed += accesses.size();
    if (is_fold(node)) {
        add_fold(node, g);
        return;
    }
    for (const Access& a : accesses) read_operands(g, node, a.index, a.level);
}

void Drafts::add_fold(const Node& node, int g) {
    Draft& d = at(g);
    const std::size_t fold = d.group.folds.size();
    const std::size_t rank = node.results[0].shape.rank();
    d.group.folds.push_back(&node);
    d.group.kind = fold_kind(node);
    if (d.group.kind == FoldKind::row) d.group.outer_rank = rank;
    const Index index = domain_index(rank);
    Index loops;
    for (std::size_t i = 0; i < fold_extents(node).size(); ++i) loops.push_back(fold_symbol(fold, i));
    d.fold_identity.push_back(fold_operand_index(node, 0, index, loops));
    d.fold_domain.push_back(node.operands[0].type().shape);
    for (std::size_t i = 0; i < node.operands.size(); ++i) {
        read(g, node.operands[i], fold_operand_index(node, i, index, loops), static_cast<int>(fold));
    }
}

void Drafts::store(const Node& node, int g, const Node* fold) {
    Draft& d = at(g);
    for (std::uint32_t r = 0; r < node.results.size(); ++r) {
        const Value v{&node, r};
        if (!needed(v)) continue;
        d.group.outputs.push_back(v);
        if (fold != nullptr) d.group.fold_outputs.push_back({v, fold});
    }
}

void Drafts::merge(int a, int b) {
    Draft& x = at(a);
    Draft& y = at(b);
    const std::size_t shift = x.group.folds.size();
    const auto moved = [&](Dim d) {
        return d.substitute([&](ir::Symbol s) {
            const bool of_fold = s >= first_symbol_ + ir::max_rank && s < first_symbol_ + group_symbols;
            return Dim::symbol(of_fold ? s + static_cast<ir::Symbol>(ir::max_rank * shift) : s);
        });
    };
    if (y.group.domain.rank() > x.group.domain.rank()) x.group.domain = y.group.domain;
    if (x.group.kind == FoldKind::none) x.group.kind = y.group.kind;
    x.cost += y.cost;
    x.views += y.views;
    x.computed += y.computed;
    x.choices += y.choices;
    for (const Node* n : y.group.members)
        if (std::ranges::find(x.group.members, n) == x.group.members.end()) x.group.members.push_back(n);
    x.group.folds.insert(x.group.folds.end(), y.group.folds.begin(), y.group.folds.end());
    x.group.outputs.insert(x.group.outputs.end(), y.group.outputs.begin(), y.group.outputs.end());
    x.group.fold_outputs.insert(x.group.fold_outputs.end(), y.group.fold_outputs.begin(), y.group.fold_outputs.end());
    for (Index& index : y.fold_identity) {
        for (Dim& d : index) d = moved(d);
        x.fold_identity.push_back(std::move(index));
    }
    x.fold_domain.insert(x.fold_domain.end(), y.fold_domain.begin(), y.fold_domain.end());
    for (auto& [value, accesses] : y.reads) {
        const auto [known, fresh] = x.reads.try_emplace(value);
        std::vector<Access>& into = known->second;
        for (Access& access : accesses) {
            for (Dim& d : access.index) d = moved(d);
            if (access.level != domain_level) access.level += static_cast<int>(shift);
            if (std::ranges::find(into, access) != into.end()) continue;
            into.push_back(std::move(access));
            ++x.loads;
        }
        if (fresh) add_reader(*value.node, a);  // b stays there, and reads nothing
    }
    y = Draft{};
}

}  // namespace lathe::passes
