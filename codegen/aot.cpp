#include "codegen/aot.h"

#include <algorithm>
#include <cstring>
#include <set>
#include <unordered_map>

#include "codegen/backend.h"
#include "codegen/embedded.h"
#include "ir/error.h"
#include "ir/float_environment.h"
#include "runtime/aot.h"
#include "runtime/cpu_features.h"
#include "runtime/find_call.h"

namespace lathe::codegen {
namespace {

using runtime::Plan;
using runtime::SizeExpression;

class TablesBuilder {
public:
    TablesBuilder(const ir::Graph& graph, AotTables& tables) : graph_(graph), tables_(tables) {}

    // Names and types, which every level has in common.
    void add_interface(const Executable& executable) {
        const Plan& plan = executable.plan;
        tables_.symbols = graph_.symbols;
        for (std::size_t i = 0; i < plan.inputs.size(); ++i)
            tables_.inputs.push_back(tensor(graph_.parameter_name(i), plan.inputs[i]));
        for (std::size_t i = 0; i < executable.outputs.size(); ++i)
            tables_.outputs.push_back(tensor(graph_.output_name(i), plan.outputs[executable.outputs[i]]));
        tables_.distinct = executable.outputs;
        tables_.distinct_count = static_cast<std::uint32_t>(plan.outputs.size());
    }

    void add_program(const Executable& executable, int cpu_level) {
        const Plan& plan = executable.plan;
        if (executable.outputs != tables_.distinct || plan.inputs.size() != tables_.inputs.size())
            throw InternalError("aot: the plans of two processor levels have different outputs");
        AotProgram program{cpu_level, &plan, {}, {}, static_cast<std::uint32_t>(tables_.sites.size())};
        for (const auto& kernel : executable.kernels) program.kernels.push_back(kernel->symbol);
        for (const std::string& call : plan.calls) program.kernels.push_back(runtime::symbol_of_call(call));
        for (std::size_t c = 0; c < plan.constants.size(); ++c)
            program.constants.push_back(
                constant({plan.constants[c].data(), static_cast<std::size_t>(plan.constant_bytes[c])}));
        for (const runtime::PlanSite& s : plan.sites)
            tables_.sites.push_back(ir::Loc::of_id(s.location).to_string() + ": " + s.message);
        tables_.programs.push_back(std::move(program));
    }

private:
    static AotTensor tensor(const std::string& name, const runtime::PlanTensor& t) {
        AotTensor out{name, t.dtype, {}};
        if (t.dims.size() > LATHE_MAX_RANK)
            throw UserError("'" + name + "' has more than " + std::to_string(LATHE_MAX_RANK) + " dimensions");
        for (const SizeExpression& d : t.dims) {
            const lathe_token& token = d.node().token;
            out.shown.push_back(token.code == lathe_size_constant ? token.value
                                : token.code == lathe_size_symbol ? -1 - token.value
                                                                  : LATHE_COMPUTED);
        }
        return out;
    }

    std::uint32_t constant(std::span<const std::byte> bytes) {
        const std::string_view key(reinterpret_cast<const char*>(bytes.data()), bytes.size());
        const auto [found, fresh] = constants_.try_emplace(key, static_cast<std::uint32_t>(tables_.constants.size()));
        if (fresh) tables_.constants.push_back(bytes);
        return found->second;
    }

    const ir::Graph& graph_;
    AotTables& tables_;
    std::unordered_map<std::string_view, std::uint32_t> constants_;
};

std::string features_of(int level) {
    std::string text;
    for (const lathe_cpu_feature& feature : lathe_cpu_features)
        if (feature.level <= level) text += (text.empty() ? "" : ", ") + std::string(feature.name);
    return text;
}

// The driver reads inputs from files, whose extents have to tell all sizes.
void require_told_sizes(const AotTables& tables) {
    const auto refuse = [](const std::string& why) {
        throw UserError("an executable finds the model's sizes in its inputs, but " + why +
                        "; compile a .o, .a or .so and call its C interface instead");
    };
    if (tables.outputs.empty()) refuse("the model has no output");
    std::set<std::int64_t> told;
    for (const AotTensor& input : tables.inputs)
        for (const std::int64_t extent : input.shown) {
            if (extent == LATHE_COMPUTED) refuse("an extent of '" + input.name + "' follows from others");
            if (extent < 0) told.insert(-1 - extent);
        }
    if (told.size() < tables.symbols.size()) refuse("it has sizes that its inputs do not tell");
}

bool has_same_kernels(const Executable& a, const Executable& b) {
    return std::ranges::equal(
        a.kernels, b.kernels, {}, [](const auto& kernel) -> const std::string& { return kernel->symbol; },
        [](const auto& kernel) -> const std::string& { return kernel->symbol; });
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
    std::vector<int> levels;                                     // of each
    for (const Target& target : targets) {
        CompileOptions options = request.compile;
        options.target = target;
        std::shared_ptr<const Executable> next = compile_objects(graph, options);
        // Of two levels with the same kernels the one below serves both.
        if (!executables.empty() && has_same_kernels(*executables.back(), *next)) executables.pop_back();
        executables.push_back(std::move(next));
        levels.resize(executables.size());
        levels.back() = target.cpu_level;
    }
    builder.add_interface(*executables[0]);
    for (std::size_t i = 0; i < executables.size(); ++i) builder.add_program(*executables[i], levels[i]);
    tables.sized = request.sized;
    for (const AotRequest::Counted& c : request.counted) {
        tables.outputs[c.output].counted_axis = c.axis;
        tables.outputs[c.output].counted_by = c.count;
    }
    if (request.with_driver) require_told_sizes(tables);

    AotCode code;
    const auto add = [&](std::string name, std::vector<std::byte> bytes) {
        code.objects.push_back({std::move(name), std::make_shared<const std::vector<std::byte>>(std::move(bytes))});
    };
    add(request.name + ".o", backend().tables(tables));
    const auto add_embedded = [&](const char* file, const unsigned char* bytes, unsigned long size) {
        const auto* const first = reinterpret_cast<const std::byte*>(bytes);
        add(file, {first, first + size});
    };
    add_embedded("lathe_aot_model.o", embedded::aot_model, embedded::aot_model_size);
    add_embedded("lathe_bound_plan.o", embedded::bound_plan, embedded::bound_plan_size);
    std::set<std::string> known;
    const std::span<const embedded::Call> carried(embedded::calls, embedded::call_count);
    bool calls_linear_algebra = false;  // what is not carried along
    for (const auto& executable : executables)
        for (const std::string& name : executable->plan.calls) {
            const auto call = std::ranges::find(carried, name, &embedded::Call::name);
            if (call == carried.end())
                calls_linear_algebra = true;
            else if (known.insert(name).second)
                add_embedded(("lathe_" + name + ".o").c_str(), call->bytes, call->size);
        }
    for (const auto& executable : executables)
        for (const auto& kernel : executable->kernels)
            if (known.insert(kernel->symbol).second) code.objects.push_back({kernel->symbol + ".o", kernel->object});
    code.interface = {tables.name, tables.symbols, tables.inputs, tables.outputs, calls_linear_algebra};
    return code;
}

std::vector<std::byte> archive(std::span<const ObjectFile> objects) { return backend().archive(objects); }

}  // namespace lathe::codegen
