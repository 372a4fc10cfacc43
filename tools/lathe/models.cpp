#include "tools/lathe/models.h"

#include "frontend/formats/file_kind.h"
#include "frontend/formats/read_file.h"
#include "ir/error.h"
#include "tools/lathe/lir.h"

namespace lathe::tools {

// Text has no byte like the first one of a .lathe file.
bool is_model(std::string_view bytes) { return bytes.starts_with("\x89L") || is_onnx(bytes); }

Source read_source(const std::string& path) { return parse_source(read_file(path), path); }

Source parse_source(std::string_view bytes, const std::string& path) {
    if (is_model(bytes)) return Model::parse(bytes, path, Where());
    Lir lir = parse_lir(bytes, path);
    if (auto* const kernels = std::get_if<std::vector<ir::LoopNest>>(&lir)) return std::move(*kernels);
    if (auto* const program = std::get_if<ir::Program>(&lir)) return std::move(*program);
    auto& graph = std::get<std::unique_ptr<ir::Graph>>(lir);
    const std::size_t inputs = graph->parameters().size();
    return Model(std::move(graph), inputs, {});
}

Model model_of(Source source, const std::string& path) {
    if (auto* const model = std::get_if<Model>(&source)) return std::move(*model);
    const bool is_program = std::holds_alternative<ir::Program>(source);
    throw FormatError(path + ": holds " + (is_program ? "a program" : "kernels") + ", not a model");
}

Model read_model(const std::string& path) { return model_of(read_source(path), path); }

}  // namespace lathe::tools
