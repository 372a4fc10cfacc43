// Models of other frameworks: ONNX files, opsets 7 and up, as models of this library.
//
//   Model model = import_onnx("yunet.onnx");
//   std::map<std::string, Array> results = model.run({{"input", image}});
//
// Model::load() reads such files, too. Inputs, outputs and weights keep their names; dimensions that have names in the
// file are symbols of these names, so that one model is for every extent. Errors and locations name nodes by their
// number in the graph and their name.
//
// A model has tensors alone. An input or output x of the file that is a sequence becomes as many tensors as it has:
// x.0, x.1, ...; one that is optional and left out becomes none. How long sequences are, and what is left out, is known
// when the model is made.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "frontend/model/model.h"
#include "frontend/tensor/array.h"

namespace lathe {

struct OnnxOptions {
    // Extents of dimensions by their names.
    std::map<std::string, std::int64_t> dims = {};
    // Values of inputs. An input whose value decides axes and the like has to be known when the model is made, and is
    // none of its inputs then; so is one that decides extents, and has a value here. Without one its elements are sizes
    // of each run (SizedInput). Of others the value is left to the call.
    std::map<std::string, Array> inputs = {};
    // How many tensors inputs have that are sequences. Where it is not said here: as many as `inputs` has.
    std::map<std::string, std::int64_t> lengths = {};
    // Optional inputs that are left out. All others are there.
    std::set<std::string> absent = {};
};

struct OnnxModel {
    Model model;
    std::vector<std::string> constants;           // inputs that are none of the model's, since their value is known
    std::map<std::string, std::int64_t> lengths;  // of outputs that are sequences
    std::set<std::string> absent;                 // optional outputs that are left out
};

// Throws FormatError where the file is malformed, or needs what is not supported; then all of that is named.
Model import_onnx(const std::string& path, const OnnxOptions& options = {}, Where where = Where::current());
// What such a file holds. `path` is what messages call it, and external data lies in its folder.
OnnxModel parse_onnx(std::string_view bytes, const std::string& path, const OnnxOptions& options = {},
                     Where where = Where::current());
// The tensor of numbers in a file of ONNX (.pb).
Array read_onnx_tensor(const std::string& path, Where where = Where::current());
// Adds the value of an input of a model to the options, from a file of ONNX (.pb): a tensor, a sequence or an optional
// value, whatever the model takes there.
void add_onnx_input(OnnxOptions& options, std::string_view model, const std::string& input, const std::string& path,
                    Where where = Where::current());

}  // namespace lathe
