// Optimisers against PyTorch's recorded trajectories (reference/optimizers.py) and against the formulas of papers;
// groups, state, and what a step costs.
#include <cmath>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <numeric>
#include <sstream>

#include <gtest/gtest.h>

#include "codegen/compile.h"
#include "inspect.h"
#include "lathe.h"

namespace lathe {
namespace {

using Parameters = std::vector<Tensor>;
using Made = std::unique_ptr<optim::Optimizer>;

const std::vector<std::vector<std::int64_t>> shapes = {{3}, {2, 3}, {}};

std::vector<double> formula(double (*f)(double), double offset, std::size_t k) {
    std::vector<double> out;
    const std::int64_t size = std::accumulate(shapes[k].begin(), shapes[k].end(), std::int64_t{1}, std::multiplies<>());
    for (std::int64_t j = 0; j < size; ++j) out.push_back(f(offset + static_cast<double>(j) + 10.0 * double(k)));
    return out;
}
Tensor tensor(double (*f)(double), double offset, std::size_t k, Dtype dtype) {
    return convert(Tensor::from(formula(f, offset, k), shapes[k]), dtype);
}
Parameters make_parameters(Dtype dtype) {
    Parameters all;
    for (std::size_t k = 0; k < shapes.size(); ++k) all.push_back(variable(tensor(std::sin, 1, k, dtype)));
    return all;
}
double curvature(double i) { return 0.5 + std::fmod(i, 3); }

Tensor objective(const Parameters& ps) {
    Tensor total = zeros({}, ps[0].dtype());
    for (std::size_t k = 0; k < ps.size(); ++k) {
        const Tensor difference = ps[k] - tensor(std::cos, 2, k, ps[k].dtype());
        const Tensor weights = tensor(curvature, 0, k, ps[k].dtype());
        total = total + sum(weights * difference * difference) / 2 + sum(cos(ps[k] * 3)) / 10;
    }
    return total;
}

std::vector<double> elements(const Parameters& ps) {
    std::vector<double> all;
    for (const Tensor& p : ps)
        for (const double x : convert(p, Dtype::f64).to_vector<double>()) all.push_back(x);
    return all;
}

template <class T>
auto make(decltype(std::declval<typename T::Options>()) options) {
    return [options](const Parameters& ps) -> Made { return std::make_unique<T>(ps, options); };
}

const std::map<std::string, std::function<Made(const Parameters&)>> cases = {
    {"sgd", make<optim::Sgd>({.learning_rate = 0.02})},
    {"sgd_weight_decay", make<optim::Sgd>({.learning_rate = 0.02, .weight_decay = 0.1})},
    {"sgd_momentum", make<optim::Sgd>({.learning_rate = 0.02, .momentum = 0.9})},
    {"sgd_dampening",
     make<optim::Sgd>({.learning_rate = 0.02, .momentum = 0.9, .dampening = 0.5, .weight_decay = 0.1})},
    {"sgd_nesterov",
     make<optim::Sgd>({.learning_rate = 0.02, .momentum = 0.9, .weight_decay = 0.1, .nesterov = true})},
    {"sgd_maximize",
     make<optim::Sgd>({.learning_rate = 0.001, .momentum = 0.5, .weight_decay = 0.1, .maximize = true})},
    {"adam", make<optim::Adam>({.learning_rate = 0.02})},
    {"adam_betas", make<optim::Adam>({.learning_rate = 0.02, .beta1 = 0.8, .beta2 = 0.9, .epsilon = 1e-3})},
    {"adam_weight_decay", make<optim::Adam>({.learning_rate = 0.02, .weight_decay = 0.1})},
    {"adam_amsgrad", make<optim::Adam>({.learning_rate = 0.1, .beta2 = 0.9, .amsgrad = true})},
    {"adam_maximize", make<optim::Adam>({.learning_rate = 0.02, .weight_decay = 0.1, .maximize = true})},
    {"adamw", make<optim::AdamW>({.learning_rate = 0.02})},
    {"adamw_amsgrad", make<optim::AdamW>({.learning_rate = 0.02, .weight_decay = 0.1, .amsgrad = true})},
    {"adamw_maximize", make<optim::AdamW>({.learning_rate = 0.02, .weight_decay = 0.1, .maximize = true})},
    {"adamax", make<optim::Adamax>({.learning_rate = 0.02})},
    {"adamax_weight_decay",
     make<optim::Adamax>({.learning_rate = 0.02, .beta1 = 0.8, .beta2 = 0.9, .weight_decay = 0.1})},
    {"adamax_maximize", make<optim::Adamax>({.learning_rate = 0.02, .maximize = true})},
    {"nadam", make<optim::NAdam>({.learning_rate = 0.02})},
    {"nadam_weight_decay", make<optim::NAdam>({.learning_rate = 0.02, .weight_decay = 0.1, .momentum_decay = 0.05})},
    {"radam", make<optim::RAdam>({.learning_rate = 0.02})},
    {"radam_weight_decay",
     make<optim::RAdam>({.learning_rate = 0.02, .beta1 = 0.8, .beta2 = 0.9, .weight_decay = 0.1})},
    {"rmsprop", make<optim::RmsProp>({.learning_rate = 0.02})},
    {"rmsprop_centered", make<optim::RmsProp>({.learning_rate = 0.01, .alpha = 0.9, .epsilon = 0.1, .centered = true})},
    {"rmsprop_momentum", make<optim::RmsProp>({.learning_rate = 0.01, .weight_decay = 0.1, .momentum = 0.5})},
    {"rmsprop_all", make<optim::RmsProp>({.learning_rate = 0.01,
                                          .alpha = 0.9,
                                          .weight_decay = 0.1,
                                          .momentum = 0.5,
                                          .centered = true,
                                          .maximize = true})},
    {"adagrad", make<optim::Adagrad>({.learning_rate = 0.1})},
    {"adagrad_decay",
     make<optim::Adagrad>(
         {.learning_rate = 0.1, .learning_rate_decay = 0.05, .weight_decay = 0.1, .initial_accumulator = 0.5})},
    {"adagrad_maximize", make<optim::Adagrad>({.learning_rate = 0.1, .maximize = true})},
    {"adadelta", make<optim::Adadelta>({})},
    {"adadelta_weight_decay",
     make<optim::Adadelta>({.learning_rate = 0.5, .rho = 0.8, .epsilon = 1e-4, .weight_decay = 0.1})},
    {"adadelta_maximize", make<optim::Adadelta>({.maximize = true})},
    {"groups",
     [](const Parameters& p) -> Made {
         return std::make_unique<optim::AdamW>(
             std::vector<optim::AdamW::Group>{{.parameters = {p[0], p[1]}},
                                              {.parameters = {p[2]},
                                               .options = {.learning_rate = 0.1, .weight_decay = 0}}},
             optim::AdamWOptions{.learning_rate = 0.02, .weight_decay = 0.1});
     }},
};

// By case and step.
std::map<std::string, std::map<int, std::vector<double>>> recorded() {
    std::map<std::string, std::map<int, std::vector<double>>> all;
    std::ifstream file(LATHE_SOURCE_DIR "/tests/reference/optimizers.txt");
    for (std::string line; std::getline(file, line);) {
        std::istringstream in(line);
        std::string name;
        int step = 0;
        in >> name >> step;
        std::vector<double>& values = all[name][step];
        for (double x = 0; in >> x;) values.push_back(x);
    }
    return all;
}

enum class How : std::uint8_t { lazy, jitted };

std::map<int, std::vector<double>> trajectory(const std::function<Made(const Parameters&)>& make_optimizer, Dtype dtype,
                                              How how) {
    const Parameters ps = make_parameters(dtype);
    const Made optimizer = make_optimizer(ps);
    const auto body = [&](const Tensor& x) {
        const Tensor loss = objective(ps) + x;
        loss.backward();
        optimizer->step();
        return loss;
    };
    const auto step = jit(body);
    std::map<int, std::vector<double>> all;
    for (int i = 1; i <= 100; ++i) {
        how == How::jitted ? step(zeros({}, dtype)) : body(zeros({}, dtype));
        all[i] = elements(ps);
    }
    return all;
}

void expect_near(const std::vector<double>& a, const std::vector<double>& b, double tolerance,
                 const std::string& what) {
    ASSERT_EQ(a.size(), b.size()) << what;
    for (std::size_t i = 0; i < a.size(); ++i)
        ASSERT_NEAR(a[i], b[i], tolerance * std::max(1.0, std::abs(b[i]))) << what << ", element " << i;
}

TEST(Optimizers, go_where_those_of_pytorch_go) {
    const auto reference = recorded();
    for (const auto& [name, make_optimizer] : cases) {
        ASSERT_TRUE(reference.contains(name)) << name;
        const auto lazy = trajectory(make_optimizer, Dtype::f64, How::lazy);
        EXPECT_EQ(trajectory(make_optimizer, Dtype::f64, How::jitted), lazy) << name;
        const auto narrow = trajectory(make_optimizer, Dtype::f32, How::jitted);
        for (const auto& [step, expected] : reference.at(name)) {
            expect_near(lazy.at(step), expected, 1e-8, name + ", step " + std::to_string(step));
            expect_near(narrow.at(step), expected, 1e-5, name + " of f32, step " + std::to_string(step));
        }
    }
}

// ---- optimisers that PyTorch does not have, as their papers write them

struct State {
    std::vector<double> m, v, greatest;
    explicit State(std::size_t n) : m(n), v(n), greatest(n) {}
};
// One step t of one parameter p with gradient g.
using Formula = std::function<void(int t, std::vector<double>& p, const std::vector<double>& g, State& s)>;

void moments(double beta1, double beta2, const std::vector<double>& g, State& s) {
    for (std::size_t i = 0; i < g.size(); ++i) {
        s.m[i] = beta1 * s.m[i] + (1 - beta1) * g[i];
        s.v[i] = beta2 * s.v[i] + (1 - beta2) * g[i] * g[i];
    }
}
double length(const std::vector<double>& x) {
    return std::sqrt(std::inner_product(x.begin(), x.end(), x.begin(), 0.0));
}

Formula lamb(double rate, double decay) {
    return [=](int t, std::vector<double>& p, const std::vector<double>& g, State& s) {
        moments(0.9, 0.999, g, s);
        std::vector<double> r(p.size());
        for (std::size_t i = 0; i < p.size(); ++i)
            r[i] =
                s.m[i] / (1 - std::pow(0.9, t)) / (std::sqrt(s.v[i] / (1 - std::pow(0.999, t))) + 1e-6) + decay * p[i];
        const double trust = length(p) > 0 && length(r) > 0 ? length(p) / length(r) : 1;
        for (std::size_t i = 0; i < p.size(); ++i) p[i] -= rate * trust * r[i];
    };
}
Formula lion(double rate, double decay) {
    return [=](int, std::vector<double>& p, const std::vector<double>& g, State& s) {
        for (std::size_t i = 0; i < p.size(); ++i) {
            const double c = 0.9 * s.m[i] + 0.1 * g[i];
            p[i] -= rate * ((c > 0 ? 1 : c < 0 ? -1 : 0) + decay * p[i]);
            s.m[i] = 0.99 * s.m[i] + 0.01 * g[i];
        }
    };
}
Formula ada_bound(double rate, double final_rate, double gamma, bool ams, double decay) {
    return [=](int t, std::vector<double>& p, std::vector<double> g, State& s) {
        for (std::size_t i = 0; i < p.size(); ++i) g[i] += decay * p[i];
        moments(0.9, 0.999, g, s);
        const double low = final_rate * (1 - 1 / (gamma * t + 1)), high = final_rate * (1 + 1 / (gamma * t));
        for (std::size_t i = 0; i < p.size(); ++i) {
            s.greatest[i] = std::max(s.greatest[i], s.v[i]);
            const double scale = std::sqrt(ams ? s.greatest[i] : s.v[i]) + 1e-8;
            const double size = rate * std::sqrt(1 - std::pow(0.999, t)) / (1 - std::pow(0.9, t)) / scale;
            p[i] -= std::min(std::max(size, low), high) * s.m[i];
        }
    };
}

TEST(Optimizers, of_papers_follow_their_formulas) {
    struct Case {
        const char* name;
        std::function<Made(const Parameters&)> make;
        Formula formula;
    };
    const Case all[] = {
        {"lamb", make<optim::Lamb>({.learning_rate = 0.02}), lamb(0.02, 0)},
        {"lamb, weight decay", make<optim::Lamb>({.learning_rate = 0.02, .weight_decay = 0.1}), lamb(0.02, 0.1)},
        {"lion", make<optim::Lion>({.learning_rate = 0.01}), lion(0.01, 0)},
        {"lion, weight decay", make<optim::Lion>({.learning_rate = 0.01, .weight_decay = 0.2}), lion(0.01, 0.2)},
        {"adabound", make<optim::AdaBound>({.learning_rate = 0.02}), ada_bound(0.02, 0.1, 1e-3, false, 0)},
        {"amsbound",
         make<optim::AdaBound>(
             {.learning_rate = 0.02, .final_rate = 0.05, .gamma = 0.1, .weight_decay = 0.1, .amsbound = true}),
         ada_bound(0.02, 0.05, 0.1, true, 0.1)},
    };
    for (const Case& c : all) {
        const auto lazy = trajectory(c.make, Dtype::f64, How::lazy);
        EXPECT_EQ(trajectory(c.make, Dtype::f64, How::jitted), lazy) << c.name;
        std::vector<std::vector<double>> ps;
        std::vector<State> states;
        for (std::size_t k = 0; k < shapes.size(); ++k) {
            ps.push_back(formula(std::sin, 1, k));
            states.emplace_back(ps.back().size());
        }
        for (int t = 1; t <= 100; ++t) {
            std::vector<double> now;
            for (std::size_t k = 0; k < ps.size(); ++k) {
                const std::vector<double> target = formula(std::cos, 2, k), weights = formula(curvature, 0, k);
                std::vector<double> g;
                for (std::size_t i = 0; i < ps[k].size(); ++i)
                    g.push_back(weights[i] * (ps[k][i] - target[i]) - 0.3 * std::sin(3 * ps[k][i]));
                c.formula(t, ps[k], g, states[k]);
                now.insert(now.end(), ps[k].begin(), ps[k].end());
            }
            expect_near(lazy.at(t), now, 1e-9, c.name);
        }
    }
}

// ---- one of a user's

class HeavyBall final : public optim::Optimizer {
public:
    explicit HeavyBall(std::vector<Tensor> parameters)
        : Optimizer(std::move(parameters), 0.02, Memories{{{"ball"}}, {{"count", 5}}}) {}

private:
    void begin(std::size_t group, Step& step) override {
        step.set(group_state(group, "count"), group_state(group, "count") + 1);
    }
    void update(std::size_t i, const Tensor& gradient, Step& step) override {
        const Tensor ball = state(i, "ball") * 0.9 + gradient;
        step.set(state(i, "ball"), ball);
        step.set(parameter(i), parameter(i) - ball * rate(i));
    }
};
class Forgetful final : public optim::Optimizer {
public:
    using Optimizer::Optimizer;

private:
    void update(std::size_t i, const Tensor&, Step& step) override { step.set(parameter(i), state(i, "ball")); }
};

TEST(Optimizers, of_users_have_state_too) {
    const auto own = [](const Parameters& ps) -> Made { return std::make_unique<HeavyBall>(ps); };
    const auto expected = trajectory(cases.at("sgd_momentum"), Dtype::f64, How::lazy);
    for (const How how : {How::lazy, How::jitted})
        expect_near(trajectory(own, Dtype::f64, how).at(100), expected.at(100), 1e-12, "heavy ball");
    const HeavyBall optimizer(make_parameters(Dtype::f64));
    EXPECT_EQ(optimizer.named_state().back().first, "groups.0.count");
    EXPECT_EQ(optimizer.named_state().back().second.item<double>(), 5);
    const Parameters ps = make_parameters(Dtype::f64);
    Forgetful forgetful(ps, 0.1);
    objective(ps).backward();
    EXPECT_THROW(forgetful.step(), UserError);
}

// ---- groups

TEST(Optimizers, have_groups_that_take_what_they_leave_out_from_the_defaults) {
    const Parameters p = make_parameters(Dtype::f64);
    optim::Sgd sgd({{.parameters = {p[0]}}, {.parameters = {p[1]}, .options = {.learning_rate = 0.5}}},
                   {.learning_rate = 0.25});
    EXPECT_EQ(sgd.group_count(), 2U);
    EXPECT_EQ(sgd.learning_rate(0), 0.25);
    EXPECT_EQ(sgd.learning_rate(1), 0.5);
    sgd.add_group({.parameters = {p[2]}, .options = {.momentum = 0.5}});
    EXPECT_EQ(sgd.learning_rate(2), 0.25);
    sgd.set_learning_rate(1, 0.0);
    const std::vector<double> still = p[1].to_vector<double>();
    objective(p).backward();
    const std::vector<double> first = p[0].to_vector<double>(), gradient = p[0].grad().to_vector<double>();
    sgd.step();
    EXPECT_EQ(p[1].to_vector<double>(), still);
    for (std::size_t i = 0; i < first.size(); ++i)
        EXPECT_DOUBLE_EQ(p[0].to_vector<double>()[i], first[i] - 0.25 * gradient[i]);
    sgd.set_learning_rate(1.5);
    for (std::size_t g = 0; g < 3; ++g) EXPECT_EQ(sgd.learning_rate(g), 1.5);
}

TEST(Optimizers, compile_nothing_anew_for_another_rate_or_batch) {
    const Tensor w = variable(random_uniform(1, {4, 3}), "w"), b = variable(zeros({3}), "b");
    optim::AdamW adam({{.parameters = {w}}, {.parameters = {b}, .options = {.weight_decay = 0}}});
    const auto step = jit([&](const Tensor& x) {
        const Tensor loss = mean(square(matmul(x, w) + b));
        loss.backward();
        adam.step();
        return loss;
    });
    for (std::int64_t i = 0; i < 8; ++i) {
        adam.set_learning_rate(static_cast<std::size_t>(i % 2), 0.1 / static_cast<double>(i + 1));
        step(random_uniform(static_cast<std::uint64_t>(i), {2 + i, 4}));
    }
    EXPECT_EQ(step.statistics().traces, 1U);
}

// Parallel loops that a run enters, one behind the other: a batch of kernels is one.
std::size_t loops_of(const runtime::Plan& plan) {
    std::size_t count = 0;
    for (std::size_t i = 0; i < plan.steps.size(); ++count)
        i = plan.steps[i].kind == lathe_step_batch ? plan.steps[i].target : i + 1;
    return count;
}

TEST(Optimizers, update_many_parameters_in_few_loops) {
    Parameters ps;
    for (std::uint64_t i = 0; i < 50; ++i)
        ps.push_back(variable(random_uniform(i, {static_cast<std::int64_t>(3 + i % 5), 16})));
    for (const char* const name : {"sgd", "sgd_dampening", "adam", "adamw_amsgrad", "nadam", "radam", "rmsprop_all"}) {
        const Made optimizer = cases.at(name)(ps);
        const auto step = jit([&](const Tensor& x) {
            for (const Tensor& p : ps) p.set_grad(p * x);
            optimizer->step();
            return x;
        });
        step(Tensor::scalar(0.5F));
        const runtime::Plan& plan = step.statistics().executable->plan;
        EXPECT_GE(inspect(step).statistics().operations, 150U) << name;
        EXPECT_LE(loops_of(plan), 4U) << name << "\n" << inspect(step).text(Stage::program);
        EXPECT_LE(inspect(step).statistics().compiled, 8U) << name << ": equal updates compile once";
    }
}

// ---- state

TEST(Optimizers, go_on_from_saved_state_as_if_nothing_had_been) {
    for (const auto& [name, make_optimizer] : cases) {
        const auto run = [](const Parameters& ps, optim::Optimizer& optimizer, int steps) {
            for (int i = 0; i < steps; ++i) {
                objective(ps).backward();
                optimizer.step();
            }
        };
        const Parameters ps = make_parameters(Dtype::f32);
        const Made optimizer = make_optimizer(ps);
        run(ps, *optimizer, 3);
        optim::NamedState saved;
        for (const auto& [key, value] : optimizer->named_state())
            saved.emplace_back(key, Tensor::from(value.to_array()));
        Parameters copies;
        for (const Tensor& p : ps) copies.push_back(variable(Tensor::from(p.to_array())));
        const Made other = make_optimizer(copies);
        other->load_state(saved);
        run(ps, *optimizer, 3);
        run(copies, *other, 3);
        EXPECT_EQ(elements(ps), elements(copies)) << name;
    }
}

TEST(Optimizers, name_everything_that_is_wrong_with_a_state) {
    const Parameters ps = make_parameters(Dtype::f32);
    optim::Adam adam(ps);
    optim::NamedState state = adam.named_state();
    EXPECT_EQ(state[0].first, "0.first_moment");
    EXPECT_EQ(state.back().first, "groups.0.beta2_power");
    state[0].first = "0.first";
    state[1].second = zeros({7});
    state.push_back(state[2]);
    try {
        adam.load_state(state);
        FAIL() << "nothing was thrown";
    } catch (const TypeError& e) {
        const std::string message = e.what();
        EXPECT_NE(message.find("load_state: Adam: \"1.first_moment\" is given twice; \"0.first_moment\" is missing; "
                               "\"0.second_moment\" is f32[7], not f32[3]; \"0.first\" is not of this state"),
                  std::string::npos)
            << message;
    }
}

TEST(Optimizers, step_if_changes_nothing_where_the_condition_is_false) {
    for (const auto& [name, make_optimizer] : cases)
        for (const How how : {How::lazy, How::jitted}) {
            const Parameters ps = make_parameters(Dtype::f32);
            const Made optimizer = make_optimizer(ps);
            const auto body = [&](const Tensor& condition) {
                objective(ps).backward();
                optimizer->step_if(condition);
                return condition;
            };
            const auto step = jit(body);
            const auto all = [&] {
                std::vector<Array> values;
                for (const Tensor& p : ps) values.push_back(p.to_array());
                for (const auto& [key, value] : optimizer->named_state()) values.push_back(value.to_array());
                return values;
            };
            const auto act = [&](bool condition) {
                how == How::jitted ? step(Tensor::scalar(condition)) : body(Tensor::scalar(condition));
            };
            act(true);
            const std::vector<Array> before = all();
            act(false);
            EXPECT_EQ(all(), before) << name;
            act(true);
            EXPECT_NE(all(), before) << name;
        }
}

}  // namespace
}  // namespace lathe
