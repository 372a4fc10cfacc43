// Functions of tensors: each op of the table, and what is built from them.
#pragma once

#include "frontend/functions/activations.h"
#include "frontend/functions/along_axis.h"
#include "frontend/functions/binary.h"
#include "frontend/functions/creation.h"
#include "frontend/functions/elementwise.h"
#include "frontend/functions/indexing.h"
#include "frontend/functions/losses.h"
#include "frontend/functions/movement.h"
#include "frontend/functions/products.h"
#include "frontend/functions/random.h"
#include "frontend/functions/reductions.h"
