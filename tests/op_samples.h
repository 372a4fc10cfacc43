// For every row of the op table, calls that its type rule accepts: the source of property tests.
#pragma once

#include <memory>
#include <vector>

#include "ir/graph/graph.h"
#include "ir/ops/samples.h"

namespace lathe::testing_support {

using Call = ir::Sample;

inline std::vector<Call> samples(const ir::OpDef& op, ir::Dtype d) { return ir::samples::of(op, d); }
// The call on parameters x0, x1, ..., with its results as outputs y0, y1, ...
std::unique_ptr<ir::Graph> graph_of(const ir::OpDef& op, const Call& call);
// What is added to an element that is drawn from the row's domain, by its row-major position: matrices that are
// decomposed have a diagonal that makes them definite, and their singular values and eigenvalues distinct.
double on_diagonal(const ir::OpDef& op, const ir::Type& type, std::int64_t position);

}  // namespace lathe::testing_support
