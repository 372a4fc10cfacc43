// Elementwise functions and reductions of both sides, one row each at 1K and 1M elements.
#include <fmt/format.h>

#include "bench/comparison.h"

namespace comparison {
namespace {

using Inputs = std::vector<std::pair<Floats, std::vector<std::int64_t>>>;

struct Domain {
    float low = -2, high = 2;
};

struct Unary {
    const char* name;
    Tensor (*function)(const Tensor& x);
    Domain domain = {};
    Dtype result = Dtype::f32;
};
constexpr Domain positive{0.01F, 4}, within_one{-0.99F, 0.99F};
const Unary unaries[] = {
    {"abs", [](const Tensor& x) { return abs(x); }},
    {"neg", [](const Tensor& x) { return -x; }},
    {"sign", [](const Tensor& x) { return sign(x); }},
    {"floor", [](const Tensor& x) { return floor(x); }},
    {"ceil", [](const Tensor& x) { return ceil(x); }},
    {"round", [](const Tensor& x) { return round(x); }},
    {"trunc", [](const Tensor& x) { return trunc(x); }},
    {"sqrt", [](const Tensor& x) { return sqrt(x); }, positive},
    {"rsqrt", [](const Tensor& x) { return rsqrt(x); }, positive},
    {"reciprocal", [](const Tensor& x) { return reciprocal(x); }, positive},
    {"square", [](const Tensor& x) { return square(x); }},
    {"exp", [](const Tensor& x) { return exp(x); }},
    {"exp2", [](const Tensor& x) { return exp2(x); }},
    {"expm1", [](const Tensor& x) { return expm1(x); }},
    {"log", [](const Tensor& x) { return log(x); }, positive},
    {"log2", [](const Tensor& x) { return log2(x); }, positive},
    {"log10", [](const Tensor& x) { return log10(x); }, positive},
    {"log1p", [](const Tensor& x) { return log1p(x); }, positive},
    {"sin", [](const Tensor& x) { return sin(x); }},
    {"cos", [](const Tensor& x) { return cos(x); }},
    {"tan", [](const Tensor& x) { return tan(x); }, within_one},
    {"asin", [](const Tensor& x) { return asin(x); }, within_one},
    {"acos", [](const Tensor& x) { return acos(x); }, within_one},
    {"atan", [](const Tensor& x) { return atan(x); }},
    {"sinh", [](const Tensor& x) { return sinh(x); }},
    {"cosh", [](const Tensor& x) { return cosh(x); }},
    {"tanh", [](const Tensor& x) { return tanh(x); }},
    {"asinh", [](const Tensor& x) { return asinh(x); }},
    {"acosh", [](const Tensor& x) { return acosh(x); }, {1.01F, 4}},
    {"atanh", [](const Tensor& x) { return atanh(x); }, within_one},
    {"sigmoid", [](const Tensor& x) { return sigmoid(x); }},
    {"erf", [](const Tensor& x) { return erf(x); }},
    {"erfc", [](const Tensor& x) { return erfc(x); }},
    {"erfinv", [](const Tensor& x) { return erfinv(x); }, within_one},
    {"lgamma", [](const Tensor& x) { return lgamma(x); }, positive},
    {"digamma", [](const Tensor& x) { return digamma(x); }, positive},
    {"relu", [](const Tensor& x) { return relu(x); }},
    {"relu6", [](const Tensor& x) { return relu6(x); }},
    {"leaky_relu", [](const Tensor& x) { return leaky_relu(x); }},
    {"elu", [](const Tensor& x) { return elu(x); }},
    {"selu", [](const Tensor& x) { return selu(x); }},
    {"celu", [](const Tensor& x) { return celu(x); }},
    {"gelu", [](const Tensor& x) { return gelu(x); }},
    {"gelu_tanh", [](const Tensor& x) { return gelu(x, {.tanh = true}); }},
    {"silu", [](const Tensor& x) { return silu(x); }},
    {"mish", [](const Tensor& x) { return mish(x); }},
    {"softplus", [](const Tensor& x) { return softplus(x); }},
    {"softsign", [](const Tensor& x) { return softsign(x); }},
    {"hardtanh", [](const Tensor& x) { return hardtanh(x); }},
    {"hardsigmoid", [](const Tensor& x) { return hardsigmoid(x); }},
    {"hardswish", [](const Tensor& x) { return hardswish(x); }},
    {"log_sigmoid", [](const Tensor& x) { return log_sigmoid(x); }},
    {"softshrink", [](const Tensor& x) { return softshrink(x); }},
    {"hardshrink", [](const Tensor& x) { return hardshrink(x); }},
    {"isnan", [](const Tensor& x) { return isnan(x); }, {}, Dtype::boolean},
    {"isinf", [](const Tensor& x) { return isinf(x); }, {}, Dtype::boolean},
    {"isfinite", [](const Tensor& x) { return isfinite(x); }, {}, Dtype::boolean},
};

struct Binary {
    const char* name;
    Tensor (*function)(const Tensor& x, const Tensor& y);
    Domain domain = {};
    Dtype result = Dtype::f32;
};
const Binary binaries[] = {
    {"add", [](const Tensor& x, const Tensor& y) { return x + y; }},
    {"sub", [](const Tensor& x, const Tensor& y) { return x - y; }},
    {"mul", [](const Tensor& x, const Tensor& y) { return x * y; }},
    {"div", [](const Tensor& x, const Tensor& y) { return x / y; }, positive},
    {"pow", [](const Tensor& x, const Tensor& y) { return pow(x, y); }, positive},
    {"fmod", [](const Tensor& x, const Tensor& y) { return fmod(x, y); }, positive},
    {"remainder", [](const Tensor& x, const Tensor& y) { return mod(x, y); }, positive},
    {"floor_divide", [](const Tensor& x, const Tensor& y) { return floor_divide(x, y); }, positive},
    {"atan2", [](const Tensor& x, const Tensor& y) { return atan2(x, y); }},
    {"hypot", [](const Tensor& x, const Tensor& y) { return hypot(x, y); }},
    {"copysign", [](const Tensor& x, const Tensor& y) { return copysign(x, y); }},
    {"nextafter", [](const Tensor& x, const Tensor& y) { return nextafter(x, y); }},
    {"logaddexp", [](const Tensor& x, const Tensor& y) { return logaddexp(x, y); }},
    {"logaddexp2", [](const Tensor& x, const Tensor& y) { return logaddexp2(x, y); }},
    {"xlogy", [](const Tensor& x, const Tensor& y) { return xlogy(x, y); }, positive},
    {"heaviside", [](const Tensor& x, const Tensor& y) { return heaviside(x, y); }},
    {"maximum", [](const Tensor& x, const Tensor& y) { return maximum(x, y); }},
    {"minimum", [](const Tensor& x, const Tensor& y) { return minimum(x, y); }},
    {"fmax", [](const Tensor& x, const Tensor& y) { return fmax(x, y); }},
    {"fmin", [](const Tensor& x, const Tensor& y) { return fmin(x, y); }},
    {"eq", [](const Tensor& x, const Tensor& y) { return x == y; }, {}, Dtype::boolean},
    {"lt", [](const Tensor& x, const Tensor& y) { return x < y; }, {}, Dtype::boolean},
    {"clamp", [](const Tensor& x, const Tensor& y) { return clamp(x, -0.5, y); }, positive},
    {"lerp", [](const Tensor& x, const Tensor& y) { return lerp(x, y, 0.3); }},
    {"where", [](const Tensor& x, const Tensor& y) { return where(x > y, x, y); }},
    {"addcmul", [](const Tensor& x, const Tensor& y) { return x + 0.5 * (x * y); }},
};

// Of a square, by all of it, its rows or its columns.
struct Reduction {
    const char* name;
    Tensor (*function)(const Tensor& x, const Axes& axes);
    Dtype result = Dtype::f32;
};
const Reduction reductions[] = {
    {"sum", [](const Tensor& x, const Axes& axes) { return sum(x, axes); }},
    {"mean", [](const Tensor& x, const Axes& axes) { return mean(x, axes); }},
    {"prod", [](const Tensor& x, const Axes& axes) { return prod(x, axes); }},
    {"amax", [](const Tensor& x, const Axes& axes) { return max(x, axes); }},
    {"amin", [](const Tensor& x, const Axes& axes) { return min(x, axes); }},
    {"all", [](const Tensor& x, const Axes& axes) { return all(x, axes); }, Dtype::boolean},
    {"any", [](const Tensor& x, const Axes& axes) { return any(x, axes); }, Dtype::boolean},
    {"count_nonzero", [](const Tensor& x, const Axes& axes) { return count_nonzero(x, axes); }, Dtype::i64},
    {"var", [](const Tensor& x, const Axes& axes) { return var(x, axes, {.correction = 1}); }},
    {"std", [](const Tensor& x, const Axes& axes) { return stddev(x, axes, {.correction = 1}); }},
    {"norm", [](const Tensor& x, const Axes& axes) { return norm(x, axes); }},
    {"logsumexp", [](const Tensor& x, const Axes& axes) { return logsumexp(x, axes); }},
};
using AlongAxis = Tensor (*)(const Tensor& x, std::int64_t axis);
const std::pair<const char*, AlongAxis> selections[] = {
    {"argmax", [](const Tensor& x, std::int64_t axis) { return argmax(x, axis); }},
    {"argmin", [](const Tensor& x, std::int64_t axis) { return argmin(x, axis); }},
};

}  // namespace

void functions(Comparison& c) {
    for (const std::int64_t n : {1000L, 1'000'000L}) {
        const std::string size = short_count(n);
        const auto data = [&](Domain d, unsigned seed) {
            return random_floats(static_cast<std::size_t>(n), seed, d.low, d.high);
        };
        for (const Unary& f : unaries) {
            const Inputs in = {{data(f.domain, 31), {n}}};
            c.row(fmt::format("{} {}", f.name, size), "compiled", compiled(f.function, in, {}, f.result),
                  peer::unary(f.name, in[0].first));
        }
        for (const Binary& f : binaries) {
            const Inputs in = {{data(f.domain, 32), {n}}, {data(f.domain, 33), {n}}};
            c.row(fmt::format("{} {}", f.name, size), "compiled", compiled(f.function, in, {}, f.result),
                  peer::binary(f.name, in[0].first, in[1].first));
        }
        c.summarize("elementwise functions of " + size);
        const std::int64_t side = n == 1000 ? 32 : 1000;
        const Floats square = random_floats(static_cast<std::size_t>(side * side), 34, 0.9F, 1.1F);
        const Inputs in = {{square, {side, side}}};
        const std::pair<const char*, int> choices[] = {{"all", -1}, {"rows", 1}, {"columns", 0}};
        for (const Reduction& f : reductions)
            for (const auto& [which, axis] : choices) {
                const Axes axes = axis < 0 ? Axes{} : Axes{axis};
                c.row(fmt::format("{} of {} {}x{}", f.name, which, side, side), "compiled",
                      compiled([&](const Tensor& x) { return f.function(x, axes); }, in, {}, f.result),
                      peer::reduction(f.name, square, side, side, axis), 1e-3F);
            }
        for (const auto& [name, function] : selections)
            for (const int axis : {1, 0})
                c.row(fmt::format("{} of {} {}x{}", name, axis == 1 ? "rows" : "columns", side, side), "compiled",
                      compiled([&](const Tensor& x) { return function(x, axis); }, in, {}, Dtype::i64),
                      peer::reduction(name, square, side, side, axis));
        c.summarize("reductions of " + size);
    }
}

}  // namespace comparison
