// The commands that read models and write files: what they make, and what they say of bad input.
#include "tests/command.h"

#include <cstring>

#include <gtest/gtest.h>

#include "frontend/formats/read_file.h"
#include "lathe.h"

namespace lathe {
namespace {

using testing_support::Outcome;

class Command : public testing_support::InFolder {
protected:
    Command() {
        nn::Generator random(3);
        const nn::Sequential net(nn::Linear(4, 8, random), nn::ReLU(), nn::Linear(8, 3, random));
        trace([&](const Tensor& x) { return net(x); }, {{"x", Dtype::f32, {"batch", 4}}}, {.name = "small"})
            .save((folder_ / "m.lathe").string());
        bytes_ = read_file((folder_ / "m.lathe").string());
        write("x.csv", "1,2,3,4\n-1,0.5,2e-3,7\n");
    }
    Outcome lathe(const std::string& arguments) const { return run_here("'" LATHE_BINARY_DIR "/lathe' " + arguments); }
    // One line that names the file.
    static void expect_message(const Outcome& o, const std::string& begins) {
        EXPECT_EQ(o.status, 1) << o.output;
        EXPECT_EQ(o.output.find("lathe: " + begins), 0U) << o.output;
        EXPECT_EQ(o.output.find('\n'), o.output.size() - 1) << o.output;
    }
    std::string bytes_;
};

TEST_F(Command, EveryReaderRefusesDamagedModels) {
    write("empty.lathe", "");
    write("short.lathe", bytes_.substr(0, 20));
    write("cut.lathe", bytes_.substr(0, bytes_.size() - 5));
    std::string flipped = bytes_;
    flipped[bytes_.size() / 2] ^= 4;
    write("flipped.lathe", flipped);
    const std::size_t before = entries();
    for (const std::string command :
         {"print ", "compile -o out.o --header out.h ", "compile -o out ", "run --input x=x.csv --output out "}) {
        expect_message(lathe(command + "absent.lathe"), "absent.lathe: No such file or directory");
        expect_message(lathe(command + "empty.lathe"), "empty.lathe: is empty");
        expect_message(lathe(command + "short.lathe"), "short.lathe: byte 20: ");
        expect_message(lathe(command + "cut.lathe"), "cut.lathe: byte ");
        expect_message(lathe(command + "flipped.lathe"), "flipped.lathe: byte ");
        EXPECT_EQ(entries(), before) << command;
    }
}

TEST_F(Command, NoFlippedByteGoesUnnoticed) {
    for (std::size_t at = 0; at < bytes_.size(); at += 1 + bytes_.size() / 60) {
        std::string flipped = bytes_;
        flipped[at] ^= 0x10;
        write("f.lathe", flipped);
        EXPECT_THROW(Model::load((folder_ / "f.lathe").string()), FormatError) << at;
    }
    write("f.lathe", "\x88" + bytes_.substr(1));
    EXPECT_EQ(lathe("print f.lathe").status, 1) << "neither a model nor text";
}

TEST_F(Command, RunNamesRowsAndTypesOfBadInput) {
    write("few.csv", "1,2,3,4\n1,2,3\n");
    write("word.csv", "1,2,3,4\n1,2,three,4\n");
    write("wide.csv", "1,2,3,4,5\n");
    write("empty.csv", "");
    write_npy((folder_ / "f64.npy").string(), {ir::Dtype::f64, {1, 4}, std::vector<std::byte>(32)});
    const std::string npy = npy_bytes({ir::Dtype::f32, {2, 4}, std::vector<std::byte>(32)});
    write("cut.npy", npy.substr(0, npy.size() - 1));
    const std::size_t before = entries();
    const auto run = [&](const std::string& file) { return lathe("run m.lathe --output out --input x=" + file); };
    expect_message(run("few.csv"), "few.csv: row 2");
    expect_message(run("word.csv"), "word.csv: row 2, column 3: 'three'");
    expect_message(run("wide.csv"), "wide.csv: is f32[1, 5], but the input 'x' is f32[batch, 4]");
    expect_message(run("empty.csv"), "empty.csv: ");
    expect_message(run("f64.npy"), "f64.npy: is f64[1, 4], but the input 'x' is f32[batch, 4]");
    expect_message(run("cut.npy"), "cut.npy: byte ");
    expect_message(run("absent.npy"), "absent.npy: No such file or directory");
    EXPECT_EQ(entries(), before);
}

TEST_F(Command, RunGivesTheSameBitsHoweverItRuns) {
    ASSERT_EQ(lathe("run m.lathe --input x=x.csv --output base"), (Outcome{0, ""}));
    const std::string base = read_file((folder_ / "base" / "result.npy").string());
    for (const std::string how :
         {"--interpret", "--threads 1", "--threads 2", "--target avx2", "--off fuse", "--off tile --off vectorize"}) {
        ASSERT_EQ(lathe("run m.lathe --input x=x.csv --output other " + how), (Outcome{0, ""})) << how;
        EXPECT_TRUE(read_file((folder_ / "other" / "result.npy").string()) == base) << how;
    }
    ASSERT_EQ(lathe("compile m.lathe -o small"), (Outcome{0, ""}));
    ASSERT_EQ(run_here("./small --output small.npy x.csv"), (Outcome{0, ""}));
    EXPECT_TRUE(read_file((folder_ / "small.npy").string()) == base);
}

TEST_F(Command, ExecutablesReadAndPrintNarrowFloats) {
    write("x.csv",
          "1.0009765625,0.33333333,65504,-inf\n6e-8,2e-8,-0.0,nan\n1e-60,3.14159,1e-5,-2.5\n"
          "1.00048828125,1.00390625,1.00146484375,1.01171875\n");  // halfway between two f16, and two bf16

    for (const Dtype dtype : {Dtype::f16, Dtype::bf16}) {
        const std::string name(ir::name(dtype));
        const Model model =
            trace([](const Tensor& x) { return reshape(x, x.type().shape); }, {{"x", dtype, {"n", 4}}}, {.name = name});
        model.save((folder_ / "narrow.lathe").string());
        ASSERT_EQ(lathe("compile narrow.lathe -o narrow"), (Outcome{0, ""}));
        const Outcome printed = run_here("./narrow --logits x.csv > y.csv && cat y.csv");
        EXPECT_EQ(printed.status, 0) << printed.output;
        EXPECT_EQ(read_csv((folder_ / "y.csv").string(), dtype), read_csv((folder_ / "x.csv").string(), dtype))
            << printed.output;
        write("large.csv", "1,2,3,3.4e38\n");
        EXPECT_EQ(run_here("./narrow large.csv"),
                  (Outcome{1, "narrow: large.csv: row 1, column 4: '3.4e38' is not a number of type " + name + "\n"}));
    }
}

TEST_F(Command, CompileWritesWhatTheNameSays) {
    EXPECT_EQ(lathe("compile m.lathe -o m.o --header m.h --name net --target avx2"), (Outcome{0, ""}));
    EXPECT_EQ(lathe("compile m.lathe -o m.a"), (Outcome{0, ""}));
    EXPECT_EQ(lathe("compile m.lathe -o m.so"), (Outcome{0, ""}));
    EXPECT_EQ(read_file((folder_ / "m.o").string()).substr(0, 4),
              "\x7f"
              "ELF");
    EXPECT_EQ(read_file((folder_ / "m.a").string()).substr(0, 8), "!<arch>\n");
    EXPECT_EQ(read_file((folder_ / "m.so").string())[16], '\x03') << "a shared object";
    EXPECT_NE(read_file((folder_ / "m.h").string()).find("int net_run("), std::string::npos);
    EXPECT_EQ(run_here("cc -std=c11 -Wall -Wextra -Werror -pedantic -fsyntax-only m.h").status, 0);
    EXPECT_EQ(run_here("c++ -std=c++20 -Wall -Wextra -Werror -fsyntax-only -x c++ m.h").status, 0);
}

TEST_F(Command, CompileLeavesNothingBehindWhereItFails) {
    const std::size_t before = entries();
    const Outcome linker =
        run_here("PATH=/nonexistent '" LATHE_BINARY_DIR "/lathe' compile m.lathe -o m.o --header m.h");
    expect_message(linker, "no linker was found: one of ld.lld-19, ld.lld, ld has to be in PATH");
    expect_message(run_here("PATH=/nonexistent '" LATHE_BINARY_DIR "/lathe' compile m.lathe -o m"),
                   "no linker was found: one of cc, ");
    expect_message(lathe("compile m.lathe -o /dev/full"), "/dev/full: No space left on device");
    expect_message(lathe("compile m.lathe -o m.a --header /dev/full"), "/dev/full: No space left on device");
    expect_message(lathe("compile m.lathe -o absent/m.a"), "absent/m.a");
    expect_message(lathe("compile m.lathe -o m.a --header ./m.a"), "m.a: the header would be written over the code");
    expect_message(lathe("compile m.lathe -o m.a --name 1st"), "'1st' is not an identifier of C");
    EXPECT_EQ(entries(), before);
    EXPECT_EQ(lathe("compile m.lathe").status, 2);
    EXPECT_EQ(lathe("compile m.lathe -o m.o --target sse2").status, 2);
    EXPECT_EQ(lathe("compile m.lathe -o m.o --off nonsense").status, 2);
    EXPECT_EQ(lathe("print m.lathe --stage loops --target sse2").status, 2);
    EXPECT_EQ(lathe("run m.lathe --input x=x.csv --output o --threads 0").status, 2);
    EXPECT_EQ(entries(), before);
    EXPECT_EQ(run_here("PATH=/nonexistent '" LATHE_BINARY_DIR "/lathe' compile m.lathe -o m.a"), (Outcome{0, ""}))
        << "archives need no linker";
}

TEST_F(Command, PrintShowsSourceLinesAndEveryPassRuns) {
    const Outcome loops = lathe("print m.lathe --stage loops");
    EXPECT_EQ(loops.status, 0);
    EXPECT_EQ(loops.output.find("// "), 0U) << loops.output;
    EXPECT_NE(loops.output.find("command_test.cpp:"), std::string::npos) << loops.output;
    ASSERT_EQ(lathe("print m.lathe --stage graph > g.lir").status, 0);
    const std::string graph = read_file((folder_ / "g.lir").string());
    EXPECT_EQ(lathe("print g.lir --stage graph"), (Outcome{0, graph})) << "print, parse, print";
    write("relu.lir",
          "graph relu(n) {\n  %0 = parameter \"x\" : f32[n]\n  %1 = exp(%0) : f32[n]\n  return \"y\" = %1\n}\n");
    ASSERT_EQ(lathe("pass lower relu.lir > k.lir").status, 0);
    for (const std::string pass : {"simplify", "fuse", "lower", "stream"})
        EXPECT_EQ(lathe("pass " + pass + " relu.lir").status, 0);
    for (const std::string pass : {"collapse", "tile", "vectorize", "parallelize"})
        EXPECT_EQ(lathe("pass " + pass + " k.lir").status, 0) << pass;
}

}  // namespace
}  // namespace lathe
