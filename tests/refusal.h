// What a call is refused with, for tests that compare whole messages.
#pragma once

#include <source_location>
#include <string>

#include "ir/error.h"

namespace lathe::testing_support {

// The message of the TypeError that f throws. Another error, or none, is a text that equals no message.
template <class F>
std::string refusal(const F& f) {
    try {
        f();
    } catch (const TypeError& e) {
        return e.what();
    } catch (const Error& e) {
        return std::string("another error: ") + e.what();
    }
    return "nothing was thrown";
}

// How a message begins that blames the line of the call.
inline std::string here(std::source_location where = std::source_location::current()) {
    return std::string(where.file_name()) + ":" + std::to_string(where.line()) + ": ";
}

// The message of the Error that f throws, behind its file and line.
template <class F>
std::string message_behind_line(const F& f) {
    try {
        f();
    } catch (const Error& e) {
        const std::string what = e.what();
        return what.substr(what.find(": ") + 2);
    }
    return "nothing was thrown";
}

}  // namespace lathe::testing_support
