#include "ir/ops/rules.h"

#include <algorithm>

namespace lathe::ir::rules {
namespace {

std::string dtype_names(DtypeSet set) {
    std::string names;
    for (Dtype d : all_dtypes())
        if (set.contains(d)) names += (names.empty() ? "" : " ") + std::string(name(d));
    return names;
}

}  // namespace

void require_dtype(const TypeContext& c, std::size_t operand, DtypeSet allowed) {
    const Dtype d = c.operand(operand).dtype;
    if (!allowed.contains(d))
        c.fail("operand " + std::to_string(operand) + " is " + std::string(name(d)) + ", not one of " +
               dtype_names(allowed));
}

void require_same_dtype(const TypeContext& c, std::size_t first, std::size_t second) {
    if (c.operand(first).dtype != c.operand(second).dtype) c.fail("the dtypes differ; convert() makes them the same");
}

Shape broadcast(TypeContext& c, const Shape& a, const Shape& b) {
    const Shape& longer = a.rank() >= b.rank() ? a : b;
    const Shape& shorter = a.rank() >= b.rank() ? b : a;
    const std::size_t extra = longer.rank() - shorter.rank();
    Shape result = longer;
    for (std::size_t i = 0; i < shorter.rank(); ++i) {
        Dim& r = result[extra + i];
        const Dim s = shorter[i];
        if (r == s || s == Dim(1)) continue;
        if (r == Dim(1)) {
            r = s;
            continue;
        }
        c.require_equal(r, s, "the shapes do not broadcast");
        if (s.is_constant()) r = s;
    }
    return result;
}

Shape broadcast_operands(TypeContext& c) {
    Shape shape = c.operand(0).shape;
    for (std::size_t i = 1; i < c.operand_count(); ++i) shape = broadcast(c, shape, c.operand(i).shape);
    return shape;
}

Type elementwise(TypeContext& c) {
    for (std::size_t i = 0; i < c.operand_count(); ++i) {
        require_dtype(c, i, c.op().dtypes);
        require_same_dtype(c, 0, i);
    }
    return {c.operand(0).dtype, broadcast_operands(c)};
}

Type comparison(TypeContext& c) { return {Dtype::boolean, elementwise(c).shape}; }

Integers axes(const TypeContext& c, const Integers& axes, std::size_t rank) {
    Integers sorted;
    for (std::int64_t axis : axes) sorted.push_back(c.axis(axis, rank));
    std::ranges::sort(sorted);
    if (std::ranges::adjacent_find(sorted) != sorted.end()) c.fail("an axis occurs twice");
    return sorted;
}

void require_extent(TypeContext& c, Dim d, std::string_view what) {
    if (d.is_constant() && d.constant() < 0) c.fail(std::string(what) + ": " + std::to_string(d.constant()));
    c.require_at_most(0, d, what);
}

void require_rank(const TypeContext& c, std::size_t rank) {
    if (rank > max_rank)
        c.fail("the result would have rank " + std::to_string(rank) + ", more than " + std::to_string(max_rank));
}

}  // namespace lathe::ir::rules
