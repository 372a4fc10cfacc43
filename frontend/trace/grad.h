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
#include "frontend/trace/gradient.h"

namespace lathe {

namespace detail {

NodeRef differentiation_input(const Tensor& x, Where where);

}  // namespace detail

// f(x, more...) returns a rank-0 float tensor; x is a tree of float tensors. Gives the value and the derivatives by x.
// Where f is no such function, the line that asked for its derivative is blamed.
template <class F>
auto value_and_grad(F f, Where where = Where::current()) {
    return [f = std::move(f), where]<Tree X, class... More>(const X& x, const More&... more) {
        std::vector<detail::NodeRef> values;
        std::vector<detail::NodeRef> inputs;
        std::vector<Tensor> stand_ins;
        visit_tensors(x, [&](const Tensor& t) {
            if (t.is_empty()) return;
            values.push_back(detail::resolve(t.node()));
            inputs.push_back(detail::differentiation_input(t, where));
            stand_ins.emplace_back(inputs.back());
        });
        std::span<const Tensor> next = stand_ins;
        const auto call = [&] {
            const detail::Frame users(where);
            return f(with_tensors(x, next), more...);
        };
        const Tensor value = call();
        std::vector<Tensor> results;
        for (detail::NodeRef& r : detail::value_and_gradients(detail::resolve(value.node()), inputs, values, where))
            results.emplace_back(std::move(r));
        std::span<const Tensor> gradients = std::span<const Tensor>(results).subspan(1);
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
