#include "frontend/checkpoint/training_state.h"

#include <algorithm>

#include "frontend/checkpoint/checkpoint.h"
#include "frontend/tensor/blame.h"
#include "ir/error.h"

namespace lathe {

TrainingState& TrainingState::add(Part part, Where where) {
    const auto refuse = [&](const std::string& why) {
        throw UserError("TrainingState: '" + part.name + "' is no name of a part: " + why, detail::blame(where));
    };
    if (part.name.empty()) refuse("it is empty");
    if (part.name.find('.') != std::string::npos) refuse("it has a dot");
    if (std::ranges::find(parts_, part.name, &Part::name) != parts_.end()) refuse("another part has it");
    parts_.push_back(std::move(part));
    return *this;
}

TrainingState& TrainingState::add(std::string name, const nn::AnyModule& module, Where where) {
    const auto load = [module](const std::vector<NamedTensor>& state, Where w) {
        load_into(module, detail::checkpoint_of(state, {}, w).root, {}, w);
    };
    return add({std::move(name), [module](Where w) { return state_dict(module, w); }, load}, where);
}

std::vector<NamedTensor> TrainingState::tensors(Where where) const {
    std::vector<NamedTensor> out;
    for (const Part& part : parts_)
        for (const auto& [name, tensor] : part.state(where))
            out.emplace_back(part.name + "." + name, detail::value_of(tensor));
    return out;
}

void TrainingState::load(const CheckpointValue& values, Where where) const {
    std::vector<std::vector<NamedTensor>> states(parts_.size()), before(parts_.size());
    for (const auto& [path, tensor] : values.flatten(where)) {
        const std::size_t dot = path.find('.');
        const auto part = std::ranges::find(parts_, path.substr(0, dot), &Part::name);
        if (dot == std::string::npos || part == parts_.end())
            throw UserError("TrainingState: '" + path + "' belongs to no part of this training", detail::blame(where));
        states[static_cast<std::size_t>(part - parts_.begin())].emplace_back(path.substr(dot + 1), tensor);
    }
    for (std::size_t i = 0; i < parts_.size(); ++i)
        for (const auto& [name, tensor] : parts_[i].state(where))
            before[i].emplace_back(name, detail::value_of(tensor));
    std::size_t done = 0;
    try {
        for (; done < parts_.size(); ++done) parts_[done].load(states[done], where);
    } catch (...) {
        while (done-- > 0) parts_[done].load(before[done], where);
        throw;
    }
}

}  // namespace lathe
