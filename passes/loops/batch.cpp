#include "passes/loops/batch.h"

#include <algorithm>
#include <set>

#include "ir/program/step_times.h"

namespace lathe::passes {
namespace {

using Kernel = ir::Program::Kernel;
using BufferId = ir::Program::BufferId;

// How often the steps of a list, and of those within, name each buffer.
std::vector<std::size_t> count_names(const std::vector<ir::Program::Step>& steps, std::size_t buffers) {
    std::vector<std::size_t> counts(buffers, 0);
    ir::for_each_step(steps, [&](const ir::Program::Step& step) {
        ir::for_each_named_buffer(step, [&](BufferId b) { ++counts[b]; });
    });
    return counts;
}

// Kernels of a list that may run at the same time.
class Run {
public:
    // `lasting`: buffers whose memory is there before and after the list.
    Run(const ir::Program& program, const LoopTarget& target, const std::vector<bool>& lasting)
        : program_(program), target_(target), lasting_(lasting) {}

    bool takes(const Kernel& kernel) const {
        const std::vector<BufferId> reads = kernel.reads();
        const auto is_read = [&](BufferId b) { return std::ranges::find(reads, b) != reads.end(); };
        const auto is_read_here = [&](BufferId b) { return read_.contains(b); };
        const auto is_written_here = [&](BufferId b) { return written_.contains(b); };
        return kernel.sites.empty() && !has_dynamic_trips(kernel) && std::ranges::none_of(reads, is_written_here) &&
               std::ranges::all_of(
                   kernel.writes(),
                   [&](BufferId b) { return lasting_[b] && !is_written_here(b) && !is_read_here(b); }) &&
               // What one of them may take over, no other may read.
               std::ranges::none_of(taken_, is_read) && std::ranges::none_of(taken_by(kernel), is_read_here);
    }
    void add(ir::Program::Step step) {
        const auto& kernel = std::get<Kernel>(step.node);
        for (const BufferId b : kernel.reads()) read_.insert(b);
        for (const BufferId b : kernel.writes()) written_.insert(b);
        taken_.merge(taken_by(kernel));
        steps_.push_back(std::move(step));
    }
    // Ends the run.
    void append_to(std::vector<ir::Program::Step>& steps) {
        if (steps_.size() == 1) {
            steps.push_back(std::move(steps_[0]));
        } else if (!steps_.empty()) {
            ir::Program::Batch batch;
            std::vector<ir::Loc> locs;
            for (ir::Program::Step& s : steps_) {
                batch.kernels.push_back(std::get<Kernel>(std::move(s.node)));
                locs.push_back(s.loc);
            }
            steps.push_back({std::move(batch), ir::Loc::fused(locs)});
        }
        steps_.clear();
        read_.clear();
        written_.clear();
        taken_.clear();
    }

private:
    // Whether the work that there is to share depends on the iteration of a loop.
    bool has_dynamic_trips(const Kernel& kernel) const {
        if (std::ranges::none_of(kernel.extents, [&](ir::Dim d) { return program_.depends_on_iteration(d); }))
            return false;
        const ir::Loop* const loop = kernel.nest.parallel_loop();
        return (loop != nullptr && program_.depends_on_iteration(kernel.over_program(loop->extent))) ||
               program_.depends_on_iteration(kernel.over_program(iteration_cost(kernel.nest, target_)));
    }
    // Donated memory that the kernel reads, and that one of its results fits into.
    std::set<BufferId> taken_by(const Kernel& kernel) const {
        std::set<BufferId> out;
        const std::vector<BufferId> writes = kernel.writes();
        for (const BufferId b : kernel.reads())
            if (program_.buffers[b].donated && std::ranges::any_of(writes, [&](BufferId w) {
                    return program_.buffers[w].type == program_.buffers[b].type;
                }))
                out.insert(b);
        return out;
    }

    const ir::Program& program_;
    const LoopTarget& target_;
    const std::vector<bool>& lasting_;
    std::vector<ir::Program::Step> steps_;
    std::set<BufferId> read_, written_, taken_;
};

}  // namespace

void batch(ir::Program& program, const LoopTarget& target) {
    const std::size_t buffers = program.buffers.size();
    const std::vector<std::size_t> everywhere = count_names(program.steps, buffers);
    // What need not run in every run stays alone, to be taken out.
    const std::vector<ir::StepTime> times = ir::step_times(program);
    ir::for_each_list(program.steps, [&](std::vector<ir::Program::Step>& list) {
        if (list.size() < 2) return;
        const std::vector<std::size_t> here = count_names(list, buffers);
        std::vector<bool> lasting(buffers);
        for (std::size_t b = 0; b < buffers; ++b)
            lasting[b] = program.buffers[b].origin == ir::Program::Origin::output || everywhere[b] > here[b];
        std::vector<ir::Program::Step> steps;
        Run run(program, target, lasting);
        const Run alone(program, target, lasting);
        for (std::size_t s = 0; s < list.size(); ++s) {
            ir::Program::Step& step = list[s];
            const bool is_of_every_run = &list != &program.steps || times[s] == ir::StepTime::every_run;
            const auto* const kernel = is_of_every_run ? std::get_if<Kernel>(&step.node) : nullptr;
            if (kernel == nullptr || !run.takes(*kernel)) run.append_to(steps);
            if (kernel != nullptr && alone.takes(*kernel))
                run.add(std::move(step));
            else
                steps.push_back(std::move(step));
        }
        run.append_to(steps);
        list = std::move(steps);
    });
}

}  // namespace lathe::passes
