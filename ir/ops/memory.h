// Where values lie in memory: no op here changes one.
#pragma once

#include "ir/ops/rules.h"
#include "ir/ops/samples.h"

namespace lathe::ir::ops {

inline constexpr PermutationAttribute<> relayout_permutation{"permutation",
                                                             "which dimension of x each of the memory is"};
inline constexpr AttributeDef relayout_attributes[] = {relayout_permutation};
inline constexpr OpDef relayout = {
    .name = "relayout",
    .doc = "x, stored with dimension permutation[i] of it as dimension i of the memory, before anything reads it.",
    .arity = 1,
    .lowering = Lowering::relayout,
    .dtypes = any_dtype,
    .attributes = relayout_attributes,
    .type = [](TypeContext& c) -> Type { return c.operand(0); },
    .gradient = linear([](const GradientContext&, std::span<const Value> ct, std::size_t) { return ct[0]; }),
    .samples = samples::permutations,
};

inline constexpr auto memory = std::to_array<const OpDef*>({&relayout});

}  // namespace lathe::ir::ops
