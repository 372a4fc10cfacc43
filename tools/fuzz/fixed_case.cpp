#include "tools/fuzz/fixed_case.h"

#include "ir/graph/interpret.h"
#include "ir/ops/op.h"
#include "passes/graph/rebuild.h"

namespace lathe::testing_support {

GraphCase fixed(const GraphCase& c) {
    std::vector<ir::Type> types;
    for (const ir::Literal& x : c.inputs) types.push_back(x.type);
    const std::vector<std::int64_t> sizes = ir::bind_symbols(*c.graph, types);
    const auto number = [&](ir::Dim d) { return ir::Dim(d.evaluate(sizes).value()); };
    GraphCase out;
    auto graph = std::make_shared<ir::Graph>();
    passes::ValueMap values(c.graph->nodes().size());
    std::size_t parameter = 0;
    for (const ir::Node& node : c.graph->nodes()) {
        if (parameter < c.inputs.size() && c.graph->parameters()[parameter].node == &node) {
            const ir::Literal& x = c.inputs[parameter];
            if (parameter % 2 == 1) {
                values[node.id] = {graph->constant(x)};
            } else {
                values[node.id] = {graph->add_parameter(c.graph->parameter_name(parameter), x.type, node.loc, true)};
                out.inputs.push_back(x);
            }
            ++parameter;
            continue;
        }
        ir::Attributes attributes = node.attributes;
        ir::map_dims(attributes, number);
        std::vector<ir::Value> operands;
        for (const ir::Value& v : node.operands) operands.push_back(passes::mapped(values, v));
        values[node.id] = passes::results_of(graph->add(*node.op, operands, std::move(attributes), node.loc));
    }
    for (std::size_t i = 0; i < c.graph->outputs().size(); ++i)
        graph->add_output(c.graph->output_name(i), passes::mapped(values, c.graph->outputs()[i]));
    out.graph = std::move(graph);
    return out;
}

}  // namespace lathe::testing_support
