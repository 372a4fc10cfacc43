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

std::string in_parentheses(std::span<const Type> types, std::span<const std::string> symbol_names) {
    constexpr std::size_t most = 8;
    if (types.empty()) return "";
    std::string out = " (";
    for (std::size_t i = 0; i < types.size(); ++i) {
        if (i == most && types.size() > most + 1) return out + " and " + std::to_string(types.size() - most) + " more)";
        if (i != 0) out += i + 1 == types.size() ? " and " : ", ";
        out += clipped(types[i].to_string(symbol_names));
    }
    return out + ")";
}

}  // namespace lathe::ir
