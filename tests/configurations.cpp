#include "tests/configurations.h"

#include <numeric>

#include <gtest/gtest.h>

#include "codegen/compile.h"
#include "ir/graph/interpret.h"
#include "ir/program/interpret.h"
#include "ir/program/text.h"
#include "passes/pipeline.h"
#include "tests/fixed_case.h"
#include "tests/run_program.h"
#include "tests/targets.h"
#include "tests/values.h"

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

std::vector<std::vector<std::string>> switched_off() {
    std::vector<std::vector<std::string>> sets{{}};
    for (const passes::Pass& pass : passes::pipeline)
        if (pass.optional) sets.push_back({std::string(pass.name)});
    return sets;
}

std::vector<std::string> targets_here() {
    std::vector<std::string> names;
    for (const char* name : {"avx2", "avx512"})
        if (runs_here(codegen::target_named(name))) names.emplace_back(name);
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
    for (const std::string& target : targets_here()) {
        if (auto found = through_jit(target)(c)) return target + ": " + *found;
        if (auto found = through_jit_with_weights(target)(c)) return target + ", with weights: " + *found;
    }
    return std::nullopt;
}

void report(const GraphCase& failing, const Check& check, const std::string& configuration) {
    const GraphCase small = reduce(failing, [&](const GraphCase& c) { return check(c).has_value(); });
    ADD_FAILURE() << configuration << ": " << check(failing).value_or("fails now and then")
                  << "\nreduced: " << check(small).value_or("fails now and then") << "\n"
                  << describe(small);
}

}  // namespace lathe::testing_support
