#include "frontend/trace/control.h"

#include <algorithm>
#include <iterator>

#include "frontend/tensor/record.h"
#include "frontend/trace/recorded.h"
#include "ir/ops/control.h"

namespace lathe::detail {
namespace {

std::vector<Tensor> record_call(const ir::OpDef& op, std::vector<NodeRef> operands, const Captures& captures,
                                ir::Attributes attributes, Where where) {
    operands.insert(operands.end(), captures.values().begin(), captures.values().end());
    return tensors_of_nodes(record_results(op, operands, std::move(attributes), where));
}

void require_values(std::span<const Tensor> tensors, std::string_view function, Where where) {
    if (std::ranges::any_of(tensors, &Tensor::is_empty))
        throw UserError(std::string(function) + ": an empty tensor was used", blame(where));
}

}  // namespace

void require_same_structure(bool same, std::string_view function, const char* what, Where where) {
    if (!same)
        throw UserError(std::string(function) + ": the " + what + " are trees of different structure", blame(where));
}

std::vector<Tensor> record_cond(const Tensor& p, std::span<const Tensor> arguments, const TensorFunction& then,
                                const TensorFunction& otherwise, Where where) {
    const LocScope scope(where);
    require_values({&p, 1}, "cond", where);
    require_values(arguments, "cond", where);
    std::vector<NodeRef> operands = operands_of(arguments);
    const std::vector<ir::Type> types = types_of(operands);
    std::vector<Recorded> regions;
    for (const TensorFunction* body : {&then, &otherwise}) regions.push_back(run_body("cond", *body, types, where));
    const Captures captures(std::move(regions));
    operands.insert(operands.begin(), operand(p.node()));
    return record_call(ir::ops::cond, std::move(operands), captures,
                       {captures.region(0, "then"), captures.region(1, "else")}, where);
}

std::vector<Tensor> record_while(std::span<const Tensor> init, const TensorFunction& condition,
                                 const TensorFunction& body, Where where) {
    const LocScope scope(where);
    require_values(init, "while_loop", where);
    std::vector<NodeRef> operands = operands_of(init);
    const std::vector<ir::Type> types = types_of(operands);
    std::vector<Recorded> regions;
    for (const TensorFunction* f : {&condition, &body}) regions.push_back(run_body("while_loop", *f, types, where));
    const Captures captures(std::move(regions));
    return record_call(ir::ops::while_loop, std::move(operands), captures,
                       {captures.region(0, "condition"), captures.region(1, "body")}, where);
}

std::vector<Tensor> record_scan(std::span<const Tensor> init, std::span<const Tensor> xs, const ScanOptions& options,
                                const TensorFunction& body, Where where) {
    const LocScope scope(where);
    require_values(init, "scan", where);
    require_values(xs, "scan", where);
    std::vector<NodeRef> operands = operands_of(init);
    std::vector<ir::Type> types = types_of(operands);
    std::optional<ir::Dim> length = options.length;
    for (NodeRef& x : operands_of(xs)) {
        if (x->type.shape.rank() == 0)
            throw TypeError("scan: xs of rank 0 have no slices (" + x->type.to_string() + ")", blame(where));
        if (!length) length = x->type.shape[0];
        types.push_back(ir::slice_type(x->type));
        operands.push_back(std::move(x));
    }
    if (!length) throw UserError("scan: there are no xs, and no length", blame(where));
    std::vector<Recorded> regions;
    regions.push_back(run_body("scan", body, types, where));
    const Captures captures(std::move(regions));
    return record_call(ir::ops::scan, std::move(operands), captures,
                       {captures.region(0, "body"), ir::Shape{*length}, static_cast<std::int64_t>(init.size()),
                        static_cast<std::int64_t>(xs.size()), options.reverse},
                       where);
}

std::vector<Tensor> record_checkpoint(std::span<const Tensor> arguments, const TensorFunction& body, Where where) {
    const LocScope scope(where);
    require_values(arguments, "checkpoint", where);
    std::vector<NodeRef> operands = operands_of(arguments);
    std::vector<Recorded> regions;
    regions.push_back(run_body("checkpoint", body, types_of(operands), where));
    const Captures captures(std::move(regions));
    return record_call(ir::ops::checkpoint, std::move(operands), captures, {captures.region(0, "body")}, where);
}

std::vector<Tensor> record_custom(std::span<const Tensor> arguments, const TensorFunction& body,
                                  const TensorFunction& pull_back, Where where) {
    const LocScope scope(where);
    require_values(arguments, "custom_gradient", where);
    std::vector<NodeRef> operands = operands_of(arguments);
    const std::vector<ir::Type> given = types_of(operands);
    std::vector<Recorded> regions;
    regions.push_back(run_body("custom_gradient", body, given, where));
    const std::vector<ir::Type> results = types_of(regions[0].outputs);
    const auto is_differentiable = [](const ir::Type& t) { return is_float(t.dtype); };
    // The region's parameters: results, cotangents, arguments.
    std::vector<ir::Type> seen = results;
    std::ranges::copy_if(results, std::back_inserter(seen), is_differentiable);
    seen.insert(seen.end(), given.begin(), given.end());
    const auto rule = [&](std::span<const Tensor> inputs) {
        const auto arguments_at = inputs.end() - static_cast<std::ptrdiff_t>(given.size());
        std::vector<Tensor> all(arguments_at, inputs.end());
        all.insert(all.end(), inputs.begin(), inputs.begin() + static_cast<std::ptrdiff_t>(results.size()));
        std::size_t cotangent = results.size();
        for (std::size_t i = 0; i < results.size(); ++i)
            all.push_back(inputs[is_differentiable(results[i]) ? cotangent++ : i]);
        std::vector<Tensor> pulled = pull_back(all), floats;
        if (pulled.size() != given.size())
            throw UserError("custom_gradient: the rule gives " + std::to_string(pulled.size()) + " cotangents for " +
                                std::to_string(given.size()) + " arguments",
                            blame(where));
        for (std::size_t i = 0; i < given.size(); ++i)
            if (is_differentiable(given[i])) floats.push_back(std::move(pulled[i]));
        return floats;
    };
    regions.push_back(run_body("custom_gradient", rule, seen, where));
    const Captures captures(std::move(regions));
    return record_call(ir::ops::custom, std::move(operands), captures,
                       {captures.region(0, "body"), captures.region(1, "pull_back")}, where);
}

}  // namespace lathe::detail
