#include "frontend/optim/averaging.h"

#include <fmt/format.h>

#include "frontend/functions/functions.h"
#include "frontend/functions/operand_checks.h"

namespace lathe::optim {

using lathe::detail::blame;
using lathe::detail::LocScope;

WeightAverage::WeightAverage(std::vector<Tensor> parameters, WeightAverageOptions options, Where where)
    : parameters_(std::move(parameters)), options_(options) {
    const LocScope scope(where, "WeightAverage");
    detail::require_variables("WeightAverage", parameters_, where);
    if (options_.decay) lathe::detail::require_between("WeightAverage", "decay", *options_.decay, 0, 1, where);
    for (const Tensor& p : parameters_) {
        const Tensor average = is_float(p.dtype()) ? convert(p, ir::accumulator_of(p.dtype())) : p;
        averages_.push_back(variable(lathe::detail::value_of(average), "average", false));
    }
    updates_ = variable(Tensor::scalar(0.0), "updates", false);
}

void WeightAverage::update(Where where) {
    const LocScope scope(where, "update");
    const Tensor is_first = updates_ == 0;
    std::vector<Tensor> next;
    for (std::size_t i = 0; i < averages_.size(); ++i) {
        const Tensor& average = averages_[i];
        const Tensor p = convert(parameters_[i], average.dtype());
        if (!is_float(p.dtype())) {
            next.push_back(lathe::detail::value_of(p));
        } else if (options_.decay) {
            next.push_back(lathe::where(is_first, p, average * *options_.decay + p * (1 - *options_.decay)));
        } else {
            next.push_back(lathe::where(is_first, p, average + (p - average) / convert(updates_ + 1, p.dtype())));
        }
    }
    next.push_back(updates_ + 1);
    if (!detail::is_traced()) eval(next, where);
    for (std::size_t i = 0; i < averages_.size(); ++i) averages_[i].set(next[i], where);
    updates_.set(next.back(), where);
}

void WeightAverage::copy_to(const std::vector<Tensor>& parameters, Where where) const {
    const LocScope scope(where, "copy_to");
    detail::require_variables("copy_to", parameters, where);
    if (parameters.size() != averages_.size())
        throw UserError(
            fmt::format("copy_to: {} averages do not go into {} parameters", averages_.size(), parameters.size()),
            blame(where));
    for (std::size_t i = 0; i < averages_.size(); ++i)
        parameters[i].set(convert(averages_[i], parameters_[i].dtype()), where);
}

void WeightAverage::apply(Where where) {
    const LocScope scope(where, "apply");
    detail::require_outside_of_traces("apply", "apply averages between the calls of a compiled function", where);
    if (!replaced_.empty()) throw UserError("apply: the averages are applied already", blame(where));
    for (const Tensor& p : parameters_) replaced_.push_back(lathe::detail::value_of(p));
    copy_to(parameters_, where);
}

void WeightAverage::restore(Where where) {
    const LocScope scope(where, "restore");
    if (replaced_.empty() && !parameters_.empty()) throw UserError("restore: no averages are applied", blame(where));
    for (std::size_t i = 0; i < replaced_.size(); ++i) parameters_[i].set(replaced_[i], where);
    replaced_.clear();
}

NamedState WeightAverage::named_state() const {
    NamedState all;
    for (std::size_t i = 0; i < averages_.size(); ++i) all.emplace_back(fmt::format("{}.average", i), averages_[i]);
    all.emplace_back("updates", updates_);
    return all;
}

void WeightAverage::load_state(const NamedState& state, Where where) {
    const LocScope scope(where, "load_state");
    detail::load_variables("WeightAverage", named_state(), state, where);
}

}  // namespace lathe::optim
