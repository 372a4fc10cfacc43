// Batches of a data set, epoch after epoch.
//
//   data::DataLoader loader(train, {.batch = 64, .shuffle = random});
//   for (int epoch = 0; epoch < 10; ++epoch)
//       for (const auto& [images, labels] : loader) step(images, labels);
//
// A thread of the loader's own reads ahead while a batch is worked on, unless the calling thread is limited to one
// thread: then batches are read when they are asked for. The order is the same either way, and follows from the
// generator alone. What a data set throws is thrown where its batch is asked for.
//
// named_state() says how far an epoch is: a loader that has loaded it goes on with the batch behind the one that was
// taken last, in the same order, and then as the other does. Keys that the data set draws itself are no part of it.
#pragma once

#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <vector>

#include "frontend/data/dataset.h"
#include "frontend/optim/state.h"

namespace lathe::data {

struct LoaderOptions {
    std::int64_t batch = 32;                 // samples
    std::optional<nn::Generator> shuffle{};  // another order in each epoch; none: as they come
    bool drop_last = false;                  // a last batch that is smaller
    std::int64_t prefetch = 2;               // batches that may be read ahead; 0: none
};

namespace detail {

// Makes the batches of an epoch in their order, from the first that is wanted, some of them ahead.
class BatchQueue {
public:
    using Make = std::function<std::shared_ptr<const void>(std::int64_t batch)>;

    BatchQueue(std::int64_t first, std::int64_t count, std::int64_t ahead, Make make);
    ~BatchQueue();  // waits for the batch that is being made
    BatchQueue(const BatchQueue&) = delete;
    BatchQueue& operator=(const BatchQueue&) = delete;

    // Null behind the last one.
    std::shared_ptr<const void> next();
    // Where the batch is that comes next; none once next() has given null.
    std::optional<std::int64_t> position() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

// How far the epoch of a loader is: what its copies share.
class EpochPosition {
public:
    struct Start {
        std::vector<std::int64_t> order;  // of samples
        std::int64_t first_batch = 0;
    };
    // A new epoch, or what is left of the one that a state was loaded of.
    Start begin(std::int64_t samples, nn::Generator* shuffle, Where where);
    // The queue of that epoch, which lasts as long as its iterators.
    void follow(const std::shared_ptr<const BatchQueue>& queue) { queue_ = queue; }

    optim::NamedState named_state(const nn::Generator* shuffle) const;
    void load_state(const optim::NamedState& state, nn::Generator* shuffle, std::int64_t batches, Where where);

private:
    std::weak_ptr<const BatchQueue> queue_;
    Tensor shuffled_by_;                   // the generator's counter where the epoch began
    std::optional<std::int64_t> goes_on_;  // a state was loaded: the batch that the next epoch begins with
};

// Throws UserError for options that make no sense.
void check(const LoaderOptions& options, Where where);

}  // namespace detail

template <Dataset D>
class DataLoader {
public:
    using Batch = SampleOf<D>;

    explicit DataLoader(D dataset, LoaderOptions options = {}, Where where = Where::current())
        : dataset_(std::make_shared<const D>(std::move(dataset))), options_(std::move(options)), where_(where) {
        detail::check(options_, where);
    }

    // Of an epoch.
    std::int64_t size() const {
        const std::int64_t samples = dataset_->size();
        return options_.drop_last ? samples / options_.batch : (samples + options_.batch - 1) / options_.batch;
    }
    const D& dataset() const { return *dataset_; }

    class Iterator {
    public:
        using iterator_category = std::input_iterator_tag;
        using value_type = Batch;
        using difference_type = std::ptrdiff_t;
        using pointer = const Batch*;
        using reference = const Batch&;

        Iterator() = default;
        const Batch& operator*() const { return *static_cast<const Batch*>(batch_.get()); }
        const Batch* operator->() const { return &**this; }
        Iterator& operator++() {
            batch_ = queue_->next();
            return *this;
        }
        void operator++(int) { ++*this; }
        friend bool operator==(const Iterator& a, const Iterator& b) { return a.batch_ == b.batch_; }

    private:
        friend class DataLoader;
        explicit Iterator(std::shared_ptr<detail::BatchQueue> queue) : queue_(std::move(queue)) { ++*this; }
        std::shared_ptr<detail::BatchQueue> queue_;
        std::shared_ptr<const void> batch_;
    };

    // Begins an epoch, or goes on with the one whose state was loaded.
    Iterator begin() const {
        auto start =
            std::make_shared<const detail::EpochPosition::Start>(position_->begin(dataset_->size(), shuffle(), where_));
        const auto make = [start, dataset = dataset_, batch = options_.batch](std::int64_t i) {
            const std::span<const std::int64_t> all = start->order;
            const auto from = static_cast<std::size_t>(i * batch);
            const auto numbers = all.subspan(from, std::min(static_cast<std::size_t>(batch), all.size() - from));
            return std::shared_ptr<const void>(std::make_shared<const Batch>(batch_of(*dataset, numbers)));
        };
        const auto queue = std::make_shared<detail::BatchQueue>(start->first_batch, size(), options_.prefetch, make);
        position_->follow(queue);
        return Iterator(queue);
    }
    Iterator end() const { return {}; }

    // "position", i64 of rank 0: how many batches of an epoch were taken, -1 between two epochs; where samples are
    // shuffled also "order" and "random", u64: the generator's counter where the epoch began, and now.
    optim::NamedState named_state() const { return position_->named_state(shuffle()); }
    // Throws TypeError where a name or a type does not fit, UserError where the epoch has fewer batches.
    void load_state(const optim::NamedState& state, Where where = Where::current()) {
        position_->load_state(state, shuffle(), size(), where);
    }

private:
    nn::Generator* shuffle() const { return options_.shuffle ? &*options_.shuffle : nullptr; }
    static Batch batch_of(const D& dataset, std::span<const std::int64_t> numbers) {
        if constexpr (requires { dataset.batch(numbers); }) {
            return dataset.batch(numbers);
        } else {
            std::vector<Batch> samples;
            for (const std::int64_t i : numbers) samples.push_back(dataset[i]);
            return stack(std::span<const Batch>(samples));
        }
    }

    std::shared_ptr<const D> dataset_;
    mutable LoaderOptions options_;  // the generator moves on
    std::shared_ptr<detail::EpochPosition> position_ = std::make_shared<detail::EpochPosition>();
    Where where_;
};

}  // namespace lathe::data
