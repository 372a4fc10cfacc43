#include "codegen/plan_builder.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <optional>
#include <unordered_map>

#include "ir/error.h"
#include "ir/loops/walk.h"
#include "ir/loops/workspace.h"
#include "ir/ops/op.h"

namespace lathe::codegen {
namespace {

using ir::Dim;
using runtime::SizeExpression;

// Sizes of dimensions; what occurs in several is made once.
class Sizes {
public:
    Sizes() = default;
    explicit Sizes(std::vector<SizeExpression> symbols) : symbols_(std::move(symbols)) {}

    SizeExpression of(Dim d) {
        if (d.is_constant()) return d.constant();
        if (const auto known = known_.find(d.bits()); known != known_.end()) return known->second;
        std::optional<SizeExpression> sum;
        for (const Dim::Term& term : d.terms()) {
            std::optional<SizeExpression> product;
            if (term.coefficient != 1 || term.factors.empty()) product = SizeExpression(term.coefficient);
            for (const Dim::Atom& atom : term.factors) product = product ? *product * of(atom) : of(atom);
            sum = sum ? *sum + *product : *product;
        }
        known_.emplace(d.bits(), *sum);
        return *sum;
    }

private:
    SizeExpression of(const Dim::Atom& atom) {
        const auto binary = [&](std::int64_t code) { return SizeExpression::binary(code, of(atom.a), of(atom.b)); };
        switch (atom.kind) {
            case Dim::Atom::Kind::symbol:
                return symbols_.empty() ? SizeExpression::symbol(atom.symbol) : symbols_[atom.symbol];
            case Dim::Atom::Kind::floordiv:
                return binary(lathe_size_floordiv);
            case Dim::Atom::Kind::min:
                return binary(lathe_size_min);
            case Dim::Atom::Kind::max:
                return binary(lathe_size_max);
        }
        __builtin_unreachable();
    }

    std::vector<SizeExpression> symbols_;                      // what symbols stand for, if not for themselves
    std::unordered_map<std::uint64_t, SizeExpression> known_;  // by Dim::bits
};

using Call = ir::Program::Call;
using Kernel = ir::Program::Kernel;
using Origin = ir::Program::Origin;

class PlanBuilder {
public:
    PlanBuilder(ir::Program& program, const passes::LoopTarget& target, runtime::Plan& plan, Constants constants)
        : program_(program), target_(target), plan_(plan), constants_(constants), number_(program.buffers.size(), 0) {}

    void run(std::vector<std::uint32_t>& outputs) {
        plan_.symbol_count = static_cast<std::uint32_t>(program_.symbol_count());
        plan_.iteration_count = static_cast<std::uint32_t>(program_.iterations);
        ir::for_each_kernel(program_, [&](const Kernel&) { ++kernel_count_; });
        const std::vector<bool> used = used_buffers();
        for (std::size_t b = 0; b < program_.buffers.size(); ++b)
            if (used[b] || is_the_callers(program_.buffers[b].origin)) add_buffer(b);
        for (const ir::Program::Result& r : program_.results) outputs.push_back(number_[r.buffer]);
        for (const ir::Precondition& p : program_.preconditions)
            plan_.preconditions.push_back({sizes_.of(p.a), sizes_.of(p.b), p.what, p.loc.id()});
        for (const ir::Program::Step& step : program_.steps) {
            add_step(step);
            ++time_;
        }
        find_homes();
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
    // A kernel, call or test of the plan, and when it runs: those of a batch run at the same time.
    struct Timed {
        const Kernel* kernel;  // null for the others
        std::ptrdiff_t time;
        std::vector<std::uint32_t> slots;
        bool is_nested;  // in a step of the program that may run it again, or not at all
    };

    static bool is_the_callers(Origin origin) { return origin == Origin::input || origin == Origin::output; }

    // Numbers a buffer among those of its origin.
    void add_buffer(std::size_t b) {
        ir::Program::Buffer& buffer = program_.buffers[b];
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
                plan_.temporaries.push_back({sizes_.of(buffer.memory_type().shape.element_count() *
                                                       static_cast<std::int64_t>(size_of(buffer.type.dtype)))});
                break;
        }
    }

    runtime::PlanTensor tensor(const ir::Program::Buffer& buffer) {
        runtime::PlanTensor t;
        t.name = buffer.name;
        t.dtype = static_cast<std::uint8_t>(buffer.type.dtype);
        t.element_size = static_cast<std::int64_t>(size_of(buffer.type.dtype));
        for (Dim d : buffer.type.shape) t.dims.push_back(sizes_.of(d));
        return t;
    }

    static runtime::Buffer allocate(const ir::Program::Buffer& constant, std::size_t bytes) {
        try {
            return runtime::allocate(std::max<std::size_t>(bytes, 1));
        } catch (const runtime::ResourceExhausted& e) {
            throw ResourceError("constant " + constant.type.to_string() + ": " + e.what(), constant.loc);
        }
    }

    void add_constant(ir::Program::Buffer& constant) {
        ir::Literal& literal = constant.constant;
        const auto count = static_cast<std::size_t>(literal.type.shape.element_count().constant());
        const std::size_t size = size_of(literal.type.dtype);
        plan_.constant_bytes.push_back(static_cast<std::int64_t>(count * size));
        if (constants_ == Constants::borrowed && !literal.is_splat() && count != 0) {
            void* const data = const_cast<std::byte*>(literal.bytes->data());
            plan_.constants.push_back(runtime::Buffer::adopt(data, count * size, [](void*) {}, nullptr));
            return;
        }
        runtime::Buffer buffer = allocate(constant, count * size);
        if (literal.is_splat()) {
            for (std::size_t i = 0; i < count; ++i) std::memcpy(buffer.data() + i * size, literal.bytes->data(), size);
        } else if (count != 0) {
            std::memcpy(buffer.data(), literal.bytes->data(), count * size);
        }
        plan_.constants.push_back(std::move(buffer));
        literal.bytes = nullptr;
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

    // A size of the program in the plan, where symbols of the machine come before those of loops.
    SizeExpression size(Dim d) {
        if (program_.iterations == 0) return sizes_.of(d);
        const auto callers = static_cast<ir::Symbol>(program_.symbol_count());
        return sizes_.of(
            d.substitute([&](ir::Symbol s) { return Dim::symbol(s < callers ? s : s + lathe_machine_symbols); }));
    }

    // A size of a kernel, over its extents. With these in their places it may be too large an expression; then they are
    // its parts.
    SizeExpression size_over(const Kernel& kernel, Dim d, const std::vector<SizeExpression>& extents) {
        try {
            return size(kernel.over_program(d));
        } catch (const ResourceError&) {
            return Sizes(extents).of(d);
        }
    }

    // Buffers that some step names.
    std::vector<bool> used_buffers() const {
        std::vector<bool> used(program_.buffers.size(), false);
        ir::for_each_kernel(program_, [&](const Kernel& k) {
            for (const ir::Program::BufferId b : k.arguments) used[b] = true;
        });
        ir::for_each_step(program_.steps, [&](const ir::Program::Step& step) {
            if (const auto* call = std::get_if<Call>(&step.node)) {
                for (const ir::Program::BufferId b : call->inputs) used[b] = true;
                for (const ir::Program::BufferId b : call->outputs) used[b] = true;
            }
            if (const auto* branch = std::get_if<ir::Program::Branch>(&step.node)) used[branch->predicate] = true;
            if (const auto* loop = std::get_if<ir::Program::Loop>(&step.node)) {
                if (loop->goes_on) used[*loop->goes_on] = true;
                for (const auto& c : loop->carried) used[c.current] = used[c.next] = true;
            }
        });
        return used;
    }

    void add_step(const ir::Program::Step& step) {
        std::visit(
            ir::Overloaded{[](const ir::Program::Fused&) { throw InternalError("a group was not lowered"); },
                           [&](const Kernel& kernel) { add_kernel(kernel); }, [&](const Call& call) { add_call(call); },
                           [&](const ir::Program::Batch& batch) { add_batch(batch); },
                           [&](const ir::Program::Branch& branch) { add_branch(branch); },
                           [&](const ir::Program::Loop& loop) { add_loop(loop); }},
            step.node);
    }

    // ---- branches and loops; targets are known once what they jump over is there

    std::uint32_t add_jump(lathe_step_kind kind, std::vector<std::uint32_t> operands = {}) {
        runtime::PlanStep step;
        step.kind = kind;
        step.operands = std::move(operands);
        plan_.steps.push_back(std::move(step));
        return next_step() - 1;
    }
    std::uint32_t next_step() const { return static_cast<std::uint32_t>(plan_.steps.size()); }
    void add_list(const std::vector<ir::Program::Step>& steps) {
        ++depth_;
        for (const ir::Program::Step& step : steps) add_step(step);
        --depth_;
    }

    std::uint32_t add_test(ir::Program::BufferId predicate) {
        kernels_.push_back({nullptr, time_, {slot(predicate)}, true});
        return add_jump(lathe_step_test, {slot(predicate)});
    }

    void add_branch(const ir::Program::Branch& branch) {
        const std::uint32_t test = add_test(branch.predicate);
        add_list(branch.then_steps);
        const std::uint32_t jump = add_jump(lathe_step_jump);
        plan_.steps[test].target = next_step();
        add_list(branch.else_steps);
        plan_.steps[jump].target = next_step();
    }

    // A loop whose end a test decides has as many iterations as there are numbers.
    void add_loop(const ir::Program::Loop& loop) {
        const std::uint32_t first = add_jump(lathe_step_loop);
        const auto symbol = loop.iteration + lathe_machine_symbols;
        const SizeExpression trips = loop.trips ? size(*loop.trips) : std::numeric_limits<std::int64_t>::max();
        add_list(loop.test);
        std::optional<std::uint32_t> test;
        if (loop.goes_on) test = add_test(*loop.goes_on);
        add_list(loop.body);
        std::vector<std::uint32_t> exchanged;
        for (const auto& c : loop.carried) exchanged.insert(exchanged.end(), {slot(c.current), slot(c.next)});
        const std::uint32_t next = add_jump(lathe_step_next, std::move(exchanged));
        for (const std::uint32_t s : {first, next}) {
            plan_.steps[s].symbol = symbol;
            plan_.steps[s].trips = trips;
        }
        plan_.steps[first].target = next_step();
        plan_.steps[next].target = first + 1;
        if (test) plan_.steps[*test].target = next_step();
        for (const auto& c : loop.carried)
            carried_in_.insert(carried_in_.end(), {{slot(c.current), first}, {slot(c.next), first}});
    }

    // A temporary lives within the innermost loop that holds all steps that name it; what a loop carries, within the
    // one around that.
    void find_homes() {
        if (program_.iterations == 0) return;
        std::vector<std::uint32_t> around(plan_.steps.size(),
                                          lathe_no_step);  // by step: the innermost loop that holds it
        for (std::uint32_t s = 0; s < plan_.steps.size(); ++s)
            if (plan_.steps[s].kind == lathe_step_loop)
                for (std::uint32_t i = s + 1; i < plan_.steps[s].target; ++i) around[i] = s;
        const auto holds = [&](std::uint32_t loop, std::uint32_t step) {
            return loop == lathe_no_step || (loop < step && step < plan_.steps[loop].target);
        };
        std::vector<std::optional<std::uint32_t>> home(plan_.temporaries.size());
        const auto name = [&](std::uint32_t slot, std::uint32_t step, std::uint32_t loop) {
            if (slot < plan_.temporary_slot(0)) return;
            auto& of = home[slot - plan_.temporary_slot(0)];
            if (!of) of = loop;
            while (!holds(*of, step)) of = around[*of];
        };
        for (std::uint32_t s = 0; s < plan_.steps.size(); ++s)
            for (const std::uint32_t slot : plan_.steps[s].operands) name(slot, s, around[s]);
        for (const auto& [slot, loop] : carried_in_) name(slot, loop, around[loop]);
        for (std::size_t t = 0; t < home.size(); ++t) plan_.temporaries[t].within = home[t].value_or(lathe_no_step);
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
        for (Dim d : kernel.extents) step.extents.push_back(size(d));
        step.is_dynamic = std::ranges::any_of(kernel.extents, [&](Dim d) { return program_.depends_on_iteration(d); });
        if (const ir::Loop* const loop = kernel.nest.parallel_loop()) {
            step.trips = size_over(kernel, ceildiv(loop->extent, loop->step), step.extents);
            step.cost = size_over(kernel, passes::iteration_cost(kernel.nest, target_), step.extents);
            step.repeats = kernel.nest.body.size() > 1 || &std::get<ir::Loop>(kernel.nest.body[0].node) != loop;
        }
        step.workspace = size_over(kernel, ir::workspace_of(kernel.nest).bytes, step.extents);
        step.first_site = static_cast<std::uint32_t>(plan_.sites.size());
        for (const ir::Program::Site& site : kernel.sites) plan_.sites.push_back({site.name, site.loc.id()});
        kernels_.push_back({&kernel, time_, step.operands, depth_ > 0});
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
        for (Dim d : call.extents) step.extents.push_back(size(d));
        step.is_dynamic = std::ranges::any_of(call.extents, [&](Dim d) { return program_.depends_on_iteration(d); });
        step.trips = size(call.iterations);
        step.cost = size(call.picoseconds);
        step.workspace = size(call.workspace);
        step.first_site = static_cast<std::uint32_t>(plan_.sites.size());
        kernels_.push_back({nullptr, time_, step.operands, depth_ > 0});
        if (call.phases.count > 0) {
            step.operands.push_back(plan_.temporary_slot(static_cast<std::uint32_t>(plan_.temporaries.size())));
            plan_.temporaries.push_back({size(call.phases.scratch)});
            step.extents.push_back(0);
        }
        plan_.steps.push_back(step);
        if (call.phases.count > 0) add_phases(call, std::move(step));
    }

    // Behind the first phase; where they have no iterations, the plan passes over them.
    void add_phases(const Call& call, runtime::PlanStep step) {
        step.trips = size(call.phases.iterations);
        step.cost = size(call.phases.picoseconds);
        const std::uint32_t choice = add_jump(lathe_step_choice);
        plan_.steps[choice].trips = step.trips;
        for (std::int64_t phase = 1; phase <= call.phases.count; ++phase) {
            step.extents.back() = phase;
            plan_.steps.push_back(step);
        }
        plan_.steps[choice].target = next_step();
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

    // Inside of a loop or branch all happens at the time of that step.
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
        return !writer->is_nested && writer->kernel != nullptr &&
               std::ranges::all_of(readers, [&](const Timed* k) { return k == writer; }) &&
               same_elements(*writer, input, plan_.output_slot(output));
    }

    static bool same_elements(const Timed& timed, std::uint32_t input, std::uint32_t output) {
        const auto& operands = timed.slots;
        std::vector<std::vector<Dim>> reads;
        std::vector<std::vector<Dim>> writes;
        bool in_reduction = false;
        bool read_late = false;  // behind the statement that overwrites it
        const std::function<void(const ir::Statements&, bool)> visit = [&](const ir::Statements& statements,
                                                                           bool reduced) {
            for (const ir::Stmt& s : statements) {
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
                if (const ir::Statements* body = ir::body_of(s))
                    visit(*body, reduced || std::holds_alternative<ir::Reduce>(s.node));
            }
        };
        visit(timed.kernel->nest.body, false);
        return !in_reduction && !read_late && writes.size() == 1 &&
               std::ranges::all_of(reads, [&](const std::vector<Dim>& r) { return r == writes.front(); });
    }

    ir::Program& program_;
    const passes::LoopTarget& target_;
    Sizes sizes_;
    runtime::Plan& plan_;
    Constants constants_;
    std::vector<std::uint32_t> number_;  // of buffers, among those of their origin
    std::uint32_t kernel_count_ = 0, next_kernel_ = 0;
    std::ptrdiff_t time_ = 0;
    std::size_t depth_ = 0;                                            // of the list that is being added
    std::vector<std::pair<std::uint32_t, std::uint32_t>> carried_in_;  // slots, and the loop that exchanges them
    std::vector<Timed> kernels_;
    std::vector<const Timed*> writer_;                     // by output
    std::vector<std::vector<const Timed*>> last_readers_;  // by input
    std::ptrdiff_t last_fault_ = -1;
};

}  // namespace

void build_plan(ir::Program& program, const passes::LoopTarget& target, std::span<const std::uint32_t> donated,
                runtime::Plan& plan, std::vector<std::uint32_t>& outputs, Constants constants) {
    PlanBuilder builder(program, target, plan, constants);
    builder.run(outputs);
    builder.donate(donated);
}

}  // namespace lathe::codegen
