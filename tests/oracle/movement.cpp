// The same elements elsewhere.
#include <algorithm>
#include <span>

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

std::int64_t rank_of(const Tensor& x) { return static_cast<std::int64_t>(x.rank()); }

Tensor at_least(Tensor x, std::size_t rank) {
    while (x.rank() < rank) x = x.rank() == 2 ? unsqueeze(x, 2) : unsqueeze(x, 0);
    return x;
}

Tensors squeezed(const Call& c) {
    const Tensor x = c.tensor(0);
    if (c.argument(1, "dim").is_null()) return {squeeze(x)};
    std::vector<std::int64_t> axes;
    for (const std::int64_t axis : c.integers(1, "dim")) {
        if (x.rank() == 0) continue;
        // Others stay as they are there.
        if (x.shape()[static_cast<std::size_t>(axis < 0 ? axis + rank_of(x) : axis)] == 1) axes.push_back(axis);
    }
    return {axes.empty() ? x : squeeze(x, axes)};
}

Tensors rolled(const Call& c) {
    Tensor x = c.tensor(0);
    const std::vector<std::int64_t> shifts = c.integers(1, "shifts"), axes = c.integers(2, "dims");
    if (axes.empty()) return {x.rank() == 0 ? x : roll(x, shifts[0])};
    for (std::size_t i = 0; i < axes.size(); ++i)
        if (x.rank() > 0) x = roll(x, shifts[i], axes[i]);
    return {x};
}

// More counts than axes add axes in front.
Tensors tiled(const Call& c) {
    const Tensor x = c.tensor(0);
    return {tile(x, c.integers(1, c.op() == "tile" ? "dims" : "repeats"))};
}

Tensors repeated(const Call& c) {
    c.expect_names({"repeats", "dim", "output_size"});
    const Json& repeats = c.argument(1, "repeats");
    if (!repeats.is_number()) throw NotOurs("counts that are data, in a trace");
    const Json& dim = c.argument(2, "dim");
    const Tensor x = dim.is_null() ? reshape(c.tensor(0), {-1}) : c.tensor(0);
    return {repeat_interleave(x, Dim(repeats.get<std::int64_t>()), dim.is_null() ? 0 : dim.get<std::int64_t>())};
}

Tensors split_up(const Call& c) {
    const std::int64_t axis = c.integer(2, "dim", 0);
    if (const Json& size = c.argument(1); size.is_number()) {
        const Tensor x = c.tensor(0);
        const std::int64_t n = size, all = x.shape()[static_cast<std::size_t>(axis < 0 ? axis + rank_of(x) : axis)];
        std::vector<Dim> sizes;
        for (std::int64_t at = 0; at < all; at += n) sizes.emplace_back(std::min(n, all - at));
        return split(x, sizes, axis);
    }
    std::vector<Dim> sizes;
    for (const std::int64_t n : c.integers(1)) sizes.emplace_back(n);
    return split(c.tensor(0), sizes, axis);
}

// PyTorch's amounts begin with the last axis.
Tensors padded(const Call& c) {
    const Tensor x = c.tensor(0);
    const std::vector<std::int64_t> amounts = c.integers(1, "pad");
    std::vector<std::int64_t> low(x.rank(), 0), high(x.rank(), 0);
    for (std::size_t i = 0; i + 1 < amounts.size(); i += 2) {
        low[x.rank() - 1 - i / 2] = amounts[i];
        high[x.rank() - 1 - i / 2] = amounts[i + 1];
    }
    const bool is_plain = c.op() == "constant_pad_nd";
    const std::string mode = is_plain ? "constant" : c.text(2, "mode", "constant");
    if (mode == "constant") return {pad(x, low, high, c.number(is_plain ? 2 : 3, "value", 0))};
    for (const std::int64_t amount : amounts)
        if (amount < 0) throw NotOurs("copies of elements beside others that are removed");
    return {pad(x, low, high,
                mode == "reflect"     ? PadMode::reflect
                : mode == "replicate" ? PadMode::replicate
                                      : PadMode::circular)};
}

template <Tensor (*triangle)(const Tensor&, std::int64_t, Where)>
Tensors triangles(const Call& c) {
    return {triangle(c.tensor(0), c.integer(1, "diagonal", 0), Where::current())};
}

Tensors diagonals(const Call& c) {
    const bool last = c.op() == "linalg.diagonal";
    return {diagonal(c.tensor(0), c.integer(1, "offset", 0), c.integer(2, "dim1", last ? -2 : 0),
                     c.integer(3, "dim2", last ? -1 : 1))};
}
Tensors embedded(const Call& c) {
    const std::int64_t first = c.integer(2, "dim1", -2), second = c.integer(3, "dim2", -1);
    if (first != -2 || second != -1) throw NotOurs("diagonals of other axes than the last two");
    return {diag_embed(c.tensor(0), c.integer(1, "offset", 0))};
}

Tensors meshes(const Call& c) {
    std::vector<Tensor> all;
    if (c.argument(0).is_array())
        all = c.tensors(0);
    else
        for (std::size_t i = 0; i < c.size(); ++i) all.push_back(c.tensor(i));
    for (Tensor& x : all) x = reshape(x, {-1});
    return meshgrid(all, c.text(99, "indexing", "ij") == "xy" ? MeshIndexing::xy : MeshIndexing::ij);
}

template <Tensor (*join)(std::span<const Tensor>, Where)>
Tensors joined(const Call& c) {
    const std::vector<Tensor> parts = c.tensors(0);
    return {join(parts, Where::current())};
}

}  // namespace

Translations movement() {
    const auto same_shape = [](const Call& c) -> Tensors { return {reshape(c.tensor(0), c.tensor(1).shape())}; };
    return {
        {"squeeze", squeezed},
        {"squeeze_copy", squeezed},
        {"unsqueeze", [](const Call& c) -> Tensors { return {unsqueeze(c.tensor(0), c.integer(1, "dim"))}; }},
        {"unsqueeze_copy", [](const Call& c) -> Tensors { return {unsqueeze(c.tensor(0), c.integer(1, "dim"))}; }},
        {"flatten",
         [](const Call& c) -> Tensors {
             const Tensor x = c.tensor(0);
             if (x.rank() == 0) return {reshape(x, {1})};
             return {flatten(x, c.integer(1, "start_dim", 0), c.integer(2, "end_dim", -1))};
         }},
        {"ravel", [](const Call& c) -> Tensors { return {reshape(c.tensor(0), {-1})}; }},
        {"unflatten",
         [](const Call& c) -> Tensors {
             return {unflatten(c.tensor(0), c.integer(1, "dim"), c.integers(2, "sizes"))};
         }},
        {"movedim",
         [](const Call& c) -> Tensors {
             return {movedim(c.tensor(0), c.integers(1, "source"), c.integers(2, "destination"))};
         }},
        {"flip",
         [](const Call& c) -> Tensors {
             const std::vector<std::int64_t> axes = c.integers(1, "dims");
             return {axes.empty() ? c.tensor(0) : flip(c.tensor(0), axes)};
         }},
        {"fliplr", [](const Call& c) -> Tensors { return {flip(c.tensor(0), 1)}; }},
        {"flipud", [](const Call& c) -> Tensors { return {flip(c.tensor(0), 0)}; }},
        {"roll", rolled},
        {"rot90",
         [](const Call& c) -> Tensors {
             const std::vector<std::int64_t> axes = c.integers(2, "dims");
             return {rot90(c.tensor(0), c.integer(1, "k", 1), axes.empty() ? Axes{0, 1} : Axes(axes))};
         }},
        {"tile", tiled},
        {"repeat", tiled},
        {"repeat_interleave", repeated},
        {"stack", [](const Call& c) -> Tensors { return {stack(c.tensors(0), c.integer(1, "dim", 0))}; }},
        {"hstack", joined<hstack>},
        {"vstack", joined<vstack>},
        {"split", split_up},
        {"unsafe_split", split_up},
        {"split_with_sizes", split_up},
        {"split_with_sizes_copy", split_up},
        {"chunk",
         [](const Call& c) -> Tensors { return chunk(c.tensor(0), c.integer(1, "chunks"), c.integer(2, "dim", 0)); }},
        {"unsafe_chunk",
         [](const Call& c) -> Tensors { return chunk(c.tensor(0), c.integer(1, "chunks"), c.integer(2, "dim", 0)); }},
        {"unbind", [](const Call& c) -> Tensors { return unbind(c.tensor(0), c.integer(1, "dim", 0)); }},
        {"unbind_copy", [](const Call& c) -> Tensors { return unbind(c.tensor(0), c.integer(1, "dim", 0)); }},
        {"nn.functional.pad", padded},
        {"constant_pad_nd", padded},
        {"select",
         [](const Call& c) -> Tensors {
             const std::int64_t axis = c.integer(1, "dim");
             const Tensor x = c.tensor(0);
             const std::int64_t place = c.integer(2, "index");
             const std::int64_t extent = x.shape()[static_cast<std::size_t>(axis < 0 ? axis + rank_of(x) : axis)];
             return {squeeze(narrow(x, axis, place < 0 ? place + extent : place, 1), axis)};
         }},
        {"narrow",
         [](const Call& c) -> Tensors {
             if (c.has_tensor(2)) throw NotOurs("a start that is data");
             return {narrow(c.tensor(0), c.integer(1, "dim"), c.integer(2, "start"), c.integer(3, "length"))};
         }},
        {"narrow_copy",
         [](const Call& c) -> Tensors {
             if (c.has_tensor(2)) throw NotOurs("a start that is data");
             return {narrow(c.tensor(0), c.integer(1, "dim"), c.integer(2, "start"), c.integer(3, "length"))};
         }},
        {"diagonal", diagonals},
        {"diagonal_copy", diagonals},
        {"linalg.diagonal", diagonals},
        {"diag_embed", embedded},
        {"diag", [](const Call& c) -> Tensors { return {diag(c.tensor(0), c.integer(1, "diagonal", 0))}; }},
        {"diagflat",
         [](const Call& c) -> Tensors { return {diag(reshape(c.tensor(0), {-1}), c.integer(1, "offset", 0))}; }},
        {"tril", triangles<tril>},
        {"triu", triangles<triu>},
        {"trace", [](const Call& c) -> Tensors { return {matrix_trace(c.tensor(0))}; }},
        {"meshgrid", meshes},
        {"reshape_as", same_shape},
        {"view_as", same_shape},
        {"expand_as", [](const Call& c) -> Tensors { return {broadcast_to(c.tensor(0), c.tensor(1).shape())}; }},
        {"atleast_1d", [](const Call& c) -> Tensors { return {at_least(c.tensor(0), 1)}; }},
        {"atleast_2d", [](const Call& c) -> Tensors { return {at_least(c.tensor(0), 2)}; }},
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
