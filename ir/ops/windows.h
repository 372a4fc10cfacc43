// Windows that move along an axis: what convolutions and pooling read.
#pragma once

#include "ir/functions/windows.h"
#include "ir/ops/reductions.h"
#include "ir/ops/rules.h"
#include "ir/ops/views.h"

namespace lathe::ir::ops {

inline constexpr AxisAttribute<0> skew_axis{"axis", "along which the windows move"};
inline constexpr AxisAttribute<1> skew_offsets{"offsets", "along which lie the elements of a window"};
inline constexpr BoundAttribute<2> skew_windows{"windows", "how many there are"};
inline constexpr NumberAttribute<3> skew_stride{"stride", "from one window to the next"};
inline constexpr NumberAttribute<4> skew_dilation{"dilation", "from one element of a window to the next"};
inline constexpr AttributeDef skew_attributes[] = {skew_axis, skew_offsets, skew_windows, skew_stride, skew_dilation};
Type skew_type(TypeContext& c);

inline constexpr OpDef skew = {
    .name = "skew",
    .doc =
        "y[.., i, .., k, ..] = x[.., i * stride + k * dilation, .., k, ..], with i along the axis and k along "
        "offsets.\n"
        "Of what was broadcast along offsets, y[.., i, .., k, ..] is element k of window i.",
    .arity = 1,
    .lowering = Lowering::view,
    .dtypes = any_dtype,
    .attributes = skew_attributes,
    .type = skew_type,
    .view = [](const ViewContext& c, std::span<const Dim> out) -> std::vector<ViewPiece> {
        std::vector<Dim> index(out.begin(), out.end());
        const auto axis = static_cast<std::size_t>(skew_axis(c.attributes));
        const auto offsets = static_cast<std::size_t>(skew_offsets(c.attributes));
        index[axis] = out[axis] * skew_stride(c.attributes) + out[offsets] * skew_dilation(c.attributes);
        return {{.operand = 0, .index = std::move(index), .guards = {}}};
    },
    .gradient = linear([](const GradientContext& g, std::span<const Value> ct, std::size_t) {
        const Attributes& a = g.node.attributes;
        return functions::unskew(ct[0], skew_axis(a), skew_offsets(a),
                                 functions::shape_of(g.x[0])[static_cast<std::size_t>(skew_axis(a))], skew_stride(a),
                                 skew_dilation(a));
    }),
    .samples = [](Dtype d) -> std::vector<Sample> {
        const auto skewed = [d](Shape x, std::int64_t axis, std::int64_t offsets, Dim windows, std::int64_t stride,
                                std::int64_t dilation) {
            return Sample{{{d, x}}, {axis, offsets, Shape{windows}, stride, dilation}};
        };
        return {skewed({6, 3}, 0, 1, 4, 1, 1), skewed({3, 2, 9}, 2, 0, 3, 2, 2), skewed({1, 1}, 0, 1, 1, 1, 1),
                skewed({2, 7, 2}, 1, 2, 2, 3, 1), skewed({0, 4, 2}, 1, 2, 3, 1, 1)};
    },
};

// ---- the greatest element, for derivatives that follow one

inline constexpr AttributeDef first_max_attributes[] = {chosen_axis};
Values first_max_expansion(const ExpandContext& c);
inline constexpr OpDef first_max = {
    .name = "first_max",
    .doc =
        "The greatest element along an axis, NaN if there is one. The derivative belongs to the first of equals; that "
        "of\nreduce_max is shared by all of them.",
    .arity = 1,
    .lowering = Lowering::composite,
    .dtypes = numbers,
    .attributes = first_max_attributes,
    .type = [](TypeContext& c) -> Type {
        rules::require_dtype(c, 0, numbers);
        const Shape& shape = c.operand(0).shape;
        const std::size_t axis = c.axis(chosen_axis);
        Type type{c.operand(0).dtype, drop_axes(shape, {static_cast<std::int64_t>(axis)})};
        c.require_at_most(ir::min(type.shape.element_count(), 1), shape[axis],
                          "nothing has no greatest or least element");
        return type;
    },
    .expand = first_max_expansion,
    .gradient = jvp([](const GradientContext& g, std::span<const Value> t) {
        const Integers axes{chosen_axis(g.node.attributes)};
        const Shape& shape = functions::shape_of(g.x[0]);
        const Value position = functions::expand_dims(argmax.with({axes, false}, g.x[0]), shape, axes);
        const Value counted = functions::source(g.x[0], iota, {shape, axes[0], Dtype::i64});
        const Value chosen = select(eq(counted, position), t[0], functions::number(t[0], 0));
        return functions::convert(functions::sum(chosen, axes), functions::dtype_of(t[0]));
    }),
    .samples = [](Dtype d) -> std::vector<Sample> {
        return {
            {{{d, {4}}}, {std::int64_t{0}}}, {{{d, {3, 1, 4}}}, {std::int64_t{1}}}, {{{d, {2, 5}}}, {std::int64_t{1}}}};
    },
};

inline constexpr auto windows = std::to_array<const OpDef*>({&skew, &first_max});

}  // namespace lathe::ir::ops
