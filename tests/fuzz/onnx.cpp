// ONNX models: what is read is a model, or refused.
#include "frontend/onnx/onnx.h"

#include "ir/error.h"
#include "tests/fuzz/fuzz.h"

using namespace lathe;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    try {
        parse_onnx(fuzz::text_of(data, size), "t.onnx");
    } catch (const InternalError&) {
        std::abort();
    } catch (const Error&) {
    }
    return 0;
}
