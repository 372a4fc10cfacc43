// What the library says where its members, transforms, loops, modules, optimisers and files are used wrongly: whole
// messages with the user's line, kept in member_messages.txt. LATHE_REWRITE_EXPECTATIONS=1 writes it. Functions of
// tensors are in messages_test.
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "frontend/formats/csv.h"
#include "frontend/formats/npz.h"
#include "frontend/formats/zip.h"
#include "lathe.h"
#include "tests/kept_text.h"
#include "tests/users_line.h"

namespace lathe {
namespace {

struct Misuse {
    std::string what;
    std::function<void(Where)> call;
};

// A function of the user's for transforms; what it records is on the user's line, too.
Tensor squared(const Tensor& x, Where w) { return operator*({x, w}, {x, w}); }

// A module of the user's that registers these names.
class Registering : public nn::Module {
public:
    Registering(const std::vector<std::string>& names, Where w) {
        for (const std::string& name : names) (void)register_parameter(name, ones({2}), nn::Layout::same, w);
    }

private:
    Tensor forward(const Tensor& x) const override { return x; }
};

std::vector<Misuse> of_modules() {
    std::vector<Misuse> all;
    const auto add = [&](const std::string& what, std::function<void(nn::Generator&, Where)> call) {
        all.push_back({what, [call = std::move(call)](Where w) {
                           nn::Generator random(1);
                           call(random, w);
                       }});
    };
    add("a parameter without a name", [](nn::Generator&, Where w) { Registering({""}, w); });
    add("a parameter with a dot", [](nn::Generator&, Where w) { Registering({"a.b"}, w); });
    add("two parameters of one name", [](nn::Generator&, Where w) { Registering({"a", "a"}, w); });
    add("set_trainable of what is no variable", [](nn::Generator&, Where w) { ones({2}).set_trainable(false, w); });
    add("Conv2d, groups", [](nn::Generator& r, Where w) { nn::Conv2d(3, 4, {.kernel = 3, .groups = 2}, r, w); });
    add("Conv2d of other channels",
        [](nn::Generator& r, Where w) { nn::Conv2d(3, 4, {.kernel = 3}, r, w)(ones({1, 2, 5, 5}), w); });
    add("Conv2d of a matrix",
        [](nn::Generator& r, Where w) { nn::Conv2d(3, 4, {.kernel = 3}, r, w)(ones({3, 5}), w); });
    add("MultiheadAttention, heads", [](nn::Generator& r, Where w) { nn::MultiheadAttention(10, 3, r, w); });
    add("MultiheadAttention of a vector",
        [](nn::Generator& r, Where w) { nn::MultiheadAttention(4, 2, r, w)(ones({4}), w); });
    add("Embedding, padding_idx", [](nn::Generator& r, Where w) { nn::Embedding(3, 2, {.padding_idx = 5}, r, w); });
    add("Embedding, an index that there is not",
        [](nn::Generator& r, Where w) { nn::Embedding(3, 2, r, w)(Tensor::from({7}), w).eval(w); });
    add("LayerNorm of other extents", [](nn::Generator&, Where w) { nn::LayerNorm(4, {}, w)(ones({2, 3}), w); });
    add("LayerNorm without extents",
        [](nn::Generator&, Where w) { nn::LayerNorm(std::vector<std::int64_t>{}, {}, w); });
    add("GroupNorm, groups", [](nn::Generator&, Where w) { nn::GroupNorm(2, 5, {}, w); });
    add("BatchNorm2d of a matrix", [](nn::Generator&, Where w) { nn::BatchNorm2d(3, {}, w)(ones({2, 3}), w); });
    add("BatchNorm1d of one number", [](nn::Generator&, Where w) { nn::BatchNorm1d(3, {}, w)(ones({1, 3}), w); });
    add("LSTM of another width", [](nn::Generator& r, Where w) { nn::LSTM(3, 4, r, w)(ones({5, 2, 7}), w); });
    add("GRU of a vector", [](nn::Generator& r, Where w) { nn::GRU(3, 4, r, w)(ones({3}), w); });
    add("Dropout2d of a matrix", [](nn::Generator& r, Where w) { nn::Dropout2d(0.5, r, w)(ones({2, 3}), w); });
    add("xavier_uniform of a vector",
        [](nn::Generator& r, Where w) { nn::init::xavier_uniform(r)({3}, Dtype::f32, nn::Layout::same, w); });
    add("orthogonal of a vector",
        [](nn::Generator& r, Where w) { nn::init::orthogonal(r)({3}, Dtype::f32, nn::Layout::same, w); });
    add("normal of integers",
        [](nn::Generator& r, Where w) { nn::init::normal(r)({3}, Dtype::i32, nn::Layout::same, w); });
    return all;
}

std::vector<Misuse> of_tensors() {
    const Tensor empty, x = ones({2, 3}), i = ones({2}, Dtype::i64);
    std::vector<Misuse> all;
    const auto add = [&](const std::string& what, std::function<void(Where)> call) {
        all.push_back({what, std::move(call)});
    };
    add("from, too few elements", [](Where w) { Tensor::from(std::vector<float>{1, 2}, {3}, w); });
    add("from, a negative extent", [](Where w) { Tensor::from(std::vector<float>{1, 2}, {-2}, w); });
    add("from, nine dimensions", [](Where w) { Tensor::from(std::vector<float>{1}, {1, 1, 1, 1, 1, 1, 1, 1, 1}, w); });
    add("from_bytes, part of an element",
        [](Where w) { Tensor::from_bytes(Dtype::f32, {1}, std::vector<std::byte>(3), w); });
    add("borrow, no memory", [](Where w) { Tensor::borrow<float>(nullptr, {2}, {}, {}, w); });
    add("borrow, too few strides", [](Where w) {
        static const float data[4] = {};
        Tensor::borrow(data, {2, 2}, {1}, {}, w);
    });
    add("borrow, a negative extent", [](Where w) {
        static const float data[4] = {};
        Tensor::borrow(data, {-2}, {}, {}, w);
    });
    add("dim", [=](Where w) { (void)x.dim(-5, w); });
    add("extent", [=](Where w) { (void)x.extent(2, w); });
    for (const auto& [name, t] : std::vector<std::pair<std::string, Tensor>>{{"empty", empty}}) {
        add(name + ".rank", [=](Where w) { (void)t.rank(w); });
        add(name + ".dtype", [=](Where w) { (void)t.dtype(w); });
        add(name + ".shape", [=](Where w) { (void)t.shape(w); });
        add(name + ".size", [=](Where w) { (void)t.size(w); });
        add(name + ".dim", [=](Where w) { (void)t.dim(0, w); });
        add(name + ".eval", [=](Where w) { (void)t.eval(w); });
        add(name + ".item", [=](Where w) { (void)t.item<float>(w); });
        add(name + ".to_vector", [=](Where w) { (void)t.to_vector<float>(w); });
        add(name + ".data", [=](Where w) { (void)t.data<float>(w); });
        add(name + ".bytes", [=](Where w) { (void)t.bytes(w); });
        add(name + ".to_array", [=](Where w) { (void)t.to_array(w); });
        add(name + ".to_string", [=](Where w) { (void)t.to_string(w); });
        add(name + ".reshape", [=](Where w) { (void)t.reshape({1}, w); });
        add(name + ".t", [=](Where w) { (void)t.t(w); });
        add(name + ".set", [=](Where w) { t.set(ones({1}), w); });
        add(name + ".grad", [=](Where w) { (void)t.grad(w); });
        add(name + ".zero_grad", [=](Where w) { t.zero_grad(w); });
        add(name + ".backward", [=](Where w) { t.backward(w); });
    }
    add("item of several elements", [=](Where w) { (void)x.item<float>(w); });
    add("item of another kind", [=](Where w) { (void)full({}, 0.5).item<int>(w); });
    add("item that is not held", [=](Where w) { (void)full({}, 300, Dtype::i32).item<std::int8_t>(w); });
    add("to_vector that is not held", [=](Where w) { (void)full({2}, 0.5).to_vector<bool>(w); });
    add("data of another dtype", [=](Where w) { (void)x.data<int>(w); });
    add("data of a variable", [=](Where w) {
        const Tensor v = variable(ones({2}));
        (void)v.data<float>(w);
    });
    add("set of what is no variable", [=](Where w) { x.set(ones({2, 3}), w); });
    add("set of another type", [=](Where w) { variable(ones({2})).set(ones({3}), w); });
    add("set of an empty tensor", [=](Where w) { variable(ones({2})).set(empty, w); });
    add("grad of what is no variable", [=](Where w) { (void)x.grad(w); });
    add("zero_grad of what is no variable", [=](Where w) { x.zero_grad(w); });
    add("backward of several elements", [=](Where w) { (variable(ones({2})) * 2.0).backward(w); });
    add("backward of no variable", [=](Where w) { sum(x).backward(w); });
    add("backward of integers", [=](Where w) { sum(i).backward(w); });
    add("variable of an empty tensor", [=](Where w) { variable(empty, "v", true, w); });
    add("eval of an empty tensor", [=](Where w) {
        const Tensor all_of_them[] = {x, empty};
        eval(all_of_them, w);
    });
    add("+= of another shape", [=](Where w) {
        Tensor y = ones({3});
        y += detail::Operand(x, w);
    });
    add("+= of another dtype", [=](Where w) {
        Tensor y = ones({2});
        y += detail::Operand(i, w);
    });
    add("two numbers", [=](Where w) { (void)operator+({1, w}, {2, w}); });
    add("from_dlpack of nothing", [=](Where w) { from_dlpack(nullptr, w); });
    add("to_dlpack of an empty tensor", [=](Where w) { to_dlpack(empty, w); });
    return all;
}

std::vector<Misuse> of_transforms() {
    const Tensor empty, x = ones({2, 3}), one = full({}, 2), i = ones({2}, Dtype::i64), yes = ones({}, Dtype::boolean);
    std::vector<Misuse> all;
    const auto add = [&](const std::string& what, std::function<void(Where)> call) {
        all.push_back({what, std::move(call)});
    };
    add("grad of several elements", [=](Where w) { grad([=](const Tensor& t) { return squared(t, w); }, w)(x); });
    add("grad by integers", [=](Where w) { grad([=](const Tensor& t) { return sum(t, {}, false, w); }, w)(i); });
    add("grad of an empty tensor", [=](Where w) { grad([=](const Tensor&) { return Tensor(); }, w)(x); });
    add("grad by an empty tensor", [=](Where w) { grad([=](const Tensor& t) { return t; }, w)(empty); });
    add("jvp, a tangent of another type",
        [=](Where w) { (void)jvp([=](const Tensor& t) { return squared(t, w); }, x, ones({3}), w); });
    add("vjp, a cotangent of another type",
        [=](Where w) { (void)vjp([=](const Tensor& t) { return squared(t, w); }, x, w).second(ones({3}), w); });
    add("jacobian by integers",
        [=](Where w) { (void)jacobian([=](const Tensor& t) { return squared(t, w); }, Direction::reverse, w)(i); });
    add("hessian of several elements",
        [=](Where w) { (void)hessian([=](const Tensor& t) { return squared(t, w); }, w)(x); });
    add("vmap over an axis that is not there",
        [=](Where w) { (void)vmap([=](const Tensor& t) { return squared(t, w); }, 5, 0, w)(x); });
    add("vmap to an axis that is not there",
        [=](Where w) { (void)vmap([=](const Tensor& t) { return squared(t, w); }, 0, 5, w)(x); });
    add("vmap over a number",
        [=](Where w) { (void)vmap([=](const Tensor& t) { return squared(t, w); }, 0, 0, w)(one); });
    add("vmap over different extents", [=](Where w) {
        (void)vmap([=](const Tensor& a, const Tensor& b) { return operator*({a, w}, {b, w}); }, 0, 0, w)(x, ones({3}));
    });
    add("vmap with axes of another number of arguments", [=](Where w) {
        (void)vmap([=](const Tensor& a, const Tensor& b) { return operator*({a, w}, {b, w}); }, {0, 0, 0}, 0, w)(x, x);
    });
    const auto same = [](const Tensor& t) { return t; };
    add("cond, no boolean", [=](Where w) { (void)cond(x, same, same, x, w); });
    add("cond, results of other extents",
        [=](Where w) { (void)cond(yes, same, [=](const Tensor& t) { return narrow(t, 1, 0, 2, w); }, x, w); });
    add("cond, results of other dtypes",
        [=](Where w) { (void)cond(yes, same, [=](const Tensor& t) { return convert(t, Dtype::f64, w); }, x, w); });
    add("cond, an empty result", [=](Where w) { (void)cond(yes, same, [](const Tensor&) { return Tensor(); }, x, w); });
    add("cond of an empty tensor", [=](Where w) { (void)cond(empty, same, same, x, w); });
    add("while_loop, a condition of several elements",
        [=](Where w) { (void)while_loop([=](const Tensor& t) { return operator<({t, w}, {3, w}); }, same, x, w); });
    add("while_loop, a condition of numbers", [=](Where w) { (void)while_loop(same, same, one, w); });
    add("while_loop, a state of other extents", [=](Where w) {
        (void)while_loop([=](const Tensor& t) { return operator<({sum(t, {}, false, w), w}, {3, w}); },
                         [=](const Tensor& t) { return narrow(t, 1, 0, 2, w); }, x, w);
    });
    add("while_loop of an empty tensor", [=](Where w) { (void)while_loop(same, same, empty, w); });
    using State = std::pair<Tensor, Tensor>;
    add("scan, a state of another dtype", [=](Where w) {
        (void)scan([=](const Tensor& s, const Tensor& t) { return State(convert(s, Dtype::f64, w), t); }, one, x, {},
                   w);
    });
    add("scan over numbers",
        [=](Where w) { (void)scan([=](const Tensor& s, const Tensor& t) { return State(s, t); }, one, one, {}, w); });
    add("scan over different lengths", [=](Where w) {
        (void)scan([=](const Tensor& s, const State& t) { return State(s, t.first); }, one, State(x, ones({3})), {}, w);
    });
    add("scan of another length", [=](Where w) {
        (void)scan([=](const Tensor& s, const Tensor& t) { return State(s, t); }, one, x, {.length = 5}, w);
    });
    add("scan over an empty tensor",
        [=](Where w) { (void)scan([=](const Tensor& s, const Tensor& t) { return State(s, t); }, one, empty, {}, w); });
    add("checkpoint, an empty result",
        [=](Where w) { (void)checkpoint([](const Tensor&) { return Tensor(); }, x, w); });
    add("custom_gradient, a cotangent of another type", [=](Where w) {
        const auto f = custom_gradient(same, [](const Tensor&, const Tensor&, const Tensor&) { return ones({5}); }, w);
        (void)grad([&](const Tensor& t) { return sum(f(t), {}, false, w); }, w)(x);
    });
    add("jit, a value inside", [=](Where w) {
        (void)jit([=](const Tensor& t) { return operator*({t, w}, {t.item<float>(w), w}); }, {}, w)(one);
    });
    add("jit without a pass that there is not",
        [=](Where w) { (void)jit(same, {.compile = {.off = {"nonsense"}}}, w)(x); });
    return all;
}

std::vector<Misuse> of_models() {
    const Tensor empty, x = ones({2, 3});
    const auto same = [](const Tensor& t) { return t; };
    const Model model = trace([](const Tensor& t) { return exp(t, testing_support::users_line()); },
                              {{"x", Dtype::f32, {"n", 3}}}, {.name = "m"}, testing_support::users_line());
    std::vector<Misuse> all;
    const auto add = [&](const std::string& what, std::function<void(Where)> call) {
        all.push_back({what, std::move(call)});
    };
    add("trace, too few specs", [=](Where w) { trace(same, {}, {}, w); });
    add("trace, a negative extent", [=](Where w) { trace(same, {{"x", Dtype::f32, {-2}}}, {}, w); });
    add("trace, nine dimensions",
        [=](Where w) { trace(same, {{"x", Dtype::f32, {1, 1, 1, 1, 1, 1, 1, 1, 1}}}, {}, w); });
    add("trace, one name twice", [=](Where w) {
        trace([](const Tensor& a, const Tensor&) { return a; }, {{"x", Dtype::f32, {}}, {"x", Dtype::f32, {}}}, {}, w);
    });
    add("trace, a name too few", [=](Where w) { trace(same, {{"x", Dtype::f32, {}}}, {.outputs = {"a", "b"}}, w); });
    add("trace, an empty result",
        [=](Where w) { trace([](const Tensor&) { return Tensor(); }, {{"x", Dtype::f32, {}}}, {}, w); });
    add("trace, extents that differ", [=](Where w) {
        trace([=](const Tensor& a, const Tensor& b) { return operator+({a, w}, {b, w}); },
              {{"a", Dtype::f32, {2}}, {"b", Dtype::f32, {3}}}, {}, w);
    });
    add("trace, extents that differ by one", [=](Where w) {
        trace([=](const Tensor& a) { return operator+({a, w}, {concat({a, ones({1}, Dtype::f32, w)}, 0, w), w}); },
              {{"a", Dtype::f32, {"n"}}}, {}, w);
    });
    add("trace, a symbolic extent as a number", [=](Where w) {
        trace([=](const Tensor& a) { return reshape(a, {a.extent(0, w)}, w); }, {{"a", Dtype::f32, {"n"}}}, {}, w);
    });
    add("trace, a variable that is set", [=](Where w) {
        const Tensor v = variable(ones({2}));
        trace(
            [=](const Tensor& a) {
                v.set(a, w);
                return a;
            },
            {{"a", Dtype::f32, {2}}}, {}, w);
    });
    add("a model, no input", [=](Where w) { model.run({}, w); });
    add("a model, an unknown input", [=](Where w) { model.run({{"x", x.to_array()}, {"y", x.to_array()}}, w); });
    add("a model, an input of another rank", [=](Where w) { model(ones({2}), w); });
    add("a model, an input of another dtype", [=](Where w) { model(ones({2, 3}, Dtype::f64), w); });
    add("a model, an input of another extent", [=](Where w) { model(ones({2, 4}), w); });
    add("a model, an empty input", [=](Where w) { model(empty, w); });
    add("a model, too many inputs", [=](Where w) {
        const Tensor two[] = {x, x};
        model(two, w);
    });
    add("a model, bound to too few shapes", [=](Where w) { model.compile({}, w).bind({}, w); });
    add("a model, bound to another rank", [=](Where w) {
        const std::vector<std::int64_t> shapes[] = {{2}};
        model.compile({}, w).bind(shapes, w);
    });
    add("a model without a pass that there is not", [=](Where w) { model.compile({.off = {"nonsense"}}, w); });
    add("a model saved where no folder is", [=](Where w) { model.save("/absent/m.lathe", w); });
    add("a model compiled where no folder is", [=](Where w) { compile_model(model, "/absent/m.o", {}, w); });
    add("a model from no file", [=](Where w) { Model::load("/absent.lathe", w); });
    add("a model from another text", [=](Where w) { Model::parse("no model", "x.lathe", w); });
    add("read_npy, no file", [=](Where w) { read_npy("/absent.npy", w); });
    add("parse_npy, another text", [=](Where w) { parse_npy("x", "x.npy", w); });
    add("write_npy, no folder", [=](Where w) { write_npy("/absent/x.npy", Array{Dtype::f32, {0}, {}}, w); });
    add("npy_bytes of bf16", [=](Where w) { npy_bytes({Dtype::bf16, {0}, {}}, w); });
    add("read_npz, no file", [=](Where w) { read_npz("/absent.npz", w); });
    add("parse_npz, another text", [=](Where w) { parse_npz("x", "x.npz", w); });
    add("parse_npz, an array that is none", [=](Where w) {
        ZipWriter archive;
        archive.add("a.npy", "text", false);
        parse_npz(std::move(archive).finish(), "x.npz", w);
    });
    add("parse_npz, a member of another kind", [=](Where w) {
        ZipWriter archive;
        archive.add("a.txt", "text", true);
        parse_npz(std::move(archive).finish(), "x.npz", w);
    });
    add("write_npz, no folder", [=](Where w) { write_npz("/absent/x.npz", {}, {}, w); });
    add("npz_bytes of bf16", [=](Where w) { npz_bytes({{"a", {Dtype::bf16, {0}, {}}}}, {}, w); });
    add("npz_bytes of a name too long",
        [=](Where w) { npz_bytes({{std::string(65536, 'a'), {Dtype::f32, {0}, {}}}}, {}, w); });
    add("read_csv, no file", [=](Where w) { read_csv("/absent.csv", Dtype::f32, w); });
    add("parse_csv, words", [=](Where w) { parse_csv("a,b", "x.csv", Dtype::f32, w); });
    add("parse_csv, a row too short", [=](Where w) { parse_csv("1,2\n3\n", "x.csv", Dtype::f32, w); });
    add("Linear, a negative number of features", [=](Where w) {
        nn::Generator random(1);
        nn::Linear(-1, 2, random, w);
    });
    add("Linear of integers", [=](Where w) {
        nn::Generator random(1);
        nn::Linear(1, 2, {.dtype = Dtype::i32}, random, w);
    });
    add("Linear, an input of another extent", [=](Where w) {
        nn::Generator random(1);
        nn::Linear(3, 2, random, w)(ones({4}), w);
    });
    add("Linear, an empty input", [=](Where w) {
        nn::Generator random(1);
        nn::Linear(3, 2, random, w)(empty, w);
    });
    for (Misuse& m : of_modules()) all.push_back(std::move(m));
    add("Sgd of what is no variable", [=](Where w) { optim::Sgd({x}, {}, w); });
    add("Adam of an empty tensor", [=](Where w) { optim::Adam({empty}, {}, w); });
    add("step without derivatives", [=](Where w) { optim::Sgd({variable(x)}, {}, w).step(w); });
    return all;
}

std::vector<Misuse> of_optimisers() {
    const Tensor x = ones({2, 3}), w1 = variable(ones({2}), "w"), empty;
    std::vector<Misuse> all;
    const auto add = [&](const char* what, std::function<void(Where)> call) { all.push_back({what, std::move(call)}); };
    add("set_grad of what is no variable", [=](Where w) { x.set_grad(x, w); });
    add("set_grad of another type", [=](Where w) { w1.set_grad(x, w); });
    add("set_grad of an empty tensor", [=](Where w) { w1.set_grad(empty, w); });
    add("Sgd of a parameter twice", [=](Where w) { optim::Sgd({w1, w1}, {}, w); });
    add("AdamW of a parameter in two groups", [=](Where w) {
        optim::AdamW({{.parameters = {w1}}, {.parameters = {w1}, .options = {.weight_decay = 0}}}, {}, w);
    });
    add("Adam, a beta out of range", [=](Where w) { optim::Adam({w1}, {.beta1 = 1}, w); });
    add("Sgd, a negative rate", [=](Where w) { optim::Sgd({w1}, {.learning_rate = -1}, w); });
    add("RmsProp, no number", [=](Where w) { optim::RmsProp({w1}, {.epsilon = NAN}, w); });
    add("AdaBound, a rate of 0", [=](Where w) { optim::AdaBound({w1}, {.learning_rate = 0}, w); });
    add("add_group of a tensor", [=](Where w) { optim::Adam({w1}, {}, w).add_group({.parameters = {x}}, w); });
    add("learning_rate of no group", [=](Where w) { (void)optim::Lion({w1}, {}, w).learning_rate(1, w); });
    add("set_learning_rate of no group", [=](Where w) { optim::Lion({w1}, {}, w).set_learning_rate(2, 0.1, w); });
    add("step_if of a float", [=](Where w) { optim::Lamb({w1}, {}, w).step_if(Tensor::scalar(1.0F), w); });
    add("step_if of many", [=](Where w) { optim::Lamb({w1}, {}, w).step_if(w1 > 0.0, w); });
    add("step_if without derivatives", [=](Where w) { optim::Lamb({w1}, {}, w).step_if(Tensor::scalar(true), w); });
    add("load_state of other names and types", [=](Where w) {
        optim::Adam({w1}, {}, w).load_state({{"0.first_moment", x}, {"0.third_moment", w1}, {"0.third_moment", w1}}, w);
    });
    add("clip_grad_norm of what is no variable", [=](Where w) { optim::clip_grad_norm({x}, 1, 2, w); });
    add("clip_grad_norm to 0", [=](Where w) { optim::clip_grad_norm({w1}, 0, 2, w); });
    add("clip_grad_norm, a negative power", [=](Where w) { optim::clip_grad_norm({w1}, 1, -2, w); });
    add("clip_grad_value to less than 0", [=](Where w) { optim::clip_grad_value({w1}, -1, w); });
    add("GradScaler, a scale of 0", [=](Where w) { optim::GradScaler({.initial_scale = 0}, w); });
    add("GradScaler, a loss of many", [=](Where w) { (void)optim::GradScaler().scale(x, w); });
    add("GradScaler, update without a step", [=](Where w) { optim::GradScaler().update(w); });
    add("GradientAccumulator of no steps", [=](Where w) {
        optim::Sgd sgd({w1});
        optim::GradientAccumulator(sgd, 0, w);
    });
    add("GradientAccumulator, nothing to add", [=](Where w) {
        optim::Sgd sgd({w1});
        optim::GradientAccumulator(sgd, 2).add(w);
    });
    add("WeightAverage of what is no variable", [=](Where w) { optim::WeightAverage({x}, {}, w); });
    add("WeightAverage, a decay above 1", [=](Where w) { optim::WeightAverage({w1}, {.decay = 1.5}, w); });
    add("WeightAverage into fewer", [=](Where w) { optim::WeightAverage({w1}).copy_to({}, w); });
    add("WeightAverage, nothing to restore", [=](Where w) { optim::WeightAverage({w1}).restore(w); });
    add("Schedule of 0 steps", [=](Where w) { optim::Schedule(optim::Sgd({w1}), optim::StepLR{.step_size = 0}, w); });
    add("Schedule, a state of another", [=](Where w) {
        optim::Schedule(optim::Sgd({w1}), optim::StepLR{}).load_state({{"position", Tensor::scalar(1)}}, w);
    });
    add("ReduceLROnPlateau by a factor of 1",
        [=](Where w) { optim::ReduceLROnPlateau(optim::Sgd({w1}), {.factor = 1}, w); });
    add("Lbfgs of nothing", [=](Where w) { optim::Lbfgs({}, {}, w); });
    add("Lbfgs, a closure that gives many",
        [=](Where w) { optim::Lbfgs({w1}, {}, w).step([&] { return w1 * 2; }, w); });
    add("Lbfgs, a closure that gives nothing",
        [=](Where w) { optim::Lbfgs({w1}, {}, w).step([] { return Tensor(); }, w); });
    add("MixedPrecision of integers", [=](Where w) { const MixedPrecision scope(Dtype::i8, w); });
    return all;
}

std::vector<Misuse> of_files() {
    const Tensor empty, x = ones({2}), v = variable(x);
    std::vector<Misuse> all;
    const auto add = [&](const std::string& what, std::function<void(Where)> call) {
        all.push_back({what, std::move(call)});
    };
    add("load_checkpoint, no file", [=](Where w) { load_checkpoint("/absent.pt", {}, w); });
    add("load_checkpoint, no file to map", [=](Where w) { load_checkpoint("/absent.pt", {.map = true}, w); });
    add("load_checkpoint, a folder to map", [=](Where w) { load_checkpoint("/", {.map = true}, w); });
    add("save_checkpoint, no folder", [=](Where w) { save_checkpoint("/absent/a.safetensors", {{"x", x}}, {}, w); });
    add("save_checkpoint, one name twice",
        [=](Where w) { save_checkpoint("/absent/a.npz", {{"x", x}, {"x", x}}, {}, w); });
    add("save_checkpoint, texts in .npz", [=](Where w) { save_checkpoint("/absent/a.npz", {}, {{"a", "b"}}, w); });
    add("read_safetensors, no file", [=](Where w) { read_safetensors("/absent", {}, w); });
    add("parse_safetensors, another text", [=](Where w) { parse_safetensors("x", "x.safetensors", w); });
    add("write_safetensors, no folder", [=](Where w) { write_safetensors("/absent/x", {}, {}, w); });
    add("safetensors_bytes of an empty tensor", [=](Where w) { safetensors_bytes({{"x", empty}}, {}, w); });
    add("read_pytorch, no file", [=](Where w) { read_pytorch("/absent.pt", {}, w); });
    add("parse_pytorch, another text", [=](Where w) { parse_pytorch("x", "x.pt", {}, w); });
    add("parse_pytorch, a pickle of a call", [=](Where w) {
        ZipWriter archive;
        archive.add("a/data.pkl",
                    "\x80\x02"
                    "cos\nsystem\n)R.",
                    false);
        parse_pytorch(std::move(archive).finish(), "x.pt", {}, w);
    });
    add("CheckpointValue, no such key",
        [=](Where w) { (void)CheckpointValue(CheckpointValue::Dict{{"a", CheckpointValue(x)}}).at("b", w); });
    add("CheckpointValue, no such index", [=](Where w) { (void)CheckpointValue(CheckpointValue::List{}).at(0, w); });
    add("CheckpointValue, another kind", [=](Where w) { (void)CheckpointValue(x).text(w); });
    add("load_into, what does not fit", [=](Where w) {
        load_into(std::vector<NamedTensor>{{"a", v}}, CheckpointValue(CheckpointValue::Dict{{"b", CheckpointValue(x)}}),
                  {}, w);
    });
    add("load_into, no variable",
        [=](Where w) { load_into(std::vector<NamedTensor>{{"a", x}}, CheckpointValue(), {}, w); });
    add("CheckpointFolder that keeps nothing", [=](Where w) { CheckpointFolder("/tmp", {.keep = 0}, w); });
    add("CheckpointFolder below a file", [=](Where w) { CheckpointFolder("/dev/null/a", {}, w); });
    add("CheckpointFolder, a negative step", [=](Where w) { CheckpointFolder("/tmp").save(-1, {}, {}, w); });
    add("TrainingState, a name with a dot", [=](Where w) {
        nn::Generator random(1);
        TrainingState().add("a.b", random, w);
    });
    add("TrainingState, a tensor of no part",
        [=](Where w) { TrainingState().load(CheckpointValue(CheckpointValue::Dict{{"b", CheckpointValue(x)}}), w); });
    add("load_state of a Generator", [=](Where w) { nn::Generator(1).load_state({{"counter", x}}, w); });
    add("load_state of a DataLoader, beyond its epoch", [=](Where w) {
        data::DataLoader(data::Rows(x)).load_state({{"position", Tensor::scalar(std::int64_t{9})}}, w);
    });
    add("read_idx, no file", [=](Where w) { read_idx("/absent", w); });
    add("parse_idx, another text", [=](Where w) { parse_idx("text", "x", w); });
    add("read_cifar10, no file", [=](Where w) { read_cifar10("/absent", w); });
    add("parse_cifar10, part of an image", [=](Where w) { parse_cifar10("x", "x.bin", w); });
    add("read_cifar100, no file", [=](Where w) { read_cifar100("/absent", w); });
    add("parse_cifar100, a label that is none", [=](Where w) { parse_cifar100(std::string(3074, 'x'), "x.bin", w); });
    add("read_csv_table, no file", [=](Where w) { read_csv_table("/absent.csv", {}, w); });
    add("parse_csv_table, no such column",
        [=](Where w) { parse_csv_table("a,b", "x.csv", {.header = true, .columns = {"c"}}, w); });
    add("parse_csv_cells, a quote that does not end", [=](Where w) { parse_csv_cells("\"a", "x.csv", ',', w); });
    add("read_csv_cells, no file", [=](Where w) { read_csv_cells("/absent.csv", ',', w); });
    add("read_text, no file", [=](Where w) { read_text("/absent.txt", w); });
    add("read_lines, no file", [=](Where w) { read_lines("/absent.txt", w); });
    return all;
}

std::string refusal_of(const Misuse& misuse) {
    try {
        misuse.call(testing_support::users_line());
    } catch (const InternalError& e) {
        ADD_FAILURE() << misuse.what << " is said to be a defect: " << e.what();
    } catch (const Error& e) {
        const std::string message = e.what();
        EXPECT_TRUE(message.starts_with("user.cpp:7: ")) << misuse.what << ": " << message;
        return message;
    } catch (const std::exception& e) {
        ADD_FAILURE() << misuse.what << " threw what is no error of the library: " << e.what();
    }
    ADD_FAILURE() << misuse.what << " is not refused";
    return "nothing was thrown";
}

TEST(MemberMessages, are_these_for_every_misuse) {
    std::string text;
    for (const std::vector<Misuse>& family : {of_tensors(), of_transforms(), of_models(), of_optimisers(), of_files()})
        for (const Misuse& misuse : family) text += misuse.what + "\n    " + refusal_of(misuse) + "\n";
    testing_support::expect_kept("tests/member_messages.txt", text);
}

}  // namespace
}  // namespace lathe
