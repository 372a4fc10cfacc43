// Convolutions against oneDNN in layouts of its choice, in turns in one process.
//
//   convolutions [--threads N] [--turns N] [--only TEXT]
//
// Ours reads and writes images with their channels last, and its weights are constants, as within a model; oneDNN's
// data are reordered to its layouts before the first turn. Results are compared.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <oneapi/dnnl/dnnl.hpp>

#include "bench/counted_time.h"
#include "lathe.h"
#include "runtime/threads.h"

namespace {

using lathe::Tensor;
using Floats = std::vector<float>;

struct Options {
    int threads = 1, turns = 9;
    std::string only;
} options;

struct Shape {
    const char* name;
    std::int64_t images, channels, size, outputs, window, stride, padding, groups;
    std::int64_t windows() const { return (size + 2 * padding - window) / stride + 1; }
    double work() const {
        return 2.0 *
               static_cast<double>(images * outputs * windows() * windows() * (channels / groups) * window * window);
    }
};
constexpr Shape shapes[] = {
    {"3->64 k7 s2 at 224", 1, 3, 224, 64, 7, 2, 3, 1},         {"64->64 k3 at 56", 1, 64, 56, 64, 3, 1, 1, 1},
    {"256->256 k3 at 14", 1, 256, 14, 256, 3, 1, 1, 1},        {"512->512 k3 at 7", 1, 512, 7, 512, 3, 1, 1, 1},
    {"128->32 k3 at 28", 1, 128, 28, 32, 3, 1, 1, 1},          {"64->256 k1 at 56", 1, 64, 56, 256, 1, 1, 0, 1},
    {"1024->256 k1 at 14", 1, 1024, 14, 256, 1, 1, 0, 1},      {"depthwise 64 k3 at 80", 1, 64, 80, 64, 3, 1, 1, 64},
    {"depthwise 256 k5 at 14", 1, 256, 14, 256, 5, 1, 2, 256},
};

double now() { return bench::counted_seconds(options.threads); }

Floats random_floats(std::int64_t n, unsigned seed) {
    std::mt19937 engine(seed);
    std::uniform_real_distribution<float> uniform(-1, 1);
    Floats out(static_cast<std::size_t>(n));
    for (float& x : out) x = uniform(engine);
    return out;
}

// x and y are [images, extents.., channels], w is [outputs, channels of a group, extents..].
class Ours {
public:
    Ours(const Shape& s, const Floats& x, const Floats& w) {
        const Tensor weights = Tensor::from(w, {s.outputs, s.channels / s.groups, s.window, s.window});
        const lathe::ConvolutionOptions how{.stride = s.stride, .padding = s.padding, .groups = s.groups};
        const std::vector<std::int64_t> shape{s.images, s.size, s.size, s.channels};
        model_ = lathe::trace(
                     [&](const Tensor& image) {
                         return permute(conv2d(permute(image, {0, 3, 1, 2}), weights, how), {0, 2, 3, 1});
                     },
                     {{"image", lathe::Dtype::f32, {s.images, s.size, s.size, s.channels}}})
                     .compile();
        x_ = {Tensor::from(x, shape)};
    }
    void run() {
        y_ = model_(x_)[0];
        y_.eval();
    }
    Floats result() const { return y_.to_vector<float>(); }

private:
    lathe::CompiledModel model_;
    std::vector<Tensor> x_;
    Tensor y_;
};

class Peer {
public:
    Peer(const Shape& s, const Floats& x, const Floats& w) : engine_(dnnl::engine::kind::cpu, 0), stream_(engine_) {
        using Tag = dnnl::memory::format_tag;
        const auto type = dnnl::memory::data_type::f32;
        const dnnl::memory::dims source{s.images, s.channels, s.size, s.size},
            result{s.images, s.outputs, s.windows(), s.windows()};
        const bool grouped = s.groups > 1;
        const dnnl::memory::dims weights =
            grouped ? dnnl::memory::dims{s.groups, s.outputs / s.groups, s.channels / s.groups, s.window, s.window}
                    : dnnl::memory::dims{s.outputs, s.channels, s.window, s.window};
        const dnnl::convolution_forward::desc what(
            dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_direct, {source, type, Tag::any},
            {weights, type, Tag::any}, {result, type, Tag::any}, {s.stride, s.stride}, {s.padding, s.padding},
            {s.padding, s.padding});
        const dnnl::convolution_forward::primitive_desc chosen(what, engine_);
        convolution_ = dnnl::convolution_forward(chosen);
        const auto reordered = [&](const dnnl::memory::desc& from, const Floats& data, const dnnl::memory::desc& to) {
            dnnl::memory given(from, engine_), out(to, engine_);
            std::memcpy(given.get_data_handle(), data.data(), data.size() * sizeof(float));
            dnnl::reorder(given, out).execute(stream_, given, out);
            stream_.wait();
            return out;
        };
        result_ = dnnl::memory(chosen.dst_desc(), engine_);
        plain_ = dnnl::memory({result, type, Tag::nhwc}, engine_);
        arguments_ = {
            {DNNL_ARG_SRC, reordered({source, type, Tag::nhwc}, x, chosen.src_desc())},
            {DNNL_ARG_WEIGHTS, reordered({weights, type, grouped ? Tag::goihw : Tag::oihw}, w, chosen.weights_desc())},
            {DNNL_ARG_DST, result_}};
        kind_ = chosen.impl_info_str();
    }
    void run() {
        convolution_.execute(stream_, arguments_);
        stream_.wait();
    }
    Floats result() {
        dnnl::reorder(result_, plain_).execute(stream_, result_, plain_);
        stream_.wait();
        const auto* const data = static_cast<const float*>(plain_.get_data_handle());
        return {data, data + plain_.get_desc().get_size() / sizeof(float)};
    }
    const std::string& kind() const { return kind_; }

private:
    dnnl::engine engine_;
    dnnl::stream stream_;
    dnnl::convolution_forward convolution_;
    dnnl::memory result_, plain_;
    std::unordered_map<int, dnnl::memory> arguments_;
    std::string kind_;
};

template <class F>
double seconds(F&& run, int count) {
    const double start = now();
    for (int i = 0; i < count; ++i) run();
    return (now() - start) / count;
}
double median(std::vector<double> x) {
    std::ranges::sort(x);
    return x[x.size() / 2];
}

bool compare(const Shape& s) {
    const Floats x = random_floats(s.images * s.channels * s.size * s.size, 1);
    const Floats w = random_floats(s.outputs * (s.channels / s.groups) * s.window * s.window, 2);
    Ours ours(s, x, w);
    Peer peer(s, x, w);
    ours.run();
    peer.run();
    const Floats a = ours.result(), b = peer.result();
    float worst = a.size() == b.size() ? 0 : HUGE_VALF, greatest = 0;
    for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
        worst = std::max(worst, std::abs(a[i] - b[i]));
        greatest = std::max(greatest, std::abs(b[i]));
    }
    const bool agree = worst <= 1e-5F * greatest;
    const int count = std::max(1, static_cast<int>(0.02 / seconds([&] { ours.run(); }, 3)));
    std::vector<double> our_times, peer_times;
    for (int turn = 0; turn <= options.turns; ++turn) {
        const double our_time = seconds([&] { ours.run(); }, count), peer_time = seconds([&] { peer.run(); }, count);
        if (turn == 0) continue;  // warm
        our_times.push_back(our_time);
        peer_times.push_back(peer_time);
    }
    const double our_time = median(our_times), peer_time = median(peer_times);
    fmt::print("{:26} {:9.1f} {:9.1f} {:6.2f} {:8.1f} {:8.1f}  {}{}\n", s.name, 1e6 * our_time, 1e6 * peer_time,
               peer_time / our_time, 1e-9 * s.work() / our_time, 1e-9 * s.work() / peer_time, peer.kind(),
               agree ? "" : "  RESULTS DIFFER");
    std::fflush(stdout);
    return agree;
}

}  // namespace

int main(int count, char** words) {
    for (int i = 1; i + 1 < count; i += 2) {
        const std::string word = words[i];
        if (word == "--threads")
            options.threads = std::atoi(words[i + 1]);
        else if (word == "--turns")
            options.turns = std::atoi(words[i + 1]);
        else if (word == "--only")
            options.only = words[i + 1];
    }
    setenv("OMP_NUM_THREADS", std::to_string(options.threads).c_str(), 1);
    const lathe::runtime::ThreadLimit limit(options.threads);
    fmt::print("{:26} {:>9} {:>9} {:>6} {:>8} {:>8}\n", "", "lathe us", "oneDNN us", "ratio", "GFLOP/s", "GFLOP/s");
    bool agree = true;
    for (const Shape& s : shapes)
        if (std::string(s.name).find(options.only) != std::string::npos) agree = compare(s) && agree;
    return agree ? 0 : 1;
}
