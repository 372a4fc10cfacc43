#include "tests/op_samples.h"

#include <algorithm>

#include "ir/ops/linear_algebra.h"

namespace lathe::testing_support {

double on_diagonal(const ir::OpDef& op, const ir::Type& type, std::int64_t position) {
    const std::size_t rank = type.shape.rank();
    if (std::ranges::find(ir::ops::linear_algebra, &op) == ir::ops::linear_algebra.end() || rank < 2) return 0;
    const std::int64_t columns = type.shape[rank - 1].constant(),
                       row = position / columns % type.shape[rank - 2].constant();
    return position % columns == row ? 5 * op.domain.high * static_cast<double>(row + 1) : 0;
}

}  // namespace lathe::testing_support
