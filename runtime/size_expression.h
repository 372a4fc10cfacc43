// Sizes of a plan, before they become the tokens of its tables.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "runtime/plan_tables.h"

namespace lathe::runtime {

// An integer expression over the symbols of a plan. Copies share what they are made of.
class SizeExpression {
public:
    struct Node {
        lathe_token token{};  // what it does with its operands
        std::shared_ptr<const Node> a, b;
        int depth = 1;  // stack entries that an evaluation needs
    };

    SizeExpression() : SizeExpression(0) {}
    SizeExpression(std::int64_t constant)  // NOLINT(google-explicit-constructor): a number is an expression
        : node_(leaf({constant, lathe_size_constant})) {}
    static SizeExpression symbol(std::uint32_t number);
    static SizeExpression binary(std::int64_t code, const SizeExpression& a, const SizeExpression& b);

    std::int64_t evaluate(std::span<const std::int64_t> symbols) const;  // throws PlanError: overflow, division by zero

    const Node& node() const { return *node_; }
    std::vector<lathe_token> tokens() const;  // in postfix order
    int depth() const { return node_->depth; }
    friend bool operator==(const SizeExpression& a, const SizeExpression& b);  // the same parts

private:
    explicit SizeExpression(std::shared_ptr<const Node> node) : node_(std::move(node)) {}
    static std::shared_ptr<const Node> leaf(lathe_token token);

    std::shared_ptr<const Node> node_;
};

inline SizeExpression operator+(const SizeExpression& a, const SizeExpression& b) {
    return SizeExpression::binary(lathe_size_add, a, b);
}
inline SizeExpression operator*(const SizeExpression& a, const SizeExpression& b) {
    return SizeExpression::binary(lathe_size_multiply, a, b);
}

}  // namespace lathe::runtime
