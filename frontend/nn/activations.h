// Activation functions as modules; see functions/activations.h and functions/reductions.h for what they compute.
#pragma once

#include <optional>

#include "frontend/functions/activations.h"
#include "frontend/functions/elementwise.h"
#include "frontend/functions/reductions.h"
#include "frontend/nn/function_module.h"

namespace lathe::nn {

class ReLU final : public FunctionModule<relu> {};
class ReLU6 final : public FunctionModule<relu6> {};
class SELU final : public FunctionModule<selu> {};
class SiLU final : public FunctionModule<silu> {};
class Mish final : public FunctionModule<mish> {};
class Tanh final : public FunctionModule<lathe::tanh> {};
class Sigmoid final : public FunctionModule<sigmoid> {};
class Softsign final : public FunctionModule<softsign> {};
class LogSigmoid final : public FunctionModule<log_sigmoid> {};
class Hardsigmoid final : public FunctionModule<hardsigmoid> {};
class Hardswish final : public FunctionModule<hardswish> {};
class Tanhshrink final : public FunctionModule<tanhshrink> {};

class LeakyReLU final : public FunctionModule<leaky_relu, double> {
public:
    explicit LeakyReLU(double slope = 0.01) : FunctionModule(slope) {}
};
class ELU final : public FunctionModule<elu, double> {
public:
    explicit ELU(double alpha = 1) : FunctionModule(alpha) {}
};
class CELU final : public FunctionModule<celu, double> {
public:
    explicit CELU(double alpha = 1) : FunctionModule(alpha) {}
};
class GELU final : public FunctionModule<gelu, GeluOptions> {
public:
    explicit GELU(GeluOptions options = {}) : FunctionModule(options) {}
};
class Softplus final : public FunctionModule<softplus, SoftplusOptions> {
public:
    explicit Softplus(SoftplusOptions options = {}) : FunctionModule(options) {}
};
class Hardtanh final : public FunctionModule<hardtanh, HardtanhOptions> {
public:
    explicit Hardtanh(HardtanhOptions options = {}) : FunctionModule(options) {}
};
class Softshrink final : public FunctionModule<softshrink, double> {
public:
    explicit Softshrink(double lambda = 0.5) : FunctionModule(lambda) {}
};
class Hardshrink final : public FunctionModule<hardshrink, double> {
public:
    explicit Hardshrink(double lambda = 0.5) : FunctionModule(lambda) {}
};
class Threshold final : public FunctionModule<threshold, double, double> {
public:
    Threshold(double limit, double value) : FunctionModule(limit, value) {}
};
class GLU final : public FunctionModule<glu, std::int64_t> {
public:
    explicit GLU(std::int64_t axis = -1) : FunctionModule(axis) {}
};
class Softmax final : public FunctionModule<softmax, std::int64_t> {
public:
    explicit Softmax(std::int64_t axis = -1) : FunctionModule(axis) {}
};
class Softmin final : public FunctionModule<softmin, std::int64_t> {
public:
    explicit Softmin(std::int64_t axis = -1) : FunctionModule(axis) {}
};
class LogSoftmax final : public FunctionModule<log_softmax, std::int64_t> {
public:
    explicit LogSoftmax(std::int64_t axis = -1) : FunctionModule(axis) {}
};

struct PReLUOptions {
    std::int64_t count = 1;  // of slopes: one, or one for each index of axis 1
    double init = 0.25;
    Dtype dtype = Dtype::f32;
};
// leaky_relu() with slopes that are trained.
class PReLU final : public Module {
public:
    explicit PReLU(PReLUOptions options = {}, Where where = Where::current());

    Parameter weight;

private:
    Tensor forward(const Tensor& x) const override;
};

}  // namespace lathe::nn
