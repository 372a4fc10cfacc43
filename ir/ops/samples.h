// The samples of a row, and those that several rows share.
#pragma once

#include "ir/ops/op.h"

namespace lathe::ir::samples {

// Those of a row: what it says; of an elementwise one that says nothing, operands of one dtype that broadcast.
std::vector<Sample> of(const OpDef& op, Dtype d);

// Operands that broadcast, one of each dtype: at most three.
std::vector<Sample> broadcast(std::span<const Dtype> dtypes);
inline std::vector<Sample> broadcast(std::initializer_list<Dtype> dtypes) {
    return broadcast(std::span(dtypes.begin(), dtypes.size()));
}
std::vector<Sample> with_attributes(std::vector<Sample> samples, const Attributes& attributes);
// Axes that are folded; and without those that would leave results of nothing.
std::vector<Sample> reductions(Dtype d);
std::vector<Sample> reductions_of_something(Dtype d);
// An axis, and a flag.
std::vector<Sample> lines(Dtype d);
std::vector<Sample> permutations(Dtype d);
std::vector<Sample> layouts(Dtype d);

}  // namespace lathe::ir::samples
