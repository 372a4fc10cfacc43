// What parameters begin with.
//
//   Tensor w = nn::init::xavier_uniform(random)({64, 10});
//   nn::init::orthogonal(random).fill(layer.weight);
//
// Formulas are those of torch.nn.init.
#pragma once

#include <cstdint>
#include <functional>

#include "frontend/nn/generator.h"
#include "frontend/nn/shared.h"

namespace lathe::nn::init {

// A rule for the elements of a tensor of floats, by its shape.
class Initializer {
public:
    struct Target {
        Shape shape;
        Layout layout = Layout::same;  // where the numbers of inputs and outputs are
    };
    using Rule = std::function<Tensor(const Target& target)>;
    Initializer(const char* name, Rule rule) : name_(name), rule_(std::move(rule)) {}

    Tensor operator()(const Shape& shape, Dtype dtype = Dtype::f32, Layout layout = Layout::same,
                      Where where = Where::current()) const;
    // Sets a parameter that there is.
    void fill(const Parameter& parameter, Where where = Where::current()) const;

private:
    Tensor make(const Target& target, Dtype dtype, Where where) const;
    const char* name_;
    Rule rule_;
};

Initializer constant(double value);
Initializer zeros();
Initializer ones();

struct UniformOptions {
    double low = 0, high = 1;
};
Initializer uniform(const Generator& random, UniformOptions options = {});
struct NormalOptions {
    double mean = 0, stddev = 1;
};
Initializer normal(const Generator& random, NormalOptions options = {});
struct TruncatedNormalOptions {
    double mean = 0, stddev = 1;
    double low = -2, high = 2;  // no element is beyond
};
Initializer trunc_normal(const Generator& random, TruncatedNormalOptions options = {});

// How many inputs an output has, and how many outputs an input: of a weight [outputs, inputs, window..], times the
// elements of the window. TypeError for a shape of rank 0 or 1.
struct Fan {
    double in = 0, out = 0;
};
Fan fan_of(const Shape& shape, Layout layout = Layout::same);

// What follows the layer.
enum class Nonlinearity : std::uint8_t { linear, sigmoid, tanh, relu, leaky_relu, selu };
// By how much it asks weights to be wider: 1, 1, 5/3, sqrt(2), sqrt(2 / (1 + slope^2)), 3/4.
double gain_of(Nonlinearity nonlinearity, double slope = 0.01);

// Variance gain^2 * 2 / (in + out): Glorot and Bengio, "Understanding the difficulty of training deep feedforward
// neural networks", 2010. Uniform, or normal.
Initializer xavier_uniform(const Generator& random, double gain = 1);
Initializer xavier_normal(const Generator& random, double gain = 1);

enum class FanMode : std::uint8_t { in, out };
struct KaimingOptions {
    FanMode mode = FanMode::in;
    Nonlinearity nonlinearity = Nonlinearity::leaky_relu;
    double slope = 0;  // of a leaky_relu
};
// Variance gain^2 / fan: He, Zhang, Ren and Sun, "Delving deep into rectifiers", 2015.
Initializer kaiming_uniform(const Generator& random, KaimingOptions options = {});
Initializer kaiming_normal(const Generator& random, KaimingOptions options = {});

// Orthonormal rows or columns, whichever are fewer, of the tensor as a matrix of its first axis and the others, times a
// gain: Saxe, McClelland and Ganguli, "Exact solutions to the nonlinear dynamics of learning in deep linear neural
// networks", 2013.
Initializer orthogonal(const Generator& random, double gain = 1);

}  // namespace lathe::nn::init
