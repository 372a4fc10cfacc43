#include "frontend/data/loader.h"

#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>

#include <fmt/format.h>

#include "frontend/tensor/blame.h"
#include "runtime/threads.h"

namespace lathe::data::detail {

struct BatchQueue::State {
    struct Made {
        std::shared_ptr<const void> batch;
        std::exception_ptr failure;
    };

    std::int64_t count = 0, ahead = 0, taken = 0;
    Make make;
    std::mutex mutex;                 // protects what follows
    std::condition_variable changed;  // a batch was made or taken, or nobody wants more
    std::deque<Made> made;
    bool stopped = false;
    std::thread thread;  // joined by the destructor; none: batches are made when they are asked for

    Made make_one(std::int64_t i) const {
        try {
            return {make(i), nullptr};
        } catch (...) {
            return {nullptr, std::current_exception()};
        }
    }

    void read_ahead() {
        const runtime::ThreadLimit limit(1);
        for (std::int64_t i = 0; i < count; ++i) {
            {
                std::unique_lock lock(mutex);
                changed.wait(lock, [&] { return stopped || std::ssize(made) < ahead; });
                if (stopped) return;
            }
            Made one = make_one(i);
            const bool failed = one.failure != nullptr;
            {
                const std::lock_guard lock(mutex);
                made.push_back(std::move(one));
            }
            changed.notify_all();
            if (failed) return;
        }
    }
};

BatchQueue::BatchQueue(std::int64_t count, std::int64_t ahead, Make make) : state_(std::make_unique<State>()) {
    state_->count = count;
    state_->ahead = ahead;
    state_->make = std::move(make);
    if (ahead > 0 && count > 0 && runtime::thread_count() > 1)
        state_->thread = std::thread([state = state_.get()] { state->read_ahead(); });
}

BatchQueue::~BatchQueue() {
    {
        const std::lock_guard lock(state_->mutex);
        state_->stopped = true;
    }
    state_->changed.notify_all();
    if (state_->thread.joinable()) state_->thread.join();
}

std::shared_ptr<const void> BatchQueue::next() {
    if (state_->taken >= state_->count) return nullptr;
    State::Made one;
    if (state_->thread.joinable()) {
        std::unique_lock lock(state_->mutex);
        state_->changed.wait(lock, [&] { return !state_->made.empty(); });
        one = std::move(state_->made.front());
        state_->made.pop_front();
        lock.unlock();
        state_->changed.notify_all();
    } else {
        one = state_->make_one(state_->taken);
    }
    ++state_->taken;
    if (one.failure) {
        state_->taken = state_->count;
        std::rethrow_exception(one.failure);
    }
    return one.batch;
}

void check(const LoaderOptions& options, Where where) {
    if (options.batch < 1)
        lathe::detail::refuse("DataLoader", fmt::format("a batch has {} samples, less than 1", options.batch), where);
    if (options.prefetch < 0)
        lathe::detail::refuse("DataLoader", fmt::format("{} batches are to be read ahead", options.prefetch), where);
}

}  // namespace lathe::data::detail
