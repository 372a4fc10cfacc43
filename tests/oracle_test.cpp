// Values and gradients of ops and functions against those that PyTorch recorded for its own sample inputs.
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "ir/functions/activations.h"
#include "ir/functions/losses.h"
#include "ir/functions/matmul.h"
#include "ir/graph/interpret.h"
#include "ir/graph/text.h"
#include "ir/ops/ops.h"
#include "passes/graph/differentiate.h"
#include "passes/graph/simplify.h"

namespace lathe::ir {
namespace {

namespace f = functions;
using Json = nlohmann::json;

std::string read(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    std::stringstream all;
    all << in.rdbuf();
    return all.str();
}

// The tensors of a safetensors file.
std::map<std::string, Literal> tensors_of(const std::string& file) {
    std::uint64_t header_size = 0;
    std::memcpy(&header_size, file.data(), 8);
    const Json header = Json::parse(file.substr(8, header_size));
    const std::map<std::string, Dtype> dtypes = {
        {"F32", Dtype::f32}, {"F64", Dtype::f64}, {"I64", Dtype::i64}, {"BOOL", Dtype::boolean}, {"U8", Dtype::u8}};
    std::map<std::string, Literal> tensors;
    for (const auto& [name, entry] : header.items()) {
        if (name == "__metadata__") continue;
        Shape shape;
        for (std::int64_t d : entry["shape"]) shape.push_back(d);
        const std::size_t begin = entry["data_offsets"][0], end = entry["data_offsets"][1];
        tensors.emplace(name,
                        make_literal({dtypes.at(entry["dtype"]), shape},
                                     std::as_bytes(std::span(file).subspan(8 + header_size + begin, end - begin))));
    }
    return tensors;
}

// A recorded call while it is translated.
struct Sample {
    const Json& json;
    const std::vector<Value>& x;  // the tensors among input and arguments, in order

    const Json& argument(std::size_t i, const char* name) const {
        static const Json none;
        if (json["kwargs"].contains(name)) return json["kwargs"][name];
        std::size_t position = 0;
        for (const Json& a : json["args"])
            if (position++ == i) return a;
        return none;
    }
    bool plain() const { return json["kwargs"].empty(); }
    std::int64_t axis(const Json& dim, std::size_t tensor = 0) const {
        const auto rank = static_cast<std::int64_t>(f::shape_of(x[tensor]).rank());
        const std::int64_t axis = dim;
        return axis < 0 ? axis + rank : axis;
    }
    // Axes of a reduction: a number, a list, or all.
    Integers axes() const {
        const Json& dim = argument(0, "dim");
        const std::size_t rank = f::shape_of(x[0]).rank();
        if (dim.is_null() || (dim.is_array() && dim.empty())) return f::all_axes(rank);
        Integers result;
        if (rank == 0) return result;
        if (dim.is_array())
            for (const Json& d : dim) result.push_back(axis(d));
        else
            result.push_back(axis(dim));
        std::ranges::sort(result);
        return result;
    }
    bool keeps_dims() const {
        const Json& keep = argument(1, "keepdim");
        return keep.is_boolean() && keep.get<bool>();
    }
    Shape shape(const Json& list) const {
        Shape result;
        Dim known = 1;
        std::size_t open = max_rank;
        for (const Json& d : list) {
            if (d.get<std::int64_t>() < 0) open = result.rank();
            result.push_back(d.get<std::int64_t>() < 0 ? Dim(1) : Dim(d.get<std::int64_t>()));
            known *= result[result.rank() - 1];
        }
        if (open != max_rank) result[open] = floordiv(f::shape_of(x[0]).element_count(), known);
        return result;
    }
};

template <class F>
std::optional<Value> reduce(const Sample& s, F&& fold) {
    for (const auto& [name, value] : s.json["kwargs"].items())
        if (name != "dim" && name != "keepdim") return std::nullopt;
    const Integers axes = s.axes();
    const Value folded = axes.empty() ? s.x[0] : fold(s.x[0], axes);
    return s.keeps_dims() && !axes.empty() ? f::expand_dims(folded, f::shape_of(s.x[0]), axes) : folded;
}

using Translation = std::optional<Value> (*)(const Sample&);

template <const OpDef& op>
std::optional<Value> elementwise(const Sample& s) {
    if (!s.plain() || s.x.size() != static_cast<std::size_t>(op.arity.minimum)) return std::nullopt;
    return Value::record(op, s.x, {}, {});
}

const std::map<std::string, Translation> translations = {
    {"add", elementwise<ops::add>},
    {"mul", elementwise<ops::mul>},
    {"div", elementwise<ops::div>},
    {"pow", elementwise<ops::pow>},
    {"exp", elementwise<ops::exp>},
    {"log", elementwise<ops::log>},
    {"tanh", elementwise<ops::tanh>},
    {"where", [](const Sample& s) -> std::optional<Value> { return ops::select(s.x[1], s.x[0], s.x[2]); }},
    {"nn.functional.relu", [](const Sample& s) -> std::optional<Value> { return f::relu(s.x[0]); }},
    {"matmul", [](const Sample& s) -> std::optional<Value> { return f::matmul(s.x[0], s.x[1]); }},
    {"sum", [](const Sample& s) { return reduce(s, [](auto x, auto axes) { return f::sum(x, axes); }); }},
    {"mean", [](const Sample& s) { return reduce(s, [](auto x, auto axes) { return f::mean(x, axes); }); }},
    {"amax",
     [](const Sample& s) { return reduce(s, [](auto x, auto axes) { return ops::reduce_max.with({axes}, x); }); }},
    {"softmax",
     [](const Sample& s) -> std::optional<Value> {
         if (f::shape_of(s.x[0]).rank() == 0) return std::nullopt;
         const Value x = s.plain() ? s.x[0] : f::convert(s.x[0], Dtype::f64);
         return f::softmax(x, s.argument(0, "dim"));
     }},
    {"nn.functional.cross_entropy",
     [](const Sample& s) -> std::optional<Value> {
         if (!s.plain() || f::shape_of(s.x[0]).rank() != 2 || !is_integer(f::dtype_of(s.x[1]))) return std::nullopt;
         return f::cross_entropy(s.x[0], s.x[1]);
     }},
    {"nn.functional.layer_norm",
     [](const Sample& s) -> std::optional<Value> {
         if (s.x.size() != 3 || s.json["args"][0].size() != 1) return std::nullopt;
         // Of one element: exactly 0 before scaling here, what rounding left over there.
         if (s.json["args"][0][0] == 1) return std::nullopt;
         return f::layer_norm(s.x[0], s.x[1], s.x[2], s.json["kwargs"].value("eps", 1e-5));
     }},
    {"expand",
     [](const Sample& s) -> std::optional<Value> {
         Shape shape;
         const Shape& from = f::shape_of(s.x[0]);
         const Json& list = s.json["args"][0];
         for (std::size_t i = 0; i < list.size(); ++i)
             shape.push_back(list[i].get<std::int64_t>() < 0 ? from[i + from.rank() - list.size()]
                                                             : Dim(list[i].get<std::int64_t>()));
         return f::broadcast_to(s.x[0], shape);
     }},
    {"reshape", [](const Sample& s) -> std::optional<Value> { return f::reshape(s.x[0], s.shape(s.json["args"][0])); }},
    {"transpose",
     [](const Sample& s) -> std::optional<Value> {
         Integers permutation = f::all_axes(f::shape_of(s.x[0]).rank());
         if (permutation.empty()) return std::nullopt;
         std::swap(permutation[static_cast<std::size_t>(s.axis(s.argument(0, "dim0")))],
                   permutation[static_cast<std::size_t>(s.axis(s.argument(1, "dim1")))]);
         return f::transpose(s.x[0], permutation);
     }},
    {"cat",
     [](const Sample& s) -> std::optional<Value> {
         for (const Value& v : s.x)
             if (f::shape_of(v).rank() != f::shape_of(s.x[0]).rank()) return std::nullopt;
         const Json& dim = s.argument(0, "dim");
         return Value::record(ops::concat, s.x, {dim.is_null() ? std::int64_t{0} : s.axis(dim)}, {});
     }},
};

std::vector<double> elements(const Literal& x) {
    Graph g;
    const Literal wide = interpret_node(g.add(ops::convert, {{g.add_parameter("x", x.type)}}, {Dtype::f64}), {{x}})[0];
    std::vector<double> result(static_cast<std::size_t>(x.type.shape.element_count().constant()));
    for (std::size_t i = 0; i < result.size(); ++i)
        std::memcpy(&result[i], wide.bytes->data() + (wide.is_splat() ? 0 : 8 * i), 8);
    return result;
}

void expect_close(const Literal& actual, const Literal& expected, const std::string& what) {
    ASSERT_EQ(actual.type.to_string(), expected.type.to_string()) << what;
    const std::vector<double> a = elements(actual), e = elements(expected);
    // Sums cancel, in the reference too, so the tensor's largest element is the measure.
    double scale = 1;
    for (double v : e) scale = std::isfinite(v) ? std::max(scale, std::abs(v)) : scale;
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (std::isnan(e[i])) {
            EXPECT_TRUE(std::isnan(a[i])) << what << " [" << i << "]";
        } else if (std::isinf(e[i])) {
            EXPECT_EQ(a[i], e[i]) << what << " [" << i << "]";
        } else {
            EXPECT_NEAR(a[i], e[i], 1e-5 * scale) << what << " [" << i << "]";
        }
    }
}

TEST(Oracle, PyTorchsSamples) {
    const std::filesystem::path folder =
        std::filesystem::path(LATHE_SOURCE_DIR) / ".." / "shared" / "testdata" / "oracle";
    if (!std::filesystem::exists(folder)) GTEST_SKIP() << "SKIPPED: there is no " << folder;
    const std::map<std::string, Literal> tensors = tensors_of(read(folder / "opinfo_dev.safetensors"));
    std::map<std::string, int> checked;
    std::ifstream lines(folder / "opinfo_dev.jsonl");
    int number = 0;
    for (std::string line; std::getline(lines, line);) {
        ++number;
        const Json json = Json::parse(line);
        const auto translation = translations.find(json["op"]);
        if (translation == translations.end()) continue;
        const std::string what = "line " + std::to_string(number) + ", " + json["op"].get<std::string>();

        // Parameters: every tensor of input and arguments, in order.
        Graph g;
        std::vector<Value> x, differentiable;
        std::vector<Literal> inputs;
        bool translatable = true;
        const auto add = [&](const Json& a) {
            if (!a.is_object() || !a.contains("t")) return;
            inputs.push_back(tensors.at(a["t"]));
            x.push_back(g.add_parameter(a["t"], inputs.back().type));
            if (a["rg"]) differentiable.push_back(x.back());
        };
        for (const Json& a : json["input"].is_array() ? json["input"] : Json::array({json["input"]})) add(a);
        for (const Json& a : json["args"]) {
            translatable = translatable && (!a.is_number() || json["op"] != "pow");
            add(a);
        }
        if (!translatable) continue;
        const std::optional<Value> y = translation->second({json, x});
        if (!y) continue;

        g.add_output("y", *y);
        if (!json["cot"].empty()) {
            inputs.push_back(tensors.at(json["cot"][0]));
            const Value cotangent = g.add_parameter("cotangent", inputs.back().type);
            const std::vector<Value> gradients = passes::pull_back(g, {&*y, 1}, {&cotangent, 1}, differentiable);
            for (std::size_t i = 0; i < gradients.size(); ++i) {
                ASSERT_TRUE(gradients[i]) << what;
                g.add_output("d" + std::to_string(i), gradients[i]);
            }
        }
        const std::vector<Literal> actual = interpret(*passes::simplify(g), inputs);
        expect_close(actual[0], tensors.at(json["out"][0]), what);
        for (std::size_t i = 0; i < differentiable.size() && i + 1 < actual.size(); ++i)
            expect_close(actual[i + 1], tensors.at(json["grad"][i]), what + ", gradient " + std::to_string(i));
        ++checked[json["op"]];
    }
    int total = 0;
    for (const auto& [op, count] : checked) total += count;
    EXPECT_EQ(checked.size(), translations.size()) << "an op has no sample that fits";
    EXPECT_GE(total, 130);
}

}  // namespace
}  // namespace lathe::ir
