// Checkpoints as users meet them: files of whatever kind, variables that take what they hold, and trainings that go on.
#include <filesystem>

#include <gtest/gtest.h>

#include "frontend/checkpoint/checkpoint.h"
#include "frontend/checkpoint/checkpoint_folder.h"
#include "frontend/checkpoint/load_into.h"
#include "frontend/formats/npz.h"
#include "frontend/formats/read_file.h"
#include "lathe.h"
#include "tests/command.h"

namespace lathe {
namespace {

namespace fs = std::filesystem;
using Dict = CheckpointValue::Dict;

class CheckpointFiles : public testing_support::InFolder {};

std::vector<NamedTensor> some_tensors() {
    return {{"layer.weight", arange(0, 6).reshape({2, 3})}, {"layer.bias", convert(arange(1, 3), Dtype::f32)}};
}
CheckpointValue dict_of(const std::vector<NamedTensor>& tensors) {
    Dict entries;
    for (const auto& [name, tensor] : tensors) entries.emplace_back(name, CheckpointValue(tensor));
    return CheckpointValue(std::move(entries));
}
std::map<std::string, Array> arrays_of(const std::vector<NamedTensor>& tensors) {
    std::map<std::string, Array> arrays;
    for (const auto& [name, tensor] : tensors) arrays.emplace(name, tensor.to_array());
    return arrays;
}
template <class F>
std::string message_of(const F& f) {
    try {
        f();
        return "";
    } catch (const UserError& e) {
        return e.message();
    }
}

TEST(CheckpointValues, SayWhatTheyAre) {
    const CheckpointValue list(
        CheckpointValue::List{CheckpointValue(std::int64_t{3}), CheckpointValue(some_tensors()[0].second)});
    const CheckpointValue v(Dict{{"a", list}, {"b", CheckpointValue(std::string("text"))}}, "Class");
    EXPECT_EQ(v.at("a").at(0).integer(), 3);
    EXPECT_EQ(v.at("a").at(0).number(), 3.0);
    EXPECT_EQ(v.class_name(), "Class");
    ASSERT_EQ(v.flatten().size(), 1U);
    EXPECT_EQ(v.flatten()[0].first, "a.1");
    EXPECT_EQ(message_of([&] { (void)v.at("c"); }), "a checkpoint's dict has no 'c'; it has 'a', 'b'");
    EXPECT_EQ(message_of([&] { (void)v.at("a").at(2); }), "a checkpoint's list has no value 2; it has 2");
    EXPECT_EQ(message_of([&] { (void)v.at("b").tensor(); }), "a value of a checkpoint is a text, not a tensor");
    EXPECT_EQ(message_of([&] { (void)CheckpointValue().at("b"); }), "a value of a checkpoint is none, not a dict");
    CheckpointValue deep, wide(std::int64_t{1});
    EXPECT_EQ(message_of([&] {
                  for (int i = 0; i < 300; ++i) deep = CheckpointValue(CheckpointValue::List{deep});
              }),
              "the values of a checkpoint nest deeper than 256 levels");
    EXPECT_EQ(message_of([&] {
                  for (int i = 0; i < 30; ++i) wide = CheckpointValue(CheckpointValue::List{wide, wide});
              }),
              "a checkpoint holds more than 16777216 values");
}

TEST_F(CheckpointFiles, AreKnownByTheirBytes) {
    const auto expect = [&](const std::string& file, const std::map<std::string, std::string>& texts = {}) {
        const Checkpoint checkpoint = load_checkpoint(folder_ / file);
        EXPECT_EQ(arrays_of(checkpoint.root.flatten()), arrays_of(some_tensors())) << file;
        EXPECT_EQ(checkpoint.metadata, texts) << file;
    };
    save_checkpoint(folder_ / "a.npz", some_tensors());
    expect("a.npz");
    save_checkpoint(folder_ / "a.pt", some_tensors(), {{"step", "3"}});  // of any name but .npz
    expect("a.pt", {{"step", "3"}});
    EXPECT_EQ(read_npz(folder_ / "a.npz"), arrays_of(some_tensors()));
    EXPECT_EQ(message_of([&] {
                  save_checkpoint(folder_ / "b.npz", some_tensors(), {{"a", "b"}});
              }).substr(folder_.string().size()),
              "/b.npz: .npz files hold no texts; safetensors files do");

    const Tensor w = variable(some_tensors()[1].second);
    trace([&](const Tensor& x) { return x * w; }, {{"x", Dtype::f32, {2}}}, {.weights = {{"w", w}}})
        .save(folder_ / "m.lathe");
    EXPECT_EQ(load_checkpoint(folder_ / "m.lathe").root.at("w").tensor().to_array(), w.to_array());
    write("a.csv", "1,2\n");
    EXPECT_EQ(message_of([&] { load_checkpoint(folder_ / "a.csv"); }).substr(folder_.string().size()),
              "/a.csv: looks like a table (.csv); a checkpoint is a file of safetensors, torch.save, .npz or .lathe");
}

// ---- variables

TEST(LoadInto, GivesVariablesTheirValues) {
    const Tensor weight = variable(zeros({2, 3}, Dtype::i64)), bias = variable(zeros({2}));
    const std::vector<NamedTensor> variables = {{"layer.weight", weight}, {"layer.bias", bias}};
    const LoadReport report = load_into(variables, dict_of(some_tensors()));
    EXPECT_TRUE(report.missing.empty() && report.unexpected.empty());
    EXPECT_EQ(arrays_of(variables), arrays_of(some_tensors()));
}

TEST(LoadInto, RenamesTransposesAndConverts) {
    const CheckpointValue values(Dict{{"model", dict_of({{"module.conv.weight", arange(0, 6).reshape({2, 3})},
                                                         {"module.conv.bias", ones({2}, Dtype::f64)},
                                                         {"other", ones({1})}})}});
    const Tensor weight = variable(zeros({3, 2}, Dtype::i64)), bias = variable(zeros({2}));
    const std::vector<LoadTarget> targets = {{"c.weight", weight, true}, {"c.shift", bias, true}};
    const auto rename = [](const std::string& name) { return name == "c.bias" ? std::string("c.shift") : name; };
    load_into(targets, values,
              {.prefix = "model.module.", .replace = {{"conv", "c"}}, .rename = rename, .convert = true});
    EXPECT_EQ(weight.to_vector<std::int64_t>(), (std::vector<std::int64_t>{0, 3, 1, 4, 2, 5}));
    EXPECT_EQ(bias.to_vector<float>(), (std::vector<float>{1, 1}));
}

TEST(LoadInto, GivesModulesWhatPyTorchSaved) {
    nn::Generator random(1);
    nn::Sequential network;
    network.append("fc", nn::Linear(3, 2, random)).append("norm", nn::BatchNorm1d(2));
    const Tensor weight = arange(0, 6, 1, Dtype::f32).reshape({2, 3});  // [outputs, inputs]
    std::vector<NamedTensor> saved = {{"fc.weight", weight},
                                      {"fc.bias", full({2}, 3)},
                                      {"norm.weight", full({2}, 4)},
                                      {"norm.bias", full({2}, 5)},
                                      {"norm.running_mean", full({2}, 6)},
                                      {"norm.running_var", full({2}, 7)},
                                      {"norm.num_batches_tracked", full({}, 8, Dtype::i64)}};
    const LoadReport report = load_into(network, dict_of(saved));
    EXPECT_TRUE(report.missing.empty() && report.unexpected.empty());
    saved[0].second = weight.t();
    std::vector<NamedTensor> loaded;
    for (const nn::StateEntry& e : network.state()) loaded.emplace_back(e.path, e.variable);
    EXPECT_EQ(arrays_of(loaded), arrays_of(saved));
}

TEST(LoadInto, SaysAllThatDoesNotFitAndChangesNothing) {
    const Tensor a = variable(ones({2})), b = variable(ones({2, 3})), c = variable(ones({1})), d = variable(ones({2}));
    const std::vector<LoadTarget> targets = {{"a", a}, {"b", b, true}, {"c", c}, {"d", d}};
    const CheckpointValue values =
        dict_of({{"a", zeros({2})}, {"b", zeros({2, 3})}, {"d", zeros({2}, Dtype::f64)}, {"e", zeros({1})}});
    const std::string wrong =
        "\n  'b' is f32[2, 3], the checkpoint has f32[2, 3], of which the transpose is taken"
        "\n  'd' is f32[2], the checkpoint has f64[2]; the option 'convert' converts";
    EXPECT_EQ(message_of([&] { load_into(targets, values); }),
              "load_into: the checkpoint does not fit the variables:" + wrong +
                  "\n  'c' is missing in the checkpoint\n  'e' is the name of no variable");
    EXPECT_EQ(message_of([&] { load_into(targets, values, {.strict = false}); }),
              "load_into: the checkpoint does not fit the variables:" + wrong);
    EXPECT_EQ(message_of([&] { load_into(targets, values, {.replace = {{"e", "a"}}}); }),
              "load_into: the checkpoint does not fit the variables:\n  'a' and 'e' would both be 'a'" + wrong +
                  "\n  'c' is missing in the checkpoint");
    EXPECT_EQ(a.to_vector<float>(), (std::vector<float>{1, 1})) << "which would fit";

    const std::vector<LoadTarget> some = {{"a", a}, {"c", c}};
    const LoadReport report = load_into(some, values, {.strict = false});
    EXPECT_EQ(report.missing, std::vector<std::string>{"c"});
    EXPECT_EQ(report.unexpected, (std::vector<std::string>{"b", "d", "e"}));
    EXPECT_EQ(a.to_vector<float>(), (std::vector<float>{0, 0}));
    EXPECT_EQ(c.to_vector<float>(), std::vector<float>{1});

    EXPECT_EQ(message_of([&] { load_into(std::vector<LoadTarget>{{"a", a}, {"a", d}}, values); }),
              "load_into: two variables are called 'a'");
    EXPECT_EQ(message_of([&] { load_into(std::vector<LoadTarget>{{"a", ones({2})}}, values); }),
              "load_into: 'a' is no variable");
    EXPECT_EQ(message_of([&] { load_into(targets, values, {.replace = {{"", "x"}}}); }),
              "load_into: an empty text cannot be replaced");
}

// ---- folders

// A training by hand, with momentum: its variables are all that it is.
struct Training {
    Tensor weight = variable(convert(arange(0, 4), Dtype::f32)), velocity = variable(zeros({4})),
           key = variable(full({}, 7, Dtype::i64));
    std::vector<NamedTensor> variables() const { return {{"weight", weight}, {"velocity", velocity}, {"key", key}}; }
    void step() const {
        const Tensor noise = convert(key, Dtype::f32) * 0.37;
        velocity.set(velocity * 0.9 + tanh(weight - noise));
        weight.set(weight - velocity * 0.1);
        key.set(key * 25 % 97);
    }
};

TEST_F(CheckpointFiles, TrainingsGoOnWithTheSameBits) {
    const Training whole;
    for (int i = 0; i < 9; ++i) whole.step();
    const CheckpointFolder folder(folder_ / "runs" / "a", {.keep = 2});
    EXPECT_FALSE(folder.latest().has_value());
    const Training first;
    for (int i = 0; i < 5; ++i) {
        first.step();
        folder.save(i + 1, first.variables(), {{"rate", "0.1"}});
    }
    EXPECT_EQ(folder.steps(), (std::vector<std::int64_t>{4, 5}));
    const auto saved = folder.latest();
    ASSERT_TRUE(saved.has_value());
    EXPECT_EQ(saved->step, 5);
    EXPECT_TRUE(saved->skipped.empty());
    EXPECT_EQ(saved->checkpoint.metadata, (std::map<std::string, std::string>{{"rate", "0.1"}}));
    const Training second;
    load_into(second.variables(), saved->checkpoint.root);
    for (int i = 5; i < 9; ++i) second.step();
    EXPECT_EQ(arrays_of(second.variables()), arrays_of(whole.variables()));
}

TEST_F(CheckpointFiles, FoldersPassOverWhatIsDamaged) {
    const CheckpointFolder folder(folder_, {.keep = 2});
    for (const int step : {10, 20}) folder.save(step, {{"x", full({3}, step)}});
    const std::string path = folder.path_of(20), good = read_file(path);
    // Whatever bit is wrong, and wherever the file ends.
    for (std::size_t at = 0; at < good.size(); ++at)
        for (const bool cut : {false, true}) {
            std::string bad = good;
            bad[at] = static_cast<char>(bad[at] ^ 4);
            write(fs::path(path).filename(), cut ? good.substr(0, at) : bad);
            const auto saved = folder.latest();
            ASSERT_TRUE(saved.has_value());
            if (saved->step == 20) {  // a blank of the header became another
                EXPECT_EQ(saved->checkpoint.root.at("x").tensor().to_array(), full({3}, 20).to_array()) << at;
                continue;
            }
            EXPECT_EQ(saved->checkpoint.root.at("x").tensor().to_array(), full({3}, 10).to_array());
            EXPECT_EQ(saved->skipped.size(), 1U) << at;
        }
    std::string bad = good;
    bad.back() = static_cast<char>(bad.back() ^ 1);
    write(fs::path(path).filename(), bad);
    EXPECT_EQ(folder.latest()->skipped[0], path + ": the checksum does not match: the file is damaged");
    // What is saved now stays, though a greater step is there.
    folder.save(15, {{"x", full({3}, 15)}});
    EXPECT_EQ(folder.steps(), (std::vector<std::int64_t>{10, 15, 20}));
    EXPECT_EQ(folder.latest()->step, 15);
    write("step-0000000010.safetensors", "");
    write("step-0000000015.safetensors", bad.substr(0, 20));
    EXPECT_EQ(message_of([&] { (void)folder.latest(); }).find(folder_.string() + ": all checkpoints are damaged:\n  "),
              0U);
    write("step-11.safetensors", "another file");
    EXPECT_EQ(folder.steps(), (std::vector<std::int64_t>{10, 15, 20}));
}

TEST_F(CheckpointFiles, FoldersRefuseWhatTheyCannotKeep) {
    const CheckpointFolder folder(folder_);
    EXPECT_NE(message_of([&] { CheckpointFolder(folder_, {.keep = 0}); }), "");
    EXPECT_NE(message_of([&] { folder.save(-1, some_tensors()); }), "");
    EXPECT_NE(message_of([&] { folder.save(1, some_tensors(), {{"lathe.x", ""}}); }), "");
    EXPECT_NE(message_of([&] { folder.save(1, {{"x", Tensor()}}); }), "");
    EXPECT_EQ(entries(), 0U);
    write("file", "");
    EXPECT_THROW(CheckpointFolder(folder_ / "file" / "below"), ResourceError);
}

}  // namespace
}  // namespace lathe
