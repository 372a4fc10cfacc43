// Whose threads the library runs on, and how many: the caller's choice, for each of its own threads.
#pragma once

#include <oneapi/tbb/task_arena.h>

#include "runtime/abi.h"

namespace lathe::runtime {

// Caps the threads that parallel loops of the calling thread use, until the scope ends. 1 means serial.
class ThreadLimit {
public:
    explicit ThreadLimit(int threads);
    ~ThreadLimit();
    ThreadLimit(const ThreadLimit&) = delete;
    ThreadLimit& operator=(const ThreadLimit&) = delete;

private:
    int previous_;
};

// Parallel loops of the calling thread run on it and in the host's arena until the scope ends.
class HostArena {
public:
    explicit HostArena(tbb::task_arena& arena);
    ~HostArena();
    HostArena(const HostArena&) = delete;
    HostArena& operator=(const HostArena&) = delete;

private:
    tbb::task_arena* previous_;
};

// Threads that a parallel loop of the calling thread would use at most.
int thread_count();

}  // namespace lathe::runtime

extern "C" {
// The threads of the library, or of the host's arena, for models compiled ahead of time.
lathe_pool lathe_runtime_pool(void);
}
