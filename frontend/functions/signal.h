// Windows, and spectra of moving windows.
#pragma once

#include <optional>
#include <vector>

#include "frontend/tensor/tensor.h"

namespace lathe {

// ---- windows: n numbers with their greatest in the middle. Computed in f64 and rounded once; one number is 1

struct WindowOptions {
    bool periodic = true;  // the first n of the n + 1 of a symmetric window: what spectra want
    Dtype dtype = Dtype::f32;
};
// a[0] - a[1] cos(2 pi x) + a[2] cos(4 pi x) - ..., for x from 0 to 1.
Tensor general_cosine_window(Dim n, const std::vector<double>& coefficients, WindowOptions options = {},
                             Where where = Where::current());
// 0.5, 0.5.
Tensor hann_window(Dim n, WindowOptions options = {}, Where where = Where::current());
// alpha, 1 - alpha.
Tensor hamming_window(Dim n, WindowOptions options = {}, double alpha = 0.54, Where where = Where::current());
// 0.42, 0.5, 0.08.
Tensor blackman_window(Dim n, WindowOptions options = {}, Where where = Where::current());
// 0.3635819, 0.4891775, 0.1365995, 0.0106411: Nuttall, "Some windows with very good sidelobe behavior", 1981.
Tensor nuttall_window(Dim n, WindowOptions options = {}, Where where = Where::current());
// 1 - |2 x - 1|.
Tensor bartlett_window(Dim n, WindowOptions options = {}, Where where = Where::current());
// sin(pi x), where x is in the middle of each of n equal parts.
Tensor cosine_window(Dim n, WindowOptions options = {}, Where where = Where::current());
// exp(-(distance from the middle, in elements / deviation)^2 / 2).
Tensor gaussian_window(Dim n, double deviation, WindowOptions options = {}, Where where = Where::current());
// exp(-distance from the middle, in elements / tau).
Tensor exponential_window(Dim n, double tau = 1, WindowOptions options = {}, Where where = Where::current());
// I0(beta sqrt(1 - (2 x - 1)^2)) / I0(beta), with Bessel's modified function; beta in [0, 500].
Tensor kaiser_window(Dim n, double beta = 12, WindowOptions options = {}, Where where = Where::current());

// ---- spectra of a signal's windows

enum class SignalPadding : std::uint8_t { reflect, replicate, circular, zeros };
struct StftOptions {
    std::int64_t hop = 0;                            // from one frame to the next; 0: size / 4
    std::optional<Tensor> window = {};               // at most `size` numbers, in the middle of a frame; none: ones
    bool center = true;                              // frame i has element i * hop in its middle: x is continued
    SignalPadding padding = SignalPadding::reflect;  // how
    bool normalized = false;                         // divided by sqrt(size)
    bool onesided = true;                            // size / 2 + 1 frequencies, else all
};
// Of real x [.., n]: complex [.., frequencies, frames], each frame of `size` elements times the window.
Tensor stft(const Tensor& x, std::int64_t size, const StftOptions& options = {}, Where where = Where::current());
struct IstftOptions {
    std::int64_t hop = 0;
    std::optional<Tensor> window = {};
    bool center = true;
    bool normalized = false;
    bool onesided = true;
    std::optional<Dim> length = {};  // of the result, which is cut, or continued with zeros
};
// Back to a signal: frames times the window, added where they were, divided by the sum of the squares of the windows
// there. Where that is 0 nothing is known, and the result is NaN.
Tensor istft(const Tensor& spectrum, std::int64_t size, const IstftOptions& options = {},
             Where where = Where::current());

}  // namespace lathe
