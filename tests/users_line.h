// A line to blame, so that whole messages are the same wherever the sources lie.
#pragma once

#include "frontend/tensor/where.h"

namespace lathe::testing_support {

inline Where users_line() {
#line 7 "user.cpp"
    return Where::current();
}

}  // namespace lathe::testing_support
