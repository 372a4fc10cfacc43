#include "frontend/nn/normalization.h"

#include <limits>

#include <fmt/format.h>

#include "frontend/nn/layer.h"

namespace lathe::nn {
namespace {

using detail::LocScope;
using detail::refuse;
using detail::require_at_least;

// The distance from 1 to the next number.
double epsilon_of(Dtype dtype) {
    switch (dtype) {
        case Dtype::f64:
            return std::numeric_limits<double>::epsilon();
        case Dtype::f16:
            return 0x1p-10;
        case Dtype::bf16:
            return 0x1p-7;
        default:
            return std::numeric_limits<float>::epsilon();
    }
}

std::vector<std::int64_t> last_axes(std::size_t count) {
    std::vector<std::int64_t> axes;
    for (std::size_t i = count; i > 0; --i) axes.push_back(-static_cast<std::int64_t>(i));
    return axes;
}

// Scales and offsets broadcast, which would let an input pass whose extents are others.
void require_last_extents(std::string_view layer, const Tensor& x, const std::vector<std::int64_t>& extents) {
    const Shape& shape = x.type().shape;
    bool fits = shape.rank() >= extents.size();
    for (std::size_t i = 0; fits && i < extents.size(); ++i)
        fits = ir::functions::may_be_equal(shape[shape.rank() - extents.size() + i], extents[i]);
    if (!fits) refuse(layer, fmt::format("wants an input whose last extents are {}", fmt::join(extents, ", ")), {});
}

void require_extents(std::string_view layer, const std::vector<std::int64_t>& extents, Where where) {
    if (extents.empty()) refuse(layer, "wants one extent or more", where);
    for (const std::int64_t n : extents) require_at_least(layer, "an extent", n, 0, where);
}

void require_channels(std::string_view layer, const Tensor& x, std::size_t extents, bool single_allowed,
                      bool bare_allowed) {
    const std::size_t rank = x.rank();
    if (rank == extents + 2 || (single_allowed && rank == extents + 1) || (bare_allowed && rank == 2)) return;
    refuse(layer, fmt::format("wants images of {} axes", extents + 2), {});
}

}  // namespace

BatchNorm::BatchNorm(std::string_view layer, std::size_t extents, std::int64_t channels,
                     const BatchNormOptions& options, Where where)
    : Module(OfLibrary{}), layer_(layer), extents_(extents), options_(options) {
    const LocScope scope(where, layer);
    require_float_weights(layer, options.dtype, where);
    require_at_least(layer, "channels", channels, 0, where);
    const auto filled = [&](bool wanted, double value) {
        return wanted ? full({channels}, value, options.dtype) : Tensor();
    };
    weight = register_parameter("weight", filled(options.affine, 1));
    bias = register_parameter("bias", filled(options.affine, 0));
    running_mean = register_buffer("running_mean", filled(options.track_running_stats, 0));
    running_var = register_buffer("running_var", filled(options.track_running_stats, 1));
    num_batches_tracked =
        register_buffer("num_batches_tracked", options.track_running_stats ? zeros({}, Dtype::i64) : Tensor());
}

Tensor BatchNorm::forward(const Tensor& x) const {
    require_channels(layer_, x, extents_, false, extents_ == 1);
    const NormalizationOptions affine{.scale = weight, .offset = bias, .epsilon = options_.epsilon};
    const bool tracked = !running_mean.is_empty();
    const bool training = is_training();
    if (tracked && !training) return batch_norm(x, running_mean, running_var, affine);
    if (training) {
        Dim elements = x.type().shape[0];
        for (std::size_t i = 2; i < x.rank(); ++i) elements *= x.type().shape[i];
        if (elements == Dim(1)) refuse(layer_, "one number for each channel has no variance in training", {});
    }
    if (tracked) {
        std::vector<std::int64_t> axes{0};
        for (std::size_t i = 2; i < x.rank(); ++i) axes.push_back(static_cast<std::int64_t>(i));
        const Tensor batches = num_batches_tracked + 1;
        num_batches_tracked.set(batches);
        const Tensor share =
            options_.momentum ? full({}, *options_.momentum, options_.dtype) : 1.0 / convert(batches, options_.dtype);
        const auto track = [&](const Buffer& running, const Tensor& statistic) {
            running.set(running + share * (statistic - running));
        };
        track(running_mean, mean(x, axes));
        track(running_var, variance(x, axes, {.correction = 1}));
    }
    return batch_norm(x, affine);
}

LayerNorm::LayerNorm(std::vector<std::int64_t> extents, const LayerNormOptions& options, Where where)
    : Module(OfLibrary{}), extents_(std::move(extents)), epsilon_(options.epsilon) {
    const LocScope scope(where, "LayerNorm");
    require_float_weights("LayerNorm", options.dtype, where);
    require_extents("LayerNorm", extents_, where);
    weight = register_parameter("weight", options.affine ? ones(extents_, options.dtype) : Tensor());
    bias = register_parameter("bias", options.affine && options.bias ? zeros(extents_, options.dtype) : Tensor());
}

Tensor LayerNorm::forward(const Tensor& x) const {
    require_last_extents("LayerNorm", x, extents_);
    return layer_norm(x, last_axes(extents_.size()), {.scale = weight, .offset = bias, .epsilon = epsilon_});
}

RMSNorm::RMSNorm(std::vector<std::int64_t> extents, const RMSNormOptions& options, Where where)
    : Module(OfLibrary{}), extents_(std::move(extents)), epsilon_(options.epsilon.value_or(epsilon_of(options.dtype))) {
    const LocScope scope(where, "RMSNorm");
    require_float_weights("RMSNorm", options.dtype, where);
    require_extents("RMSNorm", extents_, where);
    weight = register_parameter("weight", options.affine ? ones(extents_, options.dtype) : Tensor());
}

Tensor RMSNorm::forward(const Tensor& x) const {
    require_last_extents("RMSNorm", x, extents_);
    return rms_norm(x, last_axes(extents_.size()), {.scale = weight, .epsilon = epsilon_});
}

GroupNorm::GroupNorm(std::int64_t groups, std::int64_t channels, const ChannelNormOptions& options, Where where)
    : Module(OfLibrary{}), groups_(groups), epsilon_(options.epsilon) {
    const LocScope scope(where, "GroupNorm");
    require_float_weights("GroupNorm", options.dtype, where);
    require_at_least("GroupNorm", "groups", groups, 1, where);
    require_at_least("GroupNorm", "channels", channels, 0, where);
    if (channels % groups != 0)
        refuse("GroupNorm", fmt::format("{} channels do not divide into {} groups", channels, groups), where);
    weight = register_parameter("weight", options.affine ? ones({channels}, options.dtype) : Tensor());
    bias = register_parameter("bias", options.affine ? zeros({channels}, options.dtype) : Tensor());
}

Tensor GroupNorm::forward(const Tensor& x) const {
    return group_norm(x, groups_, {.scale = weight, .offset = bias, .epsilon = epsilon_});
}

InstanceNorm::InstanceNorm(std::string_view layer, std::size_t extents, std::int64_t channels,
                           const ChannelNormOptions& options, Where where)
    : Module(OfLibrary{}), layer_(layer), extents_(extents), epsilon_(options.epsilon) {
    const LocScope scope(where, layer);
    require_float_weights(layer, options.dtype, where);
    require_at_least(layer, "channels", channels, 0, where);
    weight = register_parameter("weight", options.affine ? ones({channels}, options.dtype) : Tensor());
    bias = register_parameter("bias", options.affine ? zeros({channels}, options.dtype) : Tensor());
}

Tensor InstanceNorm::forward(const Tensor& x) const {
    require_channels(layer_, x, extents_, true, false);
    const NormalizationOptions affine{.scale = weight, .offset = bias, .epsilon = epsilon_};
    if (x.rank() == extents_ + 2) return instance_norm(x, affine);
    return squeeze(instance_norm(unsqueeze(x, 0), affine), 0);
}

}  // namespace lathe::nn
