// Whom a recorded call is blamed on, and under which name errors speak.
//
// A function of the library is blamed on the line that called it, however many others it is made of: the outermost
// LocScope gives line and name. Code of the user's that the library calls, a module's forward() above all, is blamed on
// its own lines again: a Frame is the border, and errors then also say where that code is and what called it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <source_location>
#include <span>
#include <string>
#include <string_view>
#include <typeinfo>
#include <vector>

#include "ir/loc.h"
#include "ir/type.h"

namespace lathe {

class Tensor;

namespace detail {

bool is_empty(const Tensor& x);

// The function of the library, or its module, that the user called.
struct Speaker {
    std::string_view function;             // empty: the module's class is its name
    const std::type_info* type = nullptr;  // of a module
    std::array<const Tensor*, 5> operands{};
    std::size_t operand_count = 0;
    std::span<const Tensor> parts;  // or any number of them

    bool known() const { return type != nullptr || !function.empty(); }
    std::string name() const;
    // What is not empty. None: the operands of the op at fault are named.
    std::vector<ir::Type> operand_types() const;
};

// The line that nodes recorded by the library's own functions are blamed on.
class LocScope {
public:
    explicit LocScope(std::source_location where) : previous_(state()) {
        if (current_.line() == 0) current_ = where;
    }
    explicit LocScope(ir::Loc loc) : previous_(state()) { loc_ = loc; }
    // Of a public function; throws where an operand is an empty tensor.
    template <class... T>
    LocScope(std::source_location where, std::string_view function, const T&... operands) : previous_(state()) {
        if (current_.line() == 0) {
            current_ = where;
            own_.function = function;
            own_.operands = {&operands...};
            own_.operand_count = sizeof...(operands);
            speaker_ = &own_;
        }
        if constexpr (sizeof...(operands) > 0)
            if ((... || is_empty(operands))) throw_empty(previous_, function, where);
    }
    // Of one that takes any number of tensors, at least one.
    LocScope(std::source_location where, std::string_view function, std::span<const Tensor> parts);
    ~LocScope() { restore(previous_); }
    LocScope(const LocScope&) = delete;
    LocScope& operator=(const LocScope&) = delete;

    // An operand that came with the options, if one did.
    void also(const Tensor& option) {
        if (speaker_ == &own_ && !is_empty(option)) own_.operands[own_.operand_count++] = &option;
    }

    static std::source_location current() { return current_; }
    static ir::Loc loc() { return loc_; }
    static const Speaker* speaker() { return speaker_; }

private:
    friend class Frame;
    struct State {
        std::source_location current;
        ir::Loc loc;
        const Speaker* speaker = nullptr;
    };
    [[noreturn]] static void throw_empty(const State& previous, std::string_view function, std::source_location where);

    static State state() { return {current_, loc_, speaker_}; }
    static void restore(const State& s) {
        current_ = s.current;
        loc_ = s.loc;
        speaker_ = s.speaker;
    }

    // Apart from each other: read as one right after they were written one by one, they would wait for memory.
    static constinit thread_local std::source_location current_;
    static constinit thread_local ir::Loc loc_;
    static constinit thread_local const Speaker* speaker_;
    State previous_;
    Speaker own_;
};

struct FrameEntry;

// A call of something that has code of its own. Costs a few nanoseconds unless something in it is recorded for the
// first time.
class Frame {
public:
    enum class Code : std::uint8_t {
        library,  // the calls in it are blamed on the line of this one
        user,     // the calls in it are blamed on their own lines
        root,     // likewise; and what called it is not said, since it may be kept for other callers
    };
    // `type` is null where it is no module. A module is called by its index in its parent, or its name, or its class.
    // Of the operands, errors show the first few.
    Frame(Code code, std::source_location where, const std::type_info* type, std::string_view name, std::int64_t index,
          std::span<const Tensor* const> operands);
    // A function of the user's.
    explicit Frame(std::source_location where, Code code = Code::user) : Frame(code, where, nullptr, {}, -1, {}) {}
    ~Frame() {
        current_ = parent_;
        LocScope::restore(previous_);
    }
    Frame(const Frame&) = delete;
    Frame& operator=(const Frame&) = delete;

    // Of the innermost frame.
    static ir::Loc::Context context() { return current_ == nullptr ? ir::Loc::Context() : current_->own_context(); }

private:
    ir::Loc::Context own_context() const { return known_ ? context_ : find_context(); }
    ir::Loc::Context find_context() const;
    const FrameEntry& entry() const;

    static constinit thread_local const Frame* current_;
    const Frame* parent_;
    LocScope::State previous_;
    Code code_;
    std::source_location where_;
    const std::type_info* type_;
    std::string_view name_;
    std::int64_t index_;
    Speaker own_;
    mutable const FrameEntry* entry_ = nullptr;
    mutable ir::Loc::Context context_;
    mutable bool known_ = false;
};

// What the user called, where an op of that name is a part of it.
std::string spoken(std::string_view op);
// The types of its operands: " (f32[2] and i32[3])", or nothing.
std::string spoken_operands();
// Throws a TypeError in the name of what the user called: "function: why (its operands)". Functions over operands of
// any kind have ir::functions::refuse(), which comes here for tensors.
[[noreturn]] void refuse(std::string_view function, std::string_view why, std::source_location where);
// The user's line: that of the outermost call of the library, or `where`, with what called it.
ir::Loc blame(std::source_location where);

// Rethrows what is being handled as an Error of the library that says where. Errors that do, and what the user's own
// code threw, pass; `op` is put before what has no name.
[[noreturn]] void rethrow(ir::Loc loc, std::string_view op = {});
// Runs a part of the library that knows no lines and calls no code of the user's.
template <class F>
auto blaming(std::source_location where, std::string_view op, const F& function) {
    try {
        return function();
    } catch (...) {
        rethrow(blame(where), op);
    }
}

// A class by the name that its author gave it: "Attention" for (anonymous namespace)::Attention.
std::string class_name(const std::type_info& type);

}  // namespace detail
}  // namespace lathe
