#include "runtime/buffer.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <sys/mman.h>
#include <vector>

#include "runtime/memory_room.h"
#include "runtime/per_thread.h"

namespace lathe::runtime {
namespace {

// Size classes: multiples of 64 up to 256, then four per power of two.
constexpr std::size_t largest_octave = 46;
constexpr std::uint32_t class_count = 4 + (largest_octave - 8) * 4;
constexpr std::size_t largest_bytes = std::size_t{1} << largest_octave;

constexpr std::uint32_t class_of(std::size_t bytes) {
    if (bytes <= 256) return bytes == 0 ? 0 : static_cast<std::uint32_t>((bytes - 1) / 64);
    const std::size_t n = bytes - 1;
    const int octave = std::bit_width(n) - 1;
    return static_cast<std::uint32_t>(4 + (octave - 8) * 4 + static_cast<int>(n >> (octave - 2) & 3));
}

constexpr std::size_t class_bytes(std::uint32_t c) {
    if (c < 4) return std::size_t{64} * (c + 1);
    return std::size_t{(c - 4) % 4 + 5} << ((c - 4) / 4 + 6);
}

static_assert(class_of(0) == 0 && class_of(64) == 0 && class_of(65) == 1 && class_of(256) == 3 && class_of(257) == 4);
static_assert(class_bytes(4) == 320 && class_of(320) == 4 && class_of(321) == 5);
static_assert(class_of(largest_bytes) == class_count - 1 && class_bytes(class_count - 1) == largest_bytes);

// How many free blocks a thread keeps: half a megabyte of each class, but 2 to 32 blocks.
constexpr std::uint32_t magazine_capacity = 32;
constexpr std::uint32_t magazine_limit(std::uint32_t c) {
    return static_cast<std::uint32_t>(
        std::clamp<std::size_t>((std::size_t{512} << 10) / class_bytes(c), 2, magazine_capacity));
}

// Memory that the depot keeps for reuse.
constexpr std::uint64_t depot_bytes_limit = std::uint64_t{1} << 30;

struct Magazine {
    std::uint32_t count = 0;
    std::array<BufferBlock*, magazine_capacity> blocks{};
};

struct Magazines {
    std::array<Magazine, class_count> of_class{};
    std::atomic<std::int64_t> in_use{0};  // written by the owning thread alone; blocks may be freed by other threads
    Magazines* next = nullptr;            // in the registry
    Magazines* previous = nullptr;

    Magazines() noexcept;
    ~Magazines();
    Magazines(const Magazines&) = delete;
    Magazines& operator=(const Magazines&) = delete;

    void count_use(std::int64_t bytes) {
        in_use.store(in_use.load(std::memory_order_relaxed) + bytes, std::memory_order_relaxed);
    }
};

struct Depot {
    std::mutex mutex;
    BufferBlock* head = nullptr;
};

struct Pool {
    std::array<Depot, class_count> depots;
    std::atomic<std::uint64_t> depot_bytes{0}, reserved{0}, peak{0};
    std::atomic<std::uint64_t> limit{~std::uint64_t{0}};
    std::atomic<std::int64_t> in_use_of_ended_threads{0};
    std::atomic<decltype(SystemMemory::allocate)> system_allocate{default_system_memory().allocate};
    std::atomic<decltype(SystemMemory::release)> system_release{default_system_memory().release};
    std::atomic<decltype(SystemMemory::room)> system_room{default_system_memory().room};
    std::atomic<std::uint64_t> unchecked{0};  // reserved since somebody last looked how much there is
    std::mutex large_mutex;
    std::vector<BufferBlock*> large;  // all large blocks, pooled or not
    std::mutex registry_mutex;
    Magazines* registry = nullptr;
};

// Never destroyed: buffers may outlive every other static object.
Pool& pool() {
    static Pool* const the = new Pool;
    return *the;
}

// Bytes of large blocks that nobody has written to yet: the system has promised them, and not counted them. Every block
// is sampled.
std::uint64_t unwritten_bytes(Pool& p) noexcept {
    constexpr std::size_t samples = 64;
    const std::lock_guard lock(p.large_mutex);
    std::uint64_t bytes = 0;
    for (const BufferBlock* block : p.large) {
        std::size_t written = 0;
        for (std::size_t i = 0; i < samples; ++i) {
            unsigned char resident = 0;
            std::byte* const page = block->data + block->bytes / samples * i / huge_page * huge_page;
            if (mincore(page, 1, &resident) == 0) written += resident & 1U;
        }
        bytes += block->bytes / samples * (samples - written);
    }
    return bytes;
}

// What may still be reserved and written to.
std::uint64_t room_now(Pool& p) noexcept {
    const std::uint64_t room = p.system_room.load(std::memory_order_relaxed)();
    const std::uint64_t promised = unwritten_bytes(p);
    return room > promised ? room - promised : 0;
}

// Whether the system has so many bytes. Looks where they are many, or have become many since the last look.
bool has_room(Pool& p, std::size_t bytes) noexcept {
    if (p.unchecked.fetch_add(bytes, std::memory_order_relaxed) + bytes < lathe_large_memory) return true;
    p.unchecked.store(0, std::memory_order_relaxed);
    return bytes <= room_now(p);
}

bool is_large(const BufferBlock& block) { return block.bytes >= lathe_large_memory; }

// False where there is no memory to do so.
bool enlist(Pool& p, BufferBlock* block) noexcept {
    if (!is_large(*block)) return true;
    const std::lock_guard lock(p.large_mutex);
    try {
        p.large.push_back(block);
        return true;
    } catch (const std::bad_alloc&) {
        return false;
    }
}

void release_to_system(Pool& p, BufferBlock* block) noexcept {
    const std::size_t bytes = block->bytes;
    if (is_large(*block)) {
        const std::lock_guard lock(p.large_mutex);
        std::erase(p.large, block);
    }
    p.system_release.load(std::memory_order_relaxed)(block->data, bytes);
    p.reserved.fetch_sub(bytes, std::memory_order_relaxed);
    delete block;
}

void put_in_depot(Pool& p, BufferBlock* block) noexcept {
    if (p.depot_bytes.fetch_add(block->bytes, std::memory_order_relaxed) + block->bytes > depot_bytes_limit) {
        p.depot_bytes.fetch_sub(block->bytes, std::memory_order_relaxed);
        release_to_system(p, block);
        return;
    }
    Depot& depot = p.depots[block->size_class];
    const std::lock_guard lock(depot.mutex);
    block->next = depot.head;
    depot.head = block;
}

BufferBlock* take_from_depot(Pool& p, std::uint32_t size_class) noexcept {
    Depot& depot = p.depots[size_class];
    const std::lock_guard lock(depot.mutex);
    BufferBlock* block = depot.head;
    if (!block) return nullptr;
    depot.head = block->next;
    p.depot_bytes.fetch_sub(block->bytes, std::memory_order_relaxed);
    return block;
}

void empty_magazines(Pool& p, Magazines& magazines) noexcept {
    for (Magazine& magazine : magazines.of_class)
        while (magazine.count > 0) put_in_depot(p, magazine.blocks[--magazine.count]);
}

Magazines::Magazines() noexcept {
    Pool& p = pool();
    const std::lock_guard lock(p.registry_mutex);
    next = p.registry;
    if (p.registry) p.registry->previous = this;
    p.registry = this;
}

Magazines::~Magazines() {
    Pool& p = pool();
    empty_magazines(p, *this);
    const std::lock_guard lock(p.registry_mutex);
    p.in_use_of_ended_threads.fetch_add(in_use.load(std::memory_order_relaxed), std::memory_order_relaxed);
    (previous ? previous->next : p.registry) = next;
    if (next) next->previous = previous;
}

// None where the thread is ending or memory is exhausted: the depot serves instead.
using Mine = PerThread<Magazines>;

BufferBlock* reserve(Pool& p, std::uint32_t size_class) noexcept {
    const std::size_t bytes = class_bytes(size_class);
    const std::uint64_t reserved = p.reserved.fetch_add(bytes, std::memory_order_relaxed) + bytes;
    if (reserved <= p.limit.load(std::memory_order_relaxed) && has_room(p, bytes)) {
        if (auto* const block = new (std::nothrow) BufferBlock) {
            void* const data = p.system_allocate.load(std::memory_order_relaxed)(
                bytes, bytes >= huge_page ? huge_page : buffer_alignment);
            if (data) {
                block->data = static_cast<std::byte*>(data);
                block->bytes = bytes;
                block->size_class = size_class;
                if (!enlist(p, block)) {
                    release_to_system(p, block);
                    return nullptr;
                }
                std::uint64_t peak = p.peak.load(std::memory_order_relaxed);
                while (reserved > peak && !p.peak.compare_exchange_weak(peak, reserved, std::memory_order_relaxed)) {
                }
                return block;
            }
            delete block;
        }
    }
    p.reserved.fetch_sub(bytes, std::memory_order_relaxed);
    return nullptr;
}

BufferBlock* allocate_slowly(std::uint32_t size_class, std::size_t wanted) {
    Pool& p = pool();
    BufferBlock* block = take_from_depot(p, size_class);
    if (!block) block = reserve(p, size_class);
    if (!block) {
        trim_memory();
        block = reserve(p, size_class);
    }
    if (!block) {
        const std::uint64_t reserved = p.reserved.load(std::memory_order_relaxed);
        const std::uint64_t limit = p.limit.load(std::memory_order_relaxed);
        const bool limited = reserved + class_bytes(size_class) > limit;
        throw ResourceExhausted(wanted, limited,
                                limited                       ? limit - std::min(limit, reserved)
                                : wanted < lathe_large_memory ? ~std::uint64_t{0}
                                                              : room_now(p));
    }
    return block;
}

}  // namespace

ResourceExhausted::ResourceExhausted(std::uint64_t wanted, bool limited, std::uint64_t room) noexcept {
    const int length =
        std::snprintf(text_, sizeof text_, "%s: %" PRIu64 " bytes were asked for",
                      limited ? "the limit on memory is reached" : "the system has no more memory", wanted);
    if (room < wanted)
        std::snprintf(text_ + length, sizeof text_ - static_cast<std::size_t>(length), ", there are %" PRIu64, room);
}

Buffer allocate(std::size_t bytes) {
    if (bytes > largest_bytes) throw ResourceExhausted(bytes, false);
    const std::uint32_t size_class = class_of(bytes);
    Magazines* const magazines = Mine::mine();
    if (!magazines) {
        BufferBlock* const block = allocate_slowly(size_class, bytes);
        pool().in_use_of_ended_threads.fetch_add(static_cast<std::int64_t>(block->bytes), std::memory_order_relaxed);
        block->references.store(1, std::memory_order_relaxed);
        return Buffer(block);
    }
    Magazine& magazine = magazines->of_class[size_class];
    BufferBlock* const block =
        magazine.count > 0 ? magazine.blocks[--magazine.count] : allocate_slowly(size_class, bytes);
    magazines->count_use(static_cast<std::int64_t>(block->bytes));
    block->references.store(1, std::memory_order_relaxed);
    return Buffer(block);
}

void Buffer::recycle(BufferBlock* block) noexcept {
    if (block->size_class == BufferBlock::external) {
        block->release(block->owner);
        delete block;
        return;
    }
    const auto bytes = static_cast<std::int64_t>(block->bytes);
    Magazines* const magazines = Mine::mine();
    if (!magazines) {
        Pool& p = pool();
        p.in_use_of_ended_threads.fetch_sub(bytes, std::memory_order_relaxed);
        put_in_depot(p, block);
        return;
    }
    magazines->count_use(-bytes);
    Magazine& magazine = magazines->of_class[block->size_class];
    const std::uint32_t limit = magazine_limit(block->size_class);
    if (magazine.count == limit) {
        Pool& p = pool();
        while (magazine.count > limit / 2) put_in_depot(p, magazine.blocks[--magazine.count]);
    }
    magazine.blocks[magazine.count++] = block;
}

Buffer Buffer::adopt(void* data, std::size_t bytes, void (*release)(void* owner), void* owner) {
    auto* const block = new BufferBlock;
    block->data = static_cast<std::byte*>(data);
    block->bytes = bytes;
    block->size_class = BufferBlock::external;
    block->release = release;
    block->owner = owner;
    return Buffer(block);
}

MemoryUse memory_use() {
    Pool& p = pool();
    const std::lock_guard lock(p.registry_mutex);
    std::int64_t in_use = p.in_use_of_ended_threads.load(std::memory_order_relaxed);
    for (const Magazines* m = p.registry; m; m = m->next) in_use += m->in_use.load(std::memory_order_relaxed);
    return {static_cast<std::uint64_t>(std::max<std::int64_t>(in_use, 0)), p.reserved.load(std::memory_order_relaxed),
            p.peak.load(std::memory_order_relaxed)};
}

void reset_peak_memory() {
    Pool& p = pool();
    p.peak.store(p.reserved.load(std::memory_order_relaxed), std::memory_order_relaxed);
}

void limit_memory(std::uint64_t bytes) { pool().limit.store(bytes, std::memory_order_relaxed); }
std::uint64_t memory_limit() { return pool().limit.load(std::memory_order_relaxed); }

void require_room(std::uint64_t bytes) {
    if (bytes < lathe_large_memory) return;
    Pool& p = pool();
    if (bytes <= room_now(p)) return;
    trim_memory();
    if (const std::uint64_t room = room_now(p); bytes > room) throw ResourceExhausted(bytes, false, room);
}

std::uint64_t SystemMemory::system_memory_room() { return lathe_memory_room(""); }

void trim_memory() {
    Pool& p = pool();
    if (Magazines* const magazines = Mine::existing()) empty_magazines(p, *magazines);
    for (std::uint32_t c = 0; c < class_count; ++c)
        while (BufferBlock* const block = take_from_depot(p, c)) release_to_system(p, block);
}

SystemMemory default_system_memory() {
    const auto allocate_pages = [](std::size_t bytes, std::size_t alignment) -> void* {
        if (bytes < huge_page) return std::aligned_alloc(alignment, bytes);
        // Map more than asked for, then give back what is not aligned.
        const std::size_t mapped = bytes + huge_page;
        void* const at =
            mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (at == MAP_FAILED) return nullptr;
        auto* const begin = static_cast<std::byte*>(at);
        const std::size_t skip = (huge_page - reinterpret_cast<std::uintptr_t>(at) % huge_page) % huge_page;
        if (skip > 0) munmap(begin, skip);
        munmap(begin + skip + bytes, mapped - skip - bytes);
        madvise(begin + skip, bytes, MADV_HUGEPAGE);
        return begin + skip;
    };
    const auto release_pages = [](void* data, std::size_t bytes) {
        if (bytes < huge_page)
            std::free(data);
        else
            munmap(data, bytes);
    };
    return {allocate_pages, release_pages};
}

void set_system_memory(SystemMemory memory) {
    pool().system_allocate.store(memory.allocate, std::memory_order_relaxed);
    pool().system_release.store(memory.release, std::memory_order_relaxed);
    pool().system_room.store(memory.room, std::memory_order_relaxed);
}

}  // namespace lathe::runtime
