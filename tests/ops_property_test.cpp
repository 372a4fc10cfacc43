// Tests generated from the op table: whatever row is added is tested for text, dtypes, broadcasting and gradients;
// values are compared with references that are not ours where there are any.
#include <bit>
#include <cmath>
#include <cstring>
#include <functional>
#include <map>
#include <random>

#include <gtest/gtest.h>

#include "ir/graph/interpret.h"
#include "ir/graph/text.h"
#include "ir/graph/verify.h"
#include "ir/ops/ops.h"
#include "ir/text/element.h"
#include "passes/graph/differentiate.h"
#include "passes/graph/simplify.h"
#include "tests/op_samples.h"

namespace lathe::ir {
namespace {

using testing_support::Call;
using testing_support::on_diagonal;
using testing_support::samples;

using Random = std::mt19937_64;

double uniform(Random& random, double low, double high) {
    return low + (high - low) * (static_cast<double>(random() >> 11) * 0x1p-53);
}

std::int64_t count(const Shape& shape) { return shape.element_count().constant(); }

Literal literal_of(Dtype dtype, const Shape& shape, const std::function<double(std::int64_t)>& value) {
    std::vector<std::byte> bytes;
    for (std::int64_t i = 0; i < count(shape); ++i) {
        const Literal one = splat_literal(dtype, Shape{}, value(i));
        bytes.insert(bytes.end(), one.bytes->begin(), one.bytes->end());
    }
    return make_literal({dtype, shape}, bytes);
}

// Operands are drawn from the row's domain; indices from what they index.
std::vector<Literal> draw(const OpDef& op, const Call& call, Random& random) {
    std::vector<Literal> values;
    for (std::size_t i = 0; i < call.operands.size(); ++i) {
        const Type& t = call.operands[i];
        const bool is_index = op.indices && op.indices.operand == i;
        values.push_back(literal_of(t.dtype, t.shape, [&](std::int64_t at) {
            if (t.dtype == Dtype::boolean) return static_cast<double>(random() & 1U);
            if (is_index) {
                const Dim bound = op.indices.bound(call.operands, call.attributes);
                return std::floor(uniform(random, 0, static_cast<double>(bound.constant())));
            }
            if (is_float(t.dtype)) return uniform(random, op.domain.low, op.domain.high) + on_diagonal(op, t, at);
            return std::floor(uniform(random, is_signed_integer(t.dtype) ? -6 : 0, 9));
        }));
    }
    return values;
}

struct Sample {
    std::unique_ptr<Graph> graph;
    const Node* node = nullptr;
};

Sample graph_of(const OpDef& op, const Call& call) {
    std::unique_ptr<Graph> graph = testing_support::graph_of(op, call);
    const Node* const node = graph->outputs()[0].node;
    return {std::move(graph), node};
}

// Calls f with every sample of every row in the dtypes that it takes.
void for_each_sample(const std::function<void(const OpDef&, Dtype, const Call&)>& f) {
    for (const OpDef* op : op_table())
        for (Dtype d : all_dtypes())
            if (op->dtypes.contains(d))
                for (const Call& call : samples(*op, d)) f(*op, d, call);
}

double element(const Literal& x, std::int64_t i) {
    const Literal wide = [&] {
        Graph g;
        const Value v = g.add_parameter("x", x.type);
        const Node& n = g.add(ops::convert, {{v}}, {Dtype::f64});
        return interpret_node(n, {{x}})[0];
    }();
    double value = 0;
    std::memcpy(&value, wide.bytes->data() + (wide.is_splat() ? 0 : static_cast<std::size_t>(i) * 8), 8);
    return value;
}

std::vector<double> elements(const Literal& x) {
    std::vector<double> result;
    Graph g;
    const Literal wide = interpret_node(g.add(ops::convert, {{g.add_parameter("x", x.type)}}, {Dtype::f64}), {{x}})[0];
    for (std::int64_t i = 0; i < count(x.type.shape); ++i) {
        double value = 0;
        std::memcpy(&value, wide.bytes->data() + (wide.is_splat() ? 0 : static_cast<std::size_t>(i) * 8), 8);
        result.push_back(value);
    }
    return result;
}

// Elements as text that tells bits apart; a NaN is a NaN.
std::vector<std::string> element_text(const Literal& x) {
    std::vector<std::string> result;
    const std::size_t size = size_of(x.type.dtype);
    for (std::int64_t i = 0; i < count(x.type.shape); ++i) {
        std::uint64_t bits = 0;
        std::memcpy(&bits, x.bytes->data() + (x.is_splat() ? 0 : static_cast<std::size_t>(i) * size), size);
        const std::string text = print_element(x.type.dtype, bits);
        result.push_back(text.starts_with("0x") ? "nan" : text);
    }
    return result;
}

TEST(Ops, EveryRowHasSamples) {
    for (const OpDef* op : op_table())
        if (op->lowering != Lowering::source) {
            bool any = false;
            for (Dtype d : all_dtypes()) any = any || (op->dtypes.contains(d) && !samples(*op, d).empty());
            EXPECT_TRUE(any) << op->name;
        }
}

TEST(Ops, TextIsAFixedPointAndVerifies) {
    for_each_sample([](const OpDef& op, Dtype d, const Call& call) {
        const Sample s = graph_of(op, call);
        const std::string text = print(*s.graph);
        EXPECT_EQ(print(*parse_graph(text, "t.lir")), text) << op.name << " " << name(d);
        EXPECT_TRUE(verify(*s.graph).empty()) << text;
    });
}

// Calls f(definition, attribute, rank of what it speaks of) for every attribute of every sample.
void for_each_attribute(
    const std::function<void(const OpDef&, const Call&, const AttributeDef&, const Attribute&, std::size_t)>& f) {
    for_each_sample([&](const OpDef& op, Dtype, const Call& call) {
        for (const AttributeDef& def : op.attributes) {
            using enum AttributeMeaning;
            const bool of_dimensions = def.meaning != AttributeMeaning::shape && def.meaning != bound &&
                                       def.meaning != AttributeMeaning::dtype && def.meaning != AttributeMeaning::name;
            if (of_dimensions)
                f(op, call, def, call.attributes[def.slot], rank_of(def, op, call.operands, call.attributes));
        }
    });
}

TEST(Ops, NegativeAxesCountFromTheEnd) {
    std::size_t checked = 0;
    for_each_attribute(
        [&](const OpDef& op, const Call& call, const AttributeDef& def, const Attribute& a, std::size_t rank) {
            Call other = call;
            const auto turn = [&](std::int64_t axis) {
                const auto n = static_cast<std::int64_t>(rank);
                return axis < 0 ? axis : axis - n;
            };
            if (def.meaning == AttributeMeaning::axis) {
                other.attributes[def.slot] = turn(std::get<std::int64_t>(a));
            } else if (def.meaning == AttributeMeaning::axes || def.meaning == AttributeMeaning::permutation) {
                for (std::int64_t& axis : std::get<Integers>(other.attributes[def.slot])) axis = turn(axis);
            } else {
                return;
            }
            ++checked;
            EXPECT_EQ(print(*graph_of(op, other).graph), print(*graph_of(op, call).graph));
        });
    EXPECT_GT(checked, 100U);
}

TEST(Ops, AttributesThatDoNotFitAreRefused) {
    std::size_t checked = 0;
    for_each_attribute([&](const OpDef& op, const Call& call, const AttributeDef& def, const Attribute& a,
                           std::size_t rank) {
        const auto n = static_cast<std::int64_t>(rank);
        const auto refuses = [&](Attribute wrong) {
            Call other = call;
            other.attributes[def.slot] = std::move(wrong);
            EXPECT_THROW(graph_of(op, other), TypeError) << op.name << " " << def.name;
            ++checked;
        };
        if (def.meaning == AttributeMeaning::axis) {
            refuses(n);
            refuses(-n - 1);
        }
        if (const auto* list = std::get_if<Integers>(&a)) {
            Integers longer = *list;
            const bool is_axes = def.meaning == AttributeMeaning::axes || def.meaning == AttributeMeaning::permutation;
            longer.push_back(is_axes ? n : 1);
            refuses(longer);
            if (!list->empty()) {
                longer.back() = list->front();
                refuses(longer);
            }
        }
        if (const auto* shape = std::get_if<Shape>(&a)) {
            Shape longer = *shape;
            longer.push_back(0);
            refuses(longer);
        }
        refuses(Dtype::f32);
    });
    EXPECT_GT(checked, 100U);
}

TEST(Ops, AttributesComeInAnyOrderAndMayBeLeftOut) {
    const auto graph = [](const std::string& line) {
        return print(
            *parse_graph("graph g() {\n  %0 = parameter \"x\" : f32[4, 5]\n  %1 = " + line + "\n}\n", "t.lir"));
    };
    const auto why = [&](const std::string& line) {
        try {
            graph(line);
        } catch (const FormatError& e) {
            return std::string(e.what());
        }
        return std::string();
    };
    EXPECT_EQ(graph("slice(%0) {step = [1, 1], size = [2, 3], start = [0, 0]} : f32[2, 3]"),
              graph("slice(%0) {start = [0, 0], size = [2, 3], step = [1, 1]} : f32[2, 3]"));
    EXPECT_EQ(graph("slice(%0) {size = [2, 3]} : f32[2, 3]"),
              graph("slice(%0) {start = [0, 0], size = [2, 3], step = [1, 1]} : f32[2, 3]"));
    EXPECT_EQ(graph("transpose(%0) : f32[5, 4]"), graph("transpose(%0) {permutation = [1, 0]} : f32[5, 4]"));
    EXPECT_EQ(graph("sum(%0) : f32[]"), graph("sum(%0) {axes = [0, 1]} : f32[]"));
    EXPECT_EQ(graph("iota {dtype = i32, shape = [3]} : i32[3]"),
              graph("iota {shape = [3], axis = 0, dtype = i32} : i32[3]"));
    EXPECT_NE(why("slice(%0) {start = [0, 0]} : f32[4, 5]").find("slice lacks its attribute size"), std::string::npos);
    EXPECT_NE(why("slice(%0) {size = [2, 3], size = [2, 3]} : f32[2, 3]").find("slice has its attribute size twice"),
              std::string::npos);
    EXPECT_NE(why("slice(%0) {size = [2, 3], width = [2]} : f32[2, 3]").find("slice has no attribute width"),
              std::string::npos)
        << why("slice(%0) {size = [2, 3], width = [2]} : f32[2, 3]");
    EXPECT_NE(why("slice(%0) {size = [2]} : f32[2]").find("size has 1 entries"), std::string::npos);
}

TEST(Ops, DtypesOutsideTheSetAreRefused) {
    for (const OpDef* op : op_table())
        for (Dtype d : all_dtypes())
            if (!op->dtypes.contains(d)) {
                for (const Call& call : samples(*op, d)) {
                    EXPECT_THROW(graph_of(*op, call), TypeError) << op->name << " " << name(d);
                }
            }
}

// Simplify may change nothing but the work: constants for operands fold to the same bits.
TEST(Ops, FoldingGivesTheSameBits) {
    Random random(7);
    for_each_sample([&](const OpDef& op, Dtype d, const Call& call) {
        const Sample s = graph_of(op, call);
        const std::vector<Literal> inputs = draw(op, call, random);
        const std::vector<Literal> direct = interpret(*s.graph, inputs);
        Graph constants;
        std::vector<Value> operands;
        for (const Literal& x : inputs) operands.push_back(constants.constant(x));
        const Node& node = constants.add(op, operands, call.attributes);
        for (std::uint32_t r = 0; r < node.results.size(); ++r) constants.add_output("y", {&node, r});
        const auto folded = passes::simplify(constants);
        const std::vector<Literal> after = interpret(*folded, {});
        for (std::size_t r = 0; r < direct.size(); ++r)
            EXPECT_EQ(element_text(direct[r]), element_text(after[r])) << op.name << " " << name(d) << "\n"
                                                                       << print(*folded);
    });
}

// Extents that are symbols change neither values nor gradients: what concrete shapes gave, bit for bit.
TEST(Ops, SymbolicExtentsGiveTheSameBits) {
    Random random(13);
    for_each_sample([&](const OpDef& op, Dtype d, const Call& call) {
        const std::vector<Literal> inputs = draw(op, call, random);
        const auto build = [&](bool symbolic) {
            auto graph = std::make_unique<Graph>();
            std::vector<Value> operands;
            for (const Type& t : call.operands) {
                Type open = t;
                for (std::size_t i = 0; symbolic && i < t.shape.rank(); ++i)
                    if (t.shape[i] != Dim(1)) open.shape[i] = Dim::symbol(graph->add_symbol("n"));
                operands.push_back(graph->add_parameter("x", open));
            }
            const Node& node = graph->add(op, operands, call.attributes);
            for (std::uint32_t r = 0; r < node.results.size(); ++r) graph->add_output("y", {&node, r});
            if (d != Dtype::f64 || !is_float(node.results[0].dtype) || !op.gradient.value.none_because.empty())
                return graph;
            const Value y{&node, 0};
            const Value squares = ops::mul(y, y);
            graph->add_output("loss", functions::sum(squares, functions::all_axes(y.type().shape.rank())));
            std::vector<std::size_t> wrt;
            for (std::size_t i = 0; i < operands.size(); ++i)
                if (is_float(operands[i].type().dtype)) wrt.push_back(i);
            return passes::differentiate(*graph, graph->outputs().size() - 1, wrt, true);
        };
        const auto concrete = build(false), symbolic = build(true);
        const std::string text = print(*symbolic);
        EXPECT_TRUE(verify(*symbolic).empty()) << text;
        EXPECT_EQ(print(*parse_graph(text, "t.lir")), text);
        const auto simple = passes::simplify(*symbolic);
        EXPECT_TRUE(verify(*simple).empty()) << print(*simple);
        const std::vector<Literal> expected = interpret(*concrete, inputs);
        const std::vector<Literal> actual = interpret(*symbolic, inputs), after = interpret(*simple, inputs);
        ASSERT_EQ(actual.size(), expected.size());
        for (std::size_t r = 0; r < expected.size(); ++r) {
            EXPECT_EQ(actual[r].type.to_string(), expected[r].type.to_string()) << text;
            EXPECT_EQ(element_text(actual[r]), element_text(expected[r])) << name(d) << "\n" << text;
            EXPECT_EQ(element_text(after[r]), element_text(expected[r])) << name(d) << "\n" << print(*simple);
        }
    });
}

// ---- gradients against finite differences, in f64

Literal scaled_move(const Literal& x, std::int64_t at, double by) {
    return literal_of(Dtype::f64, x.type.shape, [&](std::int64_t i) { return element(x, i) + (i == at ? by : 0); });
}

// sum(y * weights) as a graph, so that every element of y counts differently.
Value weigh(Graph& g, const Value& y, Random& random) {
    const Literal weights =
        literal_of(Dtype::f64, y.type().shape, [&](std::int64_t) { return uniform(random, 0.5, 1.5); });
    return functions::sum(ops::mul(y, g.constant(weights)), functions::all_axes(y.type().shape.rank()));
}

// The gradient by central differences of output 0 with respect to each float input.
void expect_gradient(const Graph& graph, const std::vector<Literal>& inputs, const std::string& what) {
    for (std::size_t p = 0; p < inputs.size(); ++p) {
        if (!is_float(inputs[p].type.dtype)) continue;
        const std::size_t wrt[] = {p};
        const auto gradient = passes::differentiate(graph, 0, wrt, false);
        EXPECT_TRUE(verify(*gradient).empty()) << what;
        const std::vector<double> actual = elements(interpret(*gradient, inputs)[0]);
        ASSERT_EQ(static_cast<std::int64_t>(actual.size()), count(inputs[p].type.shape)) << what;
        for (std::int64_t i = 0; i < static_cast<std::int64_t>(actual.size()); ++i) {
            if (i > 12) break;
            constexpr double step = 1e-5;
            std::vector<Literal> up = inputs, down = inputs;
            up[p] = scaled_move(inputs[p], i, step);
            down[p] = scaled_move(inputs[p], i, -step);
            const double difference =
                (element(interpret(graph, up)[0], 0) - element(interpret(graph, down)[0], 0)) / (2 * step);
            EXPECT_NEAR(actual[static_cast<std::size_t>(i)], difference, 2e-7 * (1 + std::abs(difference)))
                << what << ", operand " << p << ", element " << i << "\n"
                << print(*gradient);
        }
    }
}

TEST(Ops, FirstAndSecondGradientsAreThoseOfFiniteDifferences) {
    Random random(11);
    for (const OpDef* op : op_table()) {
        if (!op->dtypes.contains(Dtype::f64) || !op->gradient.value.none_because.empty()) continue;
        for (const Call& call : samples(*op, Dtype::f64)) {
            if (op->gradient.value.stops) continue;  // differs on purpose
            Sample s = graph_of(*op, call);
            if (!is_float(s.node->results[0].dtype)) continue;
            // A conversion to f64 of f64 and the like: also through an integral attribute nothing may be lost.
            auto graph = std::make_unique<Graph>();
            std::vector<Value> operands;
            for (std::size_t i = 0; i < call.operands.size(); ++i)
                operands.push_back(graph->add_parameter("x" + std::to_string(i), call.operands[i]));
            graph->add_output("loss", weigh(*graph, {&graph->add(*op, operands, call.attributes), 0}, random));
            const std::vector<Literal> inputs = draw(*op, call, random);
            const std::string what = std::string(op->name) + "\n" + print(*graph);
            expect_gradient(*graph, inputs, what);

            for (std::size_t p = 0; p < inputs.size(); ++p) {
                if (!is_float(inputs[p].type.dtype)) continue;
                // The gradient, weighed, is a function again.
                const std::size_t wrt[] = {p};
                const auto first = passes::differentiate(*graph, 0, wrt, false);
                Graph second;
                std::vector<Value> values;
                std::map<const Node*, const Node*> copies;
                std::size_t parameter = 0;
                for (const Node& n : first->nodes()) {
                    if (parameter < first->parameters().size() && first->parameters()[parameter].node == &n) {
                        copies[&n] = second.add_parameter(first->parameter_name(parameter++), n.results[0]).node;
                        continue;
                    }
                    std::vector<Value> xs;
                    for (const Value& v : n.operands) xs.push_back({copies[v.node], v.index});
                    copies[&n] = &second.add(*n.op, xs, n.attributes);
                }
                second.add_output("loss",
                                  weigh(second, {copies[first->outputs()[0].node], first->outputs()[0].index}, random));
                expect_gradient(second, inputs, what + "second:\n" + print(second));
            }
        }
    }
}

// ---- values against references that are not ours

template <class T>
T get(const Literal& x, std::int64_t i) {
    T value;
    std::memcpy(&value, x.bytes->data() + (x.is_splat() ? 0 : static_cast<std::size_t>(i) * sizeof(T)), sizeof value);
    return value;
}
template <class T>
Literal put(Dtype d, const std::vector<T>& values) {
    return make_literal({d, {static_cast<std::int64_t>(values.size())}}, std::as_bytes(std::span(values)));
}
template <class T>
std::vector<T> apply(const OpDef& op, Dtype d, const std::vector<std::vector<T>>& operands) {
    Graph g;
    std::vector<Literal> inputs;
    std::vector<Value> values;
    for (const auto& x : operands) {
        inputs.push_back(put(d, x));
        values.push_back(g.add_parameter("x", inputs.back().type));
    }
    const Literal y = interpret_node(g.add(op, values), inputs)[0];
    std::vector<T> result;
    for (std::size_t i = 0; i < operands[0].size(); ++i) result.push_back(get<T>(y, static_cast<std::int64_t>(i)));
    return result;
}

template <class T>
std::vector<T> special_values() {
    using L = std::numeric_limits<T>;
    std::vector<T> values = {T(0),   T(1),    T(0.5),          T(2),     T(3),     T(1e-3),       T(10),   T(88.5),
                             T(700), T(1e10), L::denorm_min(), L::min(), L::max(), L::infinity(), T(7.25), L::epsilon(),
                             T(2.5), T(100),  T(1.5),          T(0.49),  T(0.51)};
    const std::size_t n = values.size();
    for (std::size_t i = 0; i < n; ++i) values.push_back(-values[i]);
    values.push_back(L::quiet_NaN());
    return values;
}

template <class T>
class RealNumbers : public testing::Test {};
using RealTypes = testing::Types<float, double>;
TYPED_TEST_SUITE(RealNumbers, RealTypes);

TYPED_TEST(RealNumbers, ArithmeticIsThatOfTheProcessor) {
    using T = TypeParam;
    constexpr Dtype d = sizeof(T) == 8 ? Dtype::f64 : Dtype::f32;
    std::vector<T> x, y;
    for (T a : special_values<T>())
        for (T b : special_values<T>()) {
            x.push_back(a);
            y.push_back(b);
        }
    const auto expect = [&](const OpDef& op, auto&& exact) {
        const std::vector<T> z = apply<T>(op, d, {x, y});
        for (std::size_t i = 0; i < x.size(); ++i) {
            const T want = exact(x[i], y[i]);
            const bool is_same = std::isnan(want) ? std::isnan(z[i]) : std::memcmp(&z[i], &want, sizeof want) == 0;
            EXPECT_TRUE(is_same) << op.name << "(" << x[i] << ", " << y[i] << ") = " << z[i];
        }
    };
    expect(ops::add, [](T a, T b) { return a + b; });
    expect(ops::sub, [](T a, T b) { return a - b; });
    expect(ops::mul, [](T a, T b) { return a * b; });
    expect(ops::div, [](T a, T b) { return a / b; });
    expect(ops::max, [](T a, T b) { return a > b || std::isnan(a) ? a : b; });
    expect(ops::min, [](T a, T b) { return a < b || std::isnan(a) ? a : b; });
    const auto expect_unary = [&](const OpDef& op, T (*exact)(T)) {
        const std::vector<T> z = apply<T>(op, d, {x});
        for (std::size_t i = 0; i < x.size(); ++i) {
            const T want = exact(x[i]);
            const bool is_same = std::isnan(want) ? std::isnan(z[i]) : std::memcmp(&z[i], &want, sizeof want) == 0;
            EXPECT_TRUE(is_same) << op.name << "(" << x[i] << ") = " << z[i];
        }
    };
    expect_unary(ops::floor, [](T a) { return std::floor(a); });
    expect_unary(ops::ceil, [](T a) { return std::ceil(a); });
    expect_unary(ops::round, [](T a) { return std::nearbyint(a); });
    expect_unary(ops::trunc, [](T a) { return std::trunc(a); });
    expect_unary(ops::sign, [](T a) { return std::isnan(a) ? a : T(a > 0) - T(a < 0); });
}

template <class T>
class IntegerFunctions : public testing::Test {};
using IntegerTypes = testing::Types<std::int8_t, std::int16_t, std::int32_t, std::int64_t, std::uint8_t, std::uint16_t,
                                    std::uint32_t, std::uint64_t>;
TYPED_TEST_SUITE(IntegerFunctions, IntegerTypes);

template <class T>
constexpr Dtype dtype_of() {
    for (Dtype d : all_dtypes())
        if (is_integer(d) && size_of(d) == sizeof(T) && is_signed_integer(d) == std::is_signed_v<T>) return d;
    return Dtype::boolean;
}

TYPED_TEST(IntegerFunctions, WrapAndGuard) {
    using T = TypeParam;
    using Wide = __int128;
    constexpr T low = std::numeric_limits<T>::min(), high = std::numeric_limits<T>::max();
    const std::vector<T> values = {
        low, static_cast<T>(low + 1), static_cast<T>(-1), 0, 1, 2, 3, 7, 8, 63, static_cast<T>(100), high};
    std::vector<T> x, y;
    for (T a : values)
        for (T b : values) {
            x.push_back(a);
            y.push_back(b);
        }
    const auto expect = [&](const OpDef& op, auto&& exact) {
        const std::vector<T> z = apply<T>(op, dtype_of<T>(), {x, y});
        for (std::size_t i = 0; i < x.size(); ++i)
            EXPECT_EQ(z[i], static_cast<T>(exact(Wide{x[i]}, Wide{y[i]})))
                << op.name << "(" << +x[i] << ", " << +y[i] << ")";
    };
    for (const OpDef* op : {&ops::floor, &ops::ceil, &ops::round, &ops::trunc})
        EXPECT_EQ(apply<T>(*op, dtype_of<T>(), {x}), x) << op->name;
    const std::vector<T> signs = apply<T>(ops::sign, dtype_of<T>(), {x});
    for (std::size_t i = 0; i < x.size(); ++i) EXPECT_EQ(signs[i], static_cast<T>((x[i] > 0) - (x[i] < 0))) << +x[i];
    constexpr int bits = 8 * sizeof(T);
    expect(ops::add, [](Wide a, Wide b) { return a + b; });
    expect(ops::sub, [](Wide a, Wide b) { return a - b; });
    expect(ops::mul, [](Wide a, Wide b) {
        return static_cast<Wide>(static_cast<unsigned __int128>(a) * static_cast<unsigned __int128>(b));
    });
    expect(ops::div, [](Wide a, Wide b) { return b == 0 ? 0 : a / b; });
    expect(ops::max, [](Wide a, Wide b) { return std::max(a, b); });
    expect(ops::min, [](Wide a, Wide b) { return std::min(a, b); });
    expect(ops::bit_and, [](Wide a, Wide b) { return a & b; });
    expect(ops::bit_or, [](Wide a, Wide b) { return a | b; });
    expect(ops::bit_xor, [](Wide a, Wide b) { return a ^ b; });
    expect(ops::shift_left, [](Wide a, Wide b) { return b < 0 || b >= bits ? 0 : a << static_cast<int>(b); });
    expect(ops::shift_right,
           [](Wide a, Wide b) { return b < 0 || b >= bits ? (a < 0 ? Wide{-1} : Wide{0}) : a >> static_cast<int>(b); });
}

// Every pair of dtypes, from values at and around the ends of ranges.
TEST(Ops, ConversionsSaturateTruncateAndWrap) {
    const double values[] = {0.0,     -0.0,       0.5,          -0.5,          1.5,          -1.5,      127.5,
                             128,     -128.5,     -129,         255.5,         256,          32768,     65535,
                             65536,   2147483647, 2147483648.0, -2147483649.0, 4294967296.0, 0x1p62,    0x1p63,
                             -0x1p63, 0x1p64,     1e30,         -1e30,         INFINITY,     -INFINITY, NAN};
    for (Dtype to : all_dtypes()) {
        for (double v : values) {
            Graph g;
            const Value x = g.add_parameter("x", {Dtype::f64, {}});
            const Literal y = interpret_node(g.add(ops::convert, {{x}}, {to}), {{splat_literal(Dtype::f64, {}, v)}})[0];
            const double back = element(y, 0);
            if (to == Dtype::boolean) {
                EXPECT_EQ(back, v != 0 ? 1 : 0) << v;
            } else if (is_integer(to)) {
                const int value_bits = static_cast<int>(8 * size_of(to)) - (is_signed_integer(to) ? 1 : 0);
                const double high = std::ldexp(1.0, value_bits), low = is_signed_integer(to) ? -high : 0;
                const double want = std::isnan(v) ? 0 : std::trunc(std::clamp(v, low, high));
                // The greatest 64-bit integers round up to the next power of two on the way back.
                EXPECT_EQ(back, v >= high && value_bits < 53 ? high - 1 : want == 0 ? 0 : want) << name(to) << " " << v;
            } else if (std::isnan(v)) {
                EXPECT_TRUE(std::isnan(back));
            }
        }
    }
}

// The known answers published with Random123 (philox4x32, 10 rounds); two of them need the counter's high half.
TEST(Ops, PhiloxGivesTheKnownAnswers) {
    ScalarBuilder b;
    const Scalar key = b.parameter(Dtype::u64), low = b.parameter(Dtype::u64), high = b.parameter(Dtype::u64);
    const ScalarProgram program = b.finish(ops::philox4x32(b, key, low, high));
    const auto expect = [&](std::array<std::uint64_t, 3> operands, std::array<std::uint64_t, 2> answer) {
        std::vector<std::uint64_t> scratch;
        std::array<std::uint64_t, 2> words{};
        execute(program, operands, words, scratch);
        EXPECT_EQ(words, answer);
    };
    expect({0, 0, 0}, {0xe169c58d6627e8d5U, 0x9b00dbd8bc57ac4cU});
    expect({~0ULL, ~0ULL, ~0ULL}, {0x41c83b0e408f276dU, 0x6d5451fda20bc7c6U});
    expect({0x299f31d0a4093822U, 0x85a308d3243f6a88U, 0x0370734413198a2eU}, {0x94fdccebd16cfe09U, 0x24126ea15001e420U});

    Graph g;
    const Value zero = g.constant(splat_literal(Dtype::u64, {}, std::int64_t{0}));
    const std::vector<Literal> words =
        interpret_node(g.add(ops::philox, {{zero, zero}}),
                       {{std::get<Literal>(zero.node->attributes[0]), std::get<Literal>(zero.node->attributes[0])}});
    EXPECT_EQ(get<std::uint64_t>(words[0], 0), 0xe169c58d6627e8d5U);
    EXPECT_EQ(get<std::uint64_t>(words[1], 0), 0x9b00dbd8bc57ac4cU);
}

}  // namespace
}  // namespace lathe::ir
