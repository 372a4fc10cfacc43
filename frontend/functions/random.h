// Random numbers: a function of key and shape alone (Philox4x32-10).
//
// A key is a number, or a u64 tensor of rank 0: an argument, or the next one of an nn::Generator. A number is the same
// at every call of a compiled function, and so are the random numbers.
//
// The ends of a range are finite, and low is at most high.
#pragma once

#include "frontend/tensor/tensor.h"

namespace lathe {

Tensor random_uniform(const Tensor& key, const Shape& shape, double low = 0, double high = 1,
                      Where where = Where::current());
Tensor random_uniform(std::uint64_t key, const Shape& shape, double low = 0, double high = 1,
                      Where where = Where::current());
Tensor random_normal(const Tensor& key, const Shape& shape, Where where = Where::current());
Tensor random_normal(std::uint64_t key, const Shape& shape, Where where = Where::current());

}  // namespace lathe
