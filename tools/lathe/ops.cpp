// lathe ops: the manual of the op table.
#include <memory>

#include <fmt/format.h>

#include "ir/ops/op.h"
#include "tools/lathe/commands.h"
#include "tools/lathe/op_texts.h"

namespace lathe::tools {
namespace {

std::string attributes_of(const ir::OpDef& op) {
    std::string text;
    for (const ir::AttributeDef& a : op.attributes)
        text += fmt::format("  {:<9} {}\n  {:<9} {}\n", a.name, a.doc, "", ir::describe(a.meaning));
    return text.empty() ? text : "\n" + text;
}

void list() {
    for (const ir::OpDef* const op : ir::op_table())
        put(fmt::format("{:<14} {:<12} {}\n", op->name, lowering_name(op->lowering),
                        op->doc.substr(0, op->doc.find('\n'))));
}

void show(const std::string& name) {
    const ir::OpDef* const op = ir::find_op(name);
    if (!op) throw CLI::ValidationError("there is no op '" + name + "'; `lathe ops` lists them all");
    const std::string accuracy = accuracy_of(*op);
    put(fmt::format("{}\n  {}\n\n  version   {}\n  class     {}\n  dtypes    {}\n  gradient  {}\n{}{}",
                    signature_of(*op), op->doc, op->version, lowering_name(op->lowering), dtypes_of(*op),
                    gradient_of(*op), accuracy.empty() ? "" : "  accuracy  " + accuracy + "\n", attributes_of(*op)));
}

}  // namespace

void add_ops(CLI::App& app) {
    CLI::App* const command = app.add_subcommand("ops", "list the ops, or show all of one");
    const auto name = std::make_shared<std::string>();
    const auto markdown = std::make_shared<bool>(false);
    CLI::Option* const one = command->add_option("NAME", *name, "the op to show");
    command->add_flag("--markdown", *markdown, "write the page of all ops, with examples")->excludes(one);
    command->footer("example: lathe ops dot_general");
    command->callback([name, markdown] {
        if (*markdown) return put(manual_page());
        name->empty() ? list() : show(*name);
    });
}

}  // namespace lathe::tools
