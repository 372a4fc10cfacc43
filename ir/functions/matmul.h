// Matrix products in terms of dot_general.
#pragma once

#include "ir/functions/basic.h"

namespace lathe::ir::functions {

// numpy.matmul: the last dimension of x with the last but one of y; earlier dimensions are batches and broadcast; a
// vector is a row on the left and a column on the right, and its dimension is dropped.
template <Operand T>
T matmul(const T& x, const T& y) {
    const Shape xs = shape_of(x), ys = shape_of(y);
    if (xs.rank() == 0 || ys.rank() == 0) refuse("matmul", "wants vectors or matrices", x, y);
    const auto last = static_cast<std::int64_t>(xs.rank()) - 1;
    const auto inner = static_cast<std::int64_t>(ys.rank() >= 2 ? ys.rank() - 2 : 0);
    // One matrix, or none, on the right: all dimensions of x but the last are free. One vector on the left: likewise.
    if (ys.rank() <= 2) return ops::dot_general.with({Integers{}, Integers{}, Integers{last}, Integers{inner}}, x, y);

    // Batches on the right: both sides get the broadcast batch dimensions.
    const std::size_t x_own = std::min<std::size_t>(2, xs.rank());
    const std::size_t x_batch = xs.rank() - x_own, y_batch = ys.rank() - 2;
    const std::size_t batches = std::max(x_batch, y_batch);
    Shape x_full, y_full;
    for (std::size_t i = 0; i < batches; ++i) {
        const Dim a = i + x_batch >= batches ? xs[i + x_batch - batches] : Dim(1);
        const Dim b = i + y_batch >= batches ? ys[i + y_batch - batches] : Dim(1);
        if (a.is_constant() && b.is_constant() && a != b && a != Dim(1) && b != Dim(1))
            refuse("matmul", "the batch extents differ: " + a.to_string() + " is not " + b.to_string(), x, y);
        const Dim both = a == Dim(1) || (b.is_constant() && b != Dim(1)) ? b : a;
        x_full.push_back(both);
        y_full.push_back(both);
    }
    for (std::size_t i = x_batch; i < xs.rank(); ++i) x_full.push_back(xs[i]);
    for (std::size_t i = y_batch; i < ys.rank(); ++i) y_full.push_back(ys[i]);
    const Integers batch_axes = all_axes(batches);
    return ops::dot_general.with({batch_axes, batch_axes, Integers{static_cast<std::int64_t>(batches + x_own) - 1},
                                  Integers{static_cast<std::int64_t>(batches)}},
                                 broadcast_to(x, x_full), broadcast_to(y, y_full));
}

}  // namespace lathe::ir::functions
