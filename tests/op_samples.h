// For every row of the op table, calls that its type rule accepts: the source of property tests.
#pragma once

#include <vector>

#include "ir/ops/op.h"

namespace lathe::testing_support {

struct Call {
    std::vector<ir::Type> operands;
    ir::Attributes attributes;
};

// The operand that holds indices, if there is one: -1 where not.
inline std::ptrdiff_t index_operand(const ir::OpDef& op) {
    if (!op.reads_indices && op.lowering != ir::Lowering::scatter) return -1;
    return op.arity.minimum == 1 ? 0 : 1;
}

// Awkward shapes: rank 0, extents of 0 and 1, broadcasts. By lowering class, and for views by what the attributes that
// the row declares mean.
std::vector<Call> samples(const ir::OpDef& op, ir::Dtype d);

}  // namespace lathe::testing_support
