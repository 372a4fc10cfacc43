// Memory of a call. Eigen's temporaries come from here as well: eigen.h makes it ask take_bytes where it would take
// them from the stack.
#pragma once

#include <cstddef>
#include <cstdint>

namespace lathe::linear_algebra {

// The first byte of the running call's workspace that is free. Each thread runs one call at a time.
extern __thread std::byte* next_free __attribute__((visibility("hidden")));

constexpr std::size_t alignment = 64;

inline void* take_bytes(std::size_t size) {
    std::byte* const taken = next_free;
    next_free += (size + alignment - 1) / alignment * alignment;
    return taken;
}

// What is taken while it lives is free again afterwards.
class Scope {
public:
    Scope() : start_(next_free) {}
    explicit Scope(void* workspace) : start_(static_cast<std::byte*>(workspace)) { next_free = start_; }
    ~Scope() { next_free = start_; }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

private:
    std::byte* start_;
};

}  // namespace lathe::linear_algebra
