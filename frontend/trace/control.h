// Loops and branches as functions of functions: the C++ functions run once, when the call is recorded, and what they
// record runs as often as the data say.
//
//   Tensor y = cond(sum(x) > 0, [](const Tensor& x) { return x; }, [](const Tensor& x) { return -x; }, x);
//   Tensor root = while_loop([&](const Tensor& y) { return any(abs(y * y - x) > 1e-6); },
//                            [&](const Tensor& y) { return 0.5 * (y + x / y); }, x);
//   auto [last, all] = scan([&](const Tensor& h, const Tensor& x) {
//       Tensor next = tanh(matmul(x, w) + matmul(h, u));
//       return std::pair(next, next);                     // what is carried, and what is stacked
//   }, h0, xs);
//
// Arguments and results are trees of tensors (see tree.h). The functions may use tensors and variables from outside and
// may not set variables; a value that they ask for (item(), printing) is not known yet and throws. Calls may be nested.
// cond and scan can be differentiated.
#pragma once

#include <functional>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "frontend/tensor/tree.h"

namespace lathe {

struct ScanOptions {
    std::optional<ir::Dim> length = {};  // where there are no xs to say it
    bool reverse = false;                // the last slice first
};

namespace detail {

std::vector<Tensor> record_cond(const Tensor& p, std::span<const Tensor> arguments, const TensorFunction& then,
                                const TensorFunction& otherwise, Where where);
std::vector<Tensor> record_while(std::span<const Tensor> init, const TensorFunction& condition,
                                 const TensorFunction& body, Where where);
std::vector<Tensor> record_scan(std::span<const Tensor> init, std::span<const Tensor> xs, const ScanOptions& options,
                                const TensorFunction& body, Where where);
std::vector<Tensor> record_checkpoint(std::span<const Tensor> arguments, const TensorFunction& body, Where where);
// `pull_back` takes arguments, results, and a cotangent for each of these.
std::vector<Tensor> record_custom(std::span<const Tensor> arguments, const TensorFunction& body,
                                  const TensorFunction& pull_back, Where where);
// Throws where trees that have to be alike are not.
void require_same_structure(bool same, std::string_view function, const char* what, Where where);

}  // namespace detail

// then(arguments...) where p, a bool of rank 0, is true, else otherwise(arguments...). Only that one runs.
template <class Then, class Else, Tree... A>
auto cond(const Tensor& p, const Then& then, const Else& otherwise, const std::tuple<A...>& arguments,
          Where where = Where::current()) {
    using Result = std::decay_t<std::invoke_result_t<const Then&, const A&...>>;
    static_assert(std::is_same_v<Result, std::decay_t<std::invoke_result_t<const Else&, const A&...>>>,
                  "both functions of a cond return the same type");
    std::optional<Result> tree;
    const auto body = [&](const auto& f) {
        return [&](std::span<const Tensor> inputs) {
            Result result = std::apply(f, with_tensors(arguments, inputs));
            if (tree) detail::require_same_structure(same_structure(*tree, result), "cond", "results", where);
            tree = result;
            return tensors_of(result);
        };
    };
    const std::vector<Tensor> results =
        detail::record_cond(p, tensors_of(arguments), body(then), body(otherwise), where);
    std::span<const Tensor> next = results;
    return with_tensors(*tree, next);
}
template <class Then, class Else>
auto cond(const Tensor& p, const Then& then, const Else& otherwise, Where where = Where::current()) {
    return cond(p, then, otherwise, std::tuple<>(), where);
}
template <class Then, class Else, Tree A>
auto cond(const Tensor& p, const Then& then, const Else& otherwise, const A& argument, Where where = Where::current()) {
    return cond(p, then, otherwise, std::tuple<A>(argument), where);
}

// state = body(state) for as long as condition(state), a bool of rank 0, is true.
template <class Condition, class Body, Tree State>
State while_loop(const Condition& condition, const Body& body, const State& init, Where where = Where::current()) {
    const auto goes_on = [&](std::span<const Tensor> inputs) {
        return std::vector<Tensor>{condition(with_tensors(init, inputs))};
    };
    const auto step = [&](std::span<const Tensor> inputs) {
        const State result = body(with_tensors(init, inputs));
        detail::require_same_structure(same_structure(init, result), "while_loop", "states", where);
        return tensors_of(result);
    };
    const std::vector<Tensor> results = detail::record_while(tensors_of(init), goes_on, step, where);
    std::span<const Tensor> next = results;
    return with_tensors(init, next);
}

// (state, y) = body(state, x) for each slice x of xs along axis 0; the last state, and all ys, stacked.
template <class Body, Tree State, Tree Xs>
auto scan(const Body& body, const State& init, const Xs& xs, ScanOptions options = {}, Where where = Where::current()) {
    using Result = std::decay_t<std::invoke_result_t<const Body&, const State&, const Xs&>>;
    static_assert(std::is_same_v<typename Result::first_type, State>,
                  "the function of a scan returns a pair of a state and a tree of results");
    std::optional<Result> tree;
    const auto step = [&](std::span<const Tensor> inputs) {
        const State state = with_tensors(init, inputs);
        const Xs x = with_tensors(xs, inputs);
        tree.emplace(body(state, x));
        detail::require_same_structure(same_structure(init, tree->first), "scan", "states", where);
        return tensors_of(*tree);
    };
    const std::vector<Tensor> results = detail::record_scan(tensors_of(init), tensors_of(xs), options, step, where);
    std::span<const Tensor> next = results;
    return with_tensors(*tree, next);
}

// f(argument), of which derivatives keep nothing but the argument: what they need is computed again. That takes longer,
// and less memory: of a chain of n blocks, the values between blocks are kept, and those within one at a time. The
// derivative by what f uses several times is added up for f first: the same sums, in another order.
template <class F, Tree A>
auto checkpoint(const F& f, const A& argument, Where where = Where::current()) {
    using Result = std::decay_t<std::invoke_result_t<const F&, const A&>>;
    std::optional<Result> tree;
    const auto body = [&](std::span<const Tensor> inputs) {
        tree.emplace(f(with_tensors(argument, inputs)));
        return tensors_of(*tree);
    };
    const std::vector<Tensor> results = detail::record_checkpoint(tensors_of(argument), body, where);
    std::span<const Tensor> next = results;
    return with_tensors(*tree, next);
}

// The function f with a rule of its own for derivatives in reverse: rule(x, y, c) gives, for the argument x, the result
// y = f(x) and its cotangent c, a tree like y, the cotangent of x, a tree like x. Both functions may use tensors from
// outside, which count as constants. Leaves that are no floats have no cotangents: what a rule gives there is ignored.
template <class F, class Rule>
auto custom_gradient(F f, Rule rule, Where where = Where::current()) {
    return [f = std::move(f), rule = std::move(rule), where]<Tree X>(const X& x) {
        using Y = std::decay_t<std::invoke_result_t<const F&, const X&>>;
        std::optional<Y> tree;
        const auto body = [&](std::span<const Tensor> inputs) {
            tree.emplace(f(with_tensors(x, inputs)));
            return tensors_of(*tree);
        };
        const auto pull_back = [&](std::span<const Tensor> inputs) {
            const X at = with_tensors(x, inputs);
            const Y y = with_tensors(*tree, inputs);
            const Y c = with_tensors(*tree, inputs);
            return tensors_of(rule(at, y, c));
        };
        const std::vector<Tensor> results = detail::record_custom(tensors_of(x), body, pull_back, where);
        std::span<const Tensor> next = results;
        return with_tensors(*tree, next);
    };
}

}  // namespace lathe
