// Elements chosen by integers, and tensors made of numbers.
#include "tests/oracle/call.h"

namespace lathe::oracle {
namespace {

using Tensors = std::vector<Tensor>;

Dtype dtype_of(const Call& c, Dtype otherwise = Dtype::f32) {
    const Json& j = c.argument(99, "dtype");
    if (j.is_null()) return otherwise;
    const std::string name = j["dtype"];
    if (name == "torch.float32") return Dtype::f32;
    if (name == "torch.float64") return Dtype::f64;
    throw NotOurs("the dtype " + name);
}

Tensors spaced(const Call& c) {
    if (!c.argument(0).is_number() || !c.argument(1).is_number() || c.has_tensor(2))
        throw NotOurs("ends that are data");
    const double start = c.argument(0), stop = c.argument(1);
    const std::int64_t steps = c.integer(2, "steps", 100);
    if (c.op() == "linspace") return {linspace(start, stop, steps, dtype_of(c))};
    return {logspace(start, stop, steps, c.number(3, "base", 10), dtype_of(c))};
}

// What a shape is all that is given, or a tensor and a shape.
Shape shape_at(const Call& c, std::size_t position) {
    const std::vector<std::int64_t> extents = c.integers(position);
    return Shape(std::vector<Dim>(extents.begin(), extents.end()));
}
template <auto make>
Tensors made(const Call& c) {
    return {make(shape_at(c, 0), c, dtype_of(c))};
}
template <auto make>
Tensors made_alike(const Call& c) {
    return {make(shape_at(c, 1), c, dtype_of(c, c.tensor(0).dtype()))};
}
Tensors strided(const Call& c) {
    // Those of memory that is no row-major tensor are none of ours.
    if (!c.variant().empty()) throw NotOurs("views of views");
    return {as_strided(c.tensor(0), shape_at(c, 1), shape_at(c, 2), c.integer(3, "storage_offset", 0))};
}

template <Update how>
Tensors put(const Call& c) {
    c.expect_names({"reduce", "value", "src"});
    if (!c.argument(99, "reduce").is_null()) throw NotOurs("scatter with a reduction");
    const Tensor x = c.tensor(0), indices = c.tensor(2, "index");
    if (x.rank() == 0) throw NotOurs("a tensor without axes");
    const std::int64_t axis = c.integer(1, "dim");
    const Json& values = c.argument(3, "src");
    if (values.is_number()) return {put_along_axis(x, indices, values.get<double>(), axis, how)};
    // The indices say which of the updates count.
    Tensor updates = c.tensor(3, "src");
    std::vector<std::int64_t> none(indices.rank(), 0);
    if (updates.shape() != indices.shape()) updates = slice(updates, none, indices.shape());
    for (std::size_t i = 0; i < x.rank(); ++i)
        if (indices.rank() != x.rank() ||
            (indices.shape()[i] != x.shape()[i] &&
             static_cast<std::int64_t>(i) != (axis < 0 ? axis + static_cast<std::int64_t>(x.rank()) : axis)))
            throw NotOurs("indices for a part of the lines");
    return {put_along_axis(x, indices, updates, axis, how)};
}

Tensors taken(const Call& c) {
    const Tensor x = c.tensor(0);
    const Json& dim = c.argument(2, "dim");
    if (dim.is_null()) return {take(reshape(x, {-1}), c.tensor(1))};
    return {take_along_axis(x, c.tensor(1), dim.get<std::int64_t>())};
}

Tensors gathered(const Call& c) {
    const Tensor x = c.tensor(0), indices = c.tensor(2, "index");
    if (x.rank() == 0 || indices.rank() != x.rank()) throw NotOurs("a tensor without axes");
    const std::int64_t axis = c.integer(1, "dim");
    // Other extents of the indices may be smaller.
    std::vector<std::int64_t> size = indices.shape(), none(x.rank(), 0);
    const auto a = static_cast<std::size_t>(axis < 0 ? axis + static_cast<std::int64_t>(x.rank()) : axis);
    size[a] = x.shape()[a];
    return {take_along_axis(size == x.shape() ? x : slice(x, none, size), indices, axis)};
}

Tensors filled(const Call& c) {
    if (c.has_tensor(2)) return {masked_fill(c.tensor(0), c.tensor(1), c.tensor(2))};
    return {masked_fill(c.tensor(0), c.tensor(1), c.number(2, "value", 0))};
}

Tensors greatest(const Call& c) {
    const Tensor x = c.tensor(0);
    if (x.rank() == 0) throw NotOurs("a tensor without axes");
    const auto [values, indices] =
        topk(x, c.integer(1, "k"), c.integer(2, "dim", -1), {.largest = c.flag(3, "largest", true)});
    return {values, indices};
}

}  // namespace

Translations indexing() {
    return {
        {"linspace", spaced},
        {"logspace", spaced},
        {"eye",
         [](const Call& c) -> Tensors {
             const std::int64_t n = c.argument(0).get<std::int64_t>();
             return {eye(n, c.integer(1, "m", n), 0, dtype_of(c))};
         }},
        {"zeros_like", [](const Call& c) -> Tensors { return {convert(zeros_like(c.tensor(0)), dtype_of(c))}; }},
        {"ones_like", [](const Call& c) -> Tensors { return {convert(ones_like(c.tensor(0)), dtype_of(c))}; }},
        {"full_like",
         [](const Call& c) -> Tensors {
             return {convert(full_like(c.tensor(0), c.number(1, "fill_value", 0)), dtype_of(c))};
         }},
        {"select_scatter",
         [](const Call& c) -> Tensors {
             return {select_scatter(c.tensor(0), c.tensor(1), c.integer(2, "dim"), c.integer(3, "index"))};
         }},
        {"slice_scatter",
         [](const Call& c) -> Tensors {
             return {slice_scatter(c.tensor(0), c.tensor(1), c.integer(2, "dim", 0), c.integer(3, "start", 0),
                                   c.integer(5, "step", 1))};
         }},
        {"zeros", made<[](const Shape& s, const Call&, Dtype d) { return zeros(s, d); }>},
        {"ones", made<[](const Shape& s, const Call&, Dtype d) { return ones(s, d); }>},
        {"full", made<[](const Shape& s, const Call& c, Dtype d) { return full(s, c.number(1, "fill_value", 0), d); }>},
        {"new_zeros", made_alike<[](const Shape& s, const Call&, Dtype d) { return zeros(s, d); }>},
        {"new_ones", made_alike<[](const Shape& s, const Call&, Dtype d) { return ones(s, d); }>},
        {"new_full",
         made_alike<[](const Shape& s, const Call& c, Dtype d) { return full(s, c.number(2, "fill_value", 0), d); }>},
        {"scalar_tensor",
         [](const Call& c) -> Tensors { return {full({}, c.argument(0).get<double>(), dtype_of(c, Dtype::f32))}; }},
        {"as_strided", strided},
        {"as_strided_copy", strided},
        {"broadcast_tensors",
         [](const Call& c) -> Tensors {
             Tensors parts;
             for (std::size_t i = 0; i < c.size(); ++i) parts.push_back(c.tensor(i));
             return broadcast_tensors(parts);
         }},
        {"index_select",
         [](const Call& c) -> Tensors {
             if (c.tensor(0).rank() == 0) throw NotOurs("a tensor without axes");
             return {index_select(c.tensor(0), c.tensor(2, "index"), c.integer(1, "dim"))};
         }},
        {"index_add",
         [](const Call& c) -> Tensors {
             c.expect_names({"alpha"});
             if (c.tensor(0).rank() == 0) throw NotOurs("a tensor without axes");
             return {index_add(c.tensor(0), c.tensor(2), c.tensor(3) * c.number(99, "alpha", 1), c.integer(1, "dim"))};
         }},
        {"index_copy",
         [](const Call& c) -> Tensors {
             if (c.tensor(0).rank() == 0) throw NotOurs("a tensor without axes");
             return {index_copy(c.tensor(0), c.tensor(2), c.tensor(3), c.integer(1, "dim"))};
         }},
        {"index_fill",
         [](const Call& c) -> Tensors {
             if (c.tensor(0).rank() == 0 || c.has_tensor(3)) throw NotOurs("a value that is data");
             return {index_fill(c.tensor(0), c.tensor(2), c.number(3, "value", 0), c.integer(1, "dim"))};
         }},
        {"gather", gathered},
        {"scatter", put<Update::set>},
        {"scatter_add", put<Update::add>},
        {"take", [](const Call& c) -> Tensors { return {take(reshape(c.tensor(0), {-1}), c.tensor(1))}; }},
        {"take_along_dim", taken},
        {"masked_fill", filled},
        {"topk", greatest},
        {"nn.functional.embedding",
         [](const Call& c) -> Tensors {
             c.expect_names({"padding_idx"});
             EmbeddingOptions o;
             if (const Json& j = c.argument(2, "padding_idx"); j.is_number()) o.padding_idx = j.get<std::int64_t>();
             if (c.tensor(0).dtype() == Dtype::f32) return {embedding(c.tensor(1), c.tensor(0), o)};
             return {embedding(c.tensor(0), c.tensor(1), o)};
         }},
    };
}

}  // namespace lathe::oracle
