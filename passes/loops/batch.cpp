#include "passes/loops/batch.h"

#include <algorithm>
#include <set>

namespace lathe::passes {
namespace {

using Kernel = ir::Program::Kernel;
using BufferId = ir::Program::BufferId;

// Kernels that may run at the same time.
class Run {
public:
    explicit Run(const ir::Program& program) : program_(program) {}

    bool takes(const Kernel& kernel) const {
        const std::vector<BufferId> reads = kernel.reads();
        const auto is_read = [&](BufferId b) { return std::ranges::find(reads, b) != reads.end(); };
        const auto is_read_here = [&](BufferId b) { return read_.contains(b); };
        const auto is_written_here = [&](BufferId b) { return written_.contains(b); };
        return kernel.sites.empty() && std::ranges::none_of(reads, is_written_here) &&
               std::ranges::all_of(kernel.writes(),
                                   [&](BufferId b) {
                                       return program_.buffers[b].origin == ir::Program::Origin::output &&
                                              !is_written_here(b) && !is_read_here(b);
                                   }) &&
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
    std::vector<ir::Program::Step> steps_;
    std::set<BufferId> read_, written_, taken_;
};

}  // namespace

// What lies inside of loops and branches stays as it is: sizes there may depend on the iteration.
void batch(ir::Program& program, const LoopTarget&) {
    std::vector<ir::Program::Step> steps;
    Run run(program);
    const Run alone(program);
    for (ir::Program::Step& step : program.steps) {
        const auto* const kernel = std::get_if<Kernel>(&step.node);
        if (kernel == nullptr || !run.takes(*kernel)) run.append_to(steps);
        if (kernel != nullptr && alone.takes(*kernel))
            run.add(std::move(step));
        else
            steps.push_back(std::move(step));
    }
    run.append_to(steps);
    program.steps = std::move(steps);
}

}  // namespace lathe::passes
