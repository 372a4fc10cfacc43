// Products in a narrow dtype, while everything else stays f32.
//
//   auto step = jit([&](const Tensor& x, const Tensor& y) {
//       const MixedPrecision scope(Dtype::bf16);
//       Tensor loss = cross_entropy(model(x), y);
//       loss.backward();
//       optimizer.step();
//       return loss;
//   });
//
// While a scope is open on its thread, contractions of f32 (matmul, linear, einsum, convolutions, attention) have their
// operands rounded to its dtype, add in f32 as those of that dtype do, round their result to it, and give f32 again.
// Operands of other dtypes are left alone. Parameters stay f32.
//
// Derivatives are those of what was computed: backward(), inside of the scope or behind it, rounds the cotangent of
// each such result and contracts it with the rounded operands; derivatives by parameters are f32. With f16, small ones
// become 0: scale the loss (see GradScaler). bf16 has the exponents of f32 and needs no scale.
//
// A scope counts for what is recorded in the function where it was opened: a compiled function is the same whatever
// scopes its callers have. Scopes nest, and MixedPrecision(Dtype::f32) leaves out what needs its digits.
#pragma once

#include "frontend/tensor/where.h"
#include "ir/dtype.h"

namespace lathe {

class Trace;

class MixedPrecision {
public:
    // Throws UserError where the dtype is none of bf16, f16 and f32.
    explicit MixedPrecision(ir::Dtype dtype, Where where = Where::current());
    ~MixedPrecision();
    MixedPrecision(const MixedPrecision&) = delete;
    MixedPrecision& operator=(const MixedPrecision&) = delete;

private:
    const MixedPrecision* previous_;
    const Trace* trace_;  // that was being recorded
    ir::Dtype dtype_;
    static constinit thread_local const MixedPrecision* innermost_;
    friend ir::Dtype contraction_dtype();
};

// That of contractions of f32 which are recorded now: f32 where no scope says otherwise.
ir::Dtype contraction_dtype();

}  // namespace lathe
