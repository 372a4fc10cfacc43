// Sums, products and the like of the elements along one axis up to each, each line of them for itself: no loop nest,
// but functions of the library.
#pragma once

#include "ir/functions/along_axis.h"
#include "ir/ops/lines.h"
#include "ir/ops/rules.h"
#include "ir/ops/samples.h"

namespace lathe::ir::ops {

inline constexpr FlagAttribute<1> chain_reverse{"reverse", "the last element comes first", 0, Presence::optional};
inline constexpr AttributeDef chain_attributes[] = {line_axis, chain_reverse};
HostCall cumsum_call(const CallContext& c);
std::vector<Literal> cumsum_reference(const ReferenceContext& c);

inline constexpr OpDef cumsum = {
    .name = "cumsum",
    .doc =
        "The sums of the elements along an axis up to each. f16 and bf16 accumulate in f32 and round each result "
        "once;\n"
        "signed integers and booleans give i64, unsigned integers u64, and wrap there. The order: a chain from +0 in "
        "each\nblock of 4,096 elements; an element is its chain's sum plus that of all blocks before, which is added\n"
        "up from +0 in their order.",
    .arity = 1,
    .lowering = Lowering::opaque,
    .dtypes = any_dtype,
    .attributes = chain_attributes,
    .type = [](TypeContext& c) -> Type { return {sum_of(c.operand(0).dtype), c.operand(0).shape}; },
    .call = cumsum_call,
    .reference = cumsum_reference,
    .gradient = linear([](const GradientContext& g, std::span<const Value> ct, std::size_t) {
        const Attributes& a = g.node.attributes;
        return cumsum.with({line_axis(a), !chain_reverse(a)}, ct[0]);
    }),
    .samples = samples::lines,
};

// Where the last factor is 0 no factor before matters, so that products in blocks would give NaN beside an overflow.
HostCall cumprod_call(const CallContext& c);
std::vector<Literal> cumprod_reference(const ReferenceContext& c);

inline constexpr OpDef cumprod = {
    .name = "cumprod",
    .doc =
        "The products of the elements along an axis up to each: one chain from 1. f16 and bf16 accumulate in f32 and\n"
        "round each result once; signed integers and booleans give i64, unsigned integers u64, and wrap there.",
    .arity = 1,
    .lowering = Lowering::opaque,
    .dtypes = any_dtype,
    .attributes = chain_attributes,
    .type = [](TypeContext& c) -> Type { return {sum_of(c.operand(0).dtype), c.operand(0).shape}; },
    .call = cumprod_call,
    .reference = cumprod_reference,
    // By an element: what came before it, times what is behind it and takes it in. Nothing is divided by a factor.
    .gradient = only_reverse([](const GradientContext& g, std::span<const Value> ct, std::size_t) {
        const Attributes& a = g.node.attributes;
        return functions::in_accumulators(g.x[0], ct[0], [&](const Value& x, const Value& t) {
            const Value y = cumprod.with({line_axis(a), chain_reverse(a)}, x);
            const Value before = functions::shifted(y, line_axis(a), 1, chain_reverse(a));
            const Value factors = functions::shifted(x, line_axis(a), 0, !chain_reverse(a));
            return mul(linear_recurrence.with({line_axis(a), !chain_reverse(a)}, factors, t), before);
        });
    }),
    .domain = {0.5, 1.5},
    .samples = samples::lines,
};

HostCall cummax_call(const CallContext& c);
std::vector<Literal> cummax_reference(const ReferenceContext& c);

inline constexpr OpDef cummax = {
    .name = "cummax",
    .doc =
        "The greatest of the elements along an axis up to each, and its position, as i64: of equals the last one's. "
        "-0\n"
        "equals 0; NaN is greatest.",
    .arity = 1,
    .lowering = Lowering::opaque,
    .dtypes = numbers,
    .attributes = chain_attributes,
    .type = [](TypeContext& c) -> Type { return c.operand(0); },
    .result_types = [](TypeContext& c) -> Types {
        rules::require_dtype(c, 0, c.op().dtypes);
        return {c.operand(0), {Dtype::i64, c.operand(0).shape}};
    },
    .call = cummax_call,
    .reference = cummax_reference,
    .gradient = jvp([](const GradientContext& g, std::span<const Value> t) {
        return functions::take_along_axis(t[0], g.y[1], line_axis(g.node.attributes));
    }),
    .samples = samples::lines,
};

HostCall linear_recurrence_call(const CallContext& c);
std::vector<Literal> linear_recurrence_reference(const ReferenceContext& c);

inline constexpr OpDef linear_recurrence = {
    .name = "linear_recurrence",
    .doc =
        "y[i] = a[i] * y[i - 1] + b[i] along an axis, where nothing is before the first: y[0] = b[0], whatever a[0] "
        "is.\n"
        "Product and sum are rounded one by one; f16 and bf16 stay f32 from one element to the next.",
    .arity = 2,
    .lowering = Lowering::opaque,
    .dtypes = floats,
    .attributes = chain_attributes,
    .type = [](TypeContext& c) -> Type {
        const Type &a = c.operand(0), &b = c.operand(1);
        rules::require_same_dtype(c, 0, 1);
        rules::require_dtype(c, 0, c.op().dtypes);
        if (a.shape.rank() != b.shape.rank()) c.fail("the ranks differ");
        for (std::size_t i = 0; i < a.shape.rank(); ++i)
            c.require_equal(a.shape[i], b.shape[i], "the shapes differ", static_cast<std::int64_t>(i));
        return a;
    },
    .call = linear_recurrence_call,
    .reference = linear_recurrence_reference,
    // The cotangents obey the recurrence the other way round.
    .gradient = only_reverse([](const GradientContext& g, std::span<const Value> ct, std::size_t operand) {
        const Attributes& a = g.node.attributes;
        const Value factors = functions::shifted(g.x[0], line_axis(a), 0, !chain_reverse(a));
        const Value all = linear_recurrence.with({line_axis(a), !chain_reverse(a)}, factors, ct[0]);
        return operand == 1 ? all : mul(all, functions::shifted(g.y[0], line_axis(a), 0, chain_reverse(a)));
    }),
    .domain = {-1, 1},
    .samples =
        [](Dtype d) {
            std::vector<Sample> all = samples::lines(d);
            for (Sample& s : all) s.operands.push_back(s.operands[0]);
            return all;
        },
};

inline constexpr auto scans = std::to_array<const OpDef*>({&cumsum, &cumprod, &cummax, &linear_recurrence});

}  // namespace lathe::ir::ops
