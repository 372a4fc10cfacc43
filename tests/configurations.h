// Configurations of the compiler as tests use them.
#pragma once

#include <string>
#include <vector>

#include "tools/fuzz/configurations.h"

namespace lathe::testing_support {

// Targets whose code this processor can run; the test is reported as skipped for the others.
std::vector<std::string> targets_here();

// A test failure with the smallest case that still fails.
void report(const GraphCase& failing, const Check& check, const std::string& configuration);

}  // namespace lathe::testing_support
