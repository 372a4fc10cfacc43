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
// A compiled function is traced again for another dtype, rank, or place of an extent 1 among its arguments, and for
// another structure of the trees that they are (see tree.h), not for other extents. Variables that it reads are inputs,
// and those that it sets are outputs, of every call; their old memory is reused. Other tensors that it captures keep
// the value that they had when it was traced. C++ numbers that vary must be arguments, as rank-0 tensors. Asking for a
// value inside (item(), printing) throws.
//
// A call within another function that is compiled, traced or differentiated becomes part of that. What a call returns
// may be differentiated by the trainable variables that it was computed from, as if it had not been compiled, unless
// the call set variables: their old values are gone.
//
// Calls are thread-safe: calls that set the same variables run one after the other. A call for which there is a program
// waits for no other's tracing or compiling; of several that want the same new one, one makes it. The C++ function
// itself is run by one thread at a time.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <memory_resource>
#include <mutex>
#include <optional>
#include <tuple>
#include <typeinfo>
#include <utility>
#include <vector>

#include "frontend/tensor/call_memory.h"
#include "frontend/tensor/tree.h"
#include "frontend/trace/compile_options.h"

namespace lathe {

struct JitOptions {
    CompileOptions compile;
};

namespace codegen {
struct Executable;
}
namespace ir {
class Graph;
}

// What a compiled function has cost and holds; inspect() tells more.
struct JitStatistics {
    std::size_t traces = 0;  // how often the C++ function ran
    // The newest program: itself, what was traced, and how that was compiled.
    std::shared_ptr<const codegen::Executable> executable;
    std::shared_ptr<const ir::Graph> graph;
    std::shared_ptr<const codegen::CompileOptions> options;
};

// What the forms of one compiled function share.
struct JitState;

// A function of a list of tensors, compiled for each kind of list that it is called with.
class CompiledFunction {
public:
    // Tensors in a row, and what else belongs to the result of a trace: whatever its owner needs to make a tree of
    // them.
    template <class List>
    struct ResultsIn {
        List tensors;
        std::shared_ptr<const void> tree;
    };
    using Results = ResultsIn<std::vector<Tensor>>;
    using Body = std::function<Results(std::span<const Tensor>)>;
    CompiledFunction(Body body, JitOptions options, std::shared_ptr<JitState> shared);

    // The results lie in the call's memory. None where the function captures what is being differentiated: then the
    // call is a part of that, and has to be recorded.
    std::optional<ResultsIn<std::pmr::vector<Tensor>>> operator()(std::span<const Tensor> arguments, Where where,
                                                                  detail::CallMemory& memory) const;

    // Whether a call is part of something that is being traced, or, by this argument, differentiated.
    static bool is_traced();
    static bool is_recorded(const Tensor& argument);

    static std::shared_ptr<JitState> make_shared_state();
    static JitStatistics statistics(JitState& state);

private:
    struct State;
    std::shared_ptr<State> state_;  // copies share what was compiled
};

// Compiles f, a function of trees of tensors that returns one.
template <class F>
class Jit {
public:
    Jit(F f, JitOptions options, Where where)
        : forms_(std::make_shared<Forms>(std::move(f), std::move(options))), where_(where) {}

    template <Tree... A>
    auto operator()(const A&... arguments) const {
        using Result = std::decay_t<std::invoke_result_t<const F&, const A&...>>;
        static_assert(Tree<Result>, "a jit function returns a tensor or a tree of tensors");
        bool recorded = CompiledFunction::is_traced();
        [[maybe_unused]] const auto look = [&](const Tensor& t) {
            recorded = recorded || CompiledFunction::is_recorded(t);
        };
        (visit_tensors(arguments, look), ...);
        if (!recorded) {
            detail::CallMemory memory;
            std::pmr::vector<Tensor> flat(&memory);
            append_tensors(flat, arguments...);
            if (auto results = forms_->template form<Result>(arguments...).function(flat, where_, memory)) {
                if constexpr (std::is_same_v<Result, Tensor>)
                    return results->tensors.empty() ? Tensor() : std::move(results->tensors[0]);
                std::span<const Tensor> next = results->tensors;
                return with_tensors(*static_cast<const Result*>(results->tree.get()), next);
            }
        }
        return record<Result>(arguments...);
    }

    JitStatistics statistics() const { return CompiledFunction::statistics(*forms_->shared); }

private:
    template <class Result, class... A>
    Result record(const A&... arguments) const {
        Result result = std::as_const(forms_->f)(arguments...);
        visit_tensors(result, [](Tensor& t) { t = detail::value_of(t); });
        return result;
    }

    // What is compiled for arguments of certain types and structure.
    struct Form {
        Form(const std::type_info& of, CompiledFunction compiled) : type(of), function(std::move(compiled)) {}
        virtual ~Form() = default;
        Form(const Form&) = delete;
        Form& operator=(const Form&) = delete;
        const std::type_info& type;  // of the tuple of arguments
        CompiledFunction function;
        Form* next = nullptr;
    };
    template <class... A>
    struct FormOf final : Form {
        FormOf(const std::tuple<A...>& like, CompiledFunction compiled)
            : Form(typeid(std::tuple<A...>), std::move(compiled)), structure(like) {}
        std::tuple<A...> structure;  // its tensors are stand-ins
    };
    struct Forms {
        Forms(F function, JitOptions of_jit) : f(std::move(function)), options(std::move(of_jit)) {}
        ~Forms() {
            for (Form* form = first_.load(std::memory_order_acquire); form != nullptr;)
                delete std::exchange(form, form->next);
        }
        Forms(const Forms&) = delete;
        Forms& operator=(const Forms&) = delete;

        template <class Result, class... A>
        Form& form(const A&... arguments) {
            Form* newest = first_.load(std::memory_order_acquire);
            if (Form* known = find(newest, arguments...)) return *known;
            const std::lock_guard lock(adding_);
            if (Form* known = find(first_.load(std::memory_order_acquire), arguments...)) return *known;
            // Copies of the arguments in which something stands for each tensor.
            std::tuple<A...> structure(arguments...);
            visit_tensors(structure, [stand_in = Tensor::scalar(false)](Tensor& t) {
                if (!t.is_empty()) t = stand_in;
            });
            auto body = [this, structure](std::span<const Tensor> tensors) {
                const std::tuple<A...> rebuilt = with_tensors(structure, tensors);
                auto result = std::make_shared<Result>(std::apply(std::as_const(f), rebuilt));
                CompiledFunction::Results results{tensors_of(*result), result};
                visit_tensors(*result, [stand_in = Tensor::scalar(false)](Tensor& t) {
                    if (!t.is_empty()) t = stand_in;
                });
                return results;
            };
            auto* const made = new FormOf<A...>(structure, CompiledFunction(std::move(body), options, shared));
            made->next = first_.load(std::memory_order_relaxed);
            first_.store(made, std::memory_order_release);
            return *made;
        }

        F f;
        JitOptions options;
        std::shared_ptr<JitState> shared = CompiledFunction::make_shared_state();

    private:
        template <class... A>
        static Form* find(Form* newest, const A&... arguments) {
            for (Form* form = newest; form != nullptr; form = form->next) {
                if (form->type != typeid(std::tuple<A...>)) continue;
                const auto& structure = static_cast<const FormOf<A...>*>(form)->structure;
                const bool same = [&]<std::size_t... I>(std::index_sequence<I...>) {
                    return (same_structure(std::get<I>(structure), arguments) && ...);
                }(std::index_sequence_for<A...>{});
                if (same) return form;
            }
            return nullptr;
        }

        std::mutex adding_;                   // held by whoever adds a form
        std::atomic<Form*> first_ = nullptr;  // a list that only grows: read without a lock
    };
    std::shared_ptr<Forms> forms_;
    Where where_;
};

// `where` is blamed where a call goes wrong outside of f: C++ has no way for a call of any number of arguments to know
// its own line.
template <class F>
Jit<F> jit(F f, JitOptions options = {}, Where where = Where::current()) {
    return Jit<F>(std::move(f), std::move(options), where);
}

}  // namespace lathe
