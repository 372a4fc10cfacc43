// Pooling, and images as columns of windows. The extents are the last one, two or three; what is before them is a
// batch.
#pragma once

#include <utility>

#include "frontend/functions/per_extent.h"
#include "frontend/tensor/tensor.h"

namespace lathe {

struct MaxPoolOptions {
    PerExtent stride = {};   // from one window to the next; the window's size where it is left out
    PerExtent padding = 0;   // by elements that are no candidates
    PerExtent dilation = 1;  // from one element of a window to the next
    bool ceil_mode = false;  // whether a last window that reaches beyond the end counts, too
};
// The greatest elements of windows, NaN where there is one. The derivative belongs to the first of equals.
Tensor max_pool1d(const Tensor& x, const PerExtent& size, const MaxPoolOptions& options = {},
                  Where where = Where::current());
Tensor max_pool2d(const Tensor& x, const PerExtent& size, const MaxPoolOptions& options = {},
                  Where where = Where::current());
Tensor max_pool3d(const Tensor& x, const PerExtent& size, const MaxPoolOptions& options = {},
                  Where where = Where::current());
// And their places among the pooled extents, flattened, as i64.
std::pair<Tensor, Tensor> max_pool1d_with_indices(const Tensor& x, const PerExtent& size,
                                                  const MaxPoolOptions& options = {}, Where where = Where::current());
std::pair<Tensor, Tensor> max_pool2d_with_indices(const Tensor& x, const PerExtent& size,
                                                  const MaxPoolOptions& options = {}, Where where = Where::current());
std::pair<Tensor, Tensor> max_pool3d_with_indices(const Tensor& x, const PerExtent& size,
                                                  const MaxPoolOptions& options = {}, Where where = Where::current());

struct AveragePoolOptions {
    PerExtent stride = {};
    PerExtent padding = 0;  // with zeros
    bool ceil_mode = false;
    bool count_include_pad = true;  // whether zeros of the padding count in the mean
    double divisor_override = 0;    // what sums are divided by, if not 0
};
// The means of windows.
Tensor avg_pool1d(const Tensor& x, const PerExtent& size, const AveragePoolOptions& options = {},
                  Where where = Where::current());
Tensor avg_pool2d(const Tensor& x, const PerExtent& size, const AveragePoolOptions& options = {},
                  Where where = Where::current());
Tensor avg_pool3d(const Tensor& x, const PerExtent& size, const AveragePoolOptions& options = {},
                  Where where = Where::current());

struct PowerPoolOptions {
    PerExtent stride = {};
    bool ceil_mode = false;
};
// (sum of |x|^p over the window)^(1/p)
Tensor lp_pool1d(const Tensor& x, double p, const PerExtent& size, const PowerPoolOptions& options = {},
                 Where where = Where::current());
Tensor lp_pool2d(const Tensor& x, double p, const PerExtent& size, const PowerPoolOptions& options = {},
                 Where where = Where::current());

// So many windows along each extent; window i is from floor(i * extent / count) to ceil((i + 1) * extent / count).
Tensor adaptive_avg_pool1d(const Tensor& x, const PerExtent& count, Where where = Where::current());
Tensor adaptive_avg_pool2d(const Tensor& x, const PerExtent& count, Where where = Where::current());
Tensor adaptive_avg_pool3d(const Tensor& x, const PerExtent& count, Where where = Where::current());
Tensor adaptive_max_pool1d(const Tensor& x, const PerExtent& count, Where where = Where::current());
Tensor adaptive_max_pool2d(const Tensor& x, const PerExtent& count, Where where = Where::current());
Tensor adaptive_max_pool3d(const Tensor& x, const PerExtent& count, Where where = Where::current());

// And their places among the pooled extents, flattened, as i64.
std::pair<Tensor, Tensor> adaptive_max_pool1d_with_indices(const Tensor& x, const PerExtent& count,
                                                           Where where = Where::current());
std::pair<Tensor, Tensor> adaptive_max_pool2d_with_indices(const Tensor& x, const PerExtent& count,
                                                           Where where = Where::current());
std::pair<Tensor, Tensor> adaptive_max_pool3d_with_indices(const Tensor& x, const PerExtent& count,
                                                           Where where = Where::current());
// Back from the greatest elements of windows and their places: extents, one to three, in which each element of x is
// where `indices` says, and all others are 0. Of several at a place the last one stays.
Tensor max_unpool(const Tensor& x, const Tensor& indices, const Shape& extents, Where where = Where::current());

struct UnfoldOptions {
    PerExtent stride = 1;
    PerExtent padding = 0;  // with zeros
    PerExtent dilation = 1;
};
// Windows as columns: [images, channels, extents..] to [images, channels * elements of a window, windows].
Tensor unfold(const Tensor& x, const PerExtent& size, UnfoldOptions options = {}, Where where = Where::current());
// And back, to images of these extents: what several windows have of an element is added.
Tensor fold(const Tensor& x, const PerExtent& extents, const PerExtent& size, UnfoldOptions options = {},
            Where where = Where::current());

}  // namespace lathe
