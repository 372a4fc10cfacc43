// Recurrent layers: the products of all inputs at once, and then a loop over time.
#include <cctype>
#include <functional>
#include <limits>
#include <optional>

#include <fmt/format.h>

#include "frontend/functions/activations.h"
#include "frontend/functions/binary.h"
#include "frontend/functions/creation.h"
#include "frontend/functions/elementwise.h"
#include "frontend/functions/joining.h"
#include "frontend/functions/movement.h"
#include "frontend/functions/products.h"
#include "frontend/onnx/operators.h"
#include "frontend/trace/control.h"

namespace lathe::onnx {
namespace {

// ---- activations

using Activation = std::function<Tensor(const Tensor&)>;

struct ActivationRow {
    std::string_view name;
    Tensor (*function)(const Tensor& x, double alpha, double beta);
    std::optional<double> alpha = {}, beta = {};  // where it has them: what they are where nothing is said
};
const ActivationRow activation_rows[] = {
    {"affine", [](const Tensor& x, double a, double b) { return x * a + b; }, 1, 0},
    {"elu", [](const Tensor& x, double a, double) { return elu(x, a); }, 1},
    {"hardsigmoid", [](const Tensor& x, double a, double b) { return clamp(x * a + b, 0, 1); }, 0.2F, 0.5},
    {"leakyrelu", [](const Tensor& x, double a, double) { return leaky_relu(x, a); }, 0.01F},
    {"relu", [](const Tensor& x, double, double) { return relu(x); }},
    {"scaledtanh", [](const Tensor& x, double a, double b) { return tanh(x * b) * a; }, 1, 1},
    {"sigmoid", [](const Tensor& x, double, double) { return sigmoid(x); }},
    {"softplus", [](const Tensor& x, double, double) { return softplus(x); }},
    {"softsign", [](const Tensor& x, double, double) { return softsign(x); }},
    {"tanh", [](const Tensor& x, double, double) { return tanh(x); }},
    {"thresholdedrelu", [](const Tensor& x, double a, double) { return where(x >= a, x, 0); }, 1},
};

// The attributes alpha and beta have numbers for those activations alone that take one, in their order.
class ActivationReader {
public:
    explicit ActivationReader(const NodeCall& call)
        : call_(call),
          alpha_(call.numbers("activation_alpha").value_or(std::vector<double>())),
          beta_(call.numbers("activation_beta").value_or(std::vector<double>())) {}

    Activation read(std::string_view name) {
        std::string lower(name);
        for (char& letter : lower) letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
        for (const ActivationRow& row : activation_rows)
            if (row.name == lower)
                return [function = row.function, a = next(alpha_, next_alpha_, row.alpha),
                        b = next(beta_, next_beta_, row.beta)](const Tensor& x) { return function(x, a, b); };
        call_.refuse(fmt::format("there is no activation '{}'", name));
    }

private:
    static double next(const std::vector<double>& given, std::size_t& at, std::optional<double> otherwise) {
        if (!otherwise) return 0;
        return at < given.size() ? given[at++] : *otherwise;
    }
    const NodeCall& call_;
    std::vector<double> alpha_, beta_;
    std::size_t next_alpha_ = 0, next_beta_ = 0;
};

// ---- layers

// What one direction's steps are made of.
struct Direction {
    Tensor w, r;            // [gates * hidden, inputs] and [gates * hidden, hidden]
    Tensor w_bias, r_bias;  // [gates * hidden], or empty
    Tensor peepholes;       // [3 * hidden], or empty
    std::vector<Activation> activations;
    std::function<Tensor(const Tensor&)> clipped;  // what activations are computed of
    Dim hidden;

    Tensor gate(const Tensor& all, std::int64_t i) const { return narrow(all, -1, Dim(i) * hidden, hidden); }
    Tensor activated(std::size_t i, const Tensor& x) const { return activations[i](clipped(x)); }
};

struct Layer {
    std::int64_t gates = 1;
    std::vector<std::string_view> activations;  // where nothing is said
    std::size_t states = 1;
    // The next states, of the last ones and the product of the input. What the biases are that belong to the product.
    std::vector<Tensor> (*step)(const NodeCall&, const Direction&, std::span<const Tensor> states,
                                const Tensor& product);
    Tensor (*bias)(const NodeCall&, const Direction&) = nullptr;
};

// Both of them, as no gate tells them apart.
Tensor both_biases(const NodeCall&, const Direction& d) { return d.w_bias + d.r_bias; }

std::vector<Tensor> rnn_step(const NodeCall&, const Direction& d, std::span<const Tensor> states,
                             const Tensor& product) {
    return {d.activated(0, product + linear(states[0], d.r))};
}

// Where the reset gate is behind the product with the last state, it is behind its bias, too.
Tensor gru_bias(const NodeCall& c, const Direction& d) {
    if (!c.flag("linear_before_reset")) return both_biases(c, d);
    return d.w_bias + pad(narrow(d.r_bias, 0, 0, d.hidden * 2), {0}, {d.hidden});
}
std::vector<Tensor> gru_step(const NodeCall& c, const Direction& d, std::span<const Tensor> states,
                             const Tensor& product) {
    const Tensor& h = states[0];
    const Tensor r_zr = narrow(d.r, 0, 0, d.hidden * 2), r_h = narrow(d.r, 0, d.hidden * 2, d.hidden);
    const Tensor of_gates = narrow(product, -1, 0, d.hidden * 2) + linear(h, r_zr);
    const Tensor z = d.activated(0, d.gate(of_gates, 0)), reset = d.activated(0, d.gate(of_gates, 1));
    Tensor recurrent;
    if (c.flag("linear_before_reset")) {
        recurrent = linear(h, r_h);
        if (!d.r_bias.is_empty()) recurrent = recurrent + d.gate(d.r_bias, 2);
        recurrent = reset * recurrent;
    } else {
        recurrent = linear(reset * h, r_h);
    }
    const Tensor candidate = d.activated(1, d.gate(product, 2) + recurrent);
    return {(1 - z) * candidate + z * h};
}

// Gates in the order of ONNX: input, output, forget, cell; peepholes input, output, forget.
std::vector<Tensor> lstm_step(const NodeCall& c, const Direction& d, std::span<const Tensor> states,
                              const Tensor& product) {
    const Tensor &h = states[0], &cell = states[1];
    const Tensor all = product + linear(h, d.r);
    const auto seen = [&](std::int64_t gate, const Tensor& of) {
        return d.peepholes.is_empty() ? d.gate(all, gate) : d.gate(all, gate) + d.gate(d.peepholes, gate) * of;
    };
    const Tensor input = d.activated(0, seen(0, cell));
    const Tensor forget = c.flag("input_forget") ? 1 - input : d.activated(0, seen(2, cell));
    const Tensor next = forget * cell + input * d.activated(1, d.gate(all, 3));
    const Tensor output = d.activated(0, seen(1, next));
    return {output * d.activations[2](next), next};
}

// The states of all steps [time, batch, hidden], and the last ones. Beyond the end of a line states stay as they are,
// and results are 0: backwards, a line begins with its last element.
std::pair<Tensor, std::vector<Tensor>> run(const NodeCall& c, const Layer& layer, const Direction& d, const Tensor& x,
                                           const Tensor& is_within, std::vector<Tensor> initial, bool is_reverse) {
    const Tensor product = d.w_bias.is_empty() ? linear(x, d.w) : linear(x, d.w, layer.bias(c, d));
    std::vector<Tensor> xs{product};
    if (!is_within.is_empty()) xs.push_back(is_within);
    const auto body = [&](std::span<const Tensor> inputs) {
        const std::span<const Tensor> states = inputs.first(layer.states);
        std::vector<Tensor> results = layer.step(c, d, states, inputs[layer.states]);
        Tensor y = results[0];
        if (!is_within.is_empty()) {
            const Tensor& counts = inputs[layer.states + 1];
            y = where(counts, y, 0);
            for (std::size_t i = 0; i < results.size(); ++i) results[i] = where(counts, results[i], states[i]);
        }
        results.push_back(y);
        return results;
    };
    std::vector<Tensor> results =
        lathe::detail::record_scan(initial, xs, {.length = {}, .reverse = is_reverse}, body, Where::current());
    const Tensor all = results.back();
    results.pop_back();
    return {all, results};
}

Results recurrent(NodeCall& c, const Layer& layer) {
    const std::string direction = c.text("direction", "forward");
    if (direction != "forward" && direction != "reverse" && direction != "bidirectional")
        c.refuse("the direction is none of 'forward', 'reverse' and 'bidirectional'");
    const std::int64_t layout = c.integer("layout", 0), directions = direction == "bidirectional" ? 2 : 1;
    if (layout != 0 && layout != 1) c.refuse("the layout is neither 0 nor 1");
    Tensor x = c[0];
    const Tensor w = c[1], r = c[2];
    if (x.rank() != 3 || w.rank() != 3 || r.rank() != 3) c.refuse("wants X, W and R of rank 3");
    if (w.type().shape[0] != Dim(directions) || r.type().shape[0] != Dim(directions))
        c.refuse(fmt::format("W or R is not for {}", directions == 1 ? "one direction" : "two directions"));
    if (layout == 1) x = swapaxes(x, 0, 1);
    const Dim time = x.type().shape[0], batch = x.type().shape[1], hidden = r.type().shape[2];
    if (c.find("hidden_size") != nullptr && hidden != Dim(c.integer("hidden_size")))
        c.refuse("hidden_size is not the extent of R");
    std::optional<double> clip;
    if (c.find("clip") != nullptr) clip = c.number("clip", 0);

    std::vector<std::string_view> names = c.texts("activations");
    const std::size_t per_direction = layer.activations.size();
    if (names.empty())
        for (std::int64_t i = 0; i < directions; ++i)
            names.insert(names.end(), layer.activations.begin(), layer.activations.end());
    if (names.size() != per_direction * static_cast<std::size_t>(directions))
        c.refuse(fmt::format("there are {} activations, not {} for each direction", names.size(), per_direction));

    Tensor is_within;
    if (c.has(4)) {
        const Tensor lengths = c[4];
        if (lengths.rank() != 1) c.refuse("sequence_lens is no vector");
        const Tensor steps = reshape(arange(time, lengths.dtype()), Shape{time, 1, 1});
        is_within = steps < unsqueeze(lengths, {-1});
    }
    ActivationReader reader(c);
    std::vector<Tensor> all;
    std::vector<std::vector<Tensor>> last(layer.states);
    for (std::int64_t i = 0; i < directions; ++i) {
        Direction d{.w = w[{i}],
                    .r = r[{i}],
                    .w_bias = {},
                    .r_bias = {},
                    .peepholes = {},
                    .activations = {},
                    .clipped = [clip](const Tensor& t) { return clip ? clamp(t, -*clip, *clip) : t; },
                    .hidden = hidden};
        if (c.has(3)) {
            const Tensor bias = c[3][{i}];
            d.w_bias = narrow(bias, 0, 0, hidden * layer.gates);
            d.r_bias = narrow(bias, 0, hidden * layer.gates, hidden * layer.gates);
        }
        if (layer.states == 2 && c.has(7)) d.peepholes = c[7][{i}];
        for (std::size_t k = 0; k < per_direction; ++k)
            d.activations.push_back(reader.read(names[static_cast<std::size_t>(i) * per_direction + k]));
        std::vector<Tensor> initial;
        for (std::size_t k = 0; k < layer.states; ++k) {
            if (!c.has(5 + k)) {
                initial.push_back(zeros(Shape{batch, hidden}, x.dtype()));
                continue;
            }
            const Tensor states = layout == 1 ? swapaxes(c[5 + k], 0, 1) : c[5 + k];
            initial.push_back(states[{i}]);
        }
        const bool is_reverse = direction == "reverse" || i == 1;
        auto [steps, states] = run(c, layer, d, x, is_within, initial, is_reverse);
        all.push_back(steps);
        for (std::size_t k = 0; k < layer.states; ++k) last[k].push_back(states[k]);
    }
    const Tensor y = stack(all, 1);
    Results results{layout == 1 ? transpose(y, {2, 0, 1, 3}) : y};
    for (const std::vector<Tensor>& states : last) results.emplace_back(stack(states, layout == 1 ? 1 : 0));
    return results;
}

Results rnn(NodeCall& c) {
    return recurrent(c, {.gates = 1, .activations = {"Tanh"}, .states = 1, .step = rnn_step, .bias = both_biases});
}
Results gru(NodeCall& c) {
    return recurrent(c,
                     {.gates = 3, .activations = {"Sigmoid", "Tanh"}, .states = 1, .step = gru_step, .bias = gru_bias});
}
Results lstm(NodeCall& c) {
    return recurrent(
        c,
        {.gates = 4, .activations = {"Sigmoid", "Tanh", "Tanh"}, .states = 2, .step = lstm_step, .bias = both_biases});
}

constexpr Operator rows[] = {
    {"GRU", gru, Known::no, nullptr, nullptr, 7},
    {"LSTM", lstm, Known::no, nullptr, nullptr, 7},
    {"RNN", rnn, Known::no, nullptr, nullptr, 7},
};

}  // namespace

Operators recurrent_operators() { return rows; }

}  // namespace lathe::onnx
