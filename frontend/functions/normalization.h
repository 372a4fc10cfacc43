// Normalisation. Images are [images, channels, extents..].
#pragma once

#include "frontend/tensor/axes.h"
#include "frontend/tensor/tensor.h"

namespace lathe {

struct NormalizationOptions {
    Tensor scale = {}, offset = {};  // what normal values are multiplied by, and what is added then; if not empty
    double epsilon = 1e-5;           // added to the variance
};
// (x - mean) / sqrt(variance + epsilon) over the last axes, or others; scale and offset broadcast.
Tensor layer_norm(const Tensor& x, const Axes& axes = -1, const NormalizationOptions& options = {},
                  Where where = Where::current());
// x / sqrt(mean of x^2 + epsilon); there is no offset.
Tensor rms_norm(const Tensor& x, const Axes& axes = -1, const NormalizationOptions& options = {},
                Where where = Where::current());

// Scale and offset have a number for each channel from here on.
//
// Over all images and extents, for each channel; and the same with a mean and variance that are known.
Tensor batch_norm(const Tensor& x, const NormalizationOptions& options = {}, Where where = Where::current());
Tensor batch_norm(const Tensor& x, const Tensor& mean, const Tensor& variance, const NormalizationOptions& options = {},
                  Where where = Where::current());
// Over groups of neighbouring channels and all extents, for each image.
Tensor group_norm(const Tensor& x, std::int64_t groups, const NormalizationOptions& options = {},
                  Where where = Where::current());
// Over the extents, for each image and channel.
Tensor instance_norm(const Tensor& x, const NormalizationOptions& options = {}, Where where = Where::current());

struct LocalResponseNormOptions {
    double alpha = 1e-4, beta = 0.75, k = 1;
};
// x / (k + alpha * mean of x^2)^beta, with the mean over `size` neighbouring channels; beyond the first and last are
// zeros.
Tensor local_response_norm(const Tensor& x, std::int64_t size, LocalResponseNormOptions options = {},
                           Where where = Where::current());

}  // namespace lathe
