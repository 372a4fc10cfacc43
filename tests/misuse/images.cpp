#include "frontend/functions/functions.h"
#include "tests/misuse/functions.h"

namespace lathe::misuse {

void add_images(Table& table) {
    // Of one, two and three extents.
    const auto convolution = [&](const std::string& name, auto f, auto with_bias) {
        table.add(name, 2, [f](const Tensors& t, Where w) { return f(t[0], t[1], {}, w); });
        table.add(name, 3, [=](const Tensors& t, Where w) { return with_bias(t[0], t[1], t[2], {}, w); });
        for (const std::int64_t n : wrong_numbers) {
            table.add(name, 2, [=](const Tensors& t, Where w) { return f(t[0], t[1], {.stride = n}, w); });
            table.add(name, 2, [=](const Tensors& t, Where w) { return f(t[0], t[1], {.padding = n}, w); });
            table.add(name, 2, [=](const Tensors& t, Where w) { return f(t[0], t[1], {.dilation = n}, w); });
            table.add(name, 2, [=](const Tensors& t, Where w) { return f(t[0], t[1], {.groups = n}, w); });
        }
        table.add(name, 2, [=](const Tensors& t, Where w) { return f(t[0], t[1], {.stride = {1, 1, 1, 1}}, w); });
    };
    using Convolution = Tensor (*)(const Tensor&, const Tensor&, ConvolutionOptions, Where);
    using Biased = Tensor (*)(const Tensor&, const Tensor&, const Tensor&, ConvolutionOptions, Where);
    convolution("conv1d", Convolution(conv1d), Biased(conv1d));
    convolution("conv2d", Convolution(conv2d), Biased(conv2d));
    convolution("conv3d", Convolution(conv3d), Biased(conv3d));
    using Transposed = Tensor (*)(const Tensor&, const Tensor&, TransposedConvolutionOptions, Where);
    using BiasedTransposed =
        Tensor (*)(const Tensor&, const Tensor&, const Tensor&, TransposedConvolutionOptions, Where);
    convolution("conv_transpose1d", Transposed(conv_transpose1d), BiasedTransposed(conv_transpose1d));
    convolution("conv_transpose2d", Transposed(conv_transpose2d), BiasedTransposed(conv_transpose2d));
    convolution("conv_transpose3d", Transposed(conv_transpose3d), BiasedTransposed(conv_transpose3d));
    table.add("conv_transpose2d", 2,
              [](const Tensors& t, Where w) { return conv_transpose2d(t[0], t[1], {.output_padding = 1}, w); });
    // Biases, where images and windows fit.
    table.add("conv2d", 1,
              [](const Tensors& t, Where w) { return conv2d(zeros({1, 1, 2, 2}), zeros({3, 1, 1, 1}), t[0], {}, w); });
    table.add("conv_transpose2d", 1, [](const Tensors& t, Where w) {
        return conv_transpose2d(zeros({1, 1, 2, 2}), zeros({1, 3, 1, 1}), t[0], {}, w);
    });
    const auto pool = [&](const std::string& name, auto f) {
        for (const std::int64_t n : wrong_numbers) {
            table.add(name, 1, [=](const Tensors& t, Where w) { return f(t[0], n, {}, w); });
            table.add(name, 1, [=](const Tensors& t, Where w) { return f(t[0], 1, {.stride = n}, w); });
        }
        table.add(name, 1, [=](const Tensors& t, Where w) { return f(t[0], PerExtent{1, 1, 1, 1}, {}, w); });
    };
    const auto padded = [&](const std::string& name, auto f) {
        pool(name, f);
        for (const std::int64_t n : wrong_numbers)
            table.add(name, 1, [=](const Tensors& t, Where w) { return f(t[0], 2, {.padding = n}, w); });
    };
    const auto max_pool = [&](const std::string& name, auto f) {
        padded(name, f);
        for (const std::int64_t n : wrong_numbers)
            table.add(name, 1, [=](const Tensors& t, Where w) { return f(t[0], 2, {.dilation = n}, w); });
    };
    max_pool("max_pool1d", max_pool1d);
    max_pool("max_pool2d", max_pool2d);
    max_pool("max_pool3d", max_pool3d);
    const auto first_of = [](auto f) {
        return
            [f](const Tensor& x, const PerExtent& size, MaxPoolOptions o, Where w) { return f(x, size, o, w).first; };
    };
    max_pool("max_pool1d_with_indices", first_of(max_pool1d_with_indices));
    max_pool("max_pool2d_with_indices", first_of(max_pool2d_with_indices));
    max_pool("max_pool3d_with_indices", first_of(max_pool3d_with_indices));
    padded("avg_pool1d", avg_pool1d);
    padded("avg_pool2d", avg_pool2d);
    padded("avg_pool3d", avg_pool3d);
    for (const double p : wrong_reals) {
        const auto power = [p](auto f) {
            return [=](const Tensor& x, const PerExtent& size, PowerPoolOptions o, Where w) {
                return f(x, p, size, o, w);
            };
        };
        pool("lp_pool1d", power(lp_pool1d));
        pool("lp_pool2d", power(lp_pool2d));
    }
    const auto adaptive = [&](const std::string& name, auto f) {
        for (const std::int64_t n : wrong_numbers)
            table.add(name, 1, [=](const Tensors& t, Where w) { return f(t[0], n, w); });
        table.add(name, 1, [=](const Tensors& t, Where w) { return f(t[0], PerExtent{1, 1, 1, 1}, w); });
    };
    adaptive("adaptive_avg_pool1d", adaptive_avg_pool1d);
    adaptive("adaptive_avg_pool2d", adaptive_avg_pool2d);
    adaptive("adaptive_avg_pool3d", adaptive_avg_pool3d);
    adaptive("adaptive_max_pool1d", adaptive_max_pool1d);
    adaptive("adaptive_max_pool2d", adaptive_max_pool2d);
    adaptive("adaptive_max_pool3d", adaptive_max_pool3d);
    const auto second_of = [](auto f) {
        return [f](const Tensor& x, const PerExtent& count, Where w) { return f(x, count, w).second; };
    };
    adaptive("adaptive_max_pool1d_with_indices", second_of(adaptive_max_pool1d_with_indices));
    adaptive("adaptive_max_pool2d_with_indices", second_of(adaptive_max_pool2d_with_indices));
    adaptive("adaptive_max_pool3d_with_indices", second_of(adaptive_max_pool3d_with_indices));
    for (const std::int64_t n : wrong_numbers) {
        table.add("max_unpool", 2, [n](const Tensors& t, Where w) { return max_unpool(t[0], t[1], {n, 4}, w); });
        table.add("unfold", 1, [n](const Tensors& t, Where w) { return unfold(t[0], n, {}, w); });
        table.add("unfold", 1, [n](const Tensors& t, Where w) { return unfold(t[0], 1, {.stride = n}, w); });
        table.add("unfold", 1, [n](const Tensors& t, Where w) { return unfold(t[0], 1, {.padding = n}, w); });
        table.add("unfold", 1, [n](const Tensors& t, Where w) { return unfold(t[0], 1, {.dilation = n}, w); });
        table.add("fold", 1, [n](const Tensors& t, Where w) { return fold(t[0], {2, 2}, {n, 1}, {}, w); });
        table.add("fold", 1, [n](const Tensors& t, Where w) { return fold(t[0], {n, 2}, {1, 1}, {}, w); });
        table.add("interpolate", 1, [n](const Tensors& t, Where w) { return interpolate(t[0], {.size = n}, w); });
        table.add("pixel_shuffle", 1, [n](const Tensors& t, Where w) { return pixel_shuffle(t[0], n, w); });
        table.add("pixel_unshuffle", 1, [n](const Tensors& t, Where w) { return pixel_unshuffle(t[0], n, w); });
        table.add("channel_shuffle", 1, [n](const Tensors& t, Where w) { return channel_shuffle(t[0], n, w); });
        table.add("group_norm", 1, [n](const Tensors& t, Where w) { return group_norm(t[0], n, {}, w); });
        table.add("local_response_norm", 1,
                  [n](const Tensors& t, Where w) { return local_response_norm(t[0], n, {}, w); });
        table.add("quantize", 2, [n](const Tensors& t, Where w) { return quantize(t[0], t[1], {.axis = n}, w); });
        table.add("dequantize", 2, [n](const Tensors& t, Where w) { return dequantize(t[0], t[1], {.axis = n}, w); });
        table.add("fake_quantize", 2,
                  [n](const Tensors& t, Where w) { return fake_quantize(t[0], t[1], {.axis = n}, w); });
    }
    table.add("max_unpool", 2, [](const Tensors& t, Where w) { return max_unpool(t[0], t[1], {}, w); });
    table.add("max_unpool", 2, [](const Tensors& t, Where w) { return max_unpool(t[0], t[1], {2, 2, 2, 2}, w); });
    for (const InterpolationMode mode :
         {InterpolationMode::linear, InterpolationMode::cubic, InterpolationMode::area}) {
        table.add("interpolate", 1,
                  [=](const Tensors& t, Where w) { return interpolate(t[0], {.size = 3, .mode = mode}, w); });
        table.add("interpolate", 1, [=](const Tensors& t, Where w) {
            return interpolate(t[0], {.scale_factor = {2}, .mode = mode, .align_corners = true}, w);
        });
    }
    for (const double factor : wrong_reals)
        table.add("interpolate", 1,
                  [=](const Tensors& t, Where w) { return interpolate(t[0], {.scale_factor = {factor}}, w); });
    table.add("interpolate", 1, [](const Tensors& t, Where w) { return interpolate(t[0], {}, w); });
    table.add("interpolate", 1,
              [](const Tensors& t, Where w) { return interpolate(t[0], {.scale_factor = {2, 2, 2, 2}}, w); });
    table.add("grid_sample", 2, [](const Tensors& t, Where w) { return grid_sample(t[0], t[1], {}, w); });
    table.add("grid_sample", 2,
              [](const Tensors& t, Where w) { return grid_sample(t[0], t[1], {.nearest = true, .cubic = true}, w); });
    table.add("grid_sample", 1,
              [](const Tensors& t, Where w) { return grid_sample(zeros({2, 1, 4, 4}), t[0], {}, w); });
    table.add("batch_norm", 1, [](const Tensors& t, Where w) { return batch_norm(t[0], {}, w); });
    table.add("batch_norm", 2, [](const Tensors& t, Where w) { return batch_norm(t[0], {.scale = t[1]}, w); });
    table.add("batch_norm", 3, [](const Tensors& t, Where w) { return batch_norm(t[0], t[1], t[2], {}, w); });
    table.add("group_norm", 2, [](const Tensors& t, Where w) { return group_norm(t[0], 1, {.offset = t[1]}, w); });
    table.add("instance_norm", 2, [](const Tensors& t, Where w) { return instance_norm(t[0], {.scale = t[1]}, w); });
    table.add("instance_norm", 1, [](const Tensors& t, Where w) { return instance_norm(t[0], {}, w); });
    table.add("quantize", 2, [](const Tensors& t, Where w) { return quantize(t[0], t[1], {.dtype = Dtype::f32}, w); });
    table.add("quantize", 2, [](const Tensors& t, Where w) { return quantize(t[0], t[1], {.dtype = Dtype::i64}, w); });
    table.add("quantize", 3, [](const Tensors& t, Where w) { return quantize(t[0], t[1], {.zero = t[2]}, w); });
    table.add("fake_quantize", 2,
              [](const Tensors& t, Where w) { return fake_quantize(t[0], t[1], {.dtype = Dtype::f32}, w); });
}

}  // namespace lathe::misuse
