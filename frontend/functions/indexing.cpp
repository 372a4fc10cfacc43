#include "frontend/functions/indexing.h"

#include "frontend/functions/axis_arguments.h"
#include "frontend/tensor/record.h"
#include "ir/functions/losses.h"
#include "ir/ops/ops.h"

namespace lathe {
namespace {

namespace f = ir::functions;
namespace ops = ir::ops;
using detail::blaming;
using detail::LocScope;
using detail::natural_axis;

}  // namespace

Tensor gather(const Tensor& x, const Tensor& indices, std::int64_t axis, Where where) {
    const LocScope scope(where, "gather", x, indices);
    return ops::gather.with({natural_axis(axis, x)}, x, indices);
}
Tensor scatter_add(const Tensor& x, const Tensor& indices, const Tensor& updates, std::int64_t axis, Where where) {
    const LocScope scope(where, "scatter_add", x, indices, updates);
    return ops::scatter_add.with({natural_axis(axis, x)}, x, indices, updates);
}
Tensor one_hot(const Tensor& indices, std::int64_t classes, Dtype dtype, Where where) {
    const LocScope scope(where, "one_hot", indices);
    return blaming(where, "one_hot", [&] { return f::one_hot(indices, Dim(classes), dtype); });
}

}  // namespace lathe
