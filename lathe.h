// Everything that users of Lathe need: #include <lathe/lathe.h>
#pragma once

#include "frontend/aot.h"
#include "frontend/csv.h"
#include "frontend/functions.h"
#include "frontend/grad.h"
#include "frontend/jit.h"
#include "frontend/model.h"
#include "frontend/nn.h"
#include "frontend/npy.h"
#include "frontend/optim.h"
#include "frontend/tensor.h"
#include "ir/dtype.h"
#include "ir/error.h"
#include "runtime/parallel.h"
