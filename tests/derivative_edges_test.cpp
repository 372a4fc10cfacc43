// Derivatives where a reciprocal, a power or a product on the way would be infinite and the derivative is not.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>

#include <gtest/gtest.h>

#include "ir/functions/activations.h"
#include "ir/functions/classification.h"
#include "ir/functions/losses.h"
#include "ir/functions/statistics.h"
#include "ir/graph/interpret.h"
#include "ir/ops/ops.h"
#include "passes/graph/differentiate.h"

namespace lathe::ir {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
const double nan = std::numeric_limits<double>::quiet_NaN();

double number_of(const Literal& x, std::size_t i = 0) {
    Graph g;
    const Value wide = functions::convert(g.add_parameter("x", x.type), Dtype::f64);
    const Literal y = wide.type() == x.type ? x : interpret_node(*wide.node, {{x}})[0];
    double value = 0;
    std::memcpy(&value, y.bytes->data() + (y.is_splat() ? 0 : i * sizeof value), sizeof value);
    return value;
}

using Function = std::function<Value(const std::vector<Value>&)>;

// The derivatives of orders 1, 2, ... of weight * f by one of its operands, all of rank 0.
std::vector<double> derivatives(Dtype d, const Function& f, const std::vector<double>& at, std::size_t by, int orders,
                                double weight = 1) {
    auto graph = std::make_unique<Graph>();
    std::vector<Value> x;
    std::vector<Literal> inputs;
    for (const double value : at) {
        x.push_back(graph->add_parameter("x" + std::to_string(x.size()), {d, {}}));
        inputs.push_back(splat_literal(d, {}, value));
    }
    const Value y = f(x);
    graph->add_output("y", weight == 1 ? y : ops::mul(y, functions::number(y, weight)));
    std::vector<double> found;
    for (int order = 0; order < orders; ++order) {
        const std::size_t wrt[] = {by};
        graph = passes::differentiate(*graph, 0, wrt, false);
        found.push_back(number_of(interpret(*graph, inputs)[0]));
    }
    return found;
}

constexpr Dtype all_floats[] = {Dtype::f64, Dtype::f32, Dtype::f16, Dtype::bf16};
// Relative, and for what is zero or not finite none.
void expect_close(double actual, double expected, Dtype d, const std::string& what) {
    const double digits = d == Dtype::f64 ? 1e-12 : d == Dtype::f32 ? 1e-5 : d == Dtype::f16 ? 4e-3 : 3e-2;
    if (std::isnan(expected)) {
        EXPECT_TRUE(std::isnan(actual)) << what << " in " << name(d) << " is " << actual;
    } else if (expected == 0 || std::isinf(expected)) {
        EXPECT_EQ(actual, expected) << what << " in " << name(d);
    } else {
        EXPECT_NEAR(actual, expected, digits * std::abs(expected)) << what << " in " << name(d);
    }
}

template <const OpDef* op>
Value binary(const std::vector<Value>& x) {
    return (*op)(x[0], x[1]);
}
template <const OpDef* op>
Value unary(const std::vector<Value>& x) {
    return (*op)(x[0]);
}

// Losses of logits are smooth: at 0, where a training begins whose weights are zeros, the derivatives of sigmoid count.
TEST(DerivativeEdges, LossesOfLogitsAtZero) {
    using functions::Reduction;
    const std::pair<const char*, Function> by_label[] = {
        {"binary_cross_entropy_with_logits",
         [](const std::vector<Value>& x) {
             return functions::binary_cross_entropy_with_logits(x[0], x[1], {}, {}, Reduction::mean);
         }},
        {"soft_margin_loss",
         [](const std::vector<Value>& x) {
             const Value sign = ops::sub(ops::mul(x[1], functions::number(x[1], 2)), functions::number(x[1], 1));
             return functions::soft_margin_loss(x[0], sign, Reduction::mean);
         }},
        {"multilabel_soft_margin_loss", [](const std::vector<Value>& x) {
             const auto row = [](const Value& v) { return functions::unsqueeze(v, {0}); };
             return functions::multilabel_soft_margin_loss(row(x[0]), row(x[1]), {}, Reduction::mean);
         }}};
    for (const Dtype d : all_floats)
        for (const auto& [what, loss] : by_label)
            for (const double label : {0.0, 1.0})
                for (const double zero : {0.0, -0.0}) {
                    const std::vector<double> found = derivatives(d, loss, {zero, label}, 0, 3);
                    expect_close(found[0], 0.5 - label, d, what);
                    expect_close(found[1], 0.25, d, what);
                    EXPECT_NEAR(found[2], 0, 1e-2) << what << " in " << name(d);
                }
}

TEST(DerivativeEdges, PowersOfEveryOrderAtZero) {
    for (const Dtype d : all_floats)
        for (const int exponent : {0, 1, 2, 3, 4})
            for (const double x : {0.0, -0.0, 1e-5, 2.0, -1.5}) {
                const std::vector<double> found = derivatives(d, binary<&ops::pow>, {x, double(exponent)}, 0, 5);
                double factor = 1;
                for (int order = 1; order <= 5; ++order) {
                    factor *= exponent - order + 1;
                    const double exact = number_of(splat_literal(d, {}, x));
                    const double expected = factor == 0 ? 0 : factor * std::pow(exact, exponent - order);
                    const double held = number_of(splat_literal(d, {}, expected));
                    if (std::abs(held) > 1e-4 || held == 0)
                        expect_close(found[static_cast<std::size_t>(order) - 1], held, d,
                                     "derivative " + std::to_string(order) + " of x^" + std::to_string(exponent) +
                                         " at " + std::to_string(x));
                }
            }
}

TEST(DerivativeEdges, PowersByTheirExponent) {
    for (const Dtype d : all_floats) {
        const auto by_exponent = [&](double x, double y) { return derivatives(d, binary<&ops::pow>, {x, y}, 1, 2); };
        for (const double y : {2.0, 0.5, 0.0, 3.0}) {
            EXPECT_EQ(by_exponent(0, y), (std::vector<double>{0, 0})) << y;
            EXPECT_EQ(by_exponent(-2, y), (std::vector<double>{0, 0})) << y;
        }
        EXPECT_EQ(by_exponent(0, -1)[0], -infinity);
        expect_close(by_exponent(2, 3)[0], 8 * std::log(2), d, "2^y");
    }
}

// x is so small that 1 / x is infinite in the format, the derivative is not.
TEST(DerivativeEdges, QuotientsFormNoReciprocal) {
    const auto tiny = [](Dtype d) { return d == Dtype::f64 ? 1e-309 : d == Dtype::f16 ? 1e-5 : 1e-39; };
    for (const Dtype d : all_floats) {
        const double small = number_of(splat_literal(d, {}, tiny(d)));
        const double weight = number_of(splat_literal(d, {}, 1e3 * small));
        const auto held = [&](double x) { return number_of(splat_literal(d, {}, x)); };
        for (const double w : {weight, 0.0}) {
            const auto first = [&](const Function& f, const std::vector<double>& at, std::size_t by) {
                return derivatives(d, f, at, by, 1, w)[0];
            };
            expect_close(first(unary<&ops::log>, {small}, 0), held(w / small), d, "log");
            expect_close(first(binary<&ops::div>, {1, small}, 0), held(w / small), d, "x / y by x");
            expect_close(first(binary<&ops::div>, {small, small}, 1), held(-w / small), d, "x / y by y");
            expect_close(first(unary<&ops::sqrt>, {small}, 0), held(w * 0.5 / std::sqrt(small)), d, "sqrt");
            expect_close(first(unary<&ops::rsqrt>, {small}, 0), held(-0.5 * w / small / std::sqrt(small)), d, "rsqrt");
        }
        // Of the second order, too, where they are multiplied by 0 or are 0 themselves.
        const double less = d == Dtype::f64 ? 1e-200 : d == Dtype::f16 ? 1e-5 : 1e-25;
        for (const Function& f :
             {Function(unary<&ops::log>), Function(unary<&ops::sqrt>), Function(unary<&ops::rsqrt>)})
            EXPECT_EQ(derivatives(d, f, {less}, 0, 2, 0), (std::vector<double>{0, 0})) << name(d);
        EXPECT_EQ(derivatives(d, binary<&ops::div>, {0, less}, 1, 2), (std::vector<double>{0, 0})) << name(d);
        // The quotient itself is infinite, and masked.
        EXPECT_EQ(derivatives(d, binary<&ops::div>, {1, small}, 1, 1, 0)[0], 0) << name(d);
    }
    // The case of a bug: f16, 1e-5, a cotangent of 0.01.
    expect_close(derivatives(Dtype::f16, unary<&ops::log>, {1e-5}, 0, 1, 0.01)[0], 0.01 / 1.0013580322265625e-05,
                 Dtype::f16, "log");
}

TEST(DerivativeEdges, LargeArguments) {
    for (const Dtype d : all_floats)
        for (const double x : {30.0, -30.0, 300.0, -300.0, 6e4, -6e4})
            for (const int order : {1, 2, 3}) {
                const auto last = [&](const Function& f) {
                    return derivatives(d, f, {x}, 0, order)[static_cast<std::size_t>(order) - 1];
                };
                const std::string at = std::to_string(x) + ", order " + std::to_string(order);
                const double step = x > 0 && order == 1 ? 1 : 0;
                EXPECT_EQ(last(unary<&ops::erf>), 0) << "erf " << at;
                EXPECT_EQ(last(unary<&ops::tanh>), 0) << "tanh " << at;
                EXPECT_NEAR(last(unary<&ops::sigmoid>), 0, 1e-10) << "sigmoid " << at;
                const auto gelu = [](const std::vector<Value>& v) { return functions::gelu(v[0]); };
                const auto silu = [](const std::vector<Value>& v) { return functions::silu(v[0]); };
                EXPECT_NEAR(last(gelu), step, 1e-10) << "gelu " << at;
                EXPECT_NEAR(last(silu), step, 1e-10) << "silu " << at;
            }
}

// Where x^2 leaves the format and the derivative does not.
TEST(DerivativeEdges, InversesOfLargeArguments) {
    for (const Dtype d : all_floats) {
        const double large = d == Dtype::f64 ? 1e200 : d == Dtype::f16 ? 6e4 : 1e30;
        for (const double x : {large, -large, 300.0, 2.0}) {
            const double held = number_of(splat_literal(d, {}, x));
            const auto first = [&](const Function& f, double weight = 1) {
                return derivatives(d, f, {x}, 0, 1, weight)[0];
            };
            const auto nearest = [&](double v) { return number_of(splat_literal(d, {}, v)); };
            expect_close(first(unary<&ops::asinh>), nearest(1 / std::hypot(held, 1)), d, "asinh");
            if (x > 1) {
                const double root = std::sqrt(held - 1) * std::sqrt(held + 1);
                expect_close(first(unary<&ops::acosh>), nearest(1 / root), d, "acosh");
            }
            if (std::abs(x) <= 300) {
                expect_close(first(unary<&ops::atan>), nearest(1 / (1 + held * held)), d, "atan");
            }
            const std::vector<double> point = {x, 1};
            const double weight = nearest(std::min(std::abs(x), 100.0));
            const auto both = [&](std::size_t by) {
                return derivatives(d, binary<&ops::atan2>, point, by, 1, weight)[0];
            };
            const double distance = std::hypot(held, 1);
            expect_close(both(0), nearest(weight / distance / distance), d, "atan2 by y");
            expect_close(both(1), nearest(-weight / distance * (held / distance)), d, "atan2 by x");
        }
        // e^x, of which e^x - 1 keeps nothing.
        expect_close(derivatives(d, unary<&ops::expm1>, {-10}, 0, 1)[0], std::exp(-10.0), d, "expm1");
    }
}

TEST(DerivativeEdges, InversesAtTheEndsOfTheirRanges) {
    for (const Dtype d : all_floats) {
        const auto first = [&](const Function& f, double x) { return derivatives(d, f, {x}, 0, 1)[0]; };
        for (const double x : {-1.0, 1.0}) {
            EXPECT_EQ(first(unary<&ops::asin>, x), infinity);
            EXPECT_EQ(first(unary<&ops::acos>, x), -infinity);
            EXPECT_EQ(first(unary<&ops::atanh>, x), infinity);
            EXPECT_EQ(first(unary<&ops::erfinv>, x), infinity);
        }
        EXPECT_EQ(first(unary<&ops::acosh>, 1), infinity);
        EXPECT_EQ(first(unary<&ops::log1p>, -1), infinity);
        EXPECT_EQ(first(unary<&ops::log2>, 0), infinity);
        EXPECT_EQ(first(unary<&ops::cbrt>, 0), infinity);
        EXPECT_EQ(first(unary<&ops::cbrt>, -0.0), infinity);
        for (const std::size_t by : {0, 1})
            EXPECT_EQ(derivatives(d, binary<&ops::atan2>, {0, 0}, by, 2), (std::vector<double>{0, 0}));
        for (const double x : {0.5, -0.5, 0.0})
            for (const Function& f : {Function(unary<&ops::floor>), Function(unary<&ops::round>),
                                      Function(unary<&ops::trunc>), Function(unary<&ops::sign>)})
                EXPECT_EQ(first(f, x), 0);
    }
}

TEST(DerivativeEdges, AbsoluteValuesMultiplyByNothing) {
    for (const Dtype d : all_floats) {
        EXPECT_EQ(derivatives(d, unary<&ops::abs>, {0}, 0, 2, infinity), (std::vector<double>{0, 0}));
        EXPECT_EQ(derivatives(d, unary<&ops::abs>, {-0.0}, 0, 1)[0], 0);
        EXPECT_EQ(derivatives(d, unary<&ops::abs>, {3}, 0, 1)[0], 1);
        EXPECT_EQ(derivatives(d, unary<&ops::abs>, {-infinity}, 0, 1)[0], -1);
    }
}

TEST(DerivativeEdges, ExtremesOfTwoFollowTheValue) {
    for (const Dtype d : all_floats)
        for (const auto& [x, y, greater, less] :
             std::vector<std::tuple<double, double, int, int>>{{1, 2, 1, 0},
                                                               {2, 1, 0, 1},
                                                               {2, 2, 0, 0},
                                                               {nan, 1, 0, 0},
                                                               {1, nan, 1, 1},
                                                               {nan, nan, 0, 0},
                                                               {infinity, infinity, 0, 0}}) {
            for (const int by : {0, 1}) {
                const auto k = static_cast<std::size_t>(by);
                EXPECT_EQ(derivatives(d, binary<&ops::max>, {x, y}, k, 1)[0], by == greater ? 1 : 0) << x << " " << y;
                EXPECT_EQ(derivatives(d, binary<&ops::min>, {x, y}, k, 1)[0], by == less ? 1 : 0) << x << " " << y;
            }
        }
}

// By the first few elements.
std::vector<double> gradient_of_extreme(const OpDef& op, Dtype d, const std::vector<double>& x, double weight = 1) {
    Graph g;
    const Shape shape{static_cast<std::int64_t>(x.size())};
    const Value v = g.add_parameter("x", {d, shape});
    const Value y = op.with({Integers{0}}, v);
    g.add_output("y", ops::mul(y, functions::number(y, weight)));
    std::vector<std::byte> bytes;
    for (const double value : x) {
        const Literal one = splat_literal(d, {}, value);
        bytes.insert(bytes.end(), one.bytes->begin(), one.bytes->end());
    }
    const std::size_t wrt[] = {0};
    const Literal found = interpret(*passes::differentiate(g, 0, wrt, false), {{make_literal({d, shape}, bytes)}})[0];
    std::vector<double> out;
    for (std::size_t i = 0; i < std::min<std::size_t>(x.size(), 8); ++i) out.push_back(number_of(found, i));
    return out;
}

TEST(DerivativeEdges, ExtremesOfManyAreNaNWhereTheValueIs) {
    for (const Dtype d : all_floats)
        for (const OpDef* op : {&ops::reduce_max, &ops::reduce_min}) {
            const std::vector<double> found = gradient_of_extreme(*op, d, {1, nan, 3});
            EXPECT_EQ(found[0], 0);
            EXPECT_TRUE(std::isnan(found[1]));
            EXPECT_EQ(found[2], 0);
            EXPECT_EQ(gradient_of_extreme(*op, d, {2, 2, 2, 2}), std::vector<double>(4, 0.25));
            EXPECT_EQ(gradient_of_extreme(*op, d, {infinity, infinity}), std::vector<double>(2, 0.5));
        }
    EXPECT_EQ(gradient_of_extreme(ops::reduce_max, Dtype::f64, {1, 5, 3}), (std::vector<double>{0, 1, 0}));
    // More than f16 counts.
    const std::vector<double> tied =
        gradient_of_extreme(ops::reduce_max, Dtype::f16, std::vector<double>(70000, 1), 6e4);
    EXPECT_NEAR(tied[7], 6e4 / 70000, 1e-3);
}

// The adjoint of a gather adds many: f16 alone would stop at 2048.
TEST(DerivativeEdges, GatheredElementsCollectTheirCotangentsInF32) {
    for (const Dtype d : {Dtype::f16, Dtype::bf16}) {
        Graph g;
        const Value table = g.add_parameter("table", {d, {2}});
        const Value rows = g.constant(splat_literal(Dtype::i32, {4096}, std::int64_t{1}));
        const Value taken = functions::convert(ops::gather.with({std::int64_t{0}}, table, rows), Dtype::f32);
        g.add_output("y", functions::sum(taken, {0}));
        const std::size_t wrt[] = {0};
        const Literal found = interpret(*passes::differentiate(g, 0, wrt, false), {{splat_literal(d, {2}, 1.0)}})[0];
        EXPECT_EQ(number_of(found, 0), 0);
        EXPECT_EQ(number_of(found, 1), 4096);
    }
}

TEST(DerivativeEdges, SoftmaxOfMaskedScores) {
    for (const Dtype d : all_floats) {
        Graph g;
        const Value x = g.add_parameter("x", {d, {3}});
        const Value p = functions::softmax(x);
        const Value first = functions::reshape(functions::slice(p, Shape{0}, Shape{1}, Integers{1}), Shape{});
        g.add_output("y", first);
        std::vector<std::byte> bytes;
        for (const double value : {1.0, -infinity, 1.0}) {
            const Literal one = splat_literal(d, {}, value);
            bytes.insert(bytes.end(), one.bytes->begin(), one.bytes->end());
        }
        const std::size_t wrt[] = {0};
        const Literal found = interpret(*passes::differentiate(g, 0, wrt, false), {{make_literal({d, {3}}, bytes)}})[0];
        EXPECT_EQ(number_of(found, 0), 0.25);
        EXPECT_EQ(number_of(found, 1), 0);
        EXPECT_EQ(number_of(found, 2), -0.25);
    }
}

}  // namespace
}  // namespace lathe::ir
