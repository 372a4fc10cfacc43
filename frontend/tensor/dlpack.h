// Exchange of tensors with other libraries, by DLPack (https://dmlc.github.io/dlpack): NumPy, PyTorch, JAX and others.
// Who uses it includes <dlpack/dlpack.h> for the struct itself.
#pragma once

#include "frontend/tensor/tensor.h"

struct DLManagedTensor;

namespace lathe {

// Takes over a tensor in memory of the CPU; its deleter is called once, as soon as the memory is needed no longer, on
// whatever thread that is. As with Tensor::borrow(), memory that is row-major is read where it is, and other memory is
// copied by this call. After an error the tensor is still the caller's.
Tensor from_dlpack(DLManagedTensor* tensor, Where where = Where::current());

// Gives a tensor away; whoever takes it calls its deleter. It is the memory of x itself where nothing else has that, as
// of to_dlpack(std::move(x)) or to_dlpack(a + b), and else a copy: whoever takes it may write to it. Booleans are
// numbers of 8 bits, 0 or 1, where the version of DLPack that Lathe was built with has none.
DLManagedTensor* to_dlpack(Tensor x, Where where = Where::current());

}  // namespace lathe
