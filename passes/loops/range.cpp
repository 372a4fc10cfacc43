#include "passes/loops/range.h"

#include <algorithm>

namespace lathe::passes {

using ir::Dim;
using ir::Symbol;

namespace {

// Whether a <= b whatever the values of symbols, none of which is negative.
bool at_most(Dim a, Dim b) {
    const auto low = (b - a).bounds([](Symbol) { return Dim::Bounds{0, std::nullopt}; }).low;
    return low && *low >= 0;
}

}  // namespace

Range Range::from(Dim bound) const {
    Range out = *this;
    if (is_behind(bound)) return out;
    std::erase_if(out.lows_, [&](Dim low) { return at_most(low, bound); });
    out.lows_.push_back(bound);
    return out;
}

Range Range::before(Dim bound) const {
    Range out = *this;
    if (is_before(bound)) return out;
    std::erase_if(out.highs_, [&](Dim high) { return at_most(bound, high); });
    out.highs_.push_back(bound);
    return out;
}

Dim Range::begin() const {
    Dim out = lows_.front();
    for (Dim low : lows_) out = max(out, low);
    return out;
}

Dim Range::length() const {
    Dim end = highs_.front();
    for (Dim high : highs_) end = min(end, high);
    return max(0, end - begin());
}

bool Range::is_empty() const {
    return std::ranges::any_of(highs_, [this](Dim high) { return is_behind(high); });
}

Dim Range::contains(Dim iteration) const {
    Dim out = 1;
    for (Dim low : lows_) out = min(out, iteration - low + 1);
    for (Dim high : highs_)
        if (high != extent_) out = min(out, high - iteration);
    return max(0, out);
}

bool Range::is_behind(Dim bound) const {
    return std::ranges::any_of(lows_, [bound](Dim low) { return at_most(bound, low); });
}

bool Range::is_before(Dim bound) const {
    return std::ranges::any_of(highs_, [bound](Dim high) { return at_most(high, bound); });
}

std::optional<Dim> Range::bound_of(Dim guard, Symbol variable) {
    const auto affine = guard.affine_in(variable);
    if (!affine) return std::nullopt;
    if (affine->coefficient == Dim(1)) return Dim(0) - affine->rest;
    if (affine->coefficient == Dim(-1)) return affine->rest + 1;
    return std::nullopt;
}

std::optional<bool> Range::decide(Dim guard) const {
    const std::optional<Dim> bound = bound_of(guard, variable_);
    if (!bound) return std::nullopt;
    const bool from_there_on = guard.affine_in(variable_)->coefficient == Dim(1);
    if (is_behind(*bound)) return from_there_on;
    if (is_before(*bound)) return !from_there_on;
    return std::nullopt;
}

Dim Range::fold(Dim d) const {
    if (!d.depends_on(variable_) || d.as_symbol()) return d;
    Dim sum = 0;
    for (const Dim::Term& term : d.terms()) {
        Dim product = term.coefficient;
        for (const Dim::Atom& f : term.factors) switch (f.kind) {
                case Dim::Atom::Kind::symbol:
                    product *= Dim::symbol(f.symbol);
                    break;
                case Dim::Atom::Kind::floordiv:
                    product *= quotient(fold(f.a), fold(f.b));
                    break;
                case Dim::Atom::Kind::min:
                    product *= min(fold(f.a), fold(f.b));
                    break;
                case Dim::Atom::Kind::max:
                    product *= max(fold(f.a), fold(f.b));
                    break;
            }
        sum += product;
    }
    return sum;
}

// floordiv(a, b): that of the first iteration, if the last one has not reached the next multiple of b.
Dim Range::quotient(Dim a, Dim b) const {
    const auto affine = a.affine_in(variable_);
    if (affine && affine->coefficient == Dim(1) && !b.depends_on(variable_))
        for (Dim low : lows_) {
            const Dim first = floordiv(affine->rest + low, b);
            const bool same =
                std::ranges::any_of(highs_, [&](Dim high) { return at_most(affine->rest + high, (first + 1) * b); });
            if (same && at_most(first * b, affine->rest + low)) return first;
        }
    return floordiv(a, b);
}

}  // namespace lathe::passes
