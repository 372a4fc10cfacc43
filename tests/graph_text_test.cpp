#include <cmath>
#include <cstring>

#include <gtest/gtest.h>

#include "ir/functions/basic.h"
#include "ir/functions/classification.h"
#include "ir/graph/text.h"
#include "ir/graph/verify.h"
#include "ir/ops/ops.h"
#include "ir/text/element.h"

namespace lathe::ir {
namespace {

// What parsing a text throws; empty if nothing.
std::string faults(std::string_view text) {
    try {
        parse_graph(text, "t.lir");
    } catch (const FormatError& e) {
        return e.what();
    }
    return {};
}

TEST(GraphText, IsAFixedPoint) {
    constexpr std::string_view text = R"(graph main(batch, n) {
  require 2*n == batch : "add: the shapes do not broadcast"
  %0 = parameter "x" : f32[batch, 64]
  %1 = constant {value = f32[] 1.5} : f32[]
  %2 = mul(%0, %1) : f32[batch, 64]
  %3 = sum(%2) {axes = [1]} : f32[batch]
  %4 = parameter "layer 1.\"w\"\x0a" : u64[2*n]
  %5 = philox(%4, %4) : u64[2*n], u64[2*n]
  %6 = bit_xor(%5#0, %5#1) : u64[2*n]
  %7 = constant {value = f32[2, 2] [nan, -inf, -0, 0x7fc00001]} : f32[2, 2]
  %8 = iota {shape = [n, 3], axis = 1, dtype = i8} : i8[n, 3]
  %9 = slice(%0) {start = [0, 1], size = [batch, 3], step = [1, 2]} : f32[batch, 3]
  return "y" = %3, "bits" = %6
}
)";
    const auto graph = parse_graph(text, "t.lir");
    EXPECT_EQ(print(*graph), text);
    EXPECT_TRUE(verify(*graph).empty());
    EXPECT_EQ(print(*parse_graph(print(*graph, Locs::show), "u.lir"), Locs::show), print(*graph, Locs::show));
    EXPECT_EQ(graph->nodes()[2].loc.to_string(), "t.lir:5");
}

TEST(GraphText, LocsSurvive) {
    Graph g;
    const Loc parts[] = {Loc::of("a.cpp", 3), Loc::of("b \"c\".cpp", 4)};
    const Value x = g.add_parameter("x", {Dtype::f32, {2}}, parts[0]);
    g.add_output("y", Value{&g.add(ops::neg, {{x}}, {}, Loc::fused(parts)), 0});
    const std::string text = print(g, Locs::show);
    EXPECT_NE(text.find(R"(loc("a.cpp":3, "b \"c\".cpp":4))"), std::string::npos) << text;
    EXPECT_EQ(print(*parse_graph(text, "t.lir"), Locs::show), text);
}

TEST(GraphText, ElementsOfEveryDtypeReadBackAsTheSameBits) {
    for (Dtype d : all_dtypes()) {
        const std::uint64_t mask = ~std::uint64_t{0} >> (64 - 8 * size_of(d));
        std::uint64_t bits = 1;
        for (int i = 0; i < 3000; ++i) {
            bits = bits * 6364136223846793005U + 1442695040888963407U;
            const std::uint64_t element = d == Dtype::boolean ? bits >> 63 : (bits >> 7) & mask;
            const std::string text = print_element(d, element);
            EXPECT_EQ(parse_element(d, text), element) << name(d) << " " << text;
        }
    }
}

TEST(GraphText, ElementsOutOfRangeAreRefused) {
    EXPECT_FALSE(parse_element(Dtype::i8, "128"));
    EXPECT_TRUE(parse_element(Dtype::i8, "-128"));
    EXPECT_FALSE(parse_element(Dtype::u8, "256"));
    EXPECT_FALSE(parse_element(Dtype::u8, "-1"));
    EXPECT_FALSE(parse_element(Dtype::u64, "18446744073709551616"));
    EXPECT_FALSE(parse_element(Dtype::f16, "0x12345"));
    EXPECT_FALSE(parse_element(Dtype::boolean, "1"));
    EXPECT_FALSE(parse_element(Dtype::f32, "1.5x"));
    EXPECT_FALSE(parse_element(Dtype::f32, ""));
}

TEST(GraphText, EveryFaultIsReportedWithItsLine) {
    const std::string why = faults(R"(graph main() {
  %0 = parameter "x" : f32[2, 3]
  %1 = frobnicate(%0) : f32[2, 3]
  %2 = neg(%1) : f32[2, 3]
  %3 = neg(%0) : f32[3, 2]
  %4 = add(%0, %9) : f32[2, 3]
  %5 = sum(%0) {axes = [2]} : f32[2]
  %6 = exp(%6) : f32[2]
}
)");
    EXPECT_EQ(why,
              R"(t.lir:3:8: there is no op frobnicate
      %1 = frobnicate(%0) : f32[2, 3]
           ^
t.lir:5:8: neg gives f32[2, 3], not f32[3, 2]
      %3 = neg(%0) : f32[3, 2]
           ^
t.lir:6:16: %9 is not defined above
      %4 = add(%0, %9) : f32[2, 3]
                   ^
t.lir:7:3: sum: axis 2 is out of range for rank 2 (f32[2, 3])
      %5 = sum(%0) {axes = [2]} : f32[2]
      ^
t.lir:8:12: %6 is not defined above
      %6 = exp(%6) : f32[2]
               ^)");
}

TEST(GraphText, BadTextIsRefused) {
    for (std::string_view text : {
             "",
             "graph",
             "graph main(",
             "graph main() {",
             "graph main(n, n) {\n}\n",
             "graph main(min) {\n}\n",
             "graph main() {\n}\nx",
             "graph main() {\n  %0 = parameter \"x : f32[]\n}\n",
             "graph main() {\n  %0 = parameter \"x\" : f32[1, 1, 1, 1, 1, 1, 1, 1, 1]\n}\n",
             "graph main() {\n  %0 = parameter \"x\" : f32[-1]\n}\n",
             "graph main() {\n  %0 = constant {value = f32[2] [1, 2, 3]} : f32[2]\n}\n",
             "graph main() {\n  %0 = constant {value = f32[2] [1]} : f32[2]\n}\n",
             "graph main() {\n  %0 = constant {value = f32[1000000000000, 1000000000000] [1, 2]} : f32[]\n}\n",
             "graph main() {\n  %0 = parameter \"x\" : u64[]\n  %1 = philox(%0, %0) : u64[], u64[]\n  return \"y\" = "
             "%1\n}\n",
             "graph main() {\n  %0 = parameter \"x\" : u64[]\n  return \"y\" = %0#1\n}\n",
             "graph main() {\n  %0 = parameter \"x\" : f32[4]\n  %1 = slice(%0) {start = [3], size = [2], "
             "step = [-9223372036854775808]} : f32[2]\n}\n",
             "graph main() {\n  return \"y\" = %0\n  %0 = parameter \"x\" : u64[]\n}\n",
         })
        EXPECT_NE(faults(text), "") << text;
}

TEST(GraphText, EveryPrefixAndEveryFlippedByteEndsInAnErrorOrAGraph) {
    Graph g;
    const Value logits = g.add_parameter("logits", {Dtype::f32, {Dim::symbol(g.add_symbol("batch")), 10}});
    const Value labels = g.add_parameter("labels", {Dtype::i32, {Dim::symbol(0)}});
    g.add_output("loss", functions::cross_entropy(logits, labels));
    const std::string text = print(g, Locs::show);
    for (std::size_t i = 0; i < text.size(); ++i) {
        faults(std::string_view(text).substr(0, i));
        for (unsigned char flip : {1, 4, 32, 128}) {
            std::string bad = text;
            bad[i] = static_cast<char>(bad[i] ^ flip);
            faults(bad);
        }
    }
}

TEST(GraphText, AVeryLongChainPrintsAndParses) {
    Graph g;
    Value x = g.add_parameter("x", {Dtype::f32, {4}});
    for (int i = 0; i < 200'000; ++i) x = ops::neg(x);
    g.add_output("y", x);
    const std::string text = print(g);
    const auto again = parse_graph(text, "t.lir");
    EXPECT_EQ(again->nodes().size(), g.nodes().size());
    EXPECT_EQ(print(*again), text);
}

TEST(Graph, ShapesThatDoNotFitNameOpTypesAndLine) {
    Graph g;
    const Value a = g.add_parameter("a", {Dtype::f32, {2, 3}}), b = g.add_parameter("b", {Dtype::f32, {4}});
    const std::size_t before = g.nodes().size();
    try {
        g.add(ops::add, {{a, b}}, {}, Loc::of("user.cpp", 7));
        FAIL();
    } catch (const TypeError& e) {
        EXPECT_STREQ(e.what(),
                     "user.cpp:7: add: the shapes do not broadcast: 3 is not 4 along axis -1 (f32[2, 3] and f32[4])");
    }
    EXPECT_EQ(g.nodes().size(), before);
}

TEST(Graph, SymbolsUnifyThroughPreconditions) {
    Graph g;
    const Dim n = Dim::symbol(g.add_symbol("n")), m = Dim::symbol(g.add_symbol("m"));
    const Value a = g.add_parameter("a", {Dtype::f32, {n}}), b = g.add_parameter("b", {Dtype::f32, {m}});
    EXPECT_EQ(ops::add(a, a).type().shape, (Shape{n}));
    EXPECT_TRUE(g.preconditions.empty());
    ops::add(a, b);
    ops::add(b, a);
    EXPECT_EQ(g.preconditions.size(), 1U);
    const Value c = g.add_parameter("c", {Dtype::f32, {5}}), one = g.add_parameter("d", {Dtype::f32, {1}});
    EXPECT_EQ(ops::add(a, c).type().shape, (Shape{5}));
    EXPECT_EQ(g.preconditions.size(), 2U);
    EXPECT_EQ(ops::add(a, one).type().shape, (Shape{n}));
    EXPECT_EQ(g.preconditions.size(), 2U);
}

TEST(Graph, VerifierSeesWhatTheTextCannotSay) {
    Graph g;
    const Value x = g.add_parameter("x", {Dtype::f32, {Dim::symbol(g.add_symbol("n"))}});
    const Value y = g.add_parameter("y", {Dtype::f32, {Dim::symbol(g.add_symbol("m"))}});
    g.add_output("z", ops::add(x, y));
    EXPECT_TRUE(verify(g).empty());
    g.preconditions.clear();
    ASSERT_EQ(verify(g).size(), 1U);
    EXPECT_NE(verify(g)[0].find("needs the precondition n == m"), std::string::npos) << verify(g)[0];
}

TEST(OpTable, NamesFindRows) {
    for (const OpDef* op : op_table()) EXPECT_EQ(find_op(op->name), op);
    EXPECT_EQ(find_op("frobnicate"), nullptr);
    EXPECT_EQ(find_op(""), nullptr);
}

}  // namespace
}  // namespace lathe::ir
