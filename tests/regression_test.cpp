// Graphs that once gave other bits than the interpreter's, in every configuration.
#include <gtest/gtest.h>

#include "ir/graph/interpret.h"
#include "ir/graph/text.h"
#include "tests/configurations.h"
#include "tools/fuzz/describe.h"
#include "tools/fuzz/values.h"

namespace lathe::testing_support {
namespace {

// With random inputs; indices are to be computed in the graph.
void expect_sound(std::string_view text, const std::vector<std::vector<std::int64_t>>& symbols = {{}}) {
    const std::shared_ptr<const ir::Graph> graph = ir::parse_graph(text, "test.lir");
    Random random(1);
    for (const std::vector<std::int64_t>& values : symbols) {
        GraphCase c{graph, {}};
        for (const ir::Value& p : graph->parameters()) {
            ir::Type type = p.type();
            for (std::size_t d = 0; d < type.shape.rank(); ++d) type.shape[d] = type.shape[d].evaluate(values).value();
            c.inputs.push_back(random_literal(type, random, true));
        }
        EXPECT_EQ(first_fault(c), std::nullopt) << describe(c);
    }
}

// A value that is padded at its end is read at the consumer's own index, but has fewer rows.
TEST(Regression, PaddingIsNotTheSameRows) {
    expect_sound(R"(graph main() {
  %0 = parameter "x" : f32[5, 1, 11]
  %1 = neg(%0) : f32[5, 1, 11]
  %2 = concat(%1, %0) {axis = 2} : f32[5, 1, 22]
  %3 = parameter "fill" : f32[]
  %4 = pad(%1, %3) {low = [0, 0, 0], high = [0, 2, 2]} : f32[5, 3, 13]
  return "a" = %2, "b" = %4
}
)");
    expect_sound(R"(graph main() {
  %0 = parameter "x" : f32[8, 30]
  %1 = sum(%0) {axes = [1]} : f32[8]
  %2 = parameter "fill" : f32[]
  %3 = pad(%1, %2) {low = [0], high = [3]} : f32[11]
  %4 = exp(%3) : f32[11]
  return "a" = %1, "b" = %4
}
)");
}

// A branch reads its predicate, also where an output may take over the memory of that.
TEST(Regression, PredicatesAreRead) {
    constexpr std::size_t draws = 8;  // of two predicates
    expect_sound(R"(graph main() {
  %0 = parameter "p" : bool[]
  %1 = parameter "x" : f32[3]
  %2 = constant {value = f32[3] 1.5} : f32[3]
  %3 = cond(%0, %1, %2) : f32[3], f32[3] {
    graph then() {
      %0 = parameter "a" : f32[3]
      %1 = parameter "b" : f32[3]
      return "y" = %0, "z" = %1
    }
    graph otherwise() {
      %0 = parameter "a" : f32[3]
      %1 = parameter "b" : f32[3]
      return "y" = %1, "z" = %0
    }
  }
  %4 = parameter "q" : bool[]
  return "z" = %3#1, "q" = %4
}
)",
                 std::vector<std::vector<std::int64_t>>(draws));
}

// Whether a block is as large as its operand decides whether its start counts: for fusion and lowering alike.
TEST(Regression, StartsOfWholeDimensionsDoNotCount) {
    expect_sound(R"(graph main() {
  %0 = parameter "x" : f32[3, 3]
  %1 = constant {value = i64[2] [1, 7]} : i64[2]
  %2 = dynamic_slice(%0, %1) {size = [2, 3], batch = 0} : f32[2, 3]
  %3 = parameter "z" : f32[1, 2]
  %4 = constant {value = u8[1, 1] [3]} : u8[1, 1]
  %5 = dynamic_slice(%3, %4) {size = [1, 2], batch = 1} : f32[1, 2]
  %6 = dynamic_update_slice(%0, %2, %1) {batch = 0} : f32[3, 3]
  return "a" = %2, "b" = %5, "c" = %6
}
)");
}

// What a view does depends on constants among its attributes; they are not extents, whatever equals them.
TEST(Regression, AttributesAreNotExtents) {
    expect_sound(R"(graph main() {
  %0 = parameter "fill" : u8[]
  %1 = parameter "x" : u8[0]
  %2 = pad(%1, %0) {low = [0], high = [0]} : u8[0]
  %3 = sum(%2) {axes = [0]} : u64[]
  return "y" = %3
}
)");
}

TEST(Regression, ConstantsMayHaveNoElements) {
    expect_sound(R"(graph main() {
  %0 = constant {value = f32[0] []} : f32[0]
  %1 = parameter "x" : f32[0]
  %2 = add(%0, %1) : f32[0]
  %3 = sum(%2) {axes = [0]} : f32[]
  return "constant" = %0, "sum" = %3
}
)");
}

// An output that took over an input's memory is written after every other output has read it.
TEST(Regression, DonatedMemoryIsReadBeforeItIsWritten) {
    expect_sound(R"(graph main() {
  %0 = parameter "a" : u32[9]
  %1 = parameter "b" : i64[9]
  %2 = convert(%1) {dtype = u32} : u32[9]
  %3 = eq(%0, %2) : bool[9]
  %4 = parameter "c" : u32[9]
  %5 = bit_or(%2, %4) : u32[9]
  return "equal" = %3, "both" = %5
}
)");
    expect_sound(R"(graph main() {
  %0 = parameter "a" : f32[7]
  %1 = parameter "x" : f32[7, 20]
  %2 = sum(%1) {axes = [1]} : f32[7]
  %3 = reshape(%0) {shape = [7, 1]} : f32[7, 1]
  %4 = reshape(%2) {shape = [7, 1]} : f32[7, 1]
  %5 = mul(%1, %4) : f32[7, 20]
  %6 = add(%5, %3) : f32[7, 20]
  return "row" = %2, "all" = %6
}
)");
}

// Nor is it given away where other elements of it are still to be read.
TEST(Regression, DonatedMemoryIsReadAtTheSamePlace) {
    expect_sound(R"(graph main() {
  %0 = parameter "a" : i32[70]
  %1 = slice(%0) {start = [69], size = [70], step = [-1]} : i32[70]
  %2 = add(%0, %1) : i32[70]
  return "y" = %2
}
)");
    expect_sound(R"(graph main(n) {
  %0 = parameter "a" : f32[n, n]
  %1 = transpose(%0) {permutation = [1, 0]} : f32[n, n]
  %2 = neg(%1) : f32[n, n]
  return "y" = %2
}
)",
                 {{1}, {20}});
    expect_sound(R"(graph main() {
  %0 = parameter "a" : f32[9, 9]
  %1 = sum(%0) {axes = [1]} : f32[9]
  %2 = add(%0, %1) : f32[9, 9]
  return "y" = %2
}
)");
    expect_sound(R"(graph main() {
  %0 = parameter "a" : f32[9, 9]
  %1 = parameter "b" : f32[9, 9]
  %2 = dot_general(%0, %1) {lhs_batch = [], rhs_batch = [], lhs_contract = [1], rhs_contract = [0]} : f32[9, 9]
  return "y" = %2
}
)");
}

// Bits of a number, or its sign with other bits: one masked instruction on AVX-512.
TEST(Regression, ChoicesBetweenBitsAndAFunctionOfThem) {
    for (const char* choice : {"select(%3, %1, %4)", "select(%3, %4, %1)"})
        expect_sound(std::string(R"(graph main(n) {
  %0 = parameter "x" : bf16[n]
  %1 = convert(%0) {dtype = f32} : f32[n]
  %2 = constant {value = f32[] 0.5} : f32[]
  %3 = lt(%1, %2) : bool[n]
  %4 = tanh(%1) : f32[n]
  %5 = )") + choice + " : f32[n]\n  return \"y\" = %5\n}\n",
                     {{64}, {67}});
    for (const char* choice : {"select(%7, %0, %6)", "select(%7, %6, %1)"})
        expect_sound(std::string(R"(graph main(n) {
  %0 = parameter "x" : i64[n]
  %1 = parameter "y" : i64[n]
  %2 = constant {value = i64[] 123456} : i64[]
  %3 = constant {value = i64[] -123457} : i64[]
  %4 = bit_and(%0, %2) : i64[n]
  %5 = bit_and(%1, %3) : i64[n]
  %6 = bit_or(%4, %5) : i64[n]
  %7 = lt(%0, %1) : bool[n]
  %8 = )") + choice + " : i64[n]\n  return \"y\" = %8\n}\n",
                     {{64}, {67}});
}

// Only kernels write into stacks, not functions of the library, wherever they are called.
TEST(Regression, ScansStackWhatABranchSorts) {
    expect_sound(R"(graph main(n) {
  %0 = parameter "p" : bool[3]
  %1 = parameter "x" : f32[3, n]
  %2 = scan(%0, %1) {length = [3], carried = 0, sequences = 2, reverse = false} : f32[3, n] {
    graph body() {
      %0 = parameter "p" : bool[]
      %1 = parameter "x" : f32[n]
      %2 = cond(%0, %1) : f32[n] {
        graph then() {
          %0 = parameter "x" : f32[n]
          %1 = sort(%0) {axis = 0, descending = false} : f32[n], i64[n]
          return "y" = %1#0
        }
        graph else() {
          %0 = parameter "x" : f32[n]
          %1 = neg(%0) : f32[n]
          return "y" = %1
        }
      }
      return "y" = %2
    }
  }
  return "y" = %2
}
)",
                 {{1}, {20}});
}

// Blocks that are no panels of columns.
TEST(Regression, ProductsReadMatricesInAnyBlocks) {
    for (const char* blocks : {"[2, 16]", "[1, 16]", "[16, 1]", "[64, 1]", "[1, 64]", "[64, 2]"})
        for (const char* axis : {"0", "1"})
            expect_sound(std::string("graph main() {\n  %0 = parameter \"x\" : f32[19, 19]\n  %1 = relayout(%0) "
                                     "{permutation = [0, 1], blocks = ") +
                         blocks +
                         "} : f32[19, 19]\n  %2 = parameter \"y\" : f32[19, 19]\n  %3 = dot_general(%2, %1) "
                         "{lhs_batch = [], rhs_batch = [], lhs_contract = [0], rhs_contract = [" +
                         axis + "]} : f32[19, 19]\n  return \"z\" = %3\n}\n");
}

// Lines that lie beside each other are still such where only one does.
TEST(Regression, TransformsOfColumnsOfWhichThereIsOne) {
    for (const char* op : {"rfft(%0) {axis = 1} : f32[14, floordiv(n, 2) + 1, m, 2]",
                           "cumsum(%0) {axis = 1, reverse = false} : f32[14, n, m]"})
        expect_sound(std::string("graph main(n, m) {\n  %0 = parameter \"x\" : f32[14, n, m]\n  %1 = ") + op +
                         "\n  return \"y\" = %1\n}\n",
                     {{1, 1}, {5, 1}, {8, 1}, {64, 1}, {64, 3}});
}

// Composite ops in regions of what composite ops are made of.
TEST(Regression, ExpandsWhatABranchOfACustomGradientHas) {
    expect_sound(R"(graph main(n) {
  %0 = parameter "p" : bool[]
  %1 = parameter "x" : f32[n, 2]
  %2 = custom(%0, %1) : f32[n] {
    graph function() {
      %0 = parameter "p" : bool[]
      %1 = parameter "x" : f32[n, 2]
      %2 = cond(%0, %1) : f32[n] {
        graph then() {
          %0 = parameter "x" : f32[n, 2]
          %1 = first_max(%0) {axis = 1} : f32[n]
          return "y" = %1
        }
        graph else() {
          %0 = parameter "x" : f32[n, 2]
          %1 = sum(%0) {axes = [1]} : f32[n]
          return "y" = %1
        }
      }
      return "y" = %2
    }
    graph gradient() {
      %0 = parameter "y" : f32[n]
      %1 = parameter "ct" : f32[n]
      %2 = parameter "p" : bool[]
      %3 = parameter "x" : f32[n, 2]
    }
  }
  return "y" = %2
}
)",
                 {{1}, {20}});
}

// A demand that no symbol is the solution of.
TEST(Regression, BuffersHoldWhatIsAsLargeByDemand) {
    expect_sound(R"(graph main(n) {
  require 2 == min(2, n) : "some"
  %0 = parameter "x" : f32[2, n, 2]
  %1 = qr(%0) : f32[2, n, min(2, n)], f32[2, min(2, n), 2]
  %2 = scan(%0, %1#0) {length = [2], carried = 2, sequences = 0, reverse = true} : f32[2, n, 2], f32[2, n, min(2, n)] {
    graph body() {
      require 2 == min(2, n) : "some"
      %0 = parameter "p0" : f32[2, n, 2]
      %1 = parameter "p1" : f32[2, n, min(2, n)]
      %2 = abs(%0) : f32[2, n, 2]
      %3 = div(%2, %1) : f32[2, n, 2]
      return "r0" = %3, "r1" = %2
    }
  }
  return "y" = %2#0
}
)",
                 {{2}, {5}});
}

// Conditions are computed that nothing uses, and an extent of 0 divides there.
TEST(Regression, ExtentsOfZeroDivideWhatIsNotUsed) {
    expect_sound(R"(graph main() {
  %0 = constant {value = f16[] 0} : f16[]
  %1 = parameter "x" : f16[3, 1, 4, 4, 3, 1, 1, 0]
  %2 = pad(%1, %0) {low = [0, 0, 0, 0, 0, 0, 0, 0], high = [0, 0, 0, 0, 0, 0, 1, 0]} : f16[3, 1, 4, 4, 3, 1, 2, 0]
  %3 = reshape(%2) {shape = [3, 1, 4, 4, 3, 1, 0]} : f16[3, 1, 4, 4, 3, 1, 0]
  %4 = reshape(%3) {shape = [3, 1, 4, 4, 3, 1, 0, 1]} : f16[3, 1, 4, 4, 3, 1, 0, 1]
  %5 = pad(%4, %0) {low = [0, 0, 0, 0, 0, 0, 0, 0], high = [0, 0, 0, 0, 0, 0, 0, 1]} : f16[3, 1, 4, 4, 3, 1, 0, 2]
  %6 = reshape(%5) {shape = [3, 1, 4, 4, 3, 1, 0]} : f16[3, 1, 4, 4, 3, 1, 0]
  %7 = pad(%6, %0) {low = [0, 0, 0, 0, 4, 0, 1], high = [0, 0, 0, 0, 0, 0, 0]} : f16[3, 1, 4, 4, 7, 1, 1]
  return "y" = %7
}
)");
}

// Panels are a dimension more than the operand has.
TEST(Regression, OperandsOfAllDimensionsHaveNoPanels) {
    expect_sound(R"(graph main() {
  %0 = constant {value = f32[3, 1, 2, 2, 3, 2, 2, 3] 1.5} : f32[3, 1, 2, 2, 3, 2, 2, 3]
  %1 = exp(%0) : f32[3, 1, 2, 2, 3, 2, 2, 3]
  %2 = parameter "x" : f32[3, 2, 3, 1, 2, 3, 3, 2]
  %3 = dot_general(%2, %1) {lhs_batch = [0, 4, 1, 2], rhs_batch = [0, 2, 6, 7], lhs_contract = [3, 6, 7], rhs_contract = [1, 4, 5]} : f32[3, 2, 2, 3, 3, 2]
  return "y" = %3
}
)");
}

}  // namespace
}  // namespace lathe::testing_support
