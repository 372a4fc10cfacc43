#include "frontend/data/loader.h"

#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>

#include <fmt/format.h>

#include "frontend/tensor/blame.h"
#include "ir/error.h"
#include "runtime/threads.h"

namespace lathe::data::detail {
namespace {

constexpr std::int64_t between_epochs = -1;

// The value that it has now.
Tensor counter_of(const nn::Generator& random) { return lathe::detail::value_of(random.named_state()[0].second); }

}  // namespace

struct BatchQueue::State {
    struct Made {
        std::shared_ptr<const void> batch;
        std::exception_ptr failure;
    };

    std::int64_t first = 0, count = 0, ahead = 0;
    std::int64_t position = 0;  // of the batch that is taken next
    bool is_at_end = false;
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
        for (std::int64_t i = first; i < count; ++i) {
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

BatchQueue::BatchQueue(std::int64_t first, std::int64_t count, std::int64_t ahead, Make make)
    : state_(std::make_unique<State>()) {
    state_->first = state_->position = first;
    state_->count = count;
    state_->ahead = ahead;
    state_->make = std::move(make);
    if (ahead > 0 && count > first && runtime::thread_count() > 1)
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
    if (state_->position >= state_->count) {
        state_->is_at_end = true;
        return nullptr;
    }
    State::Made one;
    if (state_->thread.joinable()) {
        std::unique_lock lock(state_->mutex);
        state_->changed.wait(lock, [&] { return !state_->made.empty(); });
        one = std::move(state_->made.front());
        state_->made.pop_front();
        lock.unlock();
        state_->changed.notify_all();
    } else {
        one = state_->make_one(state_->position);
    }
    ++state_->position;
    if (one.failure) {
        state_->position = state_->count;
        std::rethrow_exception(one.failure);
    }
    return one.batch;
}

std::optional<std::int64_t> BatchQueue::position() const {
    if (state_->is_at_end) return {};
    return state_->position;
}

EpochPosition::Start EpochPosition::begin(std::int64_t samples, nn::Generator* shuffle, Where where) {
    const std::int64_t first = goes_on_.value_or(0);
    if (shuffle == nullptr || !goes_on_) {
        if (shuffle != nullptr) shuffled_by_ = counter_of(*shuffle);
        goes_on_.reset();
        return {order_of(samples, shuffle, where), first};
    }
    nn::Generator then(0, where);
    then.load_state({{"counter", shuffled_by_}}, where);
    goes_on_.reset();
    return {order_of(samples, &then, where), first};
}

optim::NamedState EpochPosition::named_state(const nn::Generator* shuffle) const {
    std::optional<std::int64_t> position = goes_on_;
    if (const auto queue = queue_.lock(); queue && !position) position = queue->position();
    optim::NamedState state{{"position", Tensor::scalar(position.value_or(between_epochs))}};
    if (shuffle != nullptr) {
        const Tensor now = counter_of(*shuffle);
        state.emplace_back("order", position ? shuffled_by_ : now);
        state.emplace_back("random", now);
    }
    return state;
}

void EpochPosition::load_state(const optim::NamedState& state, nn::Generator* shuffle, std::int64_t batches,
                               Where where) {
    const lathe::detail::LocScope scope(where, "load_state");
    optim::detail::require_outside_of_traces("load_state", "load states before", where);
    const std::vector<Tensor> values = optim::detail::match_state("DataLoader", named_state(shuffle), state, where);
    const auto position = values[0].item<std::int64_t>(where);
    if (position < between_epochs || position > batches)
        throw UserError(
            fmt::format("load_state: DataLoader: {} batches were taken, and an epoch has {}", position, batches),
            lathe::detail::blame(where));
    if (shuffle != nullptr) {
        shuffle->load_state({{"counter", values[2]}}, where);
        shuffled_by_ = values[1];
    }
    queue_.reset();
    goes_on_.reset();
    if (position != between_epochs) goes_on_ = position;
}

void check(const LoaderOptions& options, Where where) {
    if (options.batch < 1)
        lathe::detail::refuse("DataLoader", fmt::format("a batch has {} samples, less than 1", options.batch), where);
    if (options.prefetch < 0)
        lathe::detail::refuse("DataLoader", fmt::format("{} batches are to be read ahead", options.prefetch), where);
}

}  // namespace lathe::data::detail
