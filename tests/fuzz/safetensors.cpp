// safetensors files.
#include "frontend/checkpoint/safetensors.h"

#include "tests/fuzz/fuzz.h"

using namespace lathe;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    try {
        const Safetensors read = parse_safetensors(fuzz::text_of(data, size), "t");
        const std::string written = safetensors_bytes(read.tensors, read.metadata);
        const Safetensors again = parse_safetensors(written, "t");
        if (safetensors_bytes(again.tensors, again.metadata) != written) std::abort();
    } catch (const Error&) {
    }
    return 0;
}
