#include <algorithm>

#include "frontend/functions/functions.h"
#include "tests/misuse/functions.h"

namespace lathe::misuse {

void add_positions(Table& table) {
    for (const std::int64_t n : wrong_numbers) {
        table.add("take", 2, [n](const Tensors& t, Where w) { return take(t[0], t[1], n, w); });
        table.add("index_select", 2, [n](const Tensors& t, Where w) { return index_select(t[0], t[1], n, w); });
        table.add("index_add", 3, [n](const Tensors& t, Where w) { return index_add(t[0], t[1], t[2], n, w); });
        table.add("index_copy", 3, [n](const Tensors& t, Where w) { return index_copy(t[0], t[1], t[2], n, w); });
        table.add("index_fill", 2, [n](const Tensors& t, Where w) { return index_fill(t[0], t[1], 0.5, n, w); });
        table.add("take_along_axis", 2, [n](const Tensors& t, Where w) { return take_along_axis(t[0], t[1], n, w); });
        table.add("select_scatter", 2, [n](const Tensors& t, Where w) { return select_scatter(t[0], t[1], n, n, w); });
        table.add("select_scatter", 2, [n](const Tensors& t, Where w) { return select_scatter(t[0], t[1], 0, n, w); });
        table.add("slice_scatter", 2, [n](const Tensors& t, Where w) { return slice_scatter(t[0], t[1], n, 0, 1, w); });
        table.add("slice_scatter", 2, [n](const Tensors& t, Where w) { return slice_scatter(t[0], t[1], 0, n, n, w); });
        table.add("put_along_axis", 3, [n](const Tensors& t, Where w) {
            return put_along_axis(t[0], t[1], {t[2], w}, n, Update::multiply);
        });
        table.add("dynamic_slice", 2, [n](const Tensors& t, Where w) { return dynamic_slice(t[0], t[1], {n, 1}, w); });
        table.add("topk", 1, [n](const Tensors& t, Where w) { return topk(t[0], n, 0, {}, w).first; });
        table.add("topk", 1, [n](const Tensors& t, Where w) { return topk(t[0], 1, n, {}, w).second; });
        table.add("histogram", 1, [n](const Tensors& t, Where w) {
            return histogram(t[0], std::min(n, std::int64_t{9}), {}, w).first;
        });
        table.add("nonzero_bounded", 1, [n](const Tensors& t, Where w) {
            return nonzero_bounded(t[0], std::min(n, std::int64_t{9}), w).positions;
        });
        table.add("unique_bounded", 1, [n](const Tensors& t, Where w) {
            return unique_bounded(t[0], std::min(n, std::int64_t{9}), w).values;
        });
        table.add("bincount", 1, [n](const Tensors& t, Where w) { return bincount(t[0], {.length = n}, w); });
    }
    table.add("take", 2, [](const Tensors& t, Where w) { return take(t[0], t[1], w); });
    table.add("index", 2, [](const Tensors& t, Where w) { return t[0][{{t[1], w}}]; });
    table.add("index", 3, [](const Tensors& t, Where w) { return t[0][{{t[1], w}, {t[2], w}}]; });
    table.add("at", 2, [](const Tensors& t, Where w) { return t[0].at({{0, w}}).set({t[1], w}); });
    table.add("dynamic_update_slice", 3,
              [](const Tensors& t, Where w) { return dynamic_update_slice(t[0], t[1], t[2], w); });
    table.add("masked_fill", 3, [](const Tensors& t, Where w) { return masked_fill(t[0], t[1], {t[2], w}); });
    table.add("masked_select", 2, [](const Tensors& t, Where w) { return masked_select(t[0], t[1], w); });
    table.add("embedding", 2, [](const Tensors& t, Where w) { return embedding(t[0], t[1], {.padding_idx = 1}, w); });
    table.add("isin", 2, [](const Tensors& t, Where w) { return isin(t[0], t[1], {}, w); });
    table.add("searchsorted", 2, [](const Tensors& t, Where w) { return searchsorted(t[0], t[1], {}, w); });
    table.add("bucketize", 2, [](const Tensors& t, Where w) { return bucketize(t[0], t[1], {.right = true}, w); });
    table.add("nonzero", 1, [](const Tensors& t, Where w) { return nonzero(t[0], w); });
    table.add("unique", 1, [](const Tensors& t, Where w) { return unique(t[0], w).inverse; });
    table.add("where", 1, [](const Tensors& t, Where w) { return first(where(t[0], w)); });
    table.add("dynamic_slice", 3,
              [](const Tensors& t, Where w) { return dynamic_slice(t[0], {t[1], t[2]}, {1, 1}, w); });
    table.add("dynamic_update_slice", 3,
              [](const Tensors& t, Where w) { return dynamic_update_slice(t[0], t[1], {t[2]}, w); });
    table.add("bincount", 2, [](const Tensors& t, Where w) { return bincount(t[0], {.weights = t[1]}, w); });
    table.add("bincount", 1, [](const Tensors& t, Where w) { return bincount(t[0], {.minlength = -1}, w); });
    table.add("histogram", 1,
              [](const Tensors& t, Where w) { return histogram(t[0], 2, {.range = {{2, 1}}}, w).first; });
    table.add("embedding", 2, [](const Tensors& t, Where w) { return embedding(t[0], t[1], {.padding_idx = 9}, w); });
    table.add("index", 1, [](const Tensors& t, Where w) { return t[0][{{0, w}, {0, w}}]; });
    table.add("index", 1, [](const Tensors& t, Where w) { return t[0][{{7, w}}]; });
    table.add("index", 1, [](const Tensors& t, Where w) { return t[0][{{Range{.step = 0}, w}}]; });
    table.add("index", 1, [](const Tensors& t, Where w) { return t[0][{{ellipsis, w}, {ellipsis, w}}]; });
    table.add("at", 3, [](const Tensors& t, Where w) {  // an empty index is refused before anybody sees what it is for
        return t[1].is_empty() ? t[0] : t[0].at({{t[1], w}}).add({t[2], w});
    });
}

}  // namespace lathe::misuse
