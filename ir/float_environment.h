// Floating point as the numerics are defined, whatever the host has set for its thread.
#pragma once

#include <xmmintrin.h>

namespace lathe::ir {

// Until the scope ends: round to nearest even, denormals kept, no traps. What computes, rounds, reads or writes floats
// makes one; where the thread has it so already, which is checked in a nanosecond, nothing is set.
class FloatEnvironment {
public:
    // MXCSR, and its bits that decide all that: all but the sticky flags.
    static constexpr unsigned controls = 0xffc0, defaults = 0x1f80;

    FloatEnvironment() noexcept : previous_(_mm_getcsr()) {
        if (differs()) [[unlikely]]
            _mm_setcsr((previous_ & ~controls) | defaults);
        keep_order();
    }
    ~FloatEnvironment() {
        keep_order();
        if (differs()) [[unlikely]]
            _mm_setcsr(previous_);
    }
    FloatEnvironment(const FloatEnvironment&) = delete;
    FloatEnvironment& operator=(const FloatEnvironment&) = delete;

private:
    bool differs() const { return (previous_ & controls) != defaults; }
    // Compilers know of no bond between MXCSR and arithmetic; what is in memory they do not move past this.
    static void keep_order() { asm volatile("" ::: "memory"); }

    unsigned previous_;
};

}  // namespace lathe::ir
