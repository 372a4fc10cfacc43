// Memory of tensors: aligned, reference counted, pooled by size.
//
// Every thread keeps a magazine of free blocks per size class and exchanges half-full magazines with a shared depot, so
// that allocating and releasing take no lock as long as a thread's own blocks suffice. The pool is limited: a block
// that would exceed the limit is refused after cached memory has been given back to the system.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

namespace lathe::runtime {

// Memory is exhausted, or the limit that the host set is reached.
class ResourceExhausted : public std::bad_alloc {
public:
    // `room`: what there is at most, where that is known.
    explicit ResourceExhausted(std::uint64_t wanted, bool limited, std::uint64_t room = ~std::uint64_t{0}) noexcept;
    const char* what() const noexcept override { return text_; }

private:
    char text_[160];
};

inline constexpr std::size_t buffer_alignment = 64;
inline constexpr std::size_t huge_page = std::size_t{2} << 20;  // blocks of this size and more are aligned to it

// What a Buffer points to. Blocks stay paired with their memory while they are pooled.
struct BufferBlock {
    std::byte* data = nullptr;
    std::size_t bytes = 0;         // usable
    std::uint32_t size_class = 0;  // or `external`
    std::atomic<std::uint32_t> references{1};
    void (*release)(void* owner) = nullptr;  // external blocks
    void* owner = nullptr;
    BufferBlock* next = nullptr;  // in the depot

    static constexpr std::uint32_t external = ~std::uint32_t{0};
};

// A reference to a block; copies share it.
class Buffer {
public:
    Buffer() = default;
    Buffer(const Buffer& other) noexcept : block_(other.block_) {
        if (block_) block_->references.fetch_add(1, std::memory_order_relaxed);
    }
    Buffer(Buffer&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
    Buffer& operator=(Buffer other) noexcept {
        std::swap(block_, other.block_);
        return *this;
    }
    ~Buffer() {
        if (block_) drop(block_);
    }

    // Memory of the host: `release(owner)` is called when the last reference goes.
    static Buffer adopt(void* data, std::size_t bytes, void (*release)(void* owner), void* owner);

    explicit operator bool() const { return block_ != nullptr; }
    std::byte* data() const { return block_ ? block_->data : nullptr; }
    std::size_t capacity() const { return block_ ? block_->bytes : 0; }
    // Whether this is the only reference, so that the memory may be given away; that of the host never is.
    bool sole_owner() const { return pooled() && block_->references.load(std::memory_order_acquire) == 1; }
    bool pooled() const { return block_ && block_->size_class != BufferBlock::external; }
    friend bool operator==(const Buffer& a, const Buffer& b) { return a.block_ == b.block_; }

private:
    friend Buffer allocate(std::size_t bytes);
    explicit Buffer(BufferBlock* block) : block_(block) {}
    static void drop(BufferBlock* block) noexcept {
        // The sole owner need not synchronise with anybody to know that it is.
        if (block->references.load(std::memory_order_acquire) == 1 ||
            block->references.fetch_sub(1, std::memory_order_acq_rel) == 1)
            recycle(block);
    }
    static void recycle(BufferBlock* block) noexcept;

    BufferBlock* block_ = nullptr;
};

// At least `bytes` of uninitialised memory, aligned to 64 (2 MB where it is that large). Throws ResourceExhausted.
Buffer allocate(std::size_t bytes);

struct MemoryUse {
    std::uint64_t in_use = 0;         // held by Buffers
    std::uint64_t reserved = 0;       // taken from the system: in use or pooled
    std::uint64_t peak_reserved = 0;  // since the last reset
};
MemoryUse memory_use();
void reset_peak_memory();
// Bytes that may be reserved; what is reserved already stays. The default is unlimited: then the machine and the
// control groups that the process is in are the limit.
void limit_memory(std::uint64_t bytes);
std::uint64_t memory_limit();
// Throws ResourceExhausted where so many more bytes, beside those of Buffers, would exceed what the system has; looks
// only where they are many.
void require_room(std::uint64_t bytes);
// Gives pooled memory of the depot and the calling thread back to the system.
void trim_memory();

// The seam to the system: tests replace it to make allocations fail. Both functions are given the same size; `allocate`
// returns null when it has nothing. `room` says how many more bytes can be written to before the system ends the
// process; it is asked where many are wanted.
struct SystemMemory {
    void* (*allocate)(std::size_t bytes, std::size_t alignment);
    void (*release)(void* data, std::size_t bytes);
    std::uint64_t (*room)() = system_memory_room;

    static std::uint64_t system_memory_room();
};
SystemMemory default_system_memory();
void set_system_memory(SystemMemory memory);

}  // namespace lathe::runtime
