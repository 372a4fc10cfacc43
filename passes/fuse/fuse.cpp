// Groups are grown from consumers to producers: nodes are visited from last to first, and each joins one of the groups
// that read it where the loop structures agree, or starts its own.
#include "passes/fuse/fuse.h"

#include <algorithm>
#include <map>

#include "ir/ops/control.h"
#include "passes/fuse/drafts.h"
#include "passes/fuse/regions.h"
#include "passes/fuse/rules.h"
#include "passes/graph/rebuild.h"

namespace lathe::passes {
namespace {

using ir::broadcast_index;
using ir::fold_extents;
using ir::fold_kind;
using ir::fold_operand_index;
using ir::is_free;
using ir::Node;
using ir::Program;
using ir::scalar_instructions;
using ir::Value;

class Fuser {
public:
    Fuser(const ir::Graph& graph, const FuseOptions& options, Remarks& remarks)
        : graph_(graph), options_(options), drafts_(graph), remarks_(remarks) {}

    std::vector<ir::Group> run() {
        const auto& nodes = graph_.nodes();
        for (std::size_t i = nodes.size(); i-- > 0;) visit(nodes[i]);
        return drafts_.finish();
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
                if (has_room(node, drafts_, g, options_) && !drafts_[g].is_closed()) drafts_.join(node, g, false);
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
        const Node& consumer = d.group.members.empty() ? *d.group.outputs[0].node : *d.group.members.back();
        remarks_.push_back(
            {"fuse", reason, std::string(node.op->name), std::string(consumer.op->name), node.loc, consumer.loc});
    }

    const ir::Graph& graph_;
    const FuseOptions& options_;
    Drafts drafts_;
    Remarks& remarks_;
};

// Whether a function of the library writes the value, if only where one of two branches runs.
bool is_of_call(const Value& v) {
    if (v.node->op->lowering == ir::Lowering::opaque) return true;
    if (v.node->op->control != ir::Control::branch) return false;
    return std::ranges::any_of(ir::regions_of(*v.node),
                               [&](const ir::Graph* branch) { return is_of_call(branch->outputs()[v.index]); });
}

// Gives every value that groups read or write a buffer.
class ProgramBuilder {
public:
    ProgramBuilder(std::shared_ptr<const ir::Graph> graph, const FuseOptions& options, Remarks& remarks)
        : options_(options), remarks_(remarks) {
        program_.name = graph->name;
        program_.symbols = graph->symbols;
        program_.preconditions = graph->preconditions;
        for (std::size_t i = 0; i < graph->parameters().size(); ++i) {
            const Value v = graph->parameters()[i];
            const Program::BufferId b = add(v, Program::Origin::input, graph->parameter_name(i));
            program_.buffers[b].steady = graph->is_steady(i);
            read_[key(v)] = b;
        }
        for (std::size_t i = 0; i < graph->outputs().size(); ++i) {
            const Value v = graph->outputs()[i];
            const auto [found, fresh] = written_.try_emplace(key(v));
            if (fresh) {
                found->second = add(v, Program::Origin::output, graph->output_name(i));
                program_.buffers[found->second].made_by = std::string(v.node->op->name);
            }
            program_.results.push_back({graph->output_name(i), found->second});
        }
        program_.graph = std::move(graph);
    }

    void add(ir::Group group) {
        if (group.members.size() == 1 && ir::has_regions(*group.members[0])) return add_control(*group.members[0]);
        Program::Step step;
        std::vector<ir::Loc> locs;
        for (const Node* n : group.members) locs.push_back(n->loc);
        step.loc = ir::Loc::fused(locs);
        Program::Fused fused;
        for (const Value& v : group.inputs) fused.inputs.push_back(buffer_to_read(v));
        for (const Value& v : group.outputs) fused.outputs.push_back(buffer_to_write(v));
        fused.group = std::move(group);
        step.node = std::move(fused);
        program_.steps.push_back(std::move(step));
    }

    Program finish() { return std::move(program_); }

private:
    using Key = std::pair<std::uint32_t, std::uint32_t>;
    static Key key(Value v) { return {v.node->id, v.index}; }

    Program::BufferId add(Value v, Program::Origin origin, std::string name) {
        return program_.add_buffer({std::move(name), origin, v.type(), ir::layout_of(v), {}, {}, v.node->loc, false});
    }

    Program::BufferId buffer_to_write(Value v) {
        const auto [found, fresh] = written_.try_emplace(key(v));
        if (fresh) found->second = add(v, Program::Origin::temporary, {});
        return found->second;
    }

    // Outputs may be parameters or constants, which a group copies: what is read is the original.
    Program::BufferId buffer_to_read(Value v) {
        if (v.node->op->lowering != ir::Lowering::source) return buffer_to_write(v);
        const auto [found, fresh] = read_.try_emplace(key(v));
        if (fresh) {
            found->second = add(v, Program::Origin::constant, {});
            if (const ir::Literal* literal = literal_of(*v.node)) program_.buffers[found->second].constant = *literal;
        }
        return found->second;
    }

    // ---- regions: their steps become part of the program

    void add_control(const Node& node) {
        std::vector<Program::BufferId> operands;
        for (const Value& v : node.operands) operands.push_back(buffer_to_read(v));
        switch (node.op->control) {
            case ir::Control::branch:
                return add_branch(node, operands);
            case ir::Control::loop_while:
                return add_while(node, operands);
            case ir::Control::scan:
                return add_scan(node, operands);
            case ir::Control::once:  // inlined before
            case ir::Control::none:
                break;
        }
        throw InternalError("fuse: " + std::string(node.op->name) + " does not say how its regions run", node.loc);
    }

    std::vector<Program::Step> steps_of(std::unique_ptr<ir::Graph> region, std::span<const Program::BufferId> inputs,
                                        std::span<const Program::BufferId> outputs) {
        return splice(program_, fuse(std::move(region), options_, remarks_), inputs, outputs);
    }
    std::unique_ptr<ir::Graph> region(const Node& node, std::size_t i) const {
        return region_with_symbols(*ir::regions_of(node)[i], program_.symbols);
    }
    Program::BufferId add_temporary(const ir::Type& type, ir::Loc loc) {
        return program_.add_buffer({{}, Program::Origin::temporary, type, {}, {}, {}, loc, false});
    }

    void add_branch(const Node& node, std::span<const Program::BufferId> operands) {
        Program::Branch branch;
        branch.predicate = operands[0];
        std::vector<Program::BufferId> results;
        for (const Value& v : results_of(node)) results.push_back(buffer_to_write(v));
        branch.then_steps = steps_of(region(node, 0), operands.subspan(1), results);
        branch.else_steps = steps_of(region(node, 1), operands.subspan(1), results);
        program_.steps.push_back({std::move(branch), node.loc});
    }

    // Begins a loop, which carries the node's first operands. Their buffers give way to those of the loop.
    Program::Loop start_loop(const Node& node, std::vector<Program::BufferId>& operands, std::size_t carried) {
        Program::Loop loop;
        loop.iteration = static_cast<ir::Symbol>(program_.symbols.size());
        std::string name = "i" + std::to_string(loop.iteration);
        while (std::ranges::find(program_.symbols, name) != program_.symbols.end()) name += "_";
        program_.symbols.push_back(std::move(name));
        ++program_.iterations;
        for (std::size_t k = 0; k < carried; ++k) {
            const Value init = node.operands[k];
            const Program::BufferId current = add_temporary(init.type(), node.loc);
            loop.carried.push_back({current, add_temporary(init.type(), node.loc)});
            program_.steps.push_back(copy_step(init, operands[k], current));
            operands[k] = current;
        }
        return loop;
    }
    // What was carried last is the node's result; an output of the program gets a copy.
    void finish_loop(const Node& node, Program::Loop loop) {
        const std::vector<Program::Loop::Carried> carried = loop.carried;
        program_.steps.push_back({std::move(loop), node.loc});
        for (std::uint32_t k = 0; k < carried.size(); ++k) {
            const Value v{&node, k};
            const auto [found, fresh] = written_.try_emplace(key(v), carried[k].current);
            if (!fresh) program_.steps.push_back(copy_step(v, carried[k].current, found->second));
        }
    }

    void add_while(const Node& node, std::vector<Program::BufferId> operands) {
        Program::Loop loop = start_loop(node, operands, node.results.size());
        loop.goes_on = add_temporary({ir::Dtype::boolean, {}}, node.loc);
        std::vector<Program::BufferId> next;
        for (const auto& c : loop.carried) next.push_back(c.next);
        loop.test = steps_of(region(node, 0), operands, std::span(&*loop.goes_on, 1));
        loop.body = steps_of(region(node, 1), operands, next);
        finish_loop(node, std::move(loop));
    }

    void add_scan(const Node& node, std::vector<Program::BufferId> operands) {
        const std::size_t carried = ir::parts_of_scan(node).carried;
        Program::Loop loop = start_loop(node, operands, carried);
        loop.trips = ir::ops::scan_length(node.attributes)[0];
        const ir::Dim i = ir::Dim::symbol(loop.iteration);
        const ir::Dim index = ir::ops::scan_reverse(node.attributes) ? *loop.trips - 1 - i : i;
        std::unique_ptr<ir::Graph> body = body_over_sequences(node, index, program_.symbols);
        std::vector<Program::BufferId> outputs;
        std::vector<Program::Step> copies;
        for (const auto& c : loop.carried) outputs.push_back(c.next);
        for (std::size_t r = carried; r < body->outputs().size(); ++r) {
            const Value y = body->outputs()[r];
            const auto same = std::ranges::find(body->outputs().first(r), y) - body->outputs().begin();
            const auto first = static_cast<std::size_t>(same);
            outputs.push_back(first < r ? outputs[first] : add_temporary(y.type(), node.loc));
            Program::BufferId slice = outputs.back();
            if (is_of_call(y)) {  // only kernels can write into a stack
                slice = add_temporary(y.type(), node.loc);
                copies.push_back(copy_step(y, outputs.back(), slice));
            }
            loop.stacked.push_back({slice, buffer_to_write({&node, static_cast<std::uint32_t>(r)}), index});
        }
        loop.body = steps_of(std::move(body), operands, outputs);
        std::ranges::move(copies, std::back_inserter(loop.body));
        finish_loop(node, std::move(loop));
    }

    const FuseOptions& options_;
    Remarks& remarks_;
    Program program_;
    std::map<Key, Program::BufferId> read_, written_;
};

}  // namespace

Program fuse(std::shared_ptr<const ir::Graph> graph, const FuseOptions& options, Remarks& remarks) {
    std::vector<ir::Group> groups = Fuser(*graph, options, remarks).run();
    ProgramBuilder builder(std::move(graph), options, remarks);
    for (ir::Group& group : groups) builder.add(std::move(group));
    return builder.finish();
}

}  // namespace lathe::passes
