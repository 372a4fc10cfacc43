// Walks an ONNX graph node by node, and records what each computes.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "frontend/onnx/node_call.h"
#include "frontend/onnx/operators.h"
#include "frontend/onnx/proto.h"
#include "frontend/onnx/source.h"

namespace lathe::onnx {

class GraphRunner : public Surroundings {
public:
    explicit GraphRunner(const Source& source) : source_(source) {}

    // The main graph's results. `inputs` are values by name; initializers are read when something wants them.
    std::vector<Value> run(const Graph& graph, std::unordered_map<std::string_view, Value> inputs);
    // The initializers that were read, for names of weights.
    const std::vector<std::pair<std::string, Tensor>>& weights() const { return weights_; }
    // Gives away the elements of one, which its tensor borrows.
    std::optional<Array> take_weight(const Tensor& weight);

    Array read(Bytes tensor) override { return source_.read(tensor); }
    std::vector<Value> run_body(Bytes graph, std::span<const Value> arguments) override;

private:
    // What a function's nodes see of its call.
    struct FunctionCall {
        std::span<const OpsetImport> opsets;
        std::vector<Attribute> attributes;
    };
    // The names of a graph; those of the graphs around it are seen through it.
    struct Scope {
        Scope* outer = nullptr;
        const FunctionCall* function = nullptr;
        std::unordered_map<std::string_view, Value> values;
        std::unordered_map<std::string_view, Bytes> initializers;
        Origins captured;  // of what it takes from the graphs around it
    };

    class Nesting;

    void run_nodes(std::span<const Bytes> nodes, Scope& scope);
    void run_node(const Node& node, Scope& scope, ir::Loc loc);
    Results call(const Operator& row, const Node& node, std::span<const Value> operands, Scope& scope, ir::Loc loc);
    Results call_function(const Function& function, const Node& node, std::span<const Value> operands);
    const Value& look_up(std::string_view name, Scope& scope, ir::Loc loc);
    void add_initializers(const Graph& graph, Scope& scope);
    std::span<const OpsetImport> opsets(const Scope& scope) const {
        return scope.function != nullptr ? scope.function->opsets : std::span<const OpsetImport>(source_.file().opsets);
    }
    void resolve_references(Node& node, const Scope& scope) const;

    const Source& source_;
    std::vector<std::pair<std::string, Tensor>> weights_;
    std::unordered_map<const void*, std::shared_ptr<Array>> elements_;  // of them, by node
    std::unordered_map<const char*, Tensor> tensors_;  // initializers by their place in the file: bodies run repeatedly
    Scope* current_ = nullptr;
    Origins captured_;
    std::size_t depth_ = 0, nodes_run_ = 0;
};

}  // namespace lathe::onnx
