/* A host that does not link with a library, but loads it later: loads_late LIBRARY. */
#include <dlfcn.h>
#include <stdio.h>

int main(int count, char** arguments) {
    if (count != 2) return 2;
    if (dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL)) return 0;
    fprintf(stderr, "%s\n", dlerror());
    return 1;
}
