// For every row of the op table, calls that its type rule accepts: the source of property tests.
#pragma once

#include <vector>

#include "ir/op.h"

namespace lathe::testing_support {

struct Call {
    std::vector<ir::Type> operands;
    ir::Attributes attributes;
};

// Awkward shapes: rank 0, extents of 0 and 1, broadcasts. By lowering class, and for views by the attributes that the
// row declares.
std::vector<Call> samples(const ir::OpDef& op, ir::Dtype d);

}  // namespace lathe::testing_support
