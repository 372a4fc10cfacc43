// Source locations: interned 32-bit ids for a file and line, a line of parsed text, a line of code that was called from
// elsewhere, or a set of those (fused nodes).
#pragma once

#include <cstdint>
#include <source_location>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lathe::ir {

// Where the code that a line belongs to was called from: the path of modules that it is in ("blocks.2.attention") and
// the lines of the calls, innermost first. Interned, too.
class LocContext {
public:
    constexpr LocContext() = default;  // nothing is known of it
    constexpr bool known() const { return id_ != 0; }
    friend constexpr bool operator==(LocContext, LocContext) = default;

private:
    friend class Loc;
    std::uint32_t id_ = 0;
};

class Loc {
public:
    constexpr Loc() = default;  // unknown

    using Context = LocContext;
    // The callers innermost first; each brings the callers of its own context along. Of very many those in the middle
    // are left out.
    static Context context(std::string_view path, std::span<const Loc> callers);

    // The table is shared by all threads and protected by a lock; an id stays valid for the life of the process.
    static Loc of(std::string_view file, std::uint32_t line, Context context = {});
    static Loc of(std::source_location where, Context context = {}) {  // unknown where nobody said
        return where.line() == 0 ? Loc() : of(where.file_name(), where.line(), context);
    }
    static Loc fused(std::span<const Loc> parts);  // flattens, drops duplicates and unknowns
    Loc called_at(Loc caller) const;               // the same in code that was called from there

    constexpr bool known() const { return id_ != 0; }
    // For tables that know no Loc.
    constexpr std::uint32_t id() const { return id_; }
    static constexpr Loc of_id(std::uint32_t id) {
        Loc loc;
        loc.id_ = id;
        return loc;
    }
    friend constexpr bool operator==(Loc, Loc) = default;

    struct Line {
        std::string file;
        std::uint32_t line = 0;
        friend bool operator==(const Line&, const Line&) = default;
    };
    struct Place {
        Line line;
        std::string path;           // empty: in no module
        std::vector<Line> callers;  // innermost first
        friend bool operator==(const Place&, const Place&) = default;
    };
    std::vector<Place> places() const;
    // "model.cpp:12", "model.cpp:12, in blocks.2, called at train.cpp:7", "model.cpp:12, model.cpp:14", or "unknown
    // location".
    std::string to_string() const;
    // A message with the location around it: "model.cpp:12: message, in blocks.2, called at train.cpp:7". What follows
    // the first line of the message stays behind.
    std::string around(std::string_view message) const;

private:
    std::uint32_t id_ = 0;
};

}  // namespace lathe::ir
