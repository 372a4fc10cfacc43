// ONNX's own cases: models of one node or a few for each operator, with inputs and the outputs that are expected. What
// is refused or differs, and why, is in onnx/refusals.txt; nothing else may.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>

#include <gtest/gtest.h>

#include "frontend/formats/read_file.h"
#include "frontend/onnx/onnx.h"
#include "frontend/onnx/proto.h"
#include "lathe.h"

namespace lathe {
namespace {

namespace fs = std::filesystem;

const fs::path cases = fs::path(LATHE_SOURCE_DIR) / ".." / "shared" / "testdata" / "onnx-conformance";

std::vector<double> numbers_of(const Array& a) { return convert(Tensor::from(a), Dtype::f64).to_vector<double>(); }

// Why arrays differ by more than rounding; empty where they do not.
std::string difference(const Array& actual, const Array& expected) {
    const auto type = [](const Array& a) {
        std::string s(ir::name(a.dtype));
        for (const std::int64_t d : a.shape) s += " " + std::to_string(d);
        return s;
    };
    if (actual.dtype != expected.dtype || actual.shape != expected.shape)
        return "is " + type(actual) + ", not " + type(expected);
    const bool is_narrow = expected.dtype == Dtype::f16 || expected.dtype == Dtype::bf16;
    const double relative = is_narrow ? 1e-2 : 1e-3, absolute = is_narrow ? 1e-2 : 1e-5;
    const std::vector<double> a = numbers_of(actual), e = numbers_of(expected);
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (std::isnan(e[i]) ? std::isnan(a[i])
                             : a[i] == e[i] || std::abs(a[i] - e[i]) <= absolute + relative * std::abs(e[i]))
            continue;
        std::ostringstream out;
        out << "[" << i << "] is " << a[i] << ", not " << e[i];
        return out.str();
    }
    return {};
}

struct Outcome {
    enum class Kind : std::uint8_t { passed, refused, failed };
    Kind kind = Kind::passed;
    std::string why;
};

// The files input_0.pb, input_1.pb, ... of a case.
std::vector<std::string> files_of(const fs::path& folder, const std::string& kind) {
    std::vector<std::string> files;
    while (true) {
        const fs::path path = folder / (kind + "_" + std::to_string(files.size()) + ".pb");
        if (!fs::exists(path)) return files;
        files.push_back(path.string());
    }
}

// Why an output differs from a file; empty where it does not. `results` are the model's.
std::string difference(const OnnxModel& model, const std::map<std::string, Array>& results,
                       const onnx::ValueInfo& output, const std::string& file) {
    const std::string name(output.name);
    const std::string bytes = read_file(file);
    const auto expected = onnx::read_value(bytes, output.type);
    if (!expected) return model.absent.contains(name) ? "" : "is there";
    const bool is_sequence = output.type.kind == onnx::ValueType::Kind::sequence;
    if (is_sequence && model.lengths.at(name) != static_cast<std::int64_t>(expected->size()))
        return "has " + std::to_string(model.lengths.at(name)) + " tensors, not " + std::to_string(expected->size());
    for (std::size_t i = 0; i < expected->size(); ++i) {
        const std::string part = is_sequence ? name + "." + std::to_string(i) : name;
        if (const std::string why = difference(results.at(part), (*expected)[i]); !why.empty()) return part + " " + why;
    }
    return {};
}

Outcome run_case(const fs::path& folder) {
    const std::string path = (folder / "model.onnx").string();
    const std::string bytes = read_file(path);
    const fs::path data = folder / "test_data_set_0";
    try {
        const onnx::Graph graph = onnx::read_graph(onnx::read_file(bytes).graph);
        OnnxOptions options;
        const std::vector<std::string> inputs = files_of(data, "input"), outputs = files_of(data, "output");
        for (std::size_t i = 0; i < std::min(inputs.size(), graph.inputs.size()); ++i)
            add_onnx_input(options, bytes, std::string(onnx::read_value_info(graph.inputs[i]).name), inputs[i]);
        const OnnxModel imported = parse_onnx(bytes, path, options);
        for (const std::string& name : imported.constants) options.inputs.erase(name);
        const std::map<std::string, Array> results = imported.model.run(options.inputs);
        for (std::size_t i = 0; i < outputs.size(); ++i) {
            const onnx::ValueInfo output = onnx::read_value_info(graph.outputs.at(i));
            if (const std::string why = difference(imported, results, output, outputs[i]); !why.empty())
                return {Outcome::Kind::failed, std::string(output.name) + ": " + why};
        }
        return {};
    } catch (const FormatError& e) {
        return {Outcome::Kind::refused, e.what()};
    } catch (const std::exception& e) {
        return {Outcome::Kind::failed, e.what()};
    }
}

// What a case is about: "test_reduce_sum_keepdims" is about reduce.
std::string subject_of(const std::string& name) {
    const std::string rest = name.starts_with("test_") ? name.substr(5) : name;
    return rest.substr(0, rest.find('_'));
}

// The names of cases that are refused, and why: "name: reason".
std::map<std::string, std::string> known_refusals() {
    std::map<std::string, std::string> all;
    std::ifstream in(fs::path(LATHE_SOURCE_DIR) / "tests" / "onnx" / "refusals.txt");
    for (std::string line; std::getline(in, line);)
        if (const std::size_t colon = line.find(": "); colon != std::string::npos && line[0] != '#')
            all.emplace(line.substr(0, colon), line.substr(colon + 2));
    return all;
}

struct Shard {
    const char* folder;
    int index, count;
};
class OnnxConformance : public testing::TestWithParam<Shard> {};

TEST_P(OnnxConformance, Cases) {
    const fs::path folder = cases / GetParam().folder;
    if (!fs::exists(folder)) GTEST_SKIP() << "SKIPPED: there is no " << folder;
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder))
        if (fs::exists(entry.path() / "model.onnx")) names.push_back(entry.path().filename().string());
    std::ranges::sort(names);
    const std::map<std::string, std::string> refusals = known_refusals();
    const char* const only = std::getenv("LATHE_ONNX_CASE");  // part of a name
    std::map<std::string, std::array<int, 3>> counts;
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (static_cast<int>(i % static_cast<std::size_t>(GetParam().count)) != GetParam().index) continue;
        const std::string& name = names[i];
        if (only != nullptr && name.find(only) == std::string::npos) continue;
        Outcome o = run_case(folder / name);
        if (o.kind == Outcome::Kind::failed && refusals.contains(name)) o.kind = Outcome::Kind::refused;
        ++counts[subject_of(name)][static_cast<std::size_t>(o.kind)];
        if (o.kind == Outcome::Kind::failed) ADD_FAILURE() << name << ": " << o.why;
        if (o.kind == Outcome::Kind::refused && !refusals.contains(name))
            ADD_FAILURE() << name << " is refused: " << o.why;
        if (o.kind == Outcome::Kind::passed && refusals.contains(name))
            ADD_FAILURE() << name << " passes, but is among the refusals";
    }
    int passed = 0, failed = 0, refused = 0;
    for (const auto& [subject, c] : counts) {
        std::cout << subject << ": " << c[0] << " passed, " << c[2] << " failed, " << c[1] << " refused\n";
        passed += c[0], refused += c[1], failed += c[2];
    }
    std::cout << "all: " << passed << " passed, " << failed << " failed, " << refused << " refused\n";
}
INSTANTIATE_TEST_SUITE_P(Files, OnnxConformance,
                         testing::Values(Shard{"node", 0, 6}, Shard{"node", 1, 6}, Shard{"node", 2, 6},
                                         Shard{"node", 3, 6}, Shard{"node", 4, 6}, Shard{"node", 5, 6},
                                         Shard{"simple", 0, 1}),
                         [](const auto& shard) {
                             return std::string(shard.param.folder) + std::to_string(shard.param.index);
                         });

// Real topologies, whose weights are constants that the file makes from their shapes. ONNX says what they give for an
// input whose elements rise from 0 to 1.
class OnnxLight : public testing::TestWithParam<const char*> {};

TEST_P(OnnxLight, GivesWhatIsExpected) {
    const fs::path folder = cases / "light";
    if (!fs::exists(folder)) GTEST_SKIP() << "SKIPPED: there is no " << folder;
    const std::string name = "light_" + std::string(GetParam());
    const Model model = Model::load((folder / (name + ".onnx")).string());
    ASSERT_EQ(model.input_count(), 1U);
    const Tensor x = convert(arange(3 * 224 * 224), Dtype::f32) / (3 * 224 * 224);
    const std::vector<Tensor> results = model(std::vector<Tensor>{reshape(x, {1, 3, 224, 224})});
    const std::string expected = read_file((folder / (name + "_output_0.pb")).string());
    EXPECT_EQ(difference(results.at(0).to_array(), onnx::read_tensor(expected)), "");
}
INSTANTIATE_TEST_SUITE_P(Topologies, OnnxLight,
                         testing::Values("bvlc_alexnet", "densenet121", "inception_v1", "inception_v2", "resnet50",
                                         "shufflenet", "squeezenet", "vgg19", "zfnet512"),
                         [](const auto& name) { return std::string(name.param); });

}  // namespace
}  // namespace lathe
