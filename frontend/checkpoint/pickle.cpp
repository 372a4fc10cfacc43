#include "frontend/checkpoint/pickle.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <unordered_map>

#include "ir/error.h"

namespace lathe::pickle {
namespace {

constexpr std::size_t most_objects = std::size_t{1} << 22;

class Machine {
public:
    Machine(std::string_view bytes, std::uint64_t begin, const std::string& name,
            const std::function<bool(std::string_view)>& known)
        : bytes_(bytes), at_(begin), opcode_at_(begin), name_(name), known_(known) {}

    Pickle run();

    // ---- what opcodes do

    void none() { push(Kind::none); }
    template <bool value>
    void boolean() {
        push(Kind::boolean).integer = value;
    }
    template <class T>
    void integer() {
        push(Kind::integer).integer = static_cast<T>(number(sizeof(T)));
    }
    template <std::size_t width>
    void long_integer() {
        const std::string_view digits = counted(width);
        if (digits.size() <= sizeof(std::int64_t)) {
            std::int64_t value = !digits.empty() && static_cast<signed char>(digits.back()) < 0 ? -1 : 0;
            std::memcpy(&value, digits.data(), digits.size());
            push(Kind::integer).integer = value;
        } else {
            push(Kind::long_integer).text = digits;
        }
    }
    void real() {
        std::uint64_t bits = 0;  // the greatest byte comes first
        for (const char c : take(sizeof bits)) bits = bits << 8 | static_cast<unsigned char>(c);
        push(Kind::real).real = std::bit_cast<double>(bits);
    }
    template <Kind kind, std::size_t width>
    void string() {
        const std::string_view text = counted(width);
        push(kind).text = text;
    }

    template <Kind kind>
    void empty() {
        push(kind);
    }
    template <Kind kind>
    void since_mark() {
        std::vector<Ref> items = pop_mark();
        if (kind == Kind::dict && items.size() % 2 != 0) fail("a key has no value");
        push(kind).items = std::move(items);
    }
    template <std::size_t count>
    void tuple() {
        std::vector<Ref> items(count);
        for (std::size_t i = count; i > 0; --i) items[i - 1] = pop();
        push(Kind::tuple).items = std::move(items);
    }
    template <Kind kind>
    void append() {
        const Ref item = pop();
        extend(top(), {item}, {kind, kind}, "a value is added to");
    }
    template <Kind kind>
    void append_all() {
        std::vector<Ref> items = pop_mark();
        extend(top(), items, {kind, kind}, "values are added to");
    }
    void set_item() {
        const Ref value = pop(), key = pop();
        extend(top(), {key, value}, {Kind::dict, Kind::call}, "an entry is set in");
    }
    void set_items() {
        std::vector<Ref> items = pop_mark();
        if (items.size() % 2 != 0) fail("a key has no value");
        extend(top(), items, {Kind::dict, Kind::call}, "entries are set in");
    }

    void mark() { marks_.push_back(stack_.size()); }
    void drop() {
        if (!marks_.empty() && marks_.back() == stack_.size())
            marks_.pop_back();
        else
            pop();
    }
    void drop_to_mark() { pop_mark(); }
    void duplicate() { stack_.push_back(top()); }

    template <std::size_t width>
    void put() {
        memo_[number(width)] = top();
    }
    void memoize() { memo_[memo_.size()] = top(); }
    template <std::size_t width>
    void get() {
        const std::uint64_t index = number(width);
        const auto found = memo_.find(index);
        if (found == memo_.end()) fail("nothing is kept as " + std::to_string(index));
        stack_.push_back(found->second);
    }

    void global() {
        const std::string_view module = line(), name = line();
        push_global(std::string(module), std::string(name));
    }
    void stack_global() {
        const Ref name = pop(), module = pop();
        if (objects_[name].kind != Kind::text || objects_[module].kind != Kind::text)
            fail("the name of a class or function is no text");
        push_global(objects_[module].text, objects_[name].text);
    }
    template <bool instance>
    void call() {
        const Ref arguments = pop(), callee = pop();
        push_call(callee, arguments, instance);
    }
    void call_with_keywords() {
        const Ref keywords = pop(), arguments = pop(), callee = pop();
        if (objects_[keywords].kind != Kind::dict || !objects_[keywords].items.empty())
            fail("an object is made with keywords, which is not supported");
        push_call(callee, arguments, true);
    }
    void build() {
        const Ref state = pop();
        Object& object = objects_[top()];
        if (object.kind != Kind::call || object.state) fail("a state is set on what has none");
        object.state = state;
    }
    void persistent() {
        const Ref identity = pop();
        push(Kind::persistent).items = {identity};
    }

    void protocol() {
        const std::uint64_t version = number(1);
        if (version < 2 || version > 5) fail("pickles of protocol " + std::to_string(version) + " are not supported");
    }
    void frame() {
        if (number(8) > bytes_.size() - at_) fail("a frame reaches behind the end");
    }
    void stop() {
        result_ = pop();
        if (!stack_.empty() || !marks_.empty()) fail("values are left over at the end");
        stopped_ = true;
    }

private:
    [[noreturn]] void fail(const std::string& what) const {
        throw FormatError(name_ + ": byte " + std::to_string(opcode_at_) + ": " + what);
    }

    std::string_view take(std::uint64_t count) {
        if (count > bytes_.size() - at_) fail("the pickle ends within what begins here");
        const std::string_view taken = bytes_.substr(at_, count);
        at_ += count;
        return taken;
    }
    std::uint64_t number(std::size_t width) {
        std::uint64_t value = 0;
        const std::string_view digits = take(width);
        for (std::size_t i = 0; i < width; ++i)
            value |= static_cast<std::uint64_t>(static_cast<unsigned char>(digits[i])) << 8 * i;
        return value;
    }
    std::string_view counted(std::size_t width) { return take(number(width)); }
    std::string_view line() {
        const std::size_t end = bytes_.find('\n', at_);
        if (end == std::string_view::npos) fail("the pickle ends within what begins here");
        const std::string_view text = take(end - at_);
        ++at_;
        return text;
    }

    Object& push(Kind kind) {
        if (objects_.size() == most_objects) fail("there are more than " + std::to_string(most_objects) + " objects");
        stack_.push_back(static_cast<Ref>(objects_.size()));
        Object& object = objects_.emplace_back();
        object.kind = kind;
        object.at = opcode_at_;
        return object;
    }
    Ref top() const {
        if (stack_.size() == (marks_.empty() ? 0 : marks_.back())) fail("a value is missing");
        return stack_.back();
    }
    Ref pop() {
        const Ref ref = top();
        stack_.pop_back();
        return ref;
    }
    std::vector<Ref> pop_mark() {
        if (marks_.empty()) fail("a mark is missing");
        const auto begin = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
        std::vector<Ref> items(begin, stack_.end());
        stack_.erase(begin, stack_.end());
        marks_.pop_back();
        return items;
    }
    void extend(Ref ref, const std::vector<Ref>& items, std::array<Kind, 2> kinds, const char* done) {
        Object& object = objects_[ref];
        if (std::ranges::find(kinds, object.kind) == kinds.end()) fail(std::string(done) + " what takes none");
        object.items.insert(object.items.end(), items.begin(), items.end());
    }
    void push_global(const std::string& module, const std::string& name) {
        const std::string whole = module + "." + name;
        if (!known_(whole)) fail("the class or function '" + whole + "' is none of those that are read");
        push(Kind::global).text = whole;
    }
    void push_call(Ref callee, Ref arguments, bool instance) {
        if (objects_[callee].kind != Kind::global) fail("what is called is no class or function");
        if (objects_[arguments].kind != Kind::tuple) fail("the arguments of a call are no tuple");
        Object& object = push(Kind::call);
        object.callee = callee;
        object.arguments = arguments;
        object.instance = instance;
    }

    std::string_view bytes_;
    std::uint64_t at_, opcode_at_;
    const std::string& name_;
    const std::function<bool(std::string_view)>& known_;
    std::vector<Object> objects_;
    std::vector<Ref> stack_;
    std::vector<std::size_t> marks_;  // heights of the stack
    std::unordered_map<std::uint64_t, Ref> memo_;
    Ref result_ = 0;
    bool stopped_ = false;
};

struct Opcode {
    char code;
    std::string_view name;
    void (Machine::*run)();  // null: refused
};

constexpr Opcode opcodes[] = {
    {'\x80', "PROTO", &Machine::protocol},
    {'\x95', "FRAME", &Machine::frame},
    {'.', "STOP", &Machine::stop},

    {'N', "NONE", &Machine::none},
    {'\x88', "NEWTRUE", &Machine::boolean<true>},
    {'\x89', "NEWFALSE", &Machine::boolean<false>},
    {'J', "BININT", &Machine::integer<std::int32_t>},
    {'K', "BININT1", &Machine::integer<std::uint8_t>},
    {'M', "BININT2", &Machine::integer<std::uint16_t>},
    {'\x8a', "LONG1", &Machine::long_integer<1>},
    {'\x8b', "LONG4", &Machine::long_integer<4>},
    {'G', "BINFLOAT", &Machine::real},
    {'T', "BINSTRING", &Machine::string<Kind::text, 4>},
    {'U', "SHORT_BINSTRING", &Machine::string<Kind::text, 1>},
    {'X', "BINUNICODE", &Machine::string<Kind::text, 4>},
    {'\x8c', "SHORT_BINUNICODE", &Machine::string<Kind::text, 1>},
    {'\x8d', "BINUNICODE8", &Machine::string<Kind::text, 8>},
    {'B', "BINBYTES", &Machine::string<Kind::bytes, 4>},
    {'C', "SHORT_BINBYTES", &Machine::string<Kind::bytes, 1>},
    {'\x8e', "BINBYTES8", &Machine::string<Kind::bytes, 8>},
    {'\x96', "BYTEARRAY8", &Machine::string<Kind::bytes, 8>},

    {')', "EMPTY_TUPLE", &Machine::empty<Kind::tuple>},
    {'\x85', "TUPLE1", &Machine::tuple<1>},
    {'\x86', "TUPLE2", &Machine::tuple<2>},
    {'\x87', "TUPLE3", &Machine::tuple<3>},
    {'t', "TUPLE", &Machine::since_mark<Kind::tuple>},
    {']', "EMPTY_LIST", &Machine::empty<Kind::list>},
    {'l', "LIST", &Machine::since_mark<Kind::list>},
    {'a', "APPEND", &Machine::append<Kind::list>},
    {'e', "APPENDS", &Machine::append_all<Kind::list>},
    {'\x8f', "EMPTY_SET", &Machine::empty<Kind::set>},
    {'\x90', "ADDITEMS", &Machine::append_all<Kind::set>},
    {'\x91', "FROZENSET", &Machine::since_mark<Kind::set>},
    {'}', "EMPTY_DICT", &Machine::empty<Kind::dict>},
    {'d', "DICT", &Machine::since_mark<Kind::dict>},
    {'s', "SETITEM", &Machine::set_item},
    {'u', "SETITEMS", &Machine::set_items},

    {'(', "MARK", &Machine::mark},
    {'0', "POP", &Machine::drop},
    {'1', "POP_MARK", &Machine::drop_to_mark},
    {'2', "DUP", &Machine::duplicate},
    {'q', "BINPUT", &Machine::put<1>},
    {'r', "LONG_BINPUT", &Machine::put<4>},
    {'\x94', "MEMOIZE", &Machine::memoize},
    {'h', "BINGET", &Machine::get<1>},
    {'j', "LONG_BINGET", &Machine::get<4>},

    {'c', "GLOBAL", &Machine::global},
    {'\x93', "STACK_GLOBAL", &Machine::stack_global},
    {'R', "REDUCE", &Machine::call<false>},
    {'\x81', "NEWOBJ", &Machine::call<true>},
    {'\x92', "NEWOBJ_EX", &Machine::call_with_keywords},
    {'b', "BUILD", &Machine::build},
    {'Q', "BINPERSID", &Machine::persistent},

    {'I', "INT", nullptr},
    {'L', "LONG", nullptr},
    {'F', "FLOAT", nullptr},
    {'S', "STRING", nullptr},
    {'V', "UNICODE", nullptr},
    {'g', "GET", nullptr},
    {'p', "PUT", nullptr},
    {'P', "PERSID", nullptr},
    {'i', "INST", nullptr},
    {'o', "OBJ", nullptr},
    {'\x82', "EXT1", nullptr},
    {'\x83', "EXT2", nullptr},
    {'\x84', "EXT4", nullptr},
    {'\x97', "NEXT_BUFFER", nullptr},
    {'\x98', "READONLY_BUFFER", nullptr},
};

constexpr std::array<const Opcode*, 256> by_code = [] {
    std::array<const Opcode*, 256> table{};
    for (const Opcode& opcode : opcodes) table[static_cast<unsigned char>(opcode.code)] = &opcode;
    return table;
}();

Pickle Machine::run() {
    while (!stopped_) {
        opcode_at_ = at_;
        const char code = take(1)[0];
        const Opcode* const opcode = by_code[static_cast<unsigned char>(code)];
        if (opcode == nullptr)
            fail("there is no opcode " + std::to_string(static_cast<unsigned char>(code)) + " of pickles");
        if (opcode->run == nullptr) fail("the opcode " + std::string(opcode->name) + " is none of those that are read");
        (this->*opcode->run)();
    }
    return {std::move(objects_), result_, at_};
}

}  // namespace

Pickle parse(std::string_view bytes, std::uint64_t begin, const std::string& name,
             const std::function<bool(std::string_view)>& known) {
    if (begin > bytes.size()) throw FormatError(name + ": the pickle begins behind the end");
    return Machine(bytes, begin, name, known).run();
}

}  // namespace lathe::pickle
