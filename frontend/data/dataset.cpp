#include "frontend/data/dataset.h"

#include <cmath>
#include <cstring>
#include <numeric>

#include <fmt/format.h>

#include "frontend/functions/functions.h"
#include "frontend/tensor/blame.h"
#include "ir/error.h"

namespace lathe::data::detail {
namespace {

// Memory that a tensor reads where it lies.
Tensor adopted(Dtype dtype, std::vector<std::byte> bytes, const std::vector<std::int64_t>& shape) {
    const auto owner = std::make_shared<const std::vector<std::byte>>(std::move(bytes));
    return Tensor::borrow_as(dtype, owner->data(), shape, {}, owner);
}

}  // namespace

std::int64_t row_count(std::span<const Tensor> tensors, Where where) {
    using lathe::detail::refuse;
    if (tensors.empty()) refuse("Rows", "there are no tensors", where);
    std::int64_t count = -1;
    for (const Tensor& x : tensors) {
        if (x.rank(where) == 0)
            refuse("Rows", fmt::format("a tensor has no axis ({})", x.type(where).to_string()), where);
        if (count >= 0 && x.extent(0, where) != count)
            refuse("Rows", fmt::format("tensors have {} and {} rows", count, x.extent(0, where)), where);
        count = x.extent(0, where);
    }
    eval(tensors, where);
    return count;
}

Tensor rows_of(const Tensor& x, std::span<const std::int64_t> rows) {
    std::vector<std::int64_t> shape = x.shape();
    const std::int64_t count = shape[0];
    const std::span<const std::byte> from = x.bytes();
    const std::size_t each = count == 0 ? 0 : from.size() / static_cast<std::size_t>(count);
    std::vector<std::byte> bytes(each * rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
        if (rows[i] < 0 || rows[i] >= count)
            throw IndexError(fmt::format("Rows: there is no row {} among {}", rows[i], count),
                             lathe::detail::blame({}));
        if (each > 0)
            std::memcpy(bytes.data() + i * each, from.data() + static_cast<std::size_t>(rows[i]) * each, each);
    }
    shape[0] = static_cast<std::int64_t>(rows.size());
    return adopted(x.dtype(), std::move(bytes), shape);
}

Tensor row_of(const Tensor& x, std::int64_t i) {
    const Tensor row = rows_of(x, std::span(&i, 1));
    const std::vector<std::int64_t> shape = x.shape();
    return row.reshape(Shape(std::vector<std::int64_t>(shape.begin() + 1, shape.end())));
}

Tensor stacked(std::span<const Tensor> parts) {
    eval(parts);
    std::vector<std::byte> bytes;
    const ir::Type type = parts[0].type();
    for (const Tensor& x : parts) {
        if (x.type() != type)
            throw TypeError(fmt::format("a batch: samples differ: {} and {}", type.to_string(), x.type().to_string()),
                            lathe::detail::blame({}));
        const std::span<const std::byte> own = x.bytes();
        if (bytes.empty()) bytes.reserve(own.size() * parts.size());
        bytes.insert(bytes.end(), own.begin(), own.end());
    }
    std::vector<std::int64_t> shape = parts[0].shape();
    shape.insert(shape.begin(), static_cast<std::int64_t>(parts.size()));
    return adopted(type.dtype, std::move(bytes), shape);
}

std::vector<std::int64_t> order_of(std::int64_t n, nn::Generator* random, Where where) {
    if (random != nullptr) return random_permutation(random->next_key(where), n, where).to_vector<std::int64_t>();
    std::vector<std::int64_t> order(static_cast<std::size_t>(n));
    std::iota(order.begin(), order.end(), 0);
    return order;
}

std::int64_t share_of(std::int64_t n, double share, Where where) {
    if (!(share >= 0 && share <= 1))
        lathe::detail::refuse("split", fmt::format("the share is {}, not in [0, 1]", share), where);
    return static_cast<std::int64_t>(std::floor(static_cast<double>(n) * share));
}

}  // namespace lathe::data::detail
