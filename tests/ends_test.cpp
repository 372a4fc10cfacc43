// Values are there to the last: in destructors of thread-local and static objects, and in functions given to atexit.
#include <string>

#include <gtest/gtest.h>

#include "tests/command.h"

namespace lathe {
namespace {

using testing_support::Outcome;

struct End {
    std::string where, when;
};
void PrintTo(const End& e, std::ostream* out) { *out << e.where << " " << e.when; }

class Ends : public testing::TestWithParam<End> {};

TEST_P(Ends, ValuesAreRight) {
    const End& end = GetParam();
    constexpr int values = 7;
    int asked = 3 * values;
    if (end.when != "first") asked += values + (end.where == "key" || end.where == "atexit" ? 0 : 1);
    Outcome expected{0, ""};
    for (int i = 0; i < asked; ++i) expected.output += "right\n";
    EXPECT_EQ(testing_support::run_command("'" LATHE_BINARY_DIR "/tests/ends' " + end.where + " " + end.when),
              expected);
}

std::vector<End> all_ends() {
    std::vector<End> ends;
    for (const char* const where : {"thread_local", "thread", "key", "static", "atexit"})
        for (const char* const when : {"older", "younger", "first"}) ends.push_back({where, when});
    return ends;
}

INSTANTIATE_TEST_SUITE_P(Everywhere, Ends, testing::ValuesIn(all_ends()),
                         [](const auto& info) { return info.param.where + "_" + info.param.when; });

}  // namespace
}  // namespace lathe
