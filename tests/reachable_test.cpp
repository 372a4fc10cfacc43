// Whether users reach every op of the table by functions on tensors, and every flag of its rows in both positions.
#include <limits>
#include <map>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "ir/ops/op.h"
#include "lathe.h"

namespace lathe {
namespace {

// Functions of a float matrix, an integer one and a key; with what they are traced does not matter.
std::vector<Tensor> everything(const Tensor& x, const Tensor& i, const Tensor& key) {
    const Tensor b = x > 0.0, row = i[{0}];
    std::vector<Tensor> all = {
        sum(x),
        max(x),
        min(x),
        argmax(x),
        argmax(x, 0, {.last = true}),
        argmin(x),
        prod(x),
        lathe::all(x),
        any(x),
        mean(x),
        variance(x),
        reshape(x, {-1}),
        x.t(),
        broadcast_to(x, {2, 3, 3}),
        slice(x, {0, 0}, {2, 2}),
        pad(x, {1, 0}, {0, 2}),
        concat(std::vector{x, x}, 0),
        gather(x, row, 0),
        scatter_add(x, row, x, 0),
        x.at({row}).set(x),
        x.at({row}).multiply(x),
        x.at({row}).max(x),
        x.at({row}).min(x),
        take_along_axis(x, i, 0),
        put_along_axis(x, i, x, 0),
        put_along_axis(x, i, x, 0, Update::add),
        put_along_axis(x, i, x, 0, Update::multiply),
        put_along_axis(x, i, x, 0, Update::max),
        put_along_axis(x, i, x, 0, Update::min),
        dynamic_slice(x, row[{Range{0, 2}}], {2, 2}),
        dynamic_update_slice(x, ones({2, 2}), row[{Range{0, 2}}]),
        diagonal(x),
        as_strided(x, {2}, {1}),
        topk(x, 2).first,
        topk(x, 2, 0, {.largest = false}).second,
        searchsorted(x[{0}], x),
        searchsorted(x[{0}], x, {.right = true}),
        cross_entropy(x, argmax(x)),
        x + x,
        x - x,
        x * x,
        x / x,
        i % i,
        x % x,
        floor_divide(x, x),
        fma(x, x, x),
        copysign(x, x),
        nextafter(x, x),
        hypot(x, x),
        logaddexp(x, x),
        logaddexp2(x, x),
        ldexp(x, i),
        -x,
        abs(x),
        maximum(x, x),
        minimum(x, x),
        pow(x, x),
        exp(x),
        log(x),
        sqrt(x),
        rsqrt(x),
        tanh(x),
        sigmoid(x),
        erf(x),
        sign(x),
        floor(x),
        ceil(x),
        round(x),
        trunc(x),
        exp2(x),
        expm1(x),
        log2(x),
        log10(x),
        log1p(x),
        sin(x),
        cos(x),
        tan(x),
        asin(x),
        acos(x),
        atan(x),
        sinh(x),
        cosh(x),
        asinh(x),
        acosh(x),
        atanh(x),
        atan2(x, x),
        cbrt(x),
        erfc(x),
        erfinv(x),
        lgamma(x),
        digamma(x),
        polygamma(2, x),
        x == x,
        x != x,
        x<x, x <= x, x>
            x,
        x >= x,
        logical_and(b, b),
        logical_or(b, b),
        logical_not(b),
        where(b, x, x),
        convert(x, Dtype::f64),
        stop_gradient(x),
        full({2}, 1.5),
        arange(3),
        bit_and(i, i),
        bit_or(i, i),
        bit_xor(i, i),
        bit_not(i),
        shift_left(i, i),
        shift_right(i, i),
        random_uniform(key, {3}),
        matmul(x, x),
        dot_general(x, x, {.a_contract = 0, .b_contract = -1}),
        cholesky(x),
        lu_factor(x).lu,
        triangular_solve(x, x),
        triangular_solve(x, x, {.upper = true, .transposed = true, .unit_diagonal = true}),
        qr(x).q,
        qr(x, {.complete = true}).q,
        eigh(x).vectors,
        eig(x).vectors,
        svd(x).u,
        matrix_exp(x),
        solve(x, x),
        solve(x, x, {.transposed = true}),
        lu_solve(lu_factor(x), x),
        lu_solve(lu_factor(x), x, {.transposed = true}),
        det(x),
        pinv(x),
        sort(x),
        sort(x, 0, {.descending = true}),
        argsort(x),
        cumsum(x),
        cumsum(x, 0, {.reverse = true}),
        conv1d(reshape(x, {1, 3, 3}), reshape(x, {1, 3, 3})),
        max_pool1d(x, 2, {.stride = 1}),
        checkpoint([](const Tensor& y) { return y * 2.0; }, x),
        custom_gradient([](const Tensor& y) { return y * 2.0; },
                        [](const Tensor&, const Tensor&, const Tensor& c) { return c; })(x),
        cumprod(x),
        cumprod(x, 0, {.reverse = true}),
        cummax(x).values,
        cummax(x, 0, {.reverse = true}).indices,
        fft(make_complex(x)),
        ifft(make_complex(x)),
        rfft(x),
        irfft(make_complex(x)),
        linear_recurrence(x, x),
        linear_recurrence(x, x, 0, {.reverse = true}),
        cond(
            sum(x) > 0.0, [](const Tensor& y) { return y; }, [](const Tensor& y) { return -y; }, x),
        while_loop([](const Tensor& y) { return sum(y) > 1.0; }, [](const Tensor& y) { return y * 0.5; }, x)};
    const auto step = [](const Tensor& h, const Tensor& y) { return std::pair(h + y, h * y); };
    for (const bool reverse : {false, true}) all.push_back(scan(step, x[{0}], x, {.reverse = reverse}).second);
    return all;
}

// What only the library itself records.
const std::set<std::string> own = {"relayout", "matrix_exp_tangent", "dot_general_bytes", "convolution_bytes"};

void collect(const ir::Graph& graph, std::map<std::string, std::set<std::pair<std::size_t, bool>>>& seen) {
    for (const ir::Node& n : graph.nodes()) {
        auto& flags = seen[std::string(n.op->name)];
        for (std::size_t a = 0; a < n.attributes.size(); ++a) {
            if (const auto* flag = std::get_if<bool>(&n.attributes[a])) flags.emplace(a, *flag);
            if (const auto* region = std::get_if<ir::Region>(&n.attributes[a])) collect(*region->graph, seen);
        }
    }
}

TEST(Reachable, EveryRowAndEveryFlag) {
    const Model model = trace([](const Tensor& x, const Tensor& i, const Tensor& key) { return everything(x, i, key); },
                              {{"x", Dtype::f32, {3, 3}}, {"i", Dtype::i32, {3, 3}}, {"key", Dtype::u64, {}}});
    std::map<std::string, std::set<std::pair<std::size_t, bool>>> seen;
    collect(model.graph(), seen);
    for (const ir::OpDef* op : ir::op_table()) {
        const std::string name(op->name);
        EXPECT_EQ(seen.contains(name), !own.contains(name)) << name;
        if (!seen.contains(name)) continue;
        for (const ir::AttributeDef& a : op->attributes)
            if (a.meaning == ir::AttributeMeaning::flag && name != "parameter") {  // which is steady if it is captured
                for (const bool value : {false, true})
                    EXPECT_TRUE(seen[name].contains({a.slot, value})) << name << ": " << a.name << " = " << value;
            }
    }
}

// What the reversed order of argmin is, for every kind of number, its ends among them.
template <class T>
void expect_positions(const std::vector<T>& elements, std::int64_t least, std::int64_t last_least) {
    const Tensor x = Tensor::from(elements, {static_cast<std::int64_t>(elements.size())});
    EXPECT_EQ(argmin(x).item<std::int64_t>(), least);
    EXPECT_EQ(argmin(x, 0, {.last = true}).item<std::int64_t>(), last_least);
}

TEST(Positions, OfTheLeast) {
    expect_positions<std::int8_t>({3, -128, 127, -128, 0}, 1, 3);
    expect_positions<std::uint8_t>({255, 0, 1, 0}, 1, 3);
    expect_positions<std::int64_t>({std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::min()},
                                   1, 1);
    expect_positions<std::uint64_t>({~std::uint64_t{0}, 1, 1}, 1, 2);
    expect_positions<float>({1, -0.0F, 0.0F, 5}, 1, 2);
    const float nan = std::numeric_limits<float>::quiet_NaN();
    expect_positions<float>({1, nan, -std::numeric_limits<float>::infinity(), nan}, 1, 3);
    const Tensor x = Tensor::from({2.0F, 7.0F, 7.0F, 1.0F});
    EXPECT_EQ(argmax(x).item<std::int64_t>(), 1);
    EXPECT_EQ(argmax(x, -1, {.last = true}).item<std::int64_t>(), 2);
}

// Two passes: what is small beside the mean stays, which the mean of the squares without the square of the mean loses.
TEST(Variance, IsTwoPassesOfOrdinarySums) {
    const Tensor x = random_uniform(3, {7, 5000}) * 1e-2 + 1000.0;
    const Tensor centred = x - mean(x, -1, true);
    const Tensor expected = mean(centred * centred, -1);
    EXPECT_EQ(variance(x, -1).to_array(), expected.to_array());
    EXPECT_EQ(jit([](const Tensor& v) { return variance(v, -1); })(x).to_array(), expected.to_array());
    EXPECT_EQ(variance(x, -1, {.keep = true}).shape(), (std::vector<std::int64_t>{7, 1}));
    const std::vector<float> found = variance(x, -1).to_vector<float>();
    for (const float v : found) EXPECT_NEAR(v, 1e-4 / 12, 1e-6);
    const Tensor few = Tensor::from({1, 2, 4});
    EXPECT_EQ(variance(few, {}, {.correction = 1}).item<double>(), variance(few).item<double>() * 3 / 2);
    const Tensor slope = grad([](const Tensor& v) { return variance(v); })(Tensor::from({1.0, 2.0, 6.0}));
    const std::vector<double> slopes = slope.to_vector<double>();
    for (std::size_t k = 0; k < 3; ++k) EXPECT_NEAR(slopes[k], 2.0 / 3 * (std::vector{1.0, 2.0, 6.0}[k] - 3), 1e-12);
}

TEST(Cumsum, Backwards) {
    const Tensor x = Tensor::from({1, 2, 3, 4}, {2, 2});
    EXPECT_EQ(cumsum(x, 0, {.reverse = true}).to_vector<std::int64_t>(), (std::vector<std::int64_t>{4, 6, 3, 4}));
}

TEST(Pad, OfTensors) {
    const Tensor x = Tensor::from({1.0F, 2.0F, 3.0F});
    EXPECT_EQ(pad(x, {1}, {-1}, 9).to_vector<float>(), (std::vector<float>{9, 1, 2}));
    EXPECT_THROW(pad(Tensor::from({1, 2}), {1}, {1}, 0.5), TypeError);
}

}  // namespace
}  // namespace lathe
