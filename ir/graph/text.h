// Text and checks of graphs.
//
//   graph main(batch) {
//     require batch == 2*n : "add: the shapes do not broadcast"
//     %0 = parameter "x" : f32[batch, 64]
//     %1 = constant value=f32[] 1.5 : f32[]
//     %2 = mul(%0, %1) : f32[batch, 64]
//     %3 = sum(%2) axes=[1] : f32[batch]              loc("model.cpp":12)
//     %4 = philox(%k, %c) : u64[4], u64[4]
//     %5 = bit_xor(%4#0, %4#1) : u64[4]
//     return "y" = %3, "bits" = %5
//   }
//
// Code that was called from elsewhere has the path of modules that it is in, and the lines of the calls, innermost
// first: loc("attention.cpp":20 in "blocks.2.attention" at "block.cpp":31 at "train.cpp":115).
// A line is a statement; // starts a comment. Literals are one element that stands for all, or [all, of, them]. Floats
// are the shortest decimals that read back as the same bits; a NaN other than the usual one is its bits in hexadecimal.
//
// What is kept for later libraries says in front of the graph which versions of ops it speaks, as `ops mul@1, sum@2`. A
// node of an older version than the row's becomes what the row's upgrades make of it. A text without that line speaks
// the present versions.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ir/graph/graph.h"
#include "ir/ops/op.h"

namespace lathe::ir {

enum class Locs : bool { hide, show };

// Brief literals show their first elements and how many follow: for people, it does not parse.
enum class Literals : bool { whole, brief };

std::string print(const Graph& graph, Locs locs = Locs::hide, Literals literals = Literals::whole);
// The line with the versions of the ops that the graph uses, within regions too.
std::string print_op_versions(const Graph& graph);

// How a text is read.
struct Reading {
    const OpDef* (*find)(std::string_view name) = find_op;  // where rows are looked up; null if unknown
    bool of_first_versions = false;  // a text without versions speaks the first ones, not the present ones
};

// Nodes without a loc(...) get their line of the text. Throws FormatError with every fault, one a line: "file:line:
// why".
std::unique_ptr<Graph> parse_graph(std::string_view text, std::string_view file, const Reading& reading = {});

// All faults at once, one sentence each; empty if sound.
std::vector<std::string> verify(const Graph& graph);

// One element of a dtype as text, and back; empty where the text is none.
std::string print_element(Dtype dtype, std::uint64_t bits);
std::optional<std::uint64_t> parse_element(Dtype dtype, std::string_view text);

}  // namespace lathe::ir
