#include "ir/ops/rules.h"

#include <algorithm>

#include "ir/functions/basic.h"

namespace lathe::ir {

std::string dtype_refusal(std::string_view who, Dtype dtype, DtypeSet allowed) {
    std::string names;
    for (const Dtype d : all_dtypes())
        if (allowed.contains(d)) names += (names.empty() ? "" : " ") + std::string(name(d));
    const bool one = names.find(' ') == std::string::npos;
    return std::string(who) + " is " + std::string(name(dtype)) + (one ? ", not " : ", not one of ") + names +
           (one ? "; convert() makes it that" : "; convert() makes it one");
}

namespace rules {

void require_dtype(const TypeContext& c, std::size_t operand, DtypeSet allowed) {
    const Dtype d = c.operand(operand).dtype;
    if (!allowed.contains(d)) c.fail(dtype_refusal("operand " + std::to_string(operand), d, allowed));
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
        c.require_equal(r, s, "the shapes do not broadcast",
                        static_cast<std::int64_t>(i) - static_cast<std::int64_t>(shorter.rank()));
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
        require_same_dtype(c, 0, i);
        require_dtype(c, i, c.op().dtypes);
    }
    return {c.operand(0).dtype, broadcast_operands(c)};
}

Type comparison(TypeContext& c) { return {Dtype::boolean, elementwise(c).shape}; }

Integers axes(const TypeContext& c, const Integers& axes, std::size_t rank) {
    Integers sorted;
    for (std::int64_t axis : axes) sorted.push_back(c.axis(axis, rank));
    std::ranges::sort(sorted);
    if (const auto twice = std::ranges::adjacent_find(sorted); twice != sorted.end())
        c.fail("axis " + std::to_string(*twice) + " occurs twice");
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

Value in_batch(const Value& x, Dim extent) {
    Shape shape{extent};
    for (Dim d : x.type().shape) shape.push_back(d);
    return functions::broadcast_to(x, shape);
}

Value with_rank(const Value& x, std::size_t rank) {
    const Shape& from = x.type().shape;
    Shape shape{from[0]};
    for (std::size_t i = from.rank(); i < rank; ++i) shape.push_back(1);
    for (std::size_t i = 1; i < from.rank(); ++i) shape.push_back(from[i]);
    return functions::reshape(x, shape);
}

Value axis_to_front(const Value& x, std::size_t axis) {
    Integers permutation = functions::all_axes(x.type().shape.rank());
    const auto begin = permutation.begin();
    std::rotate(begin, begin + static_cast<std::ptrdiff_t>(axis), begin + static_cast<std::ptrdiff_t>(axis) + 1);
    return functions::transpose(x, std::move(permutation));
}

Value front_to_axis(const Value& x, std::size_t axis) {
    Integers permutation = functions::all_axes(x.type().shape.rank());
    const auto begin = permutation.begin();
    std::rotate(begin, begin + 1, begin + static_cast<std::ptrdiff_t>(axis) + 1);
    return functions::transpose(x, std::move(permutation));
}

std::vector<Value> in_batch(const BatchContext& c) {
    std::vector<Value> values;
    for (std::size_t i = 0; i < c.x.size(); ++i) values.push_back(c.batched[i] ? c.x[i] : in_batch(c.x[i], c.extent));
    return values;
}

Attributes batched_attributes(const BatchContext& c) {
    Attributes attributes = c.node.attributes;
    const auto with_first = [](const auto& list, auto first) {
        std::remove_cvref_t<decltype(list)> longer{first};
        for (const auto& entry : list) longer.push_back(entry);
        return longer;
    };
    for (const AttributeDef& def : c.node.op->attributes) {
        if (def.of == AttributeDef::of_shape || !c.batched[static_cast<std::size_t>(def.of)]) continue;
        Attribute& a = attributes[def.slot];
        const auto moved = [](Integers axes) {
            for (std::int64_t& axis : axes) ++axis;
            return axes;
        };
        switch (def.meaning) {
            case AttributeMeaning::axis:
                ++std::get<std::int64_t>(a);
                break;
            case AttributeMeaning::axes:
                a = moved(std::get<Integers>(a));
                break;
            case AttributeMeaning::permutation:
                a = with_first(moved(std::get<Integers>(a)), std::int64_t{0});
                break;
            case AttributeMeaning::shape:
            case AttributeMeaning::sizes:
                a = with_first(std::get<Shape>(a), c.extent);
                break;
            case AttributeMeaning::starts:
            case AttributeMeaning::padding:
                a = with_first(std::get<Shape>(a), Dim(0));
                break;
            case AttributeMeaning::steps:
            case AttributeMeaning::blocks:
                a = with_first(std::get<Integers>(a), std::int64_t{1});
                break;
            case AttributeMeaning::bound:
            case AttributeMeaning::strides:
            case AttributeMeaning::dtype:
            case AttributeMeaning::number:
            case AttributeMeaning::flag:
            case AttributeMeaning::literal:
            case AttributeMeaning::name:
            case AttributeMeaning::region:
                break;
        }
    }
    return attributes;
}

}  // namespace rules
}  // namespace lathe::ir
