#include "ir/dim.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <mutex>
#include <numeric>
#include <unordered_set>

#include "ir/error.h"

namespace lathe::ir {

// A sum of at least one non-constant term; interned and immutable, so that a pointer identifies it.
struct Polynomial {
    std::vector<Dim::Term> terms;  // leading term first: higher degree, then the lexicographically smaller factors
    std::vector<Symbol> symbols;   // each once, in order of first appearance
    std::size_t hash = 0;
    std::uint32_t weight = 0;  // nodes when written out as a tree
    std::uint32_t depth = 0;   // nesting of atoms; bounds the recursion of everything below
};

namespace {

using Term = Dim::Term;
using Atom = Dim::Atom;

constexpr std::uint32_t max_weight = 20'000, max_depth = 100;
constexpr std::int64_t constant_limit = std::int64_t{1} << 62;

const Polynomial* polynomial(Dim d) { return reinterpret_cast<const Polynomial*>(d.bits() - 1); }

[[noreturn]] void overflow() { throw UserError("dimension arithmetic overflows 62 bits"); }

std::int64_t in_range(std::int64_t v) {
    if (v < -constant_limit || v >= constant_limit) overflow();
    return v;
}
std::int64_t checked_add(std::int64_t a, std::int64_t b) {
    std::int64_t r = 0;
    if (__builtin_add_overflow(a, b, &r)) overflow();
    return in_range(r);
}
std::int64_t checked_mul(std::int64_t a, std::int64_t b) {
    std::int64_t r = 0;
    if (__builtin_mul_overflow(a, b, &r)) overflow();
    return in_range(r);
}

std::int64_t floor_division(std::int64_t a, std::int64_t b) {
    const std::int64_t q = a / b;
    return a % b != 0 && (a < 0) != (b < 0) ? q - 1 : q;
}

std::size_t mix(std::size_t h, std::uint64_t v) {
    v *= 0x9e3779b97f4a7c15ULL;
    v ^= v >> 32;
    return (h ^ v) * 0xff51afd7ed558ccdULL + 0x632be59bd9b4e019ULL;
}

std::size_t hash_terms(std::span<const Term> terms) {
    std::size_t h = terms.size();
    for (const Term& t : terms) {
        h = mix(h, static_cast<std::uint64_t>(t.coefficient));
        for (const Atom& a : t.factors) {
            h = mix(h, static_cast<std::uint64_t>(a.kind));
            h = a.kind == Atom::Kind::symbol ? mix(h, a.symbol) : mix(mix(h, a.a.bits()), a.b.bits());
        }
    }
    return h;
}

struct ByTerms {
    using is_transparent = void;
    std::size_t operator()(const Polynomial* p) const { return p->hash; }
    bool operator()(const Polynomial* a, const Polynomial* b) const {
        return a->hash == b->hash && a->terms == b->terms;
    }
};

// Writers take a shard's lock; readers follow pointers to immutable data and take none. Polynomials live as long as the
// process: their number is bounded by the distinct expressions that programs write.
struct Shard {
    std::mutex mutex;
    std::unordered_set<const Polynomial*, ByTerms, ByTerms> set;
};
constexpr std::size_t shard_count = 16;
std::array<Shard, shard_count>& shards() {
    static auto* table = new std::array<Shard, shard_count>;
    return *table;
}

int compare_int(std::int64_t a, std::int64_t b) { return a < b ? -1 : a > b ? 1 : 0; }

int compare_atoms(const Atom& x, const Atom& y) {
    if (x.kind != y.kind) return compare_int(static_cast<int>(x.kind), static_cast<int>(y.kind));
    if (x.kind == Atom::Kind::symbol) return compare_int(x.symbol, y.symbol);
    if (const int c = compare(x.a, y.a)) return c;
    return compare(x.b, y.b);
}

// Order of terms within a polynomial; a monomial order, which division relies on.
int compare_monomials(const Term& x, const Term& y) {
    if (x.factors.size() != y.factors.size()) return x.factors.size() > y.factors.size() ? -1 : 1;
    for (std::size_t i = 0; i < x.factors.size(); ++i)
        if (const int c = compare_atoms(x.factors[i], y.factors[i])) return c;
    return 0;
}

std::span<const Term> terms_of(Dim d, Term& constant_storage) {
    if (!d.is_constant()) return polynomial(d)->terms;
    constant_storage.coefficient = d.constant();
    return d.constant() == 0 ? std::span<const Term>() : std::span<const Term>(&constant_storage, 1);
}

// Sorts, merges equal monomials, drops zeros, interns.
Dim from_terms(std::vector<Term> terms) {
    std::ranges::sort(terms, [](const Term& a, const Term& b) { return compare_monomials(a, b) < 0; });
    std::size_t n = 0;
    for (std::size_t i = 0; i < terms.size(); ++i) {
        if (n > 0 && terms[n - 1].factors == terms[i].factors)
            terms[n - 1].coefficient = checked_add(terms[n - 1].coefficient, terms[i].coefficient);
        else if (n++ != i)
            terms[n - 1] = std::move(terms[i]);
        if (terms[n - 1].coefficient == 0) --n;
    }
    terms.resize(n);
    if (terms.empty()) return 0;
    if (terms.size() == 1 && terms[0].factors.empty()) return in_range(terms[0].coefficient);

    Polynomial p;
    p.hash = hash_terms(terms);
    p.terms = std::move(terms);
    Shard& shard = shards()[p.hash >> 60];
    const std::scoped_lock lock(shard.mutex);
    auto found = shard.set.find(&p);
    if (found == shard.set.end()) {
        std::uint64_t weight = 0;
        const auto add_symbol = [&](Symbol s) {
            if (std::ranges::find(p.symbols, s) == p.symbols.end()) p.symbols.push_back(s);
        };
        for (const Term& t : p.terms) {
            weight += 1;
            for (const Atom& a : t.factors) {
                weight += 1;
                if (a.kind == Atom::Kind::symbol)
                    add_symbol(a.symbol);
                else
                    for (Dim operand : {a.a, a.b})
                        if (!operand.is_constant()) {
                            const Polynomial* q = polynomial(operand);
                            weight += q->weight;
                            p.depth = std::max(p.depth, q->depth + 1);
                            for (Symbol s : q->symbols) add_symbol(s);
                        }
            }
        }
        if (weight > max_weight || p.depth > max_depth) throw ResourceError("dimension expression is too large");
        p.weight = static_cast<std::uint32_t>(weight);
        found = shard.set.insert(new Polynomial(std::move(p))).first;
    }
    return Dim::from_bits(reinterpret_cast<std::uint64_t>(*found) | 1);
}

Dim from_atom(Atom a) { return from_terms({Term{1, {std::move(a)}}}); }

// The atom that the Dim is exactly, if it is one.
const Atom* sole_atom(Dim d) {
    if (d.is_constant()) return nullptr;
    const Polynomial* p = polynomial(d);
    return p->terms.size() == 1 && p->terms[0].coefficient == 1 && p->terms[0].factors.size() == 1
               ? p->terms[0].factors.data()
               : nullptr;
}

Dim::Bounds not_negative(Symbol) { return {0, std::nullopt}; }
Dim::Bounds bounds_of(Dim d) { return d.bounds(not_negative); }

// t / lead, where lead's coefficient and factors divide t's.
std::optional<Term> divide_term(const Term& t, const Term& lead) {
    if (t.coefficient % lead.coefficient != 0) return std::nullopt;
    Term q{t.coefficient / lead.coefficient, t.factors};
    for (const Atom& f : lead.factors) {
        const auto at = std::ranges::find(q.factors, f);
        if (at == q.factors.end()) return std::nullopt;
        q.factors.erase(at);
    }
    return q;
}

struct Division {
    Dim quotient, remainder;
};

// Polynomial long division: a = quotient * b + remainder, where no term of the remainder is divisible by b's leading
// term.
Division divide(Dim a, Dim b) {
    Division d{0, a};
    Term storage;
    const Term lead = terms_of(b, storage)[0];
    for (int steps = 0; steps < 64; ++steps) {
        std::optional<Term> q;
        Term constant;
        for (const Term& t : terms_of(d.remainder, constant))
            if ((q = divide_term(t, lead))) break;
        if (!q) break;
        const Dim factor = from_terms({std::move(*q)});
        d.quotient += factor;
        d.remainder = d.remainder - factor * b;
    }
    return d;
}

}  // namespace

Dim Dim::symbol(Symbol id) { return from_atom({.kind = Atom::Kind::symbol, .symbol = id, .a = 0, .b = 0}); }

std::optional<Symbol> Dim::as_symbol() const {
    const Atom* a = sole_atom(*this);
    if (a == nullptr || a->kind != Atom::Kind::symbol) return std::nullopt;
    return a->symbol;
}

std::span<const Dim::Term> Dim::terms() const {
    if (is_constant()) return {};
    return polynomial(*this)->terms;
}

int compare(Dim a, Dim b) {
    if (a == b) return 0;
    if (a.is_constant() && b.is_constant()) return compare_int(a.constant(), b.constant());
    if (a.is_constant() != b.is_constant()) return a.is_constant() ? -1 : 1;
    const auto& x = polynomial(a)->terms;
    const auto& y = polynomial(b)->terms;
    for (std::size_t i = 0; i < std::min(x.size(), y.size()); ++i) {
        if (const int c = compare_monomials(x[i], y[i])) return c;
        if (const int c = compare_int(x[i].coefficient, y[i].coefficient)) return c;
    }
    return compare_int(static_cast<std::int64_t>(x.size()), static_cast<std::int64_t>(y.size()));
}

Dim operator+(Dim a, Dim b) {
    if (a.is_constant() && b.is_constant()) return checked_add(a.constant(), b.constant());
    if (a == Dim(0)) return b;
    if (b == Dim(0)) return a;
    Term ca, cb;
    const auto x = terms_of(a, ca), y = terms_of(b, cb);
    std::vector<Term> terms(x.begin(), x.end());
    terms.insert(terms.end(), y.begin(), y.end());
    return from_terms(std::move(terms));
}

Dim operator-(Dim a, Dim b) { return a + b * -1; }

Dim operator*(Dim a, Dim b) {
    if (a.is_constant() && b.is_constant()) return checked_mul(a.constant(), b.constant());
    if (a == Dim(0) || b == Dim(0)) return 0;
    if (a == Dim(1)) return b;
    if (b == Dim(1)) return a;
    Term ca, cb;
    const auto x = terms_of(a, ca), y = terms_of(b, cb);
    if (x.size() * y.size() > max_weight) throw ResourceError("dimension expression is too large");
    std::vector<Term> terms;
    terms.reserve(x.size() * y.size());
    for (const Term& s : x)
        for (const Term& t : y) {
            Term p{checked_mul(s.coefficient, t.coefficient), {}};
            p.factors.reserve(s.factors.size() + t.factors.size());
            std::ranges::merge(s.factors, t.factors, std::back_inserter(p.factors),
                               [](const Atom& l, const Atom& r) { return compare_atoms(l, r) < 0; });
            if (p.factors.size() > max_depth) throw ResourceError("dimension expression is too large");
            terms.push_back(std::move(p));
        }
    return from_terms(std::move(terms));
}

Dim floordiv(Dim a, Dim b) {
    if (a.is_constant() && b.is_constant() && b.constant() != 0) return floor_division(a.constant(), b.constant());
    if (b == Dim(0)) return from_atom({.kind = Atom::Kind::floordiv, .symbol = 0, .a = a, .b = b});
    if (a == Dim(0)) return 0;
    if (b == Dim(1)) return a;

    Dim quotient = 0;
    if (b.is_constant() && b.constant() > 0) {
        std::int64_t divisor = b.constant(), common = divisor;
        std::vector<Term> whole, rest;
        std::int64_t constant = 0;
        for (const Term& t : a.terms()) {
            if (t.factors.empty()) {
                whole.push_back({floor_division(t.coefficient, divisor), {}});
                constant = t.coefficient - whole.back().coefficient * divisor;
            } else if (t.coefficient % divisor == 0) {
                whole.push_back({t.coefficient / divisor, t.factors});
            } else {
                rest.push_back(t);
                common = std::gcd(common, t.coefficient);
            }
        }
        // floor((g*x + c) / (g*y)) = floor((x + floor(c / g)) / y)
        for (Term& t : rest) t.coefficient /= common;
        rest.push_back({constant / common, {}});
        divisor /= common;
        quotient = from_terms(std::move(whole));
        a = from_terms(std::move(rest));
        b = divisor;
        if (a.is_constant() || b == Dim(1)) return quotient + floordiv(a, b);
    } else if (!b.is_constant()) {
        const Division d = divide(a, b);
        quotient = d.quotient;
        a = d.remainder;
        if (a == Dim(0)) return quotient;
    }
    const auto value = bounds_of(a);
    const auto slack = bounds_of(b - a);
    if (value.low && *value.low >= 0 && slack.low && *slack.low >= 1) return quotient;
    // floor(floor(x / y) / z) = floor(x / (y * z)) for positive divisors
    if (const Atom* inner = sole_atom(a); inner != nullptr && inner->kind == Atom::Kind::floordiv) {
        const auto y = bounds_of(inner->b), z = bounds_of(b);
        if (y.low && *y.low >= 0 && z.low && *z.low >= 0) return quotient + floordiv(inner->a, inner->b * b);
    }
    return quotient + from_atom({.kind = Atom::Kind::floordiv, .symbol = 0, .a = a, .b = b});
}

Dim mod(Dim a, Dim b) { return a - b * floordiv(a, b); }

namespace {

// min and max: flattened, without operands that another one provably beats, in canonical order.
Dim extremum(Atom::Kind kind, Dim a, Dim b) {
    if (a == b) return a;
    std::vector<Dim> pending{a, b}, operands;
    while (!pending.empty()) {
        const Dim d = pending.back();
        pending.pop_back();
        if (const Atom* atom = sole_atom(d); atom != nullptr && atom->kind == kind) {
            pending.push_back(atom->a);
            pending.push_back(atom->b);
        } else {
            operands.push_back(d);
        }
    }
    std::ranges::sort(operands, [](Dim x, Dim y) { return compare(x, y) < 0; });
    std::vector<Dim> kept;
    for (Dim d : operands) {
        bool beaten = false;
        for (std::size_t i = 0; i < kept.size() && !beaten;) {
            const auto difference = bounds_of(kind == Atom::Kind::min ? d - kept[i] : kept[i] - d);
            if (difference.low && *difference.low >= 0)
                beaten = true;
            else if (difference.high && *difference.high <= 0)
                kept.erase(kept.begin() + static_cast<std::ptrdiff_t>(i));
            else
                ++i;
        }
        if (!beaten) kept.push_back(d);
    }
    Dim result = kept[0];
    for (std::size_t i = 1; i < kept.size(); ++i)
        result = from_atom({.kind = kind, .symbol = 0, .a = result, .b = kept[i]});
    return result;
}

}  // namespace

Dim min(Dim a, Dim b) {
    if (a.is_constant() && b.is_constant()) return std::min(a.constant(), b.constant());
    return extremum(Atom::Kind::min, a, b);
}
Dim max(Dim a, Dim b) {
    if (a.is_constant() && b.is_constant()) return std::max(a.constant(), b.constant());
    return extremum(Atom::Kind::max, a, b);
}

std::optional<std::int64_t> Dim::evaluate(std::span<const std::int64_t> symbol_values, DivisionByZero by_zero) const {
    if (is_constant()) return constant();
    std::int64_t sum = 0;
    for (const Term& t : terms()) {
        std::int64_t product = t.coefficient;
        for (const Atom& f : t.factors) {
            std::int64_t value = 0;
            if (f.kind == Atom::Kind::symbol) {
                if (f.symbol >= symbol_values.size()) return std::nullopt;
                value = symbol_values[f.symbol];
            } else {
                const auto x = f.a.evaluate(symbol_values, by_zero);
                auto y = f.b.evaluate(symbol_values, by_zero);
                if (!x || !y) return std::nullopt;
                if (f.kind == Atom::Kind::floordiv) {
                    if (*y == 0 && by_zero == DivisionByZero::is_by_one) y = 1;
                    if (*y == 0 || (*y == -1 && *x == INT64_MIN)) return std::nullopt;
                    value = floor_division(*x, *y);
                } else {
                    value = f.kind == Atom::Kind::min ? std::min(*x, *y) : std::max(*x, *y);
                }
            }
            if (__builtin_mul_overflow(product, value, &product)) return std::nullopt;
        }
        if (__builtin_add_overflow(sum, product, &sum)) return std::nullopt;
    }
    return sum;
}

bool Dim::depends_on(Symbol s) const {
    return !is_constant() && std::ranges::find(polynomial(*this)->symbols, s) != polynomial(*this)->symbols.end();
}

void Dim::collect_symbols(std::vector<Symbol>& into) const {
    if (is_constant()) return;
    for (Symbol s : polynomial(*this)->symbols)
        if (std::ranges::find(into, s) == into.end()) into.push_back(s);
}

Dim DimSubstitution::operator()(Dim d) {
    if (d.is_constant()) return d;
    if (const std::optional<Symbol> symbol = d.as_symbol()) return replacement_(*symbol);
    if (const auto found = done_.find(d.bits()); found != done_.end()) return found->second;
    Dim sum = 0;
    for (const Dim::Term& t : d.terms()) {
        Dim product = t.coefficient;
        for (const Dim::Atom& f : t.factors) switch (f.kind) {
                case Dim::Atom::Kind::symbol:
                    product *= replacement_(f.symbol);
                    break;
                case Dim::Atom::Kind::floordiv:
                    product *= floordiv((*this)(f.a), (*this)(f.b));
                    break;
                case Dim::Atom::Kind::min:
                    product *= min((*this)(f.a), (*this)(f.b));
                    break;
                case Dim::Atom::Kind::max:
                    product *= max((*this)(f.a), (*this)(f.b));
                    break;
            }
        sum += product;
    }
    return done_[d.bits()] = sum;
}

Dim Dim::substitute(const std::function<Dim(Symbol)>& replacement) const {
    return DimSubstitution(std::cref(replacement))(*this);
}

std::optional<Dim::Affine> Dim::affine_in(Symbol s) const {
    if (!depends_on(s)) return Affine{0, *this};
    std::vector<Term> linear, rest;
    for (const Term& t : terms()) {
        Term without{t.coefficient, {}};
        int power = 0;
        for (const Atom& f : t.factors) {
            if (f.kind == Atom::Kind::symbol && f.symbol == s) {
                ++power;
                continue;
            }
            if (f.kind != Atom::Kind::symbol && (f.a.depends_on(s) || f.b.depends_on(s))) return std::nullopt;
            without.factors.push_back(f);
        }
        if (power > 1) return std::nullopt;
        (power == 1 ? linear : rest).push_back(std::move(without));
    }
    return Affine{from_terms(std::move(linear)), from_terms(std::move(rest))};
}

namespace {

// Interval arithmetic; an end that overflows becomes unbounded.
using Bounds = Dim::Bounds;
using End = std::optional<std::int64_t>;

End add_ends(End a, End b) {
    std::int64_t r = 0;
    if (!a || !b || __builtin_add_overflow(*a, *b, &r)) return std::nullopt;
    return r;
}

Bounds multiply(Bounds x, Bounds y) {
    if (x.low && x.high && *x.low == 0 && *x.high == 0) return {0, 0};
    if (y.low && y.high && *y.low == 0 && *y.high == 0) return {0, 0};
    const auto product = [](End a, End b) -> End {
        std::int64_t r = 0;
        if (!a || !b || __builtin_mul_overflow(*a, *b, &r)) return std::nullopt;
        return r;
    };
    if (x.low && x.high && y.low && y.high) {
        Bounds r{INT64_MAX, INT64_MIN};
        for (End a : {x.low, x.high})
            for (End b : {y.low, y.high}) {
                const End p = product(a, b);
                if (!p) return {};
                r = {std::min(*r.low, *p), std::max(*r.high, *p)};
            }
        return r;
    }
    if (x.high && *x.high <= 0) {  // -((-x) * y)
        const auto negate = [](End e) -> End { return e && *e != INT64_MIN ? End(-*e) : std::nullopt; };
        const Bounds r = multiply({negate(x.high), negate(x.low)}, y);
        return {negate(r.high), negate(r.low)};
    }
    if (y.high && *y.high <= 0) return multiply(y, x);
    if (!x.low || *x.low < 0) std::swap(x, y);
    if (!x.low || *x.low < 0) return {};
    // x >= 0 scales y: an end of y that is negative is farthest at x's high end, else at its low end.
    return {product(y.low && *y.low < 0 ? x.high : x.low, y.low),
            product(y.high && *y.high > 0 ? x.high : x.low, y.high)};
}

Bounds divide_bounds(Bounds x, Bounds y) {
    if (!y.low || *y.low < 0) return {};
    const std::int64_t least = std::max<std::int64_t>(*y.low, 1);  // a divisor of 0 has no value
    Bounds r;
    if (x.low) {
        if (*x.low < 0)
            r.low = floor_division(*x.low, least);
        else
            r.low = y.high && *y.high > 0 ? floor_division(*x.low, *y.high) : 0;
    }
    if (x.high) {
        if (*x.high >= 0)
            r.high = floor_division(*x.high, least);
        else
            r.high = y.high && *y.high > 0 ? floor_division(*x.high, *y.high) : -1;
    }
    return r;
}

Bounds extremum_bounds(bool minimum, Bounds x, Bounds y) {
    const auto weaker = [](End a, End b, auto pick) -> End { return a && b ? End(pick(*a, *b)) : std::nullopt; };
    const auto stronger = [](End a, End b, auto pick) -> End { return a && b ? End(pick(*a, *b)) : a ? a : b; };
    const auto least = [](std::int64_t a, std::int64_t b) { return std::min(a, b); };
    const auto most = [](std::int64_t a, std::int64_t b) { return std::max(a, b); };
    return minimum ? Bounds{weaker(x.low, y.low, least), stronger(x.high, y.high, least)}
                   : Bounds{stronger(x.low, y.low, most), weaker(x.high, y.high, most)};
}

}  // namespace

Dim::Bounds Dim::bounds(const std::function<Bounds(Symbol)>& of_symbol) const {
    if (is_constant()) return {constant(), constant()};
    Bounds sum{0, 0};
    for (const Term& t : terms()) {
        Bounds product{t.coefficient, t.coefficient};
        for (const Atom& f : t.factors) {
            Bounds factor;
            switch (f.kind) {
                case Atom::Kind::symbol:
                    factor = of_symbol(f.symbol);
                    break;
                case Atom::Kind::floordiv:
                    factor = divide_bounds(f.a.bounds(of_symbol), f.b.bounds(of_symbol));
                    break;
                case Atom::Kind::min:
                case Atom::Kind::max:
                    factor = extremum_bounds(f.kind == Atom::Kind::min, f.a.bounds(of_symbol), f.b.bounds(of_symbol));
                    break;
            }
            product = multiply(product, factor);
        }
        sum = {add_ends(sum.low, product.low), add_ends(sum.high, product.high)};
    }
    return sum;
}

Dim Dim::fold(const std::function<Bounds(Symbol)>& of_symbol) const {
    if (is_constant() || as_symbol()) return *this;
    Dim sum = 0;
    for (const Term& t : terms()) {
        Dim product = t.coefficient;
        for (const Atom& f : t.factors) {
            if (f.kind == Atom::Kind::symbol) {
                product *= Dim::symbol(f.symbol);
                continue;
            }
            const Dim a = f.a.fold(of_symbol), b = f.b.fold(of_symbol);
            const Dim atom = f.kind == Atom::Kind::floordiv ? floordiv(a, b)
                             : f.kind == Atom::Kind::min    ? lathe::ir::min(a, b)
                                                            : lathe::ir::max(a, b);
            const Bounds range = atom.bounds(of_symbol);
            product *= range.low && range.low == range.high ? Dim(*range.low) : atom;
        }
        sum += product;
    }
    return sum;
}

std::string Dim::to_string(std::span<const std::string> names) const {
    if (is_constant()) return std::to_string(constant());
    std::string out;
    for (const Term& t : terms()) {
        const bool negative = t.coefficient < 0;
        const std::string magnitude = std::to_string(negative ? -t.coefficient : t.coefficient);
        if (out.empty())
            out += negative ? "-" : "";
        else
            out += negative ? " - " : " + ";
        bool first = true;
        if (magnitude != "1" || t.factors.empty()) {
            out += magnitude;
            first = false;
        }
        for (const Atom& f : t.factors) {
            if (!first) out += "*";
            first = false;
            if (f.kind == Atom::Kind::symbol) {
                if (f.symbol < names.size())
                    out += names[f.symbol];
                else
                    out.append("s").append(std::to_string(f.symbol));
                continue;
            }
            out += f.kind == Atom::Kind::floordiv ? "floordiv(" : f.kind == Atom::Kind::min ? "min(" : "max(";
            out += f.a.to_string(names) + ", " + f.b.to_string(names) + ")";
        }
    }
    return out;
}

}  // namespace lathe::ir
