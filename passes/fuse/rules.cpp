#include "passes/fuse/rules.h"

#include <algorithm>

#include "ir/loops/loops.h"
#include "ir/ops/op.h"

namespace lathe::passes {

using ir::Dim;
using ir::fold_kind;
using ir::is_free;
using ir::Node;
using ir::scalar_instructions;
using ir::Value;

namespace {

constexpr std::size_t max_group_views = 256;                              // seen through by all reads of a group
constexpr std::size_t max_group_statements = ir::max_statements * 3 / 8;  // the rest: loops, constants, kinds of tiles

// Whether the first dimensions of a value are those of the group's domain.
bool has_rows(const ir::Shape& shape, const Draft& d, std::size_t rank) {
    for (std::size_t i = 0; i < rank; ++i)
        if (shape[i] != d.group.domain[i]) return false;
    return true;
}

bool has_domain_output(const Draft& d) {
    return std::ranges::any_of(d.group.outputs,
                               [&](const Value& v) { return v.type().shape.rank() == d.group.domain.rank(); });
}

class Joining {
public:
    Joining(const Node& node, const Drafts& drafts, int g, bool stored, const FuseOptions& options)
        : node_(node), drafts_(drafts), g_(g), d_(drafts[g]), stored_(stored), options_(options) {}

    std::optional<Refusal> run() const {
        if (!options_.enabled) return Refusal{"fusion is off"};
        if (!has_room(node_, drafts_, g_, options_)) return Refusal{"the kernel is full"};
        if (is_free(node_) && node_.op->lowering == ir::Lowering::view)
            return Refusal{"one kernel would see through too many views"};
        if (d_.is_closed()) {
            const ir::Lowering lowering = d_.group.members.back()->op->lowering;
            return Refusal{lowering == ir::Lowering::control ? "the consumer is control flow, which reads its operands "
                                                               "from memory"
                           : lowering == ir::Lowering::opaque ? "the consumer is a function of the library"
                                                              : "the consumer accumulates into memory"};
        }
        // A product may write its columns where they are to be, side by side as they are.
        if (d_.relayouts() && (stored_ || (is_fold(node_) && !keeps_columns())))
            return Refusal{"the consumer changes the layout of the data"};
        return is_fold(node_) ? fold() : pointwise();
    }

private:
    // Whether the node is a product, and the group stores it with its last dimension last and whole.
    bool keeps_columns() const {
        if (fold_kind(node_) != FoldKind::contraction || d_.group.members.size() != 1) return false;
        const Node& relayout = *d_.group.members.back();
        const ir::Layout layout = ir::layout_of({&relayout, 0});
        return layout.blocks.empty() &&
               (layout.permutation.empty() ||
                static_cast<std::size_t>(layout.permutation.back()) + 1 == relayout.results[0].shape.rank());
    }

    std::optional<Refusal> fold() const {
        const FoldKind kind = fold_kind(node_);
        const std::size_t rank = node_.results[0].shape.rank();
        if (node_.results.size() != 1) return Refusal{"it has several results"};
        if (d_.group.kind != FoldKind::none && (d_.group.kind != kind || kind == FoldKind::contraction))
            return Refusal{"the consumer reduces in another way"};
        const std::vector<Access>& accesses = d_.reads.at(Value{&node_, 0});
        for (const Access& a : accesses)
            if (a.index != drafts_.domain_index(rank)) return Refusal{"the consumer reads it in another order"};
        if (kind != FoldKind::row) {
            if (!(node_.results[0].shape == d_.group.domain)) return Refusal{"the consumer repeats its elements"};
            for (const Access& a : accesses)
                if (a.level != domain_level) return Refusal{"a reduction over it follows"};
            if (kind == FoldKind::contraction && d_.cost > options_.max_epilogue)
                return Refusal{"what follows is too heavy to repeat per register tile"};
            return std::nullopt;
        }
        // Behind a guard (padding) an index may be a row's and yet no row of the value.
        if (!has_rows(node_.results[0].shape, d_, rank)) return Refusal{"the consumer has more rows"};
        if (rank == d_.group.outer_rank) return std::nullopt;  // one value a row, rows as they are
        if (d_.group.outer_rank != d_.group.domain.rank() || !d_.group.folds.empty())
            return Refusal{"the consumer's rows are others"};
        if (rank == 0) return Refusal{"all rows would wait for one value"};
        return std::nullopt;
    }

    std::optional<Refusal> pointwise() const {
        const ir::Shape& shape = node_.results[0].shape;
        const std::size_t outer = d_.group.outer_rank;
        bool full = true;
        bool per_row = true;
        bool prefix = d_.group.kind != FoldKind::contraction && d_.group.kind != FoldKind::column;
        std::size_t count = 0;
        const Access* only = nullptr;
        for (std::uint32_t r = 0; r < node_.results.size(); ++r) {
            const auto found = d_.reads.find(Value{&node_, r});
            if (found == d_.reads.end()) continue;
            for (const Access& a : found->second) {
                ++count;
                only = &a;
                full = full && reads_whole_level(a);
                per_row = per_row && a.index == drafts_.domain_index(outer) && shape.rank() == outer;
                prefix = prefix && shape.rank() < outer && a.index == drafts_.domain_index(shape.rank());
                if (d_.has_contraction() && a.level != domain_level)
                    return Refusal{"a contraction reads its operands from memory"};
            }
        }
        if (d_.has_contraction() && d_.cost + scalar_instructions(node_) > options_.max_epilogue)
            return Refusal{"what follows the contraction is too heavy to repeat per register tile"};
        if (stored_) {
            const bool as_row = per_row && has_rows(shape, d_, outer);
            const bool as_domain = full && shape == d_.group.domain && has_domain_output(d_);
            const bool in_fold = drafts_.storing_fold(node_, g_) != nullptr;
            if (!as_row && !as_domain && !in_fold)
                return Refusal{"others need it too, and the consumer does not visit its elements once"};
            if (!as_row && !as_domain && follows_contraction(options_.max_epilogue))
                return Refusal{"others need it too, and a contraction computes it"};
        }
        if (full || per_row || prefix) return std::nullopt;
        if (count != 1) return Refusal{"the consumer reads it at several places"};
        if (shape.element_count() != level_count(*only)) return Refusal{"the consumer would compute it repeatedly"};
        if (follows_contraction(options_.max_epilogue))
            return Refusal{"a contraction computes it, in an order of its own"};
        return std::nullopt;
    }

    // Whether a contraction can take the node as part of its epilogue, so that its own result is never stored.
    bool follows_contraction(std::size_t max_cost) const {
        std::vector<const Node*> stack{&node_};
        std::size_t cost = 0;
        while (!stack.empty()) {
            const Node& node = *stack.back();
            stack.pop_back();
            if (node.op->contraction != nullptr) return true;
            if (node.op->lowering != ir::Lowering::elementwise) continue;
            cost += scalar_instructions(node);
            if (cost > max_cost) return false;
            for (Value v : node.operands)
                if (v.type().shape == node_.results[0].shape) stack.push_back(v.node);
        }
        return false;
    }

    bool reads_whole_level(const Access& a) const {
        if (a.level == domain_level) return a.index == drafts_.domain_index(d_.group.domain.rank());
        return a.index == d_.fold_identity[static_cast<std::size_t>(a.level)];
    }
    Dim level_count(const Access& a) const {
        if (a.level == domain_level) return d_.group.domain.element_count();
        return d_.fold_domain[static_cast<std::size_t>(a.level)].element_count();
    }

    const Node& node_;
    const Drafts& drafts_;
    int g_;
    const Draft& d_;
    bool stored_;
    const FuseOptions& options_;
};

}  // namespace

bool is_fold(const Node& node) { return fold_kind(node) != FoldKind::none; }

bool is_pointwise(const Node& node) {
    return node.op->lowering == ir::Lowering::elementwise || node.op->lowering == ir::Lowering::view ||
           node.op->lowering == ir::Lowering::index;
}

bool has_room(const Node& node, const Drafts& drafts, int g, const FuseOptions& options) {
    const Draft& d = drafts[g];
    return d.group.members.size() < options.max_members && d.views < max_group_views &&
           d.statements() + drafts.statements(node, g) <= max_group_statements;
}

std::optional<Refusal> may_join(const Node& node, const Drafts& drafts, int g, bool stored,
                                const FuseOptions& options) {
    return Joining(node, drafts, g, stored, options).run();
}

std::optional<std::vector<std::uint64_t>> rows_to_share(const Draft& d) {
    const bool plain = (d.group.kind == FoldKind::none || d.group.kind == FoldKind::row) && !d.group.members.empty() &&
                       !d.group.outputs.empty() && !d.relayouts() && !d.is_closed();
    if (!plain || d.group.outer_rank == 0) return std::nullopt;
    std::vector<std::uint64_t> rows;
    for (std::size_t i = 0; i < d.group.outer_rank; ++i) rows.push_back(d.group.domain[i].bits());
    return rows;
}

bool may_merge(const Drafts& drafts, int a, int b, const FuseOptions& options) {
    const Draft& x = drafts[a];
    const Draft& y = drafts[b];
    if (x.group.members.size() + y.group.members.size() > options.max_members) return false;
    const bool x_inner = x.group.domain.rank() > x.group.outer_rank;
    const bool y_inner = y.group.domain.rank() > y.group.outer_rank;
    if (x_inner && y_inner && !(x.group.domain == y.group.domain)) return false;
    if (x.statements() + y.statements() > max_group_statements) return false;
    return !drafts.reaches(a, b) && !drafts.reaches(b, a);
}

}  // namespace lathe::passes
