// Optimisers, and what goes with them: schedules, clipping, accumulation, scaling, averages.
#pragma once

#include "frontend/optim/accumulator.h"
#include "frontend/optim/adam.h"
#include "frontend/optim/adaptive.h"
#include "frontend/optim/averaging.h"
#include "frontend/optim/bounded.h"
#include "frontend/optim/clipping.h"
#include "frontend/optim/grad_scaler.h"
#include "frontend/optim/lbfgs.h"
#include "frontend/optim/optimizer.h"
#include "frontend/optim/schedules.h"
#include "frontend/optim/sgd.h"
