// Data sets, loaders, progress and metrics.
#include <atomic>
#include <cmath>
#include <cstdio>
#include <stdexcept>
#include <thread>

#include <gtest/gtest.h>

#include "lathe.h"
#include "runtime/threads.h"

namespace lathe {
namespace {

using Pair = std::pair<Tensor, Tensor>;

// x: [n, 2], rows (i, -i); y: [n], i.
data::Rows<Pair> numbered(std::int64_t n) {
    const Tensor i = arange(n);
    return data::Rows(Pair(stack({i, -i}, 1), convert(i, Dtype::i32)));
}

std::vector<std::vector<std::int32_t>> labels_of(const auto& loader) {
    std::vector<std::vector<std::int32_t>> out;
    for (const auto& [x, y] : loader) {
        EXPECT_EQ(x.shape(), (std::vector<std::int64_t>{y.extent(0), 2}));
        out.push_back(y.template to_vector<std::int32_t>());
        const std::vector<std::int64_t> pairs = x.template to_vector<std::int64_t>();
        for (std::size_t i = 0; i < out.back().size(); ++i) {
            EXPECT_EQ(pairs[2 * i], out.back()[i]);
            EXPECT_EQ(pairs[2 * i + 1], -out.back()[i]);
        }
    }
    return out;
}

TEST(Datasets, rows_are_samples) {
    const data::Rows<Pair> rows = numbered(5);
    EXPECT_EQ(rows.size(), 5);
    EXPECT_EQ(rows[3].first.to_vector<std::int64_t>(), (std::vector<std::int64_t>{3, -3}));
    EXPECT_EQ(rows[3].second.item<std::int32_t>(), 3);
    EXPECT_THROW(rows[5], IndexError);
    EXPECT_THROW(rows[-1], IndexError);
    EXPECT_THROW(data::Rows(Pair(zeros({3, 2}), zeros({4}))), Error);
    EXPECT_THROW(data::Rows(Tensor::scalar(1.0F)), Error);
}

TEST(Datasets, are_split_into_parts_without_anything_in_common) {
    nn::Generator random(3);
    const auto [a, b] = data::split(numbered(11), 0.7, random);
    EXPECT_EQ(a.size(), 7);
    EXPECT_EQ(b.size(), 4);
    std::vector<std::int32_t> all;
    for (std::int64_t i = 0; i < a.size(); ++i) all.push_back(a[i].second.item<std::int32_t>());
    for (std::int64_t i = 0; i < b.size(); ++i) all.push_back(b[i].second.item<std::int32_t>());
    EXPECT_FALSE(std::ranges::is_sorted(all));
    std::ranges::sort(all);
    EXPECT_EQ(all, (std::vector<std::int32_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}));
    EXPECT_THROW(data::split(numbered(3), 1.5, random), Error);
}

TEST(Loader, cuts_samples_into_batches) {
    data::DataLoader all(numbered(7), {.batch = 3});
    EXPECT_EQ(all.size(), 3);
    EXPECT_EQ(labels_of(all), (std::vector<std::vector<std::int32_t>>{{0, 1, 2}, {3, 4, 5}, {6}}));
    data::DataLoader whole(numbered(7), {.batch = 3, .drop_last = true});
    EXPECT_EQ(whole.size(), 2);
    EXPECT_EQ(labels_of(whole), (std::vector<std::vector<std::int32_t>>{{0, 1, 2}, {3, 4, 5}}));
    EXPECT_EQ(labels_of(data::DataLoader(numbered(0))), (std::vector<std::vector<std::int32_t>>{}));
    EXPECT_THROW(data::DataLoader(numbered(7), {.batch = 0}), Error);
    EXPECT_THROW(data::DataLoader(numbered(7), {.prefetch = -1}), Error);
}

// The order follows from the generator, whoever reads, and differs from epoch to epoch.
TEST(Loader, shuffles_alike_on_a_thread_of_its_own_and_without) {
    const auto epochs = [](std::int64_t prefetch, bool one_thread) {
        const runtime::ThreadLimit limit(one_thread ? 1 : 2);
        data::DataLoader loader(numbered(20), {.batch = 6, .shuffle = nn::Generator(5), .prefetch = prefetch});
        std::vector<std::vector<std::vector<std::int32_t>>> out;
        for (int i = 0; i < 3; ++i) out.push_back(labels_of(loader));
        return out;
    };
    const auto ahead = epochs(2, false);
    EXPECT_EQ(ahead, epochs(0, false));
    EXPECT_EQ(ahead, epochs(3, true));
    EXPECT_NE(ahead[0], ahead[1]);
}

// Where it reads, and what becomes of it.
struct Watched {
    std::shared_ptr<std::atomic<int>> read = std::make_shared<std::atomic<int>>(0);
    std::shared_ptr<std::atomic<int>> elsewhere = std::make_shared<std::atomic<int>>(0);
    std::thread::id home = std::this_thread::get_id();
    std::int64_t bad = -1;

    std::int64_t size() const { return 12; }
    Tensor operator[](std::int64_t i) const {
        ++*read;
        if (std::this_thread::get_id() != home) ++*elsewhere;
        if (i == bad) throw std::runtime_error("sample " + std::to_string(i) + " is damaged");
        return Tensor::scalar(i);
    }
};

TEST(Loader, reads_ahead_on_a_thread_of_its_own_unless_there_may_be_but_one) {
    {
        const runtime::ThreadLimit limit(2);
        const Watched w;
        std::int64_t next = 0;
        for (const Tensor& x : data::DataLoader(w, {.batch = 4})) {
            EXPECT_EQ(x.to_vector<std::int64_t>(), (std::vector<std::int64_t>{next, next + 1, next + 2, next + 3}));
            next += 4;
        }
        EXPECT_EQ(w.read->load(), 12);
        EXPECT_EQ(w.elsewhere->load(), runtime::thread_count() > 1 ? 12 : 0);
    }
    const runtime::ThreadLimit limit(1);
    const Watched w;
    for (const Tensor& x : data::DataLoader(w, {.batch = 4})) EXPECT_EQ(x.size(), 4);
    EXPECT_EQ(w.elsewhere->load(), 0);
}

TEST(Loader, throws_what_a_data_set_throws_where_the_batch_is_asked_for) {
    for (const std::int64_t prefetch : {0, 2}) {
        Watched w;
        w.bad = 9;
        int batches = 0;
        try {
            for (const Tensor& x : data::DataLoader(w, {.batch = 4, .prefetch = prefetch})) batches += x.size() == 4;
            FAIL();
        } catch (const std::runtime_error& e) {
            EXPECT_STREQ(e.what(), "sample 9 is damaged");
        }
        EXPECT_EQ(batches, 2);
    }
}

TEST(Loader, may_be_left_in_the_middle) {
    const Watched w;
    for (const Tensor& x : data::DataLoader(w, {.batch = 2})) {
        EXPECT_EQ(x.size(), 2);
        break;
    }
    EXPECT_LE(w.read->load(), 8);  // the batch, and what was read ahead
}

TEST(Loader, maps_and_stacks_samples_of_any_tree) {
    const auto mapped = data::map(numbered(4), [](const Pair& s) {
        return std::map<std::string, Tensor>{{"twice", s.first * 2}, {"label", s.second}};
    });
    for (const auto& batch : data::DataLoader(mapped, {.batch = 4})) {
        EXPECT_EQ(batch.at("twice").to_vector<std::int64_t>(), (std::vector<std::int64_t>{0, 0, 2, -2, 4, -4, 6, -6}));
        EXPECT_EQ(batch.at("label").to_vector<std::int32_t>(), (std::vector<std::int32_t>{0, 1, 2, 3}));
    }
    const auto ragged = data::map(numbered(4), [](const Pair& s) { return zeros({s.second.item<std::int32_t>()}); });
    EXPECT_THROW(data::DataLoader(ragged, {.batch = 4}).begin(), TypeError);
}

// A last batch that is smaller compiles nothing anew.
TEST(Loader, feeds_a_step_that_is_compiled_once) {
    const Tensor w = variable(zeros({2}), "w");
    const auto step = jit([&](const Tensor& x) {
        Tensor loss = sum(square(matmul(convert(x, Dtype::f32), w) - 1.0));
        loss.backward();
        w.set(w - 1e-3 * w.grad());
        w.zero_grad();
        return loss;
    });
    for (const auto& [x, y] : data::DataLoader(numbered(11), {.batch = 3})) step(x).eval();
    EXPECT_EQ(step.statistics().traces, 1U);
}

TEST(Progress, shows_rate_and_running_values_on_a_terminal_alone) {
    std::FILE* const out = std::tmpfile();
    {
        data::Progress silent(3, "x", {.out = out});
        silent.step({{"loss", 1}});
    }
    EXPECT_EQ(std::ftell(out), 0);
    {
        data::Progress shown(2, "epoch 1", {.out = out, .always = true});
        shown.step({{"loss", 0.5}});
        shown.step({{"loss", 0.5}});
    }
    std::rewind(out);
    std::string text(4096, '\0');
    text.resize(std::fread(text.data(), 1, text.size(), out));
    std::fclose(out);
    EXPECT_NE(text.find("epoch 1  [==========>"), std::string::npos) << text;
    EXPECT_NE(text.find("2/2"), std::string::npos) << text;
    EXPECT_NE(text.find("loss 0.5"), std::string::npos) << text;
    EXPECT_EQ(text.back(), '\n');
}

// Worked out by hand.
TEST(Metrics, are_as_defined) {
    const Tensor labels = Tensor::from({0, 1, 2, 2, 1, 0, 2, 1, 0, 2});
    const Tensor predicted = Tensor::from({0, 2, 2, 2, 1, 0, 1, 1, 2, 2});
    const Tensor m = data::confusion_matrix(predicted, labels, 3);
    EXPECT_EQ(m.to_vector<std::int64_t>(), (std::vector<std::int64_t>{2, 0, 1, 0, 2, 1, 0, 1, 3}));
    const auto near = [](const Tensor& x, double y) { EXPECT_NEAR(x.item<double>(), y, 1e-12); };
    near(data::precision(m), (1.0 + 2.0 / 3 + 0.6) / 3);
    near(data::recall(m), (2.0 / 3 + 2.0 / 3 + 0.75) / 3);
    near(data::f1(m), (0.8 + 2.0 / 3 + 2.0 / 3) / 3);
    near(data::f1(m, data::Average::micro), 0.7);
    near(data::f1(m, data::Average::weighted), (3 * 0.8 + 3 * 2.0 / 3 + 4 * 2.0 / 3) / 10);
    EXPECT_EQ(data::recall(m, data::Average::none).shape(), (std::vector<std::int64_t>{3}));
    // A class without samples has 0.
    near(data::precision(data::confusion_matrix(predicted, labels, 4)), (1.0 + 2.0 / 3 + 0.6) / 4);

    const Tensor scores = Tensor::from({0.1F, 0.4F, 0.35F, 0.8F, 0.4F, 0.7F});
    near(data::roc_auc(scores, Tensor::from({0, 0, 1, 1, 1, 0})), 5.5 / 9);
    EXPECT_TRUE(std::isnan(data::roc_auc(scores, zeros({6}, Dtype::i32)).item<double>()));

    const Tensor logits = Tensor::from({3.0F, 1.0F, 2.0F, 0.0F, 5.0F, 1.0F, 1.0F, 1.0F, 0.0F}, {3, 3});
    near(data::accuracy(logits, Tensor::from({0, 2, 0})), 2.0 / 3);
    near(data::top_k_accuracy(logits, Tensor::from({2, 2, 1}), 2), 1.0);
    near(jit([](const Tensor& s, const Tensor& l) { return data::accuracy(s, l); })(logits, Tensor::from({0, 2, 0})),
         2.0 / 3);
}

TEST(Metrics, refuse_what_does_not_fit) {
    const Tensor scores = zeros({4, 3}), labels = zeros({4}, Dtype::i64);
    EXPECT_THROW(data::accuracy(scores, zeros({4})), Error);
    EXPECT_THROW(data::accuracy(scores, zeros({5}, Dtype::i64)), Error);
    EXPECT_THROW(data::confusion_matrix(labels, zeros({5}, Dtype::i64), 3), Error);
    EXPECT_THROW(data::confusion_matrix(labels, labels, 0), Error);
    EXPECT_THROW(data::confusion_matrix(labels + 3, labels, 3).eval(), Error);
    EXPECT_THROW(data::precision(scores), Error);
    EXPECT_THROW(data::roc_auc(scores, labels), Error);
}

}  // namespace
}  // namespace lathe
