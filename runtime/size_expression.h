// Sizes of a plan, before they become the tokens of its tables.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "runtime/plan_tables.h"

namespace lathe::runtime {

// An integer expression over the symbols of a plan.
class SizeExpression {
public:
    SizeExpression() : SizeExpression(0) {}
    SizeExpression(std::int64_t constant)  // NOLINT(google-explicit-constructor): a number is an expression
        : tokens_{{constant, lathe_size_constant}} {}
    static SizeExpression symbol(std::uint32_t number);
    static SizeExpression binary(std::int64_t code, const SizeExpression& a, const SizeExpression& b);

    std::int64_t evaluate(std::span<const std::int64_t> symbols) const;  // throws PlanError: overflow, division by zero

    std::span<const lathe_token> tokens() const { return tokens_; }  // in postfix order
    int depth() const { return depth_; }                             // stack entries that an evaluation needs
    friend bool operator==(const SizeExpression& a, const SizeExpression& b) {
        return std::ranges::equal(a.tokens_, b.tokens_, [](const lathe_token& x, const lathe_token& y) {
            return x.value == y.value && x.code == y.code;
        });
    }

private:
    std::vector<lathe_token> tokens_;
    int depth_ = 1;
};

inline SizeExpression operator+(const SizeExpression& a, const SizeExpression& b) {
    return SizeExpression::binary(lathe_size_add, a, b);
}
inline SizeExpression operator*(const SizeExpression& a, const SizeExpression& b) {
    return SizeExpression::binary(lathe_size_multiply, a, b);
}

}  // namespace lathe::runtime
