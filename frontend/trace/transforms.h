// Derivatives of functions with any results, in both directions.
//
//   auto [y, t] = jvp(f, x, direction);                // f(x), and how it changes as x does in that direction
//   auto [y, pull_back] = vjp(f, x);                   // f(x), and a function of cotangents of y
//   Tensor g = pull_back(c);                           // the derivative of sum(y * c) by x
//   Tensor j = jacobian(f)(x);                         // [extents of y.., extents of x..]
//   Tensor h = hessian(loss)(x);                       // [extents of x.., extents of x..]
//   Tensor t = no_grad([&] { return teacher(x); });    // a constant to derivatives
//
// Arguments and results are trees of float tensors. What comes out is pending work like any other, which may be
// differentiated again, compiled, and mapped over.
#pragma once

#include <concepts>
#include <functional>
#include <memory>
#include <utility>

#include "frontend/functions/elementwise.h"
#include "frontend/tensor/tree.h"
#include "frontend/trace/vmap.h"

namespace lathe {

namespace detail {

// A function, recorded once on stand-ins for its arguments.
struct RecordedFunction;
std::shared_ptr<const RecordedFunction> record_function(std::span<const Tensor> x, const TensorFunction& f,
                                                        std::string_view function, Where where);
std::vector<Tensor> values_of(const RecordedFunction& function, Where where);
// The values, then their tangents.
std::vector<Tensor> push_forward(const RecordedFunction& function, std::span<const Tensor> tangents, Where where);
// By each argument, given the cotangents of the values.
std::vector<Tensor> pull_back(const RecordedFunction& function, std::span<const Tensor> cotangents, Where where);
Tensor one_of(const Tensor& y, Where where);
// One direction for each element of x: [elements of x, extents of x..].
Tensor directions(const Tensor& x);
// [elements of y, extents of x..] as [extents of y.., extents of x..]; the same of [elements of x, extents of y..].
Tensor jacobian_of_rows(const Tensor& rows, const Tensor& y);
Tensor jacobian_of_columns(const Tensor& columns, const Tensor& x);

}  // namespace detail

// f(x) and its tangent, for a tangent of x: a tree like x.
template <class F, Tree X>
auto jvp(const F& f, const X& x, const X& tangent, Where where = Where::current()) {
    using Y = std::decay_t<std::invoke_result_t<const F&, const X&>>;
    std::optional<Y> tree;
    const auto body = [&](std::span<const Tensor> inputs) {
        tree.emplace(f(with_tensors(x, inputs)));
        return tensors_of(*tree);
    };
    const auto recorded = detail::record_function(tensors_of(x), body, "jvp", where);
    const std::vector<Tensor> results = detail::push_forward(*recorded, tensors_of(tangent), where);
    std::span<const Tensor> next = results;
    Y value = with_tensors(*tree, next);
    Y change = with_tensors(*tree, next);
    return std::pair<Y, Y>(std::move(value), std::move(change));
}

// f(x), and the function that takes a cotangent of it, a tree like f(x), to one of x.
template <class F, Tree X>
auto vjp(const F& f, const X& x, Where where = Where::current()) {
    using Y = std::decay_t<std::invoke_result_t<const F&, const X&>>;
    std::optional<Y> tree;
    const auto body = [&](std::span<const Tensor> inputs) {
        tree.emplace(f(with_tensors(x, inputs)));
        return tensors_of(*tree);
    };
    const auto recorded = detail::record_function(tensors_of(x), body, "vjp", where);
    const std::vector<Tensor> results = detail::values_of(*recorded, where);
    std::span<const Tensor> next = results;
    const auto pull_back = [recorded, x](const Y& cotangent, Where line = Where::current()) {
        const std::vector<Tensor> pulled = detail::pull_back(*recorded, tensors_of(cotangent), line);
        std::span<const Tensor> rest = pulled;
        return with_tensors(x, rest);
    };
    return std::pair(with_tensors(*tree, next), pull_back);
}

enum class Direction : std::uint8_t {
    reverse,  // a pass for each element of the result: for functions of many elements
    forward,  // a pass for each element of the argument: for functions with many results
};

// All derivatives of a function of one tensor that returns one: [extents of f(x).., extents of x..].
template <class F>
auto jacobian(F f, Direction direction = Direction::reverse, Where where = Where::current()) {
    return [f = std::move(f), direction, where](const Tensor& x) {
        if (direction == Direction::forward) {
            const auto along = [&](const Tensor& t) { return jvp(f, x, t, where); };
            return detail::jacobian_of_columns(vmap(along, 0, 0, where)(detail::directions(x)).second, x);
        }
        const auto both = vjp(f, x, where);
        const Tensor pulled =
            vmap([&](const Tensor& c) { return both.second(c, where); }, 0, 0, where)(detail::directions(both.first));
        return detail::jacobian_of_rows(pulled, both.first);
    };
}

// The second derivatives of a function of one tensor that returns a float of rank 0: those of its gradient, forward.
template <class F>
auto hessian(F f, Where where = Where::current()) {
    const auto gradient = [f = std::move(f), where](const Tensor& x) {
        const auto [y, pull_back] = vjp(f, x, where);
        return pull_back(detail::one_of(y, where), where);
    };
    return jacobian(gradient, Direction::forward, where);
}

// f(), of which nothing is kept for derivatives: its results are constants to them. For a model that is only run, and
// for targets that are computed.
template <std::invocable F>
auto no_grad(const F& f, Where where = Where::current()) {
    auto result = f();
    visit_tensors(result, [&](Tensor& t) { t = stop_gradient(t, where); });
    return result;
}

}  // namespace lathe
