// Memory for what a call needs while it runs: lists of its arguments, their extents, addresses of buffers.
//
// It comes from a block that the thread keeps, as large as its calls have needed so far, so that a warm thread
// allocates nothing. A call within a call has its own.
#pragma once

#include <cstddef>
#include <memory>
#include <memory_resource>

namespace lathe::detail {

class CallMemory final : public std::pmr::memory_resource {
public:
    CallMemory() noexcept;
    ~CallMemory() override;
    CallMemory(const CallMemory&) = delete;
    CallMemory& operator=(const CallMemory&) = delete;

private:
    void* do_allocate(std::size_t bytes, std::size_t alignment) override;
    void do_deallocate(void*, std::size_t, std::size_t) override {}  // all at once, in the end
    bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override { return this == &other; }

    std::unique_ptr<std::byte[]> block_;
    std::size_t size_ = 0, wanted_ = 0;
    std::pmr::monotonic_buffer_resource more_;  // what the block has no room for
};

}  // namespace lathe::detail
