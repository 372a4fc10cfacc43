// How windows move over the extents of images, as the attributes of convolutions and poolings say it.
#pragma once

#include <cstdint>
#include <vector>

#include "frontend/onnx/node_call.h"
#include "ir/functions/pooling.h"

namespace lathe::onnx {

// A number for each extent; `otherwise` for all of them where there is no such attribute. Refuses what is less than
// `least`.
ir::Integers per_extent(const NodeCall& c, std::string_view attribute, std::size_t extents, std::int64_t otherwise,
                        std::int64_t least);

// The attribute auto_pad.
enum class AutoPad : std::uint8_t { notset, same_upper, same_lower, valid };
AutoPad auto_pad_of(const NodeCall& c);

struct Amounts {
    Dim low, high;
};
// A total amount of padding on both sides; what is odd is behind, or before.
Amounts shared_out(Dim total, bool odd_is_low);

// The attributes strides, dilations, pads and auto_pad, for windows of these sizes over the last extents of x.
ir::functions::PoolingGeometry windows_of(const NodeCall& c, const Shape& x, const Shape& sizes);
// The same where the attribute kernel_shape has the sizes, and ceil_mode may round their number up.
ir::functions::PoolingGeometry pooling_windows_of(const NodeCall& c, const Shape& x);

// The convolution of images with windows, as the attributes say it; also of integers. No bias is added.
Tensor convolved(const NodeCall& c, const Tensor& x, const Tensor& w);

}  // namespace lathe::onnx
