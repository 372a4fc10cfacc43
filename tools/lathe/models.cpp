#include "tools/lathe/models.h"

#include "frontend/formats/read_file.h"
#include "ir/error.h"
#include "tools/lathe/lir.h"

namespace lathe::tools {

Source read_source(const std::string& path) {
    const std::string bytes = read_file(path);
    // Text has no byte like the first one of a .lathe file.
    if (bytes.starts_with("\x89L")) return Model::parse(bytes, path, Where());
    Lir lir = parse_lir(bytes, path);
    if (auto* const kernels = std::get_if<std::vector<ir::LoopNest>>(&lir)) return std::move(*kernels);
    auto& graph = std::get<std::unique_ptr<ir::Graph>>(lir);
    const std::size_t inputs = graph->parameters().size();
    return Model(std::move(graph), inputs, {});
}

Model read_model(const std::string& path) {
    Source source = read_source(path);
    if (auto* const model = std::get_if<Model>(&source)) return std::move(*model);
    throw FormatError(path + ": holds kernels, not a model");
}

}  // namespace lathe::tools
