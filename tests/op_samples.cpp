#include "tests/op_samples.h"

#include <algorithm>
#include <string>

#include "ir/ops/linear_algebra.h"

namespace lathe::testing_support {

std::unique_ptr<ir::Graph> graph_of(const ir::OpDef& op, const Call& call) {
    auto graph = std::make_unique<ir::Graph>();
    std::vector<ir::Value> operands;
    for (const ir::Type& t : call.operands)
        operands.push_back(graph->add_parameter("x" + std::to_string(operands.size()), t));
    const ir::Node& node = graph->add(op, operands, call.attributes);
    for (std::uint32_t r = 0; r < node.results.size(); ++r) graph->add_output("y" + std::to_string(r), {&node, r});
    return graph;
}

double on_diagonal(const ir::OpDef& op, const ir::Type& type, std::int64_t position) {
    const std::size_t rank = type.shape.rank();
    if (std::ranges::find(ir::ops::linear_algebra, &op) == ir::ops::linear_algebra.end() || rank < 2) return 0;
    const std::int64_t columns = type.shape[rank - 1].constant(),
                       row = position / columns % type.shape[rank - 2].constant();
    return position % columns == row ? 5 * op.domain.high * static_cast<double>(row + 1) : 0;
}

}  // namespace lathe::testing_support
