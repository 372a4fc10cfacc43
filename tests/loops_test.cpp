#include <bit>
#include <cstring>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "ir/error.h"
#include "ir/loops/interpret.h"
#include "ir/loops/text.h"
#include "ir/loops/verify.h"

namespace lathe::ir {
namespace {

constexpr std::string_view example = R"(kernel(%n, %m) {
  in a: f32[%n, %m]
  in rows: i64[%n]
  out c: f32[%n]
  out best: i64[%n]
  scratch t: f32[64]
  parallel i in %n step 4 {
    alloc t
    serial r in min(4, %n - %i) {
      %0 = load rows[%i + %r]
      bind g = %0 in %n at %i + %r site 3
      %1 = constant 0x3f800000 : f32
      store t[%r], %1
      %4 = reduce sum of f32 over k in %m lanes 64 block 4096 width 16 : f32 {
        %2 = load a[%g, %k] if %k - 1 >= 0
        %3 = mul(%2, %1) : f32
        fold %3
      }
      %6 = reduce argmax {last = false} of f32 over k_1 in %m lanes 1 block 256 base 2 : i64 {
        %5 = load a[%i + %r, %m - %k_1 - 1]
        fold %5
      }
      %7 = load t[%r]
      %8 = add(%4, %7) : f32
      store c[%i + %r], %8
      store best[%i + %r], %6 if %n - %i - 1 >= 0, %r >= 0
    }
  }
}
)";

std::string one_line_body(std::string_view line) {
    return "k(%n) {\n  in a: f32[%n]\n  out c: f32[%n]\n  serial i in %n {\n    " + std::string(line) + "\n  }\n}\n";
}

TEST(LoopText, PrintParsePrintIsAFixedPoint) {
    const LoopNest nest = parse_loop_nest(example, "example.lir");
    EXPECT_EQ(verify(nest), std::vector<std::string>());
    EXPECT_EQ(print(nest), example);
    EXPECT_EQ(print(parse_loop_nest(print(nest), "again")), example);
}

TEST(LoopText, NumberingDoesNotMatter) {
    // The same nest, built with symbols and values in another order and names that clash.
    LoopNest nest;
    const Symbol n = nest.add_symbol(SymbolRole::extent, "n");
    const Symbol inner = nest.add_symbol(SymbolRole::loop, "i"), outer = nest.add_symbol(SymbolRole::loop, "i");
    const BufferId a = nest.add_buffer({"a", BufferRole::input, {Dtype::f32, {Dim::symbol(n), Dim::symbol(n)}}});
    const BufferId b = nest.add_buffer({"a", BufferRole::output, {Dtype::f32, {Dim::symbol(n), Dim::symbol(n)}}});
    nest.add_value(Dtype::f64);
    const ValueId v = nest.add_value(Dtype::f32);
    const std::vector<Dim> index{Dim::symbol(outer), Dim::symbol(inner)};
    Loop second{.var = inner, .extent = Dim::symbol(n), .body = {}};
    second.body.push_back({Load{v, a, index, {}}});
    second.body.push_back({Store{b, index, v, {Dim::symbol(inner) - Dim::symbol(outer)}, false}});
    Loop first{.var = outer, .extent = Dim::symbol(n), .body = {}};
    first.body.push_back({std::move(second)});
    nest.body.push_back({std::move(first)});
    EXPECT_EQ(verify(nest), std::vector<std::string>());
    const std::string text = print(nest);
    EXPECT_NE(text.find("store a_1[%i, %i_1], %0 if -%i + %i_1 >= 0"), std::string::npos) << text;
    EXPECT_EQ(print(parse_loop_nest(text, "t")), text);
    LoopNest renamed = nest;
    renamed.name = "other";
    renamed.symbols[inner].name = "x";
    EXPECT_NE(print(renamed), text);
    EXPECT_EQ(print(canonical(renamed, Names::anonymous)), print(canonical(nest, Names::anonymous)));
}

TEST(LoopText, ErrorsNameTheLine) {
    const auto message = [](const std::string& text) -> std::string {
        try {
            parse_loop_nest(text, "bad.lir");
        } catch (const FormatError& e) {
            return e.what();
        }
        return "";
    };
    EXPECT_EQ(message(one_line_body("%0 = load b[%i]")),
              "bad.lir:5:15: unknown buffer 'b'\n        %0 = load b[%i]\n                  ^");
    EXPECT_EQ(message(one_line_body("%0 = load a[%j]")).substr(0, 9), "bad.lir:5");
    EXPECT_EQ(message(one_line_body("%0 = load a[%i")).substr(0, 9), "bad.lir:5");
    EXPECT_EQ(message(one_line_body("%0 = nonsense(%1) : f32")).substr(0, 9), "bad.lir:5");
    EXPECT_EQ(message(one_line_body("store c[%i], %7")).substr(0, 9), "bad.lir:5");
    EXPECT_EQ(message(one_line_body("vector(8 j in 3 {")).substr(0, 9), "bad.lir:5");
    EXPECT_EQ(message("").substr(0, 7), "bad.lir");
    // Every prefix of a sound text is an error, not a crash.
    for (std::size_t n = 0; n + 3 < example.size(); ++n)
        EXPECT_FALSE(message(std::string(example.substr(0, n))).empty()) << n;
    for (std::size_t n = 0; n < example.size(); ++n)
        for (const unsigned char flip : {1, 4, 32, 128}) {
            std::string bad(example);
            bad[n] = static_cast<char>(bad[n] ^ flip);
            if (!message(bad).empty()) continue;
            const LoopNest nest = parse_loop_nest(bad, "bad.lir");
            if (verify(nest).empty()) {
                EXPECT_EQ(print(parse_loop_nest(print(nest), "again")), print(nest)) << bad;
            }
        }
    std::string deep = "k() {\n";
    for (int i = 0; i < 100'000; ++i) deep += "serial i" + std::to_string(i) + " in 2 {\n";
    EXPECT_NE(message(deep).find("nested too deeply"), std::string::npos);
}

TEST(LoopVerify, ReducersTakeOneElementOrTwo) {
    for (const std::string_view line :
         {"%0 = dot_general.init() of f32 : f32", "%0 = dot_general.init() of f32, f32, f32 : f32",
          "%0 = sum.init() of f32, f32 : f32"}) {
        const std::vector<std::string> faults = verify(parse_loop_nest(one_line_body(line), "t"));
        ASSERT_EQ(faults.size(), 1U) << line;
        EXPECT_NE(faults[0].find("elements at a time"), std::string::npos) << faults[0];
    }
    EXPECT_TRUE(verify(parse_loop_nest(one_line_body("%0 = dot_general.init() of f32, f32 : f32"), "t")).empty());
}

TEST(LoopVerify, ReportsAllFaultsAtOnce) {
    const LoopNest nest = parse_loop_nest(R"(k(%n) {
  in a: f32[%n]
  out c: i32[%n]
  scratch t: f32[%n]
  scratch w: f32[%n]
  serial i in %n step 0 {
    %0 = load a[%i, %i]
    store a[%i], %0
    store c[%i], %0
    %1 = add(%0, %0) : f64
    vector(12) j in %n {
      vector(8) k in %j {
        %2 = load t[%k]
        alloc w
      }
      parallel o in %n {
      }
    }
    %3 = sum.step(%0) of f32 : f32
    parallel p in %i {
    }
    unroll u in %n {
    }
    %5 = reduce sum of f32 over q in %n lanes 3 block 4 : f32 {
      store c[%i], %0
      fold %0, %0
    }
    %6 = reduce add of f32 over w in %n lanes 1 block 4 : f32 {
      fold %0
    }
  }
  %7 = add(%0, %0) : f32
}
)",
                                          "faults.lir");
    const std::vector<std::string> faults = verify(nest);
    for (std::string_view part : {"step below 1",
                                  "has 2 indices",
                                  "store to input a",
                                  "%0 is f32, not i32",
                                  "too large for every lane",
                                  "no power of two",
                                  "vector loop within another",
                                  "varies between the lanes",
                                  "outside the scope of its alloc",
                                  "operands",
                                  "parallel inside of a loop that is not serial",
                                  "known only inside of the nest",
                                  "unlike the parallel loop before it",
                                  "written outside of the parallel loops",
                                  "cannot be unrolled",
                                  "the lanes are no power of two",
                                  "2 elements for 1 dtypes",
                                  "without a reducer",
                                  "the same for all elements of the reduction",
                                  "uses %0, which is not defined there",
                                  "%1 is f64, not f32"})
        EXPECT_TRUE(std::ranges::any_of(faults, [&](const std::string& f) {
            return f.find(part) != std::string::npos;
        })) << part;
}

TEST(LoopInterpreter, ComputesTheExample) {
    const LoopNest nest = parse_loop_nest(example, "example.lir");
    std::vector<float> a{1, 2, 3, 4, 5, 6, 7, 9, 8, 30, 20, 10};
    std::vector<std::int64_t> rows{3, 1, 0, 2}, best(4, -1);
    std::vector<float> c(4, -1);
    void* buffers[] = {a.data(), rows.data(), c.data(), best.data()};
    const std::int64_t extents[] = {4, 3};
    EXPECT_EQ(parallel_trips(nest, extents), 1);
    const Fault fault = interpret(nest, buffers, extents, 0, 1);
    EXPECT_EQ(fault.site, -1);
    EXPECT_EQ(c, (std::vector<float>{31, 12, 6, 18}));
    EXPECT_EQ(best, (std::vector<std::int64_t>{2, 2, 3, 4}));  // counted from the end of the row, from 2 on

    rows = {0, 4, -7, 1};
    const Fault second = interpret(nest, buffers, extents, 0, 1);
    EXPECT_EQ(second.site, 3);
    EXPECT_EQ(second.index, 4);
    EXPECT_EQ(second.bound, 4);
    EXPECT_EQ(c, (std::vector<float>{6, 31, 6, 12}));
    EXPECT_EQ(interpret(nest, buffers, extents, 1, 1).site, -1);
}

TEST(LoopInterpreter, SumsInTheDefinedOrder) {
    const LoopNest nest = parse_loop_nest(R"(k(%n) {
  in a: f32[%n]
  out c: f32[]
  %1 = reduce sum of f32 over k in %n lanes 4 block 8 : f32 {
    %0 = load a[%k]
    fold %0
  }
  store c[], %1
}
)",
                                          "sum.lir");
    EXPECT_EQ(print(parse_loop_nest(print(nest), "again")), print(nest));
    std::vector<float> a;
    for (int i = 0; i < 21; ++i)
        a.push_back(std::bit_cast<float>(0x3f800000U + 12345U * static_cast<unsigned>(i * i)) *
                    (i % 3 == 0 ? 1e4F : 1.0F));
    float c = 0;
    void* buffers[] = {a.data(), &c};
    const std::int64_t extents[] = {21};
    interpret(nest, buffers, extents, 0, 1);
    float total = 0;
    for (std::size_t block = 0; block < a.size(); block += 8) {
        float lanes[4] = {};
        for (std::size_t i = block; i < std::min(block + 8, a.size()); ++i) lanes[i % 4] += a[i];
        total += (lanes[0] + lanes[2]) + (lanes[1] + lanes[3]);
    }
    EXPECT_EQ(std::bit_cast<std::uint32_t>(c), std::bit_cast<std::uint32_t>(total));
}

TEST(LoopInterpreter, CatchesAccessOutsideABuffer) {
    const LoopNest nest = parse_loop_nest(one_line_body("%0 = load a[%i + 1]"), "t");
    float a[4] = {}, c[4] = {};
    void* buffers[] = {a, c};
    const std::int64_t extents[] = {4};
    EXPECT_THROW(interpret(nest, buffers, extents, 0, 1), InternalError);
}

}  // namespace
}  // namespace lathe::ir
