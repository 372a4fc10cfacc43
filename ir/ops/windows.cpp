#include "ir/ops/windows.h"

namespace lathe::ir::ops {

Type skew_type(TypeContext& c) {
    rules::require_dtype(c, 0, any_dtype);
    Shape shape = c.operand(0).shape;
    const std::size_t axis = c.axis(skew_axis), offsets = c.axis(skew_offsets);
    if (axis == offsets) c.fail("the axis and offsets are one dimension");
    const std::int64_t stride = c.attribute(skew_stride), dilation = c.attribute(skew_dilation);
    if (stride < 1 || stride > max_step)
        c.fail("the stride " + std::to_string(stride) + " is not one from 1 to " + std::to_string(max_step));
    if (dilation < 1 || dilation > max_step)
        c.fail("the dilation " + std::to_string(dilation) + " is not one from 1 to " + std::to_string(max_step));
    const Dim windows = c.attribute(skew_windows)[0];
    rules::require_extent(c, windows, "the number of windows is negative");
    if (windows != Dim(0) && shape[offsets] != Dim(0))
        c.require_at_most((windows - 1) * stride + (shape[offsets] - 1) * dilation + 1, shape[axis],
                          "the last window ends behind its operand");
    shape[axis] = windows;
    return {c.operand(0).dtype, shape};
}

// Where the axis is several dimensions that were joined for it, as those of a window are, they are folded as they were:
// their order is the same, and nothing has to be divided to find an element.
Values first_max_expansion(const ExpandContext& c) {
    const Value x = c.x[0];
    const std::int64_t axis = chosen_axis(c.node.attributes);
    const std::span<const Dim> joined = x.type().shape.dims();
    if (x.node->op == &reshape) {
        const Value apart = x.node->operands[0];
        const std::span<const Dim> dims = apart.type().shape.dims();
        const auto before = static_cast<std::size_t>(axis), behind = joined.size() - before - 1;
        if (dims.size() > joined.size() && std::ranges::equal(dims.first(before), joined.first(before)) &&
            std::ranges::equal(dims.last(behind), joined.last(behind))) {
            Integers axes;
            for (std::size_t i = before; i < dims.size() - behind; ++i) axes.push_back(static_cast<std::int64_t>(i));
            return {reduce_max.with({axes}, apart)};
        }
    }
    return {reduce_max.with({Integers{axis}}, x)};
}

}  // namespace lathe::ir::ops
