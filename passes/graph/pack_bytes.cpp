// A contraction of i32 whose operands are bytes made wider, or these less a zero, has a form of its own: processors
// multiply and add four bytes in each lane. Whether an operand is one is seen by what its nodes compute, and of a
// constant by its elements; views may stand in between. The row says what the contraction becomes.
#include "passes/graph/pack_bytes.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <optional>

#include "ir/functions/basic.h"
#include "ir/ops/op.h"
#include "ir/program/index_maps.h"
#include "passes/graph/rebuild.h"

namespace lathe::passes {
namespace {

using ir::Dtype;
using ir::Literal;
using ir::Node;
using ir::Prim;
using ir::Value;

constexpr int most_views = 8;

bool is_byte(Dtype d) { return d == Dtype::u8 || d == Dtype::i8; }

// What an elementwise node of i32 computes, where that is one instruction of its operands in their order.
const ir::ScalarInst* only_instruction(const Node& node) {
    if (node.op->lowering != ir::Lowering::elementwise || node.results.size() != 1 ||
        node.results[0].dtype != Dtype::i32)
        return nullptr;
    std::vector<Dtype> dtypes;
    for (const Value& v : node.operands) dtypes.push_back(v.type().dtype);
    const ir::ScalarProgram& program = scalar_program(*node.op, dtypes, node.attributes, node.results[0].dtype);
    const ir::ScalarInst& last = program.insts[static_cast<std::size_t>(program.results[0])];
    const auto is_operand = [&](std::int32_t inst, std::uint64_t number) {
        if (inst < 0) return number >= node.operands.size();
        const ir::ScalarInst& i = program.insts[static_cast<std::size_t>(inst)];
        return i.prim == Prim::parameter && i.imm == number;
    };
    return is_operand(last.a, 0) && is_operand(last.b, 1) && last.c < 0 ? &last : nullptr;
}
bool computes(const Node& node, Prim prim) {
    const ir::ScalarInst* inst = only_instruction(node);
    return inst != nullptr && inst->prim == prim;
}
bool widens_bytes(const Node& node) { return computes(node, Prim::convert) && is_byte(node.operands[0].type().dtype); }

template <class T>
std::vector<T> elements_of(const Literal& literal) {
    std::vector<T> out(literal.bytes->size() / sizeof(T));
    if (!out.empty()) std::memcpy(out.data(), literal.bytes->data(), literal.bytes->size());
    return out;
}
template <class To, class From>
Literal converted(const Literal& literal, Dtype dtype) {
    std::vector<To> out;
    for (const From x : elements_of<From>(literal)) out.push_back(static_cast<To>(x));
    return {
        {dtype, literal.type.shape},
        std::make_shared<const std::vector<std::byte>>(reinterpret_cast<const std::byte*>(out.data()),
                                                       reinterpret_cast<const std::byte*>(out.data() + out.size()))};
}

// Integers that are known, of i32, as bytes of the dtype that holds them all.
std::optional<Literal> as_bytes(const Literal& literal) {
    if (literal.type.dtype != Dtype::i32 || literal.bytes->empty()) return std::nullopt;
    const std::vector<std::int32_t> all = elements_of<std::int32_t>(literal);
    const auto [low, high] = std::ranges::minmax(all);
    if (low >= std::numeric_limits<std::int8_t>::min() && high <= std::numeric_limits<std::int8_t>::max())
        return converted<std::int8_t, std::int32_t>(literal, Dtype::i8);
    if (low >= 0 && high <= std::numeric_limits<std::uint8_t>::max())
        return converted<std::uint8_t, std::int32_t>(literal, Dtype::u8);
    return std::nullopt;
}

// A zero of bytes of some dtype: bytes of the same that were made wider. Known ones as literals.
struct Zero {
    Value value;                   // in the old graph
    std::optional<Literal> known;  // i32
    bool is_nothing() const {
        return known && std::ranges::all_of(*known->bytes, [](std::byte b) { return b == std::byte{0}; });
    }
};
std::optional<Zero> zero_of(Value v, Dtype dtype) {
    const ir::Shape shape = v.type().shape;
    Zero zero{v, std::nullopt};
    for (int i = 0; i < most_views && ir::keeps_positions(*v.node); ++i) v = v.node->operands[0];
    if (const Literal* literal = ir::literal_of(*v.node); literal != nullptr) {
        const std::vector<std::int32_t> all =
            literal->type.dtype == Dtype::i32 ? elements_of<std::int32_t>(*literal) : std::vector<std::int32_t>{};
        const std::int32_t low = dtype == Dtype::i8 ? -128 : 0, high = dtype == Dtype::i8 ? 127 : 255;
        if (all.empty() || std::ranges::any_of(all, [&](std::int32_t n) { return n < low || n > high; }))
            return std::nullopt;
        zero.known = Literal{{Dtype::i32, shape}, literal->bytes};
        return zero;
    }
    if (!widens_bytes(*v.node) || v.node->operands[0].type().dtype != dtype) return std::nullopt;
    v = v.node->operands[0];
    for (int i = 0; i < most_views && ir::keeps_positions(*v.node); ++i) v = v.node->operands[0];
    if (const Literal* literal = ir::literal_of(*v.node); literal != nullptr && shape.is_constant()) {
        zero.known = dtype == Dtype::i8 ? converted<std::int32_t, std::int8_t>(*literal, Dtype::i32)
                                        : converted<std::int32_t, std::uint8_t>(*literal, Dtype::i32);
        zero.known->type.shape = shape;
    }
    return zero;
}

// An operand as bytes less a zero, in the old graph.
struct Operand {
    Value bytes;                     // the source of
    std::optional<Literal> literal;  // or these
    std::vector<const Node*> views;  // that lead to the operand, outermost first
    std::optional<Zero> zero;
};
std::optional<Operand> operand_of(Value v) {
    Operand out;
    // Behind a zero views would be ones of the zero as well.
    for (int i = 0; i < most_views && v.node->op->lowering == ir::Lowering::view && v.node->operands.size() == 1; ++i) {
        out.views.push_back(v.node);
        v = v.node->operands[0];
    }
    Value zero;
    if (computes(*v.node, Prim::sub) && v.node->operands[0].type().shape == v.type().shape) {
        zero = v.node->operands[1];
        v = v.node->operands[0];
        if (!out.views.empty() && zero.type().shape.rank() != 0) return std::nullopt;
        for (int i = 0; i < most_views && v.node->op->lowering == ir::Lowering::view && v.node->operands.size() == 1;
             ++i) {
            out.views.push_back(v.node);
            v = v.node->operands[0];
        }
    }
    if (const Literal* literal = ir::literal_of(*v.node); literal != nullptr) {
        out.literal = as_bytes(*literal);
        if (!out.literal) return std::nullopt;
    } else if (widens_bytes(*v.node)) {
        v = v.node->operands[0];
    } else {
        return std::nullopt;
    }
    out.bytes = v;
    if (zero.node != nullptr) {
        out.zero = zero_of(zero, out.literal ? out.literal->type.dtype : v.type().dtype);
        if (!out.zero) return std::nullopt;
        if (out.zero->is_nothing()) out.zero.reset();
    }
    return out;
}

using Operands = std::vector<Operand>;
std::optional<Operands> operands_of(const Node& node) {
    if (node.op->of_bytes == nullptr || node.results[0].dtype != Dtype::i32) return std::nullopt;
    Operands out;
    for (const Value& v : node.operands) {
        std::optional<Operand> operand = operand_of(v);
        if (!operand) return std::nullopt;
        out.push_back(std::move(*operand));
    }
    return out;
}

std::vector<Value> add_packed(ir::Graph& into, const Node& node, const ValueMap& values) {
    const std::optional<Operands> operands = operands_of(node);
    if (!operands) return add_copy(into, node, values);
    into.default_loc = node.loc;
    std::vector<ir::BytesLessZero> x;
    for (const Operand& o : *operands) {
        ir::BytesLessZero part;
        part.bytes = o.literal ? into.constant(*o.literal, o.bytes.node->loc) : mapped(values, o.bytes);
        for (std::size_t i = o.views.size(); i-- > 0;)
            part.bytes = {
                &into.add(*o.views[i]->op, std::span(&part.bytes, 1), o.views[i]->attributes, o.views[i]->loc), 0};
        if (o.zero) part.zero = o.zero->known ? into.constant(*o.zero->known, node.loc) : mapped(values, o.zero->value);
        x.push_back(part);
    }
    const Value packed = node.op->of_bytes({node, x});
    return packed.node == nullptr ? add_copy(into, node, values) : std::vector<Value>{packed};
}

}  // namespace

std::unique_ptr<ir::Graph> pack_bytes(const ir::Graph& graph) {
    if (std::ranges::none_of(graph.nodes(), [](const Node& node) { return operands_of(node).has_value(); }))
        return nullptr;
    return rebuild(graph, add_packed);
}

}  // namespace lathe::passes
