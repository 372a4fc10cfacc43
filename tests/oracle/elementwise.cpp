// Functions of each element.
#include "tests/oracle/call.h"

namespace lathe::oracle {
namespace {

using Tensors = std::vector<Tensor>;

// An operand that is a tensor or a number.
template <class F>
Tensor with_operand(const Call& c, std::size_t position, const char* name, const F& f) {
    const Json& j = c.argument(position, name);
    if (Call::is_tensor(j)) return f(c.tensor(j));
    if (!j.is_number()) throw NotOurs("an operand that is neither tensor nor number");
    return f(j.get<double>());
}

template <Tensor (*function)(const Tensor&, Where)>
Tensors unary(const Call& c) {
    c.expect_names({});
    return {function(c.tensor(0), Where::current())};
}

template <class F>
Tensors binary(const Call& c, const F& f) {
    return {with_operand(c, 1, "other", [&](const auto& y) { return f(c.tensor(0), y); })};
}

Tensor truth(const Tensor& x) { return x.dtype() == Dtype::boolean ? x : x != 0; }

template <Dtype dtype>
Tensors converted(const Call& c) {
    return {convert(c.tensor(0), dtype)};
}

Tensors chosen(const Call& c) { return {where(c.tensor(1), c.tensor(0), c.tensor(2))}; }

}  // namespace

Translations elementwise() {
    const auto same = [](const Call& c) -> Tensors { return {c.tensor(0)}; };
    return {
        {"abs", unary<abs>},
        {"exp", unary<exp>},
        {"log", unary<log>},
        {"sqrt", unary<sqrt>},
        {"rsqrt", unary<rsqrt>},
        {"tanh", unary<tanh>},
        {"sigmoid", unary<sigmoid>},
        {"erf", unary<erf>},
        {"floor", unary<floor>},
        {"ceil", unary<ceil>},
        {"trunc", unary<trunc>},
        {"sign", unary<sign>},
        {"exp2", unary<exp2>},
        {"expm1", unary<expm1>},
        {"log2", unary<log2>},
        {"log10", unary<log10>},
        {"log1p", unary<log1p>},
        {"sin", unary<sin>},
        {"cos", unary<cos>},
        {"tan", unary<tan>},
        {"asin", unary<asin>},
        {"acos", unary<acos>},
        {"atan", unary<atan>},
        {"sinh", unary<sinh>},
        {"cosh", unary<cosh>},
        {"asinh", unary<asinh>},
        {"acosh", unary<acosh>},
        {"atanh", unary<atanh>},
        {"isnan", unary<isnan>},
        {"isinf", unary<isinf>},
        {"isfinite", unary<isfinite>},
        {"reciprocal", unary<reciprocal>},
        {"square", unary<square>},
        {"nn.functional.relu", unary<relu>},
        {"nn.functional.silu", unary<silu>},
        {"neg", [](const Call& c) -> Tensors { return {-c.tensor(0)}; }},
        {"logical_not", [](const Call& c) -> Tensors { return {logical_not(truth(c.tensor(0)))}; }},
        {"add",
         [](const Call& c) -> Tensors {
             c.expect_names({"alpha"});
             const double alpha = c.number(9, "alpha", 1);
             return binary(c, [&](const auto& x, const auto& y) { return alpha == 1 ? x + y : x + y * alpha; });
         }},
        {"sub",
         [](const Call& c) -> Tensors {
             c.expect_names({"alpha"});
             const double alpha = c.number(9, "alpha", 1);
             return binary(c, [&](const auto& x, const auto& y) { return alpha == 1 ? x - y : x - y * alpha; });
         }},
        {"rsub",
         [](const Call& c) -> Tensors {
             c.expect_names({"alpha"});
             const double alpha = c.number(9, "alpha", 1);
             return binary(c, [&](const auto& x, const auto& y) { return y - x * alpha; });
         }},
        {"mul", [](const Call& c) { return binary(c, [](const auto& x, const auto& y) { return x * y; }); }},
        {"div",
         [](const Call& c) {
             const std::string rounding = c.text(9, "rounding_mode", "");
             if (rounding == "floor") return binary(c, [](const auto& x, const auto& y) { return floor_divide(x, y); });
             if (rounding == "trunc") return binary(c, [](const auto& x, const auto& y) { return trunc(x / y); });
             return binary(c, [](const auto& x, const auto& y) { return x / y; });
         }},
        {"true_divide", [](const Call& c) { return binary(c, [](const auto& x, const auto& y) { return x / y; }); }},
        {"pow", [](const Call& c) { return binary(c, [](const auto& x, const auto& y) { return pow(x, y); }); }},
        {"__radd__", [](const Call& c) { return binary(c, [](const auto& x, const auto& y) { return y + x; }); }},
        {"__rmul__", [](const Call& c) { return binary(c, [](const auto& x, const auto& y) { return y * x; }); }},
        {"__rsub__", [](const Call& c) { return binary(c, [](const auto& x, const auto& y) { return y - x; }); }},
        {"__rdiv__", [](const Call& c) { return binary(c, [](const auto& x, const auto& y) { return y / x; }); }},
        {"__rpow__", [](const Call& c) { return binary(c, [](const auto& x, const auto& y) { return pow(y, x); }); }},
        {"maximum",
         [](const Call& c) { return binary(c, [](const auto& x, const auto& y) { return maximum(x, y); }); }},
        {"minimum",
         [](const Call& c) { return binary(c, [](const auto& x, const auto& y) { return minimum(x, y); }); }},
        {"fmod", [](const Call& c) { return binary(c, [](const auto& x, const auto& y) { return fmod(x, y); }); }},
        {"remainder", [](const Call& c) { return binary(c, [](const auto& x, const auto& y) { return mod(x, y); }); }},
        {"__rmod__", [](const Call& c) { return binary(c, [](const auto& x, const auto& y) { return mod(y, x); }); }},
        {"floor_divide",
         [](const Call& c) { return binary(c, [](const auto& x, const auto& y) { return floor_divide(x, y); }); }},
        {"copysign",
         [](const Call& c) { return binary(c, [](const auto& x, const auto& y) { return copysign(x, y); }); }},
        {"nextafter",
         [](const Call& c) { return binary(c, [](const auto& x, const auto& y) { return nextafter(x, y); }); }},
        {"hypot", [](const Call& c) { return binary(c, [](const auto& x, const auto& y) { return hypot(x, y); }); }},
        {"logaddexp",
         [](const Call& c) { return binary(c, [](const auto& x, const auto& y) { return logaddexp(x, y); }); }},
        {"logaddexp2",
         [](const Call& c) { return binary(c, [](const auto& x, const auto& y) { return logaddexp2(x, y); }); }},
        {"xlogy", [](const Call& c) { return binary(c, [](const auto& x, const auto& y) { return xlogy(x, y); }); }},
        {"heaviside",
         [](const Call& c) { return binary(c, [](const auto& x, const auto& y) { return heaviside(x, y); }); }},
        {"fmax", [](const Call& c) { return binary(c, [](const auto& x, const auto& y) { return fmax(x, y); }); }},
        {"fmin", [](const Call& c) { return binary(c, [](const auto& x, const auto& y) { return fmin(x, y); }); }},
        {"atan2", [](const Call& c) { return binary(c, [](const auto& x, const auto& y) { return atan2(x, y); }); }},
        {"logical_xor", [](const Call& c) -> Tensors { return {logical_xor(truth(c.tensor(0)), truth(c.tensor(1)))}; }},
        {"clamp",
         [](const Call& c) -> Tensors {
             const bool low = !c.argument(1, "min").is_null(), high = !c.argument(2, "max").is_null();
             const Tensor x = c.tensor(0);
             for (std::size_t i = 1; i < c.size(); ++i)
                 if (c.has_tensor(i) && c.tensor(i).dtype() != x.dtype()) throw NotOurs("several dtypes");
             if (low && high)
                 return {with_operand(c, 1, "min", [&](const auto& a) {
                     return with_operand(c, 2, "max", [&](const auto& b) { return clamp(x, a, b); });
                 })};
             if (low) return {with_operand(c, 1, "min", [&](const auto& a) { return clamp(x, a); })};
             return {with_operand(c, 2, "max", [&](const auto& b) { return clamp(x, std::nullopt, b); })};
         }},
        {"clamp_min",
         [](const Call& c) { return binary(c, [](const auto& x, const auto& y) { return clamp(x, y); }); }},
        {"clamp_max",
         [](const Call& c) {
             return binary(c, [](const auto& x, const auto& y) { return clamp(x, std::nullopt, y); });
         }},
        {"lerp",
         [](const Call& c) -> Tensors {
             return {with_operand(c, 2, "weight", [&](const auto& w) { return lerp(c.tensor(0), c.tensor(1), w); })};
         }},
        {"addcmul",
         [](const Call& c) -> Tensors { return {c.tensor(0) + c.tensor(1) * c.tensor(2) * c.number(99, "value", 1)}; }},
        {"addcdiv",
         [](const Call& c) -> Tensors { return {c.tensor(0) + c.tensor(1) / c.tensor(2) * c.number(99, "value", 1)}; }},
        {"eq", [](const Call& c) { return binary(c, [](const auto& x, const auto& y) { return x == y; }); }},
        {"ne", [](const Call& c) { return binary(c, [](const auto& x, const auto& y) { return x != y; }); }},
        {"lt", [](const Call& c) { return binary(c, [](const auto& x, const auto& y) { return x < y; }); }},
        {"le", [](const Call& c) { return binary(c, [](const auto& x, const auto& y) { return x <= y; }); }},
        {"gt", [](const Call& c) { return binary(c, [](const auto& x, const auto& y) { return x > y; }); }},
        {"ge", [](const Call& c) { return binary(c, [](const auto& x, const auto& y) { return x >= y; }); }},
        {"logical_and", [](const Call& c) -> Tensors { return {logical_and(truth(c.tensor(0)), truth(c.tensor(1)))}; }},
        {"logical_or", [](const Call& c) -> Tensors { return {logical_or(truth(c.tensor(0)), truth(c.tensor(1)))}; }},
        {"where", chosen},
        {"clone", same},
        {"contiguous", same},
        {"positive", same},
        {"conj", same},
        {"conj_physical", same},
        {"resolve_conj", same},
        {"resolve_neg", same},
        {"real", same},
        {"alias_copy", same},
        {"float", converted<Dtype::f32>},
        {"double", converted<Dtype::f64>},
        {"half", converted<Dtype::f16>},
        {"long", converted<Dtype::i64>},
        {"int", converted<Dtype::i32>},
        {"short", converted<Dtype::i16>},
        {"bool", converted<Dtype::boolean>},
    };
}

}  // namespace lathe::oracle
