// Derivatives of functions.
//
//   auto f = [](const Tensor& x) { return sum(tanh(x) * x); };
//   Tensor g = grad(f)(x);                         // by the first argument, which may be a tree of tensors
//   auto [value, g2] = value_and_grad(f)(x);
//   Tensor h = grad([&](const Tensor& y) { return sum(grad(f)(y)); })(x);
//
// What comes out is ordinary pending work: it fuses, compiles and differentiates as anything else. Inside jit it
// becomes part of the compiled program.
#pragma once

#include "frontend/tensor/tree.h"

namespace lathe {

namespace detail {

// The value that f, which gives one, has at x, and its derivatives by each of x.
std::vector<Tensor> record_gradients(std::span<const Tensor> x, const TensorFunction& f, Where where);

}  // namespace detail

// f(x, more...) returns a rank-0 float tensor; x is a tree of float tensors. Gives the value and the derivatives by x.
// Where f is no such function, the line that asked for its derivative is blamed.
template <class F>
auto value_and_grad(F f, Where where = Where::current()) {
    return [f = std::move(f), where]<Tree X, class... More>(const X& x, const More&... more) {
        const auto body = [&](std::span<const Tensor> inputs) {
            return std::vector<Tensor>{f(with_tensors(x, inputs), more...)};
        };
        const std::vector<Tensor> results = detail::record_gradients(tensors_of(x), body, where);
        std::span<const Tensor> gradients = std::span(results).subspan(1);
        return std::pair<Tensor, X>(results[0], with_tensors(x, gradients));
    };
}

template <class F>
auto grad(F f, Where where = Where::current()) {
    return [both = value_and_grad(std::move(f), where)]<Tree X, class... More>(const X& x, const More&... more) {
        return both(x, more...).second;
    };
}

}  // namespace lathe
