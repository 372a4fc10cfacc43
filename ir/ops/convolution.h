// Convolutions: contractions of windows. What they expand to is a product of matrices for each image and line of
// windows, so that fusion, tiling and the order of sums are those of products.
#pragma once

#include "ir/ops/rules.h"

namespace lathe::ir::ops {

inline constexpr PaddingAttribute<0> convolution_low{"low", "zeros before the first element, after the dilation", 0,
                                                     Presence::optional};
inline constexpr PaddingAttribute<1> convolution_high{"high", "zeros behind the last element", 0, Presence::optional};
inline constexpr StepsAttribute<2> convolution_stride{"stride", "from one window to the next", 0, Presence::optional};
inline constexpr StepsAttribute<3> convolution_spread{
    "spread", "from one element of x to the next, with zeros between them", 0, Presence::optional};
inline constexpr StepsAttribute<4> convolution_dilation{"dilation", "from one element of a window to the next", 1,
                                                        Presence::optional};
inline constexpr BoundAttribute<5> convolution_groups{"groups", "of channels that have nothing to do with each other"};
inline constexpr AttributeDef convolution_attributes[] = {convolution_low,    convolution_high,     convolution_stride,
                                                          convolution_spread, convolution_dilation, convolution_groups};
Type convolution_type(TypeContext& c);
Values convolution_expansion(const ExpandContext& c);
Value convolution_transpose(const GradientContext& g, std::span<const Value> ct, std::size_t operand);
Value convolution_of_bytes(const BytesContext& c);
// As products by some op: dot_general, or one of the same operands.
Values convolution_by_products(const ExpandContext& c, const OpDef& product);
Value convolution_batch(const BatchContext& c);
std::vector<Sample> convolution_samples(Dtype d);

inline constexpr OpDef convolution = {
    .name = "convolution",
    .doc =
        "y[n, o, i..] = sum over c, k.. of p[n, g + c, i * stride + k * dilation..] * w[o, c, k..], where p is x,\n"
        "spread out and padded with zeros, and g the first channel of o's group. x is [images, channels, extents..],\n"
        "w [outputs, channels of a group, sizes..], one to three extents. The entries of lists for the first two\n"
        "dimensions say nothing. The sum is that of a product over (k.., c), flattened.",
    .arity = 2,
    .lowering = Lowering::composite,
    .dtypes = numbers,
    .attributes = convolution_attributes,
    .type = convolution_type,
    .of_bytes = convolution_of_bytes,
    .expand = convolution_expansion,
    .gradient = multilinear(convolution_transpose),
    .batch = convolution_batch,
    .samples = convolution_samples,
};

inline constexpr auto convolutions = std::to_array<const OpDef*>({&convolution});

}  // namespace lathe::ir::ops
