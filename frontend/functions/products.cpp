#include "frontend/functions/products.h"

#include "frontend/functions/axis_arguments.h"
#include "frontend/tensor/record.h"
#include "ir/functions/matmul.h"
#include "ir/ops/ops.h"

namespace lathe {
namespace {

namespace f = ir::functions;
namespace ops = ir::ops;
using detail::blaming;
using detail::LocScope;
using detail::natural_axis;

}  // namespace

Tensor matmul(const Tensor& a, const Tensor& b, Where where) {
    const LocScope scope(where, "matmul", a, b);
    return blaming(where, "matmul", [&] { return f::matmul(a, b); });
}

Tensor dot_general(const Tensor& a, const Tensor& b, const ContractionAxes& axes, Where where) {
    const LocScope scope(where, "dot_general", a, b);
    const auto natural = [](const Axes& of, const Tensor& x) {
        ir::Integers out = of.values();
        for (std::int64_t& axis : out) axis = natural_axis(axis, x);
        return out;
    };
    return ops::dot_general.with(
        {natural(axes.a_batch, a), natural(axes.b_batch, b), natural(axes.a_contract, a), natural(axes.b_contract, b)},
        a, b);
}

}  // namespace lathe
