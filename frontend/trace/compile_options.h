// How functions and models are compiled, where not as usual.
#pragma once

#include <string>
#include <vector>

namespace lathe {

struct CompileOptions {
    std::string target = "host";     // the level that code is for: "avx2", "avx512", "vnni", or what this processor has
    std::vector<std::string> off{};  // names of passes that are left out
    bool interpreted = false;        // kernels run through an interpreter: the same bits, slowly, without machine code
};

namespace codegen {
struct CompileOptions;
}
namespace detail {

// What the compiler is told. Throws UserError for a target that it does not know.
codegen::CompileOptions compiler_options(const CompileOptions& options);

}  // namespace detail
}  // namespace lathe
