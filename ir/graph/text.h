// Text of graphs. Whoever reads one checks it (verify.h).
//
//   graph main(batch) {
//     require batch == 2*n : "add: the shapes do not broadcast"
//     %0 = parameter "x" : f32[batch, 64]
//     %1 = constant {value = f32[] 1.5} : f32[]
//     %2 = mul(%0, %1) : f32[batch, 64]
//     %3 = sum(%2) {axes = [1]} : f32[batch]          loc("model.cpp":12)
//     %4 = philox(%k, %c) : u64[4], u64[4]
//     %5 = bit_xor(%4#0, %4#1) : u64[4]
//     return "y" = %3, "bits" = %5
//   }
//
// A line is a statement; // starts a comment. The parts of a line are those of ir/text: tokens, types, attributes,
// locations.
//
// What is kept for later libraries says in front of the graph which versions of ops it speaks, as `ops mul@1, sum@2`. A
// node of an older version than the row's becomes what the row's upgrades make of it. A text without that line speaks
// the present versions.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ir/graph/graph.h"
#include "ir/ops/op.h"
#include "ir/text/attributes.h"
#include "ir/text/locations.h"

namespace lathe::ir {

std::string print(const Graph& graph, Locs locs = Locs::hide, Literals literals = Literals::whole);
// The same within another text: indented, with the symbols around it where it names none of its own.
std::string print(const Graph& graph, Locs locs, Literals literals, std::span<const std::string> around,
                  std::string indent);

// The line with the versions of the ops that the graph uses, within regions too.
std::string print_op_versions(const Graph& graph);

// Where a parser looks rows up; null if unknown.
using FindOp = const OpDef* (*)(std::string_view name);

// Nodes without a loc(...) get their line of the text. Throws FormatError with every fault: "file:line:column: why",
// and the line.
std::unique_ptr<Graph> parse_graph(std::string_view text, std::string_view file, FindOp find = find_op);
// The same within another text, from the graph's first line to its last, for texts that name its nodes: those are
// numbered from 0. Where it names no symbols of its own, they are those around it; it demands what is written alone.
std::unique_ptr<Graph> parse_graph(Lexer& lexer, const SymbolTable& around);

// A value as other lines name it: %3, %4#1. A node's line, without its location and regions.
std::string print_name(Value v);
std::string print_node(const Node& node, std::span<const std::string> symbols, Literals literals = Literals::whole);

}  // namespace lathe::ir
