#include "frontend/functions/binary.h"

#include <utility>

#include "frontend/functions/elementwise.h"
#include "frontend/functions/reductions.h"
#include "frontend/tensor/record.h"
#include "frontend/trace/control.h"
#include "ir/functions/binary.h"
#include "ir/ops/ops.h"

namespace lathe {
namespace {

namespace f = ir::functions;
namespace ops = ir::ops;
using detail::binary;
using detail::blaming;
using detail::LocScope;
using detail::Operand;

// Numbers take the dtype of the first that is a tensor.
template <class... O>
std::array<Tensor, sizeof...(O)> as_tensors(std::string_view function, const O&... operands) {
    const Tensor* first = nullptr;
    for (const Operand* x : {&operands...}) {
        if (x->is_number()) continue;
        if (x->tensor().is_empty())
            throw UserError(detail::spoken(function) + ": an empty tensor was used", detail::blame(x->where()));
        if (first == nullptr) first = &x->tensor();
    }
    const Where where = std::get<0>(std::tie(operands...)).where();
    if (first == nullptr) throw UserError(detail::spoken(function) + ": no operand is a tensor", detail::blame(where));
    return {operands.as(first->dtype(), function)...};
}

// A function over the operands as tensors, which speaks in its name and of them.
template <class F, class... O>
Tensor call(std::string_view name, const F& function, const Operand& first, const O&... more) {
    const auto tensors = [&] {
        const LocScope scope(first.where(), name);
        return as_tensors(name, first, more...);
    }();
    const auto run = [&](const auto&... x) {
        const LocScope scope(first.where(), name, x...);
        return blaming(first.where(), name, [&] { return function(x...); });
    };
    return std::apply(run, tensors);
}

}  // namespace

Tensor fmod(const Operand& x, const Operand& y) {
    const LocScope scope(x.where(), "fmod");
    return binary(ops::rem, x, y);
}
Tensor mod(const Operand& x, const Operand& y) { return call("mod", f::mod<Tensor>, x, y); }
Tensor floor_divide(const Operand& x, const Operand& y) { return binary(ops::floor_divide, x, y); }
Tensor true_divide(const Operand& x, const Operand& y) { return call("true_divide", f::true_divide<Tensor>, x, y); }

Tensor clamp(const Operand& x, const Operand& low, const Operand& high) {
    return call(
        "clamp", [](const Tensor& v, const Tensor& a, const Tensor& b) { return f::clamp<Tensor>(v, a, b); }, x, low,
        high);
}
Tensor clamp(const Operand& x, const Operand& low, std::nullopt_t) {
    return call("clamp", [](const Tensor& v, const Tensor& a) { return f::clamp<Tensor>(v, a, {}); }, x, low);
}
Tensor clamp(const Operand& x, std::nullopt_t, const Operand& high) {
    return call("clamp", [](const Tensor& v, const Tensor& b) { return f::clamp<Tensor>(v, {}, b); }, x, high);
}
Tensor lerp(const Operand& start, const Operand& end, const Operand& weight) {
    return call("lerp", f::lerp<Tensor>, start, end, weight);
}
Tensor fma(const Operand& x, const Operand& y, const Operand& z) { return call("fma", ops::fma, x, y, z); }
Tensor copysign(const Operand& x, const Operand& y) { return binary(ops::copysign, x, y); }
Tensor nextafter(const Operand& x, const Operand& y) { return binary(ops::nextafter, x, y); }
Tensor ldexp(const Tensor& x, const Tensor& n, Where where) { return binary(ops::ldexp, {x, where}, {n, where}); }

Tensor hypot(const Operand& x, const Operand& y) { return binary(ops::hypot, x, y); }
Tensor logaddexp(const Operand& x, const Operand& y) { return binary(ops::logaddexp, x, y); }
Tensor logaddexp2(const Operand& x, const Operand& y) { return binary(ops::logaddexp2, x, y); }
Tensor xlogy(const Operand& x, const Operand& y) { return call("xlogy", f::xlogy<Tensor>, x, y); }
Tensor xlog1py(const Operand& x, const Operand& y) { return call("xlog1py", f::xlog1py<Tensor>, x, y); }
Tensor isclose(const Tensor& x, const Tensor& y, ClosenessOptions options, Where where) {
    const LocScope scope(where, "isclose", x, y);
    return blaming(where, "isclose", [&] {
        f::require_same_dtype("isclose", x, y);
        return f::isclose(detail::value_of(x), detail::value_of(y), options.rtol, options.atol, options.equal_nan);
    });
}
Tensor allclose(const Tensor& x, const Tensor& y, ClosenessOptions options, Where where) {
    const LocScope scope(where, "allclose", x, y);
    return all(isclose(x, y, options, where), {}, false, where);
}
Tensor heaviside(const Operand& x, const Operand& at_zero) {
    return call("heaviside", f::heaviside<Tensor>, x, at_zero);
}

Tensor fmax(const Operand& x, const Operand& y) { return call("fmax", f::fmax<Tensor>, x, y); }
Tensor fmin(const Operand& x, const Operand& y) { return call("fmin", f::fmin<Tensor>, x, y); }
Tensor absolute_difference(const Operand& x, const Operand& y) {
    return call("absolute_difference", f::absolute_difference<Tensor>, x, y);
}
Tensor logical_xor(const Tensor& a, const Tensor& b, Where where) {
    const LocScope scope(where, "logical_xor", a, b);
    return blaming(where, "logical_xor", [&] { return f::logical_xor(a, b); });
}

namespace {

Tensor greatest_divisor(std::string_view name, const Tensor& x, const Tensor& y, Where where) {
    f::require_same_dtype(name, x, y);
    f::require_dtype(name, "operand 0", ir::integers, x, y);
    // What is divided and what divides, of the shape that the two broadcast to.
    const std::pair<Tensor, Tensor> start(ops::max(x, y), ops::min(x, y));
    const auto goes_on = [&](const std::pair<Tensor, Tensor>& s) {
        const LocScope scope(where, name);  // the loop's functions are not the user's
        return any(s.second != 0);
    };
    const auto step = [&](const std::pair<Tensor, Tensor>& s) {
        const LocScope scope(where, name);
        const auto& [dividend, divisor] = s;
        return std::pair(lathe::where(divisor != 0, divisor, dividend), dividend % divisor);
    };
    return ops::abs(while_loop(goes_on, step, start, where).first);
}

}  // namespace

Tensor gcd(const Operand& x, const Operand& y) {
    return call(
        "gcd", [&](const Tensor& a, const Tensor& b) { return greatest_divisor("gcd", a, b, x.where()); }, x, y);
}
Tensor lcm(const Operand& x, const Operand& y) {
    const auto multiple = [&](const Tensor& a, const Tensor& b) {
        return ops::abs(ops::mul(ops::div(a, greatest_divisor("lcm", a, b, x.where())), b));
    };
    return call("lcm", multiple, x, y);
}

}  // namespace lathe
