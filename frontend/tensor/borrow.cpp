// Memory of the host's as tensors.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "frontend/functions/movement.h"
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

// How far in front of the first element, and behind it, elements lie.
struct Reach {
    std::int64_t before = 0, behind = 0;
};
std::optional<Reach> reach_of(const Extents& shape, const Extents& strides) {
    Reach reach;
    for (std::size_t i = 0; i < shape.size(); ++i) {
        std::int64_t distance = 0;
        std::int64_t& side = strides[i] < 0 ? reach.before : reach.behind;
        if (strides[i] == INT64_MIN || __builtin_mul_overflow(shape[i] - 1, std::abs(strides[i]), &distance) ||
            __builtin_add_overflow(side, distance, &side))
            return std::nullopt;
    }
    return reach;
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
    const bool in_place =
        reinterpret_cast<std::uintptr_t>(data) % size_of(dtype) == 0 && dtype != Dtype::boolean && count > 0;
    const bool dense = !given || count == 0 || is_dense(shape, strides);
    if (in_place && dense) {
        auto held = std::make_unique<std::shared_ptr<const void>>(std::move(owner));
        runtime::Buffer buffer = runtime::Buffer::adopt(
            const_cast<void*>(data), bytes,
            [](void* holder) { delete static_cast<std::shared_ptr<const void>*>(holder); }, held.get());
        (void)held.release();
        return Tensor(detail::leaf(type, std::move(buffer)));
    }
    if (in_place) {
        // All that lies between its ends, and a view of it.
        const std::optional<Reach> reach = reach_of(shape, strides);
        if (!reach || reach->before > INT64_MAX / 2 || reach->behind >= INT64_MAX / 2)
            throw UserError("borrow: the strides are too large, for " + type.to_string(), detail::blame(where));
        const auto* const first =
            static_cast<const std::byte*>(data) - reach->before * static_cast<std::int64_t>(size_of(dtype));
        const Tensor all = borrow_as(dtype, first, {reach->before + reach->behind + 1}, {}, std::move(owner), where);
        const auto as_shape = [](const Extents& list) { return Shape(std::vector<Dim>(list.begin(), list.end())); };
        return as_strided(all, as_shape(shape), as_shape(strides), reach->before, where);
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
