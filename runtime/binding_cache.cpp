#include <algorithm>

#include "runtime/plan.h"

namespace lathe::runtime {
namespace {

bool same(const BoundPlan& bound, std::span<const std::int64_t> symbols) {
    return std::equal(bound.symbols.begin(), bound.symbols.end(), symbols.begin(), symbols.end());
}

std::size_t hash(std::span<const std::int64_t> symbols) {
    std::uint64_t h = 0;
    for (const std::int64_t s : symbols) {
        h = (h ^ static_cast<std::uint64_t>(s)) * 0x9e3779b97f4a7c15u;
        h ^= h >> 32;
    }
    return h;
}

}  // namespace

BindingCache::~BindingCache() {
    for (const auto& entry : table_) delete entry.load(std::memory_order_relaxed);
}

const BoundPlan* BindingCache::find(std::span<const std::int64_t> symbols) const {
    const std::size_t start = hash(symbols);
    for (std::size_t probe = 0; probe < probes; ++probe) {
        const BoundPlan* const bound = table_[(start + probe) % table_size].load(std::memory_order_acquire);
        if (!bound) return nullptr;
        if (same(*bound, symbols)) return bound;
    }
    return nullptr;
}

std::shared_ptr<const BoundPlan> BindingCache::find_recent(std::span<const std::int64_t> symbols) {
    const std::lock_guard lock(mutex_);
    const auto found = std::find_if(recent_.begin(), recent_.end(), [&](const auto& b) { return same(*b, symbols); });
    if (found == recent_.end()) return nullptr;
    std::rotate(found, found + 1, recent_.end());  // the youngest is last
    return recent_.back();
}

Binding BindingCache::insert(std::unique_ptr<const BoundPlan> bound) {
    const std::size_t start = hash(bound->symbols);
    for (std::size_t probe = 0; probe < probes; ++probe) {
        auto& entry = table_[(start + probe) % table_size];
        const BoundPlan* there = nullptr;
        if (entry.compare_exchange_strong(there, bound.get(), std::memory_order_acq_rel))
            return Binding(bound.release());
        if (same(*there, bound->symbols)) return Binding(there);  // another thread was faster
    }
    const std::lock_guard lock(mutex_);
    if (recent_.size() == recent_size) recent_.erase(recent_.begin());
    recent_.push_back(std::move(bound));
    return Binding(recent_.back());
}

std::size_t BindingCache::size() const {
    const auto filled = std::count_if(table_.begin(), table_.end(), [](const auto& entry) {
        return entry.load(std::memory_order_relaxed) != nullptr;
    });
    const std::lock_guard lock(mutex_);
    return static_cast<std::size_t>(filled) + recent_.size();
}

}  // namespace lathe::runtime
