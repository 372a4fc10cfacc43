#include "runtime/system_reason.h"

#include <clocale>
#include <cstring>
#include <locale.h>

namespace lathe::runtime {

std::string system_reason(int error) {
    static const locale_t words = newlocale(LC_ALL_MASK, "C", nullptr);
    return words != nullptr ? strerror_l(error, words) : "error " + std::to_string(error);
}

}  // namespace lathe::runtime
