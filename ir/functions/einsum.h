// Einstein's sums over any number of operands: which axes they share, in which order they are contracted, and how.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ir/functions/basic.h"

namespace lathe::ir::functions {

// The index of an axis: a letter, or an axis of the ellipsis, of which 0 is the last.
struct EinsumLabel {
    char letter = 0;  // 0: of the ellipsis
    std::size_t ellipsis = 0;
    friend bool operator==(const EinsumLabel&, const EinsumLabel&) = default;
    friend auto operator<=>(const EinsumLabel&, const EinsumLabel&) = default;
};
using EinsumLabels = std::vector<EinsumLabel>;

// "ij,jk->ik" for operands of some ranks. Without an arrow the result has the ellipsis, then the letters that occur
// once, in alphabetical order. Throws std::invalid_argument with the reason.
struct EinsumFormula {
    std::vector<EinsumLabels> operands;
    EinsumLabels result;

    EinsumFormula(std::string_view text, const std::vector<std::size_t>& ranks);
};

// Which two of the operands that are left become one, step by step: their places, the second after the first; the
// product comes behind those that are left. The sum of multiplications is least for up to eight operands, else each
// step takes the pair whose product is cheapest. Extents that are not numbers count as `typical_extent`.
inline constexpr double typical_extent = 64;
struct EinsumOperand {
    EinsumLabels labels;
    std::vector<Dim> extents;
};
std::vector<std::pair<std::size_t, std::size_t>> contraction_order(std::vector<EinsumOperand> operands,
                                                                   const EinsumLabels& result);

namespace einsum_steps {

template <Operand T>
struct Term {
    T x;
    EinsumLabels labels;
};

inline std::ptrdiff_t place_of(const EinsumLabels& labels, EinsumLabel label) {
    return std::ranges::find(labels, label) - labels.begin();
}
inline bool contains(const EinsumLabels& labels, EinsumLabel label) {
    return std::ranges::find(labels, label) != labels.end();
}

// An axis that occurs twice is the diagonal of the two, which comes last.
template <Operand T>
Term<T> without_repeated(Term<T> term) {
    for (std::size_t i = 0; i < term.labels.size(); ++i) {
        const EinsumLabel label = term.labels[i];
        const auto again =
            std::find(term.labels.begin() + static_cast<std::ptrdiff_t>(i) + 1, term.labels.end(), label);
        if (again == term.labels.end()) continue;
        term.x = ops::diagonal.with(
            {static_cast<std::int64_t>(i), static_cast<std::int64_t>(again - term.labels.begin()), std::int64_t{0}},
            term.x);
        term.labels.erase(again);
        term.labels.erase(term.labels.begin() + static_cast<std::ptrdiff_t>(i));
        term.labels.push_back(label);
        return without_repeated(std::move(term));
    }
    return term;
}

// Without an axis of extent 1.
template <Operand T>
Term<T> without_axis(const Term<T>& term, std::size_t axis) {
    Shape shape;
    for (std::size_t i = 0; i < term.labels.size(); ++i)
        if (i != axis) shape.push_back(shape_of(term.x)[i]);
    EinsumLabels labels = term.labels;
    labels.erase(labels.begin() + static_cast<std::ptrdiff_t>(axis));
    return {reshape(term.x, shape), labels};
}

// Sums over the axes that nothing else has.
template <Operand T, class IsWanted>
Term<T> without_single(Term<T> term, const IsWanted& is_wanted) {
    Integers axes;
    EinsumLabels rest;
    for (std::size_t i = 0; i < term.labels.size(); ++i)
        if (is_wanted(term.labels[i]))
            rest.push_back(term.labels[i]);
        else
            axes.push_back(static_cast<std::int64_t>(i));
    if (axes.empty()) return term;
    return {convert(sum(term.x, axes), dtype_of(term.x)), rest};
}

// The axes in an order; those that the term lacks have an extent of 1.
template <Operand T>
T arranged(const Term<T>& term, const EinsumLabels& order) {
    Integers permutation;
    Shape shape;
    for (const EinsumLabel label : order) {
        const std::ptrdiff_t place = place_of(term.labels, label);
        const bool is_there = place < static_cast<std::ptrdiff_t>(term.labels.size());
        if (is_there) permutation.push_back(place);
        shape.push_back(is_there ? shape_of(term.x)[static_cast<std::size_t>(place)] : Dim(1));
    }
    return reshape(transpose(term.x, std::move(permutation)), shape);
}

// The product of two terms, summed over what nothing else wants.
template <Operand T, class IsWanted>
Term<T> contracted(const Term<T>& first, const Term<T>& second, const IsWanted& is_wanted) {
    const auto both = [&](EinsumLabel label) {
        return contains(first.labels, label) && contains(second.labels, label);
    };
    const Term<T> a = without_single(first, [&](EinsumLabel l) { return both(l) || is_wanted(l); });
    const Term<T> b = without_single(second, [&](EinsumLabel l) { return both(l) || is_wanted(l); });
    EinsumLabels order;
    Integers a_batch, b_batch, a_contract, b_contract;
    for (const EinsumLabel label : a.labels) {
        if (!contains(b.labels, label)) continue;
        (is_wanted(label) ? a_batch : a_contract).push_back(place_of(a.labels, label));
        (is_wanted(label) ? b_batch : b_contract).push_back(place_of(b.labels, label));
        if (is_wanted(label)) order.push_back(label);
    }
    for (const EinsumLabel label : a.labels)
        if (!contains(b.labels, label)) order.push_back(label);
    for (const EinsumLabel label : b.labels)
        if (!contains(a.labels, label)) order.push_back(label);
    if (a_contract.empty()) return {ops::mul(arranged(a, order), arranged(b, order)), order};
    return {ops::dot_general.with({a_batch, b_batch, a_contract, b_contract}, a.x, b.x), order};
}

}  // namespace einsum_steps

template <Operand T>
T einsum(const EinsumFormula& formula, const std::vector<T>& operands) {
    using namespace einsum_steps;
    std::vector<Term<T>> terms;
    for (std::size_t i = 0; i < operands.size(); ++i)
        terms.push_back(without_repeated(Term<T>{operands[i], formula.operands[i]}));
    // An extent of 1 beside another is the same for all of that one's indices.
    const auto stretches = [&](EinsumLabel label) {
        return std::ranges::any_of(terms, [&](const Term<T>& term) {
            const auto place = static_cast<std::size_t>(place_of(term.labels, label));
            return place < term.labels.size() && shape_of(term.x)[place] != Dim(1);
        });
    };
    for (Term<T>& term : terms)
        for (std::size_t i = term.labels.size(); i-- > 0;)
            if (shape_of(term.x)[i] == Dim(1) && stretches(term.labels[i])) term = without_axis(term, i);
    std::vector<EinsumOperand> shapes;
    for (const Term<T>& term : terms) {
        const Shape shape = shape_of(term.x);
        shapes.push_back({term.labels, {shape.begin(), shape.end()}});
    }
    const auto in_result = [&](EinsumLabel label) { return contains(formula.result, label); };
    for (const auto& [i, k] : contraction_order(shapes, formula.result)) {
        const Term<T> first = terms[i], second = terms[k];
        terms.erase(terms.begin() + static_cast<std::ptrdiff_t>(k));
        terms.erase(terms.begin() + static_cast<std::ptrdiff_t>(i));
        terms.push_back(contracted(first, second, [&](EinsumLabel label) {
            return in_result(label) ||
                   std::ranges::any_of(terms, [&](const Term<T>& term) { return contains(term.labels, label); });
        }));
    }
    return arranged(without_single(terms[0], in_result), formula.result);
}

}  // namespace lathe::ir::functions
