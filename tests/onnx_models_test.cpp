// Models that others trained, read from ONNX files, against the outputs that onnxruntime gave.
#include <cctype>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "ir/graph/graph.h"
#include "lathe.h"
#include "tests/command.h"

namespace lathe {
namespace {

namespace fs = std::filesystem;

const fs::path data = fs::path(LATHE_SOURCE_DIR) / ".." / "shared" / "testdata";

struct Reference {
    const char *model, *folder;
};
void PrintTo(const Reference& r, std::ostream* out) { *out << r.model; }
class OnnxModels : public testing_support::InFolder, public testing::WithParamInterface<Reference> {};
class Executables : public testing_support::InFolder {};

std::vector<Tensor> read_all(const fs::path& folder, const std::string& kind) {
    std::vector<Tensor> all;
    while (fs::exists(folder / (kind + std::to_string(all.size()) + ".npy")))
        all.push_back(Tensor::from(read_npy((folder / (kind + std::to_string(all.size()) + ".npy")).string())));
    return all;
}

// The largest |a - e| / (1e-5 + 1e-3 |e|): at most 1.
double worst(const Tensor& actual, const Tensor& expected) {
    const std::vector<double> a = convert(actual, Dtype::f64).to_vector<double>();
    const std::vector<double> e = convert(expected, Dtype::f64).to_vector<double>();
    double most = a.size() == e.size() ? 0 : INFINITY;
    for (std::size_t i = 0; i < std::min(a.size(), e.size()); ++i) {
        const double error = std::abs(a[i] - e[i]) / (1e-5 + 1e-3 * std::abs(e[i]));
        most = std::isnan(error) ? INFINITY : std::max(most, error);
    }
    return most;
}

TEST_P(OnnxModels, AgreeWithOnnxruntime) {
    const fs::path path = data / "models" / (std::string(GetParam().model) + ".onnx");
    if (!fs::exists(path)) GTEST_SKIP() << "SKIPPED: there is no " << path;
    const Model model = Model::load(path.string());
    const fs::path folder = data / "refs" / GetParam().folder;
    const std::vector<Tensor> inputs = read_all(folder, "in"), expected = read_all(folder, "out");
    ASSERT_EQ(inputs.size(), model.input_count());
    const std::vector<Tensor> results = model(inputs);
    ASSERT_EQ(results.size(), expected.size());
    for (std::size_t i = 0; i < results.size(); ++i) {
        EXPECT_EQ(results[i].shape(), expected[i].shape()) << "output " << i;
        EXPECT_LE(worst(results[i], expected[i]), 1) << "output " << i;
    }
}
// An executable gives the bits of the model as it runs here.
TEST_P(OnnxModels, ExecutablesGiveTheSameBits) {
    const fs::path path = data / "models" / (std::string(GetParam().model) + ".onnx");
    if (!fs::exists(path)) GTEST_SKIP() << "SKIPPED: there is no " << path;
    const Model model = Model::load(path.string());
    const std::vector<Tensor> inputs = read_all(data / "refs" / GetParam().folder, "in");
    const std::vector<Tensor> expected = model(inputs);
    const std::string program = (folder_ / "model").string();
    compile_model(model, program);
    std::string arguments;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        const std::string file = (folder_ / (std::to_string(i) + ".npy")).string();
        write_npy(file, inputs[i].to_array());
        arguments += " --input '" + model.graph().parameter_name(i) + "=" + file + "'";
    }
    ASSERT_EQ(run_here("./model" + arguments + " --output results"), (testing_support::Outcome{0, ""}));
    for (std::size_t i = 0; i < expected.size(); ++i) {
        std::string name = model.graph().output_name(i);
        for (char& c : name)
            if (!std::isalnum(static_cast<unsigned char>(c)) && c != '_' && c != '-' && c != '.') c = '_';
        EXPECT_EQ(read_npy((folder_ / "results" / (name + ".npy")).string()), expected[i].to_array()) << name;
    }
}

// With kernels for two levels, and the program around them.
TEST_F(Executables, OfSmallModelsAreSmall) {
    const fs::path path = data / "models" / "mnist-8.onnx";
    if (!fs::exists(path)) GTEST_SKIP() << "SKIPPED: there is no " << path;
    const Model model = Model::load(path.string());
    std::uintmax_t weights = 0;
    for (const Array& array : model.weights()) weights += array.bytes.size();
    const std::string program = (folder_ / "model").string();
    compile_model(model, program);
    EXPECT_LE(fs::file_size(program), 150'000 + weights);
}

INSTANTIATE_TEST_SUITE_P(Files, OnnxModels,
                         testing::Values(Reference{"burn-mnist", "burn-mnist"}, Reference{"dtln_1", "dtln_1"},
                                         Reference{"dtln_2", "dtln_2"}, Reference{"go1_policy", "go1_policy"},
                                         Reference{"mnist-8", "mnist-8"}, Reference{"ppocr_cls", "ppocr_cls"},
                                         Reference{"ultraface-RFB-320", "ultraface-RFB-320"},
                                         Reference{"yunet_n_320_320", "yunet_n_320"},
                                         Reference{"yunet_n_dynamic", "yunet_n_dynamic_2x96x128"}),
                         [](const auto& reference) {
                             std::string name = reference.param.model;
                             for (char& c : name)
                                 if (c == '-') c = '_';
                             return name;
                         });

}  // namespace
}  // namespace lathe
