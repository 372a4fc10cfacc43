#include "frontend/functions/resize.h"

#include <cmath>

#include "frontend/functions/operand_checks.h"
#include "frontend/functions/window_arguments.h"
#include "frontend/tensor/record.h"
#include "ir/functions/grid_sample.h"
#include "ir/ops/ops.h"

namespace lathe {
namespace {

namespace f = ir::functions;
using detail::blaming;
using detail::LocScope;
using detail::value_of;

f::Interpolation interpolation(InterpolationMode mode) {
    switch (mode) {
        case InterpolationMode::nearest:
            return f::Interpolation::nearest;
        case InterpolationMode::nearest_exact:
            return f::Interpolation::nearest_exact;
        case InterpolationMode::linear:
        case InterpolationMode::area:
            return f::Interpolation::linear;
        case InterpolationMode::cubic:
            return f::Interpolation::cubic;
    }
    return f::Interpolation::linear;
}

// floor(extent * factor), as it is for a factor that is a number.
Dim scaled(const Tensor& x, Dim extent, double factor) {
    if (extent.is_constant())
        return static_cast<std::int64_t>(std::floor(static_cast<double>(extent.constant()) * factor));
    if (factor == std::floor(factor)) return extent * static_cast<std::int64_t>(factor);
    if (const double inverse = 1 / factor; inverse == std::floor(inverse))
        return floordiv(extent, static_cast<std::int64_t>(inverse));
    f::refuse("interpolate",
              fmt::format("the extent {} times {} is known for whole factors, and for 1 / n, alone", extent.to_string(),
                          factor),
              x);
}

}  // namespace

Tensor interpolate(const Tensor& x, const InterpolateOptions& o, Where where) {
    const LocScope scope(where, "interpolate", x);
    return blaming(where, "interpolate", [&] {
        if (x.rank() < 3) f::refuse("interpolate", "wants images, channels and extents, three axes or more", x);
        const std::size_t extents = x.rank() - 2;
        const bool by_size = !o.size.values().empty();
        if (by_size == !o.scale_factor.empty()) f::refuse("interpolate", "wants either a size or a scale_factor", x);
        const bool is_nearest = o.mode == InterpolationMode::nearest || o.mode == InterpolationMode::nearest_exact;
        if (!is_nearest && !ir::is_float(x.dtype())) detail::require_floats("interpolate", x);  // where it computes
        ir::Shape sizes;
        std::vector<double> factors = o.scale_factor;
        if (by_size) {
            sizes = detail::shape_of(detail::numbers_of("interpolate", "size", o.size, extents, 1, x));
        } else {
            if (factors.size() == 1) factors.assign(extents, factors[0]);
            if (factors.size() != extents)
                f::refuse("interpolate",
                          fmt::format("scale_factor has {} numbers, not one or {}", factors.size(), extents), x);
            for (std::size_t i = 0; i < extents; ++i) {
                if (!(factors[i] > 0) || !std::isfinite(factors[i]))
                    f::refuse("interpolate", fmt::format("scale_factor is {}", factors[i]), x);
                sizes.push_back(scaled(x, x.type().shape[i + 2], factors[i]));
                if (sizes[i] == Dim(0)) f::refuse("interpolate", "nothing is left of an extent", x);
            }
        }
        if (o.mode == InterpolationMode::area) return f::adaptive_average_pool(value_of(x), sizes);
        Tensor y = value_of(x);
        for (std::size_t i = extents; i-- > 0;)
            y = f::resize(y, static_cast<std::int64_t>(i) + 2,
                          {sizes[i], by_size || o.recompute_scale_factor ? 0 : factors[i], o.align_corners,
                           interpolation(o.mode)});
        return y;
    });
}

namespace {

// x with its last three axes taken apart, their parts in another order, and joined again.
Tensor rearranged(const Tensor& x, const ir::Shape& parts, const ir::Integers& order, const ir::Shape& result) {
    const std::size_t lead = x.rank() - 3;
    ir::Shape apart, joined;
    ir::Integers permutation = f::all_axes(lead);
    for (std::size_t i = 0; i < lead; ++i) {
        apart.push_back(x.type().shape[i]);
        joined.push_back(x.type().shape[i]);
    }
    for (Dim d : parts) apart.push_back(d);
    for (Dim d : result) joined.push_back(d);
    for (const std::int64_t axis : order) permutation.push_back(axis + static_cast<std::int64_t>(lead));
    return f::reshape(f::transpose(f::reshape(value_of(x), apart), std::move(permutation)), joined);
}

void require_image(std::string_view function, const Tensor& x, std::int64_t factor) {
    if (x.rank() < 3) f::refuse(function, "wants channels and two extents, three axes or more", x);
    detail::require_at_least(function, "factor", factor, 1, {});
}
void require_multiple(std::string_view function, const Tensor& x, Dim d, Dim of) {
    if (d.is_constant() && d.constant() % of.constant() != 0)
        f::refuse(function, fmt::format("{} is no multiple of {}", d.constant(), of.constant()), x);
}

}  // namespace

Tensor grid_sample(const Tensor& x, const Tensor& grid, GridSampleOptions o, Where where) {
    const LocScope scope(where, "grid_sample", x, grid);
    return blaming(where, "grid_sample", [&] {
        f::require_same_dtype("grid_sample", x, grid);
        detail::require_floats("grid_sample", x);
        if ((x.rank() != 4 && x.rank() != 5) || grid.rank() != x.rank())
            f::refuse("grid_sample", "wants images of two or three extents, and a grid of as many axes", x, grid);
        const ir::Shape &image = x.type().shape, &places = grid.type().shape;
        if (!f::may_be_equal(image[0], places[0]) ||
            !f::may_be_equal(places[x.rank() - 1], static_cast<std::int64_t>(x.rank()) - 2))
            f::refuse("grid_sample", "wants a grid for each image, with a coordinate for each extent", x, grid);
        const auto padding = o.padding == GridPaddingMode::zeros    ? f::GridPadding::zeros
                             : o.padding == GridPaddingMode::border ? f::GridPadding::border
                                                                    : f::GridPadding::reflection;
        if (o.cubic && (o.nearest || x.rank() != 4))
            f::refuse("grid_sample", "cubic is for images of two extents, and without nearest", x, grid);
        return f::grid_sample(value_of(x), value_of(grid), {o.nearest, padding, o.align_corners, o.cubic});
    });
}

Tensor pixel_shuffle(const Tensor& x, std::int64_t r, Where where) {
    const LocScope scope(where, "pixel_shuffle", x);
    return blaming(where, "pixel_shuffle", [&] {
        require_image("pixel_shuffle", x, r);
        const ir::Shape& s = x.type().shape;
        const Dim c = s[x.rank() - 3], h = s[x.rank() - 2], w = s[x.rank() - 1];
        const Dim square = Dim(r) * r;
        require_multiple("pixel_shuffle", x, c, square);
        const Dim own = floordiv(c, square);
        return rearranged(x, {own, r, r, h, w}, {0, 3, 1, 4, 2}, {own, h * r, w * r});
    });
}
Tensor pixel_unshuffle(const Tensor& x, std::int64_t r, Where where) {
    const LocScope scope(where, "pixel_unshuffle", x);
    return blaming(where, "pixel_unshuffle", [&] {
        require_image("pixel_unshuffle", x, r);
        const ir::Shape& s = x.type().shape;
        const Dim c = s[x.rank() - 3], h = s[x.rank() - 2], w = s[x.rank() - 1];
        require_multiple("pixel_unshuffle", x, h, r);
        require_multiple("pixel_unshuffle", x, w, r);
        return rearranged(x, {c, floordiv(h, r), r, floordiv(w, r), r}, {0, 2, 4, 1, 3},
                          {c * r * r, floordiv(h, r), floordiv(w, r)});
    });
}
Tensor channel_shuffle(const Tensor& x, std::int64_t groups, Where where) {
    const LocScope scope(where, "channel_shuffle", x);
    return blaming(where, "channel_shuffle", [&] {
        if (x.rank() < 3) f::refuse("channel_shuffle", "wants images, channels and extents, three axes or more", x);
        detail::require_at_least("channel_shuffle", "groups", groups, 1, where);
        const ir::Shape& s = x.type().shape;
        require_multiple("channel_shuffle", x, s[1], groups);
        ir::Shape apart{s[0], groups, floordiv(s[1], groups)};
        for (std::size_t i = 2; i < s.rank(); ++i) apart.push_back(s[i]);
        ir::Integers order = f::all_axes(apart.rank());
        std::swap(order[1], order[2]);
        return f::reshape(f::transpose(f::reshape(value_of(x), apart), std::move(order)), s);
    });
}

}  // namespace lathe
