// The ways in which `lathe fuzz` runs random graphs, each cheaper than a check of one case alone: what a graph compiles
// to serves all choices of its symbols' values, and models ahead of time are linked many at once.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tools/fuzz/configurations.h"
#include "tools/fuzz/random_graph.h"

namespace lathe::testing_support {

// A graph, and what the reference interpreter makes of its inputs.
struct DrawnGraph {
    std::uint64_t seed = 0;
    RandomGraph sample;
    std::vector<std::vector<ir::Literal>> expected;  // by choice of the symbols' values

    GraphCase case_of(std::size_t binding) const {
        return {{sample.graph.get(), [](const auto*) {}}, sample.inputs[binding]};
    }
};
DrawnGraph draw_graph(std::uint64_t seed);

struct Fault {
    std::size_t binding = 0;
    std::string what;
};

struct Way {
    std::string_view name, doc;
    bool usual = true;  // without being asked for
    // The first fault of the graphs, and which has it. `about` is called with each graph before it runs.
    std::optional<std::pair<std::size_t, Fault>> (*run)(std::span<const DrawnGraph> graphs,
                                                        const std::function<void(std::size_t)>& about);
    // The same for one case of a graph, for reducing it.
    Check (*check)(std::uint64_t seed);
};
std::span<const Way> ways();
const Way* find_way(std::string_view name);  // null if unknown

}  // namespace lathe::testing_support
