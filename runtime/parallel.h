// Parallel loops over TBB, in the host's arena or the calling thread's own; capped per thread of the host.
//
// How a loop is cut never shows in its results: the library's kernels compute the same bits for any cut.
#pragma once

#include <cstdint>
#include <type_traits>

#include "runtime/abi.h"
#include "runtime/threads.h"

namespace lathe::runtime {

// Calls body(context, begin, end, worker) on disjoint ranges that cover [0, trips), each of `grain` iterations or more
// (but the last), on at most `workers` threads. Calls that run at the same time have different workers below that. Runs
// serially where trips <= grain or one thread is allowed. Isolated: a thread that waits for the loop runs none of the
// host's tasks. In a host's arena the caller does not wait for a place: it works itself, and who has one helps.
void parallel_for(std::int64_t trips, std::int64_t grain, lathe_range body, void* context, int workers);

// The calling thread's loops as a pool of so many workers.
lathe_pool pool_of_thread(int workers);

template <class Body>
    requires std::is_invocable_v<Body&, std::int64_t, std::int64_t>
void parallel_for(std::int64_t trips, std::int64_t grain, Body&& body) {
    parallel_for(
        trips, grain,
        [](void* context, std::int64_t begin, std::int64_t end, std::int32_t) {
            (*static_cast<std::remove_reference_t<Body>*>(context))(begin, end);
        },
        const_cast<void*>(static_cast<const void*>(&body)), thread_count());
}

// Calls task(context, i, worker) for each i in [0, count): on the calling thread, and on threads that come to help from
// where its parallel loops run; all in all at most `workers`, and thread_count(). Calls at the same time have different
// workers below that. The caller waits for tasks that have begun, and for no place in an arena: that may be taken by
// somebody who waits for what these tasks make. Tasks throw nothing.
using SharedTask = void(void* context, std::int64_t i, int worker) noexcept;
void share_tasks(std::int64_t count, int workers, SharedTask* task, void* context);

template <class Task>
    requires std::is_nothrow_invocable_v<Task&, std::int64_t, int>
void share_tasks(std::int64_t count, int workers, Task&& task) {
    share_tasks(
        count, workers,
        [](void* context, std::int64_t i, int worker) noexcept {
            (*static_cast<std::remove_reference_t<Task>*>(context))(i, worker);
        },
        const_cast<void*>(static_cast<const void*>(&task)));
}

}  // namespace lathe::runtime
