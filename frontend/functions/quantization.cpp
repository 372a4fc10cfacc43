#include "frontend/functions/quantization.h"

#include <string_view>

#include <fmt/format.h>

#include "frontend/functions/axis_arguments.h"
#include "frontend/functions/operand_checks.h"
#include "frontend/tensor/record.h"
#include "ir/functions/quantization.h"

namespace lathe {
namespace {

namespace f = ir::functions;
using detail::blaming;
using detail::LocScope;
using detail::optional;
using detail::require_floats;
using detail::value_of;

// Scale and zero fit x: the axis, counted from the front.
std::int64_t axis_of(std::string_view function, const Tensor& x, const Tensor& scale, const QuantizeOptions& o) {
    detail::require_dtype(function, "the scale", ir::floats, scale, x);
    if (!o.zero.is_empty()) detail::require_dtype(function, "the zero", ir::integers, o.zero, x);
    std::int64_t axis = 0;
    for (const Tensor* t : {&scale, &o.zero}) {
        if (t->is_empty() || t->rank() == 0) continue;
        axis = detail::axis_of(o.axis, x.rank(), function, {});
        if (t->rank() != 1 || !f::may_be_equal(t->type().shape[0], x.type().shape[static_cast<std::size_t>(axis)]))
            f::refuse(function, fmt::format("wants one number, or one for each index of axis {}", axis), x, *t);
    }
    return axis;
}

constexpr ir::DtypeSet quantized = ir::dtypes_where([](Dtype d) { return ir::is_integer(d) && ir::size_of(d) <= 4; });
constexpr ir::DtypeSet bytes = ir::dtypes_where([](Dtype d) { return d == Dtype::i8 || d == Dtype::u8; });

}  // namespace

Tensor quantize(const Tensor& x, const Tensor& scale, const QuantizeOptions& o, Where where) {
    LocScope scope(where, "quantize", x, scale);
    scope.also(o.zero);
    return blaming(where, "quantize", [&] {
        require_floats("quantize", x, scale);
        detail::require_dtype_of_result("quantize", o.dtype, quantized, where);
        return f::quantize(value_of(x), value_of(scale), optional(o.zero), o.dtype, axis_of("quantize", x, scale, o));
    });
}
Tensor dequantize(const Tensor& q, const Tensor& scale, const QuantizeOptions& o, Where where) {
    LocScope scope(where, "dequantize", q, scale);
    scope.also(o.zero);
    return blaming(where, "dequantize", [&] {
        detail::require_dtype("dequantize", "operand 0", quantized, q, scale);
        return f::dequantize(value_of(q), value_of(scale), optional(o.zero), axis_of("dequantize", q, scale, o));
    });
}
Tensor fake_quantize(const Tensor& x, const Tensor& scale, const QuantizeOptions& o, Where where) {
    LocScope scope(where, "fake_quantize", x, scale);
    scope.also(o.zero);
    return blaming(where, "fake_quantize", [&] {
        require_floats("fake_quantize", x, scale);
        detail::require_dtype_of_result("fake_quantize", o.dtype, quantized, where);
        return f::fake_quantize(value_of(x), value_of(scale), optional(o.zero), o.dtype,
                                axis_of("fake_quantize", x, scale, o));
    });
}

Tensor integer_matmul(const Tensor& a, const Tensor& b, const IntegerMatmulOptions& o, Where where) {
    LocScope scope(where, "integer_matmul", a, b);
    scope.also(o.a_zero);
    scope.also(o.b_zero);
    return blaming(where, "integer_matmul", [&] {
        detail::require_dtype("integer_matmul", "operand 0", bytes, a, b);
        detail::require_dtype("integer_matmul", "operand 1", bytes, b, a);
        for (const Tensor* t : {&o.a_zero, &o.b_zero})
            if (!t->is_empty() && (t->rank() != 0 || !ir::is_integer(t->dtype())))
                f::refuse("integer_matmul", "wants integers of rank 0 as zeros", a, *t);
        return f::integer_matmul(value_of(a), value_of(b), optional(o.a_zero), optional(o.b_zero));
    });
}

}  // namespace lathe
