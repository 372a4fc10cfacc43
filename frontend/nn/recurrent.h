// Recurrent networks, as loops over time: scan(). Sequences are [times, sequences, inputs], or with the first two axes
// exchanged if batch_first, or [times, inputs] for a single one. Parameters have PyTorch's names, layouts and order of
// gates: for each layer and direction weight_ih [gates * width, inputs], weight_hh [gates * width, width], bias_ih and
// bias_hh [gates * width]. All begin uniform in +-1/sqrt(width).
#pragma once

#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "frontend/nn/generator.h"
#include "frontend/nn/module.h"

namespace lathe::nn {

enum class RecurrentActivation : std::uint8_t { tanh, relu };

struct RecurrentOptions {
    std::int64_t layers = 1;  // each has the results of the one before as its inputs
    bool bias = true;
    bool batch_first = false;
    double dropout = 0;          // between layers, in training
    bool bidirectional = false;  // with as many layers that go from the last time to the first; results are joined
    RecurrentActivation activation = RecurrentActivation::tanh;  // of an RNN
    Dtype dtype = Dtype::f32;
};

// What one cell of a layer is made of.
struct RecurrentWeights {
    Parameter weight_ih, weight_hh, bias_ih, bias_hh;  // biases are empty where there are none
};

// The state of each layer and direction, forward before backward: [layers * directions, sequences, width].
using HiddenState = Tensor;
struct LSTMState {
    Tensor hidden, cell;

    template <class Visit>
    void visit_tensors(Visit&& visit) {
        visit(hidden);
        visit(cell);
    }
    template <class Visit>
    void visit_tensors(Visit&& visit) const {
        visit(hidden);
        visit(cell);
    }
};

// Layers and directions of cells with a State. Results are the last layer's hidden states at all times, and the last
// state. Without a first state it is zeros.
template <Tree State>
class Recurrent : public ModuleOf<std::pair<Tensor, State>(Tensor, std::optional<State>)> {
    using Base = ModuleOf<std::pair<Tensor, State>(Tensor, std::optional<State>)>;

public:
    using Base::operator();
    std::pair<Tensor, State> operator()(const Tensor& x, Where where = Where::current()) const {
        return Base::operator()(x, std::nullopt, where);
    }

protected:
    using typename AnyModule::OfLibrary;
    // The state that follows, by what the input adds to the gates.
    using Step = State (*)(const Tensor& gates, const State& state, const RecurrentWeights& weights,
                           RecurrentActivation activation);
    Recurrent(std::string_view layer, std::int64_t gates, Step step, std::int64_t inputs, std::int64_t width,
              const RecurrentOptions& options, Generator& random, Where where);

private:
    std::pair<Tensor, State> forward(const Tensor& x, const std::optional<State>& first) const final;
    std::string_view layer_;
    Step step_;
    std::int64_t inputs_, width_;
    RecurrentOptions options_;
    Generator random_;
    std::vector<RecurrentWeights> weights_;  // by layer and direction
};

// h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or relu of it.
class RNN final : public Recurrent<HiddenState> {
public:
    RNN(std::int64_t inputs, std::int64_t width, Generator& random, Where where = Where::current())
        : RNN(inputs, width, {}, random, where) {}
    RNN(std::int64_t inputs, std::int64_t width, const RecurrentOptions& options, Generator& random,
        Where where = Where::current());
};
// Gates i, f, g, o: c' = sigmoid(f) c + sigmoid(i) tanh(g), h' = sigmoid(o) tanh(c').
// Hochreiter and Schmidhuber, "Long short-term memory", 1997, with the forget gate of Gers and others, 2000.
class LSTM final : public Recurrent<LSTMState> {
public:
    LSTM(std::int64_t inputs, std::int64_t width, Generator& random, Where where = Where::current())
        : LSTM(inputs, width, {}, random, where) {}
    LSTM(std::int64_t inputs, std::int64_t width, const RecurrentOptions& options, Generator& random,
         Where where = Where::current());
};
// Gates r, z, n: n = tanh(W_in x + b_in + sigmoid(r) (W_hn h + b_hn)), h' = (1 - sigmoid(z)) n + sigmoid(z) h.
// Cho and others, "Learning phrase representations using RNN encoder-decoder", 2014.
class GRU final : public Recurrent<HiddenState> {
public:
    GRU(std::int64_t inputs, std::int64_t width, Generator& random, Where where = Where::current())
        : GRU(inputs, width, {}, random, where) {}
    GRU(std::int64_t inputs, std::int64_t width, const RecurrentOptions& options, Generator& random,
        Where where = Where::current());
};

struct CellOptions {
    bool bias = true;
    RecurrentActivation activation = RecurrentActivation::tanh;  // of an RNN
    Dtype dtype = Dtype::f32;
};
// One step: from an input [sequences, inputs] and a state [sequences, width], zeros without one, to the state that
// follows.
template <Tree State>
class RecurrentCell : public ModuleOf<State(Tensor, std::optional<State>)> {
    using Base = ModuleOf<State(Tensor, std::optional<State>)>;

public:
    using Base::operator();
    State operator()(const Tensor& x, Where where = Where::current()) const {
        return Base::operator()(x, std::nullopt, where);
    }

    RecurrentWeights weights;

protected:
    using typename AnyModule::OfLibrary;
    using Step = State (*)(const Tensor& gates, const State& state, const RecurrentWeights& weights,
                           RecurrentActivation activation);
    RecurrentCell(std::string_view layer, std::int64_t gates, Step step, std::int64_t inputs, std::int64_t width,
                  const CellOptions& options, Generator& random, Where where);

private:
    State forward(const Tensor& x, const std::optional<State>& state) const final;
    std::string_view layer_;
    Step step_;
    std::int64_t inputs_, width_;
    RecurrentActivation activation_;
};
class RNNCell final : public RecurrentCell<HiddenState> {
public:
    RNNCell(std::int64_t inputs, std::int64_t width, Generator& random, Where where = Where::current())
        : RNNCell(inputs, width, {}, random, where) {}
    RNNCell(std::int64_t inputs, std::int64_t width, const CellOptions& options, Generator& random,
            Where where = Where::current());
};
class LSTMCell final : public RecurrentCell<LSTMState> {
public:
    LSTMCell(std::int64_t inputs, std::int64_t width, Generator& random, Where where = Where::current())
        : LSTMCell(inputs, width, {}, random, where) {}
    LSTMCell(std::int64_t inputs, std::int64_t width, const CellOptions& options, Generator& random,
             Where where = Where::current());
};
class GRUCell final : public RecurrentCell<HiddenState> {
public:
    GRUCell(std::int64_t inputs, std::int64_t width, Generator& random, Where where = Where::current())
        : GRUCell(inputs, width, {}, random, where) {}
    GRUCell(std::int64_t inputs, std::int64_t width, const CellOptions& options, Generator& random,
            Where where = Where::current());
};

}  // namespace lathe::nn
