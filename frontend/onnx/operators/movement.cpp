// The same elements elsewhere: orders of axes, parts, copies.
#include "frontend/functions/movement.h"

#include <algorithm>
#include <numeric>

#include "frontend/functions/creation.h"
#include "frontend/functions/diagonals.h"
#include "frontend/functions/elementwise.h"
#include "frontend/functions/indexing.h"
#include "frontend/functions/joining.h"
#include "frontend/onnx/counted.h"
#include "frontend/onnx/operators.h"
#include "frontend/tensor/selection.h"

namespace lathe::onnx {
namespace {

Results transposed(NodeCall& c) {
    const Tensor x = c[0];
    std::vector<std::int64_t> order(x.rank());
    std::iota(order.rbegin(), order.rend(), 0);
    order = c.integers("perm").value_or(order);
    Value y(transpose(x, Axes(order)));
    if (const auto& counted = c.value(0).counted()) {
        const std::vector<std::int64_t> natural = c.natural_axes(order, x.rank());
        const auto place = std::ranges::find(natural, static_cast<std::int64_t>(counted->axis)) - natural.begin();
        y.set_counted(Counted{static_cast<std::size_t>(place), counted->count});
    }
    return {std::move(y)};
}

Results joined(NodeCall& c) {
    std::vector<Tensor> parts;
    for (std::size_t i = 0; i < c.size(); ++i) parts.push_back(c[i]);
    if (parts.empty()) c.refuse("there are no operands");
    const std::int64_t axis = c.natural_axis(c.integer("axis"), parts[0].rank());
    const std::optional<Counted> counted = counted_by_elements(c);
    for (std::size_t i = 0; counted && i < c.size(); ++i)  // one behind the other they would not lie
        if (!c.value(i).counted() || static_cast<std::int64_t>(counted->axis) == axis) c.need_extent(i);
    Value y(concat(parts, axis));
    y.set_counted(counted);
    return {std::move(y)};
}

Results pieces(NodeCall& c) {
    const Tensor x = c[0];
    const std::int64_t axis = c.natural_axis(c.integer("axis", 0), x.rank());
    const Dim extent = x.type().shape[static_cast<std::size_t>(axis)];
    const std::optional<Counted>& counted = c.value(0).counted();
    if (counted && static_cast<std::int64_t>(counted->axis) == axis) c.need_extent(0);
    std::vector<Dim> sizes;
    if (c.has(1)) {
        sizes = c.dims(1);
    } else if (const auto given = c.integers("split")) {
        sizes.assign(given->begin(), given->end());
    } else {
        // Equal ones, of which the last may be smaller.
        const std::int64_t count = c.integer("num_outputs", static_cast<std::int64_t>(c.result_count()));
        if (count < 1) c.refuse("there are no results");
        const Dim size = ir::ceildiv(extent, count);
        for (std::int64_t i = 0; i + 1 < count; ++i) sizes.push_back(size);
        sizes.push_back(extent - size * (count - 1));
    }
    if (sizes.size() != c.result_count()) c.refuse("there are not as many sizes as results");
    Results results;
    for (Tensor& part : split(x, sizes, axis)) results.emplace_back(std::move(part)).set_counted(counted);
    return results;
}

// Starts and ends count from the end where they are negative, and stop at the ends of the axis.
Results sliced(NodeCall& c) {
    const Tensor x = c[0];
    const bool by_operands = c.opset() >= 10;
    const auto list = [&](std::size_t operand, std::string_view attribute) {
        if (by_operands) return c.has(operand) ? std::optional(c.dims(operand)) : std::nullopt;
        const auto numbers = c.integers(attribute);
        return numbers ? std::optional(std::vector<Dim>(numbers->begin(), numbers->end())) : std::nullopt;
    };
    const auto starts = list(1, "starts"), ends = list(2, "ends"), axes = list(3, "axes");
    if (!starts || !ends || starts->size() != ends->size()) c.refuse("starts and ends are not as many as each other");
    std::vector<std::int64_t> steps(starts->size(), 1);
    if (by_operands && c.has(4)) steps = c.integers(4);
    if (steps.size() != starts->size() || (axes && axes->size() != starts->size()))
        c.refuse("axes or steps are not as many as starts");
    std::optional<Counted> counted = c.value(0).counted();
    std::vector<Index> indices(x.rank(), Index(Range{}));
    for (std::size_t i = 0; i < starts->size(); ++i) {
        if (axes && !(*axes)[i].is_constant()) c.refuse("an axis is no number");
        const std::int64_t axis = c.natural_axis(axes ? (*axes)[i].constant() : static_cast<std::int64_t>(i), x.rank());
        if (steps[i] == 0) c.refuse("a step is 0");
        // An end before the first element is none at all for steps backwards; Range has no number for that.
        const Dim end = (*ends)[i];
        const Dim extent = x.type().shape[static_cast<std::size_t>(axis)];
        if (counted && static_cast<std::int64_t>(counted->axis) == axis) {
            // From the front alone: where the end is, the values decide.
            const Dim start = (*starts)[i];
            if (steps[i] != 1 || !start.is_constant() || !end.is_constant() || start.constant() < 0 ||
                end.constant() < 0)
                c.need_extent(0);
            counted->count = maximum(minimum(counted->count, end.constant()) - start.constant(), 0);
        }
        Range range{(*starts)[i], end, steps[i]};
        if (steps[i] < 0 && end.is_constant() && extent.is_constant() && end.constant() < -extent.constant())
            range.stop = std::nullopt;
        if (steps[i] < 0 && end.is_constant() && !extent.is_constant() && end.constant() < -(std::int64_t{1} << 30))
            range.stop = std::nullopt;
        indices[static_cast<std::size_t>(axis)] = Index(range);
    }
    Value y(detail::Selection(x, indices, Where::current()).take());
    y.set_counted(std::move(counted));
    return {std::move(y)};
}

Results padded(NodeCall& c) {
    const Tensor x = c[0];
    const std::string mode = c.text("mode", "constant");
    std::vector<Dim> pads;
    if (c.opset() >= 11) {
        pads = c.dims(1);
    } else {
        const auto given = c.integers("pads");
        if (!given) c.refuse("there are no pads");
        pads.assign(given->begin(), given->end());
    }
    std::vector<std::int64_t> axes(x.rank());
    std::iota(axes.begin(), axes.end(), 0);
    if (c.has(3)) axes = c.integers(3);
    if (pads.size() != 2 * axes.size()) c.refuse("pads are not two numbers for each axis");
    Shape low(std::vector<Dim>(x.rank(), Dim(0))), high = low;
    for (std::size_t i = 0; i < axes.size(); ++i) {
        const auto axis = static_cast<std::size_t>(c.natural_axis(axes[i], x.rank()));
        low[axis] = pads[i];
        high[axis] = pads[axes.size() + i];
    }
    if (mode == "constant") {
        if (c.opset() < 11) return {pad(x, low, high, c.number("value", 0))};
        if (!c.has(2)) return {pad(x, low, high)};
        const bool is_number = ir::is_float(x.dtype()) || ir::size_of(x.dtype()) < 8;  // that an f64 holds
        if (c.value(2).is_constant() && is_number) return {pad(x, low, high, c.number(2))};
        // Another fill stands where truth was padded with untruth.
        const Tensor inside = pad(full_like(x, 1) != full_like(x, 0), low, high);
        return {where(inside, pad(x, low, high), reshape(c[2], {}))};
    }
    // Where a side is cut, the others continue what is left.
    Shape cut_low = low, cut_high = high;
    bool cuts = false;
    for (std::size_t i = 0; i < x.rank(); ++i)
        for (auto [side, cut] : {std::pair(&low, &cut_low), std::pair(&high, &cut_high)}) {
            const bool negative = (*side)[i].is_constant() && (*side)[i].constant() < 0;
            cuts = cuts || negative;
            if (negative)
                (*side)[i] = 0;
            else
                (*cut)[i] = 0;
        }
    const Tensor left = cuts ? pad(x, cut_low, cut_high) : x;
    if (mode == "reflect") return {pad(left, low, high, PadMode::reflect)};
    if (mode == "edge") return {pad(left, low, high, PadMode::replicate)};
    if (mode == "wrap") return {pad(left, low, high, PadMode::circular)};
    c.refuse("there is no mode " + mode);
}

Results tiled(NodeCall& c) { return {tile(c[0], c.shape(1))}; }

Results triangle(NodeCall& c) {
    const std::int64_t offset = c.has(1) ? c.integer(1) : 0;
    return {c.flag("upper", true) ? triu(c[0], offset) : tril(c[0], offset)};
}

// The first so many steps of each sequence backwards.
Results reversed_sequences(NodeCall& c) {
    const Tensor x = c[0];
    const std::int64_t batch = c.natural_axis(c.integer("batch_axis", 1), x.rank());
    const std::int64_t time = c.natural_axis(c.integer("time_axis", 0), x.rank());
    if (batch == time) c.refuse("batches and steps are along one axis");
    const auto along = [&](const Tensor& vector, std::int64_t axis) {
        std::vector<Dim> shape(x.rank(), Dim(1));
        shape[static_cast<std::size_t>(axis)] = -1;
        return reshape(vector, Shape(shape));
    };
    const Tensor lengths = along(convert(c[1], Dtype::i64), batch);
    const Tensor steps = along(arange(x.dim(time)), time);
    return {take_along_axis(x, where(steps < lengths, lengths - 1 - steps, steps), time)};
}

constexpr Operator rows[] = {
    Operator{"Concat", joined, Known::moves_all}.counting(Counts::by_itself),
    {"Pad", padded},
    {"ReverseSequence", reversed_sequences},
    Operator{"Slice", sliced, Known::moves_first}.counting(Counts::by_itself),
    Operator{"Split", pieces, Known::moves_first}.counting(Counts::by_itself),
    {"Tile", tiled, Known::moves_first},
    Operator{"Transpose", transposed, Known::moves_first}.counting(Counts::by_itself),
    {"Trilu", triangle},
};

}  // namespace

Operators movement_operators() { return rows; }

}  // namespace lathe::onnx
