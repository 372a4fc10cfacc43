// Folds over axes, and functions along one.
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
        {"cumsum",
         [](const Call& c) -> Tensors {
             c.expect_names({});
             const Tensor x = c.tensor(0);
             if (x.rank() == 0) throw NotOurs("a tensor without axes");
             return {cumsum(x, c.integer(1, "dim"))};
         }},
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
