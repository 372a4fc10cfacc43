#include <cstring>
#include <thread>

#include "frontend/tensor/node.h"
#include "frontend/tensor/record.h"
#include "frontend/tensor/run_plan.h"
#include "frontend/trace/trace.h"
#include "ir/ops/ops.h"

namespace lathe::detail {
namespace {

class Locked {
public:
    explicit Locked(VariableData& v) : v_(v) {
        while (v.lock.test_and_set(std::memory_order_acquire)) std::this_thread::yield();
    }
    ~Locked() { v_.lock.clear(std::memory_order_release); }
    Locked(const Locked&) = delete;
    Locked& operator=(const Locked&) = delete;

private:
    VariableData& v_;
};

void close(VariableData& variable) noexcept {
    NodeRef value, gradient;
    const Locked locked(variable);
    std::swap(value, variable.value);
    std::swap(gradient, variable.gradient);
    variable.closed = true;
}

}  // namespace

NodeRef make_variable(ir::Type type, std::string name, bool trainable) {
    NodeRef node = make_node(NodeKind::variable);
    node->type = type;
    const auto data = std::make_shared<VariableData>();
    data->name = std::move(name);
    data->trainable.set(trainable);
    node->variable = std::shared_ptr<VariableData>(data.get(), [data](VariableData*) { close(*data); });
    return node;
}

void make_value_of(Node& node, const Node& variable) {
    node.keeps_history = is_float(variable.type.dtype) && variable.variable->trainable.value();
    node.variable = variable.variable->shared_from_this();
}

void store_variable(const NodeRef& variable, const NodeRef& value) {
    if (!value->is_ready()) {
        Node* target = value.get();
        evaluate(std::span(&target, 1));
    }
    runtime::Buffer data = value->data;
    if (value->kind == NodeKind::number) {
        data = allocate_tensor(sizeof value->bits);
        std::memcpy(data.data(), &value->bits, sizeof value->bits);
    }
    NodeRef fresh = leaf(variable->type, std::move(data));
    make_value_of(*fresh, *variable);
    check_in(*variable->variable, std::move(fresh));
}

// The value goes on as another leaf with the same data: what was computed from it before keeps its history.
void set_trainable(const NodeRef& variable, bool trainable) {
    VariableData& data = *variable->variable;
    if (data.trainable.value() == trainable) return;
    NodeRef value = check_out(data);
    struct PutBack {
        VariableData& data;
        NodeRef& value;
        ~PutBack() { check_in(data, std::move(value)); }
    } const put_back{data, value};
    NodeRef fresh = leaf(variable->type, value->data);
    data.trainable.set(trainable);
    make_value_of(*fresh, *variable);
    value = std::move(fresh);
}

NodeRef variable_gradient(const std::shared_ptr<VariableData>& variable) {
    if (const Trace* trace = Trace::current()) return trace->gradient(variable);
    const Locked locked(*variable);
    return variable->gradient;
}

void set_variable_gradient(const std::shared_ptr<VariableData>& variable, NodeRef gradient) {
    if (Trace* trace = Trace::current()) {
        trace->set_gradient(variable, std::move(gradient));
        return;
    }
    const Locked locked(*variable);
    std::swap(variable->gradient, gradient);
}

// Recording may evaluate, so that it is done without the lock: the sum goes in by compare and swap, and is made anew
// where somebody else was faster. What it was made from is held meanwhile, so that no other node can have its address.
void add_to_gradient(const std::shared_ptr<VariableData>& variable, const NodeRef& gradient,
                     std::source_location where) {
    while (true) {
        const NodeRef before = variable_gradient(variable);
        NodeRef sum = gradient;
        if (before) {
            const NodeRef operands[] = {before, gradient};
            sum = record(ir::ops::add, operands, {}, where);
        }
        if (Trace* trace = Trace::current()) {
            trace->set_gradient(variable, std::move(sum));
            return;
        }
        const Locked locked(*variable);
        if (variable->closed) return;
        if (variable->gradient == before) {
            std::swap(variable->gradient, sum);
            return;
        }
    }
}

NodeRef check_out(VariableData& variable) {
    while (true) {
        const std::uint32_t returns = variable.returns.load(std::memory_order_acquire);
        NodeRef value;
        {
            const Locked locked(variable);
            std::swap(value, variable.value);
        }
        if (value) return value;
        variable.returns.wait(returns, std::memory_order_acquire);
    }
}

void check_in(VariableData& variable, NodeRef value) noexcept {
    {
        const Locked locked(variable);
        std::swap(variable.value, value);
    }
    variable.returns.fetch_add(1, std::memory_order_release);
    variable.returns.notify_all();
}

NodeRef resolve(const NodeRef& node) {
    if (!node || node->kind != NodeKind::variable) return node;
    if (Trace* trace = Trace::current()) return trace->read(node);
    VariableData& variable = *node->variable;
    if (variable.in_trace)
        throw UserError("a variable was used outside of the traced function that made it", blame({}));
    while (true) {
        const std::uint32_t returns = variable.returns.load(std::memory_order_acquire);
        {
            const Locked locked(variable);
            if (variable.value) return variable.value;
        }
        variable.returns.wait(returns, std::memory_order_acquire);  // a program is giving it another value
    }
}

}  // namespace lathe::detail
