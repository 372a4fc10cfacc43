// Trains a classifier of handwritten digits, compiles it to an executable, and reports.
//
// The data are 1,797 images of 8 x 8 pixels (see tools/data/CREDITS.md), shuffled with a fixed seed, for in the file's
// order the last rows come from other writers: 1,400 to train on, 397 held out.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <numeric>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

#include "inspect.h"
#include "lathe.h"

namespace {

using namespace lathe;
using Clock = std::chrono::steady_clock;

constexpr std::int64_t pixels = 64, hidden = 128, classes = 10;
constexpr std::int64_t train_rows = 1400, batch = 32, epochs = 30;

const Clock::time_point process_start = Clock::now();

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

struct Rows {
    std::vector<float> images;  // [count, 64], 0 to 1
    std::vector<std::int32_t> labels;
    std::int64_t count() const { return static_cast<std::int64_t>(labels.size()); }
};

Rows take(const Array& table, std::span<const std::size_t> order) {
    const auto* cells = reinterpret_cast<const float*>(table.bytes.data());
    Rows rows;
    for (std::size_t r : order) {
        const float* row = cells + r * (pixels + 1);
        for (std::int64_t p = 0; p < pixels; ++p) rows.images.push_back(row[p] / 16);
        rows.labels.push_back(static_cast<std::int32_t>(row[pixels]));
    }
    return rows;
}

std::vector<std::size_t> shuffled(std::size_t n, nn::Generator& random) {
    std::vector<std::size_t> order(n);
    std::iota(order.begin(), order.end(), 0);
    for (std::size_t i = n; i-- > 1;) std::swap(order[i], order[random.next_key().item<std::uint64_t>() % (i + 1)]);
    return order;
}

struct Batch {
    Tensor x, y;
};
Batch batch_of(const Rows& rows, std::int64_t from, std::int64_t count) {
    const auto at = static_cast<std::size_t>(from);
    const auto n = static_cast<std::size_t>(count);
    return {Tensor::from(std::span(rows.images).subspan(at * pixels, n * pixels), {count, pixels}),
            Tensor::from(std::span(rows.labels).subspan(at, n), {count})};
}

nn::Sequential make_network(std::uint64_t seed) {
    nn::Generator random(seed);
    const nn::Linear first(pixels, hidden, random), second(hidden, classes, random);
    nn::init::kaiming_uniform(random).fill(first.weight);
    nn::init::xavier_uniform(random).fill(second.weight);
    return nn::Sequential(first, nn::ReLU(), second);
}

auto make_step(const nn::Sequential& network, optim::Adam& optimizer, JitOptions options = {}) {
    return jit(
        [&network, &optimizer](const Tensor& x, const Tensor& y) {
            Tensor loss = cross_entropy(network(x), y);
            loss.backward();
            optimizer.step();
            return loss;
        },
        std::move(options));
}

// Median microseconds of a training step on one batch.
template <class Step>
double step_microseconds(const Step& step, const Batch& b) {
    std::vector<double> times;
    for (int i = 0; i < 300; ++i) {
        const auto start = Clock::now();
        step(b.x, b.y);
        times.push_back(seconds_since(start) * 1e6);
    }
    std::ranges::nth_element(times, times.begin() + 150);
    return times[150];
}

// Runs a command without a shell, its output thrown away; its exit status.
int run(const std::vector<std::string>& command) {
    std::vector<char*> arguments;
    for (const std::string& a : command) arguments.push_back(const_cast<char*>(a.c_str()));
    arguments.push_back(nullptr);
    const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    const pid_t child = fork();
    if (child == 0) {
        dup2(nowhere, STDOUT_FILENO);
        execv(arguments[0], arguments.data());
        _exit(127);
    }
    close(nowhere);
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void show(bool progress, std::int64_t epoch, float loss) {
    if (progress) fmt::print(stderr, "\rtraining: epoch {:2} of {}, loss {:.4f} ", epoch, epochs, loss);
}

int report() {
    nn::Generator random(2024);
    const Array table = read_csv(LATHE_SOURCE_DIR "/tools/data/digits.csv.gz");
    const std::vector<std::size_t> order = shuffled(static_cast<std::size_t>(table.shape[0]), random);
    const Rows train = take(table, std::span(order).first(train_rows));
    const Rows held_out = take(table, std::span(order).subspan(train_rows));

    const nn::Sequential network = make_network(42);
    optim::Adam optimizer(network.parameters(), {.learning_rate = 1e-3});
    const auto step = make_step(network, optimizer);

    // The batches of an epoch are cut from the training rows, in an order of its own each time.
    const bool progress = isatty(STDERR_FILENO) != 0;
    double first_step = 0;
    std::int64_t steps = 0;
    double step_seconds = 0;
    for (std::int64_t epoch = 1; epoch <= epochs; ++epoch) {
        Rows mixed;
        for (std::size_t r : shuffled(train_rows, random)) {
            mixed.images.insert(mixed.images.end(), train.images.begin() + static_cast<std::ptrdiff_t>(r) * pixels,
                                train.images.begin() + static_cast<std::ptrdiff_t>(r + 1) * pixels);
            mixed.labels.push_back(train.labels[r]);
        }
        Tensor loss;
        for (std::int64_t at = 0; at + batch <= train_rows; at += batch) {
            const Batch b = batch_of(mixed, at, batch);
            const auto start = Clock::now();
            loss = step(b.x, b.y);
            if (first_step == 0) {
                first_step = seconds_since(process_start) * 1e3;
            } else {
                step_seconds += seconds_since(start);
                ++steps;
            }
        }
        show(progress, epoch, loss.item<float>());
    }
    if (progress) fmt::print(stderr, "\r{:50}\r", "");

    const Model model = trace([&](const Tensor& x) { return network(x); }, {{"x", Dtype::f32, {"batch", pixels}}},
                              {.name = "digits", .weights = network.named_parameters(), .outputs = {"logits"}});
    const Batch test = batch_of(held_out, 0, held_out.count());
    const Tensor logits = model(test.x);
    const std::vector<std::int64_t> predicted = argmax(logits).to_vector<std::int64_t>();
    std::int64_t right = 0;
    for (std::size_t i = 0; i < predicted.size(); ++i) right += predicted[i] == held_out.labels[i] ? 1 : 0;
    const double accuracy = static_cast<double>(right) / static_cast<double>(predicted.size());
    fmt::print("held-out accuracy      {:.2f} % ({} of {})\n", 100 * accuracy, right, predicted.size());
    fmt::print("training               {:.0f} steps per second (batch {}, {} threads)\n",
               static_cast<double>(steps) / step_seconds, batch, runtime::thread_count());

    // The same step with fusion switched off, from the same start: every node is a kernel of its own.
    const JitOptions unfused{.compile = {.off = {"fuse"}}};
    const nn::Sequential plain_network = make_network(42);
    optim::Adam plain_optimizer(plain_network.parameters(), {.learning_rate = 1e-3});
    const auto plain_step = make_step(plain_network, plain_optimizer, unfused);
    const Batch b = batch_of(train, 0, batch);
    const double fused_time = step_microseconds(step, b);
    const double plain_time = step_microseconds(plain_step, b);
    const Statistics figures = inspect(step).statistics();
    fmt::print("kernels of one step    {} before fusion, {} after\n", inspect(plain_step).statistics().kernels,
               figures.kernels);
    fmt::print("time of one step       {:.1f} us fused, {:.1f} us unfused\n", fused_time, plain_time);
    fmt::print("start to first step    {:.0f} ms (of that, {:.0f} ms to compile {} kernels)\n", first_step,
               figures.code_milliseconds, figures.compiled);

    // Ahead of time: an executable that reads rows and prints logits.
    const std::filesystem::path folder =
        std::filesystem::temp_directory_path() / ("lathe-digits-" + std::to_string(getpid()));
    std::filesystem::create_directories(folder);
    const std::string executable = folder / "digits";
    const std::string input = folder / "x.npy";
    const std::string output = folder / "logits.npy";
    compile_model(model, executable);
    write_npy(input, test.x.to_array());
    if (run({executable, "--output", output, input}) != 0) throw Error("the compiled executable failed");
    const bool equal = read_npy(output) == logits.to_array();
    fmt::print("executable's logits    {} those of the JIT, bit for bit\n", equal ? "equal" : "DIFFER from");
    double fastest = 1e9;
    for (int i = 0; i < 20; ++i) {
        const auto start = Clock::now();
        run({executable, "--help"});
        fastest = std::min(fastest, seconds_since(start) * 1e3);
    }
    fmt::print("executable             {} KB, starts in {:.1f} ms\n", std::filesystem::file_size(executable) / 1024,
               fastest);
    std::filesystem::remove_all(folder);
    return equal && accuracy >= 0.97 ? 0 : 1;
}

}  // namespace

int main() {
    try {
        return report();
    } catch (const std::exception& e) {
        fmt::print(stderr, "digits: {}\n", e.what());
        return 1;
    }
}
