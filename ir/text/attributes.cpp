#include "ir/text/attributes.h"

#include <cstring>

#include "ir/error.h"
#include "ir/text/element.h"

namespace lathe::ir {
namespace {

template <class Range, class Print>
std::string list(const Range& items, const Print& print) {
    std::string out = "[";
    for (const auto& item : items) out += (out.size() == 1 ? "" : ", ") + print(item);
    return out + "]";
}

Attribute parse_attribute(Lexer& lexer, AttributeKind kind, const SymbolTable& symbols) {
    switch (kind) {
        case AttributeKind::integer:
            return lexer.expect_integer("an integer");
        case AttributeKind::integers: {
            Integers out;
            lexer.expect("[");
            if (lexer.accept("]")) return out;
            do out.push_back(lexer.expect_integer("an integer"));
            while (lexer.accept(","));
            lexer.expect("]");
            return out;
        }
        case AttributeKind::dims:
            return parse_shape(lexer, symbols);
        case AttributeKind::dtype:
            return parse_dtype(lexer);
        case AttributeKind::boolean:
            if (lexer.accept("true")) return true;
            if (lexer.accept("false")) return false;
            lexer.fail_expecting("true or false");
        case AttributeKind::literal:
            return parse_literal(lexer);
        case AttributeKind::text:
            return lexer.expect_string();
        case AttributeKind::region:
            break;
    }
    throw InternalError("a region is no attribute in braces");
}

// What an attribute that is left out says; empty where it may not be.
std::optional<Attribute> default_of(const AttributeDef& def, std::span<const std::size_t> ranks) {
    if (def.kind() == AttributeKind::region) return Region{};
    if (def.presence == Presence::required) return std::nullopt;
    if (def.meaning == AttributeMeaning::flag || def.of == AttributeDef::of_shape) return default_of(def.meaning, 0);
    const auto operand = static_cast<std::size_t>(def.of);
    return operand < ranks.size() ? std::optional(default_of(def.meaning, ranks[operand])) : std::nullopt;
}

}  // namespace

std::string print_literal(const Literal& literal, Literals literals) {
    std::string out = literal.type.to_string() + " ";
    const std::size_t size = size_of(literal.type.dtype);
    const auto element = [&](std::size_t i) {
        std::uint64_t bits = 0;
        std::memcpy(&bits, literal.bytes->data() + i * size, size);
        out += print_element(literal.type.dtype, bits);
    };
    if (literal.is_splat()) {
        element(0);
        return out;
    }
    constexpr std::size_t shown = 8;
    const std::size_t count = literal.bytes->size() / size;
    const bool cut = literals == Literals::brief && count > 2 * shown;
    out += "[";
    for (std::size_t i = 0; i < (cut ? shown : count); ++i) {
        if (i != 0) out += ", ";
        element(i);
    }
    out += cut ? ", ... " + std::to_string(count - shown) + " more]" : "]";
    return out;
}

Literal parse_literal(Lexer& lexer) {
    const Token first = lexer.peek();
    const Type type = parse_type(lexer, {});
    std::vector<std::byte> bytes;
    const auto element = [&] {
        const Token token = lexer.peek();
        const std::string_view text = lexer.expect_element();
        const auto bits = parse_element(type.dtype, text);
        if (!bits)
            Lexer::fail_at(token, "'" + std::string(text.substr(0, 40)) + "' is no " + std::string(name(type.dtype)));
        std::byte raw[8];
        std::memcpy(raw, &*bits, sizeof raw);
        bytes.insert(bytes.end(), raw, raw + size_of(type.dtype));
    };
    if (!lexer.accept("[")) {
        element();
    } else if (!lexer.accept("]")) {
        do element();
        while (lexer.accept(","));
        lexer.expect("]");
        // One element in brackets is a list, and a list gives every element.
        if (bytes.size() == size_of(type.dtype) && type.shape.element_count() != Dim(1))
            Lexer::fail_at(first, "the literal's list is too short");
    }
    try {
        return make_literal(type, bytes);
    } catch (const Error& e) {
        Lexer::fail_at(first, e.message());
    }
}

std::string print_attribute(const Attribute& attribute, std::span<const std::string> symbols, Literals literals) {
    return std::visit(
        [&]<class T>(const T& value) -> std::string {
            if constexpr (std::is_same_v<T, std::int64_t>)
                return std::to_string(value);
            else if constexpr (std::is_same_v<T, Integers>)
                return list(value, [](std::int64_t i) { return std::to_string(i); });
            else if constexpr (std::is_same_v<T, Shape>)
                return list(value, [&](Dim d) { return d.to_string(symbols); });
            else if constexpr (std::is_same_v<T, Dtype>)
                return std::string(name(value));
            else if constexpr (std::is_same_v<T, bool>)
                return value ? "true" : "false";
            else if constexpr (std::is_same_v<T, Literal>)
                return print_literal(value, literals);
            else if constexpr (std::is_same_v<T, std::string>)
                return in_quotes(value);
            else
                throw InternalError("a region is no attribute in braces");
        },
        attribute);
}

std::string print_attributes(std::span<const AttributeDef> defs, std::span<const Attribute> attributes,
                             std::span<const std::string> symbols, Literals literals, AttributeFilter filter) {
    std::string out;
    for (std::size_t i = 0; i < attributes.size(); ++i) {
        if (kind_of(attributes[i]) == AttributeKind::region) continue;
        if (filter != nullptr && !filter(defs[i].meaning)) continue;
        out += (out.empty() ? " {" : ", ") + std::string(defs[i].name) + " = ";
        out += print_attribute(attributes[i], symbols, literals);
    }
    return out.empty() ? out : out + "}";
}

Attributes parse_attributes(Lexer& lexer, std::string_view op, std::span<const AttributeDef> defs,
                            std::span<const std::size_t> ranks, const SymbolTable& symbols, AttributeFilter filter) {
    std::vector<std::optional<Attribute>> given(defs.size());
    if (filter != nullptr)
        for (const AttributeDef& def : defs)
            if (!filter(def.meaning)) given[def.slot] = blank_of(def.kind());
    if (lexer.accept("{") && !lexer.accept("}")) {
        do {
            const Token token = lexer.peek();
            const std::string_view name = lexer.expect_word("an attribute's name");
            const auto def = std::ranges::find(defs, name, &AttributeDef::name);
            if (def == defs.end() || def->kind() == AttributeKind::region)
                Lexer::fail_at(token, std::string(op) + " has no attribute " + std::string(name));
            if (given[def->slot])
                Lexer::fail_at(token, std::string(op) + " has its attribute " + std::string(name) + " twice");
            lexer.expect("=");
            try {
                given[def->slot] = parse_attribute(lexer, def->kind(), symbols);
            } catch (TextFault& fault) {
                fault.why = std::string(op) + ", " + std::string(def->name) + ": " + fault.why;
                throw;
            }
        } while (lexer.accept(","));
        lexer.expect("}");
    }
    Attributes out;
    for (const AttributeDef& def : defs) {
        if (!given[def.slot]) given[def.slot] = default_of(def, ranks);
        if (!given[def.slot]) lexer.fail(std::string(op) + " lacks its attribute " + std::string(def.name));
        out.push_back(std::move(*given[def.slot]));
    }
    return out;
}

}  // namespace lathe::ir
