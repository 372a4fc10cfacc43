// Operators of each element, of operands that broadcast; conversion and choice.
#include "frontend/functions/elementwise.h"

#include <functional>
#include <limits>

#include "frontend/functions/binary.h"
#include "frontend/functions/creation.h"
#include "frontend/onnx/operators.h"

namespace lathe::onnx {
namespace {

template <Tensor (*function)(const Tensor&, Where)>
Results unary(NodeCall& c) {
    return {function(c[0], Where::current())};
}
template <Tensor (*function)(const Tensor&, const Tensor&, Where)>
Results logical(NodeCall& c) {
    return {function(c[0], c[1], Where::current())};
}

// Functions of two operands as types, since operators are no functions.
template <class F>
Results binary(NodeCall& c) {
    return {F()(c[0], c[1])};
}
// Of any number of operands, one after the other.
template <class F>
Results folded(NodeCall& c) {
    Tensor all = c[0];
    for (std::size_t i = 1; i < c.size(); ++i) all = F()(all, c[i]);
    return {all};
}

using Add = std::plus<>;
using Multiply = std::multiplies<>;
template <Tensor (*function)(const detail::Operand&, const detail::Operand&)>
struct Function {
    Tensor operator()(const Tensor& a, const Tensor& b) const { return function(a, b); }
};

Results mean(NodeCall& c) {
    const Tensor sum = folded<Add>(c)[0].tensor();
    return {sum / static_cast<std::int64_t>(c.size())};
}

// Powers of integers by squaring, which wrap as products do. Those of negative exponents are rounded toward zero.
Tensor integer_power(const Tensor& base, const Tensor& exponent) {
    Tensor result = full_like(base, 1), square = base;
    const auto bits = static_cast<std::int64_t>(8 * ir::size_of(exponent.dtype()));
    for (std::int64_t bit = 0; bit + 1 < bits; ++bit) {
        result = where(bit_and(shift_right(exponent, bit), 1) == 1, result * square, result);
        square = square * square;
    }
    const Tensor sign = where(bit_and(exponent, 1) == 1, base, full_like(base, 1));
    return where(exponent < 0, where(logical_or(base == 1, base == -1), sign, 0), result);
}

// The result has the base's dtype, whatever the exponent's is.
Results power(NodeCall& c) {
    const Tensor base = c[0], exponent = c[1];
    if (!ir::is_float(base.dtype()) && !ir::is_float(exponent.dtype()))
        return {integer_power(base, convert(exponent, base.dtype()))};
    if (base.dtype() == exponent.dtype()) return {pow(base, exponent)};
    if (ir::is_float(base.dtype())) return {pow(base, convert(exponent, base.dtype()))};
    // Integers by floats go through the wider of floats.
    const Dtype wide = exponent.dtype() == Dtype::f64 || ir::size_of(base.dtype()) == 8 ? Dtype::f64 : Dtype::f32;
    return {convert(pow(convert(base, wide), convert(exponent, wide)), base.dtype())};
}

Results remainder(NodeCall& c) {
    if (c.flag("fmod")) return {fmod(c[0], c[1])};
    return {mod(c[0], c[1])};
}

Results shift(NodeCall& c) {
    const std::string direction = c.text("direction", "");
    if (direction != "LEFT" && direction != "RIGHT") c.refuse("the direction is neither LEFT nor RIGHT");
    // By as many places as there are, or more, nothing is left.
    const Tensor x = c[0], by = c[1];
    const auto bits = static_cast<std::int64_t>(8 * ir::size_of(x.dtype()));
    const Tensor shifted =
        direction == "LEFT" ? shift_left(x, minimum(by, bits - 1)) : shift_right(x, minimum(by, bits - 1));
    return {where(by >= bits, 0, shifted)};
}

Results is_infinite(NodeCall& c) {
    const bool negative = c.flag("detect_negative", true), positive = c.flag("detect_positive", true);
    if (negative && positive) return {isinf(c[0])};
    if (negative) return {isneginf(c[0])};
    if (positive) return {isposinf(c[0])};
    return {isinf(c[0]) != isinf(c[0])};
}

Results clip(NodeCall& c) {
    const Tensor x = c[0];
    if (c.opset() < 11) {
        const double low = c.number("min", -std::numeric_limits<float>::max());
        const double high = c.number("max", std::numeric_limits<float>::max());
        return {minimum(maximum(x, low), high)};
    }
    Tensor y = x;
    if (c.has(1)) y = maximum(y, c[1]);
    if (c.has(2)) y = minimum(y, c[2]);
    return {detail::value_of(y)};
}

Results cast_to(NodeCall& c, Dtype dtype) {
    const Value& x = c.value(0);
    if (x.known() && (dtype == Dtype::i64 || dtype == Dtype::i32)) {
        KnownIntegers known = *x.known();
        known.dtype = dtype;
        return {Value(std::move(known))};
    }
    return {convert(c[0], dtype)};
}
Results cast(NodeCall& c) {
    if (c.find("to") == nullptr) c.refuse("the attribute to is missing");
    return cast_to(c, c.dtype("to", Dtype::f32));
}
Results cast_like(NodeCall& c) { return cast_to(c, c[1].dtype()); }

Results chosen(NodeCall& c) { return {where(c[0], c[1], c[2])}; }

Results negated(NodeCall& c) { return {-c[0]}; }

Dim negative(Dim a) { return Dim(0) - a; }
Dim same(Dim a) { return a; }
Dim sum(Dim a, Dim b) { return a + b; }
Dim difference(Dim a, Dim b) { return a - b; }
Dim product(Dim a, Dim b) { return a * b; }
// Of extents, which are not negative: rounding down is rounding toward zero. By zero nothing is divided.
Dim quotient(Dim a, Dim b) { return b == Dim(0) ? Dim(0) : ir::floordiv(a, b); }
Dim rest(Dim a, Dim b) { return b == Dim(0) ? Dim(0) : ir::mod(a, b); }

constexpr auto rows = counting(Counts::by_elements, {
                                                        {"Abs", unary<abs>},
                                                        {"Acos", unary<acos>},
                                                        {"Acosh", unary<acosh>},
                                                        {"Add", binary<Add>, Known::no, nullptr, sum},
                                                        {"And", logical<logical_and>},
                                                        {"Asin", unary<asin>},
                                                        {"Asinh", unary<asinh>},
                                                        {"Atan", unary<atan>},
                                                        {"Atanh", unary<atanh>},
                                                        {"BitShift", shift},
                                                        {"BitwiseAnd", binary<Function<bit_and>>},
                                                        {"BitwiseNot", unary<bit_not>},
                                                        {"BitwiseOr", binary<Function<bit_or>>},
                                                        {"BitwiseXor", binary<Function<bit_xor>>},
                                                        {"Cast", cast},
                                                        {"CastLike", cast_like},
                                                        {"Ceil", unary<ceil>, Known::no, same},
                                                        {"Clip", clip},
                                                        {"Cos", unary<cos>},
                                                        {"Cosh", unary<cosh>},
                                                        {"Div", binary<std::divides<>>, Known::no, nullptr, quotient},
                                                        {"Equal", binary<std::equal_to<>>},
                                                        {"Erf", unary<erf>},
                                                        {"Exp", unary<exp>},
                                                        {"Floor", unary<floor>, Known::no, same},
                                                        {"Greater", binary<std::greater<>>},
                                                        {"GreaterOrEqual", binary<std::greater_equal<>>},
                                                        {"IsInf", is_infinite},
                                                        {"IsNaN", unary<isnan>},
                                                        {"Less", binary<std::less<>>},
                                                        {"LessOrEqual", binary<std::less_equal<>>},
                                                        {"Log", unary<log>},
                                                        {"Max", folded<Function<maximum>>, Known::no, nullptr, ir::max},
                                                        {"Mean", mean},
                                                        {"Min", folded<Function<minimum>>, Known::no, nullptr, ir::min},
                                                        {"Mod", remainder, Known::no, nullptr, rest},
                                                        {"Mul", binary<Multiply>, Known::no, nullptr, product},
                                                        {"Neg", negated, Known::no, negative},
                                                        {"Not", unary<logical_not>},
                                                        {"Or", logical<logical_or>},
                                                        {"Pow", power},
                                                        {"Reciprocal", unary<reciprocal>},
                                                        {"Round", unary<round>, Known::no, same},
                                                        {"Sign", unary<sign>},
                                                        {"Sin", unary<sin>},
                                                        {"Sinh", unary<sinh>},
                                                        {"Sqrt", unary<sqrt>},
                                                        {"Sub", binary<std::minus<>>, Known::no, nullptr, difference},
                                                        {"Sum", folded<Add>, Known::no, nullptr, sum},
                                                        {"Tan", unary<tan>},
                                                        {"Tanh", unary<tanh>},
                                                        {"Where", chosen, Known::moves_rest},
                                                        {"Xor", logical<logical_xor>},
                                                    });

}  // namespace

Operators elementwise_operators() { return rows; }

}  // namespace lathe::onnx
