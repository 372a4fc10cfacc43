// Pieces of files put into each other, for readers that must refuse or read whatever comes.
#pragma once

#include <cstdlib>
#include <random>
#include <string>
#include <vector>

namespace lathe::testing_support {

// f(bytes) of files with pieces replaced by others of them. LATHE_MUTATIONS says how many.
template <class F>
void for_each_mutation(const std::vector<std::string>& files, const F& f) {
    const char* const wanted = std::getenv("LATHE_MUTATIONS");
    std::mt19937_64 random(1);
    const auto below = [&](std::size_t n) { return n == 0 ? 0 : static_cast<std::size_t>(random() % n); };
    for (int i = wanted == nullptr ? 20000 : std::atoi(wanted); i > 0; --i) {
        std::string bytes = files[below(files.size())];
        for (std::size_t changes = 1 + below(3); changes > 0; --changes) {
            const std::string& other = files[below(files.size())];
            const std::size_t from = below(other.size()), length = below(40);
            const std::size_t to = below(bytes.size()), removed = below(2) == 0 ? length : below(40);
            bytes.replace(to, removed, other.substr(from, length));
        }
        f(bytes);
    }
}

}  // namespace lathe::testing_support
