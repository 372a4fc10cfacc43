#include "frontend/functions/indexing.h"

#include <utility>

#include <fmt/format.h>

#include "frontend/functions/axis_arguments.h"
#include "frontend/functions/elementwise.h"
#include "frontend/functions/joining.h"
#include "frontend/functions/operand_checks.h"
#include "frontend/tensor/record.h"
#include "ir/functions/classification.h"
#include "ir/functions/movement.h"
#include "ir/functions/positions.h"
#include "ir/ops/ops.h"

namespace lathe {
namespace {

namespace f = ir::functions;
namespace ops = ir::ops;
using detail::axis_of;
using detail::blaming;
using detail::LocScope;
using detail::natural_axis;
using detail::refuse;
using detail::refuse_entries;
using detail::value_of;

void require_integers(const Tensor& indices, std::string_view function, Where where) {
    if (!ir::integers.contains(indices.dtype()))
        refuse(function, ir::dtype_refusal("an index", indices.dtype(), ir::integers), where);
}
void require_list(const Tensor& indices, std::string_view function, Where where) {
    require_integers(indices, function, where);
    if (indices.rank() != 1)
        refuse(function, fmt::format("wants a vector of indices, not rank {}", indices.rank()), where);
}

// The extent that both stretch to, along an axis beside the one that is chosen from.
Dim common_extent(Dim a, Dim b) { return a == Dim(1) ? b : a; }

// x and the indices with the same extents beside the axis.
std::pair<Tensor, Tensor> lines_of(const Tensor& x, const Tensor& indices, std::int64_t axis, std::string_view function,
                                   Where where) {
    require_integers(indices, function, where);
    if (x.rank() != indices.rank())
        refuse(function, fmt::format("the indices have rank {}, not {}", indices.rank(), x.rank()), where);
    Shape own = x.type().shape, chosen = indices.type().shape;
    for (std::size_t i = 0; i < own.rank(); ++i) {
        if (static_cast<std::int64_t>(i) == axis) continue;
        if (!f::may_be_equal(own[i], chosen[i]) && own[i] != Dim(1) && chosen[i] != Dim(1))
            refuse(function,
                   fmt::format("the extents beside the axis differ: {} is not {} along axis {}", own[i].to_string(),
                               chosen[i].to_string(), i),
                   where);
        own[i] = chosen[i] = common_extent(own[i], chosen[i]);
    }
    const Dim extent = own[static_cast<std::size_t>(axis)];
    return {f::broadcast_to(value_of(x), own), f::broadcast_to(f::from_start(indices, extent), chosen)};
}

Tensor starts_of(std::initializer_list<Tensor> starts, const Tensor& x, std::string_view function, Where where) {
    if (starts.size() != x.rank()) refuse_entries(function, "starts", starts.size(), x.rank(), where);
    if (starts.size() == 0) return Tensor::from(std::vector<std::int64_t>(), {0});
    std::vector<Tensor> all;
    for (const Tensor& start : starts) {
        if (start.is_empty())
            throw UserError(detail::spoken(function) + ": an empty tensor was used", detail::blame(where));
        if (!ir::is_integer(start.dtype()) || start.rank() != 0)
            refuse(function, fmt::format("a start is {}, not an integer of rank 0", start.type().to_string()), where);
        all.push_back(f::convert(value_of(start), Dtype::i64));
    }
    return stack(all, 0, where);
}

// The starts, within what x has room for.
Tensor clamped_starts(const Tensor& x, const Tensor& starts, const Shape& size, std::string_view function,
                      Where where) {
    require_list(starts, function, where);
    const Shape& shape = x.type().shape;
    if (size.rank() != shape.rank()) refuse_entries(function, "size", size.rank(), shape.rank(), where);
    if (!f::may_be_equal(starts.type().shape[0], static_cast<std::int64_t>(shape.rank())) &&
        starts.type().shape[0] != Dim(static_cast<std::int64_t>(shape.rank())))
        refuse(function, fmt::format("wants one start for each of {} dimensions", shape.rank()), where);
    for (std::size_t i = 0; i < shape.rank(); ++i) {
        const Dim room = shape[i] - size[i];
        if (size[i].is_constant() && size[i].constant() < 0)
            refuse(function, fmt::format("a size is {}, less than 0", size[i].constant()), where);
        if (room.is_constant() && room.constant() < 0)
            refuse(function,
                   fmt::format("the block is larger than its operand: {} exceeds {} along axis {}", size[i].to_string(),
                               shape[i].to_string(), i),
                   where);
    }
    return f::clamped_starts(starts, shape, size);
}

}  // namespace

// ---- along one axis

Tensor gather(const Tensor& x, const Tensor& indices, std::int64_t axis, Where where) {
    const LocScope scope(where, "gather", x, indices);
    return ops::gather.with({natural_axis(axis, x)}, x, indices);
}
Tensor take(const Tensor& x, const Tensor& indices, std::int64_t axis, Where where) {
    const LocScope scope(where, "take", x, indices);
    require_integers(indices, "take", where);
    const std::int64_t a = axis_of(axis, x.rank(), "take", where);
    return ops::gather.with({a}, x, f::from_start(indices, x.type().shape[static_cast<std::size_t>(a)]));
}
Tensor take(const Tensor& x, const Tensor& indices, Where where) {
    const LocScope scope(where, "take", x, indices);
    return blaming(where, "take", [&]() -> Tensor {
        const Dim count = x.type().shape.element_count();
        return take(f::reshape(value_of(x), Shape{count}), indices, 0, where);
    });
}
Tensor index_select(const Tensor& x, const Tensor& indices, std::int64_t axis, Where where) {
    const LocScope scope(where, "index_select", x, indices);
    require_list(indices, "index_select", where);
    return gather(x, indices, axis, where);
}
Tensor scatter_add(const Tensor& x, const Tensor& indices, const Tensor& updates, std::int64_t axis, Where where) {
    const LocScope scope(where, "scatter_add", x, indices, updates);
    return ops::scatter_add.with({natural_axis(axis, x)}, x, indices, updates);
}
Tensor index_add(const Tensor& x, const Tensor& indices, const Tensor& updates, std::int64_t axis, Where where) {
    const LocScope scope(where, "index_add", x, indices, updates);
    require_list(indices, "index_add", where);
    return ops::scatter_add.with({natural_axis(axis, x)}, x, indices, updates);
}
Tensor index_copy(const Tensor& x, const Tensor& indices, const Tensor& updates, std::int64_t axis, Where where) {
    const LocScope scope(where, "index_copy", x, indices, updates);
    require_list(indices, "index_copy", where);
    return ops::scatter_set.with({natural_axis(axis, x)}, x, indices, updates);
}
Tensor index_fill(const Tensor& x, const Tensor& indices, double value, std::int64_t axis, Where where) {
    const LocScope scope(where, "index_fill", x, indices);
    require_list(indices, "index_fill", where);
    const std::int64_t a = axis_of(axis, x.rank(), "index_fill", where);
    Shape shape = x.type().shape;
    shape[static_cast<std::size_t>(a)] = indices.type().shape[0];
    const Tensor number = detail::Operand(value, where).as(x.dtype(), "index_fill");
    return ops::scatter_set.with({a}, x, indices, f::broadcast_to(number, shape));
}

static Tensor with_slices(std::string_view function, const Tensor& x, const Tensor& slices, std::int64_t axis,
                          std::int64_t start, std::int64_t step) {
    f::require_same_dtype(function, x, slices);
    Shape fits = x.type().shape;
    const Dim count = slices.type().shape[static_cast<std::size_t>(axis)];
    const Dim extent = std::exchange(fits[static_cast<std::size_t>(axis)], count);
    if (!f::may_be_equal(fits, slices.type().shape)) f::refuse(function, "the slices do not fit", x, slices);
    const Tensor places = f::count_up(x, count, Dtype::i64);
    const Tensor at = ops::add(
        ops::mul(places, f::number(places, static_cast<double>(step))),
        start < 0 ? ops::add(f::extent_value(places, extent, Dtype::i64), f::number(places, static_cast<double>(start)))
                  : f::number(places, static_cast<double>(start)));
    return ops::scatter_set.with({axis}, value_of(x), at, value_of(slices));
}
Tensor select_scatter(const Tensor& x, const Tensor& slice, std::int64_t axis, std::int64_t place, Where where) {
    const LocScope scope(where, "select_scatter", x, slice);
    return blaming(where, "select_scatter", [&] {
        const std::int64_t a = axis_of(axis, x.rank(), "select_scatter", where);
        if (slice.rank() + 1 != x.rank()) f::refuse("select_scatter", "the slices do not fit", x, slice);
        return with_slices("select_scatter", x, f::unsqueeze(value_of(slice), {a}), a, place, 1);
    });
}
Tensor slice_scatter(const Tensor& x, const Tensor& slices, std::int64_t axis, std::int64_t start, std::int64_t step,
                     Where where) {
    const LocScope scope(where, "slice_scatter", x, slices);
    return blaming(where, "slice_scatter", [&] {
        const std::int64_t a = axis_of(axis, x.rank(), "slice_scatter", where);
        if (step < 1) f::refuse("slice_scatter", "wants a step of 1 or more", x, slices);
        if (slices.rank() != x.rank()) f::refuse("slice_scatter", "the slices do not fit", x, slices);
        return with_slices("slice_scatter", x, slices, a, start, step);
    });
}

// ---- lines

Tensor take_along_axis(const Tensor& x, const Tensor& indices, std::int64_t axis, Where where) {
    const LocScope scope(where, "take_along_axis", x, indices);
    return blaming(where, "take_along_axis", [&]() -> Tensor {
        const std::int64_t a = axis_of(axis, x.rank(), "take_along_axis", where);
        const auto [lines, positions] = lines_of(x, indices, a, "take_along_axis", where);
        return ops::take_along_axis.with({a}, lines, positions);
    });
}
Tensor put_along_axis(const Tensor& x, const Tensor& indices, const detail::Operand& values, std::int64_t axis,
                      Update how) {
    const Where where = values.where();
    const LocScope scope(where, "put_along_axis", x, indices);
    if (!values.is_number() && values.tensor().is_empty())
        throw UserError(detail::spoken("put_along_axis") + ": an empty tensor was used", detail::blame(where));
    const std::int64_t a = axis_of(axis, x.rank(), "put_along_axis", where);
    const auto [lines, positions] = lines_of(x, indices, a, "put_along_axis", where);
    if (!(lines.type() == x.type())) refuse("put_along_axis", "the indices are for more lines than there are", where);
    const Tensor updates = f::broadcast_to(value_of(values.as(x.dtype(), "put_along_axis")), positions.type().shape);
    const ir::OpDef* const row = how == Update::set        ? &ops::put_along_axis
                                 : how == Update::add      ? &ops::add_along_axis
                                 : how == Update::multiply ? &ops::multiply_along_axis
                                 : how == Update::min      ? &ops::min_along_axis
                                                           : &ops::max_along_axis;
    return row->with({a}, lines, positions, updates);
}

// ---- masks

Tensor masked_fill(const Tensor& x, const Tensor& mask, const detail::Operand& value) {
    const LocScope scope(value.where(), "masked_fill", x, mask);
    if (!value.is_number() && value.tensor().is_empty())
        throw UserError(detail::spoken("masked_fill") + ": an empty tensor was used", detail::blame(value.where()));
    return where(mask, {value.as(x.dtype(), "masked_fill"), value.where()}, {x, value.where()});
}
Tensor masked_select(const Tensor& x, const Tensor& mask, Where where) {
    const LocScope scope(where, "masked_select", x, mask);
    detail::require_dtype("masked_select", "operand 1", ir::booleans, mask);
    Tensor all = value_of(x), chosen = value_of(mask);
    if (!(x.type().shape == mask.type().shape)) {  // a choice broadcasts all of its operands
        const Tensor yes = ops::select(mask, ops::ne(x, x), ops::eq(x, x));
        all = f::broadcast_to(all, yes.type().shape);
        chosen = f::broadcast_to(chosen, yes.type().shape);
    }
    return chosen.rank() == 0 ? all.reshape({1})[{chosen.reshape({1})}] : all[{{chosen, where}}];
}

// ---- blocks

Tensor dynamic_slice(const Tensor& x, const Tensor& starts, const Shape& size, Where where) {
    const LocScope scope(where, "dynamic_slice", x, starts);
    return blaming(where, "dynamic_slice", [&]() -> Tensor {
        const Tensor first = clamped_starts(x, starts, size, "dynamic_slice", where);
        return ops::dynamic_slice.with({size, std::int64_t{0}}, x, first);
    });
}
Tensor dynamic_slice(const Tensor& x, std::initializer_list<Tensor> starts, const Shape& size, Where where) {
    const LocScope scope(where, "dynamic_slice", x);
    return dynamic_slice(x, starts_of(starts, x, "dynamic_slice", where), size, where);
}
Tensor dynamic_update_slice(const Tensor& x, const Tensor& block, const Tensor& starts, Where where) {
    const LocScope scope(where, "dynamic_update_slice", x, block, starts);
    return blaming(where, "dynamic_update_slice", [&]() -> Tensor {
        const Tensor first = clamped_starts(x, starts, block.type().shape, "dynamic_update_slice", where);
        return ops::dynamic_update_slice.with({std::int64_t{0}}, x, block, first);
    });
}
Tensor dynamic_update_slice(const Tensor& x, const Tensor& block, std::initializer_list<Tensor> starts, Where where) {
    const LocScope scope(where, "dynamic_update_slice", x, block);
    return dynamic_update_slice(x, block, starts_of(starts, x, "dynamic_update_slice", where), where);
}

// ---- classes

Tensor one_hot(const Tensor& indices, std::int64_t classes, Dtype dtype, Where where) {
    const LocScope scope(where, "one_hot", indices);
    return blaming(where, "one_hot", [&] { return f::one_hot(indices, Dim(classes), dtype); });
}
Tensor embedding(const Tensor& indices, const Tensor& weights, EmbeddingOptions options, Where where) {
    const LocScope scope(where, "embedding", indices, weights);
    require_integers(indices, "embedding", where);
    if (weights.rank() != 2)
        refuse("embedding", fmt::format("wants a matrix of weights, not rank {}", weights.rank()), where);
    const Tensor rows = ops::gather.with({std::int64_t{0}}, weights, indices);
    if (!options.padding_idx) return rows;
    std::int64_t padding = *options.padding_idx;
    const Dim count = weights.type().shape[0];
    if (count.is_constant() && (padding < -count.constant() || padding >= count.constant()))
        refuse("embedding", fmt::format("padding_idx is {}, out of range for {} rows", padding, count.constant()),
               where);
    const Tensor positions = f::convert(value_of(indices), Dtype::i64);
    const Tensor left_out = padding >= 0 ? detail::number_of(Dtype::i64, 0, padding)
                                         : Tensor(ops::add(f::extent_value(positions, count, Dtype::i64),
                                                           detail::number_of(Dtype::i64, 0, padding)));
    const auto last = static_cast<std::int64_t>(indices.rank());
    const Tensor is_padding = f::unsqueeze(Tensor(ops::eq(positions, left_out)), {last});
    return ops::select(is_padding, ops::stop_gradient(rows), rows);
}

}  // namespace lathe
