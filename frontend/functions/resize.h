// Images in another size.
#pragma once

#include <vector>

#include "frontend/functions/per_extent.h"
#include "frontend/tensor/tensor.h"

namespace lathe {

enum class InterpolationMode : std::uint8_t {
    nearest,        // the element at floor(i * scale)
    nearest_exact,  // the element at floor((i + 1/2) * scale)
    linear,         // along each extent: bilinear, trilinear
    cubic,          // along each extent: bicubic, with Keys' kernel and a = -3/4
    area,           // the mean of the elements that a new one covers
};
struct InterpolateOptions {
    PerExtent size = {};                    // of the result; or
    std::vector<double> scale_factor = {};  // of each extent, or one for all of them
    InterpolationMode mode = InterpolationMode::nearest;
    bool align_corners = false;           // first and last elements at the same places, not the outermost edges
    bool recompute_scale_factor = false;  // distances follow from the sizes, not from the factors
};
// x is [images, channels, extents..].
Tensor interpolate(const Tensor& x, const InterpolateOptions& options, Where where = Where::current());

enum class GridPaddingMode : std::uint8_t {
    zeros,       // beyond the image
    border,      // the nearest element of the image
    reflection,  // mirrored at the edges, or at the outermost elements where corners are aligned
};
struct GridSampleOptions {
    bool nearest = false;  // the nearest element, of two the even one; else linear between neighbours
    bool cubic = false;    // of images of two extents: by Keys' kernel, a = -3/4, over four neighbours along each
    GridPaddingMode padding = GridPaddingMode::zeros;
    bool align_corners = false;  // -1 and 1 are the outermost elements, not the edges
};
// x [images, channels, extents..], two or three, at places that are data: grid [images, places.., coordinates] in
// [-1, 1], of which the first goes along the last extent. The result is [images, channels, places..].
Tensor grid_sample(const Tensor& x, const Tensor& grid, GridSampleOptions options = {}, Where where = Where::current());

// Channels as elements: [.., c * r^2, h, w] to [.., c, h * r, w * r].
Tensor pixel_shuffle(const Tensor& x, std::int64_t factor, Where where = Where::current());
// And back.
Tensor pixel_unshuffle(const Tensor& x, std::int64_t factor, Where where = Where::current());
// Channels in another order: those of all groups in turn.
Tensor channel_shuffle(const Tensor& x, std::int64_t groups, Where where = Where::current());

}  // namespace lathe
