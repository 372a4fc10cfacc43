// What outlives a process: state by name, for files of any format.
//
//   for (auto& [name, value] : optimizer.named_state()) ...      // "0.first_moment", "groups.0.learning_rate", ...
//   optimizer.load_state(state);                                 // all of it, or an error that lists what is wrong
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "frontend/tensor/named_tensor.h"

namespace lathe::optim {

using NamedState = std::vector<NamedTensor>;

namespace detail {

// The given values in the order of `own`. Throws one TypeError that lists all names that are missing, unknown or given
// twice, and all values of another type.
std::vector<Tensor> match_state(std::string_view owner, const NamedState& own, const NamedState& given, Where where);
// Sets the variables in `own` to what is given.
void load_variables(std::string_view owner, const NamedState& own, const NamedState& given, Where where);

// Throws where a tensor is no variable, or is there twice.
void require_variables(std::string_view owner, std::span<const Tensor> parameters, Where where);

bool is_traced();
// Throws within a trace: what the function does is done once, on the host, and not whenever a compiled function runs.
void require_outside_of_traces(std::string_view function, std::string_view instead, Where where);

}  // namespace detail
}  // namespace lathe::optim
