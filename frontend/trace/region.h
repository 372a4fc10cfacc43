// Whether what a thread records belongs to a loop or branch.
#pragma once

namespace lathe::detail {

bool in_region();

}  // namespace lathe::detail
