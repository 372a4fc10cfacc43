#include "frontend/functions/diagonals.h"

#include <fmt/format.h>

#include "frontend/functions/axis_arguments.h"
#include "frontend/tensor/record.h"
#include "ir/functions/movement.h"
#include "ir/ops/ops.h"

namespace lathe {
namespace {

namespace f = ir::functions;
namespace ops = ir::ops;
using detail::blaming;
using detail::LocScope;
using detail::refuse;

// An offset whose negative is one too, and that leaves extents extents.
void require_offset(std::int64_t offset, std::string_view function, Where where) {
    if (offset > Dim::greatest / 2 || offset < -Dim::greatest / 2)
        refuse(function, fmt::format("offset is {}, which no matrix reaches", offset), where);
}
void require_matrices(const Tensor& x, std::string_view function, Where where) {
    if (x.rank() < 2) refuse(function, fmt::format("wants two axes or more, not {}", x.rank()), where);
}

}  // namespace

Tensor diagonal(const Tensor& x, std::int64_t offset, std::int64_t rows, std::int64_t columns, Where where) {
    const LocScope scope(where, "diagonal", x);
    return ops::diagonal.with({rows, columns, offset}, x);
}
Tensor matrix_trace(const Tensor& x, std::int64_t offset, Where where) {
    const LocScope scope(where, "matrix_trace", x);
    require_matrices(x, "matrix_trace", where);
    const Tensor elements = diagonal(x, offset, 0, 1, where);
    return f::sum(elements, {static_cast<std::int64_t>(elements.rank()) - 1});
}
Tensor diag_embed(const Tensor& x, std::int64_t offset, Where where) {
    const LocScope scope(where, "diag_embed", x);
    return blaming(where, "diag_embed", [&]() -> Tensor {
        require_offset(offset, "diag_embed", where);
        if (x.rank() < 1) refuse("diag_embed", "wants an axis or more", where);
        detail::require_rank(x.rank() + 1, "diag_embed", where);
        return f::diag_embed(x, offset);
    });
}
Tensor diag(const Tensor& x, std::int64_t offset, Where where) {
    const LocScope scope(where, "diag", x);
    if (x.rank() != 1 && x.rank() != 2)
        refuse("diag", fmt::format("wants a vector or a matrix, not rank {}", x.rank()), where);
    return x.rank() == 1 ? diag_embed(x, offset, where) : diagonal(x, offset, 0, 1, where);
}
Tensor tril(const Tensor& x, std::int64_t offset, Where where) {
    const LocScope scope(where, "tril", x);
    return blaming(where, "tril", [&]() -> Tensor {
        require_matrices(x, "tril", where);
        require_offset(offset, "tril", where);
        return f::tril(x, offset);
    });
}
Tensor triu(const Tensor& x, std::int64_t offset, Where where) {
    const LocScope scope(where, "triu", x);
    return blaming(where, "triu", [&]() -> Tensor {
        require_matrices(x, "triu", where);
        require_offset(offset, "triu", where);
        return f::triu(x, offset);
    });
}

}  // namespace lathe
