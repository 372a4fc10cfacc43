#include "ir/type.h"

namespace lathe::ir {

std::string Type::to_string(std::span<const std::string> symbol_names) const {
    std::string out(name(dtype));
    out += '[';
    for (std::size_t i = 0; i < shape.rank(); ++i) {
        if (i > 0) out += ", ";
        out += shape[i].to_string(symbol_names);
    }
    return out + ']';
}

}  // namespace lathe::ir
