#include "frontend/functions/creation.h"

#include "frontend/tensor/record.h"
#include "ir/functions/basic.h"
#include "ir/ops/ops.h"

namespace lathe {
namespace {

namespace f = ir::functions;
namespace ops = ir::ops;
using detail::LocScope;

Tensor source(const ir::OpDef& op, ir::Attributes attributes, Where where) {
    return Tensor(detail::record(op, {}, std::move(attributes), where));
}

}  // namespace

Tensor full(const Shape& shape, double value, Dtype dtype, Where where) {
    const LocScope scope(where, "full");
    return f::broadcast_to(detail::Operand(value, where).as(dtype, "full"), shape);
}
Tensor zeros(const Shape& shape, Dtype dtype, Where where) {
    const LocScope scope(where, "zeros");
    return full(shape, 0, dtype);
}
Tensor ones(const Shape& shape, Dtype dtype, Where where) {
    const LocScope scope(where, "ones");
    return full(shape, 1, dtype);
}
Tensor zeros_like(const Tensor& x, Where where) {
    const LocScope scope(where, "zeros_like", x);
    return f::broadcast_to(detail::number_of(x.dtype(), 0, 0), x.type().shape);
}
Tensor ones_like(const Tensor& x, Where where) {
    const LocScope scope(where, "ones_like", x);
    return f::broadcast_to(detail::number_of(x.dtype(), 1, 1), x.type().shape);
}
Tensor arange(Dim n, Dtype dtype, Where where) {
    const LocScope scope(where, "arange");
    return source(ops::iota, {Shape{n}, std::int64_t{0}, dtype}, where);
}

}  // namespace lathe
