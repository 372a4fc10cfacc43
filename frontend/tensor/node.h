// Lazy nodes: what a Tensor points to. Recording a call makes a node (record.h); evaluation gives it data.
//
// Threads: a node is immutable but for its state. `state` goes from pending to the evaluation that claims it by
// compare-and-swap; only that evaluation may read the node's operands or write its data, until it publishes `ready` by
// a release store (or goes back to pending after an error). Ready nodes that keep their operands (for gradients) never
// change again. Reference counts are atomic. Variables guard the node that they stand for with a lock of their own.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <source_location>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "frontend/tensor/blame.h"
#include "frontend/tensor/node_ref.h"
#include "frontend/trace/traced_flag.h"
#include "ir/ops/op.h"
#include "runtime/buffer.h"

namespace lathe {

class Tensor;
class Trace;

namespace detail {

enum class NodeKind : std::uint8_t {
    op,           // a recorded call
    projection,   // result `index` of a call with several results
    leaf,         // data
    number,       // a rank-0 value of the user's, kept in the node
    placeholder,  // an input of the trace that is being recorded
    variable,     // a cell: stands for the node that it was last set to
};

// pending, ready, or the address of the evaluation that works on the node; that may be marked as awaited by others.
using NodeState = std::uintptr_t;
inline constexpr NodeState pending = 0, ready = 1, awaited = 2;

// References to operands of recorded calls: those that a thread takes and drops often come from a stock of its own.
NodeRef share_operand(Node* node);
void release_operand(Node* node) noexcept;

struct VariableData;
struct CompiledCall;

struct Node {
    static constexpr std::size_t inline_operands = 3;

    std::atomic<std::uint32_t> references{1};
    std::uint32_t made_in = 0;  // the serial number of the trace that it was made in, or 0
    std::atomic<NodeState> state{pending};
    NodeKind kind = NodeKind::op;
    bool symbolic = false;       // depends on a placeholder: belongs to a trace and is never evaluated itself
    bool keeps_history = false;  // depends on a variable: keeps its operands for gradients
    bool on_stand_in = false;    // depends on what stands for an argument of a function that is being differentiated
    std::uint32_t operand_count = 0;
    std::uint32_t index = 0;         // projection, or leaf of a compiled call: which result
    std::uint32_t number = 0;        // while claimed: position in the evaluation
    std::uint32_t uses = 0;          // while claimed: references from claimed nodes
    std::uint32_t pending_size = 1;  // pending nodes below, counting shared ones repeatedly; saturates
    const ir::OpDef* op = nullptr;
    std::array<Node*, inline_operands> operands{};
    std::unique_ptr<Node*[]> more_operands;  // all of them, where there are more
    ir::Type type;
    std::shared_ptr<const ir::Attributes> attributes;  // none where null
    std::shared_ptr<VariableData> variable;  // of variables, and of the leaves and placeholders that are their values
    std::shared_ptr<CompiledCall> call;      // leaf: what computed it, where it may be differentiated
    runtime::Buffer data;
    std::uint64_t bits = 0;        // number: the element; placeholder: its number in the trace
    std::source_location where;    // of the user's call
    ir::Loc::Context context;      // what called the code of that line
    ir::Loc loc;                   // instead of both, if known
    const Trace* trace = nullptr;  // placeholder: whose

    std::span<Node* const> inputs() const {
        return {more_operands ? more_operands.get() : operands.data(), operand_count};
    }
    std::span<Node*> inputs() { return {more_operands ? more_operands.get() : operands.data(), operand_count}; }
    ir::Loc location() const { return loc.known() ? loc : ir::Loc::of(where, context); }
    bool is_ready() const { return state.load(std::memory_order_acquire) == ready; }
    // The elements of a ready node.
    const void* elements() const { return kind == NodeKind::number ? static_cast<const void*>(&bits) : data.data(); }
};

// The state of a variable. Its values point to it and it points to its value, so that the variable's node empties it
// when that goes: what was computed from it may still be there, but nobody can read or set it any more.
struct VariableData : std::enable_shared_from_this<VariableData> {
    std::atomic_flag lock = ATOMIC_FLAG_INIT;  // protects `value` and `gradient`; held for a few instructions, never
                                               // while anything is recorded or evaluated
    std::atomic<std::uint32_t> returns{0};     // counts the values that were put back: readers sleep on it
    NodeRef value;
    NodeRef gradient;
    bool closed = false;    // emptied for good; protected by the lock
    bool in_trace = false;  // made while a function was traced: lives there alone
    std::string name;
    TracedFlag trainable{true};
};

// Of the trace that is recorded on this thread; 0 outside of all.
extern constinit thread_local std::uint32_t trace_serial;

NodeRef make_node(NodeKind kind);  // one reference, pending

// Waits until nobody works on the node; it may be claimed again by then.
void await(Node& node);
// Lets go of a claimed node.
inline void settle(Node& node, NodeState state) noexcept {
    if ((node.state.exchange(state, std::memory_order_acq_rel) & awaited) != 0) node.state.notify_all();
}

NodeRef make_variable(ir::Type type, std::string name, bool trainable);
// Makes a node one of the variable's values; for gradients it is the variable.
void make_value_of(Node& node, const Node& variable);
// Gives the variable a value: a leaf of its own with the node's data, computed if need be, without history.
void store_variable(const NodeRef& variable, const NodeRef& value);
// Takes the value out of a variable while a program overwrites its memory; readers sleep until it is put back. Whoever
// takes out several does so in the order of their addresses, and waits for nothing else in between.
NodeRef check_out(VariableData& variable);
void check_in(VariableData& variable, NodeRef value) noexcept;
// Whether derivatives flow to what is computed from the variable from now on.
void set_trainable(const NodeRef& variable, bool trainable);
// What backward() has left at a variable. A trace has derivatives of its own, empty at first, which end with it: it
// neither sees nor changes those outside, nor those of other traces.
NodeRef variable_gradient(const std::shared_ptr<VariableData>& variable);
void set_variable_gradient(const std::shared_ptr<VariableData>& variable, NodeRef gradient);
// Adds to it; additions by several threads all count.
void add_to_gradient(const std::shared_ptr<VariableData>& variable, const NodeRef& gradient,
                     std::source_location where);

inline NodeRef NodeRef::share(Node* node) {
    node->references.fetch_add(1, std::memory_order_relaxed);
    return adopt(node);
}

// What a variable stands for now, as the operand of a call.
inline NodeRef operand(const NodeRef& node) {
    return !node || node->kind == NodeKind::variable ? resolve(node) : share_operand(node.get());
}

// The type of memory that a user describes to the function.
ir::Type type_in_memory(ir::Dtype dtype, const std::vector<std::int64_t>& shape, const std::string& function,
                        std::source_location where);
NodeRef leaf(ir::Type type, runtime::Buffer data);
NodeRef number(ir::Dtype dtype, std::uint64_t bits);

// Computes the nodes, in one program; those of their ancestors that somebody holds get their data too.
void evaluate(std::span<Node* const> targets);

}  // namespace detail
}  // namespace lathe
