// What a function of tensors records while it runs on stand-ins, as a region: loops, branches and vmap need it.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "frontend/tensor/node.h"
#include "frontend/tensor/tree.h"
#include "ir/attribute.h"

namespace lathe::detail {

// A function that ran, and what it recorded. While it runs, values may not be asked for, nor variables set.
struct Recorded {
    std::uint32_t serial = 0;
    std::vector<NodeRef> inputs, outputs;
};
// Errors speak in the name of `function`.
Recorded run_body(std::string_view function, const TensorFunction& body, std::span<const ir::Type> types, Where where);

// Regions that get the same values from outside.
class Captures {
public:
    explicit Captures(std::vector<Recorded> regions);
    const std::vector<NodeRef>& values() const { return values_; }
    // Its parameters are the function's arguments, then the captured values.
    ir::Region region(std::size_t i, std::string name) const;

private:
    void collect(const Recorded& region);

    std::vector<Recorded> regions_;
    std::vector<NodeRef> values_;
};

std::vector<NodeRef> operands_of(std::span<const Tensor> tensors);
std::vector<Tensor> tensors_of_nodes(std::vector<NodeRef> nodes);
std::vector<ir::Type> types_of(std::span<const NodeRef> nodes);

}  // namespace lathe::detail
