// Tangents, cotangents, jacobians and hessians: forward mode against reverse for every op, and for functions of users.
#include <cmath>
#include <cstring>

#include <gtest/gtest.h>

#include "ir/graph/interpret.h"
#include "ir/graph/text.h"
#include "ir/graph/verify.h"
#include "ir/ops/ops.h"
#include "lathe.h"
#include "passes/graph/differentiate.h"
#include "passes/graph/push_forward.h"
#include "passes/graph/rebuild.h"
#include "passes/graph/simplify.h"
#include "tests/op_samples.h"
#include "tests/refusal.h"
#include "tools/fuzz/values.h"

namespace lathe {
namespace {

using ir::Graph;
using ir::Literal;
using ir::OpDef;
using ir::Value;
using testing_support::message_behind_line;
using testing_support::Random;
using testing_support::samples;

double uniform(Random& random, double low, double high) {
    return low + (high - low) * (static_cast<double>(random() >> 11) * 0x1p-53);
}

Literal draw(const ir::Type& type, Random& random, double low, double high, const OpDef* op = nullptr) {
    std::vector<std::byte> bytes;
    for (std::int64_t i = 0; i < type.shape.element_count().constant(); ++i) {
        const Literal one = ir::splat_literal(
            type.dtype, Shape{},
            ir::is_float(type.dtype)
                ? uniform(random, low, high) + (op == nullptr ? 0 : testing_support::on_diagonal(*op, type, i))
                : static_cast<double>(random() % 2));
        bytes.insert(bytes.end(), one.bytes->begin(), one.bytes->end());
    }
    return ir::make_literal(type, bytes);
}

double dot(const Literal& a, const Literal& b) {
    double sum = 0;
    const std::vector<std::byte> x = testing_support::elements_of(a), y = testing_support::elements_of(b);
    for (std::size_t i = 0; i < x.size(); i += 8) {
        double u = 0, v = 0;
        std::memcpy(&u, &x[i], 8);
        std::memcpy(&v, &y[i], 8);
        sum += u * v;
    }
    return sum;
}

// <c, J t> by forward mode and <J^T c, t> by reverse.
void expect_adjoint(const OpDef& op, const ir::Sample& sample, Random& random) {
    Graph g;
    std::vector<Value> x;
    std::vector<bool> marked;
    std::vector<Literal> inputs, tangents;
    for (std::size_t i = 0; i < sample.operands.size(); ++i) {
        const ir::Type& type = sample.operands[i];
        x.push_back(g.add_parameter("x" + std::to_string(i), type));
        marked.push_back(ir::is_float(type.dtype));
        const bool is_index = op.indices && op.indices.operand == i;
        const double bound =
            is_index ? static_cast<double>(op.indices.bound(sample.operands, sample.attributes).constant()) : 0;
        inputs.push_back(is_index ? testing_support::random_indices(type, static_cast<std::int64_t>(bound), random)
                                  : draw(type, random, op.domain.low, op.domain.high, &op));
        if (marked.back()) tangents.push_back(draw(type, random, -1, 1));
    }
    if (tangents.empty()) return;
    const ir::Node& node = g.add(op, x, sample.attributes);
    for (std::uint32_t r = 0; r < node.results.size(); ++r) g.add_output("y" + std::to_string(r), {&node, r});
    const auto forward = passes::push_forward(g, marked);
    const std::string what = ir::print(*forward);
    EXPECT_TRUE(ir::verify(*forward).empty()) << what;
    EXPECT_EQ(ir::print(*ir::parse_graph(what, "t.lir")), what);
    std::vector<Literal> both = inputs;
    both.insert(both.end(), tangents.begin(), tangents.end());
    const std::vector<Literal> pushed = ir::interpret(*passes::simplify(*forward), both);

    std::vector<Value> ys, cts, xs;
    double left = 0, right = 0;
    std::size_t tangent = node.results.size();
    for (std::uint32_t r = 0; r < node.results.size(); ++r) {
        if (!ir::is_float(node.results[r].dtype)) continue;
        ys.push_back({&node, r});
        const Literal c = draw(node.results[r], random, -1, 1);
        cts.push_back(g.add_parameter("c" + std::to_string(r), c.type));
        inputs.push_back(c);
        left += dot(c, pushed[tangent++]);
    }
    for (std::size_t i = 0; i < x.size(); ++i)
        if (marked[i]) xs.push_back(x[i]);
    const std::vector<Value> pulled = passes::pull_back(g, ys, cts, xs);
    std::vector<std::size_t> reached;
    const std::size_t first = g.outputs().size();
    for (std::size_t i = 0; i < pulled.size(); ++i)
        if (pulled[i]) {
            reached.push_back(i);
            g.add_output("d" + std::to_string(i), pulled[i]);
        }
    const std::vector<Literal> gradients = ir::interpret(*passes::simplify(g), inputs);
    for (std::size_t i = 0; i < reached.size(); ++i) right += dot(gradients[first + i], tangents[reached[i]]);
    EXPECT_NEAR(left, right, 1e-9 * (1 + std::abs(left))) << op.name << "\n" << what;
}

TEST(Forward, IsTheAdjointOfReverseForEveryOp) {
    Random random(3);
    int tested = 0;
    for (const OpDef* op : ir::op_table()) {
        if (!op->dtypes.contains(Dtype::f64) || !op->gradient.value.none_because.empty()) continue;
        for (const ir::Sample& sample : samples(*op, Dtype::f64)) {
            expect_adjoint(*op, sample, random);
            ++tested;
        }
    }
    EXPECT_GT(tested, 100);
}

// ---- functions of users

const auto function = [](const Tensor& x) { return tanh(matmul(x, x.t())) * exp(-x[{0, 0}]); };

TEST(Jvp, IsTheDirectionalDerivative) {
    const Tensor x = convert(random_normal(1, {3, 3}), Dtype::f64), t = convert(random_normal(2, {3, 3}), Dtype::f64);
    const auto [y, change] = jvp(function, x, t);
    EXPECT_EQ(y.to_array(), function(x).to_array());
    const double h = 1e-6;
    const std::vector<double> d = ((function(x + t * h) - function(x - t * h)) / (2 * h)).to_vector<double>();
    const std::vector<double> c = change.to_vector<double>();
    for (std::size_t i = 0; i < c.size(); ++i) EXPECT_NEAR(c[i], d[i], 1e-7);
    const auto compiled = jit([](const Tensor& a, const Tensor& b) { return jvp(function, a, b).second; });
    EXPECT_EQ(compiled(x, t).to_array(), change.to_array());
}

TEST(Vjp, GivesAFunctionOfCotangents) {
    const Tensor x = convert(random_normal(1, {3, 3}), Dtype::f64), c = convert(random_normal(2, {3, 3}), Dtype::f64);
    const auto [y, pull_back] = vjp(function, x);
    EXPECT_EQ(y.to_array(), function(x).to_array());
    const Tensor expected = grad([&](const Tensor& v) { return sum(function(v) * c); })(x);
    EXPECT_EQ(pull_back(c).to_array(), expected.to_array());
    // Trees in, trees out.
    using Pair = std::pair<Tensor, Tensor>;
    const auto f = [](const Pair& p) { return Pair(p.first * p.second, sum(p.second)); };
    const auto [values, back] = vjp(f, Pair(x, c));
    const Pair g = back(Pair(ones_like(x), full({}, 2, Dtype::f64)));
    EXPECT_EQ(g.first.to_array(), c.to_array());
    EXPECT_EQ(g.second.to_array(), (x + 2.0).to_array());
}

TEST(Jacobian, BothDirectionsAgree) {
    const Tensor x = convert(random_normal(1, {2, 3}), Dtype::f64);
    const auto f = [](const Tensor& v) { return sum(exp(v) * v, 0); };
    const Tensor reverse = jacobian(f)(x), forward = jacobian(f, Direction::forward)(x);
    EXPECT_EQ(reverse.shape(), (std::vector<std::int64_t>{3, 2, 3}));
    EXPECT_EQ(forward.shape(), reverse.shape());
    const std::vector<double> a = reverse.to_vector<double>(), b = forward.to_vector<double>(),
                              v = x.to_vector<double>();
    for (std::size_t i = 0; i < a.size(); ++i) {
        EXPECT_NEAR(a[i], b[i], 1e-14);
        const std::size_t row = i / 6, column = i % 3;
        EXPECT_NEAR(a[i], row == column ? std::exp(v[i % 6]) * (1 + v[i % 6]) : 0, 1e-12);
    }
}

TEST(Hessian, OfAQuadraticFormIsItsMatrix) {
    const Tensor m = convert(random_normal(1, {4, 4}), Dtype::f64), x = convert(random_normal(2, {4}), Dtype::f64);
    const auto f = [&](const Tensor& v) { return 0.5 * matmul(v, matmul(m, v)); };
    const std::vector<double> h = hessian(f)(x).to_vector<double>(), expected = ((m + m.t()) * 0.5).to_vector<double>();
    for (std::size_t i = 0; i < h.size(); ++i) EXPECT_NEAR(h[i], expected[i], 1e-12);
    const auto compiled = jit([&](const Tensor& v) { return hessian(f)(v); });
    EXPECT_EQ(compiled(x).to_array(), hessian(f)(x).to_array());
}

TEST(Jvp, GoesThroughLoopsAndBranches) {
    const Tensor x = full({}, 0.7, Dtype::f64), one = full({}, 1, Dtype::f64);
    const auto scanned = [](const Tensor& v) {
        const auto step = [&](const Tensor& h, const Tensor& k) { return std::pair(h * v + k, h); };
        const auto [last, all] = scan(step, v, convert(arange(4), Dtype::f64));
        return last + sum(all);
    };
    const auto looped = [](const Tensor& v) {
        return while_loop([](const Tensor& h) { return h < 10.0; }, [&](const Tensor& h) { return h * (1.0 + v); }, v);
    };
    const auto branched = [](const Tensor& v) {
        return cond(v > 0.5, [](const Tensor& a) { return a * a * a; }, [](const Tensor& a) { return -a; }, v);
    };
    const double h = 1e-6;
    const auto expect = [&](const auto& f) {
        const double expected = (f(x + h).template item<double>() - f(x - h).template item<double>()) / (2 * h);
        EXPECT_NEAR(jvp(f, x, one).second.template item<double>(), expected, 1e-6 * (1 + std::abs(expected)));
        EXPECT_NEAR(jit([&](const Tensor& v) { return jvp(f, v, ones_like(v)).second; })(x).template item<double>(),
                    expected, 1e-6 * (1 + std::abs(expected)));
    };
    expect(scanned);
    expect(looped);
    expect(branched);
}

TEST(NoGrad, GivesConstants) {
    const Tensor w = variable(Tensor::from({2.F, 3.F}), "w"), x = Tensor::from({5.F, 7.F});
    // Within a function, and beside a part that is differentiated.
    const auto f = [&](const Tensor& v) {
        const auto [a, b] = no_grad([&] { return std::pair(v * v, v * w); });
        return sum(a * v + b);
    };
    EXPECT_EQ(grad(f)(x).to_vector<float>(), (std::vector<float>{25, 49}));
    EXPECT_EQ(jit([&](const Tensor& v) { return grad(f)(v); })(x).to_vector<float>(), (std::vector<float>{25, 49}));
    const Tensor loss = sum(w * no_grad([&] { return w * x; }));
    loss.backward();
    EXPECT_EQ(w.grad().to_vector<float>(), (std::vector<float>{10, 21}));
    EXPECT_THROW(sum(no_grad([&] { return w * x; })).backward(), UserError);
}

TEST(Transforms, SayWhatIsWrong) {
    const Tensor x = ones({2}), i = ones({2}, Dtype::i32);
    const auto f = [](const Tensor& v) { return v * 2; };
    EXPECT_EQ(message_behind_line([&] { jvp(f, x, ones({3})); }), "jvp: tangent 0 is f32[3], not f32[2]");
    EXPECT_EQ(message_behind_line([&] { vjp(f, x).second(ones({3})); }), "vjp: cotangent 0 is f32[3], not f32[2]");
    EXPECT_EQ(message_behind_line([&] { jvp(f, i, i); }),
              "jvp: a derivative by i32[2] is not defined: only floats have one");
    EXPECT_EQ(message_behind_line([&] { vjp([](const Tensor& v) { return v > 1.0; }, x); }),
              "vjp: a result of the function is bool[2]: only floats have a derivative");
    EXPECT_TRUE(
        message_behind_line([&] { hessian(f)(x); }).starts_with("hessian: the function gives f32[2], not a float of"));
}

}  // namespace
}  // namespace lathe
