// Images in another size (see resampling.h), at other places, and with other channels.
#include "frontend/functions/resize.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include <fmt/format.h>

#include "frontend/functions/creation.h"
#include "frontend/functions/elementwise.h"
#include "frontend/functions/movement.h"
#include "frontend/onnx/operators.h"
#include "frontend/onnx/operators/resampling.h"
#include "frontend/tensor/record.h"
#include "ir/functions/basic.h"

namespace lathe::onnx {
namespace {

namespace f = ir::functions;
using resampling::Filter;
using resampling::Line;
using resampling::Nearest;
using resampling::Options;
using resampling::Places;
using resampling::resampled;

// ---- names

template <class E>
struct Named {
    std::string_view name;
    E value;
};
template <class E, std::size_t n>
E value_named(const NodeCall& c, std::string_view attribute, std::string_view otherwise, const Named<E> (&all)[n]) {
    const std::string name = c.text(attribute, otherwise);
    for (const Named<E>& e : all)
        if (e.name == name) return e.value;
    c.refuse(fmt::format("there is no such {}", attribute));
}
constexpr Named<Places> all_places[] = {
    {"half_pixel", Places::half_pixel},
    {"half_pixel_symmetric", Places::half_pixel_symmetric},
    {"pytorch_half_pixel", Places::pytorch_half_pixel},
    {"align_corners", Places::align_corners},
    {"asymmetric", Places::asymmetric},
    {"tf_half_pixel_for_nn", Places::tf_half_pixel_for_nn},
    {"tf_crop_and_resize", Places::tf_crop_and_resize},
};
constexpr Named<Filter> all_filters[] = {
    {"nearest", Filter::nearest},
    {"linear", Filter::linear},
    {"cubic", Filter::cubic},
};
constexpr Named<Nearest> all_nearest[] = {
    {"round_prefer_floor", Nearest::round_prefer_floor},
    {"round_prefer_ceil", Nearest::round_prefer_ceil},
    {"floor", Nearest::floor},
    {"ceil", Nearest::ceil},
};

// ---- sizes

// floor(extent * scale), computed in f32 as the scale is one: 10 * 0.7 is 7.
Dim scaled(const NodeCall& c, Dim extent, double scale) {
    if (!(scale > 0) || !std::isfinite(scale)) c.refuse(fmt::format("a scale is {}", scale));
    if (extent.is_constant()) {
        const float product = static_cast<float>(extent.constant()) * static_cast<float>(scale);
        if (!(product < 1e15F)) c.refuse(fmt::format("a scale is {}", scale));
        return static_cast<std::int64_t>(std::floor(product));
    }
    // Of an extent that is not known a scale that is the f32 of a fraction.
    constexpr std::int64_t greatest_divisor = 64;
    for (std::int64_t divisor = 1; divisor <= greatest_divisor && scale < 1e9; ++divisor) {
        const double times = std::round(scale * static_cast<double>(divisor));
        if (times >= 1 && static_cast<float>(times / static_cast<double>(divisor)) == static_cast<float>(scale))
            return ir::floordiv(extent * static_cast<std::int64_t>(times), divisor);
    }
    c.refuse(fmt::format("an extent that is not known, times {}, is not supported", scale));
}

bool has_elements(const NodeCall& c, std::size_t i) {
    if (!c.has(i)) return false;
    const Value& v = c.value(i);
    if (v.known()) return !v.known()->elements.empty();
    return !f::is_empty(v.tensor().type().shape);
}

std::vector<Line> lines_by_scales(const NodeCall& c, const Tensor& x, const std::vector<std::int64_t>& axes,
                                  const std::vector<double>& scales) {
    if (scales.size() != axes.size()) c.refuse(fmt::format("{} scales for {} axes", scales.size(), axes.size()));
    std::vector<Line> lines;
    for (std::size_t i = 0; i < axes.size(); ++i) {
        const auto axis = static_cast<std::size_t>(axes[i]);
        const Dim extent = x.type().shape[axis];
        lines.push_back({axis, extent, scaled(c, extent, scales[i]), scales[i]});
    }
    return lines;
}

std::vector<Line> lines_by_sizes(const NodeCall& c, const Tensor& x, const std::vector<std::int64_t>& axes) {
    const std::vector<Dim> sizes = c.dims(3);
    if (sizes.size() != axes.size()) c.refuse(fmt::format("{} sizes for {} axes", sizes.size(), axes.size()));
    std::vector<Line> lines;
    for (std::size_t i = 0; i < axes.size(); ++i) {
        const auto axis = static_cast<std::size_t>(axes[i]);
        if (sizes[i].is_constant() && sizes[i].constant() < 0)
            c.refuse(fmt::format("a size is {}", sizes[i].constant()));
        lines.push_back({axis, x.type().shape[axis], sizes[i]});
    }
    const std::string policy = c.text("keep_aspect_ratio_policy", "stretch");
    if (policy == "stretch") return lines;
    const bool is_least = policy == "not_larger";
    if (!is_least && policy != "not_smaller") c.refuse("there is no such keep_aspect_ratio_policy");
    std::optional<double> scale;
    for (const Line& line : lines) {
        if (!line.is_known() || line.from == Dim(0)) c.refuse("an aspect ratio is kept where the extents are known");
        const double own = static_cast<double>(line.to.constant()) / static_cast<double>(line.from.constant());
        scale = !scale ? own : is_least ? std::min(*scale, own) : std::max(*scale, own);
    }
    for (Line& line : lines) {
        line.scale = scale;
        line.to = static_cast<std::int64_t>(std::floor(*scale * static_cast<double>(line.from.constant()) + 0.5));
    }
    return lines;
}

void read_region(const NodeCall& c, std::vector<Line>& lines) {
    const std::vector<double> region = c.numbers(1);
    if (region.size() != 2 * lines.size())
        c.refuse(fmt::format("a region of {} numbers for {} axes", region.size(), lines.size()));
    for (std::size_t i = 0; i < lines.size(); ++i) {
        lines[i].start = region[i];
        lines[i].end = region[lines.size() + i];
        if (lines[i].scale && !lines[i].is_whole()) c.refuse("scales for a part of an axis are not supported");
    }
}

void drop_unchanged(std::vector<Line>& lines) {
    std::erase_if(
        lines, [](const Line& line) { return line.from == line.to && line.scale.value_or(1) == 1 && line.is_whole(); });
}

std::vector<std::int64_t> all_axes(const Tensor& x) {
    const ir::Integers axes = f::all_axes(x.rank());
    return {axes.begin(), axes.end()};
}

Results resize(NodeCall& c) {
    const Tensor x = c[0];
    Options o;
    o.filter = value_named(c, "mode", "nearest", all_filters);
    o.places = value_named(c, "coordinate_transformation_mode", "half_pixel", all_places);
    o.nearest = value_named(c, "nearest_mode", "round_prefer_floor", all_nearest);
    o.sharpness = c.number("cubic_coeff_a", -0.75);
    o.exclude_outside = c.flag("exclude_outside");
    o.antialias = c.flag("antialias");
    o.extrapolation = c.number("extrapolation_value", 0);
    std::vector<std::int64_t> axes = all_axes(x);
    if (const std::optional<std::vector<std::int64_t>> given = c.integers("axes"))
        axes = c.natural_axes(*given, x.rank());
    const bool by_scales = has_elements(c, 2), by_sizes = has_elements(c, 3);
    if (by_scales == by_sizes && !axes.empty()) c.refuse("wants either scales or sizes");
    std::vector<Line> lines;
    if (by_scales) lines = lines_by_scales(c, x, axes, c.numbers(2));
    if (by_sizes) lines = lines_by_sizes(c, x, axes);
    if (o.places == Places::tf_crop_and_resize) {
        if (!has_elements(c, 1)) c.refuse("tf_crop_and_resize wants a region");
        read_region(c, lines);
    }
    drop_unchanged(lines);
    return {resampled(c, x, lines, o)};
}

// As it was before places could be chosen. The nearest element is the one below; where elements get lost, the one
// above.
Results resize_by_scales(NodeCall& c, const std::vector<double>& scales) {
    const Tensor x = c[0];
    Options o;
    const std::string mode = c.text("mode", "nearest");
    if (mode == "bilinear")
        o.filter = Filter::linear;
    else
        o.filter = value_named(c, "mode", "nearest", all_filters);
    if (o.filter == Filter::cubic) c.refuse("there is no such mode");
    std::vector<Line> lines = lines_by_scales(c, x, all_axes(x), scales);
    drop_unchanged(lines);
    Tensor y = x;
    for (const Line& line : lines) {
        o.nearest = *line.scale < 1 ? Nearest::ceil : Nearest::floor;
        y = resampled(c, y, {line}, o);
    }
    return {y};
}
Results resize_of_opset_10(NodeCall& c) { return resize_by_scales(c, c.numbers(1)); }
Results upsample(NodeCall& c) {
    if (c.has(1)) return resize_by_scales(c, c.numbers(1));
    const std::optional<std::vector<double>> scales = c.numbers("scales");
    if (!scales) c.refuse("the attribute scales is missing");
    return resize_by_scales(c, *scales);
}

// ---- images at places that are data

Results sample_grid(NodeCall& c) {
    const Tensor x = c[0], grid = c[1];
    GridSampleOptions o;
    constexpr Named<Filter> filters[] = {{"linear", Filter::linear},
                                         {"bilinear", Filter::linear},
                                         {"cubic", Filter::cubic},
                                         {"bicubic", Filter::cubic},
                                         {"nearest", Filter::nearest}};
    constexpr Named<GridPaddingMode> paddings[] = {{"zeros", GridPaddingMode::zeros},
                                                   {"border", GridPaddingMode::border},
                                                   {"reflection", GridPaddingMode::reflection}};
    const Filter filter = value_named(c, "mode", "linear", filters);
    o.nearest = filter == Filter::nearest;
    o.cubic = filter == Filter::cubic;
    o.padding = value_named(c, "padding_mode", "zeros", paddings);
    o.align_corners = c.flag("align_corners");
    if (x.rank() != 4 && x.rank() != 5) c.refuse(fmt::format("images of {} dimensions, not 4 or 5", x.rank()));
    if (o.cubic && x.rank() != 4) c.refuse("cubic is supported for images of two extents");
    if (!ir::is_float(grid.dtype())) c.refuse("the grid is no tensor of floats");
    // Places and sums are computed in the wider of both dtypes.
    const bool is_wide = x.dtype() == Dtype::f64 || grid.dtype() == Dtype::f64 ||
                         (!ir::is_float(x.dtype()) && ir::size_of(x.dtype()) >= 4);
    const Dtype wide = x.dtype() == grid.dtype() ? x.dtype() : is_wide ? Dtype::f64 : Dtype::f32;
    const Tensor y = grid_sample(convert(x, wide), convert(grid, wide), o);
    return {convert(ir::is_float(x.dtype()) ? y : round(y), x.dtype())};
}

// Coordinates in [-1, 1] of the elements of an extent: of their middles, or with the outermost ones at the ends.
Tensor coordinates(const Tensor& like, Dim extent, bool align_corners) {
    const Dtype d = ir::accumulator_of(like.dtype());
    const Tensor count = f::extent_value(like, extent, d), i = arange(extent, d);
    if (!align_corners) return (i * 2 + 1) / count - 1;
    return where(count == 1, 0, i * 2 / maximum(count - 1, 1) - 1);
}

// theta [images, n, n + 1] times the coordinates of each place, the last extent's first, and 1.
Results affine_grid(NodeCall& c) {
    const Tensor theta = c[0];
    const Shape size = c.shape(1);
    if (size.rank() != 4 && size.rank() != 5) c.refuse(fmt::format("a size of {} extents, not 4 or 5", size.rank()));
    const auto n = static_cast<std::int64_t>(size.rank()) - 2;
    c.require_floats(0);
    if (theta.rank() != 3 || !f::may_be_equal(theta.dim(0), size[0]) || !f::may_be_equal(theta.dim(1), n) ||
        !f::may_be_equal(theta.dim(2), n + 1))
        c.refuse(fmt::format("wants a matrix of {} by {} for each image", n, n + 1));
    const bool align_corners = c.flag("align_corners");
    const Tensor wide = convert(theta, ir::accumulator_of(theta.dtype()));
    // [images, 1.., n] for each column of the matrix.
    const auto column_of = [&](std::int64_t k) {
        Shape shape{theta.dim(0)};
        for (std::int64_t i = 0; i < n; ++i) shape.push_back(1);
        shape.push_back(n);
        return reshape(narrow(wide, 2, k, 1), shape);
    };
    Tensor grid = column_of(n);
    for (std::int64_t k = 0; k < n; ++k) {
        const auto extent = static_cast<std::size_t>(n - 1 - k);
        Shape line(std::vector<std::int64_t>(static_cast<std::size_t>(n) + 1, 1));
        line[extent] = size[extent + 2];
        grid = grid + column_of(k) * reshape(coordinates(theta, size[extent + 2], align_corners), line);
    }
    return {convert(grid, theta.dtype())};
}

// ---- other extents

// What is odd is behind.
Results center_crop_or_pad(NodeCall& c) {
    const Tensor x = c[0];
    const std::vector<Dim> sizes = c.dims(1);
    const std::vector<std::int64_t> axes = c.integers("axes").value_or(all_axes(x));
    if (sizes.size() != axes.size()) c.refuse(fmt::format("{} sizes for {} axes", sizes.size(), axes.size()));
    Shape low(std::vector<std::int64_t>(x.rank(), 0)), high = low;
    for (std::size_t i = 0; i < axes.size(); ++i) {
        const auto axis = static_cast<std::size_t>(c.natural_axis(axes[i], x.rank()));
        const Dim from = x.type().shape[axis], more = sizes[i] - from;
        low[axis] = ir::floordiv(ir::max(more, 0), 2) - ir::floordiv(ir::max(from - sizes[i], 0), 2);
        high[axis] = more - low[axis];
    }
    return {pad(x, low, high)};
}

struct Blocks {
    Dim images, channels, height, width;
    std::int64_t size = 1;

    explicit Blocks(const NodeCall& c) : size(c.integer("blocksize")) {
        const Shape& s = c[0].type().shape;
        if (s.rank() != 4) c.refuse(fmt::format("images of {} dimensions, not 4", s.rank()));
        if (size < 1 || size > 1'000'000) c.refuse(fmt::format("blocksize is {}", size));
        images = s[0], channels = s[1], height = s[2], width = s[3];
    }
    static void require_multiple(const NodeCall& c, Dim d, std::int64_t of) {
        if (d.is_constant() && d.constant() % of != 0)
            c.refuse(fmt::format("{} is no multiple of {}", d.constant(), of));
    }
};

Results depth_to_space(NodeCall& c) {
    const Blocks b(c);
    const std::string mode = c.text("mode", "DCR");
    if (mode != "DCR" && mode != "CRD") c.refuse("there is no such mode");
    Blocks::require_multiple(c, b.channels, b.size * b.size);
    const Dim own = ir::floordiv(b.channels, b.size * b.size);
    const bool blocks_first = mode == "DCR";
    const Shape apart = blocks_first ? Shape{b.images, b.size, b.size, own, b.height, b.width}
                                     : Shape{b.images, own, b.size, b.size, b.height, b.width};
    const Axes order = blocks_first ? Axes{0, 3, 4, 1, 5, 2} : Axes{0, 1, 4, 2, 5, 3};
    return {reshape(transpose(reshape(c[0], apart), order), {b.images, own, b.height * b.size, b.width * b.size})};
}

Results space_to_depth(NodeCall& c) {
    const Blocks b(c);
    Blocks::require_multiple(c, b.height, b.size);
    Blocks::require_multiple(c, b.width, b.size);
    const Dim rows = ir::floordiv(b.height, b.size), columns = ir::floordiv(b.width, b.size);
    const Tensor apart = reshape(c[0], {b.images, b.channels, rows, b.size, columns, b.size});
    return {reshape(transpose(apart, {0, 3, 5, 1, 2, 4}), {b.images, b.channels * b.size * b.size, rows, columns})};
}

constexpr Operator rows[] = {
    {"AffineGrid", affine_grid},
    {"CenterCropPad", center_crop_or_pad},
    {"DepthToSpace", depth_to_space},
    {"GridSample", sample_grid},
    {.name = "Resize", .record = resize_of_opset_10, .until = 10},
    {.name = "Resize", .record = resize, .since = 11},
    {"SpaceToDepth", space_to_depth},
    {"Upsample", upsample},
};

}  // namespace

Operators resize_operators() { return rows; }

}  // namespace lathe::onnx
