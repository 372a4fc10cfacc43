// Products of matrices.
#include "frontend/functions/activations.h"
#include "frontend/functions/elementwise.h"
#include "frontend/functions/linear_algebra.h"
#include "frontend/functions/movement.h"
#include "frontend/functions/products.h"
#include "frontend/onnx/operators.h"
#include "frontend/onnx/operators/dequantized.h"

namespace lathe::onnx {
namespace {

// Lines of a that count make lines of the product that do. Nothing else may be counted.
std::optional<Counted> counted_lines(const NodeCall& c) {
    for (std::size_t i = 1; i < c.size(); ++i)
        if (c.has(i) && c.value(i).counted()) c.need_extent(i);
    const std::optional<Counted>& counted = c.value(0).counted();
    if (counted && (counted->axis + 2 != c[0].rank() || c[1].rank() > 2)) c.need_extent(0);
    return counted;
}

Results product(NodeCall& c) {
    const std::optional<Counted> counted = counted_lines(c);
    const std::optional<Tensor> of_integers = dequantized_product(c);
    Value y(of_integers ? *of_integers : matmul(c[0], c[1]));
    y.set_counted(counted);
    return {std::move(y)};
}

// alpha * a * b + beta * c, with a and b transposed as the attributes say.
Results general_product(NodeCall& c) {
    const Tensor a = c.flag("transA") ? c[0].t() : c[0], b = c.flag("transB") ? c[1].t() : c[1];
    if (a.rank() != 2 || b.rank() != 2) c.refuse("operands are no matrices");
    const double alpha = c.number("alpha", 1), beta = c.number("beta", 1);
    const std::optional<Tensor> of_integers = dequantized_product(c, c.flag("transA"), c.flag("transB"));
    Tensor y = of_integers ? *of_integers : matmul(a, b);
    if (!ir::is_float(y.dtype()) && (alpha != 1 || beta != 1)) c.refuse("factors of products of integers");
    if (alpha != 1) y = y * alpha;
    if (c.has(2)) y = y + (beta == 1 ? c[2] : c[2] * beta);
    const std::optional<Counted> counted = counted_lines(c);
    const bool is_of_lines = c.has(2) && c[2].rank() == 2 && c[2].type().shape[0] != Dim(1);
    if (counted && (c.flag("transA") || is_of_lines)) c.need_extent(0);
    Value result(y);
    result.set_counted(counted);
    return {std::move(result)};
}

Results by_formula(NodeCall& c) {
    std::vector<Tensor> operands;
    for (std::size_t i = 0; i < c.size(); ++i) operands.push_back(c[i]);
    return {einsum(c.text("equation", ""), operands)};
}

Results determinant(NodeCall& c) { return {det(c[0])}; }

// MatMul with a factor, and with the last two axes exchanged.
Results fused_product(NodeCall& c) {
    if (c.flag("transBatchA") || c.flag("transBatchB")) c.refuse("transposed batches are not supported");
    const auto side = [&](std::size_t i, std::string_view transposed) {
        return c.flag(transposed) && c[i].rank() > 1 ? swapaxes(c[i], -1, -2) : c[i];
    };
    const Tensor y = matmul(side(0, "transA"), side(1, "transB"));
    const double alpha = c.number("alpha", 1);
    return {alpha == 1 ? y : y * alpha};
}

Results fused_general_product(NodeCall& c) {
    const Tensor y = general_product(c)[0].tensor();
    const std::string activation = c.text("activation", "");
    if (activation.empty()) return {y};
    if (activation == "Relu") return {relu(y)};
    if (activation == "Sigmoid") return {sigmoid(y)};
    if (activation == "Tanh") return {tanh(y)};
    if (activation == "LeakyRelu") return {leaky_relu(y, c.number("activation_alpha", 0.01))};
    c.refuse("the activation " + activation + " is not supported");
}

constexpr Operator rows[] = {
    {"Det", determinant},
    {"Einsum", by_formula},
    {"FusedGemm", fused_general_product, Known::no, nullptr, nullptr, 1, 1, "com.microsoft"},
    {"FusedMatMul", fused_product, Known::no, nullptr, nullptr, 1, 1, "com.microsoft"},
    Operator{"Gemm", general_product}.counting(Counts::by_itself),
    Operator{"MatMul", product}.counting(Counts::by_itself),
};

}  // namespace

Operators product_operators() { return rows; }

}  // namespace lathe::onnx
