#include "tests/run_program.h"

#include <gtest/gtest.h>

#include "ir/graph/interpret.h"
#include "ir/graph/text.h"
#include "tests/configurations.h"

namespace lathe::testing_support {

using ir::Literal;

CompiledHere::CompiledHere(const ir::Graph& graph) : graph_(graph) {
    for (const std::string& target : targets_here())
        executables_[target] = codegen::compile(graph, {.target = codegen::target_named(target)});
}

std::optional<std::string> CompiledHere::fault(const std::vector<std::int64_t>& symbols, Random& random) const {
    std::vector<Literal> inputs;
    for (const ir::Value& p : graph_.parameters()) {
        ir::Type type{p.type().dtype, {}};
        for (ir::Dim d : p.type().shape) type.shape.push_back(d.evaluate(symbols).value());
        inputs.push_back(random_literal(type, random, true));
    }
    const std::vector<Literal> expected = ir::interpret(graph_, inputs);
    for (const auto& [target, executable] : executables_)
        for (const int threads : {1, 2})
            if (const auto found = difference(expected, run_compiled(*executable, inputs, threads)))
                return target + ", extents " + testing::PrintToString(symbols) + ": " + *found + "\n" +
                       ir::print(graph_);
    return std::nullopt;
}

}  // namespace lathe::testing_support
