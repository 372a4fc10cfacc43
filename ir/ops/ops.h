// Every row, as functions and by name.
#pragma once

#include "ir/ops/along_axis.h"
#include "ir/ops/arithmetic.h"
#include "ir/ops/bits.h"
#include "ir/ops/comparison.h"
#include "ir/ops/contraction.h"
#include "ir/ops/control.h"
#include "ir/ops/hyperbolic.h"
#include "ir/ops/math.h"
#include "ir/ops/memory.h"
#include "ir/ops/reductions.h"
#include "ir/ops/rounding.h"
#include "ir/ops/sources.h"
#include "ir/ops/special.h"
#include "ir/ops/trigonometric.h"
#include "ir/ops/views.h"
