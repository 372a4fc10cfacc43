// Greatest elements, means and norms of windows, of whole images, and of regions of them.
#include "frontend/functions/pooling.h"

#include <cmath>

#include <fmt/format.h>

#include "frontend/functions/creation.h"
#include "frontend/functions/elementwise.h"
#include "frontend/functions/indexing.h"
#include "frontend/functions/movement.h"
#include "frontend/functions/reductions.h"
#include "frontend/onnx/operators.h"
#include "frontend/onnx/operators/windows.h"
#include "frontend/tensor/record.h"

namespace lathe::onnx {
namespace {

namespace f = ir::functions;

double scale_of_places(const NodeCall& c) {
    const double scale = c.number("spatial_scale", 1);
    if (!(scale > 0) || !std::isfinite(scale)) c.refuse(fmt::format("spatial_scale is {}", scale));
    return scale;
}

Tensor extent_number(const Tensor& like, Dim extent) { return f::extent_value(like, extent, Dtype::i64); }

// Positions among the extents as row-major order counts them, in the order where the first extent runs fastest.
Tensor column_major(const Tensor& positions, const Shape& x) {
    Tensor rest = positions, result;
    Dim stride = 1;
    std::vector<Tensor> places(x.rank());
    for (std::size_t i = x.rank(); i-- > 2;) {
        const Tensor extent = extent_number(rest, x[i]);
        places[i] = i == 2 ? rest : rest % extent;
        rest = rest / extent;
    }
    for (std::size_t i = 2; i < x.rank(); ++i) {
        const Tensor own = stride == Dim(1) ? places[i] : places[i] * extent_number(rest, stride);
        result = i == 2 ? own : result + own;
        stride *= x[i];
    }
    return result;
}

// Positions are those among all elements of x.
Tensor all_positions(const NodeCall& c, const Tensor& x, const f::PoolingGeometry& g) {
    const std::int64_t order = c.integer("storage_order", 0);
    if (order != 0 && order != 1) c.refuse(fmt::format("storage_order is {}, not 0 or 1", order));
    const Shape& shape = x.type().shape;
    Tensor own = f::max_pool_indices(x, g);
    if (order == 1) own = column_major(own, shape);
    Dim elements = 1;
    for (std::size_t i = 2; i < shape.rank(); ++i) elements *= shape[i];
    Shape lines{shape[0], shape[1]};
    for (std::size_t i = 2; i < shape.rank(); ++i) lines.push_back(1);
    const Tensor line = reshape(arange(shape[0] * shape[1]), lines);
    return own + line * extent_number(own, elements);
}

Results max_pool(NodeCall& c) {
    const Tensor x = c[0];
    const f::PoolingGeometry g = pooling_windows_of(c, x.type().shape);
    const Tensor y = f::max_pool(x, g);
    if (!c.wants(1)) return {y};
    return {y, all_positions(c, x, g)};
}

Results average_pool(NodeCall& c) {
    c.require_floats(0);
    const Tensor x = c[0];
    return {f::average_pool(x, pooling_windows_of(c, x.type().shape), c.flag("count_include_pad"), 0)};
}

double power_of(const NodeCall& c) {
    const std::int64_t p = c.integer("p", 2);
    if (p < 1) c.refuse(fmt::format("p is {}, less than 1", p));
    return static_cast<double>(p);
}
Results power_pool(NodeCall& c) {
    c.require_floats(0);
    const Tensor x = c[0];
    return {f::power_pool(x, pooling_windows_of(c, x.type().shape), power_of(c))};
}

Axes extents_of(const NodeCall& c, const Tensor& x) {
    if (x.rank() < 3) c.refuse(fmt::format("there are no extents to pool in {} dimensions", x.rank()));
    std::vector<std::int64_t> axes;
    for (std::size_t i = 2; i < x.rank(); ++i) axes.push_back(static_cast<std::int64_t>(i));
    return axes;
}
Results global_max(NodeCall& c) { return {max(c[0], extents_of(c, c[0]), true)}; }
Results global_average(NodeCall& c) {
    c.require_floats(0);
    return {mean(c[0], extents_of(c, c[0]), true)};
}
Results global_norm(NodeCall& c) {
    c.require_floats(0);
    return {norm(c[0], extents_of(c, c[0]), {.p = power_of(c), .keep = true})};
}

// Positions count the elements of the images that the pooling was of. Where output_shape says more, the others are
// behind those along each extent.
Results max_unpool(NodeCall& c) {
    const Tensor x = c[0], positions = c[1];
    const Shape& shape = x.type().shape;
    if (shape.rank() < 3) c.refuse(fmt::format("there are no extents in {} dimensions", shape.rank()));
    if (!f::may_be_equal(shape, positions.type().shape)) c.refuse("wants a position for each element");
    if (!c.integers("kernel_shape")) c.refuse("the attribute kernel_shape is missing");
    const std::size_t extents = shape.rank() - 2;
    const ir::Integers sizes = per_extent(c, "kernel_shape", extents, 1, 1);
    const ir::Integers strides = per_extent(c, "strides", extents, 1, 1);
    const ir::Integers pads = per_extent(c, "pads", 2 * extents, 0, 0);
    Shape whole{shape[0], shape[1]};
    for (std::size_t i = 0; i < extents; ++i)
        whole.push_back((shape[i + 2] - 1) * strides[i] - pads[i] - pads[extents + i] + sizes[i]);
    const Tensor flat = full({whole.element_count()}, 0, x.dtype());
    const Tensor y = reshape(put_along_axis(flat, flatten(positions), flatten(x), 0), whole);
    if (!c.has(2)) return {y};
    const Shape result = c.shape(2);
    if (result.rank() != whole.rank())
        c.refuse(fmt::format("output_shape has {} entries, not {}", result.rank(), whole.rank()));
    Shape low, high;
    for (std::size_t i = 0; i < whole.rank(); ++i) {
        low.push_back(0);
        high.push_back(result[i] - whole[i]);
        if (high[i].is_constant() && high[i].constant() < 0)
            c.refuse("output_shape is less than what the windows cover");
    }
    return {pad(y, low, high)};
}

// ---- regions

// Regions are [regions, columns]: one column of all of them.
Tensor column(const Tensor& regions, std::int64_t i) { return reshape(narrow(regions, 1, i, 1), {regions.dim(0)}); }

// Which elements of an extent are in which bin of a region: [regions, bins, elements].
Tensor in_bins(const Tensor& first, const Tensor& last, std::int64_t bins, Dim extent, double scale) {
    const Dim regions = first.dim(0);
    const auto as_column = [&](const Tensor& t) { return reshape(t, {regions, 1, 1}); };
    const auto away = [&](const Tensor& t) { return floor(t * scale + 0.5); };  // of regions, which are not negative
    const Tensor start = as_column(away(first)), stop = as_column(away(last));
    const Tensor size = maximum(stop - start + 1, 1) / bins;
    const Tensor bin = reshape(arange(bins, first.dtype()), {1, bins, 1});
    const Tensor element = reshape(arange(extent, first.dtype()), {1, 1, extent});
    return logical_and(element >= floor(bin * size) + start, element < ceil((bin + 1) * size) + start);
}

Results max_region_pool(NodeCall& c) {
    const Tensor x = c[0], regions = c[1];
    const std::optional<std::vector<std::int64_t>> bins = c.integers("pooled_shape");
    if (!bins || bins->size() != 2 || (*bins)[0] < 1 || (*bins)[1] < 1) c.refuse("pooled_shape has to be two numbers");
    if (x.rank() != 4 || regions.rank() != 2 || !f::may_be_equal(regions.dim(1), 5))
        c.refuse("wants images of two extents, and regions of five numbers each");
    for (const std::size_t i : {0, 1}) c.require_floats(i);
    const double scale = scale_of_places(c);
    const Shape& shape = x.type().shape;
    const Dim count = regions.dim(0);
    const Tensor images = gather(x, convert(column(regions, 0), Dtype::i64), 0);  // [regions, channels, h, w]
    const Tensor rows = in_bins(column(regions, 2), column(regions, 4), (*bins)[0], shape[2], scale);
    const Tensor columns = in_bins(column(regions, 1), column(regions, 3), (*bins)[1], shape[3], scale);
    const Tensor lowest = f::lowest_like(x);
    const Tensor of_rows = max(where(reshape(rows, {count, 1, (*bins)[0], shape[2], 1}),
                                     reshape(images, {count, shape[1], 1, shape[2], shape[3]}), lowest),
                               3);  // [regions, channels, bins, w]
    const Tensor y = max(where(reshape(columns, {count, 1, 1, (*bins)[1], shape[3]}),
                               reshape(of_rows, {count, shape[1], (*bins)[0], 1, shape[3]}), lowest),
                         4);
    // Bins without elements are 0.
    const Tensor has_rows = reshape(any(rows, 2), {count, 1, (*bins)[0], 1});
    const Tensor has_columns = reshape(any(columns, 2), {count, 1, 1, (*bins)[1]});
    return {where(logical_and(has_rows, has_columns), y, 0)};
}

// Where the samples of all bins lie along one extent: [regions, bins * samples].
struct Samples {
    Tensor low, high;            // places of neighbours, as i64
    Tensor low_part, high_part;  // what each counts for
    Tensor counts;               // whether there is the sample, which of the most that a region has may be beyond
    std::int64_t number = 0;     // of each bin
};

class RegionSampling {
public:
    RegionSampling(const NodeCall& c, const Tensor& regions, Dtype dtype)
        : dtype_(dtype), scale_(scale_of_places(c)), samples_(c.integer("sampling_ratio", 0)) {
        const std::string mode =
            c.text("coordinate_transformation_mode", c.opset() < 16 ? "output_half_pixel" : "half_pixel");
        if (mode != "half_pixel" && mode != "output_half_pixel") c.refuse("there is no such transformation mode");
        is_half_pixel_ = mode == "half_pixel";
        if (samples_ < 0) c.refuse(fmt::format("sampling_ratio is {}, less than 0", samples_));
        // As many samples as the bin has elements: that is data, and so has to be known.
        if (samples_ == 0) known_ = c.numbers(1);
        regions_ = convert(regions, dtype);
    }

    // Of an extent of the images, divided into bins, where columns of the regions have the first and the last place.
    Samples along(std::int64_t first, std::int64_t last, std::int64_t bins, Dim extent) const {
        const Tensor start = column(regions_, first) * scale_ - offset();
        Tensor size = column(regions_, last) * scale_ - offset() - start;
        if (!is_half_pixel_) size = maximum(size, 1.0);
        const Dim count = start.dim(0);
        const Tensor bin_size = size / bins;
        Samples s;
        Tensor numbers = full({count}, static_cast<double>(samples_), dtype_);
        s.number = samples_;
        if (samples_ == 0) {
            const std::vector<double> all = numbers_of_samples(first, last, bins);
            s.number = 1;
            for (const double n : all) s.number = std::max(s.number, static_cast<std::int64_t>(n));
            numbers = convert(Tensor::from(all, {static_cast<std::int64_t>(all.size())}), dtype_);
        }
        const auto cube = [&](const Tensor& t) { return reshape(t, {count, 1, 1}); };
        const Tensor bin = reshape(arange(bins, dtype_), {1, bins, 1});
        const Tensor sample = reshape(arange(s.number, dtype_), {1, 1, s.number});
        const Tensor place =
            cube(start) + bin * cube(bin_size) + (sample + 0.5) * cube(bin_size) / maximum(cube(numbers), 1);
        const Tensor extent_here = f::extent_value(place, extent, dtype_), end = extent_here - 1;
        const Tensor is_inside = logical_and(place >= -1.0, place <= extent_here);
        const Tensor at = minimum(maximum(place, 0), end), low = floor(at);
        const Tensor part = at - low;
        const auto flat = [&](const Tensor& t) {
            return reshape(broadcast_to(t, {count, bins, s.number}), {count, -1});
        };
        s.low = flat(convert(low, Dtype::i64));
        s.high = flat(convert(minimum(low + 1, end), Dtype::i64));
        s.low_part = flat(where(is_inside, 1 - part, 0));
        s.high_part = flat(where(is_inside, part, 0));
        s.counts = flat(sample < cube(numbers));
        return s;
    }

private:
    double offset() const { return is_half_pixel_ ? 0.5 : 0; }
    // The bins' sizes, rounded up, in the dtype that places are computed in.
    std::vector<double> numbers_of_samples(std::int64_t first, std::int64_t last, std::int64_t bins) const {
        std::vector<double> all;
        for (std::size_t i = 0; i + 3 < known_.size(); i += 4) {
            double size =
                (known_[i + static_cast<std::size_t>(last)] - known_[i + static_cast<std::size_t>(first)]) * scale_;
            if (!is_half_pixel_) size = std::max(size, 1.0);
            const double number = std::ceil(static_cast<double>(static_cast<float>(size / static_cast<double>(bins))));
            all.push_back(std::max(number, 0.0));
        }
        return all;
    }

    Dtype dtype_;
    double scale_ = 1;
    std::int64_t samples_ = 0;
    bool is_half_pixel_ = true;
    std::vector<double> known_;
    Tensor regions_;
};

// Of samples at regular places of each bin the mean; or the greatest, which is that of the neighbours' parts.
Results align_regions(NodeCall& c) {
    const Tensor x = c[0], regions = c[1], images = c[2];
    const std::string mode = c.text("mode", "avg");
    if (mode != "avg" && mode != "max") c.refuse("there is no such mode");
    if (x.rank() != 4 || regions.rank() != 2 || images.rank() != 1 || !f::may_be_equal(regions.dim(1), 4))
        c.refuse("wants images of two extents, regions of four numbers each, and their images");
    for (const std::size_t i : {0, 1}) c.require_floats(i);
    if (!ir::is_integer(images.dtype())) c.refuse("operand 2 is no tensor of integers");
    const std::int64_t height = c.integer("output_height", 1), width = c.integer("output_width", 1);
    if (height < 1 || width < 1) c.refuse(fmt::format("a result of {} by {}", height, width));
    const Dtype wide = ir::accumulator_of(x.dtype());
    const RegionSampling sampling(c, regions, wide);
    const Shape& shape = x.type().shape;
    const Dim count = regions.dim(0);
    const Samples rows = sampling.along(1, 3, height, shape[2]), columns = sampling.along(0, 2, width, shape[3]);
    const std::int64_t down = height * rows.number, across = width * columns.number;
    const Tensor own =
        reshape(gather(convert(x, wide), convert(images, Dtype::i64), 0), {count, shape[1], shape[2] * shape[3]});
    const auto beside = [&](const Tensor& t) { return reshape(t, {count, down, 1}); };
    const auto below = [&](const Tensor& t) { return reshape(t, {count, 1, across}); };
    const Tensor row_length = extent_number(rows.low, shape[3]);
    const auto part = [&](const Tensor& row, const Tensor& row_part, const Tensor& at, const Tensor& at_part) {
        const Tensor places = reshape(beside(row) * row_length + below(at), {count, 1, down * across});
        const Tensor taken = take_along_axis(own, places, 2);
        return taken * reshape(beside(row_part) * below(at_part), {count, 1, down * across});
    };
    const Tensor parts[] = {part(rows.low, rows.low_part, columns.low, columns.low_part),
                            part(rows.low, rows.low_part, columns.high, columns.high_part),
                            part(rows.high, rows.high_part, columns.low, columns.low_part),
                            part(rows.high, rows.high_part, columns.high, columns.high_part)};
    const Shape apart{count, shape[1], height, rows.number, width, columns.number};
    const Tensor counts = reshape(logical_and(beside(rows.counts), below(columns.counts)),
                                  {count, 1, height, rows.number, width, columns.number});
    if (mode == "max") {
        const Tensor greatest = maximum(maximum(parts[0], parts[1]), maximum(parts[2], parts[3]));
        const Tensor y = max(where(counts, reshape(greatest, apart), f::lowest_like(greatest)), {3, 5});
        return {convert(where(any(counts, {3, 5}), y, 0), x.dtype())};
    }
    const Tensor sums = sum(where(counts, reshape(parts[0] + parts[1] + parts[2] + parts[3], apart), 0), {3, 5});
    return {convert(sums / maximum(convert(count_nonzero(counts, {3, 5}), wide), 1), x.dtype())};
}

constexpr Operator rows[] = {
    {"AveragePool", average_pool},   {"GlobalAveragePool", global_average},
    {"GlobalLpPool", global_norm},   {"GlobalMaxPool", global_max},
    {"LpPool", power_pool},          {"MaxPool", max_pool},
    {"MaxRoiPool", max_region_pool}, {"MaxUnpool", max_unpool},
    {"RoiAlign", align_regions},
};

}  // namespace

Operators pooling_operators() { return rows; }

}  // namespace lathe::onnx
