// Layers of products.
#pragma once

#include "frontend/nn/generator.h"
#include "frontend/nn/module.h"

namespace lathe::nn {

struct LinearOptions {
    bool bias = true;
    Dtype dtype = Dtype::f32;
};

// y = x W + b with W: [inputs, outputs]; x: [.., inputs]. PyTorch's weight is [outputs, inputs]. Both begin uniform in
// +-1/sqrt(inputs).
class Linear final : public Module {
public:
    Linear(std::int64_t inputs, std::int64_t outputs, Generator& random, Where where = Where::current())
        : Linear(inputs, outputs, {}, random, where) {}
    Linear(std::int64_t inputs, std::int64_t outputs, LinearOptions options, Generator& random,
           Where where = Where::current());

    Parameter weight, bias;  // bias is empty where there is none

private:
    Tensor forward(const Tensor& x) const override;
};

// y[.., o] = sum over i and k of a[.., i] W[o, i, k] b[.., k] + bias[o], with W: [outputs, inputs of a, inputs of b].
// Both begin uniform in +-1/sqrt(inputs of a).
class Bilinear final : public ModuleOf<Tensor(Tensor, Tensor)> {
public:
    Bilinear(std::int64_t a_inputs, std::int64_t b_inputs, std::int64_t outputs, Generator& random,
             Where where = Where::current())
        : Bilinear(a_inputs, b_inputs, outputs, {}, random, where) {}
    Bilinear(std::int64_t a_inputs, std::int64_t b_inputs, std::int64_t outputs, LinearOptions options,
             Generator& random, Where where = Where::current());

    Parameter weight, bias;

private:
    Tensor forward(const Tensor& a, const Tensor& b) const override;
};

}  // namespace lathe::nn
