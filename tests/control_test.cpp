// Loops and branches: what they mean, and that every way of running them gives that.
#include <gtest/gtest.h>

#include "codegen/aot.h"
#include "codegen/compile.h"
#include "ir/error.h"
#include "ir/graph/interpret.h"
#include "ir/graph/text.h"
#include "ir/graph/verify.h"
#include "passes/graph/simplify.h"
#include "tests/configurations.h"
#include "tests/run_program.h"
#include "tools/fuzz/describe.h"
#include "tools/fuzz/run_ahead.h"
#include "tools/fuzz/values.h"

namespace lathe::testing_support {
namespace {

using ir::Dtype;
using ir::Literal;
using ir::Shape;
using ir::Type;

const char* const rnn = R"(graph main(t, n) {
  %0 = parameter "h" : f32[n, 8]
  %1 = parameter "xs" : f32[t, n, 5]
  %2 = parameter "w" : f32[5, 8]
  %3 = parameter "u" : f32[8, 8]
  %4 = scan(%0, %1, %2, %3) {length = [t], carried = 1, sequences = 1} : f32[n, 8], f32[t, n, 8] {
    graph body() {
      %0 = parameter "h" : f32[n, 8]
      %1 = parameter "x" : f32[n, 5]
      %2 = parameter "w" : f32[5, 8]
      %3 = parameter "u" : f32[8, 8]
      %4 = dot_general(%1, %2) {lhs_batch = [], rhs_batch = [], lhs_contract = [1], rhs_contract = [0]} : f32[n, 8]
      %5 = dot_general(%0, %3) {lhs_batch = [], rhs_batch = [], lhs_contract = [1], rhs_contract = [0]} : f32[n, 8]
      %6 = add(%4, %5) : f32[n, 8]
      %7 = tanh(%6) : f32[n, 8]
      return "next" = %7, "y" = %7
    }
  }
  return "last" = %4#0, "ys" = %4#1
}
)";

// Sums of prefixes, from the end, with another result that is not carried.
const char* const prefixes = R"(graph main(t, n) {
  %0 = parameter "a" : i32[n]
  %1 = parameter "xs" : i32[t, n]
  %2 = scan(%0, %1) {length = [t], carried = 1, sequences = 1, reverse = true} : i32[n], i32[t, n], i32[t, n] {
    graph body() {
      %0 = parameter "a" : i32[n]
      %1 = parameter "x" : i32[n]
      %2 = add(%0, %1) : i32[n]
      %3 = mul(%1, %1) : i32[n]
      return "next" = %2, "a" = %0, "squares" = %3
    }
  }
  %3 = add(%2#1, %2#2) : i32[t, n]
  return "last" = %2#0, "before" = %2#1, "both" = %3
}
)";

const char* const choice = R"(graph main(n) {
  %0 = parameter "p" : bool[]
  %1 = parameter "x" : f32[n]
  %2 = parameter "y" : f32[n]
  %3 = add(%1, %2) : f32[n]
  %4 = cond(%0, %3, %2) : f32[n], f32[n], f32[n] {
    graph then() {
      %0 = parameter "s" : f32[n]
      %1 = parameter "y" : f32[n]
      %2 = exp(%0) : f32[n]
      %3 = mul(%2, %1) : f32[n]
      return "a" = %3, "b" = %3, "c" = %1
    }
    graph else() {
      %0 = parameter "s" : f32[n]
      %1 = parameter "y" : f32[n]
      %2 = neg(%1) : f32[n]
      return "a" = %1, "b" = %2, "c" = %0
    }
  }
  %5 = add(%4#0, %4#1) : f32[n]
  return "sum" = %5, "b" = %4#1, "c" = %4#2
}
)";

// Collatz: how many steps until 1, and the numbers' maximum.
const char* const collatz = R"(graph main() {
  %0 = parameter "n" : i64[]
  %1 = constant {value = i64[] 0} : i64[]
  %2 = while_loop(%0, %1, %0) : i64[], i64[], i64[] {
    graph condition() {
      %0 = parameter "n" : i64[]
      %1 = parameter "count" : i64[]
      %2 = parameter "most" : i64[]
      %3 = constant {value = i64[] 1} : i64[]
      %4 = gt(%0, %3) : bool[]
      return "go on" = %4
    }
    graph body() {
      %0 = parameter "n" : i64[]
      %1 = parameter "count" : i64[]
      %2 = parameter "most" : i64[]
      %3 = constant {value = i64[] 2} : i64[]
      %4 = constant {value = i64[] 1} : i64[]
      %5 = constant {value = i64[] 0} : i64[]
      %6 = rem(%0, %3) : i64[]
      %7 = eq(%6, %5) : bool[]
      %8 = cond(%7, %0) : i64[] {
        graph then() {
          %0 = parameter "n" : i64[]
          %1 = constant {value = i64[] 2} : i64[]
          %2 = div(%0, %1) : i64[]
          return "n" = %2
        }
        graph else() {
          %0 = parameter "n" : i64[]
          %1 = constant {value = i64[] 3} : i64[]
          %2 = mul(%0, %1) : i64[]
          %3 = constant {value = i64[] 1} : i64[]
          %4 = add(%2, %3) : i64[]
          return "n" = %4
        }
      }
      %9 = add(%1, %4) : i64[]
      %10 = max(%2, %8) : i64[]
      return "n" = %8, "count" = %9, "most" = %10
    }
  }
  return "count" = %2#1, "most" = %2#2
}
)";

// A scan within a scan: both carry what they exchange, an odd number of times.
const char* const nested = R"(graph main(t, k, n) {
  %0 = parameter "a" : f32[n]
  %1 = parameter "b" : f32[n]
  %2 = parameter "xs" : f32[t, k, n]
  %3 = scan(%0, %1, %2) {length = [t], carried = 2, sequences = 1} : f32[n], f32[n], f32[t, n], f32[t, k, n] {
    graph body() {
      %0 = parameter "a" : f32[n]
      %1 = parameter "b" : f32[n]
      %2 = parameter "x" : f32[k, n]
      %3 = scan(%0, %1, %2, %1) {length = [k], carried = 2, sequences = 1} : f32[n], f32[n], f32[k, n] {
        graph body() {
          %0 = parameter "a" : f32[n]
          %1 = parameter "b" : f32[n]
          %2 = parameter "x" : f32[n]
          %3 = parameter "c" : f32[n]
          %4 = mul(%0, %2) : f32[n]
          %5 = add(%4, %3) : f32[n]
          return "b" = %1, "a" = %5, "y" = %4
        }
      }
      %4 = sub(%3#0, %2) : f32[k, n]
      %5 = sum(%4) {axes = [0]} : f32[n]
      return "b" = %3#1, "a" = %5, "y" = %3#0, "ys" = %3#2
    }
  }
  return "a" = %3#0, "b" = %3#1, "ys" = %3#2, "all" = %3#3
}
)";

// A fill of n rows without xs.
const char* const counting = R"(graph main(t) {
  %0 = parameter "x" : f32[]
  %1 = parameter "like" : f32[t]
  %2 = scan(%0) {length = [t], carried = 1, sequences = 0} : f32[], f32[t] {
    graph body() {
      %0 = parameter "x" : f32[]
      %1 = add(%0, %0) : f32[]
      return "next" = %1, "y" = %0
    }
  }
  %3 = add(%2#1, %1) : f32[t]
  return "last" = %2#0, "ys" = %3
}
)";

// What was carried is needed for long behind the loop, beside other temporaries: with an odd number of iterations it
// lies where the next state was.
const char* const behind = R"(graph main(t, n) {
  %0 = parameter "h" : f32[n]
  %1 = parameter "xs" : f32[t, n]
  %2 = parameter "m" : f32[n, n]
  %3 = scan(%0, %1) {length = [t], carried = 1, sequences = 1} : f32[n] {
    graph body() {
      %0 = parameter "h" : f32[n]
      %1 = parameter "x" : f32[n]
      %2 = add(%0, %1) : f32[n]
      return "next" = %2
    }
  }
  %4 = dot_general(%2, %3) {lhs_batch = [], rhs_batch = [], lhs_contract = [1], rhs_contract = [0]} : f32[n]
  %5 = dot_general(%2, %4) {lhs_batch = [], rhs_batch = [], lhs_contract = [1], rhs_contract = [0]} : f32[n]
  %6 = dot_general(%2, %5) {lhs_batch = [], rhs_batch = [], lhs_contract = [1], rhs_contract = [0]} : f32[n]
  %7 = add(%6, %3) : f32[n]
  return "y" = %7
}
)";

GraphCase case_of(const char* text, std::span<const std::int64_t> symbols, std::uint64_t seed,
                  std::int64_t integer = 0) {
    GraphCase c;
    c.graph = ir::parse_graph(text, "t.lir");
    Random random(seed);
    for (const ir::Value& p : c.graph->parameters()) {
        Type type = p.type();
        for (std::size_t d = 0; d < type.shape.rank(); ++d) type.shape[d] = *type.shape[d].evaluate(symbols);
        c.inputs.push_back(integer != 0 ? ir::splat_literal(type.dtype, type.shape, integer)
                                        : random_literal(type, random, false));
    }
    return c;
}

void expect_same_everywhere(const char* text, std::vector<std::int64_t> symbols, std::int64_t integer = 0) {
    for (const std::uint64_t seed : {1U, 2U}) {
        const GraphCase c = case_of(text, symbols, seed, integer);
        EXPECT_EQ(ir::verify(*c.graph), std::vector<std::string>());
        const std::optional<std::string> fault = first_fault(c);
        EXPECT_EQ(fault, std::nullopt) << *fault << "\n" << text;
    }
}

// Updates in a loop, and in a branch of it, that need nothing of each other.
const char* const updates = R"(graph main(t, n, m) {
  %0 = parameter "a" : f32[n]
  %1 = parameter "b" : f32[m, 3]
  %2 = parameter "xs" : f32[t, m, 3]
  %3 = parameter "c" : f32[n]
  %4 = parameter "ps" : bool[t]
  %5 = scan(%0, %1, %3, %2, %4) {length = [t], carried = 3, sequences = 2} : f32[n], f32[m, 3], f32[n], f32[t, n] {
    graph body() {
      %0 = parameter "a" : f32[n]
      %1 = parameter "b" : f32[m, 3]
      %2 = parameter "c" : f32[n]
      %3 = parameter "x" : f32[m, 3]
      %4 = parameter "p" : bool[]
      %5 = tanh(%0) : f32[n]
      %6 = mul(%1, %3) : f32[m, 3]
      %7 = cond(%4, %0, %2) : f32[n], f32[n] {
        graph then() {
          %0 = parameter "s" : f32[n]
          %1 = parameter "u" : f32[n]
          %2 = neg(%0) : f32[n]
          %3 = abs(%1) : f32[n]
          return "y" = %2, "z" = %3
        }
        graph else() {
          %0 = parameter "s" : f32[n]
          %1 = parameter "u" : f32[n]
          return "y" = %1, "z" = %0
        }
      }
      return "a" = %5, "b" = %6, "c" = %7#1, "y" = %7#0
    }
  }
  return "a" = %5#0, "b" = %5#1, "c" = %5#2, "ys" = %5#3
}
)";

const char* const texts[] = {rnn, prefixes, choice, collatz, nested, counting, behind, updates};

TEST(Control, TextComesBackAsItWas) {
    for (const char* const text : texts) {
        const std::string once = ir::print(*ir::parse_graph(text, "t.lir"));
        EXPECT_EQ(ir::print(*ir::parse_graph(once, "t.lir")), once);
        for (const char* word : {"scan", "cond", "while_loop"})
            EXPECT_EQ(once.find(word) == std::string::npos, std::string(text).find(word) == std::string::npos);
    }
}

TEST(Control, RunsAlikeEverywhere) {
    for (const std::int64_t n : {0, 1, 3, 17}) expect_same_everywhere(choice, {n});
    for (const std::int64_t n : {1, 6, 7, 27}) expect_same_everywhere(collatz, {}, n);
    for (const std::int64_t t : {0, 1, 2, 5}) {
        for (const std::int64_t n : {0, 1, 4, 33}) expect_same_everywhere(prefixes, {t, n});
        for (const std::int64_t n : {0, 1, 3}) expect_same_everywhere(rnn, {t, n});
        for (const std::int64_t k : {0, 1, 3}) expect_same_everywhere(nested, {t, k, 5});
        expect_same_everywhere(counting, {t});
        expect_same_everywhere(behind, {t, 33});
        for (const std::int64_t n : {1, 700}) expect_same_everywhere(updates, {t, n, 5});
    }
}

TEST(Control, RunsAlikeAheadOfTimeAndWithoutMachineCode) {
    struct Sample {
        const char* text;
        std::vector<std::int64_t> symbols;
        std::int64_t integer = 0;
    };
    const Sample samples[] = {{rnn, {4, 3}, 0},        {prefixes, {3, 7}, 0},    {choice, {5}, 0},   {choice, {5}, 1},
                              {collatz, {}, 27},       {nested, {3, 3, 5}, 0},   {counting, {6}, 0}, {rnn, {0, 3}, 0},
                              {nested, {2, 1, 40}, 0}, {updates, {5, 700, 5}, 0}};
    std::vector<GraphCase> cases;
    std::vector<codegen::ObjectFile> objects;
    for (const Sample& s : samples) {
        cases.push_back(case_of(s.text, s.symbols, 3, s.integer));
        codegen::AotRequest request;
        request.name = "control" + std::to_string(cases.size() - 1);
        request.targets = {codegen::target_named("avx2")};
        const codegen::AotCode code = codegen::compile_ahead(*cases.back().graph, request);
        objects.insert(objects.end(), code.objects.begin(), code.objects.end());
    }
    const AheadLibrary library(objects, "control.so");
    for (std::size_t k = 0; k < cases.size(); ++k) {
        const GraphCase& c = cases[k];
        const std::vector<Literal> expected = ir::interpret(*c.graph, c.inputs);
        codegen::CompileOptions options;
        options.interpreted = true;
        const auto slow = codegen::compile(*c.graph, options);
        for (const bool threads : {false, true}) {
            const auto ahead = library.run("control" + std::to_string(k), *c.graph, c.inputs, threads);
            EXPECT_EQ(difference(expected, ahead.outputs), std::nullopt) << describe(c);
            EXPECT_EQ(difference(expected, run_compiled(*slow, c.inputs, threads ? 2 : 1)), std::nullopt);
        }
    }
}

TEST(Control, OperationsOfRegionsAreCounted) {
    EXPECT_EQ(codegen::compile(*ir::parse_graph(prefixes, "t.lir"))->statistics.operations, 3U);
    EXPECT_EQ(codegen::compile(*ir::parse_graph(updates, "t.lir"))->statistics.operations, 4U);
}

TEST(Control, UpdatesInALoopRunTogetherWhereThatPays) {
    const std::int64_t symbols[] = {3, 300000, 50000}, few[] = {3, 20, 5};
    const GraphCase c = case_of(updates, symbols, 1);
    const auto executable = codegen::compile(*c.graph);
    const runtime::Plan& plan = executable->plan;
    const auto bound = runtime::bind_plan_uncached(plan, symbols), small = runtime::bind_plan_uncached(plan, few);
    std::size_t inside = 0;
    for (std::size_t s = 0; s < plan.steps.size(); ++s) {
        if (plan.steps[s].kind != lathe_step_loop) continue;
        for (std::size_t i = s + 1; i < plan.steps[s].target; ++i) {
            if (plan.steps[i].kind != lathe_step_batch) continue;
            ++inside;
            EXPECT_GT(bound->tables->steps[i].grain, 0);
            EXPECT_EQ(small->tables->steps[i].kind, lathe_step_jump) << "where it does not pay, to the first of them";
        }
    }
    EXPECT_GE(inside, 1U);
    EXPECT_EQ(difference(ir::interpret(*c.graph, c.inputs), run_compiled(*executable, c.inputs, 2)), std::nullopt);
}

// An index that turns out wrong in some iteration is reported as anywhere else.
TEST(Control, FindsIndicesOutOfRange) {
    const auto text = R"(graph main(t) {
  %0 = parameter "h" : f32[]
  %1 = parameter "table" : f32[4]
  %2 = parameter "at" : i32[t]
  %3 = scan(%0, %2, %1) {length = [t], carried = 1, sequences = 1} : f32[] {
    graph body() {
      %0 = parameter "h" : f32[]
      %1 = parameter "i" : i32[]
      %2 = parameter "table" : f32[4]
      %3 = gather(%2, %1) {axis = 0} : f32[]
      %4 = add(%0, %3) : f32[]
      return "next" = %4
    }
  }
  return "sum" = %3
}
)";
    for (const std::int32_t wrong : {3, 4, -1}) {
        GraphCase c = case_of(text, std::vector<std::int64_t>{3}, 1);
        const std::int32_t at[] = {1, wrong, 2};
        c.inputs[2] = ir::make_literal({Dtype::i32, {3}}, std::as_bytes(std::span(at)));
        const auto run = [&] { return run_compiled(*codegen::compile(*c.graph), c.inputs, 1); };
        if (wrong == 3) {
            EXPECT_EQ(difference(ir::interpret(*c.graph, c.inputs), run()), std::nullopt);
            continue;
        }
        EXPECT_THROW(ir::interpret(*c.graph, c.inputs), IndexError);
        try {
            run();
            ADD_FAILURE() << "no fault";
        } catch (const IndexError& e) {
            const std::string what = e.what();
            EXPECT_NE(what.find("gather: index " + std::to_string(wrong)), std::string::npos) << what;
            EXPECT_NE(what.find("t.lir:10"), std::string::npos) << what;
        }
    }
}

TEST(Control, MeansWhatItSays) {
    const GraphCase c = case_of(collatz, {}, 1, 27);
    const std::vector<Literal> out = ir::interpret(*c.graph, c.inputs);
    EXPECT_EQ(difference(ir::splat_literal(Dtype::i64, {}, std::int64_t{111}), out[0]), std::nullopt);
    EXPECT_EQ(difference(ir::splat_literal(Dtype::i64, {}, std::int64_t{9232}), out[1]), std::nullopt);
    const std::int32_t a[] = {10}, xs[] = {1, 2, 3}, before[] = {15, 13, 10}, both[] = {16, 17, 19};
    const auto literal = [](const Shape& shape, std::span<const std::int32_t> x) {
        return ir::make_literal({Dtype::i32, shape}, std::as_bytes(x));
    };
    const std::vector<Literal> in{literal({1}, a), literal({3, 1}, xs)};
    const std::vector<Literal> sums = ir::interpret(*ir::parse_graph(prefixes, "t.lir"), in);
    EXPECT_EQ(difference(ir::splat_literal(Dtype::i32, {1}, std::int64_t{16}), sums[0]), std::nullopt);
    EXPECT_EQ(difference(literal({3, 1}, before), sums[1]), std::nullopt);
    EXPECT_EQ(difference(literal({3, 1}, both), sums[2]), std::nullopt);
}

TEST(Control, EqualNodesAreOneAndOthersAreNot) {
    const auto twice = [](const std::string& second) {
        const std::string loop = "scan(%0) {length = [3], carried = 1, sequences = 0} : f32[] {\n graph body() {\n";
        const auto text =
            "graph main() {\n %0 = parameter \"x\" : f32[]\n %1 = " + loop +
            " %0 = parameter \"x\" : f32[]\n %1 = exp(%0) : f32[]\n return \"y\" = %1\n }\n }\n %2 = " + loop +
            " %0 = parameter \"other\" : f32[]\n %1 = " + second +
            "(%0) : f32[]\n return \"y\" = %1\n }\n }\n %3 = add(%1, %2) : f32[]\n return \"z\" = %3\n}\n";
        return passes::simplify(*ir::parse_graph(text, "t.lir"))->nodes().size();
    };
    EXPECT_EQ(twice("exp"), 3U);
    EXPECT_EQ(twice("tanh"), 4U);
}

void expect_fault(const std::string& text, const std::string& from, const std::string& to, const std::string& why) {
    std::string changed = text;
    const std::size_t at = changed.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    changed.replace(at, from.size(), to);
    try {
        ir::parse_graph(changed, "t.lir");
        ADD_FAILURE() << "accepted: " << changed;
    } catch (const FormatError& e) {
        EXPECT_NE(std::string(e.what()).find(why), std::string::npos) << e.what();
    }
}

TEST(Control, RefusesWhatDoesNotFit) {
    expect_fault(choice, "%0 = parameter \"p\" : bool[]", "%0 = parameter \"p\" : bool[1]",
                 "operand 0 is bool[1], not bool[]");
    expect_fault(choice, "return \"a\" = %1, \"b\" = %2, \"c\" = %0", "return \"a\" = %1, \"b\" = %2", "else 2");
    expect_fault(choice, "cond(%0, %3, %2)", "cond(%0, %3)", "takes 2 values, not 1");
    expect_fault(choice, "graph then() {", "graph then(m) {", "no symbols of its own");
    expect_fault(collatz, "return \"go on\" = %4", "return \"go on\" = %0",
                 "result 0 of condition is i64[], not bool[]");
    expect_fault(prefixes, "length = [t]", "length=[n, n]", "length has 2 entries, not one");
    expect_fault(prefixes, "carried = 1", "carried=3", "carried is 3 and sequences 1, of 2 operands");
    expect_fault(prefixes, "return \"next\" = %2, \"a\"", "return \"next\" = %9, \"a\"", "%9 is not defined");
    expect_fault(prefixes, "%0 = parameter \"a\" : i32[n]\n  %1", "%0 = parameter \"a\" : i64[n]\n  %1", "is i64");
}

}  // namespace
}  // namespace lathe::testing_support
