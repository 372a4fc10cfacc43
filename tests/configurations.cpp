#include "tests/configurations.h"

#include <gtest/gtest.h>

#include "tests/targets.h"
#include "tools/fuzz/describe.h"

namespace lathe::testing_support {

std::vector<std::string> targets_here() {
    std::vector<std::string> names;
    for (const char* name : {"avx2", "avx512"})
        if (runs_here(codegen::target_named(name))) names.emplace_back(name);
    return names;
}

void report(const GraphCase& failing, const Check& check, const std::string& configuration) {
    const GraphCase small = reduce(failing, [&](const GraphCase& c) { return check(c).has_value(); });
    ADD_FAILURE() << configuration << ": " << check(failing).value_or("fails now and then")
                  << "\nreduced: " << check(small).value_or("fails now and then") << "\n"
                  << describe(small);
}

}  // namespace lathe::testing_support
