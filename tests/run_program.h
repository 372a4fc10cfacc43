// Graphs that are compiled once and run for many sizes.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tools/fuzz/run_program.h"

namespace lathe::testing_support {

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
