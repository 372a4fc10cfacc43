// Images, as JPEG and PNG files.
#include "images.h"
#include "tests/fuzz/fuzz.h"

using namespace lathe;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    for (const int channels : {1, 3}) try {
            parse_image(fuzz::text_of(data, size), "t", {.channels = channels});
        } catch (const Error&) {
        }
    return 0;
}
