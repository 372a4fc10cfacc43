// Values and gradients of functions against those that PyTorch recorded for its own sample inputs, computed by the
// interpreter: what is compiled gives the interpreter's bits, as other tests say.
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include <gtest/gtest.h>

#include "ir/graph/interpret.h"
#include "ir/ops/ops.h"
#include "passes/graph/differentiate.h"
#include "passes/graph/rebuild.h"
#include "passes/graph/simplify.h"
#include "tests/oracle/call.h"

namespace lathe::oracle {
namespace {

namespace f = ir::functions;
using ir::Literal;
using ir::Value;

Translations all_translations() {
    Translations all;
    for (const Translations& family :
         {elementwise(), reductions(), movement(), indexing(), updates(), products(), windows(), networks(), losses(),
          activations(), fourier(), linear_algebra(), numerics()})
        all.insert(family.begin(), family.end());
    return all;
}

std::string read(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    std::stringstream all;
    all << in.rdbuf();
    return all.str();
}

// The tensors of a safetensors file, but for dtypes that are none of ours.
std::map<std::string, Literal> tensors_of(const std::string& file) {
    std::uint64_t header_size = 0;
    std::memcpy(&header_size, file.data(), 8);
    const Json header = Json::parse(file.substr(8, header_size));
    const std::map<std::string, Dtype> dtypes = {
        {"F64", Dtype::f64}, {"F32", Dtype::f32}, {"F16", Dtype::f16}, {"BF16", Dtype::bf16}, {"I64", Dtype::i64},
        {"I32", Dtype::i32}, {"I16", Dtype::i16}, {"I8", Dtype::i8},   {"U8", Dtype::u8},     {"BOOL", Dtype::boolean}};
    std::map<std::string, Literal> tensors;
    for (const auto& [name, entry] : header.items()) {
        if (name == "__metadata__" || !dtypes.contains(entry["dtype"])) continue;
        const Shape shape(entry["shape"].get<std::vector<std::int64_t>>());
        const std::size_t begin = entry["data_offsets"][0], end = entry["data_offsets"][1];
        tensors.emplace(name,
                        ir::make_literal({dtypes.at(entry["dtype"]), shape},
                                         std::as_bytes(std::span(file).subspan(8 + header_size + begin, end - begin))));
    }
    return tensors;
}

std::vector<double> elements(const Literal& x) {
    ir::Graph g;
    const Value v = g.add_parameter("x", x.type);
    const Literal wide = ir::interpret_node(g.add(ir::ops::convert, {{v}}, {Dtype::f64}), {{x}})[0];
    std::vector<double> result(static_cast<std::size_t>(x.type.shape.element_count().constant()));
    for (std::size_t i = 0; i < result.size(); ++i)
        std::memcpy(&result[i], wide.bytes->data() + (wide.is_splat() ? 0 : 8 * i), 8);
    return result;
}

// Why two tensors differ by more than rounding; empty where they do not.
std::string difference(const Literal& actual, const Literal& expected, bool by_largest = false) {
    if (actual.type.to_string() != expected.type.to_string())
        return "is " + actual.type.to_string() + ", not " + expected.type.to_string();
    const std::vector<double> a = elements(actual), e = elements(expected);
    double scale = 1;
    for (const double v : e)
        if (by_largest && std::isfinite(v)) scale = std::max(scale, std::abs(v));
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (std::isnan(e[i]) ? std::isnan(a[i])
                             : a[i] == e[i] || std::abs(a[i] - e[i]) <= 1e-5 * scale + 1e-4 * std::abs(e[i]))
            continue;
        std::ostringstream out;
        out.precision(9);
        out << "[" << i << "] is " << a[i] << ", not " << e[i];
        return out.str();
    }
    return {};
}

using Tensors = std::map<std::string, Literal>;

// Gradients that differ by definition.
struct Exception {
    const char *op, *reason;
    std::size_t gradient;
    double beyond = 0;  // only where an element of the input is greater
};
constexpr Exception exceptions[] = {
    {"nn.functional.ctc_loss", "theirs is that of log_softmax, too", 0},
    {"cholesky_inverse", "theirs belongs to the triangle, too, that is not read", 0},
    {"cholesky_solve", "theirs belongs to the triangle, too, that is not read", 1},
    {"logcumsumexp", "theirs subtracts logarithms of sums: of 1e4 in f32 it is 2e-3 from what f64 gives", 0, 1e3},
    {"nn.functional.max_unpool1d", "of several elements at a place only the one that stays counts here", 0},
    {"nn.functional.max_unpool2d", "likewise", 0},
    {"nn.functional.max_unpool3d", "likewise", 0},
    {"__rpow__", "a power of a negative number is constant in the exponent here, and NaN there", 0},
};
// Where large numbers cancel, in the reference too, the largest element is the measure.
constexpr std::string_view cancelling[] = {"nn.functional.scaled_dot_product_attention", "grid_sampler_2d"};
bool is_exception(const std::string& op, std::size_t gradient, const Literal& input) {
    return std::ranges::any_of(exceptions, [&](const Exception& e) {
        if (e.op != op || e.gradient != gradient) return false;
        return e.beyond == 0 || std::ranges::any_of(elements(input), [&](double x) { return std::abs(x) > e.beyond; });
    });
}

// Results whose columns may point either way.
struct Directed {
    const char* op;
    std::size_t result;
};
constexpr Directed directed[] = {{"linalg.eigh", 1}};

// 1 and -1 for each column: whether it points as the other one does.
Literal directions(const Literal& actual, const Literal& expected) {
    const std::vector<double> a = elements(actual), e = elements(expected);
    Shape shape = actual.type.shape;
    const auto columns = static_cast<std::size_t>(shape[shape.rank() - 1].constant());
    const auto rows = static_cast<std::size_t>(shape[shape.rank() - 2].constant());
    shape[shape.rank() - 2] = 1;
    std::vector<float> signs;
    for (std::size_t first = 0; first < a.size() && rows > 0; first += rows * columns)
        for (std::size_t j = 0; j < columns; ++j) {
            double along = 0;
            for (std::size_t i = first + j; i < first + rows * columns; i += columns) along += a[i] * e[i];
            signs.push_back(along < 0 ? -1 : 1);
        }
    return ir::make_literal({Dtype::f32, shape}, std::as_bytes(std::span(signs)));
}

// Names of all tensors in a record's arguments, in order, and those whose gradients it has.
void collect(const Json& j, std::vector<std::string>& all, std::vector<std::string>& differentiable) {
    if (Call::is_tensor(j)) {
        const std::string name = j["t"];
        if (std::ranges::find(all, name) == all.end()) all.push_back(name);
        if (j["rg"]) differentiable.push_back(name);
    } else if (j.is_array() || (j.is_object() && !j.contains("t"))) {
        for (const auto& inner : j) collect(inner, all, differentiable);
    }
}

// The first difference of results and gradients from the recorded ones; empty where there is none.
std::string compare(const Json& record, Translation translation, const Tensors& tensors) {
    std::vector<std::string> names, differentiable;
    for (const char* part : {"input", "args", "kwargs"}) collect(record[part], names, differentiable);
    std::vector<TensorSpec> specs;
    std::vector<Literal> inputs;
    for (const std::string& name : names) {
        if (!tensors.contains(name)) throw NotOurs("a dtype");
        inputs.push_back(tensors.at(name));
        TensorSpec spec{name, inputs.back().type.dtype, {}};
        for (Dim d : inputs.back().type.shape) spec.dims.emplace_back(d.constant());
        specs.push_back(std::move(spec));
    }
    const Model model = detail::trace_model(
        [&](std::span<const Tensor> x) {
            std::map<std::string, Tensor> by_name;
            for (std::size_t i = 0; i < names.size(); ++i) by_name.emplace(names[i], x[i]);
            return translation(Call(record, by_name));
        },
        names.size(), specs, {}, Where::current());

    const Json none = Json::array();
    const Json& outputs = record["out"];
    const Json& cotangents = record.contains("cot") ? record["cot"] : none;
    const std::unique_ptr<ir::Graph> traced = model.closed_graph();  // with numbers of the call as constants
    if (traced->outputs().size() != outputs.size())
        return std::to_string(traced->outputs().size()) + " results, not " + std::to_string(outputs.size());
    passes::ValueMap values;
    const std::unique_ptr<ir::Graph> graph = passes::copy(*traced, &values);
    std::vector<Value> results(graph->outputs().begin(), graph->outputs().end());
    for (const Directed& d : directed)
        if (record["op"] == d.op && tensors.contains(outputs[d.result])) {
            const Literal own = ir::interpret(*traced, inputs)[d.result];
            const Value signs = graph->constant(directions(own, tensors.at(outputs[d.result])));
            results[d.result] = ir::ops::mul(results[d.result], signs);
        }
    const std::size_t first = graph->outputs().size();
    for (const Value& y : results) graph->add_output("aligned", y);
    std::size_t gradients = 0;
    if (!cotangents.empty()) {
        std::vector<Value> ys, cts, xs;
        for (std::size_t i = 0; i < cotangents.size(); ++i) {
            ys.push_back(results[record["goutidx"][i]]);
            inputs.push_back(tensors.at(cotangents[i]));
            cts.push_back(graph->add_parameter("cotangent" + std::to_string(i), inputs.back().type));
        }
        for (const std::string& name : differentiable)
            xs.push_back(graph->parameters()[static_cast<std::size_t>(std::ranges::find(names, name) - names.begin())]);
        for (const Value& g : passes::pull_back(*graph, ys, cts, xs)) {
            const Value x = xs[gradients];
            graph->add_output("d" + std::to_string(gradients++), g ? g : f::full_like(x, x.type().shape, 0));
        }
    }
    // Parameters that stood for tangents are dead.
    const std::vector<Literal> actual = ir::interpret(*passes::simplify(*graph), inputs);
    for (std::size_t i = 0; i < outputs.size(); ++i)
        if (const std::string why = difference(actual[first + i], tensors.at(outputs[i])); !why.empty())
            return "result " + std::to_string(i) + " " + why;
    for (std::size_t i = 0; i < gradients; ++i) {
        if (record["grad"][i].is_null() || is_exception(record["op"], i, inputs[0])) continue;
        if (const std::string why =
                difference(actual[first + outputs.size() + i], tensors.at(record["grad"][i]),
                           std::ranges::find(cancelling, record["op"].get<std::string>()) != std::end(cancelling));
            !why.empty())
            return "gradient " + std::to_string(i) + " " + why;
    }
    return {};
}

struct Records {
    const char* name;
    int least;  // samples that are compared
};
class Oracle : public testing::TestWithParam<Records> {};

TEST_P(Oracle, PyTorchsSamples) {
    const std::filesystem::path folder =
        std::filesystem::path(LATHE_SOURCE_DIR) / ".." / "shared" / "testdata" / "oracle";
    if (!std::filesystem::exists(folder)) GTEST_SKIP() << "SKIPPED: there is no " << folder;
    const std::string name = GetParam().name;
    const Tensors tensors = tensors_of(read(folder / (name + ".safetensors")));
    const Translations translations = all_translations();
    std::map<std::string, int> compared, not_ours;
    std::ifstream lines(folder / (name + ".jsonl"));
    int number = 0, total = 0;
    for (std::string line; std::getline(lines, line);) {
        ++number;
        const Json record = Json::parse(line);
        const std::string op = record["op"];
        const auto translation = translations.find(op);
        if (translation == translations.end()) continue;
        try {
            const std::string why = compare(record, translation->second, tensors);
            EXPECT_TRUE(why.empty()) << op << ", line " << number << ": " << why << "\n" << line.substr(0, 400);
            ++compared[op];
            ++total;
        } catch (const NotOurs& e) {
            ++not_ours[op + ": " + e.what()];
        } catch (const std::exception& e) {
            ADD_FAILURE() << op << ", line " << number << ": " << e.what() << "\n" << line.substr(0, 400);
        }
    }
    std::cout << total << " samples of " << compared.size() << " operators\n";
    for (const auto& [what, count] : not_ours) std::cout << "not ours: " << what << " (" << count << ")\n";
    EXPECT_GE(total, GetParam().least);
}
INSTANTIATE_TEST_SUITE_P(Records, Oracle, testing::Values(Records{"opinfo_dev", 248}, Records{"opinfo_2", 1457}),
                         [](const auto& records) { return std::string(records.param.name); });

}  // namespace
}  // namespace lathe::oracle
