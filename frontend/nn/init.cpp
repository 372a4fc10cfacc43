#include "frontend/nn/init.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>

#include <fmt/format.h>

#include "frontend/functions/functions.h"
#include "frontend/tensor/blame.h"
#include "ir/error.h"
#include "ir/float_environment.h"

namespace lathe::nn::init {
namespace {

using Target = Initializer::Target;

double extent(Dim d) {
    if (!d.is_constant())
        throw TypeError(detail::spoken("init") + ": the extents of a parameter are numbers", detail::blame({}));
    return static_cast<double>(d.constant());
}

Tensor uniform_within(const Generator& random, const Shape& shape, double limit) {
    return random_uniform(random.next_key(), shape, -limit, limit);
}
Tensor normal_of(const Generator& random, const Shape& shape, double mean, double stddev) {
    return random_normal(random.next_key(), shape) * stddev + mean;
}

// Without inputs or outputs there are no weights, and nothing is divided by.
double xavier_stddev(const Target& target, double gain) {
    const Fan fan = fan_of(target.shape, target.layout);
    return gain * std::sqrt(2 / std::max(fan.in + fan.out, 1.0));
}
double kaiming_stddev(const Target& target, const KaimingOptions& options) {
    const Fan fan = fan_of(target.shape, target.layout);
    return gain_of(options.nonlinearity, options.slope) /
           std::sqrt(std::max(options.mode == FanMode::in ? fan.in : fan.out, 1.0));
}

const double sqrt3 = std::numbers::sqrt3;  // of the half width of a uniform distribution, by its deviation

double normal_cdf(double x) { return std::erfc(-x / std::numbers::sqrt2) / 2; }

}  // namespace

Tensor Initializer::make(const Target& target, Dtype dtype, Where where) const {
    if (!is_float(dtype))
        throw TypeError(fmt::format("{}: parameters are floats, not {}", detail::spoken(name_), ir::name(dtype)),
                        detail::blame(where));
    const ir::FloatEnvironment floats;
    return convert(rule_(target), dtype);
}

Tensor Initializer::operator()(const Shape& shape, Dtype dtype, Layout layout, Where where) const {
    const detail::LocScope scope(where, name_);
    return make({shape, layout}, dtype, where);
}

void Initializer::fill(const Parameter& parameter, Where where) const {
    const detail::LocScope scope(where, name_, parameter);
    parameter.set(make({parameter.type().shape, parameter.layout()}, parameter.dtype(), where), where);
}

Initializer constant(double value) {
    return {"constant", [=](const Target& target) { return full(target.shape, value); }};
}
Initializer zeros() {
    return {"zeros", [](const Target& target) { return full(target.shape, 0); }};
}
Initializer ones() {
    return {"ones", [](const Target& target) { return full(target.shape, 1); }};
}

Initializer uniform(const Generator& random, UniformOptions o) {
    return {"uniform",
            [=](const Target& target) { return random_uniform(random.next_key(), target.shape, o.low, o.high); }};
}
Initializer normal(const Generator& random, NormalOptions o) {
    return {"normal", [=](const Target& target) { return normal_of(random, target.shape, o.mean, o.stddev); }};
}
// By the inverse of the distribution.
Initializer trunc_normal(const Generator& random, TruncatedNormalOptions o) {
    return {"trunc_normal", [=](const Target& target) {
                const double low = normal_cdf((o.low - o.mean) / o.stddev);
                const double high = normal_cdf((o.high - o.mean) / o.stddev);
                const Tensor u = random_uniform(random.next_key(), target.shape, 2 * low - 1, 2 * high - 1);
                return clamp(erfinv(u) * (o.stddev * std::numbers::sqrt2) + o.mean, o.low, o.high);
            }};
}

Fan fan_of(const Shape& shape, Layout layout) {
    if (shape.rank() < 2)
        throw TypeError(fmt::format("{}: a tensor of rank {} has no inputs and outputs; take uniform() or normal()",
                                    detail::spoken("fan_of"), shape.rank()),
                        detail::blame({}));
    double window = 1;
    for (std::size_t i = 2; i < shape.rank(); ++i) window *= extent(shape[i]);
    const double first = extent(shape[0]) * window, second = extent(shape[1]) * window;
    return layout == Layout::same ? Fan{second, first} : Fan{first, second};
}

double gain_of(Nonlinearity nonlinearity, double slope) {
    switch (nonlinearity) {
        case Nonlinearity::linear:
        case Nonlinearity::sigmoid:
            return 1;
        case Nonlinearity::tanh:
            return 5.0 / 3;
        case Nonlinearity::relu:
            return std::numbers::sqrt2;
        case Nonlinearity::leaky_relu:
            return std::sqrt(2 / (1 + slope * slope));
        case Nonlinearity::selu:
            return 0.75;
    }
    throw InternalError("a nonlinearity without a gain");
}

Initializer xavier_uniform(const Generator& random, double gain) {
    return {"xavier_uniform", [=](const Target& target) {
                return uniform_within(random, target.shape, sqrt3 * xavier_stddev(target, gain));
            }};
}
Initializer xavier_normal(const Generator& random, double gain) {
    return {"xavier_normal",
            [=](const Target& target) { return normal_of(random, target.shape, 0, xavier_stddev(target, gain)); }};
}
Initializer kaiming_uniform(const Generator& random, KaimingOptions options) {
    return {"kaiming_uniform", [=](const Target& target) {
                return uniform_within(random, target.shape, sqrt3 * kaiming_stddev(target, options));
            }};
}
Initializer kaiming_normal(const Generator& random, KaimingOptions options) {
    return {"kaiming_normal",
            [=](const Target& target) { return normal_of(random, target.shape, 0, kaiming_stddev(target, options)); }};
}

// The sign of r's diagonal makes q a function of the matrix: else it would not be distributed uniformly.
Initializer orthogonal(const Generator& random, double gain) {
    return {"orthogonal", [=](const Target& target) {
                const Shape& shape = target.shape;
                if (shape.rank() < 2)
                    throw TypeError(detail::spoken("orthogonal") + ": wants a shape of rank 2 or more",
                                    detail::blame({}));
                Dim columns = 1;
                for (std::size_t i = 1; i < shape.rank(); ++i) columns *= shape[i];
                const bool wide = extent(shape[0]) < extent(columns);
                const Shape tall = wide ? Shape{columns, shape[0]} : Shape{shape[0], columns};
                const auto [q, r] = qr(random_normal(random.next_key(), tall));
                const Tensor unique = q * sign(diagonal(r)) * gain;
                return reshape(wide ? unique.t() : unique, shape);
            }};
}

}  // namespace lathe::nn::init
