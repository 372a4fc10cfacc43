// Tables as text, of every type of number.
#include "frontend/formats/csv.h"

#include "tests/fuzz/fuzz.h"

using namespace lathe;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    constexpr auto dtypes = ir::all_dtypes();
    try {
        parse_csv(fuzz::text_of(data + 1, size - 1), "t.csv", dtypes[data[0] % dtypes.size()]);
    } catch (const Error&) {
    }
    return 0;
}
