#include "frontend/functions/functions.h"
#include "tests/misuse/functions.h"

namespace lathe::misuse {

void add_signals(Table& table) {
    table.unary("make_complex", make_complex);
    table.binary("make_complex", make_complex);
    table.binary("polar", polar);
    table.unary("real", real);
    table.unary("imag", imag);
    table.unary("complex_abs", complex_abs);
    table.unary("complex_angle", complex_angle);
    table.unary("conj", conj);
    table.binary("complex_multiply", complex_multiply);
    table.binary("complex_divide", complex_divide);
    using OfAxis = Tensor (*)(const Tensor&, FourierOptions, Where);
    for (const auto& [name, f] : std::vector<std::pair<std::string, OfAxis>>{
             {"fft", fft}, {"ifft", ifft}, {"rfft", rfft}, {"irfft", irfft}, {"hfft", hfft}, {"ihfft", ihfft}})
        for (const std::int64_t n : wrong_numbers) {
            table.add(name, 1, [n, f](const Tensors& t, Where w) { return f(t[0], {.axis = n}, w); });
            table.add(name, 1, [n, f](const Tensors& t, Where w) { return f(t[0], {.n = n}, w); });
        }
    using OfAxes = Tensor (*)(const Tensor&, const FourierAxesOptions&, Where);
    for (const auto& [name, f] : std::vector<std::pair<std::string, OfAxes>>{{"fftn", fftn},
                                                                             {"ifftn", ifftn},
                                                                             {"rfftn", rfftn},
                                                                             {"irfftn", irfftn},
                                                                             {"fft2", fft2},
                                                                             {"ifft2", ifft2},
                                                                             {"rfft2", rfft2},
                                                                             {"irfft2", irfft2}})
        for (const std::int64_t n : wrong_numbers) {
            table.add(name, 1, [n, f](const Tensors& t, Where w) { return f(t[0], {.axes = {n, 0}}, w); });
            table.add(name, 1, [n, f](const Tensors& t, Where w) { return f(t[0], {.s = {n}}, w); });
            table.add(name, 1, [n, f](const Tensors& t, Where w) { return f(t[0], {.s = {n, 2}, .axes = {0}}, w); });
        }
    for (const std::int64_t n : wrong_numbers) {
        for (const Numbers kind : {Numbers::real, Numbers::complex}) {
            table.add("fftshift", 1, [=](const Tensors& t, Where w) { return fftshift(t[0], {n, 0}, kind, w); });
            table.add("ifftshift", 1, [=](const Tensors& t, Where w) { return ifftshift(t[0], n, kind, w); });
        }
        for (const Dtype d : {Dtype::f32, Dtype::i32}) {
            table.add("fftfreq", 0, [=](const Tensors&, Where w) { return fftfreq(n, 1, d, w); });
            table.add("rfftfreq", 0, [=](const Tensors&, Where w) { return rfftfreq(n, 1, d, w); });
            const WindowOptions o{.dtype = d};
            table.add("general_cosine_window", 0,
                      [=](const Tensors&, Where w) { return general_cosine_window(n, {0.5, 0.5}, o, w); });
            table.add("hann_window", 0, [=](const Tensors&, Where w) { return hann_window(n, o, w); });
            table.add("hamming_window", 0, [=](const Tensors&, Where w) { return hamming_window(n, o, 0.5, w); });
            table.add("blackman_window", 0, [=](const Tensors&, Where w) { return blackman_window(n, o, w); });
            table.add("nuttall_window", 0, [=](const Tensors&, Where w) { return nuttall_window(n, o, w); });
            table.add("bartlett_window", 0, [=](const Tensors&, Where w) { return bartlett_window(n, o, w); });
            table.add("cosine_window", 0, [=](const Tensors&, Where w) { return cosine_window(n, o, w); });
            table.add("gaussian_window", 0, [=](const Tensors&, Where w) { return gaussian_window(n, 1, o, w); });
            table.add("exponential_window", 0, [=](const Tensors&, Where w) { return exponential_window(n, 1, o, w); });
            table.add("kaiser_window", 0, [=](const Tensors&, Where w) { return kaiser_window(n, 1, o, w); });
        }
        table.add("stft", 1, [n](const Tensors& t, Where w) { return stft(t[0], n, {}, w); });
        table.add("stft", 1, [n](const Tensors& t, Where w) { return stft(t[0], 2, {.hop = n}, w); });
        table.add("istft", 1, [n](const Tensors& t, Where w) { return istft(t[0], n, {}, w); });
        table.add("istft", 1, [n](const Tensors& t, Where w) { return istft(t[0], 2, {.hop = n}, w); });
        table.add("istft", 1, [n](const Tensors& t, Where w) { return istft(t[0], 2, {.length = n}, w); });
    }
    table.add("stft", 2, [](const Tensors& t, Where w) { return stft(t[0], 2, {.window = t[1], .center = false}, w); });
    table.add("istft", 2, [](const Tensors& t, Where w) { return istft(t[0], 2, {.window = t[1]}, w); });
    table.add("general_cosine_window", 0, [](const Tensors&, Where w) { return general_cosine_window(4, {}, {}, w); });
    for (const double x : wrong_reals) {
        table.add("gaussian_window", 0, [x](const Tensors&, Where w) { return gaussian_window(4, x, {}, w); });
        table.add("exponential_window", 0, [x](const Tensors&, Where w) { return exponential_window(4, x, {}, w); });
        table.add("kaiser_window", 0, [x](const Tensors&, Where w) { return kaiser_window(4, x, {}, w); });
    }
}

}  // namespace lathe::misuse
