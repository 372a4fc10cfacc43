// Values as multiples of their deviation from their mean, or of their norm; and softmax.
//
// Where an operator says in which dtype it computes (stash_type), its normal values are rounded to that of the result
// before they are scaled, as its definition as a function has it.
#include "ir/functions/normalization.h"

#include <fmt/format.h>

#include "frontend/functions/creation.h"
#include "frontend/functions/elementwise.h"
#include "frontend/functions/movement.h"
#include "frontend/functions/reductions.h"
#include "frontend/onnx/operators.h"
#include "frontend/tensor/record.h"

namespace lathe::onnx {
namespace {

namespace f = ir::functions;

double epsilon_of(const NodeCall& c, double otherwise = static_cast<double>(1e-5F)) {
    return c.number("epsilon", otherwise);
}

// The dtype that a normalization computes in: f32 unless the node says something else.
Dtype stash_dtype(const NodeCall& c) {
    const Dtype d = c.dtype("stash_type", Dtype::f32);
    if (!ir::is_float(d)) c.refuse("stash_type is no dtype of floats");
    return d;
}

void require_vector(const NodeCall& c, std::size_t i, Dim extent, std::string_view of) {
    c.require_floats(i);
    if (c[i].rank() != 1 || !f::may_be_equal(c[i].dim(0), extent))
        c.refuse(fmt::format("operand {} has to be a number for each {}", i, of));
}
void require_channels(const NodeCall& c, const Tensor& x, std::size_t first, std::size_t last) {
    for (std::size_t i = first; i <= last; ++i) require_vector(c, i, x.type().shape[1], "channel");
}

// ---- by channels

Results batch_normalization(NodeCall& c) {
    c.require_floats(0);
    const Tensor x = c[0];
    if (x.rank() < 2) c.refuse(fmt::format("there are no channels in {} dimensions", x.rank()));
    if (c.opset() < 9 && !c.flag("spatial", true)) c.refuse("spatial = 0 is not supported");
    require_channels(c, x, 1, 4);
    // What came to be an attribute was said by the number of results.
    const bool trains =
        c.opset() >= 14 ? c.flag("training_mode") : c.wants(1) || c.wants(2) || c.wants(3) || c.wants(4);
    const double epsilon = epsilon_of(c);
    const f::ScaleAndOffset<Tensor> affine{c[1], c[2]};
    if (!trains) return {f::batch_norm(x, c[3], c[4], affine, epsilon)};

    // The statistics of these images, and what they make of those that there were: the first part of momentum stays.
    const double momentum = c.number("momentum", static_cast<double>(0.9F));
    const ir::Integers axes = f::all_but_channels(x.rank());
    const Tensor wide = convert(x, ir::accumulator_of(x.dtype()));
    const Tensor mean = f::mean(wide, axes), variance = f::variance(wide, axes);
    const auto updated = [&](const Tensor& before, const Tensor& now) {
        const Dtype d = ir::accumulator_of(before.dtype());
        return convert(convert(before, d) * momentum + convert(now, d) * (1 - momentum), before.dtype());
    };
    const auto as = [](const Tensor& t, const Tensor& like) { return convert(t, like.dtype()); };
    return {f::batch_norm(x, affine, epsilon), updated(c[3], mean), updated(c[4], variance), as(mean, c[3]),
            as(variance, c[4])};
}

Results instance_normalization(NodeCall& c) {
    c.require_floats(0);
    const Tensor x = c[0];
    if (x.rank() < 3) c.refuse(fmt::format("there are no extents in {} dimensions", x.rank()));
    require_channels(c, x, 1, 2);
    return {f::instance_norm<Tensor>(x, {c[1], c[2]}, epsilon_of(c))};
}

Results group_normalization(NodeCall& c) {
    c.require_floats(0);
    const Tensor x = c[0];
    if (x.rank() < 3) c.refuse(fmt::format("there are no extents in {} dimensions", x.rank()));
    const std::int64_t groups = c.integer("num_groups");
    const Dim channels = x.type().shape[1];
    if (groups < 1 || (channels.is_constant() && channels.constant() % groups != 0))
        c.refuse(fmt::format("the channels do not divide into {} groups", groups));
    // Before opset 21 scale and offset were numbers for each group.
    const bool by_group = c.opset() < 21;
    const auto of_channels = [&](std::size_t i) {
        require_vector(c, i, by_group ? Dim(groups) : channels, by_group ? "group" : "channel");
        if (!by_group) return c[i];
        const Dim own = ir::floordiv(channels, groups);
        return reshape(broadcast_to(reshape(c[i], {groups, 1}), {groups, own}), {own * groups});
    };
    const f::ScaleAndOffset<Tensor> affine{f::along_channels(x, of_channels(1)), f::along_channels(x, of_channels(2))};
    const Dtype stash = by_group ? ir::accumulator_of(x.dtype()) : stash_dtype(c);
    const Tensor normal = f::group_norm<Tensor>(convert(x, stash), groups, {}, epsilon_of(c));
    return {affine(convert(normal, x.dtype()))};
}

// Sums of squares over neighbouring channels. Of an even number the one more is behind.
Results local_response_normalization(NodeCall& c) {
    c.require_floats(0);
    const Tensor x = c[0];
    const std::int64_t size = c.integer("size");
    if (size < 1) c.refuse(fmt::format("size is {}, less than 1", size));
    if (x.rank() < 2) c.refuse(fmt::format("there are no channels in {} dimensions", x.rank()));
    const double alpha = c.number("alpha", static_cast<double>(1e-4F)), beta = c.number("beta", 0.75);
    const double bias = c.number("bias", 1);
    f::PoolingGeometry g;
    for (std::size_t i = 1; i < x.rank(); ++i) {
        g.size.push_back(i == 1 ? size : 1);
        g.low.push_back(i == 1 ? (size - 1) / 2 : 0);
        g.high.push_back(i == 1 ? size / 2 : 0);
        g.beyond.push_back(0);
        g.stride.push_back(1);
        g.dilation.push_back(1);
    }
    return {f::in_accumulator(x, [&](const Tensor& wide) {
        return wide / pow(f::sum_pool(wide * wide, g) * (alpha / static_cast<double>(size)) + bias, beta);
    })};
}

// ---- by axes

// A scale or an offset broadcasts to x, and not x to it.
void require_beside(const NodeCall& c, std::size_t i, const Tensor& x) {
    c.require_floats(i);
    const Shape &own = c[i].type().shape, &whole = x.type().shape;
    bool fits = own.rank() <= whole.rank();
    for (std::size_t k = 1; fits && k <= own.rank(); ++k) {
        const Dim d = own[own.rank() - k];
        fits = d == Dim(1) || f::may_be_equal(d, whole[whole.rank() - k]);
    }
    if (!fits) c.refuse(fmt::format("operand {} does not broadcast to the shape of the first", i));
}

ir::Integers axes_from(const NodeCall& c, const Tensor& x, std::int64_t axis) {
    ir::Integers axes;
    const auto rank = static_cast<std::int64_t>(x.rank());
    for (std::int64_t i = c.natural_axis(axis, x.rank()); i < rank; ++i) axes.push_back(i);
    return axes;
}

// Normal values in the dtype of the scale and scaled, the mean, and the inverse of the deviation.
Results layer_normalized(const NodeCall& c, const Tensor& x, std::size_t scale, std::size_t offset,
                         const ir::Integers& axes, Dtype stash, double epsilon) {
    require_beside(c, scale, x);
    if (c.has(offset)) require_beside(c, offset, x);
    const f::Moments<Tensor> moments(convert(x, stash), axes);
    const Tensor inverse = rsqrt(moments.variance + epsilon);
    Tensor y = convert(moments.centred * inverse, x.dtype()) * c[scale];
    if (c.has(offset)) y = y + c[offset];
    return {y, moments.mean, inverse};
}
// The same without a mean, and without an offset.
Results rms_normalized(const NodeCall& c, const Tensor& x, std::size_t scale, const ir::Integers& axes, Dtype stash,
                       double epsilon) {
    require_beside(c, scale, x);
    const Tensor wide = convert(x, stash);
    const Tensor inverse = rsqrt(f::expand_dims(f::mean(wide * wide, axes), x.type().shape, axes) + epsilon);
    return {convert(wide * inverse, c[scale].dtype()) * c[scale], inverse};
}

Results layer_normalization(NodeCall& c) {
    c.require_floats(0);
    return layer_normalized(c, c[0], 1, 2, axes_from(c, c[0], c.integer("axis", -1)), stash_dtype(c), epsilon_of(c));
}
Results rms_normalization(NodeCall& c) {
    c.require_floats(0);
    return rms_normalized(c, c[0], 1, axes_from(c, c[0], c.integer("axis", -1)), stash_dtype(c), epsilon_of(c));
}

// x / norm, and 0 where the norm is.
Results norm_normalization(NodeCall& c) {
    c.require_floats(0);
    const Tensor x = c[0];
    const std::int64_t p = c.integer("p", 2), axis = c.natural_axis(c.integer("axis", -1), x.rank());
    if (p != 1 && p != 2) c.refuse(fmt::format("p is {}, not 1 or 2", p));
    return {f::in_accumulator(x, [&](const Tensor& wide) {
        const Tensor length = norm(wide, axis, {.p = static_cast<double>(p), .keep = true});
        return where(length == 0, 0, wide / length);
    })};
}

Results mean_variance_normalization(NodeCall& c) {
    c.require_floats(0);
    const Tensor x = c[0];
    const std::vector<std::int64_t> given =
        c.natural_axes(c.integers("axes").value_or(std::vector<std::int64_t>{0, 2, 3}), x.rank());
    ir::Integers axes(given.begin(), given.end());
    std::ranges::sort(axes);
    return {f::in_accumulator(x, [&](const Tensor& wide) {
        const f::Moments<Tensor> moments(wide, axes);
        return moments.centred / (sqrt(moments.variance) + 1e-9);
    })};
}

// ---- lines whose sum is 1

// Along an axis; before opset 13 along it and all behind it as one.
template <class F>
Results of_lines(const NodeCall& c, const F& function) {
    c.require_floats(0);
    const Tensor x = c[0];
    const bool is_flat = c.opset() < 13;
    const std::int64_t axis = c.natural_axis(c.integer("axis", is_flat ? 1 : -1), x.rank());
    if (!is_flat) return {function(x, axis)};
    Dim lines = 1, elements = 1;
    for (std::size_t i = 0; i < x.rank(); ++i)
        (static_cast<std::int64_t>(i) < axis ? lines : elements) *= x.type().shape[i];
    return {reshape(function(reshape(x, {lines, elements}), 1), x.type().shape)};
}

Tensor greatest_marked(const Tensor& x, std::int64_t axis) {
    const Tensor first = argmax(x, axis);
    Shape line{x.dim(axis)};
    for (auto i = static_cast<std::size_t>(axis) + 1; i < x.rank(); ++i) line.push_back(1);
    return convert(reshape(arange(x.dim(axis)), line) == unsqueeze(first, axis), x.dtype());
}

Results soft_max(NodeCall& c) {
    return of_lines(c, [](const Tensor& x, std::int64_t axis) { return softmax(x, axis); });
}
Results log_soft_max(NodeCall& c) {
    return of_lines(c, [](const Tensor& x, std::int64_t axis) { return log_softmax(x, axis); });
}
Results hard_max(NodeCall& c) { return of_lines(c, greatest_marked); }

// ---- of sums: com.microsoft

Tensor sum_of_inputs(const NodeCall& c, std::size_t bias) {
    require_beside(c, 1, c[0]);
    if (c.has(bias)) require_beside(c, bias, c[0]);
    if (c[2].dtype() != c[0].dtype()) c.refuse("the scale is of another dtype");
    const Tensor sum = c[0] + c[1];
    return c.has(bias) ? sum + c[bias] : sum;
}

// scale, offset and bias are operands 2, 3 and 4.
Results skip_layer_normalization(NodeCall& c) {
    const Tensor sum = sum_of_inputs(c, 4);
    Results results = layer_normalized(c, sum, 2, 3, axes_from(c, sum, -1), ir::accumulator_of(sum.dtype()),
                                       epsilon_of(c, static_cast<double>(1e-12F)));
    results.emplace_back(sum);
    return results;
}
// Without an offset: scale and bias are operands 2 and 3.
Results skip_rms_normalization(NodeCall& c) {
    const Tensor sum = sum_of_inputs(c, 3);
    const Results own = rms_normalized(c, sum, 2, axes_from(c, sum, -1), ir::accumulator_of(sum.dtype()),
                                       epsilon_of(c, static_cast<double>(1e-12F)));
    if (c.wants(1)) c.refuse("there is no mean as a result");
    return {own[0], Value(), own[1], sum};
}

constexpr std::string_view microsoft = "com.microsoft";

constexpr Operator rows[] = {
    {"BatchNormalization", batch_normalization},
    {"GroupNormalization", group_normalization},
    {"Hardmax", hard_max},
    {"InstanceNormalization", instance_normalization},
    {"LRN", local_response_normalization},
    {"LayerNormalization", layer_normalization},
    {"LogSoftmax", log_soft_max},
    {"LpNormalization", norm_normalization},
    {"MeanVarianceNormalization", mean_variance_normalization},
    {"RMSNormalization", rms_normalization},
    {"SimplifiedLayerNormalization", rms_normalization},
    {.name = "SimplifiedLayerNormalization", .record = rms_normalization, .domain = microsoft},
    {.name = "SkipLayerNormalization", .record = skip_layer_normalization, .domain = microsoft},
    {.name = "SkipSimplifiedLayerNormalization", .record = skip_rms_normalization, .domain = microsoft},
    {"Softmax", soft_max},
};

}  // namespace

Operators normalization_operators() { return rows; }

}  // namespace lathe::onnx
