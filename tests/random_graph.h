// Random graphs, well-typed by construction: ops come from the op table and are accepted by their type rules. What is
// known of single ops is how attributes are sampled, by the attributes' names.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "ir/graph/graph.h"

namespace lathe::testing_support {

struct RandomGraph {
    std::unique_ptr<ir::Graph> graph;
    std::vector<std::vector<ir::Literal>> inputs;  // one set for each choice of the symbols' values
    std::vector<std::size_t> indices;              // inputs that hold indices, all of them in range
};

struct RandomGraphOptions {
    int nodes = 20;               // about, without sources; one graph in 50 has eight times as many
    std::int64_t elements = 900;  // of a value, at most; one graph in 25 may have ten times as many
    int bindings = 2;             // choices of the symbols' values
};

// The same graph for the same seed and options.
RandomGraph random_graph(std::uint64_t seed, const RandomGraphOptions& options = {});

}  // namespace lathe::testing_support
