#include "frontend/functions/functions.h"
#include "ir/ops/op.h"
#include "tests/misuse/functions.h"

namespace lathe::misuse {

void add_elementwise(Table& table) {
    table.unary("abs", abs);
    table.unary("exp", exp);
    table.unary("log", log);
    table.unary("sqrt", sqrt);
    table.unary("rsqrt", rsqrt);
    table.unary("tanh", tanh);
    table.unary("sigmoid", sigmoid);
    table.unary("erf", erf);
    table.unary("sign", sign);
    table.unary("floor", floor);
    table.unary("ceil", ceil);
    table.unary("round", round);
    table.unary("trunc", trunc);
    table.unary("exp2", exp2);
    table.unary("expm1", expm1);
    table.unary("log2", log2);
    table.unary("log10", log10);
    table.unary("log1p", log1p);
    table.unary("sin", sin);
    table.unary("cos", cos);
    table.unary("tan", tan);
    table.unary("asin", asin);
    table.unary("acos", acos);
    table.unary("atan", atan);
    table.unary("sinh", sinh);
    table.unary("cosh", cosh);
    table.unary("asinh", asinh);
    table.unary("acosh", acosh);
    table.unary("atanh", atanh);
    table.unary("cbrt", cbrt);
    table.unary("erfc", erfc);
    table.unary("erfinv", erfinv);
    table.unary("lgamma", lgamma);
    table.unary("digamma", digamma);
    table.unary("angle", angle);
    table.unary("relu", relu);
    table.unary("silu", silu);
    table.unary("relu6", relu6);
    table.unary("selu", selu);
    table.unary("mish", mish);
    table.unary("softsign", softsign);
    table.unary("log_sigmoid", log_sigmoid);
    table.unary("hardsigmoid", hardsigmoid);
    table.unary("hardswish", hardswish);
    table.unary("tanhshrink", tanhshrink);
    table.unary("reciprocal", reciprocal);
    table.unary("square", square);
    table.unary("isnan", isnan);
    table.unary("isinf", isinf);
    table.unary("isfinite", isfinite);
    table.unary("logical_not", logical_not);
    table.unary("bit_not", bit_not);
    table.unary("stop_gradient", stop_gradient);
    table.unary("zeros_like", zeros_like);
    table.unary("ones_like", ones_like);
    const auto with = [&](const std::string& name, Tensor (*f)(const Tensor&, double, Where)) {
        table.add(name, 1, [f](const Tensors& t, Where where) { return f(t[0], 0.5, where); });
    };
    with("leaky_relu", leaky_relu);
    with("elu", elu);
    with("celu", celu);
    with("softshrink", softshrink);
    with("hardshrink", hardshrink);
    table.add("gelu", 1, [](const Tensors& t, Where w) { return gelu(t[0], {.tanh = true}, w); });
    table.add("gelu", 1, [](const Tensors& t, Where w) { return gelu(t[0], {}, w); });
    table.add("softplus", 1, [](const Tensors& t, Where w) { return softplus(t[0], {.beta = 2}, w); });
    table.add("hardtanh", 1, [](const Tensors& t, Where w) { return hardtanh(t[0], {.low = 1}, w); });
    table.add("hardtanh", 1, [](const Tensors& t, Where w) { return hardtanh(t[0], {.low = 2}, w); });
    table.add("threshold", 1, [](const Tensors& t, Where w) { return threshold(t[0], 1, 2, w); });
    table.add("logit", 1, [](const Tensors& t, Where w) { return logit(t[0], 0.1, w); });
    table.binary("pow", pow);
    table.binary("fmod", fmod);
    table.binary("mod", mod);
    table.binary("floor_divide", floor_divide);
    table.binary("true_divide", true_divide);
    table.binary("copysign", copysign);
    table.binary("nextafter", nextafter);
    table.binary("hypot", hypot);
    table.binary("logaddexp", logaddexp);
    table.binary("logaddexp2", logaddexp2);
    table.binary("xlogy", xlogy);
    table.binary("heaviside", heaviside);
    table.binary("fmax", fmax);
    table.binary("fmin", fmin);
    table.binary("absolute_difference", absolute_difference);
    table.binary("gcd", gcd);
    table.binary("lcm", lcm);
    table.ternary("clamp", clamp);
    table.ternary("lerp", lerp);
    table.ternary("fma", fma);
    table.add("clamp", 2, [](const Tensors& t, Where w) { return clamp({t[0], w}, {t[1], w}); });
    table.add("clamp", 2, [](const Tensors& t, Where w) { return clamp({t[0], w}, std::nullopt, {t[1], w}); });
    table.binary("atan2", atan2);
    table.binary("maximum", maximum);
    table.binary("minimum", minimum);
    table.binary("bit_and", bit_and);
    table.binary("bit_or", bit_or);
    table.binary("bit_xor", bit_xor);
    table.binary("shift_left", shift_left);
    table.binary("shift_right", shift_right);
    table.binary("add", operator+);
    table.binary("sub", operator-);
    table.binary("mul", operator*);
    table.binary("div", operator/);
    table.binary("eq", operator==);
    table.binary("ne", operator!=);
    table.binary("lt", operator<);
    table.binary("le", operator<=);
    table.binary("gt", operator>);
    table.binary("ge", operator>=);
    table.binary("logical_and", logical_and);
    table.binary("logical_or", logical_or);
    table.binary("logical_xor", logical_xor);
    table.binary("ldexp", ldexp);
    table.binary("matmul", matmul);
    table.binary("prelu", prelu);
    table.binary("mean_squared_error", mean_squared_error);
    table.add("cross_entropy", 2, [](const Tensors& t, Where w) { return cross_entropy(t[0], t[1], {}, w); });
    table.add("cross_entropy", 2,
              [](const Tensors& t, Where w) { return cross_entropy(t[0], t[1], {.ignore_index = -100}, w); });
    table.add("where", 3, [](const Tensors& t, Where w) { return where(t[0], {t[1], w}, {t[2], w}); });
    table.add("t", 1, [](const Tensors& t, Where w) { return t[0].t(w); });
    for (const Dtype d : ir::all_dtypes())
        table.add("convert", 1, [d](const Tensors& t, Where w) { return convert(t[0], d, w); });
    for (const auto& [name, f] :
         std::vector<std::pair<std::string, Tensor (*)(const Tensor&, Where)>>{{"isposinf", isposinf},
                                                                               {"isneginf", isneginf},
                                                                               {"signbit", signbit},
                                                                               {"frac", frac},
                                                                               {"sinc", sinc},
                                                                               {"deg2rad", deg2rad},
                                                                               {"rad2deg", rad2deg},
                                                                               {"entr", entr},
                                                                               {"ndtr", ndtr}})
        table.unary(name, f);
    table.binary("xlog1py", xlog1py);
    table.add("rem", 2, [](const Tensors& t, Where w) { return operator%({t[0], w}, {t[1], w}); });
    table.add("neg", 1, [](const Tensors& t, Where w) { return operator-({t[0], w}); });
    table.add("isclose", 2, [](const Tensors& t, Where w) { return isclose(t[0], t[1], {}, w); });
    table.add("allclose", 2, [](const Tensors& t, Where w) { return allclose(t[0], t[1], {}, w); });
    for (const double n : wrong_reals) {
        table.add("nan_to_num", 1, [n](const Tensors& t, Where w) { return nan_to_num(t[0], {.nan = n}, w); });
        table.add("logit", 1, [n](const Tensors& t, Where w) { return logit(t[0], n, w); });
        table.add("softplus", 1, [n](const Tensors& t, Where w) { return softplus(t[0], {.beta = n}, w); });
    }
}

}  // namespace lathe::misuse
