// One side of bench/compare_models: an ONNX model by Lathe, in turns with whoever holds the other ends of the pipes.
//
//   models MODEL INPUT.npy ... --outputs FOLDER [--threads N] [--target LEVEL]
//
// It writes "load_ms compile_ms first_ms", then the outputs to the folder in their order, then for each line on its
// input, a number of runs, their median in milliseconds, and at the end its greatest memory in kilobytes.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "lathe.h"
#include "runtime/threads.h"

namespace {

using namespace lathe;

double now() {
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// In kilobytes. What getrusage says counts that of whoever started this program, too.
long greatest_memory() {
    std::ifstream status("/proc/self/status");
    for (std::string word; status >> word;)
        if (long kilobytes = 0; word == "VmHWM:" && status >> kilobytes) return kilobytes;
    return 0;
}

struct Options {
    std::string model, outputs, target = "host";
    std::vector<std::string> inputs;
    int threads = 1;
};

Options read_options(int count, char** words) {
    Options o;
    for (int i = 1; i < count; ++i) {
        const std::string word = words[i];
        if (word == "--outputs" && i + 1 < count)
            o.outputs = words[++i];
        else if (word == "--threads" && i + 1 < count)
            o.threads = std::atoi(words[++i]);
        else if (word == "--target" && i + 1 < count)
            o.target = words[++i];
        else if (o.model.empty())
            o.model = word;
        else
            o.inputs.push_back(word);
    }
    return o;
}

std::vector<Tensor> run(const CompiledModel& model, const std::vector<Tensor>& inputs) {
    std::vector<Tensor> out = model(inputs);
    for (const Tensor& t : out) t.eval();
    return out;
}

}  // namespace

int main(int count, char** words) {
    try {
        const Options o = read_options(count, words);
        if (o.model.empty() || o.outputs.empty()) {
            fmt::print(stderr, "usage: models MODEL INPUT.npy ... --outputs FOLDER [--threads N] [--target LEVEL]\n");
            return 2;
        }
        const runtime::ThreadLimit limit(o.threads);
        const double begin = now();
        const Model model = Model::load(o.model);
        const double loaded = now();
        const CompiledModel compiled = model.compile({.target = o.target});
        const double made = now();
        std::vector<Tensor> inputs;
        for (const std::string& path : o.inputs) inputs.push_back(Tensor::from(read_npy(path)));
        const double ready = now();
        const std::vector<Tensor> outputs = run(compiled, inputs);
        fmt::print("{:.2f} {:.2f} {:.2f}\n", loaded - begin, made - loaded, now() - ready);
        for (std::size_t i = 0; i < outputs.size(); ++i)
            write_npy(fmt::format("{}/{}.npy", o.outputs, i), outputs[i].to_array());
        std::fflush(stdout);
        int turns = 0;
        while (std::scanf("%d", &turns) == 1) {
            std::vector<double> times;
            for (int i = 0; i < turns; ++i) {
                const double start = now();
                run(compiled, inputs);
                times.push_back(now() - start);
            }
            std::ranges::sort(times);
            fmt::print("{:.5f}\n", times.empty() ? 0 : times[times.size() / 2]);
            std::fflush(stdout);
        }
        fmt::print("{}\n", greatest_memory());
    } catch (const std::exception& e) {
        std::fprintf(stderr, "%s\n", e.what());
        return 1;
    }
    return 0;
}
