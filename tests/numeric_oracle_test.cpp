// Functions of two operands, folds and scans against values and derivatives that PyTorch recorded for its own sample
// inputs.
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <sstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "lathe.h"

namespace lathe {
namespace {

using Json = nlohmann::json;
using Tensors = std::vector<Tensor>;

std::string read(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    std::stringstream all;
    all << in.rdbuf();
    return all.str();
}

// The tensors of a safetensors file, as far as their dtypes are ours.
std::map<std::string, Tensor> tensors_of(const std::string& file) {
    std::uint64_t header_size = 0;
    std::memcpy(&header_size, file.data(), 8);
    const Json header = Json::parse(file.substr(8, header_size));
    const std::map<std::string, Dtype> dtypes = {{"F32", Dtype::f32}, {"F64", Dtype::f64},      {"I64", Dtype::i64},
                                                 {"I32", Dtype::i32}, {"BOOL", Dtype::boolean}, {"U8", Dtype::u8}};
    std::map<std::string, Tensor> tensors;
    for (const auto& [name, entry] : header.items()) {
        if (name == "__metadata__" || !dtypes.contains(entry["dtype"])) continue;
        const std::size_t begin = entry["data_offsets"][0], end = entry["data_offsets"][1];
        const auto bytes = std::as_bytes(std::span(file)).subspan(8 + header_size + begin, end - begin);
        tensors.emplace(name, Tensor::from_bytes(dtypes.at(entry["dtype"]), entry["shape"], bytes));
    }
    return tensors;
}

// A recorded call: its arguments, of which tensors are already at hand.
struct Sample {
    const Json& json;
    const Tensors& x;  // the input and the tensors among the arguments

    const Json& argument(std::size_t i, const char* name) const {
        static const Json none;
        if (json["kwargs"].contains(name)) return json["kwargs"][name];
        return i < json["args"].size() ? json["args"][i] : none;
    }
    static double number(const Json& a) {
        if (a.is_number()) return a;
        return std::stod(a["f"].get<std::string>());
    }
    // Axes of a fold: one, a list, or all. A rank of 0 has none.
    Axes axes(std::size_t at = 0) const {
        const Json& dim = argument(at, "dim");
        if (dim.is_null() || x[0].rank() == 0) return {};
        return dim.is_array() ? Axes(dim.get<std::vector<std::int64_t>>()) : Axes(dim.get<std::int64_t>());
    }
    std::int64_t axis(std::size_t at = 0) const { return argument(at, "dim"); }
    bool keeps(std::size_t at = 1) const {
        const Json& keep = argument(at, "keepdim");
        return keep.is_boolean() && keep.get<bool>() && x[0].rank() > 0;
    }
    std::int64_t correction() const {
        const Json &n = argument(9, "correction"), &unbiased = argument(9, "unbiased");
        if (n.is_number()) return n;
        return unbiased.is_boolean() && !unbiased.get<bool>() ? 0 : 1;
    }
};
using Translation = std::function<std::optional<Tensors>(const Sample&)>;

Translation binary(Tensor (*f)(const detail::Operand&, const detail::Operand&)) {
    return [f](const Sample& s) -> std::optional<Tensors> {
        if (s.x.size() != 2 || s.x[0].dtype() != s.x[1].dtype()) return std::nullopt;
        return Tensors{f(s.x[0], s.x[1])};
    };
}
Translation fold(Tensor (*f)(const Tensor&, const Axes&, bool, Where)) {
    return [f](const Sample& s) -> std::optional<Tensors> {
        return Tensors{f(s.x[0], s.axes(), s.keeps(), Where::current())};
    };
}
Translation scan_of(const std::function<Tensors(const Tensor&, std::int64_t)>& f) {
    return [f](const Sample& s) -> std::optional<Tensors> {
        if (s.x[0].rank() == 0) return std::nullopt;
        return f(s.x[0], s.axis());
    };
}
std::optional<Tensors> vector_norm(const Sample& s, const Json& p, std::size_t dim_at) {
    if (p.is_string() && p != "fro") return std::nullopt;
    return Tensors{
        norm(s.x[0], s.axes(dim_at), {.p = p.is_null() || p.is_string() ? 2 : Sample::number(p), .keep = s.keeps(2)})};
}

const std::map<std::string, Translation> translations = {
    {"fmod", binary(fmod)},
    {"remainder", binary(mod)},
    {"floor_divide", binary(floor_divide)},
    {"true_divide", binary(true_divide)},
    {"div",
     [](const Sample& s) -> std::optional<Tensors> {
         const Json& mode = s.argument(9, "rounding_mode");
         if (s.x.size() != 2 || mode == "trunc") return std::nullopt;
         return Tensors{mode == "floor" ? floor_divide(s.x[0], s.x[1]) : s.x[0] / s.x[1]};
     }},
    {"clamp",
     [](const Sample& s) -> std::optional<Tensors> {
         for (const Tensor& t : s.x)
             if (t.dtype() != Dtype::f32) return std::nullopt;
         return Tensors{s.x.size() == 2 ? clamp(s.x[0], s.x[1]) : clamp(s.x[0], s.x[1], s.x[2])};
     }},
    {"clamp_min", [](const Sample& s) -> std::optional<Tensors> { return Tensors{clamp(s.x[0], s.x[1])}; }},
    {"clamp_max",
     [](const Sample& s) -> std::optional<Tensors> { return Tensors{clamp(s.x[0], std::nullopt, s.x[1])}; }},
    {"lerp",
     [](const Sample& s) -> std::optional<Tensors> {
         if (s.x.size() == 3) return Tensors{lerp(s.x[0], s.x[1], s.x[2])};
         return Tensors{lerp(s.x[0], s.x[1], s.json["args"][1].get<double>())};
     }},
    {"copysign", binary(copysign)},
    {"nextafter", binary(nextafter)},
    {"hypot", binary(hypot)},
    {"logaddexp", binary(logaddexp)},
    {"logaddexp2", binary(logaddexp2)},
    {"xlogy", binary(xlogy)},
    {"heaviside", binary(heaviside)},
    {"fmax", binary(fmax)},
    {"fmin", binary(fmin)},
    {"logical_xor",
     [](const Sample& s) -> std::optional<Tensors> { return Tensors{logical_xor(s.x[0] != 0, s.x[1] != 0)}; }},
    {"prod", fold(prod)},
    {"all", fold(all)},
    {"any", fold(any)},
    {"count_nonzero", fold(count_nonzero)},
    {"logsumexp", fold(logsumexp)},
    {"nansum", fold(nansum)},
    {"nanmean", fold(nanmean)},
    {"aminmax",
     [](const Sample& s) -> std::optional<Tensors> {
         const auto [least, greatest] = aminmax(s.x[0], s.axes(9), s.keeps(9));
         return Tensors{least, greatest};
     }},
    {"amin", fold(min)},
    {"argmin",
     [](const Sample& s) -> std::optional<Tensors> {
         if (s.x[0].rank() == 0 || s.argument(0, "dim").is_null()) return Tensors{argmin(reshape(s.x[0], {-1}))};
         const Tensor y = argmin(s.x[0], s.axis());
         return Tensors{s.keeps() ? reshape(y, {1}) : y};
     }},
    {"var",
     [](const Sample& s) -> std::optional<Tensors> {
         return Tensors{var(s.x[0], s.axes(9), {.correction = s.correction(), .keep = s.keeps(9)})};
     }},
    {"std",
     [](const Sample& s) -> std::optional<Tensors> {
         return Tensors{stddev(s.x[0], s.axes(9), {.correction = s.correction(), .keep = s.keeps(9)})};
     }},
    {"norm", [](const Sample& s) { return vector_norm(s, s.argument(0, "p"), 1); }},
    {"linalg.vector_norm", [](const Sample& s) { return vector_norm(s, s.argument(0, "ord"), 1); }},
    {"nn.functional.softmin",
     [](const Sample& s) -> std::optional<Tensors> {
         if (s.x[0].rank() == 0) return std::nullopt;
         const bool wide = !s.argument(9, "dtype").is_null();
         return Tensors{softmin(wide ? convert(s.x[0], Dtype::f64) : s.x[0], s.axis())};
     }},
    {"cumsum", scan_of([](const Tensor& x, std::int64_t axis) { return Tensors{cumsum(x, axis)}; })},
    {"cumprod", scan_of([](const Tensor& x, std::int64_t axis) { return Tensors{cumprod(x, axis)}; })},
    {"logcumsumexp", scan_of([](const Tensor& x, std::int64_t axis) { return Tensors{logcumsumexp(x, axis)}; })},
    {"cummax", scan_of([](const Tensor& x, std::int64_t axis) {
         const auto [values, indices] = cummax(x, axis);
         return Tensors{values, indices};
     })},
    {"cummin", scan_of([](const Tensor& x, std::int64_t axis) {
         const auto [values, indices] = cummin(x, axis);
         return Tensors{values, indices};
     })},
    {"median",
     [](const Sample& s) -> std::optional<Tensors> {
         if (s.argument(0, "dim").is_null()) return Tensors{median(reshape(s.x[0], {-1})).values};
         if (s.x[0].rank() == 0) return std::nullopt;
         const auto [values, indices] = median(s.x[0], s.axis(), s.keeps());
         return Tensors{values, indices};
     }},
    {"quantile",
     [](const Sample& s) -> std::optional<Tensors> {
         if (s.x.size() != 1) return std::nullopt;
         const double q = s.json["args"][0];
         if (s.argument(1, "dim").is_null()) return Tensors{quantile(reshape(s.x[0], {-1}), q)};
         return Tensors{quantile(s.x[0], q, s.axis(1), {.keep = s.keeps(2)})};
     }},
};

// Their derivative of logcumsumexp subtracts logarithms of sums, of 1e4 in f32 too.
double tolerance(const std::string& op) { return op == "logcumsumexp" ? 1e-3 : 1e-5; }

void expect_close(const Tensor& actual, const Tensor& expected, double bound, double& worst, const std::string& what) {
    ASSERT_EQ(actual.type(), expected.type()) << what;
    const std::vector<double> a = convert(actual, Dtype::f64).to_vector<double>(),
                              e = convert(expected, Dtype::f64).to_vector<double>();
    // Sums cancel, in the reference too, so the tensor's largest element is the measure.
    double scale = 1;
    for (const double v : e) scale = std::isfinite(v) ? std::max(scale, std::abs(v)) : scale;
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (std::isnan(e[i])) {
            EXPECT_TRUE(std::isnan(a[i])) << what << " [" << i << "] " << a[i];
        } else if (std::isinf(e[i])) {
            EXPECT_EQ(a[i], e[i]) << what << " [" << i << "]";
        } else {
            EXPECT_NEAR(a[i], e[i], bound * scale) << what << " [" << i << "]";
            worst = std::max(worst, std::abs(a[i] - e[i]) / scale);
        }
    }
}

TEST(NumericOracle, PyTorchsSamples) {
    const std::filesystem::path folder =
        std::filesystem::path(LATHE_SOURCE_DIR) / ".." / "shared" / "testdata" / "oracle";
    if (!std::filesystem::exists(folder)) GTEST_SKIP() << "SKIPPED: there is no " << folder;
    std::map<std::string, int> checked;
    for (const std::string file : {"opinfo_dev", "opinfo_2"}) {
        const std::map<std::string, Tensor> tensors = tensors_of(read(folder / (file + ".safetensors")));
        std::ifstream lines(folder / (file + ".jsonl"));
        int number = 0;
        for (std::string line; std::getline(lines, line);) {
            ++number;
            const Json json = Json::parse(line);
            const auto translation = translations.find(json["op"]);
            if (translation == translations.end() || !json.contains("out")) continue;
            const std::string what = file + " " + std::to_string(number) + ", " + json["op"].get<std::string>() + " " +
                                     json["variant"].get<std::string>();
            Tensors x;
            std::vector<std::size_t> differentiable;
            bool known = true;
            const auto add = [&](const Json& a) {
                if (!a.is_object() || !a.contains("t")) return;
                known = known && tensors.contains(a["t"]);
                if (!known) return;
                if (a["rg"]) differentiable.push_back(x.size());
                x.push_back(tensors.at(a["t"]));
            };
            add(json["input"]);
            for (const Json& a : json["args"]) add(a);
            if (!known || x.empty()) continue;
            const std::optional<Tensors> y = translation->second({json, x});
            if (!y) continue;
            double worst = 0;
            for (std::size_t i = 0; i < y->size(); ++i)
                expect_close((*y)[i], tensors.at(json["out"][i]), 1e-5, worst, what);
            ++checked[json["op"]];
            if (!json.contains("grad") || json["grad"].empty()) continue;
            Tensors by;
            for (const std::size_t i : differentiable) by.push_back(x[i]);
            const auto loss = [&](const Tensors& moved) {
                Tensors all = x;
                for (std::size_t i = 0; i < moved.size(); ++i) all[differentiable[i]] = moved[i];
                const Tensors results = *translation->second({json, all});
                Tensor total;
                for (std::size_t i = 0; i < json["cot"].size(); ++i) {
                    const std::size_t of = json["goutidx"][i];
                    const Tensor part = sum(results[of] * tensors.at(json["cot"][i]));
                    total = total.is_empty() ? part : total + part;
                }
                return total;
            };
            const Tensors gradients = grad(loss)(by);
            for (std::size_t i = 0; i < gradients.size(); ++i)
                if (!json["grad"][i].is_null())
                    expect_close(gradients[i], tensors.at(json["grad"][i]), tolerance(json["op"]), worst,
                                 what + ", gradient " + std::to_string(i));
            RecordProperty(what, std::to_string(worst));
        }
    }
    int total = 0;
    for (const auto& [op, count] : checked) total += count;
    EXPECT_EQ(checked.size(), translations.size()) << "a function has no sample that fits";
    EXPECT_GE(total, 120);
}

}  // namespace
}  // namespace lathe
