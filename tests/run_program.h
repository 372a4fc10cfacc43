// Runs what the compiler makes of a graph, at the stages that have a meaning of their own.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "codegen/compile.h"
#include "ir/attribute.h"
#include "tests/values.h"

namespace lathe::testing_support {

// The outputs of a compiled graph, which is prepared anew; on several threads every parallel loop is cut as finely as
// it can be. Operands end at protected pages. Outputs take over the memory of inputs as the plan allows; where an index
// is out of range, that has to be as before.
std::vector<ir::Literal> run_compiled(const codegen::Executable& executable, std::span<const ir::Literal> inputs,
                                      int threads);

// A graph that is compiled once for each target that runs here, for all sizes.
class CompiledHere {
public:
    explicit CompiledHere(const ir::Graph& graph);
    // How its outputs for random inputs differ from the interpreter's, on one thread or two, if they do.
    std::optional<std::string> fault(const std::vector<std::int64_t>& symbols, Random& random) const;

private:
    const ir::Graph& graph_;
    std::map<std::string, std::shared_ptr<const codegen::Executable>> executables_;  // by target
};

}  // namespace lathe::testing_support
