#include "frontend/functions/reductions.h"

#include "frontend/functions/axis_arguments.h"
#include "frontend/functions/elementwise.h"
#include "frontend/tensor/record.h"
#include "ir/functions/folds.h"
#include "ir/ops/ops.h"

namespace lathe {
namespace {

namespace f = ir::functions;
namespace ops = ir::ops;
using detail::axes_or_all;
using detail::blaming;
using detail::LocScope;
using detail::value_of;

// A reduction, with the reduced axes put back as extents of 1 where `keep` says so.
Tensor reduce(std::string_view name, const ir::OpDef& op, const Tensor& x, const Axes& axes, bool keep, Where where) {
    const LocScope scope(where, name, x);
    const ir::Integers all = axes_or_all(x, axes);
    if (all.empty()) return value_of(x);
    const Tensor y = op.with({all}, x);
    return keep ? f::expand_dims(y, x.type().shape, all) : y;
}

// A function of x and its axes, with these put back as extents of 1 where `keep` says so.
template <class F>
Tensor fold(std::string_view name, const F& function, const Tensor& x, const Axes& axes, bool keep, Where where) {
    const LocScope scope(where, name, x);
    const ir::Integers all = axes_or_all(x, axes);
    const Tensor y = blaming(where, name, [&] { return function(value_of(x), all); });
    return keep ? f::expand_dims(y, x.type().shape, all) : y;
}

}  // namespace

Tensor sum(const Tensor& x, const Axes& axes, bool keep, Where where) {
    const LocScope scope(where, "sum", x);
    const Tensor y = reduce("sum", ops::sum, x, axes, keep, where);
    return x.rank() == 0 ? convert(y, ir::sum_of(y.dtype()), where) : y;
}
Tensor max(const Tensor& x, const Axes& axes, bool keep, Where where) {
    return reduce("max", ops::reduce_max, x, axes, keep, where);
}
Tensor min(const Tensor& x, const Axes& axes, bool keep, Where where) {
    return reduce("min", ops::reduce_min, x, axes, keep, where);
}
Tensor prod(const Tensor& x, const Axes& axes, bool keep, Where where) {
    return fold("prod", f::prod<Tensor>, x, axes, keep, where);
}
Tensor mean(const Tensor& x, const Axes& axes, bool keep, Where where) {
    return fold("mean", [](const Tensor& v, const ir::Integers& a) { return f::mean(v, a); }, x, axes, keep, where);
}
Tensor all(const Tensor& x, const Axes& axes, bool keep, Where where) {
    return fold("all", f::all<Tensor>, x, axes, keep, where);
}
Tensor any(const Tensor& x, const Axes& axes, bool keep, Where where) {
    return fold("any", f::any<Tensor>, x, axes, keep, where);
}
Tensor count_nonzero(const Tensor& x, const Axes& axes, bool keep, Where where) {
    return fold("count_nonzero", f::count_nonzero<Tensor>, x, axes, keep, where);
}
Extremes aminmax(const Tensor& x, const Axes& axes, bool keep, Where where) {
    const LocScope scope(where, "aminmax", x);
    return {min(x, axes, keep, where), max(x, axes, keep, where)};
}
Tensor argmax(const Tensor& x, std::int64_t axis, ArgmaxOptions options, Where where) {
    const LocScope scope(where, "argmax", x);
    return ops::argmax.with({f::natural_axes({axis}, x.rank()), options.last}, x);
}
Tensor argmin(const Tensor& x, std::int64_t axis, ArgmaxOptions options, Where where) {
    const LocScope scope(where, "argmin", x);
    return ops::argmax.with({f::natural_axes({axis}, x.rank()), options.last}, f::reversed_order(x));
}
Tensor variance(const Tensor& x, const Axes& axes, VarianceOptions options, Where where) {
    const auto of = [&](const Tensor& v, const ir::Integers& a) { return f::variance(v, a, options.correction); };
    return fold("variance", of, x, axes, options.keep, where);
}
Tensor var(const Tensor& x, const Axes& axes, VarianceOptions options, Where where) {
    const LocScope scope(where, "var", x);
    return variance(x, axes, options, where);
}
Tensor stddev(const Tensor& x, const Axes& axes, VarianceOptions options, Where where) {
    const auto of = [&](const Tensor& v, const ir::Integers& a) {
        return f::standard_deviation(v, a, options.correction);
    };
    return fold("stddev", of, x, axes, options.keep, where);
}
Tensor norm(const Tensor& x, const Axes& axes, NormOptions options, Where where) {
    const auto of = [&](const Tensor& v, const ir::Integers& a) { return f::norm(v, a, options.p); };
    return fold("norm", of, x, axes, options.keep, where);
}
Tensor logsumexp(const Tensor& x, const Axes& axes, bool keep, Where where) {
    return fold("logsumexp", f::logsumexp<Tensor>, x, axes, keep, where);
}
Tensor nansum(const Tensor& x, const Axes& axes, bool keep, Where where) {
    return fold("nansum", f::nansum<Tensor>, x, axes, keep, where);
}
Tensor nanmean(const Tensor& x, const Axes& axes, bool keep, Where where) {
    return fold("nanmean", f::nanmean<Tensor>, x, axes, keep, where);
}
Tensor softmax(const Tensor& x, std::int64_t axis, Where where) {
    const LocScope scope(where, "softmax", x);
    return blaming(where, "softmax", [&] {
        f::require_floats("softmax", x);
        return f::softmax(x, axis);
    });
}
Tensor softmin(const Tensor& x, std::int64_t axis, Where where) {
    const LocScope scope(where, "softmin", x);
    return blaming(where, "softmin", [&] {
        f::require_floats("softmin", x);
        return f::softmax(ops::neg(x), axis);
    });
}
Tensor log_softmax(const Tensor& x, std::int64_t axis, Where where) {
    const LocScope scope(where, "log_softmax", x);
    return blaming(where, "log_softmax", [&] {
        f::require_floats("log_softmax", x);
        return f::log_softmax(x, axis);
    });
}

}  // namespace lathe
