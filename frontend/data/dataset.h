// Data sets: samples by number, which a DataLoader makes batches of (see loader.h).
//
//   data::Rows train(std::pair(images, labels));          // sample i: row i of each tensor
//   auto [learn, check] = data::split(train, 0.9, random);
//   auto noisy = data::map(learn, [](const auto& sample) { ... return sample; });
//
// A data set of your own is any type with size() and operator[](number), which gives a sample: a tree of tensors (see
// tree.h), all samples alike. Samples may be asked for on another thread than the one that made the data set.
#pragma once

#include <concepts>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "frontend/nn/nn.h"
#include "frontend/tensor/tree.h"

namespace lathe::data {

template <class D>
using SampleOf = std::decay_t<decltype(std::declval<const D&>()[std::int64_t{0}])>;

template <class D>
concept Dataset = requires(const D& d, std::int64_t i) {
    { d.size() } -> std::convertible_to<std::int64_t>;
    d[i];
} && Tree<SampleOf<D>>;

namespace detail {

// How many rows the tensors have; TypeError where they differ, or one has no axis.
std::int64_t row_count(std::span<const Tensor> tensors, Where where);
// These rows of a tensor, in their order, as a new one. IndexError for what is none.
Tensor rows_of(const Tensor& x, std::span<const std::int64_t> rows);
// Row i, without the first axis.
Tensor row_of(const Tensor& x, std::int64_t i);
// Tensors of one type as one with a first axis. TypeError where they differ.
Tensor stacked(std::span<const Tensor> parts);
// 0 to n - 1, shuffled where there is a generator.
std::vector<std::int64_t> order_of(std::int64_t n, nn::Generator* random, Where where);
// The sizes of two parts of n, the first of which has that share. UserError where the share is not in [0, 1].
std::int64_t share_of(std::int64_t n, double share, Where where);

}  // namespace detail

// The samples as one tree whose tensors have a first axis: a batch.
template <Tree Sample>
Sample stack(std::span<const Sample> samples) {
    std::vector<std::vector<Tensor>> apart;
    for (const Sample& s : samples) apart.push_back(tensors_of(s));
    std::vector<Tensor> joined, parts;
    for (std::size_t i = 0; i < apart.at(0).size(); ++i) {
        parts.clear();
        for (const std::vector<Tensor>& tensors : apart) parts.push_back(tensors.at(i));
        joined.push_back(detail::stacked(parts));
    }
    std::span<const Tensor> next = joined;
    return with_tensors(samples[0], next);
}

// Rows of tensors that are in memory. Copies share it.
template <Tree T>
class Rows {
public:
    // Throws TypeError where the tensors have no first axis of the same extent.
    explicit Rows(T tensors, Where where = Where::current())
        : tensors_(std::move(tensors)), size_(detail::row_count(tensors_of(tensors_), where)) {}

    std::int64_t size() const { return size_; }
    T operator[](std::int64_t i) const {
        return each([i](const Tensor& x) { return detail::row_of(x, i); });
    }
    // Several at once: what a DataLoader takes where a data set offers it.
    T batch(std::span<const std::int64_t> rows) const {
        return each([rows](const Tensor& x) { return detail::rows_of(x, rows); });
    }

private:
    template <class F>
    T each(const F& f) const {
        T out = tensors_;
        visit_tensors(out, [&](Tensor& x) { x = f(x); });
        return out;
    }

    T tensors_;
    std::int64_t size_;
};

// Some samples of a data set, by their numbers.
template <Dataset D>
class Subset {
public:
    Subset(D of, std::vector<std::int64_t> numbers) : of_(std::move(of)), numbers_(std::move(numbers)) {}

    std::int64_t size() const { return static_cast<std::int64_t>(numbers_.size()); }
    SampleOf<D> operator[](std::int64_t i) const { return of_[numbers_.at(static_cast<std::size_t>(i))]; }
    SampleOf<D> batch(std::span<const std::int64_t> samples) const
        requires requires(const D& d) { d.batch(samples); }
    {
        std::vector<std::int64_t> rows;
        for (const std::int64_t i : samples) rows.push_back(numbers_.at(static_cast<std::size_t>(i)));
        return of_.batch(rows);
    }

private:
    D of_;
    std::vector<std::int64_t> numbers_;
};

// The samples of a data set as a function gives them: augmented, normalised, decoded.
template <Dataset D, class F>
class Mapped {
public:
    Mapped(D of, F f) : of_(std::move(of)), f_(std::move(f)) {}

    std::int64_t size() const { return of_.size(); }
    auto operator[](std::int64_t i) const { return f_(of_[i]); }

private:
    D of_;
    F f_;
};

template <Dataset D, class F>
Mapped<D, F> map(D dataset, F f) {
    return {std::move(dataset), std::move(f)};
}

// Two parts, shuffled, the first of which has that share of the samples, rounded down.
template <Dataset D>
std::pair<Subset<D>, Subset<D>> split(const D& dataset, double share, nn::Generator& random,
                                      Where where = Where::current()) {
    const std::vector<std::int64_t> order = detail::order_of(dataset.size(), &random, where);
    const auto middle = order.begin() + detail::share_of(dataset.size(), share, where);
    return {Subset<D>(dataset, {order.begin(), middle}), Subset<D>(dataset, {middle, order.end()})};
}

}  // namespace lathe::data
