// Weights that a contraction wants in another layout are stored in it once, not in each iteration; and what depends on
// constants alone leaves all loops, so that it runs when the program is compiled.
#include "passes/loops/hoist.h"

#include <algorithm>
#include <set>

namespace lathe::passes {
namespace {

using ir::Program;
using BufferId = Program::BufferId;
using Kernel = Program::Kernel;

// How many steps of a loop write each buffer; what the loop exchanges counts as written by others.
std::multiset<BufferId> written_in(const Program::Loop& loop) {
    std::multiset<BufferId> out;
    const auto add = [&](const std::vector<Program::Step>& steps) {
        for_each_step(steps, [&](const Program::Step& step) {
            if (const auto* kernel = std::get_if<Kernel>(&step.node))
                for (const BufferId b : kernel->writes()) out.insert(b);
            if (const auto* call = std::get_if<Program::Call>(&step.node))
                out.insert(call->outputs.begin(), call->outputs.end());
            if (const auto* inner = std::get_if<Program::Loop>(&step.node))
                for (const auto& c : inner->carried) out.insert({c.current, c.current, c.next, c.next});
        });
    };
    add(loop.test);
    add(loop.body);
    for (const auto& c : loop.carried) out.insert({c.current, c.current, c.next, c.next});
    return out;
}

bool depends_on(const Kernel& kernel, ir::Symbol iteration) {
    std::vector<ir::Symbol> used;
    for (const ir::Dim d : kernel.extents) d.collect_symbols(used);
    return std::ranges::find(used, iteration) != used.end();
}

// Whether it gives the same in all iterations, and has nothing to say to the caller.
bool stays_alike(const Program& program, const Program::Loop& loop, const Kernel& kernel,
                 const std::multiset<BufferId>& written) {
    return kernel.sites.empty() && !depends_on(kernel, loop.iteration) &&
           std::ranges::none_of(kernel.reads(), [&](BufferId b) { return written.contains(b); }) &&
           std::ranges::all_of(kernel.writes(), [&](BufferId b) {
               return program.buffers[b].origin == Program::Origin::temporary && written.count(b) == 1;
           });
}

// Moves kernels of the loop's body behind `steps`.
void hoist_from(const Program& program, Program::Loop& loop, std::vector<Program::Step>& steps) {
    std::multiset<BufferId> written = written_in(loop);
    std::vector<Program::Step> rest;
    for (Program::Step& step : loop.body) {
        const auto* const kernel = std::get_if<Kernel>(&step.node);
        if (kernel == nullptr || !stays_alike(program, loop, *kernel, written)) {
            rest.push_back(std::move(step));
            continue;
        }
        for (const BufferId b : kernel->writes()) written.erase(b);
        steps.push_back(std::move(step));
    }
    loop.body = std::move(rest);
}

}  // namespace

void hoist(Program& program, const LoopTarget&) {
    for_each_list(program.steps, [&](std::vector<Program::Step>& list) {
        std::vector<Program::Step> steps;
        for (Program::Step& step : list) {
            if (auto* loop = std::get_if<Program::Loop>(&step.node)) hoist_from(program, *loop, steps);
            steps.push_back(std::move(step));
        }
        list = std::move(steps);
    });
}

}  // namespace lathe::passes
