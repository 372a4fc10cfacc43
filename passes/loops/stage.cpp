// A reduction of everything to one value has no loop around it that threads could share. Where it is long it becomes
// two kernels: the accumulators of its blocks, which are independent, and their combination in ascending order. That is
// the order in which the blocks combine anyway.
#include "passes/loops/stage.h"

#include <algorithm>
#include <optional>

#include "ir/loops/walk.h"
#include "passes/loops/statement_copy.h"

namespace lathe::passes {
namespace {

using ir::BufferId;
using ir::Dim;
using ir::Statements;
using ir::ValueId;
using Kernel = ir::Program::Kernel;

// The position of the reduction, if it is all that loops. Its lanes are what runs in vectors, then and now.
std::optional<std::size_t> find_reduction(const ir::LoopNest& nest) {
    std::optional<std::size_t> found;
    for (std::size_t i = 0; i < nest.body.size(); ++i) {
        if (ir::body_of(nest.body[i]) == nullptr) continue;
        const auto* const reduce = std::get_if<ir::Reduce>(&nest.body[i].node);
        if (found || reduce == nullptr || reduce->lanes == 1) return std::nullopt;
        found = i;
    }
    return found;
}

bool is_long(const ir::Program& program, const Kernel& kernel, const ir::Reduce& r, const LoopTarget& target) {
    const std::optional<std::int64_t> n = program.typical(kernel.over_program(r.extent));
    if (!n) return target.staged_elements == 0;
    return *n > r.block && *n >= target.staged_elements;
}

std::vector<ir::Dtype> accumulators(const ir::Reduce& r) {
    const ir::ScalarProgram& init = program_of(r, ir::ReducerPart::init);
    std::vector<ir::Dtype> dtypes;
    for (std::int32_t i : init.results) dtypes.push_back(init.dtype_of(i));
    return dtypes;
}

// A kernel with one array more for each accumulator, which lies in these buffers.
std::vector<BufferId> add_partials(Kernel& kernel, const ir::Reduce& r, Dim blocks, ir::BufferRole role,
                                   std::span<const ir::Program::BufferId> buffers) {
    std::vector<BufferId> partials;
    const std::vector<ir::Dtype> dtypes = accumulators(r);
    for (std::size_t i = 0; i < dtypes.size(); ++i) {
        partials.push_back(kernel.nest.add_buffer({"partial", role, {dtypes[i], ir::Shape{blocks}}}));
        kernel.arguments.push_back(buffers[i]);
    }
    return partials;
}

class Stages {
public:
    Stages(const Kernel& kernel, std::size_t at)
        : kernel_(kernel),
          at_(at),
          reduce_(std::get<ir::Reduce>(kernel.nest.body[at].node)),
          blocks_(ceildiv(reduce_.extent, reduce_.block)) {}

    // Accumulators of the blocks, as buffers of the program.
    std::vector<ir::Program::BufferId> add_buffers(ir::Program& program, ir::Loc loc) const {
        std::vector<ir::Program::BufferId> out;
        for (const ir::Dtype d : accumulators(reduce_))
            out.push_back(program.add_buffer(
                {"", ir::Program::Origin::temporary, {d, ir::Shape{kernel_.over_program(blocks_)}}, {}, {}, {}, loc}));
        return out;
    }

    Kernel partials(std::span<const ir::Program::BufferId> buffers) const {
        Kernel out = kernel_;
        out.nest.name += "_blocks";
        const std::vector<BufferId> partials = add_partials(out, reduce_, blocks_, ir::BufferRole::output, buffers);
        const ir::Symbol block = out.nest.add_symbol(ir::SymbolRole::loop, "block");
        const Dim start = Dim::symbol(block) * reduce_.block;

        ir::Reduce part = reduce_;
        part.extent = min(reduce_.block, reduce_.extent - start);
        part.index_base += start;
        part.finish = false;
        const auto moved = [&](ir::Symbol s) { return s == reduce_.var ? start + Dim::symbol(s) : Dim::symbol(s); };
        rewrite_dims(part.body, [&](Dim d) { return d.substitute(moved); });
        part.results.clear();
        Statements stores;
        for (BufferId b : partials) {
            const ValueId v = out.nest.add_value(out.nest.buffers[static_cast<std::size_t>(b)].type.dtype);
            part.results.push_back(v);
            stores.push_back({ir::Store{b, {Dim::symbol(block)}, v, {}, false}});
        }
        ir::Loop loop{block, blocks_, 1, ir::LoopKind::serial, 1, {}};
        loop.body.push_back({std::move(part)});
        std::ranges::move(stores, std::back_inserter(loop.body));
        out.nest.body.resize(at_);
        out.nest.body.push_back({std::move(loop)});
        return out;
    }

    Kernel combination(std::span<const ir::Program::BufferId> buffers) const {
        Kernel out = kernel_;
        ir::LoopNest& nest = out.nest;
        const std::vector<BufferId> partials = add_partials(out, reduce_, blocks_, ir::BufferRole::input, buffers);
        std::vector<BufferId> totals;
        Statements body(nest.body.begin(), nest.body.begin() + static_cast<std::ptrdiff_t>(at_));
        for (BufferId b : partials) {
            totals.push_back(nest.add_buffer(
                {"total", ir::BufferRole::scratch, {nest.buffers[static_cast<std::size_t>(b)].type.dtype, {}}}));
            body.push_back({ir::Alloc{totals.back()}});
        }
        const auto compute = [&](ir::ComputePart part, std::vector<ValueId> operands, Statements& into) {
            ir::Compute c{{}, reduce_.op, part, reduce_.attributes, std::move(operands), reduce_.elements};
            for (BufferId b : totals)
                c.results.push_back(nest.add_value(nest.buffers[static_cast<std::size_t>(b)].type.dtype));
            into.push_back({c});
            return c.results;
        };
        const auto load = [&](BufferId b, std::vector<Dim> index, Statements& into) {
            const ValueId v = nest.add_value(nest.buffers[static_cast<std::size_t>(b)].type.dtype);
            into.push_back({ir::Load{v, b, std::move(index), {}}});
            return v;
        };
        const auto store = [&](const std::vector<ValueId>& values, Statements& into) {
            for (std::size_t i = 0; i < totals.size(); ++i)
                into.push_back({ir::Store{totals[i], {}, values[i], {}, false}});
        };

        store(compute(ir::ComputePart::init, {}, body), body);
        const ir::Symbol block = nest.add_symbol(ir::SymbolRole::loop, "block");
        ir::Loop loop{block, blocks_, 1, ir::LoopKind::serial, 1, {}};
        std::vector<ValueId> both;
        for (BufferId b : totals) both.push_back(load(b, {}, loop.body));
        for (BufferId b : partials) both.push_back(load(b, {Dim::symbol(block)}, loop.body));
        store(compute(ir::ComputePart::combine, std::move(both), loop.body), loop.body);
        body.push_back({std::move(loop)});

        std::vector<ValueId> total;
        for (BufferId b : totals) total.push_back(load(b, {}, body));
        StatementCopy rest(nest);
        if (reduce_.finish) {
            body.push_back({ir::Compute{reduce_.results, reduce_.op, ir::ComputePart::finish, reduce_.attributes,
                                        std::move(total), reduce_.elements}});
        } else {
            for (std::size_t i = 0; i < total.size(); ++i) rest.replace_value(reduce_.results[i], total[i]);
        }
        for (std::size_t i = at_ + 1; i < nest.body.size(); ++i) body.push_back(rest.copy(nest.body[i]));
        nest.body = std::move(body);
        return out;
    }

private:
    const Kernel& kernel_;
    std::size_t at_;
    const ir::Reduce& reduce_;
    Dim blocks_;
};

}  // namespace

namespace {

void stage_list(ir::Program& program, std::vector<ir::Program::Step>& list, const LoopTarget& target) {
    std::vector<ir::Program::Step> steps;
    for (ir::Program::Step& step : list) {
        const auto* const kernel = std::get_if<Kernel>(&step.node);
        const std::optional<std::size_t> at = kernel != nullptr ? find_reduction(kernel->nest) : std::nullopt;
        if (!at || kernel->nest.buffers.size() != kernel->arguments.size() ||
            !is_long(program, *kernel, std::get<ir::Reduce>(kernel->nest.body[*at].node), target)) {
            steps.push_back(std::move(step));
            continue;
        }
        const Stages stages(*kernel, *at);
        const std::vector<ir::Program::BufferId> buffers = stages.add_buffers(program, step.loc);
        steps.push_back({stages.partials(buffers), step.loc});
        steps.push_back({stages.combination(buffers), step.loc});
    }
    list = std::move(steps);
}

}  // namespace

void stage(ir::Program& program, const LoopTarget& target) {
    for_each_list(program.steps, [&](std::vector<ir::Program::Step>& list) { stage_list(program, list, target); });
}

}  // namespace lathe::passes
