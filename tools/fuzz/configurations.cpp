#include "tools/fuzz/configurations.h"

#include <numeric>

#include "codegen/aot.h"
#include "codegen/compile.h"
#include "codegen/target.h"
#include "ir/graph/interpret.h"
#include "ir/program/interpret.h"
#include "passes/pipeline.h"
#include "tools/fuzz/fixed_case.h"
#include "tools/fuzz/run_ahead.h"
#include "tools/fuzz/run_program.h"
#include "tools/fuzz/values.h"

namespace lathe::testing_support {

namespace {

// What is thrown is a fault, too.
Check catching(Check check) {
    return [check = std::move(check)](const GraphCase& c) -> std::optional<std::string> {
        try {
            return check(c);
        } catch (const std::exception& e) {
            return e.what();
        }
    };
}

}  // namespace

Check through_loops(const passes::PipelineOptions& options) {
    return catching([options](const GraphCase& c) {
        return difference(ir::interpret(*c.graph, c.inputs),
                          ir::interpret(passes::run_pipeline(*c.graph, options).program, c.inputs));
    });
}

Check through_jit(const std::string& target) {
    return catching([target](const GraphCase& c) -> std::optional<std::string> {
        const std::vector<ir::Literal> expected = ir::interpret(*c.graph, c.inputs);
        codegen::CompileOptions options;
        options.target = codegen::target_named(target);
        for (const bool donate : {false, true}) {
            options.donated.resize(donate ? c.inputs.size() : 0);
            std::iota(options.donated.begin(), options.donated.end(), 0U);
            const auto executable = codegen::compile(*c.graph, options);
            if (donate && executable->plan.donations.empty()) continue;
            for (const int threads : {1, 2})
                if (auto found = difference(expected, run_compiled(*executable, c.inputs, threads)))
                    return std::to_string(threads) + " threads" + (donate ? ", donated: " : ": ") + *found;
        }
        return std::nullopt;
    });
}

Check through_jit_with_weights(const std::string& target) {
    return catching([target](const GraphCase& c) {
        codegen::CompileOptions options;
        options.target = codegen::target_named(target);
        options.prepares = true;
        const GraphCase with_weights = fixed(c);
        const auto executable = codegen::compile(*with_weights.graph, options);
        return difference(ir::interpret(*c.graph, c.inputs), run_compiled(*executable, with_weights.inputs, 2));
    });
}

Check through_ahead(const std::string& target) {
    return catching([target](const GraphCase& c) -> std::optional<std::string> {
        const std::vector<ir::Literal> expected = ir::interpret(*c.graph, c.inputs);
        codegen::AotRequest request;
        request.name = "graph";
        request.targets = {codegen::target_named(target)};
        const AheadLibrary library(codegen::compile_ahead(*c.graph, request).objects, "graph.so");
        for (const bool threads : {false, true})
            if (auto found = difference(expected, library.run("graph", *c.graph, c.inputs, threads).outputs))
                return found;
        return std::nullopt;
    });
}

std::vector<std::vector<std::string>> switched_off() {
    std::vector<std::vector<std::string>> sets{{}};
    for (const passes::Pass& pass : passes::pipeline)
        if (pass.optional) sets.push_back({std::string(pass.name)});
    return sets;
}

std::vector<std::string> runnable_targets() {
    std::vector<std::string> names;
    for (const char* name : {"avx2", "avx512"})
        if (codegen::target_named(name).runs_here) names.emplace_back(name);
    return names;
}

std::optional<std::string> first_fault(const GraphCase& c) {
    for (const std::vector<std::string>& off : switched_off()) {
        passes::PipelineOptions options;
        options.off = off;
        options.verify = true;
        if (auto found = through_loops(options)(c))
            return (off.empty() ? "loops" : "without " + off[0]) + ": " + *found;
    }
    for (const std::string& target : runnable_targets()) {
        if (auto found = through_jit(target)(c)) return target + ": " + *found;
        if (auto found = through_jit_with_weights(target)(c)) return target + ", with weights: " + *found;
    }
    return std::nullopt;
}

}  // namespace lathe::testing_support
