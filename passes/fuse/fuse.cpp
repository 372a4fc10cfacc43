// Groups are grown from consumers to producers: nodes are visited from last to first, and each joins one of the groups
// that read it where the loop structures agree, or starts its own.
#include "passes/fuse/fuse.h"

#include <algorithm>
#include <map>

#include "ir/ops/op.h"
#include "passes/fuse/drafts.h"
#include "passes/fuse/rules.h"

namespace lathe::passes {
namespace {

using ir::Node;
using ir::Value;

class Fuser {
public:
    Fuser(const ir::Graph& graph, const FuseOptions& options) : graph_(graph), options_(options), drafts_(graph) {}

    FusedGraph run() {
        const auto& nodes = graph_.nodes();
        for (std::size_t i = nodes.size(); i-- > 0;) visit(nodes[i]);
        return {&graph_, drafts_.finish(), std::move(remarks_)};
    }

private:
    void visit(const Node& node) {
        bool wanted = false;
        for (std::uint32_t r = 0; r < node.results.size(); ++r) wanted = wanted || drafts_.needed(Value{&node, r});
        if (!wanted || (node.op->lowering == ir::Lowering::source && !drafts_.is_output(node))) return;

        std::vector<int> readers = drafts_.readers_of(node);
        if (is_single(node) && options_.enabled) {
            // One scalar is computed again wherever it is needed: it leaves every loop.
            for (int g : readers)
                if (has_room(node, drafts_, g, options_) && !drafts_[g].scatters()) drafts_.join(node, g, false);
            if (drafts_.is_output(node) || drafts_.needed(Value{&node, 0})) drafts_.start(node);
            return;
        }
        if (options_.enabled && is_pointwise(node)) readers = merge_readers(readers);
        if (is_fold(node) || is_pointwise(node)) {
            const std::size_t remarks = remarks_.size();
            for (int g : readers) {
                const bool stored = drafts_.is_output(node) || readers.size() > 1;
                std::optional<Refusal> refusal = may_join(node, drafts_, g, stored, options_);
                if (!refusal && readers.size() > 1)
                    for (int other : readers)
                        if (other != g && drafts_.reaches(other, g)) refusal = Refusal{"it would wait for itself"};
                if (!refusal) {
                    drafts_.join(node, g, stored);
                    remarks_.resize(remarks);  // one home is enough
                    return;
                }
                if (options_.enabled) note(node, g, refusal->reason);
            }
        }
        drafts_.start(node);
    }

    // Each group goes to the first before it that it may be merged with.
    std::vector<int> merge_readers(const std::vector<int>& readers) {
        if (readers.size() < 2) return readers;
        std::vector<int> kept;
        std::map<std::vector<std::uint64_t>, std::vector<int>> by_rows;
        for (int g : readers) {
            if (const auto rows = rows_to_share(drafts_[g])) {
                std::vector<int>& others = by_rows[*rows];
                const auto home =
                    std::ranges::find_if(others, [&](int other) { return may_merge(drafts_, other, g, options_); });
                if (home != others.end()) {
                    drafts_.merge(*home, g);
                    continue;
                }
                others.push_back(g);
            }
            kept.push_back(g);
        }
        return kept;
    }

    // An elementwise node of rank 0, cheap enough to be repeated.
    static bool is_single(const Node& node) {
        constexpr std::size_t cheap = 64;
        return node.op->lowering == ir::Lowering::elementwise && node.results.size() == 1 &&
               node.results[0].shape.rank() == 0 && scalar_instructions(node) <= cheap;
    }

    void note(const Node& node, int g, const std::string& reason) {
        const Draft& d = drafts_[g];
        const Node& consumer = d.group.members.empty() ? *d.group.outputs[0].value.node : *d.group.members.back();
        remarks_.push_back(
            {"fuse", reason, std::string(node.op->name), std::string(consumer.op->name), node.loc, consumer.loc});
    }

    const ir::Graph& graph_;
    const FuseOptions& options_;
    Drafts drafts_;
    Remarks remarks_;
};

}  // namespace

FusedGraph fuse(const ir::Graph& graph, const FuseOptions& options) { return Fuser(graph, options).run(); }

}  // namespace lathe::passes
