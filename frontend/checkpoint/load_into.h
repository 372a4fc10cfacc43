// Values of a checkpoint for the variables of a model.
//
//   load_into(model, checkpoint.root, {.prefix = "module."});
#pragma once

#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "frontend/checkpoint/checkpoint_value.h"
#include "frontend/tensor/where.h"

namespace lathe {

namespace nn {
class AnyModule;
}

// A variable that takes the value of a name.
struct LoadTarget {
    LoadTarget(std::string name, Tensor variable, bool transposed = false)
        : name(std::move(name)), variable(std::move(variable)), transposed(transposed) {}
    LoadTarget(const NamedTensor& named)
        : LoadTarget(named.first, named.second) {}  // NOLINT(google-explicit-constructor)

    std::string name;
    Tensor variable;
    // The file has the transpose, of the last two axes: as weights of PyTorch's linear layers, [outputs, inputs], are
    // of ones that are [inputs, outputs].
    bool transposed = false;
};

struct LoadOptions {
    // Names of the checkpoint that do not begin so are passed over; of the others this is taken off.
    std::string prefix = {};
    // Then, in order, each text is replaced by the other wherever it stands in a name.
    std::vector<std::pair<std::string, std::string>> replace = {};
    // Then, whatever else: the name of the variable for one of the checkpoint. An empty one passes it over.
    std::function<std::string(const std::string& name)> rename = {};
    // Refuses variables that no name is for, and names that no variable is for. Otherwise both are passed over; shapes
    // and dtypes have to fit all the same.
    bool strict = true;
    bool convert = false;  // converts dtypes, as cast() does; otherwise they have to be the same
};

struct LoadReport {
    std::vector<std::string> missing;     // variables that kept their values
    std::vector<std::string> unexpected;  // names, as renamed, that no variable took
};

// Gives variables the values of a checkpoint's tensors, by name: flatten() says how they are called. All of them or
// none: after an error no variable has changed. Throws UserError that lists all that is missing, unexpected or does not
// fit. Names of which several end up as one are refused.
LoadReport load_into(std::span<const LoadTarget> targets, const CheckpointValue& values,
                     const LoadOptions& options = {}, Where where = Where::current());
LoadReport load_into(const std::vector<NamedTensor>& variables, const CheckpointValue& values,
                     const LoadOptions& options = {}, Where where = Where::current());
}  // namespace lathe
