// Uses the libraries that Lathe links with, but not Lathe: what a process that starts is compared with.
#include <oneapi/tbb/task_arena.h>

int main() { return oneapi::tbb::this_task_arena::max_concurrency() > 0 ? 0 : 1; }
