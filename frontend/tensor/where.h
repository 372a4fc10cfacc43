// The line of the user's that a call stands on.
#pragma once

#include <source_location>

namespace lathe {

using Where = std::source_location;

}  // namespace lathe
