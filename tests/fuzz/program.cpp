// Texts of programs.
#include "ir/program/text.h"
#include "tests/fuzz/fuzz.h"

using namespace lathe;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    try {
        const ir::Program program = ir::parse_program(fuzz::text_of(data, size), "t.lir");
        if (!ir::verify(program).empty()) return 0;
        fuzz::expect_lossless(ir::print(program),
                              [](const std::string& text) { return ir::print(ir::parse_program(text, "t.lir")); });
    } catch (const Error&) {
    }
    return 0;
}
