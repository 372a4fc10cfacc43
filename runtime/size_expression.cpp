#include "runtime/size_expression.h"

#include <algorithm>

#include "runtime/plan.h"

namespace lathe::runtime {

SizeExpression SizeExpression::symbol(std::uint32_t number) {
    SizeExpression e;
    e.tokens_ = {{static_cast<std::int64_t>(number), lathe_size_symbol}};
    return e;
}

SizeExpression SizeExpression::binary(std::int64_t code, const SizeExpression& a, const SizeExpression& b) {
    const bool commutes = code != lathe_size_subtract && code != lathe_size_floordiv;
    if (commutes && b.depth_ > a.depth_) return binary(code, b, a);  // the deeper operand first: a smaller stack
    SizeExpression e;
    e.tokens_ = a.tokens_;
    e.tokens_.insert(e.tokens_.end(), b.tokens_.begin(), b.tokens_.end());
    e.tokens_.push_back({0, code});
    e.depth_ = std::max(a.depth_, b.depth_ + 1);
    return e;
}

std::int64_t SizeExpression::evaluate(std::span<const std::int64_t> symbols) const {
    if (depth_ > lathe_size_stack) throw PlanError("a size is too complex");
    for (const lathe_token& t : tokens_)
        if (t.code == lathe_size_symbol && (t.value < 0 || static_cast<std::size_t>(t.value) >= symbols.size()))
            throw PlanError("a size names a symbol that the plan does not have");
    std::int64_t value = 0;
    const int why =
        lathe_evaluate_v4(tokens_.data(), static_cast<std::uint32_t>(tokens_.size()), symbols.data(), &value);
    if (why == lathe_misfit_division) throw PlanError("a size divides by zero");
    if (why != lathe_fits) throw PlanError("a size does not fit 64 bits");
    return value;
}

}  // namespace lathe::runtime
