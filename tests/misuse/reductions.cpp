#include <algorithm>
#include <limits>

#include "frontend/functions/functions.h"
#include "tests/misuse/functions.h"

namespace lathe::misuse {

void add_reductions(Table& table) {
    for (const std::int64_t n : wrong_numbers) {
        table.add("polygamma", 1, [n](const Tensors& t, Where w) { return polygamma(n, t[0], w); });
        table.add("glu", 1, [n](const Tensors& t, Where w) { return glu(t[0], n, w); });
        table.add("softmax", 1, [n](const Tensors& t, Where w) { return softmax(t[0], n, w); });
        table.add("softmin", 1, [n](const Tensors& t, Where w) { return softmin(t[0], n, w); });
        table.add("log_softmax", 1, [n](const Tensors& t, Where w) { return log_softmax(t[0], n, w); });
        table.add("argmax", 1, [n](const Tensors& t, Where w) { return argmax(t[0], n, {}, w); });
        table.add("argmin", 1, [n](const Tensors& t, Where w) { return argmin(t[0], n, {.last = true}, w); });
        table.add("variance", 1, [n](const Tensors& t, Where w) { return variance(t[0], {n}, {}, w); });
        table.add("cumsum", 1, [n](const Tensors& t, Where w) { return cumsum(t[0], n, {.reverse = true}, w); });
        table.add("cumprod", 1, [n](const Tensors& t, Where w) { return cumprod(t[0], n, {}, w); });
        table.add("cummax", 1, [n](const Tensors& t, Where w) { return cummax(t[0], n, {}, w).values; });
        table.add("cummin", 1, [n](const Tensors& t, Where w) { return cummin(t[0], n, {}, w).indices; });
        table.add("logcumsumexp", 1, [n](const Tensors& t, Where w) { return logcumsumexp(t[0], n, {}, w); });
        table.add("linear_recurrence", 2,
                  [n](const Tensors& t, Where w) { return linear_recurrence(t[0], t[1], n, {}, w); });
        table.add("median", 1, [n](const Tensors& t, Where w) { return median(t[0], n, true, w).indices; });
        table.add("quantile", 1, [n](const Tensors& t, Where w) { return quantile(t[0], 0.5, n, {}, w); });
        table.add("quantile", 1, [n](const Tensors& t, Where w) { return quantile(t[0], {0.5, 1.5}, n, {}, w); });
        table.add("norm", 1, [n](const Tensors& t, Where w) { return norm(t[0], {n}, {}, w); });
        table.add("norm", 1, [n](const Tensors& t, Where w) {
            return norm(t[0], {n}, {.p = -std::numeric_limits<double>::infinity()}, w);
        });
        table.add("norm", 1, [n](const Tensors& t, Where w) { return norm(t[0], {n, 0}, {.p = 0.5}, w); });
        table.add("var", 1, [n](const Tensors& t, Where w) { return var(t[0], {n}, {}, w); });
        table.add("stddev", 1, [n](const Tensors& t, Where w) { return stddev(t[0], {n}, {.keep = true}, w); });
        table.add("aminmax", 1, [n](const Tensors& t, Where w) { return aminmax(t[0], {n}, true, w).max; });
        using Fold = Tensor (*)(const Tensor&, const Axes&, bool, Where);
        for (const auto& [name, f] : std::vector<std::pair<std::string, Fold>>{{"prod", prod},
                                                                               {"all", lathe::all},
                                                                               {"any", any},
                                                                               {"count_nonzero", count_nonzero},
                                                                               {"logsumexp", logsumexp},
                                                                               {"nansum", nansum},
                                                                               {"nanmean", nanmean}})
            table.add(name, 1, [n, f](const Tensors& t, Where w) { return f(t[0], {n, 0}, true, w); });
        table.add("pad", 1, [n](const Tensors& t, Where w) { return pad(t[0], {n, 0}, {0, 1}, 0.5, w); });
        table.add("dot_general", 2, [n](const Tensors& t, Where w) {
            return dot_general(t[0], t[1], {.a_contract = n, .b_contract = 0}, w);
        });
        table.add("gather", 2, [n](const Tensors& t, Where w) { return gather(t[0], t[1], n, w); });
        table.add("concat", 2, [n](const Tensors& t, Where w) { return concat(t, n, w); });
        table.add("scatter_add", 3, [n](const Tensors& t, Where w) { return scatter_add(t[0], t[1], t[2], n, w); });
        table.add("one_hot", 1, [n](const Tensors& t, Where w) { return one_hot(t[0], n, Dtype::f32, w); });
        for (const bool keep : {false, true}) {
            table.add("sum", 1, [=](const Tensors& t, Where w) { return sum(t[0], {n}, keep, w); });
            table.add("sum", 1, [=](const Tensors& t, Where w) { return sum(t[0], {0, n}, keep, w); });
            table.add("mean", 1, [=](const Tensors& t, Where w) { return mean(t[0], {n}, keep, w); });
            table.add("mean", 1, [=](const Tensors& t, Where w) { return mean(t[0], {0, n}, keep, w); });
            table.add("max", 1, [=](const Tensors& t, Where w) { return max(t[0], {n}, keep, w); });
            table.add("min", 1, [=](const Tensors& t, Where w) { return min(t[0], {n}, keep, w); });
        }
        table.add("transpose", 1, [n](const Tensors& t, Where w) { return transpose(t[0], {n, 0}, w); });
        table.add("transpose", 1, [n](const Tensors& t, Where w) { return transpose(t[0], {n}, w); });
        table.add("slice", 1, [n](const Tensors& t, Where w) { return slice(t[0], {n, 0}, {1, 1}, w); });
        table.add("slice", 1, [n](const Tensors& t, Where w) { return slice(t[0], {0}, {n}, w); });
        for (const std::int64_t m : wrong_numbers) {
            table.add("reshape", 1, [=](const Tensors& t, Where w) { return reshape(t[0], {n, m}, w); });
            table.add("broadcast_to", 1, [=](const Tensors& t, Where w) { return broadcast_to(t[0], {n, m}, w); });
            table.add("full", 0, [=](const Tensors&, Where w) { return full({n, m}, 1, Dtype::f32, w); });
            table.add("zeros", 0, [=](const Tensors&, Where w) { return zeros({n, m}, Dtype::i8, w); });
            table.add("ones", 0, [=](const Tensors&, Where w) { return ones({n, m}, Dtype::f64, w); });
            table.add("random_uniform", 0, [=](const Tensors&, Where w) { return random_uniform(1, {n, m}, 0, 1, w); });
            table.add("random_normal", 0, [=](const Tensors&, Where w) { return random_normal(1, {n, m}, w); });
        }
        for (const Dtype d : {Dtype::i64, Dtype::boolean, Dtype::f16})
            table.add("arange", 0, [=](const Tensors&, Where w) { return arange(n, d, w); });
    }
    for (const std::int64_t n : wrong_numbers) {
        table.add("sort", 1, [n](const Tensors& t, Where w) { return sort(t[0], n, {}, w); });
        table.add("argsort", 1, [n](const Tensors& t, Where w) { return argsort(t[0], n, {.descending = true}, w); });
        table.add("nanmedian", 1, [n](const Tensors& t, Where w) { return nanmedian(t[0], n, true, w).values; });
        table.add("kthvalue", 1, [n](const Tensors& t, Where w) { return kthvalue(t[0], n, -1, true, w).values; });
        table.add("kthvalue", 1, [n](const Tensors& t, Where w) { return kthvalue(t[0], 1, n, true, w).values; });
        table.add("nanquantile", 1, [n](const Tensors& t, Where w) { return nanquantile(t[0], 0.5, n, {}, w); });
        table.add("nanquantile", 1, [n](const Tensors& t, Where w) { return nanquantile(t[0], {0.5, -1}, n, {}, w); });
        table.add("quantile", 2, [n](const Tensors& t, Where w) { return quantile(t[0], t[1], n, {}, w); });
        table.add("nanquantile", 2, [n](const Tensors& t, Where w) { return nanquantile(t[0], t[1], n, {}, w); });
        table.add("mode", 1, [n](const Tensors& t, Where w) { return mode(t[0], n, false, w).values; });
        table.add("renorm", 1, [n](const Tensors& t, Where w) { return renorm(t[0], 2, n, 1, w); });
        table.add("mvlgamma", 1, [n](const Tensors& t, Where w) { return mvlgamma(t[0], n, w); });
        table.add("diff", 1, [n](const Tensors& t, Where w) { return diff(t[0], {.axis = n}, w); });
        table.add("diff", 1,
                  [n](const Tensors& t, Where w) { return diff(t[0], {.order = std::min<std::int64_t>(n, 9)}, w); });
        table.add("trapezoid", 1, [n](const Tensors& t, Where w) { return trapezoid(t[0], 0.5, n, w); });
        table.add("trapezoid", 2, [n](const Tensors& t, Where w) { return trapezoid(t[0], t[1], n, w); });
        table.add("cumulative_trapezoid", 1,
                  [n](const Tensors& t, Where w) { return cumulative_trapezoid(t[0], 0.5, n, w); });
        table.add("cumulative_trapezoid", 2,
                  [n](const Tensors& t, Where w) { return cumulative_trapezoid(t[0], t[1], n, w); });
        table.add("normalize", 1, [n](const Tensors& t, Where w) { return normalize(t[0], 2, n, 1e-12, w); });
        table.add("layer_norm", 1, [n](const Tensors& t, Where w) { return layer_norm(t[0], {n}, {}, w); });
        table.add("layer_norm", 1, [n](const Tensors& t, Where w) { return layer_norm(t[0], {n, -1}, {}, w); });
        table.add("rms_norm", 1, [n](const Tensors& t, Where w) { return rms_norm(t[0], {n}, {}, w); });
    }
    table.add("diff", 2, [](const Tensors& t, Where w) { return diff(t[0], {.prepend = t[1]}, w); });
    table.add("layer_norm", 2, [](const Tensors& t, Where w) { return layer_norm(t[0], -1, {.scale = t[1]}, w); });
    table.add("rms_norm", 2, [](const Tensors& t, Where w) { return rms_norm(t[0], -1, {.scale = t[1]}, w); });
    table.add("rms_norm", 2, [](const Tensors& t, Where w) { return rms_norm(t[0], -1, {.offset = t[1]}, w); });
    for (const double p : wrong_reals) {
        table.add("norm", 1, [p](const Tensors& t, Where w) { return norm(t[0], {}, {.p = p}, w); });
        table.add("normalize", 1, [p](const Tensors& t, Where w) { return normalize(t[0], p, -1, 1e-12, w); });
    }
}

}  // namespace lathe::misuse
