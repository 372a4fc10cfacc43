// Ahead-of-time compilation: from a graph to objects with the C interface of runtime/aot.h.
//
// An object holds the kernels for one or more processor levels (the very bytes that run in this process), constants as
// read-only data, and the tables of their plans (runtime/plan_tables.h) with the few functions that walk them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "codegen/compile.h"
#include "codegen/target.h"
#include "ir/graph/graph.h"
#include "runtime/plan.h"

namespace lathe::codegen {

// A relocatable object, or another file that is made of such.
struct ObjectFile {
    std::string name;
    std::shared_ptr<const std::vector<std::byte>> bytes;
};

// ---- what the object of a model holds, before it is bytes

struct AotTensor {
    std::string name;
    int dtype = 0;
    std::vector<std::int64_t> shown;                 // lathe_model_tensor::dims
    std::uint32_t counted_axis = 0, counted_by = 0;  // likewise
};

// An input of extents: inputs of the graph stand for its elements.
struct AotSizedInput {
    AotTensor tensor;
    std::uint32_t first = 0, count = 0;
};

// What runs on one level of processors.
struct AotProgram {
    int cpu_level = 1;
    const runtime::Plan* plan = nullptr;
    std::vector<std::string> kernels;      // symbols, by number
    std::vector<std::uint32_t> constants;  // of AotTables::constants
    std::uint32_t first_site = 0;          // in AotTables::sites
};

struct AotTables {
    std::string name;          // NAME of NAME_run
    bool with_driver = false;  // also define the names that the driver of executables calls
    std::string features;      // that the lowest level needs
    std::vector<std::string> symbols;
    std::vector<AotTensor> inputs, outputs;
    std::vector<AotSizedInput> sized;
    std::vector<std::string> sites;  // of all programs
    std::vector<std::uint32_t> distinct;
    std::uint32_t distinct_count = 0;
    std::vector<std::span<const std::byte>> constants;
    std::vector<AotProgram> programs;  // the highest level first
};

// ---- compiling

struct AotRequest {
    std::string name;             // a C identifier
    std::vector<Target> targets;  // at least one
    bool with_driver = false;
    CompileOptions compile;  // its target is each of those
    // Outputs that hold more than what another one counts of them along an axis.
    struct Counted {
        std::uint32_t output = 0, axis = 0, count = 0;
    };
    std::vector<Counted> counted = {};
    std::vector<AotSizedInput> sized = {};
};

// What the C interface of a model looks like, for its header.
struct AotInterface {
    std::string name;
    std::vector<std::string> symbols;
    std::vector<AotTensor> inputs, outputs;
    bool calls_linear_algebra = false;  // then the objects need liblathe_linear_algebra.a besides
};

struct AotCode {
    std::vector<ObjectFile> objects;  // they link into anything; together they need libc, and what the interface says
    AotInterface interface;
};

// Throws UserError where the interface cannot express the graph.
AotCode compile_ahead(const ir::Graph& graph, const AotRequest& request);

// A plain C header that declares and explains the interface.
std::string c_header(const AotInterface& interface);

// A static library of the objects.
std::vector<std::byte> archive(std::span<const ObjectFile> objects);

}  // namespace lathe::codegen
