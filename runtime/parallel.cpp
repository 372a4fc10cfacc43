#include "runtime/parallel.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include <oneapi/tbb/blocked_range.h>
#include <oneapi/tbb/parallel_for.h>

namespace lathe::runtime {
namespace {

constinit thread_local int limit_of_thread = 0;  // 0: none
constinit thread_local tbb::task_arena* arena_of_thread = nullptr;

int arena_threads() {
    return arena_of_thread ? arena_of_thread->max_concurrency() : tbb::this_task_arena::max_concurrency();
}

// Some more chunks than threads, so that a thread that was held up elsewhere does not hold up the loop.
constexpr std::int64_t chunks_per_thread = 4;

// Calls chunk(c, thread) for each chunk; `thread` is less than the arena's number of threads.
template <class Chunk>
void run_chunks(std::int64_t chunks, [[maybe_unused]] std::int64_t most_threads, const Chunk& chunk) {
#ifdef LATHE_THREAD_SANITIZER
    // TBB's library is not instrumented: the sanitizer would miss its synchronisation and report every loop.
    std::mutex mutex;
    std::exception_ptr failure;
    std::vector<std::thread> threads;
    for (std::int64_t t = 0; t < std::min(chunks, most_threads); ++t)
        threads.emplace_back([&, t] {
            try {
                for (std::int64_t c = t; c < chunks; c += most_threads) chunk(c, static_cast<int>(t));
            } catch (...) {
                const std::lock_guard lock(mutex);
                failure = std::current_exception();
            }
        });
    for (std::thread& thread : threads) thread.join();
    if (failure) std::rethrow_exception(failure);
#else
    tbb::parallel_for(
        tbb::blocked_range<std::int64_t>(0, chunks, 1),
        [&](const tbb::blocked_range<std::int64_t>& range) {
            const int thread = tbb::this_task_arena::current_thread_index();
            for (std::int64_t c = range.begin(); c < range.end(); ++c) chunk(c, thread);
        },
        tbb::simple_partitioner{});
#endif
}

// Tasks that several threads take, one by one. Helpers that come when all is done find it closed.
class SharedTasks {
public:
    SharedTasks(std::int64_t count, SharedTask* task, void* context) : count_(count), task_(task), context_(context) {}

    void help() noexcept {
        int worker = 0;
        {
            const std::lock_guard lock(mutex_);
            if (closed_) return;
            worker = ++came_;
            ++helpers_;
        }
        work(worker);
        const std::lock_guard lock(mutex_);
        if (--helpers_ == 0) alone_.notify_all();
    }

    // By the owner: returns when every task has run.
    void finish() noexcept {
        work(0);
        std::unique_lock lock(mutex_);
        closed_ = true;
        alone_.wait(lock, [&] { return helpers_ == 0; });
    }

private:
    void work(int worker) noexcept {
        for (std::int64_t i = next_.fetch_add(1); i < count_; i = next_.fetch_add(1)) task_(context_, i, worker);
    }

    const std::int64_t count_;
    SharedTask* const task_;
    void* const context_;
    std::atomic<std::int64_t> next_{0};
    std::mutex mutex_;  // protects what follows
    std::condition_variable alone_;
    int came_ = 0, helpers_ = 0;  // in all; at work
    bool closed_ = false;
};

}  // namespace

ThreadLimit::ThreadLimit(int threads) : previous_(limit_of_thread) { limit_of_thread = std::max(threads, 1); }
ThreadLimit::~ThreadLimit() { limit_of_thread = previous_; }

HostArena::HostArena(tbb::task_arena& arena) : previous_(arena_of_thread) { arena_of_thread = &arena; }
HostArena::~HostArena() { arena_of_thread = previous_; }

int thread_count() {
    if (limit_of_thread == 1) return 1;
    const int threads = arena_threads();
    return limit_of_thread == 0 ? threads : std::min(threads, limit_of_thread);
}

void parallel_for(std::int64_t trips, std::int64_t grain, lathe_range body, void* context, int workers) {
    if (trips <= 0) return;
    const std::int64_t most = trips / std::max<std::int64_t>(grain, 1);
    const int threads = most < 2 ? 1 : std::min(thread_count(), workers);
    if (threads < 2) {
        body(context, 0, trips, 0);
        return;
    }
    // As many chunks as threads are what keeps a limit below the arena's size.
    const bool limited = threads < arena_threads();
    const std::int64_t chunks = std::min<std::int64_t>(most, limited ? threads : threads * chunks_per_thread);
    const std::int64_t each = trips / chunks, extra = trips % chunks;
    const auto run_chunk = [&](std::int64_t c, int worker) {
        const std::int64_t begin = c * each + std::min(c, extra);
        body(context, begin, begin + each + (c < extra ? 1 : 0), worker);
    };
    if (arena_of_thread == nullptr) {
        tbb::this_task_arena::isolate([&] {
            run_chunks(chunks, threads,
                       [&](std::int64_t c, int thread) { run_chunk(c, limited ? static_cast<int>(c) : thread); });
        });
        return;
    }
    // Never wait for a place in the host's arena: those who have one may wait for what this loop computes.
    std::mutex mutex;
    std::exception_ptr failure;
    const auto guarded = [&](std::int64_t c, int worker) noexcept {
        try {
            run_chunk(c, worker);
        } catch (...) {
            const std::lock_guard lock(mutex);
            failure = std::current_exception();
        }
    };
    share_tasks(chunks, threads, guarded);
    if (failure) std::rethrow_exception(failure);
}

void share_tasks(std::int64_t count, int workers, SharedTask* task, void* context) {
    const std::int64_t helpers = count < 2 ? 0 : std::min<std::int64_t>({count, thread_count(), workers}) - 1;
    std::shared_ptr<SharedTasks> tasks;
#ifdef LATHE_THREAD_SANITIZER
    std::vector<std::jthread> threads;  // as in run_chunks
#endif
    try {
        if (helpers > 0) tasks = std::make_shared<SharedTasks>(count, task, context);
        for (std::int64_t h = 0; h < helpers; ++h) {
            const auto help = [tasks] { tasks->help(); };
#ifdef LATHE_THREAD_SANITIZER
            threads.emplace_back(help);
#else
            if (arena_of_thread)
                arena_of_thread->enqueue(help);
            else
                tbb::this_task_arena::enqueue(help);
#endif
        }
    } catch (const std::exception&) {
        // There is no memory or no thread for them: fewer do the same work.
    }
    if (tasks)
        tasks->finish();
    else
        for (std::int64_t i = 0; i < count; ++i) task(context, i, 0);
}

lathe_pool pool_of_thread(int workers) {
    // The number of workers travels as the context: pools are copied.
    const auto call = [](void* context, std::int64_t trips, std::int64_t grain, lathe_range body, void* body_context) {
        parallel_for(trips, grain, body, body_context, static_cast<int>(reinterpret_cast<std::intptr_t>(context)));
    };
    return {call, reinterpret_cast<void*>(static_cast<std::intptr_t>(workers)), workers};
}

}  // namespace lathe::runtime

lathe_pool lathe_runtime_pool() { return lathe::runtime::pool_of_thread(lathe::runtime::thread_count()); }
