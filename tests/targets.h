// The levels of processors that tests compile for, and run where they can.
#pragma once

#include <gtest/gtest.h>

#include "codegen/target.h"

namespace lathe::testing_support {

// Whether the target's code runs on this processor. Where it does not, the test that asks is reported as skipped and
// says why, though all else of it runs and may fail: nothing vanishes without a word.
inline bool runs_here(const codegen::Target& target) {
    if (target.runs_here) return true;
    const auto report = [&] { GTEST_SKIP() << target.name << " is not run: this processor lacks it"; };
    report();
    return false;
}

}  // namespace lathe::testing_support
