// Texts of graphs.
#include "ir/graph/text.h"
#include "tests/fuzz/fuzz.h"

using namespace lathe;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    try {
        const auto graph = ir::parse_graph(fuzz::text_of(data, size), "t.lir");
        if (!ir::verify(*graph).empty()) return 0;
        fuzz::expect_lossless(ir::print(*graph),
                              [](const std::string& text) { return ir::print(*ir::parse_graph(text, "t.lir")); });
    } catch (const Error&) {
    }
    return 0;
}
