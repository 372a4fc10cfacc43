#include "frontend/onnx/operators/windows.h"

#include <fmt/format.h>

namespace lathe::onnx {

ir::Integers per_extent(const NodeCall& c, std::string_view attribute, std::size_t extents, std::int64_t otherwise,
                        std::int64_t least) {
    const std::optional<std::vector<std::int64_t>> given = c.integers(attribute);
    if (!given) return ir::Integers(extents, otherwise);
    if (given->size() != extents) c.refuse(fmt::format("{} has {} entries, not {}", attribute, given->size(), extents));
    for (const std::int64_t n : *given)
        if (n < least) c.refuse(fmt::format("{} has {}, less than {}", attribute, n, least));
    return {given->begin(), given->end()};
}

AutoPad auto_pad_of(const NodeCall& c) {
    const std::string name = c.text("auto_pad", "NOTSET");
    if (name == "NOTSET") return AutoPad::notset;
    if (name == "SAME_UPPER") return AutoPad::same_upper;
    if (name == "SAME_LOWER") return AutoPad::same_lower;
    if (name == "VALID") return AutoPad::valid;
    c.refuse("there is no such auto_pad");
}

Amounts shared_out(Dim total, bool odd_is_low) {
    const Dim less = ir::floordiv(total, 2), more = total - less;
    return odd_is_low ? Amounts{more, less} : Amounts{less, more};
}

ir::functions::PoolingGeometry windows_of(const NodeCall& c, const Shape& x, const Shape& sizes) {
    const std::size_t extents = sizes.rank();
    ir::functions::PoolingGeometry g;
    g.size = sizes;
    g.stride = per_extent(c, "strides", extents, 1, 1);
    g.dilation = per_extent(c, "dilations", extents, 1, 1);
    const ir::Integers pads = per_extent(c, "pads", 2 * extents, 0, 0);
    const AutoPad automatic = auto_pad_of(c);
    for (std::size_t i = 0; i < extents; ++i) {
        Amounts amounts{0, 0};
        if (automatic == AutoPad::notset) {
            amounts = {pads[i], pads[extents + i]};
        } else if (automatic != AutoPad::valid) {  // as many windows as elements, divided by the stride, rounded up
            const Dim extent = x[x.rank() - extents + i];
            const Dim reach = (sizes[i] - 1) * g.dilation[i] + 1;
            const Dim span = (ir::ceildiv(extent, g.stride[i]) - 1) * g.stride[i] + reach;
            amounts = shared_out(ir::max(span - extent, 0), automatic == AutoPad::same_lower);
        }
        g.low.push_back(amounts.low);
        g.high.push_back(amounts.high);
        g.beyond.push_back(0);
    }
    return g;
}

ir::functions::PoolingGeometry pooling_windows_of(const NodeCall& c, const Shape& x) {
    if (x.rank() < 3) c.refuse(fmt::format("there are no extents to pool in {} dimensions", x.rank()));
    if (!c.integers("kernel_shape")) c.refuse("the attribute kernel_shape is missing");
    const std::size_t extents = x.rank() - 2;
    const ir::Integers sizes = per_extent(c, "kernel_shape", extents, 1, 1);
    Shape size;
    for (const std::int64_t n : sizes) size.push_back(n);
    ir::functions::PoolingGeometry g = windows_of(c, x, size);
    for (std::size_t i = 0; i < extents; ++i) {
        const Dim padded = g.low[i] + x[i + 2] + g.high[i], reach = (size[i] - 1) * g.dilation[i] + 1;
        if (padded.is_constant() && padded.constant() < reach.constant())
            c.refuse(fmt::format("a window reaches over {} elements, of which there are {}", reach.constant(),
                                 padded.constant()));
    }
    if (c.flag("ceil_mode")) g.round_up(x);
    return g;
}

}  // namespace lathe::onnx
