// Convolutions and their transposes, and columns of windows put together to images.
#include "ir/functions/convolution.h"

#include <fmt/format.h>

#include "frontend/functions/activations.h"
#include "frontend/functions/binary.h"
#include "frontend/functions/elementwise.h"
#include "frontend/onnx/operators.h"
#include "frontend/onnx/operators/dequantized.h"
#include "frontend/onnx/operators/windows.h"
#include "frontend/tensor/record.h"

namespace lathe::onnx {
namespace {

namespace f = ir::functions;

// The sizes of windows [.., .., sizes..] of as many extents as images have.
Shape sizes_of(const NodeCall& c, const Tensor& x, const Tensor& w) {
    if (x.rank() < 3 || x.rank() > 5) c.refuse(fmt::format("images of {} dimensions, not 3 to 5", x.rank()));
    if (w.rank() != x.rank()) c.refuse(fmt::format("images of {} dimensions with windows of {}", x.rank(), w.rank()));
    Shape sizes;
    for (std::size_t i = 2; i < w.rank(); ++i) sizes.push_back(w.type().shape[i]);
    const ir::Integers said = per_extent(c, "kernel_shape", sizes.rank(), 0, 1);
    for (std::size_t i = 0; i < sizes.rank(); ++i)
        if (c.find("kernel_shape") != nullptr && sizes[i].is_constant() && sizes[i].constant() != said[i])
            c.refuse(fmt::format("kernel_shape has {}, but the windows are of size {}", said[i], sizes[i].constant()));
    return sizes;
}

std::int64_t groups_of(const NodeCall& c) {
    const std::int64_t groups = c.integer("group", 1);
    if (groups < 1) c.refuse(fmt::format("group is {}, less than 1", groups));
    return groups;
}
void require_groups(const NodeCall& c, Dim channels, std::int64_t groups) {
    if (channels.is_constant() && channels.constant() % groups != 0)
        c.refuse(fmt::format("{} channels do not divide into {} groups", channels.constant(), groups));
}

Tensor with_bias(const NodeCall& c, const Tensor& y) {
    if (!c.has(2)) return y;
    if (c[2].rank() != 1 || !f::may_be_equal(c[2].dim(0), y.dim(1)))
        c.refuse("the bias has to be a number for each channel of the result");
    return f::with_bias(y, c[2]);
}

Tensor convolution(const NodeCall& c) {
    const std::optional<Tensor> of_integers = dequantized_convolution(c);
    return with_bias(c, of_integers ? *of_integers : convolved(c, c[0], c[1]));
}
Results convolve(NodeCall& c) { return {convolution(c)}; }

// What all windows bring to the result without padding is cut to what is left of it: by the padding, or to the extents
// that output_shape says, or auto_pad, which makes each extent so many times as large as the stride is.
Results convolve_transposed(NodeCall& c) {
    const Tensor x = c[0], w = c[1];
    const Shape sizes = sizes_of(c, x, w);
    const std::size_t extents = sizes.rank();
    const std::int64_t groups = groups_of(c);
    require_groups(c, w.type().shape[0], groups);
    if (!f::may_be_equal(x.type().shape[1], w.type().shape[0]))
        c.refuse("the channels of images and windows differ in number");
    f::WindowGeometry g;
    g.stride = per_extent(c, "strides", extents, 1, 1);
    g.dilation = per_extent(c, "dilations", extents, 1, 1);
    const ir::Integers pads = per_extent(c, "pads", 2 * extents, 0, 0);
    const ir::Integers more = per_extent(c, "output_padding", extents, 0, 0);
    const AutoPad automatic = auto_pad_of(c);
    const bool is_same = automatic == AutoPad::same_upper || automatic == AutoPad::same_lower;
    const bool is_given = c.find("output_shape") != nullptr;
    const ir::Integers given = per_extent(c, "output_shape", extents, 0, 1);
    Shape behind;
    for (std::size_t i = 0; i < extents; ++i) {
        if (more[i] >= g.stride[i] && more[i] >= g.dilation[i] && more[i] > 0)
            c.refuse(fmt::format("output_padding has {}, not less than the stride, {}, or the dilation, {}", more[i],
                                 g.stride[i], g.dilation[i]));
        const Dim extent = x.type().shape[i + 2];
        const Dim whole = (extent - 1) * g.stride[i] + (sizes[i] - 1) * g.dilation[i] + 1 + more[i];
        Amounts amounts{0, 0};
        if (is_given || is_same) {
            const Dim result = is_given ? Dim(given[i]) : extent * g.stride[i];
            amounts = shared_out(ir::max(whole - result, 0), automatic != AutoPad::same_upper);
            amounts.high = whole - result - amounts.low;  // negative: more elements, to which nothing is brought
        } else if (automatic == AutoPad::notset) {
            amounts = {pads[i], pads[extents + i]};
        }
        g.low.push_back(amounts.low);
        g.high.push_back(amounts.high);
        behind.push_back(more[i]);
    }
    return {with_bias(c, f::transposed_convolution(x, w, g, behind, groups))};
}

// [images, channels * elements of a window, windows] to [images, channels, extents..].
Results columns_to_image(NodeCall& c) {
    const Tensor x = c[0];
    if (x.rank() != 3) c.refuse(fmt::format("columns of {} dimensions, not 3", x.rank()));
    const Shape extents = c.shape(1);
    const std::vector<std::int64_t> sizes = c.integers(2);
    if (sizes.size() != extents.rank() || sizes.empty())
        c.refuse(fmt::format("{} extents of images, but {} of windows", extents.rank(), sizes.size()));
    std::int64_t elements = 1;
    for (const std::int64_t n : sizes) {
        if (n < 1) c.refuse(fmt::format("a window has an extent of {}", n));
        if (__builtin_mul_overflow(elements, n, &elements)) c.refuse("a window has too many elements");
    }
    const f::PoolingGeometry g = windows_of(c, extents, Shape(sizes));
    const Dim columns = x.type().shape[1];
    if (columns.is_constant() && columns.constant() % elements != 0)
        c.refuse(fmt::format("{} columns are no multiple of a window's {} elements", columns.constant(), elements));
    return {f::fold(x, extents, g)};
}

// ---- com.microsoft

Tensor activated(const NodeCall& c, const Tensor& x) {
    const std::string name = c.text("activation", "");
    const std::vector<double> parameters = c.numbers("activation_params").value_or(std::vector<double>());
    const auto require = [&](std::size_t count) {
        if (parameters.size() != count)
            c.refuse(fmt::format("{} parameters of {}, not {}", parameters.size(), name, count));
    };
    if (name.empty()) return x;
    if (name == "Relu") return relu(x);
    if (name == "Tanh") return tanh(x);
    if (name == "Sigmoid") return sigmoid(x);
    if (name == "LeakyRelu") return require(1), leaky_relu(x, parameters[0]);
    if (name == "Clip") return require(2), minimum(maximum(x, parameters[0]), parameters[1]);
    if (name == "HardSigmoid") return require(2), clamp(x * parameters[0] + parameters[1], 0, 1);
    c.refuse("the activation is not supported");
}

// activation(convolution + addend)
Results fused_convolution(NodeCall& c) {
    const Tensor y = convolution(c);
    return {activated(c, c.has(3) ? y + c[3] : y)};
}

constexpr Operator rows[] = {
    {"Col2Im", columns_to_image},
    {"Conv", convolve},
    {"ConvTranspose", convolve_transposed},
    {.name = "FusedConv", .record = fused_convolution, .domain = "com.microsoft"},
};

}  // namespace

Tensor convolved(const NodeCall& c, const Tensor& x, const Tensor& w) {
    const f::PoolingGeometry g = windows_of(c, x.type().shape, sizes_of(c, x, w));
    const std::int64_t groups = groups_of(c);
    require_groups(c, x.type().shape[1], groups);
    require_groups(c, w.type().shape[0], groups);
    return f::convolution(x, w, g, groups);
}

Operators convolution_operators() { return rows; }

}  // namespace lathe::onnx
