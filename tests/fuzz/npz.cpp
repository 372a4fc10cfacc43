// .npz files.
#include "frontend/formats/npz.h"

#include "tests/fuzz/fuzz.h"

using namespace lathe;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    try {
        const auto arrays = parse_npz(fuzz::text_of(data, size), "t.npz");
        if (parse_npz(npz_bytes(arrays, {.compress = size % 2 == 0}), "t.npz") != arrays) std::abort();
    } catch (const Error&) {
    }
    return 0;
}
