// Text of a graph, a program or a kernel at a stage: what inspect() and `lathe print` show.
#pragma once

#include <string>

#include "codegen/compile.h"
#include "frontend/inspect/stage.h"
#include "ir/graph/graph.h"
#include "ir/program/program.h"

namespace lathe {

// Whether the stage is printed kernel by kernel.
bool is_of_kernels(Stage stage);

std::string print_stage(const ir::Graph& graph, Stage stage, const codegen::CompileOptions& compile,
                        const TextOptions& options);
// A program as it stands, or its kernels. Throws UserError for a stage in front of it.
std::string print_stage(const ir::Program& program, Stage stage, const codegen::Target& target,
                        const TextOptions& options);
std::string print_kernel(const ir::LoopNest& nest, Stage stage, const codegen::Target& target);

// Adds a kernel's text, below an empty line where it is not the first.
void add_kernel(std::string& text, std::string kernel);

}  // namespace lathe
