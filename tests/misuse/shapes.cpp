#include <algorithm>

#include "frontend/functions/functions.h"
#include "tests/misuse/functions.h"

namespace lathe::misuse {

void add_shapes(Table& table) {
    for (const std::int64_t n : wrong_numbers) {
        table.add("squeeze", 1, [n](const Tensors& t, Where w) { return squeeze(t[0], n, w); });
        table.add("unsqueeze", 1, [n](const Tensors& t, Where w) { return unsqueeze(t[0], {0, n}, w); });
        table.add("flatten", 1, [n](const Tensors& t, Where w) { return flatten(t[0], n, -1, w); });
        table.add("unflatten", 1, [n](const Tensors& t, Where w) { return unflatten(t[0], -1, {n, -1}, w); });
        table.add("expand", 1, [n](const Tensors& t, Where w) { return expand(t[0], {n, -1}, w); });
        table.add("movedim", 1, [n](const Tensors& t, Where w) { return movedim(t[0], {0, n}, {1, 0}, w); });
        table.add("swapaxes", 1, [n](const Tensors& t, Where w) { return swapaxes(t[0], n, 0, w); });
        table.add("flip", 1, [n](const Tensors& t, Where w) { return flip(t[0], n, w); });
        table.add("roll", 1, [n](const Tensors& t, Where w) { return roll(t[0], n, 1, w); });
        table.add("roll", 1, [n](const Tensors& t, Where w) { return roll(t[0], 1, n, w); });
        table.add("rot90", 1, [n](const Tensors& t, Where w) { return rot90(t[0], n, {0, n}, w); });
        table.add("narrow", 1, [n](const Tensors& t, Where w) { return narrow(t[0], 0, n, 1, w); });
        table.add("narrow", 1, [n](const Tensors& t, Where w) { return narrow(t[0], n, 0, n, w); });
        table.add("tile", 1, [n](const Tensors& t, Where w) { return tile(t[0], {1, n}, w); });
        table.add("repeat_interleave", 1, [n](const Tensors& t, Where w) { return repeat_interleave(t[0], n, 0, w); });
        for (const PadMode mode : {PadMode::reflect, PadMode::replicate, PadMode::circular})
            table.add("pad", 1, [=](const Tensors& t, Where w) { return pad(t[0], {n, 0}, {0, 1}, mode, w); });
        table.add("stack", 2, [n](const Tensors& t, Where w) { return stack(t, n, w); });
        table.add("split", 1, [=](const Tensors& t, Where w) { return first(split(t[0], {1, n}, 0, w)); });
        table.add("chunk", 1,
                  [=](const Tensors& t, Where w) { return first(chunk(t[0], std::min(n, std::int64_t{9}), 1, w)); });
        table.add("unbind", 1, [=](const Tensors& t, Where w) { return first(unbind(t[0], n, w)); });
        table.add("diagonal", 1, [n](const Tensors& t, Where w) { return diagonal(t[0], n, 0, 1, w); });
        table.add("diagonal", 1, [n](const Tensors& t, Where w) { return diagonal(t[0], 0, n, 1, w); });
        table.add("matrix_trace", 1, [n](const Tensors& t, Where w) { return matrix_trace(t[0], n, w); });
        table.add("diag", 1, [n](const Tensors& t, Where w) { return diag(t[0], n, w); });
        table.add("diag_embed", 1, [n](const Tensors& t, Where w) { return diag_embed(t[0], n, w); });
        table.add("tril", 1, [n](const Tensors& t, Where w) { return tril(t[0], n, w); });
        table.add("triu", 1, [n](const Tensors& t, Where w) { return triu(t[0], n, w); });
        table.add("eye", 0, [n](const Tensors&, Where w) { return eye(n, 3, n, Dtype::f32, w); });
        table.add("linspace", 0, [n](const Tensors&, Where w) { return linspace(0, 1, n, Dtype::f32, w); });
        table.add("arange", 0, [n](const Tensors&, Where w) { return arange(n, 5, n, Dtype::i8, w); });
    }
    table.add("hstack", 2, [](const Tensors& t, Where w) { return hstack(t, w); });
    table.add("vstack", 2, [](const Tensors& t, Where w) { return vstack(t, w); });
    table.add("meshgrid", 2, [=](const Tensors& t, Where w) { return first(meshgrid(t, MeshIndexing::ij, w)); });
    table.add("full_like", 1, [](const Tensors& t, Where w) { return full_like(t[0], 1.5, w); });
    table.add("dstack", 2, [](const Tensors& t, Where w) { return dstack(t, w); });
    table.add("column_stack", 2, [](const Tensors& t, Where w) { return column_stack(t, w); });
    table.add("block_diag", 2, [](const Tensors& t, Where w) { return block_diag(t, w); });
    table.add("cartesian_prod", 2, [](const Tensors& t, Where w) { return cartesian_prod(t, w); });
    table.add("concat", 0, [](const Tensors& t, Where w) { return concat(t, 0, w); });
    table.add("stack", 0, [](const Tensors& t, Where w) { return stack(t, 0, w); });
    table.add("broadcast_tensors", 2, [](const Tensors& t, Where w) { return first(broadcast_tensors(t, w)); });
    table.add("hstack", 0, [](const Tensors& t, Where w) { return hstack(t, w); });
    table.add("vstack", 0, [](const Tensors& t, Where w) { return vstack(t, w); });
    table.add("dstack", 0, [](const Tensors& t, Where w) { return dstack(t, w); });
    table.add("column_stack", 0, [](const Tensors& t, Where w) { return column_stack(t, w); });
    table.add("block_diag", 0, [](const Tensors& t, Where w) { return block_diag(t, w); });
    table.add("cartesian_prod", 0, [](const Tensors& t, Where w) { return cartesian_prod(t, w); });
    table.add("meshgrid", 0, [](const Tensors& t, Where w) { return first(meshgrid(t, MeshIndexing::xy, w)); });
    table.add("flatten", 1, [](const Tensors& t, Where w) { return flatten(t[0], 1, 0, w); });
    table.add("movedim", 1, [](const Tensors& t, Where w) { return movedim(t[0], {0, 1}, {1}, w); });
    table.add("roll", 1, [](const Tensors& t, Where w) { return roll(t[0], {1, 2}, {0}, w); });
    table.add("rot90", 1, [](const Tensors& t, Where w) { return rot90(t[0], 1, {0}, w); });
    table.add("repeat_interleave", 2, [](const Tensors& t, Where w) { return repeat_interleave(t[0], t[1], 0, w); });
    table.add("repeat_interleave", 0,
              [](const Tensors&, Where w) { return repeat_interleave(ones({2}), Tensor::from({1, -1}), 0, w); });
    for (const std::int64_t n : wrong_numbers) {
        const std::int64_t few = std::min<std::int64_t>(n, 9);  // as many tensors are made
        table.add("as_strided", 1, [n](const Tensors& t, Where w) { return as_strided(t[0], {n}, {1}, 0, w); });
        table.add("as_strided", 1, [n](const Tensors& t, Where w) { return as_strided(t[0], {2}, {n}, 0, w); });
        table.add("as_strided", 1, [n](const Tensors& t, Where w) { return as_strided(t[0], {2}, {1}, n, w); });
        table.add("as_strided", 1, [n](const Tensors& t, Where w) { return as_strided(t[0], {2, 2}, {1}, n, w); });
        table.add("tensor_split", 1, [=](const Tensors& t, Where w) { return first(tensor_split(t[0], few, 0, w)); });
        table.add("tensor_split", 1, [=](const Tensors& t, Where w) { return first(tensor_split(t[0], 2, n, w)); });
        table.add("tensor_split", 1,
                  [=](const Tensors& t, Where w) { return first(tensor_split(t[0], {n, 1}, 0, w)); });
        table.add("hsplit", 1, [=](const Tensors& t, Where w) { return first(hsplit(t[0], few, w)); });
        table.add("vsplit", 1, [=](const Tensors& t, Where w) { return first(vsplit(t[0], few, w)); });
        table.add("dsplit", 1, [=](const Tensors& t, Where w) { return first(dsplit(t[0], few, w)); });
        table.add("combinations", 1, [=](const Tensors& t, Where w) { return combinations(t[0], few, true, w); });
        table.add("logspace", 0, [n](const Tensors&, Where w) { return logspace(0, 1, n, 10, Dtype::f32, w); });
        table.add("vander", 1, [=](const Tensors& t, Where w) { return vander(t[0], few, w); });
    }
    for (const double x : {1.5, 1e300})
        for (const Dtype d : {Dtype::i8, Dtype::boolean, Dtype::f16}) {
            table.add("full", 0, [=](const Tensors&, Where w) { return full({2}, x, d, w); });
            table.add("arange", 0, [=](const Tensors&, Where w) { return arange(0.0, 5.0, x - 1.5, d, w); });
        }
}

}  // namespace lathe::misuse
