// Optimisers and what goes with them.
#pragma once

#include "frontend/optim/adam.h"
#include "frontend/optim/adaptive.h"
#include "frontend/optim/bounded.h"
#include "frontend/optim/optimizer.h"
#include "frontend/optim/sgd.h"
