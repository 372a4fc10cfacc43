// Sums of products.
#include "tests/oracle/call.h"

namespace lathe::oracle {
namespace {

using Tensors = std::vector<Tensor>;

Tensors product(const Call& c) {
    c.expect_names({});
    return {matmul(c.tensor(0), c.tensor(1))};
}

// beta x + alpha (a b), where `product` is the last.
template <class F>
Tensors added(const Call& c, const F& product) {
    c.expect_names({"alpha", "beta"});
    const double alpha = c.number(9, "alpha", 1), beta = c.number(9, "beta", 1);
    return {c.tensor(0) * beta + product(c.tensor(1), c.tensor(2)) * alpha};
}
Tensors added_matmul(const Call& c) {
    return added(c, [](const Tensor& a, const Tensor& b) { return matmul(a, b); });
}

Tensors contracted(const Call& c) {
    c.expect_names({"dims"});
    const Json& dims = c.argument(2, "dims");
    if (dims.is_number()) return {tensordot(c.tensor(0), c.tensor(1), dims.get<std::int64_t>())};
    const Tensor a = c.tensor(0), b = c.tensor(1);
    const auto of_a = dims[0].get<std::vector<std::int64_t>>(), of_b = dims[1].get<std::vector<std::int64_t>>();
    for (std::size_t i = 0; i < of_a.size(); ++i)
        if (a.shape()[static_cast<std::size_t>(of_a[i])] != b.shape()[static_cast<std::size_t>(of_b[i])])
            throw NotOurs("axes of different extents, which NumPy refuses");
    return {tensordot(a, b, of_a, of_b)};
}

}  // namespace

Translations products() {
    return {
        {"matmul", product},
        {"mm", product},
        {"bmm", product},
        {"mv", product},
        {"dot", product},
        {"vdot", product},
        {"__rmatmul__", [](const Call& c) -> Tensors { return {matmul(c.tensor(1), c.tensor(0))}; }},
        {"addmm", added_matmul},
        {"addmv", added_matmul},
        {"baddbmm", added_matmul},
        {"addbmm",
         [](const Call& c) {
             return added(c, [](const Tensor& a, const Tensor& b) { return einsum("bij,bjk->ik", {a, b}); });
         }},
        {"addr", [](const Call& c) { return added(c, [](const Tensor& a, const Tensor& b) { return outer(a, b); }); }},
        {"inner", [](const Call& c) -> Tensors { return {inner(c.tensor(0), c.tensor(1))}; }},
        {"outer", [](const Call& c) -> Tensors { return {outer(c.tensor(0), c.tensor(1))}; }},
        {"kron", [](const Call& c) -> Tensors { return {kron(c.tensor(0), c.tensor(1))}; }},
        {"tensordot", contracted},
        {"linalg.multi_dot",
         [](const Call& c) -> Tensors {
             const Tensors x = c.tensors(0);
             if (x.size() < 3) return {matmul(x[0], x[1])};
             std::string formula, first, last;
             for (std::size_t i = 0; i < x.size(); ++i) {
                 std::string term{static_cast<char>('a' + i), static_cast<char>('b' + i)};
                 if (i == 0 && x[i].rank() == 1) term.erase(0, 1);
                 if (i + 1 == x.size() && x[i].rank() == 1) term.erase(1);
                 if (i == 0 && x[i].rank() == 2) first = term.substr(0, 1);
                 if (i + 1 == x.size() && x[i].rank() == 2) last = term.substr(1);
                 formula += (i == 0 ? "" : ",") + term;
             }
             return {einsum(formula + "->" + first + last, x)};
         }},
        {"nn.functional.linear",
         [](const Call& c) -> Tensors {
             if (c.has_tensor(2, "bias")) return {linear(c.tensor(0), c.tensor(1), c.tensor(2, "bias"))};
             return {linear(c.tensor(0), c.tensor(1))};
         }},
        {"nn.functional.bilinear",
         [](const Call& c) -> Tensors {
             if (c.has_tensor(3, "bias")) return {bilinear(c.tensor(0), c.tensor(1), c.tensor(2), c.tensor(3, "bias"))};
             return {bilinear(c.tensor(0), c.tensor(1), c.tensor(2))};
         }},
        {"einsum",
         [](const Call& c) -> Tensors {
             const Tensors x = c.tensors(0);
             return {einsum(c.argument(1).get<std::string>(), x)};
         }},
    };
}

}  // namespace lathe::oracle
