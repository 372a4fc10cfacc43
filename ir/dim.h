// Dimensions: canonical integer polynomials over symbols, with floor division, min and max as atoms.
//
// A Dim is one machine word: a constant, or a pointer to an interned, immutable polynomial. Equal polynomials are
// interned once, so `==` is a word comparison and equality that holds algebraically is found. `mod(a, b)` is
// represented as `a - b * floordiv(a, b)`, which makes `b * (a / b) + a % b` collapse to `a`.
//
// The same algebra serves the extents of tensors (symbols are unknown extents, >= 0) and the index expressions of loop
// nests (symbols are extents, loop variables and indices loaded from memory).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace lathe::ir {

using Symbol = std::uint32_t;  // index into the symbol table of the graph or loop nest that the Dim belongs to

struct Polynomial;  // dim.cpp

class Dim {
public:
    constexpr Dim() = default;
    // Numbers of more than 62 bits and a sign, which no extent is, become the greatest or the least: what makes a
    // tensor of them refuses it.
    constexpr Dim(std::int64_t constant)  // NOLINT(google-explicit-constructor): a number is a dimension
        : bits_(static_cast<std::uint64_t>(constant < least      ? least
                                           : constant > greatest ? greatest
                                                                 : constant)
                << 1) {}
    static constexpr std::int64_t greatest = (std::int64_t{1} << 62) - 1, least = -greatest - 1;
    static Dim symbol(Symbol id);

    constexpr bool is_constant() const { return (bits_ & 1) == 0; }
    constexpr std::int64_t constant() const { return static_cast<std::int64_t>(bits_) >> 1; }  // only if is_constant()
    std::optional<Symbol> as_symbol() const;  // the symbol, where the Dim is exactly one

    friend constexpr bool operator==(Dim, Dim) = default;
    constexpr std::uint64_t bits() const {
        return bits_;
    }  // equal iff the Dims are equal; stable within a process only

    // Value of the Dim for given symbol values. Overflow gives nullopt, and so does division by zero, unless 0 divides
    // as 1 does: so it is in kernels, where what an extent of 0 divides may be computed, but nothing uses it.
    enum class DivisionByZero : std::uint8_t { has_no_value, is_by_one };
    std::optional<std::int64_t> evaluate(std::span<const std::int64_t> symbol_values,
                                         DivisionByZero by_zero = DivisionByZero::has_no_value) const;

    bool depends_on(Symbol s) const;
    void collect_symbols(std::vector<Symbol>& into) const;  // appends each symbol once, in order of first appearance
    Dim substitute(const std::function<Dim(Symbol)>& replacement) const;

    // d = coefficient * s + rest, where s occurs in neither. Empty where d is not affine in s.
    struct Affine;
    std::optional<Affine> affine_in(Symbol s) const;

    struct Bounds {  // conservative; empty means unbounded
        std::optional<std::int64_t> low, high;
    };
    Bounds bounds(const std::function<Bounds(Symbol)>& of_symbol) const;
    // The same with every floor division, minimum and maximum replaced that those bounds decide.
    Dim fold(const std::function<Bounds(Symbol)>& of_symbol) const;

    // Visits the structure bottom-up, for code generators: the Dim as a sum of terms, each a coefficient times atoms.
    struct Atom;
    struct Term;
    std::span<const Term> terms() const;  // empty for constants

    // `names[s]` is what symbol s is called; symbols past the end print as s0, s1, ...
    std::string to_string(std::span<const std::string> names = {}) const;

    static constexpr Dim from_bits(std::uint64_t bits) {
        Dim d;
        d.bits_ = bits;
        return d;
    }

private:
    std::uint64_t bits_ = 0;
};

struct Dim::Affine {
    Dim coefficient, rest;
};

struct Dim::Atom {
    enum class Kind : std::uint8_t { symbol, floordiv, min, max } kind = Kind::symbol;
    Symbol symbol = 0;  // Kind::symbol
    Dim a, b;           // the other kinds
    friend bool operator==(const Atom&, const Atom&) = default;
};

struct Dim::Term {
    std::int64_t coefficient = 0;
    std::vector<Atom> factors;  // sorted; a power is a repeated factor; empty for the constant term
    friend bool operator==(const Term&, const Term&) = default;
};

Dim operator+(Dim a, Dim b);
Dim operator-(Dim a, Dim b);
Dim operator*(Dim a, Dim b);
inline Dim& operator+=(Dim& a, Dim b) { return a = a + b; }
inline Dim& operator*=(Dim& a, Dim b) { return a = a * b; }
Dim floordiv(Dim a, Dim b);  // rounds towards minus infinity; folds where b divides a
Dim mod(Dim a, Dim b);       // a - b * floordiv(a, b)
Dim min(Dim a, Dim b);
Dim max(Dim a, Dim b);
inline Dim ceildiv(Dim a, Dim b) { return floordiv(a + b - 1, b); }

// Replaces symbols in many Dims; what occurs in several is rewritten once.
class DimSubstitution {
public:
    explicit DimSubstitution(std::function<Dim(Symbol)> replacement) : replacement_(std::move(replacement)) {}
    Dim operator()(Dim d);

private:
    std::function<Dim(Symbol)> replacement_;
    std::unordered_map<std::uint64_t, Dim> done_;  // by the bits of what was replaced
};

// A total order on Dims that depends on structure alone (never on addresses), for canonical forms.
int compare(Dim a, Dim b);

}  // namespace lathe::ir
