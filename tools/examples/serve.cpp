// A model that several threads serve at once: how many requests a second, and whether each gets the bits that it always
// gets.
//
//   serve [--quick]
//
// A request is one row or a few. Each thread limits the loops of its own requests to itself: of many small requests,
// whole ones run side by side. A row's result depends neither on the rows beside it nor on the thread.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#include "lathe.h"
#include "tools/examples/arguments.h"

namespace {

using namespace lathe;
using Clock = std::chrono::steady_clock;

double microseconds_since(Clock::time_point start) {
    return std::chrono::duration<double, std::micro>(Clock::now() - start).count();
}

Model make_model() {
    nn::Generator random(1);
    const nn::Sequential network(nn::Linear(64, 256, random), nn::GELU(), nn::Linear(256, 256, random), nn::GELU(),
                                 nn::Linear(256, 10, random), nn::Softmax());
    return trace([&](const Tensor& x) { return network(x); }, {{"x", Dtype::f32, {"batch", 64}}},
                 {.name = "served", .weights = network.named_parameters()});
}

struct Request {
    Tensor rows;
    Array expected;  // of the same rows among all others
};

struct Served {
    double seconds = 0;
    std::vector<double> latencies;  // us, in ascending order
    std::int64_t wrong = 0;         // results of other bits
};

Served serve(const Model& model, std::span<const Request> requests, int threads, std::int64_t count) {
    std::atomic<std::int64_t> next = 0, wrong = 0;
    std::vector<std::vector<double>> latencies(static_cast<std::size_t>(threads));
    const auto start = Clock::now();
    {
        std::vector<std::jthread> pool;
        for (std::vector<double>& mine : latencies)
            pool.emplace_back([&] {
                const runtime::ThreadLimit limit(1);
                for (std::int64_t i = next++; i < count; i = next++) {
                    const Request& request = requests[static_cast<std::size_t>(i) % requests.size()];
                    const auto begin = Clock::now();
                    const Tensor result = model(request.rows);
                    mine.push_back(microseconds_since(begin));
                    wrong += std::ranges::equal(result.bytes(), request.expected.bytes) ? 0 : 1;
                }
            });
    }
    Served out{.seconds = microseconds_since(start) / 1e6, .latencies = {}, .wrong = wrong};
    for (const auto& mine : latencies) out.latencies.insert(out.latencies.end(), mine.begin(), mine.end());
    std::ranges::sort(out.latencies);
    return out;
}

int measure(const examples::Arguments& arguments) {
    const Model model = make_model();
    const std::int64_t count = arguments.quick ? 2000 : 100000;

    const Tensor all = random_normal(1, {512, 64}).eval();
    const Tensor results = model(all).eval();
    std::vector<Request> requests;
    for (std::int64_t from = 0, rows = 1; from + rows <= 512; from += rows, rows = rows % 8 + 1) {
        const Range range{from, from + rows};
        requests.push_back({all[{range}].eval(), results[{range}].to_array()});
    }
    for (const Request& request : requests) (void)model(request.rows);  // what is compiled once

    std::int64_t wrong = 0;
    for (const int threads : {1, 2, 4}) {
        const Served served = serve(model, requests, threads, count);
        const auto at = [&](double share) {
            return served.latencies[static_cast<std::size_t>(share * static_cast<double>(count - 1))];
        };
        fmt::print(
            "{} thread{}              {:.0f} requests per second, half of them within {:.0f} us, 99 % within {:.0f} "
            "us\n",
            threads, threads == 1 ? " " : "s", static_cast<double>(count) / served.seconds, at(0.5), at(0.99));
        wrong += served.wrong;
    }
    fmt::print("results                {} those of all rows at once, bit for bit\n",
               wrong == 0 ? "equal" : "DIFFER from");
    return wrong == 0 ? 0 : 1;
}

}  // namespace

int main(int count, char** words) { return lathe::examples::run("serve", count, words, measure); }
