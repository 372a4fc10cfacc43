// Data sets, loaders, progress and metrics.
#pragma once

#include "frontend/data/dataset.h"
#include "frontend/data/loader.h"
#include "frontend/data/metrics.h"
#include "frontend/data/progress.h"
