// For every row of the op table, calls that its type rule accepts: the source of property tests.
#pragma once

#include <vector>

#include "ir/ops/samples.h"

namespace lathe::testing_support {

using Call = ir::Sample;

inline std::vector<Call> samples(const ir::OpDef& op, ir::Dtype d) { return ir::samples::of(op, d); }
// What is added to an element that is drawn from the row's domain, by its row-major position: matrices that are
// decomposed have a diagonal that makes them definite, and their singular values and eigenvalues distinct.
double on_diagonal(const ir::OpDef& op, const ir::Type& type, std::int64_t position);

}  // namespace lathe::testing_support
