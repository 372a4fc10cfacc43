#include "tools/lathe/op_texts.h"

#include <array>

#include <fmt/format.h>

namespace lathe::tools {

std::string_view lowering_name(ir::Lowering lowering) {
    static constexpr std::array<std::string_view, std::size_t{1} + static_cast<std::size_t>(ir::Lowering::composite)>
        names = {"source",   "elementwise", "index",   "view",   "reduction", "contraction",
                 "relayout", "scatter",     "control", "opaque", "composite"};
    return names.at(static_cast<std::size_t>(lowering));
}

std::string dtypes_of(const ir::OpDef& op) {
    if (op.dtypes.bits == ir::any_dtype.bits) return "any";
    std::string names;
    for (const ir::Dtype d : ir::all_dtypes())
        if (op.dtypes.contains(d)) names += (names.empty() ? "" : " ") + std::string(ir::name(d));
    return names;
}

std::string signature_of(const ir::OpDef& op) {
    std::string text = fmt::format("{}(", op.name);
    for (int i = 0; i < op.arity.minimum; ++i) text += (i > 0 ? ", x" : "x") + std::to_string(i);
    if (op.arity.variadic) text += op.arity.minimum > 0 ? ", ..." : "...";
    text += ")";
    for (const ir::AttributeDef& a : op.attributes)
        text +=
            a.presence == ir::Presence::optional ? fmt::format(" [{}=...]", a.name) : fmt::format(" {}=...", a.name);
    return text;
}

std::string gradient_of(const ir::OpDef& op) {
    const ir::Gradient& g = op.gradient.value;
    if (g.through_regions) return "through its regions";
    if (g.stops) return "zero";
    if (g.only_reverse) return "by a rule of its own, in reverse";
    if (g.multilinear) return "linear in each operand";
    if (g.transpose) return "linear";
    if (g.jvp) return "by its tangent";
    if (g.partial[0] || g.partial[1] || g.partial[2]) return "by partial derivatives";
    return fmt::format("none: {}", g.none_because);
}

std::string accuracy_of(const ir::OpDef& op) {
    const ir::Accuracy& a = op.accuracy;
    if (a.f32 == 0 && a.f64 == 0) return "";
    return (a.f32 == a.f64 ? fmt::format("within {} ulp", a.f32)
                           : fmt::format("within {} ulp in f32, {} in f64", a.f32, a.f64)) +
           (a.of.empty() ? "" : fmt::format(", {}", a.of));
}

}  // namespace lathe::tools
