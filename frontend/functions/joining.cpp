#include "frontend/functions/joining.h"

#include <algorithm>

#include <fmt/format.h>

#include "frontend/functions/axis_arguments.h"
#include "frontend/functions/operand_checks.h"
#include "frontend/tensor/record.h"
#include "ir/functions/movement.h"
#include "ir/ops/ops.h"

namespace lathe {
namespace {

namespace f = ir::functions;
namespace ops = ir::ops;
using detail::axis_of;
using detail::blaming;
using detail::LocScope;
using detail::natural_axis;
using detail::refuse;
using detail::value_of;

// Along an axis, with extents of 1 in front up to a rank: a number is a vector of one, and a vector a row.
Tensor joined(std::span<const Tensor> parts, std::size_t least_rank, std::size_t axis, std::string_view function,
              Where where) {
    std::vector<Tensor> wide;
    for (const Tensor& part : parts) {
        Shape shape;
        for (std::size_t i = part.rank(); i < least_rank; ++i) shape.push_back(1);
        for (Dim d : part.type().shape) shape.push_back(d);
        wide.push_back(f::reshape(value_of(part), shape));
        f::require_same_dtype(function, parts[0], part);
        const Shape& first = wide[0].type().shape;
        if (shape.rank() != first.rank()) refuse(function, "the ranks differ", where);
        for (std::size_t i = 0; i < shape.rank(); ++i)
            if (i != axis && !f::may_be_equal(shape[i], first[i]))
                refuse(function,
                       fmt::format("the other extents differ: {} is not {} along axis {}", first[i].to_string(),
                                   shape[i].to_string(), i),
                       where);
    }
    return blaming(where, function, [&] { return f::concat(wide, static_cast<std::int64_t>(axis)); });
}

}  // namespace

Tensor concat(std::span<const Tensor> parts, std::int64_t axis, Where where) {
    const LocScope scope(where, "concat", parts);
    return detail::TensorRecorder::record(ops::concat, parts, {natural_axis(axis, parts[0])});
}

Tensor stack(std::span<const Tensor> parts, std::int64_t axis, Where where) {
    const LocScope scope(where, "stack", parts);
    const ir::Type& first = parts[0].type();
    detail::require_rank(first.shape.rank() + 1, "stack", where);
    const std::int64_t at = axis_of(axis, first.shape.rank() + 1, "stack", where);
    std::vector<Tensor> wide;
    for (const Tensor& part : parts) {
        if (part.dtype() != first.dtype || !f::may_be_equal(part.type().shape, first.shape))
            refuse("stack", "the types differ", where);
        wide.push_back(f::unsqueeze(value_of(part), {at}));
    }
    return f::concat(wide, at);
}

Tensor hstack(std::span<const Tensor> parts, Where where) {
    const LocScope scope(where, "hstack", parts);
    return joined(parts, 1, parts[0].rank() < 2 ? 0 : 1, "hstack", where);
}

Tensor vstack(std::span<const Tensor> parts, Where where) {
    const LocScope scope(where, "vstack", parts);
    return joined(parts, 2, 0, "vstack", where);
}

namespace {

// With axes of extent 1 at the end.
Tensor with_last_axes(const Tensor& x, std::size_t rank) {
    Shape shape = x.type().shape;
    while (shape.rank() < rank) shape.push_back(1);
    return f::reshape(value_of(x), shape);
}

}  // namespace

Tensor dstack(std::span<const Tensor> parts, Where where) {
    const LocScope scope(where, "dstack", parts);
    std::vector<Tensor> wide;
    for (const Tensor& part : parts)
        wide.push_back(with_last_axes(
            part.rank() < 2 ? f::reshape(value_of(part), Shape{1, part.type().shape.element_count()}) : part, 3));
    return joined(wide, 3, 2, "dstack", where);
}

Tensor column_stack(std::span<const Tensor> parts, Where where) {
    const LocScope scope(where, "column_stack", parts);
    std::vector<Tensor> wide;
    for (const Tensor& part : parts) wide.push_back(with_last_axes(part, 2));
    return joined(wide, 2, 1, "column_stack", where);
}

Tensor block_diag(std::span<const Tensor> parts, Where where) {
    const LocScope scope(where, "block_diag", parts);
    Dim columns = 0, before = 0;
    std::vector<Tensor> blocks;
    for (const Tensor& part : parts) {
        if (part.rank() > 2) refuse("block_diag", "wants matrices, of at most two dimensions", where);
        f::require_same_dtype("block_diag", parts[0], part);
        const Shape& shape = part.type().shape;
        blocks.push_back(part.rank() == 2 ? value_of(part)
                                          : f::reshape(value_of(part), Shape{1, shape.element_count()}));
        columns += blocks.back().type().shape[1];
    }
    return blaming(where, "block_diag", [&] {
        std::vector<Tensor> rows;
        for (const Tensor& block : blocks) {
            const Dim own = block.type().shape[1];
            rows.push_back(f::pad(block, f::number(block, 0), Shape{0, before}, Shape{0, columns - before - own}));
            before += own;
        }
        return f::concat(rows, 0);
    });
}

std::vector<Tensor> split(const Tensor& x, const std::vector<Dim>& sizes, std::int64_t axis, Where where) {
    const LocScope scope(where, "split", x);
    return blaming(where, "split", [&] {
        const std::int64_t a = axis_of(axis, x.rank(), "split", where);
        const Tensor value = value_of(x);
        const Dim extent = x.type().shape[static_cast<std::size_t>(a)];
        std::vector<Tensor> out;
        Dim start = 0;
        for (Dim size : sizes) {
            out.push_back(f::narrow(value, a, start, size));
            start += size;
        }
        if (start.is_constant() && extent.is_constant() && start != extent)
            refuse("split", fmt::format("the sizes add up to {}, not {}", start.constant(), extent.constant()), where);
        return out;
    });
}

std::vector<Tensor> chunk(const Tensor& x, std::int64_t count, std::int64_t axis, Where where) {
    const LocScope scope(where, "chunk", x);
    return blaming(where, "chunk", [&] {
        const std::int64_t a = axis_of(axis, x.rank(), "chunk", where);
        detail::require_at_least("chunk", "count", count, 1, where);
        const Tensor value = value_of(x);
        const Dim extent = x.type().shape[static_cast<std::size_t>(a)];
        const bool known = extent.is_constant();
        // Of nothing, PyTorch makes all of them.
        const std::int64_t size_of_each = known ? ceildiv(extent, count).constant() : 0;
        const std::int64_t parts = !known || size_of_each == 0 ? count : ceildiv(extent, size_of_each).constant();
        const Dim size = known ? Dim(size_of_each) : ceildiv(extent, count);
        std::vector<Tensor> out;
        for (std::int64_t i = 0; i < parts; ++i) {
            const Dim start = min(size * i, extent);
            out.push_back(f::narrow(value, a, start, min(size * (i + 1), extent) - start));
        }
        return out;
    });
}

std::vector<Tensor> tensor_split(const Tensor& x, std::int64_t count, std::int64_t axis, Where where) {
    const LocScope scope(where, "tensor_split", x);
    return blaming(where, "tensor_split", [&] {
        const std::int64_t a = axis_of(axis, x.rank(), "tensor_split", where);
        detail::require_at_least("tensor_split", "count", count, 1, where);
        const Tensor value = value_of(x);
        const Dim extent = x.type().shape[static_cast<std::size_t>(a)];
        const Dim size = floordiv(extent, count), longer = extent - size * count;
        const auto start = [&](std::int64_t i) { return size * i + min(longer, i); };
        std::vector<Tensor> out;
        for (std::int64_t i = 0; i < count; ++i) out.push_back(f::narrow(value, a, start(i), start(i + 1) - start(i)));
        return out;
    });
}

std::vector<Tensor> tensor_split(const Tensor& x, const std::vector<std::int64_t>& places, std::int64_t axis,
                                 Where where) {
    const LocScope scope(where, "tensor_split", x);
    return blaming(where, "tensor_split", [&] {
        const std::int64_t a = axis_of(axis, x.rank(), "tensor_split", where);
        const std::int64_t extent = x.extent(a, where);
        const Tensor value = value_of(x);
        std::vector<Tensor> out;
        std::int64_t start = 0;
        const auto part = [&](std::int64_t end) {
            out.push_back(f::narrow(value, a, start, std::max<std::int64_t>(end - start, 0)));
            start = end;
        };
        for (const std::int64_t place : places)
            part(std::clamp<std::int64_t>(place < 0 ? place + extent : place, 0, extent));
        part(extent);
        return out;
    });
}

namespace {

std::vector<Tensor> split_evenly(std::string_view function, const Tensor& x, std::int64_t count, std::size_t least_rank,
                                 std::int64_t axis, Where where) {
    const LocScope scope(where, function, x);
    if (x.rank() < least_rank)
        refuse(function, least_rank == 1 ? "wants an axis or more" : fmt::format("wants {} axes or more", least_rank),
               where);
    axis = std::min(axis, static_cast<std::int64_t>(x.rank()) - 1);
    const Dim extent = x.type().shape[static_cast<std::size_t>(axis)];
    detail::require_at_least(function, "count", count, 1, where);
    if (extent.is_constant() && extent.constant() % count != 0)
        refuse(function, fmt::format("{} elements are no multiple of {}", extent.constant(), count), where);
    return tensor_split(x, count, axis, where);
}

}  // namespace

std::vector<Tensor> hsplit(const Tensor& x, std::int64_t count, Where where) {
    return split_evenly("hsplit", x, count, 1, 1, where);
}
std::vector<Tensor> vsplit(const Tensor& x, std::int64_t count, Where where) {
    return split_evenly("vsplit", x, count, 2, 0, where);
}
std::vector<Tensor> dsplit(const Tensor& x, std::int64_t count, Where where) {
    return split_evenly("dsplit", x, count, 3, 2, where);
}

std::vector<Tensor> unbind(const Tensor& x, std::int64_t axis, Where where) {
    const LocScope scope(where, "unbind", x);
    const std::int64_t a = axis_of(axis, x.rank(), "unbind", where);
    const std::int64_t extent = x.extent(a, where);
    const Tensor value = value_of(x);
    Shape shape;
    for (std::size_t i = 0; i < x.rank(); ++i)
        if (static_cast<std::int64_t>(i) != a) shape.push_back(x.type().shape[i]);
    std::vector<Tensor> out;
    for (std::int64_t i = 0; i < extent; ++i) out.push_back(f::reshape(f::narrow(value, a, i, 1), shape));
    return out;
}

std::vector<Tensor> meshgrid(std::span<const Tensor> vectors, MeshIndexing indexing, Where where) {
    const LocScope scope(where, "meshgrid", vectors);
    detail::require_rank(vectors.size(), "meshgrid", where);
    const auto axis_of_vector = [&](std::size_t i) {
        return indexing == MeshIndexing::xy && i < 2 && vectors.size() > 1 ? 1 - i : i;
    };
    Shape all(std::vector<Dim>(vectors.size(), 1));
    for (std::size_t i = 0; i < vectors.size(); ++i) {
        if (vectors[i].rank() > 1) refuse("meshgrid", "wants vectors, of at most one dimension", where);
        all[axis_of_vector(i)] = vectors[i].type().shape.element_count();
    }
    std::vector<Tensor> out;
    for (std::size_t i = 0; i < vectors.size(); ++i) {
        Shape along(std::vector<Dim>(vectors.size(), 1));
        along[axis_of_vector(i)] = all[axis_of_vector(i)];
        out.push_back(f::broadcast_to(f::reshape(value_of(vectors[i]), along), all));
    }
    return out;
}

std::vector<Tensor> broadcast_tensors(std::span<const Tensor> parts, Where where) {
    const LocScope scope(where, "broadcast_tensors", parts);
    std::size_t rank = 0;
    for (const Tensor& part : parts) rank = std::max(rank, part.rank());
    Shape all(std::vector<Dim>(rank, 1));
    for (const Tensor& part : parts)
        for (std::size_t i = 0; i < part.rank(); ++i) {
            const Dim own = part.type().shape[i];
            Dim& common = all[i + rank - part.rank()];
            if (own == Dim(1)) continue;
            if (common != Dim(1) && !f::may_be_equal(own, common))
                refuse("broadcast_tensors",
                       fmt::format("the shapes do not broadcast: {} is not {} along axis {}", own.to_string(),
                                   common.to_string(), i + rank - part.rank()),
                       where);
            if (common == Dim(1) || own.is_constant()) common = own;
        }
    std::vector<Tensor> out;
    for (const Tensor& part : parts) out.push_back(f::broadcast_to(value_of(part), all));
    return out;
}

Tensor cartesian_prod(std::span<const Tensor> vectors, Where where) {
    const LocScope scope(where, "cartesian_prod", vectors);
    if (vectors.size() == 1) return f::reshape(value_of(vectors[0]), Shape{vectors[0].type().shape.element_count()});
    std::vector<Tensor> columns;
    for (const Tensor& x : meshgrid(vectors, MeshIndexing::ij, where))
        columns.push_back(f::reshape(x, Shape{x.type().shape.element_count()}));
    return stack(columns, 1, where);
}

Tensor combinations(const Tensor& x, std::int64_t count, bool repeated, Where where) {
    const LocScope scope(where, "combinations", x);
    if (x.rank() != 1) refuse("combinations", fmt::format("wants a vector, not rank {}", x.rank()), where);
    detail::require_at_least("combinations", "count", count, 1, where);
    const std::int64_t n = x.extent(0, where);
    std::vector<std::int64_t> chosen(static_cast<std::size_t>(count)), all;
    // Counts up, the last one fastest, each at least as great as the one before, or greater.
    const std::int64_t apart = repeated ? 0 : 1;
    for (std::size_t i = 0; i < chosen.size(); ++i) chosen[i] = static_cast<std::int64_t>(i) * apart;
    const auto greatest = [&](std::size_t i) {
        return n - 1 - apart * static_cast<std::int64_t>(chosen.size() - 1 - i);
    };
    while (n > 0 && chosen[0] <= greatest(0)) {
        all.insert(all.end(), chosen.begin(), chosen.end());
        std::size_t i = chosen.size() - 1;
        while (i > 0 && chosen[i] == greatest(i)) --i;
        ++chosen[i];
        for (std::size_t k = i + 1; k < chosen.size(); ++k) chosen[k] = chosen[k - 1] + apart;
    }
    const auto choices = static_cast<std::int64_t>(all.size()) / count;
    const Tensor value = value_of(x);
    const ir::Literal places = ir::make_literal({Dtype::i64, Shape{choices, count}}, std::as_bytes(std::span(all)));
    return ops::gather.with({std::int64_t{0}}, value, detail::TensorRecorder::constant_like(value, places, {}));
}

}  // namespace lathe
