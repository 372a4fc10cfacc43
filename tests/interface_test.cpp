// What compiles means what it says; what would not, does not compile, and the compiler names what to use instead.
#include <cstdint>
#include <fstream>
#include <limits>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "command.h"
#include "frontend/functions/functions.h"
#include "frontend/trace/grad.h"
#include "frontend/trace/jit.h"

namespace lathe {
namespace {

static_assert(!std::is_constructible_v<bool, Tensor> && !std::is_convertible_v<Tensor, double>);
static_assert(!std::is_copy_constructible_v<detail::Operand> && !std::is_move_constructible_v<detail::Operand>);
static_assert(std::is_same_v<decltype(std::declval<Tensor>().eval()), Tensor>);
static_assert(std::is_same_v<decltype(std::declval<const Tensor>().eval()), Tensor>);
static_assert(std::is_same_v<decltype(std::declval<const Tensor>().type()), ir::Type>);

template <class E, class F>
std::string message_of(const F& f) {
    try {
        f();
    } catch (const E& e) {
        return e.what();
    }
    return "nothing was thrown";
}
void expect_in(const std::string& message, const std::string& part) {
    EXPECT_NE(message.find(part), std::string::npos) << message << "\nlacks " << part;
}

TEST(Refused, lines_that_lie_do_not_compile) {
    const std::string file = std::string(LATHE_SOURCE_DIR) + "/tests/refused/traps.cpp";
    const std::string all = LATHE_CXX " -std=c++20 -fsyntax-only -w -I'" + std::string(LATHE_SOURCE_DIR) + "' ";
    const std::string every =
        std::string(LATHE_CXX).find("clang") == std::string::npos ? "-fmax-errors=0 " : "-ferror-limit=0 ";
    const auto outcome = testing_support::run_command(all + every + "'" + file + "'");
    EXPECT_NE(outcome.status, 0);
    // What is said of each line, up to the next error.
    std::vector<std::string> said;
    std::size_t at = 0;
    const auto next_error = [&](std::size_t from) {
        while ((from = outcome.output.find("traps.cpp:", from)) != std::string::npos) {
            const std::size_t end = outcome.output.find('\n', from);
            if (outcome.output.substr(from, end - from).find(" error: ") != std::string::npos) return from;
            from = end;
        }
        return from;
    };
    for (at = next_error(0); at != std::string::npos;) {
        const std::size_t end = next_error(at + 1);
        const std::size_t line = std::stoul(outcome.output.substr(at + 10));
        said.resize(std::max(said.size(), line + 1));
        said[line] += outcome.output.substr(at, end - at);
        at = end;
    }
    std::ifstream source(file);
    std::string text;
    std::size_t refused = 0;
    for (std::size_t line = 1; std::getline(source, text); ++line) {
        const std::size_t mark = text.find("//! ");
        const std::string heard = line < said.size() ? said[line] : "";
        if (mark == std::string::npos) {
            EXPECT_EQ(heard, "") << "line " << line;
        } else if (text.find("Behind") == std::string::npos) {
            ++refused;
            EXPECT_NE(heard.find(text.substr(mark + 4)), std::string::npos) << text << "\n" << heard;
        }
    }
    EXPECT_GT(refused, 20U);
}

TEST(Values, a_type_that_does_not_hold_the_value_is_refused) {
    const Tensor big = Tensor::from({std::int64_t{16777217}});
    const std::string said = message_of<TypeError>([&] { (void)big.item<float>(); });
    expect_in(said, "item: 16777217 of i64[1] is no value of f32");
    expect_in(said, "interface_test.cpp");
    EXPECT_EQ(big.item<double>(), 16777217.0);
    EXPECT_EQ(big.item<std::uint32_t>(), 16777217U);
    EXPECT_EQ((big - std::int64_t{1}).item<float>(), 16777216.0F);

    const Tensor values = Tensor::from({0.5, -2.0, 0.1});
    expect_in(message_of<TypeError>([&] { (void)values.to_vector<float>(); }),
              "to_vector: 0.1 of f64[3] is no value of f32 (element 2)");
    EXPECT_EQ(slice(values, {0}, {2}).to_vector<float>(), (std::vector<float>{0.5F, -2.0F}));

    const auto refuses = []<class To>(auto from, To) {
        return message_of<TypeError>([&] { (void)Tensor::scalar(from).template item<To>(); }).find("is no value of") !=
               std::string::npos;
    };
    constexpr auto i64_max = std::numeric_limits<std::int64_t>::max();
    constexpr auto u64_max = std::numeric_limits<std::uint64_t>::max();
    EXPECT_TRUE(refuses(i64_max, 0.0)) << "rounds to 2^63";
    EXPECT_TRUE(refuses(0x1p63, std::int64_t{}));
    EXPECT_FALSE(refuses(-0x1p63, std::int64_t{}));
    EXPECT_FALSE(refuses(0x1p63, std::uint64_t{}));
    EXPECT_TRUE(refuses(0x1p64, std::uint64_t{}));
    EXPECT_TRUE(refuses(u64_max, std::int64_t{}));
    EXPECT_TRUE(refuses(std::int64_t{-1}, std::uint64_t{}));
    EXPECT_TRUE(refuses(std::int8_t{-1}, std::uint8_t{}));
    EXPECT_TRUE(refuses(300, std::uint8_t{}));
    EXPECT_TRUE(refuses(2, true));
    EXPECT_FALSE(refuses(1.0, true));
    EXPECT_TRUE(refuses(0.5F, 0));
    EXPECT_FALSE(refuses(-0.0F, 0));
    EXPECT_TRUE(refuses(std::numeric_limits<float>::quiet_NaN(), 0));
    EXPECT_FALSE(refuses(std::numeric_limits<double>::quiet_NaN(), 0.0F));
    EXPECT_TRUE(refuses(std::numeric_limits<float>::infinity(), 0));
    EXPECT_FALSE(refuses(std::numeric_limits<double>::infinity(), 0.0F));
    EXPECT_TRUE(refuses(1e300, 0.0F));
    EXPECT_TRUE(refuses(1e-320, 0.0F));
    EXPECT_FALSE(refuses(true, 0.0F));
}

TEST(Values, nothing_refers_to_what_is_gone) {
    const Tensor a = Tensor::from({1.0F, 2.0F});
    const auto& sum_of_both = (a + a).eval();
    const auto& type = (a + a).type();
    std::vector<Tensor> others;
    for (int i = 0; i < 100; ++i) others.push_back((a * 3.0).eval());
    EXPECT_EQ(sum_of_both.to_vector<float>(), (std::vector<float>{2.0F, 4.0F}));
    EXPECT_EQ(type.to_string(), "f32[2]");
    EXPECT_EQ(&a.eval(), &a);
}

TEST(Assignment, gives_the_handle_another_value) {
    Tensor a = Tensor::from({1.0F, 2.0F});
    const Tensor before = a;
    a += 1.0;
    a *= a;
    a -= Tensor::from({1.0F, 1.0F});
    a /= 2.0;
    EXPECT_EQ(a.to_vector<float>(), (std::vector<float>{1.5F, 4.0F}));
    EXPECT_EQ(before.to_vector<float>(), (std::vector<float>{1.0F, 2.0F}));
    Tensor n = Tensor::from({7, -7});
    n %= 4;
    EXPECT_EQ(n.to_vector<int>(), (std::vector<int>{3, -3}));
}

TEST(Assignment, of_a_variable_sets_it) {
    Tensor v = variable(Tensor::from({1.0F, 2.0F}));
    const Tensor same = v;
    v += 1.0;
    EXPECT_TRUE(v.is_variable());
    EXPECT_EQ(same.to_vector<float>(), (std::vector<float>{2.0F, 3.0F}));
    const auto f = jit([&](const Tensor& x) {
        v += x;
        return v * 1.0;
    });
    const Tensor one = Tensor::from({1.0F, 1.0F});
    f(one);
    EXPECT_EQ(f(one).to_vector<float>(), (std::vector<float>{4.0F, 5.0F}));
    EXPECT_EQ(same.to_vector<float>(), (std::vector<float>{4.0F, 5.0F}));
}

TEST(Assignment, never_changes_the_type) {
    Tensor n = Tensor::from({1, 2});
    expect_in(message_of<TypeError>([&] { n += 1.5; }), "the number 1.5 is not one of i32");
    Tensor row = zeros({3});
    expect_in(message_of<TypeError>([&] { row += ones({2, 3}); }),
              "add: the result does not go into the tensor, f32[2, 3] into f32[3]");
    Tensor single = zeros({1});
    EXPECT_THROW(single *= ones({3}), TypeError);
    EXPECT_THROW(row += convert(ones({3}), Dtype::f64), TypeError);
    Tensor v = variable(zeros({3}));
    EXPECT_THROW(v += ones({2, 3}), TypeError);
    Tensor none;
    EXPECT_THROW(none += 1.0, UserError);
    EXPECT_EQ(n.to_vector<int>(), (std::vector<int>{1, 2}));
    EXPECT_EQ(row.to_vector<float>(), (std::vector<float>(3)));
    const auto stretched = jit([](Tensor a, const Tensor& b) {
        a += b;
        return a;
    });
    EXPECT_THROW(stretched(zeros({1}), ones({4})), TypeError);
    EXPECT_EQ(stretched(zeros({4}), ones({1})).to_vector<float>(), (std::vector<float>(4, 1.0F)));
}

TEST(Assignment, within_a_trace_leaves_what_is_outside) {
    Tensor total = zeros({2});
    const auto leaks = jit([&](const Tensor& x) {
        total += x;
        return x;
    });
    expect_in(message_of<UserError>([&] { leaks(ones({2})); }), "add: the tensor is from outside of the function");
    EXPECT_EQ(total.to_vector<float>(), (std::vector<float>(2)));
    const auto own = jit([](const Tensor& x) {
        Tensor sums = zeros({2});
        for (int i = 0; i < 3; ++i) sums += x;
        Tensor y = x;
        y *= 2.0;
        return sums + y;
    });
    EXPECT_EQ(own(ones({2})).to_vector<float>(), (std::vector<float>(2, 5.0F)));
    total += 1.0;
    EXPECT_EQ(total.to_vector<float>(), (std::vector<float>(2, 1.0F)));
    Tensor kept;
    (void)jit([&](const Tensor& x) {
        kept = zeros({2});
        return x;
    })(ones({2}));
    EXPECT_THROW(jit([&](const Tensor& x) {
                     kept += 1.0;
                     return x;
                 })(ones({3})),
                 UserError)
        << "another trace made it";
}

TEST(Extents, one_may_be_what_the_others_leave) {
    const Tensor x = arange(24);
    EXPECT_EQ(reshape(x, {-1}).shape(), (std::vector<std::int64_t>{24}));
    EXPECT_EQ(reshape(x, {2, -1}).shape(), (std::vector<std::int64_t>{2, 12}));
    EXPECT_EQ(x.reshape({-1, 3, 4}).shape(), (std::vector<std::int64_t>{2, 3, 4}));
    EXPECT_EQ(reshape(zeros({0, 3}), {-1, 3}).shape(), (std::vector<std::int64_t>{0, 3}));
    EXPECT_EQ(reshape(Tensor::scalar(1.0F), {-1}).shape(), (std::vector<std::int64_t>{1}));
    expect_in(message_of<TypeError>([&] { reshape(x, {5, -1}); }),
              "reshape: 24 elements are no multiple of 5 (i64[24])");
    expect_in(message_of<TypeError>([&] { reshape(x, {-1, -1}); }), "more than one extent is -1");
    expect_in(message_of<TypeError>([&] { reshape(zeros({0}), {0, -1}); }), "could be any");
    EXPECT_THROW(reshape(x, {-2, 12}), TypeError);

    const auto rows = jit([](const Tensor& t) { return reshape(t, {t.dim(0), -1}); });
    EXPECT_EQ(rows(zeros({3, 2, 5})).shape(), (std::vector<std::int64_t>{3, 10}));
    EXPECT_EQ(rows(zeros({4, 2, 6})).shape(), (std::vector<std::int64_t>{4, 12}));
    EXPECT_EQ(rows.statistics().traces, 1U);
    const auto pairs = jit([](const Tensor& t) { return reshape(t, {-1, 2}); });
    EXPECT_EQ(pairs(arange(6)).to_vector<int>(), (std::vector<int>{0, 1, 2, 3, 4, 5}));
    EXPECT_EQ(pairs(arange(8)).shape(), (std::vector<std::int64_t>{4, 2}));
    EXPECT_THROW(pairs(arange(7)), UserError);
    const auto loss = [](const Tensor& t) { return sum(reshape(t, {-1}) * reshape(t, {-1})); };
    EXPECT_EQ(grad(loss)(Tensor::from({1.0F, 2.0F}, {2, 1})).to_vector<float>(), (std::vector<float>{2.0F, 4.0F}));
}

TEST(Extents, axes_count_from_either_end) {
    const Tensor x = reshape(arange(24), {2, 3, 4});
    const auto same = [](const Tensor& a, const Tensor& b) {
        EXPECT_EQ(a.shape(), b.shape());
        EXPECT_EQ(a.to_vector<std::int64_t>(), b.to_vector<std::int64_t>());
    };
    same(transpose(x, {-1, 0, -2}), transpose(x, {2, 0, 1}));
    same(sum(x, -1), sum(x, {2}));
    same(sum(x, 1, true), sum(x, {-2}, true));
    same(max(x, {-1, 0}), max(x, {0, 2}));
    same(min(x, -3), min(x, 0));
    same(convert(mean(x, -1), Dtype::i64), convert(mean(x, {2}), Dtype::i64));
    same(sum(x, std::vector<std::int64_t>{0, 1}), sum(x, {0, 1}));
    EXPECT_THROW(transpose(x, {-1, 2, 0}), TypeError);
    EXPECT_THROW(transpose(x, {-4, 1, 0}), TypeError);
    EXPECT_THROW(sum(x, 3), TypeError);
    EXPECT_THROW(sum(x, {2, -1}), TypeError);
}

// A result whose form depends on the rank of what it was computed from.
struct Statistics {
    std::vector<Tensor> parts;
    std::string kind;
    template <class Visit>
    void visit_tensors(Visit&& visit) {
        visit(parts);
    }
    template <class Visit>
    void visit_tensors(Visit&& visit) const {
        visit(parts);
    }
};

TEST(Results, have_the_form_of_their_variant) {
    using Either = std::variant<Tensor, std::vector<Tensor>, Statistics>;
    const auto f = jit([](const Tensor& x) -> Either {
        if (x.rank() == 1) return x * 2.0;
        if (x.rank() == 2) return std::vector<Tensor>{sum(x, 0), sum(x, 1)};
        return Statistics{{x, x + 1.0, x + 2.0}, "cube"};
    });
    for (int pass = 0; pass < 2; ++pass) {
        const Either one = f(ones({3})), two = f(ones({2, 3})), three = f(zeros({2, 2, 2}));
        EXPECT_EQ(std::get<Tensor>(one).to_vector<float>(), (std::vector<float>(3, 2.0F)));
        ASSERT_EQ(std::get<1>(two).size(), 2U);
        EXPECT_EQ(std::get<1>(two)[0].to_vector<float>(), (std::vector<float>(3, 2.0F)));
        EXPECT_EQ(std::get<1>(two)[1].to_vector<float>(), (std::vector<float>(2, 3.0F)));
        ASSERT_EQ(std::get<2>(three).parts.size(), 3U);
        EXPECT_EQ(std::get<2>(three).kind, "cube");
        EXPECT_EQ(std::get<2>(three).parts[2].to_vector<float>(), (std::vector<float>(8, 2.0F)));
    }
    EXPECT_EQ(f.statistics().traces, 3U);
    const auto total = jit([](const std::variant<Tensor, std::vector<Tensor>>& x) {
        if (x.index() == 0) return sum(std::get<0>(x));
        return sum(std::get<1>(x).at(0)) * 10.0;
    });
    using Argument = std::variant<Tensor, std::vector<Tensor>>;
    EXPECT_EQ(total(Argument(ones({3}))).item<float>(), 3.0F);
    EXPECT_EQ(total(Argument(std::vector<Tensor>{ones({3})})).item<float>(), 30.0F);
}

}  // namespace
}  // namespace lathe
