#include "frontend/functions/along_axis.h"

#include "frontend/tensor/record.h"
#include "ir/ops/ops.h"

namespace lathe {
namespace {

namespace ops = ir::ops;
using detail::LocScope;

Tensor sorted(const Tensor& x, std::int64_t axis, SortOptions options, std::size_t result, Where where) {
    const detail::NodeRef operand = detail::operand(x.node());
    return Tensor(detail::record_results(ops::sort, {&operand, 1}, {axis, options.descending}, where)[result]);
}

}  // namespace

Tensor sort(const Tensor& x, std::int64_t axis, SortOptions options, Where where) {
    const LocScope scope(where, "sort", x);
    return sorted(x, axis, options, 0, where);
}
Tensor argsort(const Tensor& x, std::int64_t axis, SortOptions options, Where where) {
    const LocScope scope(where, "argsort", x);
    return sorted(x, axis, options, 1, where);
}
Tensor cumsum(const Tensor& x, std::int64_t axis, CumsumOptions options, Where where) {
    const LocScope scope(where, "cumsum", x);
    return ops::cumsum.with({axis, options.reverse}, x);
}

}  // namespace lathe
