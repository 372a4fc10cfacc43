// All that a training goes on from, as tensors for one file.
//
//   TrainingState state;
//   state.add("network", network);
//   state.add("optimizer", optimizer);
//   state.add("random", random);                 // and schedules, averages, scalers, loaders
//   CheckpointFolder folder("runs/a");
//   if (const auto saved = folder.latest()) state.load(saved->checkpoint.root);
//   ...
//   folder.save(step, state.tensors());
#pragma once

#include <concepts>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "frontend/checkpoint/checkpoint_value.h"
#include "frontend/checkpoint/module_state.h"
#include "frontend/tensor/where.h"

namespace lathe {

// What gives its state by name, and takes it back.
template <class P>
concept Stateful = requires(P& part, const std::vector<NamedTensor>& state, Where where) {
    { part.named_state() } -> std::convertible_to<std::vector<NamedTensor>>;
    part.load_state(state, where);
};

class TrainingState {
public:
    // A part, which has to outlive this. Its tensors are called "NAME.", and what it calls them. Throws UserError where
    // the name is empty, taken, or has a dot.
    template <Stateful P>
    TrainingState& add(std::string name, P& part, Where where = Where::current()) {
        return add({std::move(name), [&part](Where) { return part.named_state(); },
                    [&part](const std::vector<NamedTensor>& state, Where w) { part.load_state(state, w); }},
                   where);
    }
    // By the paths of state_dict().
    TrainingState& add(std::string name, const nn::AnyModule& module, Where where = Where::current());

    // The values of the time.
    std::vector<NamedTensor> tensors(Where where = Where::current()) const;
    // Gives each part what tensors() had of it. All of them or none: after an error nothing has changed. Throws the
    // part's error where its state does not fit, UserError where a tensor belongs to no part.
    void load(const CheckpointValue& values, Where where = Where::current()) const;

private:
    struct Part {
        std::string name;
        std::function<std::vector<NamedTensor>(Where where)> state;
        std::function<void(const std::vector<NamedTensor>& state, Where where)> load;
    };
    TrainingState& add(Part part, Where where);
    std::vector<Part> parts_;
};

}  // namespace lathe
