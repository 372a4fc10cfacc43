// What the compiler made of a function, and why: text of every stage, figures, and remarks.
//
//   auto step = jit(...);
//   step(x, y);
//   Inspection seen = inspect(step);                      // of the newest program of the function
//   std::cout << seen.text(Stage::fused);                 // what `lathe print --stage fused` shows of a model
//   seen.statistics().kernels;                            // what runs
//   for (const Remark& r : seen.remarks())                // "model.cpp:12: fuse: exp not fused into dot_general
//       std::cout << r.to_string() << "\n";               //  (model.cpp:13): ..."
//
// A model or a pending tensor need not have run: what statistics() and remarks() tell is found by compiling it, as the
// first run would. Text is for people, and parses: `lathe pass` and `lathe run` read it where it is whole.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "frontend/inspect/stage.h"
#include "frontend/model/model.h"
#include "frontend/tensor/tensor.h"
#include "frontend/trace/jit.h"
#include "passes/remark.h"

namespace lathe {

// Why two ops do not share a kernel: `reason`, the ops' names, and both places in the user's code.
using Remark = passes::Remark;

struct Statistics {
    std::size_t operations = 0;        // kernels that a system without fusion would run
    std::size_t kernels = 0;           // that run instead
    std::size_t calls = 0;             // of functions of the library: sorts, running sums
    std::uint64_t compiled = 0;        // of the kernels, that no cache held
    double pass_milliseconds = 0;      // everything up to the kernels' loop nests
    double code_milliseconds = 0;      // compiling and linking the kernels
    std::uint64_t constant_bytes = 0;  // that the program holds
    std::uint64_t traces = 0;          // of a compiled function: how often the C++ function ran
    std::uint64_t runs = 0;            // of a model
    bool interpreted = false;          // the system allows no machine code

    // For the sizes that were seen first; none where no size is known.
    struct Sized {
        std::int64_t iterations = 0;  // of the kernels' outermost loops, together; of those in loops, once
        std::uint64_t input_bytes = 0, output_bytes = 0, workspace_bytes = 0;
        std::uint64_t intermediate_bytes = 0;  // of all values between, which share the workspace
    };
    std::optional<Sized> sized{};

    std::string to_string() const;  // a line for each
};

class Inspection {
public:
    std::string text(Stage stage, const TextOptions& options = {}) const;
    const Statistics& statistics() const { return statistics_; }
    const passes::Remarks& remarks() const;

private:
    friend Inspection inspect(const Model& model);
    friend Inspection inspect(const Tensor& tensor);
    friend Inspection inspect(const JitStatistics& function);
    struct State;
    explicit Inspection(State state);

    std::shared_ptr<const State> state_;
    Statistics statistics_;
};

namespace detail {
// Of a program for these values of its symbols; none where they do not fit.
std::optional<Statistics::Sized> sizes_of_run(const codegen::Executable& executable,
                                              std::span<const std::int64_t> symbols);
}  // namespace detail

Inspection inspect(const Model& model);
// What evaluating the tensor would run; of one that has its value, nothing. Throws UserError within a trace.
Inspection inspect(const Tensor& tensor);
Inspection inspect(const JitStatistics& function);
// The newest program of a compiled function. Throws UserError before the first call.
template <class F>
Inspection inspect(const Jit<F>& function) {
    return inspect(function.statistics());
}

}  // namespace lathe
