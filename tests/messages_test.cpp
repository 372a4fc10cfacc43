// What errors say: every public function, called wrongly in every way that fits its signature, throws an error of the
// library that begins with the user's line and the function's name and holds the types, and nothing else.
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "frontend/formats/csv.h"
#include "frontend/formats/npy.h"
#include "frontend/functions/functions.h"
#include "frontend/model/aot.h"
#include "frontend/model/model.h"
#include "frontend/nn/nn.h"
#include "frontend/optim/optim.h"
#include "frontend/trace/grad.h"
#include "frontend/trace/jit.h"
#include "ir/ops/op.h"
#include "tests/kept_text.h"
#include "tests/refusal.h"
#include "tools/fuzz/values.h"

namespace lathe {
namespace {

using testing_support::here;
using Tensors = std::vector<Tensor>;

struct Function {
    std::string name;
    std::size_t operands = 0;
    std::function<Tensor(const Tensors&, Where)> call;
};

// Numbers that axes, extents and the like may be by mistake.
constexpr std::int64_t wrong_numbers[] = {-9, -5, -1, 0, 1, 7, std::int64_t{1} << 61, INT64_MAX, INT64_MIN};

void add_functions_of_shape(std::vector<Function>& all) {
    const auto add = [&](const std::string& name, std::size_t operands, auto f) { all.push_back({name, operands, f}); };
    const auto first = [](const Tensors& parts) { return parts.empty() ? Tensor() : parts[0]; };
    for (const std::int64_t n : wrong_numbers) {
        add("squeeze", 1, [n](const Tensors& t, Where w) { return squeeze(t[0], n, w); });
        add("unsqueeze", 1, [n](const Tensors& t, Where w) { return unsqueeze(t[0], {0, n}, w); });
        add("flatten", 1, [n](const Tensors& t, Where w) { return flatten(t[0], n, -1, w); });
        add("unflatten", 1, [n](const Tensors& t, Where w) { return unflatten(t[0], -1, {n, -1}, w); });
        add("expand", 1, [n](const Tensors& t, Where w) { return expand(t[0], {n, -1}, w); });
        add("movedim", 1, [n](const Tensors& t, Where w) { return movedim(t[0], {0, n}, {1, 0}, w); });
        add("swapaxes", 1, [n](const Tensors& t, Where w) { return swapaxes(t[0], n, 0, w); });
        add("flip", 1, [n](const Tensors& t, Where w) { return flip(t[0], n, w); });
        add("roll", 1, [n](const Tensors& t, Where w) { return roll(t[0], n, 1, w); });
        add("roll", 1, [n](const Tensors& t, Where w) { return roll(t[0], 1, n, w); });
        add("rot90", 1, [n](const Tensors& t, Where w) { return rot90(t[0], n, {0, n}, w); });
        add("narrow", 1, [n](const Tensors& t, Where w) { return narrow(t[0], 0, n, 1, w); });
        add("narrow", 1, [n](const Tensors& t, Where w) { return narrow(t[0], n, 0, n, w); });
        add("tile", 1, [n](const Tensors& t, Where w) { return tile(t[0], {1, n}, w); });
        add("repeat_interleave", 1, [n](const Tensors& t, Where w) { return repeat_interleave(t[0], n, 0, w); });
        for (const PadMode mode : {PadMode::reflect, PadMode::replicate, PadMode::circular})
            add("pad", 1, [=](const Tensors& t, Where w) { return pad(t[0], {n, 0}, {0, 1}, mode, w); });
        add("stack", 2, [n](const Tensors& t, Where w) { return stack(t, n, w); });
        add("split", 1, [=](const Tensors& t, Where w) { return first(split(t[0], {1, n}, 0, w)); });
        add("chunk", 1,
            [=](const Tensors& t, Where w) { return first(chunk(t[0], std::min(n, std::int64_t{9}), 1, w)); });
        add("unbind", 1, [=](const Tensors& t, Where w) { return first(unbind(t[0], n, w)); });
        add("diagonal", 1, [n](const Tensors& t, Where w) { return diagonal(t[0], n, 0, 1, w); });
        add("diagonal", 1, [n](const Tensors& t, Where w) { return diagonal(t[0], 0, n, 1, w); });
        add("matrix_trace", 1, [n](const Tensors& t, Where w) { return matrix_trace(t[0], n, w); });
        add("diag", 1, [n](const Tensors& t, Where w) { return diag(t[0], n, w); });
        add("diag_embed", 1, [n](const Tensors& t, Where w) { return diag_embed(t[0], n, w); });
        add("tril", 1, [n](const Tensors& t, Where w) { return tril(t[0], n, w); });
        add("triu", 1, [n](const Tensors& t, Where w) { return triu(t[0], n, w); });
        add("eye", 0, [n](const Tensors&, Where w) { return eye(n, 3, n, Dtype::f32, w); });
        add("linspace", 0, [n](const Tensors&, Where w) { return linspace(0, 1, n, Dtype::f32, w); });
        add("arange", 0, [n](const Tensors&, Where w) { return arange(n, 5, n, Dtype::i8, w); });
    }
    add("cholesky", 1, [](const Tensors& t, Where w) { return cholesky(t[0], {}, w); });
    add("lu", 1, [](const Tensors& t, Where w) { return lu(t[0], w).p; });
    add("lu_factor", 1, [](const Tensors& t, Where w) { return lu_factor(t[0], w).lu; });
    add("lu_unpack", 2, [](const Tensors& t, Where w) { return lu_unpack({t[0], t[1], t[0]}, w).l; });
    add("qr", 1, [](const Tensors& t, Where w) { return qr(t[0], {}, w).q; });
    add("eigh", 1, [](const Tensors& t, Where w) { return eigh(t[0], w).values; });
    add("eigvalsh", 1, [](const Tensors& t, Where w) { return eigvalsh(t[0], w); });
    add("eig", 1, [](const Tensors& t, Where w) { return eig(t[0], w).values; });
    add("eigvals", 1, [](const Tensors& t, Where w) { return eigvals(t[0], w); });
    add("svd", 1, [](const Tensors& t, Where w) { return svd(t[0], w).u; });
    add("svdvals", 1, [](const Tensors& t, Where w) { return svdvals(t[0], w); });
    add("solve", 2, [](const Tensors& t, Where w) { return solve(t[0], t[1], {}, w); });
    add("triangular_solve", 2, [](const Tensors& t, Where w) { return triangular_solve(t[0], t[1], {}, w); });
    add("cholesky_solve", 2, [](const Tensors& t, Where w) { return cholesky_solve(t[0], t[1], {}, w); });
    add("lstsq", 2, [](const Tensors& t, Where w) { return lstsq(t[0], t[1], {}, w); });
    add("inv", 1, [](const Tensors& t, Where w) { return inv(t[0], w); });
    add("pinv", 1, [](const Tensors& t, Where w) { return pinv(t[0], {}, w); });
    add("matrix_power", 1, [](const Tensors& t, Where w) { return matrix_power(t[0], -2, w); });
    add("matrix_exp", 1, [](const Tensors& t, Where w) { return matrix_exp(t[0], w); });
    add("det", 1, [](const Tensors& t, Where w) { return det(t[0], w); });
    add("slogdet", 1, [](const Tensors& t, Where w) { return slogdet(t[0], w).second; });
    add("logdet", 1, [](const Tensors& t, Where w) { return logdet(t[0], w); });
    add("matrix_norm", 1, [](const Tensors& t, Where w) { return matrix_norm(t[0], MatrixNorm::nuclear, w); });
    add("cond", 1, [](const Tensors& t, Where w) { return cond(t[0], MatrixNorm::one, w); });
    add("matrix_rank", 1, [](const Tensors& t, Where w) { return matrix_rank(t[0], {}, w); });
    add("hstack", 2, [](const Tensors& t, Where w) { return hstack(t, w); });
    add("vstack", 2, [](const Tensors& t, Where w) { return vstack(t, w); });
    add("meshgrid", 2, [=](const Tensors& t, Where w) { return first(meshgrid(t, MeshIndexing::ij, w)); });
    add("full_like", 1, [](const Tensors& t, Where w) { return full_like(t[0], 1.5, w); });
}

void add_functions_of_positions(std::vector<Function>& all) {
    const auto add = [&](const std::string& name, std::size_t operands, auto f) { all.push_back({name, operands, f}); };
    for (const std::int64_t n : wrong_numbers) {
        add("take", 2, [n](const Tensors& t, Where w) { return take(t[0], t[1], n, w); });
        add("index_select", 2, [n](const Tensors& t, Where w) { return index_select(t[0], t[1], n, w); });
        add("index_add", 3, [n](const Tensors& t, Where w) { return index_add(t[0], t[1], t[2], n, w); });
        add("index_copy", 3, [n](const Tensors& t, Where w) { return index_copy(t[0], t[1], t[2], n, w); });
        add("index_fill", 2, [n](const Tensors& t, Where w) { return index_fill(t[0], t[1], 0.5, n, w); });
        add("take_along_axis", 2, [n](const Tensors& t, Where w) { return take_along_axis(t[0], t[1], n, w); });
        add("put_along_axis", 3,
            [n](const Tensors& t, Where w) { return put_along_axis(t[0], t[1], {t[2], w}, n, Update::multiply); });
        add("dynamic_slice", 2, [n](const Tensors& t, Where w) { return dynamic_slice(t[0], t[1], {n, 1}, w); });
        add("topk", 1, [n](const Tensors& t, Where w) { return topk(t[0], n, 0, {}, w).first; });
        add("topk", 1, [n](const Tensors& t, Where w) { return topk(t[0], 1, n, {}, w).second; });
        add("histogram", 1,
            [n](const Tensors& t, Where w) { return histogram(t[0], std::min(n, std::int64_t{9}), {}, w).first; });
        add("nonzero_bounded", 1, [n](const Tensors& t, Where w) {
            return nonzero_bounded(t[0], std::min(n, std::int64_t{9}), w).positions;
        });
        add("unique_bounded", 1,
            [n](const Tensors& t, Where w) { return unique_bounded(t[0], std::min(n, std::int64_t{9}), w).values; });
        add("bincount", 1, [n](const Tensors& t, Where w) { return bincount(t[0], {.length = n}, w); });
    }
    add("take", 2, [](const Tensors& t, Where w) { return take(t[0], t[1], w); });
    add("index", 2, [](const Tensors& t, Where w) { return t[0][{{t[1], w}}]; });
    add("index", 3, [](const Tensors& t, Where w) { return t[0][{{t[1], w}, {t[2], w}}]; });
    add("at", 2, [](const Tensors& t, Where w) { return t[0].at({{0, w}}).set({t[1], w}); });
    add("dynamic_update_slice", 3, [](const Tensors& t, Where w) { return dynamic_update_slice(t[0], t[1], t[2], w); });
    add("masked_fill", 3, [](const Tensors& t, Where w) { return masked_fill(t[0], t[1], {t[2], w}); });
    add("masked_select", 2, [](const Tensors& t, Where w) { return masked_select(t[0], t[1], w); });
    add("embedding", 2, [](const Tensors& t, Where w) { return embedding(t[0], t[1], {.padding_idx = 1}, w); });
    add("searchsorted", 2, [](const Tensors& t, Where w) { return searchsorted(t[0], t[1], {}, w); });
    add("bucketize", 2, [](const Tensors& t, Where w) { return bucketize(t[0], t[1], {.right = true}, w); });
    add("nonzero", 1, [](const Tensors& t, Where w) { return nonzero(t[0], w); });
    add("unique", 1, [](const Tensors& t, Where w) { return unique(t[0], w).inverse; });
}

std::vector<Function> functions() {
    std::vector<Function> all;
    const auto unary = [&](const std::string& name, Tensor (*f)(const Tensor&, Where)) {
        all.push_back({name, 1, [f](const Tensors& t, Where where) { return f(t[0], where); }});
    };
    unary("abs", abs);
    unary("exp", exp);
    unary("log", log);
    unary("sqrt", sqrt);
    unary("rsqrt", rsqrt);
    unary("tanh", tanh);
    unary("sigmoid", sigmoid);
    unary("erf", erf);
    unary("sign", sign);
    unary("floor", floor);
    unary("ceil", ceil);
    unary("round", round);
    unary("trunc", trunc);
    unary("exp2", exp2);
    unary("expm1", expm1);
    unary("log2", log2);
    unary("log10", log10);
    unary("log1p", log1p);
    unary("sin", sin);
    unary("cos", cos);
    unary("tan", tan);
    unary("asin", asin);
    unary("acos", acos);
    unary("atan", atan);
    unary("sinh", sinh);
    unary("cosh", cosh);
    unary("asinh", asinh);
    unary("acosh", acosh);
    unary("atanh", atanh);
    unary("cbrt", cbrt);
    unary("erfc", erfc);
    unary("erfinv", erfinv);
    unary("lgamma", lgamma);
    unary("digamma", digamma);
    unary("relu", relu);
    unary("silu", silu);
    unary("relu6", relu6);
    unary("selu", selu);
    unary("mish", mish);
    unary("softsign", softsign);
    unary("log_sigmoid", log_sigmoid);
    unary("hardsigmoid", hardsigmoid);
    unary("hardswish", hardswish);
    unary("tanhshrink", tanhshrink);
    unary("reciprocal", reciprocal);
    unary("square", square);
    unary("isnan", isnan);
    unary("isinf", isinf);
    unary("isfinite", isfinite);
    unary("logical_not", logical_not);
    unary("bit_not", bit_not);
    unary("stop_gradient", stop_gradient);
    unary("zeros_like", zeros_like);
    unary("ones_like", ones_like);
    const auto with = [&](const std::string& name, Tensor (*f)(const Tensor&, double, Where)) {
        all.push_back({name, 1, [f](const Tensors& t, Where where) { return f(t[0], 0.5, where); }});
    };
    with("leaky_relu", leaky_relu);
    with("elu", elu);
    with("celu", celu);
    with("softshrink", softshrink);
    with("hardshrink", hardshrink);
    all.push_back({"gelu", 1, [](const Tensors& t, Where w) { return gelu(t[0], {.tanh = true}, w); }});
    all.push_back({"gelu", 1, [](const Tensors& t, Where w) { return gelu(t[0], {}, w); }});
    all.push_back({"softplus", 1, [](const Tensors& t, Where w) { return softplus(t[0], {.beta = 2}, w); }});
    all.push_back({"hardtanh", 1, [](const Tensors& t, Where w) { return hardtanh(t[0], {.low = 1}, w); }});
    all.push_back({"hardtanh", 1, [](const Tensors& t, Where w) { return hardtanh(t[0], {.low = 2}, w); }});
    all.push_back({"threshold", 1, [](const Tensors& t, Where w) { return threshold(t[0], 1, 2, w); }});
    all.push_back({"logit", 1, [](const Tensors& t, Where w) { return logit(t[0], 0.1, w); }});
    const auto binary = [&](const std::string& name, Tensor (*f)(const detail::Operand&, const detail::Operand&)) {
        all.push_back({name, 2, [f](const Tensors& t, Where where) { return f({t[0], where}, {t[1], where}); }});
        // And with a number on either side.
        all.push_back({name, 1, [f](const Tensors& t, Where where) { return f({t[0], where}, {1.5, where}); }});
        all.push_back({name, 1, [f](const Tensors& t, Where where) { return f({-1, where}, {t[0], where}); }});
    };
    binary("pow", pow);
    binary("fmod", fmod);
    binary("mod", mod);
    binary("floor_divide", floor_divide);
    binary("true_divide", true_divide);
    binary("copysign", copysign);
    binary("nextafter", nextafter);
    binary("hypot", hypot);
    binary("logaddexp", logaddexp);
    binary("logaddexp2", logaddexp2);
    binary("xlogy", xlogy);
    binary("heaviside", heaviside);
    binary("fmax", fmax);
    binary("fmin", fmin);
    binary("absolute_difference", absolute_difference);
    binary("gcd", gcd);
    binary("lcm", lcm);
    const auto three = [&](const std::string& name,
                           Tensor (*f)(const detail::Operand&, const detail::Operand&, const detail::Operand&)) {
        all.push_back({name, 3, [f](const Tensors& t, Where w) { return f({t[0], w}, {t[1], w}, {t[2], w}); }});
        all.push_back({name, 1, [f](const Tensors& t, Where w) { return f({t[0], w}, {-1, w}, {1.5, w}); }});
    };
    three("clamp", clamp);
    three("lerp", lerp);
    three("fma", fma);
    all.push_back({"clamp", 2, [](const Tensors& t, Where w) { return clamp({t[0], w}, {t[1], w}); }});
    all.push_back({"clamp", 2, [](const Tensors& t, Where w) { return clamp({t[0], w}, std::nullopt, {t[1], w}); }});
    binary("atan2", atan2);
    binary("maximum", maximum);
    binary("minimum", minimum);
    binary("bit_and", bit_and);
    binary("bit_or", bit_or);
    binary("bit_xor", bit_xor);
    binary("shift_left", shift_left);
    binary("shift_right", shift_right);
    binary("add", operator+);
    binary("sub", operator-);
    binary("mul", operator*);
    binary("div", operator/);
    binary("eq", operator==);
    binary("ne", operator!=);
    binary("lt", operator<);
    binary("le", operator<=);
    binary("gt", operator>);
    binary("ge", operator>=);
    const auto two = [&](const std::string& name, Tensor (*f)(const Tensor&, const Tensor&, Where)) {
        all.push_back({name, 2, [f](const Tensors& t, Where where) { return f(t[0], t[1], where); }});
    };
    two("logical_and", logical_and);
    two("logical_or", logical_or);
    two("logical_xor", logical_xor);
    two("ldexp", ldexp);
    two("matmul", matmul);
    two("prelu", prelu);
    two("mean_squared_error", mean_squared_error);
    all.push_back({"cross_entropy", 2, [](const Tensors& t, Where w) { return cross_entropy(t[0], t[1], {}, w); }});
    all.push_back({"cross_entropy", 2,
                   [](const Tensors& t, Where w) { return cross_entropy(t[0], t[1], {.ignore_index = -100}, w); }});
    all.push_back({"where", 3, [](const Tensors& t, Where w) { return where(t[0], {t[1], w}, {t[2], w}); }});
    all.push_back({"t", 1, [](const Tensors& t, Where w) { return t[0].t(w); }});
    for (const Dtype d : ir::all_dtypes())
        all.push_back({"convert", 1, [d](const Tensors& t, Where w) { return convert(t[0], d, w); }});
    for (const std::int64_t n : wrong_numbers) {
        all.push_back({"polygamma", 1, [n](const Tensors& t, Where w) { return polygamma(n, t[0], w); }});
        all.push_back({"glu", 1, [n](const Tensors& t, Where w) { return glu(t[0], n, w); }});
        all.push_back({"softmax", 1, [n](const Tensors& t, Where w) { return softmax(t[0], n, w); }});
        all.push_back({"softmin", 1, [n](const Tensors& t, Where w) { return softmin(t[0], n, w); }});
        all.push_back({"log_softmax", 1, [n](const Tensors& t, Where w) { return log_softmax(t[0], n, w); }});
        all.push_back({"argmax", 1, [n](const Tensors& t, Where w) { return argmax(t[0], n, {}, w); }});
        all.push_back({"argmin", 1, [n](const Tensors& t, Where w) { return argmin(t[0], n, {.last = true}, w); }});
        all.push_back({"variance", 1, [n](const Tensors& t, Where w) { return variance(t[0], {n}, {}, w); }});
        all.push_back({"cumsum", 1, [n](const Tensors& t, Where w) { return cumsum(t[0], n, {.reverse = true}, w); }});
        all.push_back({"cumprod", 1, [n](const Tensors& t, Where w) { return cumprod(t[0], n, {}, w); }});
        all.push_back({"cummax", 1, [n](const Tensors& t, Where w) { return cummax(t[0], n, {}, w).values; }});
        all.push_back({"cummin", 1, [n](const Tensors& t, Where w) { return cummin(t[0], n, {}, w).indices; }});
        all.push_back({"logcumsumexp", 1, [n](const Tensors& t, Where w) { return logcumsumexp(t[0], n, {}, w); }});
        all.push_back({"linear_recurrence", 2,
                       [n](const Tensors& t, Where w) { return linear_recurrence(t[0], t[1], n, {}, w); }});
        all.push_back({"median", 1, [n](const Tensors& t, Where w) { return median(t[0], n, true, w).indices; }});
        all.push_back({"quantile", 1, [n](const Tensors& t, Where w) { return quantile(t[0], 0.5, n, {}, w); }});
        all.push_back({"quantile", 1, [n](const Tensors& t, Where w) { return quantile(t[0], {0.5, 1.5}, n, {}, w); }});
        all.push_back({"norm", 1, [n](const Tensors& t, Where w) { return norm(t[0], {n}, {}, w); }});
        all.push_back({"norm", 1, [n](const Tensors& t, Where w) {
                           return norm(t[0], {n}, {.p = -std::numeric_limits<double>::infinity()}, w);
                       }});
        all.push_back({"norm", 1, [n](const Tensors& t, Where w) { return norm(t[0], {n, 0}, {.p = 0.5}, w); }});
        all.push_back({"var", 1, [n](const Tensors& t, Where w) { return var(t[0], {n}, {}, w); }});
        all.push_back({"stddev", 1, [n](const Tensors& t, Where w) { return stddev(t[0], {n}, {.keep = true}, w); }});
        all.push_back({"aminmax", 1, [n](const Tensors& t, Where w) { return aminmax(t[0], {n}, true, w).max; }});
        using Fold = Tensor (*)(const Tensor&, const Axes&, bool, Where);
        for (const auto& [name, f] : std::vector<std::pair<std::string, Fold>>{{"prod", prod},
                                                                               {"all", lathe::all},
                                                                               {"any", any},
                                                                               {"count_nonzero", count_nonzero},
                                                                               {"logsumexp", logsumexp},
                                                                               {"nansum", nansum},
                                                                               {"nanmean", nanmean}})
            all.push_back({name, 1, [n, f](const Tensors& t, Where w) { return f(t[0], {n, 0}, true, w); }});
        all.push_back({"pad", 1, [n](const Tensors& t, Where w) { return pad(t[0], {n, 0}, {0, 1}, 0.5, w); }});
        all.push_back({"dot_general", 2, [n](const Tensors& t, Where w) {
                           return dot_general(t[0], t[1], {.a_contract = n, .b_contract = 0}, w);
                       }});
        all.push_back({"gather", 2, [n](const Tensors& t, Where w) { return gather(t[0], t[1], n, w); }});
        all.push_back({"concat", 2, [n](const Tensors& t, Where w) { return concat(t, n, w); }});
        all.push_back(
            {"scatter_add", 3, [n](const Tensors& t, Where w) { return scatter_add(t[0], t[1], t[2], n, w); }});
        all.push_back({"one_hot", 1, [n](const Tensors& t, Where w) { return one_hot(t[0], n, Dtype::f32, w); }});
        for (const bool keep : {false, true}) {
            all.push_back({"sum", 1, [=](const Tensors& t, Where w) { return sum(t[0], {n}, keep, w); }});
            all.push_back({"sum", 1, [=](const Tensors& t, Where w) { return sum(t[0], {0, n}, keep, w); }});
            all.push_back({"mean", 1, [=](const Tensors& t, Where w) { return mean(t[0], {n}, keep, w); }});
            all.push_back({"mean", 1, [=](const Tensors& t, Where w) { return mean(t[0], {0, n}, keep, w); }});
            all.push_back({"max", 1, [=](const Tensors& t, Where w) { return max(t[0], {n}, keep, w); }});
            all.push_back({"min", 1, [=](const Tensors& t, Where w) { return min(t[0], {n}, keep, w); }});
        }
        all.push_back({"transpose", 1, [n](const Tensors& t, Where w) { return transpose(t[0], {n, 0}, w); }});
        all.push_back({"transpose", 1, [n](const Tensors& t, Where w) { return transpose(t[0], {n}, w); }});
        all.push_back({"slice", 1, [n](const Tensors& t, Where w) { return slice(t[0], {n, 0}, {1, 1}, w); }});
        all.push_back({"slice", 1, [n](const Tensors& t, Where w) { return slice(t[0], {0}, {n}, w); }});
        for (const std::int64_t m : wrong_numbers) {
            all.push_back({"reshape", 1, [=](const Tensors& t, Where w) { return reshape(t[0], {n, m}, w); }});
            all.push_back(
                {"broadcast_to", 1, [=](const Tensors& t, Where w) { return broadcast_to(t[0], {n, m}, w); }});
            all.push_back({"full", 0, [=](const Tensors&, Where w) { return full({n, m}, 1, Dtype::f32, w); }});
            all.push_back({"zeros", 0, [=](const Tensors&, Where w) { return zeros({n, m}, Dtype::i8, w); }});
            all.push_back({"ones", 0, [=](const Tensors&, Where w) { return ones({n, m}, Dtype::f64, w); }});
            all.push_back(
                {"random_uniform", 0, [=](const Tensors&, Where w) { return random_uniform(1, {n, m}, 0, 1, w); }});
            all.push_back({"random_normal", 0, [=](const Tensors&, Where w) { return random_normal(1, {n, m}, w); }});
        }
        for (const Dtype d : {Dtype::i64, Dtype::boolean, Dtype::f16})
            all.push_back({"arange", 0, [=](const Tensors&, Where w) { return arange(n, d, w); }});
    }
    add_functions_of_shape(all);
    add_functions_of_positions(all);
    all.push_back({"random_uniform", 1, [](const Tensors& t, Where w) { return random_uniform(t[0], {2}, 0, 1, w); }});
    all.push_back({"random_normal", 1, [](const Tensors& t, Where w) { return random_normal(t[0], {2}, w); }});
    all.push_back({"concat", 0, [](const Tensors& t, Where w) { return concat(t, 0, w); }});
    return all;
}

// The operands: each dtype, and shapes that fit together or do not.
std::vector<Tensor> operands() {
    std::vector<Tensor> all{Tensor()};
    for (const Dtype d : {Dtype::f32, Dtype::f16, Dtype::i32, Dtype::u64, Dtype::boolean})
        for (const auto& shape :
             std::vector<std::vector<std::int64_t>>{{}, {0}, {2}, {2, 3}, {4, 5}, {3, 2, 3}, {1, 1, 1, 1, 1, 1, 1, 1}})
            all.push_back(zeros(shape, d));
    return all;
}

std::string other_op_in(const std::string& message, const std::string& name) {
    for (const ir::OpDef* op : ir::op_table()) {
        const std::string said = std::string(op->name) + ":";
        if (op->name == name) continue;
        for (std::size_t at = message.find(said); at != std::string::npos; at = message.find(said, at + 1))
            if (at == 0 || message[at - 1] == ' ' || message[at - 1] == '(') return std::string(op->name);
    }
    return "";
}

// Runs f; what it throws has to be sound. Whether it threw.
template <class F>
bool check(const std::string& name, const std::string& start, const Tensors& operands, const F& f) {
    try {
        f();
        return false;
    } catch (const Error& e) {
        const std::string message = e.what();
        EXPECT_TRUE(e.loc().known()) << name << ": " << message;
        EXPECT_EQ(message.rfind(start + ": " + name + ": ", 0), 0U) << message << "\nwanted: " << start << ": " << name;
        EXPECT_EQ(other_op_in(e.message(), name), "") << message;
        bool empty = false, typed = operands.empty();
        for (const Tensor& t : operands) {
            empty = empty || t.is_empty();
            typed = typed || (!t.is_empty() && message.find(t.type().to_string()) != std::string::npos);
        }
        typed = typed || message.find("the number ") != std::string::npos;
        EXPECT_TRUE(typed || (empty && message.find("empty") != std::string::npos)) << message;
        EXPECT_EQ(dynamic_cast<const InternalError*>(&e), nullptr) << message;
    } catch (const std::exception& e) {
        ADD_FAILURE() << name << " threw what is no error of the library: " << e.what();
    }
    return true;
}

TEST(Messages, every_function_blames_the_users_line_in_its_own_name_with_the_types) {
    const std::vector<Tensor> values = operands();
    const Where where = Where::current();
    const std::string start = std::string(where.file_name()) + ":" + std::to_string(where.line());
    std::size_t thrown = 0, calls = 0;
    for (const Function& f : functions()) {
        std::size_t count = 1;
        for (std::size_t i = 0; i < f.operands; ++i) count *= values.size();
        const std::size_t stride = f.operands == 3 ? 7 : 1;  // a part of the combinations of three
        for (std::size_t k = 0; k < count; k += stride) {
            Tensors t;
            for (std::size_t i = 0, rest = k; i < f.operands; ++i, rest /= values.size())
                t.push_back(values[rest % values.size()]);
            ++calls;
            thrown += check(f.name, start, t, [&] { f.call(t, where); }) ? 1 : 0;
            if (HasFailure()) return;  // one is enough to read
        }
    }
    EXPECT_GT(thrown, calls / 4);
    EXPECT_LT(thrown, calls);
}

// The message with what differs from call to call left out: the function's name, types and numbers.
std::string pattern_of(const std::string& message, const std::string& name) {
    static const std::regex type(R"((f|bf|i|u)[0-9]+\[[^\]]*\]|bool\[[^\]]*\])"), number("-?[0-9]+(\\.[0-9]+)?");
    const std::string reason = message.starts_with(name + ":") ? message.substr(name.size()) : message;
    return std::regex_replace(std::regex_replace(reason, type, "TYPE"), number, "N");
}

// One message of each kind, and the functions that say such. LATHE_REWRITE_EXPECTATIONS=1 writes the file.
TEST(Messages, of_functions_are_these_for_every_misuse) {
    struct Kind {
        std::string example;
        std::set<std::string> functions;
    };
    const std::vector<Tensor> values = operands();
    std::map<std::string, Kind> kinds;
    for (const Function& f : functions()) {
        std::size_t count = 1;
        for (std::size_t i = 0; i < f.operands; ++i) count *= values.size();
        for (std::size_t k = 0; k < count; k += f.operands == 3 ? 7 : 1) {
            Tensors t;
            for (std::size_t i = 0, rest = k; i < f.operands; ++i, rest /= values.size())
                t.push_back(values[rest % values.size()]);
            try {
                f.call(t, Where::current());
            } catch (const Error& e) {
                Kind& kind = kinds[pattern_of(e.message(), f.name)];
                if (kind.example.empty()) kind.example = e.message();
                kind.functions.insert(f.name);
            }
        }
    }
    std::string text;
    for (const auto& [pattern, kind] : kinds) {
        text += kind.example + "\n   ";
        for (const std::string& function : kind.functions) text += " " + function;
        text += "\n\n";
    }
    testing_support::expect_kept("tests/function_messages.txt", text);
}

TEST(Messages, the_same_while_tracing) {
    const Where where = Where::current();
    const std::string start = std::string(where.file_name()) + ":" + std::to_string(where.line());
    const std::vector<std::vector<std::variant<std::int64_t, std::string>>> shapes = {{},       {"a"},    {"a", "b"},
                                                                                      {"b", 3}, {2, "c"}, {4, 5}};
    for (const Function& f : functions()) {
        if (f.operands == 0) continue;
        for (const Dtype d : {Dtype::f32, Dtype::i32})
            for (std::size_t k = 0; k < shapes.size() * shapes.size(); k += f.operands == 1 ? shapes.size() : 1) {
                std::vector<TensorSpec> specs;
                for (std::size_t i = 0; i < f.operands; ++i)
                    specs.push_back(
                        {"x" + std::to_string(i), d, shapes[i % 2 == 0 ? k / shapes.size() : k % shapes.size()]});
                const auto body = [&](std::span<const Tensor> inputs) {
                    return Tensors{f.call({inputs.begin(), inputs.end()}, where)};
                };
                try {
                    detail::trace_model(body, f.operands, specs, {}, where);
                } catch (const Error& e) {
                    const std::string message = e.what();
                    EXPECT_TRUE(e.loc().known()) << f.name << ": " << message;
                    EXPECT_EQ(message.rfind(start + ": ", 0), 0U) << message;
                    EXPECT_NE(message.find(f.name), std::string::npos) << message;
                    EXPECT_EQ(other_op_in(e.message(), f.name), "") << message;
                    EXPECT_EQ(dynamic_cast<const InternalError*>(&e), nullptr) << message;
                } catch (const std::exception& e) {
                    ADD_FAILURE() << f.name << " threw what is no error of the library: " << e.what();
                }
                if (HasFailure()) return;
            }
    }
}

template <class F>
std::string refusal(const F& f) {
    try {
        f();
    } catch (const Error& e) {
        EXPECT_TRUE(e.loc().known()) << e.what();
        return e.what();
    } catch (const std::exception& e) {
        ADD_FAILURE() << "no error of the library: " << e.what();
        return "";
    }
    ADD_FAILURE() << "nothing was thrown";
    return "";
}
void expect_start(const std::string& message, const std::string& start) {
    EXPECT_EQ(message.substr(0, start.size()), start) << message;
}

TEST(Messages, axes_are_shown_as_they_were_written) {
    const Tensor x = ones({2, 3}), i = zeros({2}, Dtype::i32);
    const std::string why = "axis -5 is out of range for rank 2";
    for (const std::function<void()>& f : std::vector<std::function<void()>>{
             [&] { sum(x, {-5}); }, [&] { mean(x, {-5}); }, [&] { max(x, {-5}); }, [&] { min(x, {0, -5}); },
             [&] { argmax(x, -5); }, [&] { softmax(x, -5); }, [&] { log_softmax(x, -5); },
             [&] { concat(Tensors{x, x}, -5); }, [&] { gather(x, i, -5); }, [&] { scatter_add(x, i, x, -5); }})
        EXPECT_NE(refusal(f).find(why), std::string::npos) << refusal(f);
    EXPECT_NE(refusal([&] { (void)x.dim(-5); }).find("axis -5"), std::string::npos);
}

TEST(Messages, extents_that_no_memory_holds_are_refused_by_the_call) {
    constexpr std::int64_t huge = std::int64_t{1} << 61;
    const Tensor row = ones({1, 1}), column = ones({1 << 20, 1});
    expect_start(refusal([&] { zeros({huge, 4}); }), here() + "zeros: ");
    expect_start(refusal([&] { (void)zeros({huge, 4}).size(); }), here() + "zeros: ");
    expect_start(refusal([&] { zeros({huge, 4, 0}); }), here() + "zeros: ");
    expect_start(refusal([&] { arange(huge); }), here() + "arange: ");
    expect_start(refusal([&] { broadcast_to(row, {huge, huge}); }), here() + "broadcast_to: ");
    expect_start(refusal([&] { row.reshape({INT64_MAX, INT64_MAX}); }), here() + "reshape: ");
    expect_start(refusal([&] { one_hot(zeros({1 << 20}, Dtype::i8), huge); }), here() + "one_hot: ");
    const Tensor wide = broadcast_to(row, {1, std::int64_t{1} << 58});
    expect_start(refusal([&] { (void)(wide + column); }), here() + "add: ");
    expect_start(refusal([&] { matmul(column, wide); }), here() + "matmul: ");
    expect_start(refusal([&] { concat(Tensors(20, wide), 1); }), here() + "concat: ");
    expect_start(refusal([&] { gather(wide, zeros({1 << 20}, Dtype::i32), 0); }), here() + "gather: ");
    const Tensor bytes = broadcast_to(zeros({1}, Dtype::i8), {std::int64_t{1} << 60});
    expect_start(refusal([&] { convert(bytes, Dtype::f64); }), here() + "convert: ");
    expect_start(refusal([&] { random_uniform(1, {huge, 4}); }), here() + "random_uniform: ");
    expect_start(refusal([&] { random_normal(1, {-3, 4}); }), here() + "random_normal: ");
    // Where extents come when a program is called.
    const auto outer = jit([](const Tensor& a, const Tensor& b) { return a * b.reshape({b.dim(0), 1}); });
    const Tensor many = zeros({1 << 20}, Dtype::i8);
    const std::string no_memory = refusal([&] { outer(many, many); });
    EXPECT_NE(no_memory.find(": mul: "), std::string::npos) << no_memory;
    EXPECT_NE(no_memory.find("i8[1048576, 1048576]"), std::string::npos) << no_memory;
    const auto cube = jit([](const Tensor& a) {
        const Tensor b = a.reshape({a.dim(0), 1, 1, 1}), c = a.reshape({a.dim(0), 1, 1}), d = a.reshape({a.dim(0), 1});
        return a * b * c * d;
    });
    const std::string overflow = refusal([&] { cube(many); });
    EXPECT_NE(overflow.find("messages_test.cpp:"), std::string::npos) << overflow;
}

TEST(Messages, values_that_tracing_does_not_know) {
    const auto f = jit([](const Tensor& x) { return zeros_like(x).eval(); });
    const std::string message = refusal([&] { f(ones({3})); });
    EXPECT_NE(message.find("traced"), std::string::npos) << message;
    EXPECT_NE(message.find("messages_test.cpp:"), std::string::npos) << message;
    const auto g = jit([](const Tensor& x) { return x * static_cast<double>(ones_like(x).to_vector<float>()[0]); });
    EXPECT_NE(refusal([&] { g(ones({3})); }).find("traced"), std::string::npos);
}

TEST(Messages, constructors_and_files_name_the_line) {
    nn::Generator random(1);
    expect_start(refusal([&] { nn::Linear(-1, 2, random); }), here() + "Linear: ");
    expect_start(refusal([&] { nn::Linear(std::int64_t{1} << 61, 4, random); }), here() + "Linear: ");
    expect_start(refusal([&] { optim::Sgd({ones({2})}); }), here() + "Sgd: ");
    expect_start(refusal([&] { variable(Tensor()); }), here() + "variable: ");
    expect_start(refusal([&] { (void)Tensor().rank(); }), here());
    expect_start(refusal([&] { (void)Tensor().dtype(); }), here());
    expect_start(refusal([&] { (void)Tensor().shape(); }), here());
    expect_start(refusal([&] { (void)Tensor().size(); }), here());
    expect_start(refusal([&] { Tensor().t(); }), here());
    expect_start(refusal([&] { Tensor().reshape({1}); }), here());
    expect_start(refusal([&] { (void)Tensor().to_string(); }), here());
    expect_start(refusal([&] { (void)Tensor().to_array(); }), here());
    expect_start(refusal([&] { Tensor().set(ones({1})); }), here() + "set: ");
    expect_start(refusal([&] { variable(ones({1})).set(Tensor()); }), here() + "set: ");
    expect_start(refusal([&] { ones({1, 1, 1, 1, 1, 1, 1, 1, 1}); }), here());
    expect_start(refusal([&] { Model::load("/absent.lathe"); }), here() + "/absent.lathe: ");
    expect_start(refusal([&] { Model::parse("no model", "x.lathe"); }), here() + "x.lathe: byte 8");
    expect_start(refusal([&] { read_npy("/absent.npy"); }), here() + "/absent.npy: ");
    expect_start(refusal([&] { parse_npy("x", "x.npy"); }), here() + "x.npy: byte 0");
    expect_start(refusal([&] { write_npy("/absent/x.npy", Array{Dtype::f32, {0}, {}}); }), here());
    expect_start(refusal([&] { npy_bytes({Dtype::bf16, {0}, {}}); }), here());
    expect_start(refusal([&] { read_csv("/absent.csv"); }), here() + "/absent.csv: ");
    expect_start(refusal([&] { parse_csv("a,b", "x.csv"); }), here() + "x.csv: row 1");
    const Model model = trace([](const Tensor& x) { return x + 1.0; }, {{"x", Dtype::f32, {"n"}}}, {.name = "m"});
    const CompileOptions mistaken{.off = {"no such pass"}};
    expect_start(refusal([&] { model.save("/absent/m.lathe"); }), here());
    expect_start(refusal([&] { model.run({}); }), here() + "m: no input 'x'");
    expect_start(refusal([&] { model(ones({2, 2})); }), here() + "m: input 'x'");
    expect_start(refusal([&] { model(Tensor()); }), here() + "m: ");
    expect_start(refusal([&] { model.compile(mistaken); }), here());
    const std::vector<std::int64_t> shapes[] = {{2, 2}};
    expect_start(refusal([&] { model.compile().bind(shapes); }), here() + "m: ");
    expect_start(refusal([&] { compile_model(model, "/absent/m.o"); }), here());
    const auto f = jit([](const Tensor& x) { return x + 1.0; }, {.compile = mistaken});
    expect_start(refusal([&] { f(ones({2})); }).substr(0, here().size() - 6), here().substr(0, here().size() - 6));
}

TEST(Messages, names_from_outside_stay_on_their_line) {
    const Model model =
        trace([](const Tensor& x) { return x; }, {{"x\n\x1b[31m", Dtype::f32, {2}}}, {.name = "m\r\nn"});
    for (const std::string& message : {refusal([&] { model.run({}); }),
                                       refusal([&] { model.run({{"y\x07\n", Array{}}, {"x\n\x1b[31m", Array{}}}); }),
                                       refusal([&] { model(ones({3, 3})); })})
        for (const char c : message) EXPECT_GE(static_cast<unsigned char>(c), 0x20) << message;
}

TEST(Messages, errors_reach_the_thread_that_asked) {
    std::vector<std::string> messages(4);
    const auto f = jit([](const Tensor& a, const Tensor& b) { return matmul(a, b); });
    std::vector<std::thread> threads;
    for (std::string& message : messages)
        threads.emplace_back([&] { message = refusal([&] { f(ones({2, 3}), ones({4, 5})); }); });
    for (std::thread& t : threads) t.join();
    for (const std::string& message : messages)
        EXPECT_NE(message.find("matmul: the inner extents differ"), std::string::npos);
}

TEST(Messages, types_of_any_length_are_cut) {
    // An extent that is a long expression.
    std::string message;
    try {
        trace(
            [](const Tensor& a, const Tensor& b) {
                Tensor x = a;
                for (int i = 0; i < 7; ++i)
                    x = concat(Tensors{x.reshape({x.dim(0) * b.dim(0)}), x, b}, 0).reshape({-1});
                return x.reshape({-2});
            },
            {{"a", Dtype::f32, {"n"}}, {"b", Dtype::f32, {"m"}}});
    } catch (const Error& e) {
        message = e.what();
    }
    EXPECT_LT(message.size(), 1500U) << message;
    EXPECT_NE(message.find("messages_test.cpp:"), std::string::npos) << message;
}

}  // namespace
}  // namespace lathe
