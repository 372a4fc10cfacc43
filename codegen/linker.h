// The system's linker, found at run time.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "codegen/aot.h"

namespace lathe::codegen {

enum class LinkKind : std::uint8_t {
    relocatable,  // one object of many
    shared,       // a library that needs no other
    executable,   // with the driver of compiled models; links with libc
};

// The linked file's bytes; libraries and executables hold what they call of linear algebra, too. Throws ResourceError
// where no linker is found, or what it said where it fails.
std::vector<std::byte> link(std::span<const ObjectFile> objects, LinkKind kind, const std::string& name,
                            bool with_linear_algebra);

}  // namespace lathe::codegen
