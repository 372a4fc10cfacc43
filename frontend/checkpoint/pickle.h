// Python pickles as data: what a pickle would make is listed, object by object, and nothing is made or called. Opcodes
// are those that Python writes with protocols 2 to 5 (Lib/pickletools.py); all others are refused by name.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lathe::pickle {

enum class Kind : std::uint8_t {
    none,
    boolean,
    integer,
    long_integer,  // of more than 64 bits
    real,
    text,
    bytes,
    tuple,
    list,
    set,
    dict,
    global,      // a class or a function, by its name alone
    call,        // of a global, with what was done to its result
    persistent,  // what the file keeps elsewhere: a storage
};

using Ref = std::uint32_t;  // the number of an object

struct Object {
    Kind kind = Kind::none;
    bool instance = false;     // call: by NEWOBJ, which makes an object of a class and runs no code of its own
    std::uint64_t at = 0;      // the byte of the opcode that made it
    std::int64_t integer = 0;  // boolean, integer
    double real = 0;           // real
    std::string text;          // text; bytes; global: "module.name"; long_integer: two's complement, least byte first
    std::vector<Ref> items = {};  // tuple, list, set; dict and call: keys and values in turn; persistent: the identity
    Ref callee = 0, arguments = 0;  // call: a global, and a tuple
    std::optional<Ref> state = {};  // call: what BUILD would set
};

struct Pickle {
    std::vector<Object> objects;
    Ref result = 0;
    std::uint64_t end = 0;  // the byte behind it

    const Object& operator[](Ref ref) const { return objects[ref]; }
};

// Reads the pickle that begins at a byte. `known` says which globals may be named. Throws FormatError with `name` and
// the byte where the pickle is malformed or truncated, has an opcode that is none of those, a global that is not known,
// or more than 2^22 objects.
Pickle parse(std::string_view bytes, std::uint64_t begin, const std::string& name,
             const std::function<bool(std::string_view global)>& known);

}  // namespace lathe::pickle
