// The reference interpreter of graphs: what every node means, on concrete data, one element at a time.
#pragma once

#include <span>
#include <vector>

#include "ir/graph/graph.h"

namespace lathe::ir {

// Values of the graph's symbols for given types of its parameters. Throws TypeError where a dtype, rank or extent does
// not fit, a symbol stays open, or a precondition does not hold; the message names the parameter or the precondition's
// line.
std::vector<std::int64_t> bind_symbols(const Graph& graph, std::span<const Type> parameters);

// The outputs. Throws IndexError where an index read from data is out of range, ResourceError where a value is too
// large.
std::vector<Literal> interpret(const Graph& graph, std::span<const Literal> inputs);

// What the interpreter asks before it makes a large value of so many bytes: it throws std::bad_alloc where the system
// would not have them. There is none at first.
using MemoryCheck = void (*)(std::uint64_t bytes);
void set_memory_check(MemoryCheck check);

// The results of one node (no parameter) on given operands.
std::vector<Literal> interpret_node(const Node& node, std::span<const Literal> operands,
                                    std::span<const std::int64_t> symbol_values = {});

}  // namespace lathe::ir
