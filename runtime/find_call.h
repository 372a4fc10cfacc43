// The functions of runtime/calls, by name.
#pragma once

#include <string>
#include <string_view>

#include "runtime/abi.h"

namespace lathe::runtime {

// The function "sort_v2"; null where there is none.
lathe_kernel find_call(std::string_view name);
// Its symbol.
inline std::string symbol_of_call(std::string_view name) { return "lathe_call_" + std::string(name); }

}  // namespace lathe::runtime
