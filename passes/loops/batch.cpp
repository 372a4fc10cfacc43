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
        if (!kernel.sites.empty()) return false;
        for (std::size_t i = 0; i < kernel.arguments.size(); ++i) {
            const BufferId b = kernel.arguments[i];
            if (kernel.nest.buffers[i].role == ir::BufferRole::input) {
                if (written_.contains(b)) return false;
            } else if (program_.buffers[b].origin != ir::Program::Origin::output || written_.contains(b) ||
                       read_.contains(b)) {
                return false;
            }
        }
        // What one of them may take over, no other may read.
        const std::set<BufferId> reads = reads_of(kernel);
        const auto read_here = [&](BufferId b) { return reads.contains(b); };
        const auto read_before = [&](BufferId b) { return read_.contains(b); };
        return std::ranges::none_of(taken_, read_here) && std::ranges::none_of(taken_by(kernel), read_before);
    }
    void add(ir::Program::Step step) {
        const auto& kernel = std::get<Kernel>(step.node);
        for (std::size_t i = 0; i < kernel.arguments.size(); ++i)
            (kernel.nest.buffers[i].role == ir::BufferRole::input ? read_ : written_).insert(kernel.arguments[i]);
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
    static std::set<BufferId> reads_of(const Kernel& kernel) {
        std::set<BufferId> out;
        for (std::size_t i = 0; i < kernel.arguments.size(); ++i)
            if (kernel.nest.buffers[i].role == ir::BufferRole::input) out.insert(kernel.arguments[i]);
        return out;
    }
    // Donated memory that the kernel reads, and that one of its results fits into.
    std::set<BufferId> taken_by(const Kernel& kernel) const {
        std::set<BufferId> out;
        for (const BufferId b : reads_of(kernel))
            for (std::size_t i = 0; i < kernel.arguments.size(); ++i)
                if (program_.buffers[b].donated && kernel.nest.buffers[i].role == ir::BufferRole::output &&
                    program_.buffers[kernel.arguments[i]].type == program_.buffers[b].type)
                    out.insert(b);
        return out;
    }

    const ir::Program& program_;
    std::vector<ir::Program::Step> steps_;
    std::set<BufferId> read_, written_, taken_;
};

}  // namespace

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
