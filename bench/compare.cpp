// Lathe and a peer side by side: strictly interleaved (A B A B), the same threads, random data, results checked against
// each other, medians and spread; as a table and, with --json FILE, as JSON.
//
//   compare [--threads N] [--only TEXT] [--json FILE] [--quick]
//
// Each row says how it ran: "lazy" records and evaluates every time, the peer allocates its result; "compiled" runs a
// compiled graph into a buffer that is reused, the peer writes to `out=` where it can; "jit" calls a compiled training
// step.
#include <cmath>
#include <random>

#include <fmt/format.h>

#include "bench/comparison.h"
#include "runtime/parallel.h"

namespace {

using namespace comparison;

void elementwise(Comparison& c) {
    for (std::int64_t n : {10L, 1000L, 10'000L, 100'000L, 1'000'000L, 10'000'000L}) {
        const std::string size = short_count(n);
        std::vector<Floats> data;
        std::vector<Tensor> t;
        for (unsigned i = 0; i < 4; ++i) {
            data.push_back(random_floats(static_cast<std::size_t>(n), i + 1));
            t.push_back(tensor(data.back(), {n}));
        }
        const auto in = [&](std::size_t count) {
            std::vector<std::pair<Floats, std::vector<std::int64_t>>> out;
            for (std::size_t i = 0; i < count; ++i) out.emplace_back(data[i], std::vector<std::int64_t>{n});
            return out;
        };
        const auto add = [](const Tensor& a, const Tensor& b) { return a + b; };
        const auto light = [](const Tensor& a, const Tensor& b, const Tensor& x) { return relu(a * b + x); };
        const auto heavy = [](const Tensor& a, const Tensor& b, const Tensor& x, const Tensor& d) {
            return gelu(a * b + x) * sigmoid(d);
        };
        c.row("a + b " + size, "lazy", lazy([=] { return add(t[0], t[1]); }),
              peer::elementwise(2, data, peer::Output::allocated));
        c.row("a + b " + size, "compiled", compiled(add, in(2)), peer::elementwise(2, data, peer::Output::reused));
        c.row("relu(a*b+c) " + size, "lazy", lazy([=] { return light(t[0], t[1], t[2]); }),
              peer::elementwise(3, data, peer::Output::allocated));
        c.row("relu(a*b+c) " + size, "compiled", compiled(light, in(3)),
              peer::elementwise(3, data, peer::Output::reused));
        c.row("gelu(a*b+c)*sigmoid(d) " + size, "lazy", lazy([=] { return heavy(t[0], t[1], t[2], t[3]); }),
              peer::elementwise(4, data, peer::Output::allocated));
        c.row("gelu(a*b+c)*sigmoid(d) " + size, "compiled", compiled(heavy, in(4)),
              peer::elementwise(4, data, peer::Output::reused));
    }
}

void reductions(Comparison& c) {
    for (std::int64_t n : {10L, 10'000L, 1'000'000L}) {
        const Floats data = random_floats(static_cast<std::size_t>(n), 5);
        c.row("sum " + std::to_string(n), "compiled", compiled([](const Tensor& x) { return sum(x); }, {{data, {n}}}),
              peer::sum(data), 1e-3F);
    }
    for (std::int64_t n : {100L, 512L}) {
        const Floats data = random_floats(static_cast<std::size_t>(n * n), 6);
        const auto f = [](const Tensor& x) { return softmax(x); };
        const Tensor x = tensor(data, {n, n});
        const std::string size = std::to_string(n) + "x" + std::to_string(n);
        c.row("softmax " + size, "lazy", lazy([=] { return f(x); }),
              peer::softmax(data, n, n, peer::Output::allocated));
        c.row("softmax " + size, "compiled", compiled(f, {{data, {n, n}}}),
              peer::softmax(data, n, n, peer::Output::reused));
    }
}

void along_axes(Comparison& c) {
    for (std::int64_t n : {10'000L, 1'000'000L}) {
        const Floats data = random_floats(static_cast<std::size_t>(n), 14);
        const std::string size = std::to_string(n);
        c.row("sort " + size, "compiled", compiled([](const Tensor& x) { return sort(x); }, {{data, {n}}}),
              peer::sort(data));
        c.row("cumsum " + size, "compiled", compiled([](const Tensor& x) { return cumsum(x); }, {{data, {n}}}),
              peer::cumsum(data, peer::Output::reused), 1e-2F);
    }
    // As many additions into rows of each length.
    for (std::int64_t columns : {1, 16, 64, 512}) {
        const std::int64_t rows = 1'000'000 / columns;
        const Floats x = random_floats(static_cast<std::size_t>(rows * columns), 15);
        const Floats u = random_floats(static_cast<std::size_t>(rows * columns), 16);
        std::mt19937_64 engine(17);
        std::vector<std::int64_t> indices(static_cast<std::size_t>(rows));
        for (std::int64_t& i : indices) i = std::uniform_int_distribution<std::int64_t>(0, rows - 1)(engine);
        const Tensor at = Tensor::from(indices, {rows});
        c.row(fmt::format("scatter_add of rows of {}", columns), "compiled",
              compiled([&](const Tensor& to, const Tensor& from) { return scatter_add(to, at, from, 0); },
                       {{x, {rows, columns}}, {u, {rows, columns}}}),
              peer::index_add(x, indices, u, columns));
    }
}

void recurrent(Comparison& c) {
    peer::Rnn r{100, 32, 64, {}, {}, {}, {}};
    r.h0 = random_floats(static_cast<std::size_t>(r.batch * r.hidden), 18);
    r.xs = random_floats(static_cast<std::size_t>(r.steps * r.batch * r.hidden), 19);
    r.w = random_floats(static_cast<std::size_t>(r.hidden * r.hidden), 20);
    r.u = random_floats(static_cast<std::size_t>(r.hidden * r.hidden), 21);
    // Neither does tanh saturate nor do derivatives vanish: denormal numbers are slow.
    for (float& w : r.w) w *= 0.1F;
    for (float& w : r.u) w *= 0.25F;
    const auto last = [](const Tensor& h0, const Tensor& xs, const Tensor& w, const Tensor& u) {
        return scan([&](const Tensor& h,
                        const Tensor& x) { return std::pair(tanh(matmul(x, w) + matmul(h, u)), std::tuple<>()); },
                    h0, xs)
            .first;
    };
    const auto derivatives = [&](const Tensor& h0, const Tensor& xs, const Tensor& w, const Tensor& u) {
        const auto both =
            grad([&](const std::pair<Tensor, Tensor>& p) { return sum(last(h0, xs, p.first, p.second)); });
        const auto [dw, du] = both(std::pair(w, u));
        return dw + du;
    };
    const std::vector<std::pair<Floats, std::vector<std::int64_t>>> inputs{{r.h0, {r.batch, r.hidden}},
                                                                           {r.xs, {r.steps, r.batch, r.hidden}},
                                                                           {r.w, {r.hidden, r.hidden}},
                                                                           {r.u, {r.hidden, r.hidden}}};
    c.row("scan of an RNN cell", "compiled", compiled(last, inputs), peer::rnn_forward(r), 1e-3F);
    c.row("scan of an RNN cell, backward", "compiled", compiled(derivatives, inputs), peer::rnn_backward(r), 1e-2F);
}

void products(Comparison& c) {
    struct Product {
        std::int64_t m, k, n;
        peer::Form form = peer::Form::plain;
    };
    std::vector<Product> all;
    for (std::int64_t n : {10, 16, 32, 64, 128, 256, 512, 1024, 2048}) all.push_back({n, n, n});
    for (std::int64_t m : {1, 32, 128}) all.push_back({m, 768, 3072});
    all.push_back({128, 3072, 768});
    for (const peer::Form form : {peer::Form::second_transposed, peer::Form::first_transposed}) {
        for (std::int64_t n : {64, 256, 512, 1024}) all.push_back({n, n, n, form});
        all.push_back({128, 768, 3072, form});
        all.push_back({128, 3072, 768, form});
    }
    for (const Product& p : all) {
        const bool first = p.form == peer::Form::first_transposed, second = p.form == peer::Form::second_transposed;
        const Floats a = random_floats(static_cast<std::size_t>(p.m * p.k), 7);
        const Floats b = random_floats(static_cast<std::size_t>(p.k * p.n), 8);
        const auto f = [&](const Tensor& x, const Tensor& y) {
            return matmul(first ? transpose(x, {1, 0}) : x, second ? transpose(y, {1, 0}) : y);
        };
        const auto shape = [](std::int64_t rows, std::int64_t columns, bool transposed) {
            return transposed ? std::vector{columns, rows} : std::vector{rows, columns};
        };
        c.row(fmt::format("matmul {}{}x{}x{}",
                          first    ? "TN "
                          : second ? "NT "
                                   : "",
                          p.m, p.k, p.n),
              "compiled", compiled(f, {{a, shape(p.m, p.k, first)}, {b, shape(p.k, p.n, second)}}),
              peer::matmul(a, b, p.m, p.k, p.n, p.form, peer::Output::reused), 1e-3F);
    }
}

// The tensors and modules of the peer's network.
struct Network {
    Tensor w1, b1, w2, b2;
    Tensor operator()(const Tensor& x) const { return matmul(relu(matmul(x, w1) + b1), w2) + b2; }
};

void networks(Comparison& c) {
    for (const auto& [inputs, hidden] : {std::pair<std::int64_t, std::int64_t>{64, 32}, {784, 128}})
        for (std::int64_t batch : {1, 32, 256}) {
            peer::Mlp m{batch, inputs, hidden, 10, {}, {}, {}, {}, {}, {}};
            m.x = random_floats(static_cast<std::size_t>(batch * inputs), 9);
            m.w1 = random_floats(static_cast<std::size_t>(inputs * hidden), 10);
            for (float& w : m.w1) w *= 0.1F;
            m.b1 = random_floats(static_cast<std::size_t>(hidden), 11);
            m.w2 = random_floats(static_cast<std::size_t>(hidden * 10), 12);
            m.b2 = random_floats(10, 13);
            for (std::int64_t i = 0; i < batch; ++i) m.labels.push_back((i * 7) % 10);
            const auto weights = [&] {
                return Network{variable(tensor(m.w1, {inputs, hidden})), variable(tensor(m.b1, {hidden})),
                               variable(tensor(m.w2, {hidden, 10})), variable(tensor(m.b2, {10}))};
            };
            const std::string name = fmt::format("MLP {}-{}-10", inputs, hidden);
            const Network forward = weights();
            c.row(fmt::format("{} forward, batch {}", name, batch), "compiled",
                  compiled([&](const Tensor& x) { return forward(x); }, {{m.x, {batch, inputs}}}), peer::mlp_forward(m),
                  1e-3F);
            if (batch == 1) continue;
            struct Training {
                Network network;
                optim::Adam optimizer;
                Tensor x, y, loss;
            };
            const Network network = weights();
            auto t = std::make_shared<Training>(
                Training{network, optim::Adam({network.w1, network.b1, network.w2, network.b2}),
                         tensor(m.x, {batch, inputs}), Tensor::from(m.labels, {batch}), Tensor()});
            const auto step = jit([t = t.get()](const Tensor& x, const Tensor& y) {
                Tensor loss = cross_entropy(t->network(x), y);
                loss.backward();
                t->optimizer.step();
                return loss;
            });
            c.row(fmt::format("{} training step, batch {}", name, batch), "jit",
                  {[t, step] { t->loss = step(t->x, t->y); }, [t] { return t->loss.to_vector<float>(); }},
                  peer::mlp_train(m), 1e-2F);
        }
}

}  // namespace

int main(int count, char** arguments) {
    for (int i = 1; i < count; ++i) {
        const std::string a = arguments[i];
        const auto value = [&] { return i + 1 < count ? std::string(arguments[++i]) : std::string(); };
        if (a == "--threads") {
            options.threads = std::stoi(value());
        } else if (a == "--only") {
            options.only = value();
        } else if (a == "--json") {
            options.json = value();
        } else if (a == "--quick") {
            options.quick = true;
        } else {
            fmt::print(stderr, "usage: compare [--threads N] [--only TEXT] [--json FILE] [--quick]\n");
            return 2;
        }
    }
    peer::set_threads(options.threads);
    const runtime::ThreadLimit limit(options.threads);
    fmt::print("Lathe against {}, {} threads; microseconds, median (middle half)\n", peer::version(), options.threads);
    fmt::print("{:34} {:9} {:>10} {:17} {:>10} {:17} {:>6}  first call\n", "", "", "Lathe", "", "peer", "", "ratio");
    Comparison c;
    elementwise(c);
    reductions(c);
    along_axes(c);
    recurrent(c);
    products(c);
    networks(c);
    c.summarize("all rows above");
    searches(c);
    matrices(c);
    functions(c);
    return c.finish() ? 0 : 1;
}
