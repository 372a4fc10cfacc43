// Recording of calls, as the library itself does it: on nodes, and on tensors, which ops and functions over them take.
#pragma once

#include <cstdint>
#include <memory>
#include <source_location>
#include <span>
#include <vector>

#include "frontend/tensor/node.h"
#include "frontend/tensor/tensor.h"
#include "ir/ops/op.h"

namespace lathe {

namespace detail {

// Appends a call to the graph of pending work, its types checked. Throws TypeError at the user's line.
NodeRef record(const ir::OpDef& op, std::span<const NodeRef> operands, ir::Attributes attributes,
               std::source_location where);
// The same for an op without attributes that takes over its operands' references: what operators call.
NodeRef record_taking(const ir::OpDef& op, std::span<NodeRef> operands, std::source_location where);
// A constant of rank 0, whose attributes several nodes may share.
NodeRef record_constant(ir::Dtype dtype, std::shared_ptr<const ir::Attributes> attributes);
// All results of a call with several.
std::vector<NodeRef> record_results(const ir::OpDef& op, std::span<const NodeRef> operands, ir::Attributes attributes,
                                    std::source_location where);

Tensor unary(const ir::OpDef& op, const Tensor& x, Where where);
Tensor binary(const ir::OpDef& op, const Operand& a, const Operand& b);
// Rank 0; of integer dtypes the second number counts.
Tensor number_of(Dtype dtype, double value, std::int64_t integer);

struct TensorRecorder {
    static Tensor record(const ir::OpDef& op, std::span<const Tensor> operands, ir::Attributes attributes,
                         ir::Loc loc = {});
    static Tensor constant_like(const Tensor& like, ir::Literal literal, ir::Loc loc);
    static Tensor number_like(const Tensor& like, double value);  // a constant of rank 0 and the same dtype
    // In the name of what the user called, whose operands are named where they are known.
    [[noreturn]] static void refuse(std::string_view function, std::string_view why, std::span<const ir::Type> types);
};

}  // namespace detail

template <>
struct ir::RecorderOf<Tensor> {
    using type = detail::TensorRecorder;
};

}  // namespace lathe
