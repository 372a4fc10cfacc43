// Where values lie in memory: no op here changes one.
#pragma once

#include "ir/ops/rules.h"
#include "ir/ops/samples.h"

namespace lathe::ir::ops {

inline constexpr PermutationAttribute<> relayout_permutation{"permutation",
                                                             "which dimension of x each of the memory is"};
inline constexpr BlocksAttribute<1> relayout_blocks{
    "blocks",
    "how many elements of each dimension of x lie side by side; their places are the memory's last dimensions", 0,
    Presence::optional};
inline constexpr AttributeDef relayout_attributes[] = {relayout_permutation, relayout_blocks};
inline constexpr OpDef relayout = {
    .name = "relayout",
    .doc =
        "x, stored with dimension permutation[i] of it as dimension i of the memory, and in blocks along some, before "
        "anything reads it.",
    .arity = 1,
    .lowering = Lowering::relayout,
    .dtypes = any_dtype,
    .attributes = relayout_attributes,
    .type = [](TypeContext& c) -> Type { return c.operand(0); },
    .gradient = linear([](const GradientContext&, std::span<const Value> ct, std::size_t) { return ct[0]; }),
    .samples = samples::layouts,
};

inline constexpr auto memory = std::to_array<const OpDef*>({&relayout});

}  // namespace lathe::ir::ops
