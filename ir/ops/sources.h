// Values that exist before anything is computed, and the index.
#pragma once

#include "ir/ops/forward.h"
#include "ir/ops/rules.h"

namespace lathe::ir::ops {

inline constexpr ShapeAttribute<0> parameter_shape{"shape", "of the values that will come"};
inline constexpr DtypeAttribute<1> parameter_dtype{"dtype", "of the values that will come"};
inline constexpr FlagAttribute<2> parameter_is_steady{
    "steady", "whether it is the same in most runs: what may be kept from one to the next is"};
inline constexpr AttributeDef parameter_attributes[] = {parameter_shape, parameter_dtype, parameter_is_steady};
inline constexpr OpDef parameter = {
    .name = "parameter",
    .doc = "An input of the graph.",
    .arity = 0,
    .lowering = Lowering::source,
    .dtypes = any_dtype,
    .attributes = parameter_attributes,
    .type = [](TypeContext& c) -> Type { return {c.attribute(parameter_dtype), c.attribute(parameter_shape)}; },
    .gradient = no_grad("it has no operands"),
};

inline constexpr LiteralAttribute<> constant_value{"value", "the type and the elements"};
inline constexpr AttributeDef constant_attributes[] = {constant_value};
inline constexpr OpDef constant = {
    .name = "constant",
    .doc = "A literal.",
    .arity = 0,
    .lowering = Lowering::source,
    .dtypes = any_dtype,
    .attributes = constant_attributes,
    .type = [](TypeContext& c) -> Type { return c.attribute(constant_value).type; },
    .literal = [](std::span<const Attribute> attributes) -> const Literal& { return constant_value(attributes); },
    .gradient = no_grad("it has no operands"),
};

inline constexpr ShapeAttribute<0> iota_shape{"shape", "of the result"};
inline constexpr AxisAttribute<1> iota_axis{"axis", "along which it counts", AttributeDef::of_shape,
                                            Presence::optional};
inline constexpr DtypeAttribute<2> iota_dtype{"dtype", "a number's"};
inline constexpr AttributeDef iota_attributes[] = {iota_shape, iota_axis, iota_dtype};
inline constexpr OpDef iota = {
    .name = "iota",
    .doc = "y[i] = i[axis], converted to the dtype.",
    .arity = 0,
    .lowering = Lowering::index,
    .dtypes = numbers,
    .attributes = iota_attributes,
    .type = [](TypeContext& c) -> Type {
        const Dtype dtype = c.attribute(iota_dtype);
        if (!numbers.contains(dtype)) c.fail("dtype is bool, which does not count");
        const Shape& shape = c.attribute(iota_shape);
        for (Dim d : shape) rules::require_extent(c, d, "an extent is negative");
        return {dtype, shape};
    },
    .scalar = [](const ScalarContext& c) -> Scalars { return {c.b.convert(c.x[0], c.result)}; },
    .axes = [](std::span<const Type>, std::span<const Attribute> attributes) -> Integers {
        return {iota_axis(attributes)};
    },
    .gradient = no_grad("it has no operands"),
    .samples = [](Dtype d) -> std::vector<Sample> {
        return {{{}, {Shape{5}, std::int64_t{0}, d}},
                {{}, {Shape{2, 3}, std::int64_t{1}, d}},
                {{}, {Shape{0, 2}, std::int64_t{0}, d}}};
    },
};

inline constexpr auto sources = std::to_array<const OpDef*>({&parameter, &constant, &iota});

}  // namespace lathe::ir::ops
