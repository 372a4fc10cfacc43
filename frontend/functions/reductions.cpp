#include "frontend/functions/reductions.h"

#include "frontend/functions/axis_arguments.h"
#include "frontend/functions/elementwise.h"
#include "frontend/tensor/record.h"
#include "ir/functions/statistics.h"
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
Tensor mean(const Tensor& x, const Axes& axes, bool keep, Where where) {
    const LocScope scope(where, "mean", x);
    const ir::Integers all = axes_or_all(x, axes);
    const Tensor y = blaming(where, "mean", [&] { return f::mean(value_of(x), all); });
    return keep ? f::expand_dims(y, x.type().shape, all) : y;
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
    const LocScope scope(where, "variance", x);
    const ir::Integers all = axes_or_all(x, axes);
    const Tensor y = blaming(where, "variance", [&] { return f::variance(value_of(x), all, options.correction); });
    return options.keep ? f::expand_dims(y, x.type().shape, all) : y;
}
Tensor softmax(const Tensor& x, std::int64_t axis, Where where) {
    const LocScope scope(where, "softmax", x);
    return blaming(where, "softmax", [&] { return f::softmax(x, axis); });
}
Tensor log_softmax(const Tensor& x, std::int64_t axis, Where where) {
    const LocScope scope(where, "log_softmax", x);
    return blaming(where, "log_softmax", [&] { return f::log_softmax(x, axis); });
}

}  // namespace lathe
