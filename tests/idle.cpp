// Links Lathe, uses it, and compiles nothing: what a process pays for that is measured.
#include <dlfcn.h>

#include "ir/ops/op.h"

int main() {
    if (lathe::ir::op_table().empty()) return 1;
    return dlopen(LATHE_CODEGEN_LIBRARY, RTLD_NOW | RTLD_NOLOAD) == nullptr ? 0 : 2;  // LLVM is not there
}
