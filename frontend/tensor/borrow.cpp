// Memory of the host's as tensors.
#include <algorithm>
#include <cstring>

#include "frontend/tensor/convert.h"
#include "frontend/tensor/run_plan.h"
#include "frontend/tensor/tensor.h"
#include "ir/error.h"

namespace lathe {
namespace {

using Extents = std::vector<std::int64_t>;

// Of extents without elements, and along those of 1, strides say nothing.
bool is_dense(const Extents& shape, const Extents& strides) {
    std::int64_t wanted = 1;
    for (std::size_t i = shape.size(); i > 0; --i) {
        if (shape[i - 1] != 1 && strides[i - 1] != wanted) return false;
        wanted *= shape[i - 1];
    }
    return true;
}

// Row by row.
void copy_dense(const std::byte* from, std::byte* to, const Extents& shape, const Extents& strides, std::size_t size) {
    const std::size_t rank = shape.size();
    const std::int64_t row = rank == 0 ? 1 : shape[rank - 1], step = rank == 0 ? 1 : strides[rank - 1];
    const auto bytes = static_cast<std::int64_t>(size);
    Extents at(rank, 0);
    while (true) {
        std::int64_t start = 0;
        for (std::size_t i = 0; i + 1 < rank; ++i) start += at[i] * strides[i];
        for (std::int64_t i = 0; i < row; ++i, to += size) std::memcpy(to, from + (start + i * step) * bytes, size);
        std::size_t axis = rank < 2 ? 0 : rank - 1;
        while (axis > 0 && ++at[axis - 1] == shape[axis - 1]) at[--axis] = 0;
        if (axis == 0) return;
    }
}

}  // namespace

Tensor Tensor::borrow_as(Dtype dtype, const void* data, const Extents& shape, const Extents& strides,
                         std::shared_ptr<const void> owner, Where where) {
    const detail::LocScope scope(where);
    const ir::Type type = detail::type_in_memory(dtype, shape, "borrow", where);
    const bool given = !strides.empty();
    if (given && strides.size() != shape.size())
        throw TypeError("borrow: " + std::to_string(strides.size()) + " strides of " + type.to_string(),
                        detail::blame(where));
    const auto count = static_cast<std::size_t>(type.shape.element_count().constant());
    const std::size_t bytes = count * size_of(dtype);
    if (count > 0 && data == nullptr)
        throw UserError("borrow: no memory, for " + type.to_string(), detail::blame(where));
    const bool aligned = reinterpret_cast<std::uintptr_t>(data) % size_of(dtype) == 0;
    const bool dense = !given || count == 0 || is_dense(shape, strides);
    if (count > 0 && dense && aligned && dtype != Dtype::boolean) {
        auto held = std::make_unique<std::shared_ptr<const void>>(std::move(owner));
        runtime::Buffer buffer = runtime::Buffer::adopt(
            const_cast<void*>(data), bytes,
            [](void* holder) { delete static_cast<std::shared_ptr<const void>*>(holder); }, held.get());
        (void)held.release();
        return Tensor(detail::leaf(type, std::move(buffer)));
    }
    runtime::Buffer buffer = detail::allocate_tensor(bytes);
    if (dense && bytes > 0)
        std::memcpy(buffer.data(), data, bytes);
    else if (count > 0)
        copy_dense(static_cast<const std::byte*>(data), buffer.data(), shape, strides, size_of(dtype));
    detail::normalize(dtype, buffer.data(), bytes);
    return Tensor(detail::leaf(type, std::move(buffer)));
}

}  // namespace lathe
