// Variables by paths, without modules: for functions that make what they need.
//
//   nn::VarStore store;
//   Tensor w = (store / "fc1").variable("weight", {64, 10}, nn::init::xavier_uniform(random));
//   optim::Adam optimizer(store.parameters());
//   for (auto& [path, p] : store.named_parameters()) ...      // "fc1.weight"
#pragma once

#include <string>
#include <utility>

#include "frontend/nn/init.h"
#include "frontend/nn/module.h"

namespace lathe::nn {

// A place in a tree of variables; copies are handles of it. It is a module that computes nothing: what all modules
// have, as named_parameters(), train() and freeze(), holds for what is below the place.
class VarStore final : public AnyModule {
public:
    VarStore() : AnyModule(OfLibrary{}) {}

    // The place below, which is made where there is none.
    VarStore operator/(const std::string& name) const;
    // UserErrors where the name is taken.
    Parameter variable(const std::string& name, const Shape& shape, const init::Initializer& init,
                       Dtype dtype = Dtype::f32, Where where = Where::current());
    Buffer buffer(const std::string& name, const Tensor& value, Where where = Where::current()) {
        return register_buffer(name, value, true, where);
    }
    template <std::derived_from<AnyModule> M>
    M add(const std::string& name, M module, Where where = Where::current()) {
        return register_module(name, std::move(module), where);
    }

private:
    explicit VarStore(const AnyModule& place) : AnyModule(place) {}
};

}  // namespace lathe::nn
