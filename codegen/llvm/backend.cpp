#include "codegen/backend.h"

#include "codegen/llvm/aot.h"
#include "codegen/llvm/jit.h"
#include "codegen/llvm/object.h"

namespace lathe::codegen {
namespace {

constexpr Backend table = {
    [](const Target& target) -> std::unique_ptr<KernelCompiler> { return std::make_unique<ObjectCompiler>(target); },
    [](std::span<const std::byte> object, std::string_view symbol) { return Jit::shared().load(object, symbol); },
    tables_object,
    archive_bytes,
};

}  // namespace
}  // namespace lathe::codegen

extern "C" const lathe::codegen::Backend* lathe_codegen_backend() { return &lathe::codegen::table; }
