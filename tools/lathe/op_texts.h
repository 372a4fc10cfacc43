// What the manual says of a row of the op table, in pieces: for `lathe ops NAME`, and for the page of all ops.
#pragma once

#include <string>
#include <string_view>

#include "ir/ops/op.h"

namespace lathe::tools {

std::string_view lowering_name(ir::Lowering lowering);
std::string dtypes_of(const ir::OpDef& op);
std::string signature_of(const ir::OpDef& op);
std::string gradient_of(const ir::OpDef& op);
// Empty where the result is exact, or what IEEE 754 has.
std::string accuracy_of(const ir::OpDef& op);

// Every row, in Markdown: docs/ops.md.
std::string manual_page();

}  // namespace lathe::tools
