// The `lathe` command, as a user runs it.
#include <algorithm>
#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include "frontend/formats/csv.h"
#include "frontend/formats/npy.h"
#include "frontend/formats/npz.h"
#include "frontend/formats/read_file.h"
#include "frontend/tensor/tensor.h"
#include "ir/ops/op.h"
#include "tests/command.h"

namespace lathe {
namespace {

using testing_support::Outcome;

const std::string graph = R"(graph main(batch) {
  %0 = parameter "x" : f32[batch, 64]
  %1 = exp(%0) : f32[batch, 64]
  %2 = sum(%1) {axes = [1]} : f32[batch]
  return "y" = %2
}
)";

class Tool : public testing_support::InFolder {
protected:
    Outcome lathe(const std::string& arguments) const { return run_here("'" LATHE_BINARY_DIR "/lathe' " + arguments); }
};

TEST_F(Tool, HelpHasAnExampleForEachCommand) {
    const Outcome all = lathe("--help");
    EXPECT_EQ(all.status, 0);
    for (const std::string command : {"compile", "print", "run", "pass", "verify", "ops", "fuzz"}) {
        EXPECT_NE(all.output.find("\n  " + command + " "), std::string::npos) << all.output;
        const Outcome one = lathe(command + " --help");
        EXPECT_EQ(one.status, 0);
        EXPECT_NE(one.output.find("example: lathe " + command), std::string::npos) << one.output;
    }
    EXPECT_EQ(lathe("--version"), (Outcome{0, "lathe 0.1.0\n"}));
}

TEST_F(Tool, WrongUsageIsTwo) {
    for (const std::string arguments :
         {"", "nonsense", "print", "print x --stage nonsense", "ops nonsense", "pass nonsense x", "--nonsense",
          "ops add --markdown", "fuzz --configurations nonsense", "fuzz --jobs 0", "fuzz --graphs many"})
        EXPECT_EQ(lathe(arguments).status, 2) << arguments;
}

TEST_F(Tool, ListsEveryOp) {
    const Outcome all = lathe("ops");
    for (const ir::OpDef* const op : ir::op_table()) {
        EXPECT_NE(("\n" + all.output).find("\n" + std::string(op->name) + " "), std::string::npos) << op->name;
        EXPECT_EQ(lathe("ops " + std::string(op->name)).status, 0);
    }
}

TEST_F(Tool, PrintsWhatItReads) {
    write("g.lir", "// a comment\n" + graph);
    EXPECT_EQ(lathe("print g.lir"), (Outcome{0, graph}));
    EXPECT_EQ(lathe("verify g.lir"), (Outcome{0, ""}));
    for (const std::string command : {"print g.lir", "ops", "--help", "run --help"})
        EXPECT_EQ(lathe(command + " >/dev/full"), (Outcome{1, "lathe: standard output: No space left on device\n"}));
}

TEST_F(Tool, ShowsEveryStage) {
    write("g.lir", graph);
    for (const std::string stage : {"optimized", "fused", "loops", "llvm", "asm"})
        for (const std::string target : {"avx2", "avx512"}) {
            const Outcome o = lathe("print g.lir --stage " + stage + " --target " + target);
            EXPECT_EQ(o.status, 0) << o.output;
            EXPECT_NE(o.output.find(stage == "optimized" || stage == "fused" ? "exp"
                                    : stage == "loops"                       ? "parallel"
                                    : stage == "llvm"                        ? "define"
                                                                             : "ret"),
                      std::string::npos)
                << o.output;
        }
    const Outcome loops = lathe("print g.lir --stage loops > k.lir && '" LATHE_BINARY_DIR "/lathe' verify k.lir");
    EXPECT_EQ(loops, (Outcome{0, ""}));
}

// What one stage prints, the next call reads: also where there are several kernels.
TEST_F(Tool, PrintsKernelsThatItReads) {
    write("g.lir", R"(graph main(n) {
  %0 = parameter "x" : f32[n, 64]
  %1 = sum(%0) {axes = [0]} : f32[64]
  %2 = sum(%0) {axes = [1]} : f32[n]
  return "a" = %1, "b" = %2
}
)");
    ASSERT_EQ(lathe("print g.lir --stage loops > k.lir").status, 0);
    EXPECT_EQ(lathe("verify k.lir"), (Outcome{0, ""}));
    const Outcome once = lathe("print k.lir > again.lir && cat again.lir");
    EXPECT_NE(once.output.find("}\n\n"), std::string::npos) << "two kernels: " << once.output;
    EXPECT_EQ(lathe("print again.lir"), once);
    EXPECT_EQ(lathe("print - < k.lir").status, 1);
    EXPECT_EQ(run_here("cat k.lir | '" LATHE_BINARY_DIR "/lathe' print /dev/stdin"), once);
    EXPECT_EQ(lathe("print k.lir --stage asm").status, 0);
    EXPECT_EQ(lathe("print k.lir --stage fused"),
              (Outcome{1, "lathe: k.lir: holds kernels; the stage fused takes a graph\n"}));
    EXPECT_EQ(lathe("compile k.lir -o k"), (Outcome{1, "lathe: k.lir: holds kernels, not a model\n"}));
    ASSERT_EQ(lathe("pass lower g.lir > plain.lir").status, 0);
    EXPECT_EQ(lathe("pass vectorize plain.lir > v.lir").status, 0);
    EXPECT_EQ(lathe("verify v.lir"), (Outcome{0, ""}));
    write("more.lir", once.output + "}\n");
    EXPECT_EQ(lathe("verify more.lir").output.find("lathe: more.lir:"), 0U);
}

TEST_F(Tool, RunsSinglePasses) {
    write("g.lir", graph);
    EXPECT_EQ(lathe("pass simplify g.lir").status, 0);
    EXPECT_EQ(lathe("pass lower g.lir > k.lir").status, 0);
    EXPECT_EQ(lathe("pass vectorize k.lir").status, 0);
    EXPECT_EQ(lathe("pass vectorize g.lir").status, 0) << "lowered first";
    EXPECT_EQ(lathe("pass fuse k.lir"), (Outcome{1, "lathe: k.lir: holds kernels; the pass fuse takes a graph\n"}));
}

TEST_F(Tool, RunsModels) {
    write("g.lir", graph);
    std::string rows;
    for (int i = 0; i < 3 * 64; ++i) rows += std::to_string(i % 7) + (i % 64 == 63 ? "\n" : ",");
    write("x.csv", rows);
    EXPECT_EQ(lathe("run g.lir --input x=x.csv --output jit"), (Outcome{0, ""}));
    EXPECT_EQ(lathe("run g.lir --input x=x.csv --output reference --interpret"), (Outcome{0, ""}));
    EXPECT_EQ(read_npy(folder_ / "jit" / "y.npy"), read_npy(folder_ / "reference" / "y.npy"));
    EXPECT_EQ(read_npy(folder_ / "jit" / "y.npy").shape, std::vector<std::int64_t>{3});
    // The input again as .npy
    const Array x = read_csv(folder_ / "x.csv");
    write_npy(folder_ / "x.npy", x);
    EXPECT_EQ(lathe("run g.lir --input x=x.npy --output again"), (Outcome{0, ""}));
    EXPECT_EQ(read_file(folder_ / "again" / "y.npy"), read_file(folder_ / "jit" / "y.npy"));
}

TEST_F(Tool, ReadsProgramsThatItPrints) {
    write("g.lir", graph);
    std::string rows;
    for (int i = 0; i < 3 * 64; ++i) rows += std::to_string(i % 7) + (i % 64 == 63 ? "\n" : ",");
    write("x.csv", rows);
    EXPECT_EQ(lathe("run g.lir --input x=x.csv --output jit"), (Outcome{0, ""}));
    for (const std::string stage : {"fused", "program"}) {
        EXPECT_EQ(lathe("print g.lir --whole --locations --stage " + stage + " > p.lir").status, 0);
        EXPECT_EQ(lathe("verify p.lir"), (Outcome{0, ""}));
        EXPECT_EQ(lathe("run p.lir --input x=x.csv --output " + stage), (Outcome{0, ""}));
        EXPECT_EQ(read_file(folder_ / stage / "y.npy"), read_file(folder_ / "jit" / "y.npy"));
    }
    EXPECT_EQ(lathe("print p.lir --whole --locations").output, read_file(folder_ / "p.lir"));
    EXPECT_EQ(lathe("print p.lir --stage asm").output, lathe("print g.lir --stage asm").output);
    EXPECT_EQ(lathe("pass batch p.lir").output, lathe("print p.lir --whole").output);
    EXPECT_EQ(lathe("pass fuse g.lir > f.lir").status, 0);
    EXPECT_NE(lathe("pass lower f.lir").output.find("run (@0, @1)"), std::string::npos);
    EXPECT_EQ(lathe("pass fuse p.lir"), (Outcome{1, "lathe: p.lir: holds a program; the pass fuse takes a graph\n"}));
    EXPECT_EQ(lathe("print p.lir --stage fused"),
              (Outcome{1, "lathe: p.lir: holds a program; the stage fused takes a graph\n"}));
    EXPECT_EQ(lathe("compile p.lir -o p").output, "lathe: p.lir: holds a program, not a model\n");
    // What it says of memory is not believed.
    write("bad.lir",
          "program p() {\n  @0 = output \"y\" : f32[2]\n\n  run (@0) extents () of\n  k() {\n"
          "    out y: f32[1000000]\n    serial i in 1000000 {\n      %0 = constant 0x0 : f32\n"
          "      store y[%i], %0\n    }\n  }\n\n  return \"y\" = @0\n}\n");
    const Outcome bad = lathe("run bad.lir --output o");
    EXPECT_EQ(bad.status, 1);
    EXPECT_NE(bad.output.find("@0 has another number of elements"), std::string::npos) << bad.output;
}

TEST_F(Tool, ReadsAndWritesArchivesOfArrays) {
    write("g.lir", R"(graph main(n) {
  %0 = parameter "x" : f32[n]
  %1 = parameter "y" : f32[n]
  %2 = add(%0, %1) : f32[n]
  %3 = mul(%0, %1) : f32[n]
  return "sum" = %2, "/a:product" = %3
}
)");
    const Array x = Tensor::from({1.0f, 2.0f}).to_array(), y = Tensor::from({3.0f, 4.0f}).to_array();
    const std::map<std::string, Array> expected = {{"sum", Tensor::from({4.0f, 6.0f}).to_array()},
                                                   {"/a:product", Tensor::from({3.0f, 8.0f}).to_array()}};
    write_npz(folder_ / "both.npz", {{"x", x}, {"y", y}});
    write_npz(folder_ / "x.npz", {{"x", x}}, {.compress = true});
    write_npz(folder_ / "more.npz", {{"z", x}, {"y", y}});
    write_npy(folder_ / "y.npy", y);
    for (const std::string inputs : {"both.npz", "x.npz --input y=y.npy", "x=both.npz --input y=more.npz"}) {
        EXPECT_EQ(lathe("run g.lir --input " + inputs + " --output results.npz"), (Outcome{0, ""})) << inputs;
        EXPECT_EQ(read_npz(folder_ / "results.npz"), expected) << inputs;
        std::filesystem::remove(folder_ / "results.npz");
    }
    EXPECT_EQ(lathe("run g.lir --input both.npz --output results --interpret"), (Outcome{0, ""}));
    EXPECT_EQ(read_npy(folder_ / "results" / "sum.npy"), expected.at("sum"));
    EXPECT_EQ(lathe("run g.lir --input more.npz --input x=x.npz --output o.npz").status, 2) << "there is no input 'z'";
    write("half.lir", "graph main() {\n  %0 = parameter \"x\" : bf16[2, 1]\n  return \"y\" = %0\n}\n");
    write("half.csv", "1\n2\n");
    EXPECT_EQ(lathe("run half.lir --input x=half.csv --output o.npz"),
              (Outcome{1, "lathe: .npz files do not hold bf16, the type of 'y'\n"}));
    EXPECT_FALSE(std::filesystem::exists(folder_ / "o.npz"));
}

TEST_F(Tool, NamesTheModelWhereInputsDoNotFitTogether) {
    write("g.lir", R"(graph main(n) {
  %0 = parameter "x" : f32[n]
  %1 = parameter "i" : i32[n]
  %2 = gather(%0, %1) {axis = 0} : f32[n]
  return "y" = %2
}
)");
    write_npy(folder_ / "x.npy", {ir::Dtype::f32, {2}, std::vector<std::byte>(8)});
    write_npy(folder_ / "three.npy", {ir::Dtype::i32, {3}, std::vector<std::byte>(12)});
    write_npy(folder_ / "large.npy", {ir::Dtype::i32, {2}, std::vector<std::byte>(8, std::byte{1})});
    for (const std::string how : {"", " --interpret"})
        for (const std::string i : {"three.npy", "large.npy"}) {
            const Outcome o = lathe("run g.lir --input x=x.npy --input i=" + i + " --output o" + how);
            EXPECT_EQ(o.status, 1);
            EXPECT_EQ(o.output.find("lathe: g.lir: the inputs do not fit"), 0U) << o.output;
            EXPECT_EQ(o.output.find("run.cpp"), std::string::npos) << o.output;
        }
}

TEST_F(Tool, LeavesNothingBehindWhereARunFails) {
    write("g.lir", graph);
    write("short.csv", "1,2\n");
    write("word.csv", "1,two\n");
    write_npy(folder_ / "wide.npy", {ir::Dtype::f64, {1, 64}, std::vector<std::byte>(512)});
    const std::size_t before = entries();
    EXPECT_EQ(lathe("run g.lir --input x=short.csv --output o"),
              (Outcome{1, "lathe: short.csv: is f32[1, 2], but the input 'x' is f32[batch, 64]\n"}));
    EXPECT_EQ(lathe("run g.lir --input x=word.csv --output o"),
              (Outcome{1, "lathe: word.csv: row 1, column 2: 'two' is not a number of type f32\n"}));
    EXPECT_EQ(lathe("run g.lir --input x=wide.npy --output o"),
              (Outcome{1, "lathe: wide.npy: is f64[1, 64], but the input 'x' is f32[batch, 64]\n"}));
    EXPECT_EQ(lathe("run g.lir --output o").status, 2);
    EXPECT_EQ(lathe("run g.lir --input z=x.csv --output o").status, 2);
    EXPECT_EQ(lathe("run g.lir --input x --output o").status, 2);
    write("taken", "");
    EXPECT_EQ(entries(), before + 1);
}

TEST_F(Tool, FuzzesInEveryWay) {
    const Outcome o = lathe("fuzz --graphs 12 --seed 100 --jobs 2 --verbose");
    EXPECT_EQ(o.status, 0) << o.output;
    EXPECT_NE(o.output.find("12 graphs from seed 100 in "), std::string::npos) << o.output;
    EXPECT_NE(o.output.find("no difference"), std::string::npos) << o.output;
    for (const std::string way : {"text", "loops", "without", "jit", "weights", "aot"})
        EXPECT_NE(o.output.find(" ms " + way + "\n"), std::string::npos) << o.output;
    for (const ir::OpDef* const op : ir::op_table())
        EXPECT_NE(o.output.find(" " + std::string(op->name) + "\n"), std::string::npos) << op->name;
    // No more graphs are drawn when the time is over.
    EXPECT_EQ(lathe("fuzz --graphs 1000000 --time 1 --configurations loops").status, 0);
}

// A wrong compiler is found, its graph reduced to what shows it, and the command that is told finds it again.
TEST_F(Tool, FuzzingFindsWhatIsWrong) {
    const Outcome o = lathe("fuzz --graphs 200 --configurations exchanged --reduce");
    EXPECT_EQ(o.status, 1);
    EXPECT_NE(o.output.find("lathe: 10 differences, then stopped\n"), std::string::npos) << o.output;
    const std::size_t at = o.output.find("again: lathe ");
    ASSERT_NE(at, std::string::npos) << o.output;
    const std::string again = o.output.substr(at + 13, o.output.find('\n', at) - at - 13);
    EXPECT_EQ(lathe(again).status, 1) << again;
    EXPECT_EQ(entries(), 10U);
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
        const std::string text = read_file(entry.path());
        EXPECT_LE(std::ranges::count(text, '='), 12) << text;
        EXPECT_EQ(lathe("verify '" + entry.path().string() + "'"), (Outcome{0, ""})) << text;
    }
}

TEST_F(Tool, NamesFileAndLineOfBadInput) {
    EXPECT_EQ(lathe("print absent.lir"), (Outcome{1, "lathe: absent.lir: No such file or directory\n"}));
    write("empty.lir", "");
    EXPECT_EQ(lathe("print empty.lir"), (Outcome{1, "lathe: empty.lir: is empty\n"}));
    write("word.lir", "nonsense");
    const Outcome word = lathe("verify word.lir");
    EXPECT_EQ(word.status, 1);
    EXPECT_EQ(word.output.find("lathe: word.lir:1:9: "), 0u) << word.output;
    for (std::size_t length = 1; length + 1 < graph.size(); length += 7) {
        write("cut.lir", graph.substr(0, length));
        const Outcome o = lathe("verify cut.lir");
        EXPECT_EQ(o.status, 1) << length;
        EXPECT_EQ(o.output.find("lathe: cut.lir:"), 0u) << o.output;
    }
}

}  // namespace
}  // namespace lathe
