// What optimisers have in common: they give variables new values from the derivatives that backward() left at them.
//
//   optim::Adam optimizer(model.parameters(), {.learning_rate = 1e-3});
//   loss.backward();
//   optimizer.step();       // uses up the derivatives
//
//   optim::AdamW optimizer({{.parameters = weights}, {.parameters = biases, .options = {.weight_decay = 0}}},
//                          {.learning_rate = 1e-3, .weight_decay = 0.1});
//
// Inside jit, a step is part of the compiled program. The learning rate of each group is a variable: changing it
// compiles nothing.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "frontend/optim/settings.h"
#include "frontend/optim/state.h"
#include "frontend/tensor/tensor.h"

namespace lathe::optim {

class Optimizer {
public:
    explicit Optimizer(std::vector<Tensor> parameters, double learning_rate, Where where = Where::current());
    virtual ~Optimizer() = default;
    // Parameters without a derivative stay as they are. At least one must have it; inside jit, from the same function.
    void step(Where where = Where::current());
    // The same where `condition`, a bool of rank 0, is true. Where it is false, derivatives are used up and nothing
    // else changes. What decides is known when the program runs: nothing is asked for.
    void step_if(const Tensor& condition, Where where = Where::current());
    void zero_grad(Where where = Where::current()) const;

    const std::vector<Tensor>& parameters() const { return parameters_; }
    std::size_t group_count() const { return groups_.size(); }
    double learning_rate(std::size_t group = 0, Where where = Where::current()) const;
    void set_learning_rate(double rate, Where where = Where::current());  // of all groups
    void set_learning_rate(std::size_t group, double rate, Where where = Where::current());

    // The variables that steps read and set, besides the parameters: "3.velocity" of parameter 3, counted through all
    // groups; "groups.0.learning_rate".
    NamedState named_state() const;
    // Takes a whole state. Throws TypeError with everything that does not fit, and changes nothing then.
    void load_state(const NamedState& state, Where where = Where::current());

protected:
    // What a step remembers for the next one: variables with their first values. They are made with the optimiser:
    // those that a step makes would end with its trace.
    struct Memory {
        std::string_view name;
        double initial = 0;
    };
    struct Memories {
        std::vector<Memory> of_parameters;  // each like its parameter, in the dtype of the computation
        std::vector<Memory> of_group;       // f64 of rank 0
    };
    explicit Optimizer(std::vector<Tensor> parameters, double learning_rate, const Memories& memories,
                       Where where = Where::current());
    // One of the library's: what its steps call is blamed on the line that called step(). An optimiser of the user's is
    // blamed on its own lines.
    struct OfLibrary {
        const char* name;
    };
    explicit Optimizer(OfLibrary self) : name_(self.name), of_library_(true) {}

    struct Update {
        Tensor variable, value;
    };
    // One step. What it computes stays here: kept by the optimiser, it would outlive its trace.
    struct Step {
        std::vector<Update> updates;
        std::vector<std::vector<Tensor>> shared;  // by the parameters of each group
        void set(const Tensor& variable, const Tensor& value) { updates.push_back({variable, value}); }
    };
    virtual void begin(std::size_t group, Step& step);  // before the parameters
    // The new values that parameter `i` with this gradient asks for, of the parameter and its state.
    virtual void update(std::size_t i, const Tensor& gradient, Step& step) = 0;

    void add(std::vector<Tensor> parameters, double learning_rate, const Memories& memories, Where where);

    const Tensor& parameter(std::size_t i) const { return parameters_[i]; }
    std::size_t parameter_count() const { return parameters_.size(); }
    std::size_t group_of(std::size_t i) const { return group_of_[i]; }
    const Tensor& state(std::size_t i, std::string_view name) const { return find(state_[i], name); }
    const Tensor& group_state(std::size_t group, std::string_view name) const { return find(groups_[group], name); }
    // Such a number times a factor: its next value, which the step sets.
    Tensor multiplied(std::size_t group, std::string_view name, double factor, Step& step) const;
    // Steps compute in the dtype that sums accumulate in: f16 holds neither Adam's epsilon nor small changes of a mean.
    // What is set is rounded once, to the variable's dtype.
    static Tensor wide(const Tensor& x);
    // The learning rate of parameter `i` in that dtype. Numbers of a step are f64: 1 - beta^t of floats would lose most
    // of its digits.
    Tensor rate(std::size_t i) const;

private:
    static const Tensor& find(const NamedState& variables, std::string_view name);
    void step_where(const Tensor* condition, Where where);

    std::string name_ = "optimizer";
    bool of_library_ = false;
    std::vector<Tensor> parameters_;
    std::vector<std::size_t> group_of_;
    std::vector<NamedState> state_;   // of each parameter
    std::vector<NamedState> groups_;  // of each group: "learning_rate", and what its steps count
};

// An optimiser of the library's, with groups. `Derived` has a `name`, and static `memories(options)`.
template <class Derived, class OptionsOfDerived>
class OptimizerOf : public Optimizer {
public:
    using Options = OptionsOfDerived;
    using Group = optim::Group<Options>;
    explicit OptimizerOf(std::vector<Tensor> parameters, Options options = {}, Where where = Where::current())
        : OptimizerOf(std::vector<Group>{{std::move(parameters), {}}}, options, where) {}
    explicit OptimizerOf(std::vector<Group> groups, Options defaults = {}, Where where = Where::current())
        : Optimizer({Derived::name}), defaults_(defaults) {
        for (Group& group : groups) add_group(std::move(group), where);
    }
    // Parameters that join later begin with fresh state.
    void add_group(Group group, Where where = Where::current()) {
        Options options = detail::complete(group.options, defaults_, Derived::name, where);
        add(std::move(group.parameters), options.learning_rate, Derived::memories(options), where);
        options_.push_back(options);
    }

protected:
    const Options& options(std::size_t group) const { return options_[group]; }
    const Options& options_of(std::size_t i) const { return options_[group_of(i)]; }
    // The gradient in the direction of descent, with the decay that counts as a part of it.
    Tensor descent(std::size_t i, const Tensor& gradient) const {
        const Options& o = options_of(i);
        Tensor g = wide(gradient);
        if constexpr (requires { o.maximize; })
            if (o.maximize) g = -g;
        if constexpr (requires { o.weight_decay; })
            if (!Derived::decoupled && o.weight_decay != 0) g = g + wide(parameter(i)) * double(o.weight_decay);
        return g;
    }
    static constexpr bool decoupled = false;  // whether weight decay is apart from the gradient

private:
    Options defaults_;
    std::vector<Options> options_;  // of each group, complete
};

}  // namespace lathe::optim
