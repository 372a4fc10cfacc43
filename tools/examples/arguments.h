// What the examples of training have in common: their arguments, and errors as one line.
#pragma once

#include <cstdio>
#include <exception>
#include <span>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "ir/error.h"

namespace lathe::examples {

struct Arguments {
    std::string path;    // empty: none is given
    bool quick = false;  // a small size, to see that it runs

    // The path, of an example that needs one.
    const std::string& path_of(std::string_view what) const {
        if (path.empty()) throw UserError("wants the path of " + std::string(what) + " as its argument");
        return path;
    }
};

// Runs `program`, a function of Arguments, as `name [--quick] [PATH]`. The exit status of main(): the function's, 1
// after an error, 2 for wrong usage.
template <class Program>
int run(std::string_view name, int count, char** words, const Program& program) {
    Arguments arguments;
    for (const std::string_view word : std::span(words, static_cast<std::size_t>(count)).subspan(1)) {
        if (word == "--quick") {
            arguments.quick = true;
        } else if (!word.starts_with("-") && arguments.path.empty()) {
            arguments.path = word;
        } else {
            fmt::print(stderr, "usage: {} [--quick] [PATH]\n", name);
            return 2;
        }
    }
    try {
        return program(arguments);
    } catch (const Error& e) {
        fmt::print(stderr, "{}: {}\n", name, e.message());
    } catch (const std::exception& e) {
        fmt::print(stderr, "{}: {}\n", name, e.what());
    }
    return 1;
}

}  // namespace lathe::examples
