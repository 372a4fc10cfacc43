#include "ir/dim.h"

#include <limits>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "ir/dtype.h"
#include "ir/error.h"
#include "ir/text/types.h"
#include "ir/type.h"

namespace lathe::ir {
namespace {

const Dim n = Dim::symbol(0), m = Dim::symbol(1), k = Dim::symbol(2);
const std::vector<std::string> names{"%n", "%m", "%k"};

Dim parse(std::string_view text) {
    SymbolTable symbols;
    for (const std::string& name : names) symbols.add(name.substr(1));
    Lexer lexer(text, "dim");
    const Dim d = parse_dim(lexer, symbols);
    lexer.end_of_line();
    return d;
}

TEST(Dim, PolynomialsAreCanonical) {
    EXPECT_EQ(n + m, m + n);
    EXPECT_EQ((n + 1) * (n - 1), n * n - 1);
    EXPECT_EQ(n - n, Dim(0));
    EXPECT_EQ(2 * n - n, n);
    EXPECT_NE(n, m);
    EXPECT_EQ(mod(n, 4) + 4 * floordiv(n, 4), n);
    EXPECT_EQ((n * 3).as_symbol(), std::nullopt);
    EXPECT_EQ((n * 3 - n * 2).as_symbol(), Symbol{0});
}

TEST(Dim, FloorDivisionFolds) {
    EXPECT_EQ(floordiv(Dim(-7), 2), Dim(-4));
    EXPECT_EQ(floordiv(n * 8 + m * 4 + 5, 4), n * 2 + m + 1);
    EXPECT_EQ(floordiv(n * 64 + m, 64), n + floordiv(m, 64));
    EXPECT_EQ(floordiv(n * m + k, m), n + floordiv(k, m));
    EXPECT_EQ(floordiv(n * m, m), n);
    EXPECT_EQ(floordiv((n + 1) * m, n + 1), m);
    EXPECT_EQ(floordiv(n * 4, 8), floordiv(n, 2));
    EXPECT_EQ(floordiv(floordiv(n, 3), 4), floordiv(n, 12));
    EXPECT_EQ(floordiv(min(n, 3), 4), Dim(0));
    EXPECT_EQ(ceildiv(n, 1), n);
    EXPECT_FALSE(floordiv(n, 4).is_constant());
}

TEST(Dim, ExtremaFold) {
    EXPECT_EQ(min(n, n), n);
    EXPECT_EQ(min(n + 3, n + 1), n + 1);
    EXPECT_EQ(max(n, -1), n);
    EXPECT_EQ(min(n, n + m), n);
    EXPECT_EQ(min(min(n, 4), 8), min(n, 4));
    EXPECT_EQ(min(min(n, m), k), min(n, min(k, m)));
    EXPECT_EQ(max(Dim(3), 5), Dim(5));
}

TEST(Dim, EvaluatesWithOverflowChecks) {
    const std::int64_t values[] = {10, 3, -1};
    EXPECT_EQ((n * m + floordiv(n, m) - min(n, m)).evaluate(values), 30 + 3 - 3);
    EXPECT_EQ(mod(n, m).evaluate(values), 1);
    EXPECT_EQ(floordiv(k, m).evaluate(values), -1);
    const std::int64_t zero[] = {1, 0};
    EXPECT_EQ(floordiv(n, m).evaluate(zero), std::nullopt);
    const std::int64_t large[] = {std::numeric_limits<std::int64_t>::max()};
    EXPECT_EQ((n * n).evaluate(large), std::nullopt);
    EXPECT_EQ((n + 1).evaluate(large), std::nullopt);
    EXPECT_EQ(Dim::symbol(9).evaluate(large), std::nullopt);
    EXPECT_THROW(Dim(std::int64_t{1} << 61) * 4, Error);
}

TEST(Dim, SubstitutesAndSeparates) {
    const Dim d = floordiv(n, 4) + m * n;
    EXPECT_EQ(d.substitute([](Symbol s) { return s == 0 ? k * 4 : Dim::symbol(s); }), k + 4 * m * k);
    EXPECT_EQ(d.affine_in(1)->coefficient, n);
    EXPECT_EQ(d.affine_in(1)->rest, floordiv(n, 4));
    EXPECT_EQ(d.affine_in(0), std::nullopt);
    EXPECT_EQ((n * n).affine_in(0), std::nullopt);
    EXPECT_EQ(d.affine_in(2)->coefficient, Dim(0));
    EXPECT_TRUE(d.depends_on(0));
    EXPECT_FALSE(d.depends_on(2));
}

TEST(Dim, BoundsAreConservative) {
    const auto of = [](Symbol s) -> Dim::Bounds {
        if (s == 0) return {0, 9};
        return {0, std::nullopt};
    };
    EXPECT_EQ((n * 2 - 3).bounds(of).low, -3);
    EXPECT_EQ((n * 2 - 3).bounds(of).high, 15);
    EXPECT_EQ((n * 2 - m).bounds(of).low, std::nullopt);
    EXPECT_EQ((n * -2 - m).bounds(of).high, 0);
    EXPECT_EQ(min(m, 64).bounds(of).high, 64);
    EXPECT_EQ(min(64, m - n).bounds(of).high, 64);
    EXPECT_EQ((3 * min(64, m - k)).bounds(of).low, std::nullopt);
    EXPECT_EQ((n * min(64, m - k)).bounds(of).high, 9 * 64);
    EXPECT_EQ((n * max(-5, m - k)).bounds(of).low, -45);
    EXPECT_EQ(floordiv(n + 1, 4).bounds(of).high, 2);
}

TEST(Dim, PrintsAndParses) {
    EXPECT_EQ(min(4096, n - m).to_string(names), "min(4096, %n - %m)");
    EXPECT_EQ((m * n * 3 - 7).to_string(names), "3*%n*%m - 7");
    EXPECT_EQ((n * -1).to_string(), "-s0");
    for (Dim d : {n * m - 7, floordiv(n + 63, 64) * 64 - max(n, m) * k, min(n, floordiv(k, m)), Dim(-3), mod(n, m)})
        EXPECT_EQ(parse(d.to_string(names)), d) << d.to_string(names);
    EXPECT_EQ(parse("(n + 1) * (%n - 1)"), n * n - 1);
    for (std::string_view bad : {"", "%", "n +", "foo", "min(n)", "min(n, m", "99999999999999999999", "f(n, m)", "1.5"})
        EXPECT_THROW(parse(bad), TextFault) << bad;
    // No text takes more stack than another.
    EXPECT_THROW(parse(std::string(1'000'000, '(')), TextFault);
    std::string power = "(n + m + k)";
    for (int i = 0; i < 1000; ++i) power += "*(n + m + k)";
    EXPECT_THROW(parse(power), TextFault);
}

TEST(Dim, InternsAcrossThreads) {
    std::vector<Dim> results(4);
    std::vector<std::thread> threads;
    for (Dim& r : results)
        threads.emplace_back([&r] {
            Dim d = 1;
            for (Symbol s = 100; s < 160; ++s) d = floordiv(d + Dim::symbol(s) * 3, 2) + s;
            r = d;
        });
    for (auto& t : threads) t.join();
    for (Dim r : results) EXPECT_EQ(r, results[0]);
}

TEST(Dtype, SixteenBitFormatsRoundToNearestEven) {
    for (std::uint32_t i = 0; i < 65536; ++i) {
        const auto bits = static_cast<std::uint16_t>(i);
        const float h = f16_to_f32(bits), b = bf16_to_f32(bits);
        EXPECT_TRUE(h != h || f32_to_f16(h) == bits) << bits;
        EXPECT_TRUE(b != b || f32_to_bf16(b) == bits) << bits;
    }
    EXPECT_EQ(f32_to_f16(65520.0F), 0x7c00);
    EXPECT_EQ(f32_to_f16(65519.0F), 0x7bff);
    EXPECT_EQ(f32_to_f16(0x1p-25F), 0);
    EXPECT_EQ(f32_to_f16(0x1.8p-25F), 1);
    EXPECT_EQ(f32_to_f16(1.0F + 0x1p-11F), 0x3c00);
    EXPECT_EQ(f32_to_bf16(1.0F + 0x1p-8F), 0x3f80);
    EXPECT_EQ(f32_to_bf16(1.0F + 0x1.8p-8F), 0x3f81);
    const float nan = std::numeric_limits<float>::quiet_NaN();
    EXPECT_NE(f16_to_f32(f32_to_f16(nan)), f16_to_f32(f32_to_f16(nan)));
    EXPECT_NE(bf16_to_f32(f32_to_bf16(nan)), bf16_to_f32(f32_to_bf16(nan)));
}

TEST(Type, Prints) { EXPECT_EQ((Type{Dtype::f32, {n, 64}}.to_string(names)), "f32[%n, 64]"); }

TEST(Loc, InternsAndFuses) {
    const Loc a = Loc::of("a.cpp", 3), b = Loc::of("b.cpp", 4);
    EXPECT_EQ(a, Loc::of(std::string("a.cpp"), 3));
    EXPECT_NE(a, b);
    const Loc both[] = {b, a, Loc{}, a};
    EXPECT_EQ(Loc::fused(both).to_string(), "a.cpp:3, b.cpp:4");
    const Loc nested[] = {Loc::fused(both), b};
    EXPECT_EQ(Loc::fused(nested), Loc::fused(both));
    EXPECT_EQ(Loc{}.to_string(), "unknown location");
}

}  // namespace
}  // namespace lathe::ir
