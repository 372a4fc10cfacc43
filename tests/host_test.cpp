// A host's settings change nothing: neither how it rounds, flushes and traps, nor its locale.
#include <cfenv>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <locale>
#include <unistd.h>
#include <xmmintrin.h>

#include <gtest/gtest.h>

#include "codegen/compile.h"
#include "frontend/formats/csv.h"
#include "frontend/tensor/record.h"
#include "ir/float_environment.h"
#include "ir/graph/interpret.h"
#include "ir/graph/text.h"
#include "ir/loops/interpret.h"
#include "ir/loops/text.h"
#include "ir/text/element.h"
#include "lathe.h"
#include "tests/command.h"
#include "tests/op_samples.h"
#include "tests/run_program.h"
#include "tools/fuzz/run_ahead.h"
#include "tools/fuzz/values.h"

namespace lathe::testing_support {
namespace {

using ir::Dtype;
using ir::Literal;

// What a host has computed, by name.
using Results = std::vector<std::pair<std::string, std::string>>;

std::string bytes_of(const Literal& x) {
    const std::vector<std::byte> bytes = elements_of(x);
    std::string out;
    // Which NaN it is, is not defined.
    const std::size_t size = size_of(x.type.dtype);
    for (std::size_t i = 0; i < bytes.size(); i += size)
        out += is_nan(bytes.data() + i, x.type.dtype)
                   ? "nan"
                   : std::string(reinterpret_cast<const char*>(bytes.data() + i), size);
    return out;
}
std::string bytes_of(const std::vector<Literal>& xs) {
    std::string out;
    for (const Literal& x : xs) out += bytes_of(x);
    return out;
}
std::string bytes_of(const Tensor& x) {
    const Array a = x.to_array();
    ir::Type type{a.dtype, {}};
    for (const std::int64_t e : a.shape) type.shape.push_back(e);
    return bytes_of(ir::make_literal(type, a.bytes));
}

struct OpCase {
    std::string name;
    const ir::OpDef* op;
    Call call;
    std::unique_ptr<ir::Graph> graph;
    std::vector<Literal> inputs;
};

// Calls of every op that has to do with floats, with inputs that are odd; none of it depends on the host's settings.
std::vector<OpCase> op_cases() {
    const ir::FloatEnvironment floats;
    std::vector<OpCase> cases;
    Random random(11);
    for (const ir::OpDef* op : ir::op_table())
        for (const Dtype d : {Dtype::f32, Dtype::f16, Dtype::f64}) {
            if (!op->dtypes.contains(d)) continue;
            std::size_t of_op = 0;
            for (const Call& call : samples(*op, d)) {
                if (of_op == 2) break;
                OpCase c{std::string(op->name) + " " + std::to_string(of_op) + " of " + std::string(ir::name(d)),
                         op,
                         call,
                         std::make_unique<ir::Graph>(),
                         {}};
                std::vector<ir::Value> operands;
                bool empty = false;
                for (const ir::Type& t : call.operands) {
                    operands.push_back(c.graph->add_parameter("x" + std::to_string(operands.size()), t));
                    empty = empty || t.shape.element_count() == ir::Dim(0);
                }
                if (empty || operands.empty()) continue;
                ++of_op;
                const ir::Node& node = c.graph->add(*op, operands, call.attributes);
                for (std::uint32_t r = 0; r < node.results.size(); ++r)
                    c.graph->add_output("y" + std::to_string(r), {&node, r});
                for (const ir::Type& t : call.operands)
                    c.inputs.push_back(op->indices && c.inputs.size() == op->indices.operand
                                           ? random_indices(t, 1, random)
                                           : random_literal(t, random, true));
                cases.push_back(std::move(c));
            }
        }
    return cases;
}

Tensor tensor_of(const Literal& x) {
    Array a{x.type.dtype, {}, elements_of(x)};
    for (const ir::Dim d : x.type.shape) a.shape.push_back(d.constant());
    return Tensor::from(a);
}

Results ops_everywhere() {
    Results out;
    const std::vector<OpCase> cases = op_cases();
    std::vector<codegen::ObjectFile> objects;
    for (std::size_t k = 0; k < cases.size(); ++k) {
        const OpCase& c = cases[k];
        std::vector<Tensor> tensors;
        for (const Literal& x : c.inputs) tensors.push_back(tensor_of(x));
        if (c.graph->outputs().size() == 1)
            out.emplace_back(c.name + ", lazy",
                             bytes_of(detail::TensorRecorder::record(*c.op, tensors, c.call.attributes)));
        out.emplace_back(c.name + ", compiled", bytes_of(run_compiled(*codegen::compile(*c.graph), c.inputs, 2)));
        out.emplace_back(c.name + ", interpreted", bytes_of(ir::interpret(*c.graph, c.inputs)));
        codegen::CompileOptions slow;
        slow.interpreted = true;
        out.emplace_back(c.name + ", interpreted as loops",
                         bytes_of(run_compiled(*codegen::compile(*c.graph, slow), c.inputs, 2)));
        codegen::AotRequest request;
        request.name = "op" + std::to_string(k);
        request.targets = {codegen::host_target()};
        const codegen::AotCode code = codegen::compile_ahead(*c.graph, request);
        objects.insert(objects.end(), code.objects.begin(), code.objects.end());
    }
    const AheadLibrary library(objects, "host_settings.so");
    for (std::size_t k = 0; k < cases.size(); ++k)
        for (const bool threads : {false, true})
            out.emplace_back(
                cases[k].name + ", ahead of time",
                bytes_of(library.run("op" + std::to_string(k), *cases[k].graph, cases[k].inputs, threads).outputs));
    return out;
}

// Numbers that the library rounds, reads, writes, draws or folds.
Results numbers_everywhere() {
    Results out;
    const auto add = [&](const std::string& name, const Tensor& x) {
        out.emplace_back(name, bytes_of(x));
        out.emplace_back(name + " as text", x.to_string());
    };
    const double tenth = 0.1, tiny = 1e-310;
    const float narrow = std::bit_cast<float>(1000U);  // a denormal
    const Tensor x = Tensor::from({1.0F, 3.0F, -7.0F});
    for (const Dtype d : {Dtype::f64, Dtype::f32, Dtype::f16, Dtype::bf16}) {
        const std::string of = " of " + std::string(ir::name(d));
        const Tensor y = convert(x, d);
        add("tenth" + of, y * tenth);
        add("denormal" + of, y * 1e-40);
        add("small half" + of, y * 1e-7);
        add("tiny" + of, y * tiny);
        add("integer" + of, y * 16777217);
        add("long integer" + of, y * ((1LL << 60) + 1));
        add("folded" + of,
            jit([d](const Tensor& zero) { return full({1}, 1.0, d) / full({1}, 3.0, d) + zero; })(zeros({1}, d)));
        add("lazily" + of, full({1}, 1.0, d) / full({1}, 3.0, d));
        add("gelu" + of, gelu(y));
        add("mean" + of, mean(y, {0}));
        const Tensor w = variable(y);
        sum(pow(w, 3.0) / 7.0, {0}).backward();
        add("derivative" + of, w.grad());
        const std::vector<double> read = (y * tenth).to_vector<double>();
        out.emplace_back("to_vector" + of,
                         std::string(reinterpret_cast<const char*>(read.data()), read.size() * sizeof(double)));
        add("csv" + of, Tensor::from(parse_csv("0.1,1e-40,3e-320,16777217\n1e-7,-2.5,1e300,7\n", "x.csv", Dtype::f64)));
        out.emplace_back("element" + of, ir::print_element(d, ir::parse_element(d, "1.1e-5").value_or(1)));
    }
    add("scalar", Tensor::scalar(0.25));
    add("float", Tensor::scalar(narrow));
    add("float operand", Tensor::scalar(1.0) * narrow);
    add("double", Tensor::scalar(tiny));
    add("large", Tensor::scalar(~std::uint64_t{0}) + 1234567U);
    add("uniform", random_uniform(3, {40}, 0.1, 1.7));
    add("normal", random_normal(4, {40}));
    nn::Generator random(5);
    const nn::Linear layer(7, 3, random);
    add("weights", layer.weight);
    optim::Adam adam(layer.parameters(), {.learning_rate = 0.1});
    const auto step = jit([&](const Tensor& t) {
        const Tensor loss = sum(layer(t) * layer(t), {0, 1});
        loss.backward();
        adam.step();
        return loss;
    });
    for (int i = 0; i < 3; ++i) add("loss", step(ones({4, 7}) * 0.3));
    add("trained", layer.weight);
    // A loop that runs on several threads.
    const Tensor many = full({300'000}, 1e-39) * 0.3 + 1e-45;
    add("many", sum(many / 3.0, {0}) * 1e30);
    add("softmax", softmax(random_uniform(9, {5, 11}, -100, 100), -1));

    const Model model = trace([&](const Tensor& t) { return layer(t) * 0.1 + 1e-41; }, {{"x", Dtype::f32, {"n", 7}}},
                              {.name = "caf\xc3\xa9", .weights = layer.named_parameters()});
    out.emplace_back("graph", ir::print(*model.closed_graph(), ir::Locs::hide, ir::Literals::whole));
    out.emplace_back("parsed", ir::print(*ir::parse_graph(out.back().second, "g.lir"), ir::Locs::hide));
    add("model", model(ones({2, 7})));
    const std::string path =
        (std::filesystem::temp_directory_path() / ("host_test" + std::to_string(getpid()))).string();
    model.save(path);
    add("loaded", Model::load(path)(ones({2, 7})));
    compile_model(model, path);  // what is there is replaced
    out.emplace_back("executable", std::to_string(std::filesystem::file_size(path)));
    std::filesystem::remove(path);
    const auto message = [&](const std::function<void()>& wrong) {
        try {
            wrong();
        } catch (const Error& e) {
            out.emplace_back("message", e.what());
        }
    };
    message([] { ir::parse_graph("graph caf\xe9(x) {\n", "bad.lir"); });
    message([] { ir::parse_loop_nests("caf\xe9(n) {\n}\n", "bad.lir"); });
    message([] { parse_csv("1\n1,25\n", "comma.csv", Dtype::f32); });
    message([&] { (void)(Tensor::from({1, 2}) * 1234567.5); });
    message([] { ones({1234567}) + ones({7654321}); });
    return out;
}

std::string with_lengths(const Results& results) {
    std::string out;
    for (const auto& [name, value] : results)
        for (const std::string& s : {name, value}) {
            const std::uint64_t size = s.size();
            out.append(reinterpret_cast<const char*>(&size), sizeof size).append(s);
        }
    return out;
}
Results from_lengths(const std::string& bytes) {
    Results out;
    std::size_t at = 0;
    const auto next = [&] {
        std::uint64_t size = 0;
        std::memcpy(&size, bytes.data() + at, sizeof size);
        at += sizeof size + size;
        return bytes.substr(at - size, size);
    };
    while (at < bytes.size()) {
        std::string name = next();
        out.emplace_back(std::move(name), next());
    }
    return out;
}

// The results of a process without any settings. What this process has computed with settings of its own, and keeps,
// is not there.
Results in_another_process(Results (*compute)()) {
    int ends[2];
    if (pipe(ends) != 0) throw std::runtime_error("no pipe");
    const pid_t child = fork();
    if (child == 0) {
        const std::string bytes = with_lengths(compute());
        for (std::size_t at = 0; at < bytes.size();) {
            const ssize_t n = ::write(ends[1], bytes.data() + at, bytes.size() - at);
            if (n <= 0) _exit(1);
            at += static_cast<std::size_t>(n);
        }
        _exit(0);
    }
    close(ends[1]);
    std::string bytes;
    char buffer[4096];
    for (ssize_t n = 0; (n = ::read(ends[0], buffer, sizeof buffer)) > 0;)
        bytes.append(buffer, static_cast<std::size_t>(n));
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return from_lengths(bytes);
}

void expect_same(const Results& expected, const Results& got) {
    ASSERT_EQ(expected.size(), got.size());
    EXPECT_GT(got.size(), 20U);
    for (std::size_t i = 0; i < got.size(); ++i) {
        EXPECT_EQ(expected[i].first, got[i].first);
        EXPECT_TRUE(expected[i].second == got[i].second)
            << got[i].first
            << (got[i].first.ends_with("text") || got[i].first == "message"
                    ? ": " + expected[i].second + " became " + got[i].second
                    : "");
    }
}

struct Setting {
    const char* name;
    void (*set)();
};
void PrintTo(const Setting& s, std::ostream* out) { *out << s.name; }

class FloatSettings : public testing::TestWithParam<Setting> {
protected:
    void expect_no_change(Results (*compute)()) const {
        const Results expected = in_another_process(compute);
        fenv_t before;
        fegetenv(&before);
        GetParam().set();
        const unsigned set = _mm_getcsr() & ir::FloatEnvironment::controls;
        std::uint16_t x87_set = 0, x87_after = 0;
        asm volatile("fnstcw %0" : "=m"(x87_set));
        const Results got = compute();
        const unsigned after = _mm_getcsr() & ir::FloatEnvironment::controls;
        asm volatile("fnstcw %0" : "=m"(x87_after));
        fesetenv(&before);
        EXPECT_EQ(after, set) << "the host's setting is as it was";
        EXPECT_EQ(x87_after, x87_set);
        expect_same(expected, got);
    }
};

TEST_P(FloatSettings, ChangeNoOp) { expect_no_change(ops_everywhere); }
TEST_P(FloatSettings, ChangeNoNumber) { expect_no_change(numbers_everywhere); }

INSTANTIATE_TEST_SUITE_P(Host, FloatSettings,
                         testing::Values(Setting{"downward", [] { fesetround(FE_DOWNWARD); }},
                                         Setting{"upward", [] { fesetround(FE_UPWARD); }},
                                         Setting{"towards_zero", [] { fesetround(FE_TOWARDZERO); }},
                                         Setting{"flushes", [] { _mm_setcsr(_mm_getcsr() | 0x8040U); }},
                                         Setting{"traps", [] { feenableexcept(FE_ALL_EXCEPT); }}),
                         [](const auto& info) { return std::string(info.param.name); });

// ---- locales

// Numbers as in German texts.
class Comma : public std::numpunct<char> {
    char do_decimal_point() const override { return ','; }
    char do_thousands_sep() const override { return '.'; }
    std::string do_grouping() const override { return "\3"; }
};

class Locale : public InFolder {
protected:
    ~Locale() override {
        std::locale::global(std::locale::classic());
        setlocale(LC_ALL, "C");
    }
    // Makes a locale and sets it; false where the system has no sources of locales.
    bool set(const std::string& charmap) const {
        if (run_here("localedef -i de_DE -f " + charmap + " ./de_DE." + charmap).status != 0) return false;
        setenv("LOCPATH", folder_.c_str(), 1);
        return setlocale(LC_ALL, ("de_DE." + charmap).c_str()) != nullptr;
    }
};

TEST_F(Locale, OfCppChangesNothing) {
    const Results expected = in_another_process(numbers_everywhere);
    std::locale::global(std::locale(std::locale::classic(), new Comma));
    expect_same(expected, numbers_everywhere());
}

class LocaleOfC : public Locale, public testing::WithParamInterface<const char*> {};

TEST_P(LocaleOfC, ChangesNothing) {
    const Results expected = in_another_process(numbers_everywhere);
    if (!set(GetParam())) GTEST_SKIP() << "localedef cannot make the locale de_DE here";
    char text[8];
    std::snprintf(text, sizeof text, "%.1f", 0.5);
    EXPECT_STREQ(text, "0,5");
    expect_same(expected, numbers_everywhere());
}
INSTANTIATE_TEST_SUITE_P(German, LocaleOfC, testing::Values("UTF-8", "ISO-8859-1"),
                         [](const auto& info) { return info.param[0] == 'U' ? "UTF8" : "Latin1"; });

TEST_F(Locale, OfTheEnvironmentChangesNoExecutable) {
    if (!set("UTF-8")) GTEST_SKIP() << "localedef cannot make the locale de_DE here";
    const Model model = trace([](const Tensor& x) { return x * 0.25; }, {{"x", Dtype::f32, {"n", 2}}}, {.name = "m"});
    compile_model(model, (folder_ / "m").string());
    model.save((folder_ / "m.lathe").string());
    write("x.csv", "1.5,2\n-0.5,1e3\n");
    const std::string german = "LC_ALL=de_DE.UTF-8 ";
    EXPECT_EQ(run_here(german + "./m --logits x.csv"), (Outcome{0, "0.375,0.5\n-0.125,250\n"}));
    EXPECT_EQ(run_here(german + "'" LATHE_BINARY_DIR "/lathe' run m.lathe --input x=x.csv --output out"),
              (Outcome{0, ""}));
    EXPECT_EQ(Tensor::from(read_npy((folder_ / "out/result.npy").string())).to_vector<float>(),
              (std::vector<float>{0.375F, 0.5F, -0.125F, 250}));
}

}  // namespace
}  // namespace lathe::testing_support
