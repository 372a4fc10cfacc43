// Sums of products.
#pragma once

#include "frontend/tensor/axes.h"
#include "frontend/tensor/tensor.h"

namespace lathe {

// Matrix product over the last axis of a and the last but one of b, batched over the axes before them.
Tensor matmul(const Tensor& a, const Tensor& b, Where where = Where::current());
struct ContractionAxes {
    Axes a_batch = {}, b_batch = {};        // pair up, and stay
    Axes a_contract = {}, b_contract = {};  // pair up, and are summed over
};
// The sum of a * b over pairs of axes, for all that the others choose: the result has the axes of the batch, then the
// others of a, then those of b.
Tensor dot_general(const Tensor& a, const Tensor& b, const ContractionAxes& axes, Where where = Where::current());

}  // namespace lathe
