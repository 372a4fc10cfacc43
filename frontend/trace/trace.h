// Traces: the recording of a function of Tensors as a graph.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "frontend/tensor/node.h"
#include "frontend/trace/traced_flag.h"
#include "ir/error.h"
#include "ir/graph/graph.h"
#include "ir/graph/unifier.h"

namespace lathe {

// While a Trace is on a thread's stack, variables read there are inputs of the trace and variables set there are
// outputs.
class Trace {
public:
    // `where` is blamed for what nobody else is: the arguments themselves.
    explicit Trace(std::string name, std::source_location where = {});
    ~Trace();
    Trace(const Trace&) = delete;
    Trace& operator=(const Trace&) = delete;

    static Trace* current();
    Trace* outer() const { return previous_; }
    detail::FlagReads& flags() { return flags_; }
    std::uint32_t serial() const { return serial_; }  // different from those of other traces, and not 0

    // A dimension of an input that is not known while tracing; `example` is its extent in this call, if there is one.
    ir::Dim add_symbol(std::string name, std::optional<std::int64_t> example = {});
    // The extent of a dimension in this call; the traced function then holds for this extent only.
    std::int64_t pin(ir::Dim dim, ir::Loc loc);
    void require_equal(ir::Dim a, ir::Dim b, ir::Loc loc, const std::string& what);
    // A new input of the function.
    detail::NodeRef add_input(std::string name, ir::Type type);

    // A variable that is made while tracing: it begins anew at every call.
    void declare(const detail::NodeRef& variable, detail::NodeRef value);
    // A variable that stands for one that is an argument of the function, with the value that this has.
    detail::NodeRef declare_argument(const detail::Node& variable, const detail::NodeRef& value);
    // What such a variable was set to, if it was.
    detail::NodeRef assigned(const detail::NodeRef& variable) const;
    detail::NodeRef read(const detail::NodeRef& variable);
    // The value has the variable's dtype and rank. Extents that may differ are demanded to be equal.
    void write(const detail::NodeRef& variable, detail::NodeRef value, ir::Loc loc);

    // What backward() left at a variable, within this trace.
    detail::NodeRef gradient(const std::shared_ptr<detail::VariableData>& variable) const;
    void set_gradient(const std::shared_ptr<detail::VariableData>& variable, detail::NodeRef gradient);

    std::vector<ir::Precondition>* preconditions() { return &scope_.preconditions; }
    std::span<const std::string> symbol_names() const { return scope_.symbols; }
    // What the demands so far say of the symbols.
    ir::Unifier unifier() const { return ir::Unifier(scope_.preconditions); }

    // The graph of what was recorded, with symbols that have to be equal made one: parameters are the inputs in order,
    // then what the function captured; outputs are the given ones, then the new values of variables that were set.
    struct Result {
        std::unique_ptr<ir::Graph> graph;
        std::vector<detail::NodeRef> captured;  // variables, and leaves that existed before
        std::vector<detail::NodeRef> updated;   // variables
        detail::FlagReads flags;
    };
    Result finish(std::span<const detail::NodeRef> outputs);

private:
    void check_examples() const;

    struct Input {
        detail::NodeRef placeholder;
        std::string name;
    };
    ir::Graph scope_;  // without nodes: name, symbols and what is demanded of them while recording
    std::vector<Input> inputs_;
    std::vector<std::optional<std::int64_t>> examples_;  // by symbol
    struct Cell {
        detail::NodeRef variable, placeholder, value;  // without a placeholder: made while tracing
        bool set = false;
        bool cut = true;  // whether the value is the variable's own, without the history of what was set
    };
    std::vector<Cell> cells_;
    std::unordered_map<detail::Node*, std::size_t> cell_of_;
    std::unordered_map<std::shared_ptr<detail::VariableData>, detail::NodeRef> gradients_;
    detail::FlagReads flags_;
    std::source_location where_;
    std::uint32_t serial_;
    Trace* previous_;
};

namespace detail {

// A tensor that is part of another trace or derivative was used in this one.
class ForeignTensor : public UserError {
    using UserError::UserError;
};

// Adds lazy nodes to a graph, iteratively.
class GraphBuilder {
public:
    explicit GraphBuilder(ir::Graph& graph) : graph_(graph) {}
    virtual ~GraphBuilder() = default;
    GraphBuilder(const GraphBuilder&) = delete;
    GraphBuilder& operator=(const GraphBuilder&) = delete;

    void bind(const Node* node, ir::Value value) { values_[node] = value; }
    bool bound(const Node* node) const { return values_.contains(node); }
    ir::Value build(Node* node);  // with everything that it needs

protected:
    // Whether a node enters the graph as an input rather than by its operands.
    virtual bool is_input(Node& node) = 0;
    virtual ir::Value input(Node& node) = 0;
    virtual std::span<Node* const> operands(Node& node) { return node.inputs(); }
    virtual ir::Attributes attributes(const Node& node);
    ir::Graph& graph_;

private:
    std::unordered_map<const Node*, ir::Value> values_;
};

// A number for a trace, or for what is recorded within one; they ascend.
std::uint32_t next_trace_serial();

// The data of a ready node as a literal; a number as a splat.
ir::Literal literal_of(const Node& node);

}  // namespace detail
}  // namespace lathe
