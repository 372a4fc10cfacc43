// Differences, distances, covariances, statistics of what is not NaN, and kinds of numbers.
#include "tests/oracle/call.h"

namespace lathe::oracle {
namespace {

using Tensors = std::vector<Tensor>;

template <Tensor (*function)(const Tensor&, Where)>
Tensors unary(const Call& c) {
    return {function(c.tensor(0), Where::current())};
}

template <auto by_distance, auto by_points>
Tensors integral(const Call& c) {
    c.expect_names({"dim", "dx", "x"});
    const std::int64_t axis = c.integer(99, "dim", -1);
    if (c.has_tensor(1, "x")) return {by_points(c.tensor(0), c.tensor(1, "x"), axis, Where::current())};
    return {by_distance(c.tensor(0), c.number(99, "dx", 1), axis, Where::current())};
}

Tensors differences(const Call& c) {
    DiffOptions o{.order = c.integer(1, "n", 1), .axis = c.integer(2, "dim", -1)};
    if (c.has_tensor(3, "prepend")) o.prepend = c.tensor(3, "prepend");
    if (c.has_tensor(4, "append")) o.append = c.tensor(4, "append");
    return {diff(c.tensor(0), o)};
}

// Without an axis, the first one of extent 3.
Tensors cross_product(const Call& c) {
    const Tensor a = c.tensor(0), b = c.tensor(1);
    std::int64_t axis = c.integer(2, "dim", -1);
    if (c.op() == "cross" && c.argument(2, "dim").is_null()) {
        axis = 0;
        while (a.shape()[static_cast<std::size_t>(axis)] != 3) ++axis;
    }
    return {cross(a, b, axis)};
}

Tensors covariances(const Call& c) {
    CovarianceOptions o{.correction = c.integer(1, "correction", 1)};
    if (c.has_tensor(2, "fweights")) o.counts = c.tensor(2, "fweights");
    if (c.has_tensor(3, "aweights")) o.weights = c.tensor(3, "aweights");
    return {cov(c.tensor(0), o)};
}

Tensors powers(const Call& c) {
    const Tensor x = c.tensor(0).rank() == 0 ? reshape(c.tensor(0), {1}) : c.tensor(0);
    return {vander(x, c.integer(99, "N", x.shape().back()))};
}

template <Tensor (*join)(std::span<const Tensor>, Where)>
Tensors joined(const Call& c) {
    std::vector<Tensor> parts;
    if (c.argument(0).is_array())
        parts = c.tensors(0);
    else
        for (std::size_t i = 0; i < c.size(); ++i) parts.push_back(c.tensor(i));
    return {join(parts, Where::current())};
}

Tensors split_at(const Call& c) {
    const std::int64_t axis = c.integer(2, "dim", 0);
    if (c.has_tensor(1)) throw NotOurs("places that are data");
    if (c.argument(1).is_number()) return tensor_split(c.tensor(0), c.integer(1, ""), axis);
    return tensor_split(c.tensor(0), c.integers(1), axis);
}
template <std::vector<Tensor> (*split_evenly)(const Tensor&, std::int64_t, Where)>
Tensors split_into(const Call& c) {
    return split_evenly(c.tensor(0), c.integer(1, ""), Where::current());
}

// A tensor of rank 0 is a line of one element.
template <class F>
Tensors of_lines(const Call& c, std::size_t position, std::int64_t otherwise, const F& f) {
    const Tensor x = c.tensor(0);
    if (x.rank() > 0) return f(x, c.integer(position, "dim", otherwise));
    Tensors out = f(reshape(x, {1}), 0);
    for (Tensor& y : out)
        if (y.rank() == 1) y = reshape(y, Shape{});
    return out;
}

Tensors nanmedians(const Call& c) {
    if (c.argument(1, "dim").is_null()) return {nanmedian(reshape(c.tensor(0), {-1})).values};
    return of_lines(c, 1, -1, [&](const Tensor& x, std::int64_t axis) -> Tensors {
        const auto [values, indices] = nanmedian(x, axis, c.flag(2, "keepdim"));
        return {values, indices};
    });
}
Tensors modes(const Call& c) {
    return of_lines(c, 1, -1, [&](const Tensor& x, std::int64_t axis) -> Tensors {
        const auto [values, indices] = mode(x, axis, c.flag(2, "keepdim"));
        return {values, indices};
    });
}
Tensors counts(const Call& c) {
    if (!c.argument(9, "weight").is_null() || c.flag(9, "density")) throw NotOurs("weights or densities");
    if (c.has_tensor(1)) throw NotOurs("ends that are data");
    HistogramOptions o;
    if (c.op() == "histc") {
        const double low = c.number(2, "min", 0), high = c.number(3, "max", 0);
        if (low != high) o.range = {low, high};
    }
    const auto [counts, ends] = histogram(c.tensor(0), c.integer(1, "bins", 100), o);
    const Tensor numbers = convert(counts, c.tensor(0).dtype());
    return c.op() == "histc" ? Tensors{numbers} : Tensors{numbers, ends};
}
Tensors kth_values(const Call& c) {
    return of_lines(c, 2, -1, [&](const Tensor& x, std::int64_t axis) -> Tensors {
        const auto [values, indices] = kthvalue(x, c.integer(1, "k"), axis, c.flag(3, "keepdim"));
        return {values, indices};
    });
}
Tensors nanquantiles(const Call& c) {
    c.expect_names({"dim", "keepdim", "interpolation"});
    if (c.text(4, "interpolation", "linear") != "linear") throw NotOurs("another interpolation");
    const QuantileOptions o{.keep = c.flag(3, "keepdim")};
    const bool is_flat = c.argument(2, "dim").is_null();
    const Tensor lines = is_flat ? reshape(c.tensor(0), {-1}) : c.tensor(0);
    const std::int64_t axis = is_flat ? 0 : c.integer(2, "dim");
    if (c.has_tensor(1)) return {nanquantile(lines, c.tensor(1), axis, o)};
    return {nanquantile(lines, c.argument(1).get<double>(), axis, o)};
}

template <auto deviation>
Tensors with_mean(const Call& c) {
    const Tensor x = c.tensor(0);
    const Json& correction = c.argument(99, "correction");
    // The only argument by position may be `unbiased`.
    const bool only_unbiased = c.argument(1, "dim").is_boolean();
    std::int64_t taken = c.flag(only_unbiased ? 1 : 2, "unbiased", true) ? 1 : 0;
    if (correction.is_number()) taken = correction.get<std::int64_t>();
    const Axes axes = only_unbiased || x.rank() == 0 ? Axes() : Axes(c.integers(1, "dim"));
    const bool keep = c.flag(3, "keepdim");
    return {deviation(x, axes, {.correction = taken, .keep = keep}, Where::current()), mean(x, axes, keep)};
}

Tensors closeness(const Call& c) {
    const ClosenessOptions o{
        .rtol = c.number(2, "rtol", 1e-5), .atol = c.number(3, "atol", 1e-8), .equal_nan = c.flag(4, "equal_nan")};
    return {isclose(c.tensor(0), c.tensor(1), o)};
}

template <Tensor (*search)(const Tensor&, const Tensor&, SearchOptions, Where)>
Tensors places(const Call& c) {
    c.expect_names({"out_int32", "right", "side", "sorter"});
    if (!c.argument(99, "sorter").is_null() || !c.argument(99, "side").is_null()) throw NotOurs("a sorter or a side");
    const Tensor y = search(c.tensor(0), c.tensor(1), {.right = c.flag(99, "right")}, Where::current());
    return {c.flag(99, "out_int32") ? convert(y, Dtype::i32) : y};
}

Tensors unpooled(const Call& c) {
    const Tensor x = c.tensor(0);
    const std::size_t n = static_cast<std::size_t>(c.op().back() == 'd' ? c.op()[c.op().size() - 2] - '0' : 0);
    std::vector<std::int64_t> size = c.integers(99, "output_size");
    if (size.size() < n) throw NotOurs("an extent that is derived");
    size.erase(size.begin(), size.end() - static_cast<std::ptrdiff_t>(n));
    return {max_unpool(x, c.tensor(1), size)};
}

}  // namespace

Translations numerics() {
    return {
        {"special.xlog1py", [](const Call& c) -> Tensors { return {xlog1py(c.tensor(0), c.tensor(1))}; }},
        {"nan_to_num", [](const Call& c) -> Tensors { return {nan_to_num(c.tensor(0))}; }},
        {"isclose", closeness},
        {"isposinf", unary<isposinf>},
        {"isneginf", unary<isneginf>},
        {"signbit", unary<signbit>},
        {"frac", unary<frac>},
        {"sinc", unary<sinc>},
        {"deg2rad", unary<deg2rad>},
        {"rad2deg", unary<rad2deg>},
        {"special.entr", unary<entr>},
        {"special.ndtr", unary<ndtr>},
        {"diff", differences},
        {"trapezoid", integral<static_cast<Tensor (*)(const Tensor&, double, std::int64_t, Where)>(trapezoid),
                               static_cast<Tensor (*)(const Tensor&, const Tensor&, std::int64_t, Where)>(trapezoid)>},
        {"trapz", integral<static_cast<Tensor (*)(const Tensor&, double, std::int64_t, Where)>(trapezoid),
                           static_cast<Tensor (*)(const Tensor&, const Tensor&, std::int64_t, Where)>(trapezoid)>},
        {"cumulative_trapezoid",
         integral<static_cast<Tensor (*)(const Tensor&, double, std::int64_t, Where)>(cumulative_trapezoid),
                  static_cast<Tensor (*)(const Tensor&, const Tensor&, std::int64_t, Where)>(cumulative_trapezoid)>},
        {"cross", cross_product},
        {"linalg.cross", cross_product},
        {"linalg.vecdot",
         [](const Call& c) -> Tensors { return {vecdot(c.tensor(0), c.tensor(1), c.integer(99, "dim", -1))}; }},
        {"nn.functional.normalize",
         [](const Call& c) -> Tensors {
             return {normalize(c.tensor(0), c.number(1, "p", 2), c.integer(2, "dim", 1), c.number(3, "eps", 1e-12))};
         }},
        {"cdist", [](const Call& c) -> Tensors { return {cdist(c.tensor(0), c.tensor(1), c.number(2, "p", 2))}; }},
        {"nn.functional.pdist", [](const Call& c) -> Tensors { return {pdist(c.tensor(0), c.number(1, "p", 2))}; }},
        {"dist",
         [](const Call& c) -> Tensors { return {norm(c.tensor(0) - c.tensor(1), {}, {.p = c.number(2, "p", 2)})}; }},
        {"cov", covariances},
        {"corrcoef", unary<corrcoef>},
        {"linalg.vander", powers},
        {"dstack", joined<dstack>},
        {"column_stack", joined<column_stack>},
        {"block_diag", joined<block_diag>},
        {"cartesian_prod", joined<cartesian_prod>},
        {"combinations",
         [](const Call& c) -> Tensors {
             return {combinations(c.tensor(0), c.integer(1, "r", 2), c.flag(2, "with_replacement"))};
         }},
        {"tensor_split", split_at},
        {"hsplit", split_into<hsplit>},
        {"vsplit", split_into<vsplit>},
        {"dsplit", split_into<dsplit>},
        {"nanmedian", nanmedians},
        {"nanquantile", nanquantiles},
        {"kthvalue", kth_values},
        {"mode", modes},
        {"histc", counts},
        {"histogram", counts},
        {"angle", unary<angle>},
        {"mvlgamma", [](const Call& c) -> Tensors { return {mvlgamma(c.tensor(0), c.integer(1, "p"))}; }},
        {"isin",
         [](const Call& c) -> Tensors {
             c.expect_names({"invert", "assume_unique"});
             return {isin(c.tensor(0), c.tensor(1), {.invert = c.flag(9, "invert")})};
         }},
        {"renorm",
         [](const Call& c) -> Tensors {
             return {renorm(c.tensor(0), c.number(1, "p", 2), c.integer(2, "dim"), c.number(3, "maxnorm", 1))};
         }},
        {"float_power",
         [](const Call& c) -> Tensors {
             const Tensor x = convert(c.tensor(0), Dtype::f64);
             if (!c.has_tensor(1)) return {pow(x, c.number(1, "exponent", 1))};
             return {pow(x, convert(c.tensor(1), Dtype::f64))};
         }},
        {"msort", [](const Call& c) -> Tensors { return {sort(c.tensor(0), 0)}; }},
        {"var_mean", with_mean<var>},
        {"std_mean", with_mean<stddev>},
        {"bucketize", places<bucketize>},
        {"searchsorted", places<searchsorted>},
        {"nn.functional.max_unpool1d", unpooled},
        {"nn.functional.max_unpool2d", unpooled},
        {"nn.functional.max_unpool3d", unpooled},
    };
}

}  // namespace lathe::oracle
