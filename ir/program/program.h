// Programs: what becomes of a graph on its way to a plan. Memory is buffers, work is steps that read and write them.
//
// Every pass names memory by a buffer's number. Fusing makes a program of groups of nodes; lowering makes kernels of
// the groups; what follows rewrites kernels and steps. text.h describes its text.
#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
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
        Literal constant;     // constants only: of the memory's type
        std::string made_by;  // outputs: the op, for messages
        Loc loc;
        bool donated = false;  // inputs: an output may take over the memory
        bool steady = false;   // inputs: the same in most runs

        // What lies in memory, padding included.
        Type memory_type() const { return {type.dtype, layout.memory_shape(type.shape)}; }
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
        // Gives the nest another extent, behind the others; its symbols that are no extents move up.
        Symbol add_extent(Dim over_program);
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
        HostCall::Phases phases;
    };

    // Kernels that do not depend on each other, as one parallel region: none reads or writes what another writes.
    struct Batch {
        std::vector<Kernel> kernels;
    };

    struct Step;

    // One of two lists of steps.
    struct Branch {
        BufferId predicate = 0;  // a bool of rank 0
        std::vector<Step> then_steps, else_steps;
    };

    // Steps that run again and again.
    struct Loop {
        // Two buffers of one type: what an iteration reads is what the one before it wrote. They are exchanged after
        // each, so that `current` holds the last.
        struct Carried {
            BufferId current = 0, next = 0;
        };
        // What an iteration writes to `slice` is element `index` of `stack` along its first dimension. Lowering lets
        // kernels write there at once, and leaves none of these.
        struct Stacked {
            BufferId slice = 0, stack = 0;
            Dim index;
        };

        Symbol iteration = 0;             // counts from 0
        std::optional<Dim> trips;         // none: the test alone ends it
        std::vector<Step> test;           // runs before each iteration
        std::optional<BufferId> goes_on;  // what the test decides: a bool of rank 0
        std::vector<Carried> carried;
        std::vector<Stacked> stacked;
        std::vector<Step> body;
    };

    struct Step {
        std::variant<Fused, Kernel, Call, Batch, Branch, Loop> node;
        Loc loc;  // of all nodes that it computes
    };

    struct Result {
        std::string name;
        BufferId buffer = 0;
    };

    std::string name = "main";
    std::vector<std::string> symbols;  // names, by number
    std::size_t iterations = 0;        // so many symbols, the last ones, count the iterations of loops
    std::vector<Precondition> preconditions;
    std::vector<Buffer> buffers;                        // inputs first, in the caller's order
    std::vector<Step> steps;                            // in the order in which they run
    std::vector<Result> results;                        // several may be one buffer
    std::shared_ptr<const Graph> graph;                 // whose nodes fused steps hold
    std::vector<std::shared_ptr<const Graph>> regions;  // whose nodes those inside of loops and branches hold
    // Values of the symbols that the program should be fast for; none where they are not known. Results never depend on
    // them.
    std::vector<std::int64_t> typical_symbols;

    BufferId add_buffer(Buffer buffer);
    std::size_t input_count() const;
    // Symbols that the inputs' shapes say.
    std::size_t symbol_count() const { return symbols.size() - iterations; }
    bool depends_on_iteration(Dim d) const;
    // The value of a size, or a typical one.
    std::optional<std::int64_t> typical(Dim d) const;
    // The same of a size over a nest's extents; nothing of one that depends on its loops.
    std::optional<std::int64_t> typical(const Kernel& kernel, Dim d) const;
};

// Calls f(list) on the lists of steps that a step consists of, in the order in which they lie in a plan.
template <class S, class F>
    requires std::same_as<std::remove_const_t<S>, Program::Step>
void for_each_inner(S& step, F&& f) {
    std::visit(Overloaded{[](PartOf<S, Program::Fused>&) {}, [](PartOf<S, Program::Kernel>&) {},
                          [](PartOf<S, Program::Call>&) {}, [](PartOf<S, Program::Batch>&) {},
                          [&](PartOf<S, Program::Branch>& branch) { f(branch.then_steps), f(branch.else_steps); },
                          [&](PartOf<S, Program::Loop>& loop) { f(loop.test), f(loop.body); }},
               step.node);
}

// Calls f(list) on every list of steps, inner ones first.
template <class F>
void for_each_list(std::vector<Program::Step>& steps, F&& f) {
    for (Program::Step& step : steps)
        for_each_inner(step, [&](std::vector<Program::Step>& inner) { for_each_list(inner, f); });
    f(steps);
}

// Calls f(step) on every step, those around others first.
template <class Steps, class F>
void for_each_step(Steps&& steps, F&& f) {
    for (auto& step : steps) {
        f(step);
        for_each_inner(step, [&](auto& inner) { for_each_step(inner, f); });
    }
}

// Calls f(kernel) on every kernel of a program, in the order in which they lie in a plan.
template <class P, class F>
    requires std::same_as<std::remove_const_t<P>, Program>
void for_each_kernel(P& program, F&& f) {
    for_each_step(program.steps, [&](auto& step) {
        if (auto* kernel = std::get_if<Program::Kernel>(&step.node)) f(*kernel);
        if (auto* batch = std::get_if<Program::Batch>(&step.node))
            for (auto& kernel : batch->kernels) f(kernel);
    });
}

// Calls f(buffer) on every buffer that a step names, but for those of steps within.
template <class S, class F>
    requires std::same_as<std::remove_const_t<S>, Program::Step>
void for_each_named_buffer(S& step, F&& f) {
    const auto all = [&](auto& buffers) {
        for (auto& b : buffers) f(b);
    };
    std::visit(Overloaded{[&](PartOf<S, Program::Fused>& fused) { all(fused.inputs), all(fused.outputs); },
                          [&](PartOf<S, Program::Kernel>& k) { all(k.arguments); },
                          [&](PartOf<S, Program::Call>& c) { all(c.inputs), all(c.outputs); },
                          [&](PartOf<S, Program::Batch>& b) {
                              for (auto& k : b.kernels) all(k.arguments);
                          },
                          [&](PartOf<S, Program::Branch>& b) { f(b.predicate); },
                          [&](PartOf<S, Program::Loop>& l) {
                              if (l.goes_on) f(*l.goes_on);
                              for (auto& c : l.carried) f(c.current), f(c.next);
                              for (auto& x : l.stacked) f(x.slice), f(x.stack);
                          }},
               step.node);
}

// A program that runs one kernel: its arrays are the program's inputs and outputs, its extents the symbols.
Program program_of(LoopNest nest);

std::string_view name(Program::Origin origin);

// What the row of an opaque node says of a call that stores these of its results.
HostCall host_call(const Node& node, std::span<const std::uint32_t> results);

// The layout that a value has in memory: that of its relayout node, or dense.
Layout layout_of(Value v);

}  // namespace lathe::ir
