// Fourier transforms: every length against the definition in long double, and the same bits as the reference in every
// way; what users call them by, their derivatives, spectra of windows, and what is refused.
#include <cmath>
#include <complex>
#include <functional>
#include <numbers>

#include <gtest/gtest.h>

#include "codegen/kernels.h"
#include "ir/graph/interpret.h"
#include "ir/graph/text.h"
#include "lathe.h"
#include "tests/refusal.h"
#include "tests/run_program.h"
#include "tools/fuzz/values.h"

namespace lathe::testing_support {
namespace {

using ir::Literal;
using Doubles = std::vector<double>;

// ---- the rows

struct Row {
    const char *name, *attributes;
    // Numbers before, along and behind the axis in operand and result.
    const char *operand, *result, *pair_of_operand, *pair_of_result;
};
constexpr Row rows[] = {{"fft", "", "n", "n", ", 2", ", 2"},
                        {"fft", ", inverse = true", "n", "n", ", 2", ", 2"},
                        {"rfft", "", "n", "floordiv(n, 2) + 1", "", ", 2"},
                        {"irfft", ", extent = [2 * n - 2]", "n", "2 * n - 2", ", 2", ""},
                        {"irfft", ", extent = [2 * n - 1]", "n", "2 * n - 1", ", 2", ""}};

// Of `lines` behind one another, or side by side.
std::unique_ptr<ir::Graph> graph_of(const Row& row, Dtype d, bool side_by_side) {
    const auto type = [&](const std::string& along, const char* pair) {
        const std::string dims = side_by_side ? along + ", lines" : "lines, " + along;
        return std::string(name(d)) + "[" + dims + pair + "]";
    };
    const std::string operand = type(row.operand, row.pair_of_operand), result = type(row.result, row.pair_of_result);
    return ir::parse_graph("graph f(lines, n) {\n  %0 = parameter \"x\" : " + operand + "\n  %1 = " + row.name +
                               "(%0) {axis = " + (side_by_side ? "0" : "1") + row.attributes + "} : " + result +
                               "\n  return \"y\" = %1\n}\n",
                           row.name);
}

class EveryLength : public testing::TestWithParam<Dtype> {
protected:
    // Compiled once for all extents.
    struct Compiled {
        std::unique_ptr<ir::Graph> graph;
        std::shared_ptr<const codegen::Executable> executable;

        void expect_the_references_bits(std::int64_t lines, std::int64_t n, Random& random, bool specials) const {
            ir::Type type = graph->parameters()[0].type();
            for (std::size_t i = 0; i < type.shape.rank(); ++i)
                type.shape[i] = type.shape[i].evaluate(std::vector<std::int64_t>{lines, n}).value();
            const std::vector<Literal> x = {random_literal(type, random, specials)};
            const std::vector<Literal> expected = ir::interpret(*graph, x);
            for (const int threads : {1, 2})
                if (const auto found = difference(expected, run_compiled(*executable, x, threads)))
                    FAIL() << type.to_string() << ": " << *found << "\n" << print(*graph);
        }
    };
    static Compiled compiled(const Row& row, bool side_by_side) {
        Compiled out{graph_of(row, GetParam(), side_by_side), nullptr};
        out.executable = codegen::compile(*out.graph);
        return out;
    }
};

// Lines alone, in batches and their rest.
TEST_P(EveryLength, GivesTheReferencesBits) {
    Random random(7);
    for (const Row& row : rows)
        for (const bool side_by_side : {false, true}) {
            const Compiled c = compiled(row, side_by_side);
            for (std::int64_t n = row.name[0] == 'i' ? 2 : 1; n <= 200; ++n)
                for (const std::int64_t lines : {n % 3 == 0 ? 11 : n % 3 == 1 ? 1 : 8})
                    c.expect_the_references_bits(lines, n, random, n % 13 == 0);
            c.expect_the_references_bits(0, 5, random, false);
        }
}

TEST_P(EveryLength, GivesTheReferencesBitsOfLongLines) {
    Random random(8);
    for (const Row& row : rows)
        for (const bool side_by_side : {false, true}) {
            const Compiled c = compiled(row, side_by_side);
            for (const std::int64_t n : {211, 1000, 1024, 2002, 2048, 2187, 4096})
                c.expect_the_references_bits(side_by_side ? 9 : 3, n, random, false);
            for (const std::int64_t n : {3 * 4096, 6001, 16385, 40009, 65536})
                c.expect_the_references_bits(side_by_side ? 3 : 1, n, random, false);
            // By columns and rows, of which not all are full groups: lines alone, eight in one convolution, and lines
            // that threads share.
            c.expect_the_references_bits(2, 16400, random, false);
            if (side_by_side) c.expect_the_references_bits(9, 16381, random, false);
            if (!side_by_side)
                for (const std::int64_t n : {39366, 65537, 67081, 131072})
                    c.expect_the_references_bits(n == 67081 ? 2 : 1, n, random, false);
        }
}
INSTANTIATE_TEST_SUITE_P(Dtypes, EveryLength, testing::Values(Dtype::f32, Dtype::f64),
                         [](const auto& dtype) { return std::string(name(dtype.param)); });

// ---- against the definition

using Exact = std::complex<long double>;

std::vector<Exact> transformed(const std::vector<Exact>& x, int sign) {
    const std::size_t n = x.size();
    std::vector<Exact> powers(n), y(n);
    for (std::size_t k = 0; k < n; ++k) {
        const long double angle = 2 * std::numbers::pi_v<long double> * static_cast<long double>(k) / n;
        powers[k] = {std::cos(angle), sign * std::sin(angle)};
    }
    for (std::size_t k = 0; k < n; ++k)
        for (std::size_t j = 0; j < n; ++j) y[k] += powers[j * k % n] * x[j];
    return y;
}

std::vector<Exact> exactly(const Tensor& z) {
    const Doubles v = convert(z, Dtype::f64).to_vector<double>();
    std::vector<Exact> out;
    for (std::size_t i = 0; i < v.size(); i += 2) out.emplace_back(v[i], v[i + 1]);
    return out;
}

// The root of the mean square of the differences, beside that of the values.
double error_of(const std::vector<Exact>& actual, const std::vector<Exact>& expected) {
    long double differences = 0, values = 0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
        differences += std::norm(actual[i] - expected[i]);
        values += std::norm(expected[i]);
    }
    return static_cast<double>(std::sqrt(differences / values));
}
// The greatest difference, likewise.
double greatest_error_of(const std::vector<Exact>& actual, const std::vector<Exact>& expected) {
    long double greatest = 0, values = 0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
        greatest = std::max(greatest, std::abs(actual[i] - expected[i]));
        values += std::norm(expected[i]);
    }
    return static_cast<double>(greatest / std::sqrt(values / static_cast<long double>(expected.size())));
}

Tensor random_signal(std::uint64_t key, Dtype d, const Shape& shape) { return convert(random_normal(key, shape), d); }

class Accuracy : public testing::TestWithParam<Dtype> {};

// The greatest error of any element stays below the bound, beside the root of the mean square of all.
TEST_P(Accuracy, GrowsWithTheLogarithmOfTheLength) {
    const double unit = GetParam() == Dtype::f32 ? 3e-7 : 6e-16;
    double worst = 0;
    const auto check = [&](const std::vector<Exact>& actual, const std::vector<Exact>& expected, std::int64_t n,
                           const char* what) {
        const double bound = unit * std::max(1.0, std::log2(static_cast<double>(n)));
        const double error = greatest_error_of(actual, expected);
        worst = std::max(worst, error / bound);
        EXPECT_LE(error, bound) << what << " of " << n;
        EXPECT_LE(error_of(actual, expected), bound / 2) << what << " of " << n;
    };
    std::vector<std::int64_t> lengths;
    for (std::int64_t n = 1; n <= 200; ++n) lengths.push_back(n);
    for (const std::int64_t n : {256, 509, 625, 1000, 1021, 1024, 2048, 2187, 3600, 4096, 4093}) lengths.push_back(n);
    for (const std::int64_t n : lengths) {
        const Tensor z = random_signal(static_cast<std::uint64_t>(n), GetParam(), {n, 2});
        check(exactly(fft(z)), transformed(exactly(z), -1), n, "fft");
        check(exactly(ifft(z, {.norm = FourierNorm::forward})), transformed(exactly(z), 1), n, "ifft");
        const Tensor x = real(z);
        std::vector<Exact> spectrum = transformed(exactly(make_complex(x)), -1);
        spectrum.resize(static_cast<std::size_t>(n / 2 + 1));
        check(exactly(rfft(x)), spectrum, n, "rfft");
        const Tensor half = random_signal(static_cast<std::uint64_t>(n) + 1000, GetParam(), {n / 2 + 1, 2});
        std::vector<Exact> whole = exactly(half);
        whole[0] = whole[0].real();
        if (n % 2 == 0) whole.back() = whole.back().real();
        whole.resize(static_cast<std::size_t>(n));
        for (std::size_t k = 1; k <= static_cast<std::size_t>((n - 1) / 2); ++k)
            whole[whole.size() - k] = std::conj(whole[k]);
        check(exactly(make_complex(irfft(half, {.n = Dim(n), .norm = FourierNorm::forward}))), transformed(whole, 1), n,
              "irfft");
    }
    RecordProperty("worst", std::to_string(worst));
    std::cout << name(GetParam()) << ": at most " << worst << " of the bound\n";
}
INSTANTIATE_TEST_SUITE_P(Dtypes, Accuracy, testing::Values(Dtype::f32, Dtype::f64),
                         [](const auto& dtype) { return std::string(name(dtype.param)); });

// By halves, in long double.
std::vector<Exact> transformed_by_halves(const std::vector<Exact>& x) {
    const std::size_t n = x.size();
    if (n == 1) return x;
    std::vector<Exact> even, odd, y(n);
    for (std::size_t j = 0; j < n; j += 2) {
        even.push_back(x[j]);
        odd.push_back(x[j + 1]);
    }
    even = transformed_by_halves(even);
    odd = transformed_by_halves(odd);
    for (std::size_t k = 0; k < n / 2; ++k) {
        const Exact w = std::polar(1.0L, -2 * std::numbers::pi_v<long double> * static_cast<long double>(k) / n);
        y[k] = even[k] + w * odd[k];
        y[k + n / 2] = even[k] - w * odd[k];
    }
    return y;
}

TEST_P(Accuracy, HoldsForLinesByColumnsAndRows) {
    const double unit = GetParam() == Dtype::f32 ? 3e-7 : 6e-16;
    for (const std::int64_t n : {1 << 15, 1 << 18}) {
        const double bound = unit * std::log2(static_cast<double>(n));
        const Tensor z = random_signal(static_cast<std::uint64_t>(n), GetParam(), {n, 2});
        const std::vector<Exact> actual = exactly(fft(z)), expected = transformed_by_halves(exactly(z));
        EXPECT_LE(greatest_error_of(actual, expected), bound) << n;
        EXPECT_LE(error_of(actual, expected), bound / 2) << n;
        const Tensor x = real(z);
        std::vector<Exact> spectrum = transformed_by_halves(exactly(make_complex(x)));
        spectrum.resize(static_cast<std::size_t>(n / 2 + 1));
        EXPECT_LE(greatest_error_of(exactly(rfft(x)), spectrum), bound) << n;
        EXPECT_LE(greatest_error_of(exactly(make_complex(irfft(rfft(x)))), exactly(make_complex(x))), bound) << n;
        std::cout << name(GetParam()) << " " << n << ": " << greatest_error_of(actual, expected) / bound
                  << " of the bound\n";
    }
}

// A single one among zeros gives the powers of a root of unity: no sum hides how exact those are.
TEST(Fft, OfAUnitIsExactToTheLastPlace) {
    for (const std::int64_t n : {8, 12, 25, 360, 1024, 4096}) {
        Doubles x(static_cast<std::size_t>(2 * n), 0);
        x[2] = 1;
        const std::vector<Exact> y = exactly(fft(Tensor::from(x, {n, 2})));
        for (std::int64_t k = 0; k < n; ++k) {
            const long double angle = -2 * std::numbers::pi_v<long double> * static_cast<long double>(k) / n;
            EXPECT_LE(std::abs(y[static_cast<std::size_t>(k)] - Exact(std::cos(angle), std::sin(angle))), 4e-16L)
                << k << " of " << n;
        }
    }
}

// ---- what users call

void expect_close(const Tensor& actual, const Tensor& expected, double tolerance = 1e-12) {
    ASSERT_EQ(actual.type().to_string(), expected.type().to_string());
    const Doubles a = convert(actual, Dtype::f64).to_vector<double>();
    const Doubles e = convert(expected, Dtype::f64).to_vector<double>();
    for (std::size_t i = 0; i < a.size(); ++i) ASSERT_NEAR(a[i], e[i], tolerance) << i;
}

Tensor signal(const Shape& shape, std::uint64_t key = 3) { return random_signal(key, Dtype::f64, shape); }

TEST(Fft, InvertsByEveryNorm) {
    for (const FourierNorm norm : {FourierNorm::backward, FourierNorm::ortho, FourierNorm::forward}) {
        const Tensor z = signal({3, 12, 5, 2}), x = signal({4, 9});
        for (const std::int64_t axis : {-1, -2, 0}) {
            const FourierOptions how{.axis = axis, .norm = norm};
            expect_close(ifft(fft(z, how), how), z);
            expect_close(fft(ifft(z, how), how), z);
        }
        expect_close(irfft(rfft(x, {.norm = norm}), {.n = Dim(9), .norm = norm}), x);
        expect_close(irfft(rfft(x, {.axis = 0, .norm = norm}), {.axis = 0, .norm = norm}), x);
        expect_close(hfft(ihfft(x, {.norm = norm}), {.n = Dim(9), .norm = norm}), x);
        expect_close(ifftn(fftn(z, {.norm = norm}), {.norm = norm}), z);
        expect_close(irfftn(rfftn(x, {.norm = norm}), {.s = {4, 9}, .norm = norm}), x);
    }
    const Tensor z = signal({7, 2});
    expect_close(sum(square(fft(z, {.norm = FourierNorm::ortho}))), sum(square(z)));
    expect_close(fft(z, {.norm = FourierNorm::forward}) * 7.0, fft(z));
}

TEST(Fft, CutsAndContinues) {
    const Tensor z = signal({2, 6, 2});
    expect_close(fft(z, {.n = Dim(4)}), fft(z[{Range{}, Range{0, 4}}]));
    expect_close(fft(z, {.n = Dim(9)}), fft(pad(z, {0, 0, 0}, {0, 3, 0})));
    expect_close(fft(z, {.n = Dim(6)}), fft(z));
    expect_close(rfft(real(z), {.n = Dim(11)}), rfft(pad(real(z), {0, 0}, {0, 5})));
    expect_close(irfft(z, {.n = Dim(5)}), irfft(z[{Range{}, Range{0, 3}}], {.n = Dim(5)}));
    expect_close(irfft(z, {.n = Dim(14)}), irfft(pad(z, {0, 0, 0}, {0, 2, 0})));
    EXPECT_EQ(irfft(z).shape(), (std::vector<std::int64_t>{2, 10}));
}

TEST(Fft, OfSeveralAxesIsThatOfEach) {
    const Tensor z = signal({3, 4, 5, 2}), x = real(z);
    const auto along = [](const Tensor& t, std::int64_t axis) { return fft(t, {.axis = axis}); };
    expect_close(fftn(z), along(along(along(z, 0), 1), 2));
    expect_close(fft2(z), along(along(z, 1), 2));
    expect_close(fftn(z, {.axes = {2, 0}}), along(along(z, 0), 2));
    expect_close(fftn(z, {.s = {6, 3}}), fft(fft(z, {.n = Dim(6), .axis = 1}), {.n = Dim(3), .axis = 2}));
    expect_close(rfft2(x), along(rfft(x), 1));
    expect_close(rfftn(x, {.axes = {2, 1}}), along(rfft(x, {.axis = 1}), 2));
    expect_close(rfftn(x), slice(fftn(make_complex(x)), {0, 0, 0, 0}, {3, 4, 3, 2}));
    expect_close(irfft2(rfft2(x), {.s = {4, 5}}), x);
    expect_close(irfftn(rfftn(x), {.s = {3, 4, 5}}), x);
    expect_close(ifft2(fft2(z)), z);
}

TEST(Fft, MultipliesPolynomials) {
    const Tensor a = signal({20}), b = signal({20}, 5);
    const Tensor product = irfft(complex_multiply(rfft(a, {.n = Dim(40)}), rfft(b, {.n = Dim(40)})), {.n = Dim(40)});
    const Doubles x = a.to_vector<double>(), y = b.to_vector<double>(), z = product.to_vector<double>();
    for (std::size_t k = 0; k < 40; ++k) {
        double expected = 0;
        for (std::size_t i = 0; i < 20; ++i)
            if (k >= i && k - i < 20) expected += x[i] * y[k - i];
        EXPECT_NEAR(z[k], expected, 1e-12);
    }
}

TEST(ComplexNumbers, AreThoseOfTheStandardLibrary) {
    const Tensor a = signal({4, 2}), b = signal({4, 2}, 5);
    const std::vector<Exact> x = exactly(a), y = exactly(b), product = exactly(complex_multiply(a, b)),
                             quotient = exactly(complex_divide(a, b)), conjugate = exactly(conj(a));
    const Doubles lengths = complex_abs(a).to_vector<double>(), angles = complex_angle(a).to_vector<double>();
    for (std::size_t i = 0; i < 4; ++i) {
        EXPECT_LE(std::abs(product[i] - x[i] * y[i]), 1e-15L);
        EXPECT_LE(std::abs(quotient[i] - x[i] / y[i]), 1e-14L);
        EXPECT_EQ(conjugate[i], std::conj(x[i]));
        EXPECT_NEAR(lengths[i], static_cast<double>(std::abs(x[i])), 1e-15);
        EXPECT_NEAR(angles[i], static_cast<double>(std::arg(x[i])), 1e-15);
    }
    expect_close(polar(complex_abs(a), complex_angle(a)), a, 1e-15);
    EXPECT_EQ(make_complex(real(a), imag(a)).to_array(), a.to_array());
    EXPECT_EQ(complex_multiply(a, b[{Range{0, 1}}]).shape(), (std::vector<std::int64_t>{4, 2}));
}

TEST(Fft, FrequenciesHaveTheirPlaces) {
    using Floats = std::vector<float>;
    EXPECT_EQ(fftfreq(5, 0.5).to_vector<float>(), (Floats{0, 0.4F, 0.8F, -0.8F, -0.4F}));
    EXPECT_EQ(fftfreq(4).to_vector<float>(), (Floats{0, 0.25F, -0.5F, -0.25F}));
    EXPECT_EQ(fftfreq(1).to_vector<float>(), (Floats{0}));
    EXPECT_EQ(rfftfreq(5, 2).to_vector<float>(), (Floats{0, 0.1F, 0.2F}));
    EXPECT_EQ(rfftfreq(4).to_vector<float>(), (Floats{0, 0.25F, 0.5F}));
    EXPECT_EQ(fftshift(fftfreq(5, 0.2), {}, Numbers::real).to_vector<float>(), (Floats{-2, -1, 0, 1, 2}));
    const Tensor z = signal({4, 5, 2});
    expect_close(fftshift(z), roll(roll(z, 2, 0), 2, 1), 0);
    expect_close(ifftshift(fftshift(z)), z, 0);
    expect_close(ifftshift(fftshift(z, -1), -1), z, 0);
}

// ---- every way of running

TEST(Fft, IsTheSameLazilyCompiledAndInterpretedForAllExtents) {
    const auto body = [](const Tensor& z) {
        const Tensor x = real(z);
        return std::vector<Tensor>{fft(z * 0.5),
                                   ifft(z, {.axis = 0}),
                                   rfft(x, {.axis = 0}),
                                   irfft(z),
                                   fft2(z),
                                   irfft(rfft(x), {.n = x.dim(1)}),
                                   fft(z, {.n = Dim(12)}),
                                   hfft(z, {.norm = FourierNorm::ortho})};
    };
    const auto f = jit(body), interpreted = jit(body, {.compile = {.interpreted = true}});
    std::uint64_t compiled = 0;  // before the last one
    for (const auto& [rows_of, columns] :
         {std::pair<std::int64_t, std::int64_t>{7, 9}, {80, 130}, {3, 1000}, {21, 77}}) {
        const Tensor z = random_normal(4, {rows_of, columns, 2});
        const std::vector<Tensor> lazy = body(z), got = f(z), slow = interpreted(z);
        for (std::size_t i = 0; i < got.size(); ++i) {
            EXPECT_EQ(got[i].to_array(), lazy[i].to_array()) << i;
            EXPECT_EQ(got[i].to_array(), slow[i].to_array()) << i;
        }
        if (rows_of != 21) compiled = codegen::KernelCache::shared().compiled();
    }
    EXPECT_EQ(codegen::KernelCache::shared().compiled(), compiled);
}

TEST(Fft, OfABatchIsThatOfEach) {
    const auto f = [](const Tensor& z) { return std::vector<Tensor>{fft(z), rfft(real(z)), irfft(z, {.n = Dim(8)})}; };
    const Tensor z = signal({6, 5, 2});
    for (const std::int64_t axis : {0, 1}) {
        const std::vector<Tensor> all = vmap(f, axis)(z);
        for (std::int64_t i = 0; i < (axis == 0 ? 6 : 5); ++i) {
            const std::vector<Tensor> one = f(squeeze(narrow(z, axis, i, 1), axis));
            for (std::size_t k = 0; k < one.size(); ++k)
                EXPECT_EQ(squeeze(narrow(all[k], 0, i, 1), 0).to_array(), one[k].to_array());
        }
    }
}

// ---- derivatives

// Tangents and cotangents agree, and with the difference quotient, which is exact up to rounding: f is linear.
void expect_linear(const std::function<Tensor(const Tensor&)>& f, const Shape& shape) {
    const Tensor x = signal(shape), t = signal(shape, 5), y = f(x), c = random_signal(9, Dtype::f64, y.shape());
    const auto weighed = [&](const Tensor& v) { return sum(f(v) * c); };
    const Tensor slope = grad(weighed)(x);
    const double by_cotangent = sum(slope * t).item<double>();
    const double by_difference = sum((f(x + t) - y) * c).item<double>();
    const double by_tangent = sum(jvp(f, x, t).second * c).item<double>();
    EXPECT_NEAR(by_cotangent, by_difference, 1e-10);
    EXPECT_NEAR(by_tangent, by_difference, 1e-10);
    const auto squares = [&](const Tensor& v) { return sum(square(f(v))); };
    const Tensor second = grad([&](const Tensor& v) { return sum(grad(squares)(v) * t); })(x);
    EXPECT_NEAR(sum(second * t).item<double>(), 2 * sum(square(f(t))).item<double>(), 1e-9);
}

TEST(Fft, HasDerivativesOfEveryOrder) {
    expect_linear([](const Tensor& z) { return fft(z); }, {3, 10, 2});
    expect_linear([](const Tensor& z) { return ifft(z, {.axis = 0}); }, {7, 2, 2});
    expect_linear([](const Tensor& z) { return fftn(z, {.s = {5, 4}, .norm = FourierNorm::ortho}); }, {4, 6, 2});
    expect_linear([](const Tensor& z) { return hfft(z, {.n = Dim(9)}); }, {6, 2});
    for (const std::int64_t n : {1, 2, 7, 8}) {
        expect_linear([](const Tensor& x) { return rfft(x); }, {2, n});
        expect_linear([](const Tensor& x) { return rfft(x, {.axis = 0}); }, {n, 3});
        expect_linear([](const Tensor& x) { return ihfft(x); }, {n});
        expect_linear([n](const Tensor& z) { return irfft(z, {.n = Dim(n)}); }, {2, 5, 2});
        expect_linear([n](const Tensor& z) { return irfft(z, {.n = Dim(n), .axis = 0}); }, {n / 2 + 1, 3, 2});
    }
    const auto f =
        jit([](const Tensor& x) { return grad([](const Tensor& v) { return sum(complex_abs(rfft(v))); })(x); });
    for (const std::int64_t n : {5, 8}) {
        const Tensor x = signal({n});
        expect_close(f(x), grad([](const Tensor& v) { return sum(complex_abs(rfft(v))); })(x), 0);
    }
}

// ---- windows and their spectra

TEST(Windows, HaveTheirFormulas) {
    using Formula = std::function<double(double)>;  // over [0, 1]
    const double pi = std::numbers::pi;
    const auto check = [&](const std::function<Tensor(Dim, WindowOptions)>& window, const Formula& f,
                           double tolerance = 1e-15) {
        for (const std::int64_t n : {1, 2, 3, 8, 33})
            for (const bool periodic : {false, true}) {
                const Doubles w = window(n, {.periodic = periodic, .dtype = Dtype::f64}).to_vector<double>();
                ASSERT_EQ(w.size(), static_cast<std::size_t>(n));
                for (std::int64_t i = 0; i < n; ++i)
                    EXPECT_NEAR(w[static_cast<std::size_t>(i)],
                                n == 1 ? 1 : f(static_cast<double>(i) / static_cast<double>(periodic ? n : n - 1)),
                                tolerance);
            }
    };
    check([](Dim n, WindowOptions o) { return hann_window(n, o); },
          [&](double x) { return 0.5 - 0.5 * std::cos(2 * pi * x); });
    check([](Dim n, WindowOptions o) { return hamming_window(n, o); },
          [&](double x) { return 0.54 - 0.46 * std::cos(2 * pi * x); });
    check([](Dim n, WindowOptions o) { return blackman_window(n, o); },
          [&](double x) { return 0.42 - 0.5 * std::cos(2 * pi * x) + 0.08 * std::cos(4 * pi * x); });
    check([](Dim n, WindowOptions o) { return bartlett_window(n, o); },
          [](double x) { return 1 - std::abs(2 * x - 1); });
    for (const double beta : {0.0, 2.5, 14.0, 100.0})
        check([beta](Dim n, WindowOptions o) { return kaiser_window(n, beta, o); },
              [beta](double x) {
                  const double inside = std::sqrt(std::max(0.0, 1 - (2 * x - 1) * (2 * x - 1)));
                  return std::cyl_bessel_i(0, beta * inside) / std::cyl_bessel_i(0, beta);
              },
              2e-14);
    EXPECT_EQ(hann_window(0).shape(), (std::vector<std::int64_t>{0}));
    EXPECT_EQ(hann_window(4).to_vector<float>(), (std::vector<float>{0, 0.5F, 1, 0.5F}));
}

// Frame by frame.
TEST(Stft, IsTheTransformOfEachFrame) {
    const Tensor x = signal({2, 50});
    for (const std::int64_t size : {1, 7, 8, 16})
        for (const std::int64_t hop : {1, 3, 8})
            for (const bool onesided : {true, false}) {
                const Tensor w = kaiser_window(size, 3, {.dtype = Dtype::f64});
                const Tensor y = stft(x, size, {.hop = hop, .window = w, .center = false, .onesided = onesided});
                const std::int64_t count = (50 - size) / hop + 1;
                ASSERT_EQ(y.shape(), (std::vector<std::int64_t>{2, onesided ? size / 2 + 1 : size, count, 2}));
                for (std::int64_t i = 0; i < count; ++i) {
                    const Tensor frame = narrow(x, 1, i * hop, size) * w;
                    expect_close(squeeze(narrow(y, 2, i, 1), 2), onesided ? rfft(frame) : fft(make_complex(frame)));
                }
            }
    const Tensor centered = stft(x, 8, {.hop = 4, .normalized = true});
    expect_close(centered,
                 stft(pad(x, {0, 4}, {0, 4}, PadMode::reflect), 8, {.hop = 4, .center = false, .normalized = true}));
    expect_close(stft(x, 8, {.hop = 4, .center = false, .normalized = true}) * std::sqrt(8.0),
                 stft(x, 8, {.hop = 4, .center = false}));
    expect_close(stft(x, 8, {.padding = SignalPadding::zeros}),
                 stft(pad(x, {0, 4}, {0, 4}), 8, {.hop = 2, .center = false}));
    // A shorter window stands in the middle.
    const Tensor w = hann_window(5, {.dtype = Dtype::f64});
    expect_close(stft(x, 8, {.window = w}), stft(x, 8, {.window = pad(w, {1}, {2})}));
}

TEST(Istft, InvertsStft) {
    const Tensor x = signal({3, 64});
    for (const std::int64_t size : {8, 15, 40})
        for (const std::int64_t hop : {std::int64_t{1}, std::int64_t{3}, size / 4})
            for (const bool onesided : {true, false}) {
                const Tensor w = hamming_window(size, {.dtype = Dtype::f64});
                const Tensor y = stft(x, size, {.hop = hop, .window = w, .normalized = true, .onesided = onesided});
                const IstftOptions how{
                    .hop = hop, .window = w, .normalized = true, .onesided = onesided, .length = Dim(64)};
                const Tensor back = istft(y, size, how);
                ASSERT_EQ(back.shape(), (std::vector<std::int64_t>{3, 64}));
                const std::int64_t sure = 64 - (hop == 1 ? 0 : size);  // frames beyond the last may be missing
                expect_close(narrow(back, 1, 0, sure), narrow(x, 1, 0, sure));
            }
    expect_linear(
        [](const Tensor& v) { return stft(v, 6, {.hop = 2, .window = hann_window(6, {.dtype = Dtype::f64})}); }, {20});
    expect_linear([](const Tensor& v) { return stft(v, 40, {.hop = 1, .center = false}); }, {50});
    expect_linear([](const Tensor& z) { return istft(z, 6, {.hop = 2}); }, {4, 5, 2});
    const auto f = jit([](const Tensor& v) { return stft(v, 6, {.hop = 2}); });
    for (const std::int64_t n : {20, 33}) expect_close(f(signal({2, n})), stft(signal({2, n}), 6, {.hop = 2}), 0);
}

// ---- refusals

TEST(Fft, MistakesAreTheCallers) {
    const Tensor z = zeros({3, 4, 2}), x = zeros({3, 4}), narrow_floats = zeros({3, 4, 2}, Dtype::bf16);
    EXPECT_EQ(refusal([&] { fft(narrow_floats); }),
              here() + "fft: operand 0 is bf16, not one of f64 f32; convert() makes it one (bf16[3, 4, 2])");
    EXPECT_EQ(refusal([&] { rfft(convert(x, Dtype::i32)); }),
              here() + "rfft: operand 0 is i32, not one of f64 f32; convert() makes it one (i32[3, 4])");
    EXPECT_EQ(refusal([&] { fft(x); }),
              here() + "fft: the last extent is not 2, for real and imaginary parts (f32[3, 4])");
    EXPECT_EQ(refusal([&] { fft(z, {.axis = 2}); }), here() + "fft: axis 2 is out of range for rank 2 (f32[3, 4, 2])");
    EXPECT_EQ(refusal([&] { fft(z, {.n = Dim(0)}); }), here() + "fft: n is 0, less than 1 (f32[3, 4, 2])");
    EXPECT_EQ(refusal([&] { fft(zeros({3, 0, 2})); }), here() + "fft: there is nothing along the axis (f32[3, 0, 2])");
    EXPECT_EQ(refusal([&] { irfft(zeros({3, 1, 2})); }), here() + "irfft: n is 0, less than 1 (f32[3, 1, 2])");
    EXPECT_EQ(refusal([&] { fftn(z, {.s = {1, 2, 3}}); }),
              here() + "fftn: s has 3 entries, more than the 2 axes (f32[3, 4, 2])");
    EXPECT_EQ(refusal([&] { fftn(z, {.axes = {0, 0}}); }), here() + "fftn: axis 0 occurs twice (f32[3, 4, 2])");
    EXPECT_EQ(refusal([&] { fft2(zeros({4, 2})); }), here() + "fft2: axis -2 is out of range for rank 1 (f32[4, 2])");
    EXPECT_EQ(refusal([&] { conj(x); }),
              here() + "conj: the last extent is not 2, for real and imaginary parts (f32[3, 4])");
    EXPECT_EQ(refusal([&] { fftshift(fftfreq(8)); }),
              here() + "fftshift: the last extent is not 2, for real and imaginary parts (f32[8])");
    EXPECT_EQ(refusal([&] { stft(x, 0); }), here() + "stft: size is 0, less than 1 (f32[3, 4])");
    EXPECT_EQ(
        refusal([&] { stft(x, 8); }),
        here() +
            "stft: a signal of 4 elements cannot be continued by 4: center = false leaves it as it is (f32[3, 4])");
    EXPECT_EQ(refusal([&] { stft(x, 8, {.center = false}); }),
              here() + "stft: a frame of 8 elements is longer than the signal, of 4 (f32[3, 4])");
    EXPECT_EQ(refusal([&] { istft(z, 8); }), here() + "istft: there are 3 frequencies, not 5 (f32[3, 4, 2])");
    EXPECT_EQ(refusal([] { hann_window(3, {.dtype = Dtype::i32}); }),
              here() + "hann_window: dtype is i32, not one of f64 f32 f16 bf16");
    EXPECT_EQ(refusal([] { kaiser_window(3, -1); }), here() + "kaiser_window: beta is -1, not in [0, 500]");
}

}  // namespace
}  // namespace lathe::testing_support
