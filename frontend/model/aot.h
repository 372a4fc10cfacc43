// Models as files that run without Lathe: the last step of a program that traces and trains.
//
//   Model model = trace(...);
//   compile_model(model, "digits");                                  // an executable: digits rows.csv
//   compile_model(model, "digits.o", {.header = "digits.h"});        // an object with a C interface; also .a and .so
#pragma once

#include <string>
#include <vector>

#include "frontend/model/model.h"

namespace lathe {

struct AotOptions {
    std::string name = {};  // NAME of NAME_run; made from the model's name without
    std::vector<std::string> targets = {"avx2", "avx512", "vnni"};  // the highest that the processor offers runs
    std::string header = {};                                        // path of a C header to write too
    std::vector<std::string> off = {};                              // names of passes that are left out
};

// What is written follows the path's end: .o, .a, .so, else an executable that reads its inputs from files (see its
// --help). The files appear complete or not at all. Throws UserError where the model or an option does not fit,
// ResourceError where no linker is found or a file cannot be written.
void compile_model(const Model& model, const std::string& path, const AotOptions& options = {},
                   Where where = Where::current());

}  // namespace lathe
