#include "frontend/tensor/mixed_precision.h"

#include <string>

#include "frontend/tensor/blame.h"
#include "frontend/trace/trace.h"

namespace lathe {

constinit thread_local const MixedPrecision* MixedPrecision::innermost_ = nullptr;

MixedPrecision::MixedPrecision(ir::Dtype dtype, Where where)
    : previous_(innermost_), trace_(Trace::current()), dtype_(dtype) {
    if (dtype != ir::Dtype::bf16 && dtype != ir::Dtype::f16 && dtype != ir::Dtype::f32)
        throw UserError("MixedPrecision: products are of bf16, f16 or f32, not " + std::string(ir::name(dtype)),
                        detail::blame(where));
    innermost_ = this;
}

MixedPrecision::~MixedPrecision() { innermost_ = previous_; }

ir::Dtype contraction_dtype() {
    const MixedPrecision* scope = MixedPrecision::innermost_;
    return scope == nullptr || scope->trace_ != Trace::current() ? ir::Dtype::f32 : scope->dtype_;
}

}  // namespace lathe
