#include "frontend/functions/search.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "frontend/functions/axis_arguments.h"
#include "frontend/functions/operand_checks.h"
#include "frontend/tensor/record.h"
#include "frontend/tensor/selection.h"
#include "ir/functions/movement.h"
#include "ir/functions/order_statistics.h"
#include "ir/ops/ops.h"

namespace lathe {
namespace {

namespace f = ir::functions;
namespace ops = ir::ops;
using detail::axis_of;
using detail::blaming;
using detail::LocScope;
using detail::refuse;
using detail::value_of;

Tensor integer(std::int64_t value) { return detail::number_of(Dtype::i64, 0, value); }

// Booleans of rank 1, in row-major order.
Tensor flat_mask(const Tensor& x) {
    const Tensor all = f::reshape(value_of(x), Shape{x.type().shape.element_count()});
    return f::convert(all, Dtype::boolean);
}

void require_bound(const char* function, Dim bound, Where where) {
    if (bound.is_constant()) detail::require_at_least(function, "bound", bound.constant(), 0, where);
}

// The first `bound` places of a vector of booleans that are true, then zeros.
Tensor first_true(const Tensor& mask, Dim bound) {
    const detail::NodeRef operand = detail::operand(Tensor(ops::logical_not(mask)).node());
    const Tensor order(detail::record_results(ops::sort, {&operand, 1}, {std::int64_t{0}, false}, {})[1]);
    const Dim extent = mask.type().shape[0];
    const Dim missing = max(bound - extent, 0);
    const Tensor enough = missing == Dim(0) ? order : Tensor(f::pad(order, f::number(order, 0), {0}, {missing}));
    const Tensor first = f::narrow(enough, 0, 0, bound);
    const Tensor count = f::sum(mask, {0});
    return ops::select(ops::lt(f::count_up(first, bound, Dtype::i64), count), first, f::number(first, 0));
}

// Row-major positions in something of a shape, as [count, rank].
Tensor unravelled(Tensor positions, const Shape& shape) {
    std::vector<Tensor> columns(shape.rank());
    const Dim count = positions.type().shape[0];
    for (std::size_t i = shape.rank(); i-- > 0;) {
        const Tensor extent = f::extent_value(positions, shape[i], Dtype::i64);
        columns[i] = f::reshape(Tensor(ops::rem(positions, extent)), Shape{count, 1});
        positions = ops::div(positions, extent);
    }
    if (columns.empty()) return f::reshape(f::narrow(positions, 0, 0, 0), Shape{count, 0});
    return f::concat(columns, 1);
}

}  // namespace

// ---- by order

std::pair<Tensor, Tensor> topk(const Tensor& x, std::int64_t count, std::int64_t axis, TopkOptions options,
                               Where where) {
    const LocScope scope(where, "topk", x);
    const detail::NodeRef operand = detail::operand(x.node());
    const auto results = detail::record_results(ops::topk, {&operand, 1}, {axis, count, !options.largest}, where);
    return {Tensor(results[0]), Tensor(results[1])};
}
Tensor searchsorted(const Tensor& sorted, const Tensor& values, SearchOptions options, Where where) {
    const LocScope scope(where, "searchsorted", sorted, values);
    if (sorted.rank() != 1) return ops::searchsorted.with({options.right}, sorted, values);
    const Shape& shape = values.type().shape;
    const Tensor row = f::reshape(value_of(values), Shape{shape.element_count()});
    return f::reshape(Tensor(ops::searchsorted.with({options.right}, sorted, row)), shape);
}
Tensor bucketize(const Tensor& values, const Tensor& boundaries, SearchOptions options, Where where) {
    const LocScope scope(where, "bucketize", values, boundaries);
    if (boundaries.rank() != 1)
        refuse("bucketize", fmt::format("wants a vector of boundaries, not rank {}", boundaries.rank()), where);
    return searchsorted(boundaries, values, options, where);
}

// ---- what is not 0

Tensor nonzero(const Tensor& x, Where where) {
    const LocScope scope(where, "nonzero", x);
    const std::vector<Tensor> along = detail::true_positions(f::convert(value_of(x), Dtype::boolean), "nonzero", where);
    if (along.empty()) return Tensor::from(std::vector<std::int64_t>(), {x.item<double>(where) != 0 ? 1 : 0, 0});
    std::vector<Tensor> columns;
    for (const Tensor& positions : along) columns.push_back(f::unsqueeze(positions, {1}));
    return f::concat(columns, 1);
}
std::vector<Tensor> where(const Tensor& condition, Where where) {
    const LocScope scope(where, "where", condition);
    return detail::true_positions(f::convert(value_of(condition), Dtype::boolean), "where", where);
}
Bounded nonzero_bounded(const Tensor& x, Dim bound, Where where) {
    const LocScope scope(where, "nonzero_bounded", x);
    return blaming(where, "nonzero_bounded", [&]() -> Bounded {
        require_bound("nonzero_bounded", bound, where);
        const Tensor mask = flat_mask(x);
        return {unravelled(first_true(mask, bound), x.type().shape), f::sum(mask, {0})};
    });
}

// ---- what is different

namespace {

// The elements in ascending order, which positions they had, and which of them are the first of their value.
struct Groups {
    Tensor sorted, order, is_first;
};
Groups groups_of(const Tensor& x) {
    const Dim count = x.type().shape.element_count();
    const detail::NodeRef operand = detail::operand(Tensor(f::reshape(value_of(x), Shape{count})).node());
    const auto results = detail::record_results(ops::sort, {&operand, 1}, {std::int64_t{0}, false}, {});
    const Tensor sorted(results[0]);
    return {sorted, Tensor(results[1]), f::begins_run(sorted, f::count_up(sorted, count, Dtype::i64), 0)};
}
// Which group each element of x is in.
Tensor inverse_of(const Tensor& x, const Groups& groups) {
    const Tensor numbers = ops::sub(ops::cumsum.with({std::int64_t{0}, false}, groups.is_first), integer(1));
    const Tensor zeros = f::full_like(numbers, numbers.type().shape, 0);
    return f::reshape(Tensor(ops::scatter_set.with({std::int64_t{0}}, zeros, groups.order, numbers)), x.type().shape);
}

}  // namespace

Unique unique(const Tensor& x, Where where) {
    const LocScope scope(where, "unique", x);
    const Groups groups = groups_of(x);
    const Tensor firsts = detail::true_positions(groups.is_first, "unique", where)[0];
    const Tensor end = f::reshape(integer(x.size(where)), Shape{1});
    const Tensor ends = f::narrow(f::concat(std::vector{firsts, end}, 0), 0, 1, firsts.type().shape[0]);
    return {ops::gather.with({std::int64_t{0}}, groups.sorted, firsts), inverse_of(x, groups), ops::sub(ends, firsts)};
}
BoundedUnique unique_bounded(const Tensor& x, Dim bound, Where where) {
    const LocScope scope(where, "unique_bounded", x);
    return blaming(where, "unique_bounded", [&]() -> BoundedUnique {
        require_bound("unique_bounded", bound, where);
        const Groups groups = groups_of(x);
        const Dim extent = groups.sorted.type().shape[0];
        if (extent == Dim(0) && bound != Dim(0)) refuse("unique_bounded", "there is no element to be the least", where);
        const Tensor firsts = first_true(groups.is_first, bound), count = f::sum(groups.is_first, {0});
        const Tensor next = first_true(groups.is_first, bound + 1);
        const Tensor number = f::count_up(firsts, bound, Dtype::i64);
        // Behind the last value comes the end.
        const Tensor ends = ops::select(ops::lt(ops::add(number, integer(1)), count), f::narrow(next, 0, 1, bound),
                                        f::extent_value(firsts, extent, Dtype::i64));
        const Tensor counts = ops::select(ops::lt(number, count), ops::sub(ends, firsts), integer(0));
        return {ops::gather.with({std::int64_t{0}}, groups.sorted, firsts), inverse_of(x, groups), counts, count};
    });
}

// ---- how many

Tensor isin(const Tensor& x, const Tensor& values, IsinOptions options, Where where) {
    const LocScope scope(where, "isin", x, values);
    return blaming(where, "isin", [&]() -> Tensor {
        f::require_same_dtype("isin", x, values);
        const auto rank = static_cast<std::int64_t>(x.rank());
        detail::require_rank(x.rank() + 1, "isin", where);
        const Tensor each = f::reshape(value_of(values), Shape{values.type().shape.element_count()});
        const Tensor found = ops::any.with({ir::Integers{rank}}, ops::eq(f::unsqueeze(value_of(x), {rank}), each));
        return options.invert ? Tensor(ops::logical_not(found)) : found;
    });
}

Tensor bincount(const Tensor& x, BincountOptions options, Where where) {
    LocScope scope(where, "bincount", x);
    if (options.weights) scope.also(*options.weights);
    return blaming(where, "bincount", [&]() -> Tensor {
        detail::require_dtype("bincount", "operand 0", ir::integers, x);
        detail::require_at_least("bincount", "minlength", options.minlength, 0, where);
        const Dim count = x.type().shape.element_count();
        const Tensor flat = f::reshape(value_of(x), Shape{count});
        Tensor weights = f::broadcast_to(integer(1), Shape{count});
        if (options.weights) {
            if (options.weights->is_empty())
                throw UserError(detail::spoken("bincount") + ": an empty tensor was used", detail::blame(where));
            if (!f::may_be_equal(options.weights->type().shape, x.type().shape))
                refuse("bincount", "wants a weight for each element", where);
            weights = f::reshape(value_of(*options.weights), Shape{count});
        }
        Dim length = options.minlength;
        if (options.length) {
            length = *options.length;
        } else if (flat.node()->symbolic) {
            throw UserError(detail::spoken("bincount") +
                                ": the greatest number is not known while the function is being traced; give a length" +
                                detail::spoken_operands(),
                            detail::blame(where));
        } else if (flat.size(where) > 0) {
            const std::int64_t greatest =
                f::convert(Tensor(ops::reduce_max.with({ir::Integers{0}}, flat)), Dtype::i64).item<std::int64_t>(where);
            length = std::max(options.minlength, greatest < INT64_MAX ? greatest + 1 : greatest);
            if (greatest < 0) length = std::max<std::int64_t>(options.minlength, 1);  // the index is the mistake
        }
        const Tensor zeros = f::full_like(weights, Shape{length}, 0);
        return ops::scatter_add.with({std::int64_t{0}}, zeros, flat, weights);
    });
}

std::pair<Tensor, Tensor> histogram(const Tensor& x, std::int64_t bins, HistogramOptions options, Where where) {
    const LocScope scope(where, "histogram", x);
    return blaming(where, "histogram", [&]() -> std::pair<Tensor, Tensor> {
        detail::require_at_least("histogram", "bins", bins, 1, where);
        const Dtype dtype = ir::is_float(x.dtype()) ? x.dtype() : Dtype::f64;
        const Tensor flat = f::reshape(f::convert(value_of(x), dtype), Shape{x.type().shape.element_count()});
        Tensor low, high;
        if (options.range) {
            const auto [first, last] = *options.range;
            if (!std::isfinite(first) || !std::isfinite(last) || first > last)
                refuse("histogram", fmt::format("the range from {} to {} has no width, or no end", first, last), where);
            low = detail::number_of(dtype, first, 0);
            high = detail::number_of(dtype, last, 0);
        } else if (flat.type().shape[0] == Dim(0)) {
            low = detail::number_of(dtype, 0, 0);
            high = detail::number_of(dtype, 1, 0);
        } else {
            low = ops::reduce_min.with({ir::Integers{0}}, flat);
            high = ops::reduce_max.with({ir::Integers{0}}, flat);
        }
        const Dtype wide = Dtype::f64;
        const Tensor half = detail::number_of(wide, 0.5, 0), zero = detail::number_of(wide, 0, 0);
        const Tensor is_point = ops::eq(low, high);
        const Tensor first = ops::sub(f::convert(low, wide), ops::select(is_point, half, zero));
        const Tensor last = ops::add(f::convert(high, wide), ops::select(is_point, half, zero));
        const Tensor i = f::count_up(flat, bins + 1, wide),
                     steps = detail::number_of(wide, static_cast<double>(bins), 0);
        const Tensor step = ops::div(ops::sub(last, first), steps);
        const Tensor inner = ops::add(first, ops::mul(i, step));
        const Tensor edges = f::convert(Tensor(ops::select(ops::eq(i, steps), last, inner)), dtype);

        const Tensor place = ops::sub(ops::searchsorted.with({true}, edges, flat), integer(1));
        const Tensor bottom = f::narrow(edges, 0, 0, 1), top = f::narrow(edges, 0, bins, 1);
        const Tensor inside = ops::logical_and(ops::ge(flat, bottom), ops::le(flat, top));
        const Tensor bin = ops::min(ops::max(place, integer(0)), integer(bins - 1));
        const Tensor counts = ops::scatter_add.with({std::int64_t{0}}, f::broadcast_to(integer(0), Shape{bins}), bin,
                                                    f::convert(inside, Dtype::i64));
        return {counts, edges};
    });
}

}  // namespace lathe
