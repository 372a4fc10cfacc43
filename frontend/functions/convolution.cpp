#include "frontend/functions/convolution.h"

#include <string_view>

#include "frontend/functions/operand_checks.h"
#include "frontend/functions/window_arguments.h"
#include "frontend/tensor/record.h"
#include "ir/functions/convolution.h"

namespace lathe {
namespace {

namespace f = ir::functions;
using detail::blaming;
using detail::LocScope;
using detail::numbers_of;
using detail::value_of;

// Images, with an axis for them where x is a single one.
struct Images {
    Tensor x;
    bool single = false;

    Images(std::string_view function, const Tensor& images, const Tensor& w, std::size_t extents)
        : x(value_of(images)), single(images.rank() == extents + 1) {
        if (!single && images.rank() != extents + 2)
            f::refuse(function, fmt::format("wants images of {} axes, or a single one of {}", extents + 2, extents + 1),
                      images);
        if (w.rank() != extents + 2) f::refuse(function, fmt::format("wants windows of {} axes", extents + 2), w);
        f::require_same_dtype(function, images, w);
        if (!single) return;
        ir::Shape shape{1};
        for (Dim d : images.type().shape) shape.push_back(d);
        x = f::reshape(x, shape);
    }
    Tensor as_given(const Tensor& y) const {
        if (!single) return y;
        ir::Shape shape;
        for (std::size_t i = 1; i < y.rank(); ++i) shape.push_back(y.type().shape[i]);
        return f::reshape(y, shape);
    }
};

Tensor biased(std::string_view function, const Tensor& y, const Tensor* bias) {
    if (bias == nullptr) return y;
    detail::require_bias(function, y, 1, *bias);
    return f::with_bias(y, *bias);
}

Tensor convolve(std::string_view function, std::size_t extents, const Tensor& x, const Tensor& w, const Tensor* bias,
                const ConvolutionOptions& o, Where where) {
    return blaming(where, function, [&] {
        const Images images(function, x, w, extents);
        f::WindowGeometry g;
        g.stride = numbers_of(function, "stride", o.stride, extents, 1, x);
        g.dilation = numbers_of(function, "dilation", o.dilation, extents, 1, x);
        detail::require_at_least(function, "groups", o.groups, 1, where);
        if (o.padding.is_same()) {
            for (std::size_t i = 0; i < extents; ++i) {
                const f::SamePadding same(images.x.type().shape[i + 2], w.type().shape[i + 2], g.stride[i],
                                          g.dilation[i]);
                g.low.push_back(same.low);
                g.high.push_back(same.high);
            }
        } else {
            const auto amounts = [&](const PerExtent& p) {
                return detail::shape_of(
                    numbers_of(function, "padding", p.values().empty() ? PerExtent(0) : p, extents, 0, x));
            };
            g.low = amounts(o.padding.low());
            g.high = amounts(o.padding.high());
        }
        return images.as_given(biased(function, f::convolution(images.x, value_of(w), g, o.groups), bias));
    });
}

Tensor convolve_transposed(std::string_view function, std::size_t extents, const Tensor& x, const Tensor& w,
                           const Tensor* bias, const TransposedConvolutionOptions& o, Where where) {
    return blaming(where, function, [&] {
        const Images images(function, x, w, extents);
        f::WindowGeometry g;
        g.stride = numbers_of(function, "stride", o.stride, extents, 1, x);
        g.dilation = numbers_of(function, "dilation", o.dilation, extents, 1, x);
        g.low = g.high = detail::shape_of(numbers_of(function, "padding", o.padding, extents, 0, x));
        const ir::Integers more = numbers_of(function, "output_padding", o.output_padding, extents, 0, x);
        for (std::size_t i = 0; i < extents; ++i)
            if (more[i] >= g.stride[i] && more[i] >= g.dilation[i])
                f::refuse(function,
                          fmt::format("output_padding is {}, not less than the stride, {}, or the dilation, {}",
                                      more[i], g.stride[i], g.dilation[i]),
                          x);
        detail::require_at_least(function, "groups", o.groups, 1, where);
        const Dim channels = w.type().shape[0];
        if (channels.is_constant() && channels.constant() % o.groups != 0)
            f::refuse(function, fmt::format("{} channels do not divide into {} groups", channels.constant(), o.groups),
                      x, w);
        if (!f::may_be_equal(channels, images.x.type().shape[1]))
            f::refuse(function, "the channels of images and windows differ", x, w);
        const Tensor y = f::transposed_convolution(images.x, value_of(w), g, detail::shape_of(more), o.groups);
        return images.as_given(biased(function, y, bias));
    });
}

}  // namespace

Tensor conv1d(const Tensor& x, const Tensor& w, ConvolutionOptions options, Where where) {
    const LocScope scope(where, "conv1d", x, w);
    return convolve("conv1d", 1, x, w, nullptr, options, where);
}
Tensor conv2d(const Tensor& x, const Tensor& w, ConvolutionOptions options, Where where) {
    const LocScope scope(where, "conv2d", x, w);
    return convolve("conv2d", 2, x, w, nullptr, options, where);
}
Tensor conv3d(const Tensor& x, const Tensor& w, ConvolutionOptions options, Where where) {
    const LocScope scope(where, "conv3d", x, w);
    return convolve("conv3d", 3, x, w, nullptr, options, where);
}
Tensor conv1d(const Tensor& x, const Tensor& w, const Tensor& bias, ConvolutionOptions options, Where where) {
    const LocScope scope(where, "conv1d", x, w, bias);
    return convolve("conv1d", 1, x, w, &bias, options, where);
}
Tensor conv2d(const Tensor& x, const Tensor& w, const Tensor& bias, ConvolutionOptions options, Where where) {
    const LocScope scope(where, "conv2d", x, w, bias);
    return convolve("conv2d", 2, x, w, &bias, options, where);
}
Tensor conv3d(const Tensor& x, const Tensor& w, const Tensor& bias, ConvolutionOptions options, Where where) {
    const LocScope scope(where, "conv3d", x, w, bias);
    return convolve("conv3d", 3, x, w, &bias, options, where);
}

Tensor conv_transpose1d(const Tensor& x, const Tensor& w, TransposedConvolutionOptions options, Where where) {
    const LocScope scope(where, "conv_transpose1d", x, w);
    return convolve_transposed("conv_transpose1d", 1, x, w, nullptr, options, where);
}
Tensor conv_transpose2d(const Tensor& x, const Tensor& w, TransposedConvolutionOptions options, Where where) {
    const LocScope scope(where, "conv_transpose2d", x, w);
    return convolve_transposed("conv_transpose2d", 2, x, w, nullptr, options, where);
}
Tensor conv_transpose3d(const Tensor& x, const Tensor& w, TransposedConvolutionOptions options, Where where) {
    const LocScope scope(where, "conv_transpose3d", x, w);
    return convolve_transposed("conv_transpose3d", 3, x, w, nullptr, options, where);
}
Tensor conv_transpose1d(const Tensor& x, const Tensor& w, const Tensor& bias, TransposedConvolutionOptions options,
                        Where where) {
    const LocScope scope(where, "conv_transpose1d", x, w, bias);
    return convolve_transposed("conv_transpose1d", 1, x, w, &bias, options, where);
}
Tensor conv_transpose2d(const Tensor& x, const Tensor& w, const Tensor& bias, TransposedConvolutionOptions options,
                        Where where) {
    const LocScope scope(where, "conv_transpose2d", x, w, bias);
    return convolve_transposed("conv_transpose2d", 2, x, w, &bias, options, where);
}
Tensor conv_transpose3d(const Tensor& x, const Tensor& w, const Tensor& bias, TransposedConvolutionOptions options,
                        Where where) {
    const LocScope scope(where, "conv_transpose3d", x, w, bias);
    return convolve_transposed("conv_transpose3d", 3, x, w, &bias, options, where);
}

}  // namespace lathe
