#include "frontend/functions/fourier.h"

#include <algorithm>

#include <fmt/format.h>

#include "frontend/functions/axis_arguments.h"
#include "frontend/functions/creation.h"
#include "frontend/functions/movement.h"
#include "frontend/tensor/record.h"
#include "ir/functions/fourier.h"
#include "ir/ops/fourier.h"
#include "ir/ops/ops.h"

namespace lathe {
namespace {

namespace f = ir::functions;
namespace ops = ir::ops;
using detail::blaming;
using detail::LocScope;
using detail::refuse;
using detail::value_of;

void require_wide_floats(std::string_view function, const Tensor& x) {
    f::require_dtype(function, "operand 0", ir::rules::wide_floats, x);
}
// A complex tensor, whose last extent is known to be 2.
Tensor complex(std::string_view function, const Tensor& z, Where where) {
    const Shape& shape = z.type().shape;
    if (shape.rank() == 0 || !f::may_be_equal(shape[shape.rank() - 1], 2))
        refuse(function, "the last extent is not 2, for real and imaginary parts", where);
    return f::as_complex(value_of(z));
}
// Without the last extent, of 1.
Tensor dropped(const Tensor& x) {
    const Shape& shape = x.type().shape;
    return f::reshape(x, Shape(shape.dims().first(shape.rank() - 1)));
}
Tensor added(const Tensor& x) {
    Shape shape = x.type().shape;
    shape.push_back(1);
    return f::reshape(value_of(x), shape);
}

}  // namespace

// ---- complex numbers

Tensor make_complex(const Tensor& re, Where where) {
    const LocScope scope(where, "make_complex", re);
    detail::require_rank(re.rank() + 1, "make_complex", where);
    const Tensor column = added(re);
    return f::complex_of(column, f::full_like(column, column.type().shape, 0));
}
Tensor make_complex(const Tensor& re, const Tensor& im, Where where) {
    const LocScope scope(where, "make_complex", re, im);
    detail::require_rank(re.rank() + 1, "make_complex", where);
    detail::require_rank(im.rank() + 1, "make_complex", where);
    return f::complex_of(added(re), added(im));
}
Tensor polar(const Tensor& abs, const Tensor& angle, Where where) {
    const LocScope scope(where, "polar", abs, angle);
    return make_complex(ops::mul(abs, ops::cos(angle)), ops::mul(abs, ops::sin(angle)), where);
}
Tensor real(const Tensor& z, Where where) {
    const LocScope scope(where, "real", z);
    return dropped(f::part_of_complex(complex("real", z, where), 0));
}
Tensor imag(const Tensor& z, Where where) {
    const LocScope scope(where, "imag", z);
    return dropped(f::part_of_complex(complex("imag", z, where), 1));
}
Tensor complex_abs(const Tensor& z, Where where) {
    const LocScope scope(where, "complex_abs", z);
    const Tensor x = complex("complex_abs", z, where);
    return dropped(ops::hypot(f::part_of_complex(x, 0), f::part_of_complex(x, 1)));
}
Tensor complex_angle(const Tensor& z, Where where) {
    const LocScope scope(where, "complex_angle", z);
    const Tensor x = complex("complex_angle", z, where);
    return dropped(ops::atan2(f::part_of_complex(x, 1), f::part_of_complex(x, 0)));
}
Tensor conj(const Tensor& z, Where where) {
    const LocScope scope(where, "conj", z);
    return f::conj(complex("conj", z, where));
}
Tensor complex_multiply(const Tensor& a, const Tensor& b, Where where) {
    const LocScope scope(where, "complex_multiply", a, b);
    return f::complex_multiply(complex("complex_multiply", a, where), complex("complex_multiply", b, where));
}
Tensor complex_divide(const Tensor& a, const Tensor& b, Where where) {
    const LocScope scope(where, "complex_divide", a, b);
    const Tensor divisor = complex("complex_divide", b, where);
    const Tensor re = f::part_of_complex(divisor, 0), im = f::part_of_complex(divisor, 1);
    const Tensor square = ops::add(ops::mul(re, re), ops::mul(im, im));
    return ops::div(f::complex_multiply(complex("complex_divide", a, where), f::conj(divisor)), square);
}

// ---- transforms

namespace {

enum class Direction { forward, inverse };

f::SpectrumScale scale_of(FourierNorm norm, Direction direction) {
    if (norm == FourierNorm::ortho) return f::SpectrumScale::root;
    const bool divides = (norm == FourierNorm::forward) == (direction == Direction::forward);
    return divides ? f::SpectrumScale::count : f::SpectrumScale::one;
}

// How a tensor is transformed: which axes, and to which extents each is brought before.
struct Plan {
    ir::Integers axes;
    std::vector<std::optional<Dim>> extents;
};

Plan plan_of(std::string_view function, std::size_t rank, const FourierOptions& options, Where where) {
    return {{detail::axis_of(options.axis, rank, function, where)}, {options.n}};
}
Plan plan_of(std::string_view function, std::size_t rank, const FourierAxesOptions& options, const Axes& otherwise,
             Where where) {
    Plan plan;
    const std::size_t given = options.s.rank();
    if (!options.axes.values().empty()) {
        plan.axes = detail::axes_of(options.axes, rank, function, where);
    } else if (given > 0) {
        if (given > rank) refuse(function, fmt::format("s has {} entries, more than the {} axes", given, rank), where);
        for (std::size_t i = rank - given; i < rank; ++i) plan.axes.push_back(static_cast<std::int64_t>(i));
    } else {
        plan.axes = otherwise.values().empty() ? f::all_axes(rank) : detail::axes_of(otherwise, rank, function, where);
    }
    if (plan.axes.empty()) refuse(function, "there is no axis to transform along", where);
    if (given > 0 && given != plan.axes.size())
        refuse(function, fmt::format("s has {} entries, not one for each of {} axes", given, plan.axes.size()), where);
    for (std::size_t i = 0; i < plan.axes.size(); ++i)
        plan.extents.push_back(given > 0 ? std::optional<Dim>(options.s[i]) : std::nullopt);
    return plan;
}

Dim positive(std::string_view function, Dim n, Where where) {
    if (n.is_constant() && n.constant() < 1) refuse(function, fmt::format("n is {}, less than 1", n.constant()), where);
    return n;
}

// x with the extents of the plan, but for that of the last axis where `but_last`. The number of all elements.
Tensor with_extents(std::string_view function, Tensor x, const Plan& plan, bool but_last, Where where) {
    for (std::size_t i = 0; i + (but_last ? 1 : 0) < plan.axes.size(); ++i)
        if (plan.extents[i]) x = f::with_extent(x, plan.axes[i], positive(function, *plan.extents[i], where));
    return x;
}
Dim count_of(const Tensor& x, const Plan& plan) {
    Dim count = 1;
    for (const std::int64_t axis : plan.axes) count *= x.type().shape[static_cast<std::size_t>(axis)];
    return count;
}

Tensor complex_to_complex(std::string_view function, const Tensor& given, const Plan& plan, Direction direction,
                          FourierNorm norm, Where where) {
    require_wide_floats(function, given);
    return blaming(where, function, [&] {
        Tensor x = with_extents(function, complex(function, given, where), plan, false, where);
        for (auto axis = plan.axes.rbegin(); axis != plan.axes.rend(); ++axis)
            x = ops::fft.with({*axis, direction == Direction::inverse}, x);
        return f::scaled_spectrum(x, count_of(x, plan), scale_of(norm, direction));
    });
}

Tensor real_to_complex(std::string_view function, const Tensor& given, const Plan& plan, Direction direction,
                       FourierNorm norm, Where where) {
    require_wide_floats(function, given);
    detail::require_rank(given.rank() + 1, function, where);
    return blaming(where, function, [&] {
        Tensor x = with_extents(function, value_of(given), plan, false, where);
        const Dim count = count_of(x, plan);
        x = ops::rfft.with({plan.axes.back()}, x);
        if (direction == Direction::inverse) x = f::conj(x);
        for (auto axis = plan.axes.rbegin() + 1; axis != plan.axes.rend(); ++axis)
            x = ops::fft.with({*axis, direction == Direction::inverse}, x);
        return f::scaled_spectrum(x, count, scale_of(norm, direction));
    });
}

Tensor complex_to_real(std::string_view function, const Tensor& given, const Plan& plan, Direction direction,
                       FourierNorm norm, Where where) {
    require_wide_floats(function, given);
    return blaming(where, function, [&] {
        Tensor x = with_extents(function, complex(function, given, where), plan, true, where);
        const std::int64_t last = plan.axes.back();
        const auto a = static_cast<std::size_t>(last);
        const Dim extent =
            positive(function, plan.extents.back() ? *plan.extents.back() : 2 * (x.type().shape[a] - 1), where);
        x = f::with_extent(x, last, floordiv(extent, 2) + 1);
        for (std::size_t i = 0; i + 1 < plan.axes.size(); ++i)
            x = ops::fft.with({plan.axes[i], direction == Direction::inverse}, x);
        if (direction == Direction::forward) x = f::conj(x);
        x = ops::irfft.with({last, Shape{extent}}, x);
        return f::scaled_spectrum(x, count_of(x, plan), scale_of(norm, direction));
    });
}

using Transform = Tensor (*)(std::string_view, const Tensor&, const Plan&, Direction, FourierNorm, Where);

// The axes of a tensor that a function takes.
std::size_t axis_count(const Tensor& x, Transform transform) {
    return transform == real_to_complex || x.rank() == 0 ? x.rank() : x.rank() - 1;
}
Tensor along_one(std::string_view function, Transform transform, Direction direction, const Tensor& x,
                 const FourierOptions& options, Where where) {
    const LocScope scope(where, function, x);
    return transform(function, x, plan_of(function, axis_count(x, transform), options, where), direction, options.norm,
                     where);
}
Tensor along_several(std::string_view function, Transform transform, Direction direction, const Tensor& x,
                     const FourierAxesOptions& options, const Axes& otherwise, Where where) {
    const LocScope scope(where, function, x);
    return transform(function, x, plan_of(function, axis_count(x, transform), options, otherwise, where), direction,
                     options.norm, where);
}

}  // namespace

Tensor fft(const Tensor& x, FourierOptions options, Where where) {
    return along_one("fft", complex_to_complex, Direction::forward, x, options, where);
}
Tensor ifft(const Tensor& x, FourierOptions options, Where where) {
    return along_one("ifft", complex_to_complex, Direction::inverse, x, options, where);
}
Tensor rfft(const Tensor& x, FourierOptions options, Where where) {
    return along_one("rfft", real_to_complex, Direction::forward, x, options, where);
}
Tensor irfft(const Tensor& x, FourierOptions options, Where where) {
    return along_one("irfft", complex_to_real, Direction::inverse, x, options, where);
}
Tensor hfft(const Tensor& x, FourierOptions options, Where where) {
    return along_one("hfft", complex_to_real, Direction::forward, x, options, where);
}
Tensor ihfft(const Tensor& x, FourierOptions options, Where where) {
    return along_one("ihfft", real_to_complex, Direction::inverse, x, options, where);
}

Tensor fftn(const Tensor& x, const FourierAxesOptions& options, Where where) {
    return along_several("fftn", complex_to_complex, Direction::forward, x, options, {}, where);
}
Tensor ifftn(const Tensor& x, const FourierAxesOptions& options, Where where) {
    return along_several("ifftn", complex_to_complex, Direction::inverse, x, options, {}, where);
}
Tensor rfftn(const Tensor& x, const FourierAxesOptions& options, Where where) {
    return along_several("rfftn", real_to_complex, Direction::forward, x, options, {}, where);
}
Tensor irfftn(const Tensor& x, const FourierAxesOptions& options, Where where) {
    return along_several("irfftn", complex_to_real, Direction::inverse, x, options, {}, where);
}
Tensor fft2(const Tensor& x, const FourierAxesOptions& options, Where where) {
    return along_several("fft2", complex_to_complex, Direction::forward, x, options, {-2, -1}, where);
}
Tensor ifft2(const Tensor& x, const FourierAxesOptions& options, Where where) {
    return along_several("ifft2", complex_to_complex, Direction::inverse, x, options, {-2, -1}, where);
}
Tensor rfft2(const Tensor& x, const FourierAxesOptions& options, Where where) {
    return along_several("rfft2", real_to_complex, Direction::forward, x, options, {-2, -1}, where);
}
Tensor irfft2(const Tensor& x, const FourierAxesOptions& options, Where where) {
    return along_several("irfft2", complex_to_real, Direction::inverse, x, options, {-2, -1}, where);
}

// ---- frequencies

namespace {

Tensor shifted(std::string_view function, const Tensor& given, const Axes& axes, Numbers numbers, bool back,
               Where where) {
    const LocScope scope(where, function, given);
    Tensor x = numbers == Numbers::complex ? complex(function, given, where) : value_of(given);
    const std::size_t rank = x.rank() - (numbers == Numbers::complex ? 1 : 0);
    const ir::Integers along = axes.values().empty() ? f::all_axes(rank) : detail::axes_of(axes, rank, function, where);
    return blaming(where, function, [&] {
        for (const std::int64_t axis : along) {
            const Dim n = x.type().shape[static_cast<std::size_t>(axis)];
            x = f::roll(x, back ? n - floordiv(n, 2) : floordiv(n, 2), axis);
        }
        return x;
    });
}

// Numbers of periods in n samples, divided by n * distance.
Tensor frequencies(const Tensor& counts, Dim n, double distance, Dtype dtype) {
    const Tensor length = f::extent_value(counts, n, Dtype::f64);
    return f::convert(ops::div(counts, ops::mul(length, f::number(length, distance))), dtype);
}

}  // namespace

Tensor fftshift(const Tensor& x, const Axes& axes, Numbers numbers, Where where) {
    return shifted("fftshift", x, axes, numbers, false, where);
}
Tensor ifftshift(const Tensor& x, const Axes& axes, Numbers numbers, Where where) {
    return shifted("ifftshift", x, axes, numbers, true, where);
}
Tensor fftfreq(Dim n, double distance, Dtype dtype, Where where) {
    const LocScope scope(where, "fftfreq");
    positive("fftfreq", n, where);
    const Tensor i = f::count_up(Tensor(), n, Dtype::f64), length = f::extent_value(i, n, Dtype::f64);
    const Tensor is_below = ops::lt(f::count_up(i, n, Dtype::f64), f::extent_value(i, floordiv(n + 1, 2), Dtype::f64));
    return frequencies(ops::select(is_below, i, ops::sub(i, length)), n, distance, dtype);
}
Tensor rfftfreq(Dim n, double distance, Dtype dtype, Where where) {
    const LocScope scope(where, "rfftfreq");
    positive("rfftfreq", n, where);
    return frequencies(f::count_up(Tensor(), floordiv(n, 2) + 1, Dtype::f64), n, distance, dtype);
}

}  // namespace lathe
