// Files of torch.save; what begins neither as an archive nor as a pickle is the pickle of an archive.
#include "frontend/checkpoint/pytorch.h"

#include "frontend/formats/zip.h"
#include "tests/fuzz/fuzz.h"

using namespace lathe;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string bytes(fuzz::text_of(data, size));
    if (!bytes.starts_with("PK") && !bytes.starts_with("\x80")) {
        ZipWriter archive;
        archive.add("a/data.pkl", bytes, false);
        archive.add("a/data/0", std::string(24, 'x'), false);
        bytes = std::move(archive).finish();
    }
    for (const bool objects : {false, true}) try {
            constexpr std::int64_t few = 1000;
            for (const auto& [name, tensor] : parse_pytorch(bytes, "t", {.objects = objects}).flatten())
                if (tensor.size() < few) (void)tensor.bytes();
        } catch (const Error&) {
        }
    return 0;
}
