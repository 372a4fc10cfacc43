// A process that compiles nothing does not pay for the compiler.
#include <algorithm>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <gtest/gtest.h>

namespace {

double milliseconds(const timeval& time) {
    return 1e3 * static_cast<double>(time.tv_sec) + 1e-3 * static_cast<double>(time.tv_usec);
}

// Processor time of a process that does nothing, from its start to its end: of its own and of the system on its behalf.
double processor_milliseconds(const char* path) {
    char* const arguments[] = {const_cast<char*>(path), nullptr};
    char* const environment[] = {nullptr};
    pid_t child = 0;
    EXPECT_EQ(posix_spawn(&child, path, nullptr, nullptr, arguments, environment), 0);
    int status = 0;
    rusage use{};
    EXPECT_EQ(wait4(child, &status, 0, &use), child);
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 0);
    return milliseconds(use.ru_utime) + milliseconds(use.ru_stime);
}

// LLVM's initialisers alone take twice as long as all of the process that it is compared with.
TEST(Startup, TakesLessThanTwiceTheTimeOfAnyProcess) {
    double lathe = 1e9, unrelated = 1e9;
    for (int i = 0; i < 30; ++i) {
        lathe = std::min(lathe, processor_milliseconds(LATHE_BINARY_DIR "/tests/idle"));
        unrelated = std::min(unrelated, processor_milliseconds(LATHE_BINARY_DIR "/tests/unrelated"));
    }
    RecordProperty("milliseconds", std::to_string(lathe));
#ifndef LATHE_SANITIZED
    EXPECT_LT(lathe, 2 * unrelated);
#endif
}

}  // namespace
