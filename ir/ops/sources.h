// Values that exist before anything is computed, and the index.
#pragma once

#include "ir/ops/forward.h"
#include "ir/ops/rules.h"

namespace lathe::ir::ops {

inline constexpr AttributeDef parameter_attributes[] = {{"shape", AttributeKind::dims},
                                                        {"dtype", AttributeKind::dtype}};
inline constexpr OpDef parameter = {
    .name = "parameter",
    .doc = "An input of the graph.",
    .arity = 0,
    .lowering = Lowering::source,
    .dtypes = any_dtype,
    .attributes = parameter_attributes,
    .type = [](TypeContext& c) -> Type { return {c.attribute<Dtype>(1), c.attribute<Shape>(0)}; },
    .gradient = no_grad("it has no operands"),
};

inline constexpr AttributeDef constant_attributes[] = {{"value", AttributeKind::literal}};
inline constexpr OpDef constant = {
    .name = "constant",
    .doc = "A literal.",
    .arity = 0,
    .lowering = Lowering::source,
    .dtypes = any_dtype,
    .attributes = constant_attributes,
    .type = [](TypeContext& c) -> Type { return c.attribute<Literal>(0).type; },
    .gradient = no_grad("it has no operands"),
};

inline constexpr AttributeDef iota_attributes[] = {
    {"shape", AttributeKind::dims}, {"axis", AttributeKind::integer}, {"dtype", AttributeKind::dtype}};
inline constexpr OpDef iota = {
    .name = "iota",
    .doc = "y[i] = i[axis], converted to the dtype.",
    .arity = 0,
    .lowering = Lowering::index,
    .dtypes = numbers,
    .attributes = iota_attributes,
    .type = [](TypeContext& c) -> Type {
        const Dtype dtype = c.attribute<Dtype>(2);
        if (!numbers.contains(dtype)) c.fail("counts in a number, not in bool");
        const Shape& shape = c.attribute<Shape>(0);
        if (c.attribute<std::int64_t>(1) < 0) c.fail("the axis is negative");
        c.axis(c.attribute<std::int64_t>(1), shape.rank());
        for (Dim d : shape) rules::require_extent(c, d, "an extent is negative");
        return {dtype, shape};
    },
    .scalar = [](const ScalarContext& c) -> Scalars { return {c.b.convert(c.x[0], c.result)}; },
    .axes = [](std::span<const Type>, std::span<const Attribute> attributes) -> Integers {
        return {std::get<std::int64_t>(attributes[1])};
    },
    .gradient = no_grad("it has no operands"),
};

inline constexpr auto sources = std::to_array<const OpDef*>({&parameter, &constant, &iota});

}  // namespace lathe::ir::ops
