// Faults that only the elements of a tensor show: whoever runs the function says the same of them, whole messages with
// the user's line. They are kept in fault_messages.txt; LATHE_REWRITE_EXPECTATIONS=1 writes it.
#include <functional>
#include <regex>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "codegen/compile.h"
#include "ir/graph/interpret.h"
#include "ir/program/interpret.h"
#include "lathe.h"
#include "passes/pipeline.h"
#include "runtime/aot.h"
#include "tests/kept_text.h"
#include "tests/run_program.h"
#include "tests/users_line.h"
#include "tools/fuzz/run_ahead.h"

namespace lathe {
namespace {

using ir::Literal;

// A function of two tensors; the second has elements that it refuses.
struct Faulty {
    std::string name;
    std::function<Tensor(const Tensor&, const Tensor&)> call;
    Tensor x, wrong;
};

std::vector<Faulty> all_faulty() {
    const Where w = testing_support::users_line();
    const Tensor rows = ones({4, 3}), line = ones({5});
    const Tensor behind = Tensor::from({std::int64_t{1}, std::int64_t{77}, std::int64_t{0}});
    const Tensor before = Tensor::from({std::int32_t{0}, std::int32_t{-99}});
    const Tensor huge = Tensor::from({std::uint64_t{1}, ~std::uint64_t{0}});
    const Tensor lines = Tensor::from({0, 9, 1}, {1, 3});
    const Tensor labels = Tensor::from({std::int64_t{2}, std::int64_t{0}, std::int64_t{3}, std::int64_t{1}});
    const Tensor parts = Tensor::from({0.5F, 1.5F});
    std::vector<Faulty> all;
    const auto add = [&](const std::string& name, const Tensor& x, const Tensor& wrong, auto f) {
        all.push_back({name, f, x, wrong});
    };
    for (const auto& [kind, indices] :
         std::vector<std::pair<std::string, Tensor>>{{"behind", behind}, {"before", before}, {"unsigned", huge}}) {
        const std::int64_t n = indices.extent(0);
        const Tensor updates = ones({n, 3});
        add("gather, " + kind, rows, indices, [=](const Tensor& x, const Tensor& i) { return gather(x, i, 0, w); });
        add("take, " + kind, rows, indices, [=](const Tensor& x, const Tensor& i) { return take(x, i, w); });
        add("index_select, " + kind, rows, indices,
            [=](const Tensor& x, const Tensor& i) { return index_select(x, i, 0, w); });
        add("index, " + kind, rows, indices, [=](const Tensor& x, const Tensor& i) { return x[{{i, w}}]; });
        add("scatter_add, " + kind, rows, indices,
            [=](const Tensor& x, const Tensor& i) { return scatter_add(x, i, updates, 0, w); });
        add("index_add, " + kind, rows, indices,
            [=](const Tensor& x, const Tensor& i) { return index_add(x, i, updates, 0, w); });
        add("index_copy, " + kind, rows, indices,
            [=](const Tensor& x, const Tensor& i) { return index_copy(x, i, updates, 0, w); });
        add("index_fill, " + kind, rows, indices,
            [=](const Tensor& x, const Tensor& i) { return index_fill(x, i, 2, 0, w); });
        add("embedding, " + kind, rows, indices,
            [=](const Tensor& x, const Tensor& i) { return embedding(i, x, {}, w); });
        for (const Update how : {Update::set, Update::add, Update::multiply, Update::min, Update::max})
            add("at, " + kind, rows, indices,
                [=](const Tensor& x, const Tensor& i) { return x.at({{i, w}}).update(how, {2.0, w}); });
        add("bincount, " + kind, line, indices,
            [=](const Tensor&, const Tensor& i) { return bincount(i, {.length = 4}, w); });
    }
    add("take_along_axis", rows, lines, [=](const Tensor& x, const Tensor& i) { return take_along_axis(x, i, 0, w); });
    for (const Update how : {Update::set, Update::add, Update::multiply, Update::min, Update::max})
        add("put_along_axis", rows, lines,
            [=](const Tensor& x, const Tensor& i) { return put_along_axis(x, i, {2.0, w}, 0, how); });
    add("cross_entropy", rows, labels, [=](const Tensor& x, const Tensor& i) { return cross_entropy(x, i, {}, w); });
    add("cross_entropy, ignored", rows, labels,
        [=](const Tensor& x, const Tensor& i) { return cross_entropy(x, i, {.ignore_index = 2}, w); });
    add("nll_loss", rows, labels, [=](const Tensor& x, const Tensor& i) { return nll_loss(x, i, {}, w); });
    add("multi_margin_loss", rows, labels,
        [=](const Tensor& x, const Tensor& i) { return multi_margin_loss(x, i, {}, w); });
    add("max_unpool", ones({1, 3}), behind.reshape({1, 3}),
        [=](const Tensor& x, const Tensor& i) { return max_unpool(x, i, {5}, w); });
    add("quantile", line, parts, [=](const Tensor& x, const Tensor& q) { return quantile(x, q, 0, {}, w); });
    return all;
}

Literal literal_of(const Tensor& t) {
    const Array a = t.to_array();
    return ir::make_literal(t.type(), a.bytes);
}

// The calls that led there are left out: each way of running has its own.
std::string without_calls(const std::string& message) {
    static const std::regex calls(", called at [^ ]+:[0-9]+");
    return std::regex_replace(message, calls, "");
}

// What is thrown.
template <class F>
std::string fault_of(const F& f) {
    try {
        f();
    } catch (const IndexError& e) {
        const std::string all = e.what();
        return without_calls(all);
    } catch (const std::exception& e) {
        return std::string("another error: ") + e.what();
    }
    return "nothing was thrown";
}

Model traced(const Faulty& f, std::size_t number) {
    const auto spec = [](const std::string& name, const Tensor& t) {
        TensorSpec s{name, t.dtype(), {}};
        for (const std::int64_t extent : t.shape()) s.dims.emplace_back(extent);
        return s;
    };
    return detail::trace_model(
        [&](std::span<const Tensor> inputs) { return std::vector<Tensor>{f.call(inputs[0], inputs[1])}; }, 2,
        {spec("x", f.x), spec("i", f.wrong)}, {.name = "faulty" + std::to_string(number)},
        testing_support::users_line());
}

TEST(FaultMessages, are_these_and_the_same_in_every_way_of_running) {
    const std::vector<Faulty> all = all_faulty();
    std::vector<codegen::ObjectFile> objects;
    std::vector<Model> models;
    for (const Faulty& f : all) {
        models.push_back(traced(f, models.size()));
        codegen::AotRequest request;
        request.name = models.back().name();
        request.targets = {codegen::target_named("avx2")};
        const codegen::AotCode code = codegen::compile_ahead(*models.back().closed_graph(), request);
        objects.insert(objects.end(), code.objects.begin(), code.objects.end());
    }
    const testing_support::AheadLibrary library(objects, "fault_messages.so");
    std::string text;
    for (std::size_t k = 0; k < all.size(); ++k) {
        const Faulty& f = all[k];
        const Where w = testing_support::users_line();
        const std::string lazy = fault_of([&] { (void)f.call(f.x, f.wrong).eval(w); });
        const auto jitted = jit([&](const Tensor& x, const Tensor& i) { return f.call(x, i); });
        EXPECT_EQ(fault_of([&] { (void)jitted(f.x, f.wrong).eval(w); }), lazy) << f.name << ", jitted";
        const std::unique_ptr<ir::Graph> graph = models[k].closed_graph();
        const Tensor inputs[] = {f.x, f.wrong};
        EXPECT_EQ(fault_of([&] { (void)models[k](inputs, w)[0].eval(w); }), lazy) << f.name << ", model";
        const std::vector<Literal> literals{literal_of(f.x), literal_of(f.wrong)};
        EXPECT_EQ(fault_of([&] { ir::interpret(*graph, literals); }), lazy) << f.name << ", interpreted";
        EXPECT_EQ(fault_of([&] { ir::interpret(passes::run_pipeline(*graph, {}).program, literals); }), lazy)
            << f.name << ", loops interpreted";
        for (const bool threads : {false, true}) {
            const auto run = library.run(models[k].name(), *graph, literals, threads);
            EXPECT_EQ(run.status, LATHE_STATUS_INDEX) << f.name;
            EXPECT_EQ(without_calls(run.fault), lazy) << f.name << ", ahead of time";
        }
        text += f.name + "\n    " + lazy + "\n";
    }
    testing_support::expect_kept("tests/fault_messages.txt", text);
}

}  // namespace
}  // namespace lathe
