#include "ir/ops/linear_algebra.h"

#include <algorithm>

namespace lathe::ir::ops {

namespace f = functions;

const Shape& require_matrices(const TypeContext& c, std::size_t operand) {
    const Type& type = c.operand(operand);
    rules::require_dtype(c, operand, rules::wide_floats);
    if (type.shape.rank() < 2) c.fail("wants matrices, of two dimensions or more");
    return type.shape;
}

const Shape& require_square(TypeContext& c, std::size_t operand) {
    const Shape& shape = require_matrices(c, operand);
    c.require_equal(f::rows_of(shape), f::columns_of(shape), "the matrices are not square");
    return shape;
}

// ---- calls

namespace {

Dim count_of(const Shape& batch) { return batch.element_count(); }

// What the functions take of their workspace: matrices in columns that begin at multiples of 16 elements, vectors, and
// for Eigen's products, which pack parts of their operands, as much again; runtime/linear_algebra/eigen.h.
class Room {
public:
    explicit Room(Dtype dtype) : size_(static_cast<std::int64_t>(size_of(dtype))) {}
    Room& matrix(Dim rows, Dim columns) {
        elements_ += ceildiv(rows, 16) * 16 * columns + 16;
        return *this;
    }
    Room& vector(Dim count) { return matrix(count, 1); }
    Room& words(Dim count) {
        bytes_ += count * 8 + 64;
        return *this;
    }
    // A product of rows x depth and depth x columns.
    Room& product(Dim rows, Dim depth, Dim columns) {
        return matrix(rows + 64, depth).matrix(depth + 64, columns + 64);
    }
    // Reflections of vectors of `length`, in blocks of 32, applied to columns.
    Room& reflectors(Dim length, Dim columns) {
        return matrix(length, 32).matrix(32, 32).matrix(32, columns).matrix(32, columns).product(length, 32, columns);
    }
    Dim bytes() const { return elements_ * size_ + bytes_; }

private:
    std::int64_t size_;
    Dim elements_ = 0, bytes_ = 32768;  // with small matrices in lanes: four of 16 x 16
};

std::int64_t code_of(Dtype d) { return d == Dtype::f64 ? 0 : 1; }

// Of so many operations for a matrix.
Dim picoseconds_for(Dim operations) { return operations * 250 + 50000; }

}  // namespace

HostCall cholesky_call(const CallContext& c) {
    const Type& x = c.operands[0];
    const Dim n = f::rows_of(x.shape);
    return {.function = "cholesky_v1",
            .extents = {code_of(x.dtype), n},
            .iterations = count_of(f::batch_of(x.shape)),
            .picoseconds = picoseconds_for(n * n * n),
            .workspace = Room(x.dtype).matrix(n, n).product(n, n, n).bytes()};
}

Types lu_types(TypeContext& c) {
    const Type packed = c.op().type.value(c);
    Shape order = f::batch_of(packed.shape);
    const Shape sign = order;
    order.push_back(f::rows_of(packed.shape));
    return {packed, {Dtype::i64, order}, {packed.dtype, sign}};
}

HostCall lu_call(const CallContext& c) {
    const Type& x = c.operands[0];
    const Dim m = f::rows_of(x.shape), n = f::columns_of(x.shape);
    return {.function = "lu_v1",
            .extents = {code_of(x.dtype), m, n, std::int64_t{c.wanted[0]}, std::int64_t{c.wanted[1]},
                        std::int64_t{c.wanted[2]}},
            .iterations = count_of(f::batch_of(x.shape)),
            .picoseconds = picoseconds_for(m * n * ir::min(m, n)),
            .workspace = Room(x.dtype).matrix(m, n).words(m).product(m, ir::min(m, n), n).bytes()};
}

Type solve_type(TypeContext& c) {
    const Shape &a = require_square(c, 0), &b = require_matrices(c, 1);
    rules::require_same_dtype(c, 0, 1);
    if (a.rank() != b.rank()) c.fail("the ranks differ");
    for (std::size_t i = 0; i + 2 < a.rank(); ++i)
        c.require_equal(a[i], b[i], "the batches differ", static_cast<std::int64_t>(i));
    c.require_equal(f::rows_of(a), f::rows_of(b), "the matrices have different numbers of rows");
    return c.operand(1);
}

HostCall triangular_solve_call(const CallContext& c) {
    const Shape& b = c.operands[1].shape;
    const Dtype d = c.operands[0].dtype;
    const Dim n = f::rows_of(b), columns = f::columns_of(b);
    return {.function = "triangular_solve_v1",
            .extents = {code_of(d), n, columns, std::int64_t{solve_upper(c.attributes)},
                        std::int64_t{solve_transposed(c.attributes)}, std::int64_t{solve_unit(c.attributes)}},
            .iterations = count_of(f::batch_of(b)),
            .picoseconds = picoseconds_for(n * n * columns),
            .workspace = Room(d).matrix(n, n).matrix(n, columns).product(n, n, columns).bytes()};
}

Type lu_solve_type(TypeContext& c) {
    const Shape &lu = require_square(c, 0), &b = require_matrices(c, 2);
    rules::require_same_dtype(c, 0, 2);
    const Type& order = c.operand(1);
    if (order.dtype != Dtype::i64) c.fail("wants the order of the rows as i64");
    if (order.shape.rank() + 1 != lu.rank() || lu.rank() != b.rank()) c.fail("the ranks differ");
    for (std::size_t i = 0; i + 2 < lu.rank(); ++i) {
        c.require_equal(lu[i], b[i], "the batches differ");
        c.require_equal(lu[i], order.shape[i], "the batches differ");
    }
    c.require_equal(f::rows_of(lu), order.shape[order.shape.rank() - 1], "the order is that of other rows");
    c.require_equal(f::rows_of(lu), f::rows_of(b), "the matrices have different numbers of rows");
    return c.operand(2);
}

HostCall lu_solve_call(const CallContext& c) {
    const Shape& b = c.operands[2].shape;
    const Dtype d = c.operands[0].dtype;
    const Dim n = f::rows_of(b), columns = f::columns_of(b);
    return {.function = "lu_solve_v1",
            .extents = {code_of(d), n, columns, std::int64_t{solves_transposed(c.attributes)}},
            .iterations = count_of(f::batch_of(b)),
            .picoseconds = picoseconds_for(n * n * columns * 2),
            .workspace = Room(d).words(n).words(n).matrix(n, n).matrix(n, columns).product(n, n, columns).bytes()};
}

HostCall det_call(const CallContext& c) {
    const Type& x = c.operands[0];
    const Dim n = f::rows_of(x.shape);
    return {.function = "det_v1",
            .extents = {code_of(x.dtype), n},
            .iterations = count_of(f::batch_of(x.shape)),
            .picoseconds = picoseconds_for(n * n * n),
            .workspace = Room(x.dtype).matrix(n, n).words(n).product(n, n, n).bytes()};
}

Types qr_types(TypeContext& c, bool complete) {
    const Shape& x = require_matrices(c);
    const Dim m = f::rows_of(x), n = f::columns_of(x), width = complete ? m : ir::min(m, n);
    const Dtype d = c.operand(0).dtype;
    return {{d, f::with_matrix(f::batch_of(x), m, width)}, {d, f::with_matrix(f::batch_of(x), width, n)}};
}

namespace {

HostCall call_qr(const CallContext& c, bool complete) {
    const Type& x = c.operands[0];
    const Dim m = f::rows_of(x.shape), n = f::columns_of(x.shape), width = complete ? m : ir::min(m, n);
    return {.function = "qr_v1",
            .extents = {code_of(x.dtype), m, n, std::int64_t{complete}, std::int64_t{c.wanted[0]},
                        std::int64_t{c.wanted[1]}},
            .iterations = count_of(f::batch_of(x.shape)),
            .picoseconds = picoseconds_for(m * n * width * 2),
            .workspace =
                Room(x.dtype).matrix(m, n).vector(n).matrix(m, width).reflectors(m, n).reflectors(m, width).bytes()};
}

}  // namespace

HostCall qr_call(const CallContext& c) { return call_qr(c, false); }
HostCall complete_qr_call(const CallContext& c) { return call_qr(c, true); }

Types eigh_types(TypeContext& c) {
    const Shape& x = require_square(c);
    Shape values = f::batch_of(x);
    values.push_back(f::rows_of(x));
    return {{c.operand(0).dtype, values}, {c.operand(0).dtype, x}};
}

HostCall eigh_call(const CallContext& c) {
    const Type& x = c.operands[0];
    const Dim n = f::rows_of(x.shape);
    return {.function = "eigh_v1",
            .extents = {code_of(x.dtype), n, std::int64_t{c.wanted[0]}, std::int64_t{c.wanted[1]}},
            .iterations = count_of(f::batch_of(x.shape)),
            .picoseconds = picoseconds_for(n * n * n * (c.wanted[1] ? 6 : 2)),
            .workspace = Room(x.dtype)
                             .matrix(n, n)
                             .matrix(n, n)
                             .vector(n)
                             .vector(n)
                             .vector(n)
                             .product(n, n, n)
                             .reflectors(n, n)
                             .bytes()};
}

Types eig_types(TypeContext& c) {
    const Shape& x = require_square(c);
    Shape values = f::batch_of(x), vectors = x;
    values.push_back(f::rows_of(x));
    for (Shape* shape : {&values, &vectors}) {
        shape->push_back(2);
        if (shape->rank() > max_rank) c.fail("the complex numbers would have too many dimensions");
    }
    return {{c.operand(0).dtype, values}, {c.operand(0).dtype, vectors}};
}

HostCall eig_call(const CallContext& c) {
    const Type& x = c.operands[0];
    const Dim n = f::rows_of(x.shape);
    return {.function = "eig_v1",
            .extents = {code_of(x.dtype), n, std::int64_t{c.wanted[0]}, std::int64_t{c.wanted[1]}},
            .iterations = count_of(f::batch_of(x.shape)),
            .picoseconds = picoseconds_for(n * n * n * 25),
            .workspace = Room(x.dtype)
                             .matrix(n, n)
                             .matrix(n, n)
                             .vector(n)
                             .vector(n)
                             .vector(n)
                             .vector(n)
                             .product(n, n, n)
                             .reflectors(n, n)
                             .bytes()};
}

Types svd_types(TypeContext& c) {
    const Shape& x = require_matrices(c);
    const Dim m = f::rows_of(x), n = f::columns_of(x), k = ir::min(m, n);
    const Dtype d = c.operand(0).dtype;
    Shape values = f::batch_of(x);
    values.push_back(k);
    return {{d, f::with_matrix(f::batch_of(x), m, k)}, {d, values}, {d, f::with_matrix(f::batch_of(x), k, n)}};
}

HostCall svd_call(const CallContext& c) {
    const Type& x = c.operands[0];
    const Dim m = f::rows_of(x.shape), n = f::columns_of(x.shape), k = ir::min(m, n), longer = ir::max(m, n);
    const bool vectors = c.wanted[0] || c.wanted[2];
    return {.function = "svd_v1",
            .extents = {code_of(x.dtype), m, n, std::int64_t{c.wanted[0]}, std::int64_t{c.wanted[1]},
                        std::int64_t{c.wanted[2]}},
            .iterations = count_of(f::batch_of(x.shape)),
            .picoseconds = picoseconds_for(m * n * k * (vectors ? 12 : 4)),
            .workspace = Room(x.dtype)
                             .matrix(longer, k)
                             .matrix(longer, k)
                             .matrix(k, k)
                             .matrix(k, k)
                             .vector(k)
                             .vector(k)
                             .vector(k)
                             .vector(longer)
                             .product(longer, k, k)
                             .reflectors(longer, k)
                             .bytes()};
}

HostCall matrix_exp_call(const CallContext& c) {
    const Type& x = c.operands[0];
    const Dim n = f::rows_of(x.shape);
    Room room(x.dtype);
    for (int i = 0; i < 8; ++i) room.matrix(n, n);
    return {.function = "matrix_exp_v1",
            .extents = {code_of(x.dtype), n},
            .iterations = count_of(f::batch_of(x.shape)),
            .picoseconds = picoseconds_for(n * n * n * 12),
            .workspace = room.words(n).product(n, n, n).bytes()};
}

// ---- samples

namespace samples_of_matrices {

std::vector<Sample> square(Dtype d) {
    return {{{{d, {3, 3}}}}, {{{d, {1, 1}}}}, {{{d, {0, 0}}}}, {{{d, {2, 4, 4}}}}, {{{d, {0, 2, 2}}}}};
}
std::vector<Sample> any(Dtype d) {
    std::vector<Sample> all = square(d);
    for (const Shape& shape : {Shape{4, 3}, Shape{2, 4}, Shape{2, 3, 2}, Shape{3, 0}, Shape{0, 3}})
        all.push_back({{{d, shape}}});
    return all;
}
std::vector<Sample> triangles(Dtype d) {
    const auto of = [d](const Shape& a, const Shape& b, bool upper, bool transposed, bool unit) {
        return Sample{{{d, a}, {d, b}}, {upper, transposed, unit}};
    };
    return {of({3, 3}, {3, 2}, false, false, false),     of({4, 4}, {4, 1}, true, false, false),
            of({2, 3, 3}, {2, 3, 2}, false, true, true), of({3, 3}, {3, 3}, true, true, false),
            of({1, 1}, {1, 1}, true, false, true),       of({0, 0}, {0, 2}, false, false, false),
            of({2, 2}, {2, 0}, false, false, false)};
}

std::vector<Sample> factors(Dtype d) {
    const auto of = [d](const Shape& order, const Shape& b, bool transposed) {
        return Sample{{{d, f::with_matrix(f::batch_of(b), f::rows_of(b), f::rows_of(b))}, {Dtype::i64, order}, {d, b}},
                      {transposed}};
    };
    return {of({3}, {3, 2}, false), of({4}, {4, 1}, true), of({2, 3}, {2, 3, 2}, false), of({0}, {0, 2}, true)};
}

}  // namespace samples_of_matrices

}  // namespace lathe::ir::ops
