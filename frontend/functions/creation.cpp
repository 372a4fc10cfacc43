#include "frontend/functions/creation.h"

#include <cmath>

#include <fmt/format.h>

#include "frontend/functions/axis_arguments.h"
#include "frontend/functions/operand_checks.h"
#include "frontend/tensor/record.h"
#include "ir/float_environment.h"
#include "ir/functions/movement.h"
#include "ir/ops/ops.h"

namespace lathe {
namespace {

namespace f = ir::functions;
namespace ops = ir::ops;
using detail::blaming;
using detail::LocScope;
using detail::refuse;

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
Tensor full_like(const Tensor& x, double value, Where where) {
    const LocScope scope(where, "full_like", x);
    return f::broadcast_to(detail::Operand(value, where).as(x.dtype(), "full_like"), x.type().shape);
}
Tensor zeros_like(const Tensor& x, Where where) {
    const LocScope scope(where, "zeros_like", x);
    return f::broadcast_to(detail::number_of(x.dtype(), 0, 0), x.type().shape);
}
Tensor ones_like(const Tensor& x, Where where) {
    const LocScope scope(where, "ones_like", x);
    return f::broadcast_to(detail::number_of(x.dtype(), 1, 1), x.type().shape);
}
Tensor eye(Dim n, Dtype dtype, Where where) {
    const LocScope scope(where, "eye");
    return eye(n, n, 0, dtype, where);
}
Tensor eye(Dim rows, Dim columns, std::int64_t offset, Dtype dtype, Where where) {
    const LocScope scope(where, "eye");
    return f::convert(f::compare_positions(Tensor(), ops::eq, rows, columns, offset), dtype);
}

// ---- sequences

Tensor arange(Dim n, Dtype dtype, Where where) {
    const LocScope scope(where, "arange");
    return source(ops::iota, {Shape{n}, std::int64_t{0}, dtype}, where);
}

Tensor arange(Dim start, Dim stop, std::int64_t step, Dtype dtype, Where where) {
    const LocScope scope(where, "arange");
    detail::require_dtype_of_result("arange", dtype, ir::numbers, where);
    if (step == 0 || step > ir::max_step || step < -ir::max_step)
        refuse("arange", fmt::format("step is {}, not one from {} to {} but 0", step, -ir::max_step, ir::max_step),
               where);
    return blaming(where, "arange", [&] {
        const Dim length = step > 0 ? ceildiv(stop - start, step) : ceildiv(start - stop, -step);
        Tensor out = f::count_up(Tensor(), max(length, 0), Dtype::i64);
        if (step != 1) out = ops::mul(out, detail::number_of(Dtype::i64, 0, step));
        const Tensor first = start.is_constant() ? detail::number_of(Dtype::i64, 0, start.constant())
                                                 : f::extent_value(out, start, Dtype::i64);
        return f::convert(start == Dim(0) ? out : ops::add(out, first), dtype);
    });
}

Tensor detail::arange_of_floats(double start, double stop, double step, Dtype dtype, Where where) {
    const LocScope scope(where, "arange");
    detail::require_dtype_of_result("arange", dtype, ir::numbers, where);
    const ir::FloatEnvironment floats;
    const double length = std::ceil((stop - start) / step);
    constexpr double longest = 0x1p61;
    if (!(std::abs(length) < longest))
        refuse("arange", fmt::format("there is no number of elements from {} to {} in steps of {}", start, stop, step),
               where);
    const Tensor i = f::count_up(Tensor(), length > 0 ? static_cast<std::int64_t>(length) : 0, Dtype::f64);
    return f::convert(ops::add(ops::mul(i, number_of(Dtype::f64, step, 0)), number_of(Dtype::f64, start, 0)), dtype);
}

namespace {

// In f64.
Tensor equally_spaced(double start, double stop, Dim n) {
    const Tensor i = f::count_up(Tensor(), n, Dtype::f64);
    const Tensor first = detail::number_of(Dtype::f64, start, 0), last = detail::number_of(Dtype::f64, stop, 0);
    const Tensor steps = f::extent_value(i, n.is_constant() && n.constant() <= 2 ? Dim(1) : max(n - 1, 1), Dtype::f64);
    const Tensor step = ops::div(ops::sub(last, first), steps);
    const Tensor from_first = ops::add(first, ops::mul(i, step));
    const Tensor from_last = ops::sub(last, ops::mul(ops::sub(steps, i), step));
    return ops::select(ops::lt(ops::mul(i, f::number(i, 2)), steps), from_first, from_last);
}

}  // namespace

Tensor linspace(double start, double stop, Dim n, Dtype dtype, Where where) {
    const LocScope scope(where, "linspace");
    return f::convert(equally_spaced(start, stop, n), dtype);
}
Tensor logspace(double start, double stop, Dim n, double base, Dtype dtype, Where where) {
    const LocScope scope(where, "logspace");
    return f::convert(ops::pow(detail::number_of(Dtype::f64, base, 0), equally_spaced(start, stop, n)), dtype);
}

}  // namespace lathe
