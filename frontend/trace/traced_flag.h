// Flags of C++ that functions look at while they are traced: whether a module is in training, whether a variable is
// trainable. What a trace has read is part of what the compiled function holds for.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

namespace lathe::detail {

// A copy is another flag of the same value.
class TracedFlag {
public:
    explicit TracedFlag(bool value) : value_(std::make_shared<std::atomic<bool>>(value)) {}
    TracedFlag(const TracedFlag& other) : TracedFlag(other.value()) {}
    TracedFlag& operator=(const TracedFlag&) = delete;
    ~TracedFlag() = default;

    bool value() const { return value_->load(std::memory_order_acquire); }
    // The same, and the traces of this thread depend on it, unless they have set it themselves.
    bool read() const;
    void set(bool value);

private:
    friend class FlagReads;
    std::shared_ptr<std::atomic<bool>> value_;
};

// The flags that a trace has read, with their values at that time.
class FlagReads {
public:
    void note_read(const TracedFlag& flag);
    // From here on the flag says nothing of what was before the trace.
    void note_set(const TracedFlag& flag);

    // Whether all of them have those values now. Nothing is looked at if no flag has changed since it last was so.
    bool hold() const {
        return reads_.empty() || held_at_.load(std::memory_order_relaxed) == changes_.load(std::memory_order_acquire) ||
               look();
    }

    FlagReads() = default;
    FlagReads(FlagReads&& other) noexcept
        : reads_(std::move(other.reads_)), set_(std::move(other.set_)), held_at_(other.held_at_.load()) {}
    FlagReads& operator=(FlagReads&& other) noexcept {
        reads_ = std::move(other.reads_);
        set_ = std::move(other.set_);
        held_at_ = other.held_at_.load();
        return *this;
    }
    ~FlagReads() = default;

private:
    friend class TracedFlag;
    bool look() const;

    using Shared = std::shared_ptr<const std::atomic<bool>>;
    struct Read {
        Shared flag;
        bool value;
    };
    std::vector<Read> reads_;
    std::vector<Shared> set_;
    mutable std::atomic<std::uint64_t> held_at_ = 0;       // the number of changes then; 0: never
    static constinit std::atomic<std::uint64_t> changes_;  // of all flags, and one more
};

}  // namespace lathe::detail
