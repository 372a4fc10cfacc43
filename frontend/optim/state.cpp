#include "frontend/optim/state.h"

#include <map>
#include <unordered_map>

#include <fmt/format.h>

#include "frontend/optim/settings.h"
#include "frontend/trace/trace.h"

namespace lathe::optim::detail {

using lathe::detail::blame;
using lathe::detail::refuse;

std::vector<Tensor> match_state(std::string_view owner, const NamedState& own, const NamedState& given, Where where) {
    std::string faults;
    const auto add = [&](const std::string& fault) { faults += (faults.empty() ? "" : "; ") + fault; };
    std::map<std::string_view, Tensor> by_name;
    for (const auto& [name, value] : given)
        if (!by_name.emplace(name, value).second) add(fmt::format("\"{}\" is given twice", name));
    std::vector<Tensor> values;
    for (const auto& [name, variable] : own) {
        const auto found = by_name.find(name);
        if (found == by_name.end()) {
            add(fmt::format("\"{}\" is missing", name));
            continue;
        }
        const Tensor& value = found->second;
        if (value.is_empty())
            add(fmt::format("\"{}\" is empty", name));
        else if (value.type() != variable.type())
            add(fmt::format("\"{}\" is {}, not {}", name, value.type().to_string(), variable.type().to_string()));
        values.push_back(lathe::detail::value_of(value));
        by_name.erase(found);
    }
    for (const auto& [name, value] : by_name) add(fmt::format("\"{}\" is not of this state", name));
    if (!faults.empty()) throw TypeError(fmt::format("load_state: {}: {}", owner, faults), blame(where));
    return values;
}

void load_variables(std::string_view owner, const NamedState& own, const NamedState& given, Where where) {
    const std::vector<Tensor> values = match_state(owner, own, given, where);
    for (std::size_t i = 0; i < own.size(); ++i) own[i].second.set(values[i], where);
}

void require_variables(std::string_view owner, std::span<const Tensor> parameters, Where where) {
    std::unordered_map<const void*, std::size_t> places;
    for (std::size_t i = 0; i < parameters.size(); ++i) {
        const Tensor& p = parameters[i];
        if (!p.is_variable())
            throw UserError(fmt::format("{}: parameter {} is no variable ({})", owner, i,
                                        p.is_empty() ? "empty" : p.type().to_string()),
                            blame(where));
        const auto [first, fresh] = places.emplace(p.node().get(), i);
        if (!fresh)
            throw UserError(fmt::format("{}: parameters {} and {} are the same variable", owner, first->second, i),
                            blame(where));
    }
}

bool is_traced() { return Trace::current() != nullptr; }

void require_outside_of_traces(std::string_view function, std::string_view instead, Where where) {
    if (is_traced())
        throw UserError(fmt::format("{}: it needs values, which a function that is being traced does not have; {}",
                                    function, instead),
                        blame(where));
}

void require_within(std::string_view optimizer, std::string_view option, double number, Range range, Where where) {
    const auto wants = [&](bool fits, std::string_view what) {
        if (!fits) refuse(optimizer, fmt::format("{} is {}, not {}", option, number, what), where);
    };
    switch (range) {
        case Range::any:
            wants(number == number, "a number");
            break;
        case Range::not_negative:
            wants(number >= 0, "0 or more");
            break;
        case Range::above_zero:
            wants(number > 0, "above 0");
            break;
        case Range::below_one:
            wants(number >= 0 && number < 1, "in [0, 1)");
            break;
    }
}

}  // namespace lathe::optim::detail
