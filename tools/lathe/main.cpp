// The `lathe` command: 0 done, 1 bad input, 2 wrong usage.
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <iostream>
#include <new>
#include <numeric>
#include <utility>

#include "ir/error.h"
#include "ir/printable.h"
#include "passes/pipeline.h"
#include "runtime/system_reason.h"
#include "tools/lathe/commands.h"

namespace lathe::tools {
namespace {

constexpr int bad_input = 1, bad_usage = 2;

constexpr void (*commands[])(CLI::App&) = {add_compile, add_import, add_print, add_run,
                                           add_pass,    add_verify, add_ops,   add_fuzz};

int fail(std::string_view message, int status = bad_input) {
    std::fprintf(stderr, "lathe: %s\n", ir::printable(message).c_str());
    return status;
}

// Letters to change, add or leave out to come from one word to the other.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < a.size(); ++i) {
        std::size_t diagonal = std::exchange(row[0], i + 1);
        for (std::size_t j = 0; j < b.size(); ++j) {
            const std::size_t changed = diagonal + (a[i] == b[j] ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = std::min({changed, diagonal + 1, row[j] + 1});
        }
    }
    return row.back();
}

// ", perhaps X" where one of the words is near.
std::string nearest(std::string_view word, const std::vector<std::string>& words) {
    if (words.empty()) return "";
    const auto found = std::ranges::min_element(words, {}, [&](const std::string& w) { return distance(word, w); });
    const bool near = distance(word, *found) <= std::max<std::size_t>(1, found->size() / 2);
    return near ? "; perhaps '" + *found + "' is meant" : "";
}

std::vector<std::string> commands_of(const CLI::App& app) {
    std::vector<std::string> names;
    for (const CLI::App* const command : app.get_subcommands({})) names.push_back(command->get_name());
    return names;
}

std::vector<std::string> options_of(const CLI::App& command) {
    std::vector<std::string> names;
    for (const CLI::Option* const option : command.get_options())
        for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    return names;
}

// What is wrong with the words that CLI11 refuses; empty where it says so well itself.
std::string unknown_word(const CLI::App& app, int count, char** arguments) {
    if (count < 2) return "";
    const std::string first = arguments[1];
    const std::vector<std::string> commands = commands_of(app);
    const bool is_command = std::ranges::find(commands, first) != commands.end();
    if (!is_command && !first.starts_with('-'))
        return "there is no command '" + first + "'" + nearest(first, commands) + "; `lathe --help` lists all";
    const CLI::App& command = is_command ? *app.get_subcommand(first) : app;
    const std::vector<std::string> options = options_of(command);
    for (int i = is_command ? 2 : 1; i < count; ++i) {
        const std::string word = std::string(arguments[i]).substr(0, std::string_view(arguments[i]).find('='));
        if (word.starts_with("--") && word.size() > 2 && std::ranges::find(options, word) == options.end())
            return "there is no option '" + word + "'" + nearest(word, options) + "; `lathe " +
                   (is_command ? first + " " : "") + "--help` lists all";
    }
    return "";
}

int run(int count, char** arguments) {
    CLI::App app("Compiles tensor programs, and shows every stage on the way.", "lathe");
    app.set_version_flag("--version", "lathe " LATHE_VERSION);
    app.require_subcommand(1);
    app.footer("example: lathe print model.lathe --stage loops\nexit status: 0 done, 1 bad input, 2 wrong usage");
    for (const auto add : commands) add(app);
    try {
        app.parse(count, arguments);
    } catch (const CLI::ParseError& e) {
        if (e.get_exit_code() != 0) {
            const std::string wrong = unknown_word(app, count, arguments);
            return fail(wrong.empty() ? std::string(e.what()) + "; see lathe --help" : wrong, bad_usage);
        }
        app.exit(e);
        if (!std::cout.flush()) return fail(std::string("standard output: ") + runtime::system_reason(errno));
        return 0;
    } catch (const std::bad_alloc&) {
        return fail("there is no memory left");
    } catch (const std::exception& e) {
        return fail(e.what());
    }
    if (std::fflush(stdout) != 0 || std::ferror(stdout))
        return fail(std::string("standard output: ") + runtime::system_reason(errno));
    return 0;
}

}  // namespace

void add_target_option(CLI::App& command, std::string& target) {
    command.add_option("--target", target, "host, avx2, avx512 or vnni (host)")
        ->check(CLI::IsMember({"host", "avx2", "avx512", "vnni"}));
}

void add_off_option(CLI::App& command, std::vector<std::string>& off) {
    std::vector<std::string> names;
    for (const passes::Pass& pass : passes::pipeline)
        if (pass.optional) names.emplace_back(pass.name);
    command.add_option("--off", off, "leave out an optimising pass; may be given repeatedly")
        ->check(CLI::IsMember(names));
}

void put(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); }

std::string with_line_end(std::string text) {
    if (text.empty() || text.back() != '\n') text += '\n';
    return text;
}

}  // namespace lathe::tools

int main(int count, char** arguments) { return lathe::tools::run(count, arguments); }
