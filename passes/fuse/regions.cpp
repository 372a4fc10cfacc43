#include "passes/fuse/regions.h"

#include <map>

#include "ir/ops/control.h"
#include "passes/graph/rebuild.h"

namespace lathe::passes {
namespace {

using ir::Dim;
using ir::Graph;
using ir::Node;
using ir::Program;
using ir::Value;
using BufferId = Program::BufferId;

// Slice `index` along axis 0.
Value slice_at(Graph& graph, Value x, Dim index, ir::Loc loc) {
    ir::Shape starts{index}, sizes{1};
    const ir::Type type = ir::slice_type(x.type());
    for (Dim d : type.shape) starts.push_back(0), sizes.push_back(d);
    const std::size_t rank = sizes.rank();
    const Value part{&graph.add(ir::ops::slice, {&x, 1}, {starts, sizes, ir::Integers(rank, 1)}, loc), 0};
    return {&graph.add(ir::ops::reshape, {&part, 1}, {type.shape}, loc), 0};
}

}  // namespace

Program::Step copy_step(Value v, BufferId from, BufferId to) {
    Program::Fused copy;
    copy.group.domain = v.type().shape;
    copy.group.outer_rank = v.type().shape.rank();
    copy.group.outputs = copy.group.inputs = {v};
    copy.inputs = {from};
    copy.outputs = {to};
    return {std::move(copy), v.node->loc};
}

std::vector<Program::Step> splice(Program& into, Program part, std::span<const BufferId> inputs,
                                  std::span<const BufferId> outputs) {
    std::map<BufferId, BufferId> numbers;
    std::vector<Program::Step> copies;
    for (std::size_t r = 0; r < part.results.size(); ++r) {
        const auto [found, fresh] = numbers.try_emplace(part.results[r].buffer, outputs[r]);
        if (!fresh && found->second != outputs[r])
            copies.push_back(copy_step(part.graph->outputs()[r], found->second, outputs[r]));
    }
    for (std::size_t b = 0; b < part.buffers.size(); ++b) {
        const auto id = static_cast<BufferId>(b);
        if (b < inputs.size())
            numbers[id] = inputs[b];
        else if (!numbers.contains(id))
            numbers[id] = into.add_buffer(std::move(part.buffers[b]));
    }
    into.iterations += part.iterations;
    into.symbols = std::move(part.symbols);
    into.regions.push_back(std::move(part.graph));
    for (auto& region : part.regions) into.regions.push_back(std::move(region));
    for_each_step(part.steps,
                  [&](Program::Step& step) { for_each_named_buffer(step, [&](BufferId& b) { b = numbers.at(b); }); });
    for (Program::Step& copy : copies) part.steps.push_back(std::move(copy));
    return std::move(part.steps);
}

std::unique_ptr<Graph> body_over_sequences(const Node& scan, Dim index, const std::vector<std::string>& symbols) {
    const ir::ScanParts parts = ir::parts_of_scan(scan);
    const Graph& body = *ir::regions_of(scan)[0];
    auto result = std::make_unique<Graph>();
    result->name = body.name;
    result->symbols = symbols;
    ValueMap values(body.nodes().size());
    for (std::size_t p = 0; p < body.parameters().size(); ++p) {
        const Node& parameter = *body.parameters()[p].node;
        const bool is_sliced = p >= parts.carried && p < parts.carried + parts.sequences;
        const ir::Type type = is_sliced ? scan.operands[p].type() : parameter.results[0];
        values[parameter.id] = {result->add_parameter(body.parameter_name(p), type, parameter.loc)};
    }
    for (std::size_t p = parts.carried; p < parts.carried + parts.sequences; ++p) {
        Value& x = values[body.parameters()[p].node->id][0];
        x = slice_at(*result, x, index, scan.loc);
    }
    for (const Node& node : body.nodes())
        if (values[node.id].empty()) values[node.id] = add_copy(*result, node, values);
    for (std::size_t i = 0; i < body.outputs().size(); ++i)
        result->add_output(body.output_name(i), mapped(values, body.outputs()[i]));
    result->preconditions.clear();  // what the body demands, the graph around it does; slices are within bounds
    return result;
}

}  // namespace lathe::passes
