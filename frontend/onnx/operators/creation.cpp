// Constants, and tensors made of a shape or of numbers.
#include "frontend/functions/creation.h"

#include <cmath>

#include "frontend/functions/elementwise.h"
#include "frontend/functions/movement.h"
#include "frontend/onnx/operators.h"

namespace lathe::onnx {
namespace {

Results constant(NodeCall& c) {
    if (const std::optional<Array> value = c.array("value")) return {Tensor::from(*value)};
    if (c.find("value_float") != nullptr) return {full({}, c.number("value_float", 0))};
    if (c.find("value_int") != nullptr) return {Value(KnownIntegers::scalar(c.integer("value_int")))};
    if (const auto numbers = c.numbers("value_floats")) {
        const std::vector<float> floats(numbers->begin(), numbers->end());
        return {Tensor::from(floats, {static_cast<std::int64_t>(floats.size())})};
    }
    if (const auto integers = c.integers("value_ints"))
        return {Tensor::from(*integers, {static_cast<std::int64_t>(integers->size())})};
    c.refuse("there is no value that is supported");
}

Results constant_of_shape(NodeCall& c) {
    const std::optional<Array> value = c.array("value");
    const Shape shape = c.shape(0);
    if (!value) return {zeros(shape)};
    const Tensor one = Tensor::from(*value);
    if (one.size() != 1) c.refuse("the value is not one element");
    // Of known integers, as shapes of shapes are.
    const bool is_known = shape.rank() == 1 && shape[0].is_constant() && shape[0].constant() <= 64 &&
                          (one.dtype() == Dtype::i64 || one.dtype() == Dtype::i32);
    if (is_known) {
        KnownIntegers known{one.dtype(), {shape[0].constant()}, {}};
        known.elements.assign(static_cast<std::size_t>(shape[0].constant()),
                              Dim(convert(one, Dtype::i64).item<std::int64_t>()));
        return {Value(std::move(known))};
    }
    return {broadcast_to(reshape(one, {}), shape)};
}

Results range(NodeCall& c) {
    const Dtype dtype = c.value(0).dtype();
    if (!ir::is_float(dtype)) {
        const Dim start = c.dim(0), limit = c.dim(1);
        const std::int64_t step = c.integer(2);
        if (step == 0) c.refuse("the step is 0");
        return {arange(start, limit, step, dtype)};
    }
    const double start = c.number(0), limit = c.number(1), step = c.number(2);
    if (step == 0) c.refuse("the step is 0");
    const double count = std::max(0.0, std::ceil((limit - start) / step));
    if (!(count < 1e9)) c.refuse("the range has too many numbers");
    return {lathe::detail::arange_of_floats(start, limit, step, dtype, Where::current())};
}

Results identity_like(NodeCall& c) {
    const Tensor x = c[0];
    if (x.rank() != 2) c.refuse("the operand is no matrix");
    return {eye(x.dim(0), x.dim(1), c.integer("k", 0), c.dtype("dtype", x.dtype()))};
}

constexpr Operator rows[] = {
    {"Constant", constant},
    {"ConstantOfShape", constant_of_shape},
    {"EyeLike", identity_like},
    {"Range", range},
};

}  // namespace

Operators creation_operators() { return rows; }

}  // namespace lathe::onnx
