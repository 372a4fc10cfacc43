// Modules without variables of their own.
#pragma once

#include <tuple>
#include <utility>

#include "frontend/nn/module.h"

namespace lathe::nn {

// A function of a tensor, and what it is called with beside that.
template <auto function, class... Arguments>
class FunctionModule : public Module {
public:
    explicit FunctionModule(Arguments... arguments) : Module(OfLibrary{}), arguments_(std::move(arguments)...) {}

private:
    Tensor forward(const Tensor& x) const final {
        return std::apply([&](const Arguments&... arguments) { return function(x, arguments..., Where{}); },
                          arguments_);
    }
    std::tuple<Arguments...> arguments_;
};

// A function of the user's as a module: nn::lambda([](const Tensor& x) { return x * x; }). Errors speak of its lines.
template <class F>
class Lambda final : public Module {
public:
    explicit Lambda(F function) : function_(std::move(function)) { set_name("lambda"); }

private:
    Tensor forward(const Tensor& x) const override { return function_(x); }
    F function_;
};
template <class F>
    requires std::is_invocable_r_v<Tensor, const F&, const Tensor&>
Lambda<F> lambda(F function) {
    return Lambda<F>(std::move(function));
}

}  // namespace lathe::nn
