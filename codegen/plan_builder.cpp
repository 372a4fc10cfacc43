#include "codegen/plan_builder.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <optional>
#include <tuple>
#include <unordered_map>

#include "ir/loops/walk.h"
#include "ir/ops/op.h"

namespace lathe::codegen {
namespace {

using ir::Dim;
using ir::Value;
using runtime::SizeExpression;

using MemoryKey = std::tuple<std::uint32_t, std::uint32_t, std::uint8_t, std::vector<std::uint8_t>>;
MemoryKey key_of(const passes::Memory& m) { return {m.value.node->id, m.value.index, m.part, m.permutation}; }

class PlanBuilder {
public:
    PlanBuilder(const passes::Program& program, const passes::LoopTarget& target, runtime::Plan& plan)
        : program_(program), graph_(*program.fused.graph), target_(target), plan_(plan) {}

    void run(std::vector<std::uint32_t>& outputs) {
        plan_.symbol_count = static_cast<std::uint32_t>(graph_.symbols.size());
        for (std::size_t i = 0; i < graph_.parameters().size(); ++i) {
            plan_.inputs.push_back(tensor(graph_.parameter_name(i), graph_.parameters()[i].type()));
            input_of_.emplace(graph_.parameters()[i].node, static_cast<std::uint32_t>(i));
        }
        for (std::size_t i = 0; i < graph_.outputs().size(); ++i) {
            const Value v = graph_.outputs()[i];
            const auto [found, fresh] =
                output_of_.try_emplace({v.node->id, v.index}, static_cast<std::uint32_t>(plan_.outputs.size()));
            if (fresh) {
                plan_.outputs.push_back(tensor(graph_.output_name(i), v.type()));
                plan_.outputs.back().op = std::string(v.node->op->name);
                plan_.outputs.back().location = v.node->loc.id();
            }
            outputs.push_back(found->second);
        }
        for (const ir::Precondition& p : graph_.preconditions)
            plan_.preconditions.push_back({size_expression(p.a), size_expression(p.b), p.what, p.loc.id()});
        number_constants();
        number_temporaries();
        for (std::size_t k = 0; k < program_.kernels.size(); ++k) add_step(k);
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
    static runtime::PlanTensor tensor(const std::string& name, const ir::Type& type) {
        runtime::PlanTensor t;
        t.name = name;
        t.dtype = static_cast<std::uint8_t>(type.dtype);
        t.element_size = static_cast<std::int64_t>(size_of(type.dtype));
        for (Dim d : type.shape) t.dims.push_back(size_expression(d));
        return t;
    }

    static runtime::Buffer allocate(const ir::Node& constant, const ir::Type& type, std::size_t bytes) {
        try {
            return runtime::allocate(std::max<std::size_t>(bytes, 1));
        } catch (const runtime::ResourceExhausted& e) {
            throw ResourceError("constant " + type.to_string() + ": " + e.what(), constant.loc);
        }
    }

    void number_constants() {
        for (const passes::LoweredKernel& kernel : program_.kernels)
            for (const passes::Memory& m : kernel.arguments) {
                const ir::Literal* literal = literal_of(*m.value.node);
                if (literal == nullptr || is_output_only(kernel, m) || constants_.contains(key_of(m))) continue;
                constants_[key_of(m)] = static_cast<std::uint32_t>(plan_.constants.size());
                const auto count = static_cast<std::size_t>(literal->type.shape.element_count().constant());
                const std::size_t size = size_of(literal->type.dtype);
                runtime::Buffer buffer = allocate(*m.value.node, literal->type, count * size);
                if (literal->is_splat()) {
                    for (std::size_t i = 0; i < count; ++i)
                        std::memcpy(buffer.data() + i * size, literal->bytes->data(), size);
                } else if (count != 0) {
                    std::memcpy(buffer.data(), literal->bytes->data(), count * size);
                }
                plan_.constants.push_back(std::move(buffer));
                plan_.constant_bytes.push_back(static_cast<std::int64_t>(count * size));
            }
    }

    static bool is_output_only(const passes::LoweredKernel& kernel, const passes::Memory& m) {
        for (std::size_t i = 0; i < kernel.arguments.size(); ++i)
            if (kernel.arguments[i] == m && kernel.nest.buffers[i].role == ir::BufferRole::input) return false;
        return true;
    }

    void number_temporaries() {
        for (const passes::LoweredKernel& kernel : program_.kernels)
            for (std::size_t i = 0; i < kernel.arguments.size(); ++i) {
                const passes::Memory& m = kernel.arguments[i];
                if (kernel.nest.buffers[i].role == ir::BufferRole::input) continue;
                if (m.is_value() && output_of_.contains({m.value.node->id, m.value.index})) continue;
                temporaries_[key_of(m)] = static_cast<std::uint32_t>(plan_.temporaries.size());
                const ir::Type& type = kernel.nest.buffers[i].type;
                plan_.temporaries.push_back(
                    {over_graph(kernel, type.shape.element_count() * static_cast<std::int64_t>(size_of(type.dtype)))});
            }
    }

    static SizeExpression over_graph(const passes::LoweredKernel& kernel, Dim d) {
        return size_expression(kernel.over_graph(d));
    }

    std::uint32_t slot(const passes::Memory& m, ir::BufferRole role) const {
        const std::pair<std::uint32_t, std::uint32_t> id{m.value.node->id, m.value.index};
        if (role == ir::BufferRole::input && m.is_value()) {
            if (const auto i = input_of_.find(m.value.node); i != input_of_.end()) return i->second;
            if (const auto c = constants_.find(key_of(m)); c != constants_.end()) return plan_.constant_slot(c->second);
        }
        if (m.is_value())
            if (const auto o = output_of_.find(id); o != output_of_.end()) return plan_.output_slot(o->second);
        return plan_.temporary_slot(temporaries_.at(key_of(m)));
    }

    void add_step(std::size_t k) {
        const passes::LoweredKernel& kernel = program_.kernels[k];
        runtime::PlanStep step;
        step.kernel = static_cast<std::uint32_t>(k);
        for (std::size_t i = 0; i < kernel.arguments.size(); ++i)
            step.operands.push_back(slot(kernel.arguments[i], kernel.nest.buffers[i].role));
        for (Dim d : kernel.extents) step.extents.push_back(size_expression(d));
        if (const auto* loop = std::get_if<ir::Loop>(&kernel.nest.body.back().node);
            loop != nullptr && loop->kind == ir::LoopKind::parallel) {
            step.trips = over_graph(kernel, ceildiv(loop->extent, loop->step));
            step.cost = over_graph(kernel, passes::iteration_cost(kernel.nest, target_));
        }
        step.first_site = static_cast<std::uint32_t>(plan_.sites.size());
        for (std::size_t i = 0; i < kernel.sites.size(); ++i)
            plan_.sites.push_back({kernel.site_names[i], kernel.sites[i].id()});
        plan_.steps.push_back(std::move(step));
    }

    // Which step writes each output first, which read each input last, and which can fault last.
    void find_uses() {
        writer_.assign(plan_.outputs.size(), none);
        last_reader_.assign(plan_.inputs.size(), none);
        for (std::size_t s = 0; s < plan_.steps.size(); ++s) {
            if (!program_.kernels[s].sites.empty()) last_fault_ = static_cast<std::ptrdiff_t>(s);
            for (std::uint32_t slot : plan_.steps[s].operands)
                if (slot < plan_.inputs.size()) {
                    last_reader_[slot] = static_cast<std::ptrdiff_t>(s);
                } else if (slot < plan_.constant_slot(0)) {
                    std::ptrdiff_t& writer = writer_[slot - plan_.output_slot(0)];
                    if (writer == none) writer = static_cast<std::ptrdiff_t>(s);
                }
        }
    }

    // An output may take over an input's memory where no later step reads the input, none that follows can fault, and
    // the step that writes the output reads each element of the input only to compute the same element.
    bool may_donate(std::uint32_t input, std::uint32_t output) const {
        const std::ptrdiff_t writer = writer_[output];
        if (writer == none || last_fault_ >= writer || last_reader_[input] > writer) return false;
        if (plan_.inputs[input].dtype != plan_.outputs[output].dtype ||
            plan_.inputs[input].dims != plan_.outputs[output].dims)
            return false;
        return last_reader_[input] < writer ||
               same_elements(static_cast<std::size_t>(writer), input, plan_.output_slot(output));
    }

    bool same_elements(std::size_t step, std::uint32_t input, std::uint32_t output) const {
        const auto& operands = plan_.steps[step].operands;
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
        visit(program_.kernels[step].nest.body, false);
        return !in_reduction && !read_late && writes.size() == 1 &&
               std::ranges::all_of(reads, [&](const std::vector<Dim>& r) { return r == writes.front(); });
    }

    static constexpr std::ptrdiff_t none = -1;

    const passes::Program& program_;
    const ir::Graph& graph_;
    const passes::LoopTarget& target_;
    runtime::Plan& plan_;
    std::unordered_map<const ir::Node*, std::uint32_t> input_of_;
    std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t> output_of_;
    std::map<MemoryKey, std::uint32_t> constants_, temporaries_;
    std::vector<std::ptrdiff_t> writer_, last_reader_;  // steps by output and by input
    std::ptrdiff_t last_fault_ = none;
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

void build_plan(const passes::Program& program, const passes::LoopTarget& target,
                std::span<const std::uint32_t> donated, runtime::Plan& plan, std::vector<std::uint32_t>& outputs) {
    PlanBuilder builder(program, target, plan);
    builder.run(outputs);
    builder.donate(donated);
}

}  // namespace lathe::codegen
