// Models that were compiled ahead of time and linked into a library, run in this process.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "codegen/aot.h"
#include "ir/graph/graph.h"

namespace lathe::testing_support {

class AheadLibrary {
public:
    // Writes the library under this name, loads it, and removes the file. Throws InternalError where that fails.
    AheadLibrary(std::span<const codegen::ObjectFile> objects, const std::string& file_name);
    ~AheadLibrary();
    AheadLibrary(const AheadLibrary&) = delete;
    AheadLibrary& operator=(const AheadLibrary&) = delete;

    struct Run {
        int status = 0;
        std::vector<ir::Literal> outputs;  // where the status is LATHE_STATUS_OK
        std::string fault;                 // what was out of range, where it is LATHE_STATUS_INDEX
    };
    // The model of that name, compiled from this graph. Operands end at protected pages.
    Run run(const std::string& name, const ir::Graph& graph, std::span<const ir::Literal> inputs, bool threads) const;

private:
    template <class F>
    F get(const std::string& name) const;

    void* handle_;
};

}  // namespace lathe::testing_support
