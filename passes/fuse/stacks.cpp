#include "passes/fuse/stacks.h"

#include <algorithm>

namespace lathe::passes {
namespace {

using ir::Dim;
using ir::LoopNest;
using ir::Program;
using ir::Symbol;
using Kernel = Program::Kernel;
using Stacked = Program::Loop::Stacked;

// A size of the program as the kernel knows it.
Dim size_in(Kernel& kernel, Dim size) { return size.is_constant() ? size : Dim::symbol(kernel.add_extent(size)); }

ir::Type with_first_axis(const ir::Type& type, Dim extent) {
    ir::Type out{type.dtype, {}};
    out.shape.push_back(extent);
    for (Dim d : type.shape) out.shape.push_back(d);
    return out;
}

std::optional<std::size_t> argument(const Kernel& kernel, Program::BufferId b) {
    const auto found = std::ranges::find(kernel.arguments, b);
    if (found == kernel.arguments.end()) return std::nullopt;
    return static_cast<std::size_t>(found - kernel.arguments.begin());
}

// Whether the slice is memory that the loop needs as it is.
bool is_needed(const Program::Loop& loop, Program::BufferId slice) {
    bool needed = std::ranges::find(loop.carried, slice, &Program::Loop::Carried::next) != loop.carried.end();
    for_each_step(loop.body, [&](const Program::Step& step) {
        if (const auto* branch = std::get_if<Program::Branch>(&step.node)) needed |= branch->predicate == slice;
        if (const auto* call = std::get_if<Program::Call>(&step.node))
            needed |= std::ranges::find(call->inputs, slice) != call->inputs.end() ||
                      std::ranges::find(call->outputs, slice) != call->outputs.end();
        if (const auto* inner = std::get_if<Program::Loop>(&step.node))
            for (const auto& c : inner->carried) needed |= c.current == slice || c.next == slice;
    });
    return needed;
}

// Every element that the kernel has of the slice, it has of the stack instead.
void redirect(const Program& program, Kernel& kernel, const Stacked& stacked) {
    for (auto at = argument(kernel, stacked.slice); at; at = argument(kernel, stacked.slice)) {
        const Dim length = size_in(kernel, program.buffers[stacked.stack].type.shape[0]);
        const Dim index = size_in(kernel, stacked.index);
        ir::Buffer& array = kernel.nest.buffers[*at];
        array.type = with_first_axis(array.type, length);
        kernel.arguments[*at] = stacked.stack;
        ir::for_each_statement(kernel.nest.body, [&](ir::Stmt& s) {
            ir::for_each_access(s, [&](ir::BufferId& b, ir::Effect, std::vector<Dim>& place) {
                if (b == static_cast<ir::BufferId>(*at)) place.insert(place.begin(), index);
            });
        });
    }
}

void store_twice(ir::Statements& statements, ir::BufferId slice, ir::BufferId stack, Dim index) {
    for (std::size_t i = 0; i < statements.size(); ++i) {
        if (ir::Statements* body = ir::body_of(statements[i])) store_twice(*body, slice, stack, index);
        const auto* const store = std::get_if<ir::Store>(&statements[i].node);
        if (store == nullptr || store->buffer != slice) continue;
        ir::Store second = *store;
        second.buffer = stack;
        second.index.insert(second.index.begin(), index);
        statements.insert(statements.begin() + static_cast<std::ptrdiff_t>(++i), {std::move(second)});
    }
}

// What the kernel writes to the slice, it writes to the stack, too.
void duplicate(const Program& program, Kernel& kernel, const Stacked& stacked) {
    const auto at = argument(kernel, stacked.slice);
    if (!at || kernel.nest.buffers[*at].role != ir::BufferRole::output) return;
    const Dim length = size_in(kernel, program.buffers[stacked.stack].type.shape[0]);
    const Dim index = size_in(kernel, stacked.index);
    const ir::Buffer slice = kernel.nest.buffers[*at];
    const ir::BufferId stack =
        kernel.nest.add_buffer({slice.name + "_stack", ir::BufferRole::output, with_first_axis(slice.type, length)});
    kernel.arguments.push_back(stacked.stack);
    store_twice(kernel.nest.body, static_cast<ir::BufferId>(*at), stack, index);
}

}  // namespace

void store_in_stacks(Program& program, Program::Loop& loop) {
    const auto each_kernel = [&](auto&& f) {
        for_each_step(loop.body, [&](Program::Step& step) {
            if (auto* kernel = std::get_if<Kernel>(&step.node)) f(*kernel);
        });
    };
    for (std::size_t i = 0; i < loop.stacked.size(); ++i) {
        const Stacked& stacked = loop.stacked[i];
        const bool again = std::ranges::any_of(std::span(loop.stacked).subspan(i + 1),
                                               [&](const Stacked& s) { return s.slice == stacked.slice; });
        if (again || is_needed(loop, stacked.slice))
            each_kernel([&](Kernel& kernel) { duplicate(program, kernel, stacked); });
        else
            each_kernel([&](Kernel& kernel) { redirect(program, kernel, stacked); });
    }
    loop.stacked.clear();
}

}  // namespace lathe::passes
