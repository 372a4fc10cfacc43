// Normalisation: see functions/normalization.h for what is computed.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "frontend/functions/normalization.h"
#include "frontend/nn/function_module.h"

namespace lathe::nn {

struct BatchNormOptions {
    double epsilon = 1e-5;
    // How much of a running statistic a batch replaces; without it they are means over all batches.
    std::optional<double> momentum = 0.1;
    bool affine = true;               // with a scale and an offset that are trained
    bool track_running_stats = true;  // else a batch is normalised by its own statistics in evaluation, too
    Dtype dtype = Dtype::f32;
};

// Over all images and extents, for each channel: by the statistics of the batch in training, and by running ones, which
// training sets, in evaluation. The running variance is that of a sample: divided by one less than the number of
// elements.
class BatchNorm : public Module {
public:
    Parameter weight, bias;            // [channels]; empty if not affine
    Buffer running_mean, running_var;  // [channels]; empty if not tracked
    Buffer num_batches_tracked;        // i64 of rank 0

protected:
    BatchNorm(std::string_view layer, std::size_t extents, std::int64_t channels, const BatchNormOptions& options,
              Where where);

private:
    Tensor forward(const Tensor& x) const final;
    std::string_view layer_;
    std::size_t extents_;
    BatchNormOptions options_;
};
// [images, channels], or with one extent.
class BatchNorm1d final : public BatchNorm {
public:
    explicit BatchNorm1d(std::int64_t channels, const BatchNormOptions& options = {}, Where where = Where::current())
        : BatchNorm("BatchNorm1d", 1, channels, options, where) {}
};
class BatchNorm2d final : public BatchNorm {
public:
    explicit BatchNorm2d(std::int64_t channels, const BatchNormOptions& options = {}, Where where = Where::current())
        : BatchNorm("BatchNorm2d", 2, channels, options, where) {}
};
class BatchNorm3d final : public BatchNorm {
public:
    explicit BatchNorm3d(std::int64_t channels, const BatchNormOptions& options = {}, Where where = Where::current())
        : BatchNorm("BatchNorm3d", 3, channels, options, where) {}
};

struct LayerNormOptions {
    double epsilon = 1e-5;
    bool affine = true;
    bool bias = true;  // with an offset, too, where affine
    Dtype dtype = Dtype::f32;
};
// Over the last axes, which have these extents.
class LayerNorm final : public Module {
public:
    explicit LayerNorm(std::vector<std::int64_t> extents, const LayerNormOptions& options = {},
                       Where where = Where::current());
    explicit LayerNorm(std::int64_t extent, const LayerNormOptions& options = {}, Where where = Where::current())
        : LayerNorm(std::vector{extent}, options, where) {}

    Parameter weight, bias;  // of the extents

private:
    Tensor forward(const Tensor& x) const override;
    std::vector<std::int64_t> extents_;
    double epsilon_;
};

struct RMSNormOptions {
    std::optional<double> epsilon = {};  // without it the distance from 1 to the next number of the dtype
    bool affine = true;
    Dtype dtype = Dtype::f32;
};
class RMSNorm final : public Module {
public:
    explicit RMSNorm(std::vector<std::int64_t> extents, const RMSNormOptions& options = {},
                     Where where = Where::current());
    explicit RMSNorm(std::int64_t extent, const RMSNormOptions& options = {}, Where where = Where::current())
        : RMSNorm(std::vector{extent}, options, where) {}

    Parameter weight;  // of the extents

private:
    Tensor forward(const Tensor& x) const override;
    std::vector<std::int64_t> extents_;
    double epsilon_;
};

struct ChannelNormOptions {
    double epsilon = 1e-5;
    bool affine = true;
    Dtype dtype = Dtype::f32;
};
// Over groups of neighbouring channels and all extents, for each image.
class GroupNorm final : public Module {
public:
    GroupNorm(std::int64_t groups, std::int64_t channels, const ChannelNormOptions& options = {},
              Where where = Where::current());

    Parameter weight, bias;  // [channels]

private:
    Tensor forward(const Tensor& x) const override;
    std::int64_t groups_;
    double epsilon_;
};

// Over the extents, for each image and channel, by the image's own statistics in either mode.
class InstanceNorm : public Module {
public:
    Parameter weight, bias;  // [channels]

protected:
    InstanceNorm(std::string_view layer, std::size_t extents, std::int64_t channels, const ChannelNormOptions& options,
                 Where where);

private:
    Tensor forward(const Tensor& x) const final;
    std::string_view layer_;
    std::size_t extents_;
    double epsilon_;
};
class InstanceNorm1d final : public InstanceNorm {
public:
    explicit InstanceNorm1d(std::int64_t channels, const ChannelNormOptions& options = {.affine = false},
                            Where where = Where::current())
        : InstanceNorm("InstanceNorm1d", 1, channels, options, where) {}
};
class InstanceNorm2d final : public InstanceNorm {
public:
    explicit InstanceNorm2d(std::int64_t channels, const ChannelNormOptions& options = {.affine = false},
                            Where where = Where::current())
        : InstanceNorm("InstanceNorm2d", 2, channels, options, where) {}
};
class InstanceNorm3d final : public InstanceNorm {
public:
    explicit InstanceNorm3d(std::int64_t channels, const ChannelNormOptions& options = {.affine = false},
                            Where where = Where::current())
        : InstanceNorm("InstanceNorm3d", 3, channels, options, where) {}
};

class LocalResponseNorm final : public FunctionModule<local_response_norm, std::int64_t, LocalResponseNormOptions> {
public:
    explicit LocalResponseNorm(std::int64_t size, LocalResponseNormOptions options = {})
        : FunctionModule(size, options) {}
};

}  // namespace lathe::nn
