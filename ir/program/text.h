// Text of programs. Whoever reads one checks it and runs it (verify.h, interpret.h).
//
//   program main(batch) iterations (i1) {
//     typical (32)
//     require ...                                                      // as in graphs
//     @0 = input "x" : f32[batch, 64] donated                          // every buffer, by number
//     @1 = constant : f32[64, 10] layout (1, 0) = f32[64, 10] [1, 2, ...]
//     @2 = output "y" : f32[batch, 10] made by "add"
//     @3 = temporary : f32[batch, 10]
//     graph main(batch) {                                              // those whose nodes the steps hold
//       ...
//     }
//     group row over [batch | 10] {                                    // nodes that become one kernel
//       reads  @3 %4: f32[batch, 10]
//       writes @2 %6: f32[batch, 10]
//       folds %5
//       stores %4 in %5                                                // by the fold's loop
//       %5 = reduce_max(%4) {axes = [1]} : f32[batch]                  // each as it is in its graph
//       %6 = sub(%4, %5) : f32[batch, 10]
//     }
//     run (@0, @1, @3) extents (batch, 64) site "gather: index" of     // a kernel: the loop nest follows
//     kernel(n0, n1) {
//       ...
//     }
//     call sort(@3) to (@2) extents (batch) iterations batch workspace 80 picoseconds 100 of %7 results (0)
//     call sum(@3) to (@2) ... picoseconds 100 phases 2 iterations batch picoseconds 90 scratch 64 of ...
//     batch {                                                          // kernels as one parallel region
//       run ...
//     }
//     if @5 {
//       ...
//     } else {
//       ...
//     }
//     loop i1 in batch carries @6 <- @7 stacks @8 -> @9[i1] {          // without `in`, the test alone ends it
//       ...
//       while @10                                                      // what is above it is the test
//       ...
//     }
//     return "y" = @2
//   }
//
// Nodes of its graphs are numbered from 0. Those of the graphs behind the first, which belong to the bodies of loops
// and branches, say `in graph 1`, and so on. Where no step holds a node, graphs are no part of the text.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ir/program/program.h"
#include "ir/text/attributes.h"
#include "ir/text/locations.h"

namespace lathe::ir {

// With brief literals the graphs are left out, too: for people, it does not parse.
std::string print(const Program& program, Locs locs = Locs::hide, Literals literals = Literals::whole);

// Whether one of its steps is a group or a call.
bool holds_nodes(const Program& program);

// What has no loc(...) gets its line of the text. Throws FormatError: "file:line:column: why", and the line. The result
// may be unsound: verify says so.
Program parse_program(std::string_view text, std::string_view file);

}  // namespace lathe::ir
