#include "runtime/parallel.h"

#include <algorithm>
#include <array>
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

// Chunks that one thread runs first. It takes them from the front; who has none left takes from the back.
class alignas(64) Share {
public:
    void set(std::int64_t begin, std::int64_t end) { rest_.store(packed(begin, end), std::memory_order_relaxed); }

    // Each returns a chunk that nobody else gets, or -1.
    std::int64_t take_first() {
        return take([](std::int64_t& begin, std::int64_t&) { return begin++; });
    }
    std::int64_t take_last() {
        return take([](std::int64_t&, std::int64_t& end) { return --end; });
    }

private:
    static std::uint64_t packed(std::int64_t begin, std::int64_t end) {
        return static_cast<std::uint64_t>(begin) | static_cast<std::uint64_t>(end) << 32;
    }

    template <class Choose>
    std::int64_t take(const Choose& choose) {
        std::uint64_t rest = rest_.load(std::memory_order_relaxed);
        for (;;) {
            std::int64_t begin = static_cast<std::uint32_t>(rest), end = static_cast<std::int64_t>(rest >> 32);
            if (begin == end) return -1;
            const std::int64_t chunk = choose(begin, end);
            if (rest_.compare_exchange_weak(rest, packed(begin, end), std::memory_order_relaxed)) return chunk;
        }
    }

    std::atomic<std::uint64_t> rest_{0};  // the first chunk, and above it the end
};

// Chunks in as many shares as threads. What a kernel writes at some place the next one mostly reads there: a thread
// that always has the same share finds it in its own cache.
class Shares {
public:
    Shares(std::int64_t chunks, std::int64_t threads) : count_(std::min({chunks, threads, most})) {
        for (std::int64_t i = 0; i < count_; ++i) shares_[i].set(chunks * i / count_, chunks * (i + 1) / count_);
    }

    // Calls chunk(c, thread) until no chunk is left.
    template <class Chunk>
    void work(int thread, const Chunk& chunk) {
        const std::int64_t own = thread % count_;
        for (std::int64_t c = shares_[own].take_first(); c >= 0; c = shares_[own].take_first()) chunk(c, thread);
        for (std::int64_t i = 1; i < count_; ++i) {
            Share& other = shares_[(own + i) % count_];
            for (std::int64_t c = other.take_last(); c >= 0; c = other.take_last()) chunk(c, thread);
        }
    }

private:
    static constexpr std::int64_t most = 64;

    const std::int64_t count_;
    std::array<Share, most> shares_;
};

// Calls chunk(c, thread) for each chunk, on `threads` threads at most. `thread` is the number of a task if the threads
// are limited below the arena's, else that of the thread in the arena, which is the same from loop to loop.
template <class Chunk>
void run_chunks(std::int64_t chunks, std::int64_t threads, [[maybe_unused]] bool limited, const Chunk& chunk) {
    Shares shares(chunks, threads);
#ifdef LATHE_THREAD_SANITIZER
    // TBB's library is not instrumented: the sanitizer would miss its synchronisation and report every loop.
    std::mutex mutex;
    std::exception_ptr failure;
    std::vector<std::thread> workers;
    for (std::int64_t t = 0; t < std::min(chunks, threads); ++t)
        workers.emplace_back([&, t] {
            try {
                shares.work(static_cast<int>(t), chunk);
            } catch (...) {
                const std::lock_guard lock(mutex);
                failure = std::current_exception();
            }
        });
    for (std::thread& worker : workers) worker.join();
    if (failure) std::rethrow_exception(failure);
#else
    tbb::parallel_for(
        tbb::blocked_range<std::int64_t>(0, std::min(chunks, threads), 1),
        [&](const tbb::blocked_range<std::int64_t>& range) {
            for (std::int64_t t = range.begin(); t < range.end(); ++t)
                shares.work(limited ? static_cast<int>(t) : tbb::this_task_arena::current_thread_index(), chunk);
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
    const std::int64_t chunks = std::min<std::int64_t>(most, threads * chunks_per_thread);
    const std::int64_t each = trips / chunks, extra = trips % chunks;
    const auto run_chunk = [&](std::int64_t c, int worker) {
        const std::int64_t begin = c * each + std::min(c, extra);
        body(context, begin, begin + each + (c < extra ? 1 : 0), worker);
    };
    if (arena_of_thread == nullptr) {
        const bool limited = threads < arena_threads();
        tbb::this_task_arena::isolate([&] { run_chunks(chunks, threads, limited, run_chunk); });
        return;
    }
    // Never wait for a place in the host's arena: those who have one may wait for what this loop computes.
    Shares shares(chunks, threads);
    std::mutex mutex;
    std::exception_ptr failure;
    const auto help = [&](std::int64_t, int worker) noexcept {
        try {
            shares.work(worker, run_chunk);
        } catch (...) {
            const std::lock_guard lock(mutex);
            failure = std::current_exception();
        }
    };
    share_tasks(std::min<std::int64_t>(chunks, threads), threads, help);
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
