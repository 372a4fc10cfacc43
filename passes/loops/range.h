// What is known of a loop's variable in a part of its iterations: bounds whose values differ from call to call, and
// what follows from them for index expressions.
#pragma once

#include <optional>
#include <vector>

#include "ir/dim.h"

namespace lathe::passes {

// All lows <= variable < all highs. It is empty where some low is not below some high.
class Range {
public:
    // All iterations of a loop.
    Range(ir::Symbol variable, ir::Dim extent) : variable_(variable), extent_(extent), lows_{0}, highs_{extent} {}

    // What is left of it from a bound on, and before it.
    Range from(ir::Dim bound) const;
    Range before(ir::Dim bound) const;

    ir::Symbol variable() const { return variable_; }
    ir::Dim begin() const;                      // the greatest of the lows
    ir::Dim length() const;                     // 0 where it is empty
    bool is_empty() const;                      // whatever the values of the bounds
    ir::Dim contains(ir::Dim iteration) const;  // 1 or 0, for an iteration of the loop

    // The iteration from which on a guard holds, or else does not; empty where it is about something else.
    static std::optional<ir::Dim> bound_of(ir::Dim guard, ir::Symbol variable);
    // Whether a bound is outside: the range lies behind it, or before it, whatever the values.
    bool is_behind(ir::Dim bound) const;
    bool is_before(ir::Dim bound) const;
    // Whether a guard holds in all iterations, or in none; empty where that is not known.
    std::optional<bool> decide(ir::Dim guard) const;
    // The same index expression in all iterations, without floor divisions that give one quotient there.
    ir::Dim fold(ir::Dim d) const;

private:
    ir::Dim quotient(ir::Dim a, ir::Dim b) const;

    ir::Symbol variable_;
    ir::Dim extent_;                     // of the loop
    std::vector<ir::Dim> lows_, highs_;  // none of which implies another
};

}  // namespace lathe::passes
