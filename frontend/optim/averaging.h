// Averages of parameters over the steps of a training, often better than the last ones.
//
//   optim::WeightAverage average(model.parameters(), {.decay = 0.999});
//   ...  optimizer.step();  average.update();          // inside jit, too
//   {
//       const optim::WithAverage scope(average);       // until it ends, the parameters have the averages
//       validate(model);
//   }
#pragma once

#include <optional>
#include <vector>

#include "frontend/optim/state.h"
#include "frontend/tensor/tensor.h"

namespace lathe::optim {

struct WeightAverageOptions {
    // Exponential: a = decay * a + (1 - decay) * p. Without one, all updates count the same, as in stochastic weight
    // averaging: a = a + (p - a) / (n + 1) after n updates. Izmailov et al., "Averaging weights leads to wider optima
    // and better generalization", 2018.
    std::optional<double> decay = {};
};

// Any variables: parameters, and buffers such as a running mean. The first update copies them; averages of f16 and bf16
// are f32. Integers and booleans are copied by every update.
class WeightAverage {
public:
    explicit WeightAverage(std::vector<Tensor> parameters, WeightAverageOptions options = {},
                           Where where = Where::current());
    void update(Where where = Where::current());
    // The averages become the values of these variables, as many and of the same types: those of another module.
    void copy_to(const std::vector<Tensor>& parameters, Where where = Where::current()) const;
    // The parameters get the averages, until restore() gives them back what they had.
    void apply(Where where = Where::current());
    void restore(Where where = Where::current());

    // "0.average", ..., and "updates".
    NamedState named_state() const;
    void load_state(const NamedState& state, Where where = Where::current());

private:
    std::vector<Tensor> parameters_, averages_, replaced_;
    Tensor updates_;  // f64, how many there were
    WeightAverageOptions options_;
};

class WithAverage {
public:
    explicit WithAverage(WeightAverage& average, Where where = Where::current()) : average_(average), where_(where) {
        average_.apply(where);
    }
    ~WithAverage() { average_.restore(where_); }
    WithAverage(const WithAverage&) = delete;
    WithAverage& operator=(const WithAverage&) = delete;

private:
    WeightAverage& average_;
    Where where_;
};

}  // namespace lathe::optim
