#include "frontend/functions/quantization.h"

#include <string_view>

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
    if (!ir::is_float(scale.dtype())) f::refuse(function, "wants floats for the scale", x, scale);
    if (!o.zero.is_empty() && !ir::is_integer(o.zero.dtype()))
        f::refuse(function, "wants integers for the zero", x, o.zero);
    std::int64_t axis = 0;
    for (const Tensor* t : {&scale, &o.zero}) {
        if (t->is_empty() || t->rank() == 0) continue;
        axis = detail::natural_axis(o.axis, x);
        if (axis < 0 || axis >= static_cast<std::int64_t>(x.rank()) || t->rank() != 1 ||
            !f::may_be_equal(t->type().shape[0], x.type().shape[static_cast<std::size_t>(axis)]))
            f::refuse(function, "wants one number, or one for each index of the axis", x, *t);
    }
    return axis;
}

void require_integers(std::string_view function, Dtype dtype, const Tensor& x, const Tensor& scale) {
    if (!ir::is_integer(dtype) || ir::size_of(dtype) > 4)
        f::refuse(function, "has integers of 32 bits at most", x, scale);
}

}  // namespace

Tensor quantize(const Tensor& x, const Tensor& scale, const QuantizeOptions& o, Where where) {
    const LocScope scope(where, "quantize", x, scale);
    return blaming(where, "quantize", [&] {
        require_floats("quantize", x, scale);
        require_integers("quantize", o.dtype, x, scale);
        return f::quantize(value_of(x), value_of(scale), optional(o.zero), o.dtype, axis_of("quantize", x, scale, o));
    });
}
Tensor dequantize(const Tensor& q, const Tensor& scale, const QuantizeOptions& o, Where where) {
    const LocScope scope(where, "dequantize", q, scale);
    return blaming(where, "dequantize", [&] {
        require_integers("dequantize", q.dtype(), q, scale);
        return f::dequantize(value_of(q), value_of(scale), optional(o.zero), axis_of("dequantize", q, scale, o));
    });
}
Tensor fake_quantize(const Tensor& x, const Tensor& scale, const QuantizeOptions& o, Where where) {
    const LocScope scope(where, "fake_quantize", x, scale);
    return blaming(where, "fake_quantize", [&] {
        require_floats("fake_quantize", x, scale);
        require_integers("fake_quantize", o.dtype, x, scale);
        return f::fake_quantize(value_of(x), value_of(scale), optional(o.zero), o.dtype,
                                axis_of("fake_quantize", x, scale, o));
    });
}

Tensor integer_matmul(const Tensor& a, const Tensor& b, const IntegerMatmulOptions& o, Where where) {
    const LocScope scope(where, "integer_matmul", a, b);
    return blaming(where, "integer_matmul", [&] {
        for (const Tensor* t : {&a, &b})
            if (t->dtype() != Dtype::i8 && t->dtype() != Dtype::u8)
                f::refuse("integer_matmul", "wants matrices of i8 or u8", a, b);
        for (const Tensor* t : {&o.a_zero, &o.b_zero})
            if (!t->is_empty() && (t->rank() != 0 || !ir::is_integer(t->dtype())))
                f::refuse("integer_matmul", "wants single integers for zeros", a, *t);
        return f::integer_matmul(value_of(a), value_of(b), optional(o.a_zero), optional(o.b_zero));
    });
}

}  // namespace lathe
