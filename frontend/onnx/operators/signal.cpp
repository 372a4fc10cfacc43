// Fourier transforms, spectra of windows, and the windows.
#include "frontend/functions/signal.h"

#include <cmath>
#include <optional>

#include <fmt/format.h>

#include "frontend/functions/elementwise.h"
#include "frontend/functions/fourier.h"
#include "frontend/functions/movement.h"
#include "frontend/onnx/operators.h"

namespace lathe::onnx {
namespace {

// Whether a signal's last extent holds real and imaginary parts, or only real ones.
bool has_imaginary_parts(const NodeCall& c, const Tensor& x) {
    if (x.rank() < 2) c.refuse("wants a signal along one axis, and real and imaginary parts along the last");
    const Dim parts = x.type().shape[x.rank() - 1];
    if (parts != Dim(1) && parts != Dim(2)) c.refuse("the last extent is neither 1 nor 2");
    return parts == Dim(2);
}
Tensor without_last(const Tensor& x) { return squeeze(x, {-1}); }

// In f32 at least: transforms of less have no dtype of their own.
Tensor widened(const NodeCall& c, const Tensor& x) {
    if (!ir::is_float(x.dtype())) c.refuse("wants floats");
    return convert(x, ir::accumulator_of(x.dtype()));
}

Results dft(NodeCall& c) {
    const Tensor x = widened(c, c[0]);
    const bool is_complex = has_imaginary_parts(c, x), is_inverse = c.flag("inverse"), is_onesided = c.flag("onesided");
    std::int64_t axis = c.opset() < 20 ? c.integer("axis", 1) : -2;
    if (c.opset() >= 20 && c.has(2)) axis = c.integer(2);
    axis = c.natural_axis(axis, x.rank());
    if (axis + 1 == static_cast<std::int64_t>(x.rank())) c.refuse("the last axis is none of the signal's");
    FourierOptions options;
    options.axis = axis;
    if (c.has(1)) options.n = c.dim(1);
    Tensor y;
    if (is_onesided && is_inverse) {
        if (!is_complex) c.refuse("a transform from one side wants complex numbers");
        y = unsqueeze(irfft(x, options), {-1});
    } else if (is_onesided) {
        if (is_complex) c.refuse("a transform to one side wants real numbers");
        y = rfft(without_last(x), options);
    } else {
        const Tensor z = is_complex ? x : make_complex(without_last(x));
        y = is_inverse ? ifft(z, options) : fft(z, options);
    }
    return {convert(y, c.value(0).dtype())};
}

Results short_time_transform(NodeCall& c) {
    const Dtype dtype = c.value(0).dtype();
    const Tensor x = widened(c, c[0].rank() == 2 ? unsqueeze(c[0], {-1}) : c[0]);
    if (x.rank() != 3) c.refuse("wants a signal [batch, length, 1 or 2]");
    const bool is_complex = has_imaginary_parts(c, x);
    StftOptions options;
    options.hop = c.integer(1);
    if (options.hop < 1) c.refuse(fmt::format("frame_step is {}, less than 1", options.hop));
    options.center = false;
    options.onesided = c.flag("onesided", true);
    if (is_complex && options.onesided) c.refuse("of a complex signal there is no spectrum of one side");
    Dim size = x.type().shape[1];
    if (c.has(2)) {
        options.window = convert(c[2], x.dtype());
        if (options.window->rank() != 1) c.refuse("the window is no vector");
        size = options.window->type().shape[0];
    }
    if (c.has(3)) {
        const Dim length = c.dim(3);
        if (options.window && length != size) c.refuse("frame_length is not the length of the window");
        size = length;
    }
    if (!size.is_constant()) c.refuse("the length of a frame follows from extents that are not known");
    const auto spectrum = [&](const Tensor& signal) { return stft(signal, size.constant(), options); };
    Tensor y = spectrum(is_complex ? real(x) : without_last(x));
    if (is_complex) {
        const Tensor of_imaginary = spectrum(imag(x));
        y = make_complex(real(y) - imag(of_imaginary), imag(y) + real(of_imaginary));
    }
    return {convert(swapaxes(y, 1, 2), dtype)};
}

// ---- windows

// a[0] - a[1] cos(2 pi i / n) + a[2] cos(4 pi i / n); the n is one less where the window is not periodic.
Results window_of(NodeCall& c, const std::vector<double>& coefficients) {
    const Dim size = c.dim(0);
    if (size.is_constant() && size.constant() < 0) c.refuse("the size is negative");
    const Dtype dtype = c.dtype("output_datatype", Dtype::f32), computed = ir::is_float(dtype) ? dtype : Dtype::f64;
    const WindowOptions symmetric{.periodic = false, .dtype = computed};
    const Tensor window = c.flag("periodic", true)
                              ? narrow(general_cosine_window(size + 1, coefficients, symmetric), 0, 0, size)
                              : general_cosine_window(size, coefficients, symmetric);
    return {convert(window, dtype)};
}
Results hann(NodeCall& c) { return window_of(c, {0.5, 0.5}); }
Results hamming(NodeCall& c) { return window_of(c, {25.0 / 46, 21.0 / 46}); }
Results blackman(NodeCall& c) { return window_of(c, {0.42, 0.5, 0.08}); }

// ---- bands that are equally wide to the ear: mel = 2595 log10(1 + hertz / 700)

// Each column is a triangle over the frequencies of one band, from the middle of the one before to that of the next.
Results mel_weights(NodeCall& c) {
    const std::int64_t bands = c.integer(0), length = c.integer(1), rate = c.integer(2);
    const double low = c.number(3), high = c.number(4);
    if (bands < 0 || length < 0 || rate < 1) c.refuse("the number of bands, the length or the rate is out of range");
    if (bands > 1 << 16 || length > 1 << 24) c.refuse("there are too many bands or frequencies");
    if (!(low >= 0 && high >= low)) c.refuse("the edges are no frequencies, the lower one first");
    const std::int64_t count = length / 2 + 1;
    const auto mel = [](double hertz) { return 2595 * std::log10(1 + hertz / 700); };
    const double step = (mel(high) - mel(low)) / static_cast<double>(bands + 2);
    std::vector<std::int64_t> edges;
    for (std::int64_t i = 0; i < bands + 2; ++i) {
        const double hertz = 700 * (std::pow(10, (mel(low) + static_cast<double>(i) * step) / 2595) - 1);
        edges.push_back(
            static_cast<std::int64_t>(std::floor(static_cast<double>(length + 1) * hertz / static_cast<double>(rate))));
        if (edges.back() >= count) c.refuse("the upper edge is beyond the frequencies of the transform");
    }
    std::vector<double> weights(static_cast<std::size_t>(count * bands), 0);
    for (std::int64_t i = 0; i < bands; ++i) {
        const std::int64_t left = edges[static_cast<std::size_t>(i)], middle = edges[static_cast<std::size_t>(i + 1)],
                           right = edges[static_cast<std::size_t>(i + 2)];
        const auto at = [&](std::int64_t k) -> double& { return weights[static_cast<std::size_t>(k * bands + i)]; };
        for (std::int64_t k = left; k < middle; ++k)
            at(k) = static_cast<double>(k - left) / static_cast<double>(middle - left);
        at(middle) = 1;
        for (std::int64_t k = middle; k < right; ++k)
            at(k) = static_cast<double>(right - k) / static_cast<double>(right - middle);
    }
    return {convert(Tensor::from(weights, {count, bands}), c.dtype("output_datatype", Dtype::f32))};
}

constexpr Operator rows[] = {
    {"BlackmanWindow", blackman, Known::no, nullptr, nullptr, 17},
    {"DFT", dft, Known::no, nullptr, nullptr, 17},
    {"HammingWindow", hamming, Known::no, nullptr, nullptr, 17},
    {"HannWindow", hann, Known::no, nullptr, nullptr, 17},
    {"MelWeightMatrix", mel_weights, Known::no, nullptr, nullptr, 17},
    {"STFT", short_time_transform, Known::no, nullptr, nullptr, 17},
};

}  // namespace

Operators signal_operators() { return rows; }

}  // namespace lathe::onnx
