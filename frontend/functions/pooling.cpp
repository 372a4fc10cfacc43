#include "frontend/functions/pooling.h"

#include <string_view>

#include "frontend/functions/operand_checks.h"
#include "frontend/functions/window_arguments.h"
#include "frontend/tensor/record.h"
#include "ir/functions/pooling.h"
#include "ir/ops/ops.h"

namespace lathe {
namespace {

namespace f = ir::functions;
using detail::blaming;
using detail::LocScope;
using detail::numbers_of;
using detail::require_floats;
using detail::value_of;

void require_extents(std::string_view function, const Tensor& x, std::size_t extents) {
    if (x.rank() < extents) f::refuse(function, fmt::format("wants {} axes or more", extents), x);
}

struct Windows {
    PerExtent size, stride, padding, dilation;
    bool ceil_mode = false;
};
f::PoolingGeometry geometry(std::string_view function, const Tensor& x, std::size_t extents, const Windows& w) {
    require_extents(function, x, extents);
    f::PoolingGeometry g;
    const ir::Integers size = numbers_of(function, "size", w.size, extents, 1, x);
    g.size = detail::shape_of(size);
    g.stride = numbers_of(function, "stride", w.stride.values().empty() ? w.size : w.stride, extents, 1, x);
    g.dilation = numbers_of(function, "dilation", w.dilation, extents, 1, x);
    const ir::Integers padding = numbers_of(function, "padding", w.padding, extents, 0, x);
    for (std::size_t i = 0; i < extents; ++i)  // any numbers: products of integers could overflow
        if (2 * static_cast<double>(padding[i]) >
            static_cast<double>(size[i] - 1) * static_cast<double>(g.dilation[i]) + 1)
            f::refuse(function, "padding is more than half of a window, which could hold nothing else", x);
    g.low = g.high = detail::shape_of(padding);
    g.beyond = detail::shape_of(ir::Integers(extents, 0));
    if (w.ceil_mode) g.round_up(x.type().shape);
    return g;
}

Tensor max_pool(std::string_view function, std::size_t extents, const Tensor& x, const PerExtent& size,
                const MaxPoolOptions& o, Where where) {
    return blaming(where, function, [&] {
        return f::max_pool(value_of(x),
                           geometry(function, x, extents, {size, o.stride, o.padding, o.dilation, o.ceil_mode}));
    });
}
std::pair<Tensor, Tensor> max_pool_with_indices(std::string_view function, std::size_t extents, const Tensor& x,
                                                const PerExtent& size, const MaxPoolOptions& o, Where where) {
    return blaming(where, function, [&] {
        const f::PoolingGeometry g =
            geometry(function, x, extents, {size, o.stride, o.padding, o.dilation, o.ceil_mode});
        const Tensor v = value_of(x);
        return std::pair(f::max_pool(v, g), f::max_pool_indices(v, g));
    });
}

Tensor average_pool(std::string_view function, std::size_t extents, const Tensor& x, const PerExtent& size,
                    const AveragePoolOptions& o, Where where) {
    return blaming(where, function, [&] {
        require_floats(function, x);
        const f::PoolingGeometry g = geometry(function, x, extents, {size, o.stride, o.padding, 1, o.ceil_mode});
        return f::average_pool(value_of(x), g, o.count_include_pad, o.divisor_override);
    });
}
Tensor power_pool(std::string_view function, std::size_t extents, const Tensor& x, double p, const PerExtent& size,
                  const PowerPoolOptions& o, Where where) {
    return blaming(where, function, [&] {
        require_floats(function, x);
        return f::power_pool(value_of(x), geometry(function, x, extents, {size, o.stride, 0, 1, o.ceil_mode}), p);
    });
}

template <class Pool>
Tensor adaptive(std::string_view function, std::size_t extents, const Tensor& x, const PerExtent& count, Where where,
                const Pool& pool) {
    return blaming(where, function, [&] {
        require_extents(function, x, extents);
        for (std::size_t i = 0; i < extents; ++i)
            if (x.type().shape[x.rank() - extents + i] == Dim(0)) f::refuse(function, "an extent is 0", x);
        return pool(value_of(x), detail::shape_of(numbers_of(function, "count", count, extents, 1, x)));
    });
}
Tensor adaptive_average(std::string_view function, std::size_t extents, const Tensor& x, const PerExtent& count,
                        Where where) {
    blaming(where, function, [&] { require_floats(function, x); });
    return adaptive(function, extents, x, count, where,
                    [](const Tensor& v, const Shape& counts) { return f::adaptive_average_pool(v, counts); });
}
Tensor adaptive_max(std::string_view function, std::size_t extents, const Tensor& x, const PerExtent& count,
                    Where where) {
    return adaptive(function, extents, x, count, where,
                    [](const Tensor& v, const Shape& counts) { return f::adaptive_max_pool(v, counts); });
}

}  // namespace

Tensor max_pool1d(const Tensor& x, const PerExtent& size, const MaxPoolOptions& options, Where where) {
    const LocScope scope(where, "max_pool1d", x);
    return max_pool("max_pool1d", 1, x, size, options, where);
}
Tensor max_pool2d(const Tensor& x, const PerExtent& size, const MaxPoolOptions& options, Where where) {
    const LocScope scope(where, "max_pool2d", x);
    return max_pool("max_pool2d", 2, x, size, options, where);
}
Tensor max_pool3d(const Tensor& x, const PerExtent& size, const MaxPoolOptions& options, Where where) {
    const LocScope scope(where, "max_pool3d", x);
    return max_pool("max_pool3d", 3, x, size, options, where);
}
std::pair<Tensor, Tensor> max_pool1d_with_indices(const Tensor& x, const PerExtent& size, const MaxPoolOptions& options,
                                                  Where where) {
    const LocScope scope(where, "max_pool1d_with_indices", x);
    return max_pool_with_indices("max_pool1d_with_indices", 1, x, size, options, where);
}
std::pair<Tensor, Tensor> max_pool2d_with_indices(const Tensor& x, const PerExtent& size, const MaxPoolOptions& options,
                                                  Where where) {
    const LocScope scope(where, "max_pool2d_with_indices", x);
    return max_pool_with_indices("max_pool2d_with_indices", 2, x, size, options, where);
}
std::pair<Tensor, Tensor> max_pool3d_with_indices(const Tensor& x, const PerExtent& size, const MaxPoolOptions& options,
                                                  Where where) {
    const LocScope scope(where, "max_pool3d_with_indices", x);
    return max_pool_with_indices("max_pool3d_with_indices", 3, x, size, options, where);
}

Tensor avg_pool1d(const Tensor& x, const PerExtent& size, const AveragePoolOptions& options, Where where) {
    const LocScope scope(where, "avg_pool1d", x);
    return average_pool("avg_pool1d", 1, x, size, options, where);
}
Tensor avg_pool2d(const Tensor& x, const PerExtent& size, const AveragePoolOptions& options, Where where) {
    const LocScope scope(where, "avg_pool2d", x);
    return average_pool("avg_pool2d", 2, x, size, options, where);
}
Tensor avg_pool3d(const Tensor& x, const PerExtent& size, const AveragePoolOptions& options, Where where) {
    const LocScope scope(where, "avg_pool3d", x);
    return average_pool("avg_pool3d", 3, x, size, options, where);
}

Tensor lp_pool1d(const Tensor& x, double p, const PerExtent& size, const PowerPoolOptions& options, Where where) {
    const LocScope scope(where, "lp_pool1d", x);
    return power_pool("lp_pool1d", 1, x, p, size, options, where);
}
Tensor lp_pool2d(const Tensor& x, double p, const PerExtent& size, const PowerPoolOptions& options, Where where) {
    const LocScope scope(where, "lp_pool2d", x);
    return power_pool("lp_pool2d", 2, x, p, size, options, where);
}

Tensor adaptive_avg_pool1d(const Tensor& x, const PerExtent& count, Where where) {
    const LocScope scope(where, "adaptive_avg_pool1d", x);
    return adaptive_average("adaptive_avg_pool1d", 1, x, count, where);
}
Tensor adaptive_avg_pool2d(const Tensor& x, const PerExtent& count, Where where) {
    const LocScope scope(where, "adaptive_avg_pool2d", x);
    return adaptive_average("adaptive_avg_pool2d", 2, x, count, where);
}
Tensor adaptive_avg_pool3d(const Tensor& x, const PerExtent& count, Where where) {
    const LocScope scope(where, "adaptive_avg_pool3d", x);
    return adaptive_average("adaptive_avg_pool3d", 3, x, count, where);
}
Tensor adaptive_max_pool1d(const Tensor& x, const PerExtent& count, Where where) {
    const LocScope scope(where, "adaptive_max_pool1d", x);
    return adaptive_max("adaptive_max_pool1d", 1, x, count, where);
}
Tensor adaptive_max_pool2d(const Tensor& x, const PerExtent& count, Where where) {
    const LocScope scope(where, "adaptive_max_pool2d", x);
    return adaptive_max("adaptive_max_pool2d", 2, x, count, where);
}
Tensor adaptive_max_pool3d(const Tensor& x, const PerExtent& count, Where where) {
    const LocScope scope(where, "adaptive_max_pool3d", x);
    return adaptive_max("adaptive_max_pool3d", 3, x, count, where);
}

namespace {

std::pair<Tensor, Tensor> adaptive_with_indices(std::string_view function, std::size_t extents, const Tensor& x,
                                                const PerExtent& count, Where where) {
    const LocScope scope(where, function, x);
    const Tensor values = adaptive_max(function, extents, x, count, where);
    return {values, adaptive(function, extents, x, count, where, [](const Tensor& v, const Shape& counts) {
                return f::adaptive_max_pool_indices(v, counts);
            })};
}

}  // namespace

std::pair<Tensor, Tensor> adaptive_max_pool1d_with_indices(const Tensor& x, const PerExtent& count, Where where) {
    return adaptive_with_indices("adaptive_max_pool1d_with_indices", 1, x, count, where);
}
std::pair<Tensor, Tensor> adaptive_max_pool2d_with_indices(const Tensor& x, const PerExtent& count, Where where) {
    return adaptive_with_indices("adaptive_max_pool2d_with_indices", 2, x, count, where);
}
std::pair<Tensor, Tensor> adaptive_max_pool3d_with_indices(const Tensor& x, const PerExtent& count, Where where) {
    return adaptive_with_indices("adaptive_max_pool3d_with_indices", 3, x, count, where);
}

Tensor max_unpool(const Tensor& x, const Tensor& indices, const Shape& extents, Where where) {
    const LocScope scope(where, "max_unpool", x, indices);
    return blaming(where, "max_unpool", [&] {
        const std::size_t n = extents.rank();
        if (n < 1 || n > 3)
            f::refuse("max_unpool", fmt::format("extents has {} entries, not one to three", n), x, indices);
        require_extents("max_unpool", x, n);
        if (!f::may_be_equal(x.type().shape, indices.type().shape))
            f::refuse("max_unpool", "wants an index for each element", x, indices);
        Shape lines, whole, result;
        for (std::size_t i = 0; i < x.rank() - n; ++i) {
            lines.push_back(x.type().shape[i]);
            result.push_back(x.type().shape[i]);
        }
        whole = lines;
        Dim count = 1;
        for (std::size_t i = x.rank() - n; i < x.rank(); ++i) count *= x.type().shape[i];
        lines.push_back(count);
        whole.push_back(extents.element_count());
        for (Dim d : extents) result.push_back(d);
        const Tensor values = f::reshape(value_of(x), lines), places = f::reshape(value_of(indices), lines);
        const Tensor y = ir::ops::put_along_axis.with({static_cast<std::int64_t>(lines.rank()) - 1},
                                                      f::full_like(values, whole, 0), places, values);
        return f::reshape(y, result);
    });
}

Tensor unfold(const Tensor& x, const PerExtent& size, UnfoldOptions o, Where where) {
    const LocScope scope(where, "unfold", x);
    return blaming(where, "unfold", [&] {
        if (x.rank() < 3) f::refuse("unfold", "wants images, channels and extents, three axes or more", x);
        f::PoolingGeometry g;
        const std::size_t extents = x.rank() - 2;
        g.size = detail::shape_of(numbers_of("unfold", "size", size, extents, 1, x));
        g.stride = numbers_of("unfold", "stride", o.stride, extents, 1, x);
        g.dilation = numbers_of("unfold", "dilation", o.dilation, extents, 1, x);
        g.low = g.high = detail::shape_of(numbers_of("unfold", "padding", o.padding, extents, 0, x));
        g.beyond = detail::shape_of(ir::Integers(extents, 0));
        return f::unfold(value_of(x), g);
    });
}
Tensor fold(const Tensor& x, const PerExtent& extents, const PerExtent& size, UnfoldOptions o, Where where) {
    const LocScope scope(where, "fold", x);
    return blaming(where, "fold", [&] {
        if (x.rank() != 3) f::refuse("fold", "wants images, columns and windows, three axes", x);
        f::PoolingGeometry g;
        const std::size_t n = std::max(extents.values().size(), size.values().size());
        const ir::Integers to = numbers_of("fold", "extents", extents, n, 1, x);
        const ir::Integers sizes = numbers_of("fold", "size", size, n, 1, x);
        g.size = detail::shape_of(sizes);
        g.stride = numbers_of("fold", "stride", o.stride, n, 1, x);
        g.dilation = numbers_of("fold", "dilation", o.dilation, n, 1, x);
        g.low = g.high = detail::shape_of(numbers_of("fold", "padding", o.padding, n, 0, x));
        g.beyond = detail::shape_of(ir::Integers(n, 0));
        const std::int64_t elements = detail::shape_of(sizes).element_count().constant();
        if (const Dim columns = x.type().shape[1]; columns.is_constant() && columns.constant() % elements != 0)
            f::refuse("fold",
                      fmt::format("{} columns are no multiple of a window's {} elements", columns.constant(), elements),
                      x);
        return f::fold(value_of(x), detail::shape_of(to), g);
    });
}

}  // namespace lathe
