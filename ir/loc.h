// Source locations: interned 32-bit ids for a file and line, a line of parsed text, or a set of those (fused nodes).
#pragma once

#include <cstdint>
#include <source_location>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lathe::ir {

class Loc {
public:
    constexpr Loc() = default;  // unknown

    // The table is shared by all threads and protected by a lock; an id stays valid for the life of the process.
    static Loc of(std::string_view file, std::uint32_t line);
    static Loc of(std::source_location where) {  // unknown where nobody said
        return where.line() == 0 ? Loc() : of(where.file_name(), where.line());
    }
    static Loc fused(std::span<const Loc> parts);  // flattens, drops duplicates and unknowns

    constexpr bool known() const { return id_ != 0; }
    constexpr std::uint32_t id() const { return id_; }
    friend constexpr bool operator==(Loc, Loc) = default;

    struct Line {
        std::string file;
        std::uint32_t line = 0;
        friend bool operator==(const Line&, const Line&) = default;
    };
    std::vector<Line> lines() const;
    std::string to_string() const;  // "model.cpp:12", "model.cpp:12, model.cpp:14", or "unknown location"

private:
    std::uint32_t id_ = 0;
};

}  // namespace lathe::ir
