#include "frontend/nn/var_store.h"

namespace lathe::nn {

VarStore VarStore::operator/(const std::string& name) const {
    for (const auto& [known, child] : named_children())
        if (known == name) return VarStore(child);
    VarStore place;
    VarStore(*this).register_child(name, place);
    return place;
}

Parameter VarStore::variable(const std::string& name, const Shape& shape, const init::Initializer& init, Dtype dtype,
                             Where where) {
    return register_parameter(name, init(shape, dtype, Layout::same, where), Layout::same, where);
}

}  // namespace lathe::nn
