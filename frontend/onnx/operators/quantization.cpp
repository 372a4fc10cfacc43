// Small integers in the place of floats: x is about (q - zero) * scale. Products of integers are exact in i32; what is
// made of floats between two of them is computed in f32.
#include <functional>
#include <limits>
#include <optional>

#include <fmt/format.h>

#include "frontend/functions/activations.h"
#include "frontend/functions/binary.h"
#include "frontend/functions/elementwise.h"
#include "frontend/functions/joining.h"
#include "frontend/functions/movement.h"
#include "frontend/functions/pooling.h"
#include "frontend/functions/products.h"
#include "frontend/functions/reductions.h"
#include "frontend/onnx/operators.h"
#include "frontend/onnx/operators/dequantized.h"
#include "frontend/onnx/operators/windows.h"

namespace lathe::onnx {
namespace {

// ---- scales and zeros. An empty zero is none

bool is_one_number(const Tensor& t) { return t.rank() == 0 || (t.rank() == 1 && t.type().shape[0] == Dim(1)); }

constexpr std::int64_t most_in_block = std::int64_t{1} << 32;

// One number for all of x, one for each index of an axis, or one for each block of so many along it, as what broadcasts
// to x.
Tensor spread(const NodeCall& c, const Tensor& x, const Tensor& numbers) {
    if (numbers.is_empty()) return numbers;
    const std::int64_t block = c.integer("block_size", 0);
    if (block < 0 || block > most_in_block) c.refuse("block_size is out of range");
    if (block == 0) {
        if (is_one_number(numbers)) return reshape(numbers, Shape{});
        if (numbers.rank() != 1)
            c.refuse(fmt::format("a scale or zero of rank {} without a block_size", numbers.rank()));
    }
    const std::int64_t axis = c.natural_axis(c.integer("axis", 1), x.rank());
    const Dim extent = x.type().shape[static_cast<std::size_t>(axis)];
    if (block > 0) {
        if (numbers.rank() != x.rank()) c.refuse("scales of blocks have another rank than what they are for");
        return narrow(repeat_interleave(numbers, block, axis), axis, 0, extent);
    }
    std::vector<Dim> column{numbers.type().shape[0]};
    column.resize(x.rank() - static_cast<std::size_t>(axis), 1);
    return reshape(numbers, Shape(column));
}

constexpr bool is_quantized(Dtype d) { return ir::is_integer(d) && ir::size_of(d) <= 4; }

// x / scale, rounded to the nearest, of two the even one, and the zero added; beyond the dtype's range its end.
Tensor quantized(const Tensor& quotient, const Tensor& zero, Dtype dtype) {
    const Tensor whole = convert(round(quotient), quotient.dtype() == Dtype::f64 ? Dtype::f64 : Dtype::f32);
    return convert(zero.is_empty() ? whole : whole + convert(zero, whole.dtype()), dtype);
}
Tensor less_zero(const Tensor& q, const Tensor& zero) {
    const Tensor whole = convert(q, Dtype::i32);
    return zero.is_empty() ? whole : whole - convert(zero, Dtype::i32);
}

std::optional<Dtype> attribute_dtype(const NodeCall& c, std::string_view name) {
    if (c.integer(name, 0) == 0) return {};
    return c.dtype(name, Dtype::f32);
}

Results quantize_linear(NodeCall& c) {
    const Tensor x = c[0], scale = c[1], zero = c.optional(2);
    if (!ir::is_float(scale.dtype())) c.refuse("the scale is no float");
    const std::optional<Dtype> asked = attribute_dtype(c, "output_dtype");
    const Dtype dtype = asked.value_or(zero.is_empty() ? Dtype::u8 : zero.dtype());
    if (!zero.is_empty() && zero.dtype() != dtype) c.refuse("the zero has another dtype than the result");
    if (!is_quantized(dtype)) c.refuse(fmt::format("a result of {}", ir::name(dtype)));
    const Dtype precision = attribute_dtype(c, "precision").value_or(scale.dtype());
    if (!ir::is_float(precision)) c.refuse("the precision is that of no float");
    const Tensor quotient = convert(x, precision) / convert(spread(c, x, scale), precision);
    return {quantized(quotient, spread(c, x, zero), dtype)};
}
Results dequantize_linear(NodeCall& c) {
    const Tensor q = c[0], scale = c[1], zero = c.optional(2);
    if (!is_quantized(q.dtype())) c.refuse(fmt::format("an operand of {}", ir::name(q.dtype())));
    if (!zero.is_empty() && zero.dtype() != q.dtype()) c.refuse("the zero has another dtype than the operand");
    const Dtype dtype = attribute_dtype(c, "output_dtype").value_or(scale.dtype());
    if (!ir::is_float(scale.dtype()) || !ir::is_float(dtype)) c.refuse("the scale or the result is no float");
    const Dtype wide = ir::accumulator_of(dtype);
    const Tensor whole = less_zero(q, spread(c, q, zero));
    Value result = convert(convert(whole, wide) * convert(spread(c, q, scale), wide), dtype);
    const bool are_bytes = q.dtype() == Dtype::u8 || q.dtype() == Dtype::i8;
    if (are_bytes && dtype == Dtype::f32 && scale.dtype() == Dtype::f32 && c.integer("block_size", 0) == 0)
        result.set_dequantized(
            {q, scale, zero, is_one_number(scale) ? 0 : c.natural_axis(c.integer("axis", 1), q.rank())});
    return {std::move(result)};
}

// With the scale and the zero for which a tensor's range, and 0, fill that of u8.
struct Quantized {
    Tensor q, scale, zero;
};
Quantized dynamically_quantized(const NodeCall& c, const Tensor& x) {
    if (x.dtype() != Dtype::f32) c.refuse("wants an f32 tensor");
    const Tensor high = maximum(max(x), 0), low = minimum(min(x), 0);
    const Tensor scale = where(high == low, 1, high - low) / 255;
    const Tensor zero = convert(round(clamp(0 - low / scale, 0, 255)), Dtype::u8);
    return {quantized(x / scale, zero, Dtype::u8), scale, zero};
}
Results dynamic_quantize_linear(NodeCall& c) {
    const Quantized all = dynamically_quantized(c, c[0]);
    return {all.q, all.scale, all.zero};
}

// ---- products

Tensor one_number(const NodeCall& c, std::size_t i) {
    const Tensor t = c[i];
    if (!is_one_number(t)) c.refuse(fmt::format("operand {} is no single number", i));
    return reshape(t, Shape{});
}
Tensor one_number_or_none(const NodeCall& c, std::size_t i) { return c.has(i) ? one_number(c, i) : Tensor(); }
// Of each row of a: one below the other.
Tensor of_rows(const Tensor& t) {
    if (t.is_empty() || t.rank() != 1) return t;
    return is_one_number(t) ? reshape(t, Shape{}) : unsqueeze(t, {-1});
}

// Of integers less their zeros; those of a are for rows, those of b for columns.
Tensor integer_product(const Tensor& a, const Tensor& a_zero, const Tensor& b, const Tensor& b_zero) {
    return matmul(less_zero(a, of_rows(a_zero)), less_zero(b, b_zero));
}

Results matmul_integer(NodeCall& c) { return {integer_product(c[0], c.optional(2), c[1], c.optional(3))}; }

Results qlinear_matmul(NodeCall& c) {
    const Tensor a_scale = convert(of_rows(c[1]), Dtype::f32), b_scale = convert(c[4], Dtype::f32);
    const Tensor y_scale = convert(of_rows(c[6]), Dtype::f32), y_zero = c[7];
    const Tensor whole = integer_product(c[0], c[2], c[3], c[5]);
    return {quantized(convert(whole, Dtype::f32) * (a_scale * b_scale / y_scale), of_rows(y_zero), y_zero.dtype())};
}

// One number, or one for each output: along an axis with so many behind it.
Tensor of_outputs(const NodeCall& c, const Tensor& t, std::size_t behind) {
    if (t.is_empty()) return t;
    if (is_one_number(t)) return reshape(t, Shape{});
    if (t.rank() != 1) c.refuse("wants one number, or one for each output");
    std::vector<Dim> column{t.type().shape[0]};
    column.resize(behind + 1, 1);
    return reshape(t, Shape(column));
}

Results conv_integer(NodeCall& c) {
    const Tensor x = c[0], w = c[1];
    return {
        convolved(c, less_zero(x, one_number_or_none(c, 2)), less_zero(w, of_outputs(c, c.optional(3), w.rank() - 1)))};
}
Results qlinear_conv(NodeCall& c) {
    const Tensor w = c[3], y_zero = one_number(c, 7);
    const std::size_t extents = w.rank() < 2 ? 0 : w.rank() - 2;
    Tensor whole = convolved(c, less_zero(c[0], one_number(c, 2)), less_zero(w, of_outputs(c, c[5], extents + 1)));
    if (c.has(8)) {
        if (c[8].rank() != 1) c.refuse("the bias is no vector");
        whole = whole + of_outputs(c, convert(c[8], Dtype::i32), extents);
    }
    const Tensor scale = one_number(c, 1) * of_outputs(c, c[4], extents) / one_number(c, 6);
    return {quantized(convert(whole, Dtype::f32) * scale, y_zero, y_zero.dtype())};
}

// ---- of what was dequantized

// One number for all, or none.
bool has_one_scale(const Dequantized& d) { return is_one_number(d.scale); }
Tensor one_or_none(const Tensor& t) { return t.is_empty() ? t : reshape(t, Shape{}); }
// Sums as floats, by the scales of both sides.
Tensor scaled(const Tensor& whole, const Tensor& a_scale, const Tensor& b_scale) {
    return convert(whole, Dtype::f32) * (a_scale * b_scale);
}

// ---- of ONNX Runtime: what is computed of floats, between integers

// Operand i with its scale, and its zero if there is one, behind it.
Tensor dequantized(const NodeCall& c, std::size_t i) {
    return convert(less_zero(c[i], one_number_or_none(c, i + 2)), Dtype::f32) *
           convert(one_number(c, i + 1), Dtype::f32);
}
// With operand i as the scale, and the next as the zero.
Tensor requantized(const NodeCall& c, const Tensor& y, std::size_t i, Dtype dtype) {
    return quantized(y / convert(one_number(c, i), Dtype::f32), one_number_or_none(c, i + 1), dtype);
}

template <class F>
Results qlinear_binary(NodeCall& c) {
    return {requantized(c, F()(dequantized(c, 0), dequantized(c, 3)), 6, c.value(0).dtype())};
}
Results qlinear_sigmoid(NodeCall& c) { return {requantized(c, sigmoid(dequantized(c, 0)), 3, c.value(0).dtype())}; }
Results qlinear_leaky_relu(NodeCall& c) {
    const double alpha = c.number("alpha", 0.01F);
    return {requantized(c, leaky_relu(dequantized(c, 0), alpha), 3, c.value(0).dtype())};
}
Results qlinear_concat(NodeCall& c) {
    if (c.size() < 5 || (c.size() - 2) % 3 != 0) c.refuse("wants a scale, a zero, and three operands for each part");
    std::vector<Tensor> parts;
    for (std::size_t i = 2; i < c.size(); i += 3) parts.push_back(dequantized(c, i));
    const std::int64_t axis = c.natural_axis(c.integer("axis"), parts[0].rank());
    return {requantized(c, concat(parts, axis), 0, c.value(2).dtype())};
}
// As means over all extents.
Results qlinear_global_average_pool(NodeCall& c) {
    const Tensor x = dequantized(c, 0);
    if (x.rank() < 3) c.refuse("wants images of one extent or more");
    const bool is_last = c.flag("channels_last");
    std::vector<std::int64_t> axes;
    for (std::size_t i = is_last ? 1 : 2; i < x.rank() - (is_last ? 1 : 0); ++i)
        axes.push_back(static_cast<std::int64_t>(i));
    return {requantized(c, mean(x, Axes(axes), true), 3, c.value(0).dtype())};
}
Results qlinear_average_pool(NodeCall& c) {
    const Tensor x = dequantized(c, 0);
    if (x.rank() < 3 || x.rank() > 5) c.refuse("wants images of one to three extents");
    const std::size_t extents = x.rank() - 2;
    if (c.flag("channels_last")) c.refuse("channels_last is not supported");
    if (const std::string automatic = c.text("auto_pad", "NOTSET"); automatic != "NOTSET" && automatic != "VALID")
        c.refuse("auto_pad is '" + automatic + "', which is not supported");
    const auto size = c.integers("kernel_shape");
    if (!size || size->size() != extents) c.refuse("kernel_shape is not one for each extent");
    AveragePoolOptions options;
    options.stride = c.integers("strides").value_or(std::vector<std::int64_t>(extents, 1));
    options.ceil_mode = c.flag("ceil_mode");
    options.count_include_pad = c.flag("count_include_pad");
    if (const auto pads = c.integers("pads")) {
        if (pads->size() != 2 * extents) c.refuse("pads are not two for each extent");
        for (std::size_t i = 0; i < extents; ++i)
            if ((*pads)[i] != (*pads)[i + extents]) c.refuse("pads that differ at both ends are not supported");
        options.padding = std::vector(pads->begin(), pads->begin() + static_cast<std::ptrdiff_t>(extents));
    }
    const Tensor y = extents == 1   ? avg_pool1d(x, *size, options)
                     : extents == 2 ? avg_pool2d(x, *size, options)
                                    : avg_pool3d(x, *size, options);
    return {requantized(c, y, 3, c.value(0).dtype())};
}

// Of one axis; as opsets before 13 have it, of all from that one on.
Results qlinear_softmax(NodeCall& c) {
    const Tensor x = dequantized(c, 0);
    const std::int64_t axis = c.natural_axis(c.integer("axis", -1), x.rank());
    if (c.integer("opset", 13) >= 13 || axis == static_cast<std::int64_t>(x.rank()) - 1)
        return {requantized(c, softmax(x, axis), 3, c.value(0).dtype())};
    Dim rows = 1, columns = 1;
    for (std::size_t i = 0; i < x.rank(); ++i)
        (static_cast<std::int64_t>(i) < axis ? rows : columns) *= x.type().shape[i];
    const Tensor y = reshape(softmax(reshape(x, Shape{rows, columns}), -1), x.type().shape);
    return {requantized(c, y, 3, c.value(0).dtype())};
}

// alpha * a * b + c, where c is i32 with the scale of the product; without a scale of its own the result is f32.
Results q_general_product(NodeCall& c) {
    const auto side = [&](std::size_t i, std::string_view transposed) {
        if (c[i].rank() != 2) c.refuse("operands are no matrices");
        return c.flag(transposed) ? c[i].t() : c[i];
    };
    const Tensor b_zero = c.optional(5);
    Tensor whole = integer_product(side(0, "transA"), one_number_or_none(c, 2), side(3, "transB"),
                                   b_zero.is_empty() || !is_one_number(b_zero) ? b_zero : reshape(b_zero, Shape{}));
    if (c.has(6)) whole = whole + c[6];
    const Tensor b_scale = is_one_number(c[4]) ? reshape(c[4], Shape{}) : c[4];
    Tensor scale = one_number(c, 1) * b_scale;
    if (const double alpha = c.number("alpha", 1); alpha != 1) scale = scale * alpha;
    if (!c.has(7)) return {convert(whole, Dtype::f32) * scale};
    const Tensor y = convert(whole, Dtype::f32) * (scale / one_number(c, 7));
    return {quantized(y, one_number_or_none(c, 8), c.has(8) ? c[8].dtype() : c.value(0).dtype())};
}

Tensor scaled_product(const NodeCall& c, const Tensor& whole, const Tensor& scale, std::size_t bias) {
    const Tensor y = convert(whole, Dtype::f32) * scale;
    return c.has(bias) ? y + c[bias] : y;
}
Results matmul_integer_to_float(NodeCall& c) {
    const Tensor whole = integer_product(c[0], one_number_or_none(c, 4), c[1], c.optional(5));
    return {scaled_product(c, whole, one_number(c, 2) * c[3], 6)};
}
Results dynamic_quantize_matmul(NodeCall& c) {
    const Quantized a = dynamically_quantized(c, c[0]);
    const Tensor whole = integer_product(a.q, a.zero, c[1], c.optional(3));
    return {scaled_product(c, whole, a.scale * c[2], 4)};
}

constexpr std::int64_t any = std::numeric_limits<std::int64_t>::max();
constexpr std::string_view microsoft = "com.microsoft";

constexpr Operator rows[] = {
    {"ConvInteger", conv_integer, Known::no, nullptr, nullptr, 10},
    {"DequantizeLinear", dequantize_linear, Known::no, nullptr, nullptr, 10},
    {"DequantizeLinear", dequantize_linear, Known::no, nullptr, nullptr, 1, any, microsoft},
    {"DynamicQuantizeLinear", dynamic_quantize_linear, Known::no, nullptr, nullptr, 11},
    {"DynamicQuantizeMatMul", dynamic_quantize_matmul, Known::no, nullptr, nullptr, 1, any, microsoft},
    {"MatMulInteger", matmul_integer, Known::no, nullptr, nullptr, 10},
    {"MatMulIntegerToFloat", matmul_integer_to_float, Known::no, nullptr, nullptr, 1, any, microsoft},
    {"QGemm", q_general_product, Known::no, nullptr, nullptr, 1, any, microsoft},
    {"QLinearAdd", qlinear_binary<std::plus<>>, Known::no, nullptr, nullptr, 1, any, microsoft},
    {"QLinearAveragePool", qlinear_average_pool, Known::no, nullptr, nullptr, 1, any, microsoft},
    {"QLinearConcat", qlinear_concat, Known::no, nullptr, nullptr, 1, any, microsoft},
    {"QLinearConv", qlinear_conv, Known::no, nullptr, nullptr, 10},
    {"QLinearGlobalAveragePool", qlinear_global_average_pool, Known::no, nullptr, nullptr, 1, any, microsoft},
    {"QLinearLeakyRelu", qlinear_leaky_relu, Known::no, nullptr, nullptr, 1, any, microsoft},
    {"QLinearMatMul", qlinear_matmul, Known::no, nullptr, nullptr, 10},
    {"QLinearMul", qlinear_binary<std::multiplies<>>, Known::no, nullptr, nullptr, 1, any, microsoft},
    {"QLinearSigmoid", qlinear_sigmoid, Known::no, nullptr, nullptr, 1, any, microsoft},
    {"QLinearSoftmax", qlinear_softmax, Known::no, nullptr, nullptr, 1, any, microsoft},
    {"QuantizeLinear", quantize_linear, Known::no, nullptr, nullptr, 10},
    {"QuantizeLinear", quantize_linear, Known::no, nullptr, nullptr, 1, any, microsoft},
};

}  // namespace

std::optional<Tensor> dequantized_convolution(const NodeCall& c) {
    const Dequantized *x = c.value(0).dequantized(), *w = c.value(1).dequantized();
    if (x == nullptr || w == nullptr || !has_one_scale(*x) || (!has_one_scale(*w) && w->axis != 0)) return {};
    const std::size_t behind = w->bytes.rank() - 1;
    const Tensor whole =
        convolved(c, less_zero(x->bytes, one_or_none(x->zero)), less_zero(w->bytes, of_outputs(c, w->zero, behind)));
    return scaled(whole, one_or_none(x->scale), of_outputs(c, w->scale, behind - 1));
}

std::optional<Tensor> dequantized_product(const NodeCall& c, bool transposes_a, bool transposes_b) {
    const Dequantized *a = c.value(0).dequantized(), *b = c.value(1).dequantized();
    if (a == nullptr || b == nullptr || !has_one_scale(*a)) return {};
    const auto columns = static_cast<std::int64_t>(b->bytes.rank()) - 1;
    if (!has_one_scale(*b) && (columns != 1 || b->axis != (transposes_b ? 0 : columns))) return {};
    const auto side = [](const Tensor& t, bool transposes) { return transposes ? t.t() : t; };
    const auto of_columns = [](const Tensor& t) { return is_one_number(t) ? reshape(t, Shape{}) : t; };
    const Tensor b_zero = b->zero.is_empty() ? b->zero : of_columns(b->zero);
    const Tensor whole =
        integer_product(side(a->bytes, transposes_a), one_or_none(a->zero), side(b->bytes, transposes_b), b_zero);
    return scaled(whole, one_or_none(a->scale), of_columns(b->scale));
}
std::optional<Tensor> dequantized_product(const NodeCall& c) { return dequantized_product(c, false, false); }

Operators quantization_operators() { return rows; }

}  // namespace lathe::onnx
