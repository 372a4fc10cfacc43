// Files of data sets: IDX, CIFAR and tables, by the first byte.
#include "frontend/formats/cifar.h"
#include "frontend/formats/csv.h"
#include "frontend/formats/idx.h"
#include "tests/fuzz/fuzz.h"

using namespace lathe;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view bytes = fuzz::text_of(data + 1, size - 1);
    try {
        switch (data[0] % 5) {
            case 0:
                parse_idx(bytes, "t");
                break;
            case 1:
                parse_cifar10(bytes, "t");
                break;
            case 2:
                parse_cifar100(bytes, "t");
                break;
            case 3:
                parse_csv_cells(bytes, "t", ';');
                break;
            default:
                parse_csv_table(bytes, "t", {.header = true, .missing = "nan"});
                break;
        }
    } catch (const Error&) {
    }
    return 0;
}
