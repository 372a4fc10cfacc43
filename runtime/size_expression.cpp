#include <algorithm>

#include "runtime/plan.h"

namespace lathe::runtime {
namespace {

using Code = SizeExpression::Code;

std::int64_t apply(Code code, std::int64_t a, std::int64_t b) {
    std::int64_t result = 0;
    bool overflow = false;
    switch (code) {
        case Code::add:
            overflow = __builtin_add_overflow(a, b, &result);
            break;
        case Code::subtract:
            overflow = __builtin_sub_overflow(a, b, &result);
            break;
        case Code::multiply:
            overflow = __builtin_mul_overflow(a, b, &result);
            break;
        case Code::floordiv:
            if (b == 0) throw PlanError("a size divides by zero");
            if (b == -1) {
                overflow = __builtin_sub_overflow(std::int64_t{0}, a, &result);
                break;
            }
            result = a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0);
            break;
        case Code::min:
            result = std::min(a, b);
            break;
        case Code::max:
            result = std::max(a, b);
            break;
        case Code::constant:
        case Code::symbol:
            break;  // not binary
    }
    if (overflow) throw PlanError("a size does not fit 64 bits");
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
