#include "frontend/trace/control.h"

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

}  // namespace

void require_same_structure(bool same, std::string_view function, const char* what, Where where) {
    if (!same)
        throw UserError(std::string(function) + ": the " + what + " are trees of different structure", blame(where));
}

std::vector<Tensor> record_cond(const Tensor& p, std::span<const Tensor> arguments, const TensorFunction& then,
                                const TensorFunction& otherwise, Where where) {
    const LocScope scope(where);
    std::vector<NodeRef> operands = operands_of(arguments);
    const std::vector<ir::Type> types = types_of(operands);
    std::vector<Recorded> regions;
    for (const TensorFunction* body : {&then, &otherwise}) regions.push_back(run_body(*body, types, where));
    const Captures captures(std::move(regions));
    operands.insert(operands.begin(), operand(p.node()));
    return record_call(ir::ops::cond, std::move(operands), captures,
                       {captures.region(0, "then"), captures.region(1, "else")}, where);
}

std::vector<Tensor> record_while(std::span<const Tensor> init, const TensorFunction& condition,
                                 const TensorFunction& body, Where where) {
    const LocScope scope(where);
    std::vector<NodeRef> operands = operands_of(init);
    const std::vector<ir::Type> types = types_of(operands);
    std::vector<Recorded> regions;
    for (const TensorFunction* f : {&condition, &body}) regions.push_back(run_body(*f, types, where));
    const Captures captures(std::move(regions));
    return record_call(ir::ops::while_loop, std::move(operands), captures,
                       {captures.region(0, "condition"), captures.region(1, "body")}, where);
}

std::vector<Tensor> record_scan(std::span<const Tensor> init, std::span<const Tensor> xs, const ScanOptions& options,
                                const TensorFunction& body, Where where) {
    const LocScope scope(where);
    std::vector<NodeRef> operands = operands_of(init);
    std::vector<ir::Type> types = types_of(operands);
    std::optional<ir::Dim> length = options.length;
    for (NodeRef& x : operands_of(xs)) {
        if (x->type.shape.rank() == 0) throw TypeError("scan: xs of rank 0 have no slices", blame(where));
        if (!length) length = x->type.shape[0];
        types.push_back(ir::slice_type(x->type));
        operands.push_back(std::move(x));
    }
    if (!length) throw UserError("scan: there are no xs, and no length", blame(where));
    std::vector<Recorded> regions;
    regions.push_back(run_body(body, types, where));
    const Captures captures(std::move(regions));
    return record_call(ir::ops::scan, std::move(operands), captures,
                       {captures.region(0, "body"), ir::Shape{*length}, static_cast<std::int64_t>(init.size()),
                        static_cast<std::int64_t>(xs.size()), options.reverse},
                       where);
}

}  // namespace lathe::detail
