// Comparisons, boolean logic, choice and conversion; and what differentiation must not see through.
#pragma once

#include "ir/functions/basic.h"
#include "ir/ops/rules.h"
#include "ir/ops/samples.h"

namespace lathe::ir::ops {

// A comparison of two operands: ordered, so false with NaN, except ne.
template <Prim relation>
Scalars compare_operands(const ScalarContext& c) {
    return {c.b.compare(relation, c.x[0], c.x[1])};
}

constexpr OpDef comparison_row(std::string_view name, std::string_view doc, ScalarRule scalar, bool commutative) {
    return {
        .name = name,
        .doc = doc,
        .arity = 2,
        .lowering = Lowering::elementwise,
        .dtypes = any_dtype,
        .type = rules::comparison,
        .scalar = scalar,
        .commutative = commutative,
        .gradient = no_grad("it is piecewise constant"),
    };
}

inline constexpr OpDef eq = comparison_row("eq", "x == y; false with NaN.", compare_operands<Prim::eq>, true);
inline constexpr OpDef ne = comparison_row("ne", "x != y; true with NaN.", compare_operands<Prim::ne>, true);
inline constexpr OpDef lt = comparison_row("lt", "x < y; false with NaN.", compare_operands<Prim::lt>, false);
inline constexpr OpDef le = comparison_row("le", "x <= y; false with NaN.", compare_operands<Prim::le>, false);
inline constexpr OpDef gt = comparison_row("gt", "x > y; false with NaN.", compare_operands<Prim::gt>, false);
inline constexpr OpDef ge = comparison_row("ge", "x >= y; false with NaN.", compare_operands<Prim::ge>, false);

inline constexpr OpDef logical_and = {
    .name = "logical_and",
    .doc = "x and y.",
    .arity = 2,
    .lowering = Lowering::elementwise,
    .dtypes = booleans,
    .type = rules::elementwise,
    .scalar = [](const ScalarContext& c) -> Scalars { return {c.x[0] & c.x[1]}; },
    .commutative = true,
    .identity = {.left = 1, .right = 1},
    .gradient = no_grad("its operands are boolean"),
};

inline constexpr OpDef logical_or = {
    .name = "logical_or",
    .doc = "x or y.",
    .arity = 2,
    .lowering = Lowering::elementwise,
    .dtypes = booleans,
    .type = rules::elementwise,
    .scalar = [](const ScalarContext& c) -> Scalars { return {c.x[0] | c.x[1]}; },
    .commutative = true,
    .identity = {.left = 0, .right = 0},
    .gradient = no_grad("its operands are boolean"),
};

inline constexpr OpDef logical_not = {
    .name = "logical_not",
    .doc = "not x.",
    .arity = 1,
    .lowering = Lowering::elementwise,
    .dtypes = booleans,
    .type = rules::elementwise,
    .scalar = [](const ScalarContext& c) -> Scalars { return {!c.x[0]}; },
    .involution = true,
    .gradient = no_grad("its operand is boolean"),
};

inline constexpr OpDef select = {
    .name = "select",
    .doc = "x where the condition holds, else y. The condition is boolean and comes first.",
    .arity = 3,
    .lowering = Lowering::elementwise,
    .dtypes = any_dtype,
    .type = [](TypeContext& c) -> Type {
        rules::require_dtype(c, 0, booleans);
        rules::require_same_dtype(c, 1, 2);
        return {c.operand(1).dtype, rules::broadcast_operands(c)};
    },
    .scalar = [](const ScalarContext& c) -> Scalars { return {ir::select(c.x[0], c.x[1], c.x[2])}; },
    .gradient = linear([](const GradientContext& g, std::span<const Value> ct, std::size_t operand) {
        const Value zero = functions::number(ct[0], 0);
        return operand == 1 ? select(g.x[0], ct[0], zero) : select(g.x[0], zero, ct[0]);
    }),
    .samples = [](Dtype d) { return samples::broadcast({Dtype::boolean, d, d}); },
};

inline constexpr DtypeAttribute<> convert_dtype{"dtype", "of the result"};
inline constexpr AttributeDef convert_attributes[] = {convert_dtype};
inline constexpr OpDef convert = {
    .name = "convert",
    .doc =
        "x in another dtype. To a float rounds once, to nearest even; float to integer truncates and saturates, NaN\n"
        "gives 0; integers wrap; to bool: x != 0, so of NaN true; from bool 0 or 1.",
    .arity = 1,
    .lowering = Lowering::elementwise,
    .dtypes = any_dtype,
    .attributes = convert_attributes,
    .type = [](TypeContext& c) -> Type { return {c.attribute(convert_dtype), c.operand(0).shape}; },
    .scalar = [](const ScalarContext& c) -> Scalars { return {c.b.convert(c.x[0], c.result)}; },
    .rewrite = [](const Node& n) { return n.operands[0].type() == n.results[0] ? n.operands[0] : Value{}; },
    .gradient = linear([](const GradientContext& g, std::span<const Value> ct, std::size_t) {
        return functions::convert(ct[0], g.x[0].type().dtype);
    }),
    .samples = [](Dtype d) { return samples::with_attributes(samples::broadcast({d}), {d}); },
};

inline constexpr OpDef stop_gradient = {
    .name = "stop_gradient",
    .doc = "x, taken as a constant by differentiation.",
    .arity = 1,
    .lowering = Lowering::elementwise,
    .dtypes = any_dtype,
    .type = rules::elementwise,
    .scalar = [](const ScalarContext& c) -> Scalars { return {c.x[0]}; },
    .gradient = stopped(),
};

inline constexpr auto comparisons = std::to_array<const OpDef*>(
    {&eq, &ne, &lt, &le, &gt, &ge, &logical_and, &logical_or, &logical_not, &select, &convert, &stop_gradient});

}  // namespace lathe::ir::ops
