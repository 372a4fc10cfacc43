#include "frontend/nn/convolution.h"

#include <fmt/format.h>

#include "frontend/nn/init.h"
#include "frontend/nn/layer.h"

namespace lathe::nn {
namespace {

using detail::LocScope;
using detail::refuse;

// Sizes of the weight that the options ask for: the two numbers of channels, and the window.
Shape weight_shape(std::string_view layer, std::int64_t first, std::int64_t second, const PerExtent& kernel,
                   std::size_t extents, std::int64_t groups, Dtype dtype, Where where) {
    require_float_weights(layer, dtype, where);
    detail::require_at_least(layer, "inputs", first, 0, where);
    detail::require_at_least(layer, "outputs", second, 0, where);
    detail::require_at_least(layer, "groups", groups, 1, where);
    if (first % groups != 0 || second % groups != 0)
        refuse(layer, fmt::format("{} and {} channels do not divide into {} groups", first, second, groups), where);
    Shape shape{first, second};
    for (const std::int64_t n : numbers_of(layer, "kernel", kernel, extents, 1, where)) shape.push_back(n);
    return shape;
}

double window_of(const Shape& weight) { return init::fan_of(weight).in; }

}  // namespace

Convolution::Convolution(const Kind& kind, std::int64_t inputs, std::int64_t outputs, const ConvOptions& o,
                         Generator& random, Where where)
    : Module(OfLibrary{}),
      kind_(kind),
      options_{.stride = o.stride, .padding = o.padding, .dilation = o.dilation, .groups = o.groups},
      padding_mode_(o.padding_mode) {
    const LocScope scope(where, kind.layer);
    Shape shape = weight_shape(kind.layer, outputs, inputs, o.kernel, kind.extents, o.groups, o.dtype, where);
    shape[1] = inputs / o.groups;
    const std::vector<std::int64_t> stride = numbers_of(kind.layer, "stride", o.stride, kind.extents, 1, where);
    const std::vector<std::int64_t> dilation = numbers_of(kind.layer, "dilation", o.dilation, kind.extents, 1, where);
    weight = register_parameter("weight", uniform_by_fan(random, shape, window_of(shape), o.dtype));
    bias = register_parameter("bias", o.bias ? uniform_by_fan(random, {outputs}, window_of(shape), o.dtype) : Tensor());
    if (!padding_mode_) return;
    options_.padding = 0;
    if (o.padding.is_same()) {
        for (std::size_t i = 0; i < kind.extents; ++i) {
            if (stride[i] != 1) refuse(kind.layer, "a padding mode and Padding::same() want a stride of 1", where);
            const std::int64_t both = dilation[i] * (shape[i + 2].constant() - 1);
            low_.push_back(both / 2);
            high_.push_back(both - both / 2);
        }
        return;
    }
    const auto amounts = [&](const PerExtent& p) {
        return Shape(numbers_of(kind.layer, "padding", p.values().empty() ? PerExtent(0) : p, kind.extents, 0, where));
    };
    low_ = amounts(o.padding.low());
    high_ = amounts(o.padding.high());
}

Tensor Convolution::forward(const Tensor& x) const {
    Tensor padded = x;
    if (padding_mode_ && x.rank() >= kind_.extents) {
        const std::vector<std::int64_t> none(x.rank() - kind_.extents, 0);
        Shape low(none), high(none);
        for (const Dim d : low_) low.push_back(d);
        for (const Dim d : high_) high.push_back(d);
        padded = pad(x, low, high, *padding_mode_);
    }
    return bias.is_empty() ? kind_.plain(padded, weight, options_, {})
                           : kind_.biased(padded, weight, bias, options_, {});
}

TransposedConvolution::TransposedConvolution(const Kind& kind, std::int64_t inputs, std::int64_t outputs,
                                             const ConvTransposeOptions& o, Generator& random, Where where)
    : Module(OfLibrary{}),
      kind_(kind),
      options_{.stride = o.stride,
               .padding = o.padding,
               .output_padding = o.output_padding,
               .dilation = o.dilation,
               .groups = o.groups} {
    const LocScope scope(where, kind.layer);
    Shape shape = weight_shape(kind.layer, inputs, outputs, o.kernel, kind.extents, o.groups, o.dtype, where);
    shape[1] = outputs / o.groups;
    weight = register_parameter("weight", uniform_by_fan(random, shape, window_of(shape), o.dtype));
    bias = register_parameter("bias", o.bias ? uniform_by_fan(random, {outputs}, window_of(shape), o.dtype) : Tensor());
}

Tensor TransposedConvolution::forward(const Tensor& x) const {
    return bias.is_empty() ? kind_.plain(x, weight, options_, {}) : kind_.biased(x, weight, bias, options_, {});
}

}  // namespace lathe::nn
