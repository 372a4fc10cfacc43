#include "ir/program/step_times.h"

#include <algorithm>
#include <span>

#include "ir/loops/walk.h"
#include "ir/ops/op.h"

namespace lathe::ir {
namespace {

// What a step reads and writes, and whether anything but that decides what it does.
struct Effects {
    std::vector<Program::BufferId> reads, writes;
    bool is_fixed = true;
};

// Whether no size of the caller's has a say in what the group computes, nor an index that may be out of range.
bool is_fixed(const Group& group) {
    std::vector<const Node*> stack(group.members.begin(), group.members.end()), seen;
    while (!stack.empty()) {
        const Node* const node = stack.back();
        stack.pop_back();
        if (std::ranges::find(seen, node) != seen.end()) continue;
        seen.push_back(node);
        if (node->op->indices || has_symbols(node->attributes)) return false;
        if (!std::ranges::all_of(node->results, [](const Type& t) { return t.shape.is_constant(); })) return false;
        for (const Value& v : node->operands)
            if (is_free(*v.node)) stack.push_back(v.node);
    }
    return true;
}

Effects effects_of(const Program::Fused& f) { return {f.inputs, f.outputs, is_fixed(f.group)}; }

Effects effects_of(const Program::Kernel& k) {
    return {k.reads(), k.writes(),
            k.sites.empty() && std::ranges::all_of(k.extents, [](Dim d) { return d.is_constant(); })};
}

Effects effects_of(const Program::Call& c) {
    const auto is_constant = [](Dim d) { return d.is_constant(); };
    return {c.inputs, c.outputs, is_constant(c.iterations) && std::ranges::all_of(c.extents, is_constant)};
}

Effects effects_of(const Program::Batch& b) {
    Effects out;
    for (const Program::Kernel& k : b.kernels) {
        const Effects of_kernel = effects_of(k);
        out.reads.insert(out.reads.end(), of_kernel.reads.begin(), of_kernel.reads.end());
        out.writes.insert(out.writes.end(), of_kernel.writes.begin(), of_kernel.writes.end());
        out.is_fixed = out.is_fixed && of_kernel.is_fixed;
    }
    return out;
}

// These stay whole.
Effects effects_of(const Program::Branch&) { return {{}, {}, false}; }
Effects effects_of(const Program::Loop&) { return {{}, {}, false}; }

// What steps inside of others write, or exchange, and what several steps write: none of them can be taken out.
std::vector<bool> written_by_many(const Program& program, const std::vector<Effects>& effects) {
    std::vector<bool> out(program.buffers.size(), false), written = out;
    const auto mark = [&](const std::vector<Program::BufferId>& buffers) {
        for (const Program::BufferId b : buffers) out[b] = true;
    };
    for (const Program::Step& outer : program.steps)
        for_each_step(std::span(&outer, 1), [&](const Program::Step& step) {
            if (const auto* loop = std::get_if<Program::Loop>(&step.node)) {
                for (const Program::Loop::Carried& c : loop->carried) mark({c.current, c.next});
                for (const Program::Loop::Stacked& s : loop->stacked) mark({s.stack});
            }
            if (&step != &outer) mark(std::visit([](const auto& s) { return effects_of(s); }, step.node).writes);
        });
    for (const Effects& e : effects)
        for (const Program::BufferId b : e.writes) {
            out[b] = out[b] || written[b];
            written[b] = true;
        }
    return out;
}

}  // namespace

std::vector<StepTime> step_times(const Program& program) {
    std::vector<Effects> effects;
    for (const Program::Step& step : program.steps)
        effects.push_back(std::visit([](const auto& s) { return effects_of(s); }, step.node));
    const std::vector<bool> by_many = written_by_many(program, effects);

    // Forwards: when what is in a buffer, and what a step writes, may be another.
    std::vector<StepTime> changes, out;
    for (const Program::Buffer& b : program.buffers)
        changes.push_back(b.origin == Program::Origin::constant ? StepTime::once
                          : b.steady                            ? StepTime::on_change
                                                                : StepTime::every_run);
    for (const Effects& e : effects) {
        const bool can_be_kept =
            e.is_fixed && std::ranges::all_of(e.writes, [&](Program::BufferId b) {
                const Program::Buffer& buffer = program.buffers[b];
                return !by_many[b] && buffer.origin == Program::Origin::temporary && buffer.type.shape.is_constant();
            });
        StepTime time = can_be_kept ? StepTime::once : StepTime::every_run;
        for (const Program::BufferId b : e.reads) time = std::max(time, changes[b]);
        for (const Program::BufferId b : e.writes) changes[b] = time;
        out.push_back(time);
    }

    // Backwards: results that are kept take memory. Of what depends on steady inputs, layouts are kept, and what they
    // come from.
    std::vector<bool> wanted(program.buffers.size(), false);
    for (std::size_t b = 0; b < wanted.size(); ++b) wanted[b] = !program.buffers[b].layout.is_dense();
    for (std::size_t s = out.size(); s-- > 0;) {
        if (out[s] != StepTime::on_change) continue;
        if (std::ranges::any_of(effects[s].writes, [&](Program::BufferId b) { return wanted[b]; }))
            for (const Program::BufferId b : effects[s].reads) wanted[b] = true;
        else
            out[s] = StepTime::every_run;
    }
    return out;
}

}  // namespace lathe::ir
