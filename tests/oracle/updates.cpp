// Elements that meet others where indices say.
#include <limits>

#include "tests/oracle/call.h"

namespace lathe::oracle {
namespace {

using Tensors = std::vector<Tensor>;

struct Reduction {
    Update how = Update::add;
    double neutral = 0;
    bool is_mean = false;
};
Reduction reduction_named(const std::string& name) {
    if (name == "prod") return {Update::multiply, 1};
    if (name == "amin") return {Update::min, std::numeric_limits<double>::infinity()};
    if (name == "amax") return {Update::max, -std::numeric_limits<double>::infinity()};
    return {Update::add, 0, name == "mean"};
}

// Updates of x by `update(x, what, how)`, which puts what it is given where the indices say.
template <class F>
Tensors reduced(const Call& c, const Tensor& x, const Tensor& source, const F& update) {
    const auto [how, neutral, is_mean] = reduction_named(c.text(4, "reduce", ""));
    const bool with_own = c.flag(5, "include_self", true);
    const Tensor one = ones_like(source);
    const Tensor start = with_own ? x : update(x, one * neutral, Update::set);
    const Tensor all = update(start, source, how);
    if (!is_mean) return {all};
    const Tensor own = with_own ? ones_like(x) : update(ones_like(x), zeros_like(source), Update::set);
    return {all / clamp(update(own, one, Update::add), 1)};
}

Tensors scattered(const Call& c) {
    const Tensor x = c.tensor(0), indices = c.tensor(2, "index"), source = c.tensor(3, "src");
    const std::int64_t axis = c.integer(1, "dim");
    if (indices.shape() != x.shape()) throw NotOurs("indices for a part of the lines");
    return reduced(c, x, source, [&](const Tensor& to, const Tensor& what, Update how) {
        return put_along_axis(to, indices, what, axis, how);
    });
}

Tensors indexed(const Call& c) {
    const Tensor x = c.tensor(0), indices = c.tensor(2, "index"), source = c.tensor(3, "source");
    const std::int64_t axis = c.integer(1, "dim");
    if (x.rank() == 0) throw NotOurs("a tensor without axes");
    return reduced(c, x, source, [&](const Tensor& to, const Tensor& what, Update how) {
        return movedim(movedim(to, axis, 0).at({indices}).update(how, movedim(what, axis, 0)), 0, axis);
    });
}

}  // namespace

Translations updates() {
    return {
        {"scatter_reduce", scattered},
        {"index_reduce", indexed},
        {"index_put",
         [](const Call& c) -> Tensors {
             const Tensors indices = c.tensors(1);
             if (indices.size() != 1) throw NotOurs("several indices");
             const Update how = c.flag(3, "accumulate") ? Update::add : Update::set;
             return {c.tensor(0).at({indices[0]}).update(how, c.tensor(2))};
         }},
        {"put",
         [](const Call& c) -> Tensors {
             const Tensor x = c.tensor(0);
             const Update how = c.flag(3, "accumulate") ? Update::add : Update::set;
             const auto flat = [](const Tensor& t) { return reshape(t, {-1}); };
             return {reshape(flat(x).at({flat(c.tensor(1))}).update(how, flat(c.tensor(2))), x.shape())};
         }},
        {"diagonal_scatter",
         [](const Call& c) -> Tensors {
             const std::int64_t offset = c.integer(2, "offset", 0);
             const Tensor x = c.tensor(0), values = c.tensor(1);
             if (x.rank() != 2) throw NotOurs("diagonals of batches");
             const Tensor along = arange(values.shape()[0]);
             return {x.at({along + std::max<std::int64_t>(-offset, 0), along + std::max<std::int64_t>(offset, 0)})
                         .set(values)};
         }},
    };
}

}  // namespace lathe::oracle
