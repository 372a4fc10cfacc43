// Optimisers: they give variables new values from the derivatives that backward() left at them.
//
//   optim::Adam optimizer(model.parameters(), {.learning_rate = 1e-3});
//   loss.backward();
//   optimizer.step();       // uses up the derivatives
//
// Inside jit, a step is part of the compiled program. The learning rate is a variable: changing it compiles nothing.
#pragma once

#include <vector>

#include "frontend/tensor/tensor.h"

namespace lathe::optim {

class Optimizer {
public:
    explicit Optimizer(std::vector<Tensor> parameters, double learning_rate, Where where = Where::current());
    virtual ~Optimizer() = default;
    // Parameters without a derivative stay as they are. At least one must have it; inside jit, from the same function.
    void step(Where where = Where::current());
    void set_learning_rate(double rate, Where where = Where::current());

protected:
    // One of the library's: what its steps call is blamed on the line that called step(). An optimiser of the user's is
    // blamed on its own lines.
    struct OfLibrary {
        const char* name;
    };
    Optimizer(OfLibrary self, std::vector<Tensor> parameters, double learning_rate, Where where);
    struct Update {
        Tensor variable, value;
    };
    // One step. What it computes stays here: kept by the optimiser, it would outlive its trace.
    struct Step {
        std::vector<Update> updates;
        std::vector<Tensor> shared;  // by the parameters
    };
    virtual void begin(Step& step);  // before the parameters
    // The new values that parameter `i` with this gradient asks for, of the parameter and its state.
    virtual void update(std::size_t i, const Tensor& gradient, Step& step) = 0;

    const Tensor& parameter(std::size_t i) const { return parameters_[i]; }
    std::size_t parameter_count() const { return parameters_.size(); }
    // Steps compute in the dtype that sums accumulate in: f16 holds neither Adam's epsilon nor small changes of a mean.
    // What is set is rounded once, to the variable's dtype.
    static Tensor wide(const Tensor& x);
    Tensor state(std::size_t i, std::string name) const;  // a variable in that dtype, of zeros like the parameter
    Tensor rate(const Tensor& like) const;                // in the dtype of the computation

private:
    std::vector<Tensor> parameters_;
    bool of_library_ = false;
    Tensor learning_rate_;  // as are all numbers of a step, f64: 1 - beta^t of floats would lose most of its digits
};

struct SgdOptions {
    double learning_rate = 1e-2;
    double momentum = 0;      // v = momentum * v + g; p -= rate * v
    double weight_decay = 0;  // added to the gradient
};
class Sgd final : public Optimizer {
public:
    explicit Sgd(std::vector<Tensor> parameters, SgdOptions options = {}, Where where = Where::current());

private:
    void update(std::size_t i, const Tensor& gradient, Step& step) override;
    SgdOptions options_;
    std::vector<Tensor> velocity_;
};

struct AdamOptions {
    double learning_rate = 1e-3;
    double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
    double weight_decay = 0;  // Adam: added to the gradient; AdamW: of the parameter, times the rate
};
// Kingma and Ba, "Adam: a method for stochastic optimization", 2015.
class Adam : public Optimizer {
public:
    explicit Adam(std::vector<Tensor> parameters, AdamOptions options = {}, Where where = Where::current());

protected:
    Adam(OfLibrary self, std::vector<Tensor> parameters, AdamOptions options, bool decoupled, Where where);

private:
    void begin(Step& step) override;
    void update(std::size_t i, const Tensor& gradient, Step& step) override;
    AdamOptions options_;
    bool decoupled_;
    Tensor power1_, power2_;  // variables: beta1 and beta2 to the number of steps
    std::vector<Tensor> first_, second_;
};

// Loshchilov and Hutter, "Decoupled weight decay regularization", 2019.
class AdamW final : public Adam {
public:
    explicit AdamW(std::vector<Tensor> parameters, AdamOptions options = {.weight_decay = 1e-2},
                   Where where = Where::current())
        : Adam({"AdamW"}, std::move(parameters), options, true, where) {}
};

}  // namespace lathe::optim
