// Batches of a data set, epoch after epoch.
//
//   data::DataLoader loader(train, {.batch = 64, .shuffle = random});
//   for (int epoch = 0; epoch < 10; ++epoch)
//       for (const auto& [images, labels] : loader) step(images, labels);
//
// A thread of the loader's own reads ahead while a batch is worked on, unless the calling thread is limited to one
// thread: then batches are read when they are asked for. The order is the same either way, and follows from the
// generator alone. What a data set throws is thrown where its batch is asked for.
#pragma once

#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <vector>

#include "frontend/data/dataset.h"

namespace lathe::data {

struct LoaderOptions {
    std::int64_t batch = 32;                 // samples
    std::optional<nn::Generator> shuffle{};  // another order in each epoch; none: as they come
    bool drop_last = false;                  // a last batch that is smaller
    std::int64_t prefetch = 2;               // batches that may be read ahead; 0: none
};

namespace detail {

// Makes batches in their order, some of them ahead.
class BatchQueue {
public:
    using Make = std::function<std::shared_ptr<const void>(std::int64_t batch)>;

    BatchQueue(std::int64_t count, std::int64_t ahead, Make make);
    ~BatchQueue();  // waits for the batch that is being made
    BatchQueue(const BatchQueue&) = delete;
    BatchQueue& operator=(const BatchQueue&) = delete;

    // Null behind the last one.
    std::shared_ptr<const void> next();

private:
    struct State;
    std::unique_ptr<State> state_;
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

    // Begins an epoch.
    Iterator begin() const {
        auto order = std::make_shared<const std::vector<std::int64_t>>(
            detail::order_of(dataset_->size(), options_.shuffle ? &*options_.shuffle : nullptr, where_));
        const auto make = [order, dataset = dataset_, batch = options_.batch](std::int64_t i) {
            const std::span<const std::int64_t> all = *order;
            const auto from = static_cast<std::size_t>(i * batch);
            const auto numbers = all.subspan(from, std::min(static_cast<std::size_t>(batch), all.size() - from));
            return std::shared_ptr<const void>(std::make_shared<const Batch>(batch_of(*dataset, numbers)));
        };
        return Iterator(std::make_shared<detail::BatchQueue>(size(), options_.prefetch, make));
    }
    Iterator end() const { return {}; }

private:
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
    Where where_;
};

}  // namespace lathe::data
