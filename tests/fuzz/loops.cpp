// Texts of loop nests.
#include "ir/loops/text.h"
#include "ir/loops/verify.h"
#include "tests/fuzz/fuzz.h"

using namespace lathe;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::read_text(
        data, size, [](std::string_view text) { return ir::parse_loop_nest(text, "t.lir"); },
        [](const auto& read) { return ir::verify(read); }, [](const auto& read) { return ir::print(read); });
    return 0;
}
