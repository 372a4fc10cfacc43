// Functions of one value as functions of many:
//
//   auto distance = [](const Tensor& x, const Tensor& y) { return norm(x - y); };
//   Tensor d = vmap(distance)(xs, ys);                                      // for each row of both
//   Tensor all = vmap([&](const Tensor& x) { return vmap([&](const Tensor& y) { return distance(x, y); })(ys); })(xs);
//   Tensor g = vmap(grad(loss), {std::nullopt, 0})(weights, samples);               // a gradient for each sample
//
// The function runs once, when the call is recorded, on tensors without the axis; it computes what a loop over the axis
// would, with the same bits but for products of vectors, which may become one product of a matrix. It may use tensors
// and variables from outside and may not set variables; a value that it asks for (item(), printing) is not known yet
// and throws. Where its branches or loops differ, both branches run, and a loop runs until it ends for all.
#pragma once

#include <optional>
#include <tuple>

#include "frontend/tensor/tree.h"

namespace lathe {

// Along which axis arguments are taken apart: the same one for all, or one for each argument. All tensors of an
// argument that is a tree have it.
class MappedAxes {
public:
    MappedAxes(std::int64_t axis) : every_(axis) {}  // NOLINT(google-explicit-constructor)
    MappedAxes(std::initializer_list<std::optional<std::int64_t>> axes) : each_(axes) {}

    bool fits(std::size_t arguments) const { return every_ || each_.size() == arguments; }
    std::optional<std::int64_t> of(std::size_t argument) const { return every_ ? every_ : each_[argument]; }

private:
    std::optional<std::int64_t> every_;
    std::vector<std::optional<std::int64_t>> each_;
};

namespace detail {

// A tensor among the arguments, and its axis.
struct MappedArgument {
    Tensor tensor;
    std::optional<std::int64_t> axis;
};
std::vector<Tensor> record_vmap(std::span<const MappedArgument> arguments, std::int64_t out_axis,
                                const TensorFunction& body, Where where);
[[noreturn]] void refuse_axes(std::size_t arguments, Where where);

}  // namespace detail

// f for each index of the axes in_axes of its arguments, which are trees of tensors; the results have the axis
// out_axes.
template <class F>
auto vmap(F f, MappedAxes in_axes = 0, std::int64_t out_axes = 0, Where where = Where::current()) {
    return [f = std::move(f), in_axes = std::move(in_axes), out_axes, where]<Tree... A>(const A&... arguments) {
        if (!in_axes.fits(sizeof...(A))) detail::refuse_axes(sizeof...(A), where);
        std::vector<detail::MappedArgument> tensors;
        std::size_t argument = 0;
        const auto collect = [&](const auto& tree) {
            for (const Tensor& t : tensors_of(tree)) tensors.push_back({t, in_axes.of(argument)});
            ++argument;
        };
        (collect(arguments), ...);
        using Result = std::decay_t<std::invoke_result_t<const F&, const A&...>>;
        std::optional<Result> tree;
        const auto body = [&](std::span<const Tensor> inputs) {
            const std::tuple<A...> values = with_tensors(std::tuple<A...>(arguments...), inputs);
            tree.emplace(std::apply(f, values));
            return tensors_of(*tree);
        };
        const std::vector<Tensor> results = detail::record_vmap(tensors, out_axes, body, where);
        std::span<const Tensor> next = results;
        return with_tensors(*tree, next);
    };
}

}  // namespace lathe
