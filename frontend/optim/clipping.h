// Bounds for derivatives, between backward() and step(); inside jit they are part of the compiled program.
#pragma once

#include <vector>

#include "frontend/tensor/tensor.h"

namespace lathe::optim {

// Scales all derivatives by max_norm / (norm + 1e-6) where that is less than 1. The norm, of all their elements
// together, is (sum |g|^p)^(1/p), for an infinite p the greatest |g|; f32 of rank 0, or f64 where every derivative is.
// It is what the derivatives had before. Parameters without a derivative do not count; with none at all the norm is 0.
Tensor clip_grad_norm(const std::vector<Tensor>& parameters, double max_norm, double p = 2,
                      Where where = Where::current());
// Clamps each element of the derivatives to [-max, max].
void clip_grad_value(const std::vector<Tensor>& parameters, double max, Where where = Where::current());

}  // namespace lathe::optim
