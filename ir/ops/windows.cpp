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

}  // namespace lathe::ir::ops
