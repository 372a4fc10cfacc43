#include "frontend/tensor/blame.h"

#include <algorithm>
#include <cstring>
#include <cxxabi.h>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <tuple>
#include <vector>

#include "frontend/tensor/tensor.h"
#include "ir/error.h"
#include "runtime/per_thread.h"
#include "runtime/plan.h"

namespace lathe::detail {

constinit thread_local std::source_location LocScope::current_{};
constinit thread_local ir::Loc LocScope::loc_{};
constinit thread_local const Speaker* LocScope::speaker_ = nullptr;
constinit thread_local const Frame* Frame::current_ = nullptr;

// What frames of one kind, called from one line of one kind of frame, have in common. Kept for good, as locations are.
struct FrameEntry {
    std::string path;              // that errors show
    std::string prefix;            // of the paths within it
    std::vector<ir::Loc> callers;  // one, or none
    ir::Loc::Context context;
    // What it was made for.
    const FrameEntry* parent = nullptr;
    Frame::Code code{};
    const std::type_info* type = nullptr;
    std::string name;
    std::int64_t index = -1;
    std::string file;
    std::uint32_t line = 0;
};

namespace {

using FrameKey = std::tuple<const FrameEntry*, Frame::Code, const std::type_info*, std::string, std::int64_t,
                            std::string, std::uint32_t>;
struct FrameTable {
    std::mutex mutex;  // protects entries
    std::map<FrameKey, FrameEntry> entries;
};
FrameTable& frame_table() {
    static auto* t = new FrameTable;  // never destroyed: code may run while the process ends
    return *t;
}

// The frames that this thread saw last. Files are told apart by where their names lie, as in what nodes keep of lines.
struct RecentFrame {
    const FrameEntry* entry = nullptr;
    const char* file = nullptr;
};
using RecentFrames = runtime::PerThread<std::array<RecentFrame, 512>>;

std::string joined(const std::string& prefix, const std::string& piece) {
    return prefix.empty() ? piece : prefix + "." + piece;
}

void fill(FrameEntry& e) {
    const FrameEntry nothing;
    const FrameEntry& outer = e.parent != nullptr ? *e.parent : nothing;
    if (e.type == nullptr) {  // a function
        e.path = outer.path;
        e.prefix = outer.prefix;
    } else {
        const bool named = e.index >= 0 || !e.name.empty();
        const std::string piece = e.index >= 0 ? std::to_string(e.index) : named ? e.name : class_name(*e.type);
        e.path = joined(outer.prefix, piece);
        // The outermost module is in no other: the paths of its parameters begin behind it.
        const bool outermost = !named && outer.path.empty();
        e.prefix = outermost ? "" : e.path;
        if (outermost && e.code == Frame::Code::library) e.path.clear();
    }
    const ir::Loc line = e.line == 0 ? ir::Loc() : ir::Loc::of(e.file, e.line, outer.context);
    if (e.code == Frame::Code::library || !line.known())
        e.callers = outer.callers;
    else
        e.callers = {line};
    e.context = ir::Loc::context(e.path, e.callers);
}

}  // namespace

std::string class_name(const std::type_info& type) {
    int status = 0;
    const std::unique_ptr<char, decltype(&std::free)> demangled(
        abi::__cxa_demangle(type.name(), nullptr, nullptr, &status), &std::free);
    std::string full = status == 0 && demangled ? demangled.get() : type.name();
    // What is behind the last :: outside of brackets.
    int depth = 0;
    for (std::size_t i = full.size(); i-- > 1;) {
        const char c = full[i];
        if (c == '>' || c == ')' || c == '}') ++depth;
        if (c == '<' || c == '(' || c == '{') --depth;
        if (depth == 0 && c == ':' && full[i - 1] == ':') return full.substr(i + 1);
    }
    return full;
}

std::string Speaker::name() const { return type != nullptr ? class_name(*type) : std::string(function); }

std::vector<ir::Type> Speaker::operand_types() const {
    std::vector<ir::Type> types;
    for (std::size_t i = 0; i < operand_count; ++i)
        if (!operands[i]->is_empty()) types.push_back(operands[i]->type());
    for (const Tensor& part : parts)
        if (!part.is_empty()) types.push_back(part.type());
    return types;
}

bool is_empty(const Tensor& x) { return x.is_empty(); }

LocScope::LocScope(std::source_location where, std::string_view function, std::span<const Tensor> parts)
    : LocScope(where, function) {
    if (speaker_ == &own_) own_.parts = parts;
    if (std::ranges::any_of(parts, &Tensor::is_empty)) throw_empty(previous_, function, where);
    if (parts.empty()) refuse(function, "wants one tensor or more", where);
}

void LocScope::throw_empty(const State& previous, std::string_view function, std::source_location where) {
    const std::string name = previous.speaker != nullptr ? previous.speaker->name() : std::string(function);
    restore(previous);
    throw UserError(name + ": an empty tensor was used", blame(where));
}

Frame::Frame(Code code, std::source_location where, const std::type_info* type, std::string_view name,
             std::int64_t index, std::span<const Tensor* const> operands)
    : parent_(current_),
      previous_(LocScope::state()),
      code_(code),
      where_(where),
      type_(type),
      name_(name),
      index_(index) {
    if (previous_.current.line() != 0) where_ = previous_.current;
    if (code == Code::library) {
        own_.type = type;
        own_.operand_count = std::min(operands.size(), own_.operands.size());
        std::copy_n(operands.begin(), own_.operand_count, own_.operands.begin());
        LocScope::restore({where_, {}, &own_});
    } else {
        LocScope::restore({});
    }
    current_ = this;
}

ir::Loc::Context Frame::find_context() const {
    // A module of the library that is in no other needs no words: the line says all.
    const bool alone = parent_ == nullptr && code_ == Code::library && name_.empty() && index_ < 0;
    if (!alone) context_ = entry().context;
    known_ = true;
    return context_;
}

const FrameEntry& Frame::entry() const {
    if (entry_ != nullptr) return *entry_;
    const FrameEntry* const outer = parent_ != nullptr && code_ != Code::root ? &parent_->entry() : nullptr;
    const char* const file = where_.file_name();
    const std::uint64_t mixed =
        (reinterpret_cast<std::uintptr_t>(outer) ^ reinterpret_cast<std::uintptr_t>(type_) << 7 ^
         std::uint64_t{where_.line()} << 32 ^ static_cast<std::uint64_t>(index_) << 48) *
        0x9e3779b97f4a7c15ULL;
    RecentFrame none;
    auto* const recent = RecentFrames::mine();
    RecentFrame& slot = recent != nullptr ? (*recent)[mixed >> 55] : none;
    const auto fits = [&](const FrameEntry& e) {
        return slot.file == file && e.parent == outer && e.type == type_ && e.line == where_.line() &&
               e.index == index_ && e.code == code_ && e.name.size() == name_.size() &&
               (name_.empty() || e.name == name_);
    };
    if (slot.entry == nullptr || !fits(*slot.entry)) {
        FrameTable& t = frame_table();
        const std::lock_guard lock(t.mutex);
        FrameKey key{outer, code_, type_, std::string(name_), index_, where_.file_name(), where_.line()};
        const auto [found, fresh] = t.entries.try_emplace(std::move(key));
        FrameEntry& e = found->second;
        if (fresh) {
            e.parent = outer;
            e.code = code_;
            e.type = type_;
            e.name = std::string(name_);
            e.index = index_;
            e.file = file;
            e.line = where_.line();
            fill(e);
        }
        slot = {&e, file};
    }
    entry_ = slot.entry;
    return *entry_;
}

std::string spoken(std::string_view op) {
    return LocScope::speaker() != nullptr ? LocScope::speaker()->name() : std::string(op);
}

std::string spoken_operands() {
    return LocScope::speaker() != nullptr ? ir::in_parentheses(LocScope::speaker()->operand_types()) : "";
}

void refuse(std::string_view function, std::string_view why, std::source_location where) {
    throw TypeError(spoken(function) + ": " + std::string(why) + spoken_operands(), blame(where));
}

ir::Loc blame(std::source_location where) {
    if (LocScope::loc().known()) return LocScope::loc();
    return ir::Loc::of(LocScope::current().line() != 0 ? LocScope::current() : where, Frame::context());
}

// The same error with a location, unless it has one.
template <class E, class Named>
[[noreturn]] static void rethrow_at(ir::Loc loc, const E& e, const Named& named) {
    if (e.loc().known()) throw;
    throw E(named(e.message()), loc);
}

void rethrow(ir::Loc loc, std::string_view op) {
    const auto named = [&](const std::string& message) {
        if (op.empty() || message.starts_with(std::string(op) + ":")) return message;
        return spoken(op) + ": " + message + (message.ends_with(")") ? "" : spoken_operands());
    };
    // Of the kinds of errors, the derived ones first.
    try {
        throw;
    } catch (const TypeError& e) {
        rethrow_at(loc, e, named);
    } catch (const IndexError& e) {
        rethrow_at(loc, e, named);
    } catch (const FormatError& e) {
        rethrow_at(loc, e, named);
    } catch (const UserError& e) {
        rethrow_at(loc, e, named);
    } catch (const ResourceError& e) {
        rethrow_at(loc, e, named);
    } catch (const InternalError& e) {
        rethrow_at(loc, e, named);
    } catch (const Error& e) {
        rethrow_at(loc, e, named);
    } catch (const runtime::PlanError& e) {
        throw TypeError(named(e.what()), loc);
    } catch (const runtime::ResourceExhausted& e) {
        throw ResourceError(named(e.what()), loc);
    } catch (const std::bad_alloc&) {
        throw ResourceError(named("there is no memory for it"), loc);
    } catch (const std::exception& e) {
        throw InternalError(named(e.what()), loc);
    }
}

}  // namespace lathe::detail
