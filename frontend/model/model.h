// Models: traced functions with their weights, saved, loaded, run and compiled.
//
//   Model model = trace([&](const Tensor& x) { return net(x); }, {{"x", Dtype::f32, {"batch", 64}}},
//                       {.name = "digits", .weights = net.named_parameters()});
//   model.save("digits.lathe");
//   Tensor logits = Model::load("digits.lathe")(x);       // any batch; its kernels are compiled once
#pragma once

#include <map>
#include <memory>
#include <memory_resource>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "frontend/tensor/call_memory.h"
#include "frontend/tensor/tree.h"
#include "frontend/trace/compile_options.h"

namespace lathe {

// An input of a traced function. A dimension is a number or a name; equal names are equal extents.
struct TensorSpec {
    std::string name;
    Dtype dtype = Dtype::f32;
    std::vector<std::variant<std::int64_t, std::string>> dims;
};

// An output of which values decide how much there is along an axis: so much as another output says, an i64 of rank 0.
struct CountedOutput {
    std::size_t output = 0, axis = 0, count = 0;  // the numbers of the outputs

    friend bool operator==(const CountedOutput&, const CountedOutput&) = default;
};

// An input of integers that are extents, one or a vector of them. Parameters of the graph stand for its elements,
// called as it is with .0, .1 and so on behind: each has the extents [element, 0], and so tells the sizes of a run.
struct SizedInput {
    std::size_t first = 0, count = 1;  // of the parameters
    Dtype dtype = Dtype::i64;          // i64 or i32
    std::size_t rank = 1;              // 0: a number

    friend bool operator==(const SizedInput&, const SizedInput&) = default;
};

struct TraceOptions {
    std::string name = "model";
    std::vector<std::pair<std::string, Tensor>> weights = {};  // names for variables that the function reads
    std::vector<std::string> outputs = {};                     // names of the results; "result", "result1", ... without
    // Results that functions named `bounded` make longer than what they found. The model cuts them when it has run; the
    // counts, which come last, are none of its results.
    std::vector<CountedOutput> counted = {};
    std::vector<SizedInput> sized = {};  // in ascending order
};

namespace codegen {
struct Executable;
}
namespace ir {
class Graph;
}

struct ModelWeights;

// A compiled model for inputs of fixed extents: runs on raw memory, without allocation. One thread at a time.
class BoundModel {
public:
    // Dense row-major arrays of the input's and output's types; outputs may not overlap inputs. Throws IndexError.
    void operator()(const void* const* inputs, void* const* outputs, Where where = Where::current()) const;
    std::size_t output_bytes(std::size_t i) const;

private:
    friend class CompiledModel;
    struct State;
    std::shared_ptr<const State> state_;
};

// A compiled form of a model, for one target and set of options. Copies share it; safe to call from many threads. A
// call within a function that is compiled, traced or differentiated becomes part of that.
class CompiledModel {
public:
    std::vector<Tensor> operator()(std::span<const Tensor> inputs, Where where = Where::current()) const;
    const codegen::Executable& executable() const { return *executable_; }
    // For inputs of these shapes. On raw memory nothing is cut: the counts are outputs, too; and the parameters that
    // stand for the elements of a SizedInput are inputs.
    BoundModel bind(std::span<const std::vector<std::int64_t>> shapes, Where where = Where::current()) const;

private:
    friend class Model;
    // With the results in the call's memory: nothing is allocated but their elements.
    std::pmr::vector<Tensor> run(std::span<const Tensor> inputs, Where where, detail::CallMemory& memory) const;
    // `inputs` are values for the graph's parameters.
    std::pmr::vector<Tensor> run_expanded(std::span<const Tensor> inputs, Where where,
                                          detail::CallMemory& memory) const;
    std::shared_ptr<const codegen::Executable> executable_;
    std::shared_ptr<const ir::Graph> graph_;
    std::size_t input_count_ = 0;
    std::shared_ptr<ModelWeights> weights_;
    std::vector<CountedOutput> counted_;
    std::vector<SizedInput> sized_;
};

class Model {
public:
    // A .lathe file, or an ONNX model: see onnx.h. Throws FormatError naming the file and the byte, or the node.
    static Model load(const std::string& path, Where where = Where::current());
    // What such a file holds.
    static Model parse(std::string_view bytes, const std::string& name, Where where = Where::current());
    // Complete or not at all; throws ResourceError.
    void save(const std::string& path, Where where = Where::current()) const;

    const std::string& name() const;
    // Parameters of the graph: the inputs, then the weights.
    const ir::Graph& graph() const { return *graph_; }
    const std::shared_ptr<const ir::Graph>& shared_graph() const { return graph_; }
    // Parameters that are no weights. Where there are inputs that are sized, calls take one tensor for several of them.
    std::size_t input_count() const { return input_count_; }
    const std::vector<SizedInput>& sized() const { return sized_; }
    std::vector<std::string> input_names() const;  // of what calls take
    // The first outputs of the graph; behind them there are counts alone.
    std::size_t result_count() const;
    const std::vector<CountedOutput>& counted() const { return counted_; }
    const std::vector<Array>& weights() const;
    // The same function with its weights as constants: what is compiled.
    std::unique_ptr<ir::Graph> closed_graph() const;

    // Runs the model. Throws TypeError where an input does not fit.
    Tensor operator()(const Tensor& x, Where where = Where::current()) const;  // one input, one output
    std::vector<Tensor> operator()(std::span<const Tensor> inputs, Where where = Where::current()) const;
    // By name.
    std::map<std::string, Array> run(const std::map<std::string, Array>& inputs, Where where = Where::current()) const;
    CompiledModel compile(const CompileOptions& options = {}, Where where = Where::current()) const;
    // The program that runs the model, for inspect(): none before the first run; and how often it ran.
    std::shared_ptr<const codegen::Executable> executable() const;
    std::uint64_t runs() const;

    // For trace() and tools. Throws UserError where what is counted or sized does not fit the graph.
    Model(std::unique_ptr<ir::Graph> graph, std::size_t input_count, std::vector<Array> weights,
          std::vector<CountedOutput> counted = {}, std::vector<SizedInput> sized = {});
    // Values for the first parameters of the graph, of what calls take. Throws TypeError where a size is negative.
    std::vector<Tensor> expand(std::span<const Tensor> inputs, Where where = Where::current()) const;
    // The results, of all outputs of the graph.
    std::vector<Tensor> cut(std::vector<Tensor> outputs) const;

private:
    std::string printable_name() const;
    std::pmr::vector<Tensor> run(std::span<const Tensor> inputs, Where where, detail::CallMemory& memory) const;
    struct Lazy;  // the program of the first run
    std::shared_ptr<const ir::Graph> graph_;
    std::size_t input_count_ = 0;
    std::shared_ptr<ModelWeights> weights_;
    std::vector<CountedOutput> counted_;
    std::vector<SizedInput> sized_;
    std::shared_ptr<Lazy> lazy_;
};

namespace detail {

// `body` takes so many tensors.
Model trace_model(const TensorFunction& body, std::size_t arity, const std::vector<TensorSpec>& specs,
                  const TraceOptions& options, Where where);

template <class F, std::size_t... I>
auto call_with(const F& f, std::span<const Tensor> t, std::index_sequence<I...>) {
    return f(t[I]...);
}

// How many tensors a function takes: up to eight.
template <class F, std::size_t N = 1>
constexpr std::size_t tensor_arity() {
    static_assert(N <= 8, "a traced function takes one to eight tensors");
    if constexpr (N > 8)
        return 1;  // it has been said
    else if constexpr ([]<std::size_t... I>(std::index_sequence<I...>) {
                           return std::is_invocable_v<F, decltype((void)I, std::declval<const Tensor&>())...>;
                       }(std::make_index_sequence<N>{}))
        return N;
    else
        return tensor_arity<F, N + 1>();
}

}  // namespace detail

// Records f(inputs...), a function of tensors that returns one or a tree of them. Variables and other tensors that it
// reads become the model's weights, with the values that they have now.
template <class F>
Model trace(const F& f, const std::vector<TensorSpec>& specs, const TraceOptions& options = {},
            Where where = Where::current()) {
    constexpr std::size_t arity = detail::tensor_arity<F>();
    return detail::trace_model(
        [&](std::span<const Tensor> inputs) {
            std::vector<Tensor> results;
            visit_tensors(detail::call_with(f, inputs, std::make_index_sequence<arity>{}),
                          [&](const Tensor& t) { results.push_back(t); });
            return results;
        },
        arity, specs, options, where);
}

}  // namespace lathe
