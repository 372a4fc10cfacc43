#include "frontend/trace/transforms.h"

#include <fmt/format.h>

#include "frontend/tensor/record.h"
#include "frontend/trace/gradient.h"
#include "frontend/trace/inline_graph.h"
#include "frontend/trace/recorded.h"
#include "ir/functions/basic.h"
#include "passes/graph/differentiate.h"
#include "passes/graph/push_forward.h"
#include "passes/graph/rebuild.h"

namespace lathe::detail {

namespace f = ir::functions;

struct RecordedFunction {
    std::string_view name;  // of the transform, for messages
    std::unique_ptr<ir::Graph> graph;
    std::vector<NodeRef> inputs;  // what its parameters are: the arguments, and what is used from outside
    std::size_t arguments = 0;
};

namespace {

// Something of a type, to go with a value.
NodeRef counterpart(const RecordedFunction& function, const char* what, std::size_t i, const Tensor& given,
                    const ir::Type& wanted, Where where) {
    const NodeRef node = resolve(given.node());
    if (!node || node->type.dtype != wanted.dtype || !f::may_be_equal(node->type.shape, wanted.shape))
        throw TypeError(fmt::format("{}: {} {} is {}, not {}", function.name, what, i,
                                    node ? node->type.to_string() : "empty", wanted.to_string()),
                        blame(where));
    return node;
}

}  // namespace

std::shared_ptr<const RecordedFunction> record_function(std::span<const Tensor> x, const TensorFunction& f,
                                                        std::string_view name, Where where) {
    auto out = std::make_shared<RecordedFunction>();
    out->name = name;
    out->arguments = x.size();
    History history = record_history(x, f, name, where);
    out->graph = std::move(history.graph);
    out->inputs = std::move(history.inputs);
    for (const ir::Value& y : out->graph->outputs())
        if (!ir::is_float(y.type().dtype))
            throw TypeError(fmt::format("{}: a result of the function is {}: only floats have a derivative", name,
                                        y.type().to_string(out->graph->symbols)),
                            blame(where));
    return out;
}

std::vector<Tensor> values_of(const RecordedFunction& function, Where where) {
    const LocScope scope(where);
    return tensors_of_nodes(inline_graph(*function.graph, function.inputs));
}

std::vector<Tensor> push_forward(const RecordedFunction& function, std::span<const Tensor> tangents, Where where) {
    const LocScope scope(where);
    std::vector<NodeRef> inputs = function.inputs;
    if (tangents.size() != function.arguments)
        throw TypeError(fmt::format("{}: there are {} tangents for {} arguments", function.name, tangents.size(),
                                    function.arguments),
                        blame(where));
    std::vector<bool> marked(inputs.size(), false);
    for (std::size_t i = 0; i < tangents.size(); ++i) {
        marked[i] = true;
        inputs.push_back(counterpart(function, "tangent", i, tangents[i], inputs[i]->type, where));
    }
    const std::unique_ptr<ir::Graph> both =
        blaming(where, function.name, [&] { return passes::push_forward(*function.graph, marked); });
    return tensors_of_nodes(inline_graph(*both, inputs));
}

std::vector<Tensor> pull_back(const RecordedFunction& function, std::span<const Tensor> cotangents, Where where) {
    const LocScope scope(where);
    std::vector<NodeRef> inputs = function.inputs;
    passes::ValueMap values;
    const std::unique_ptr<ir::Graph> graph = passes::copy(*function.graph, &values, false);
    std::vector<ir::Value> ys, cts, xs;
    if (cotangents.size() != function.graph->outputs().size())
        throw TypeError(fmt::format("{}: there are {} cotangents for {} results", function.name, cotangents.size(),
                                    function.graph->outputs().size()),
                        blame(where));
    for (std::size_t i = 0; i < cotangents.size(); ++i) {
        ys.push_back(passes::mapped(values, function.graph->outputs()[i]));
        inputs.push_back(counterpart(function, "cotangent", i, cotangents[i], ys.back().type(), where));
        cts.push_back(graph->add_parameter("cotangent" + std::to_string(i), ys.back().type()));
    }
    for (std::size_t i = 0; i < function.arguments; ++i) xs.push_back(graph->parameters()[i]);
    const std::vector<ir::Value> pulled =
        blaming(where, function.name, [&] { return passes::pull_back(*graph, ys, cts, xs); });
    for (std::size_t i = 0; i < xs.size(); ++i)
        graph->add_output("d" + std::to_string(i), pulled[i] ? pulled[i] : f::full_like(xs[i], xs[i].type().shape, 0));
    return tensors_of_nodes(inline_graph(*passes::copy_live(*graph), inputs));
}

Tensor one_of(const Tensor& y, Where where) {
    if (y.rank() != 0)
        throw TypeError("hessian: the function gives " + y.type().to_string() + ", not a float of rank 0",
                        blame(where));
    return f::number(y, 1);
}

Tensor directions(const Tensor& x) {
    const Dim count = x.type().shape.element_count();
    const Tensor place = f::count_up(x, count, Dtype::i64);
    const Tensor is_own = ir::ops::eq(f::reshape(place, ir::Shape{count, 1}), place);
    ir::Shape shape{count};
    for (Dim d : x.type().shape) shape.push_back(d);
    return f::reshape(f::convert(is_own, x.dtype()), shape);
}

Tensor jacobian_of_rows(const Tensor& rows, const Tensor& y) {
    ir::Shape shape = y.type().shape;
    for (std::size_t i = 1; i < rows.rank(); ++i) shape.push_back(rows.type().shape[i]);
    return f::reshape(rows, shape);
}

Tensor jacobian_of_columns(const Tensor& columns, const Tensor& x) {
    ir::Integers order = f::all_axes(columns.rank());
    std::ranges::rotate(order, order.begin() + 1);
    ir::Shape shape;
    for (std::size_t i = 1; i < columns.rank(); ++i) shape.push_back(columns.type().shape[i]);
    for (Dim d : x.type().shape) shape.push_back(d);
    return f::reshape(f::transpose(columns, std::move(order)), shape);
}

}  // namespace lathe::detail
