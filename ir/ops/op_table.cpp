// The table: all families, and the checks that a row is complete.
#include <algorithm>
#include <array>

#include "ir/ops/ops.h"

namespace lathe::ir {
namespace {

template <std::size_t... sizes>
consteval auto concatenate(const std::array<const OpDef*, sizes>&... families) {
    std::array<const OpDef*, (sizes + ...)> all{};
    auto out = all.begin();
    ((out = std::copy(families.begin(), families.end(), out)), ...);
    return all;
}

constexpr auto table = concatenate(ops::sources, ops::arithmetic, ops::real_functions, ops::comparisons, ops::bits,
                                   ops::views, ops::reductions, ops::contractions, ops::memory);

constexpr auto by_name = [] {
    auto sorted = table;
    std::ranges::sort(sorted, {}, &OpDef::name);
    return sorted;
}();

constexpr bool every(bool (*holds)(const OpDef&)) {
    return std::ranges::all_of(table, [&](const OpDef* op) { return holds(*op); });
}

constexpr bool has_its_rules(const OpDef& op) {
    switch (op.lowering) {
        case Lowering::source:
        case Lowering::relayout:
        case Lowering::control:
        case Lowering::opaque:
            return true;
        case Lowering::elementwise:
            return op.scalar != nullptr;
        case Lowering::index:
            return op.scalar != nullptr && op.axes != nullptr;
        case Lowering::view:
            return op.view != nullptr;
        case Lowering::reduction:
            return op.reducer && op.axes != nullptr;
        case Lowering::contraction:
            return op.reducer && op.contraction != nullptr && op.arity.minimum == 2;
        case Lowering::scatter:
            return op.reducer && op.view != nullptr;
    }
    return false;
}

constexpr bool has_one_gradient(const OpDef& op) {
    const Gradient& g = op.gradient.value;
    return int{g.partial[0] != nullptr} + int{g.transpose != nullptr} + int{g.jvp != nullptr} +
               int{!g.none_because.empty()} ==
           1;
}

static_assert(std::ranges::adjacent_find(by_name, {}, &OpDef::name) == by_name.end(), "two rows share a name");
static_assert(every([](const OpDef& op) { return !op.name.empty() && !op.doc.empty() && op.dtypes.bits != 0; }));
static_assert(every(has_its_rules), "a row lacks a rule of its lowering class");
static_assert(every(has_one_gradient), "a row has no gradient, or several");
static_assert(every([](const OpDef& op) {
                  const Gradient& g = op.gradient.value;
                  return g.partial[0] == nullptr ||
                         (op.lowering == Lowering::elementwise && op.result_types == nullptr);
              }),
              "partials are for elementwise ops of one result");
static_assert(every([](const OpDef& op) { return (!op.commutative && !op.identity.left) || op.arity.minimum == 2; }));

}  // namespace

std::span<const OpDef* const> op_table() { return table; }

const OpDef* find_op(std::string_view name) {
    const auto found = std::ranges::lower_bound(by_name, name, {}, &OpDef::name);
    return found != by_name.end() && (*found)->name == name ? *found : nullptr;
}

std::string index_name(const Node& node) {
    for (const Attribute& a : node.attributes)
        if (const auto* text = std::get_if<std::string>(&a)) return *text;
    return std::string(node.op->name) + ": index";
}

}  // namespace lathe::ir
