#include "frontend/tensor/index.h"

#include "frontend/tensor/record.h"
#include "frontend/tensor/selection.h"
#include "ir/functions/basic.h"

namespace lathe {
namespace {

Where line_of(std::span<const Index> indices) { return indices.empty() ? Where() : indices[0].where(); }

}  // namespace

Index::Index(const Tensor& positions, Where where) : kind_(Kind::tensor), tensor_(positions.node()), where_(where) {
    if (positions.is_empty()) throw UserError("index: an empty tensor was used", detail::blame(where));
}

Tensor Tensor::operator[](std::initializer_list<Index> indices) const {
    const std::span<const Index> list(indices.begin(), indices.size());
    const detail::LocScope scope(line_of(list), "index", *this);
    return detail::blaming(line_of(list), "index",
                           [&] { return detail::Selection(*this, list, line_of(list)).take(); });
}

At Tensor::at(std::initializer_list<Index> indices) const { return {*this, std::vector<Index>(indices)}; }

Tensor At::update(Update how, const detail::Operand& y) const {
    detail::LocScope scope(y.where(), "at", x_);
    if (!y.is_number() && y.tensor().is_empty())
        throw UserError("at: an empty tensor was used", detail::blame(y.where()));
    if (!y.is_number()) scope.also(y.tensor());
    return detail::blaming(y.where(), "at", [&] {
        const Tensor update = y.as(x_.dtype(), "at");
        ir::functions::require_same_dtype("at", x_, update);
        return detail::Selection(x_, indices_, y.where()).update(how, update);
    });
}

}  // namespace lathe
