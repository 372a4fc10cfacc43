#include "ir/loc.h"

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "ir/printable.h"

namespace lathe::ir {

namespace {

constexpr std::size_t max_callers = 32;

struct Entry {
    const std::string* file = nullptr;  // null: a fused set
    std::uint32_t line = 0;
    std::uint32_t context = 0;         // 0: none
    std::vector<std::uint32_t> parts;  // ids of lines, ascending
};

struct ContextEntry {
    std::string path;
    std::vector<std::uint32_t> callers;  // ids of lines without a context
    friend auto operator<=>(const ContextEntry&, const ContextEntry&) = default;
};

struct Table {
    std::shared_mutex mutex;
    std::deque<Entry> entries;  // id - 1
    std::map<std::string, std::unordered_map<std::uint32_t, std::uint32_t>, std::less<>> files;
    std::unordered_map<std::uint64_t, std::uint32_t> within;  // line and context
    std::map<std::vector<std::uint32_t>, std::uint32_t> sets;
    std::deque<const ContextEntry*> contexts;  // id - 1
    std::map<ContextEntry, std::uint32_t> context_ids;

    std::uint32_t append(Entry e) {
        entries.push_back(std::move(e));
        return static_cast<std::uint32_t>(entries.size());
    }
    const Entry& entry(std::uint32_t id) const { return entries[id - 1]; }

    std::pair<const std::string*, std::uint32_t> line(std::string_view file, std::uint32_t number) {
        auto at = files.find(file);
        if (at == files.end()) at = files.try_emplace(std::string(file)).first;
        std::uint32_t& id = at->second[number];
        if (id == 0) id = append({&at->first, number, 0, {}});
        return {&at->first, id};
    }
    std::uint32_t line_within(std::uint32_t plain, std::uint32_t context) {
        if (context == 0) return plain;
        std::uint32_t& id = within[std::uint64_t{plain} << 32 | context];
        if (id == 0) id = append({entry(plain).file, entry(plain).line, context, {}});
        return id;
    }
    std::uint32_t context(std::string_view path, std::vector<std::uint32_t> callers) {
        if (path.empty() && callers.empty()) return 0;
        if (callers.size() > max_callers)  // the outermost one stays
            callers.erase(callers.begin() + max_callers - 1, callers.end() - 1);
        const auto [found, fresh] =
            context_ids.try_emplace({std::string(path), std::move(callers)}, static_cast<std::uint32_t>(0));
        if (fresh) {
            contexts.push_back(&found->first);
            found->second = static_cast<std::uint32_t>(contexts.size());
        }
        return found->second;
    }
    // A line without its context.
    std::uint32_t plain(const Entry& e) { return line(*e.file, e.line).second; }
    // A line and what called it.
    void append_call(std::uint32_t id, std::vector<std::uint32_t>& callers) {
        const Entry e = entry(id);
        if (e.file == nullptr) {  // one of several
            append_call(e.parts[0], callers);
            return;
        }
        callers.push_back(plain(e));
        if (e.context == 0) return;
        const auto& outer = contexts[e.context - 1]->callers;
        callers.insert(callers.end(), outer.begin(), outer.end());
    }
    std::uint32_t set(std::vector<std::uint32_t> ids) {
        std::ranges::sort(ids);
        ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
        if (ids.size() <= 1) return ids.empty() ? 0 : ids[0];
        std::uint32_t& id = sets[ids];
        if (id == 0) id = append({nullptr, 0, 0, std::move(ids)});
        return id;
    }
};

Table& table() {
    static auto* t = new Table;  // never destroyed: ids outlive static destructors
    return *t;
}

// The last lines that this thread named; spares the lock when a loop records the same calls again and again.
struct Recent {
    const std::string* file = nullptr;
    std::uint32_t line = 0, context = 0, id = 0;
};
constinit thread_local std::array<Recent, 32> recent{};

std::string text_of(const Loc::Line& line) { return printable_line(line.file) + ":" + std::to_string(line.line); }

// The order in which several are told: it may not depend on what else the process has seen.
bool before(const Loc::Line& a, const Loc::Line& b) { return std::tie(a.file, a.line) < std::tie(b.file, b.line); }
bool precedes(const Loc::Place& a, const Loc::Place& b) {
    if (!(a.line == b.line)) return before(a.line, b.line);
    if (a.path != b.path) return a.path < b.path;
    return std::ranges::lexicographical_compare(a.callers, b.callers, before);
}

// What is said behind the line.
std::string context_text(const Loc::Place& place) {
    std::string out;
    if (!place.path.empty()) out += ", in " + printable_line(place.path);
    for (const Loc::Line& caller : place.callers) out += ", called at " + text_of(caller);
    return out;
}

}  // namespace

Loc Loc::of(std::string_view file, std::uint32_t line, Context context) {
    Recent& slot = recent[(std::size_t{line} * 31 + file.size() + context.id_) % recent.size()];
    if (slot.id != 0 && slot.line == line && slot.context == context.id_ && *slot.file == file) return of_id(slot.id);
    Table& t = table();
    const std::scoped_lock lock(t.mutex);
    const auto [name, plain] = t.line(file, line);
    slot = {name, line, context.id_, t.line_within(plain, context.id_)};
    return of_id(slot.id);
}

Loc::Context Loc::context(std::string_view path, std::span<const Loc> callers) {
    Table& t = table();
    const std::scoped_lock lock(t.mutex);
    std::vector<std::uint32_t> lines;
    for (Loc caller : callers)
        if (caller.known()) t.append_call(caller.id_, lines);
    Context out;
    out.id_ = t.context(path, std::move(lines));
    return out;
}

Loc Loc::fused(std::span<const Loc> parts) {
    Table& t = table();
    const std::scoped_lock lock(t.mutex);
    std::vector<std::uint32_t> ids;
    for (Loc part : parts) {
        if (!part.known()) continue;
        const Entry& e = t.entry(part.id_);
        if (e.file != nullptr)
            ids.push_back(part.id_);
        else
            ids.insert(ids.end(), e.parts.begin(), e.parts.end());
    }
    return of_id(t.set(std::move(ids)));
}

Loc Loc::called_at(Loc caller) const {
    if (!known()) return caller;
    if (!caller.known()) return *this;
    Table& t = table();
    const std::scoped_lock lock(t.mutex);
    std::vector<std::uint32_t> outer;
    t.append_call(caller.id_, outer);
    const auto called = [&](std::uint32_t id) {
        const Entry e = t.entry(id);
        const ContextEntry inner = e.context == 0 ? ContextEntry{} : *t.contexts[e.context - 1];
        std::vector<std::uint32_t> callers = inner.callers;
        callers.insert(callers.end(), outer.begin(), outer.end());
        return t.line_within(t.plain(e), t.context(inner.path, std::move(callers)));
    };
    const Entry e = t.entry(id_);
    if (e.file != nullptr) return of_id(called(id_));
    std::vector<std::uint32_t> ids;
    for (std::uint32_t part : e.parts) ids.push_back(called(part));
    return of_id(t.set(std::move(ids)));
}

std::vector<Loc::Place> Loc::places() const {
    std::vector<Place> out;
    if (!known()) return out;
    Table& t = table();
    const std::shared_lock lock(t.mutex);
    const auto add = [&](const Entry& e) {
        Place& place = out.emplace_back(Place{{*e.file, e.line}, {}, {}});
        if (e.context == 0) return;
        const ContextEntry& context = *t.contexts[e.context - 1];
        place.path = context.path;
        for (std::uint32_t caller : context.callers)
            place.callers.push_back({*t.entry(caller).file, t.entry(caller).line});
    };
    const Entry& e = t.entry(id_);
    if (e.file != nullptr) add(e);
    for (std::uint32_t part : e.parts) add(t.entry(part));
    std::ranges::sort(out, precedes);
    return out;
}

std::string Loc::to_string() const {
    if (!known()) return "unknown location";
    const std::vector<Place> all = places();
    const bool plain = std::ranges::all_of(all, [](const Place& p) { return p.path.empty() && p.callers.empty(); });
    std::string out;
    for (const Place& p : all) out += (out.empty() ? "" : plain ? ", " : "; ") + text_of(p.line) + context_text(p);
    return out;
}

std::string Loc::around(std::string_view message) const {
    if (!known()) return std::string(message);
    const std::vector<Place> all = places();
    if (all.size() != 1) return to_string() + ": " + std::string(message);
    const std::size_t end = std::min(message.find('\n'), message.size());
    return text_of(all[0].line) + ": " + std::string(message.substr(0, end)) + context_text(all[0]) +
           std::string(message.substr(end));
}

}  // namespace lathe::ir
