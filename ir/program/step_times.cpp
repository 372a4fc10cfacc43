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

// What steps inside of others write, or exchange.
std::vector<bool> written_inside(const Program& program) {
    std::vector<bool> out(program.buffers.size(), false);
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
    return out;
}

// The steps that depend on nothing but what is known of the buffers.
std::vector<bool> steps_that_depend_on(const Program& program, std::vector<bool> known) {
    const std::vector<bool> inside = written_inside(program);
    std::vector<bool> out;
    for (const Program::Step& step : program.steps) {
        const Effects effects = std::visit([](const auto& s) { return effects_of(s); }, step.node);
        const bool depends_on_known =
            effects.is_fixed && std::ranges::all_of(effects.reads, [&](Program::BufferId b) { return known[b]; }) &&
            std::ranges::all_of(effects.writes, [&](Program::BufferId b) {
                const Program::Buffer& buffer = program.buffers[b];
                return !inside[b] && buffer.origin == Program::Origin::temporary && buffer.type.shape.is_constant();
            });
        out.push_back(depends_on_known);
        if (depends_on_known)
            for (const Program::BufferId b : effects.writes) known[b] = true;
    }
    return out;
}

}  // namespace

std::vector<StepTime> step_times(const Program& program) {
    std::vector<bool> constant, steady;
    for (const Program::Buffer& b : program.buffers) {
        constant.push_back(b.origin == Program::Origin::constant);
        steady.push_back(constant.back() || b.steady);
    }
    const std::vector<bool> once = steps_that_depend_on(program, constant);
    const std::vector<bool> on_change = steps_that_depend_on(program, steady);
    // Results that are kept take memory: of what depends on steady inputs, layouts are kept, and what they come from.
    std::vector<bool> wanted(program.buffers.size(), false);
    for (std::size_t b = 0; b < wanted.size(); ++b) wanted[b] = !program.buffers[b].layout.is_dense();
    std::vector<StepTime> out(program.steps.size(), StepTime::every_run);
    for (std::size_t s = program.steps.size(); s-- > 0;) {
        if (once[s]) out[s] = StepTime::once;
        if (once[s] || !on_change[s]) continue;
        const Effects effects = std::visit([](const auto& step) { return effects_of(step); }, program.steps[s].node);
        if (std::ranges::none_of(effects.writes, [&](Program::BufferId b) { return wanted[b]; })) continue;
        out[s] = StepTime::on_change;
        for (const Program::BufferId b : effects.reads) wanted[b] = true;
    }
    return out;
}

}  // namespace lathe::ir
