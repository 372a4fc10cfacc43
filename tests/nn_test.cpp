// Every module of nn, from one table: lazy and compiled, against PyTorch, derivatives, copies, files.
#include "frontend/nn/nn.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <set>
#include <string>
#include <unistd.h>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "frontend/formats/read_file.h"
#include "frontend/functions/functions.h"
#include "frontend/model/model.h"
#include "frontend/trace/jit.h"
#include "tests/nn_cases.h"

namespace lathe {
namespace {

using testing_support::BuiltModule;
using testing_support::ModuleCase;

class Nn : public testing::TestWithParam<ModuleCase> {};

std::vector<Array> arrays_of(std::span<const Tensor> tensors) {
    std::vector<Array> out;
    for (const Tensor& t : tensors) out.push_back(t.to_array());
    return out;
}

bool same_bits(const std::vector<Array>& a, const std::vector<Array>& b) {
    return std::ranges::equal(a, b, [](const Array& x, const Array& y) {
        return x.dtype == y.dtype && x.shape == y.shape && x.bytes == y.bytes;
    });
}

std::vector<Array> state_of(const nn::AnyModule& module) {
    std::vector<Array> out;
    for (const nn::StateEntry& e : module.state()) out.push_back(e.variable.to_array());
    return out;
}

TEST_P(Nn, GivesTheSameBitsLazilyAndCompiled) {
    const BuiltModule lazy = GetParam().make(Dtype::f32), compiled = GetParam().make(Dtype::f32);
    const std::vector<Tensor> x = GetParam().make_inputs(Dtype::f32);
    const auto f = jit([&](const std::vector<Tensor>& inputs) { return compiled.call(inputs); });
    for (const bool training : {true, false, true}) {
        lazy.module.train(training);
        compiled.module.train(training);
        const std::vector<Tensor> expected = lazy.call(x);
        EXPECT_TRUE(same_bits(arrays_of(expected), arrays_of(f(x)))) << training;
        EXPECT_TRUE(same_bits(state_of(lazy.module), state_of(compiled.module))) << training;
    }
    EXPECT_LE(f.statistics().traces, 2U);
}

TEST_P(Nn, HasDerivativesAsDifferencesSay) {
    const BuiltModule built = GetParam().make(Dtype::f64);
    if (!GetParam().draws) testing_support::fill_as_reference(built.module);
    built.module.train(!GetParam().draws);
    std::vector<Tensor> by;
    std::vector<Tensor> x;
    for (const Tensor& t : GetParam().make_inputs(Dtype::f64)) {
        x.push_back(is_float(t.dtype()) ? variable(t + 0.013) : t);  // off the edges of activations
        if (is_float(t.dtype())) by.push_back(x.back());
    }
    for (const Tensor& p : built.module.parameters()) by.push_back(p);
    if (by.empty()) GTEST_FAIL() << "there is nothing to differentiate by";
    // A sum in which every element of the results has a weight of its own.
    const auto weighted = [&](const std::vector<Tensor>& inputs) {
        Tensor sum = Tensor::scalar(0.0);
        for (const Tensor& y : built.call(inputs)) {
            const Tensor flat = reshape(y, {-1});
            sum = sum + lathe::sum(flat * cos(arange(flat.dim(0), Dtype::f64)));
        }
        return sum;
    };
    weighted(x).backward();
    const auto loss = jit(weighted);
    std::vector<std::vector<double>> gradients;
    for (const Tensor& v : by)
        gradients.push_back(v.grad().is_empty() ? std::vector<double>() : v.grad().to_vector<double>());
    for (std::size_t v = 0; v < by.size(); ++v) {
        const std::vector<double> values = by[v].to_vector<double>();
        for (std::size_t i = 0; i < values.size(); i += std::max<std::size_t>(1, values.size() / 3)) {
            const double h = 1e-6;
            const auto at = [&](double value) {
                std::vector<double> moved = values;
                moved[i] = value;
                by[v].set(Tensor::from(moved, by[v].shape()));
                return loss(x).item<double>();
            };
            const double expected = (at(values[i] + h) - at(values[i] - h)) / (2 * h);
            at(values[i]);
            const double given = gradients[v].empty() ? 0 : gradients[v][i];
            EXPECT_NEAR(given, expected, 1e-6 * (1 + std::abs(expected))) << "variable " << v << ", element " << i;
        }
    }
}

TEST_P(Nn, SharesItsVariablesWithCopiesAndNotWithClones) {
    const BuiltModule built = GetParam().make(Dtype::f32);
    const std::vector<Tensor> x = GetParam().make_inputs(Dtype::f32);
    const BuiltModule copy = built.copy(), clone = built.clone();
    built.module.eval();
    EXPECT_FALSE(copy.module.is_training());
    EXPECT_TRUE(clone.module.is_training());
    clone.module.eval();
    EXPECT_TRUE(copy.module.is(built.module));
    EXPECT_FALSE(clone.module.is(built.module));
    const std::vector<Array> before = arrays_of(built.call(x));
    EXPECT_TRUE(same_bits(before, arrays_of(clone.call(x))));
    EXPECT_TRUE(same_bits(state_of(built.module), state_of(clone.module)));
    if (built.module.state().empty()) return;
    testing_support::fill_as_reference(built.module);
    const std::vector<Array> after = arrays_of(built.call(x));
    EXPECT_FALSE(same_bits(before, after));
    EXPECT_TRUE(same_bits(after, arrays_of(copy.call(x))));
    EXPECT_TRUE(same_bits(before, arrays_of(clone.call(x))));
}

TEST_P(Nn, NamesWhatItIsMadeOf) {
    const BuiltModule built = GetParam().make(Dtype::f32);
    std::set<std::string> paths;
    std::int64_t elements = 0;
    for (const auto& [path, p] : built.module.named_parameters()) {
        EXPECT_TRUE(paths.insert(path).second) << path;
        EXPECT_TRUE(p.is_trainable()) << path;
        elements += p.size();
    }
    for (const auto& [path, b] : built.module.named_buffers()) {
        EXPECT_TRUE(paths.insert(path).second) << path;
        EXPECT_FALSE(b.is_trainable()) << path;
    }
    EXPECT_EQ(built.module.parameter_count(), elements);
    EXPECT_GE(built.module.state().size(), paths.size());
    built.module.freeze();
    EXPECT_EQ(built.module.parameter_count(true), 0);
    built.module.unfreeze();
    EXPECT_EQ(built.module.parameter_count(true), elements);
}

TEST_P(Nn, RunsFromAFile) {
    const BuiltModule built = GetParam().make(Dtype::f32);
    built.module.eval();
    const std::vector<Tensor> x = GetParam().make_inputs(Dtype::f32);
    std::vector<TensorSpec> specs;
    for (const Tensor& t : x) {
        TensorSpec spec{"x" + std::to_string(specs.size()), t.dtype(), {}};
        for (const std::int64_t n : t.shape()) spec.dims.emplace_back(n);
        specs.push_back(std::move(spec));
    }
    const Model model = detail::trace_model(built.call, x.size(), specs, {.weights = built.module.named_parameters()},
                                            Where::current());
    const std::string path = testing::TempDir() + "/nn_test_" + std::to_string(getpid()) + ".lathe";
    model.save(path);
    EXPECT_TRUE(same_bits(arrays_of(built.call(x)), arrays_of(Model::load(path)(x))));
    std::remove(path.c_str());
}

TEST_P(Nn, IsSummarised) {
    const BuiltModule built = GetParam().make(Dtype::f32);
    std::vector<ir::Type> types;
    for (const Tensor& t : GetParam().make_inputs(Dtype::f32)) types.push_back(t.type());
    const std::vector<Array> before = state_of(built.module);
    const std::string text = nn::summary(built.module, types, built.call);
    EXPECT_NE(text.find("(model)  "), std::string::npos) << text;
    for (const auto& [path, module] : built.module.named_modules())
        EXPECT_NE(text.find(module.class_name()), std::string::npos) << module.class_name() << "\n" << text;
    EXPECT_NE(text.find("parameters: " + std::to_string(built.module.parameter_count())), std::string::npos) << text;
    EXPECT_TRUE(same_bits(before, state_of(built.module)));
}

std::string name_of(const testing::TestParamInfo<ModuleCase>& info) {
    std::string name = info.param.name;
    std::ranges::replace(name, ' ', '_');
    return name;
}
INSTANTIATE_TEST_SUITE_P(Modules, Nn, testing::ValuesIn(testing_support::module_cases()), name_of);

// ---- PyTorch

const nlohmann::json& reference() {
    static const nlohmann::json all =
        nlohmann::json::parse(read_file(LATHE_SOURCE_DIR "/tests/reference/modules.json"));
    return all;
}

void expect_close(const Tensor& actual, const nlohmann::json& expected) {
    ASSERT_EQ(actual.shape(), expected.at("shape").get<std::vector<std::int64_t>>());
    const auto values = expected.at("values").get<std::vector<double>>();
    const std::vector<float> given = actual.to_vector<float>();
    for (std::size_t i = 0; i < values.size(); ++i)
        EXPECT_NEAR(given[i], values[i], 1e-4 * std::abs(values[i]) + 1e-5) << "element " << i;
}

class NnReference : public testing::TestWithParam<ModuleCase> {};

TEST_P(NnReference, GivesWhatPyTorchGives) {
    const nlohmann::json& expected = reference().at(GetParam().name);
    ASSERT_EQ(GetParam().inputs, expected.at("inputs").get<std::vector<std::vector<std::int64_t>>>());
    const BuiltModule built = GetParam().make(Dtype::f32);
    testing_support::fill_as_reference(built.module);
    const std::vector<Tensor> x = GetParam().make_inputs(Dtype::f32);
    const auto expect_results = [&](const nlohmann::json& results) {
        const std::vector<Tensor> given = built.call(x);
        ASSERT_EQ(given.size(), results.size());
        for (std::size_t i = 0; i < given.size(); ++i) expect_close(given[i], results[i]);
    };
    expect_results(expected.at("train"));
    if (expected.contains("state"))
        for (const auto& [path, values] : expected.at("state").items())
            for (const nn::StateEntry& e : built.module.state())
                if (e.path == path) expect_close(e.variable, values);
    built.module.eval();
    expect_results(expected.contains("eval") ? expected.at("eval") : expected.at("train"));
}

std::vector<ModuleCase> cases_in_pytorch() {
    std::vector<ModuleCase> out;
    std::ranges::copy_if(testing_support::module_cases(), std::back_inserter(out), &ModuleCase::in_pytorch);
    return out;
}
INSTANTIATE_TEST_SUITE_P(Modules, NnReference, testing::ValuesIn(cases_in_pytorch()), name_of);

TEST(NnReferenceTable, HasACaseForEachOfPyTorchs) {
    std::set<std::string> ours;
    for (const ModuleCase& c : cases_in_pytorch()) ours.insert(c.name);
    for (const auto& [name, results] : reference().items()) EXPECT_TRUE(ours.contains(name)) << name;
}

}  // namespace
}  // namespace lathe
