// vmap of every op is what a loop over the batch computes, bit for bit: generated from the samples of the op table,
// for every choice of operands that are batched. Products of vectors alone may become ones of matrices.
#include <cmath>
#include <cstring>

#include <gtest/gtest.h>

#include "ir/graph/interpret.h"
#include "ir/graph/text.h"
#include "ir/graph/verify.h"
#include "ir/loops/order.h"
#include "ir/ops/control.h"
#include "passes/graph/expand.h"
#include "passes/graph/simplify.h"
#include "passes/graph/vmap.h"
#include "tests/op_samples.h"
#include "tools/fuzz/values.h"

namespace lathe::testing_support {
namespace {

using ir::Dtype;
using ir::Literal;
using ir::OpDef;
using ir::Type;

Literal slice_of(const Literal& all, std::int64_t i) {
    const Type type = ir::slice_type(all.type);
    const std::vector<std::byte> bytes = elements_of(all);
    const auto size = static_cast<std::size_t>(type.shape.element_count().constant()) * size_of(type.dtype);
    return ir::make_literal(type, std::span(bytes).subspan(static_cast<std::size_t>(i) * size, size));
}

Literal stacked(const std::vector<Literal>& slices, const Type& slice) {
    std::vector<std::byte> bytes;
    for (const Literal& s : slices) {
        const std::vector<std::byte> own = elements_of(s);
        bytes.insert(bytes.end(), own.begin(), own.end());
    }
    return ir::make_literal(stack_type(slice, static_cast<std::int64_t>(slices.size())), bytes);
}

// Of what a composite op is made of, too.
bool has_its_order(const ir::Graph& one, const ir::Graph& all) {
    if (const std::unique_ptr<ir::Graph> made_of = passes::expand(one)) return has_its_order(*made_of, all);
    if (const std::unique_ptr<ir::Graph> made_of = passes::expand(all)) return has_its_order(one, *made_of);
    const auto order = [](const ir::Graph& g) {
        for (const ir::Node& n : g.nodes())
            if (n.op->lowering == ir::Lowering::contraction) return std::optional(ir::fold_order(n).inner);
        return std::optional<ir::LaneOrder>();
    };
    return order(one) == order(all);
}

std::vector<double> numbers_of(const Literal& x) {
    ir::Graph g;
    const ir::Value v = g.add_parameter("x", x.type);
    const Literal wide = ir::interpret_node(g.add(*ir::find_op("convert"), {{v}}, {Dtype::f64}), {{x}})[0];
    const std::vector<std::byte> bytes = elements_of(wide);
    std::vector<double> numbers(bytes.size() / sizeof(double));
    if (!bytes.empty()) std::memcpy(numbers.data(), bytes.data(), bytes.size());
    return numbers;
}

void expect_close(const Literal& expected, const Literal& actual, const std::string& what) {
    ASSERT_EQ(expected.type, actual.type) << what;
    const std::vector<double> a = numbers_of(expected), b = numbers_of(actual);
    for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], 0.05 * (1 + std::abs(a[i]))) << what;
}

struct Tested {
    std::size_t same = 0, reordered = 0;
};

void expect_loop(const OpDef& op, const Call& call, const std::vector<bool>& batched, std::int64_t extent,
                 Random& random, Tested& tested) {
    const auto one = graph_of(op, call);
    const auto all = passes::vmap(*one, batched, extent);
    const std::string what = ir::print(*all);
    const bool keeps_order = has_its_order(*one, *all);
    EXPECT_TRUE(ir::verify(*all).empty()) << what;
    EXPECT_EQ(ir::print(*ir::parse_graph(what, "t.lir")), what);
    std::vector<Literal> inputs;
    for (std::size_t i = 0; i < batched.size(); ++i) {
        const Type type = batched[i] ? stack_type(call.operands[i], extent) : call.operands[i];
        if (op.indices && op.indices.operand == i)
            inputs.push_back(random_indices(type, op.indices.bound(call.operands, call.attributes).constant(), random));
        else
            inputs.push_back(random_literal(type, random, keeps_order));
    }
    std::vector<std::vector<Literal>> slices(one->outputs().size());
    for (std::int64_t b = 0; b < extent; ++b) {
        std::vector<Literal> of_one;
        for (std::size_t i = 0; i < batched.size(); ++i)
            of_one.push_back(batched[i] ? slice_of(inputs[i], b) : inputs[i]);
        const std::vector<Literal> y = ir::interpret(*one, of_one);
        for (std::size_t r = 0; r < y.size(); ++r) slices[r].push_back(y[r]);
    }
    std::vector<Literal> expected;
    for (std::size_t r = 0; r < slices.size(); ++r) expected.push_back(stacked(slices[r], one->outputs()[r].type()));
    const std::vector<Literal> actual = ir::interpret(*all, inputs);
    if (keeps_order) {
        ++tested.same;
        EXPECT_EQ(difference(expected, actual), std::nullopt) << what;
        EXPECT_EQ(difference(expected, ir::interpret(*passes::simplify(*all), inputs)), std::nullopt) << what;
        return;
    }
    ++tested.reordered;
    for (std::size_t r = 0; r < expected.size(); ++r) expect_close(expected[r], actual[r], what);
}

class Vmap : public testing::TestWithParam<Dtype> {};

TEST_P(Vmap, OfEveryOpIsALoop) {
    Random random(static_cast<std::uint64_t>(GetParam()) + 5);
    Tested tested;
    for (const OpDef* op : ir::op_table()) {
        if (!op->dtypes.contains(GetParam())) continue;
        for (const Call& call : samples(*op, GetParam())) {
            const std::size_t operands = call.operands.size();
            for (std::size_t set = 1; set < std::size_t{1} << operands && !HasFailure(); ++set) {
                std::vector<bool> batched;
                for (std::size_t i = 0; i < operands; ++i) batched.push_back((set >> i & 1U) != 0);
                for (const std::int64_t extent : {3, 1, 0})
                    if (extent == 3 || set + 1 == std::size_t{1} << operands)
                        expect_loop(*op, call, batched, extent, random, tested);
            }
        }
    }
    EXPECT_GT(tested.same, 200U);
    EXPECT_LT(tested.reordered, 20U);
}
INSTANTIATE_TEST_SUITE_P(Dtypes, Vmap, testing::Values(Dtype::f32, Dtype::bf16, Dtype::i16, Dtype::u8, Dtype::boolean),
                         [](const auto& dtype) { return std::string(name(dtype.param)); });

// The batch as a symbol beside those of the operands.
TEST(VmapGraph, BatchesMayBeSymbols) {
    const auto one = ir::parse_graph(R"(graph f(n, b) {
  %0 = parameter "x" : f32[n, 4]
  %1 = parameter "w" : f32[4]
  %2 = mul(%0, %1) : f32[n, 4]
  %3 = sum(%2) {axes = [1]} : f32[n]
  return "y" = %3, "w" = %1
}
)",
                                     "t.lir");
    const auto all = passes::vmap(*one, {true, false}, ir::Dim::symbol(1));
    EXPECT_TRUE(ir::verify(*all).empty());
    EXPECT_EQ(ir::print(*all), R"(graph f(n, b) {
  %0 = parameter "x" : f32[b, n, 4]
  %1 = parameter "w" : f32[4]
  %2 = mul(%0, %1) : f32[b, n, 4]
  %3 = sum(%2) {axes = [2]} : f32[b, n]
  %4 = broadcast_to(%1) {shape = [b, 4]} : f32[b, 4]
  return "y" = %3, "w" = %4
}
)");
}

}  // namespace
}  // namespace lathe::testing_support
