#include "ir/loc.h"

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <unordered_map>

namespace lathe::ir {

namespace {

struct Entry {
    const std::string* file = nullptr;  // null: a fused set
    std::uint32_t line = 0;
    std::vector<std::uint32_t> parts;  // ids of lines, ascending
};

struct Table {
    std::shared_mutex mutex;
    std::deque<Entry> entries;  // id - 1
    std::map<std::string, std::unordered_map<std::uint32_t, std::uint32_t>, std::less<>> files;
    std::map<std::vector<std::uint32_t>, std::uint32_t> sets;

    std::uint32_t append(Entry e) {
        entries.push_back(std::move(e));
        return static_cast<std::uint32_t>(entries.size());
    }
};

Table& table() {
    static auto* t = new Table;  // never destroyed: ids outlive static destructors
    return *t;
}

// The last lines that this thread named; spares the lock when a loop records the same calls again and again.
struct Recent {
    const std::string* file = nullptr;
    std::uint32_t line = 0, id = 0;
};
constinit thread_local std::array<Recent, 64> recent{};

}  // namespace

Loc Loc::of(std::string_view file, std::uint32_t line) {
    Recent& slot = recent[(line * 31 + file.size()) % recent.size()];
    Loc loc;
    if (slot.id != 0 && slot.line == line && *slot.file == file) {
        loc.id_ = slot.id;
        return loc;
    }
    Table& t = table();
    const std::scoped_lock lock(t.mutex);
    auto at = t.files.find(file);
    if (at == t.files.end()) at = t.files.try_emplace(std::string(file)).first;
    std::uint32_t& id = at->second[line];
    if (id == 0) id = t.append({&at->first, line, {}});
    loc.id_ = id;
    slot = {&at->first, line, id};
    return loc;
}

Loc Loc::fused(std::span<const Loc> parts) {
    Table& t = table();
    const std::scoped_lock lock(t.mutex);
    std::vector<std::uint32_t> ids;
    for (Loc part : parts) {
        if (!part.known()) continue;
        const Entry& e = t.entries[part.id_ - 1];
        if (e.file != nullptr)
            ids.push_back(part.id_);
        else
            ids.insert(ids.end(), e.parts.begin(), e.parts.end());
    }
    std::ranges::sort(ids);
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
    Loc loc;
    if (ids.empty()) return loc;
    if (ids.size() == 1) {
        loc.id_ = ids[0];
        return loc;
    }
    std::uint32_t& id = t.sets[ids];
    if (id == 0) id = t.append({nullptr, 0, std::move(ids)});
    loc.id_ = id;
    return loc;
}

std::vector<Loc::Line> Loc::lines() const {
    std::vector<Line> out;
    if (!known()) return out;
    Table& t = table();
    const std::shared_lock lock(t.mutex);
    const Entry& e = t.entries[id_ - 1];
    if (e.file != nullptr) out.push_back({*e.file, e.line});
    for (std::uint32_t part : e.parts) out.push_back({*t.entries[part - 1].file, t.entries[part - 1].line});
    return out;
}

std::string Loc::to_string() const {
    if (!known()) return "unknown location";
    std::string out;
    for (const Line& l : lines()) out += (out.empty() ? "" : ", ") + l.file + ":" + std::to_string(l.line);
    return out;
}

}  // namespace lathe::ir
