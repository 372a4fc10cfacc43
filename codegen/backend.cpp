#include "codegen/backend.h"

#include <dlfcn.h>

#include "ir/error.h"

namespace lathe::codegen {
namespace {

const Backend& load_backend() {
    constexpr const char* library = LATHE_CODEGEN_LIBRARY;  // beside this library: its run path says so
    void* const handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    if (!handle) throw ResourceError(std::string("the code generator cannot be loaded: ") + dlerror());
    void* const entry = dlsym(handle, "lathe_codegen_backend");
    if (!entry) throw ResourceError(std::string("the code generator cannot be loaded: ") + dlerror());
    return *reinterpret_cast<const Backend* (*)()>(entry)();
}

}  // namespace

const Backend& backend() {
    static const Backend& loaded = load_backend();
    return loaded;
}

}  // namespace lathe::codegen
