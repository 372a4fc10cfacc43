// Tensors in another size, as the operators Resize and Upsample have it: along each axis for itself, a result is a sum
// of neighbours of a place, with weights.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "frontend/onnx/node_call.h"

namespace lathe::onnx::resampling {

// Where an element of the result lies in x: ONNX's coordinate_transformation_mode.
enum class Places : std::uint8_t {
    half_pixel,
    half_pixel_symmetric,
    pytorch_half_pixel,
    align_corners,
    asymmetric,
    tf_half_pixel_for_nn,
    tf_crop_and_resize,
};
enum class Filter : std::uint8_t { nearest, linear, cubic };
enum class Nearest : std::uint8_t { round_prefer_floor, round_prefer_ceil, floor, ceil };

struct Options {
    Places places = Places::asymmetric;
    Filter filter = Filter::nearest;
    Nearest nearest = Nearest::floor;
    double sharpness = -0.75;  // the a of Keys' kernel: "Cubic convolution interpolation for digital image
                               // processing", 1981
    bool exclude_outside = false, antialias = false;
    double extrapolation = 0;
};

// One axis in another size.
struct Line {
    std::size_t axis = 0;
    Dim from, to;
    std::optional<double> scale = {};  // none: what the extents say
    double start = 0, end = 1;         // the part of it that tf_crop_and_resize takes

    bool is_known() const { return from.is_constant() && to.is_constant(); }
    bool is_whole() const { return start == 0 && end == 1; }
};

// x with other extents along these axes. What makes no sense is refused as the node's fault.
Tensor resampled(const NodeCall& c, const Tensor& x, const std::vector<Line>& lines, const Options& o);

}  // namespace lathe::onnx::resampling
