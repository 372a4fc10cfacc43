#include "frontend/tensor/record.h"

#include <algorithm>

#include "frontend/tensor/limits.h"
#include "frontend/tensor/mixed_precision.h"
#include "frontend/trace/trace.h"
#include "ir/functions/basic.h"
#include "ir/ops/ops.h"
#include "runtime/per_thread.h"

namespace lathe {
namespace {

std::atomic<std::uint32_t> pending_nodes_limit{4096};

}  // namespace

void limit_pending(std::uint32_t nodes) {
    pending_nodes_limit.store(nodes == 0 ? 1 : nodes, std::memory_order_relaxed);
}
void limit_memory(std::uint64_t bytes) { runtime::limit_memory(bytes); }
std::uint64_t memory_limit() { return runtime::memory_limit(); }
std::uint32_t pending_limit() { return pending_nodes_limit.load(std::memory_order_relaxed); }

namespace detail {

namespace {

// A call without operands or type yet, blamed on the user's line.
inline NodeRef make_call(const ir::OpDef& op, std::source_location where) {
    NodeRef node = make_node(NodeKind::op);
    node->op = &op;
    node->where = LocScope::current().line() != 0 ? LocScope::current() : where;
    node->context = Frame::context();
    node->loc = LocScope::loc();
    return node;
}

// `operands` are shared, or taken over from where they may be changed.
template <class Ref>
void set_operands(Node& node, std::span<Ref> operands) {
    node.operand_count = static_cast<std::uint32_t>(operands.size());
    Node** slots = node.operands.data();
    if (operands.size() > Node::inline_operands) {
        node.more_operands = std::make_unique<Node*[]>(operands.size());
        slots = node.more_operands.get();
    }
    std::uint64_t below = 1;
    for (std::size_t i = 0; i < operands.size(); ++i) {
        Node* x = operands[i].get();
        if constexpr (std::is_const_v<Ref>)
            slots[i] = share_operand(x).detach();
        else
            slots[i] = operands[i].detach();
        node.symbolic = node.symbolic || x->symbolic;
        node.keeps_history = node.keeps_history || x->keeps_history;
        node.on_stand_in = node.on_stand_in || x->on_stand_in;
        if (x->kind == NodeKind::op || x->kind == NodeKind::projection)
            if (x->symbolic || !x->is_ready()) below += x->pending_size;
    }
    node.pending_size = static_cast<std::uint32_t>(std::min<std::uint64_t>(below, 1U << 30));
    if (node.op != nullptr && node.op->result_types == nullptr)
        node.keeps_history = node.keeps_history && is_float(node.type.dtype) && !node.op->gradient.value.stops;
}

// The dtype that an elementwise op without attributes gives for operands of one shape or of rank 0, remembered from the
// full rule.
struct KnownDtype {
    const ir::OpDef* op = nullptr;
    std::uint32_t operands = 0;  // their dtypes, packed
    ir::Dtype result = ir::Dtype::f32;
};
constexpr std::size_t known_dtypes = 128;
using KnownDtypes = runtime::PerThread<std::array<KnownDtype, known_dtypes>>;

bool same_dims(const ir::Shape& a, const ir::Shape& b) {
    if (a.rank() != b.rank()) return false;
    for (std::size_t i = 0; i < a.rank(); ++i)
        if (a[i] != b[i]) return false;
    return true;
}

// The function that the user called, for errors.
constexpr ir::TypeContext::Voice public_function = {
    .name = [] { return LocScope::speaker()->name(); },
    .operands = [] { return LocScope::speaker()->operand_types(); },
};

// Shapes that no memory of any machine could hold are the mistake of the call that makes them: all that computes with
// sizes behind it may do so without looking.
void require_addressable(const ir::TypeContext& context, const ir::Type& type) {
    if (!type.is_addressable()) context.fail("the result, " + type.to_string() + ", is too large");
}

NodeRef start(const ir::OpDef& op, std::span<const NodeRef> operands, ir::Attributes attributes,
              std::source_location where, std::vector<ir::Type>& types) {
    constexpr std::size_t few = 4;
    std::array<ir::Type, few> small;
    std::vector<ir::Type> large;
    std::span<ir::Type> operand_types(small.data(), operands.size());
    if (operands.size() > few) {
        large.resize(operands.size());
        operand_types = large;
    }
    NodeRef node = make_call(op, where);
    // Extents of a trace in the place of numbers: what is made of them belongs to the trace.
    const bool of_trace = ir::has_symbols(attributes);
    node->symbolic = of_trace;
    for (std::size_t i = 0; i < operands.size(); ++i) {
        operand_types[i] = operands[i]->type;
        node->symbolic = node->symbolic || operands[i]->symbolic;
    }
    Trace* trace = node->symbolic ? Trace::current() : nullptr;
    if (trace == nullptr && of_trace)
        throw UserError(spoken(op.name) + ": a symbolic extent was used outside of the function that it belongs to",
                        node->location());
    ir::TypeContext context(op, operand_types, attributes, trace != nullptr ? node->location() : ir::Loc(),
                            trace != nullptr ? trace->preconditions() : nullptr,
                            trace != nullptr ? trace->symbol_names() : std::span<const std::string>{},
                            LocScope::speaker() != nullptr ? &public_function : nullptr);
    try {
        if (op.result_types != nullptr || !attributes.empty() || op.arity.variadic ||
            operands.size() != static_cast<std::size_t>(op.arity.minimum)) {
            types = ir::infer_types(context);
            node->type = types[0];
        } else {
            node->type = op.type.value(context);
        }
        if (types.empty()) require_addressable(context, node->type);
        for (const ir::Type& t : types) require_addressable(context, t);
    } catch (...) {
        rethrow(node->location(), context.name());
    }
    if (!attributes.empty()) node->attributes = std::make_shared<const ir::Attributes>(std::move(attributes));
    return node;
}

// A result of a call with several.
NodeRef make_projection(const NodeRef& call, std::uint32_t index, const ir::Type& type) {
    NodeRef result = make_node(NodeKind::projection);
    result->index = index;
    result->type = type;
    result->where = call->where;
    result->context = call->context;
    result->loc = call->loc;
    set_operands(*result, std::span<const NodeRef>(&call, 1));
    return result;
}

void bound_pending(const NodeRef& node) {
    if (node->pending_size >= pending_limit() && !node->symbolic) {
        Node* target = node.get();
        evaluate(std::span(&target, 1));
    }
}

}  // namespace

NodeRef record(const ir::OpDef& op, std::span<const NodeRef> operands, ir::Attributes attributes,
               std::source_location where) {
    std::vector<ir::Type> types;
    NodeRef node = start(op, operands, std::move(attributes), where, types);
    set_operands(*node, operands);
    if (op.result_types != nullptr) return make_projection(node, 0, types[0]);
    bound_pending(node);
    return node;
}

NodeRef record_taking(const ir::OpDef& op, std::span<NodeRef> operands, std::source_location where) {
    std::uint32_t dtypes = static_cast<std::uint32_t>(operands.size());
    bool plain = op.lowering == ir::Lowering::elementwise && op.attributes.empty() && op.result_types == nullptr;
    const ir::Shape* shape = &operands[0]->type.shape;  // of all but those of rank 0
    for (const NodeRef& x : operands) {
        dtypes = dtypes << 8 | static_cast<std::uint32_t>(x->type.dtype);
        if (shape->rank() == 0) shape = &x->type.shape;
        plain = plain && (&x->type.shape == shape || x->type.shape.rank() == 0 || same_dims(x->type.shape, *shape));
    }
    auto* const table = KnownDtypes::mine();
    if (!plain || operands.size() > 3 || table == nullptr) return record(op, operands, {}, where);
    KnownDtype& known = (*table)[(reinterpret_cast<std::uintptr_t>(&op) / sizeof(void*) + dtypes) % known_dtypes];
    if (known.op != &op || known.operands != dtypes) {
        NodeRef node = record(op, operands, {}, where);  // throws where the dtypes do not fit
        known = {&op, dtypes, node->type.dtype};
        return node;
    }
    NodeRef node = make_call(op, where);
    node->type.dtype = known.result;
    node->type.shape = *shape;
    set_operands(*node, operands);
    bound_pending(node);
    return node;
}

NodeRef record_constant(ir::Dtype dtype, std::shared_ptr<const ir::Attributes> attributes) {
    NodeRef node = make_call(ir::ops::constant, {});
    node->type.dtype = dtype;
    node->attributes = std::move(attributes);
    return node;
}

std::vector<NodeRef> record_results(const ir::OpDef& op, std::span<const NodeRef> operands, ir::Attributes attributes,
                                    std::source_location where) {
    std::vector<ir::Type> types;
    NodeRef node = start(op, operands, std::move(attributes), where, types);
    set_operands(*node, operands);
    if (op.result_types == nullptr) return {node};
    std::vector<NodeRef> results;
    for (std::size_t i = 0; i < types.size(); ++i)
        results.push_back(make_projection(node, static_cast<std::uint32_t>(i), types[i]));
    return results;
}

// ---- on tensors

namespace {

void require_value(const Tensor& t, std::string_view op, Where where) {
    if (t.is_empty()) throw UserError(spoken(op) + ": an empty tensor was used", blame(where));
}

// Whether a call is one of those that a MixedPrecision is about.
bool is_contraction_of_f32(const ir::OpDef& op, std::span<const Tensor> operands) {
    return (op.lowering == ir::Lowering::contraction || &op == &ir::ops::convolution) &&
           std::ranges::all_of(operands, [](const Tensor& t) { return t.dtype() == Dtype::f32; });
}

}  // namespace

Tensor TensorRecorder::record(const ir::OpDef& op, std::span<const Tensor> operands, ir::Attributes attributes,
                              ir::Loc loc) {
    if (loc.known()) {
        const LocScope scope(loc);
        return record(op, operands, std::move(attributes));
    }
    for (const Tensor& t : operands) require_value(t, op.name, {});
    if (const Dtype dtype = contraction_dtype(); dtype != Dtype::f32 && is_contraction_of_f32(op, operands)) {
        std::vector<Tensor> narrow;
        for (const Tensor& t : operands) narrow.push_back(ir::functions::convert(value_of(t), dtype));
        return ir::functions::convert(record(op, narrow, std::move(attributes)), Dtype::f32);
    }
    constexpr std::size_t few = 3;
    if (attributes.empty() && !operands.empty() && operands.size() <= few) {
        std::array<NodeRef, few> nodes;
        for (std::size_t i = 0; i < operands.size(); ++i) nodes[i] = operand(operands[i].node());
        return Tensor(record_taking(op, std::span(nodes.data(), operands.size()), {}));
    }
    std::vector<NodeRef> nodes;
    nodes.reserve(operands.size());
    for (const Tensor& t : operands) nodes.push_back(resolve(t.node()));
    return Tensor(detail::record(op, nodes, std::move(attributes), {}));
}

Tensor TensorRecorder::constant_like(const Tensor&, ir::Literal literal, ir::Loc) {
    return Tensor(detail::record(ir::ops::constant, {}, {std::move(literal)}, {}));
}

// The library's functions use few numbers, again and again: every thread keeps their attributes.
void TensorRecorder::refuse(std::string_view function, std::string_view why, std::span<const ir::Type> types) {
    if (!spoken_operands().empty()) detail::refuse(function, why, {});
    throw TypeError(spoken(function) + ": " + std::string(why) + ir::in_parentheses(types), blame({}));
}

Tensor TensorRecorder::number_like(const Tensor& like, double value) {
    struct Known {
        Dtype dtype;
        std::uint64_t bits = 0;
        std::shared_ptr<const ir::Attributes> attributes;
    };
    using Table = std::array<Known, 64>;
    const Dtype dtype = like.dtype();
    const auto bits = std::bit_cast<std::uint64_t>(value);
    const auto attributes = [&] {
        return std::make_shared<const ir::Attributes>(ir::Attributes{ir::splat_literal(dtype, ir::Shape{}, value)});
    };
    Table* const table = runtime::PerThread<Table>::mine();
    if (table == nullptr) return Tensor(record_constant(dtype, attributes()));
    Known& known = (*table)[(bits >> 32 ^ bits >> 48 ^ static_cast<std::uint64_t>(dtype)) % table->size()];
    if (known.attributes == nullptr || known.dtype != dtype || known.bits != bits) known = {dtype, bits, attributes()};
    return Tensor(record_constant(dtype, known.attributes));
}

Tensor unary(const ir::OpDef& op, const Tensor& x, Where where) {
    require_value(x, op.name, where);
    NodeRef node = operand(x.node());
    return Tensor(record_taking(op, std::span(&node, 1), where));
}

Tensor binary(const ir::OpDef& op, const Operand& a, const Operand& b) {
    if (a.is_number() && b.is_number()) throw UserError(spoken(op.name) + ": no operand is a tensor", blame(a.where()));
    const auto node = [&op](const Operand& x, const Operand& other) {
        if (x.is_number()) {
            require_value(other.tensor(), op.name, other.where());
            return Tensor(x.as(other.tensor().dtype(), op.name)).node();
        }
        require_value(x.tensor(), op.name, x.where());
        return operand(x.tensor().node());
    };
    NodeRef nodes[] = {node(a, b), node(b, a)};
    return Tensor(record_taking(op, nodes, a.where()));
}

}  // namespace detail
}  // namespace lathe
