// .npy files, and streams that are compressed.
#include "frontend/formats/npy.h"

#include "frontend/formats/read_file.h"
#include "tests/fuzz/fuzz.h"

using namespace lathe;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes = fuzz::text_of(data, size);
    try {
        if (is_gzip(bytes)) unzip(bytes, "t.gz", std::uint64_t{1} << 20);
        const Array array = parse_npy(bytes, "t.npy");
        const Array again = parse_npy(npy_bytes(array), "t.npy");
        if (again.dtype != array.dtype || again.shape != array.shape || again.bytes != array.bytes) std::abort();
    } catch (const Error&) {
    }
    return 0;
}
