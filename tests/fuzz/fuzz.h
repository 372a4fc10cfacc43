// What fuzzers share. A parser takes a text or refuses it with an error of the library's; whatever else it does is what
// they look for. build/tests/fuzz_graph FOLDER starts from the texts in a folder (see the README beside).
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "ir/error.h"

namespace lathe::fuzz {

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
    return {reinterpret_cast<const char*>(data), size};
}

// What was read prints as text that reads back as the same.
template <class Parse>
void expect_lossless(const std::string& printed, const Parse& parse_and_print) {
    try {
        if (parse_and_print(printed) == printed) return;
    } catch (const Error&) {
    }
    std::abort();
}

}  // namespace lathe::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
