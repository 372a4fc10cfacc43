#include "ir/ops/op.h"
#include "ir/ops/rules.h"

namespace lathe::ir {

std::string TypeContext::name() const { return voice_ != nullptr ? voice_->name() : std::string(op_.name); }

void TypeContext::fail(const std::string& why) const {
    const std::vector<Type> spoken = voice_ != nullptr ? voice_->operands() : std::vector<Type>();
    const std::span<const Type> operands = spoken.empty() ? operands_ : spoken;
    throw TypeError(name() + ": " + why + in_parentheses(operands, symbol_names_), loc_);
}

void TypeContext::require_equal(Dim a, Dim b, std::string_view what, std::int64_t axis) {
    if (a == b) return;
    const Dim difference = a - b;
    if (difference.is_constant() || preconditions_ == nullptr)
        fail(std::string(what) + ": " + clipped(a.to_string(symbol_names_)) + " is not " +
             clipped(b.to_string(symbol_names_)) + (axis == no_axis ? "" : " along axis " + std::to_string(axis)));
    for (const Precondition& p : *preconditions_)
        if ((p.a == a && p.b == b) || (p.a == b && p.b == a)) return;
    preconditions_->push_back({a, b, loc_, name() + ": " + std::string(what)});
}

void TypeContext::require_at_most(Dim a, Dim b, std::string_view what) {
    const Dim room = b - a;
    const auto extents_are_natural = [](Symbol) { return Dim::Bounds{.low = 0, .high = {}}; };
    if (room.is_constant()) {
        if (room.constant() >= 0) return;
        if (a == Dim(1) && b == Dim(0)) fail(std::string(what));  // it says that there is nothing
        fail(std::string(what) + ": " +
             (a == Dim(0) ? clipped(b.to_string(symbol_names_)) + " is negative"
                          : clipped(a.to_string(symbol_names_)) + " exceeds " + clipped(b.to_string(symbol_names_))));
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

std::size_t rank_of(const AttributeDef& def, const OpDef& op, std::span<const Type> operands,
                    std::span<const Attribute> attributes) {
    if (def.of != AttributeDef::of_shape) return operands[static_cast<std::size_t>(def.of)].shape.rank();
    const auto shape = std::ranges::find(op.attributes, AttributeMeaning::shape, &AttributeDef::meaning);
    return std::get<Shape>(attributes[shape->slot]).rank();
}

std::size_t TypeContext::rank_of(const AttributeDef& def) const {
    return ir::rank_of(def, op_, operands_, attributes_);
}

void normalize(const OpDef& op, std::span<const Type> operands, std::span<Attribute> attributes) {
    if (operands.size() < static_cast<std::size_t>(op.arity.minimum) || attributes.size() != op.attributes.size())
        return;
    for (const AttributeDef& def : op.attributes) {
        Attribute& a = attributes[def.slot];
        if (kind_of(a) != def.kind()) return;
        const auto wrap = [&](std::int64_t& axis) {
            if (axis >= 0) return;
            const auto rank = static_cast<std::int64_t>(rank_of(def, op, operands, attributes));
            if (axis >= -rank) axis += rank;
        };
        if (def.meaning == AttributeMeaning::axis) wrap(std::get<std::int64_t>(a));
        if (def.meaning == AttributeMeaning::axes || def.meaning == AttributeMeaning::permutation)
            std::ranges::for_each(std::get<Integers>(a), wrap);
    }
}

namespace {

void check_meaning(TypeContext& c, const AttributeDef& def) {
    const Attribute& a = c.attributes()[def.slot];
    const auto one_for_each_dimension = [&](std::size_t entries) {
        const std::size_t rank = c.rank_of(def);
        if (entries != rank)
            c.fail(std::string(def.name) + " has " + std::to_string(entries) + " entries, not one for each of " +
                   std::to_string(rank) + " dimensions");
    };
    switch (def.meaning) {
        case AttributeMeaning::axis:
            c.axis(std::get<std::int64_t>(a), c.rank_of(def));
            break;
        case AttributeMeaning::axes:
            rules::axes(c, std::get<Integers>(a), c.rank_of(def));
            break;
        case AttributeMeaning::permutation:
            if (const auto& axes = std::get<Integers>(a);
                axes.size() != c.rank_of(def) || rules::axes(c, axes, axes.size()).size() != axes.size())
                c.fail(std::string(def.name) + " does not name each of " + std::to_string(c.rank_of(def)) +
                       " axes once");
            break;
        case AttributeMeaning::bound:
            if (const std::size_t entries = std::get<Shape>(a).rank(); entries != 1)
                c.fail(std::string(def.name) + " has " + std::to_string(entries) + " entries, not one");
            break;
        case AttributeMeaning::starts:
        case AttributeMeaning::sizes:
        case AttributeMeaning::strides:
        case AttributeMeaning::padding:
            one_for_each_dimension(std::get<Shape>(a).rank());
            break;
        case AttributeMeaning::steps:
            one_for_each_dimension(std::get<Integers>(a).size());
            for (const std::int64_t step : std::get<Integers>(a)) {
                if (step == 0) c.fail(std::string(def.name) + ": a step is 0");
                if (step > max_step || step < -max_step) c.fail(std::string(def.name) + ": a step is too large");
            }
            break;
        case AttributeMeaning::blocks:
            one_for_each_dimension(std::get<Integers>(a).size());
            for (const std::int64_t block : std::get<Integers>(a))
                if (block < 1 || block > max_block)
                    c.fail(std::string(def.name) + ": a block has 1 to " + std::to_string(max_block) + " elements");
            break;
        case AttributeMeaning::shape:  // type rules know which extents there can be
        case AttributeMeaning::dtype:
        case AttributeMeaning::number:
        case AttributeMeaning::flag:
        case AttributeMeaning::literal:
        case AttributeMeaning::name:
        case AttributeMeaning::region:
            break;
    }
}

}  // namespace

std::vector<Type> infer_types(TypeContext& c) {
    const OpDef& op = c.op();
    const auto minimum = static_cast<std::size_t>(op.arity.minimum);
    if (c.operand_count() < minimum || (!op.arity.variadic && c.operand_count() > minimum))
        c.fail("takes " + std::to_string(minimum) + (op.arity.variadic ? " or more" : "") +
               (minimum == 1 && !op.arity.variadic ? " operand, not " : " operands, not ") +
               std::to_string(c.operand_count()));
    if (c.attributes().size() != op.attributes.size())
        c.fail("takes " + std::to_string(op.attributes.size()) + " attributes, not " +
               std::to_string(c.attributes().size()));
    for (std::size_t i = 0; i < op.attributes.size(); ++i)
        if (kind_of(c.attributes()[i]) != op.attributes[i].kind())
            c.fail("attribute " + std::string(op.attributes[i].name) + " has the wrong kind");
    for (const AttributeDef& def : op.attributes) check_meaning(c, def);
    if (op.result_types != nullptr) return op.result_types(c);
    return {op.type.value(c)};
}

}  // namespace lathe::ir
