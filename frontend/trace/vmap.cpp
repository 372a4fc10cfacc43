#include "frontend/trace/vmap.h"

#include "frontend/tensor/record.h"
#include "frontend/trace/inline_graph.h"
#include "frontend/trace/recorded.h"
#include "frontend/trace/trace.h"
#include "ir/functions/basic.h"
#include "ir/ops/control.h"
#include "passes/graph/rebuild.h"
#include "passes/graph/vmap.h"

namespace lathe::detail {
namespace {

namespace f = ir::functions;

// x with one axis elsewhere; the others keep their order.
Tensor with_axis_moved(const Tensor& x, std::size_t from, std::size_t to) {
    ir::Integers permutation = f::all_axes(x.rank());
    permutation.erase(permutation.begin() + static_cast<std::ptrdiff_t>(from));
    permutation.insert(permutation.begin() + static_cast<std::ptrdiff_t>(to), static_cast<std::int64_t>(from));
    return f::transpose(x, std::move(permutation));
}

std::size_t axis_of(std::int64_t axis, std::size_t rank, const char* what, Where where) {
    const auto n = static_cast<std::int64_t>(rank);
    if (axis < -n || axis >= n)
        throw TypeError(
            "vmap: there is no axis " + std::to_string(axis) + " of " + what + " of rank " + std::to_string(rank),
            blame(where));
    return static_cast<std::size_t>(axis < 0 ? axis + n : axis);
}

// One extent for all mapped axes.
void require_equal(ir::Dim a, ir::Dim b, Where where) {
    if (a == b) return;
    Trace* const trace = Trace::current();
    const std::string why = "vmap: the arguments differ in the extent of their mapped axes";
    const std::span<const std::string> names =
        trace != nullptr ? trace->symbol_names() : std::span<const std::string>{};
    if (trace == nullptr || (a - b).is_constant())
        throw TypeError(why + ": " + a.to_string(names) + " is not " + b.to_string(names), blame(where));
    trace->require_equal(a, b, blame(where), why);
}

}  // namespace

void refuse_axes(std::size_t arguments, Where where) {
    throw UserError("vmap: the axes are those of another number of arguments than " + std::to_string(arguments),
                    blame(where));
}

std::vector<Tensor> record_vmap(std::span<const MappedArgument> arguments, std::int64_t out_axis,
                                const TensorFunction& body, Where where) {
    const LocScope scope(where);
    std::optional<ir::Dim> extent;
    std::vector<Tensor> inputs;
    std::vector<ir::Type> types;
    std::vector<bool> batched;
    for (const MappedArgument& a : arguments) {
        if (a.tensor.is_empty()) throw UserError("vmap: an empty tensor was used", blame(where));
        batched.push_back(a.axis.has_value());
        if (!a.axis) {
            inputs.push_back(a.tensor);
            types.push_back(a.tensor.type());
            continue;
        }
        inputs.push_back(with_axis_moved(a.tensor, axis_of(*a.axis, a.tensor.rank(), "an argument", where), 0));
        const ir::Type& type = inputs.back().type();
        if (extent)
            require_equal(type.shape[0], *extent, where);
        else
            extent = type.shape[0];
        types.push_back(ir::slice_type(type));
    }
    if (!extent) throw UserError("vmap: no argument has an axis to map over", blame(where));

    std::vector<Recorded> recorded;
    recorded.push_back(run_body("vmap", body, types, where));
    const Captures captures(std::move(recorded));
    const ir::Region region = captures.region(0, "vmap");
    batched.resize(batched.size() + captures.values().size(), false);
    std::vector<std::string> symbols;
    if (const Trace* const trace = Trace::current())
        symbols.assign(trace->symbol_names().begin(), trace->symbol_names().end());
    const std::unique_ptr<ir::Graph> one = passes::region_with_symbols(*region.graph, symbols);
    const std::unique_ptr<ir::Graph> all = blaming(where, "vmap", [&] { return passes::vmap(*one, batched, *extent); });
    std::vector<NodeRef> operands = operands_of(inputs);
    operands.insert(operands.end(), captures.values().begin(), captures.values().end());
    std::vector<Tensor> results;
    for (Tensor& y : tensors_of_nodes(inline_graph(*all, operands)))
        results.push_back(with_axis_moved(y, 0, axis_of(out_axis, y.rank(), "a result", where)));
    return results;
}

}  // namespace lathe::detail
