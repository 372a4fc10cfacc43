// The peer: PyTorch's C++ interface, in its fastest mode of running.
#include "bench/torch_work.h"

namespace peer {

void set_threads(int threads) {
    at::set_num_threads(threads);
    at::set_num_interop_threads(1);
}
std::string version() { return "PyTorch C++ " TORCH_VERSION; }

Work elementwise(int operands, const std::vector<Floats>& data, Output output) {
    std::vector<at::Tensor> t;
    for (const Floats& d : data) t.push_back(tensor(d));
    if (output == Output::allocated) {
        if (operands == 2) return work([t] { return at::add(t[0], t[1]); });
        if (operands == 3) return work([t] { return at::relu(t[0] * t[1] + t[2]); });
        return work([t] { return at::gelu(t[0] * t[1] + t[2]) * at::sigmoid(t[3]); });
    }
    at::Tensor x = at::empty_like(t[0]);
    at::Tensor y = at::empty_like(t[0]);
    if (operands == 2) return work([t, x]() mutable { return at::add_out(x, t[0], t[1]); });
    if (operands == 3)
        return work([t, x]() mutable {
            at::mul_out(x, t[0], t[1]);
            x.add_(t[2]);
            return x.relu_();
        });
    return work([t, x, y]() mutable {
        at::mul_out(x, t[0], t[1]);
        x.add_(t[2]);
        at::gelu_out(y, x);
        at::sigmoid_out(x, t[3]);
        return y.mul_(x);
    });
}

Work sum(const Floats& data) {
    return work([t = tensor(data)] { return at::sum(t); });
}

Work softmax(const Floats& data, std::int64_t rows, std::int64_t columns, Output output) {
    const at::Tensor t = tensor(data, {rows, columns});
    if (output == Output::allocated) return work([t] { return at::softmax(t, 1); });
    return work([t, out = at::empty_like(t)]() mutable { return at::softmax_out(out, t, 1); });
}

Work matmul(const Floats& a, const Floats& b, std::int64_t m, std::int64_t k, std::int64_t n, Form form,
            Output output) {
    const at::Tensor x = form == Form::first_transposed ? tensor(a, {k, m}).t() : tensor(a, {m, k});
    const at::Tensor y = form == Form::second_transposed ? tensor(b, {n, k}).t() : tensor(b, {k, n});
    if (output == Output::allocated) return work([x, y] { return at::mm(x, y); });
    return work([x, y, out = at::empty({m, n})]() mutable { return at::mm_out(out, x, y); });
}

Work sort(const Floats& data) {
    return work([x = tensor(data)] { return std::get<0>(at::sort(x)); });
}

Work argsort(const Floats& data) {
    return work([x = tensor(data)] { return at::argsort(x, true, -1, false); });
}
Work topk(const Floats& data, std::int64_t count) {
    return work([x = tensor(data), count] { return std::get<0>(at::topk(x, count)); });
}
Work unique(const Floats& data) {
    return work([x = tensor(data)] { return std::get<0>(at::_unique2(x, true, true, true)); });
}
Work unique(const Integers& data) {
    return work([x = tensor(data)] { return std::get<0>(at::_unique2(x, true, true, true)); });
}
Work bincount(const Integers& data) {
    return work([x = tensor(data)] { return at::bincount(x); });
}
Work searchsorted(const Floats& sorted, const Floats& values) {
    return work([s = tensor(sorted), v = tensor(values)] { return at::searchsorted(s, v); });
}

Work cumsum(const Floats& data, Output output) {
    const at::Tensor x = tensor(data);
    if (output == Output::allocated) return work([x] { return at::cumsum(x, 0); });
    return work([x, out = at::empty_like(x)]() mutable { return at::cumsum_out(out, x, 0); });
}

Work index_add(const Floats& x, const Integers& indices, const Floats& u, std::int64_t columns) {
    const auto rows = [&](const Floats& data) {
        return tensor(data, {static_cast<std::int64_t>(data.size()) / columns, columns});
    };
    const at::Tensor i = tensor(indices);
    const at::Tensor to = rows(x);
    return work(
        [to, i, from = rows(u), out = at::empty_like(to)]() mutable { return at::index_add_out(out, to, 0, i, from); });
}

namespace {
at::Tensor last_state(const at::Tensor& h0, const at::Tensor& xs, const at::Tensor& w, const at::Tensor& u) {
    at::Tensor h = h0;
    for (std::int64_t t = 0; t < xs.size(0); ++t) h = at::tanh(at::mm(xs[t], w) + at::mm(h, u));
    return h;
}
}  // namespace

Work rnn_forward(const Rnn& r) {
    const at::Tensor h0 = tensor(r.h0, {r.batch, r.hidden});
    const at::Tensor xs = tensor(r.xs, {r.steps, r.batch, r.hidden});
    const at::Tensor w = tensor(r.w, {r.hidden, r.hidden});
    const at::Tensor u = tensor(r.u, {r.hidden, r.hidden});
    return work([=] { return last_state(h0, xs, w, u); });
}

Work rnn_backward(const Rnn& r) {
    const at::Tensor h0 = tensor(r.h0, {r.batch, r.hidden});
    const at::Tensor xs = tensor(r.xs, {r.steps, r.batch, r.hidden});
    const at::Tensor w = tensor(r.w, {r.hidden, r.hidden}).requires_grad_();
    const at::Tensor u = tensor(r.u, {r.hidden, r.hidden}).requires_grad_();
    auto out = std::make_shared<at::Tensor>();
    return {[=] {
                const auto gradients = torch::autograd::grad({last_state(h0, xs, w, u).sum()}, {w, u});
                *out = gradients[0] + gradients[1];
            },
            [out] { return floats(*out); }};
}

Work mlp_forward(const Mlp& m) {
    const at::Tensor x = tensor(m.x, {m.batch, m.inputs});
    const at::Tensor w1 = tensor(m.w1, {m.inputs, m.hidden}).t().contiguous();
    const at::Tensor w2 = tensor(m.w2, {m.hidden, m.classes}).t().contiguous();
    const at::Tensor b1 = tensor(m.b1);
    const at::Tensor b2 = tensor(m.b2);
    return work([=] { return at::linear(at::relu(at::linear(x, w1, b1)), w2, b2); });
}

Work mlp_train(const Mlp& m) {
    struct State {
        torch::nn::Linear first, second;
        torch::optim::Adam optimizer;
        at::Tensor x, y, loss;
        State(torch::nn::Linear a, torch::nn::Linear b)
            : first(a),
              second(b),
              optimizer(
                  [&] {
                      auto p = a->parameters();
                      for (auto& q : b->parameters()) p.push_back(q);
                      return p;
                  }(),
                  torch::optim::AdamOptions(1e-3)) {}
    };
    auto s = std::make_shared<State>(torch::nn::Linear(m.inputs, m.hidden), torch::nn::Linear(m.hidden, m.classes));
    {
        const torch::NoGradGuard no_grad;
        s->first->weight.copy_(tensor(m.w1, {m.inputs, m.hidden}).t());
        s->first->bias.copy_(tensor(m.b1));
        s->second->weight.copy_(tensor(m.w2, {m.hidden, m.classes}).t());
        s->second->bias.copy_(tensor(m.b2));
    }
    s->x = tensor(m.x, {m.batch, m.inputs});
    s->y = tensor(m.labels);
    return {[s] {
                s->optimizer.zero_grad();
                s->loss = torch::nn::functional::cross_entropy(s->second(torch::relu(s->first(s->x))), s->y);
                s->loss.backward();
                s->optimizer.step();
            },
            [s] { return floats(s->loss.reshape({1})); }};
}

}  // namespace peer
