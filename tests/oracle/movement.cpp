// The same elements elsewhere.
#include "tests/oracle/call.h"

namespace lathe::oracle {
namespace {

using Tensors = std::vector<Tensor>;

// -1 stands for the extent that is there.
Tensors expanded(const Call& c) {
    const Tensor x = c.tensor(0);
    std::vector<std::int64_t> shape = c.integers(1, "size");
    const std::size_t added = shape.size() - x.rank();
    for (std::size_t i = 0; i < shape.size(); ++i)
        if (shape[i] < 0) shape[i] = x.shape()[i - added];
    return {broadcast_to(x, shape)};
}

Tensors reshaped(const Call& c) { return {reshape(c.tensor(0), c.integers(1, "shape"))}; }

Tensors transposed(const Call& c) {
    const Tensor x = c.tensor(0);
    if (x.rank() == 0) return {x};
    std::vector<std::int64_t> order(x.rank());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::int64_t>(i);
    const auto place = [&](std::size_t position, const char* name) -> std::int64_t& {
        const std::int64_t axis = c.integer(position, name);
        return order[static_cast<std::size_t>(axis < 0 ? axis + static_cast<std::int64_t>(order.size()) : axis)];
    };
    std::swap(place(1, "dim0"), place(2, "dim1"));
    return {transpose(x, order)};
}

Tensors last_two(const Call& c) {
    const Tensor x = c.tensor(0);
    return {x.rank() < 2 ? x : x.t()};
}

}  // namespace

Translations movement() {
    return {
        {"expand", expanded},
        {"broadcast_to", expanded},
        {"expand_copy", expanded},
        {"reshape", reshaped},
        {"view", reshaped},
        {"view_copy", reshaped},
        {"transpose", transposed},
        {"transpose_copy", transposed},
        {"t", last_two},
        {"t_copy", last_two},
        {"T", last_two},
        {"mT", last_two},
        {"mH", last_two},
        {"H", last_two},
        {"permute", [](const Call& c) -> Tensors { return {transpose(c.tensor(0), c.integers(1, "dims"))}; }},
        {"permute_copy", [](const Call& c) -> Tensors { return {transpose(c.tensor(0), c.integers(1, "dims"))}; }},
        {"cat",
         [](const Call& c) -> Tensors {
             const std::vector<Tensor> parts = c.tensors(0);
             for (const Tensor& part : parts)
                 if (part.rank() != parts[0].rank()) throw NotOurs("parts of several ranks");
             return {concat(parts, c.integer(1, "dim", 0))};
         }},
    };
}

}  // namespace lathe::oracle
