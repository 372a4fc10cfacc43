// lathe ops: the manual of the op table.
#include <algorithm>
#include <array>
#include <memory>

#include <fmt/format.h>

#include "ir/ops/op.h"
#include "tools/lathe/commands.h"

namespace lathe::tools {
namespace {

constexpr std::array<std::string_view, std::size_t{1} + static_cast<std::size_t>(ir::Lowering::composite)>
    lowering_names = {"source",   "elementwise", "index",   "view",   "reduction", "contraction",
                      "relayout", "scatter",     "control", "opaque", "composite"};

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

std::string attributes_of(const ir::OpDef& op) {
    std::string text;
    for (const ir::AttributeDef& a : op.attributes)
        text += fmt::format("  {:<9} {}\n  {:<9} {}\n", a.name, a.doc, "", ir::describe(a.meaning));
    return text.empty() ? text : "\n" + text;
}

std::string gradient_of(const ir::OpDef& op) {
    const ir::Gradient& g = op.gradient.value;
    if (g.through_regions) return "through its regions";
    if (g.transpose) return "linear";
    if (g.jvp) return "by its tangent";
    if (g.partial[0] || g.partial[1] || g.partial[2]) return "by partial derivatives";
    return fmt::format("none: {}", g.none_because);
}

void list() {
    for (const ir::OpDef* const op : ir::op_table())
        put(fmt::format("{:<14} {:<12} {}\n", op->name, lowering_names.at(static_cast<std::size_t>(op->lowering)),
                        op->doc.substr(0, op->doc.find('\n'))));
}

void show(const std::string& name) {
    const ir::OpDef* const op = ir::find_op(name);
    if (!op) throw CLI::ValidationError("there is no op '" + name + "'; `lathe ops` lists them all");
    put(fmt::format("{}\n  {}\n\n  version   {}\n  class     {}\n  dtypes    {}\n  gradient  {}\n{}", signature_of(*op),
                    op->doc, op->version, lowering_names.at(static_cast<std::size_t>(op->lowering)), dtypes_of(*op),
                    gradient_of(*op), attributes_of(*op)));
}

}  // namespace

void add_ops(CLI::App& app) {
    CLI::App* const command = app.add_subcommand("ops", "list the ops, or show all of one");
    const auto name = std::make_shared<std::string>();
    command->add_option("NAME", *name, "the op to show");
    command->footer("example: lathe ops dot_general");
    command->callback([name] { name->empty() ? list() : show(*name); });
}

}  // namespace lathe::tools
