#include "ir/type.h"

#include <algorithm>

#include "ir/error.h"

namespace lathe::ir {

void Shape::throw_too_many(std::source_location where) {
    throw TypeError("a tensor has at most " + std::to_string(max_rank) + " dimensions", Loc::of(where));
}

bool Type::is_addressable() const {
    auto bytes = static_cast<std::int64_t>(size_of(dtype));
    return std::ranges::none_of(shape, [&](Dim d) {
        return d.is_constant() && __builtin_mul_overflow(bytes, std::max<std::int64_t>(d.constant(), 1), &bytes);
    });
}

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
