#include "ir/ops/windows.h"

#include <algorithm>

#include "ir/functions/window_elements.h"
#include "ir/functions/windows.h"
#include "ir/ops/arithmetic.h"

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

namespace {

namespace f = functions;

// The dimensions from `begin` on, `count` of them, of which an element is chosen.
struct Choice {
    Value elements;
    std::size_t begin = 0, count = 1;

    Integers axes() const {
        Integers out;
        for (std::size_t i = begin; i < begin + count; ++i) out.push_back(static_cast<std::int64_t>(i));
        return out;
    }
    std::span<const Dim> extents() const { return elements.type().shape.dims().subspan(begin, count); }
};

// Where the axis is several dimensions that were joined for it, as those of a window are, they are folded as they were:
// their order is the same, and nothing has to be divided to find an element.
Choice before_it_was_joined(const Value& x, std::size_t axis) {
    if (x.node->op == &reshape) {
        const Value apart = x.node->operands[0];
        const std::span<const Dim> dims = apart.type().shape.dims(), joined = x.type().shape.dims();
        const std::size_t behind = joined.size() - axis - 1;
        if (dims.size() > joined.size() && std::ranges::equal(dims.first(axis), joined.first(axis)) &&
            std::ranges::equal(dims.last(behind), joined.last(behind)))
            return {apart, axis, dims.size() - behind - axis};
    }
    return {x, axis, 1};
}

// The greatest of few elements, written out: no loop with its counting, and what windows share is read once.
Value greatest_of_few(const Choice& choice, std::int64_t count, const Shape& result) {
    const Shape shape = choice.elements.type().shape;
    Value greatest;
    for (std::int64_t k = 0; k < count; ++k) {
        Shape start(std::vector<std::int64_t>(shape.rank(), 0)), size = shape;
        const std::vector<std::int64_t> at = f::element_index(choice.extents(), k);
        for (std::size_t i = 0; i < at.size(); ++i) {
            start[choice.begin + i] = at[i];
            size[choice.begin + i] = 1;
        }
        const Value element = f::reshape(f::slice(choice.elements, start, size, Integers(shape.rank(), 1)), result);
        greatest = k == 0 ? element : max(greatest, element);
    }
    return greatest;
}

}  // namespace

Values first_max_expansion(const ExpandContext& c) {
    constexpr std::int64_t most_written_out = 16;
    const Choice choice = before_it_was_joined(c.x[0], static_cast<std::size_t>(chosen_axis(c.node.attributes)));
    if (const auto count = f::few_elements(choice.extents(), most_written_out))
        return {greatest_of_few(choice, *count, c.node.results[0].shape)};
    return {reduce_max.with({choice.axes()}, choice.elements)};
}

}  // namespace lathe::ir::ops
