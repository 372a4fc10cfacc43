// Branches and loops. A condition that is known chooses now; a loop is recorded as one where its body does the same in
// each step, and otherwise once for each step.
#include "frontend/trace/control.h"

#include <functional>
#include <limits>
#include <optional>

#include <fmt/format.h>

#include "frontend/functions/creation.h"
#include "frontend/functions/elementwise.h"
#include "frontend/functions/joining.h"
#include "frontend/functions/movement.h"
#include "frontend/onnx/counted.h"
#include "frontend/onnx/operators.h"
#include "frontend/tensor/node.h"

namespace lathe::onnx {
namespace {

using Values = std::vector<Value>;

// What keeps a loop or a branch from being recorded as one: its types change, or what it computes is no tensor.
struct NoRegion {};

bool is_known(const Value& v) { return v.is_tensor() && v.is_constant() && !v.tensor().node()->symbolic; }

Tensor truth_of(const NodeCall& c, const Tensor& condition) {
    if (condition.dtype() != Dtype::boolean) c.refuse("the condition is no boolean");
    return condition.rank() == 0 ? condition : reshape(condition, Shape{});
}
bool known_truth(const NodeCall& c, const Value& condition) { return truth_of(c, condition.tensor()).item<bool>(); }

Tensor tensor_in_region(const Value& v) {
    if (!v.is_tensor() || v.counted()) throw NoRegion();
    return v.tensor();
}
std::vector<Tensor> tensors_in_region(std::span<const Value> values) {
    std::vector<Tensor> tensors;
    for (const Value& v : values) tensors.push_back(tensor_in_region(v));
    return tensors;
}
Values values_of(std::span<const Tensor> tensors) { return {tensors.begin(), tensors.end()}; }

// What a step of a loop gets: nobody can say what it is.
Value changing_value(const Tensor& x) {
    Value v(x);
    v.set_origins({changing});
    return v;
}

// ---- branches

Results branch(NodeCall& c) {
    const Value& condition = c.value(0);
    const auto check = [&](const Values& results) {
        if (results.size() < c.result_count())
            c.refuse(fmt::format("a branch has {} results, the node {}", results.size(), c.result_count()));
    };
    if (is_known(condition)) {
        Values results = c.run_body(known_truth(c, condition) ? "then_branch" : "else_branch", {});
        check(results);
        return results;
    }
    try {
        std::vector<ir::Type> types;
        const auto body = [&](const char* name) {
            return [&, name](std::span<const Tensor>) {
                const Values values = c.run_body(name, {});
                check(values);
                std::vector<Tensor> results = tensors_in_region(values);
                if (types.empty()) {
                    for (const Tensor& t : results) types.push_back(t.type());
                } else {
                    for (std::size_t i = 0; i < results.size(); ++i)
                        if (!(results[i].type() == types[i])) throw NoRegion();
                }
                return results;
            };
        };
        return values_of(lathe::detail::record_cond(truth_of(c, condition.tensor()), {}, body("then_branch"),
                                                    body("else_branch"), Where::current()));
    } catch (const NoRegion&) {
        c.need(0);
    }
}

// ---- loops of Scan and Loop

// What is carried from step to step, and what each step has for itself along axis 0 of tensors.
struct Steps {
    Values carried;
    std::vector<Tensor> slices;
    Dim count;
    // The results of a step: what is carried on, then what is stacked.
    std::function<Values(std::span<const Value> carried, std::span<const Value> slices)> body;
};
// Whether what a step carries on is what it was.
bool is_alike(std::span<const Tensor> before, std::span<const Tensor> after) {
    for (std::size_t i = 0; i < before.size(); ++i)
        if (!(before[i].type() == after[i].type())) return false;
    return true;
}

// Throws NoRegion or NeedsChanging where it cannot be one.
Results recorded(const Steps& steps) {
    const std::vector<Tensor> initial = tensors_in_region(steps.carried);
    const auto body = [&](std::span<const Tensor> inputs) {
        Values all;
        for (const Tensor& t : inputs) all.push_back(changing_value(t));
        const std::span<const Value> values = all;
        std::vector<Tensor> results =
            tensors_in_region(steps.body(values.first(initial.size()), values.subspan(initial.size())));
        if (!is_alike(initial, results)) throw NoRegion();
        return results;
    };
    return values_of(
        lathe::detail::record_scan(initial, steps.slices, {.length = steps.count}, body, Where::current()));
}

// Each step by itself, for as long as `goes_on` says after one.
template <class GoesOn>
Results unrolled(const NodeCall& c, const Steps& steps, std::int64_t count, const GoesOn& goes_on) {
    Values carried = steps.carried;
    std::vector<std::vector<Tensor>> stacked;
    std::int64_t i = 0;
    for (bool more = true; more && i < count; ++i) {
        Values slices;
        for (const Tensor& t : steps.slices) slices.emplace_back(t[{i}]);
        Values results = steps.body(carried, slices);
        stacked.resize(results.size() - carried.size());
        for (std::size_t k = 0; k < stacked.size(); ++k) {
            const Value& y = results[carried.size() + k];
            if (!y.is_tensor()) c.refuse("what the steps give to be stacked is no tensor");
            if (y.counted()) c.need(y, "what the steps give to be stacked, whose extent follows from values,");
            stacked[k].push_back(y.tensor());
        }
        results.resize(carried.size());
        carried = std::move(results);
        more = goes_on();
    }
    if (i == 0 && carried.size() < c.result_count()) c.refuse("without a step nothing is known of what is stacked");
    for (const std::vector<Tensor>& parts : stacked) carried.emplace_back(stack(parts, 0));
    return carried;
}

void check_results(const NodeCall& c, std::size_t given, std::size_t least) {
    if (given < least) c.refuse(fmt::format("the body has {} results, less than {}", given, least));
}

// ---- Scan

// Numbers for each of some, all the same where they are left out.
std::vector<std::int64_t> for_each(const NodeCall& c, std::string_view name, std::size_t count) {
    std::vector<std::int64_t> numbers = c.integers(name).value_or(std::vector<std::int64_t>(count, 0));
    if (numbers.size() != count) c.refuse(fmt::format("{} has {} entries, not {}", name, numbers.size(), count));
    return numbers;
}
bool is_backward(const NodeCall& c, std::int64_t direction) {
    if (direction != 0 && direction != 1) c.refuse("a direction is neither 0 nor 1");
    return direction == 1;
}

std::size_t scan_inputs(const NodeCall& c, std::size_t operands) {
    const std::int64_t count = c.integer("num_scan_inputs");
    if (count < 1 || count > static_cast<std::int64_t>(operands))
        c.refuse(fmt::format("num_scan_inputs is {}, of {} operands", count, operands));
    return static_cast<std::size_t>(count);
}

Results scanned(const NodeCall& c, Steps steps) {
    steps.body = [&c](std::span<const Value> carried, std::span<const Value> slices) {
        Values arguments(carried.begin(), carried.end());
        arguments.insert(arguments.end(), slices.begin(), slices.end());
        Values results = c.run_body("body", arguments);
        check_results(c, results.size(), carried.size());
        return results;
    };
    for (const Tensor& t : steps.slices) {
        if (t.rank() == 0) c.refuse("an operand of rank 0 has no slices");
        if (t.type().shape[0].is_constant() && steps.count.is_constant() && t.type().shape[0] != steps.count)
            c.refuse("what is scanned differs in length");
    }
    try {
        return recorded(steps);
    } catch (const NoRegion&) {
        if (!steps.count.is_constant())
            c.refuse("the types of what is carried change, in a number of steps that is not known");
    } catch (const NeedsChanging&) {
        if (!steps.count.is_constant()) throw;
    }
    return unrolled(c, steps, steps.count.constant(), [] { return true; });
}

Results scan(NodeCall& c) {
    const std::size_t inputs = scan_inputs(c, c.size()), states = c.size() - inputs;
    const std::vector<std::int64_t> axes = for_each(c, "scan_input_axes", inputs),
                                    directions = for_each(c, "scan_input_directions", inputs);
    Steps steps;
    for (std::size_t i = 0; i < states; ++i) steps.carried.push_back(c.value(i));
    for (std::size_t i = 0; i < inputs; ++i) {
        const Tensor x = c[states + i];
        const Tensor lines = movedim(x, {c.natural_axis(axes[i], x.rank())}, {0});
        steps.slices.push_back(is_backward(c, directions[i]) ? flip(lines, {0}) : lines);
    }
    steps.count = steps.slices[0].type().shape[0];
    Results results = scanned(c, std::move(steps));
    const std::size_t outputs = results.size() - states;
    const std::vector<std::int64_t> output_axes = for_each(c, "scan_output_axes", outputs),
                                    output_directions = for_each(c, "scan_output_directions", outputs);
    for (std::size_t i = 0; i < outputs; ++i) {
        Tensor y = results[states + i].tensor();
        if (is_backward(c, output_directions[i])) y = flip(y, {0});
        results[states + i] = movedim(y, {0}, {c.natural_axis(output_axes[i], y.rank())});
    }
    return results;
}

// Before opset 9 there is a batch, whose lines may differ in length; what is behind the end of one is 0 here.
Results scan_of_batch(NodeCall& c) {
    const std::size_t inputs = scan_inputs(c, c.size() - 1), states = c.size() - 1 - inputs;
    const std::vector<std::int64_t> directions = for_each(c, "directions", inputs);
    for (std::size_t i = 1; i < c.size(); ++i)
        if (c[i].rank() < (i <= states ? 1U : 2U)) c.refuse(fmt::format("operand {} has no batch, or no lines", i));
    const Tensor first = c[1 + states];
    const Dim batch = first.type().shape[0], longest = first.type().shape[1];
    if (!batch.is_constant()) c.refuse("a batch of an extent that is not known is not supported");
    std::optional<std::vector<std::int64_t>> lengths;
    if (c.has(0)) {
        lengths = c.integers(0);
        if (Dim(static_cast<std::int64_t>(lengths->size())) != batch) c.refuse("there is not one length for each line");
    }
    std::vector<std::vector<Tensor>> all;
    for (std::int64_t b = 0; b < batch.constant(); ++b) {
        Steps steps;
        steps.count = lengths ? Dim((*lengths)[static_cast<std::size_t>(b)]) : longest;
        for (std::size_t i = 0; i < states; ++i) steps.carried.emplace_back(c[1 + i][{b}]);
        for (std::size_t i = 0; i < inputs; ++i) {
            const Tensor line = narrow(c[1 + states + i][{b}], 0, 0, steps.count);
            steps.slices.push_back(is_backward(c, directions[i]) ? flip(line, {0}) : line);
        }
        const Dim missing = longest - steps.count;
        const Results results = scanned(c, std::move(steps));
        all.resize(results.size());
        for (std::size_t i = 0; i < results.size(); ++i) {
            Tensor y = results[i].tensor();
            if (i >= states && missing != Dim(0)) {
                const Shape none(std::vector<Dim>(y.rank(), 0));
                Shape behind = none;
                behind[0] = missing;
                y = pad(y, none, behind);
            }
            all[i].push_back(y);
        }
    }
    if (all.empty()) c.refuse("the batch is empty");
    Results results;
    for (const std::vector<Tensor>& parts : all) results.emplace_back(stack(parts, 0));
    return results;
}

// ---- Loop

constexpr std::int64_t most_counted_steps = 10'000;

class Loop {
public:
    explicit Loop(NodeCall& call) : call_(call), has_condition_(call.has(1)) {
        for (std::size_t i = 2; i < call.size(); ++i) carried_.push_back(call.has(i) ? call.value(i) : Value());
        has_stacked_ = call.result_count() > carried_.size();
        if (call.has(0)) {
            const Value& count = call.value(0);
            if (count.known() || is_known(count)) count_ = ir::max(call.dim(0), 0);
        }
        if (has_condition_ && is_known(call.value(1)) && !known_truth(call, call.value(1))) count_ = Dim(0);
    }

    Results record() {
        const bool may_start = count_ == Dim(0) || !has_condition_ || is_known(call_.value(1));
        if (count_ && may_start)
            if (auto results = attempt([&] { return scan_of_steps(); })) return std::move(*results);
        if (!has_stacked_ && (call_.has(0) || has_condition_))
            if (auto results = attempt([&] { return while_loop(); })) return std::move(*results);
        if (!count_ || (count_->is_constant() && count_->constant() > most_counted_steps)) return step_by_step();
        try {
            return step_by_step();
        } catch (const NeedsInputs&) {
            if (auto results = attempt([&] { return counted_steps(); })) return std::move(*results);
            throw;
        } catch (const NeedsChanging&) {
            if (auto results = attempt([&] { return counted_steps(); })) return std::move(*results);
            throw;
        }
    }

private:
    template <class F>
    static std::optional<Results> attempt(const F& record) {
        try {
            return record();
        } catch (const NoRegion&) {
            return {};
        } catch (const NeedsChanging&) {
            return {};
        }
    }

    // The body's condition, and its other results.
    std::pair<Value, Values> step(const Value& number, const Value& condition, std::span<const Value> carried) const {
        Values arguments{number, condition};
        arguments.insert(arguments.end(), carried.begin(), carried.end());
        Values results = call_.run_body("body", arguments);
        check_results(call_, results.size(), 1 + carried.size());
        const Value goes_on = results[0];
        results.erase(results.begin());
        return {goes_on, std::move(results)};
    }
    static Value truth() { return Tensor::scalar(true); }

    // As many steps as the count says: nothing else ends it.
    Results scan_of_steps() const {
        Steps steps;
        steps.carried = carried_;
        steps.count = *count_;
        steps.slices = {arange(*count_)};
        steps.body = [this](std::span<const Value> carried, std::span<const Value> slices) {
            auto [goes_on, results] = step(slices[0], truth(), carried);
            if (has_condition_ && count_ != Dim(0) && (!is_known(goes_on) || !known_truth(call_, goes_on)))
                throw NoRegion();
            return results;
        };
        return recorded(steps);
    }

    // While the condition is true, and the count is not reached.
    Results while_loop() const {
        const std::vector<Tensor> initial = tensors_in_region(carried_);
        std::vector<Tensor> state{Tensor::scalar(std::int64_t{0}),
                                  has_condition_ ? truth_of(call_, call_.value(1).tensor()) : Tensor::scalar(true)};
        state.insert(state.end(), initial.begin(), initial.end());
        const Tensor most = call_.has(0) ? reshape(convert(call_[0], Dtype::i64), Shape{}) : Tensor();
        const auto condition = [&](std::span<const Tensor> now) -> std::vector<Tensor> {
            return {most.is_empty() ? now[1] : logical_and(now[1], now[0] < most)};
        };
        const auto body = [&](std::span<const Tensor> now) {
            Values carried;
            for (const Tensor& t : now.subspan(2)) carried.push_back(changing_value(t));
            auto [goes_on, results] = step(changing_value(now[0]), truth(), carried);
            results.resize(initial.size());  // nothing wants what would be stacked
            std::vector<Tensor> next{now[0] + 1, has_condition_ ? truth_of(call_, tensor_in_region(goes_on)) : now[1]};
            const std::vector<Tensor> tensors = tensors_in_region(results);
            if (!is_alike(initial, tensors)) throw NoRegion();
            next.insert(next.end(), tensors.begin(), tensors.end());
            return next;
        };
        const std::vector<Tensor> last = lathe::detail::record_while(state, condition, body, Where::current());
        return values_of(std::span<const Tensor>(last).subspan(2));
    }

    // As many steps as there may be. From the one on that the condition ends it with, nothing is done; what is stacked
    // is counted.
    Results counted_steps() const {
        const std::vector<Tensor> initial = tensors_in_region(carried_);
        std::vector<Tensor> state{has_condition_ ? truth_of(call_, call_.value(1).tensor()) : Tensor::scalar(true),
                                  Tensor::scalar(std::int64_t{0})};
        state.insert(state.end(), initial.begin(), initial.end());
        const auto body = [&](std::span<const Tensor> inputs) {
            const Tensor goes_on = inputs[0], done = inputs[1], number = inputs[2 + initial.size()];
            const std::span<const Tensor> carried = inputs.subspan(2, initial.size());
            std::vector<ir::Type> stacked;
            const auto with_step = [&](std::span<const Tensor>) {
                Values values;
                for (const Tensor& t : carried) values.push_back(changing_value(t));
                const auto [condition, results] = step(changing_value(number), truth(), values);
                std::vector<Tensor> next{
                    has_condition_ ? truth_of(call_, tensor_in_region(condition)) : Tensor::scalar(true), done + 1};
                const std::vector<Tensor> tensors = tensors_in_region(results);
                if (!is_alike(initial, tensors)) throw NoRegion();
                next.insert(next.end(), tensors.begin(), tensors.end());
                for (std::size_t i = initial.size(); i < tensors.size(); ++i) stacked.push_back(tensors[i].type());
                return next;
            };
            const auto without = [&](std::span<const Tensor>) {
                std::vector<Tensor> same(inputs.begin(),
                                         inputs.begin() + 2 + static_cast<std::ptrdiff_t>(initial.size()));
                for (const ir::Type& type : stacked) same.push_back(zeros(type.shape, type.dtype));
                return same;
            };
            return lathe::detail::record_cond(goes_on, {}, with_step, without, Where::current());
        };
        const std::vector<Tensor> numbers{arange(*count_)};
        const std::vector<Tensor> all =
            lathe::detail::record_scan(state, numbers, {.length = *count_}, body, Where::current());
        Results results;
        for (std::size_t i = 2; i < all.size(); ++i)
            results.push_back(i < state.size() ? Value(all[i]) : counted_value(all[i], 0, all[1]));
        return results;
    }

    // One after the other: the count and all conditions have to be known.
    Results step_by_step() const {
        if (call_.has(0) && !count_) call_.need_dims(0);
        if (has_condition_ && count_ != Dim(0) && !is_known(call_.value(1))) call_.need(1);
        if (!call_.has(0) && !has_condition_) call_.refuse("it never ends");
        if (count_ && !count_->is_constant())
            call_.refuse("the number of steps follows from extents that are not known");
        Steps steps;
        steps.carried = carried_;
        Value goes_on;
        std::int64_t number = 0;
        steps.body = [&](std::span<const Value> carried, std::span<const Value>) {
            auto [condition, results] = step(KnownIntegers::scalar(number++), truth(), carried);
            goes_on = condition;
            return results;
        };
        return unrolled(call_, steps, count_ ? count_->constant() : std::numeric_limits<std::int64_t>::max(), [&] {
            if (!has_condition_) return true;
            if (!is_known(goes_on)) call_.need(goes_on, "the condition of the next step");
            return known_truth(call_, goes_on);
        });
    }

    NodeCall& call_;
    bool has_condition_, has_stacked_ = false;
    std::optional<Dim> count_;  // where it is known
    Values carried_;
};

Results loop(NodeCall& c) { return Loop(c).record(); }

constexpr Operator rows[] = {
    {"If", branch},
    {"Loop", loop},
    {"Scan", scan_of_batch, Known::no, nullptr, nullptr, 8, 8},
    {"Scan", scan, Known::no, nullptr, nullptr, 9},
};

}  // namespace

Operators control_operators() { return rows; }

}  // namespace lathe::onnx
