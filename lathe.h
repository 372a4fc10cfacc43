// Everything that users of Lathe need: #include <lathe/lathe.h>
#pragma once

#include "ir/dtype.h"
#include "ir/error.h"
