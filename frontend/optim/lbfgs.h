// L-BFGS: Newton's method with curvature from the last steps, for functions that are the same at every step.
//
//   optim::Lbfgs optimizer(model.parameters(), {.line_search = optim::LineSearch::strong_wolfe});
//   optimizer.step([&] { return loss_of(model); });      // as often as it takes
//
// Nocedal and Wright, "Numerical optimization", 2nd edition, algorithms 7.5 and 3.5, with the rules of PyTorch's LBFGS.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "frontend/optim/state.h"
#include "frontend/tensor/tensor.h"

namespace lathe::optim {

enum class LineSearch : std::uint8_t {
    none,          // steps of learning_rate along the direction, the first one shorter
    strong_wolfe,  // steps that lower the loss enough and its slope
};

struct LbfgsOptions {
    double learning_rate = 1;
    std::int64_t max_iterations = 20;                  // of one step()
    std::optional<std::int64_t> max_evaluations = {};  // 5 / 4 of them
    double gradient_tolerance = 1e-7;                  // of the greatest element
    double change_tolerance = 1e-9;                    // of the parameters and of the loss
    std::size_t history_size = 100;
    LineSearch line_search = LineSearch::none;
};

class Lbfgs {
public:
    using Closure = std::function<Tensor()>;

    explicit Lbfgs(std::vector<Tensor> parameters, LbfgsOptions options = {}, Where where = Where::current());
    // Gives the loss before the step. `closure` computes it, a float of rank 0, from the parameters, and leaves
    // backward() to the step; what it calls may be compiled. The step itself goes by values: it cannot be part of a
    // compiled function.
    Tensor step(const Closure& closure, Where where = Where::current());

    // "iterations", "direction", "steps", ...: the last directions and their changes of gradient are [count, elements].
    NamedState named_state() const;
    void load_state(const NamedState& state, Where where = Where::current());

private:
    struct Point;
    Point evaluate(const Closure& closure, Where where) const;
    Point search(const Closure& closure, const Tensor& from, double step, const Point& start, Where where) const;
    Tensor quasi_newton_direction(const Tensor& gradient) const;
    void remember(const Tensor& gradient);
    Tensor values() const;
    void set_values(const Tensor& flat, Where where) const;

    std::vector<Tensor> parameters_;
    LbfgsOptions options_;
    Dtype dtype_ = Dtype::f32;
    std::int64_t iterations_ = 0;
    double step_size_ = 0, scale_ = 1;              // of the last direction; of the first guess of the inverse Hessian
    Tensor direction_, gradient_;                   // the last ones, all parameters in a row
    std::vector<Tensor> steps_, gradient_changes_;  // the oldest first
};

}  // namespace lathe::optim
