#include "frontend/checkpoint/module_state.h"

#include "frontend/tensor/blame.h"

namespace lathe {

std::vector<NamedTensor> state_dict(const nn::AnyModule& module, Where where) {
    const detail::LocScope scope(where, "state_dict");
    std::vector<NamedTensor> out;
    for (const auto& [path, variable, layout] : module.state())
        out.emplace_back(path, layout == nn::Layout::transposed ? variable.t(where) : detail::value_of(variable));
    return out;
}

LoadReport load_into(const nn::AnyModule& module, const CheckpointValue& values, const LoadOptions& options,
                     Where where) {
    std::vector<LoadTarget> targets;
    for (const auto& [path, variable, layout] : module.state())
        targets.emplace_back(path, variable, layout == nn::Layout::transposed);
    return load_into(targets, values, options, where);
}

}  // namespace lathe
