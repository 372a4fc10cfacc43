// Texts that are kept in files, and compared line by line with what is so now.
#pragma once

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "frontend/formats/read_file.h"

namespace lathe::testing_support {

// LATHE_REWRITE_EXPECTATIONS=1 writes the file instead. The path is below the root of the sources.
inline void expect_kept(const std::string& path, const std::string& now) {
    const std::string file = LATHE_SOURCE_DIR "/" + path;
    if (std::getenv("LATHE_REWRITE_EXPECTATIONS") != nullptr) std::ofstream(file) << now;
    std::istringstream kept(read_file(file)), made(now);
    std::string a, b;
    for (int line = 1; std::getline(made, b); ++line) {
        if (!std::getline(kept, a)) a = "(the end)";
        ASSERT_EQ(a, b) << path << ":" << line << "; LATHE_REWRITE_EXPECTATIONS=1 accepts what is so now";
    }
    EXPECT_FALSE(std::getline(kept, a)) << path << " has more: " << a;
}

}  // namespace lathe::testing_support
