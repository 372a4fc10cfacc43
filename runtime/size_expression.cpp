#include <algorithm>

#include "runtime/plan.h"
#include "runtime/plan_rules.h"

namespace lathe::runtime {
namespace {

using Code = SizeExpression::Code;

static_assert(static_cast<int>(Code::constant) == lathe_size_constant &&
              static_cast<int>(Code::add) == lathe_size_add && static_cast<int>(Code::max) == lathe_size_max);

std::int64_t apply(Code code, std::int64_t a, std::int64_t b) {
    std::int64_t result = 0;
    const int outcome = lathe_size_apply(static_cast<int>(code), a, b, &result);
    if (outcome == lathe_size_divides_by_zero) throw PlanError("a size divides by zero");
    if (outcome == lathe_size_overflows) throw PlanError("a size does not fit 64 bits");
    return result;
}

}  // namespace

SizeExpression SizeExpression::symbol(std::uint32_t number) {
    SizeExpression e;
    e.ops_ = {{Code::symbol, static_cast<std::int64_t>(number)}};
    return e;
}

SizeExpression SizeExpression::binary(Code code, const SizeExpression& a, const SizeExpression& b) {
    SizeExpression e;
    e.ops_ = a.ops_;
    e.ops_.insert(e.ops_.end(), b.ops_.begin(), b.ops_.end());
    e.ops_.push_back({code, 0});
    e.depth_ = std::max(a.depth_, b.depth_ + 1);
    return e;
}

std::int64_t SizeExpression::evaluate(std::span<const std::int64_t> symbols) const {
    constexpr int small = 16;
    std::int64_t on_stack[small] = {};
    std::vector<std::int64_t> on_heap;
    if (depth_ > small) on_heap.resize(static_cast<std::size_t>(depth_));
    std::int64_t* const stack = depth_ > small ? on_heap.data() : on_stack;
    std::int64_t* top = stack;  // one past the last entry
    for (const Op& op : ops_) {
        if (op.code == Code::constant) {
            *top++ = op.value;
        } else if (op.code == Code::symbol) {
            if (op.value < 0 || static_cast<std::size_t>(op.value) >= symbols.size())
                throw PlanError("a size names a symbol that the plan does not have");
            *top++ = symbols[static_cast<std::size_t>(op.value)];
        } else {
            top[-2] = apply(op.code, top[-2], top[-1]);
            --top;
        }
    }
    return *stack;
}

}  // namespace lathe::runtime
