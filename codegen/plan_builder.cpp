#include "codegen/plan_builder.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "ir/error.h"
#include "ir/loops/walk.h"
#include "ir/ops/op.h"

namespace lathe::codegen {
namespace {

using ir::Dim;
using runtime::SizeExpression;

using Call = ir::Program::Call;
using Kernel = ir::Program::Kernel;
using Origin = ir::Program::Origin;

class PlanBuilder {
public:
    PlanBuilder(const ir::Program& program, const passes::LoopTarget& target, runtime::Plan& plan)
        : program_(program), target_(target), plan_(plan), number_(program.buffers.size(), 0) {}

    void run(std::vector<std::uint32_t>& outputs) {
        plan_.symbol_count = static_cast<std::uint32_t>(program_.symbols.size());
        std::vector<bool> used(program_.buffers.size(), false);
        const auto use = [&](const std::vector<ir::Program::BufferId>& buffers) {
            for (const ir::Program::BufferId b : buffers) used[b] = true;
        };
        ir::for_each_kernel(program_, [&](const Kernel& k) {
            use(k.arguments);
            ++kernel_count_;
        });
        ir::for_each_call(program_, [&](const Call& c) { use(c.inputs), use(c.outputs); });
        for (std::size_t b = 0; b < program_.buffers.size(); ++b)
            if (used[b] || is_the_callers(program_.buffers[b].origin)) add_buffer(b);
        for (const ir::Program::Result& r : program_.results) outputs.push_back(number_[r.buffer]);
        for (const ir::Precondition& p : program_.preconditions)
            plan_.preconditions.push_back({size_expression(p.a), size_expression(p.b), p.what, p.loc.id()});
        for (const ir::Program::Step& step : program_.steps) {
            std::visit(ir::Overloaded{[](const ir::Program::Fused&) { throw InternalError("a group was not lowered"); },
                                      [&](const Kernel& kernel) { add_kernel(kernel); },
                                      [&](const Call& call) { add_call(call); },
                                      [&](const ir::Program::Batch& batch) { add_batch(batch); }},
                       step.node);
            ++time_;
        }
    }

    void donate(std::span<const std::uint32_t> inputs) {
        if (inputs.empty()) return;
        find_uses();
        std::vector<bool> taken(plan_.outputs.size(), false);
        for (std::uint32_t input : inputs)
            for (std::uint32_t output = 0; output < plan_.outputs.size(); ++output)
                if (!taken[output] && may_donate(input, output)) {
                    taken[output] = true;
                    plan_.donations.push_back({input, output});
                    break;
                }
    }

private:
    // A kernel or call of the plan, and when it runs: those of a batch run at the same time.
    struct Timed {
        const Kernel* kernel;  // null for calls
        std::ptrdiff_t time;
        std::vector<std::uint32_t> slots;
    };

    static bool is_the_callers(Origin origin) { return origin == Origin::input || origin == Origin::output; }

    // Numbers a buffer among those of its origin.
    void add_buffer(std::size_t b) {
        const ir::Program::Buffer& buffer = program_.buffers[b];
        const auto next = [&](const auto& list) { number_[b] = static_cast<std::uint32_t>(list.size()); };
        switch (buffer.origin) {
            case Origin::input:
                next(plan_.inputs);
                plan_.inputs.push_back(tensor(buffer));
                break;
            case Origin::output:
                next(plan_.outputs);
                plan_.outputs.push_back(tensor(buffer));
                plan_.outputs.back().op = buffer.made_by;
                plan_.outputs.back().location = buffer.loc.id();
                break;
            case Origin::constant:
                next(plan_.constants);
                add_constant(buffer);
                break;
            case Origin::temporary:
                next(plan_.temporaries);
                plan_.temporaries.push_back({size_expression(buffer.type.shape.element_count() *
                                                             static_cast<std::int64_t>(size_of(buffer.type.dtype)))});
                break;
        }
    }

    static runtime::PlanTensor tensor(const ir::Program::Buffer& buffer) {
        runtime::PlanTensor t;
        t.name = buffer.name;
        t.dtype = static_cast<std::uint8_t>(buffer.type.dtype);
        t.element_size = static_cast<std::int64_t>(size_of(buffer.type.dtype));
        for (Dim d : buffer.type.shape) t.dims.push_back(size_expression(d));
        return t;
    }

    static runtime::Buffer allocate(const ir::Program::Buffer& constant, std::size_t bytes) {
        try {
            return runtime::allocate(std::max<std::size_t>(bytes, 1));
        } catch (const runtime::ResourceExhausted& e) {
            throw ResourceError("constant " + constant.type.to_string() + ": " + e.what(), constant.loc);
        }
    }

    void add_constant(const ir::Program::Buffer& constant) {
        const ir::Literal& literal = constant.constant;
        const auto count = static_cast<std::size_t>(literal.type.shape.element_count().constant());
        const std::size_t size = size_of(literal.type.dtype);
        runtime::Buffer buffer = allocate(constant, count * size);
        if (literal.is_splat()) {
            for (std::size_t i = 0; i < count; ++i) std::memcpy(buffer.data() + i * size, literal.bytes->data(), size);
        } else if (count != 0) {
            std::memcpy(buffer.data(), literal.bytes->data(), count * size);
        }
        plan_.constants.push_back(std::move(buffer));
        plan_.constant_bytes.push_back(static_cast<std::int64_t>(count * size));
    }

    std::uint32_t slot(ir::Program::BufferId b) const {
        switch (program_.buffers[b].origin) {
            case Origin::input:
                return number_[b];
            case Origin::output:
                return plan_.output_slot(number_[b]);
            case Origin::constant:
                return plan_.constant_slot(number_[b]);
            case Origin::temporary:
                break;
        }
        return plan_.temporary_slot(number_[b]);
    }

    void add_batch(const ir::Program::Batch& batch) {
        runtime::PlanStep around;
        around.kind = lathe_step_batch;
        around.target = static_cast<std::uint32_t>(plan_.steps.size() + 1 + batch.kernels.size());
        plan_.steps.push_back(std::move(around));
        for (const Kernel& kernel : batch.kernels) add_kernel(kernel);
    }

    void add_kernel(const Kernel& kernel) {
        runtime::PlanStep step;
        step.kernel = next_kernel_++;
        for (const ir::Program::BufferId b : kernel.arguments) step.operands.push_back(slot(b));
        for (Dim d : kernel.extents) step.extents.push_back(size_expression(d));
        if (const auto* loop = std::get_if<ir::Loop>(&kernel.nest.body.back().node);
            loop != nullptr && loop->kind == ir::LoopKind::parallel) {
            step.trips = size_expression(kernel.over_program(ceildiv(loop->extent, loop->step)));
            step.cost = size_expression(kernel.over_program(passes::iteration_cost(kernel.nest, target_)));
        }
        step.first_site = static_cast<std::uint32_t>(plan_.sites.size());
        for (const ir::Program::Site& site : kernel.sites) plan_.sites.push_back({site.name, site.loc.id()});
        kernels_.push_back({&kernel, time_, step.operands});
        plan_.steps.push_back(std::move(step));
    }

    // Functions are numbered behind the kernels.
    void add_call(const Call& call) {
        runtime::PlanStep step;
        const auto at = std::ranges::find(plan_.calls, call.function);
        step.kernel = kernel_count_ + static_cast<std::uint32_t>(at - plan_.calls.begin());
        if (at == plan_.calls.end()) plan_.calls.push_back(call.function);
        for (const ir::Program::BufferId b : call.inputs) step.operands.push_back(slot(b));
        for (const ir::Program::BufferId b : call.outputs) step.operands.push_back(slot(b));
        for (Dim d : call.extents) step.extents.push_back(size_expression(d));
        step.trips = size_expression(call.iterations);
        step.cost = size_expression(call.picoseconds);
        step.workspace = size_expression(call.workspace);
        step.first_site = static_cast<std::uint32_t>(plan_.sites.size());
        kernels_.push_back({nullptr, time_, step.operands});
        plan_.steps.push_back(std::move(step));
    }

    // Which kernel writes each output first, which read each input last, and when the last one may fault.
    void find_uses() {
        writer_.assign(plan_.outputs.size(), nullptr);
        last_readers_.assign(plan_.inputs.size(), {});
        for (const Timed& k : kernels_) {
            if (k.kernel != nullptr && !k.kernel->sites.empty()) last_fault_ = k.time;
            for (std::uint32_t slot : k.slots)
                if (slot < plan_.inputs.size()) {
                    std::vector<const Timed*>& readers = last_readers_[slot];
                    if (!readers.empty() && readers.back()->time < k.time) readers.clear();
                    readers.push_back(&k);
                } else if (slot < plan_.constant_slot(0)) {
                    const Timed*& writer = writer_[slot - plan_.output_slot(0)];
                    if (writer == nullptr) writer = &k;
                }
        }
    }

    // An output may take over an input's memory where no later kernel reads the input, nor one that may run at the same
    // time, none that follows can fault, and the kernel that writes the output reads each element of the input only to
    // compute the same element.
    bool may_donate(std::uint32_t input, std::uint32_t output) const {
        const Timed* const writer = writer_[output];
        if (writer == nullptr || last_fault_ >= writer->time) return false;
        if (plan_.inputs[input].dtype != plan_.outputs[output].dtype ||
            plan_.inputs[input].dims != plan_.outputs[output].dims)
            return false;
        const std::vector<const Timed*>& readers = last_readers_[input];
        if (readers.empty() || readers.back()->time < writer->time) return true;
        return writer->kernel != nullptr && std::ranges::all_of(readers, [&](const Timed* k) { return k == writer; }) &&
               same_elements(*writer, input, plan_.output_slot(output));
    }

    static bool same_elements(const Timed& timed, std::uint32_t input, std::uint32_t output) {
        const auto& operands = timed.slots;
        std::vector<std::vector<Dim>> reads;
        std::vector<std::vector<Dim>> writes;
        bool in_reduction = false;
        bool read_late = false;  // behind the statement that overwrites it
        const std::function<void(const ir::Block&, bool)> visit = [&](const ir::Block& block, bool reduced) {
            for (const ir::Stmt& s : block) {
                ir::for_each_access(s, [&](ir::BufferId b, ir::Effect effect, const std::vector<Dim>& index) {
                    const auto i = static_cast<std::size_t>(b);
                    if (i >= operands.size()) return;
                    if (effect == ir::Effect::read && operands[i] == input) {
                        reads.push_back(index);
                        in_reduction = in_reduction || reduced;
                        read_late = read_late || !writes.empty();
                    }
                    if (effect == ir::Effect::write && operands[i] == output) writes.push_back(index);
                });
                if (const ir::Block* body = ir::body_of(s))
                    visit(*body, reduced || std::holds_alternative<ir::Reduce>(s.node));
            }
        };
        visit(timed.kernel->nest.body, false);
        return !in_reduction && !read_late && writes.size() == 1 &&
               std::ranges::all_of(reads, [&](const std::vector<Dim>& r) { return r == writes.front(); });
    }

    const ir::Program& program_;
    const passes::LoopTarget& target_;
    runtime::Plan& plan_;
    std::vector<std::uint32_t> number_;  // of buffers, among those of their origin
    std::uint32_t kernel_count_ = 0, next_kernel_ = 0;
    std::ptrdiff_t time_ = 0;
    std::vector<Timed> kernels_;
    std::vector<const Timed*> writer_;                     // by output
    std::vector<std::vector<const Timed*>> last_readers_;  // by input
    std::ptrdiff_t last_fault_ = -1;
};

}  // namespace

SizeExpression size_expression(Dim d) {
    if (d.is_constant()) return d.constant();
    std::optional<SizeExpression> sum;
    for (const Dim::Term& term : d.terms()) {
        std::optional<SizeExpression> product;
        if (term.coefficient != 1 || term.factors.empty()) product = SizeExpression(term.coefficient);
        for (const Dim::Atom& atom : term.factors) {
            const auto binary = [&](std::int64_t code) {
                return SizeExpression::binary(code, size_expression(atom.a), size_expression(atom.b));
            };
            const SizeExpression factor = atom.kind == Dim::Atom::Kind::symbol     ? SizeExpression::symbol(atom.symbol)
                                          : atom.kind == Dim::Atom::Kind::floordiv ? binary(lathe_size_floordiv)
                                          : atom.kind == Dim::Atom::Kind::min      ? binary(lathe_size_min)
                                                                                   : binary(lathe_size_max);
            product = product ? *product * factor : factor;
        }
        sum = sum ? *sum + *product : *product;
    }
    return *sum;
}

void build_plan(const ir::Program& program, const passes::LoopTarget& target, std::span<const std::uint32_t> donated,
                runtime::Plan& plan, std::vector<std::uint32_t>& outputs) {
    PlanBuilder builder(program, target, plan);
    builder.run(outputs);
    builder.donate(donated);
}

}  // namespace lathe::codegen
