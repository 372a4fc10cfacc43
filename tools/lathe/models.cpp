#include "tools/lathe/models.h"

#include "frontend/read_file.h"
#include "ir/error.h"
#include "tools/lathe/lir.h"

namespace lathe::tools {

Model read_model(const std::string& path) {
    // Text has no byte like the first one of a .lathe file.
    if (read_file(path).starts_with('\x89')) return Model::load(path);
    Lir lir = read_lir(path);
    auto* const graph = std::get_if<std::unique_ptr<ir::Graph>>(&lir);
    if (!graph) throw FormatError(path + ": holds a kernel, not a model");
    const std::size_t inputs = (*graph)->parameters().size();
    return Model(std::move(*graph), inputs, {});
}

}  // namespace lathe::tools
