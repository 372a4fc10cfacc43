#include "frontend/optim/lbfgs.h"

#include <algorithm>
#include <cmath>

#include "frontend/functions/functions.h"
#include "frontend/functions/operand_checks.h"

namespace lathe::optim {

using lathe::detail::blame;
using lathe::detail::Frame;
using lathe::detail::LocScope;

namespace {

double number(const Tensor& x) { return convert(x, Dtype::f64).item<double>(); }
double dot(const Tensor& a, const Tensor& b) { return number(sum(a * b)); }
double greatest(const Tensor& x) { return number(max(abs(x))); }

constexpr double armijo = 1e-4, curvature = 0.9;  // c1 and c2 of the Wolfe conditions
constexpr int most_trials = 25;

}  // namespace

// The loss at a step along the direction.
struct Lbfgs::Point {
    double step = 0, loss = 0, slope = 0;
    Tensor gradient;
    std::int64_t evaluations = 0;  // that led here
};

namespace {

// Where the cubic that has both values and slopes is least, within the bounds.
template <class P>
double least_of_cubic(const P& a, const P& b, double low, double high) {
    const P &left = a.step <= b.step ? a : b, &right = a.step <= b.step ? b : a;
    const double d = left.slope + right.slope - 3 * (left.loss - right.loss) / (left.step - right.step);
    const double square = d * d - left.slope * right.slope;
    if (!(square >= 0)) return (low + high) / 2;
    const double root = std::sqrt(square);
    const double at =
        right.step - (right.step - left.step) * (right.slope + root - d) / (right.slope - left.slope + 2 * root);
    return std::min(std::max(at, low), high);
}

}  // namespace

Lbfgs::Lbfgs(std::vector<Tensor> parameters, LbfgsOptions options, Where where)
    : parameters_(std::move(parameters)), options_(options) {
    const LocScope scope(where, "Lbfgs");
    detail::require_variables("Lbfgs", parameters_, where);
    if (parameters_.empty()) throw UserError("Lbfgs: there are no parameters", blame(where));
    lathe::detail::require_above("Lbfgs", "learning_rate", options.learning_rate, 0, where);
    lathe::detail::require_at_least("Lbfgs", "max_iterations", options.max_iterations, 1, where);
    lathe::detail::require_at_least("Lbfgs", "history_size", static_cast<std::int64_t>(options.history_size), 1, where);
    for (const Tensor& p : parameters_)
        if (p.dtype() == Dtype::f64) dtype_ = Dtype::f64;
    direction_ = gradient_ = zeros_like(values()).eval(where);
}

Tensor Lbfgs::values() const {
    std::vector<Tensor> rows;
    for (const Tensor& p : parameters_) rows.push_back(convert(p, dtype_).reshape({-1}));
    return concat(rows, 0);
}

void Lbfgs::set_values(const Tensor& flat, Where where) const {
    std::int64_t from = 0;
    std::vector<Tensor> parts;
    for (const Tensor& p : parameters_) {
        const std::int64_t size = p.size();
        parts.push_back(convert(slice(flat, {from}, {size}).reshape(p.type().shape), p.dtype()));
        from += size;
    }
    eval(parts, where);
    for (std::size_t i = 0; i < parts.size(); ++i) parameters_[i].set(parts[i], where);
}

Lbfgs::Point Lbfgs::evaluate(const Closure& closure, Where where) const {
    for (const Tensor& p : parameters_) p.zero_grad(where);
    const auto call = [&] {
        const Frame users(where);
        return closure();
    };
    const Tensor loss = call();
    for (const Tensor& p : parameters_)
        if (!p.grad().is_empty())
            throw UserError("step: the closure called backward(), which step() does with the loss that it returns",
                            blame(where));
    loss.backward(where);
    std::vector<Tensor> rows;
    for (const Tensor& p : parameters_) {
        const Tensor g = p.grad();
        rows.push_back(convert(g.is_empty() ? zeros_like(p) : g, dtype_).reshape({-1}));
        p.zero_grad(where);
    }
    Point point;
    point.gradient = concat(rows, 0);
    const Tensor both[] = {loss, point.gradient};
    eval(both, where);
    point.loss = number(loss);
    point.evaluations = 1;
    return point;
}

// d = -H g by the two loops over the history.
Tensor Lbfgs::quasi_newton_direction(const Tensor& gradient) const {
    const std::size_t n = steps_.size();
    std::vector<Tensor> rho(n), alpha(n);
    Tensor q = -gradient;
    for (std::size_t i = n; i-- > 0;) {
        rho[i] = 1 / sum(gradient_changes_[i] * steps_[i]);
        alpha[i] = sum(steps_[i] * q) * rho[i];
        q = q - gradient_changes_[i] * alpha[i];
    }
    Tensor r = q * scale_;
    for (std::size_t i = 0; i < n; ++i) r = r + steps_[i] * (alpha[i] - sum(gradient_changes_[i] * r) * rho[i]);
    return r;
}

void Lbfgs::remember(const Tensor& gradient) {
    const Tensor change = gradient - gradient_, step = direction_ * step_size_;
    const double product = dot(change, step);
    if (!(product > 1e-10)) return;  // curvature that is not positive has no place in the model
    if (steps_.size() == options_.history_size) {
        steps_.erase(steps_.begin());
        gradient_changes_.erase(gradient_changes_.begin());
    }
    steps_.push_back(step.eval());
    gradient_changes_.push_back(change.eval());
    scale_ = product / dot(change, change);
}

// A step that meets the strong Wolfe conditions: first outwards until an interval holds one, then within.
Lbfgs::Point Lbfgs::search(const Closure& closure, const Tensor& from, double step, const Point& start,
                           Where where) const {
    std::int64_t evaluations = 0;
    const auto at = [&](double t) {
        set_values(from + direction_ * t, where);
        Point point = evaluate(closure, where);
        point.step = t;
        point.slope = dot(point.gradient, direction_);
        ++evaluations;
        return point;
    };
    const auto is_high = [&](const Point& p) { return p.loss > start.loss + armijo * p.step * start.slope; };
    const auto is_flat = [&](const Point& p) { return std::abs(p.slope) <= -curvature * start.slope; };

    Point low = start, high = at(step);
    bool found = false;
    int trials = 0;
    for (; trials < most_trials; ++trials) {
        if (is_high(high) || (trials > 1 && high.loss >= low.loss)) break;
        if (is_flat(high)) {
            low = high;
            found = true;
            break;
        }
        if (high.slope >= 0) break;
        const double next = least_of_cubic(low, high, high.step + 0.01 * (high.step - low.step), high.step * 10);
        low = std::exchange(high, at(next));
    }
    if (trials == most_trials) low = start;
    if (!found && low.loss > high.loss) std::swap(low, high);

    const double length = greatest(direction_);
    bool slow = false;
    for (; !found && trials < most_trials; ++trials) {
        const double least = std::min(low.step, high.step), most = std::max(low.step, high.step);
        if ((most - least) * length < options_.change_tolerance) break;
        double t = least_of_cubic(low, high, least, most);
        const double margin = 0.1 * (most - least);
        if (std::min(most - t, t - least) < margin) {  // near an end twice, or at it: the interval would not shrink
            if (slow || t >= most || t <= least) {
                t = std::abs(t - most) < std::abs(t - least) ? most - margin : least + margin;
                slow = false;
            } else {
                slow = true;
            }
        } else {
            slow = false;
        }
        Point next = at(t);
        if (is_high(next) || next.loss >= low.loss) {
            high = std::move(next);
            if (low.loss > high.loss) std::swap(low, high);
            continue;
        }
        found = is_flat(next);
        if (!found && next.slope * (high.step - low.step) >= 0) high = low;
        low = std::move(next);
    }
    low.evaluations = evaluations;
    set_values(from + direction_ * low.step, where);
    return low;
}

Tensor Lbfgs::step(const Closure& closure, Where where) {
    const LocScope scope(where, "step");
    detail::require_outside_of_traces(
        "step", "L-BFGS runs outside of compiled functions, and its closure may call them", where);
    Point now = evaluate(closure, where);
    const Tensor first_loss = Tensor::scalar(now.loss);
    std::int64_t evaluations = 1;
    const std::int64_t most = options_.max_evaluations.value_or(options_.max_iterations * 5 / 4);
    const auto is_done = [&] { return greatest(now.gradient) <= options_.gradient_tolerance; };
    if (is_done()) return first_loss;
    for (std::int64_t i = 1; i <= options_.max_iterations; ++i) {
        if (iterations_ > 0) remember(now.gradient);
        direction_ = (iterations_ == 0 ? -now.gradient : quasi_newton_direction(now.gradient)).eval(where);
        ++iterations_;
        gradient_ = now.gradient;
        const double before = now.loss;
        step_size_ = options_.learning_rate;
        if (iterations_ == 1) step_size_ *= std::min(1.0, 1 / number(sum(abs(now.gradient))));
        now.slope = dot(now.gradient, direction_);
        now.step = 0;
        if (now.slope > -options_.change_tolerance) break;
        const Tensor from = values().eval(where);
        if (options_.line_search == LineSearch::strong_wolfe) {
            now = search(closure, from, step_size_, now, where);
            step_size_ = now.step;
            evaluations += now.evaluations;
        } else {
            set_values(from + direction_ * step_size_, where);
            if (i == options_.max_iterations) break;  // the next step looks at the loss first
            now = evaluate(closure, where);
            ++evaluations;
        }
        if (evaluations >= most || is_done() ||
            greatest(direction_) * std::abs(step_size_) <= options_.change_tolerance ||
            std::abs(now.loss - before) < options_.change_tolerance)
            break;
    }
    return first_loss;
}

NamedState Lbfgs::named_state() const {
    const auto rows = [&](const std::vector<Tensor>& of) {
        return of.empty() ? zeros({0, direction_.size()}, dtype_) : stack(of);
    };
    return {{"iterations", Tensor::scalar(iterations_)},
            {"learning_rate", Tensor::scalar(options_.learning_rate)},
            {"step_size", Tensor::scalar(step_size_)},
            {"scale", Tensor::scalar(scale_)},
            {"direction", direction_},
            {"gradient", gradient_},
            {"steps", rows(steps_)},
            {"gradient_changes", rows(gradient_changes_)}};
}

void Lbfgs::load_state(const NamedState& state, Where where) {
    const LocScope scope(where, "load_state");
    detail::require_outside_of_traces("load_state", "load states before", where);
    NamedState own = named_state();
    // As many rows as there are in the state.
    const auto given = std::ranges::find(state, "steps", &NamedTensor::first);
    std::int64_t count = 0;
    if (given != state.end() && !given->second.is_empty() && given->second.rank() == 2) count = given->second.extent(0);
    for (auto& [name, value] : own)
        if (value.rank() == 2) value = zeros({count, direction_.size()}, dtype_);
    const std::vector<Tensor> values = detail::match_state("Lbfgs", own, state, where);
    iterations_ = values[0].item<std::int64_t>(where);
    options_.learning_rate = values[1].item<double>(where);
    step_size_ = values[2].item<double>(where);
    scale_ = values[3].item<double>(where);
    direction_ = values[4];
    gradient_ = values[5];
    const auto rows_of = [&](const Tensor& matrix) {
        std::vector<Tensor> rows;
        for (std::int64_t i = 0; i < count; ++i) rows.push_back(matrix[{i}].eval(where));
        return rows;
    };
    steps_ = rows_of(values[6]);
    gradient_changes_ = rows_of(values[7]);
}

}  // namespace lathe::optim
