// The pages of the manual are what the op table, the reference interpreter and the public headers say now.
// LATHE_REWRITE_EXPECTATIONS=1 writes them.
#include <algorithm>
#include <filesystem>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "codegen/compile.h"
#include "frontend/formats/read_file.h"
#include "ir/graph/interpret.h"
#include "ir/graph/text.h"
#include "ir/graph/verify.h"
#include "ir/ops/op.h"
#include "ir/text/attributes.h"
#include "tests/command.h"
#include "tests/kept_text.h"
#include "tests/run_program.h"

namespace lathe {
namespace {

class Manual : public testing_support::InFolder {};

std::string trimmed(std::string text) {
    text.erase(0, std::min(text.find_first_not_of(' '), text.size()));
    text.erase(text.find_last_not_of(' ') + 1);
    return text;
}

TEST_F(Manual, HasEveryOpAsItIs) {
    const testing_support::Outcome page = run_here("'" LATHE_BINARY_DIR "/lathe' ops --markdown");
    ASSERT_EQ(page.status, 0) << page.output;
    for (const ir::OpDef* op : ir::op_table())
        EXPECT_NE(page.output.find("\n`" + std::string(op->name) + "("), std::string::npos) << op->name;
    testing_support::expect_kept("docs/ops.md", page.output);
}

// The page of `man` is what each command says of itself.
TEST_F(Manual, HasThePageOfTheCommand) {
    const auto help = [&](const std::string& command) {
        const testing_support::Outcome shown = run_here("'" LATHE_BINARY_DIR "/lathe' " + command + " --help");
        EXPECT_EQ(shown.status, 0) << shown.output;
        std::istringstream lines(shown.output);
        std::string block;
        for (std::string line; std::getline(lines, line);) block += line.empty() ? "\n" : "    " + line + "\n";
        return block + "\n";
    };
    const std::string all = help("");
    std::string page =
        "title: lathe\nsection: 1\nvolume: Lathe\nsource: Lathe\n\n# NAME\n\nlathe - compile, run and inspect tensor "
        "programs\n\n# SYNOPSIS\n\n`lathe COMMAND [OPTIONS] ...`\n\n# DESCRIPTION\n\nModels are .lathe files, which "
        "programs that use the library save, .onnx files of other frameworks, and .lir files, which hold a graph as "
        "text.\n\n" +
        all;
    std::size_t commands = 0;
    bool listed = false;
    std::istringstream lines(all);
    for (std::string line; std::getline(lines, line);) {
        const std::string text = trimmed(line);
        if (text.empty()) listed = false;
        if (listed) {
            const std::string command = text.substr(0, text.find(' '));
            page += "# LATHE " + command + "\n\n" + help(command);
            ++commands;
        }
        if (text == "Subcommands:") listed = true;
    }
    EXPECT_GE(commands, 8U);
    page += "# EXIT STATUS\n\n0: done. 1: bad input, or a difference that was found. 2: wrong usage.\n";
    testing_support::expect_kept("docs/lathe.1.md", page);
}

// Read from the page: the examples are sound, and compiled code gives what they say.
TEST(ManualExamples, GiveWhatTheySay) {
    const std::string page = read_file(LATHE_SOURCE_DIR "/docs/ops.md");
    std::size_t examples = 0;
    for (std::size_t at = page.find("```\ngraph "); at != std::string::npos; at = page.find("```\ngraph ", at + 4)) {
        const std::size_t begin = at + 4;
        const std::string text = page.substr(begin, page.find("\n```\n", begin) + 1 - begin);
        const std::unique_ptr<ir::Graph> graph = ir::parse_graph(text, "ops.md");
        EXPECT_EQ(ir::verify(*graph), std::vector<std::string>()) << text;
        ++examples;
        if (!graph->parameters().empty()) continue;
        const std::vector<ir::Literal> results = testing_support::run_compiled(*codegen::compile(*graph), {}, 1);
        for (std::size_t i = 0; i < results.size(); ++i) {
            // Compiled results have all their elements; the page has one where all are the same.
            const std::string start = "\n// " + graph->output_name(i) + " = ";
            const std::size_t said = text.find(start);
            ASSERT_NE(said, std::string::npos) << text;
            const std::size_t value = said + start.size();
            ir::Lexer lexer(std::string_view(text).substr(value, text.find('\n', value) - value), "ops.md");
            ASSERT_TRUE(lexer.first_line());
            EXPECT_EQ(testing_support::difference(ir::parse_literal(lexer), results[i]), std::nullopt) << text;
        }
    }
    EXPECT_EQ(examples, ir::op_table().size());
}

// ---- functions of users

struct Function {
    std::string name, call, parameters, doc;
};
struct Family {
    std::string name, doc;
    std::vector<Function> functions;
};

std::string joined(const std::string& a, const std::string& b) { return a.empty() ? b : a + " " + b; }

// "const Tensor& x, std::int64_t axis = -1, Where where = Where::current()" as "x, axis = -1".
std::string names_of(const std::string& parameters) {
    std::vector<std::string> parts{""};
    int depth = 0;
    for (const char c : parameters) {
        depth += c == '<' || c == '(' || c == '{' ? 1 : c == '>' || c == ')' || c == '}' ? -1 : 0;
        if (c == ',' && depth == 0)
            parts.emplace_back();
        else
            parts.back() += c;
    }
    std::string names;
    for (const std::string& part : parts) {
        const std::size_t equals = part.find(" = ");
        const std::string declared = trimmed(part.substr(0, equals));
        const std::size_t space = declared.find_last_of(" &*");
        if (part.find("Where ") != std::string::npos || space == std::string::npos) continue;
        const std::string name = declared.substr(space + 1) + (equals == std::string::npos ? "" : part.substr(equals));
        names += (names.empty() ? "" : ", ") + name;
    }
    return names;
}

// The free functions of a header, with the comment above or behind each; those of one name, or of the same parameters,
// share the comment above the first. What says nothing is a row, whose doc says it.
Family family_of(const std::string& header) {
    std::istringstream lines(read_file(LATHE_SOURCE_DIR "/" + header));
    Family family;
    std::string comment, declaration;
    bool in_namespace = false;
    int depth = 0;
    static const std::regex function(R"(^[\w:<>, ]+[ &](\w+|operator[^ (]+)\((.*)\);(?: *// (.*))?$)");
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with("namespace lathe {")) {
            in_namespace = true;
            comment.clear();
            continue;
        }
        if (!in_namespace) {
            if (line.starts_with("// ")) family.doc = joined(family.doc, line.substr(3));
            continue;
        }
        const std::string text = trimmed(line);
        const bool was_inside = depth > 0;
        depth += static_cast<int>(std::ranges::count(line, '{') - std::ranges::count(line, '}'));
        if (was_inside || depth > 0) {
            comment.clear();
            declaration.clear();
            continue;
        }
        if (text.starts_with("//")) {
            comment = joined(comment, trimmed(text.substr(2)));
            continue;
        }
        declaration = joined(declaration, text);
        const bool ends = text.empty() || text.find(';') != std::string::npos || text.ends_with("}");
        if (!ends) continue;
        std::smatch match;
        const bool skipped = declaration.starts_with("using ") || declaration.starts_with("enum ") ||
                             declaration.starts_with("struct ") || declaration.starts_with("class ") ||
                             declaration.starts_with("inline constexpr") || declaration.starts_with("namespace ");
        if (!skipped && std::regex_match(declaration, match, function)) {
            Function f{match[1].str(), match[1].str() + "(" + names_of(match[2]) + ")", match[2],
                       trimmed(joined(comment, match[3]))};
            const ir::OpDef* row = ir::find_op(match[1].str());
            if (f.doc.empty() && row != nullptr) f.doc = row->doc.substr(0, row->doc.find('\n'));
            for (const Function& before : family.functions)
                if (f.doc.empty() && (before.name == f.name ||
                                      (&before == &family.functions.back() && before.parameters == f.parameters)))
                    f.doc = before.doc;
            family.functions.push_back(std::move(f));
        }
        if (!text.empty()) comment.clear();
        if (text.empty() && !declaration.empty()) comment.clear();
        declaration.clear();
    }
    return family;
}

std::string in_markdown(const std::string& text) {
    std::string out;
    for (const char c : text) {
        if (std::string_view("*_<>|^~").find(c) != std::string_view::npos) out += '\\';
        out += c;
    }
    return out;
}

TEST(ManualOfFunctions, SaysWhatTheHeadersSay) {
    std::istringstream all(read_file(LATHE_SOURCE_DIR "/frontend/functions/functions.h"));
    std::string page =
        "# Functions\n\nWhat `#include <lathe/lathe.h>` gives to users besides the members of `Tensor`, by header. "
        "Each "
        "takes the line of its call, too, and throws `TypeError` with that line where types do not fit. Operands that "
        "broadcast may be numbers. A test writes this page from the headers.\n";
    std::size_t functions = 0;
    for (std::string line; std::getline(all, line);) {
        if (!line.starts_with("#include \"frontend/functions/")) continue;
        const std::string header = line.substr(10, line.rfind('"') - 10);
        const Family family = family_of(header);
        const std::size_t slash = header.rfind('/') + 1;
        std::string name = header.substr(slash, header.size() - 2 - slash);
        std::ranges::replace(name, '_', ' ');
        name[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(name[0])));
        page += "\n## " + name + "\n\n" + in_markdown(family.doc) + "\n\n";
        for (const Function& f : family.functions) {
            EXPECT_FALSE(f.doc.empty()) << header << ": " << f.call << " lacks a comment";
            page += "- `" + f.call + "`: " + in_markdown(f.doc) + "\n";
            ++functions;
        }
        EXPECT_FALSE(family.functions.empty()) << header;
        EXPECT_FALSE(family.doc.empty()) << header;
    }
    EXPECT_GT(functions, 200U);
    testing_support::expect_kept("docs/functions.md", page);
}

// Names that public headers declare or use, without what their comments say.
std::set<std::string> names_of_headers() {
    std::set<std::string> out;
    const std::regex comment("//[^\n]*"), name("[A-Za-z_]\\w*");
    const auto add = [&](const std::filesystem::path& path) {
        const std::string code = std::regex_replace(read_file(path.string()), comment, "");
        for (std::sregex_iterator i(code.begin(), code.end(), name), end; i != end; ++i) out.insert(i->str());
    };
    for (const auto& entry : std::filesystem::recursive_directory_iterator(LATHE_SOURCE_DIR "/frontend"))
        if (entry.path().extension() == ".h") add(entry.path());
    for (const char* path : {"/runtime/threads.h", "/ir/dtype.h", "/ir/error.h"})
        add(LATHE_SOURCE_DIR + std::string(path));
    return out;
}

// The last column of the tables on the page for those who come from PyTorch.
TEST(ManualForPytorch, NamesWhatThereIs) {
    const std::set<std::string> known = names_of_headers();
    std::istringstream page(read_file(LATHE_SOURCE_DIR "/docs/from_pytorch.md"));
    const std::regex code("`([^`]*)`"), text("\"[^\"]*\""), name("[A-Za-z_]\\w+");
    std::size_t checked = 0;
    for (std::string line; std::getline(page, line);) {
        if (!line.starts_with("| ") || line.starts_with("| ---")) continue;
        line.erase(line.size() - 2);
        const std::string column = line.substr(line.rfind(" | "));
        for (std::sregex_iterator c(column.begin(), column.end(), code), end; c != end; ++c) {
            const std::string call = std::regex_replace((*c)[1].str(), text, "");
            for (std::sregex_iterator n(call.begin(), call.end(), name); n != end; ++n, ++checked)
                EXPECT_TRUE(known.contains(n->str())) << n->str() << " in: " << line;
        }
    }
    EXPECT_GT(checked, 300U);
}

}  // namespace
}  // namespace lathe
