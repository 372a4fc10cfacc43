// Neural network modules. A module owns variables and maps a tensor to a tensor.
//
//   nn::Generator random(42);
//   auto model = nn::Sequential(nn::Linear(64, 128, random), nn::ReLU(), nn::Linear(128, 10, random));
//   Tensor logits = model(x);                  // x: f32[batch, 64]
//   for (auto& [name, p] : model.named_parameters()) ...      // "0.weight", "0.bias", "2.weight", ...
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "frontend/tensor/tensor.h"

namespace lathe::nn {

// Keys for random numbers, one after the other: equal seeds give equal numbers on every machine and any number of
// threads. Copies share their state. The state is a variable: a compiled function that takes keys takes the next ones
// at every call. Threads that share a generator each get keys of their own, in any order.
class Generator {
public:
    explicit Generator(std::uint64_t seed, Where where = Where::current());
    Tensor next_key(Where where = Where::current());  // a u64 of rank 0: splitmix64 of the seed and a counter

private:
    struct State;
    std::shared_ptr<State> state_;
};

enum class Init : std::uint8_t {
    kaiming,  // uniform in +-sqrt(6 / fan_in): He et al., 2015, for layers followed by ReLU
    xavier,   // uniform in +-sqrt(6 / (fan_in + fan_out)): Glorot and Bengio, 2010
};

using NamedParameter = std::pair<std::string, Tensor>;

// Errors in a module's own code, and the inspection tools, name the lines of its forward(), the path of modules that it
// is in, and the calls that led there: "attention.cpp:20: matmul: ..., in blocks.2.attention, called at net.cpp:31".
class Module {
public:
    virtual ~Module() = default;
    Tensor operator()(const Tensor& x, Where where = Where::current()) const;
    // What the module is called within its parent: "attention". It is the module's part of the path in errors, as it
    // should be of the paths of parameters. Without a name the class stands there.
    void set_name(std::string name) { name_ = std::move(name); }
    const std::string& name() const { return name_; }
    // Names are paths: "0.weight" is the weight of the first child.
    virtual std::vector<NamedParameter> named_parameters(const std::string& prefix = "") const;
    std::vector<Tensor> parameters() const;

protected:
    // What the module computes; called by way of the module itself, which knows the caller's line.
    virtual Tensor forward(const Tensor& x) const = 0;

    Module() = default;
    // The library's own modules: what they call is blamed on the line that called them.
    struct OfLibrary {};
    explicit Module(OfLibrary) : of_library_(true) {}

private:
    friend class Sequential;
    // As a child that is called by its place.
    Tensor apply(const Tensor& x, std::int64_t index, Where where) const;
    std::string name_;
    bool of_library_ = false;
};

// y = x W + b with W: [inputs, outputs]; x: [..., inputs].
class Linear final : public Module {
public:
    Linear(std::int64_t inputs, std::int64_t outputs, Generator& random, Init init = Init::kaiming, bool bias = true,
           Dtype dtype = Dtype::f32, Where where = Where::current());
    std::vector<NamedParameter> named_parameters(const std::string& prefix = "") const override;

    Tensor weight, bias;  // variables; bias is empty where there is none

private:
    Tensor forward(const Tensor& x) const override;
};

class ReLU final : public Module {
public:
    ReLU() : Module(OfLibrary{}) {}

private:
    Tensor forward(const Tensor& x) const override;
};
class Tanh final : public Module {
public:
    Tanh() : Module(OfLibrary{}) {}

private:
    Tensor forward(const Tensor& x) const override;
};
class Sigmoid final : public Module {
public:
    Sigmoid() : Module(OfLibrary{}) {}

private:
    Tensor forward(const Tensor& x) const override;
};
class GELU final : public Module {
public:
    GELU() : Module(OfLibrary{}) {}

private:
    Tensor forward(const Tensor& x) const override;
};

class Sequential final : public Module {
public:
    template <class... M>
        requires(std::is_base_of_v<Module, M> && ...)
    explicit Sequential(M... modules) : Module(OfLibrary{}) {
        (children_.push_back(std::make_shared<M>(std::move(modules))), ...);
    }
    std::vector<NamedParameter> named_parameters(const std::string& prefix = "") const override;

private:
    Tensor forward(const Tensor& x) const override;
    std::vector<std::shared_ptr<const Module>> children_;
};

}  // namespace lathe::nn
