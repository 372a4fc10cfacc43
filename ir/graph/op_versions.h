// The versions of ops that a text speaks, and what becomes of a node of an older one.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "ir/ops/op.h"

namespace lathe::ir {

class OpVersions {
public:
    // From here on an op has to be listed; without a list all are of the present version.
    void expect_list() { is_list_ = true; }
    // Why it cannot be read; empty where it can.
    std::string list(const OpDef& op, std::int64_t version);
    // The row as it was in the version that the text speaks, with the attributes of that time; null if not listed.
    const OpDef* written(const OpDef& op);

private:
    bool is_list_ = false;
    std::map<const OpDef*, OpDef> rows_;  // what `written` gives
};

// Applies the row's upgrades, one after the other. What they record in the graph is blamed on `loc`.
void upgrade(Graph& graph, const OpDef& written, const OpDef& op, WrittenNode& node, Loc loc);

}  // namespace lathe::ir
