#include "frontend/nn/shared.h"

#include "frontend/tensor/node.h"

namespace lathe::detail {

constinit thread_local CloneScope* CloneScope::current_ = nullptr;

Tensor CloneScope::copy(const Tensor& original) {
    Tensor& made = variables_[original.node().get()];
    if (made.is_empty()) {
        const VariableData& data = *original.node()->variable;
        made = variable(value_of(original), data.name, data.trainable.value(), where_);
    }
    return made;
}

}  // namespace lathe::detail
