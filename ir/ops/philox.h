// Philox4x32-10 of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011).
#pragma once

#include "ir/ops/scalar.h"

namespace lathe::ir::ops {

// All in u64: a 32-bit word is a u64 below 2^32, so that the product of two words is one multiplication.
inline Scalars philox4x32(ScalarBuilder& b, Scalar key, Scalar counter, Scalar counter_high) {
    const auto number = [&](std::uint64_t value) { return b.constant_bits(Dtype::u64, value); };
    const Scalar low_word = number(0xffffffffU), word_bits = number(32);
    const auto low = [&](Scalar x) { return x & low_word; };
    const auto high = [&](Scalar x) { return b.shr(x, word_bits); };
    Scalar x[4] = {low(counter), high(counter), low(counter_high), high(counter_high)};
    Scalar k0 = low(key), k1 = high(key);
    for (int round = 0; round < 10; ++round) {
        const Scalar p0 = number(0xD2511F53U) * x[0], p1 = number(0xCD9E8D57U) * x[2];
        const Scalar y0 = high(p1) ^ x[1] ^ k0, y2 = high(p0) ^ x[3] ^ k1;
        x[1] = low(p1);
        x[3] = low(p0);
        x[0] = y0;
        x[2] = y2;
        k0 = low(k0 + number(0x9E3779B9U));
        k1 = low(k1 + number(0xBB67AE85U));
    }
    return {x[0] | b.shl(x[1], word_bits), x[2] | b.shl(x[3], word_bits)};
}

}  // namespace lathe::ir::ops
