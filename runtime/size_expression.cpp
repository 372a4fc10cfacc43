#include "runtime/size_expression.h"

#include <algorithm>

#include "runtime/plan.h"

namespace lathe::runtime {
namespace {

void append_postfix(const SizeExpression::Node& node, std::vector<lathe_token>& tokens) {
    if (node.a != nullptr) {
        append_postfix(*node.a, tokens);
        append_postfix(*node.b, tokens);
    }
    tokens.push_back(node.token);
}

bool are_equal(const SizeExpression::Node& a, const SizeExpression::Node& b) {
    if (&a == &b) return true;
    if (a.token.code != b.token.code || a.token.value != b.token.value) return false;
    return a.a == nullptr || (are_equal(*a.a, *b.a) && are_equal(*a.b, *b.b));
}

}  // namespace

std::shared_ptr<const SizeExpression::Node> SizeExpression::leaf(lathe_token token) {
    return std::make_shared<const Node>(Node{token, nullptr, nullptr, 1});
}

SizeExpression SizeExpression::symbol(std::uint32_t number) {
    return SizeExpression(leaf({static_cast<std::int64_t>(number), lathe_size_symbol}));
}

SizeExpression SizeExpression::binary(std::int64_t code, const SizeExpression& a, const SizeExpression& b) {
    const bool commutes = code != lathe_size_subtract && code != lathe_size_floordiv;
    if (commutes && b.depth() > a.depth()) return binary(code, b, a);  // the deeper operand first: a smaller stack
    return SizeExpression(
        std::make_shared<const Node>(Node{{0, code}, a.node_, b.node_, std::max(a.depth(), b.depth() + 1)}));
}

std::vector<lathe_token> SizeExpression::tokens() const {
    std::vector<lathe_token> tokens;
    append_postfix(*node_, tokens);
    return tokens;
}

bool operator==(const SizeExpression& a, const SizeExpression& b) { return are_equal(*a.node_, *b.node_); }

std::int64_t SizeExpression::evaluate(std::span<const std::int64_t> symbols) const {
    const auto require_symbol = [&](const lathe_token& t) {
        if (t.code == lathe_size_symbol && (t.value < 0 || static_cast<std::size_t>(t.value) >= symbols.size()))
            throw PlanError("a size names a symbol that the plan does not have");
    };
    std::int64_t value = 0;
    int why = lathe_fits;
    if (node_->a == nullptr) {  // allocates nothing
        require_symbol(node_->token);
        why = lathe_evaluate_v5(&node_->token, 1, symbols.data(), &value);
    } else {
        if (depth() > lathe_size_stack) throw PlanError("a size is too complex");
        const std::vector<lathe_token> postfix = tokens();
        std::ranges::for_each(postfix, require_symbol);
        why = lathe_evaluate_v5(postfix.data(), static_cast<std::uint32_t>(postfix.size()), symbols.data(), &value);
    }
    if (why == lathe_misfit_division) throw PlanError("a size divides by zero");
    if (why != lathe_fits) throw PlanError("a size does not fit 64 bits");
    return value;
}

}  // namespace lathe::runtime
