// What the command says of every misuse: of each command, of each of its options, of texts and of models that are
// wrong; and the exit status. They are kept in command_messages.txt; LATHE_REWRITE_EXPECTATIONS=1 writes it.
#include <algorithm>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "frontend/formats/npz.h"
#include "frontend/formats/read_file.h"
#include "lathe.h"
#include "tests/command.h"
#include "tests/kept_text.h"
#include "tests/users_line.h"

namespace lathe {
namespace {

using testing_support::Outcome;

class CommandMessages : public testing_support::InFolder {
protected:
    Outcome lathe(const std::string& arguments) const { return run_here("'" LATHE_BINARY_DIR "/lathe' " + arguments); }

    // What is said, as somebody at a terminal sees it.
    std::string answer(const std::string& arguments) const {
        const Outcome o = lathe(arguments);
        EXPECT_TRUE(o.status == 1 || o.status == 2) << arguments << ": " << o.status << "\n" << o.output;
        EXPECT_FALSE(o.output.empty()) << arguments;
        return "$ lathe " + arguments + "\n" + o.output + "exit status " + std::to_string(o.status) + "\n\n";
    }
};

constexpr const char* graph = R"(graph main(batch) {
  %0 = parameter "x" : f32[batch, 3]
  %1 = exp(%0) : f32[batch, 3]
  %2 = sum(%1) {axes = [1]} : f32[batch]
  return "y" = %2
}
)";

// Files that every reader of models refuses.
const std::vector<std::string> wrong_models = {"absent.lathe",  "empty.lathe", "short.lathe", "cut.lathe",
                                               "flipped.lathe", "newer.lathe", "later.lathe", "table.csv",
                                               "wrong.lir",     "empty.lir",   "folder"};

const std::vector<std::string> misuses = {
    "",
    "nonsense",
    "--nonsense",
    "compile",
    "compile g.lir",
    "compile g.lir -o",
    "compile g.lir -o absent/m.o",
    "compile g.lir -o folder",
    "compile g.lir -o m.o --header absent/m.h",
    "compile g.lir -o m.o --header m.o",
    "compile g.lir -o m.o --name 'not a name'",
    "compile g.lir -o m.o --target avx9",
    "compile g.lir -o m.o --off nonsense",
    "compile g.lir -o m.o --nonsense",
    "compile g.lir another.lir -o m.o",
    "print",
    "print g.lir --stage nonsense",
    "print g.lir --stage",
    "print g.lir --target avx9",
    "print g.lir --off nonsense",
    "print g.lir --locations=maybe",
    "print g.lir --whole=maybe",
    "run",
    "run g.lir",
    "run g.lir --output results",
    "run g.lir --output results --input x",
    "run g.lir --output results --input y=x.npy",
    "run g.lir --output results --input x=x.npy --input x=x.npy",
    "run g.lir --output results --input x=absent.npy",
    "run g.lir --output results --input x=wide.npy",
    "run g.lir --output results --input x=integers.npy",
    "run g.lir --output results --input x=cut.npy",
    "run g.lir --output results --input x=wide.npz",
    "run g.lir --output results --input x.npz --input x=x.npy",
    "run g.lir --output results --input wide.npz",
    "run g.lir --output results --input cut.npz",
    "run g.lir --output results --input absent.npz",
    "run g.lir --output results --input y=x.npz",
    "run g.lir --output absent/results.npz --input x.npz",
    "run g.lir --output results --input x=words.csv",
    "run g.lir --output results --input x=ragged.csv",
    "run g.lir --output results --input x=empty.csv",
    "run g.lir --output g.lir --input x=x.npy",
    "run g.lir --output results --input x=x.npy --threads 0",
    "run g.lir --output results --input x=x.npy --threads many",
    "run g.lir --output results --input x=x.npy --target avx9",
    "run g.lir --output results --input x=x.npy --off nonsense",
    "run g.lir --output results --input x=x.npy --interpret=maybe",
    "run g.lir --output results --input x=x.npy --stats=maybe",
    "run g.lir --output results --input x=x.npy --stats --interpret",
    "run indexed.lir --output results --input x=x.npy --input i=i.npy",
    "run indexed.lir --output results --input x=x.npy --input i=i.npy --interpret",
    "run differing.lir --output results --input a=a.npy --input b=b.npy",
    "run differing.lir --output results --input a=a.npy --input b=b.npy --interpret",
    "pass",
    "pass simplify",
    "pass nonsense g.lir",
    "pass simplify m.lathe",
    "pass simplify g.lir --nonsense",
    "verify",
    "verify g.lir g.lir",
    "verify broken.onnx",
    "import",
    "import broken.onnx",
    "import broken.onnx -o m.lathe",
    "import g.lir -o m.lathe",
    "import broken.onnx -o m.lathe --dim n",
    "import broken.onnx -o m.lathe --dim n=3x",
    "import broken.onnx -o m.lathe --input x",
    "import broken.onnx -o m.lathe --length x",
    "import broken.onnx -o m.lathe --length x=-1",
    "import broken.onnx -o m.lathe --absent x",
    "import broken.onnx -o m.lathe --input x=table.csv",
    "ops nonsense",
    "ops ad",
    "ops add --markdown",
    "ops --markdown=maybe",
    "fuzz --graphs many",
    "fuzz --graphs -1",
    "fuzz --seed many",
    "fuzz --time 0",
    "fuzz --jobs 0",
    "fuzz --jobs 65",
    "fuzz --configurations nonsense",
    "fuzz --graphs 200 --output absent/folder --configurations exchanged --reduce",
    "fuzz --reduce=maybe",
    "fuzz --verbose=maybe",
    "fuzz --print=maybe",
    "fuzz --print --reduce",
};

// Texts with one fault each that the table of ops does not bring.
const std::vector<std::pair<std::string, std::string>> texts = {
    {"no graph", "hello\n"},
    {"no name", "graph {\n}\n"},
    {"no brace", "graph main()\n"},
    {"no end", "graph main() {\n"},
    {"something behind", "graph main() {\n  %0 = parameter \"x\" : f32[]\n  return \"y\" = %0\n}\nmore\n"},
    {"a statement behind return",
     "graph main() {\n  %0 = parameter \"x\" : f32[]\n  return \"y\" = %0\n  %1 = exp(%0) : f32[]\n}\n"},
    {"an unknown op",
     "graph main() {\n  %0 = parameter \"x\" : f32[]\n  %1 = expp(%0) : f32[]\n  return \"y\" = %1\n}\n"},
    {"an unknown value", "graph main() {\n  %0 = exp(%7) : f32[]\n  return \"y\" = %0\n}\n"},
    {"a name that is taken",
     "graph main() {\n  %0 = parameter \"x\" : f32[]\n  %0 = exp(%0) : f32[]\n  return \"y\" = %0\n}\n"},
    {"a result that there is not", "graph main() {\n  %0 = parameter \"x\" : f32[]\n  return \"y\" = %0#3\n}\n"},
    {"an unknown dtype", "graph main() {\n  %0 = parameter \"x\" : f12[]\n  return \"y\" = %0\n}\n"},
    {"an unknown symbol", "graph main() {\n  %0 = parameter \"x\" : f32[n]\n  return \"y\" = %0\n}\n"},
    {"a symbol twice", "graph main(n, n) {\n  %0 = parameter \"x\" : f32[n]\n  return \"y\" = %0\n}\n"},
    {"another type",
     "graph main() {\n  %0 = parameter \"x\" : f32[2]\n  %1 = exp(%0) : f32[3]\n  return \"y\" = %1\n}\n"},
    {"extents that differ by one",
     "graph main(n) {\n  %0 = parameter \"x\" : f32[n]\n  %1 = parameter \"y\" : f32[n + 1]\n  %2 = add(%0, %1) : "
     "f32[n]\n  return \"y\" = %2\n}\n"},
    {"a demand that is none",
     "graph main(n) {\n  require n\n  %0 = parameter \"x\" : f32[n]\n  return \"y\" = %0\n}\n"},
    {"a location that is none", "graph main() {\n  %0 = parameter \"x\" : f32[] loc(7)\n  return \"y\" = %0\n}\n"},
    {"a character that is none", "graph main() {\n  %0 = parameter \"x\" : f32[] \x01\n  return \"y\" = %0\n}\n"},
};

TEST_F(CommandMessages, are_these_for_every_misuse) {
    const Where w = testing_support::users_line();
    const Model model =
        trace([&](const Tensor& x) { return exp(x, w); }, {{"x", Dtype::f32, {"n", 3}}}, {.name = "m"}, w);
    model.save((folder_ / "m.lathe").string());
    const std::string bytes = read_file((folder_ / "m.lathe").string());
    const auto changed = [&](std::size_t at, char to) {
        std::string other = bytes;
        other[at] = to;
        return other;
    };
    write("empty.lathe", "");
    write("broken.onnx", "\x08\x07\x12\x07pytorch");
    write("short.lathe", bytes.substr(0, 20));
    write("cut.lathe", bytes.substr(0, bytes.size() - 5));
    write("flipped.lathe", changed(bytes.size() / 2, static_cast<char>(bytes[bytes.size() / 2] ^ 4)));
    write("newer.lathe", changed(8, 99));
    write("later.lathe", changed(12, 99));
    write("table.csv", "1,2,3\n4,5,6\n");
    write("wrong.lir", "graph main() {\n  %0 = expp : f32[]\n}\n");
    write("empty.lir", "");
    write("g.lir", graph);
    std::filesystem::create_directory(folder_ / "folder");
    const auto npy = [](Dtype d, std::vector<std::int64_t> shape, std::size_t size) {
        return npy_bytes({d, std::move(shape), std::vector<std::byte>(size)});
    };
    write("x.npy", npy(Dtype::f32, {2, 3}, 24));
    write("wide.npy", npy(Dtype::f32, {2, 4}, 32));
    write("integers.npy", npy(Dtype::i32, {2, 3}, 24));
    write("cut.npy", npy(Dtype::f32, {2, 3}, 24).substr(0, 100));
    write("x.npz", npz_bytes({{"x", parse_npy(npy(Dtype::f32, {2, 3}, 24), "x")}}));
    const std::string wide = npz_bytes({{"wide", parse_npy(npy(Dtype::f32, {2, 4}, 32), "x")}});
    write("wide.npz", wide);
    write("cut.npz", wide.substr(0, wide.size() - 1));
    write("words.csv", "1,2,3\n4,five,6\n");
    write("ragged.csv", "1,2,3\n4,5\n");
    write("empty.csv", "");
    write("i.npy", npy_bytes(Tensor::from({0, 7}).to_array()));
    write("a.npy", npy(Dtype::f32, {2}, 8));
    write("b.npy", npy(Dtype::f32, {3}, 12));
    write("indexed.lir",
          "graph main() {\n  %0 = parameter \"x\" : f32[2, 3]\n  %1 = parameter \"i\" : i32[2]\n"
          "  %2 = gather(%0, %1) {axis = 0} : f32[2, 3]\n  return \"y\" = %2\n}\n");
    write("differing.lir",
          "graph main(n, m) {\n  %0 = parameter \"a\" : f32[n]\n  %1 = parameter \"b\" : f32[m]\n"
          "  %2 = add(%0, %1) : f32[n]\n  return \"y\" = %2\n}\n");
    std::string text;
    // Which random graphs a wrong compiler is found by depends on all rows.
    static const std::regex finding("seed \\d+, exchanged[^\n]*\n  again[^\n]*\n"), file_of_one("fuzz-\\d+-");
    for (const std::string& arguments : misuses)
        text += std::regex_replace(std::regex_replace(answer(arguments), finding, ""), file_of_one, "fuzz-SEED-");
    for (const std::string& file : wrong_models) {
        for (const std::string command : {"print ", "compile -o m.o ", "run --output results ", "verify "})
            text += answer(command + file);
    }
    for (const auto& [what, written] : texts) {
        write("text.lir", written);
        text += what + "\n" + answer("verify text.lir");
    }
    EXPECT_FALSE(std::filesystem::exists(folder_ / "m.o"));
    EXPECT_FALSE(std::filesystem::exists(folder_ / "results"));
    testing_support::expect_kept("tests/command_messages.txt", text);
}

// An option that nobody uses wrongly here is missing.
TEST_F(CommandMessages, every_option_is_misused) {
    for (const std::string command : {"compile", "import", "print", "run", "pass", "verify", "ops", "fuzz"}) {
        const std::string help = lathe(command + " --help").output;
        static const std::regex option(R"(\n  (?:-\w,)?(--[\w-]+))");
        for (std::sregex_iterator i(help.begin(), help.end(), option), end; i != end; ++i) {
            const std::string name = (*i)[1];
            const bool is_misused = std::ranges::any_of(misuses, [&](const std::string& m) {
                return m.starts_with(command) && (m.find(name) != std::string::npos ||
                                                  (name == "--output" && m.find(" -o") != std::string::npos));
            });
            EXPECT_TRUE(is_misused || name == "--help") << command << " " << name;
        }
    }
}

}  // namespace
}  // namespace lathe
