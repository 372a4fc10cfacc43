#include "ir/graph/op_versions.h"

namespace lathe::ir {
namespace {

OpDef at_version(const OpDef& op, int version) {
    OpDef row = op;
    row.version = version;
    if (version < op.version) row.attributes = op.upgrades[static_cast<std::size_t>(version - 1)].attributes;
    return row;
}

}  // namespace

std::string OpVersions::list(const OpDef& op, std::int64_t version) {
    const std::string what = "version " + std::to_string(version) + " of " + std::string(op.name);
    if (version < 1) return what + " was never used";
    if (version > op.version)
        return what + " is newer than this library, which knows versions up to " + std::to_string(op.version);
    const bool is_new = rows_.emplace(&op, at_version(op, static_cast<int>(version))).second;
    return is_new ? "" : std::string(op.name) + " is listed twice";
}

const OpDef* OpVersions::written(const OpDef& op) {
    if (const auto found = rows_.find(&op); found != rows_.end()) return &found->second;
    if (is_list_) return nullptr;
    return &rows_.emplace(&op, at_version(op, op.version)).first->second;
}

void upgrade(Graph& graph, const OpDef& written, const OpDef& op, WrittenNode& node, Loc loc) {
    if (written.version == op.version) return;
    const Loc before = std::exchange(graph.default_loc, loc);
    for (const Upgrade& step : op.upgrades.subspan(static_cast<std::size_t>(written.version - 1))) step.apply(node);
    graph.default_loc = before;
}

}  // namespace lathe::ir
