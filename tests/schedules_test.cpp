// Schedules against PyTorch's recorded rates (reference/optimizers.py), their state, and what they are refused for.
#include <cmath>
#include <fstream>
#include <map>
#include <sstream>

#include <gtest/gtest.h>

#include "lathe.h"
#include "tests/refusal.h"

namespace lathe {
namespace {

constexpr int recorded_steps = 30;

std::map<std::string, std::vector<double>> recorded() {
    std::map<std::string, std::vector<double>> all;
    std::ifstream file(LATHE_SOURCE_DIR "/tests/reference/schedules.txt");
    for (std::string line; std::getline(file, line);) {
        std::istringstream in(line);
        std::string name;
        in >> name;
        for (double x = 0; in >> x;) all[name].push_back(x);
    }
    return all;
}

const std::map<std::string, optim::Curve> curves = {
    {"step", optim::StepLR{.step_size = 7, .gamma = 0.5}},
    {"multi_step", optim::MultiStepLR{.milestones = {3, 3, 11}, .gamma = 0.5}},
    {"exponential", optim::ExponentialLR{.gamma = 0.9}},
    {"constant", optim::ConstantLR{.factor = 0.25, .steps = 6}},
    {"linear", optim::LinearLR{.start = 0.2, .end = 0.8, .steps = 8}},
    {"polynomial", optim::PolynomialLR{.steps = 12, .power = 2}},
    {"cosine", optim::CosineAnnealingLR{.period = 10, .minimum = 0.01}},
    {"warm_restarts", optim::CosineAnnealingWarmRestarts{.period = 4, .growth = 2, .minimum = 0.01}},
    {"one_cycle", optim::OneCycleLR{.max_rate = 0.5, .steps = 30}},
    {"one_cycle_linear", optim::OneCycleLR{.max_rate = 0.5,
                                           .steps = 30,
                                           .warm_up = 0.4,
                                           .linear = true,
                                           .div_factor = 10,
                                           .final_div_factor = 100,
                                           .three_phases = true}},
    {"lambda", optim::LambdaLR{[](std::int64_t t) { return 1 / (1 + static_cast<double>(t)); }}},
    {"sequential",
     optim::SequentialLR{.curves = {optim::LinearLR{.start = 0.1, .steps = 5}, optim::ExponentialLR{.gamma = 0.9}},
                         .milestones = {5}}},
};

void expect_rates(const std::vector<double>& seen, const std::vector<double>& expected, const std::string& name) {
    ASSERT_EQ(seen.size(), expected.size()) << name;
    for (std::size_t i = 0; i < seen.size(); ++i)
        EXPECT_NEAR(seen[i], expected[i], 1e-11 * std::max(1.0, expected[i])) << name << ", step " << i;
}

TEST(Schedules, set_the_rates_of_pytorchs) {
    const auto reference = recorded();
    for (const auto& [name, curve] : curves) {
        optim::Sgd sgd({variable(zeros({1}))}, {.learning_rate = 0.1});
        optim::Schedule schedule(sgd, curve);
        std::vector<double> seen{sgd.learning_rate()};
        while (seen.size() < recorded_steps) {
            schedule.step();
            seen.push_back(sgd.learning_rate());
        }
        expect_rates(seen, reference.at(name), name);
    }
}

TEST(Schedules, wait_on_plateaus_as_pytorch_does) {
    const auto reference = recorded();
    const std::map<std::string, optim::PlateauOptions> plateaus = {
        {"plateau", {.factor = 0.5, .patience = 2}},
        {"plateau_max", {.maximize = true, .factor = 0.5, .patience = 1, .threshold = 0.1, .is_absolute = true}},
        {"plateau_cooldown", {.factor = 0.1, .patience = 0, .cooldown = 3, .minimum = 0.002}},
    };
    for (const auto& [name, options] : plateaus) {
        optim::Sgd sgd({variable(zeros({1}))}, {.learning_rate = 0.1});
        optim::ReduceLROnPlateau schedule(sgd, options);
        std::vector<double> seen;
        for (int t = 0; t < recorded_steps; ++t) {
            if (t == 11) {  // from here on another one goes on
                optim::ReduceLROnPlateau other(sgd, options);
                other.load_state(schedule.named_state());
                schedule = other;
            }
            schedule.step(1 + std::cos(t / 4.0) / (1 + t));
            seen.push_back(sgd.learning_rate());
        }
        expect_rates(seen, reference.at(name), name);
    }
}

TEST(Schedules, go_on_from_saved_state) {
    for (const auto& [name, curve] : curves) {
        const auto make = [] {
            return optim::Adam({{.parameters = {variable(zeros({1}))}},
                                {.parameters = {variable(zeros({2}))}, .options = {.learning_rate = 0.3}}});
        };
        optim::Adam adam = make(), other = make();
        optim::Schedule schedule(adam, curve);
        for (int i = 0; i < 6; ++i) schedule.step();
        optim::Schedule continued(other, curve);
        continued.load_state(schedule.named_state());
        EXPECT_EQ(continued.position(), 6);
        for (int i = 0; i < 6; ++i) {
            for (std::size_t group = 0; group < 2; ++group)
                EXPECT_EQ(adam.learning_rate(group), other.learning_rate(group)) << name;
            schedule.step();
            continued.step();
        }
    }
}

TEST(Schedules, change_the_rate_of_a_compiled_step_without_another_trace) {
    const Tensor w = variable(ones({3}, Dtype::f64));
    optim::Sgd sgd({w}, {.learning_rate = 1});
    optim::Schedule schedule(sgd, optim::StepLR{.step_size = 1, .gamma = 0.5});
    const auto step = jit([&](const Tensor& x) {
        sum(w * x).backward();
        sgd.step();
        return x;
    });
    double expected = 1;
    for (int i = 0; i < 5; ++i) {
        step(ones({3}, Dtype::f64));
        expected -= std::pow(0.5, i);
        schedule.step();
    }
    EXPECT_EQ(w.to_vector<double>(), std::vector<double>(3, expected));
    EXPECT_EQ(step.statistics().traces, 1U);
}

TEST(Schedules, refuse_what_is_no_schedule) {
    optim::Sgd sgd({variable(zeros({1}))});
    const auto message = [&](const optim::Curve& curve) {
        return testing_support::message_behind_line([&] { optim::Schedule(sgd, curve); });
    };
    EXPECT_EQ(message(optim::StepLR{.step_size = 0}), "StepLR: step_size is 0, less than 1");
    EXPECT_EQ(message(optim::CosineAnnealingWarmRestarts{.period = 3, .growth = 0}),
              "CosineAnnealingWarmRestarts: growth is 0, less than 1");
    EXPECT_EQ(message(optim::LambdaLR{}), "LambdaLR: there is no function");
    EXPECT_EQ(message(optim::SequentialLR{.curves = {optim::StepLR{}}, .milestones = {1, 2}}),
              "SequentialLR: 1 curves need 0 milestones, not 2");
    optim::Schedule schedule(sgd, optim::StepLR{});
    const auto step = jit([&](const Tensor& x) {
        schedule.step();
        return x;
    });
    EXPECT_EQ(
        testing_support::message_behind_line([&] { step(ones({2})); })
            .find("step: it needs values, which a function that is being traced does not have; let schedules step "
                  "between the calls of a compiled function"),
        0U);
}

}  // namespace
}  // namespace lathe
