// Damage for readers of files.
#pragma once

#include <string>

namespace lathe {

// f(bytes) with each bit flipped in turn.
template <class F>
void for_each_flipped_bit(const std::string& bytes, const F& f) {
    for (std::size_t at = 0; at < bytes.size(); ++at)
        for (int bit = 0; bit < 8; ++bit) {
            std::string bad = bytes;
            bad[at] = static_cast<char>(bad[at] ^ 1 << bit);
            f(bad);
        }
}

}  // namespace lathe
