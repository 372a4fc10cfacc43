// The graph: immutable nodes in topological order. A pass builds a new graph; nothing is edited in place.
#pragma once

#include <concepts>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "ir/attribute.h"
#include "ir/loc.h"
#include "ir/type.h"

namespace lathe::ir {

struct OpDef;
struct Node;
class Graph;

// One result of a node. Empty (no node) stands for "none", as for a zero cotangent.
struct Value {
    const Node* node = nullptr;
    std::uint32_t index = 0;

    explicit operator bool() const { return node != nullptr; }
    friend bool operator==(const Value&, const Value&) = default;
    const Type& type() const;

    // Appends a node to the graph of the operands; the first result.
    static Value record(const OpDef& op, std::span<const Value> operands, Attributes attributes, Loc loc);
    // A constant, or another op without operands, in the graph of `like`.
    static Value constant_like(const Value& like, Literal literal, Loc loc);
    static Value source_like(const Value& like, const OpDef& op, Attributes attributes, Loc loc);
};

struct Node {
    const OpDef* op = nullptr;
    std::vector<Value> operands;
    Attributes attributes;
    std::vector<Type> results;
    Loc loc;
    std::uint32_t id = 0;  // position in the graph
    Graph* graph = nullptr;
};

inline const Type& Value::type() const { return node->results[index]; }

std::vector<Type> operand_types(const Node& node);

// An equality of dimensions that had to be assumed; checked when a plan is bound to concrete extents.
struct Precondition {
    Dim a, b;
    Loc loc;
    std::string what;
};

// How calls are recorded on a T: by static functions of its own, or of what a specialisation names.
template <class T>
struct RecorderOf {
    using type = T;
};
template <class T>
using Recorder = typename RecorderOf<T>::type;

// Something that stands for a value and can record ops: Value inside rules and passes, Tensor in user code.
template <class T>
concept Recordable = requires(const OpDef& op, std::span<const T> operands, Attributes attributes, Loc loc) {
    { Recorder<T>::record(op, operands, std::move(attributes), loc) } -> std::same_as<T>;
};

// What functions over ops need beyond that: the type of an operand, and constants that belong with it. Where `record`
// cannot do without operands, `source_like` records an op that has none; see `source` in functions/basic.h.
template <class T>
concept Operand = Recordable<T> && requires(const T& x, Literal literal, Loc loc) {
    { x.type() } -> std::convertible_to<const Type&>;
    { Recorder<T>::constant_like(x, std::move(literal), loc) } -> std::same_as<T>;
};

class Graph {
public:
    Graph() = default;
    Graph(const Graph&) = delete;
    Graph& operator=(const Graph&) = delete;
    Graph(Graph&&) = delete;  // nodes point to their graph: own graphs by unique_ptr
    Graph& operator=(Graph&&) = delete;

    std::string name = "main";
    std::vector<std::string> symbols;  // names of the dimension symbols, by id
    std::vector<Precondition> preconditions;
    bool is_region = false;  // while a pass rewrites it: the body of a node of another graph
    Loc default_loc;         // of nodes that are recorded without one, as gradient rules do

    // The name is made an identifier that no other symbol has.
    Symbol add_symbol(std::string name);

    // A steady one is the same in most runs; see ops::parameter.
    Value add_parameter(std::string name, Type type, Loc loc = {}, bool steady = false);
    // Checks the op's type rule (recording preconditions) and appends. Throws TypeError.
    const Node& add(const OpDef& op, std::span<const Value> operands, Attributes attributes = {}, Loc loc = {});
    Value constant(Literal literal, Loc loc = {});
    void add_output(std::string name, Value value);

    const std::deque<Node>& nodes() const { return nodes_; }
    std::span<const Value> parameters() const { return parameters_; }
    const std::string& parameter_name(std::size_t i) const { return parameter_names_[i]; }
    bool is_steady(std::size_t parameter) const;
    void make_steady(std::size_t parameter);
    std::span<const Value> outputs() const { return outputs_; }
    const std::string& output_name(std::size_t i) const { return output_names_[i]; }

    // Whether `precondition` or an equivalent is already there is checked; constants that differ throw.
    void require_equal(Dim a, Dim b, Loc loc, std::string_view what);

private:
    std::deque<Node> nodes_;
    std::vector<Value> parameters_, outputs_;
    std::vector<std::string> parameter_names_, output_names_;
};

}  // namespace lathe::ir
