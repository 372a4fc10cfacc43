#include "frontend/functions/products.h"

#include <stdexcept>
#include <string>

#include <fmt/format.h>

#include "frontend/functions/axis_arguments.h"
#include "frontend/functions/operand_checks.h"
#include "frontend/tensor/record.h"
#include "ir/functions/einsum.h"
#include "ir/functions/matmul.h"
#include "ir/ops/ops.h"

namespace lathe {
namespace {

namespace f = ir::functions;
namespace ops = ir::ops;
using detail::blaming;
using detail::LocScope;
using detail::natural_axis;
using detail::value_of;

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

Tensor bmm(const Tensor& a, const Tensor& b, Where where) {
    const LocScope scope(where, "bmm", a, b);
    return blaming(where, "bmm", [&] {
        if (a.rank() != 3 || b.rank() != 3) f::refuse("bmm", "wants two batches of matrices", a, b);
        if (!f::may_be_equal(a.type().shape[0], b.type().shape[0])) f::refuse("bmm", "the batches differ", a, b);
        return f::matmul(a, b);
    });
}

namespace {

Tensor biased(std::string_view function, const Tensor& y, const Tensor& bias) {
    detail::require_bias(function, y, y.rank() - 1, bias);
    return ir::ops::add(y, bias);
}

Tensor linear_map(const Tensor& x, const Tensor& w) {
    if (x.rank() == 0 || w.rank() == 0 || w.rank() > 2)
        f::refuse("linear", "wants inputs on the last axis, and weights of [outputs, inputs]", x, w);
    const auto last = [](const Tensor& t) { return static_cast<std::int64_t>(t.rank()) - 1; };
    return ops::dot_general.with({ir::Integers{}, ir::Integers{}, ir::Integers{last(x)}, ir::Integers{last(w)}}, x, w);
}

Tensor bilinear_map(const Tensor& a, const Tensor& b, const Tensor& w) {
    if (a.rank() == 0 || a.rank() != b.rank()) f::refuse("bilinear", "wants two tensors of one rank", a, b);
    if (w.rank() != 3) f::refuse("bilinear", "wants weights of [outputs, a's inputs, b's inputs]", a, w);
    // In this order always: einsum takes the one that is cheapest for the extents that are known, and compiled code
    // knows others.
    const Tensor of_a = f::einsum(f::EinsumFormula("...i,oik->...ok", {a.rank(), 3}), std::vector<Tensor>{a, w});
    return f::einsum(f::EinsumFormula("...ok,...k->...o", {a.rank() + 1, b.rank()}), std::vector<Tensor>{of_a, b});
}

Tensor flat(const Tensor& x) { return f::reshape(value_of(x), ir::Shape{x.type().shape.element_count()}); }

}  // namespace

Tensor linear(const Tensor& x, const Tensor& w, Where where) {
    const LocScope scope(where, "linear", x, w);
    return blaming(where, "linear", [&] { return linear_map(x, w); });
}
Tensor linear(const Tensor& x, const Tensor& w, const Tensor& bias, Where where) {
    const LocScope scope(where, "linear", x, w, bias);
    return blaming(where, "linear", [&] { return biased("linear", linear_map(x, w), bias); });
}
Tensor bilinear(const Tensor& a, const Tensor& b, const Tensor& w, Where where) {
    const LocScope scope(where, "bilinear", a, b, w);
    return blaming(where, "bilinear", [&] { return bilinear_map(a, b, w); });
}
Tensor bilinear(const Tensor& a, const Tensor& b, const Tensor& w, const Tensor& bias, Where where) {
    const LocScope scope(where, "bilinear", a, b, w, bias);
    return blaming(where, "bilinear", [&] { return biased("bilinear", bilinear_map(a, b, w), bias); });
}

Tensor inner(const Tensor& a, const Tensor& b, Where where) {
    const LocScope scope(where, "inner", a, b);
    return blaming(where, "inner", [&] {
        f::require_same_dtype("inner", a, b);
        if (a.rank() == 0 || b.rank() == 0) return ops::mul(value_of(a), value_of(b));
        const auto last = [](const Tensor& t) { return static_cast<std::int64_t>(t.rank()) - 1; };
        return ops::dot_general.with({ir::Integers{}, ir::Integers{}, ir::Integers{last(a)}, ir::Integers{last(b)}},
                                     value_of(a), value_of(b));
    });
}
Tensor outer(const Tensor& a, const Tensor& b, Where where) {
    const LocScope scope(where, "outer", a, b);
    return blaming(where, "outer", [&] {
        f::require_same_dtype("outer", a, b);
        const Tensor column = f::reshape(flat(a), ir::Shape{a.type().shape.element_count(), 1});
        return ops::mul(column, flat(b));
    });
}
Tensor kron(const Tensor& a, const Tensor& b, Where where) {
    const LocScope scope(where, "kron", a, b);
    return blaming(where, "kron", [&] {
        f::require_same_dtype("kron", a, b);
        const std::size_t rank = std::max(a.rank(), b.rank());
        ir::Shape of_a, of_b, joined;
        for (std::size_t i = 0; i < rank; ++i) {
            const auto extent = [&](const Tensor& x) {
                return i + x.rank() < rank ? Dim(1) : x.type().shape[i + x.rank() - rank];
            };
            for (const Dim d : {extent(a), Dim(1)}) of_a.push_back(d);
            for (const Dim d : {Dim(1), extent(b)}) of_b.push_back(d);
            joined.push_back(extent(a) * extent(b));
        }
        return f::reshape(ops::mul(f::reshape(value_of(a), of_a), f::reshape(value_of(b), of_b)), joined);
    });
}

Tensor tensordot(const Tensor& a, const Tensor& b, std::int64_t axes, Where where) {
    const LocScope scope(where, "tensordot", a, b);
    return blaming(where, "tensordot", [&] {
        const auto n = static_cast<std::size_t>(axes);
        if (axes < 0 || n > a.rank() || n > b.rank())
            f::refuse("tensordot", fmt::format("there are no {} axes to sum over", axes), a, b);
        ir::Integers of_a, of_b = f::all_axes(n);
        for (std::size_t i = 0; i < n; ++i) of_a.push_back(static_cast<std::int64_t>(a.rank() - n + i));
        return ops::dot_general.with({ir::Integers{}, ir::Integers{}, of_a, of_b}, value_of(a), value_of(b));
    });
}
Tensor tensordot(const Tensor& a, const Tensor& b, const Axes& a_axes, const Axes& b_axes, Where where) {
    const LocScope scope(where, "tensordot", a, b);
    return dot_general(a, b, {.a_contract = a_axes, .b_contract = b_axes}, where);
}

Tensor einsum(std::string_view formula, std::span<const Tensor> operands, Where where) {
    const LocScope scope(where, "einsum", operands);
    return blaming(where, "einsum", [&] {
        const auto refuse = [&](std::string_view why) {
            detail::refuse("einsum", fmt::format("\"{}\": {}", formula, why), where);
        };
        std::vector<Tensor> x;
        std::vector<std::size_t> ranks;
        for (const Tensor& operand : operands) {
            if (operand.dtype() != operands[0].dtype()) refuse("the dtypes differ; convert() makes them the same");
            x.push_back(value_of(operand));
            ranks.push_back(operand.rank());
        }
        try {
            return f::einsum(f::EinsumFormula(formula, ranks), x);
        } catch (const std::invalid_argument& e) {
            refuse(e.what());
        }
        return Tensor();
    });
}

}  // namespace lathe
