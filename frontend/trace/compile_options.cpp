#include "frontend/trace/compile_options.h"

#include "codegen/compile.h"

namespace lathe::detail {

codegen::CompileOptions compiler_options(const CompileOptions& options) {
    codegen::CompileOptions out{.target = codegen::target_named(options.target)};
    out.pipeline.off = options.off;
    out.interpreted = out.interpreted || options.interpreted;
    return out;
}

}  // namespace lathe::detail
