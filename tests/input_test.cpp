// Files and words that users give by mistake, or as other programs write them: the command, the library and compiled
// models say what is wrong, and never send raw bytes to a terminal.
#include <algorithm>
#include <cstdlib>

#include <gtest/gtest.h>

#include "frontend/formats/csv.h"
#include "frontend/formats/file_kind.h"
#include "ir/ascii.h"
#include "ir/error.h"
#include "ir/printable.h"
#include "lathe.h"
#include "tests/command.h"

namespace lathe {
namespace {

using namespace std::string_literals;
using testing_support::Outcome;

class Input : public testing_support::InFolder {
protected:
    Outcome lathe(const std::string& arguments) const { return run_here("'" LATHE_BINARY_DIR "/lathe' " + arguments); }
    static void expect_prints(const std::string& output) {
        EXPECT_TRUE(std::ranges::all_of(output, [](char c) { return ir::is_printable(c) || c == '\n'; })) << output;
    }
    void compile(const std::string& name, const std::function<Tensor(const Tensor&)>& f,
                 std::initializer_list<std::int64_t> row) const {
        std::vector<std::variant<std::int64_t, std::string>> dims{"n"};
        dims.insert(dims.end(), row.begin(), row.end());
        compile_model(trace(f, {{"x", Dtype::f32, dims}}, {.name = name}), (folder_ / name).string());
    }
};

TEST_F(Input, OfAnotherKindIsNamed) {
    const std::pair<std::string, std::string> files[] = {
        {npy_bytes({Dtype::f32, {2}, std::vector<std::byte>(8)}), "a NumPy array (.npy)"},
        {"PK\x03\x04\x14\0\0\0"s, "a zip archive"},
        {"\x40\0\0\0\0\0\0\0{\"w\":{}}"s, "a safetensors file"},
        {"\x7f"
         "ELF\x02\x01\x01\0"s,
         "ELF"},
        {"\x1f\x8b\x08\0"s, "a gzip archive"},
        {"\x89PNG\r\n\x1a\n\0\0"s, "an image (PNG)"},
        {"1,2,3\n4,5,6\n"s, "a table (.csv)"},
        {"a;b\n1;2\n"s, "a table (.csv)"},
        {"{\"x\": 1}"s, "a JSON text"},
        {"\xff\xfeg\0r\0"s, "text in UTF-16"},
        {"\0\1\2\x1b[2J"s, "a binary file"},
        {"hello, world (here)\n"s, "another text"},
    };
    for (const auto& [bytes, kind] : files) {
        write("file", bytes);
        EXPECT_NE(kind_of_file(bytes).find(kind), std::string::npos) << kind_of_file(bytes);
        for (const std::string command :
             {"print file", "verify file", "run file --output o", "compile file -o o", "pass simplify file"}) {
            const Outcome o = lathe(command);
            EXPECT_EQ(o.status, 1) << command << o.output;
            EXPECT_NE(o.output.find("file: looks like "), std::string::npos) << o.output;
            EXPECT_NE(o.output.find(kind), std::string::npos) << o.output;
            EXPECT_NE(o.output.find("models (.lathe, .onnx)"), std::string::npos) << o.output;
            expect_prints(o.output);
        }
    }
}

TEST_F(Input, ThatIsNoFileOrHasNoEnd) {
    std::filesystem::create_directory(folder_ / "folder");
    compile("double", [](const Tensor& x) { return x * 2.0; }, {2});
    EXPECT_EQ(lathe("verify /dev/zero"), (Outcome{1, "lathe: /dev/zero: is a device, not a file\n"}));
    EXPECT_EQ(lathe("print folder"), (Outcome{1, "lathe: folder: is a folder, not a file\n"}));
    EXPECT_EQ(lathe("print absent"), (Outcome{1, "lathe: absent: No such file or directory\n"}));
    EXPECT_EQ(run_here("./double /dev/zero"), (Outcome{1, "double: /dev/zero: is a device, not a file\n"}));
    EXPECT_EQ(run_here("./double folder"), (Outcome{1, "double: folder: is a folder, not a file\n"}));
    EXPECT_THROW(read_csv("/dev/zero", Dtype::f32), FormatError);
    write("g.lir", "graph main(n) {\n  %0 = parameter \"x\" : f32[n]\n  return \"y\" = %0\n}\n");
    EXPECT_EQ(run_here("mkfifo pipe; cat g.lir > pipe & '" LATHE_BINARY_DIR "/lathe' verify pipe"), (Outcome{0, ""}));
}

TEST_F(Input, NoBytesGoToTheTerminal) {
    for (const std::string& text : {"graph \x1b[31m(x) {\n"s,
                                    "graph m(n) {\n  %0 = p\x9b"
                                    "1m(\xff)\n}\n"s,
                                    "kernel(\x07\x1b]0;title\x07)\n"s, "graph m(n) {\n %0 = \xe2\x80\xae()\n}\n"s}) {
        write("bad.lir", text);
        for (const std::string command : {"print bad.lir", "verify bad.lir"}) {
            const Outcome o = lathe(command);
            EXPECT_EQ(o.status, 1);
            expect_prints(o.output);
        }
    }
    for (const std::string command :
         {"'p\x1b[2Jrint' x", "print '--st\x1b[2Jage' x", "print '\x1b[2J'", "ops '\x1b[2J'", "pass '\x1b[2J' x"}) {
        const Outcome o = lathe(command);
        EXPECT_NE(o.status, 0);
        expect_prints(o.output);
    }
    compile("double", [](const Tensor& x) { return x * 2.0; }, {2});
    expect_prints(run_here("./double '\x1b[2J\xff.csv'").output);
    EXPECT_NE(run_here("./double 'caf\xc3\xa9.csv'").output.find("caf\xc3\xa9.csv"), std::string::npos);
    EXPECT_EQ(ir::printable("caf\xc3\xa9\n\x1b[0m\xff\xe2\x80\xae\xc2\x9b"),
              "caf\xc3\xa9\n\\x1b[0m\\xff\\xe2\\x80\\xae\\xc2\\x9b");
}

TEST_F(Input, AWordThatIsUnknownNamesTheNearest) {
    const auto expect_usage = [&](const std::string& arguments, const std::string& message) {
        const Outcome o = lathe(arguments);
        EXPECT_EQ(o.status, 2);
        EXPECT_NE(o.output.find(message), std::string::npos) << o.output;
    };
    expect_usage("prnt m.lathe", "there is no command 'prnt'; perhaps 'print' is meant");
    expect_usage("complie m.lathe", "there is no command 'complie'; perhaps 'compile' is meant");
    expect_usage("zzzzzzzzzz", "there is no command 'zzzzzzzzzz'; `lathe --help`");
    expect_usage("print m.lathe --stag loops", "there is no option '--stag'; perhaps '--stage' is meant");
    expect_usage("compile m.lathe -o m --targets=avx2", "there is no option '--targets'; perhaps '--target' is meant");
    expect_usage("--versoin", "there is no option '--versoin'; perhaps '--version' is meant");
}

TEST_F(Input, TablesOfSpreadsheets) {
    compile("double", [](const Tensor& x) { return x * 2.0; }, {2});
    for (const std::string& text :
         {"\xef\xbb\xbf"
          "1,2\r\n3.5,4\r\n"s,
          "1,2\n3.5,4\n\n\r\n \t\n"s, "\"1\",\"2\"\r\n \"3.5\" ,\" 4 \"\r\n"s, "1,2\n3.5,4"s}) {
        EXPECT_EQ(Tensor::from(parse_csv(text, "x.csv", Dtype::f32)).to_vector<float>(),
                  (std::vector<float>{1, 2, 3.5, 4}))
            << text;
        write("x.csv", text);
        EXPECT_EQ(run_here("./double --logits x.csv"), (Outcome{0, "2,4\n7,8\n"})) << text;
    }
    const std::pair<std::string, std::string> wrong[] = {
        {"\xff\xfe"
         "1\0,\0"s,
         "is text in UTF-16; UTF-8 or ASCII is expected"},
        {"\xfe\xff\0"
         "1"s,
         "is text in UTF-16"},
        {"1;2\n3;4\n"s, "row 1, column 1: '1;2' is not a number of type f32 (commas separate columns, not semicolons)"},
        {"1,2\n\n3,4\n"s, "row 2"},
        {"\"1,5\",2\n"s, "row 1, column 1: '1,5' is not a number"},
    };
    for (const auto& [text, message] : wrong) {
        write("x.csv", text);
        const Outcome o = run_here("./double x.csv");
        EXPECT_EQ(o.status, 1);
        EXPECT_NE(o.output.find(message), std::string::npos) << o.output;
        try {
            read_csv((folder_ / "x.csv").string(), Dtype::f32);
            ADD_FAILURE() << text;
        } catch (const FormatError& e) {
            EXPECT_NE(std::string(e.what()).find(message), std::string::npos) << e.what();
        }
    }
}

std::string npy(const std::string& dictionary, const std::string& data, char version = 1) {
    std::string header = dictionary;
    header.resize(version == 1 ? 117 : 115, ' ');
    header += '\n';
    std::string out = "\x93NUMPY"s + version + '\0' + static_cast<char>(header.size()) + '\0';
    if (version > 1) out += std::string(2, '\0');
    return out + header + data;
}

TEST_F(Input, ArraysOfOtherOrders) {
    compile("double", [](const Tensor& x) { return x * 2.0; }, {6});
    compile("cube", [](const Tensor& x) { return x * 2.0; }, {2, 3});
    const auto bytes = [](std::vector<float> values, bool big) {
        std::string out;
        for (const float v : values) {
            std::string element(reinterpret_cast<const char*>(&v), sizeof v);
            if (big) std::reverse(element.begin(), element.end());
            out += element;
        }
        return out;
    };
    const std::vector<float> rows{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
    const std::vector<float> by_columns{0, 6, 1, 7, 2, 8, 3, 9, 4, 10, 5, 11};  // [2, 6]
    const std::vector<float> cube{0, 6, 3, 9, 1, 7, 4, 10, 2, 8, 5, 11};        // [2, 2, 3]
    for (const char version : {1, 2, 3})
        for (const bool big : {false, true})
            for (const bool fortran : {false, true})
                for (const bool three : {false, true}) {
                    const std::string quote = version == 2 ? "\"" : "'";
                    const auto key = [&](const std::string& name) { return quote + name + quote + ": "; };
                    write("x.npy", npy("{" + key("descr") + quote + (big ? ">" : "<") + "f4" + quote + ", " +
                                           key("fortran_order") + (fortran ? "True" : "False") + ", " + key("shape") +
                                           (three ? "(2L, 2, 3), }" : "(2, 6), }"),
                                       bytes(!fortran ? rows
                                             : three  ? cube
                                                      : by_columns,
                                             big),
                                       version));
                    EXPECT_EQ(Tensor::from(read_npy((folder_ / "x.npy").string())).to_vector<float>(), rows);
                    EXPECT_EQ(run_here(three ? "./cube --logits x.npy" : "./double --logits x.npy"),
                              (Outcome{0, three ? "0,2,4\n6,8,10\n12,14,16\n18,20,22\n"
                                                : "0,2,4,6,8,10\n12,14,16,18,20,22\n"}));
                }
}

TEST_F(Input, OutputsOfEveryRankPrintRowsOfTheirLastAxis) {
    write("x.csv", "1,5,2,4,3,0\n9,7,8,0,0,1\n");
    compile("cube", [](const Tensor& x) { return x * 1.0; }, {2, 3});
    EXPECT_EQ(run_here("./cube x.csv"), (Outcome{0, "1\n0\n0\n2\n"}));
    EXPECT_EQ(run_here("./cube --logits x.csv"), (Outcome{0, "1,5,2\n4,3,0\n9,7,8\n0,0,1\n"}));
    const std::string help = run_here("./cube --help").output;
    EXPECT_NE(help.find("f32[n, 2, 3]"), std::string::npos) << help;
    EXPECT_NE(help.find("row of the last axis"), std::string::npos) << help;
    compile("vector", [](const Tensor& x) { return sum(x, {1}); }, {6});
    EXPECT_EQ(run_here("./vector x.csv"), (Outcome{0, "15\n25\n"}));
    compile("number", [](const Tensor& x) { return sum(x, {0, 1}); }, {6});
    EXPECT_EQ(run_here("./number x.csv"), (Outcome{0, "40\n"}));
    compile("columns", [](const Tensor& x) { return sum(x, {0}); }, {6});
    EXPECT_EQ(run_here("./columns x.csv"), (Outcome{0, "10\n12\n10\n4\n3\n1\n"}));
    EXPECT_NE(run_here("./number --help").output.find("One line for each number"), std::string::npos);
}

TEST_F(Input, FoldersThatAreNotThereAreNamed) {
    write("g.lir",
          "graph main(n) {\n  %0 = parameter \"x\" : f32[n]\n  %1 = exp(%0) : f32[n]\n  return \"y\" = %1\n}\n");
    const std::string tool = "'" LATHE_BINARY_DIR "/lathe' ";
    const Outcome missing = run_here("TMPDIR=/absent/folder " + tool + "compile g.lir -o g.o");
    EXPECT_EQ(missing.status, 1);
    EXPECT_EQ(missing.output.find("lathe: /absent/folder: "), 0U) << missing.output;
    EXPECT_NE(missing.output.find("No such file or directory"), std::string::npos) << missing.output;
    write("file", "");
    EXPECT_NE(run_here("TMPDIR=$PWD/file " + tool + "compile g.lir -o g.o").output.find("/file: "), std::string::npos);
    EXPECT_EQ(lathe("compile g.lir -o absent/g.o"), (Outcome{1, "lathe: absent/g.o: No such file or directory\n"}));
    EXPECT_EQ(lathe("compile g.lir -o /dev/full"), (Outcome{1, "lathe: /dev/full: No space left on device\n"}));
    const Outcome run = lathe("run g.lir --input x=absent.npy --output o");
    EXPECT_EQ(run, (Outcome{1, "lathe: absent.npy: No such file or directory\n"}));
}

}  // namespace
}  // namespace lathe
