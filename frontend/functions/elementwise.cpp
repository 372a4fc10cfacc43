#include "frontend/functions/elementwise.h"

#include <array>
#include <cmath>
#include <numbers>
#include <string>

#include "frontend/functions/operand_checks.h"
#include "frontend/tensor/record.h"
#include "ir/functions/elementwise.h"
#include "ir/ops/ops.h"

namespace lathe {
namespace {

namespace f = ir::functions;
namespace ops = ir::ops;
using detail::binary;
using detail::LocScope;
using detail::unary;
using detail::value_of;

}  // namespace

Tensor abs(const Tensor& x, Where where) { return unary(ops::abs, x, where); }
Tensor sign(const Tensor& x, Where where) { return unary(ops::sign, x, where); }
Tensor floor(const Tensor& x, Where where) { return unary(ops::floor, x, where); }
Tensor ceil(const Tensor& x, Where where) { return unary(ops::ceil, x, where); }
Tensor round(const Tensor& x, Where where) { return unary(ops::round, x, where); }
Tensor trunc(const Tensor& x, Where where) { return unary(ops::trunc, x, where); }
Tensor exp(const Tensor& x, Where where) { return unary(ops::exp, x, where); }
Tensor exp2(const Tensor& x, Where where) { return unary(ops::exp2, x, where); }
Tensor expm1(const Tensor& x, Where where) { return unary(ops::expm1, x, where); }
Tensor log(const Tensor& x, Where where) { return unary(ops::log, x, where); }
Tensor log2(const Tensor& x, Where where) { return unary(ops::log2, x, where); }
Tensor log10(const Tensor& x, Where where) { return unary(ops::log10, x, where); }
Tensor log1p(const Tensor& x, Where where) { return unary(ops::log1p, x, where); }
Tensor sqrt(const Tensor& x, Where where) { return unary(ops::sqrt, x, where); }
Tensor rsqrt(const Tensor& x, Where where) { return unary(ops::rsqrt, x, where); }
Tensor tanh(const Tensor& x, Where where) { return unary(ops::tanh, x, where); }
Tensor sigmoid(const Tensor& x, Where where) { return unary(ops::sigmoid, x, where); }
Tensor cbrt(const Tensor& x, Where where) { return unary(ops::cbrt, x, where); }
Tensor erf(const Tensor& x, Where where) { return unary(ops::erf, x, where); }
Tensor erfc(const Tensor& x, Where where) { return unary(ops::erfc, x, where); }
Tensor erfinv(const Tensor& x, Where where) { return unary(ops::erfinv, x, where); }
Tensor lgamma(const Tensor& x, Where where) { return unary(ops::lgamma, x, where); }
Tensor digamma(const Tensor& x, Where where) { return unary(ops::digamma, x, where); }
Tensor polygamma(std::int64_t order, const Tensor& x, Where where) {
    const LocScope scope(where, "polygamma", x);
    return ops::polygamma.with({order}, x);
}
Tensor sin(const Tensor& x, Where where) { return unary(ops::sin, x, where); }
Tensor cos(const Tensor& x, Where where) { return unary(ops::cos, x, where); }
Tensor tan(const Tensor& x, Where where) { return unary(ops::tan, x, where); }
Tensor asin(const Tensor& x, Where where) { return unary(ops::asin, x, where); }
Tensor acos(const Tensor& x, Where where) { return unary(ops::acos, x, where); }
Tensor atan(const Tensor& x, Where where) { return unary(ops::atan, x, where); }
Tensor atan2(const detail::Operand& y, const detail::Operand& x) { return binary(ops::atan2, y, x); }
Tensor sinh(const Tensor& x, Where where) { return unary(ops::sinh, x, where); }
Tensor cosh(const Tensor& x, Where where) { return unary(ops::cosh, x, where); }
Tensor asinh(const Tensor& x, Where where) { return unary(ops::asinh, x, where); }
Tensor acosh(const Tensor& x, Where where) { return unary(ops::acosh, x, where); }
Tensor atanh(const Tensor& x, Where where) { return unary(ops::atanh, x, where); }
Tensor reciprocal(const Tensor& x, Where where) {
    const LocScope scope(where, "reciprocal", x);
    return detail::blaming(where, "reciprocal", [&] { return f::reciprocal(value_of(x)); });
}
Tensor square(const Tensor& x, Where where) {
    const LocScope scope(where, "square", x);
    return f::square(value_of(x));
}
Tensor isnan(const Tensor& x, Where where) {
    const LocScope scope(where, "isnan", x);
    return f::isnan(value_of(x));
}
Tensor isinf(const Tensor& x, Where where) {
    const LocScope scope(where, "isinf", x);
    return f::isinf(value_of(x));
}
Tensor isfinite(const Tensor& x, Where where) {
    const LocScope scope(where, "isfinite", x);
    return f::isfinite(value_of(x));
}
Tensor isposinf(const Tensor& x, Where where) {
    const LocScope scope(where, "isposinf", x);
    return f::is_infinity(value_of(x), 1);
}
Tensor isneginf(const Tensor& x, Where where) {
    const LocScope scope(where, "isneginf", x);
    return f::is_infinity(value_of(x), -1);
}
Tensor signbit(const Tensor& x, Where where) {
    const LocScope scope(where, "signbit", x);
    return f::signbit(value_of(x));
}

namespace {

// A formula of floats, computed in the accumulator's dtype.
template <class F>
Tensor formula(std::string_view name, const Tensor& x, Where where, const F& function) {
    const LocScope scope(where, name, x);
    return detail::blaming(where, name, [&] {
        detail::require_floats(name, x);
        return f::in_accumulator(value_of(x), function);
    });
}

}  // namespace

Tensor frac(const Tensor& x, Where where) {
    return formula("frac", x, where, [](const Tensor& v) { return ops::sub(v, ops::trunc(v)); });
}
Tensor sinc(const Tensor& x, Where where) { return formula("sinc", x, where, f::sinc<Tensor>); }
Tensor deg2rad(const Tensor& x, Where where) {
    return formula("deg2rad", x, where,
                   [](const Tensor& v) { return ops::mul(v, f::number(v, std::numbers::pi / 180)); });
}
Tensor rad2deg(const Tensor& x, Where where) {
    return formula("rad2deg", x, where,
                   [](const Tensor& v) { return ops::mul(v, f::number(v, 180 / std::numbers::pi)); });
}
Tensor entr(const Tensor& x, Where where) { return formula("entr", x, where, f::entr<Tensor>); }
Tensor ndtr(const Tensor& x, Where where) { return formula("ndtr", x, where, f::ndtr<Tensor>); }
Tensor angle(const Tensor& x, Where where) {
    return formula("angle", x, where, [](const Tensor& v) {
        const Tensor zero = f::number(v, 0),
                     of_number = ops::select(ops::lt(v, zero), f::number(v, std::numbers::pi), zero);
        return ops::select(ops::ne(v, v), v, of_number);
    });
}
Tensor mvlgamma(const Tensor& x, std::int64_t dimension, Where where) {
    return formula("mvlgamma", x, where, [&](const Tensor& v) {
        constexpr std::int64_t most = 64;  // each is a part of one formula
        if (dimension < 1 || dimension > most)
            f::refuse("mvlgamma", "wants a dimension from 1 to 64, not " + std::to_string(dimension), x);
        const auto p = static_cast<double>(dimension);
        Tensor total = ops::add(ops::lgamma(v), f::number(v, std::log(std::numbers::pi) * p * (p - 1) / 4));
        for (std::int64_t j = 1; j < dimension; ++j)
            total = ops::add(total, ops::lgamma(ops::sub(v, f::number(v, static_cast<double>(j) / 2))));
        return total;
    });
}
Tensor nan_to_num(const Tensor& x, NanToNumOptions options, Where where) {
    const LocScope scope(where, "nan_to_num", x);
    return f::nan_to_num(value_of(x), options.nan, options.posinf, options.neginf);
}
Tensor pow(const detail::Operand& x, const detail::Operand& y) { return binary(ops::pow, x, y); }
Tensor maximum(const detail::Operand& x, const detail::Operand& y) {
    const LocScope scope(x.where(), "maximum");
    return binary(ops::max, x, y);
}
Tensor minimum(const detail::Operand& x, const detail::Operand& y) {
    const LocScope scope(x.where(), "minimum");
    return binary(ops::min, x, y);
}
Tensor logical_and(const Tensor& a, const Tensor& b, Where where) {
    return binary(ops::logical_and, {a, where}, {b, where});
}
Tensor logical_or(const Tensor& a, const Tensor& b, Where where) {
    return binary(ops::logical_or, {a, where}, {b, where});
}
Tensor logical_not(const Tensor& a, Where where) { return unary(ops::logical_not, a, where); }
Tensor bit_and(const detail::Operand& a, const detail::Operand& b) { return binary(ops::bit_and, a, b); }
Tensor bit_or(const detail::Operand& a, const detail::Operand& b) { return binary(ops::bit_or, a, b); }
Tensor bit_xor(const detail::Operand& a, const detail::Operand& b) { return binary(ops::bit_xor, a, b); }
Tensor bit_not(const Tensor& x, Where where) { return unary(ops::bit_not, x, where); }
Tensor shift_left(const detail::Operand& a, const detail::Operand& b) { return binary(ops::shift_left, a, b); }
Tensor shift_right(const detail::Operand& a, const detail::Operand& b) { return binary(ops::shift_right, a, b); }
Tensor where(const Tensor& condition, const detail::Operand& if_true, const detail::Operand& if_false) {
    const auto operands = [&]() -> std::array<Tensor, 3> {
        const LocScope scope(if_true.where(), "where", condition);
        for (const detail::Operand* x : {&if_true, &if_false}) {
            if (!x->is_number() && x->tensor().is_empty())
                throw UserError(detail::spoken("where") + ": an empty tensor was used", detail::blame(x->where()));
        }
        const Dtype dtype = !if_true.is_number()    ? if_true.tensor().dtype()
                            : !if_false.is_number() ? if_false.tensor().dtype()
                                                    : Dtype::f32;
        return {condition, if_true.as(dtype, "where"), if_false.as(dtype, "where")};
    }();
    // Numbers are tensors by now, so that messages name all three.
    const LocScope scope(if_true.where(), "where", operands[0], operands[1], operands[2]);
    return detail::TensorRecorder::record(ops::select, operands, {});
}
Tensor convert(const Tensor& x, Dtype dtype, Where where) {
    const LocScope scope(where, "convert", x);
    return f::convert(value_of(x), dtype);
}
Tensor stop_gradient(const Tensor& x, Where where) { return unary(ops::stop_gradient, x, where); }

}  // namespace lathe
