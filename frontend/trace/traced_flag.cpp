#include "frontend/trace/traced_flag.h"

#include <algorithm>

#include "frontend/trace/trace.h"

namespace lathe::detail {

constinit std::atomic<std::uint64_t> FlagReads::changes_ = 1;

bool TracedFlag::read() const {
    for (Trace* trace = Trace::current(); trace != nullptr; trace = trace->outer()) trace->flags().note_read(*this);
    return value();
}

void TracedFlag::set(bool value) {
    for (Trace* trace = Trace::current(); trace != nullptr; trace = trace->outer()) trace->flags().note_set(*this);
    if (value_->exchange(value, std::memory_order_acq_rel) != value)
        FlagReads::changes_.fetch_add(1, std::memory_order_release);
}

void FlagReads::note_read(const TracedFlag& flag) {
    const auto is_flag = [&](const Shared& known) { return known == flag.value_; };
    if (std::ranges::any_of(set_, is_flag) || std::ranges::any_of(reads_, is_flag, &Read::flag)) return;
    reads_.push_back({flag.value_, flag.value()});
}

void FlagReads::note_set(const TracedFlag& flag) { set_.push_back(flag.value_); }

bool FlagReads::look() const {
    const std::uint64_t now = changes_.load(std::memory_order_acquire);
    const bool hold = std::ranges::all_of(
        reads_, [](const Read& read) { return read.flag->load(std::memory_order_acquire) == read.value; });
    if (hold) held_at_.store(now, std::memory_order_relaxed);
    return hold;
}

}  // namespace lathe::detail
