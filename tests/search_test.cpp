// What is looked for among elements, against sorts and counts of the standard library.
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "frontend/functions/functions.h"
#include "frontend/trace/grad.h"
#include "frontend/trace/jit.h"
#include "frontend/trace/vmap.h"

namespace lathe {
namespace {

using Extents = std::vector<std::int64_t>;
using Places = std::vector<std::int64_t>;
const float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();

std::vector<float> random_floats(std::size_t count, unsigned seed, int different) {
    std::mt19937 random(seed);
    std::vector<float> out;
    for (std::size_t i = 0; i < count; ++i)
        out.push_back(static_cast<float>(random() % static_cast<unsigned>(different)) * 0.5F - 3);
    return out;
}
// With NaN last.
bool precedes(float a, float b) { return std::isnan(b) ? !std::isnan(a) : a < b; }

TEST(Topk, is_the_beginning_of_a_sort) {
    for (const std::size_t rows : {1, 2, 7, 63, 64, 65, 200, 3000})
        for (const int different : {3, 1000000})
            for (const std::int64_t count : {std::int64_t{0}, std::int64_t{1}, std::int64_t{5}, std::int64_t{70}})
                for (const bool largest : {false, true}) {
                    const auto n = static_cast<std::int64_t>(rows);
                    if (count > n) continue;
                    const Tensor x = Tensor::from(random_floats(rows * 3, 7, different), {n, 3});
                    for (const std::int64_t axis : {0, 1}) {
                        const Tensor lines = axis == 0 ? x : x.t();
                        const auto [values, places] = topk(lines, count, axis, {.largest = largest});
                        const SortOptions order{.descending = largest};
                        EXPECT_EQ(values.to_array(), narrow(sort(lines, axis, order), axis, 0, count).to_array());
                        EXPECT_EQ(places.to_array(), narrow(argsort(lines, axis, order), axis, 0, count).to_array());
                    }
                }
}

TEST(Topk, puts_nan_last_and_keeps_the_signs_of_zeros) {
    const Tensor x = Tensor::from({-0.0F, nan, 0.0F, -1.0F, infinity, -0.0F});
    const auto [greatest, places] = topk(x, 4);
    EXPECT_EQ(places.to_vector<std::int64_t>(), (Places{4, 0, 2, 5}));
    const std::vector<float> values = greatest.to_vector<float>();
    EXPECT_EQ((std::vector{std::signbit(values[1]), std::signbit(values[2]), std::signbit(values[3])}),
              (std::vector{true, false, true}));
    EXPECT_EQ(topk(x, 6, 0, {.largest = false}).second.to_vector<std::int64_t>(), (Places{3, 0, 2, 5, 4, 1}));
    EXPECT_EQ(topk(Tensor::from({std::int8_t{3}, std::int8_t{-128}, std::int8_t{127}}), 1).first.item<int>(), 127);
}

TEST(Topk, has_derivatives_and_batches) {
    const Tensor x = Tensor::from({1.0, 5.0, 3.0, 4.0}), weights = Tensor::from({10.0, 100.0});
    const auto slope = grad([&](const Tensor& t) { return sum(topk(t, 2).first * weights); });
    EXPECT_EQ(slope(x).to_vector<double>(), (std::vector{0.0, 10.0, 0.0, 100.0}));
    const Tensor batch = vmap([](const Tensor& t) { return topk(t, 2).second; })(stack({x, -x}));
    EXPECT_EQ(batch.to_vector<std::int64_t>(), (Places{1, 3, 0, 2}));
    const auto f = jit([](const Tensor& t) { return topk(t, 2).first; });
    for (const std::int64_t n : {3, 40, 700}) EXPECT_EQ(f(arange(n)).to_vector<std::int64_t>(), (Places{n - 1, n - 2}));
    EXPECT_EQ(f.statistics().traces, 1);
}

TEST(Searchsorted, finds_what_the_standard_library_finds) {
    for (const std::size_t n : {0, 1, 2, 63, 1000})
        for (const std::size_t m : {0, 1, 700}) {
            std::vector<float> sorted = random_floats(n, 1, 40), values = random_floats(m, 2, 50);
            if (n > 2) sorted[0] = nan;
            if (m > 2) values[1] = nan, values[2] = -infinity;
            std::ranges::sort(sorted, precedes);
            Places left, right;
            for (const float v : values) {
                left.push_back(std::ranges::lower_bound(sorted, v, precedes) - sorted.begin());
                right.push_back(std::ranges::upper_bound(sorted, v, precedes) - sorted.begin());
            }
            const Tensor s = Tensor::from(sorted, {static_cast<std::int64_t>(n)});
            const Tensor v = Tensor::from(values, {static_cast<std::int64_t>(m)});
            EXPECT_EQ(searchsorted(s, v).to_vector<std::int64_t>(), left);
            EXPECT_EQ(bucketize(v, s, {.right = true}).to_vector<std::int64_t>(), right);
        }
    const Tensor lines = Tensor::from({1, 3, 5, 2, 4, 6}, {2, 3}), values = Tensor::from({3, 3, 7, 1}, {2, 2});
    EXPECT_EQ(searchsorted(lines, values).to_vector<std::int64_t>(), (Places{1, 1, 3, 0}));
    EXPECT_EQ(searchsorted(lines[{0}], values, {.right = true}).to_vector<std::int64_t>(), (Places{2, 2, 3, 1}));
    EXPECT_EQ(searchsorted(lines[{0}], Tensor::scalar(5)).item<std::int64_t>(), 2);
    EXPECT_EQ(searchsorted(Tensor::from({-0.0F}), Tensor::scalar(0.0F)).item<std::int64_t>(), 0);
}

TEST(Nonzero, is_exact_or_bounded) {
    const Tensor x = Tensor::from({0.0F, 2.0F, nan, -0.0F, 0.0F, -1.0F}, {2, 3});
    EXPECT_EQ(nonzero(x).shape(), (Extents{3, 2}));
    EXPECT_EQ(nonzero(x).to_vector<std::int64_t>(), (Places{0, 1, 0, 2, 1, 2}));
    const std::vector<Tensor> along = where(x == x);
    EXPECT_EQ(along[0].to_vector<std::int64_t>(), (Places{0, 0, 1, 1, 1}));
    EXPECT_EQ(along[1].to_vector<std::int64_t>(), (Places{0, 1, 0, 1, 2}));
    EXPECT_EQ(nonzero(zeros({3})).shape(), (Extents{0, 1}));
    EXPECT_EQ(nonzero(Tensor::scalar(2)).shape(), (Extents{1, 0}));
    const auto f = jit([](const Tensor& t) {
        const Bounded b = nonzero_bounded(t, 4);
        return std::pair(b.positions, b.count);
    });
    const auto [positions, count] = f(x);
    EXPECT_EQ(positions.to_vector<std::int64_t>(), (Places{0, 1, 0, 2, 1, 2, 0, 0}));
    EXPECT_EQ(count.item<int>(), 3);
    const auto [more, all] = f(ones({3, 5}));
    EXPECT_EQ(more.to_vector<std::int64_t>(), (Places{0, 0, 0, 1, 0, 2, 0, 3}));
    EXPECT_EQ(all.item<int>(), 15);
    const auto [few, none] = f(zeros({2, 0}));
    EXPECT_EQ(few.to_vector<std::int64_t>(), Places(8, 0));
    EXPECT_EQ(none.item<int>(), 0);
}

TEST(Unique, sorts_counts_and_numbers) {
    for (const std::size_t n : {1, 2, 30, 5000}) {
        const std::vector<float> values = random_floats(n, 3, 20);
        std::map<float, std::int64_t> counts;
        for (const float v : values) ++counts[v];
        std::vector<float> different;
        Places inverse, times;
        for (const auto& [value, count] : counts) {
            different.push_back(value);
            times.push_back(count);
        }
        for (const float v : values) inverse.push_back(std::ranges::lower_bound(different, v) - different.begin());
        const Tensor x = Tensor::from(values, {static_cast<std::int64_t>(n)});
        const Unique u = unique(x);
        EXPECT_EQ(u.values.to_vector<float>(), different);
        EXPECT_EQ(u.inverse.to_vector<std::int64_t>(), inverse);
        EXPECT_EQ(u.counts.to_vector<std::int64_t>(), times);

        const std::size_t kinds = different.size();
        const auto f = jit([](const Tensor& t) {
            const BoundedUnique b = unique_bounded(t, 25);
            return std::vector<Tensor>{b.values, b.inverse, b.counts, b.count};
        });
        const std::vector<Tensor> bounded = f(x);
        different.resize(25, different[0]);
        times.resize(25, 0);
        EXPECT_EQ(bounded[0].to_vector<float>(), different);
        EXPECT_EQ(bounded[1].to_vector<std::int64_t>(), inverse);
        EXPECT_EQ(bounded[2].to_vector<std::int64_t>(), times);
        EXPECT_EQ(bounded[3].item<std::size_t>(), kinds);
    }
    const Unique odd = unique(Tensor::from({nan, 0.0F, nan, -0.0F}, {2, 2}));
    EXPECT_EQ(odd.counts.to_vector<std::int64_t>(), (Places{2, 2}));
    EXPECT_EQ(odd.inverse.to_vector<std::int64_t>(), (Places{1, 0, 1, 0}));
    EXPECT_EQ(odd.inverse.shape(), (Extents{2, 2}));
    EXPECT_EQ(unique(zeros({0})).values.size(), 0);
    EXPECT_EQ(unique_bounded(Tensor::from({3, 1, 3, 2}), 2).values.to_vector<int>(), (std::vector{1, 2}));
    EXPECT_EQ(unique_bounded(Tensor::from({3, 1, 3, 2}), 2).counts.to_vector<int>(), (std::vector{1, 1}));
}

TEST(Bincount, counts_and_weighs) {
    const Tensor x = Tensor::from({3, 1, 1, 0, 3, 3});
    EXPECT_EQ(bincount(x).to_vector<std::int64_t>(), (Places{1, 2, 0, 3}));
    EXPECT_EQ(bincount(x, {.minlength = 6}).to_vector<std::int64_t>(), (Places{1, 2, 0, 3, 0, 0}));
    const Tensor weights = Tensor::from({0.5F, 1.0F, 2.0F, 4.0F, 8.0F, 16.0F});
    EXPECT_EQ(bincount(x, {.weights = weights}).to_vector<float>(), (std::vector{4.0F, 3.0F, 0.0F, 24.5F}));
    EXPECT_EQ(bincount(Tensor::from(std::vector<int>(), {0})).size(), 0);
    const auto f = jit([](const Tensor& t) { return bincount(t, {.length = 5}); });
    EXPECT_EQ(f(x).to_vector<std::int64_t>(), (Places{1, 2, 0, 3, 0}));
    EXPECT_THROW(bincount(Tensor::from({1, -1})).eval(), IndexError);
    EXPECT_THROW(f(x + 2).eval(), IndexError);
}

TEST(Histogram, counts_by_intervals) {
    const Tensor x = Tensor::from({1.0F, 2.0F, 1.0F, 4.0F, 3.5F, 0.0F, nan});
    const auto [counts, edges] = histogram(x, 4, {.range = std::pair(0.0, 4.0)});
    EXPECT_EQ(counts.to_vector<std::int64_t>(), (Places{1, 2, 1, 2}));
    EXPECT_EQ(edges.to_vector<float>(), (std::vector{0.0F, 1.0F, 2.0F, 3.0F, 4.0F}));
    EXPECT_EQ(histogram(x, 2, {.range = std::pair(1.5, 3.75)}).first.to_vector<std::int64_t>(), (Places{1, 1}));
    const auto [own, ends] = histogram(arange(11), 5);
    EXPECT_EQ(own.to_vector<std::int64_t>(), (Places{2, 2, 2, 2, 3}));
    EXPECT_EQ(ends.to_vector<double>(), (std::vector{0.0, 2.0, 4.0, 6.0, 8.0, 10.0}));
    EXPECT_EQ(histogram(Tensor::from({7, 7}), 2).second.to_vector<double>(), (std::vector{6.5, 7.0, 7.5}));
    EXPECT_EQ(histogram(zeros({0}), 2).first.to_vector<std::int64_t>(), (Places{0, 0}));
    const auto f = jit([](const Tensor& t) { return histogram(t, 3).first; });
    EXPECT_EQ(f(arange(9)).to_vector<std::int64_t>(), (Places{3, 3, 3}));
    EXPECT_EQ(f(arange(4)).to_vector<std::int64_t>(), (Places{1, 1, 2}));
}

template <class E, class F>
void expect_message(const F& f, const std::string& message, Where where = Where::current()) {
    try {
        f();
        ADD_FAILURE() << "nothing was thrown, for " << message;
    } catch (const E& e) {
        EXPECT_EQ(e.what(), std::string(where.file_name()) + ":" + std::to_string(where.line()) + ": " + message);
    }
}

TEST(Search, the_most_frequent_element_is_the_least_of_several) {
    const Tensor x = Tensor::from({3.0F, 1.0F, 3.0F, 1.0F, 2.0F, nan, nan, nan, 5.0F, 5.0F}, {2, 5});
    const auto [values, indices] = mode(x);
    EXPECT_EQ(values[{0}].item<float>(), 1);
    EXPECT_TRUE(std::isnan(values[{1}].item<float>()));
    EXPECT_EQ(indices.to_vector<std::int64_t>(), (Places{1, 0}));
    const auto columns = mode(Tensor::from({7, 7, 8, 9, 8, 7}, {3, 2}), 0, true);
    EXPECT_EQ(columns.values.shape(), (Extents{1, 2}));
    EXPECT_EQ(columns.values.to_vector<std::int32_t>(), (std::vector<std::int32_t>{8, 7}));
    EXPECT_EQ(columns.indices.to_vector<std::int64_t>(), (Places{1, 0}));
    EXPECT_EQ(jit([](const Tensor& y) { return mode(y).indices; })(x).to_vector<std::int64_t>(), (Places{1, 0}));
}

TEST(Search, what_is_among_values) {
    const Tensor x = Tensor::from({1.0F, 2.0F, nan, -0.0F}, {2, 2}), values = Tensor::from({nan, 0.0F, 2.0F});
    EXPECT_EQ(convert(isin(x, values), Dtype::i32).to_vector<std::int32_t>(), (std::vector<std::int32_t>{0, 1, 0, 1}));
    EXPECT_EQ(isin(x, values, {.invert = true}).to_array(), logical_not(isin(x, values)).to_array());
    EXPECT_EQ(isin(x, zeros({0})).to_array(), zeros({2, 2}, Dtype::boolean).to_array());
}

TEST(Search, says_what_is_wrong) {
    const Tensor x = ones({2, 3});
    expect_message<TypeError>([&] { topk(x, 4); },
                              "topk: there are not so many elements along the axis: 4 exceeds 3 (f32[2, 3])");
    expect_message<TypeError>([&] { topk(x, -1); }, "topk: the count is negative: -1 (f32[2, 3])");
    expect_message<TypeError>([&] { topk(x, 1, 2); }, "topk: axis 2 is out of range for rank 2 (f32[2, 3])");
    const std::string why1 =
        "searchsorted: wants a line of values for each line of sorted elements (f32[2, 3] and f32[2])";
    expect_message<TypeError>([&] { searchsorted(x, ones({2})); }, why1);
    expect_message<TypeError>([&] { searchsorted(ones({2}), arange(2)); },
                              "searchsorted: the dtypes differ; convert() makes them the same (f32[2] and i64[2])");
    const std::string why2 =
        "bincount: operand 0 is f32, not one of i64 i32 i16 i8 u64 u32 u16 u8; convert() makes it one (f32[2, 3])";
    expect_message<TypeError>([&] { bincount(x); }, why2);
    expect_message<TypeError>([&] { histogram(x, 0); }, "histogram: bins is 0, less than 1 (f32[2, 3])");
    expect_message<TypeError>([&] { nonzero_bounded(x, -1); }, "nonzero_bounded: bound is -1, less than 0 (f32[2, 3])");
    expect_message<IndexError>([&] { bincount(Tensor::from({1, -1})).eval(); },
                               "scatter_add: index -1 at position 1 is out of range for 2");
    for (const auto& f : std::vector<std::function<Tensor(const Tensor&)>>{
             [](const Tensor& t) { return nonzero(t); }, [](const Tensor& t) { return unique(t).values; },
             [](const Tensor& t) { return masked_select(t, t > 0.0); },
             [](const Tensor& t) { return bincount(convert(t, Dtype::i32)); }})
        try {
            jit(f)(x);
            ADD_FAILURE() << "nothing was thrown";
        } catch (const UserError& e) {
            EXPECT_NE(std::string(e.what()).find("traced"), std::string::npos) << e.what();
            EXPECT_NE(std::string(e.what()).find("search_test.cpp"), std::string::npos) << e.what();
        }
}

}  // namespace
}  // namespace lathe
