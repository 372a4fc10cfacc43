// Compiled functions.
//
//   auto step = jit([&](const Tensor& x, const Tensor& y) {
//       Tensor loss = cross_entropy(model(x), y);
//       loss.backward();
//       optimizer.step();                      // sets variables: part of the compiled program
//       return loss;
//   });
//   Tensor loss = step(x, y);                  // traces and compiles at the first call, then only runs
//
// A compiled function is traced again for another dtype, rank, or place of an extent 1 among its arguments, not for
// other extents. Variables that it reads are inputs, and those that it sets are outputs, of every call; their old
// memory is reused. Other tensors that it captures keep the value that they had when it was traced. C++ numbers that
// vary must be arguments, as rank-0 tensors. Asking for a value inside (item(), printing) throws.
//
// Calls are thread-safe: calls that set the same variables run one after the other. A call for which there is a program
// waits for no other's tracing or compiling; of several that want the same new one, one makes it. The C++ function
// itself is run by one thread at a time.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "codegen/compile.h"
#include "frontend/trace.h"
#include "frontend/tree.h"

namespace lathe {

// What a compiled function has cost and holds.
struct JitStatistics {
    std::size_t traces = 0;                                 // how often the C++ function ran
    codegen::CompileStatistics last;                        // of the newest variant
    passes::Remarks remarks;                                // of the newest variant: what was not fused, and why
    std::shared_ptr<const codegen::Executable> executable;  // the newest variant itself, for inspection
};

struct JitOptions {
    codegen::CompileOptions compile;
};

class CompiledFunction {
public:
    using Body = std::function<std::vector<Tensor>(std::span<const Tensor>)>;
    CompiledFunction(Body body, JitOptions options);

    std::vector<Tensor> operator()(std::span<const Tensor> arguments, Where where) const;
    JitStatistics statistics() const;

private:
    struct State;
    std::shared_ptr<State> state_;  // copies share what was compiled
};

// Compiles f, a function of trees of tensors that returns one.
template <class F>
class Jit {
public:
    Jit(F f, JitOptions options, Where where) : f_(std::move(f)), options_(std::move(options)), where_(where) {}

    template <Tree... A>
    auto operator()(const A&... arguments) const {
        using Result = std::decay_t<std::invoke_result_t<const F&, const A&...>>;
        static_assert(Tree<Result>, "a jit function returns a tensor or a tree of tensors");
        if (Trace::current() != nullptr) return Result(f_(arguments...));  // part of what is being traced
        Entry& entry = *entry_;
        // The trees' structure is that of the first call.
        std::call_once(entry.once, [&] {
            auto result_tree = std::make_shared<ResultTree<Result>>();
            entry.result_tree = result_tree;
            auto example = std::make_tuple(arguments...);
            visit_tensors(example, [](Tensor& t) { t = Tensor(); });
            entry.function = std::make_unique<CompiledFunction>(
                [f = f_, example = std::move(example), result_tree](std::span<const Tensor> tensors) {
                    const auto rebuilt = std::apply(
                        [&](const auto&... a) { return std::tuple<A...>{with_tensors(a, tensors)...}; }, example);
                    if (!tensors.empty())
                        throw UserError("jit: the arguments have more tensors than at the first call");
                    Result result = std::apply(f, rebuilt);
                    std::vector<Tensor> flat = tensors_of(result);
                    visit_tensors(result, [](Tensor& t) { t = Tensor(); });
                    std::call_once(result_tree->once, [&] { result_tree->tree = std::move(result); });
                    return flat;
                },
                options_);
            entry.started.store(true, std::memory_order_release);
        });
        std::vector<Tensor> flat;
        flat.reserve(sizeof...(A));
        const auto add = [&](const Tensor& t) { flat.push_back(t); };
        (visit_tensors(arguments, add), ...);
        const std::vector<Tensor> results = (*entry.function)(flat, where_);
        std::span<const Tensor> next = results;
        return with_tensors(std::static_pointer_cast<ResultTree<Result>>(entry.result_tree)->tree, next);
    }

    JitStatistics statistics() const {
        return entry_->started.load(std::memory_order_acquire) ? entry_->function->statistics() : JitStatistics{};
    }

private:
    template <class Result>
    struct ResultTree {
        std::once_flag once;
        Result tree{};
    };
    struct Entry {
        std::once_flag once;
        std::atomic<bool> started{false};   // whether `function` is there
        std::shared_ptr<void> result_tree;  // the structure of what the function returns
        std::unique_ptr<CompiledFunction> function;
    };
    F f_;
    JitOptions options_;
    Where where_;
    std::shared_ptr<Entry> entry_ = std::make_shared<Entry>();
};

// `where` is blamed where a call goes wrong outside of f: C++ has no way for a call of any number of arguments to know
// its own line.
template <class F>
Jit<F> jit(F f, JitOptions options = {}, Where where = Where::current()) {
    return Jit<F>(std::move(f), std::move(options), where);
}

}  // namespace lathe
