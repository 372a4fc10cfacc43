#include "frontend/onnx/operators/resampling.h"

// Places, neighbours and weights are numbers where the extents are known, and else are computed by the model: the same
// formulas, for N = double and for N = Tensor of f64.
#include <algorithm>
#include <cmath>

#include "frontend/functions/creation.h"
#include "frontend/functions/elementwise.h"
#include "frontend/functions/indexing.h"
#include "frontend/functions/joining.h"
#include "frontend/functions/movement.h"
#include "frontend/functions/reductions.h"
#include "frontend/tensor/record.h"
#include "ir/functions/basic.h"

namespace lathe::onnx::resampling {
namespace {

namespace f = ir::functions;

// ---- what doubles and tensors have in common

double chosen(bool condition, double a, double b) { return condition ? a : b; }
Tensor chosen(const Tensor& condition, const detail::Operand& a, const detail::Operand& b) {
    return where(condition, a, b);
}
double least(double a, double b) { return std::min(a, b); }
Tensor least(const Tensor& a, const detail::Operand& b) { return minimum(a, b); }
double greatest(double a, double b) { return std::max(a, b); }
Tensor greatest(const Tensor& a, const detail::Operand& b) { return maximum(a, b); }
double distance(double a) { return std::abs(a); }
Tensor distance(const Tensor& a) { return abs(a); }
double below(double a) { return std::floor(a); }
Tensor below(const Tensor& a) { return floor(a); }
double above(double a) { return std::ceil(a); }
Tensor above(const Tensor& a) { return ceil(a); }
double as_f32(double a) { return static_cast<double>(static_cast<float>(a)); }
Tensor as_f32(const Tensor& a) { return convert(convert(a, Dtype::f32), Dtype::f64); }

// ---- places

// The place, among `from` elements, of element i of `to`.
template <class N>
N place_of(const Line& line, const Options& o, const N& i, const N& from, const N& to) {
    // Where it decides which element is the nearest, rounded to f32, since scales are numbers of that kind: 3 / 0.6
    // is 5.
    const auto in_elements = [&](const N& v) -> N {
        const N exact = line.scale ? N(v / *line.scale) : N(v * from / to);
        return o.filter == Filter::nearest ? as_f32(exact) : exact;
    };
    const auto half_pixel = [&]() -> N { return in_elements(i + 0.5) - 0.5; };
    const bool is_one = line.to == Dim(1);
    switch (o.places) {
        case Places::half_pixel:
            return half_pixel();
        case Places::half_pixel_symmetric: {
            // The middle stays where it is, although part of an element was lost to rounding.
            if (!line.scale) return half_pixel();
            const N lost = 1 - to / as_f32(N(from * *line.scale));
            return from * 0.5 * lost + half_pixel();
        }
        case Places::pytorch_half_pixel:
            if (is_one) return i * 0;
            return line.to.is_constant() ? half_pixel() : N(chosen(to > 1, half_pixel(), 0));
        case Places::align_corners: {
            // Of a scale the extent counts that it gives before rounding.
            const N width = line.scale ? as_f32(N(from * *line.scale)) : to;
            if (line.is_known() && line.to == Dim(1) && !line.scale) return i * 0;
            return chosen(width == 1, i * 0, i * (from - 1) / chosen(width == 1, width, width - 1));
        }
        case Places::asymmetric:
            return in_elements(i);
        case Places::tf_half_pixel_for_nn:
            return in_elements(i + 0.5);
        case Places::tf_crop_and_resize: {
            if (is_one) return i * 0 + (from - 1) * (0.5 * (line.start + line.end));
            const N whole = i * (from - 1) / chosen(to == 1, to, to - 1);
            return chosen(to == 1, (from - 1) * (0.5 * (line.start + line.end)),
                          (from - 1) * line.start + whole * (line.end - line.start));
        }
    }
    return i;
}

template <class N>
N nearest_to(const N& place, Nearest how) {
    const N at = as_f32(place);  // likewise
    switch (how) {
        case Nearest::round_prefer_floor:
            return above(at - 0.5);
        case Nearest::round_prefer_ceil:
            return below(at + 0.5);
        case Nearest::floor:
            return below(at);
        case Nearest::ceil:
            return above(at);
    }
    return at;
}

// What a neighbour at a distance counts for, as long as that is less than 1, or 2.
template <class N>
N weight_at(const N& away, const Options& o) {
    const N t = distance(away);
    if (o.filter == Filter::linear) return greatest(1 - t, 0.0);
    const double a = o.sharpness;
    const N near = (t * (a + 2) - (a + 3)) * t * t + 1, far = ((t * a - 5 * a) * t + 8 * a) * t - 4 * a;
    return chosen(t <= 1, near, chosen(t < 2, far, t * 0));
}

// The neighbours of a place, of which there are as many for each, and what they count for.
template <class N>
struct Neighbours {
    std::vector<N> places, weights;

    Neighbours(const N& place, const N& from, const Options& o, double stretch) {
        const auto clipped = [&](const N& at) -> N { return greatest(least(at, from - 1), 0.0); };
        if (o.filter == Filter::nearest) {
            places.push_back(clipped(nearest_to(place, o.nearest)));
            return;
        }
        const double reach = o.filter == Filter::linear ? 1 : 2;
        const auto first = static_cast<std::int64_t>(std::floor(-reach / stretch)) + 1;
        const N base = below(place), fraction = place - base;
        std::optional<N> total;
        for (std::int64_t k = first; k <= 1 - first; ++k) {
            const auto away = static_cast<double>(k);
            const N at = base + away;
            N weight = weight_at<N>((away - fraction) * stretch, o);
            if (o.exclude_outside) weight = chosen(at < 0.0, 0 * weight, chosen(at > from - 1, 0 * weight, weight));
            places.push_back(clipped(at));
            weights.push_back(weight);
            total = total ? N(*total + weight) : weight;
        }
        if (stretch == 1 && !o.exclude_outside) return;  // they add up to 1 as they are
        const N divisor = chosen(*total == 0.0, *total + 1, *total);
        for (N& w : weights) w = w / divisor;
    }
};

// ---- along one axis

// [to] each: places as i64, weights in a dtype; and where there is nothing to take elements from.
struct Samples {
    std::vector<Tensor> places, weights;
    Tensor is_outside;
};

Samples known_samples(const Line& line, const Options& o, double stretch, Dtype dtype) {
    const std::int64_t count = line.to.constant();
    const auto from = static_cast<double>(line.from.constant()), to = static_cast<double>(count);
    std::vector<std::vector<std::int64_t>> places;
    std::vector<std::vector<double>> weights;
    std::vector<std::int64_t> outside;
    for (std::int64_t i = 0; i < count; ++i) {
        const double place = place_of<double>(line, o, static_cast<double>(i), from, to);
        const Neighbours<double> own(place, from, o, stretch);
        places.resize(own.places.size());
        weights.resize(own.weights.size());
        for (std::size_t k = 0; k < own.places.size(); ++k)
            places[k].push_back(static_cast<std::int64_t>(own.places[k]));
        for (std::size_t k = 0; k < own.weights.size(); ++k) weights[k].push_back(own.weights[k]);
        outside.push_back(place < 0 || place > from - 1 ? 1 : 0);
    }
    Samples s;
    for (const auto& p : places) s.places.push_back(Tensor::from(p, {count}));
    for (const auto& w : weights) s.weights.push_back(convert(Tensor::from(w, {count}), dtype));
    if (std::ranges::find(outside, 1) != outside.end()) s.is_outside = Tensor::from(outside, {count}) == 1;
    return s;
}

Samples computed_samples(const Tensor& x, const Line& line, const Options& o, double stretch, Dtype dtype) {
    const Tensor from = f::extent_value(x, line.from, Dtype::f64), to = f::extent_value(x, line.to, Dtype::f64);
    const Tensor place = place_of<Tensor>(line, o, arange(line.to, Dtype::f64), from, to);
    const Neighbours<Tensor> own(place, from, o, stretch);
    Samples s;
    for (const Tensor& p : own.places) s.places.push_back(convert(p, Dtype::i64));
    for (const Tensor& w : own.weights) s.weights.push_back(convert(w, dtype));
    s.is_outside = logical_or(place<0.0, place> from - 1);
    return s;
}

// How much the kernel is narrower than what it has to cover: less than 1 where elements get lost.
double stretch_of(const NodeCall& c, const Line& line, const Options& o) {
    if (!o.antialias || o.filter == Filter::nearest) return 1;
    if (line.scale) return std::min(*line.scale, 1.0);
    if (!line.is_known()) c.refuse("antialias is supported where the extents are known");
    return std::min(static_cast<double>(line.to.constant()) / static_cast<double>(line.from.constant()), 1.0);
}

constexpr std::size_t most_unrolled = 4;

Tensor weighted_sum(const Tensor& x, const Samples& s, const Line& line) {
    const auto axis = static_cast<std::int64_t>(line.axis);
    if (s.weights.empty()) return gather(x, s.places[0], axis);
    const std::size_t behind = x.rank() - line.axis - 1;
    if (s.places.size() > most_unrolled) {
        Shape plane{line.to, static_cast<std::int64_t>(s.weights.size())};
        for (std::size_t i = 0; i < behind; ++i) plane.push_back(1);
        return sum(gather(x, stack(s.places, 1), axis) * reshape(stack(s.weights, 1), plane), axis + 1);
    }
    Shape column{line.to};
    for (std::size_t i = 0; i < behind; ++i) column.push_back(1);
    Tensor total;
    for (std::size_t k = 0; k < s.places.size(); ++k) {
        const Tensor part = gather(x, s.places[k], axis) * reshape(s.weights[k], column);
        total = k == 0 ? part : total + part;
    }
    return total;
}

}  // namespace

Tensor resampled(const NodeCall& c, const Tensor& x, const std::vector<Line>& lines, const Options& o) {
    const Dtype own = x.dtype();
    const Dtype wide = o.filter == Filter::nearest ? own
                       : ir::is_float(own)         ? ir::accumulator_of(own)
                                                   : (ir::size_of(own) < 4 ? Dtype::f32 : Dtype::f64);
    Tensor y = convert(x, wide), outside;
    for (const Line& line : lines) {
        if (line.from == Dim(0)) c.refuse("an extent is 0");
        const double stretch = stretch_of(c, line, o);
        const Dtype dtype = ir::is_float(wide) ? wide : Dtype::f32;
        const Samples s =
            line.is_known() ? known_samples(line, o, stretch, dtype) : computed_samples(x, line, o, stretch, dtype);
        y = weighted_sum(y, s, line);
        if (o.places != Places::tf_crop_and_resize || s.is_outside.is_empty()) continue;
        Shape column{line.to};
        for (std::size_t i = line.axis + 1; i < x.rank(); ++i) column.push_back(1);
        const Tensor own_outside = reshape(s.is_outside, column);
        outside = outside.is_empty() ? own_outside : logical_or(outside, own_outside);
    }
    if (wide != own && !ir::is_float(own)) y = round(y);
    y = convert(y, own);
    if (outside.is_empty()) return y;
    return where(outside, convert(full({}, o.extrapolation, Dtype::f64), own), y);
}

}  // namespace lathe::onnx::resampling
