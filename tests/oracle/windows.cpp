// Convolutions, pooling, and images in other sizes.
#include "tests/oracle/call.h"

namespace lathe::oracle {
namespace {

using Tensors = std::vector<Tensor>;

// ---- convolutions

using Convolve = Tensor (*)(const Tensor&, const Tensor&, ConvolutionOptions, Where);
using ConvolveBiased = Tensor (*)(const Tensor&, const Tensor&, const Tensor&, ConvolutionOptions, Where);

PerExtent or_else(std::vector<std::int64_t> given, std::int64_t otherwise) {
    return given.empty() ? PerExtent(otherwise) : PerExtent(std::move(given));
}

template <Convolve plain, ConvolveBiased biased>
Tensors convolve(const Call& c) {
    c.expect_names({"bias", "stride", "padding", "dilation", "groups"});
    ConvolutionOptions o{.stride = or_else(c.integers(3, "stride"), 1),
                         .padding = {},
                         .dilation = or_else(c.integers(5, "dilation"), 1),
                         .groups = c.integer(6, "groups", 1)};
    if (const Json& padding = c.argument(4, "padding"); padding.is_string())
        o.padding = padding == "same" ? Padding::same() : Padding::valid();
    else if (!padding.is_null())
        o.padding = c.integers(4, "padding");
    return {c.has_tensor(2, "bias") ? biased(c.tensor(0), c.tensor(1), c.tensor(2, "bias"), o, Where::current())
                                    : plain(c.tensor(0), c.tensor(1), o, Where::current())};
}

using Transpose = Tensor (*)(const Tensor&, const Tensor&, TransposedConvolutionOptions, Where);
using TransposeBiased = Tensor (*)(const Tensor&, const Tensor&, const Tensor&, TransposedConvolutionOptions, Where);

template <Transpose plain, TransposeBiased biased>
Tensors convolve_transposed(const Call& c) {
    c.expect_names({"bias", "stride", "padding", "output_padding", "groups", "dilation"});
    const TransposedConvolutionOptions o{.stride = or_else(c.integers(3, "stride"), 1),
                                         .padding = or_else(c.integers(4, "padding"), 0),
                                         .output_padding = or_else(c.integers(5, "output_padding"), 0),
                                         .dilation = or_else(c.integers(7, "dilation"), 1),
                                         .groups = c.integer(6, "groups", 1)};
    return {c.has_tensor(2, "bias") ? biased(c.tensor(0), c.tensor(1), c.tensor(2, "bias"), o, Where::current())
                                    : plain(c.tensor(0), c.tensor(1), o, Where::current())};
}

// ---- pooling

template <auto pool, auto with_indices>
Tensors max_pool(const Call& c) {
    c.expect_names({"kernel_size", "stride", "padding", "dilation", "ceil_mode", "return_indices"});
    const MaxPoolOptions o{.stride = c.integers(2, "stride"),
                           .padding = or_else(c.integers(3, "padding"), 0),
                           .dilation = or_else(c.integers(4, "dilation"), 1),
                           .ceil_mode = c.flag(5, "ceil_mode")};
    const PerExtent size = c.integers(1, "kernel_size");
    if (!c.flag(6, "return_indices")) return {pool(c.tensor(0), size, o, Where::current())};
    const auto [values, indices] = with_indices(c.tensor(0), size, o, Where::current());
    return {values, indices};
}

template <auto pool>
Tensors average_pool(const Call& c) {
    c.expect_names({"kernel_size", "stride", "padding", "ceil_mode", "count_include_pad", "divisor_override"});
    return {pool(c.tensor(0), c.integers(1, "kernel_size"),
                 {.stride = c.integers(2, "stride"),
                  .padding = or_else(c.integers(3, "padding"), 0),
                  .ceil_mode = c.flag(4, "ceil_mode"),
                  .count_include_pad = c.flag(5, "count_include_pad", true),
                  .divisor_override = c.number(6, "divisor_override", 0)},
                 Where::current())};
}

// An entry that is left out is the extent itself.
template <auto pool, auto with_indices = nullptr>
Tensors adaptive(const Call& c) {
    c.expect_names({"output_size", "return_indices"});
    const auto pooled = [&](const PerExtent& counts) -> Tensors {
        if constexpr (!std::is_null_pointer_v<decltype(with_indices)>)
            if (c.flag(2, "return_indices")) {
                const auto [values, indices] = with_indices(c.tensor(0), counts, Where::current());
                return {values, indices};
            }
        return {pool(c.tensor(0), counts, Where::current())};
    };
    const Json& size = c.argument(1, "output_size");
    if (size.is_number()) return pooled(size.get<std::int64_t>());
    std::vector<std::int64_t> counts;
    const std::vector<std::int64_t> shape = c.tensor(0).shape();
    for (std::size_t i = 0; i < size.size(); ++i)
        counts.push_back(size[i].is_null() ? shape[shape.size() - size.size() + i] : size[i].get<std::int64_t>());
    return pooled(counts);
}

Tensors unfolded(const Call& c) {
    c.expect_names({"kernel_size", "dilation", "padding", "stride"});
    return {unfold(c.tensor(0), c.integers(1, "kernel_size"),
                   {.stride = or_else(c.integers(4, "stride"), 1),
                    .padding = or_else(c.integers(3, "padding"), 0),
                    .dilation = or_else(c.integers(2, "dilation"), 1)})};
}

// ---- other sizes

Tensors interpolated(const Call& c) {
    c.expect_names({"size", "scale_factor", "mode", "align_corners", "recompute_scale_factor", "antialias"});
    if (c.flag(6, "antialias")) throw NotOurs("anti-aliasing");
    const std::string mode = c.op() == "nn.functional.upsample_bilinear"  ? "bilinear"
                             : c.op() == "nn.functional.upsample_nearest" ? "nearest"
                                                                          : c.text(3, "mode", "nearest");
    InterpolateOptions o{.size = c.integers(1, "size"),
                         .align_corners = c.op() == "nn.functional.upsample_bilinear" || c.flag(4, "align_corners"),
                         .recompute_scale_factor = c.flag(5, "recompute_scale_factor")};
    if (const Json& factor = c.argument(2, "scale_factor"); factor.is_number())
        o.scale_factor = {factor.get<double>()};
    else if (factor.is_array())
        o.scale_factor = factor.get<std::vector<double>>();
    o.mode = mode == "nearest"         ? InterpolationMode::nearest
             : mode == "nearest-exact" ? InterpolationMode::nearest_exact
             : mode == "area"          ? InterpolationMode::area
             : mode == "bicubic"       ? InterpolationMode::cubic
                                       : InterpolationMode::linear;
    return {interpolate(c.tensor(0), o)};
}

Tensors sampled(const Call& c) {
    c.expect_names({"mode", "padding_mode", "align_corners"});
    const std::string mode = c.text(2, "mode", "bilinear"), padding = c.text(3, "padding_mode", "zeros");
    return {grid_sample(c.tensor(0), c.tensor(1),
                        {.nearest = mode == "nearest",
                         .cubic = mode == "bicubic",
                         .padding = padding == "zeros"    ? GridPaddingMode::zeros
                                    : padding == "border" ? GridPaddingMode::border
                                                          : GridPaddingMode::reflection,
                         .align_corners = c.flag(4, "align_corners")})};
}
// With modes as numbers.
Tensors sampled_by_number(const Call& c) {
    const std::int64_t mode = c.integer(2, "interpolation_mode"), padding = c.integer(3, "padding_mode");
    return {grid_sample(c.tensor(0), c.tensor(1),
                        {.nearest = mode == 1,
                         .cubic = mode == 2,
                         .padding = padding == 0   ? GridPaddingMode::zeros
                                    : padding == 1 ? GridPaddingMode::border
                                                   : GridPaddingMode::reflection,
                         .align_corners = c.flag(4, "align_corners")})};
}

}  // namespace

Translations windows() {
    return {
        {"nn.functional.conv1d", convolve<conv1d, conv1d>},
        {"nn.functional.conv2d", convolve<conv2d, conv2d>},
        {"nn.functional.conv3d", convolve<conv3d, conv3d>},
        {"nn.functional.conv_transpose1d", convolve_transposed<conv_transpose1d, conv_transpose1d>},
        {"nn.functional.conv_transpose2d", convolve_transposed<conv_transpose2d, conv_transpose2d>},
        {"nn.functional.conv_transpose3d", convolve_transposed<conv_transpose3d, conv_transpose3d>},
        {"nn.functional.max_pool1d", max_pool<max_pool1d, max_pool1d_with_indices>},
        {"nn.functional.max_pool2d", max_pool<max_pool2d, max_pool2d_with_indices>},
        {"nn.functional.max_pool3d", max_pool<max_pool3d, max_pool3d_with_indices>},
        {"nn.functional.avg_pool1d", average_pool<avg_pool1d>},
        {"nn.functional.avg_pool2d", average_pool<avg_pool2d>},
        {"nn.functional.avg_pool3d", average_pool<avg_pool3d>},
        {"nn.functional.adaptive_avg_pool1d", adaptive<adaptive_avg_pool1d>},
        {"nn.functional.adaptive_avg_pool2d", adaptive<adaptive_avg_pool2d>},
        {"nn.functional.adaptive_avg_pool3d", adaptive<adaptive_avg_pool3d>},
        {"nn.functional.adaptive_max_pool1d", adaptive<adaptive_max_pool1d, adaptive_max_pool1d_with_indices>},
        {"nn.functional.adaptive_max_pool2d", adaptive<adaptive_max_pool2d, adaptive_max_pool2d_with_indices>},
        {"nn.functional.adaptive_max_pool3d", adaptive<adaptive_max_pool3d, adaptive_max_pool3d_with_indices>},
        {"nn.functional.unfold", unfolded},
        {"nn.functional.grid_sample", sampled},
        {"grid_sampler_2d", sampled_by_number},
        {"grid_sampler_3d", sampled_by_number},
        {"nn.functional.interpolate", interpolated},
        {"nn.functional.upsample_bilinear", interpolated},
        {"nn.functional.upsample_nearest", interpolated},
        {"nn.functional.pixel_shuffle",
         [](const Call& c) -> Tensors { return {pixel_shuffle(c.tensor(0), c.integer(1, "upscale_factor"))}; }},
        {"nn.functional.pixel_unshuffle",
         [](const Call& c) -> Tensors { return {pixel_unshuffle(c.tensor(0), c.integer(1, "downscale_factor"))}; }},
        {"nn.functional.channel_shuffle",
         [](const Call& c) -> Tensors { return {channel_shuffle(c.tensor(0), c.integer(1, "groups"))}; }},
    };
}

}  // namespace lathe::oracle
