#include "frontend/functions/signal.h"

#include <cmath>
#include <numbers>

#include <fmt/format.h>

#include "frontend/functions/axis_arguments.h"
#include "frontend/functions/fourier.h"
#include "frontend/functions/operand_checks.h"
#include "frontend/tensor/record.h"
#include "ir/functions/fourier.h"
#include "ir/ops/ops.h"

namespace lathe {
namespace {

namespace f = ir::functions;
namespace ops = ir::ops;
using detail::blaming;
using detail::LocScope;
using detail::refuse;
using detail::value_of;

// ---- windows

// What a window's formula is over: 0, 1, ..., n - 1, and the greatest number of the symmetric window that it is a part
// of, at least 1; in f64.
struct Positions {
    Tensor i, last;
};
template <class Formula>
Tensor window(std::string_view function, Dim n, WindowOptions options, Where where, const Formula& formula) {
    detail::require_dtype_of_result(function, options.dtype, ir::floats, where);
    if (n.is_constant()) detail::require_at_least(function, "n", n.constant(), 0, where);
    return blaming(where, function, [&] {
        const Tensor i = f::count_up(Tensor(), n, Dtype::f64);
        if (n == Dim(1) || n == Dim(0)) return f::convert(f::full_like(i, i.type().shape, 1), options.dtype);
        return f::convert(formula(Positions{i, f::extent_value(i, options.periodic ? n : n - 1, Dtype::f64)}),
                          options.dtype);
    });
}
Tensor times(const Tensor& x, double factor) { return ops::mul(x, f::number(x, factor)); }
Tensor plus(const Tensor& x, double term) { return ops::add(x, f::number(x, term)); }
Tensor from_middle(const Positions& p) { return ops::sub(p.i, times(p.last, 0.5)); }

Tensor cosines(const Positions& p, const std::vector<double>& coefficients) {
    const Tensor turn = ops::div(p.i, p.last);
    Tensor sum = f::full_like(p.i, p.i.type().shape, coefficients[0]);
    for (std::size_t k = 1; k < coefficients.size(); ++k) {
        const double sign = k % 2 == 0 ? 1 : -1;
        const Tensor angle = times(turn, 2 * std::numbers::pi * static_cast<double>(k));
        sum = ops::add(sum, times(ops::cos(angle), sign * coefficients[k]));
    }
    return sum;
}

// I0 at beta sqrt(y), by its series: 1 + z / 1^2 (1 + z / 2^2 (1 + ...)), with z = beta^2 y / 4. All terms are
// positive; what is left out is less than 2^-60 of the sum.
Tensor bessel(const Tensor& y, double beta) {
    const Tensor z = times(y, beta * beta / 4);
    const int terms = 20 + static_cast<int>(1.5 * beta);
    Tensor sum = f::number(y, 1);
    for (int k = terms; k > 0; --k) sum = plus(times(ops::mul(z, sum), 1.0 / (static_cast<double>(k) * k)), 1);
    return sum;
}

}  // namespace

Tensor general_cosine_window(Dim n, const std::vector<double>& coefficients, WindowOptions options, Where where) {
    const LocScope scope(where, "general_cosine_window");
    if (coefficients.empty()) refuse("general_cosine_window", "there are no coefficients", where);
    return window("general_cosine_window", n, options, where,
                  [&](const Positions& p) { return cosines(p, coefficients); });
}
Tensor hann_window(Dim n, WindowOptions options, Where where) {
    const LocScope scope(where, "hann_window");
    return general_cosine_window(n, {0.5, 0.5}, options, where);
}
Tensor hamming_window(Dim n, WindowOptions options, double alpha, Where where) {
    const LocScope scope(where, "hamming_window");
    return general_cosine_window(n, {alpha, 1 - alpha}, options, where);
}
Tensor blackman_window(Dim n, WindowOptions options, Where where) {
    const LocScope scope(where, "blackman_window");
    return general_cosine_window(n, {0.42, 0.5, 0.08}, options, where);
}
Tensor nuttall_window(Dim n, WindowOptions options, Where where) {
    const LocScope scope(where, "nuttall_window");
    return general_cosine_window(n, {0.3635819, 0.4891775, 0.1365995, 0.0106411}, options, where);
}
Tensor bartlett_window(Dim n, WindowOptions options, Where where) {
    const LocScope scope(where, "bartlett_window");
    return window("bartlett_window", n, options, where, [](const Positions& p) {
        return plus(ops::neg(ops::abs(plus(times(ops::div(p.i, p.last), 2), -1))), 1);
    });
}
Tensor cosine_window(Dim n, WindowOptions options, Where where) {
    const LocScope scope(where, "cosine_window");
    return window("cosine_window", n, options, where, [](const Positions& p) {
        return ops::sin(times(ops::div(plus(p.i, 0.5), plus(p.last, 1)), std::numbers::pi));
    });
}
Tensor gaussian_window(Dim n, double deviation, WindowOptions options, Where where) {
    const LocScope scope(where, "gaussian_window");
    detail::require_above("gaussian_window", "deviation", deviation, 0, where);
    return window("gaussian_window", n, options, where, [&](const Positions& p) {
        const Tensor x = times(from_middle(p), 1 / deviation);
        return ops::exp(times(ops::mul(x, x), -0.5));
    });
}
Tensor exponential_window(Dim n, double tau, WindowOptions options, Where where) {
    const LocScope scope(where, "exponential_window");
    detail::require_above("exponential_window", "tau", tau, 0, where);
    return window("exponential_window", n, options, where,
                  [&](const Positions& p) { return ops::exp(times(ops::abs(from_middle(p)), -1 / tau)); });
}
Tensor kaiser_window(Dim n, double beta, WindowOptions options, Where where) {
    const LocScope scope(where, "kaiser_window");
    constexpr double most = 500;
    detail::require_between("kaiser_window", "beta", beta, 0, most, where);
    return window("kaiser_window", n, options, where, [&](const Positions& p) {
        const Tensor x = plus(times(ops::div(p.i, p.last), 2), -1);
        const Tensor inside = ops::max(plus(ops::neg(ops::mul(x, x)), 1), f::number(x, 0));
        return ops::div(bessel(inside, beta), bessel(f::number(x, 1), beta));
    });
}

// ---- spectra of windows

namespace {

std::int64_t hop_of(std::string_view function, std::int64_t size, std::int64_t hop, Where where) {
    detail::require_at_least(function, "size", size, 1, where);
    detail::require_at_least(function, "hop", hop, 0, where);
    return hop > 0 ? hop : std::max<std::int64_t>(size / 4, 1);
}

// The window as long as a frame; none where there is none.
std::optional<Tensor> window_of(std::string_view function, const std::optional<Tensor>& window, std::int64_t size,
                                const Tensor& x, Where where) {
    if (!window) return std::nullopt;
    if (window->is_empty()) refuse(function, "the window is an empty tensor", where);
    const Tensor w = value_of(*window);
    f::require_same_dtype(function, x, w);
    if (w.rank() != 1) f::refuse(function, fmt::format("wants a vector as the window, not rank {}", w.rank()), w);
    const Dim length = w.type().shape[0];
    if (length == Dim(size)) return w;
    if (!length.is_constant() || length.constant() > size)
        f::refuse(function, fmt::format("the window is longer than a frame: {} exceeds {}", length.to_string(), size),
                  w);
    const std::int64_t low = (size - length.constant()) / 2;
    return f::zero_padded(w, Shape{low}, Shape{size - length.constant() - low});
}

Tensor continued(std::string_view function, const Tensor& x, std::int64_t amount, SignalPadding padding) {
    const auto last = static_cast<std::int64_t>(x.rank()) - 1;
    const Dim extent = x.type().shape[static_cast<std::size_t>(last)];
    const std::int64_t least = padding == SignalPadding::reflect ? amount + 1 : amount;
    if (padding != SignalPadding::zeros && padding != SignalPadding::replicate && extent.is_constant() &&
        extent.constant() < least)
        f::refuse(function,
                  fmt::format("a signal of {} elements cannot be continued by {}: center = false leaves it as it is",
                              extent.constant(), amount),
                  x);
    switch (padding) {
        case SignalPadding::reflect:
            return f::pad_reflect(x, last, amount, amount);
        case SignalPadding::replicate:
            return f::pad_replicate(x, last, amount, amount);
        case SignalPadding::circular:
            return f::pad_circular(x, last, amount, amount);
        case SignalPadding::zeros:
            break;
    }
    Shape both(std::vector<Dim>(x.rank(), 0));
    both[x.rank() - 1] = amount;
    return f::zero_padded(x, both, both);
}

// The axes of frames and frequencies exchanged.
Tensor turned(const Tensor& x, std::size_t a) {
    ir::Integers order = f::all_axes(x.rank());
    std::swap(order[a], order[a + 1]);
    return f::transpose(x, std::move(order));
}

FourierNorm norm_of(bool normalized) { return normalized ? FourierNorm::ortho : FourierNorm::backward; }

}  // namespace

Tensor stft(const Tensor& x, std::int64_t size, const StftOptions& options, Where where) {
    LocScope scope(where, "stft", x);
    if (options.window) scope.also(*options.window);
    const std::int64_t hop = hop_of("stft", size, options.hop, where);
    if (x.rank() == 0) refuse("stft", "wants a signal, of one axis or more", where);
    detail::require_rank(x.rank() + 2, "stft", where);
    return blaming(where, "stft", [&] {
        Tensor signal = value_of(x);
        if (options.center && size > 1) signal = continued("stft", signal, size / 2, options.padding);
        const Dim extent = signal.type().shape[signal.rank() - 1];
        if (extent.is_constant() && extent.constant() < size)
            f::refuse("stft",
                      fmt::format("a frame of {} elements is longer than the signal, of {}", size, extent.constant()),
                      x);
        Tensor all = f::frames(signal, size, hop);
        if (const auto w = window_of("stft", options.window, size, x, where)) all = ops::mul(all, *w);
        const FourierOptions how{.norm = norm_of(options.normalized)};
        const Tensor spectra = options.onesided ? rfft(all, how, where) : fft(make_complex(all, where), how, where);
        return turned(spectra, x.rank() - 1);
    });
}

Tensor istft(const Tensor& spectrum, std::int64_t size, const IstftOptions& options, Where where) {
    LocScope scope(where, "istft", spectrum);
    if (options.window) scope.also(*options.window);
    const std::int64_t hop = hop_of("istft", size, options.hop, where);
    if (spectrum.rank() < 3)
        refuse("istft", "wants frequencies, frames, and real and imaginary parts: three axes or more", where);
    return blaming(where, "istft", [&] {
        const std::size_t a = spectrum.rank() - 3;
        const std::int64_t bins = options.onesided ? size / 2 + 1 : size;
        const Tensor value = value_of(spectrum);
        if (!f::may_be_equal(value.type().shape[a], bins))
            f::refuse("istft", fmt::format("there are {} frequencies, not {}", value.type().shape[a].to_string(), bins),
                      value);
        const Tensor frames = turned(value, a);
        const FourierOptions how{.n = Dim(size), .norm = norm_of(options.normalized)};
        Tensor parts = options.onesided ? irfft(frames, how, where) : real(ifft(frames, how, where), where);
        const auto w = window_of("istft", options.window, size, parts, where);
        Shape line{value.type().shape[a + 1], size};
        Tensor squares = f::full_like(parts, line, 1);
        if (w) {
            parts = ops::mul(parts, *w);
            squares = f::broadcast_to(ops::mul(*w, *w), line);
        }
        Tensor signal = ops::div(f::overlap_add(parts, hop), f::overlap_add(squares, hop));
        const auto last = static_cast<std::int64_t>(signal.rank()) - 1;
        const Dim all = signal.type().shape[signal.rank() - 1];
        const std::int64_t first = options.center ? size / 2 : 0;
        const Dim left = options.length ? all - first : all - 2 * first;
        signal = f::narrow(signal, last, first, left);
        return options.length ? f::with_extent(signal, last, *options.length) : signal;
    });
}

}  // namespace lathe
