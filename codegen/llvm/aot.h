// What ahead-of-time compilation needs of LLVM; see Backend.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "codegen/aot.h"

namespace lathe::codegen {

std::vector<std::byte> tables_object(const AotTables& tables);
std::vector<std::byte> archive_bytes(std::span<const ObjectFile> objects);

}  // namespace lathe::codegen
