#include "ir/ops/op.h"

namespace lathe::ir {

namespace {

// Extents may be expressions of any length.
std::string clipped(std::string text) {
    constexpr std::size_t longest = 200;
    if (text.size() > longest) text.replace(longest, text.size() - longest, "...");
    return text;
}

}  // namespace

std::string TypeContext::name() const { return voice_ != nullptr ? voice_->name() : std::string(op_.name); }

void TypeContext::fail(const std::string& why) const {
    const std::vector<Type> spoken = voice_ != nullptr ? voice_->operands() : std::vector<Type>();
    const std::span<const Type> operands = spoken.empty() ? operands_ : spoken;
    std::string message = name() + ": " + why;
    if (!operands.empty()) {
        message += " (";
        for (std::size_t i = 0; i < operands.size(); ++i) {
            if (i != 0) message += i + 1 == operands.size() ? " and " : ", ";
            message += clipped(operands[i].to_string(symbol_names_));
        }
        message += ")";
    }
    throw TypeError(message, loc_);
}

void TypeContext::require_equal(Dim a, Dim b, std::string_view what) {
    if (a == b) return;
    const Dim difference = a - b;
    if (difference.is_constant() || preconditions_ == nullptr)
        fail(std::string(what) + ": " + clipped(a.to_string(symbol_names_)) + " is not " +
             clipped(b.to_string(symbol_names_)));
    for (const Precondition& p : *preconditions_)
        if ((p.a == a && p.b == b) || (p.a == b && p.b == a)) return;
    preconditions_->push_back({a, b, loc_, name() + ": " + std::string(what)});
}

void TypeContext::require_at_most(Dim a, Dim b, std::string_view what) {
    const Dim room = b - a;
    const auto extents_are_natural = [](Symbol) { return Dim::Bounds{.low = 0, .high = {}}; };
    if (room.is_constant()) {
        if (room.constant() < 0)
            fail(std::string(what) + ": " + clipped(a.to_string(symbol_names_)) + " exceeds " +
                 clipped(b.to_string(symbol_names_)));
        return;
    }
    const auto low = room.bounds(extents_are_natural).low;
    if (low && *low >= 0) return;
    require_equal(max(a - b, 0), 0, what);
}

std::int64_t TypeContext::axis(std::int64_t axis, std::size_t rank) const {
    const auto n = static_cast<std::int64_t>(rank);
    if (axis < -n || axis >= n)
        fail("axis " + std::to_string(axis) + " is out of range for rank " + std::to_string(rank));
    return axis < 0 ? axis + n : axis;
}

std::vector<Type> infer_types(TypeContext& c) {
    const OpDef& op = c.op();
    const auto minimum = static_cast<std::size_t>(op.arity.minimum);
    if (c.operand_count() < minimum || (!op.arity.variadic && c.operand_count() > minimum))
        c.fail("takes " + std::to_string(minimum) + (op.arity.variadic ? " or more" : "") + " operands, not " +
               std::to_string(c.operand_count()));
    if (c.attributes().size() != op.attributes.size())
        c.fail("takes " + std::to_string(op.attributes.size()) + " attributes, not " +
               std::to_string(c.attributes().size()));
    for (std::size_t i = 0; i < op.attributes.size(); ++i)
        if (kind_of(c.attributes()[i]) != op.attributes[i].kind)
            c.fail("attribute " + std::string(op.attributes[i].name) + " has the wrong kind");
    if (op.result_types != nullptr) return op.result_types(c);
    return {op.type.value(c)};
}

}  // namespace lathe::ir
