// Programs: what becomes of a graph on its way to a plan. Memory is buffers, work is steps that read and write them.
//
// Every pass names memory by a buffer's number. Fusing makes a program of groups of nodes; lowering makes kernels of
// the groups; what follows rewrites kernels and steps. Text form (see text.h):
//
//   program main(batch) {
//     input x : f32[batch, 64]
//     constant w : f32[64, 10] = f32[64, 10] [1, 2, ...]
//     output y : f32[batch, 10]
//     temporary t0 : f32[64, 10] layout (1, 0)
//     kernel (x, w, y) extents (batch, 64, 10) {
//       ...                                        // a loop nest, see ir/loops/loops.h
//     }
//     return "y" = y
//   }
#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "ir/graph/graph.h"
#include "ir/loops/loops.h"
#include "ir/loops/walk.h"
#include "ir/program/group.h"
#include "ir/program/layout.h"

namespace lathe::ir {

struct Program {
    using BufferId = std::uint32_t;  // index into `buffers`

    enum class Origin : std::uint8_t {
        input,      // the caller's; never written
        constant,   // known when the program is compiled; never written
        output,     // the caller's; may be read after it was written
        temporary,  // of this run
    };

    struct Buffer {
        std::string name;
        Origin origin = Origin::temporary;
        Type type;  // over the program's symbols
        Layout layout;
        Literal constant;     // constants only: elements as they lie in memory
        std::string made_by;  // outputs: the op, for messages
        Loc loc;
        bool donated = false;  // inputs: an output may take over the memory
    };

    // Where a kernel may find an index that is out of range.
    struct Site {
        std::string name;  // see index_name
        Loc loc;
    };

    // Nodes that are to become one kernel.
    struct Fused {
        Group group;
        std::vector<BufferId> inputs, outputs;  // of the group's values, in their order
    };

    struct Kernel {
        LoopNest nest;
        std::vector<BufferId> arguments;  // of the nest's buffers that are no scratch, in order
        std::vector<Dim> extents;         // of the nest's extents, in order, over the program's symbols
        std::vector<Site> sites;          // by BindIndex::site

        // What it may read back after it wrote it counts as written alone.
        std::vector<BufferId> reads() const { return arguments_of(BufferRole::input); }
        std::vector<BufferId> writes() const { return arguments_of(BufferRole::output); }
        std::vector<BufferId> arguments_of(BufferRole role) const;
        // A dimension over the nest's extents, over the program's symbols.
        Dim over_program(Dim d) const {
            return d.substitute([this](Symbol s) { return extents[s]; });
        }
    };

    // A function of the library (runtime/calls/calls.h) instead of a loop nest. Its operands and results are dense.
    struct Call {
        const Node* node = nullptr;             // the opaque node that it computes
        std::vector<std::uint32_t> results;     // those that it stores, ascending
        std::vector<BufferId> inputs, outputs;  // of the node's operands, and of those results
        std::string function;
        std::vector<Dim> extents;             // what it is told in numbers, over the program's symbols
        Dim iterations = 1, picoseconds = 0;  // of its parallel loop; that one of them takes, about
        Dim workspace = 0;                    // bytes, of each worker
    };

    // Kernels that do not depend on each other, as one parallel region: none reads or writes what another writes.
    struct Batch {
        std::vector<Kernel> kernels;
    };

    struct Step {
        std::variant<Fused, Kernel, Call, Batch> node;
        Loc loc;  // of all nodes that it computes
    };

    struct Result {
        std::string name;
        BufferId buffer = 0;
    };

    std::string name = "main";
    std::vector<std::string> symbols;  // names, by number
    std::vector<Precondition> preconditions;
    std::vector<Buffer> buffers;         // inputs first, in the caller's order
    std::vector<Step> steps;             // in the order in which they run
    std::vector<Result> results;         // several may be one buffer
    std::shared_ptr<const Graph> graph;  // whose nodes fused steps hold
    // Values of the symbols that the program should be fast for; none where they are not known. Results never depend on
    // them.
    std::vector<std::int64_t> typical_symbols;

    BufferId add_buffer(Buffer buffer);
    std::size_t input_count() const;
    // The value of a size, or a typical one.
    std::optional<std::int64_t> typical(Dim d) const;
};

// Calls f(kernel) on every kernel of a program, in order, batched or not.
template <class P, class F>
    requires std::same_as<std::remove_const_t<P>, Program>
void for_each_kernel(P& program, F&& f) {
    for (auto& step : program.steps)
        std::visit(Overloaded{[](PartOf<P, Program::Fused>&) {}, [&](PartOf<P, Program::Kernel>& kernel) { f(kernel); },
                              [](PartOf<P, Program::Call>&) {},
                              [&](PartOf<P, Program::Batch>& batch) {
                                  for (auto& kernel : batch.kernels) f(kernel);
                              }},
                   step.node);
}

// The same with its calls.
template <class P, class F>
    requires std::same_as<std::remove_const_t<P>, Program>
void for_each_call(P& program, F&& f) {
    for (auto& step : program.steps)
        std::visit(Overloaded{[](PartOf<P, Program::Fused>&) {}, [](PartOf<P, Program::Kernel>&) {},
                              [&](PartOf<P, Program::Call>& call) { f(call); }, [](PartOf<P, Program::Batch>&) {}},
                   step.node);
}

// A program that runs one kernel: its arrays are the program's inputs and outputs, its extents the symbols.
Program program_of(LoopNest nest);

// The layout that a value has in memory: that of its relayout node, or dense.
Layout layout_of(Value v);

}  // namespace lathe::ir
