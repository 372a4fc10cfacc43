// Elements chosen by integers, and updates where these say. Negative positions count from the end.
#include "frontend/functions/indexing.h"

#include "frontend/functions/creation.h"
#include "frontend/functions/elementwise.h"
#include "frontend/functions/movement.h"
#include "frontend/onnx/counted.h"
#include "frontend/onnx/operators.h"
#include "frontend/tensor/record.h"
#include "frontend/tensor/selection.h"
#include "ir/functions/basic.h"

namespace lathe::onnx {
namespace {

// Positions along an axis that is counted, as positions among all there may be. Those that there are not stay such.
Tensor among_those_that_count(const Tensor& x, const Counted& counted, const Tensor& positions) {
    const Tensor p = convert(positions, Dtype::i64);
    const Tensor natural = where(p < 0, p + counted.count, p);
    const Tensor none = ir::functions::extent_value(p, x.dim(static_cast<std::int64_t>(counted.axis)), Dtype::i64);
    return where(logical_and(natural >= 0, natural < counted.count), natural, none);
}

Results gathered(NodeCall& c) {
    const Tensor x = c[0];
    Tensor positions = c[1];
    const std::int64_t axis = c.natural_axis(c.integer("axis", 0), x.rank());
    const std::optional<Counted>&of_x = c.value(0).counted(), &of_positions = c.value(1).counted();
    std::optional<Counted> result;
    if (of_x && static_cast<std::int64_t>(of_x->axis) == axis)
        positions = among_those_that_count(x, *of_x, positions);
    else if (of_x)
        result = {static_cast<std::int64_t>(of_x->axis) < axis ? of_x->axis : of_x->axis + positions.rank() - 1,
                  of_x->count};
    if (of_positions) {
        if (result) c.need_extent(1);
        positions = where(places_that_count(positions, *of_positions), positions, 0);
        result = {static_cast<std::size_t>(axis) + of_positions->axis, of_positions->count};
    }
    Value y(take(x, positions, axis));
    y.set_counted(std::move(result));
    return {std::move(y)};
}

// The positions of other extents may be fewer than the elements there.
Tensor covered(const Tensor& x, const Tensor& positions, std::int64_t axis) {
    const Shape& p = positions.type().shape;
    Shape size = x.type().shape;
    bool cuts = false;
    for (std::size_t i = 0; i < size.rank() && i < p.rank(); ++i) {
        if (static_cast<std::int64_t>(i) == axis || size[i] == p[i]) continue;
        size[i] = p[i];
        cuts = true;
    }
    return cuts ? slice(x, Shape(std::vector<Dim>(size.rank(), Dim(0))), size) : x;
}

Results gathered_elements(NodeCall& c) {
    const Tensor x = c[0], positions = c[1];
    if (positions.rank() != x.rank()) c.refuse("positions have another rank than the operand");
    const std::int64_t axis = c.natural_axis(c.integer("axis", 0), x.rank());
    return {take_along_axis(covered(x, positions, axis), positions, axis)};
}

// What indices [..., k] say of x: their last axis has positions along k axes, behind those of the batch.
std::vector<Index> indices_of(NodeCall& c, const Tensor& x, const Tensor& indices, std::size_t batch) {
    const Shape& shape = indices.type().shape;
    if (shape.rank() == 0) c.refuse("indices have no axis");
    const Dim last = shape[shape.rank() - 1];
    if (!last.is_constant()) c.refuse("the number of positions in an index is not known");
    const auto count = static_cast<std::size_t>(last.constant());
    if (batch + count > x.rank() || shape.rank() <= batch) c.refuse("an index has more positions than there are axes");
    std::vector<Index> all;
    for (std::size_t b = 0; b < batch; ++b) {
        std::vector<Dim> own(shape.rank() - 1, Dim(1));
        own[b] = x.type().shape[b];
        all.emplace_back(reshape(arange(x.type().shape[b]), Shape(own)));
    }
    for (std::size_t i = 0; i < count; ++i) all.emplace_back(indices[{ellipsis, static_cast<std::int64_t>(i)}]);
    return all;
}

Results gathered_blocks(NodeCall& c) {
    const Tensor x = c[0];
    const std::int64_t batch = c.integer("batch_dims", 0);
    if (batch < 0) c.refuse("batch_dims is negative");
    if (c.value(0).counted()) c.need_extent(0);
    Tensor indices = c[1];
    const std::optional<Counted>& counted = c.value(1).counted();
    if (counted) {
        if (counted->axis + 1 == indices.rank()) c.need_extent(1);
        indices = where(places_that_count(indices, *counted), indices, 0);
    }
    Value y(detail::Selection(x, indices_of(c, x, indices, static_cast<std::size_t>(batch)), Where::current()).take());
    y.set_counted(counted);
    return {std::move(y)};
}

Update update_of(NodeCall& c) {
    const std::string how = c.text("reduction", "none");
    if (how == "none") return Update::set;
    if (how == "add") return Update::add;
    if (how == "mul") return Update::multiply;
    if (how == "min") return Update::min;
    if (how == "max") return Update::max;
    c.refuse("there is no reduction " + how);
}

Results scattered_elements(NodeCall& c) {
    const Tensor x = c[0], positions = c[1], updates = c[2];
    if (positions.rank() != x.rank() || updates.rank() != x.rank())
        c.refuse("positions or updates have another rank than the operand");
    const std::int64_t axis = c.natural_axis(c.integer("axis", 0), x.rank());
    const Update how = update_of(c);
    const Tensor part = covered(x, positions, axis);
    if (part.type().shape == x.type().shape) return {put_along_axis(x, positions, updates, axis, how)};
    // Lines beyond the positions stay as they are.
    const Tensor changed = put_along_axis(part, positions, updates, axis, how);
    std::vector<Index> lines;
    for (const Dim d : part.type().shape) lines.emplace_back(Range{Dim(0), d});
    return {detail::Selection(x, lines, Where::current()).update(Update::set, changed)};
}

Results scattered_blocks(NodeCall& c) {
    const Tensor x = c[0], indices = c[1];
    return {detail::Selection(x, indices_of(c, x, indices, 0), Where::current()).update(update_of(c), c[2])};
}

// A cache with the update from a position on along an axis, which every batch has for itself.
Results scattered_steps(NodeCall& c) {
    const Tensor cache = c[0], update = c[1];
    if (cache.rank() < 2 || update.rank() != cache.rank()) c.refuse("operands have other ranks than each other");
    const std::int64_t axis = c.natural_axis(c.integer("axis", -2), cache.rank());
    const std::string mode = c.text("mode", "linear");
    if (mode != "linear" && mode != "circular") c.refuse("there is no mode " + mode);
    if (axis == 0) c.refuse("the axis is that of the batch");
    std::vector<Dim> along(cache.rank(), Dim(1)), batch = along;
    along[static_cast<std::size_t>(axis)] = -1;
    batch[0] = -1;
    Tensor positions = reshape(arange(update.dim(axis)), Shape(along));
    if (c.has(2)) positions = positions + reshape(convert(c[2], Dtype::i64), Shape(batch));
    if (mode == "circular") positions = positions % ir::functions::extent_value(positions, cache.dim(axis), Dtype::i64);
    return {put_along_axis(cache, broadcast_to(positions, update.type().shape), update, axis)};
}

constexpr Operator rows[] = {
    Operator{"Gather", gathered, Known::moves_first}.counting(Counts::by_itself),
    {"GatherElements", gathered_elements, Known::moves_first},
    Operator{"GatherND", gathered_blocks, Known::moves_first}.counting(Counts::by_itself),
    {"Scatter", scattered_elements},
    {"ScatterElements", scattered_elements},
    {"ScatterND", scattered_blocks},
    {"TensorScatter", scattered_steps},
};

}  // namespace

Operators indexing_operators() { return rows; }

}  // namespace lathe::onnx
