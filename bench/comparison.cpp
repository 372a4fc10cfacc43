#include "bench/comparison.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <random>
#include <thread>

#include <fmt/format.h>

namespace comparison {
namespace {

using Clock = std::chrono::steady_clock;

double run_for(const std::function<void()>& f, std::int64_t count) {
    const auto start = Clock::now();
    for (std::int64_t i = 0; i < count; ++i) f();
    return std::chrono::duration<double, std::micro>(Clock::now() - start).count() / static_cast<double>(count);
}

struct Sample {
    double median = 0, low = 0, high = 0;  // microseconds; the middle half of the repetitions
};
Sample summarize_times(std::vector<double> times) {
    std::ranges::sort(times);
    return {times[times.size() / 2], times[times.size() / 4], times[times.size() * 3 / 4]};
}

// Idle threads of one side's pool spin for some milliseconds on the core that the other side's need; and the system may
// wake a pool's thread on the core of the one that calls, and take tens of milliseconds to move it. Lets the one fall
// asleep, then runs the other until its threads are where they belong.
void settle(const std::function<void()>& next) {
    constexpr std::chrono::milliseconds spinning(10), waking(60);
    std::this_thread::sleep_for(spinning);
    const auto start = Clock::now();
    do next();
    while (Clock::now() - start < (options.quick ? waking / 3 : waking));
}

bool close(const Floats& a, const Floats& b, float tolerance) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i]))) continue;
        if (!(std::fabs(a[i] - b[i]) <= tolerance * (1 + std::fabs(b[i])))) return false;
    }
    return true;
}

template <class T>
Floats floats_of(const std::byte* elements, std::size_t bytes) {
    const auto* p = reinterpret_cast<const T*>(elements);
    Floats out;
    for (std::size_t i = 0; i < bytes / sizeof(T); ++i) out.push_back(static_cast<float>(p[i]));
    return out;
}

}  // namespace

Floats random_floats(std::size_t n, unsigned seed, float low, float high) {
    std::mt19937 engine(seed);
    std::uniform_real_distribution<float> uniform(low, high);
    Floats out(n);
    for (float& x : out) x = uniform(engine);
    return out;
}

std::string short_count(std::int64_t n) {
    return n >= 1'000'000 ? std::to_string(n / 1'000'000) + "M"
           : n >= 1000    ? std::to_string(n / 1000) + "K"
                          : std::to_string(n);
}

void Comparison::row(const std::string& name, const std::string& how, const peer::Work& ours, const peer::Work& theirs,
                     float tolerance) {
    if (!options.only.empty() && (name + " " + how).find(options.only) == std::string::npos) return;
    const auto first = Clock::now();
    ours.run();
    const double first_call = std::chrono::duration<double, std::milli>(Clock::now() - first).count();
    theirs.run();
    const bool agree = close(ours.result(), theirs.result(), tolerance);
    for (int i = 0; i < 3; ++i) {
        ours.run();
        theirs.run();
    }
    const auto count_for = [](double once) {
        return std::max<std::int64_t>(1,
                                      static_cast<std::int64_t>((options.quick ? 500 : 3000) / std::max(once, 0.01)));
    };
    const std::int64_t our_count = count_for(run_for(ours.run, 3));
    const std::int64_t their_count = count_for(run_for(theirs.run, 3));
    std::vector<double> a;
    std::vector<double> b;
    for (int i = 0; i < (options.quick ? 5 : 9); ++i) {
        settle(ours.run);
        a.push_back(run_for(ours.run, our_count));
        settle(theirs.run);
        b.push_back(run_for(theirs.run, their_count));
    }
    const Sample x = summarize_times(a);
    const Sample y = summarize_times(b);
    fmt::print("{:34} {:9} {:10.2f} ({:.2f}-{:.2f}) {:10.2f} ({:.2f}-{:.2f}) {:7.2f}x {:6.1f} ms{}\n", name, how,
               x.median, x.low, x.high, y.median, y.low, y.high, y.median / x.median, first_call,
               agree ? "" : "  RESULTS DIFFER");
    std::fflush(stdout);
    rows_.push_back({{"row", name},
                     {"how", how},
                     {"lathe_us", {{"median", x.median}, {"low", x.low}, {"high", x.high}}},
                     {"peer_us", {{"median", y.median}, {"low", y.low}, {"high", y.high}}},
                     {"ratio", y.median / x.median},
                     {"first_call_ms", first_call},
                     {"agree", agree}});
    all_agree_ = all_agree_ && agree;
}

void Comparison::summarize(const std::string& rows) {
    double logarithms = 0, least = HUGE_VAL;
    std::string slowest;
    const std::size_t count = rows_.size() - summarized_;
    for (; summarized_ < rows_.size(); ++summarized_) {
        const double ratio = rows_[summarized_]["ratio"];
        logarithms += std::log(ratio);
        if (ratio < least) {
            least = ratio;
            slowest = rows_[summarized_]["row"];
        }
    }
    if (count > 0)
        fmt::print("{}: geometric mean of {} ratios {:.2f}, least {:.2f} ({})\n", rows, count,
                   std::exp(logarithms / static_cast<double>(count)), least, slowest);
}

bool Comparison::finish() const {
    if (!options.json.empty())
        std::ofstream(options.json)
            << nlohmann::json{{"peer", peer::version()}, {"threads", options.threads}, {"rows", rows_}}.dump(2) << "\n";
    return all_agree_;
}

std::vector<TensorSpec> specs_of(const std::vector<std::pair<Floats, std::vector<std::int64_t>>>& inputs,
                                 const std::vector<Dims>& dims) {
    std::vector<TensorSpec> specs;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        TensorSpec spec{"x" + std::to_string(i), Dtype::f32, {}};
        for (const std::int64_t extent : inputs[i].second) spec.dims.emplace_back(extent);
        if (!dims.empty()) spec.dims = dims[i];
        specs.push_back(spec);
    }
    return specs;
}

peer::Work run_on(const Model& model, const std::vector<std::pair<Floats, std::vector<std::int64_t>>>& inputs,
                  Dtype result) {
    struct State {
        BoundModel bound;
        std::vector<Tensor> inputs;
        std::vector<const void*> in;
        runtime::Buffer out;
        std::vector<void*> outputs;
    };
    auto s = std::make_shared<State>();
    std::vector<std::vector<std::int64_t>> shapes;
    for (const auto& [data, shape] : inputs) {
        shapes.push_back(shape);
        s->inputs.push_back(tensor(data, shape));
        s->in.push_back(s->inputs.back().bytes().data());
    }
    s->bound = model.compile().bind(shapes);
    const std::size_t bytes = s->bound.output_bytes(0);
    s->out = runtime::allocate(std::max<std::size_t>(bytes, 1));
    s->outputs = {s->out.data()};
    return {[s] { s->bound(s->in.data(), s->outputs.data()); },
            [s, bytes, result] {
                switch (result) {
                    case Dtype::boolean:
                        return floats_of<std::uint8_t>(s->out.data(), bytes);
                    case Dtype::i64:
                        return floats_of<std::int64_t>(s->out.data(), bytes);
                    default:
                        return floats_of<float>(s->out.data(), bytes);
                }
            }};
}

}  // namespace comparison
