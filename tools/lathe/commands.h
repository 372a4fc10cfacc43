// The subcommands of `lathe`: each adds itself, its options, its help with an example, and what it does.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>

namespace lathe::tools {

void add_compile(CLI::App& app);
void add_fuzz(CLI::App& app);
void add_import(CLI::App& app);
void add_ops(CLI::App& app);
void add_pass(CLI::App& app);
void add_print(CLI::App& app);
void add_run(CLI::App& app);
void add_verify(CLI::App& app);

// Options that several commands have; other values are wrong usage.
void add_target_option(CLI::App& command, std::string& target);
void add_off_option(CLI::App& command, std::vector<std::string>& off);

// Writes to standard output.
void put(std::string_view text);

// A text with a line at its end, whether it had one or not.
std::string with_line_end(std::string text);

}  // namespace lathe::tools
