// What errors say: every public function, called wrongly in every way that fits its signature, throws an error of the
// library that begins with the user's line and the function's name and holds the types, and nothing else.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "frontend/formats/csv.h"
#include "frontend/formats/npy.h"
#include "frontend/formats/npz.h"
#include "frontend/formats/read_file.h"
#include "frontend/functions/functions.h"
#include "frontend/model/aot.h"
#include "frontend/model/model.h"
#include "frontend/nn/nn.h"
#include "frontend/optim/optim.h"
#include "frontend/trace/grad.h"
#include "frontend/trace/jit.h"
#include "ir/ops/op.h"
#include "tests/kept_text.h"
#include "tests/misuse/functions.h"
#include "tests/refusal.h"
#include "tests/users_line.h"

namespace lathe {
namespace {

using misuse::Function;
using misuse::Tensors;
using testing_support::here;

const misuse::Table& table() {
    static const misuse::Table all = misuse::functions();
    return all;
}

// The operands: each dtype, and shapes that fit together or do not; images and what moves over them.
std::vector<Tensor> operands() {
    using Shapes = std::vector<std::vector<std::int64_t>>;
    std::vector<Tensor> all{Tensor()};
    for (const auto& [dtype, shapes] : std::vector<std::pair<Dtype, Shapes>>{
             {Dtype::f32, {{}, {0}, {2}, {2, 3}, {4, 5}, {3, 2, 3}, {1, 1, 1, 1, 1, 1, 1, 1}}},
             {Dtype::i32, {{}, {0}, {2}, {2, 3}, {3, 2, 3}}},
             {Dtype::f16, {{2}, {2, 3}}},
             {Dtype::u64, {{}, {2}}},
             {Dtype::boolean, {{}, {2}, {2, 3}}},
             {Dtype::f32, {{3, 3}, {2, 4, 4}, {2, 3, 5, 5}, {4, 3, 2, 2}, {2, 3, 4, 4, 4}, {4, 3, 2, 2, 2}}}})
        for (const auto& shape : shapes) all.push_back(zeros(shape, dtype));
    return all;
}

// Calls with all operands, of two or three with a part of their combinations.
template <class F>
void for_each_call(const Function& f, std::span<const Tensor> values, const F& visit) {
    std::size_t count = 1;
    for (std::size_t i = 0; i < f.operands; ++i) count *= values.size();
    const std::size_t stride = f.operands == 3 ? 11 : 1;
    for (std::size_t k = 0; k < count; k += stride) {
        Tensors t;
        for (std::size_t i = 0, rest = k; i < f.operands; ++i, rest /= values.size())
            t.push_back(values[rest % values.size()]);
        visit(t);
    }
}

std::string other_op_in(const std::string& message, const std::string& name) {
    for (const ir::OpDef* op : ir::op_table()) {
        const std::string said = std::string(op->name) + ":";
        if (op->name == name) continue;
        for (std::size_t at = message.find(said); at != std::string::npos; at = message.find(said, at + 1))
            if (at == 0 || message[at - 1] == ' ' || message[at - 1] == '(') return std::string(op->name);
    }
    return "";
}

// Runs f; what it throws has to be sound. Whether it threw.
template <class F>
bool check(const std::string& name, const std::string& start, const Tensors& operands, const F& f) {
    try {
        f();
        return false;
    } catch (const Error& e) {
        const std::string message = e.what();
        EXPECT_TRUE(e.loc().known()) << name << ": " << message;
        EXPECT_EQ(message.rfind(start + ": " + name + ": ", 0), 0U) << message << "\nwanted: " << start << ": " << name;
        EXPECT_EQ(other_op_in(e.message(), name), "") << message;
        bool empty = false, typed = operands.empty();
        for (const Tensor& t : operands) {
            empty = empty || t.is_empty();
            typed = typed || (!t.is_empty() && message.find(t.type().to_string()) != std::string::npos);
        }
        typed = typed || message.find("the number ") != std::string::npos;
        EXPECT_TRUE(typed || (empty && message.find("empty") != std::string::npos)) << message;
        EXPECT_EQ(dynamic_cast<const InternalError*>(&e), nullptr) << message;
    } catch (const std::exception& e) {
        ADD_FAILURE() << name << " threw what is no error of the library: " << e.what();
    }
    return true;
}

int failures() { return testing::UnitTest::GetInstance()->current_test_info()->result()->total_part_count(); }

TEST(Messages, every_function_blames_the_users_line_in_its_own_name_with_the_types) {
    const std::vector<Tensor> values = operands();
    const Where where = testing_support::users_line();
    std::size_t thrown = 0, calls = 0;
    std::set<std::string> wrong;  // one call of each is enough to read
    for (const Function& f : table().functions())
        for_each_call(f, values, [&](const Tensors& t) {
            if (wrong.contains(f.name)) return;
            ++calls;
            const int before = failures();
            thrown += check(f.name, "user.cpp:7", t, [&] { f.call(t, where); }) ? 1 : 0;
            if (failures() != before) wrong.insert(f.name);
        });
    EXPECT_GT(thrown, calls / 4);
    EXPECT_LT(thrown, calls);
}

// What a function is refused with, with what differs from call to call left out: its name, types and numbers.
std::string pattern_of(const std::string& message, const std::string& name) {
    static const std::regex type(R"((f|bf|i|u)[0-9]+\[[^\]]*\]|bool\[[^\]]*\])"), number("-?[0-9]+(\\.[0-9]+)?");
    const std::string reason = message.starts_with(name + ":") ? message.substr(name.size()) : message;
    return std::regex_replace(std::regex_replace(reason, type, "TYPE"), number, "N");
}

struct Kind {
    std::string example;
    std::set<std::string> functions;
};
// By pattern.
const std::map<std::string, Kind>& kinds() {
    static const std::map<std::string, Kind> all = [] {
        const std::vector<Tensor> values = operands();
        const Where where = testing_support::users_line();
        std::map<std::string, Kind> made;
        for (const Function& f : table().functions()) {
            for_each_call(f, values, [&](const Tensors& t) {
                try {
                    f.call(t, where);
                } catch (const Error& e) {
                    Kind& kind = made[pattern_of(e.message(), f.name)];
                    if (kind.example.empty()) kind.example = e.what();
                    kind.functions.insert(f.name);
                }
            });
        }
        return made;
    }();
    return all;
}

// One whole message of each kind, and the functions that say such. LATHE_REWRITE_EXPECTATIONS=1 writes the file.
TEST(Messages, of_functions_are_these_for_every_misuse) {
    std::string text;
    for (const auto& [pattern, kind] : kinds()) {
        text += kind.example + "\n   ";
        for (const std::string& function : kind.functions) text += " " + function;
        text += "\n\n";
    }
    testing_support::expect_kept("tests/function_messages.txt", text);
}

// By the manual, which a test writes from the headers: a function that nobody calls wrongly here is missing, and so is
// a misuse that its parameters allow.
TEST(Messages, every_function_of_the_manual_is_misused) {
    std::map<std::string, std::set<std::string>> said;  // by each function
    for (const auto& [pattern, kind] : kinds())
        for (const std::string& function : kind.functions) said[function].insert(pattern);
    const auto says = [&](const std::string& function, const std::string& part) {
        return std::ranges::any_of(said[function], [&](const auto& p) { return p.find(part) != std::string::npos; });
    };
    std::istringstream page(read_file(LATHE_SOURCE_DIR "/docs/functions.md"));
    static const std::regex entry(R"(^- `(\w+)\((.*?)\)`: .*)"), axis(R"((^|, )(axis|axes)( =|,|$))"),
        operand(R"(^(x|a|b|q|y|z|logits|indices|values|condition)(,|$))");
    std::size_t functions = 0;
    for (std::string line; std::getline(page, line);) {
        std::smatch match;
        if (!std::regex_match(line, match, entry)) continue;
        const std::string name = match[1], parameters = match[2];
        ++functions;
        EXPECT_FALSE(said[name].empty()) << name << " is refused nowhere: name it in tests/misuse";
        const bool has_axis = std::regex_search(parameters, axis), has_operand = std::regex_search(parameters, operand);
        EXPECT_TRUE(!has_axis || says(name, "axis N is out of range"))
            << name << " is nowhere called with a wrong axis";
        EXPECT_TRUE(!has_operand || says(name, "empty")) << name << " is nowhere called with an empty tensor";
    }
    EXPECT_GT(functions, 300U);
}

TEST(Messages, the_same_while_tracing) {
    const Where where = Where::current();
    const std::string start = std::string(where.file_name()) + ":" + std::to_string(where.line());
    const std::vector<std::vector<std::variant<std::int64_t, std::string>>> shapes = {{},       {"a"},    {"a", "b"},
                                                                                      {"b", 3}, {2, "c"}, {4, 5}};
    for (const Function& f : table().functions()) {
        if (f.operands == 0) continue;
        for (const Dtype d : {Dtype::f32, Dtype::i32})
            for (std::size_t k = 0; k < shapes.size() * shapes.size(); k += f.operands == 1 ? shapes.size() : 1) {
                std::vector<TensorSpec> specs;
                for (std::size_t i = 0; i < f.operands; ++i)
                    specs.push_back(
                        {"x" + std::to_string(i), d, shapes[i % 2 == 0 ? k / shapes.size() : k % shapes.size()]});
                // Extents that have to be equal to two others are known to differ when the whole graph is: then, behind
                // the call, the op has the word.
                bool is_behind = false;
                const auto body = [&](std::span<const Tensor> inputs) {
                    Tensors results{f.call({inputs.begin(), inputs.end()}, where)};
                    is_behind = true;
                    return results;
                };
                try {
                    detail::trace_model(body, f.operands, specs, {}, where);
                } catch (const Error& e) {
                    const std::string message = e.what();
                    EXPECT_TRUE(e.loc().known()) << f.name << ": " << message;
                    EXPECT_EQ(message.rfind(start + ": ", 0), 0U) << message;
                    EXPECT_TRUE(is_behind || message.find(f.name) != std::string::npos) << f.name << ": " << message;
                    EXPECT_TRUE(is_behind || other_op_in(e.message(), f.name).empty()) << message;
                    EXPECT_EQ(dynamic_cast<const InternalError*>(&e), nullptr) << message;
                } catch (const std::exception& e) {
                    ADD_FAILURE() << f.name << " threw what is no error of the library: " << e.what();
                }
                if (HasFailure()) return;
            }
    }
}

template <class F>
std::string refusal(const F& f) {
    try {
        f();
    } catch (const Error& e) {
        EXPECT_TRUE(e.loc().known()) << e.what();
        return e.what();
    } catch (const std::exception& e) {
        ADD_FAILURE() << "no error of the library: " << e.what();
        return "";
    }
    ADD_FAILURE() << "nothing was thrown";
    return "";
}
void expect_start(const std::string& message, const std::string& start) {
    EXPECT_EQ(message.substr(0, start.size()), start) << message;
}

TEST(Messages, axes_are_shown_as_they_were_written) {
    const Tensor x = ones({2, 3}), i = zeros({2}, Dtype::i32);
    const std::string why = "axis -5 is out of range for rank 2";
    for (const std::function<void()>& f : std::vector<std::function<void()>>{
             [&] { sum(x, {-5}); }, [&] { mean(x, {-5}); }, [&] { max(x, {-5}); }, [&] { min(x, {0, -5}); },
             [&] { argmax(x, -5); }, [&] { softmax(x, -5); }, [&] { log_softmax(x, -5); },
             [&] { concat(Tensors{x, x}, -5); }, [&] { gather(x, i, -5); }, [&] { scatter_add(x, i, x, -5); }})
        EXPECT_NE(refusal(f).find(why), std::string::npos) << refusal(f);
    EXPECT_NE(refusal([&] { (void)x.dim(-5); }).find("axis -5"), std::string::npos);
}

TEST(Messages, extents_that_no_memory_holds_are_refused_by_the_call) {
    constexpr std::int64_t huge = std::int64_t{1} << 61;
    const Tensor row = ones({1, 1}), column = ones({1 << 20, 1});
    expect_start(refusal([&] { zeros({huge, 4}); }), here() + "zeros: ");
    expect_start(refusal([&] { (void)zeros({huge, 4}).size(); }), here() + "zeros: ");
    expect_start(refusal([&] { zeros({huge, 4, 0}); }), here() + "zeros: ");
    expect_start(refusal([&] { arange(huge); }), here() + "arange: ");
    expect_start(refusal([&] { broadcast_to(row, {huge, huge}); }), here() + "broadcast_to: ");
    expect_start(refusal([&] { row.reshape({INT64_MAX, INT64_MAX}); }), here() + "reshape: ");
    expect_start(refusal([&] { one_hot(zeros({1 << 20}, Dtype::i8), huge); }), here() + "one_hot: ");
    const Tensor wide = broadcast_to(row, {1, std::int64_t{1} << 58});
    expect_start(refusal([&] { (void)(wide + column); }), here() + "add: ");
    expect_start(refusal([&] { matmul(column, wide); }), here() + "matmul: ");
    expect_start(refusal([&] { concat(Tensors(20, wide), 1); }), here() + "concat: ");
    expect_start(refusal([&] { gather(wide, zeros({1 << 20}, Dtype::i32), 0); }), here() + "gather: ");
    const Tensor bytes = broadcast_to(zeros({1}, Dtype::i8), {std::int64_t{1} << 60});
    expect_start(refusal([&] { convert(bytes, Dtype::f64); }), here() + "convert: ");
    expect_start(refusal([&] { random_uniform(1, {huge, 4}); }), here() + "random_uniform: ");
    expect_start(refusal([&] { random_normal(1, {-3, 4}); }), here() + "random_normal: ");
    // Where extents come when a program is called.
    const auto outer = jit([](const Tensor& a, const Tensor& b) { return a * b.reshape({b.dim(0), 1}); });
    const Tensor many = zeros({1 << 20}, Dtype::i8);
    const std::string no_memory = refusal([&] { outer(many, many); });
    EXPECT_NE(no_memory.find(": mul: "), std::string::npos) << no_memory;
    EXPECT_NE(no_memory.find("i8[1048576, 1048576]"), std::string::npos) << no_memory;
    const auto cube = jit([](const Tensor& a) {
        const Tensor b = a.reshape({a.dim(0), 1, 1, 1}), c = a.reshape({a.dim(0), 1, 1}), d = a.reshape({a.dim(0), 1});
        return a * b * c * d;
    });
    const std::string overflow = refusal([&] { cube(many); });
    EXPECT_NE(overflow.find("messages_test.cpp:"), std::string::npos) << overflow;
}

TEST(Messages, values_that_tracing_does_not_know) {
    const auto f = jit([](const Tensor& x) { return zeros_like(x).eval(); });
    const std::string message = refusal([&] { f(ones({3})); });
    EXPECT_NE(message.find("traced"), std::string::npos) << message;
    EXPECT_NE(message.find("messages_test.cpp:"), std::string::npos) << message;
    const auto g = jit([](const Tensor& x) { return x * static_cast<double>(ones_like(x).to_vector<float>()[0]); });
    EXPECT_NE(refusal([&] { g(ones({3})); }).find("traced"), std::string::npos);
}

TEST(Messages, constructors_and_files_name_the_line) {
    nn::Generator random(1);
    expect_start(refusal([&] { nn::Linear(-1, 2, random); }), here() + "Linear: ");
    expect_start(refusal([&] { nn::Linear(std::int64_t{1} << 61, 4, random); }), here() + "Linear: ");
    expect_start(refusal([&] { optim::Sgd({ones({2})}); }), here() + "Sgd: ");
    expect_start(refusal([&] { variable(Tensor()); }), here() + "variable: ");
    expect_start(refusal([&] { (void)Tensor().rank(); }), here());
    expect_start(refusal([&] { (void)Tensor().dtype(); }), here());
    expect_start(refusal([&] { (void)Tensor().shape(); }), here());
    expect_start(refusal([&] { (void)Tensor().size(); }), here());
    expect_start(refusal([&] { Tensor().t(); }), here());
    expect_start(refusal([&] { Tensor().reshape({1}); }), here());
    expect_start(refusal([&] { (void)Tensor().to_string(); }), here());
    expect_start(refusal([&] { (void)Tensor().to_array(); }), here());
    expect_start(refusal([&] { Tensor().set(ones({1})); }), here() + "set: ");
    expect_start(refusal([&] { variable(ones({1})).set(Tensor()); }), here() + "set: ");
    expect_start(refusal([&] { ones({1, 1, 1, 1, 1, 1, 1, 1, 1}); }), here());
    expect_start(refusal([&] { Model::load("/absent.lathe"); }), here() + "/absent.lathe: ");
    expect_start(refusal([&] { Model::parse("no model", "x.lathe"); }), here() + "x.lathe: byte 8");
    expect_start(refusal([&] { read_npy("/absent.npy"); }), here() + "/absent.npy: ");
    expect_start(refusal([&] { parse_npy("x", "x.npy"); }), here() + "x.npy: byte 0");
    expect_start(refusal([&] { write_npy("/absent/x.npy", Array{Dtype::f32, {0}, {}}); }), here());
    expect_start(refusal([&] { npy_bytes({Dtype::bf16, {0}, {}}); }), here());
    expect_start(refusal([&] { read_npz("/absent.npz"); }), here() + "/absent.npz: ");
    expect_start(refusal([&] { parse_npz("x", "x.npz"); }), here() + "x.npz: byte 1");
    expect_start(refusal([&] { write_npz("/absent/x.npz", {}); }), here());
    expect_start(refusal([&] { npz_bytes({{"a", {Dtype::bf16, {0}, {}}}}); }), here());
    expect_start(refusal([&] { read_csv("/absent.csv"); }), here() + "/absent.csv: ");
    expect_start(refusal([&] { parse_csv("a,b", "x.csv"); }), here() + "x.csv: row 1");
    const Model model = trace([](const Tensor& x) { return x + 1.0; }, {{"x", Dtype::f32, {"n"}}}, {.name = "m"});
    const CompileOptions mistaken{.off = {"no such pass"}};
    expect_start(refusal([&] { model.save("/absent/m.lathe"); }), here());
    expect_start(refusal([&] { model.run({}); }), here() + "m: no input 'x'");
    expect_start(refusal([&] { model(ones({2, 2})); }), here() + "m: input 'x'");
    expect_start(refusal([&] { model(Tensor()); }), here() + "m: ");
    expect_start(refusal([&] { model.compile(mistaken); }), here());
    const std::vector<std::int64_t> shapes[] = {{2, 2}};
    expect_start(refusal([&] { model.compile().bind(shapes); }), here() + "m: ");
    expect_start(refusal([&] { compile_model(model, "/absent/m.o"); }), here());
    const auto f = jit([](const Tensor& x) { return x + 1.0; }, {.compile = mistaken});
    expect_start(refusal([&] { f(ones({2})); }).substr(0, here().size() - 6), here().substr(0, here().size() - 6));
}

TEST(Messages, names_from_outside_stay_on_their_line) {
    const Model model =
        trace([](const Tensor& x) { return x; }, {{"x\n\x1b[31m", Dtype::f32, {2}}}, {.name = "m\r\nn"});
    for (const std::string& message : {refusal([&] { model.run({}); }),
                                       refusal([&] { model.run({{"y\x07\n", Array{}}, {"x\n\x1b[31m", Array{}}}); }),
                                       refusal([&] { model(ones({3, 3})); })})
        for (const char c : message) EXPECT_GE(static_cast<unsigned char>(c), 0x20) << message;
}

TEST(Messages, errors_reach_the_thread_that_asked) {
    std::vector<std::string> messages(4);
    const auto f = jit([](const Tensor& a, const Tensor& b) { return matmul(a, b); });
    std::vector<std::thread> threads;
    for (std::string& message : messages)
        threads.emplace_back([&] { message = refusal([&] { f(ones({2, 3}), ones({4, 5})); }); });
    for (std::thread& t : threads) t.join();
    for (const std::string& message : messages)
        EXPECT_NE(message.find("matmul: the inner extents differ"), std::string::npos);
}

TEST(Messages, types_of_any_length_are_cut) {
    // An extent that is a long expression.
    std::string message;
    try {
        trace(
            [](const Tensor& a, const Tensor& b) {
                Tensor x = a;
                for (int i = 0; i < 7; ++i)
                    x = concat(Tensors{x.reshape({x.dim(0) * b.dim(0)}), x, b}, 0).reshape({-1});
                return x.reshape({-2});
            },
            {{"a", Dtype::f32, {"n"}}, {"b", Dtype::f32, {"m"}}});
    } catch (const Error& e) {
        message = e.what();
    }
    EXPECT_LT(message.size(), 1500U) << message;
    EXPECT_NE(message.find("messages_test.cpp:"), std::string::npos) << message;
}

}  // namespace
}  // namespace lathe
