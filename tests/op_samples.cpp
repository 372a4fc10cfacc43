#include "tests/op_samples.h"

#include "ir/ops/samples.h"

namespace lathe::testing_support {

std::vector<Call> samples(const ir::OpDef& op, ir::Dtype d) {
    if (op.samples != nullptr) return op.samples(d);
    if (op.lowering == ir::Lowering::source) return {};
    return ir::samples::broadcast(std::vector<ir::Dtype>(static_cast<std::size_t>(op.arity.minimum), d));
}

}  // namespace lathe::testing_support
