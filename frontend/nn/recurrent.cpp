#include "frontend/nn/recurrent.h"

#include <fmt/format.h>

#include "frontend/nn/layer.h"
#include "frontend/trace/control.h"

namespace lathe::nn {
namespace {

using detail::LocScope;
using detail::refuse;
using detail::require_at_least;

Tensor affine(const Tensor& x, const Tensor& weight, const Tensor& bias) {
    return bias.is_empty() ? linear(x, weight) : linear(x, weight, bias);
}

// The part of one gate.
Tensor gate(const Tensor& gates, std::int64_t number, Dim width) {
    return narrow(gates, -1, Dim(number) * width, width);
}

Tensor rnn_step(const Tensor& gates, const Tensor& h, const RecurrentWeights& w, RecurrentActivation activation) {
    const Tensor sum = gates + affine(h, w.weight_hh, w.bias_hh);
    return activation == RecurrentActivation::tanh ? tanh(sum) : relu(sum);
}

LSTMState lstm_step(const Tensor& gates, const LSTMState& state, const RecurrentWeights& w, RecurrentActivation) {
    const Tensor sum = gates + affine(state.hidden, w.weight_hh, w.bias_hh);
    const Dim width = w.weight_hh.type().shape[1];
    const auto sigmoid_of = [&](std::int64_t number) { return sigmoid(gate(sum, number, width)); };
    const Tensor cell = sigmoid_of(1) * state.cell + sigmoid_of(0) * tanh(gate(sum, 2, width));
    return {sigmoid_of(3) * tanh(cell), cell};
}

Tensor gru_step(const Tensor& gates, const Tensor& h, const RecurrentWeights& w, RecurrentActivation) {
    const Tensor of_state = affine(h, w.weight_hh, w.bias_hh);
    const Dim width = w.weight_hh.type().shape[1];
    const auto sigmoid_of = [&](std::int64_t number) {
        return sigmoid(gate(gates, number, width) + gate(of_state, number, width));
    };
    const Tensor z = sigmoid_of(1);
    const Tensor n = tanh(gate(gates, 2, width) + sigmoid_of(0) * gate(of_state, 2, width));
    return (1.0 - z) * n + z * h;
}

const Tensor& hidden(const Tensor& state) { return state; }
const Tensor& hidden(const LSTMState& state) { return state.hidden; }

template <class F>
Tensor map_state(const Tensor& state, const F& f) {
    return f(state);
}
template <class F>
LSTMState map_state(const LSTMState& state, const F& f) {
    return {f(state.hidden), f(state.cell)};
}
template <class State>
State filled_with(const Tensor& t) {
    if constexpr (std::is_same_v<State, Tensor>)
        return t;
    else
        return {t, t};
}
// The states of layers and directions as one.
Tensor stacked(const std::vector<Tensor>& states) { return stack(states, 0); }
LSTMState stacked(const std::vector<LSTMState>& states) {
    std::vector<Tensor> hiddens, cells;
    for (const LSTMState& s : states) {
        hiddens.push_back(s.hidden);
        cells.push_back(s.cell);
    }
    return {stack(hiddens, 0), stack(cells, 0)};
}

void check(std::string_view layer, std::int64_t inputs, std::int64_t width, Dtype dtype, Where where) {
    require_float_weights(layer, dtype, where);
    require_at_least(layer, "inputs", inputs, 0, where);
    require_at_least(layer, "width", width, 1, where);
}

void require_input(std::string_view layer, const Tensor& x, std::int64_t inputs, std::size_t least_rank,
                   std::size_t most_rank) {
    const Shape& shape = x.type().shape;
    if (shape.rank() < least_rank || shape.rank() > most_rank)
        refuse(layer, fmt::format("wants an input of {} or {} axes", least_rank, most_rank), {});
    if (!ir::functions::may_be_equal(shape[shape.rank() - 1], inputs))
        refuse(layer, fmt::format("wants an input whose last extent is {}", inputs), {});
}

template <class State>
void require_state(std::string_view layer, const State& state, const Shape& shape) {
    lathe::visit_tensors(state, [&](const Tensor& t) {
        if (!ir::functions::may_be_equal(t.type().shape, shape))
            refuse(layer, "wants a state " + ir::Type{t.dtype(), shape}.to_string(), {});
    });
}

// What makes the parameters of a cell, in the order that they are drawn in.
struct CellShape {
    std::int64_t gates, inputs, width;
    bool bias;
    Dtype dtype;

    Tensor uniform(Generator& random, const Shape& shape) const {
        return uniform_by_fan(random, shape, static_cast<double>(width), dtype);
    }
    Tensor weight_ih(Generator& random) const { return uniform(random, {gates * width, inputs}); }
    Tensor weight_hh(Generator& random) const { return uniform(random, {gates * width, width}); }
    Tensor bias_of(Generator& random) const { return bias ? uniform(random, {gates * width}) : Tensor(); }
};

}  // namespace

template <Tree State>
Recurrent<State>::Recurrent(std::string_view layer, std::int64_t gates, Step step, std::int64_t inputs,
                            std::int64_t width, const RecurrentOptions& options, Generator& random, Where where)
    : Base(OfLibrary{}),
      layer_(layer),
      step_(step),
      inputs_(inputs),
      width_(width),
      options_(options),
      random_(random) {
    const LocScope scope(where, layer);
    check(layer, inputs, width, options.dtype, where);
    require_at_least(layer, "layers", options.layers, 1, where);
    detail::require_between(layer, "dropout", options.dropout, 0, 1, where);
    const std::int64_t directions = options.bidirectional ? 2 : 1;
    for (std::int64_t l = 0; l < options.layers; ++l)
        for (const char* const direction : {"", "_reverse"}) {
            if (*direction != '\0' && !options.bidirectional) continue;
            const CellShape shape{gates, l == 0 ? inputs : directions * width, width, options.bias, options.dtype};
            const auto add = [&](const char* name, const Tensor& value) {
                return this->register_parameter(fmt::format("{}_l{}{}", name, l, direction), value);
            };
            RecurrentWeights w;
            w.weight_ih = add("weight_ih", shape.weight_ih(random));
            w.weight_hh = add("weight_hh", shape.weight_hh(random));
            w.bias_ih = add("bias_ih", shape.bias_of(random));
            w.bias_hh = add("bias_hh", shape.bias_of(random));
            weights_.push_back(std::move(w));
        }
}

template <Tree State>
std::pair<Tensor, State> Recurrent<State>::forward(const Tensor& x, const std::optional<State>& first) const {
    require_input(layer_, x, inputs_, 2, 3);
    const bool single = x.rank() == 2;
    Tensor xs = single ? unsqueeze(x, 1) : options_.batch_first ? swapaxes(x, 0, 1) : x;
    const auto cells = static_cast<std::int64_t>(weights_.size());
    const Shape of_cell{xs.dim(1), width_};
    const Shape of_all = single ? Shape{cells, width_} : Shape{cells, xs.dim(1), width_};
    if (first) require_state(layer_, *first, of_all);

    const std::size_t directions = options_.bidirectional ? 2 : 1;
    std::vector<State> last;
    for (std::size_t c = 0; c < weights_.size(); c += directions) {
        if (c > 0 && options_.dropout > 0 && this->is_training())
            xs = dropout(random_.next_key(), xs, options_.dropout);
        std::vector<Tensor> outputs;
        for (std::size_t d = 0; d < directions; ++d) {
            const RecurrentWeights& w = weights_[c + d];
            const auto of_this = [&](const Tensor& states) {
                return reshape(narrow(states, 0, Dim(static_cast<std::int64_t>(c + d)), 1), of_cell);
            };
            const State begin =
                first ? map_state(*first, of_this) : filled_with<State>(zeros(of_cell, w.weight_hh.dtype()));
            // What the inputs add is one product, for all times.
            auto [end, all] = scan(
                [&](const State& state, const Tensor& gates) {
                    const State next = step_(gates, state, w, options_.activation);
                    return std::pair(next, hidden(next));
                },
                begin, affine(xs, w.weight_ih, w.bias_ih), {.reverse = d == 1}, {});
            outputs.push_back(all);
            last.push_back(end);
        }
        xs = directions == 1 ? outputs[0] : concat(outputs, -1);
    }
    State state = stacked(last);
    if (single) return {squeeze(xs, 1), map_state(state, [](const Tensor& t) { return squeeze(t, 1); })};
    return {options_.batch_first ? swapaxes(xs, 0, 1) : xs, state};
}

template <Tree State>
RecurrentCell<State>::RecurrentCell(std::string_view layer, std::int64_t gates, Step step, std::int64_t inputs,
                                    std::int64_t width, const CellOptions& options, Generator& random, Where where)
    : Base(OfLibrary{}), layer_(layer), step_(step), inputs_(inputs), width_(width), activation_(options.activation) {
    const LocScope scope(where, layer);
    check(layer, inputs, width, options.dtype, where);
    const CellShape shape{gates, inputs, width, options.bias, options.dtype};
    weights.weight_ih = this->register_parameter("weight_ih", shape.weight_ih(random));
    weights.weight_hh = this->register_parameter("weight_hh", shape.weight_hh(random));
    weights.bias_ih = this->register_parameter("bias_ih", shape.bias_of(random));
    weights.bias_hh = this->register_parameter("bias_hh", shape.bias_of(random));
}

template <Tree State>
State RecurrentCell<State>::forward(const Tensor& x, const std::optional<State>& state) const {
    require_input(layer_, x, inputs_, 1, 2);
    const Shape shape = x.rank() == 1 ? Shape{width_} : Shape{x.dim(0), width_};
    if (state) require_state(layer_, *state, shape);
    return step_(affine(x, weights.weight_ih, weights.bias_ih),
                 state ? *state : filled_with<State>(zeros(shape, weights.weight_hh.dtype())), weights, activation_);
}

template class Recurrent<HiddenState>;
template class Recurrent<LSTMState>;
template class RecurrentCell<HiddenState>;
template class RecurrentCell<LSTMState>;

RNN::RNN(std::int64_t inputs, std::int64_t width, const RecurrentOptions& options, Generator& random, Where where)
    : Recurrent("RNN", 1, rnn_step, inputs, width, options, random, where) {}
LSTM::LSTM(std::int64_t inputs, std::int64_t width, const RecurrentOptions& options, Generator& random, Where where)
    : Recurrent("LSTM", 4, lstm_step, inputs, width, options, random, where) {}
GRU::GRU(std::int64_t inputs, std::int64_t width, const RecurrentOptions& options, Generator& random, Where where)
    : Recurrent("GRU", 3, gru_step, inputs, width, options, random, where) {}
RNNCell::RNNCell(std::int64_t inputs, std::int64_t width, const CellOptions& options, Generator& random, Where where)
    : RecurrentCell("RNNCell", 1, rnn_step, inputs, width, options, random, where) {}
LSTMCell::LSTMCell(std::int64_t inputs, std::int64_t width, const CellOptions& options, Generator& random, Where where)
    : RecurrentCell("LSTMCell", 4, lstm_step, inputs, width, options, random, where) {}
GRUCell::GRUCell(std::int64_t inputs, std::int64_t width, const CellOptions& options, Generator& random, Where where)
    : RecurrentCell("GRUCell", 3, gru_step, inputs, width, options, random, where) {}

}  // namespace lathe::nn
