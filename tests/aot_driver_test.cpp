// The program around a model that is compiled ahead of time, with a stand-in for the model.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <sys/wait.h>

#include <gtest/gtest.h>

#include "tests/command.h"

namespace lathe {
namespace {

namespace fs = std::filesystem;
using testing_support::Outcome;

class AotDriver : public testing_support::InFolder {
protected:
    Outcome run(const std::string& arguments, const std::string& before = "") const {
        return run_here(before + " '" LATHE_BINARY_DIR "/tests/aot_stand_in' " + arguments);
    }
    std::string npy(const std::string& descr, const std::string& shape, std::size_t data_bytes, char version = 1) {
        std::string header = "{'descr': '" + descr + "', 'fortran_order': False, 'shape': " + shape + ", }";
        header.resize(117, ' ');
        header += '\n';
        return std::string("\x93NUMPY") + version + '\0' + static_cast<char>(header.size()) + '\0' + header +
               std::string(data_bytes, '\0');
    }
};

TEST_F(AotDriver, PrintsPredictionsAndLogits) {
    write("rows.csv", "1,2,3\r\n5, -1 ,1e-1\n0.1,0,nan");
    EXPECT_EQ(run("rows.csv"), (Outcome{0, "0\n1\n0\n"}));
    EXPECT_EQ(run("--logits rows.csv"), (Outcome{0, "6,-2\n4.0999999,4.9000001\nnan,nan\n"}));
    EXPECT_EQ(run("- <rows.csv"), (Outcome{0, "0\n1\n0\n"}));
}

TEST_F(AotDriver, WritesAndReadsNpy) {
    write("rows.csv", "1,2,3\n4,5,6\n");
    EXPECT_EQ(run("--output y.npy rows.csv"), (Outcome{0, ""}));
    EXPECT_EQ(fs::file_size(folder_ / "y.npy"), 128u + 16u);
    EXPECT_EQ(run("y.npy"), (Outcome{1, "aot_stand_in: y.npy: byte 65: dimension 1 is 2, the model takes 3\n"}));
    write("zeros.npy", npy("<f4", "(2, 3)", 24));
    EXPECT_EQ(run("zeros.npy"), (Outcome{0, "0\n0\n"}));
    write("none.npy", npy("<f4", "(0, 3)", 0));
    EXPECT_EQ(run("none.npy"), (Outcome{0, ""}));
}

TEST_F(AotDriver, NamesFileAndPlaceOfBadInput) {
    const auto message = [&](const std::string& file, const std::string& bytes) {
        const Outcome o = run(write(file, bytes));
        EXPECT_EQ(o.status, 1);
        EXPECT_EQ(o.output.find("aot_stand_in: " + file + ": "), 0u) << o.output;
        EXPECT_EQ(o.output.find('\n'), o.output.size() - 1) << "one line";
        return o.output.substr(std::min(o.output.size(), 16 + file.size()));
    };
    EXPECT_EQ(message("a.csv", ""), "is empty\n");
    EXPECT_EQ(message("a.csv", "\n"), "has no rows\n");
    EXPECT_EQ(message("a.csv", "1,2,3\n1,2\n"), "row 2 has 2 columns, the model takes 3\n");
    EXPECT_EQ(message("a.csv", "1,2,3\n\n1,2,3\n"), "row 2, column 1: '' is not a number of type f32\n");
    EXPECT_EQ(message("a.csv", "1,2,3,4\n"), "row 1 has 4 columns, the model takes 3\n");
    EXPECT_EQ(message("a.csv", "1,2,3\n1,two,3\n"), "row 2, column 2: 'two' is not a number of type f32\n");
    EXPECT_EQ(message("a.csv", "1,0x2,3\n"), "row 1, column 2: '0x2' is not a number of type f32\n");
    for (const std::string large : {"1e39", "1e400"})
        EXPECT_EQ(message("a.csv", "1," + large + ",3\n"),
                  "row 1, column 2: '" + large + "' is not a number of type f32\n");
    EXPECT_EQ(message("a.csv", std::string("1,\0\x1b[2J,3\n", 10)),
              "row 1, column 2: '??[2J' is not a number of type f32\n");
    EXPECT_EQ(run(write("small.csv", "1,1e-60,1e-400\n \t")), (Outcome{0, "0\n"})) << "and a last line that is blank";
    EXPECT_EQ(message("a.npy", "\x93NUMPY"), "byte 6: the file ends in its header\n");
    EXPECT_EQ(message("a.npy", npy("<f4", "(2, 3)", 24, 9)), "byte 6: version 9 of .npy is not known\n");
    EXPECT_EQ(message("a.npy", npy("<f8", "(2, 3)", 48)), "byte 21: the dtype is '<f8', the model takes f32\n");
    EXPECT_EQ(message("a.npy", npy(">f8", "(2, 3)", 48)), "byte 21: the dtype is '>f8', the model takes f32\n");
    EXPECT_EQ(message("a.npy", npy("|O", "(2, 3)", 24)), "byte 21: the dtype is '|O', the model takes f32\n");
    EXPECT_EQ(message("a.npy", npy("<f4", "(6,)", 24)), "byte 63: the array has rank 1, the model takes 2\n");
    EXPECT_EQ(message("a.npy", npy("<f4", "(2, 3)", 23)), "byte 128: 23 bytes of data, the shape needs 24\n");
    EXPECT_EQ(message("a.npy", npy("<f4", "(9223372036854775807, 3)", 24)), "byte 83: the shape is too large\n");
    EXPECT_EQ(message("a.npy", npy("<f4", "(99999999999999999999, 3)", 24)), "byte 61: an extent is too large\n");
    EXPECT_EQ(message("a.npy", npy("<f4", "(-1, 3)", 24)), "byte 61: the shape is malformed\n");
    for (std::size_t length = 7; length < 152; ++length) message("a.npy", npy("<f4", "(2, 3)", 24).substr(0, length));
}

TEST_F(AotDriver, ExplainsWrongUsage) {
    EXPECT_EQ(run("").status, 2);
    EXPECT_EQ(run("a b").status, 2);
    EXPECT_EQ(run("--what a"), (Outcome{2, "aot_stand_in: '--what' is no option, see --help\n"}));
    EXPECT_EQ(run("--help").status, 0);
    EXPECT_NE(run("--help").output.find("example:"), std::string::npos);
    EXPECT_EQ(run("absent.csv"), (Outcome{1, "aot_stand_in: absent.csv: No such file or directory\n"}));
    EXPECT_EQ(run(".").status, 1);
}

TEST_F(AotDriver, NamesMissingCpuFeatures) {
    EXPECT_EQ(run("--help", "LATHE_CPU_DENY=AVX2,FMA"),
              (Outcome{3, "aot_stand_in: this processor lacks FMA, AVX2, which the model was compiled for\n"}));
    EXPECT_EQ(run("--help", "LATHE_CPU_DENY=AVX512F").status, 0) << "not needed by this model";
}

TEST_F(AotDriver, LeavesNothingBehindWhereItCannotWrite) {
    write("rows.csv", "1,2,3\n");
    EXPECT_EQ(run("rows.csv >/dev/full"), (Outcome{1, "aot_stand_in: standard output: No space left on device\n"}));
    EXPECT_EQ(run("--output absent/y.npy rows.csv").status, 1);
    EXPECT_EQ(run("--output /dev/full rows.csv"), (Outcome{1, "aot_stand_in: /dev/full: No space left on device\n"}));
    EXPECT_EQ(run("--output /dev/null rows.csv"), (Outcome{0, ""}));
    EXPECT_TRUE(fs::is_character_file("/dev/full"));
    fs::create_directory(folder_ / "taken.npy");
    EXPECT_EQ(run("--output taken.npy rows.csv").status, 1);
    EXPECT_EQ(entries(), 2u);
}

}  // namespace
}  // namespace lathe
