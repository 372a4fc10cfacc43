// Suppresses the noise in a recording of speech: denoise MODELS NOISY.wav CLEAN.wav
//
// The two models, dtln_1.onnx and dtln_2.onnx in the folder MODELS, are those of "Dual-Signal Transformation LSTM
// Network for Real-Time Noise Suppression" (Westhausen and Meyer, 2020). Each hop of 128 samples completes a block of
// 512: the first model masks the block's spectrum, the second one the signal that comes of it, and the blocks add up
// where they overlap. Both remember the blocks before: that is the state, which goes from hop to hop.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <span>
#include <stdexcept>

#include <fmt/format.h>

#include "lathe.h"
#include "tools/examples/files/wav.h"

namespace {

using namespace lathe;
using Clock = std::chrono::steady_clock;

constexpr std::int64_t block = 512, hop = 128, rate = 16000;

// What a hop leaves for the next one.
struct State {
    Tensor heard = zeros({block});                                                      // the last samples
    Tensor sum = zeros({block});                                                        // of blocks, not yet complete
    Tensor mask_memory = zeros({1, 2, 128, 2}), signal_memory = zeros({1, 2, 128, 2});  // of the models

    template <class Visit>
    void visit_tensors(Visit&& visit) {
        visit(heard), visit(sum), visit(mask_memory), visit(signal_memory);
    }
    template <class Visit>
    void visit_tensors(Visit&& visit) const {
        visit(heard), visit(sum), visit(mask_memory), visit(signal_memory);
    }
};

class Denoiser {
public:
    explicit Denoiser(const std::string& folder)
        : mask_(Model::load(folder + "/dtln_1.onnx")), signal_(Model::load(folder + "/dtln_2.onnx")) {}

    // The next state, and the samples that the hop completes: those of three hops before.
    std::pair<State, Tensor> operator()(const State& state, const Tensor& samples) const {
        State next;
        next.heard = concat({state.heard[{Range{hop}}], samples}, 0);
        const Tensor spectrum = rfft(next.heard);
        const Tensor magnitude = reshape(complex_abs(spectrum), {1, 1, block / 2 + 1});
        const std::vector<Tensor> mask = mask_(std::vector{magnitude, state.mask_memory});
        const Tensor masked = irfft(spectrum * reshape(mask[0], {block / 2 + 1, 1}));
        const std::vector<Tensor> signal = signal_(std::vector{reshape(masked, {1, 1, block}), state.signal_memory});
        next.mask_memory = mask[1];
        next.signal_memory = signal[1];
        const Tensor sum = state.sum + reshape(signal[0], {block});
        next.sum = concat({sum[{Range{hop}}], zeros({hop})}, 0);
        return {next, sum[{Range{0, hop}}]};
    }

private:
    Model mask_, signal_;
};

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

double decibels(const std::vector<float>& samples) {
    double power = 0;
    for (const float x : samples) power += static_cast<double>(x) * x;
    return 10 * std::log10(power / static_cast<double>(samples.size()) + 1e-12);
}

int run(std::span<char* const> words) {
    if (words.size() != 3) {
        fmt::print(stderr, "usage: denoise MODELS NOISY.wav CLEAN.wav\n");
        return 2;
    }
    const std::string folder = words[0], from = words[1], to = words[2];
    const Wav noisy = read_wav(from);
    if (noisy.rate != rate || noisy.channels != 1)
        throw std::runtime_error(fmt::format("{}: has {} channels at {} Hz; the models want one at {} Hz", from,
                                             noisy.channels, noisy.rate, rate));
    if (noisy.samples.empty()) throw std::runtime_error(from + ": has no samples");
    // A sample comes out three hops after it went in.
    constexpr std::int64_t delay = block - hop;
    const auto length = std::ssize(noisy.samples);
    const std::int64_t hops = (length + delay + hop - 1) / hop;
    std::vector<float> padded = noisy.samples;
    padded.resize(static_cast<std::size_t>(hops * hop));

    // Hop by hop, as a sound card gives them.
    const Denoiser denoiser(folder);
    const auto step = jit([&](const State& state, const Tensor& samples) { return denoiser(state, samples); });
    State state;
    std::vector<float> streamed;
    double sum = 0, longest = 0;
    for (std::int64_t i = 0; i < hops; ++i) {
        const std::span<const float> samples(padded.data() + i * hop, hop);
        const auto start = Clock::now();
        auto [next, out] = step(state, Tensor::from(samples, {hop}));
        const std::span<const float> done = out.data<float>();
        if (i > 0) {  // the first one compiles
            sum += seconds_since(start);
            longest = std::max(longest, seconds_since(start));
        }
        streamed.insert(streamed.end(), done.begin(), done.end());
        state = std::move(next);
    }

    // All hops in one call.
    const auto whole = jit([&](const Tensor& all) { return scan(denoiser, State(), all).second; });
    const Tensor all = Tensor::from(std::span<const float>(padded), {hops, hop});
    whole(all).eval();
    const auto start = Clock::now();
    const std::vector<float> at_once = whole(all).to_vector<float>();
    const double whole_seconds = seconds_since(start);
    const bool equal = streamed == at_once;

    Wav clean{rate, 1, std::vector<float>(streamed.begin() + delay, streamed.begin() + delay + length)};
    write_wav(to, clean);
    const double seconds = static_cast<double>(length) / rate;
    const double steps = static_cast<double>(std::max<std::int64_t>(hops - 1, 1));
    const double hop_seconds = static_cast<double>(hop) / rate;
    fmt::print("audio                  {:.2f} s, {:.1f} dB; without noise {:.1f} dB\n", seconds,
               decibels(noisy.samples), decibels(clean.samples));
    fmt::print("hop by hop             real-time factor {:.3f} ({:.3f} ms for {:.0f} ms of audio, at most {:.3f})\n",
               sum / steps / hop_seconds, 1e3 * sum / steps, 1e3 * hop_seconds, 1e3 * longest);
    fmt::print("all hops in one call   real-time factor {:.3f}; the samples {} those of the hops, bit for bit\n",
               whole_seconds / (static_cast<double>(hops) * hop_seconds), equal ? "equal" : "DIFFER from");
    return equal ? 0 : 1;
}

}  // namespace

int main(int count, char** words) {
    try {
        return run(std::span(words, static_cast<std::size_t>(count)).subspan(1));
    } catch (const std::exception& e) {
        std::fprintf(stderr, "denoise: %s\n", e.what());
        return 1;
    }
}
