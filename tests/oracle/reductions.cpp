// Folds over axes, and functions along one.
#include <limits>

#include "tests/oracle/call.h"

namespace lathe::oracle {
namespace {

using Tensors = std::vector<Tensor>;

// A tensor of rank 0 has an axis 0 and an axis -1 there.
Axes axes_of(const Call& c, const Tensor& x, std::size_t position = 1, const char* name = "dim") {
    return x.rank() == 0 ? Axes() : Axes(c.integers(position, name));
}

template <auto function>
Tensors fold(const Call& c) {
    c.expect_names({"dim", "keepdim"});
    const Tensor x = c.tensor(0);
    return {function(x, axes_of(c, x), c.flag(2, "keepdim"), Where::current())};
}

template <auto function>
Tensors position(const Call& c) {
    c.expect_names({"dim", "keepdim"});
    const Tensor x = c.tensor(0);
    if (x.rank() == 0) throw NotOurs("a position in a tensor without axes");
    const Json& dim = c.argument(1, "dim");
    if (dim.is_null()) return {function(reshape(x, {-1}), 0, {}, Where::current())};
    const std::int64_t axis = dim;
    const Tensor y = function(x, axis, {}, Where::current());
    if (!c.flag(2, "keepdim")) return {y};
    std::vector<std::int64_t> shape = x.shape();
    shape[static_cast<std::size_t>(axis < 0 ? axis + static_cast<std::int64_t>(shape.size()) : axis)] = 1;
    return {reshape(y, shape)};
}

template <auto function>
Tensors along(const Call& c) {
    c.expect_names({"dim", "dtype"});
    const Tensor x = c.tensor(0);
    if (x.rank() == 0) throw NotOurs("a tensor without axes");
    Tensor y = x;
    if (const Json& dtype = c.argument(9, "dtype"); !dtype.is_null()) {
        if (!dtype.is_object() || dtype["dtype"] != "torch.float64") throw NotOurs("a dtype");
        y = convert(x, Dtype::f64);
    }
    return {function(y, c.integer(1, "dim"), Where::current())};
}

template <auto scan>
Tensors scanned(const Call& c) {
    c.expect_names({});
    return {scan(c.tensor(0), c.integer(1, "dim", 0), {}, Where::current())};
}
template <auto scan>
Tensors scanned_with_indices(const Call& c) {
    c.expect_names({});
    const ValuesAndIndices both = scan(c.tensor(0), c.integer(1, "dim", 0), {}, Where::current());
    return {both.values, both.indices};
}

template <auto function>
Tensors deviation(const Call& c) {
    c.expect_names({"dim", "unbiased", "keepdim", "correction"});
    const Tensor x = c.tensor(0);
    const Json& correction = c.argument(99, "correction");
    if (correction.is_number_float()) throw NotOurs("a fractional correction");
    const std::int64_t taken = correction.is_number()        ? correction.get<std::int64_t>()
                               : c.flag(2, "unbiased", true) ? 1
                                                             : 0;
    return {function(x, axes_of(c, x), {.correction = taken, .keep = c.flag(3, "keepdim")}, Where::current())};
}

Tensors norms(const Call& c) {
    c.expect_names({"dim", "keepdim", "p", "ord", "dtype"});
    const Json& p = c.op() == "norm" ? c.argument(1, "p") : c.argument(1, "ord");
    if (!c.argument(99, "dtype").is_null()) throw NotOurs("a dtype");
    double power = 2;
    if (p.is_number()) power = p;
    if (p.is_string()) {
        const std::string text = p;
        if (text == "inf")
            power = std::numeric_limits<double>::infinity();
        else if (text == "-inf")
            power = -std::numeric_limits<double>::infinity();
        else if (text != "fro")
            throw NotOurs("the norm " + text);
    }
    if (p.is_object()) {
        if (!p.contains("float")) throw NotOurs("a norm of matrices");
        power =
            p["float"] == "inf" ? std::numeric_limits<double>::infinity() : -std::numeric_limits<double>::infinity();
    }
    const Tensor x = c.tensor(0);
    return {norm(x, axes_of(c, x, 2), {.p = power, .keep = c.flag(3, "keepdim")})};
}

// Of all elements, or along an axis with positions.
template <auto fold, auto of_two>
Tensors extreme(const Call& c) {
    c.expect_names({"dim", "keepdim"});
    const Tensor x = c.tensor(0);
    if (c.has_tensor(1, "other")) return {of_two(x, c.tensor(1, "other"))};
    if (c.argument(1, "dim").is_null()) return {fold(x, {}, false, Where::current())};
    throw NotOurs("a derivative by position");
}

Tensors medians(const Call& c) {
    const Tensor x = c.tensor(0);
    if (c.argument(1, "dim").is_null()) return {median(reshape(x, {-1})).values};
    if (x.rank() == 0) throw NotOurs("a tensor without axes");
    const auto [values, indices] = median(x, c.integer(1, "dim"), c.flag(2, "keepdim"));
    return {values, indices};
}
Tensors quantiles(const Call& c) {
    c.expect_names({"dim", "keepdim", "interpolation"});
    const std::string name = c.text(4, "interpolation", "linear");
    QuantileOptions o{.keep = c.flag(3, "keepdim")};
    o.interpolation = name == "lower"      ? QuantileInterpolation::lower
                      : name == "higher"   ? QuantileInterpolation::higher
                      : name == "midpoint" ? QuantileInterpolation::midpoint
                      : name == "nearest"  ? QuantileInterpolation::nearest
                                           : QuantileInterpolation::linear;
    const Tensor x = c.tensor(0);
    const bool is_flat = c.argument(2, "dim").is_null();
    if (is_flat && o.keep) throw NotOurs("all axes kept");
    if (!is_flat && x.rank() == 0) throw NotOurs("a tensor without axes");
    const Tensor lines = is_flat ? reshape(x, {-1}) : x;
    const std::int64_t axis = is_flat ? 0 : c.integer(2, "dim");
    if (c.has_tensor(1)) return {quantile(lines, c.tensor(1), axis, o)};
    return {quantile(lines, c.argument(1).get<double>(), axis, o)};
}

}  // namespace

Translations reductions() {
    return {
        {"sum", fold<sum>},
        {"mean", fold<mean>},
        {"amax", fold<max>},
        {"amin", fold<min>},
        {"argmax", position<argmax>},
        {"argmin", position<argmin>},
        {"softmax", along<softmax>},
        {"log_softmax", along<log_softmax>},
        {"cumsum", scanned<cumsum>},
        {"cumprod", scanned<cumprod>},
        {"logcumsumexp", scanned<logcumsumexp>},
        {"cummax", scanned_with_indices<cummax>},
        {"cummin", scanned_with_indices<cummin>},
        {"prod", fold<prod>},
        {"all", fold<all>},
        {"any", fold<any>},
        {"count_nonzero",
         [](const Call& c) -> Tensors {
             const Tensor x = c.tensor(0);
             return {count_nonzero(x, axes_of(c, x))};
         }},
        {"logsumexp", fold<logsumexp>},
        {"nansum", fold<nansum>},
        {"nanmean", fold<nanmean>},
        {"aminmax",
         [](const Call& c) -> Tensors {
             const Tensor x = c.tensor(0);
             const Extremes both = aminmax(x, axes_of(c, x, 99), c.flag(99, "keepdim"));
             return {both.min, both.max};
         }},
        {"var", deviation<var>},
        {"std", deviation<stddev>},
        {"norm", norms},
        {"linalg.vector_norm", norms},
        {"nn.functional.softmin", along<softmin>},
        {"max", extreme<max, maximum>},
        {"min", extreme<min, minimum>},
        {"median", medians},
        {"quantile", quantiles},
        {"argsort",
         [](const Call& c) -> Tensors {
             const Tensor x = c.tensor(0);
             if (x.rank() == 0) throw NotOurs("a tensor without axes");
             return {argsort(x, c.integer(1, "dim", -1), {.descending = c.flag(2, "descending")})};
         }},
        {"sort",
         [](const Call& c) -> Tensors {
             const Tensor x = c.tensor(0);
             if (x.rank() == 0) throw NotOurs("a tensor without axes");
             const std::int64_t axis = c.integer(1, "dim", -1);
             const SortOptions o{.descending = c.flag(2, "descending")};
             return {sort(x, axis, o), argsort(x, axis, o)};
         }},
    };
}

}  // namespace lathe::oracle
