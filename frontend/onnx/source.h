// ONNX files: what lies beside them, and which operators they need.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "frontend/onnx/operators.h"
#include "frontend/onnx/proto.h"

namespace lathe::onnx {

// An ONNX file with what belongs to it.
class Source {
public:
    // Throws Malformed. External data lies below the folder; of an empty one there is none.
    Source(Bytes bytes, std::string path, std::filesystem::path folder);

    const File& file() const { return file_; }
    const std::string& path() const { return path_; }
    // A tensor's elements, wherever they are. Throws Malformed, also for files that are not below the folder.
    Array read(Bytes tensor) const;

    struct Callee {
        const Operator* row = nullptr;
        const Function* function = nullptr;  // of the file
    };
    // What computes a node; neither where nothing does. `opsets` are those of the graph or function that it stands in.
    Callee find(std::string_view domain, std::string_view op, std::span<const OpsetImport> opsets) const;
    // Every operator that nothing computes, in the graph and in whatever it is made of: "Foo (com.example, opset 1)".
    std::vector<std::string> unsupported() const;

private:
    std::string path_;
    std::filesystem::path folder_;
    File file_;
};

std::int64_t opset_of(std::string_view domain, std::span<const OpsetImport> opsets);  // 0: none

}  // namespace lathe::onnx
