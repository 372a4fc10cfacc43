// Discrete Fourier transforms, of any length, of f32 and f64; complex numbers; spectra of moving windows.
//
// There is no complex dtype: a complex tensor of shape [..] is a tensor of shape [.., 2], whose last extent holds real
// and imaginary part. What the functions here call an axis is one of the others: axis -1 is the one before the last. A
// real signal is made complex by make_complex(x), where rfft(x), which does half the work, will not do.
//
// Results are the same bits for any number of threads and lines; ir/ops/fourier.h defines them. Their error, beside the
// root of the mean square of the result, grows with the logarithm of the length: at most 3e-7 log2(n) in f32, 6e-16
// log2(n) in f64. Lengths whose prime factors are at most 61 take about n log(n) steps; others take as long as three
// transforms of two to three times that length (Bluestein's method). Transforms of nothing are refused.
#pragma once

#include <optional>

#include "frontend/tensor/axes.h"
#include "frontend/tensor/tensor.h"

namespace lathe {

// ---- complex numbers

// From real and imaginary parts of one shape; without the latter, those are 0.
Tensor make_complex(const Tensor& re, Where where = Where::current());
Tensor make_complex(const Tensor& re, const Tensor& im, Where where = Where::current());
// From absolute values and angles.
Tensor polar(const Tensor& abs, const Tensor& angle, Where where = Where::current());
// The parts of z, its absolute values and its angles in (-pi, pi], without the last extent.
Tensor real(const Tensor& z, Where where = Where::current());
Tensor imag(const Tensor& z, Where where = Where::current());
Tensor complex_abs(const Tensor& z, Where where = Where::current());
Tensor complex_angle(const Tensor& z, Where where = Where::current());
Tensor conj(const Tensor& z, Where where = Where::current());
// Products and quotients, where * and / of tensors would multiply the parts. Axes broadcast.
Tensor complex_multiply(const Tensor& a, const Tensor& b, Where where = Where::current());
Tensor complex_divide(const Tensor& a, const Tensor& b, Where where = Where::current());

// ---- transforms along one axis

// Which direction is divided, by the number n of elements: the inverse one, by n; both, by sqrt(n), so that lengths
// stay; the other one, by n.
enum class FourierNorm : std::uint8_t { backward, ortho, forward };
struct FourierOptions {
    std::optional<Dim> n = {};  // as if the input had so many along the axis: it is cut, or continued with zeros
    std::int64_t axis = -1;
    FourierNorm norm = FourierNorm::backward;
};
// y[k] = sum over j of exp(-2 pi i j k / n) x[j], of complex x; and back.
Tensor fft(const Tensor& x, FourierOptions options = {}, Where where = Where::current());
Tensor ifft(const Tensor& x, FourierOptions options = {}, Where where = Where::current());
// The first n / 2 + 1 of fft of a real x: the others are their conjugates.
Tensor rfft(const Tensor& x, FourierOptions options = {}, Where where = Where::current());
// Back to n reals, by default 2 (m - 1) from m complex numbers. The imaginary part of the first does not count, nor,
// where n is even, that of the last.
Tensor irfft(const Tensor& x, FourierOptions options = {}, Where where = Where::current());
// The same with the roles of time and frequency exchanged: real spectra of signals that are conjugate in time.
Tensor hfft(const Tensor& x, FourierOptions options = {}, Where where = Where::current());
Tensor ihfft(const Tensor& x, FourierOptions options = {}, Where where = Where::current());

// ---- along several axes

struct FourierAxesOptions {
    Shape s = {};    // as n, for each of the axes; where it is given and they are not, they are as many of the last
    Axes axes = {};  // of which rfftn and irfftn halve the last; by default all, for fft2 and its kin the last two
    FourierNorm norm = FourierNorm::backward;
};
// Along each of the axes, one after the other.
Tensor fftn(const Tensor& x, const FourierAxesOptions& options = {}, Where where = Where::current());
Tensor ifftn(const Tensor& x, const FourierAxesOptions& options = {}, Where where = Where::current());
// Of reals, and back to them: rfft along the last of the axes, and fft along the others.
Tensor rfftn(const Tensor& x, const FourierAxesOptions& options = {}, Where where = Where::current());
Tensor irfftn(const Tensor& x, const FourierAxesOptions& options = {}, Where where = Where::current());
// Along two axes: the last two, by default.
Tensor fft2(const Tensor& x, const FourierAxesOptions& options = {}, Where where = Where::current());
Tensor ifft2(const Tensor& x, const FourierAxesOptions& options = {}, Where where = Where::current());
// Likewise, of reals, and back to them.
Tensor rfft2(const Tensor& x, const FourierAxesOptions& options = {}, Where where = Where::current());
Tensor irfft2(const Tensor& x, const FourierAxesOptions& options = {}, Where where = Where::current());

// ---- frequencies

// What the numbers of a tensor are. An absolute value or a frequency is real.
enum class Numbers : std::uint8_t { complex, real };
// With frequency 0 in the middle of each of the axes, where fft has it first; and back. By default of all axes.
Tensor fftshift(const Tensor& x, const Axes& axes = {}, Numbers numbers = Numbers::complex,
                Where where = Where::current());
Tensor ifftshift(const Tensor& x, const Axes& axes = {}, Numbers numbers = Numbers::complex,
                 Where where = Where::current());
// The frequencies of fft of n samples that are `distance` apart: 0, 1, ..., (n - 1) / 2, -(n / 2), ..., -1, divided by
// n * distance. And of rfft: 0, ..., n / 2, likewise.
Tensor fftfreq(Dim n, double distance = 1, Dtype dtype = Dtype::f32, Where where = Where::current());
Tensor rfftfreq(Dim n, double distance = 1, Dtype dtype = Dtype::f32, Where where = Where::current());

}  // namespace lathe
