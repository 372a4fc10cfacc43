// The table: all families, and the checks that a row is complete.
#include <algorithm>
#include <array>
#include <utility>

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

// Every family is named twice: here, and where it gets its name.
constexpr auto table =
    concatenate(ops::sources, ops::arithmetic, ops::roundings, ops::real_functions, ops::trigonometric_functions,
                ops::hyperbolic_functions, ops::special_functions, ops::binary_functions, ops::comparisons, ops::bits,
                ops::views, ops::indexing, ops::scatters, ops::along_axis, ops::scans, ops::searches, ops::fourier,
                ops::reductions, ops::contractions, ops::linear_algebra, ops::windows, ops::convolutions,
                ops::products_of_bytes, ops::memory, ops::control);

constexpr OpFamily families[] = {
    {"Sources", ops::sources},
    {"Arithmetic", ops::arithmetic},
    {"Rounding", ops::roundings},
    {"Exponentials, logarithms, roots and powers", ops::real_functions},
    {"Trigonometric functions", ops::trigonometric_functions},
    {"Hyperbolic functions", ops::hyperbolic_functions},
    {"Special functions", ops::special_functions},
    {"Functions of two and three numbers", ops::binary_functions},
    {"Comparison, choice and conversion", ops::comparisons},
    {"Bits", ops::bits},
    {"Movement", ops::views},
    {"Indexing by data", ops::indexing},
    {"Scatters", ops::scatters},
    {"Along an axis", ops::along_axis},
    {"Scans", ops::scans},
    {"Search", ops::searches},
    {"Fourier transforms", ops::fourier},
    {"Reductions", ops::reductions},
    {"Products", ops::contractions},
    {"Linear algebra", ops::linear_algebra},
    {"Windows", ops::windows},
    {"Convolution", ops::convolutions},
    {"Products of bytes", ops::products_of_bytes},
    {"Memory", ops::memory},
    {"Regions", ops::control},
};

constexpr auto by_name = [] {
    auto sorted = table;
    std::ranges::sort(sorted, {}, &OpDef::name);
    return sorted;
}();

constexpr bool every(bool (*holds)(const OpDef&)) {
    return std::ranges::all_of(table, [&](const OpDef* op) { return holds(*op); });
}

// The rules of each lowering class: what a row of it needs, and that it has none of which nothing would be made.
struct Rules {
    bool literal = false, scalar = false, reducer = false, axes = false, contraction = false, view = false;
    bool control = false, call = false, reference = false, expand = false, indices = false;
    friend constexpr bool operator==(const Rules&, const Rules&) = default;
};
constexpr Rules rules_of(const OpDef& op) {
    return {op.literal != nullptr,       op.scalar != nullptr,      bool{op.reducer},
            op.axes != nullptr,          op.contraction != nullptr, op.view != nullptr,
            op.control != Control::none, op.call != nullptr,        op.reference != nullptr,
            op.expand != nullptr,        bool{op.indices}};
}
constexpr bool has_its_rules(const OpDef& op) {
    const Rules rules = rules_of(op);
    switch (op.lowering) {
        case Lowering::source:
            return op.arity.minimum == 0 && (rules == Rules{} || rules == Rules{.literal = true});
        case Lowering::relayout:
            return rules == Rules{} && op.arity.minimum == 1;
        case Lowering::control:
            return rules == Rules{.control = true} && op.result_types != nullptr;
        case Lowering::opaque:
            return rules == Rules{.call = true, .reference = rules.reference} && op.arity.minimum > 0;
        case Lowering::composite:
            return rules == Rules{.expand = true} && op.arity.minimum > 0;
        case Lowering::elementwise:
            return rules == Rules{.scalar = true} && op.arity.minimum > 0;
        case Lowering::index:
            return rules == Rules{.scalar = true, .axes = true} && op.arity.minimum == 0;
        case Lowering::view:
            return rules == Rules{.view = true, .indices = bool{op.indices}} && op.arity.minimum > 0;
        case Lowering::reduction:
            return rules == Rules{.reducer = true, .axes = true} && op.arity.minimum > 0;
        case Lowering::contraction:
            return rules == Rules{.reducer = true, .contraction = true} && op.arity.minimum == 2;
        case Lowering::scatter:
            return rules == Rules{.reducer = true, .view = true, .indices = true} && op.arity.minimum == 3;
    }
    return false;
}

// A reducer is all of its parts.
constexpr bool has_whole_reducer(const OpDef& op) {
    const Reducer& r = op.reducer;
    const int parts = int{r.accumulator != nullptr} + int{r.init != nullptr} + int{r.step != nullptr} +
                      int{r.combine != nullptr} + int{r.finish != nullptr};
    return parts == 0 || parts == 5;
}

constexpr bool are_sound(const OpDef& op, std::span<const AttributeDef> defs) {
    for (std::size_t i = 0; i < defs.size(); ++i) {
        const AttributeDef& def = defs[i];
        if (def.slot != i || def.name.empty() || def.doc.empty()) return false;
        if (def.presence == Presence::optional && !has_default(def.meaning)) return false;
        if (def.of >= op.arity.minimum && op.arity.minimum > 0) return false;
        if (def.of == AttributeDef::of_shape &&
            std::ranges::find(defs, AttributeMeaning::shape, &AttributeDef::meaning) == defs.end())
            return false;
        for (std::size_t k = 0; k < i; ++k)
            if (defs[k].name == def.name) return false;
    }
    return true;
}

constexpr bool has_sound_attributes(const OpDef& op) { return are_sound(op, op.attributes); }

constexpr bool has_its_upgrades(const OpDef& op) {
    return op.version == static_cast<int>(op.upgrades.size()) + 1 &&
           std::ranges::all_of(op.upgrades, [&](const Upgrade& upgrade) {
               return upgrade.apply != nullptr && are_sound(op, upgrade.attributes);
           });
}

// Classes whose ops are batched alike have a rule; so have rows whose operands differ in what their dimensions are.
constexpr bool can_be_batched(const OpDef& op) {
    if (op.batch != nullptr) return op.result_types == nullptr && op.arity.minimum > 0;
    return op.lowering != Lowering::contraction && op.lowering != Lowering::scatter &&
           (op.lowering != Lowering::view || op.arity.minimum < 2);
}

// Sources stand for any data; operands of elementwise ops broadcast; of the others rows say which dimensions fit.
constexpr bool has_its_samples(const OpDef& op) {
    if (op.lowering == Lowering::source) return op.samples == nullptr;
    return op.samples != nullptr || (op.lowering == Lowering::elementwise && op.attributes.empty());
}

constexpr bool has_one_gradient(const OpDef& op) {
    const Gradient& g = op.gradient.value;
    return int{g.partial[0] != nullptr} + int{g.transpose != nullptr} + int{g.jvp != nullptr} + int{g.through_regions} +
               int{!g.none_because.empty()} ==
           1;
}

static_assert(std::ranges::adjacent_find(by_name, {}, &OpDef::name) == by_name.end(), "two rows share a name");
static_assert(every([](const OpDef& op) { return !op.name.empty() && !op.doc.empty() && op.dtypes.bits != 0; }));
// One instance for each row, so that the compiler names the one that is at fault.
template <const OpDef* row>
consteval bool is_complete() {
    static_assert(has_its_rules(*row), "the row lacks a rule of its lowering class, or has one that is not");
    static_assert(has_whole_reducer(*row), "the row's reducer lacks a part");
    static_assert(has_one_gradient(*row), "the row has no gradient, or several");
    static_assert(has_sound_attributes(*row), "the row's attributes are out of place, nameless or undocumented");
    static_assert(has_its_samples(*row), "the row has no samples");
    static_assert(can_be_batched(*row), "the row needs a batch rule, or has one that its class does not allow");
    static_assert(has_its_upgrades(*row), "the row's version and its upgrades do not fit");
    return true;
}
static_assert([]<std::size_t... i>(std::index_sequence<i...>) {
    return (is_complete<table[i]>() && ...);
}(std::make_index_sequence<table.size()>()));
static_assert(every([](const OpDef& op) {
                  const Gradient& g = op.gradient.value;
                  return g.partial[0] == nullptr ||
                         (op.lowering == Lowering::elementwise && op.result_types == nullptr);
              }),
              "partials are for elementwise ops of one result");
static_assert(
    [] {
        std::size_t next = 0;
        for (const OpFamily& family : families)
            for (const OpDef* row : family.rows)
                if (next == table.size() || table[next++] != row) return false;
        return next == table.size();
    }(),
    "the families are not the table");
static_assert(every([](const OpDef& op) { return (!op.commutative && !op.identity.left) || op.arity.minimum == 2; }));

}  // namespace

std::span<const OpDef* const> op_table() { return table; }
std::span<const OpFamily> op_families() { return families; }

const OpDef* find_op(std::string_view name) {
    const auto found = std::ranges::lower_bound(by_name, name, {}, &OpDef::name);
    return found != by_name.end() && (*found)->name == name ? *found : nullptr;
}

std::string index_name(const Node& node) {
    for (const AttributeDef& def : node.op->attributes)
        if (def.meaning == AttributeMeaning::name) return std::get<std::string>(node.attributes[def.slot]);
    return std::string(node.op->name) + ": index";
}

}  // namespace lathe::ir
