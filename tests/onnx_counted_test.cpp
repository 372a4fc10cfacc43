// ONNX models whose results are as long as values say: each chain of operators is compared with itself on constants,
// where everything is known when the model is made.
#include <filesystem>
#include <functional>

#include <gtest/gtest.h>

#include "frontend/formats/read_file.h"
#include "ir/graph/graph.h"
#include "lathe.h"
#include "tests/command.h"
#include "tests/onnx_files.h"

namespace lathe {
namespace {

using testing_support::OnnxBuilder;
using testing_support::Outcome;

constexpr std::int64_t f32 = 1, i64 = 7;

class Chain : public OnnxBuilder {
public:
    void integers(const std::string& name, const std::vector<std::int64_t>& numbers) {
        add_node("Constant", {}, {name}, {{.name = "value_ints", .integers = numbers}});
    }
    // `rows` [count, 1], `places` [count] and `chosen` [count, 2]: of x [n, 2], where the first number is positive.
    void choose() {
        integers("first", {0});
        integers("second", {1});
        add_node("Gather", {"x", "first"}, {"column"}, {{.name = "axis", .integer = 1}});
        add_node("Squeeze", {"column", "second"}, {"numbers"});
        add_node("Relu", {"numbers"}, {"positive"});
        add_node("NonZero", {"positive"}, {"found"});
        add_node("Transpose", {"found"}, {"rows"});
        add_node("Squeeze", {"found", "first"}, {"places"});
        add_node("GatherND", {"x", "rows"}, {"chosen"});
    }
};

struct Case {
    const char* name;
    std::function<void(Chain&)> record;  // to y
    bool takes_none = true;              // there may be nothing to choose
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

OnnxBuilder::Attribute axis(std::int64_t a) { return {.name = "axis", .integer = a}; }
const OnnxBuilder::Attribute drop = {.name = "keepdims", .integer = 0};

const Case cases[] = {
    {"NonZero", [](Chain& c) { c.add_node("Identity", {"found"}, {"y"}); }},
    {"NonZeroOfAll", [](Chain& c) { c.add_node("NonZero", {"x"}, {"y"}); }},
    {"NonZeroOfChosen", [](Chain& c) { c.add_node("NonZero", {"chosen"}, {"y"}); }},
    {"GatherND", [](Chain& c) { c.add_node("Identity", {"chosen"}, {"y"}); }},
    {"Gather", [](Chain& c) { c.add_node("Gather", {"x", "places"}, {"y"}); }},
    {"GatherOfTransposed",
     [](Chain& c) {
         c.add_node("Transpose", {"x"}, {"lines"});
         c.add_node("Gather", {"lines", "places"}, {"y"}, {axis(1)});
     }},
    {"GatherOfChosen", [](Chain& c) { c.add_node("Gather", {"chosen", "second"}, {"y"}, {axis(1)}); }},
    {"GatherOfTheLast",
     [](Chain& c) {
         c.integers("last", {-1});
         c.add_node("Gather", {"chosen", "last"}, {"y"});
     },
     false},
    {"GatherTwice",
     [](Chain& c) {
         c.add_node("Gather", {"chosen", "second"}, {"others"}, {axis(1)});
         c.add_node("Squeeze", {"others", "second"}, {"flat"});
         c.add_node("Relu", {"flat"}, {"some"});
         c.add_node("NonZero", {"some"}, {"again"});
         c.add_node("Squeeze", {"again", "first"}, {"which"});
         c.add_node("Gather", {"chosen", "which"}, {"y"});
     }},
    {"Elements",
     [](Chain& c) {
         c.add_node("Neg", {"chosen"}, {"minus"});
         c.add_node("Cast", {"places"}, {"numbers_of"}, {{.name = "to", .integer = f32}});
         c.add_node("Unsqueeze", {"numbers_of", "second"}, {"lines"});
         c.add_node("Mul", {"minus", "lines"}, {"product"});
         c.add_node("Add", {"product", "row"}, {"y"});
     }},
    {"Concat", [](Chain& c) { c.add_node("Concat", {"chosen", "chosen"}, {"y"}, {axis(1)}); }},
    {"SliceOfTheFirst",
     [](Chain& c) {
         c.integers("end", {3});
         c.add_node("Slice", {"chosen", "second", "end", "first"}, {"y"});
     }},
    {"SliceOfColumns",
     [](Chain& c) {
         c.integers("end", {2});
         c.add_node("Slice", {"chosen", "second", "end", "second"}, {"y"});
     }},
    {"Split", [](Chain& c) { c.add_node("Split", {"chosen"}, {"left", "y"}, {axis(1)}); }},
    {"ReshapeToVector",
     [](Chain& c) {
         c.integers("shape", {-1});
         c.add_node("Reshape", {"chosen", "shape"}, {"y"});
     }},
    {"ReshapeOfLines",
     [](Chain& c) {
         c.integers("shape", {0, 1, 2});
         c.add_node("Reshape", {"chosen", "shape"}, {"y"});
     }},
    {"Flatten", [](Chain& c) { c.add_node("Flatten", {"chosen"}, {"y"}, {axis(1)}); }},
    {"SqueezeOfAll",
     [](Chain& c) {
         c.add_node("Unsqueeze", {"chosen", "second"}, {"long"});
         c.add_node("Squeeze", {"long", "second"}, {"y"});
     }},
    {"SumOfAll", [](Chain& c) { c.add_node("ReduceSum", {"chosen"}, {"y"}); }},
    {"SumOfColumns", [](Chain& c) { c.add_node("ReduceSum", {"chosen", "first"}, {"y"}); }},
    {"SumOfLines", [](Chain& c) { c.add_node("ReduceSum", {"chosen", "second"}, {"y"}, {drop}); }},
    {"GreatestOfColumns",
     [](Chain& c) { c.add_node("ReduceMax", {"chosen"}, {"y"}, {{.name = "axes", .integers = {0}}, drop}); }, false},
    {"MeanOfLines", [](Chain& c) { c.add_node("ReduceMean", {"chosen"}, {"y"}, {{.name = "axes", .integers = {1}}}); }},
    {"NormOfColumns", [](Chain& c) { c.add_node("ReduceL2", {"chosen"}, {"y"}, {{.name = "axes", .integers = {0}}}); }},
    {"RunningSum", [](Chain& c) { c.add_node("CumSum", {"chosen", "axis"}, {"y"}); }},
    {"ArgMax", [](Chain& c) { c.add_node("ArgMax", {"chosen"}, {"y"}, {axis(1), drop}); }},
    {"Shape", [](Chain& c) { c.add_node("Shape", {"chosen"}, {"y"}); }},
    {"Size", [](Chain& c) { c.add_node("Size", {"chosen"}, {"y"}); }},
    {"MatMul", [](Chain& c) { c.add_node("MatMul", {"chosen", "square"}, {"y"}); }},
    {"Compress",
     [](Chain& c) {
         c.add_node("Cast", {"positive"}, {"condition"}, {{.name = "to", .integer = 9}});
         c.add_node("Compress", {"x", "condition"}, {"y"}, {axis(0)});
     }},
    {"Unique", [](Chain& c) { c.add_node("Unique", {"x"}, {"a", "b", "c", "y"}); }},
    {"UniqueValues", [](Chain& c) { c.add_node("Unique", {"x"}, {"y"}); }},
    {"UniqueFirsts", [](Chain& c) { c.add_node("Unique", {"x"}, {"a", "y"}, {{.name = "sorted", .integer = 0}}); }},
    {"UniqueInverse",
     [](Chain& c) { c.add_node("Unique", {"x"}, {"a", "b", "y"}, {{.name = "sorted", .integer = 0}}); }},
    {"UniqueCounts",
     [](Chain& c) { c.add_node("Unique", {"x"}, {"a", "b", "c", "y"}, {{.name = "sorted", .integer = 0}}); }},
    {"Sequence",
     [](Chain& c) {
         c.add_node("SequenceConstruct", {"x", "chosen"}, {"both"});
         c.add_node("SequenceAt", {"both", "last_of_two"}, {"y"});
     }},
};

// The model; `is_known`: x is a constant of it.
std::string file_of(const Case& c, const std::vector<std::int64_t>& shape, const std::vector<float>& x, bool is_known) {
    Chain chain;
    if (is_known)
        chain.add_initializer("x", shape, x);
    else
        chain.add_input("x", f32, {{-1, "n"}, {2}});
    chain.add_initializer("row", {2}, {10, 20});
    chain.add_initializer("square", {2, 2}, {1, 2, 3, 4});
    chain.add_node("Constant", {}, {"axis"}, {{.name = "value_int", .integer = 0}});
    chain.add_node("Constant", {}, {"last_of_two"}, {{.name = "value_int", .integer = 1}});
    chain.choose();
    c.record(chain);
    chain.add_output("y", f32, {});
    return chain.file(17);
}

class OnnxCounted : public testing::TestWithParam<Case> {};

TEST_P(OnnxCounted, AreAsLongAsValuesSay) {
    const Case& c = GetParam();
    const Model model = parse_onnx(file_of(c, {}, {}, false), "chain.onnx").model;
    EXPECT_EQ(model.result_count(), 1U);
    for (const std::vector<float>& x :
         {std::vector<float>{1, -2, 3, 4, -5, 6, 7, 8, 3, 4}, {1, 2}, {-1, 2, 0, 3}, {5, 5, 5, 0, 2, 2, 5, -1}}) {
        const std::vector<std::int64_t> shape{static_cast<std::int64_t>(x.size()) / 2, 2};
        if (x[0] < 0 && !c.takes_none) continue;
        const Model known = parse_onnx(file_of(c, shape, x, true), "chain.onnx").model;
        const Array expected = known.run({}).at("y"),
                    actual = model.run({{"x", Tensor::from(x, shape).to_array()}}).at("y");
        EXPECT_EQ(actual, expected);
    }
}
INSTANTIATE_TEST_SUITE_P(Chains, OnnxCounted, testing::ValuesIn(cases),
                         [](const auto& one) { return std::string(one.param.name); });

class OnnxCountedFiles : public testing_support::InFolder {
protected:
    std::string path(const std::string& name) const { return (folder_ / name).string(); }
};

TEST_F(OnnxCountedFiles, EveryWayToRunCutsTheResults) {
    Chain chain;
    chain.add_input("x", f32, {{-1, "n"}, {2}});
    chain.choose();
    chain.add_output("found", i64, {{1}, {-1, ""}});
    chain.add_output("chosen", f32, {{-1, ""}, {2}});
    write("chooses.onnx", chain.file(17));
    const Tensor x = Tensor::from({1.0F, 2.0F, -3.0F, 4.0F, 5.0F, 6.0F}, {3, 2});
    const Array found = Tensor::from(std::vector<std::int64_t>{0, 2}, {1, 2}).to_array(),
                chosen = Tensor::from({1.0F, 2.0F, 5.0F, 6.0F}, {2, 2}).to_array();
    const Model model = Model::load(path("chooses.onnx"));
    EXPECT_EQ(model.counted(), (std::vector<CountedOutput>{{0, 1, 2}, {1, 0, 2}}));
    model.save(path("chooses.lathe"));
    const std::map<std::string, Array> expected{{"chosen", chosen}, {"found", found}};
    EXPECT_EQ(model.run({{"x", x.to_array()}}), expected);
    EXPECT_EQ(Model::load(path("chooses.lathe")).run({{"x", x.to_array()}}), expected);
    write_npy(path("x.npy"), x.to_array());
    const std::string lathe = "'" LATHE_BINARY_DIR "/lathe' ";
    ASSERT_EQ(run_here(lathe + "compile chooses.lathe -o chooses --header chooses.h"), (Outcome{0, ""}));
    for (const std::string& command :
         {lathe + "run chooses.onnx --input x=x.npy --output o", lathe + "run chooses.lathe --input x=x.npy --output o",
          lathe + "run chooses.lathe --input x=x.npy --output o --interpret",
          std::string("./chooses --input x=x.npy --output o")}) {
        ASSERT_EQ(run_here(command), (Outcome{0, ""})) << command;
        EXPECT_EQ(read_npy(path("o/found.npy")), found) << command;
        EXPECT_EQ(read_npy(path("o/chosen.npy")), chosen) << command;
        EXPECT_FALSE(std::filesystem::exists(path("o/found.count.npy"))) << command;
        std::filesystem::remove_all(path("o"));
    }
    EXPECT_NE(
        read_file(path("chooses.h"))
            .find("outputs[0]  found: i64[1, n], int64_t, of which outputs[2] counts how much of axis 1 there is"),
        std::string::npos);
    EXPECT_EQ(run_here("./chooses --help").output.find("found.count"), std::string::npos);
}

TEST_F(OnnxCountedFiles, WhatNeedsTheExtentSaysSo) {
    Chain chain;
    chain.add_input("x", f32, {{-1, "n"}, {2}});
    chain.choose();
    chain.add_node("Softmax", {"chosen"}, {"y"}, {axis(0)});
    chain.add_output("y", f32, {{-1, ""}, {2}});
    try {
        parse_onnx(chain.file(17), "chain.onnx");
        FAIL();
    } catch (const FormatError& e) {
        EXPECT_EQ(
            e.message(),
            "Softmax: operand 0, whose extent follows from values, has to be known when the model is imported, and "
            "so does the input 'x'");
    }
    // With the value at hand it is known.
    const Array x = Tensor::from({1.0F, 2.0F, -3.0F, 4.0F}, {2, 2}).to_array();
    EXPECT_EQ(parse_onnx(chain.file(17), "chain.onnx", {.inputs = {{"x", x}}}).constants,
              (std::vector<std::string>{"x"}));
}

TEST_F(OnnxCountedFiles, SuppressionChoosesBoxes) {
    OnnxBuilder b;
    b.add_input("boxes", f32, {{1}, {-1, "n"}, {4}});
    b.add_input("scores", f32, {{1}, {1}, {-1, "n"}});
    b.add_input("limit", f32, {{1}});
    b.add_node("Constant", {}, {"most"}, {{.name = "value_ints", .integers = {3}}});
    b.add_node("Constant", {}, {"column"}, {{.name = "value_int", .integer = 2}});
    b.add_node("Constant", {}, {"zero"}, {{.name = "value_ints", .integers = {0}}});
    b.add_node("NonMaxSuppression", {"boxes", "scores", "most", "limit"}, {"selected"});
    b.add_node("Gather", {"selected", "column"}, {"which"}, {axis(1)});
    b.add_node("Squeeze", {"boxes", "zero"}, {"all"});
    b.add_node("Gather", {"all", "which"}, {"y"});
    b.add_output("y", f32, {{-1, ""}, {4}});
    const Model model = parse_onnx(b.file(13), "boxes.onnx").model;
    const auto chosen = [&](const std::vector<float>& boxes, const std::vector<float>& scores, float limit) {
        const auto n = static_cast<std::int64_t>(scores.size());
        return model(std::vector<Tensor>{Tensor::from(boxes, {1, n, 4}), Tensor::from(scores, {1, 1, n}),
                                         Tensor::from({limit})})[0];
    };
    // The second overlaps with the first by 0.8 of their union, the third with none.
    const std::vector<float> boxes{0, 0, 10, 10, 0, 0, 8, 10, 20, 20, 30, 30};
    EXPECT_EQ(chosen(boxes, {0.5, 0.9, 0.1}, 0.7F).to_vector<float>(),
              (std::vector<float>{0, 0, 8, 10, 20, 20, 30, 30}));
    EXPECT_EQ(chosen(boxes, {0.5, 0.9, 0.1}, 0.9F).shape(), (std::vector<std::int64_t>{3, 4}));
    EXPECT_EQ(chosen({}, {}, 0.5F).shape(), (std::vector<std::int64_t>{0, 4}));
}

// Steps end where their values say, and so does what they stack.
TEST_F(OnnxCountedFiles, LoopsStackAsManyStepsAsThereAre) {
    OnnxBuilder body;
    body.add_input("number", i64, {});
    body.add_input("before", 9, {});
    body.add_input("sum", f32, {{2}});
    body.add_node("Add", {"sum", "x"}, {"next"});
    body.add_node("ReduceMax", {"next"}, {"most"}, {drop});
    body.add_node("Less", {"most", "limit"}, {"goes_on"});
    body.add_node("Identity", {"next"}, {"step"});
    body.add_output("goes_on", 9, {});
    body.add_output("next", f32, {{2}});
    body.add_output("step", f32, {{2}});
    OnnxBuilder b;
    b.add_input("x", f32, {{2}});
    b.add_input("limit", f32, {});
    b.add_input("start", 9, {});
    b.add_input("count", i64, {});
    b.add_node("Loop", {"count", "start", "x"}, {"last", "steps"}, {{.name = "body", .graph = body.graph()}});
    b.add_output("last", f32, {{2}});
    b.add_output("steps", f32, {{-1, ""}, {2}});
    const Model model = parse_onnx(b.file(17), "steps.onnx").model;
    const auto run = [&](float limit, bool start, std::int64_t count) {
        return model(std::vector<Tensor>{Tensor::from({1.0F, 2.0F}), Tensor::scalar(limit), Tensor::scalar(start),
                                         Tensor::scalar(count)});
    };
    const std::vector<Tensor> some = run(7, true, 10);
    EXPECT_EQ(some[0].to_vector<float>(), (std::vector<float>{4, 8}));
    EXPECT_EQ(some[1].shape(), (std::vector<std::int64_t>{3, 2}));
    EXPECT_EQ(some[1].to_vector<float>(), (std::vector<float>{2, 4, 3, 6, 4, 8}));
    EXPECT_EQ(run(100, true, 2)[1].to_vector<float>(), (std::vector<float>{2, 4, 3, 6}));
    EXPECT_EQ(run(100, false, 2)[1].shape(), (std::vector<std::int64_t>{0, 2}));
    EXPECT_EQ(run(100, true, 0)[0].to_vector<float>(), (std::vector<float>{1, 2}));
}

// A function that finds so many can say so itself.
TEST_F(OnnxCountedFiles, TracedFunctionsCountToo) {
    const auto find = [](const Tensor& x) {
        const Bounded found = nonzero_bounded(x, 4);
        return std::pair(found.positions, minimum(found.count, 4));
    };
    const std::vector<TensorSpec> specs{{"x", Dtype::f32, {"n"}}};
    const Model model = trace(find, specs, {.counted = {{0, 0, 1}}});
    const Tensor x = Tensor::from({0.0F, 1.0F, 0.0F, 2.0F});
    EXPECT_EQ(model(x).to_vector<std::int64_t>(), (std::vector<std::int64_t>{1, 3}));
    EXPECT_EQ(model(zeros({3})).shape(), (std::vector<std::int64_t>{0, 1}));
    EXPECT_THROW(trace([&](const Tensor& t) { return model(t); }, specs), UserError);
    EXPECT_THROW(trace(find, specs, {.counted = {{0, 2, 1}}}), UserError);  // no such axis
    EXPECT_THROW(trace(find, specs, {.counted = {{1, 0, 0}}}), UserError);  // a count before what it counts
    EXPECT_THROW(trace(find, specs, {.counted = {{0, 0, 2}}}), UserError);  // no such output
    // A file keeps it.
    model.save(path("find.lathe"));
    EXPECT_EQ(Model::load(path("find.lathe")).counted(), model.counted());
}

}  // namespace
}  // namespace lathe
