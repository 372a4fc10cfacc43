// Everything that users of Lathe need: #include <lathe/lathe.h>
#pragma once

#include "frontend/formats/csv.h"
#include "frontend/formats/npy.h"
#include "frontend/model/aot.h"
#include "frontend/model/model.h"
#include "frontend/nn/nn.h"
#include "frontend/optim/optim.h"
#include "frontend/tensor/dlpack.h"
#include "frontend/tensor/functions.h"
#include "frontend/tensor/tensor.h"
#include "frontend/trace/control.h"
#include "frontend/trace/grad.h"
#include "frontend/trace/jit.h"
#include "frontend/trace/vmap.h"
#include "ir/dtype.h"
#include "ir/error.h"
#include "runtime/parallel.h"
