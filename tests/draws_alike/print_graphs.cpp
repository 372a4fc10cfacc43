// The graphs of the first seeds, as `lathe fuzz --print` writes them.
#include <cstdio>
#include <cstdlib>

#include "tools/fuzz/describe.h"

int main(int count, char** arguments) {
    using namespace lathe::testing_support;
    const int graphs = count > 1 ? std::atoi(arguments[1]) : 0;
    for (int seed = 0; seed < graphs; ++seed)
        std::printf("// seed %d\n%s\n", seed,
                    describe(random_graph(static_cast<std::uint64_t>(seed), small_graphs)).c_str());
}
