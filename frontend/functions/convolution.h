// Convolutions. Images are [images, channels, extents..], or [channels, extents..] for a single one.
#pragma once

#include <optional>

#include "frontend/functions/per_extent.h"
#include "frontend/tensor/tensor.h"

namespace lathe {

struct ConvolutionOptions {
    PerExtent stride = 1;     // from one window to the next
    Padding padding = 0;      // of x, with zeros
    PerExtent dilation = 1;   // from one element of a window to the next
    std::int64_t groups = 1;  // of channels that have nothing to do with each other
};
// Products of windows of x with w, summed over the channels and elements of a window: the sum is that of a product of
// matrices over (channel, element), flattened. w is [outputs, channels / groups, sizes..], and is not reversed.
Tensor conv1d(const Tensor& x, const Tensor& w, ConvolutionOptions options = {}, Where where = Where::current());
Tensor conv2d(const Tensor& x, const Tensor& w, ConvolutionOptions options = {}, Where where = Where::current());
Tensor conv3d(const Tensor& x, const Tensor& w, ConvolutionOptions options = {}, Where where = Where::current());
// The same with a number for each output added.
Tensor conv1d(const Tensor& x, const Tensor& w, const Tensor& bias, ConvolutionOptions options = {},
              Where where = Where::current());
Tensor conv2d(const Tensor& x, const Tensor& w, const Tensor& bias, ConvolutionOptions options = {},
              Where where = Where::current());
Tensor conv3d(const Tensor& x, const Tensor& w, const Tensor& bias, ConvolutionOptions options = {},
              Where where = Where::current());

struct TransposedConvolutionOptions {
    PerExtent stride = 1;
    PerExtent padding = 0;         // that the convolution, whose transpose it is, adds to what is here the result
    PerExtent output_padding = 0;  // more elements of the result at the end
    PerExtent dilation = 1;
    std::int64_t groups = 1;
};
// What the convolution's derivative by its images makes of x: each element laid out as a window. w is
// [channels, outputs / groups, sizes..].
Tensor conv_transpose1d(const Tensor& x, const Tensor& w, TransposedConvolutionOptions options = {},
                        Where where = Where::current());
Tensor conv_transpose2d(const Tensor& x, const Tensor& w, TransposedConvolutionOptions options = {},
                        Where where = Where::current());
Tensor conv_transpose3d(const Tensor& x, const Tensor& w, TransposedConvolutionOptions options = {},
                        Where where = Where::current());
Tensor conv_transpose1d(const Tensor& x, const Tensor& w, const Tensor& bias, TransposedConvolutionOptions options = {},
                        Where where = Where::current());
Tensor conv_transpose2d(const Tensor& x, const Tensor& w, const Tensor& bias, TransposedConvolutionOptions options = {},
                        Where where = Where::current());
Tensor conv_transpose3d(const Tensor& x, const Tensor& w, const Tensor& bias, TransposedConvolutionOptions options = {},
                        Where where = Where::current());

}  // namespace lathe
