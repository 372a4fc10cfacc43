// Groups are grown from consumers to producers: nodes are visited from last to first, and each joins one of the groups
// that read it where the loop structures agree, or starts its own. A group knows at which index it reads every value
// that it does not compute, so joining a node replaces the reads of its result by reads of its operands.
#include "passes/fuse.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <unordered_map>

#include "ir/op.h"

namespace lathe::passes {
namespace {

using ir::Dim;
using ir::Node;
using ir::Value;

using Index = std::vector<Dim>;

constexpr int domain_level = -1;
constexpr std::uint32_t max_view_depth = 32;  // views seen through at one read
constexpr std::uint32_t max_view_paths = 64;  // values that one read leads to through them
constexpr std::size_t max_group_views = 256;  // seen through by all reads of a group
constexpr std::size_t max_path_search = 512;  // groups visited when looking for a cycle

// Symbols of a group, its domain's and its folds'; those of loaded indices come behind them.
constexpr ir::Symbol group_symbols = 4096;

struct Access {
    Index index;
    int level = domain_level;  // or the fold in whose loop the read happens
    friend bool operator==(const Access&, const Access&) = default;
};

struct ValueOrder {
    bool operator()(const Value& a, const Value& b) const {
        return std::tuple(a.node->id, a.index) < std::tuple(b.node->id, b.index);
    }
};

bool is_fold(const Node& node) { return fold_kind(node) != FoldKind::none; }

bool is_pointwise(const Node& node) {
    return node.op->lowering == ir::Lowering::elementwise || node.op->lowering == ir::Lowering::view ||
           node.op->lowering == ir::Lowering::index;
}

struct Draft {
    Group group;
    std::size_t cost = 0;   // scalar instructions of the members
    std::size_t views = 0;  // seen through
    bool has_contraction() const { return group.kind == FoldKind::contraction; }
    std::vector<Index> fold_identity;    // per fold: the index at which its loop reads operand 0
    std::vector<ir::Shape> fold_domain;  // per fold: extents of that read
    std::map<Value, std::vector<Access>, ValueOrder> reads;
};

class Fuser {
public:
    Fuser(const ir::Graph& graph, const FuseOptions& options)
        : graph_(graph),
          options_(options),
          first_symbol_(static_cast<ir::Symbol>(graph.symbols.size())),
          next_loaded_(first_symbol_ + group_symbols),
          readers_(graph.nodes().size()),
          seen_through_(find_seen_through(graph)) {}

    FusedGraph run() {
        for (Value v : graph_.outputs()) stored_.insert(v);
        const auto& nodes = graph_.nodes();
        for (std::size_t i = nodes.size(); i-- > 0;) visit(nodes[i]);
        return finish();
    }

private:
    // ---- symbols of a group: domain dimensions, then the loops of its folds

    Dim domain_symbol(std::size_t i) const { return Dim::symbol(first_symbol_ + static_cast<ir::Symbol>(i)); }
    Dim fold_symbol(std::size_t fold, std::size_t i) const {
        return Dim::symbol(first_symbol_ + static_cast<ir::Symbol>(ir::max_rank * (fold + 1) + i));
    }
    Index domain_index(std::size_t rank) const {
        Index at;
        for (std::size_t i = 0; i < rank; ++i) at.push_back(domain_symbol(i));
        return at;
    }

    // ---- reads

    // Free nodes whose consumers repeat them. The others lie in memory: behind a long chain of views, and where views
    // of shared values multiply, as where a value is put behind itself again and again.
    static std::vector<bool> find_seen_through(const ir::Graph& graph) {
        struct Extent {
            std::uint32_t depth = 0, paths = 1;
        };
        std::vector<Extent> extents(graph.nodes().size());
        std::vector<bool> out(graph.nodes().size(), false);
        for (const Node& node : graph.nodes()) {
            if (!is_free(node)) continue;
            Extent e;
            if (node.op->lowering == ir::Lowering::view) {
                e.paths = 0;
                for (Value v : node.operands) {
                    e.depth = std::max(e.depth, extents[v.node->id].depth + 1);
                    e.paths += extents[v.node->id].paths;
                }
            }
            if (e.depth > max_view_depth || (e.paths > max_view_paths && e.paths > node.operands.size())) continue;
            out[node.id] = true;
            extents[node.id] = e;
        }
        return out;
    }

    // A view as the graph has it; loaded indices stand for themselves only where the reads behind them are wanted.
    class View : public ir::ViewContext {
    public:
        explicit View(const Node& node) : types_(ir::operand_types(node)) {
            operands = types_;
            result = &node.results[0];
            attributes = node.attributes;
        }
        Dim loaded_index(std::size_t, Index, Dim) const override { return 0; }

    private:
        std::vector<ir::Type> types_;
    };

    class Reads final : public View {
    public:
        Reads(Fuser& fuser, int group, const Node& node, int level)
            : View(node), fuser_(fuser), group_(group), node_(node), level_(level) {}
        Dim loaded_index(std::size_t operand, Index index, Dim) const override {
            fuser_.read(group_, node_.operands[operand], index, level_);
            return Dim::symbol(fuser_.next_loaded_++);
        }

    private:
        Fuser& fuser_;
        int group_;
        const Node& node_;
        int level_;
    };

    void read(int group, Value v, const Index& index, int level) {
        const Node& node = *v.node;
        if (seen_through_[node.id]) {
            if (node.op->lowering == ir::Lowering::view) read_through(group, node, index, level);
            return;
        }
        std::vector<Access>& accesses = drafts_[static_cast<std::size_t>(group)].reads[v];
        Access access{index, level};
        if (std::ranges::find(accesses, access) == accesses.end()) accesses.push_back(std::move(access));
        std::vector<int>& readers = readers_[node.id];
        if (std::ranges::find(readers, group) == readers.end()) readers.push_back(group);
    }

    void read_through(int group, const Node& view, const Index& index, int level) {
        ++drafts_[static_cast<std::size_t>(group)].views;
        const Reads context(*this, group, view, level);
        for (const ir::ViewPiece& piece : view.op->view(context, index))
            read(group, view.operands[piece.operand], piece.index, level);
    }

    void read_operands(int group, const Node& node, const Index& at, int level) {
        if (node.op->lowering == ir::Lowering::view) {
            read_through(group, node, at, level);
            return;
        }
        if (node.op->lowering == ir::Lowering::index) return;
        for (Value v : node.operands) read(group, v, broadcast_index(v.type(), at, node.results[0].shape), level);
    }

    // ---- joining

    struct Refusal {
        std::string reason;
    };

    // Whether some path leads from group `from` to group `to`; yes when the search grows too long.
    bool reaches(int from, int to) const {
        std::vector<int> stack{from};
        std::set<int> seen{from};
        while (!stack.empty()) {
            const int g = stack.back();
            stack.pop_back();
            for (const Memory& out : drafts_[static_cast<std::size_t>(g)].group.outputs)
                for (int reader : readers_[out.value.node->id]) {
                    if (reader == to || seen.size() > max_path_search) return true;
                    if (seen.insert(reader).second) stack.push_back(reader);
                }
        }
        return false;
    }

    std::optional<Refusal> may_join(const Node& node, int g, bool stored) const {
        const Draft& d = drafts_[static_cast<std::size_t>(g)];
        if (!options_.enabled) return Refusal{"fusion is off"};
        if (d.group.members.size() >= options_.max_members || d.views >= max_group_views)
            return Refusal{"the kernel is full"};
        if (is_free(node) && node.op->lowering == ir::Lowering::view)
            return Refusal{"too many views lie one behind the other"};
        if (!d.group.members.empty() && d.group.members.back()->op->lowering == ir::Lowering::scatter)
            return Refusal{"the consumer accumulates into memory"};
        for (const Memory& out : d.group.outputs)
            if (!out.permutation.empty() && (stored || is_fold(node)))
                return Refusal{"the consumer changes the layout of the data"};
        return is_fold(node) ? may_join_fold(node, d) : may_join_pointwise(node, d, stored);
    }

    std::optional<Refusal> may_join_fold(const Node& node, const Draft& d) const {
        const FoldKind kind = fold_kind(node);
        const std::size_t rank = node.results[0].shape.rank();
        if (node.results.size() != 1) return Refusal{"it has several results"};
        if (d.group.kind != FoldKind::none && (d.group.kind != kind || kind == FoldKind::contraction))
            return Refusal{"the consumer reduces in another way"};
        const std::vector<Access>& accesses = d.reads.at(Value{&node, 0});
        for (const Access& a : accesses)
            if (a.index != domain_index(rank)) return Refusal{"the consumer reads it in another order"};
        if (kind != FoldKind::row) {
            if (!(node.results[0].shape == d.group.domain)) return Refusal{"the consumer repeats its elements"};
            for (const Access& a : accesses)
                if (a.level != domain_level) return Refusal{"a reduction over it follows"};
            if (kind == FoldKind::contraction && d.cost > options_.max_epilogue)
                return Refusal{"what follows is too heavy to repeat per register tile"};
            return std::nullopt;
        }
        // Behind a guard (padding) an index may be a row's and yet no row of the value.
        if (!has_rows(node.results[0].shape, d, rank)) return Refusal{"the consumer has more rows"};
        if (rank == d.group.outer_rank) return std::nullopt;  // one value a row, rows as they are
        if (d.group.outer_rank != d.group.domain.rank() || !d.group.folds.empty())
            return Refusal{"the consumer's rows are others"};
        if (rank == 0) return Refusal{"all rows would wait for one value"};
        return std::nullopt;
    }

    // Whether the first dimensions of a value are those of the group's domain.
    static bool has_rows(const ir::Shape& shape, const Draft& d, std::size_t rank) {
        for (std::size_t i = 0; i < rank; ++i)
            if (shape[i] != d.group.domain[i]) return false;
        return true;
    }

    std::optional<Refusal> may_join_pointwise(const Node& node, const Draft& d, bool stored) const {
        const ir::Shape& shape = node.results[0].shape;
        const std::size_t outer = d.group.outer_rank;
        bool full = true;
        bool per_row = true;
        bool prefix = d.group.kind != FoldKind::contraction && d.group.kind != FoldKind::column;
        std::size_t count = 0;
        const Access* only = nullptr;
        for (std::uint32_t r = 0; r < node.results.size(); ++r) {
            const auto found = d.reads.find(Value{&node, r});
            if (found == d.reads.end()) continue;
            for (const Access& a : found->second) {
                ++count;
                only = &a;
                full = full && reads_whole_level(a, d);
                per_row = per_row && a.index == domain_index(outer) && shape.rank() == outer;
                prefix = prefix && shape.rank() < outer && a.index == domain_index(shape.rank());
                if (d.has_contraction() && a.level != domain_level)
                    return Refusal{"a contraction reads its operands from memory"};
            }
        }
        if (d.has_contraction() && d.cost + scalar_instructions(node) > options_.max_epilogue)
            return Refusal{"what follows the contraction is too heavy to repeat per register tile"};
        if (stored) {
            const bool as_row = per_row && has_rows(shape, d, outer);
            const bool as_domain = full && shape == d.group.domain && has_domain_output(d);
            if (!as_row && !as_domain)
                return Refusal{"others need it too, and the consumer does not visit its elements once"};
        }
        if (full || per_row || prefix) return std::nullopt;
        if (count != 1) return Refusal{"the consumer reads it at several places"};
        if (shape.element_count() != level_count(*only, d)) return Refusal{"the consumer would compute it repeatedly"};
        return std::nullopt;
    }

    // A group of pointwise work may be run row by row instead.
    static bool may_become_rows(const Draft& d) {
        return d.group.folds.empty() && d.group.outer_rank == d.group.domain.rank() &&
               d.group.outputs.front().permutation.empty();
    }
    bool reads_whole_level(const Access& a, const Draft& d) const {
        if (a.level == domain_level) return a.index == domain_index(d.group.domain.rank());
        return a.index == d.fold_identity[static_cast<std::size_t>(a.level)];
    }
    Dim level_count(const Access& a, const Draft& d) const {
        if (a.level == domain_level) return d.group.domain.element_count();
        return d.fold_domain[static_cast<std::size_t>(a.level)].element_count();
    }
    bool has_domain_output(const Draft& d) const {
        return std::ranges::any_of(
            d.group.outputs, [&](const Memory& m) { return m.value.type().shape.rank() == d.group.domain.rank(); });
    }

    void join(const Node& node, int g, bool stored) {
        Draft& d = drafts_[static_cast<std::size_t>(g)];
        std::vector<Access> at;
        for (std::uint32_t r = 0; r < node.results.size(); ++r) {
            const auto found = d.reads.find(Value{&node, r});
            if (found == d.reads.end()) continue;
            for (Access& a : found->second)
                if (std::ranges::find(at, a) == at.end()) at.push_back(std::move(a));
            d.reads.erase(found);
        }
        std::erase(readers_[node.id], g);
        const std::size_t rank = node.results[0].shape.rank();
        if (stored && rank < d.group.outer_rank) d.group.outer_rank = rank;  // stored once a row
        add_member(node, g, at);
        if (stored) store(node, g);
    }

    void add_member(const Node& node, int g, std::span<const Access> at) {
        Draft& d = drafts_[static_cast<std::size_t>(g)];
        d.group.members.push_back(&node);
        d.cost += scalar_instructions(node);
        if (is_fold(node)) {
            add_fold(node, g);
            return;
        }
        for (const Access& a : at) read_operands(g, node, a.index, a.level);
    }

    void add_fold(const Node& node, int g) {
        Draft& d = drafts_[static_cast<std::size_t>(g)];
        const std::size_t fold = d.group.folds.size();
        const std::size_t rank = node.results[0].shape.rank();
        d.group.folds.push_back(&node);
        d.group.kind = fold_kind(node);
        if (d.group.kind == FoldKind::row) d.group.outer_rank = rank;
        const Index at = domain_index(rank);
        Index loops;
        for (std::size_t i = 0; i < fold_extents(node).size(); ++i) loops.push_back(fold_symbol(fold, i));
        d.fold_identity.push_back(fold_operand_index(node, 0, at, loops));
        d.fold_domain.push_back(node.operands[0].type().shape);
        for (std::size_t i = 0; i < node.operands.size(); ++i) {
            const Index index = fold_operand_index(node, i, at, loops);
            const Value operand = node.operands[i];
            std::vector<std::uint8_t> layout = wanted_layout(node, i, operand, index, rank);
            if (layout.empty()) {
                read(g, operand, index, static_cast<int>(fold));
            } else {
                relayout(g, {operand, std::move(layout)});
            }
        }
    }

    // A contraction vectorizes over the last dimension of its result, which is one of its second operand: that has to
    // be the operand's innermost in memory. Gives the permutation that makes it so, or nothing if it is so already.
    std::vector<std::uint8_t> wanted_layout(const Node& node, std::size_t operand, Value v, const Index& index,
                                            std::size_t rank) const {
        if (node.op->contraction == nullptr || operand != 1 || rank == 0) return {};
        const Dim vector = domain_symbol(rank - 1);
        const auto position = std::ranges::find(index, vector);
        if (position == index.end()) return {};  // a matrix times a vector: the contracted loop vectorizes
        const auto at = static_cast<std::size_t>(position - index.begin());
        Value base = v;
        Index base_index = index;
        bool direct = true;
        while (direct && seen_through_[base.node->id] && base.node->op->lowering == ir::Lowering::view) {
            const View context(*base.node);
            std::vector<ir::ViewPiece> pieces = base.node->op->view(context, base_index);
            direct = pieces.size() == 1 && pieces[0].guards.empty();
            if (!direct) break;
            base_index = pieces[0].index;
            base = base.node->operands[pieces[0].operand];
        }
        if (direct) {
            const auto affine = linear_offset(base.type().shape, base_index).affine_in(*vector.as_symbol());
            if (affine && affine->coefficient == Dim(1)) return {};
        }
        std::vector<std::uint8_t> order;
        for (std::size_t i = 0; i < index.size(); ++i)
            if (i != at) order.push_back(static_cast<std::uint8_t>(i));
        order.push_back(static_cast<std::uint8_t>(at));
        return order;
    }

    void relayout(int reader, const Memory& memory) {
        drafts_[static_cast<std::size_t>(reader)].group.inputs.push_back(memory);  // reads of relaid values: kept apart
        std::vector<int>& readers = readers_[memory.value.node->id];
        if (std::ranges::find(readers, reader) == readers.end()) readers.push_back(reader);
        const auto [known, fresh] = relayout_group_.try_emplace(
            {{memory.value.node->id, memory.value.index}, memory.permutation}, static_cast<int>(drafts_.size()));
        const int g = known->second;
        relaid_[g].push_back(reader);
        if (!fresh) return;
        drafts_.emplace_back();
        Draft& d = drafts_.back();
        d.group.domain = memory.value.type().shape;
        d.group.outer_rank = d.group.domain.rank();
        d.group.outputs.push_back(memory);
        // The group's first member is the relayout itself: it reads the value at every point of its domain.
        const Value v = memory.value;
        if (seen_through_[v.node->id]) {
            d.group.members.push_back(v.node);
            read_operands(g, *v.node, domain_index(d.group.domain.rank()), domain_level);
        } else {
            read(g, v, domain_index(d.group.domain.rank()), domain_level);
        }
    }

    void store(const Node& node, int g) {
        Draft& d = drafts_[static_cast<std::size_t>(g)];
        for (std::uint32_t r = 0; r < node.results.size(); ++r)
            if (needed(Value{&node, r})) d.group.outputs.push_back({Value{&node, r}, {}});
    }

    bool needed(Value v) const {
        if (stored_.contains(v)) return true;
        for (int g : readers_[v.node->id])
            if (drafts_[static_cast<std::size_t>(g)].reads.contains(v)) return true;
        return false;
    }

    void visit(const Node& node) {
        bool wanted = false;
        for (std::uint32_t r = 0; r < node.results.size(); ++r) wanted = wanted || needed(Value{&node, r});
        if (!wanted || (node.op->lowering == ir::Lowering::source && !is_output(node))) return;

        std::vector<int> readers;
        for (int g : readers_[node.id]) {
            bool reads = false;
            for (std::uint32_t r = 0; r < node.results.size(); ++r)
                reads = reads || drafts_[static_cast<std::size_t>(g)].reads.contains(Value{&node, r});
            if (reads) readers.push_back(g);
        }
        if (is_single(node) && options_.enabled) {
            // One scalar is computed again wherever it is needed: it leaves every loop.
            for (int g : readers)
                if (drafts_[static_cast<std::size_t>(g)].group.members.size() < options_.max_members && reads_inside(g))
                    join(node, g, false);
            if (is_output(node) || needed(Value{&node, 0})) start(node);
            return;
        }
        if (options_.enabled && is_pointwise(node)) readers = merge_readers(std::move(readers));
        if (is_fold(node) || is_pointwise(node)) {
            const std::size_t remarks = remarks_.size();
            for (int g : readers) {
                const bool stored = is_output(node) || readers.size() > 1;
                std::optional<Refusal> refusal = may_join(node, g, stored);
                if (!refusal && readers.size() > 1)
                    for (int other : readers)
                        if (other != g && reaches(other, g)) refusal = Refusal{"it would wait for itself"};
                if (!refusal) {
                    join(node, g, stored);
                    remarks_.resize(remarks);  // one home is enough
                    return;
                }
                if (options_.enabled) note(node, g, refusal->reason);
            }
        }
        start(node);
    }

    // Groups that read the same value and run over the same rows become one, which reads it once.
    std::vector<int> merge_readers(std::vector<int> readers) {
        for (std::size_t i = 0; i < readers.size(); ++i)
            for (std::size_t j = i + 1; j < readers.size();)
                if (may_merge(readers[i], readers[j])) {
                    merge(readers[i], readers[j]);
                    readers.erase(readers.begin() + static_cast<std::ptrdiff_t>(j));
                } else {
                    ++j;
                }
        return readers;
    }

    bool may_merge(int a, int b) const {
        const Draft& x = drafts_[static_cast<std::size_t>(a)];
        const Draft& y = drafts_[static_cast<std::size_t>(b)];
        const auto plain = [](const Draft& d) {
            return (d.group.kind == FoldKind::none || d.group.kind == FoldKind::row) && !d.group.members.empty() &&
                   !d.group.outputs.empty() && d.group.outputs.front().permutation.empty() &&
                   d.group.members.back()->op->lowering != ir::Lowering::scatter;
        };
        if (!plain(x) || !plain(y)) return false;
        if (x.group.members.size() + y.group.members.size() > options_.max_members) return false;
        const std::size_t outer = x.group.outer_rank;
        if (outer != y.group.outer_rank || outer == 0) return false;
        for (std::size_t i = 0; i < outer; ++i)
            if (x.group.domain[i] != y.group.domain[i]) return false;
        const bool x_inner = x.group.domain.rank() > outer;
        const bool y_inner = y.group.domain.rank() > outer;
        if (x_inner && y_inner && !(x.group.domain == y.group.domain)) return false;
        return !reaches(a, b) && !reaches(b, a);
    }

    // Moves everything of group b into group a.
    void merge(int a, int b) {
        Draft& x = drafts_[static_cast<std::size_t>(a)];
        Draft& y = drafts_[static_cast<std::size_t>(b)];
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
        for (const Node* n : y.group.members)
            if (std::ranges::find(x.group.members, n) == x.group.members.end()) x.group.members.push_back(n);
        x.group.folds.insert(x.group.folds.end(), y.group.folds.begin(), y.group.folds.end());
        x.group.outputs.insert(x.group.outputs.end(), y.group.outputs.begin(), y.group.outputs.end());
        for (Index& index : y.fold_identity) {
            for (Dim& d : index) d = moved(d);
            x.fold_identity.push_back(std::move(index));
        }
        x.fold_domain.insert(x.fold_domain.end(), y.fold_domain.begin(), y.fold_domain.end());
        for (auto& [value, accesses] : y.reads) {
            std::vector<Access>& into = x.reads[value];
            for (Access& access : accesses) {
                for (Dim& d : access.index) d = moved(d);
                if (access.level != domain_level) access.level += static_cast<int>(shift);
                if (std::ranges::find(into, access) == into.end()) into.push_back(std::move(access));
            }
            std::vector<int>& readers = readers_[value.node->id];
            std::erase(readers, b);
            if (std::ranges::find(readers, a) == readers.end()) readers.push_back(a);
        }
        y = Draft{};
    }

    // An elementwise node of rank 0, cheap enough to be repeated.
    static bool is_single(const Node& node) {
        constexpr std::size_t cheap = 64;
        return node.op->lowering == ir::Lowering::elementwise && node.results.size() == 1 &&
               node.results[0].shape.rank() == 0 && scalar_instructions(node) <= cheap;
    }
    // Whether the group computes what it reads element by element, so that producers can be part of it.
    bool reads_inside(int g) const {
        const Draft& d = drafts_[static_cast<std::size_t>(g)];
        return d.group.members.empty() || d.group.members.back()->op->lowering != ir::Lowering::scatter;
    }

    bool is_output(const Node& node) const {
        for (std::uint32_t r = 0; r < node.results.size(); ++r)
            if (stored_.contains(Value{&node, r})) return true;
        return false;
    }

    void note(const Node& node, int g, const std::string& reason) {
        const Draft& d = drafts_[static_cast<std::size_t>(g)];
        const Node& consumer = d.group.members.empty() ? *d.group.outputs[0].value.node : *d.group.members.back();
        remarks_.push_back(
            {"fuse", reason, std::string(node.op->name), std::string(consumer.op->name), node.loc, consumer.loc});
    }

    void start(const Node& node) {
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
        if (is_fold(node) || is_pointwise(node)) {
            add_member(node, g, std::span(&here, 1));
            return;
        }
        d.group.members.push_back(&node);
        for (Value v : node.operands) {  // the node's own lowering reads its operands from memory, whole
            Draft& now = drafts_[static_cast<std::size_t>(g)];
            now.reads[v].push_back({domain_index(v.type().shape.rank()), domain_level});
            std::vector<int>& readers = readers_[v.node->id];
            if (std::ranges::find(readers, g) == readers.end()) readers.push_back(g);
        }
    }

    // ---- result

    FusedGraph finish() {
        FusedGraph out;
        out.graph = &graph_;
        out.remarks = std::move(remarks_);
        const std::size_t n = drafts_.size();
        std::vector<std::vector<int>> consumers(n);
        std::vector<std::size_t> producers(n, 0);
        std::unordered_map<std::uint64_t, int> writer;
        const auto key = [](Value v) { return (static_cast<std::uint64_t>(v.node->id) << 8) | v.index; };
        for (std::size_t g = 0; g < n; ++g)
            for (const Memory& m : drafts_[g].group.outputs)
                if (m.permutation.empty() && m.value.node->op->lowering != ir::Lowering::source)
                    writer[key(m.value)] = static_cast<int>(g);
        const auto edge = [&](int from, std::size_t to) {
            consumers[static_cast<std::size_t>(from)].push_back(static_cast<int>(to));
            ++producers[to];
        };
        for (std::size_t g = 0; g < n; ++g)
            for (const auto& [value, accesses] : drafts_[g].reads)
                if (const auto w = writer.find(key(value)); w != writer.end()) edge(w->second, g);
        for (const auto& [from, readers] : relaid_)
            for (int reader : readers) edge(from, static_cast<std::size_t>(reader));

        std::vector<int> ready;
        for (std::size_t g = n; g-- > 0;)
            if (producers[g] == 0) ready.push_back(static_cast<int>(g));
        std::vector<int> order;
        for (std::size_t i = 0; i < ready.size(); ++i) {
            order.push_back(ready[i]);
            for (int c : consumers[static_cast<std::size_t>(ready[i])])
                if (--producers[static_cast<std::size_t>(c)] == 0) ready.push_back(c);
        }
        if (order.size() != n) throw InternalError("fuse: the groups depend on each other in a cycle");
        for (int g : order) {
            Draft& d = drafts_[static_cast<std::size_t>(g)];
            if (d.group.outputs.empty()) continue;  // merged into another
            for (const auto& [value, accesses] : d.reads) d.group.inputs.push_back({value, {}});
            std::ranges::sort(d.group.members, {}, &Node::id);
            std::ranges::sort(d.group.folds, {}, &Node::id);
            const auto duplicates = std::ranges::unique(d.group.members);
            d.group.members.erase(duplicates.begin(), duplicates.end());
            out.groups.push_back(std::move(d.group));
        }
        return out;
    }

    const ir::Graph& graph_;
    const FuseOptions& options_;
    ir::Symbol first_symbol_, next_loaded_;
    std::vector<Draft> drafts_;
    std::vector<std::vector<int>> readers_;   // by node: groups that read a result of it
    std::vector<bool> seen_through_;          // by node: read as index arithmetic
    std::set<Value, ValueOrder> stored_;      // the graph's outputs
    std::map<int, std::vector<int>> relaid_;  // relayout group -> groups that read it
    std::map<std::pair<std::pair<std::uint32_t, std::uint32_t>, std::vector<std::uint8_t>>, int> relayout_group_;
    Remarks remarks_;
};

}  // namespace

FusedGraph fuse(const ir::Graph& graph, const FuseOptions& options) { return Fuser(graph, options).run(); }

}  // namespace lathe::passes
