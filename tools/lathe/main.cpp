// The `lathe` command: 0 done, 1 bad input, 2 wrong usage.
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <iostream>
#include <new>

#include "ir/error.h"
#include "passes/pipeline.h"
#include "tools/lathe/commands.h"

namespace lathe::tools {
namespace {

constexpr int bad_input = 1, bad_usage = 2;

constexpr void (*commands[])(CLI::App&) = {add_compile, add_print, add_run, add_pass, add_verify, add_ops};

int fail(std::string_view message) {
    std::fprintf(stderr, "lathe: %.*s\n", static_cast<int>(message.size()), message.data());
    return bad_input;
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
        if (app.exit(e) != 0) return bad_usage;
        if (!std::cout.flush()) return fail(std::string("standard output: ") + std::strerror(errno));
        return 0;
    } catch (const std::bad_alloc&) {
        return fail("there is no memory left");
    } catch (const std::exception& e) {
        return fail(e.what());
    }
    if (std::fflush(stdout) != 0 || std::ferror(stdout))
        return fail(std::string("standard output: ") + std::strerror(errno));
    return 0;
}

}  // namespace

void add_target_option(CLI::App& command, std::string& target) {
    command.add_option("--target", target, "host, avx2 or avx512 (host)")
        ->check(CLI::IsMember({"host", "avx2", "avx512"}));
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

void add_kernel(std::string& text, std::string kernel) {
    if (!text.empty()) text += '\n';
    text += with_line_end(std::move(kernel));
}

}  // namespace lathe::tools

int main(int count, char** arguments) { return lathe::tools::run(count, arguments); }
