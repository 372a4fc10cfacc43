#include "ir/program/part.h"

#include <algorithm>
#include <map>
#include <span>

#include "ir/error.h"

namespace lathe::ir {
namespace {

using Origin = Program::Origin;

std::vector<Program::Step> select(std::vector<Program::Step> steps, const std::vector<bool>& chosen, bool wanted) {
    std::vector<Program::Step> out;
    for (std::size_t s = 0; s < steps.size(); ++s)
        if (chosen[s] == wanted) out.push_back(std::move(steps[s]));
    return out;
}

// What lies in memory, as values.
Program::Buffer as_memory(Program::Buffer buffer, Origin origin) {
    buffer.type = buffer.memory_type();
    buffer.layout = {};
    buffer.origin = origin;
    return buffer;
}

}  // namespace

ProgramPart part_of(const Program& program, const std::vector<bool>& chosen) {
    ProgramPart out;
    out.program.steps = select(program.steps, chosen, true);
    std::vector<bool> named(program.buffers.size(), false);
    for (const Program::Step& step : out.program.steps)
        for_each_named_buffer(step, [&](Program::BufferId b) { named[b] = true; });
    std::map<Program::BufferId, Program::BufferId> numbers;
    for (std::size_t b = 0; b < named.size(); ++b) {
        if (!named[b]) continue;
        const auto id = static_cast<Program::BufferId>(b);
        const Origin origin = program.buffers[b].origin;
        numbers[id] = out.program.add_buffer(
            as_memory(program.buffers[b], origin == Origin::temporary ? Origin::output : origin));
        if (origin == Origin::input) out.inputs.push_back(id);
        if (origin != Origin::temporary) continue;
        out.outputs.push_back(id);
        out.program.results.push_back({"", numbers[id]});
    }
    for (Program::Step& step : out.program.steps)
        for_each_named_buffer(step, [&](Program::BufferId& b) { b = numbers.at(b); });
    out.program.graph = program.graph;
    out.program.regions = program.regions;
    return out;
}

void erase_steps(Program& program, const std::vector<bool>& erased) {
    program.steps = select(std::move(program.steps), erased, false);
}

void make_inputs(Program& program, std::span<const Program::BufferId> written) {
    std::vector<Program::BufferId> numbers(program.buffers.size());
    std::vector<Program::Buffer> buffers;
    const auto place = [&](Program::BufferId b) {
        numbers[b] = static_cast<Program::BufferId>(buffers.size());
        buffers.push_back(std::move(program.buffers[b]));
    };
    const std::size_t inputs = program.input_count();
    for (std::size_t b = 0; b < inputs; ++b) place(static_cast<Program::BufferId>(b));
    for (const Program::BufferId b : written) {
        place(b);
        buffers.back() = as_memory(std::move(buffers.back()), Origin::input);
    }
    for (std::size_t b = inputs; b < program.buffers.size(); ++b)
        if (std::ranges::find(written, b) == written.end()) place(static_cast<Program::BufferId>(b));
    program.buffers = std::move(buffers);
    for_each_step(program.steps, [&](Program::Step& step) {
        for_each_named_buffer(step, [&](Program::BufferId& b) { b = numbers[b]; });
    });
    for (Program::Result& r : program.results) r.buffer = numbers[r.buffer];
}

}  // namespace lathe::ir
