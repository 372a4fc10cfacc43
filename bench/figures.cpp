// Ratios that are promised of Lathe alone: each of two ways to the same, in turns, in one process.
//
//   figures [--only TEXT]
#include <algorithm>
#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "codegen/kernels.h"
#include "lathe.h"
#include "runtime/parallel.h"

namespace {

using namespace lathe;
using Clock = std::chrono::steady_clock;
using Work = std::function<void()>;

std::string only;

double microseconds(const Work& f, std::int64_t count) {
    const auto start = Clock::now();
    for (std::int64_t i = 0; i < count; ++i) f();
    return std::chrono::duration<double, std::micro>(Clock::now() - start).count() / static_cast<double>(count);
}

double median(std::vector<double> times) {
    std::ranges::sort(times);
    return times[times.size() / 2];
}

// Idle threads sleep after a while, and wake on the core of whoever calls, from where they are moved in time.
void settle(const Work& f) {
    constexpr std::chrono::milliseconds spinning(10), waking(60);
    std::this_thread::sleep_for(spinning);
    const auto start = Clock::now();
    do f();
    while (Clock::now() - start < waking);
}

void ratio(const std::string& name, const Work& a, const Work& b) {
    if (name.find(only) == std::string::npos) return;
    std::vector<double> of_a, of_b;
    const auto count = [](const Work& f) {
        f();
        return std::max<std::int64_t>(1, static_cast<std::int64_t>(3000 / microseconds(f, 3)));
    };
    const std::int64_t times_a = count(a), times_b = count(b);
    for (int i = 0; i < 9; ++i) {
        settle(a);
        of_a.push_back(microseconds(a, times_a));
        settle(b);
        of_b.push_back(microseconds(b, times_b));
    }
    fmt::print("{:48} {:10.1f} us {:10.1f} us  {:5.2f}\n", name, median(of_a), median(of_b),
               median(of_a) / median(of_b));
    std::fflush(stdout);
}

// A step of Adam over so many parameters of so many elements, whose derivatives are given.
Work adam(std::int64_t count, std::int64_t elements) {
    struct State {
        std::vector<Tensor> parameters, gradients;
        std::optional<optim::Adam> optimizer;
    };
    auto s = std::make_shared<State>();
    for (std::int64_t i = 0; i < count; ++i) {
        s->parameters.push_back(variable(random_uniform(1, {elements})));
        s->gradients.push_back(random_uniform(2, {elements}).eval());
    }
    s->optimizer.emplace(s->parameters, optim::AdamOptions{.learning_rate = 1e-3});
    const auto step = jit([s = s.get()](const std::vector<Tensor>& g) {
        Tensor loss = sum(s->parameters[0] * g[0]);
        for (std::size_t i = 1; i < g.size(); ++i) loss = loss + sum(s->parameters[i] * g[i]);
        loss.backward();
        s->optimizer->step();
        return std::vector<Tensor>{};
    });
    return [s, step] { step(s->gradients); };
}

Work on_threads(int threads, const Work& f) {
    return [threads, f] {
        const runtime::ThreadLimit limit(threads);
        f();
    };
}

// Lazily, each batch size once, against the same by a jitted function that has seen it.
void new_batches() {
    if (std::string("lazy").find(only) == std::string::npos && !only.empty()) return;
    const Tensor w1 = random_uniform(1, {64, 128}).eval(), w2 = random_uniform(2, {128, 128}).eval(),
                 w3 = random_uniform(3, {128, 10}).eval();
    const auto network = [&](const Tensor& x) { return matmul(tanh(matmul(tanh(matmul(x, w1)), w2)), w3); };
    const auto compiled = jit(network);
    std::vector<double> first, again, known;
    const std::uint64_t before = codegen::KernelCache::shared().compiled();
    std::uint64_t compiled_first = 0;
    for (std::int64_t batch = 32; batch < 132; ++batch) {
        const Tensor x = random_uniform(4, {batch, 64}).eval();
        compiled(x);
        compiled(x);
        known.push_back(microseconds([&] { compiled(x); }, 20));
        first.push_back(microseconds([&] { network(x).eval(); }, 1));
        again.push_back(microseconds([&] { network(x).eval(); }, 20));
        if (batch == 32) compiled_first = codegen::KernelCache::shared().compiled();
    }
    std::vector<double> beyond;
    for (std::size_t i = 1; i < first.size(); ++i) beyond.push_back(first[i] - known[i]);
    fmt::print(
        "lazy MLP of three layers: at a new batch {:.1f} us beyond a jitted call ({:.1f} us), later {:.1f} us; "
        "kernels compiled for the first {}, for the other 99 {}\n",
        median(beyond), median(known), median(again), compiled_first - before,
        codegen::KernelCache::shared().compiled() - compiled_first);
}

void slices() {
    if (std::string("slices").find(only) == std::string::npos && !only.empty()) return;
    const Tensor x = random_uniform(1, {200, 64}).eval();
    const auto line = [](const Tensor& row) { return sum(tanh(row * 2.0) + row, {0}); };
    const auto compiled = [] { return codegen::KernelCache::shared().compiled(); };
    std::uint64_t before = compiled();
    const double first = microseconds([&] { line(x[{0}]).eval(); }, 1);
    const std::uint64_t of_one = compiled() - before;
    before = compiled();
    std::vector<double> times;
    for (std::int64_t i = 1; i < 200; ++i) times.push_back(microseconds([&] { line(x[{i}]).eval(); }, 1));
    const std::uint64_t of_others = compiled() - before;
    before = compiled();
    Tensor all = line(x[{0}]);
    for (std::int64_t i = 1; i < 200; ++i) all = all + line(x[{i}]);
    all.eval();
    fmt::print(
        "slices: the first compiles {} kernels in {:.1f} us; 199 more compile {}, each {:.1f} us (at most {:.1f});"
        " 200 in one program compile {} more\n",
        of_one, first, of_others, median(times), *std::ranges::max_element(times), compiled() - before);
}

// A product whose left side is a concatenation of slices, as im2col by hand.
void gathered_products() {
    const Tensor x = random_uniform(1, {66, 66, 32}).eval(), w = random_uniform(2, {9 * 32, 64}).eval();
    const Tensor small = random_uniform(1, {64, 64, 32}).eval();
    const auto windows = [](const Tensor& padded) {
        std::vector<Tensor> columns;
        for (std::int64_t i = 0; i < 3; ++i)
            for (std::int64_t j = 0; j < 3; ++j)
                columns.push_back(reshape(slice(padded, {i, j, 0}, {64, 64, 32}), {64 * 64, 32}));
        return concat(columns, 1);
    };
    const auto padded = [](const Tensor& t) { return pad(t, {1, 1, 0}, {1, 1, 0}); };
    const auto product = jit([](const Tensor& a, const Tensor& b) { return matmul(a, b); });
    const auto fused = jit([&](const Tensor& a, const Tensor& b) { return matmul(windows(a), b); });
    const auto gather = jit([&](const Tensor& a) { return windows(a); });
    ratio("product of concatenated slices, fused / apart", [=] { fused(x, w); }, [=] { product(gather(x), w); });
    const auto fused_pad = jit([&](const Tensor& a, const Tensor& b) { return matmul(windows(padded(a)), b); });
    const auto gather_pad = jit([&](const Tensor& a) { return windows(padded(a)); });
    ratio(
        "the same of a padded array, fused / apart", [=] { fused_pad(small, w); },
        [=] { product(gather_pad(small), w); });
}

}  // namespace

int main(int count, char** arguments) {
    if (count == 3 && std::string(arguments[1]) == "--only") only = arguments[2];
    for (const int threads : {1, 2})
        ratio(fmt::format("Adam over 100 x 10K / over 1M, {} threads", threads), on_threads(threads, adam(100, 10486)),
              on_threads(threads, adam(1, 1 << 20)));
    const Tensor many = random_uniform(3, {4 << 20}).eval();
    const auto total = jit([](const Tensor& x) { return sum(x); });
    const Work sum_many = [=] { total(many); };
    ratio("jitted sum of 4M, 1 thread / 2 threads", on_threads(1, sum_many), on_threads(2, sum_many));
    new_batches();
    slices();
    gathered_products();
}
