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

// Reads a text; what is sound prints as text that reads back as the same.
template <class Parse, class Verify, class Print>
void read_text(const std::uint8_t* data, std::size_t size, const Parse& parse, const Verify& verify,
               const Print& print) {
    std::string printed;
    try {
        const auto read = parse(text_of(data, size));
        if (!verify(read).empty()) return;
        printed = print(read);
    } catch (const Error&) {
        return;
    }
    try {
        if (print(parse(printed)) == printed) return;
    } catch (const Error&) {
    }
    std::abort();
}

}  // namespace lathe::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
