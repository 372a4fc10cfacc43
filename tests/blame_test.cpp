// Whom errors, remarks and locations blame: the innermost line of the user's code, the path of modules, the callers.
#include <functional>
#include <source_location>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "frontend/functions/functions.h"
#include "frontend/inspect/inspect.h"
#include "frontend/model/model.h"
#include "frontend/nn/nn.h"
#include "frontend/optim/optim.h"
#include "frontend/trace/grad.h"
#include "frontend/trace/jit.h"
#include "ir/graph/text.h"

namespace lathe {
namespace {

std::uint32_t line_here(std::source_location where = std::source_location::current()) { return where.line(); }
std::string place(std::uint32_t line) { return std::string(__FILE__) + ":" + std::to_string(line); }
std::string called_at(std::uint32_t line) { return ", called at " + place(line); }

template <class F>
std::string message_of(const F& f) {
    try {
        f();
    } catch (const Error& e) {
        EXPECT_TRUE(e.loc().known()) << e.what();
        return e.what();
    }
    ADD_FAILURE() << "nothing was thrown";
    return "";
}

// Modules of a user, who made a mistake in the innermost one.
class Attention : public nn::Module {
public:
    explicit Attention(Tensor weight) : weight_(std::move(weight)) {}
    Tensor forward(const Tensor& x) const override { return relu(matmul(x, weight_)); }
    static constexpr std::uint32_t line = std::source_location::current().line() - 1;

private:
    Tensor weight_;
};

class Block : public nn::Module {
public:
    explicit Block(const Tensor& weight, bool named = true) : attention_(weight) {
        if (named) attention_.set_name("attention");
    }
    Tensor forward(const Tensor& x) const override { return attention_(x) * 2.0; }
    static constexpr std::uint32_t line = std::source_location::current().line() - 1;

private:
    Attention attention_;
};

class Net : public nn::Module {
public:
    explicit Net(const Tensor& weight) : blocks_(nn::ReLU(), nn::ReLU(), Block(weight)) { blocks_.set_name("blocks"); }
    Tensor forward(const Tensor& x) const override { return blocks_(x); }
    static constexpr std::uint32_t line = std::source_location::current().line() - 1;

private:
    nn::Sequential blocks_;
};

TEST(Blame, the_innermost_line_of_the_user_comes_first_and_then_the_path_and_the_callers) {
    const Net net(ones({32, 10}));
    const Tensor x = ones({8, 64});
    const std::string expected = place(Attention::line) +
                                 ": matmul: the inner extents differ: 64 is not 32 (f32[8, 64] and f32[32, 10])"
                                 ", in blocks.2.attention" +
                                 called_at(Block::line) + called_at(Net::line);
    EXPECT_EQ(message_of([&] { net(x); }), expected + called_at(line_here()));
    // The same when it is traced, and by name where the outermost module has one.
    const Attention alone(ones({32, 10}));
    EXPECT_EQ(message_of([&] { alone(x); }),
              place(Attention::line) +
                  ": matmul: the inner extents differ: 64 is not 32 (f32[8, 64] and f32[32, 10]), in Attention" +
                  called_at(line_here()));
    Attention named = alone;
    named.set_name("head");
    EXPECT_NE(message_of([&] { named(x); }).find(", in head, called at "), std::string::npos);
    const Block unnamed(ones({32, 10}), false);
    EXPECT_NE(message_of([&] { unnamed(x); }).find(", in Attention, called at "), std::string::npos);
    EXPECT_NE(message_of([&] { nn::Sequential(Block(ones({32, 10}), false))(x); }).find(", in 0.Attention, called at "),
              std::string::npos);
}

TEST(Blame, modules_of_the_library_are_blamed_on_the_line_that_called_them) {
    nn::Generator random(1);
    const nn::Sequential net(nn::ReLU(), nn::Sequential(nn::Linear(64, 32, random), nn::Linear(64, 8, random)));
    const nn::Linear alone(64, 8, random);
    const Tensor x = ones({8, 64});
    EXPECT_EQ(message_of([&] { alone(ones({8, 32})); }),
              place(line_here()) + ": Linear: wants an input whose last extent is 64, not 32 (f32[8, 32])");
    EXPECT_EQ(message_of([&] { net(x); }), place(line_here()) +
                                               ": Linear: wants an input whose last extent is 64, not 32 (f32[8, 32])"
                                               ", in 1.1");
    EXPECT_EQ(message_of([&] { alone(Tensor::scalar(1.0F)); }),
              place(line_here()) + ": Linear: wants an input whose last extent is 64 (f32[])");
    EXPECT_EQ(message_of([&] { alone(ones({8, 64}, Dtype::f16)); }),
              place(line_here()) + ": Linear: wants an input of f32, as its weights are; convert it (f16[8, 64])");
    EXPECT_EQ(message_of([&] { nn::Tanh()(arange(3)); }).rfind(place(line_here()) + ": Tanh: ", 0), 0U);
    EXPECT_EQ(message_of([&] { alone(Tensor()); }), place(line_here()) + ": Linear: an empty tensor was used");
}

// Without a line of the caller's nothing could be blamed: a module is called, not its forward().
template <class M>
concept HasForward = requires(const M& m, const Tensor& x) { m.forward(x); };
static_assert(!HasForward<nn::Linear> && !HasForward<nn::ReLU> && !HasForward<nn::Sequential> &&
              !HasForward<nn::Module>);
static_assert(HasForward<Attention>, "a module of the user's says itself what is public");

TEST(Blame, remarks_name_the_path) {
    const Net net(ones({64, 64}));
    const auto f = jit([&](const Tensor& x) { return sum(transpose(net(x), {1, 0})); });
    f(ones({64, 64}));
    std::string all;
    for (const Remark& r : inspect(f).remarks()) all += r.to_string() + "\n";
    EXPECT_NE(all.find(", in blocks.2.attention, called at "), std::string::npos) << all;
}

TEST(Blame, functions_speak_in_their_own_name_and_forget_it_afterwards) {
    const Tensor a = ones({2, 3}), b = ones({4, 5});
    EXPECT_EQ(message_of([&] { matmul(a, b); }),
              place(line_here()) + ": matmul: the inner extents differ: 3 is not 4 (f32[2, 3] and f32[4, 5])");
    EXPECT_EQ(
        message_of([&] { (void)(a + b); }),
        place(line_here()) + ": add: the shapes do not broadcast: 2 is not 4 along axis -2 (f32[2, 3] and f32[4, 5])");
    EXPECT_EQ(message_of([&] { maximum(a, b); }),
              place(line_here()) +
                  ": maximum: the shapes do not broadcast: 2 is not 4 along axis -2 (f32[2, 3] and f32[4, 5])");
    EXPECT_EQ(message_of([&] { (void)(a * arange(3)); }),
              place(line_here()) + ": mul: the dtypes differ; convert() makes them the same (f32[2, 3] and i64[3])");
    EXPECT_EQ(message_of([&] { matmul(ones({2, 2, 2}), ones({3, 2, 2})); }),
              place(line_here()) + ": matmul: the batch extents differ: 2 is not 3 (f32[2, 2, 2] and f32[3, 2, 2])");
}

TEST(Blame, a_function_of_the_users_in_jit_grad_and_trace_is_called_at_their_line) {
    const Tensor w = ones({32, 10});
    const auto f = [&](const Tensor& x) { return sum(matmul(x, w)); };
    const std::uint32_t line = line_here() - 1;
    const std::string expected = place(line) + ": matmul: the inner extents differ: 64 is not 32";
    const auto compiled = jit(f);
    const std::string in_jit = message_of([&] { compiled(ones({8, 64})); });
    EXPECT_EQ(in_jit.rfind(expected, 0), 0U) << in_jit;
    EXPECT_NE(in_jit.find(called_at(line_here() - 3)), std::string::npos) << in_jit;
    const std::string in_grad = message_of([&] { grad(f)(ones({8, 64})); });
    EXPECT_EQ(in_grad.rfind(expected, 0), 0U) << in_grad;
    EXPECT_NE(in_grad.find(called_at(line_here() - 2)), std::string::npos) << in_grad;
    const std::string in_trace = message_of([&] { trace(f, {{"x", Dtype::f32, {"n", 64}}}); });
    EXPECT_EQ(in_trace.rfind(expected, 0), 0U) << in_trace;
    EXPECT_NE(in_trace.find(called_at(line_here() - 2)), std::string::npos) << in_trace;
    // A module in it.
    const Net net(w);
    const auto step = jit([&](const Tensor& x) { return net(x); });
    const std::string in_net = message_of([&] { step(ones({8, 64})); });
    const std::string twice = called_at(line_here() - 2) + called_at(line_here() - 2);
    EXPECT_EQ(in_net.rfind(place(Attention::line) + ": matmul: ", 0), 0U) << in_net;
    EXPECT_NE(in_net.find(", in blocks.2.attention" + called_at(Block::line) + called_at(Net::line) + twice),
              std::string::npos)
        << in_net;
}

// Picks rows by indices that a kernel finds to be wrong.
class Embedding : public nn::Module {
public:
    Tensor forward(const Tensor& indices) const override { return gather(ones({3, 2}), indices, 0); }
    static constexpr std::uint32_t line = std::source_location::current().line() - 1;
};

TEST(Blame, faults_in_kernels_say_where_the_code_was_called_from) {
    Embedding embedding;
    embedding.set_name("embedding");
    const Tensor wrong = Tensor::from({0, 7});
    const auto check = [&](const std::string& message, const std::string& callers) {
        EXPECT_EQ(message.rfind(place(Embedding::line) + ": gather: index 7 at position 1 is out of range for 3", 0),
                  0U)
            << message;
        EXPECT_TRUE(message.ends_with(", in embedding" + callers)) << message;
    };
    check(message_of([&] { embedding(wrong).eval(); }), called_at(line_here()));
    // A plan that was made for equal calls elsewhere.
    const Tensor right = embedding(Tensor::from({0, 1})).eval();
    check(message_of([&] { embedding(wrong).eval(); }), called_at(line_here()));
    const auto f = jit([&](const Tensor& i) { return embedding(i); });
    check(message_of([&] { f(wrong); }), called_at(line_here() - 1) + called_at(line_here() - 1));
    const Model model = trace([&](const Tensor& i) { return embedding(i); }, {{"i", Dtype::i32, {"n"}}});
    const std::string traced = called_at(line_here() - 1) + called_at(line_here() - 1);
    check(message_of([&] { model(wrong); }), traced + called_at(line_here()));
}

TEST(Blame, the_largest_unsigned_index_is_shown_as_it_is) {
    const Tensor huge = Tensor::from({~0ULL});
    EXPECT_NE(message_of([&] { gather(ones({3}), huge, 0).eval(); }).find("18446744073709551615"), std::string::npos);
    const Tensor negative = Tensor::from({-1LL});
    EXPECT_NE(message_of([&] { gather(ones({3}), negative, 0).eval(); }).find("index -1 "), std::string::npos);
}

TEST(Blame, remarks_and_nodes_carry_the_path) {
    const Net net(ones({64, 64}));
    const Model model = trace([&](const Tensor& x) { return net(x); }, {{"x", Dtype::f32, {"n", 64}}});
    bool found = false;
    for (const ir::Node& node : model.graph().nodes())
        for (const ir::Loc::Place& p : node.loc.places())
            found =
                found || (p.path == "blocks.2.attention" && p.callers.size() == 4 && p.line.line == Attention::line);
    EXPECT_TRUE(found) << ir::print(model.graph(), ir::Locs::show);
    // Text keeps it, and so do files.
    const std::string text = ir::print(model.graph(), ir::Locs::show);
    EXPECT_NE(text.find(" in \"blocks.2.attention\" at \""), std::string::npos) << text;
    EXPECT_EQ(ir::print(*ir::parse_graph(text, "m.lir"), ir::Locs::show), text);
    const std::string path = testing::TempDir() + "blame.lathe";
    model.save(path);
    EXPECT_EQ(ir::print(Model::load(path).graph(), ir::Locs::show), text);
}

TEST(Blame, locations_in_text_are_kept_whatever_they_are_made_of) {
    ir::Graph g;
    const ir::Loc outer = ir::Loc::of("train \"1\".cpp", 115);
    const ir::Loc block = ir::Loc::of("block.cpp", 31, ir::Loc::context("a", std::span(&outer, 1)));
    const ir::Loc inner = ir::Loc::of("x.cpp", 20, ir::Loc::context("blocks.2\n\x1b\"q\"", std::span(&block, 1)));
    const ir::Loc no_path = ir::Loc::of("x.cpp", 20, ir::Loc::context("", std::span(&block, 1)));
    const ir::Loc no_caller = ir::Loc::of("x.cpp", 21, ir::Loc::context("b", {}));
    EXPECT_EQ(block.to_string(), "block.cpp:31, in a, called at train \"1\".cpp:115");
    EXPECT_EQ(inner.around("why\nmore"),
              "x.cpp:20: why, in blocks.2\\x0a\\x1b\"q\", called at block.cpp:31, called at train \"1\".cpp:115\nmore");
    const ir::Loc both[] = {inner, no_caller, inner};
    const ir::Loc fused = ir::Loc::fused(both);
    EXPECT_EQ(fused.places().size(), 2U);
    EXPECT_NE(fused.to_string().find("; "), std::string::npos);
    const ir::Value x = g.add_parameter("x", {Dtype::f32, {}});
    ir::Value y = x;
    for (const ir::Loc loc : {inner, no_path, no_caller, fused, block, outer})
        y = {&g.add(*ir::find_op("neg"), {{y}}, {}, loc), 0};
    g.add_output("y", y);
    const std::string text = ir::print(g, ir::Locs::show);
    const auto read = ir::parse_graph(text, "g.lir");
    EXPECT_EQ(ir::print(*read, ir::Locs::show), text);
    for (std::size_t i = 1; i < g.nodes().size(); ++i) EXPECT_EQ(read->nodes()[i].loc, g.nodes()[i].loc) << i;
}

TEST(Blame, very_deep_calls_keep_the_innermost_and_the_outermost_callers) {
    ir::Loc caller = ir::Loc::of("main.cpp", 1);
    for (std::uint32_t i = 2; i < 200; ++i)
        caller = ir::Loc::of("deep.cpp", i, ir::Loc::context("p", std::span(&caller, 1)));
    const std::vector<ir::Loc::Place> places = caller.places();
    ASSERT_EQ(places.size(), 1U);
    EXPECT_LE(places[0].callers.size(), 32U);
    EXPECT_EQ(places[0].line.line, 199U);
    EXPECT_EQ(places[0].callers.front().line, 198U);
    EXPECT_EQ(places[0].callers.back().file, "main.cpp");
}

// An optimiser of a user, with a mistake in it.
class Mistaken : public optim::Optimizer {
public:
    using Optimizer::Optimizer;

private:
    void update(std::size_t i, const Tensor& gradient, Step& step) override {
        step.updates.push_back({parameter(i), parameter(i) - matmul(gradient, ones({7, 7}))});
    }

public:
    static constexpr std::uint32_t line = std::source_location::current().line() - 4;
};

TEST(Blame, optimisers) {
    const Tensor p = variable(ones({2, 3}), "p");
    EXPECT_EQ(message_of([&] { optim::Sgd({p, ones({2})}); }),
              place(line_here()) + ": Sgd: parameter 1 is no variable (f32[2])");
    EXPECT_EQ(message_of([&] { optim::Adam({Tensor()}); }),
              place(line_here()) + ": Adam: parameter 0 is no variable (empty)");
    EXPECT_EQ(message_of([&] { optim::AdamW({ones({2})}); }).rfind(place(line_here()) + ": AdamW: ", 0), 0U);
    Mistaken mistaken({p}, 0.1);
    sum(p * p).backward();
    const std::string message = message_of([&] { mistaken.step(); });
    const std::string called = called_at(line_here() - 1);
    EXPECT_EQ(message, place(Mistaken::line) +
                           ": matmul: the inner extents differ: 3 is not 7 (f32[2, 3] and f32[7, 7])" + called);
}

TEST(Blame, derivatives_blame_the_line_of_the_forward_pass) {
    const Tensor x = ones({4});
    // argmax has no derivative.
    const std::uint32_t line = line_here() + 1;
    const auto f = [](const Tensor& v) { return sum(v * Tensor(convert(argmax(v), Dtype::f32))); };
    EXPECT_NO_THROW(grad(f)(x));  // the position is constant
    (void)line;
    EXPECT_EQ(message_of([&] { grad([](const Tensor&) { return Tensor(); })(x); }),
              place(line_here()) + ": grad: the function returned an empty tensor");
    EXPECT_EQ(message_of([&] { Tensor().backward(); }), place(line_here()) + ": backward: an empty tensor was used");
    const std::string value = message_of([&] { grad([](const Tensor& v) { return v * sum(v).item<float>(); })(x); });
    EXPECT_EQ(value.find("traced"), std::string::npos) << value;
    EXPECT_NE(value.find("derivative"), std::string::npos) << value;
}

TEST(Blame, threads_have_frames_of_their_own) {
    const Net net(ones({32, 10}));
    std::string there;
    const std::string here = message_of([&] {
        std::thread([&] { there = message_of([&] { matmul(ones({2, 3}), ones({4, 5})); }); }).join();
        net(ones({8, 64}));
    });
    EXPECT_EQ(there.find(", in "), std::string::npos) << there;
    EXPECT_NE(here.find(", in blocks.2.attention"), std::string::npos) << here;
}

// Exceptions of the user's own code pass as they are, and leave nothing behind.
class Throwing : public nn::Module {
public:
    Tensor forward(const Tensor&) const override { throw std::logic_error("mine"); }
};

TEST(Blame, what_the_user_throws_passes) {
    const nn::Sequential net{Throwing()};
    EXPECT_THROW(net(ones({2})), std::logic_error);
    EXPECT_THROW(jit([&](const Tensor& x) { return net(x); })(ones({2})), std::logic_error);
    EXPECT_THROW(grad([&](const Tensor& x) { return net(x); })(ones({2})), std::logic_error);
    const std::string after = message_of([&] { matmul(ones({2, 3}), ones({4, 5})); });
    EXPECT_EQ(after.rfind(place(line_here() - 1) + ": matmul: ", 0), 0U) << after;
    EXPECT_EQ(after.find(", called at"), std::string::npos) << after;
}

}  // namespace
}  // namespace lathe
