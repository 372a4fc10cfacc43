// Why the system refused something, in the words of the C locale, whatever the host's is.
#pragma once

#include <string>

namespace lathe::runtime {

std::string system_reason(int error);  // of an errno

}  // namespace lathe::runtime
