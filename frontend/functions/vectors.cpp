#include "frontend/functions/vectors.h"

#include <limits>

#include <fmt/format.h>

#include "frontend/functions/axis_arguments.h"
#include "frontend/functions/operand_checks.h"
#include "frontend/tensor/record.h"
#include "ir/functions/binary.h"
#include "ir/functions/folds.h"
#include "ir/functions/matmul.h"
#include "ir/functions/movement.h"
#include "ir/ops/ops.h"

namespace lathe {
namespace {

namespace f = ir::functions;
namespace ops = ir::ops;
using detail::blaming;
using detail::LocScope;
using detail::refuse;
using detail::value_of;

// An axis that counts from the end, so that it means the same of operands of other ranks: negative.
std::int64_t axis_from_end(std::string_view function, const Tensor& a, const Tensor& b, std::int64_t axis,
                           Where where) {
    const std::size_t rank = std::max(a.rank(), b.rank());
    return detail::axis_of(axis, rank, function, where) - static_cast<std::int64_t>(rank);
}
std::int64_t from_front(const Tensor& x, std::int64_t from_end) {
    return static_cast<std::int64_t>(x.rank()) + from_end;
}

}  // namespace

Tensor cross(const Tensor& a, const Tensor& b, std::int64_t axis, Where where) {
    const LocScope scope(where, "cross", a, b);
    return blaming(where, "cross", [&] {
        const std::int64_t at = axis_from_end("cross", a, b, axis, where);
        for (const Tensor* x : {&a, &b}) {
            const std::int64_t own = from_front(*x, at);
            if (own < 0 || !f::may_be_equal(x->type().shape[static_cast<std::size_t>(own)], 3))
                f::refuse("cross", fmt::format("wants vectors of three numbers along axis {}", axis), a, b);
        }
        const auto part = [&](const Tensor& x, std::int64_t i) {
            return f::narrow(value_of(x), from_front(x, at), (i + 3) % 3, 1);
        };
        std::vector<Tensor> parts;
        for (std::int64_t i = 0; i < 3; ++i)
            parts.push_back(
                ops::sub(ops::mul(part(a, i + 1), part(b, i + 2)), ops::mul(part(a, i + 2), part(b, i + 1))));
        return f::concat(parts, from_front(parts[0], at));
    });
}

Tensor vecdot(const Tensor& a, const Tensor& b, std::int64_t axis, Where where) {
    const LocScope scope(where, "vecdot", a, b);
    return blaming(where, "vecdot", [&] {
        const std::int64_t at = axis_from_end("vecdot", a, b, axis, where);
        const Tensor products = ops::mul(value_of(a), value_of(b));
        return f::sum(products, {from_front(products, at)});
    });
}

Tensor normalize(const Tensor& x, double p, std::int64_t axis, double least, Where where) {
    const LocScope scope(where, "normalize", x);
    return blaming(where, "normalize", [&] {
        detail::require_floats("normalize", x);
        const ir::Integers axes{detail::axis_of(axis, x.rank(), "normalize", where)};
        return f::in_accumulator(value_of(x), [&](const Tensor& v) {
            const Tensor size = f::expand_dims(f::norm(v, axes, p), v.type().shape, axes);
            return ops::div(v, ops::max(size, f::number(size, least)));
        });
    });
}

Tensor renorm(const Tensor& x, double p, std::int64_t axis, double most, Where where) {
    const LocScope scope(where, "renorm", x);
    return blaming(where, "renorm", [&] {
        detail::require_floats("renorm", x);
        if (!(most >= 0)) refuse("renorm", fmt::format("a norm of at most {}", most), where);
        const std::int64_t own = detail::axis_of(axis, x.rank(), "renorm", where);
        ir::Integers others = f::all_axes(x.rank());
        others.erase(others.begin() + own);
        return f::in_accumulator(value_of(x), [&](const Tensor& v) {
            constexpr double least = 1e-7;  // as PyTorch has it
            const Tensor size = f::expand_dims(f::norm(v, others, p), v.type().shape, others),
                         limit = f::number(v, most);
            const Tensor factor = ops::div(limit, ops::add(size, f::number(v, least)));
            return Tensor(ops::mul(v, ops::select(ops::gt(size, limit), factor, f::number(v, 1))));
        });
    });
}

// ---- distances

namespace {

// Of a[.., i, :] and b[.., j, :].
Tensor distances(const Tensor& a, const Tensor& b, double p) {
    const auto last = static_cast<std::int64_t>(a.rank());
    const Tensor differences =
        ops::sub(f::unsqueeze(a, {last - 1}), f::unsqueeze(b, {static_cast<std::int64_t>(b.rank()) - 2}));
    return f::norm(differences, {static_cast<std::int64_t>(differences.rank()) - 1}, p);
}
void require_power(std::string_view function, double p, Where where) {
    detail::require_between(function, "p", p, 0, std::numeric_limits<double>::infinity(), where);
}

}  // namespace

Tensor cdist(const Tensor& a, const Tensor& b, double p, Where where) {
    const LocScope scope(where, "cdist", a, b);
    return blaming(where, "cdist", [&] {
        detail::require_floats("cdist", a, b);
        f::require_same_dtype("cdist", a, b);
        require_power("cdist", p, where);
        if (a.rank() < 2 || b.rank() < 2 ||
            !f::may_be_equal(a.type().shape[a.rank() - 1], b.type().shape[b.rank() - 1]))
            f::refuse("cdist", "wants [.., vectors, numbers], with as many numbers in both", a, b);
        detail::require_rank(std::max(a.rank(), b.rank()) + 1, "cdist", where);
        return distances(value_of(a), value_of(b), p);
    });
}

Tensor pdist(const Tensor& x, double p, Where where) {
    const LocScope scope(where, "pdist", x);
    return blaming(where, "pdist", [&] {
        detail::require_floats("pdist", x);
        require_power("pdist", p, where);
        if (x.rank() != 2) f::refuse("pdist", "wants [vectors, numbers], two axes", x);
        const std::int64_t n = x.extent(0, where);
        std::vector<std::int64_t> first, second;
        for (std::int64_t i = 0; i < n; ++i)
            for (std::int64_t j = i + 1; j < n; ++j) {
                first.push_back(i);
                second.push_back(j);
            }
        const auto count = static_cast<std::int64_t>(first.size());
        const Tensor value = value_of(x);
        const auto rows = [&](const std::vector<std::int64_t>& of) {
            const ir::Literal places = ir::make_literal({Dtype::i64, Shape{count}}, std::as_bytes(std::span(of)));
            return ops::gather.with({std::int64_t{0}}, value, detail::TensorRecorder::constant_like(value, places, {}));
        };
        return f::norm(ops::sub(rows(first), rows(second)), {1}, p);
    });
}

// ---- covariances

Tensor cov(const Tensor& x, const CovarianceOptions& options, Where where) {
    LocScope scope(where, "cov", x);
    if (options.counts) scope.also(*options.counts);
    if (options.weights) scope.also(*options.weights);
    return blaming(where, "cov", [&] {
        detail::require_floats("cov", x);
        if (x.rank() > 2) f::refuse("cov", "wants [variables, observations], at most two axes", x);
        const Dim n = x.rank() == 0 ? Dim(1) : x.type().shape[x.rank() - 1];
        const auto check = [&](std::string_view name, const Tensor& w) {
            if (w.is_empty()) refuse("cov", fmt::format("{} is an empty tensor", name), where);
            if (w.rank() != 1 || !f::may_be_equal(w.type().shape[0], n))
                f::refuse("cov", fmt::format("{} has not one number for each observation", name), x, w);
        };
        return f::in_accumulator(value_of(x), [&](const Tensor& value) {
            const Tensor rows = f::reshape(value, Shape{x.rank() < 2 ? Dim(1) : x.type().shape[0], n});
            Tensor weights;  // none: all count the same
            const auto weigh = [&](const Tensor& w) {
                const Tensor own = f::convert(w, value.dtype());
                weights = weights.is_empty() ? own : ops::mul(weights, own);
            };
            if (options.counts) {
                check("counts", *options.counts);
                detail::require_dtype("cov", "the dtype of counts", ir::integers, *options.counts, x);
                weigh(value_of(*options.counts));
            }
            if (options.weights) {
                check("weights", *options.weights);
                f::require_same_dtype("cov", x, *options.weights);
                weigh(value_of(*options.weights));
            }
            const auto weighed = [&](const Tensor& v) { return weights.is_empty() ? v : ops::mul(v, weights); };
            const Tensor all = weights.is_empty() ? f::extent_value(value, n, value.dtype()) : f::sum(weights, {0});
            const Tensor means = ops::div(f::sum(weighed(rows), {1}), all);
            const Tensor centred = ops::sub(rows, f::unsqueeze(means, {1}));
            const Tensor products = f::matmul(centred, f::transpose(weighed(centred), {1, 0}));
            // What the correction takes off counts as much as an observation does.
            const auto correction = static_cast<double>(options.correction);
            Tensor taken = f::number(all, correction);
            if (options.weights)
                taken = ops::mul(
                    taken,
                    ops::div(f::sum(ops::mul(weights, f::convert(value_of(*options.weights), value.dtype())), {0}),
                             all));
            const Tensor divisor = ops::max(ops::sub(all, taken), f::number(all, 0));
            const Tensor out = ops::div(products, divisor);
            return out.type().shape[0] == Dim(1) ? f::reshape(out, Shape{}) : out;
        });
    });
}

Tensor corrcoef(const Tensor& x, Where where) {
    const LocScope scope(where, "corrcoef", x);
    return blaming(where, "corrcoef", [&] {
        const Tensor c = cov(x, {}, where);
        if (c.rank() == 0) return ops::div(c, c);
        const Tensor deviations = ops::sqrt(ops::diagonal.with({std::int64_t{0}, std::int64_t{1}, std::int64_t{0}}, c));
        const Tensor out = ops::div(ops::div(c, f::unsqueeze(deviations, {1})), deviations);
        return ops::min(ops::max(out, f::number(out, -1)), f::number(out, 1));
    });
}

Tensor vander(const Tensor& x, std::int64_t count, Where where) {
    const LocScope scope(where, "vander", x);
    return blaming(where, "vander", [&] {
        detail::require_at_least("vander", "count", count, 1, where);
        detail::require_rank(x.rank() + 1, "vander", where);
        const auto last = static_cast<std::int64_t>(x.rank());
        const Tensor column = f::unsqueeze(value_of(x), {last});
        std::vector<Tensor> powers{f::full_like(column, column.type().shape, 1)};
        for (std::int64_t i = 1; i < count; ++i) powers.push_back(i == 1 ? column : ops::mul(powers.back(), column));
        return count == 1 ? powers[0] : f::concat(powers, last);
    });
}

}  // namespace lathe
