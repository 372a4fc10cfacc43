// For every row of the op table, calls that its type rule accepts: the source of property tests.
#pragma once

#include <vector>

#include "ir/ops/op.h"

namespace lathe::testing_support {

using Call = ir::Sample;

// What the row says; of elementwise ops, operands of one dtype that broadcast.
std::vector<Call> samples(const ir::OpDef& op, ir::Dtype d);

}  // namespace lathe::testing_support
