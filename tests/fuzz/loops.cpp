// Texts of loop nests.
#include "ir/loops/text.h"
#include "tests/fuzz/fuzz.h"

using namespace lathe;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    try {
        const ir::LoopNest nest = ir::parse_loop_nest(fuzz::text_of(data, size), "t.lir");
        if (!ir::verify(nest).empty()) return 0;
        fuzz::expect_lossless(ir::print(nest),
                              [](const std::string& text) { return ir::print(ir::parse_loop_nest(text, "t.lir")); });
    } catch (const Error&) {
    }
    return 0;
}
