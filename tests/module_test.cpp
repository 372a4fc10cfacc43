// What modules are made of: registration, copies, modes, freezing, paths in errors, first values.
#include <cmath>
#include <string>

#include <gtest/gtest.h>

#include "frontend/functions/functions.h"
#include "frontend/nn/nn.h"
#include "frontend/optim/optim.h"
#include "frontend/trace/jit.h"
#include "ir/error.h"

namespace lathe {
namespace {

class Scale final : public nn::Module {
public:
    Scale() : factor(register_parameter("factor", full({}, 2))), calls(register_buffer("calls", zeros({}))) {}

    nn::Parameter factor;
    nn::Buffer calls;

private:
    Tensor forward(const Tensor& x) const override {
        if (!is_training()) return x;
        calls.set(calls + 1.0);
        return x * factor;
    }
};

template <class F>
std::string message_of(const F& f) {
    try {
        f();
    } catch (const Error& e) {
        return e.what();
    }
    ADD_FAILURE() << "nothing was thrown";
    return "";
}

TEST(Module, AModeIsAVariantOfACompiledFunction) {
    const Scale scale;
    const auto f = jit([&](const Tensor& x) { return scale(x); });
    const Tensor x = Tensor::from({1.0F, 3.0F});
    for (int turn = 0; turn < 3; ++turn) {
        scale.train();
        EXPECT_EQ(f(x).to_vector<float>(), (std::vector<float>{2, 6}));
        scale.eval();
        EXPECT_EQ(f(x).to_vector<float>(), (std::vector<float>{1, 3}));
    }
    EXPECT_EQ(f.statistics().traces, 2U);
    EXPECT_EQ(scale.calls.item<float>(), 3.0F);
}

TEST(Module, AModeThatATracedFunctionSetsIsNoneThatItDependsOn) {
    const Scale scale;
    const auto f = jit([&](const Tensor& x) {
        scale.train();
        const Tensor y = scale(x);
        scale.eval();
        return y;
    });
    const Tensor x = Tensor::from({1.0F});
    for (int turn = 0; turn < 3; ++turn) EXPECT_EQ(f(x).item<float>(), 2.0F);
    EXPECT_EQ(f.statistics().traces, 1U);
}

TEST(Module, ACompiledFunctionOutlivesItsModules) {
    auto scale = std::make_unique<Scale>();
    const auto f = jit([&](const Tensor& x) { return (*scale)(x); });
    EXPECT_EQ(f(Tensor::from({1.0F})).item<float>(), 2.0F);
    scale.reset();
    const Scale other;
    other.eval();  // a flag has changed, and the one that is gone is looked at
    EXPECT_EQ(f(Tensor::from({4.0F})).item<float>(), 8.0F);
}

TEST(Module, WhatIsFrozenStaysAsItIsInCompiledSteps) {
    nn::Generator random(3);
    const nn::Linear layer(2, 2, random);
    optim::Sgd optimizer(layer.parameters(), {.learning_rate = 0.1});
    const auto step = jit([&](const Tensor& x) {
        Tensor loss = sum(layer(x));
        loss.backward();
        optimizer.step();
        return loss;
    });
    const Tensor x = Tensor::from({1.0F, 2.0F});
    const auto changes = [&](const Tensor& t) {
        const std::vector<float> before = t.to_vector<float>();
        step(x);
        return before != t.to_vector<float>();
    };
    EXPECT_TRUE(changes(layer.weight));
    layer.weight.set_trainable(false);
    EXPECT_FALSE(changes(layer.weight));
    EXPECT_TRUE(changes(layer.bias));
    layer.unfreeze();
    EXPECT_TRUE(changes(layer.weight));
    EXPECT_EQ(step.statistics().traces, 2U);  // the first program fits again
    layer.freeze();
    EXPECT_NE(message_of([&] { sum(layer(x)).backward(); }).find("not computed from any trainable variable"),
              std::string::npos);
    EXPECT_NE(message_of([&] {
                  jit([&](const Tensor& y) {
                      layer.unfreeze();
                      return y;
                  })(x);
              }).find("set_trainable: a function that is being traced cannot change it"),
              std::string::npos);
}

class Tied final : public nn::Module {
public:
    explicit Tied(nn::Generator& random)
        : first_(register_module("first", nn::Linear(3, 3, random))),
          second_(register_module("second", nn::Linear(first_))),
          extra_(register_parameter("extra", first_.bias)) {}

private:
    Tensor forward(const Tensor& x) const override { return second_(first_(x)) + extra_; }
    nn::Linear first_, second_;
    nn::Parameter extra_;
};

TEST(Module, WhatIsTiedComesOnceAndStaysTiedInAClone) {
    nn::Generator random(1);
    const Tied tied(random);
    const auto paths = [](const auto& named) {
        std::string out;
        for (const auto& [path, t] : named) out += path + " ";
        return out;
    };
    EXPECT_EQ(paths(tied.named_parameters()), "extra first.weight ");
    std::string all;
    for (const nn::StateEntry& e : tied.state()) all += e.path + " ";
    EXPECT_EQ(all, "extra first.weight first.bias second.weight second.bias ");
    const Tied copy = nn::clone(tied);
    EXPECT_EQ(paths(copy.named_parameters()), "extra first.weight ");
    EXPECT_EQ(copy.parameter_count(), 12);
    const Tensor x = ones({3});
    EXPECT_EQ(tied(x).to_vector<float>(), copy(x).to_vector<float>());
    for (const Tensor& p : copy.parameters()) p.set(p * 0.0);
    EXPECT_EQ(copy(x).to_vector<float>(), (std::vector<float>{0, 0, 0}));
    EXPECT_NE(tied(x).to_vector<float>(), copy(x).to_vector<float>());
}

TEST(Module, NamesAreChecked) {
    class Wrong final : public nn::Module {
    public:
        explicit Wrong(const std::string& name) {
            register_parameter("taken", ones({}));
            register_buffer(name, ones({}));
        }

    private:
        Tensor forward(const Tensor& x) const override { return x; }
    };
    EXPECT_NE(message_of([] { Wrong(""); }).find("register: the name \"\" is empty"), std::string::npos);
    EXPECT_NE(message_of([] { Wrong("a.b"); }).find("\"a.b\" has a dot"), std::string::npos);
    EXPECT_NE(message_of([] { Wrong("taken"); }).find("\"taken\" is taken"), std::string::npos);
}

TEST(Module, ListsAndDictionariesHaveTheirPathsInErrors) {
    class Broken final : public nn::Module {
        Tensor forward(const Tensor& x) const override { return matmul(x, ones({7, 7})); }
    };
    class Net final : public nn::Module {
    public:
        Net() {
            blocks_.append(Broken()).append(Broken());
            register_module("blocks", blocks_);
            heads_ = register_module("heads", std::move(heads_));
            heads_.insert("left", Broken());
        }
        bool left = false;

    private:
        Tensor forward(const Tensor& x) const override { return left ? heads_.at("left")(x) : blocks_.at(1)(x); }
        nn::ModuleList<Broken> blocks_;
        nn::ModuleDict<> heads_;
    };
    Net net;
    EXPECT_NE(message_of([&] { net(ones({2, 2})); }).find(", in blocks.1, called at "), std::string::npos);
    net.left = true;
    EXPECT_NE(message_of([&] { net(ones({2, 2})); }).find(", in heads.left, called at "), std::string::npos);
    const nn::ModuleList<Broken> none;
    EXPECT_NE(message_of([&] { none.at(0); }).find("there is no module 0 of 0"), std::string::npos);
    nn::ModuleDict<> dictionary;
    EXPECT_NE(message_of([&] { dictionary.at("x"); }).find("there is no module \"x\""), std::string::npos);
}

TEST(Module, SequencesHaveNamesPlacesAndClones) {
    nn::Generator random(1);
    nn::Sequential net(nn::Linear(2, 2, random));
    net.append("half", nn::lambda([](const Tensor& x) { return x * 0.5; })).append(nn::Linear(2, 1, random));
    std::string paths;
    for (const auto& [path, p] : net.named_parameters()) paths += path + " ";
    EXPECT_EQ(paths, "0.weight 0.bias 2.weight 2.bias ");
    const Tensor x = Tensor::from({1.0F, -2.0F});
    EXPECT_EQ(net.at(2)(net.at(1)(net.at(0)(x))).item<float>(), net(x).item<float>());
    nn::Sequential copy = nn::clone(net);
    copy.append(nn::lambda([](const Tensor& y) { return y * 3.0; }));
    EXPECT_EQ(net.size(), 3U);
    EXPECT_EQ(copy(x).item<float>(), net(x).item<float>() * 3.0F);
    const nn::Sequential shared = net;
    net.append(nn::ReLU());
    EXPECT_EQ(shared.size(), 4U);
}

TEST(Module, DropoutTakesOtherNumbersAtEveryCallOfACompiledFunction) {
    nn::Generator random(5);
    const nn::Dropout dropout(0.5, random);
    const auto f = jit([&](const Tensor& x) { return dropout(x); });
    const Tensor x = ones({64});
    const std::vector<float> a = f(x).to_vector<float>(), b = f(x).to_vector<float>();
    EXPECT_NE(a, b);
    EXPECT_EQ(std::ranges::count(a, 0.0F) + std::ranges::count(a, 2.0F), 64);
    dropout.eval();
    EXPECT_EQ(f(x).to_vector<float>(), x.to_vector<float>());
    EXPECT_EQ(f.statistics().traces, 2U);
}

TEST(Module, ASummaryIsATable) {
    nn::Generator random(1);
    const nn::Sequential net(nn::Linear(64, 128, random), nn::ReLU(), nn::Linear(128, 10, random));
    net.at(0).freeze();
    EXPECT_EQ(nn::summary(net, {{Dtype::f32, {16, 64}}}),
              "module   class       result        parameters\n"
              "(model)  Sequential  f32[16, 10]            0\n"
              "0        Linear      f32[16, 128]       8,320\n"
              "1        ReLU        f32[16, 128]           0\n"
              "2        Linear      f32[16, 10]        1,290\n"
              "parameters: 9,610, of which 1,290 are trainable\n");
}

TEST(Module, VariablesHavePathsInAStore) {
    nn::Generator random(1);
    nn::VarStore store;
    const auto layer = [&](const std::string& name) {
        nn::VarStore place = store / name;
        const Tensor weight = place.variable("weight", {2, 2}, nn::init::ones());
        return std::pair(weight, Tensor(place.variable("bias", {2}, nn::init::constant(3))));
    };
    const auto [w, b] = layer("fc1");
    store.add("norm", nn::LayerNorm(2));
    (store / "fc1" / "deep").buffer("count", zeros({}));
    std::string paths;
    for (const nn::StateEntry& e : store.state()) paths += e.path + " ";
    EXPECT_EQ(paths, "fc1.weight fc1.bias fc1.deep.count norm.weight norm.bias ");
    EXPECT_EQ((matmul(ones({1, 2}), w) + b).to_vector<float>(), (std::vector<float>{5, 5}));
    (store / "fc1").freeze();
    EXPECT_EQ(store.parameter_count(true), 4);
    EXPECT_NE(message_of([&] { layer("fc1"); }).find("\"weight\" is taken"), std::string::npos);
}

// Mean and deviation of many elements, and the greatest of them.
struct Spread {
    explicit Spread(const Tensor& t)
        : mean(lathe::mean(t).item<float>()),
          deviation(stddev(t).item<float>()),
          greatest(lathe::max(abs(t)).item<float>()) {}
    double mean, deviation, greatest;
};

TEST(Init, SpreadsAsTheFormulasSay) {
    nn::Generator random(9);
    namespace init = nn::init;
    const std::vector<std::int64_t> shape{40, 20, 3, 3};  // 180 inputs, 360 outputs
    struct Row {
        const char* name;
        init::Initializer initializer;
        double mean, deviation, limit;  // no element is beyond
    };
    const double infinite = 1e9;
    const Row rows[] = {
        {"uniform", init::uniform(random, {.low = -1, .high = 3}), 1, 4 / std::sqrt(12), 3},
        {"normal", init::normal(random, {.mean = 2, .stddev = 0.5}), 2, 0.5, infinite},
        // A normal distribution between -2 and 2 deviations has 0.8796 of its deviation.
        {"trunc_normal", init::trunc_normal(random, {.stddev = 1}), 0, 0.8796, 2},
        {"xavier_uniform", init::xavier_uniform(random), 0, std::sqrt(2.0 / 540), std::sqrt(6.0 / 540)},
        {"xavier_normal", init::xavier_normal(random, 2), 0, 2 * std::sqrt(2.0 / 540), infinite},
        {"kaiming_uniform", init::kaiming_uniform(random, {.slope = std::sqrt(5.0)}), 0, std::sqrt(1.0 / 3 / 180),
         1 / std::sqrt(180.0)},
        {"kaiming_normal",
         init::kaiming_normal(random, {.mode = init::FanMode::out, .nonlinearity = init::Nonlinearity::relu}), 0,
         std::sqrt(2.0 / 360), infinite},
    };
    for (const Row& row : rows) {
        const Spread spread(row.initializer(shape));
        EXPECT_NEAR(spread.mean, row.mean, 0.06 * row.deviation) << row.name;
        EXPECT_NEAR(spread.deviation, row.deviation, 0.04 * row.deviation) << row.name;
        EXPECT_LE(spread.greatest, row.limit * 1.00001) << row.name;
    }
    EXPECT_EQ(init::constant(1.5)({2}).to_vector<float>(), (std::vector<float>{1.5F, 1.5F}));
}

TEST(Init, OrthogonalRowsOrColumnsAreOrthonormal) {
    nn::Generator random(2);
    const nn::Linear layer(5, 3, random);
    nn::init::orthogonal(random, 2).fill(layer.weight);
    const Tensor squares = matmul(layer.weight.t(), layer.weight);
    EXPECT_LT(lathe::max(abs(squares - eye(3) * 4.0)).item<float>(), 1e-5F);
    const Tensor wide = nn::init::orthogonal(random)({2, 3, 2});
    const Tensor rows = reshape(wide, {2, 6});
    EXPECT_LT(lathe::max(abs(matmul(rows, rows.t()) - eye(2))).item<float>(), 1e-5F);
}

TEST(Init, KnowsWhichLayoutAParameterHas) {
    nn::Generator random(2);
    EXPECT_EQ(nn::init::fan_of({10, 4, 3}).in, 12);
    EXPECT_EQ(nn::init::fan_of({10, 4, 3}).out, 30);
    EXPECT_EQ(nn::init::fan_of({10, 4}, nn::Layout::transposed).in, 10);
    const nn::Linear layer(100, 4, random);
    EXPECT_EQ(layer.weight.layout(), nn::Layout::transposed);
    nn::init::kaiming_uniform(random).fill(layer.weight);
    EXPECT_GT(lathe::max(abs(layer.weight)).item<float>(), 0.2F);  // sqrt(6 / 100), not sqrt(6 / 4)
    EXPECT_LT(lathe::max(abs(layer.weight)).item<float>(), 0.25F);
}

}  // namespace
}  // namespace lathe
