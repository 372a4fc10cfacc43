// Random graphs, well-typed by construction: ops come from the op table and are accepted by their type rules. Each
// lowering class is drawn in a way that suits it, by what attributes mean; any row is drawn by its samples, too.
// Compilers choose the order in which arguments of a call are evaluated, so no call has two arguments that draw: those
// stand in statements of their own, or in a braced list, whose order is defined.
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
    bool transforms = true;       // one graph in five is differentiated or batched, perhaps repeatedly
};
// Compiling is what a graph costs.
inline constexpr RandomGraphOptions small_graphs{.nodes = 8, .elements = 600};

// The same graph for the same seed and options, whichever compiler built this.
RandomGraph random_graph(std::uint64_t seed, const RandomGraphOptions& options = {});

}  // namespace lathe::testing_support
