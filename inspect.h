// What the compiler made of a function, and why: #include <lathe/inspect.h>
#pragma once

#include "frontend/inspect/inspect.h"
