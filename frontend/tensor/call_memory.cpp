#include "frontend/tensor/call_memory.h"

#include <new>
#include <utility>

#include "runtime/per_thread.h"

namespace lathe::detail {
namespace {

constexpr std::size_t most_kept = std::size_t{256} << 10;

struct Kept {
    std::unique_ptr<std::byte[]> block;  // none while a call has it
    std::size_t size = 0;
};

}  // namespace

CallMemory::CallMemory() noexcept : more_(std::pmr::new_delete_resource()) {
    if (Kept* const kept = runtime::PerThread<Kept>::mine()) {
        block_ = std::move(kept->block);
        size_ = std::exchange(kept->size, 0);
    }
}

CallMemory::~CallMemory() {
    Kept* const kept = runtime::PerThread<Kept>::mine();
    if (kept == nullptr) return;
    if (wanted_ > size_ && wanted_ <= most_kept) {
        block_.reset(new (std::nothrow) std::byte[wanted_]);
        size_ = block_ ? wanted_ : 0;
    }
    if (size_ < kept->size) return;
    kept->block = std::move(block_);
    kept->size = size_;
}

void* CallMemory::do_allocate(std::size_t bytes, std::size_t alignment) {
    const std::size_t at = (wanted_ + alignment - 1) / alignment * alignment;
    wanted_ = at + bytes;
    if (wanted_ <= size_ && alignment <= alignof(std::max_align_t)) return block_.get() + at;
    return more_.allocate(bytes, alignment);
}

}  // namespace lathe::detail
