// One case for each module of nn, or more: what tests of all of them go through. tests/reference/modules.py has those
// of PyTorch under the same names.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "frontend/nn/nn.h"

namespace lathe::testing_support {

// A module of any signature, with the calls that need its class.
struct BuiltModule {
    nn::AnyModule module;
    std::function<std::vector<Tensor>(std::span<const Tensor>)> call;
    std::function<BuiltModule()> copy, clone;
};

struct ModuleCase {
    std::string name;
    std::vector<std::vector<std::int64_t>> inputs;
    std::function<BuiltModule(Dtype)> make;
    bool draws = false;     // random numbers, in training
    bool integers = false;  // as inputs
    bool in_pytorch = true;

    // Elements that follow a formula, the same ones as in modules.py.
    std::vector<Tensor> make_inputs(Dtype dtype) const;
};
const std::vector<ModuleCase>& module_cases();

// Sets all variables but counts to elements of the formula, laid out as PyTorch's.
void fill_as_reference(const nn::AnyModule& module);

}  // namespace lathe::testing_support
