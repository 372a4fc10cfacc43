// What importing an ONNX file makes of its parts, and what it says of files that are wrong.
#include <cstdlib>
#include <filesystem>
#include <random>

#include <gtest/gtest.h>

#include "frontend/formats/read_file.h"
#include "ir/graph/graph.h"
#include "ir/ops/op.h"
#include "lathe.h"
#include "tests/command.h"
#include "tests/onnx_files.h"

namespace lathe {
namespace {

namespace fs = std::filesystem;
using testing_support::OnnxBuilder;
using testing_support::Outcome;

constexpr std::int64_t f32 = 1, i64 = 7;

class OnnxImport : public testing_support::InFolder {
protected:
    // What is said of a file.
    std::string refusal(const std::string& bytes, const OnnxOptions& options = {}) const {
        write("model.onnx", bytes);
        try {
            parse_onnx(bytes, path("model.onnx"), options);
        } catch (const FormatError& e) {
            const std::string folder = folder_.string() + "/";
            std::string what = e.message();
            for (std::size_t at; (at = what.find(folder)) != std::string::npos;) what.erase(at, folder.size());
            return what;
        }
        return "nothing";
    }
    std::string path(const std::string& name) const { return (folder_ / name).string(); }
};

TEST_F(OnnxImport, NamedDimensionsAreSymbols) {
    OnnxBuilder b;
    b.add_input("x", f32, {{-1, "batch"}, {3}, {-1, ""}});
    b.add_node("Shape", {"x"}, {"shape"});
    b.add_node("Constant", {}, {"first"}, {{.name = "value_ints", .integers = {0}}});
    b.add_node("Gather", {"shape", "first"}, {"batch"});
    b.add_node("Constant", {}, {"rest"}, {{.name = "value_ints", .integers = {-1}}});
    b.add_node("Concat", {"batch", "rest"}, {"flat"}, {{.name = "axis", .integer = 0}});
    b.add_node("Reshape", {"x", "flat"}, {"y"});
    b.add_output("y", f32, {{-1, "batch"}, {-1, ""}});
    write("model.onnx", b.file());
    const Model model = Model::load(path("model.onnx"));
    EXPECT_EQ(model.graph().symbols, (std::vector<std::string>{"batch", "x_2"}));
    EXPECT_EQ(model(ones({2, 3, 5})).shape(), (std::vector<std::int64_t>{2, 15}));
    EXPECT_EQ(model(ones({4, 3, 1})).shape(), (std::vector<std::int64_t>{4, 3}));
    const Model fixed = import_onnx(path("model.onnx"), {.dims = {{"batch", 2}}});
    EXPECT_EQ(fixed.graph().symbols, (std::vector<std::string>{"x_2"}));
}

TEST_F(OnnxImport, ShapesBroadcastAsTensorsDo) {
    OnnxBuilder b;
    b.add_input("x", f32, {{-1, "n"}, {3}, {-1, "k"}});
    b.add_node("Shape", {"x"}, {"shape"});
    b.add_node("Constant", {}, {"one"}, {{.name = "value_ints", .integers = {1}}});
    b.add_node("Constant", {}, {"front"}, {{.name = "value_ints", .integers = {0}}});
    b.add_node("Unsqueeze", {"one", "front"}, {"row"});
    b.add_node("Add", {"shape", "row"}, {"y"});
    b.add_output("y", i64, {{1}, {3}});
    const Model model = parse_onnx(b.file(), "model.onnx").model;
    const Tensor y = model(ones({2, 3, 5}));
    EXPECT_EQ(y.shape(), (std::vector<std::int64_t>{1, 3}));
    EXPECT_EQ(y.to_vector<std::int64_t>(), (std::vector<std::int64_t>{3, 4, 6}));
}

TEST_F(OnnxImport, ValuesThatDecideShapesAreGivenBeforehand) {
    OnnxBuilder b;
    b.add_input("x", f32, {{6}});
    b.add_input("shape", i64, {{2}});
    b.add_input("bias", f32, {{3}});
    b.add_node("Reshape", {"x", "shape"}, {"rows"});
    b.add_node("Add", {"rows", "bias"}, {"y"});
    b.add_output("y", f32, {{-1, "rows"}, {3}});
    const Array shape = Tensor::from({std::int64_t{2}, std::int64_t{3}}).to_array();
    const Array bias = zeros({3}).to_array();
    const OnnxModel imported = parse_onnx(b.file(), "model.onnx", {.inputs = {{"shape", shape}, {"bias", bias}}});
    EXPECT_EQ(imported.constants, std::vector<std::string>{"shape"}) << "the bias decides nothing";
    EXPECT_EQ(imported.model.input_count(), 2U);
    OnnxBuilder reduces;
    reduces.add_input("x", f32, {{6}, {2}});
    reduces.add_input("axes", i64, {{1}});
    reduces.add_node("ReduceSum", {"x", "axes"}, {"y"});
    reduces.add_output("y", f32, {{-1, "rows"}, {-1, "columns"}});
    EXPECT_EQ(refusal(reduces.file()),
              "ReduceSum: operand 1 has to be known when the model is imported, and so does the input 'axes'");
}

// y = the tensors of xs one after the other; all = those of xs, then y; same = bias.
std::string file_with_sequences() {
    OnnxBuilder b;
    b.add_sequence_input("xs", f32, {{-1, "n"}, {2}});
    b.add_optional_input("bias", f32, {{2}});
    b.add_node("ConcatFromSequence", {"xs"}, {"y"}, {{.name = "axis", .integer = 0}});
    b.add_node("SequenceInsert", {"xs", "y"}, {"all"});
    b.add_node("Identity", {"bias"}, {"same"});
    b.add_output("y", f32, {{-1, "m"}, {2}});
    b.add_sequence_output("all", f32, {{-1, ""}, {2}});
    b.add_optional_output("same", f32, {{2}});
    return b.file(18);
}
std::vector<std::string> names_of_inputs(const Model& m) {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < m.input_count(); ++i) names.push_back(m.graph().parameter_name(i));
    return names;
}
std::vector<std::string> names_of_outputs(const Model& m) {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < m.graph().outputs().size(); ++i) names.push_back(m.graph().output_name(i));
    return names;
}

TEST_F(OnnxImport, SequencesAndOptionalValuesBecomeTensors) {
    using Names = std::vector<std::string>;
    const std::string file = file_with_sequences();
    const OnnxModel two = parse_onnx(file, "m.onnx", {.lengths = {{"xs", 2}}});
    EXPECT_EQ(names_of_inputs(two.model), (Names{"xs.0", "xs.1", "bias"}));
    EXPECT_EQ(names_of_outputs(two.model), (Names{"y", "all.0", "all.1", "all.2", "same"}));
    EXPECT_EQ(two.lengths, (std::map<std::string, std::int64_t>{{"all", 3}}));
    EXPECT_TRUE(two.absent.empty());
    // The tensors differ in extents, whatever the file calls these.
    const Tensor first = Tensor::from({1.0F, 2.0F}, {1, 2}), second = Tensor::from({3.0F, 4.0F, 5.0F, 6.0F}, {2, 2}),
                 bias = Tensor::from({7.0F, 8.0F});
    const std::vector<Tensor> results = two.model(std::vector<Tensor>{first, second, bias});
    EXPECT_EQ(results[0].to_vector<float>(), (std::vector<float>{1, 2, 3, 4, 5, 6}));
    EXPECT_EQ(results[3].to_vector<float>(), (std::vector<float>{1, 2, 3, 4, 5, 6}));
    EXPECT_EQ(results[4].to_vector<float>(), (std::vector<float>{7, 8}));
    // What is given says how long the sequence is.
    const OnnxModel one = parse_onnx(file, "m.onnx", {.inputs = {{"xs.0", first.to_array()}}, .absent = {"bias"}});
    EXPECT_EQ(names_of_inputs(one.model), (Names{"xs.0"}));
    EXPECT_EQ(names_of_outputs(one.model), (Names{"y", "all.0", "all.1"}));
    EXPECT_EQ(one.absent, (std::set<std::string>{"same"}));

    EXPECT_EQ(refusal(file),
              "model.onnx: the input 'xs' is a sequence, whose length has to be known when the model is imported");
    EXPECT_EQ(refusal(file, {.lengths = {{"xs", -1}}}),
              "model.onnx: the input 'xs' is a sequence of -1 tensors, not 0 to 4096");
    EXPECT_EQ(refusal(file, {.lengths = {{"xs", 1}, {"bias", 1}}}),
              "model.onnx: there is no input 'bias' that is a sequence");
    EXPECT_EQ(refusal(file, {.lengths = {{"xs", 1}}, .absent = {"xs"}}),
              "model.onnx: there is no input 'xs' that is optional");
    EXPECT_EQ(refusal(file, {.lengths = {{"xs", 0}}}), "ConcatFromSequence: the sequence is empty");
}

std::string file_with_extents(const OnnxBuilder::Dim& of_x) {
    OnnxBuilder b;
    b.add_input("x", f32, {of_x});
    b.add_input("shape", i64, {{2}});
    b.add_input("repeats", i64, {{2}});
    b.add_input("start", i64, {{1}});
    b.add_input("end", i64, {{1}});
    b.add_input("limit", i64, {});
    b.add_node("Constant", {}, {"one"}, {{.name = "value_int", .integer = 1}});
    b.add_node("Constant", {}, {"three"}, {{.name = "value_int", .integer = 3}});
    b.add_node("Constant", {}, {"two"}, {{.name = "value_ints", .integers = {2}}});
    b.add_node("Reshape", {"x", "shape"}, {"reshaped"});
    b.add_node("Tile", {"reshaped", "repeats"}, {"tiled"});
    b.add_node("Slice", {"x", "start", "end"}, {"sliced"});
    b.add_node("Range", {"one", "limit", "three"}, {"counted"});
    b.add_node("Concat", {"two", "end"}, {"long"}, {{.name = "axis", .integer = 0}});
    b.add_node("ConstantOfShape", {"long"}, {"filled"});
    for (const char* y : {"tiled", "sliced", "counted", "filled"}) b.add_output(y, f32, {});
    return b.file(17);
}

// Extents that are inputs are sizes of a run: one program for all.
TEST_F(OnnxImport, InputsThatAreExtentsBindAtTheCall) {
    write("model.onnx", file_with_extents({-1, "n"}));
    const Model model = Model::load(path("model.onnx"));
    EXPECT_EQ(model.input_names(), (std::vector<std::string>{"x", "shape", "repeats", "start", "end", "limit"}));
    using Integers = std::vector<std::int64_t>;
    const auto integers = [](const Integers& numbers) {
        return Tensor::from(numbers, {static_cast<std::int64_t>(numbers.size())});
    };
    const auto inputs = [&](const Integers& shape, const Integers& repeats, std::int64_t start, std::int64_t end,
                            std::int64_t limit) {
        return std::vector<Tensor>{
            convert(arange(6), Dtype::f32), integers(shape), integers(repeats), integers({start}), integers({end}),
            Tensor::scalar(limit)};
    };
    for (const Model& m : {model, [&] {
                               model.save(path("model.lathe"));
                               return Model::load(path("model.lathe"));
                           }()}) {
        std::vector<Tensor> results = m(inputs({2, 3}, {1, 2}, 1, 100, 8));
        EXPECT_EQ(results[0].to_vector<float>(), (std::vector<float>{0, 1, 2, 0, 1, 2, 3, 4, 5, 3, 4, 5}));
        EXPECT_EQ(results[0].shape(), (Integers{2, 6}));
        EXPECT_EQ(results[1].to_vector<float>(), (std::vector<float>{1, 2, 3, 4, 5}));
        EXPECT_EQ(results[2].to_vector<std::int64_t>(), (Integers{1, 4, 7}));
        EXPECT_EQ(results[3].shape(), (Integers{2, 100}));
        results = m(inputs({6, 1}, {2, 1}, 4, 5, 1));
        EXPECT_EQ(results[0].shape(), (Integers{12, 1}));
        EXPECT_EQ(results[1].to_vector<float>(), (std::vector<float>{4}));
        EXPECT_EQ(results[2].shape(), (Integers{0}));
        EXPECT_EQ(results[3].shape(), (Integers{2, 5}));
    }
    EXPECT_EQ(model.runs(), 2U);
    EXPECT_THROW(model(inputs({4, 3}, {1, 1}, 0, 1, 1)), TypeError);
    try {
        model(inputs({2, -1}, {1, 1}, 0, 1, 1));
        FAIL();
    } catch (const TypeError& e) {
        EXPECT_EQ(e.message(),
                  "model: input 'shape' has -1 for a size; another meaning of it is known when the model is made");
    }
    // With their values at hand they may mean more.
    const OnnxModel known =
        parse_onnx(read_file(path("model.onnx")), "model.onnx", {.inputs = {{"shape", integers({2, -1}).to_array()}}});
    EXPECT_EQ(known.constants, (std::vector<std::string>{"shape"}));
    // An executable takes the same inputs. It has to find all sizes in them: an extent of x may not follow from others.
    write("model.onnx", file_with_extents({6}));
    Model::load(path("model.onnx")).save(path("model.lathe"));
    const std::string lathe = "'" LATHE_BINARY_DIR "/lathe' ";
    ASSERT_EQ(run_here(lathe + "compile model.onnx -o model"), (Outcome{0, ""}));
    const std::vector<Tensor> given = inputs({2, 3}, {1, 2}, 1, 100, 8);
    std::string arguments;
    for (std::size_t i = 0; i < given.size(); ++i) {
        const std::string name = model.input_names()[i];
        write_npy(path(name + ".npy"), given[i].to_array());
        arguments += " --input " + name + "=" + name + ".npy";
    }
    const std::vector<Tensor> expected = model(given);
    for (const std::string& command :
         {"./model" + arguments, lathe + "run model.lathe" + arguments, lathe + "run model.onnx" + arguments,
          lathe + "run model.lathe --interpret" + arguments}) {
        ASSERT_EQ(run_here(command + " --output o"), (Outcome{0, ""})) << command;
        for (std::size_t i = 0; i < expected.size(); ++i)
            EXPECT_EQ(read_npy(path("o/" + model.graph().output_name(i) + ".npy")), expected[i].to_array()) << command;
        fs::remove_all(path("o"));
    }
    EXPECT_NE(run_here("./model --help").output.find("\n  shape              i64[2]\n"), std::string::npos);
    write_npy(path("shape.npy"), integers({2, -3}).to_array());
    EXPECT_EQ(run_here("./model" + arguments), (Outcome{1, "model: shape.npy: -3 is no size\n"}));
}

TEST_F(OnnxImport, TheCommandTakesSequences) {
    write("model.onnx", file_with_sequences());
    write("xs.pb", testing_support::sequence_file({testing_support::tensor_file({1, 2}, {1, 2}),
                                                   testing_support::tensor_file({2, 2}, {3, 4, 5, 6})}));
    write("none.pb", "");
    const std::string lathe = "'" LATHE_BINARY_DIR "/lathe' ";
    ASSERT_EQ(run_here(lathe + "run model.onnx --input xs=xs.pb --input bias=none.pb --output o"), (Outcome{0, ""}));
    const std::vector<float> all{1, 2, 3, 4, 5, 6};
    EXPECT_EQ(Tensor::from(read_npy(path("o/y.npy"))).to_vector<float>(), all);
    EXPECT_EQ(Tensor::from(read_npy(path("o/all.1.npy"))).to_vector<float>(), (std::vector<float>{3, 4, 5, 6}));
    EXPECT_EQ(Tensor::from(read_npy(path("o/all.2.npy"))).to_vector<float>(), all);
    EXPECT_FALSE(fs::exists(path("o/same.npy")));
    // An executable takes the tensors.
    ASSERT_EQ(run_here(lathe + "import model.onnx -o model.lathe --length xs=2 --absent bias"), (Outcome{0, ""}));
    ASSERT_EQ(run_here(lathe + "compile model.lathe -o model"), (Outcome{0, ""}));
    write_npy(path("0.npy"), Tensor::from({1.0F, 2.0F}, {1, 2}).to_array());
    write_npy(path("1.npy"), Tensor::from({3.0F, 4.0F, 5.0F, 6.0F}, {2, 2}).to_array());
    ASSERT_EQ(run_here("./model --input xs.0=0.npy --input xs.1=1.npy --output p"), (Outcome{0, ""}));
    EXPECT_EQ(Tensor::from(read_npy(path("p/all.2.npy"))).to_vector<float>(), all);
}

TEST_F(OnnxImport, AllThatIsNotSupportedIsNamedAtOnce) {
    OnnxBuilder inner;
    inner.add_node("Unheard", {}, {"z"});
    inner.add_output("z", f32, {});
    OnnxBuilder b;
    b.add_input("x", f32, {{2}});
    b.add_node("StringSplit", {"x"}, {"y"});
    b.add_node("TreeEnsemble", {"y"}, {"z"}, {}, "ai.onnx.ml");
    b.add_node("If", {"x"}, {"w"}, {{.name = "then_branch", .graph = inner.graph()}});
    b.add_output("z", f32, {{2}});
    EXPECT_EQ(refusal(b.file()),
              "model.onnx: operators that are not supported: StringSplit (opset 17), "
              "TreeEnsemble (ai.onnx.ml, opset 0), Unheard (opset 17)");
}

TEST_F(OnnxImport, ErrorsNameTheNode) {
    OnnxBuilder b;
    b.add_input("x", f32, {{2}});
    b.add_input("y", f32, {{3}});
    b.add_node("Relu", {"x"}, {"z"});
    b.add_node("Add", {"z", "y"}, {"sum"});
    b.add_output("sum", f32, {{2}});
    write("model.onnx", b.file());
    try {
        Model::load(path("model.onnx"));
        ADD_FAILURE() << "nothing was said";
    } catch (const FormatError& e) {
        EXPECT_EQ(std::string(e.what()).substr(folder_.string().size() + 1),
                  "model.onnx:2: Add: add: the shapes do not broadcast: 2 is not 3 along axis -1 (f32[2] and f32[3]), "
                  "in the Add");
    }
    // So do the locations of what is compiled.
    OnnxBuilder good;
    good.add_input("x", f32, {{2}});
    good.add_node("Exp", {"x"}, {"y"});
    good.add_output("y", f32, {{2}});
    const Model model = parse_onnx(good.file(), "good.onnx").model;
    EXPECT_EQ(model.graph().outputs()[0].node->loc.to_string(), "good.onnx:1, in the Exp");
}

TEST_F(OnnxImport, GraphsThatAreWrongAreRefused) {
    const auto with = [](const auto& change) {
        OnnxBuilder b;
        b.add_input("x", f32, {{2}});
        change(b);
        b.add_output("y", f32, {{2}});
        return b.file();
    };
    EXPECT_EQ(refusal(with([](OnnxBuilder& b) { b.add_node("Relu", {"w"}, {"y"}); })),
              "nothing before this node computes 'w'");
    EXPECT_EQ(refusal(with([](OnnxBuilder& b) {
                  b.add_node("Relu", {"z"}, {"y"});
                  b.add_node("Relu", {"y"}, {"z"});
              })),
              "nothing before this node computes 'z'")
        << "a cycle";
    EXPECT_EQ(refusal(with([](OnnxBuilder& b) {
                  b.add_node("Relu", {"x"}, {"y"});
                  b.add_node("Relu", {"x"}, {"y"});
              })),
              "'y' is computed twice");
    EXPECT_EQ(refusal(with([](OnnxBuilder&) {})), "nothing before this node computes 'y'");
    EXPECT_EQ(refusal(with([](OnnxBuilder& b) { b.add_node("Relu", {}, {"y"}); })), "Relu: operand 0 is missing");
    EXPECT_EQ(refusal(with([](OnnxBuilder& b) { b.add_node("Concat", {"x"}, {"y"}); })),
              "Concat: the attribute axis is missing");
    EXPECT_EQ(refusal(with([](OnnxBuilder& b) {
                  b.add_node("Concat", {"x", "x"}, {"y"}, {{.name = "axis", .integers = {1}}});
              })),
              "Concat: the attribute axis has another type than its own");
    EXPECT_EQ(refusal(with([](OnnxBuilder& b) {
                  b.add_initializer("w", {3}, {1, 2});
                  b.add_node("Add", {"x", "w"}, {"y"});
              })),
              "Add: a tensor has fewer elements than its dimensions say");
    EXPECT_EQ(refusal(with([](OnnxBuilder& b) {
                  b.add_initializer("w", {std::int64_t{1} << 62, std::int64_t{1} << 62}, {});
                  b.add_node("Add", {"x", "w"}, {"y"});
              })),
              "Add: the dimensions of a tensor are no extents");
    OnnxBuilder newer;
    EXPECT_NE(refusal(newer.file(1000)).find("opset 1000 is newer than"), std::string::npos);
}

TEST_F(OnnxImport, ExternalDataStayInTheFolder) {
    const auto with = [](const std::string& location, const std::string& offset = "0") {
        OnnxBuilder b;
        b.add_input("x", f32, {{2}});
        b.add_external("w", {2}, location, offset);
        b.add_node("Add", {"x", "w"}, {"y"});
        b.add_output("y", f32, {{2}});
        return b.file();
    };
    const float weights[] = {0, 1, 2};
    write("weights.bin", {reinterpret_cast<const char*>(weights), sizeof weights});
    write("model.onnx", with("weights.bin", "4"));
    const Model model = Model::load(path("model.onnx"));
    EXPECT_EQ(model(zeros({2})).to_vector<float>(), (std::vector<float>{1, 2}));
    EXPECT_EQ(refusal(with("weights.bin", "8")),
              "Add: external data in 'weights.bin': the file ends before a tensor does");
    EXPECT_EQ(refusal(with("weights.bin", "-4")),
              "model.onnx: an offset or a length of external data is no natural number");
    EXPECT_EQ(refusal(with("absent.bin")), "Add: external data in 'absent.bin': there is no such file");
    EXPECT_EQ(refusal(with("../weights.bin")), "Add: external data in '../weights.bin' leave the folder of the model");
    EXPECT_EQ(refusal(with("/etc/passwd")), "Add: external data in '/etc/passwd' leave the folder of the model");
    fs::create_symlink("/etc", folder_ / "link");
    EXPECT_EQ(refusal(with("link/passwd")), "Add: external data in 'link/passwd' are behind a link");
    EXPECT_EQ(refusal(with(".")), "Add: external data in '.': there is no such file");
}

// What is compiled has the weights themselves as constants.
TEST_F(OnnxImport, WeightsAreNotCopiedToBeCompiled) {
    OnnxBuilder b;
    b.add_input("x", f32, {{2}});
    b.add_initializer("w", {2}, {1, 2});
    b.add_node("Add", {"x", "w"}, {"y"});
    b.add_output("y", f32, {{2}});
    const Model model = parse_onnx(b.file(), "model.onnx").model;
    const std::unique_ptr<ir::Graph> graph = model.closed_graph();
    int constants = 0;
    for (const ir::Node& node : graph->nodes())
        for (const ir::Attribute& a : node.attributes)
            if (const auto* const literal = std::get_if<ir::Literal>(&a)) {
                EXPECT_EQ(literal->bytes->data(), model.weights().at(0).bytes.data());
                ++constants;
            }
    EXPECT_EQ(constants, 1);
    EXPECT_EQ(model(zeros({2})).to_vector<float>(), (std::vector<float>{1, 2}));
}

TEST_F(OnnxImport, TheCommandTakesFiles) {
    OnnxBuilder b;
    b.add_input("x", f32, {{-1, "n"}, {2}});
    b.add_input("slope", f32, {{1}});
    b.add_node("PRelu", {"x", "slope"}, {"y"});
    b.add_output("y", f32, {{-1, "n"}, {2}});
    write("model.onnx", b.file());
    const std::string lathe = "'" LATHE_BINARY_DIR "/lathe' ";
    write_npy(path("x.npy"), Tensor::from({-1.0F, 2.0F, 3.0F, -4.0F}, {2, 2}).to_array());
    // A TensorProto: dims, data type, raw data.
    std::string slope("\x08\x01\x10\x01\x4a\x04", 6);
    const float half = 0.5F;
    slope.append(reinterpret_cast<const char*>(&half), sizeof half);
    write("slope.pb", slope);
    ASSERT_EQ(run_here(lathe + "run model.onnx --input x=x.npy --input slope=slope.pb --output o"), (Outcome{0, ""}));
    const std::vector<float> expected{-0.5F, 2, 3, -2};
    EXPECT_EQ(Tensor::from(read_npy(path("o/y.npy"))).to_vector<float>(), expected);
    const Outcome stats = run_here(lathe + "run model.onnx --input x=x.npy --input slope=slope.pb --output o --stats");
    EXPECT_EQ(stats.status, 0);
    EXPECT_EQ(stats.output.find("kernels 1\nconstant bytes 0\ninput bytes 20\noutput bytes 16\n"), 0U) << stats.output;
    EXPECT_NE(stats.output.find("\nintermediate bytes 0\n"), std::string::npos) << stats.output;
    EXPECT_EQ(run_here(lathe + "verify model.onnx"), (Outcome{0, ""}));
    EXPECT_NE(run_here(lathe + "print model.onnx --stage graph").output.find("parameter \"slope\""), std::string::npos);
    ASSERT_EQ(run_here(lathe + "import model.onnx -o model.lathe --dim n=2"), (Outcome{0, ""}));
    EXPECT_TRUE(Model::load(path("model.lathe")).graph().symbols.empty());
    write_npy(path("slope.npy"), Tensor::from({half}).to_array());
    ASSERT_EQ(run_here(lathe + "compile model.onnx -o model"), (Outcome{0, ""}));
    ASSERT_EQ(run_here("./model --input x=x.npy --input slope=slope.npy --output p"), (Outcome{0, ""}));
    EXPECT_EQ(Tensor::from(read_npy(path("p/y.npy"))).to_vector<float>(), expected);
}

// Bits flipped, ends cut off, parts put elsewhere: refused, or another model; never anything else.
// LATHE_MUTATIONS says how many.
TEST_F(OnnxImport, MutationsAreRefusedOrRun) {
    const fs::path folder = fs::path(LATHE_SOURCE_DIR) / ".." / "shared" / "testdata" / "onnx-conformance" / "node";
    if (!fs::exists(folder)) GTEST_SKIP() << "SKIPPED: there is no " << folder;
    std::vector<std::string> files;
    for (const auto& entry : fs::directory_iterator(folder)) {
        const std::string bytes = read_file((entry.path() / "model.onnx").string());
        if (bytes.size() < 2000) files.push_back(bytes);
    }
    std::ranges::sort(files);
    const char* const wanted = std::getenv("LATHE_MUTATIONS");
    const char* const seed = std::getenv("LATHE_FIRST_SEED");
    std::mt19937_64 random(seed == nullptr ? 1 : std::strtoull(seed, nullptr, 10));
    const auto below = [&](std::size_t n) { return n == 0 ? 0 : static_cast<std::size_t>(random() % n); };
    int refused = 0, accepted = 0;
    for (int i = wanted == nullptr ? 3000 : std::atoi(wanted); i > 0; --i) {
        std::string bytes = files[below(files.size())];
        for (std::size_t changes = 1 + below(3); changes > 0; --changes) switch (below(4)) {
                case 0:
                    bytes[below(bytes.size())] ^= static_cast<char>(1 << below(8));
                    break;
                case 1:
                    bytes[below(bytes.size())] = static_cast<char>(below(256));
                    break;
                case 2:
                    bytes.resize(1 + below(bytes.size()));
                    break;
                default: {
                    const std::string& other = files[below(files.size())];
                    const std::size_t from = below(other.size());
                    const std::size_t length = below(std::min<std::size_t>(64, other.size()));
                    const std::size_t to = below(bytes.size()), removed = below(16);
                    bytes.replace(to, removed, other.substr(from, length));
                }
            }
        try {
            parse_onnx(bytes, path("mutated.onnx"));
            ++accepted;
        } catch (const Error& e) {
            ++refused;
            EXPECT_EQ(dynamic_cast<const InternalError*>(&e), nullptr) << e.what();
        }
    }
    std::cout << refused << " refused, " << accepted << " accepted\n";
    EXPECT_GT(refused, 0);
    EXPECT_GT(accepted, 0);
}

// Products of what was dequantised are those of the integers, exactly, scaled: such as f64 would have to compute them.
TEST_F(OnnxImport, ProductsOfDequantizedAreOfIntegers) {
    constexpr std::int64_t u8 = 2, i8 = 3;
    OnnxBuilder b;
    const auto quantised = [&](const std::string& name, std::int64_t dtype, const std::vector<OnnxBuilder::Dim>& dims,
                               std::int64_t scales, std::int64_t axis) {
        const std::vector<OnnxBuilder::Dim> numbers =
            scales == 0 ? std::vector<OnnxBuilder::Dim>{} : std::vector<OnnxBuilder::Dim>{{scales}};
        b.add_input(name, dtype, dims);
        b.add_input(name + "_scale", f32, numbers);
        b.add_input(name + "_zero", dtype, numbers);
        b.add_node("DequantizeLinear", {name, name + "_scale", name + "_zero"}, {name + "_float"},
                   {{.name = "axis", .integer = axis}});
    };
    quantised("x", u8, {{1}, {40}, {6}, {5}}, 0, 1);
    quantised("w", i8, {{7}, {40}, {3}, {3}}, 7, 0);
    quantised("a", i8, {{5}, {150}}, 0, 1);
    quantised("c", u8, {{9}, {150}}, 9, 0);
    b.add_node("Conv", {"x_float", "w_float"}, {"images"}, {{.name = "pads", .integers = {1, 1, 1, 1}}});
    b.add_node("Gemm", {"a_float", "c_float"}, {"rows"}, {{.name = "transB", .integer = 1}});
    b.add_output("images", f32, {{1}, {7}, {6}, {5}});
    b.add_output("rows", f32, {{5}, {9}});
    write("model.onnx", b.file());
    const Model model = Model::load(path("model.onnx"));
    EXPECT_TRUE(std::ranges::none_of(model.graph().nodes(), [](const ir::Node& n) {
        return n.op->of_bytes != nullptr && n.results[0].dtype == Dtype::f32;
    }));

    const Tensor x = random_integers(1, 0, 256, {1, 40, 6, 5}, Dtype::u8), x_zero = full({}, 131, Dtype::u8);
    const Tensor w = random_integers(2, -128, 128, {7, 40, 3, 3}, Dtype::i8),
                 w_zero = random_integers(3, -4, 4, {7}, Dtype::i8);
    const Tensor a = random_integers(4, -128, 128, {5, 150}, Dtype::i8), a_zero = full({}, -3, Dtype::i8);
    const Tensor c = random_integers(5, 0, 256, {9, 150}, Dtype::u8),
                 c_zero = random_integers(6, 100, 150, {9}, Dtype::u8);
    const Tensor scale = full({}, 0.013, Dtype::f32), w_scale = random_uniform(7, {7}) * 0.1F,
                 c_scale = random_uniform(8, {9}) * 0.1F;
    const auto whole = [](const Tensor& q, const Tensor& zero) {
        return convert(q, Dtype::i64) - convert(zero, Dtype::i64);
    };
    const Tensor images = conv2d(whole(x, x_zero), whole(w, reshape(w_zero, {7, 1, 1, 1})), {.padding = 1});
    const Tensor rows = matmul(whole(a, a_zero), whole(c, reshape(c_zero, {9, 1})).t());
    const std::map<std::string, Array> found = model.run({{"x", x.to_array()},
                                                          {"x_scale", scale.to_array()},
                                                          {"x_zero", x_zero.to_array()},
                                                          {"w", w.to_array()},
                                                          {"w_scale", w_scale.to_array()},
                                                          {"w_zero", w_zero.to_array()},
                                                          {"a", a.to_array()},
                                                          {"a_scale", scale.to_array()},
                                                          {"a_zero", a_zero.to_array()},
                                                          {"c", c.to_array()},
                                                          {"c_scale", c_scale.to_array()},
                                                          {"c_zero", c_zero.to_array()}});
    EXPECT_EQ(found.at("images"), (convert(images, Dtype::f32) * (scale * reshape(w_scale, {7, 1, 1}))).to_array());
    EXPECT_EQ(found.at("rows"), (convert(rows, Dtype::f32) * (scale * c_scale)).to_array());
}

TEST_F(OnnxImport, QuantisedOperatorsOfMicrosoft) {
    constexpr std::int64_t u8 = 2, i8 = 3, i32 = 6;
    OnnxBuilder b;
    b.add_input("a", u8, {{3}, {20}});
    b.add_input("b", i8, {{20}, {6}});
    b.add_input("bias", i32, {{6}});
    for (const char* const name : {"a_scale", "y_scale"}) b.add_input(name, f32, {});
    b.add_input("b_scale", f32, {{6}});
    for (const char* const name : {"a_zero", "y_zero"}) b.add_input(name, u8, {});
    b.add_node("QGemm", {"a", "a_scale", "a_zero", "b", "b_scale", "", "bias", "y_scale", "y_zero"}, {"y"}, {},
               "com.microsoft");
    b.add_node("QLinearSoftmax", {"y", "y_scale", "y_zero", "a_scale", "a_zero"}, {"s"},
               {{.name = "axis", .integer = 0}, {.name = "opset", .integer = 12}}, "com.microsoft");
    b.add_output("y", u8, {{3}, {6}});
    b.add_output("s", u8, {{3}, {6}});
    write("model.onnx", b.file());
    const Model model = Model::load(path("model.onnx"));

    const Tensor a = random_integers(1, 0, 256, {3, 20}, Dtype::u8),
                 w = random_integers(2, -128, 128, {20, 6}, Dtype::i8),
                 bias = random_integers(3, -99, 99, {6}, Dtype::i32);
    const Tensor a_scale = full({}, 0.004, Dtype::f32), y_scale = full({}, 0.7, Dtype::f32);
    const Tensor b_scale = random_uniform(4, {6}) * 0.1F;
    const Tensor a_zero = full({}, 3, Dtype::u8), y_zero = full({}, 128, Dtype::u8);
    const Tensor whole = matmul(convert(a, Dtype::i64) - 3, convert(w, Dtype::i64)) + convert(bias, Dtype::i64);
    const Tensor y = convert(round(convert(whole, Dtype::f32) * (a_scale * b_scale / y_scale)) + 128.0, Dtype::u8);
    // Before opset 13 a softmax along axis 0 is one of all elements.
    const Tensor all = reshape((convert(y, Dtype::f32) - 128.0) * y_scale, {18});
    const Tensor s = convert(round(reshape(softmax(all), {3, 6}) / a_scale) + 3.0, Dtype::u8);
    const std::map<std::string, Array> found = model.run({{"a", a.to_array()},
                                                          {"b", w.to_array()},
                                                          {"bias", bias.to_array()},
                                                          {"a_scale", a_scale.to_array()},
                                                          {"b_scale", b_scale.to_array()},
                                                          {"y_scale", y_scale.to_array()},
                                                          {"a_zero", a_zero.to_array()},
                                                          {"y_zero", y_zero.to_array()}});
    EXPECT_EQ(found.at("y"), y.to_array());
    EXPECT_EQ(found.at("s"), s.to_array());
}

}  // namespace
}  // namespace lathe
