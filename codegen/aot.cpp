#include "codegen/aot.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <numeric>
#include <set>
#include <unordered_map>

#include "codegen/backend.h"
#include "codegen/embedded.h"
#include "ir/error.h"
#include "ir/float_environment.h"
#include "runtime/aot_plan.h"
#include "runtime/cpu_features.h"

namespace lathe::codegen {
namespace {

using runtime::Plan;
using runtime::SizeExpression;

class TablesBuilder {
public:
    TablesBuilder(const ir::Graph& graph, AotTables& tables) : graph_(graph), tables_(tables) {}

    // Names, types and preconditions, which every level has in common.
    void add_interface(const Executable& executable) {
        const Plan& plan = executable.plan;
        tables_.symbols = graph_.symbols;
        for (std::size_t i = 0; i < plan.inputs.size(); ++i)
            tables_.inputs.push_back(tensor(graph_.parameter_name(i), plan.inputs[i]));
        for (std::size_t i = 0; i < executable.outputs.size(); ++i)
            tables_.outputs.push_back(tensor(graph_.output_name(i), plan.outputs[executable.outputs[i]]));
        tables_.distinct = executable.outputs;
        tables_.distinct_count = static_cast<std::uint32_t>(plan.outputs.size());
        for (const runtime::PlanPrecondition& p : plan.preconditions)
            tables_.preconditions.emplace_back(expression(p.a), expression(p.b));
    }

    void add_program(const Executable& executable, int cpu_level) {
        const Plan& plan = executable.plan;
        if (executable.outputs != tables_.distinct || plan.inputs.size() != tables_.inputs.size())
            throw InternalError("aot: the plans of two processor levels have different outputs");
        AotProgram program;
        program.cpu_level = cpu_level;
        program.slot_count = plan.slot_count();
        for (std::size_t c = 0; c < plan.constants.size(); ++c)
            program.constants.push_back(
                constant({plan.constants[c].data(), static_cast<std::size_t>(plan.constant_bytes[c])}));
        for (const runtime::PlanStep& s : plan.steps) {
            AotStep step;
            step.kernel = executable.kernels[s.kernel]->symbol;
            step.operands = s.operands;
            for (const SizeExpression& e : s.extents) step.extents.push_back(expression(e));
            step.trips = expression(s.trips);
            step.cost = expression(s.cost);
            step.first_site = static_cast<std::uint32_t>(tables_.sites.size()) + s.first_site;
            program.steps.push_back(std::move(step));
        }
        for (const runtime::PlanSite& s : plan.sites)
            tables_.sites.push_back(ir::Loc::of_id(s.location).to_string() + ": " + s.message);
        add_temporaries(plan, program);
        tables_.programs.push_back(std::move(program));
    }

private:
    AotTensor tensor(const std::string& name, const runtime::PlanTensor& t) {
        AotTensor out{name, t.dtype, t.element_size, {}, {}};
        if (t.dims.size() > LATHE_MAX_RANK)
            throw UserError("'" + name + "' has more than " + std::to_string(LATHE_MAX_RANK) + " dimensions");
        for (const SizeExpression& d : t.dims) {
            out.dims.push_back(expression(d));
            const auto ops = d.ops();
            out.shown.push_back(ops.size() != 1                               ? LATHE_COMPUTED
                                : ops[0].code == SizeExpression::Code::symbol ? -1 - ops[0].value
                                                                              : ops[0].value);
        }
        return out;
    }

    std::uint32_t expression(const SizeExpression& e) {
        if (e.depth() > lathe_aot_stack) throw UserError("a size of the model is too complex to be compiled ahead");
        std::string key;
        for (const SizeExpression::Op& op : e.ops()) {
            key += static_cast<char>(op.code);
            key.append(reinterpret_cast<const char*>(&op.value), sizeof op.value);
        }
        const auto [found, fresh] =
            expressions_.try_emplace(std::move(key), static_cast<std::uint32_t>(tables_.expressions.size()));
        if (fresh) tables_.expressions.push_back(e);
        return found->second;
    }

    std::uint32_t constant(std::span<const std::byte> bytes) {
        const std::string_view key(reinterpret_cast<const char*>(bytes.data()), bytes.size());
        const auto [found, fresh] = constants_.try_emplace(key, static_cast<std::uint32_t>(tables_.constants.size()));
        if (fresh) tables_.constants.push_back(bytes);
        return found->second;
    }

    // Temporaries that are never alive together share a block. Their sizes are not known yet, so those of the same
    // size expression go together first, then those that would be about equally large with every symbol at 64.
    void add_temporaries(const Plan& plan, AotProgram& program) {
        constexpr std::size_t never = ~std::size_t{0};
        const std::size_t count = plan.temporaries.size();
        std::vector<std::size_t> first(count, never), last(count, 0);
        for (std::size_t s = 0; s < plan.steps.size(); ++s)
            for (const std::uint32_t slot : plan.steps[s].operands)
                if (slot >= plan.temporary_slot(0)) {
                    const std::size_t t = slot - plan.temporary_slot(0);
                    first[t] = std::min(first[t], s);
                    last[t] = s;
                }
        struct Block {
            std::uint32_t bytes;
            double about;
            std::size_t free_after;
        };
        const std::vector<std::int64_t> sample(plan.symbol_count, 64);
        std::vector<Block> blocks;
        std::vector<std::size_t> order(count);
        std::iota(order.begin(), order.end(), std::size_t{0});
        std::ranges::sort(order, {}, [&](std::size_t t) { return std::pair(first[t], t); });
        for (const std::size_t t : order) {
            if (first[t] == never) continue;  // its slot is never read
            const std::uint32_t bytes = expression(plan.temporaries[t]);
            double about = 0;
            try {
                about = static_cast<double>(plan.temporaries[t].evaluate(sample));
            } catch (const runtime::PlanError&) {
                about = 0;  // an estimate only
            }
            const auto misfit = [&](const Block& b) { return b.bytes == bytes ? -1 : std::abs(b.about - about); };
            std::size_t best = never;
            for (std::size_t b = 0; b < blocks.size(); ++b)
                if (blocks[b].free_after < first[t] && (best == never || misfit(blocks[b]) < misfit(blocks[best])))
                    best = b;
            if (best == never) {
                best = blocks.size();
                blocks.push_back({bytes, about, 0});
            }
            blocks[best].free_after = last[t];
            if (about > blocks[best].about) blocks[best].about = about;
            program.temporaries.push_back(
                {plan.temporary_slot(static_cast<std::uint32_t>(t)), bytes, static_cast<std::uint32_t>(best)});
        }
        std::ranges::sort(program.temporaries, {}, [](const AotTemporary& t) { return std::pair(t.block, t.slot); });
    }

    const ir::Graph& graph_;
    AotTables& tables_;
    std::unordered_map<std::string, std::uint32_t> expressions_;
    std::unordered_map<std::string_view, std::uint32_t> constants_;
};

std::string features_of(int level) {
    std::string text;
    for (const lathe_cpu_feature& feature : lathe_cpu_features)
        if (feature.level <= level) text += (text.empty() ? "" : ", ") + std::string(feature.name);
    return text;
}

// The driver feeds rows to one input.
void require_rows(const AotTables& tables) {
    const auto refuse = [](const std::string& why) {
        throw UserError("an executable reads rows of numbers for one input, but " + why +
                        "; compile a .o, .a or .so and call its C interface instead");
    };
    if (tables.inputs.size() != 1) refuse("the model has " + std::to_string(tables.inputs.size()) + " inputs");
    if (tables.outputs.empty()) refuse("the model has no output");
    const AotTensor& input = tables.inputs[0];
    if (input.shown.empty()) refuse("'" + input.name + "' is a single number");
    for (std::size_t axis = 0; axis < input.shown.size(); ++axis)
        if (input.shown[axis] < 0 && (axis > 0 || input.shown[axis] != -1))
            refuse("the length of a row of '" + input.name + "' is not fixed");
    if (tables.symbols.size() > 1 || (tables.symbols.size() == 1 && input.shown[0] >= 0))
        refuse("the model has sizes that its rows do not tell");
}

}  // namespace

AotCode compile_ahead(const ir::Graph& graph, const AotRequest& request) {
    const ir::FloatEnvironment floats;
    if (request.targets.empty()) throw UserError("there is no target to compile for");
    std::vector<Target> targets = request.targets;
    std::ranges::sort(targets, std::greater<>(), &Target::cpu_level);
    targets.erase(std::unique(targets.begin(), targets.end()), targets.end());

    AotTables tables;
    tables.name = request.name;
    tables.with_driver = request.with_driver;
    tables.features = features_of(targets.back().cpu_level);
    TablesBuilder builder(graph, tables);
    std::vector<std::shared_ptr<const Executable>> executables;  // the tables point into their constants
    for (const Target& target : targets) {
        CompileOptions options = request.compile;
        options.target = target;
        executables.push_back(compile_objects(graph, options));
        if (executables.size() == 1) builder.add_interface(*executables[0]);
        builder.add_program(*executables.back(), target.cpu_level);
    }
    if (request.with_driver) require_rows(tables);

    AotCode code;
    const auto add = [&](std::string name, std::vector<std::byte> bytes) {
        code.objects.push_back({std::move(name), std::make_shared<const std::vector<std::byte>>(std::move(bytes))});
    };
    add(request.name + ".o", backend().tables(tables));
    const auto* const walk = reinterpret_cast<const std::byte*>(embedded::aot_walk);
    add("lathe_aot_walk.o", {walk, walk + embedded::aot_walk_size});
    std::set<std::string> known;
    for (const auto& executable : executables)
        for (const auto& kernel : executable->kernels)
            if (known.insert(kernel->symbol).second) code.objects.push_back({kernel->symbol + ".o", kernel->object});
    code.interface = {tables.name, tables.symbols, tables.inputs, tables.outputs};
    return code;
}

std::vector<std::byte> archive(std::span<const ObjectFile> objects) { return backend().archive(objects); }

}  // namespace lathe::codegen
