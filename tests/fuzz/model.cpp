// .lathe files. What is drawn is the file behind its magic number; its checksum is put right.
#include "frontend/model/model.h"

#include <cstring>
#include <zlib.h>

#include "tests/fuzz/fuzz.h"

using namespace lathe;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    constexpr std::size_t checksum_at = 36;
    std::string file("\x89LATHE\r\n");
    file += fuzz::text_of(data, size);
    if (file.size() >= checksum_at + 4) {
        std::memset(file.data() + checksum_at, 0, 4);
        const auto sum = static_cast<std::uint32_t>(
            crc32_z(crc32_z(0, nullptr, 0), reinterpret_cast<const Bytef*>(file.data()), file.size()));
        std::memcpy(file.data() + checksum_at, &sum, 4);
    }
    try {
        Model::parse(file, "t.lathe");
    } catch (const Error&) {
    }
    return 0;
}
