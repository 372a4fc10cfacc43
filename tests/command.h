// Programs that tests run, and folders that they may write to.
#pragma once

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <ostream>
#include <string>
#include <sys/wait.h>

#include <gtest/gtest.h>

namespace lathe::testing_support {

struct Outcome {
    int status = -1;     // exit status; -1 where a signal ended it
    std::string output;  // standard output and error
    friend bool operator==(const Outcome&, const Outcome&) = default;
    friend void PrintTo(const Outcome& o, std::ostream* to) { *to << "status " << o.status << ": " << o.output; }
};

// Runs a shell command.
inline Outcome run_command(const std::string& command) {
    Outcome o;
    FILE* const pipe = popen(("{ " + command + "\n} 2>&1").c_str(), "r");
    if (!pipe) return o;
    for (int c = 0; (c = std::fgetc(pipe)) != EOF;) o.output += static_cast<char>(c);
    const int status = pclose(pipe);
    o.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return o;
}

// A test with an empty folder of its own, in which its commands run.
class InFolder : public testing::Test {
protected:
    InFolder() {
        const auto* const info = testing::UnitTest::GetInstance()->current_test_info();
        folder_ = std::filesystem::path(LATHE_BINARY_DIR) / "test_folders" /
                  (std::string(info->test_suite_name()) + "." + info->name());
        std::filesystem::remove_all(folder_);
        std::filesystem::create_directories(folder_);
    }
    ~InFolder() override { std::filesystem::remove_all(folder_); }

    std::string write(const std::string& file, const std::string& bytes) const {
        std::ofstream(folder_ / file, std::ios::binary) << bytes;
        return file;
    }
    Outcome run_here(const std::string& command) const {
        return run_command("cd '" + folder_.string() + "' && " + command);
    }
    std::size_t entries() const {
        return static_cast<std::size_t>(
            std::distance(std::filesystem::directory_iterator(folder_), std::filesystem::directory_iterator()));
    }
    std::filesystem::path folder_;
};

}  // namespace lathe::testing_support
