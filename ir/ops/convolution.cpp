#include "ir/ops/convolution.h"

#include <algorithm>

#include "ir/functions/window_elements.h"
#include "ir/functions/windows.h"
#include "ir/ops/arithmetic.h"
#include "ir/ops/binary.h"
#include "ir/ops/memory.h"
#include "ir/ops/views.h"

namespace lathe::ir::ops {
namespace {

namespace f = functions;

constexpr std::size_t first_extent = 2;  // behind images and channels, or outputs and channels

// The attributes of a convolution, as they are read everywhere here.
struct Geometry {
    Shape low, high;
    Integers stride, spread, dilation;
    Dim groups;

    explicit Geometry(std::span<const Attribute> a)
        : low(convolution_low(a)),
          high(convolution_high(a)),
          stride(convolution_stride(a)),
          spread(convolution_spread(a)),
          dilation(convolution_dilation(a)),
          groups(convolution_groups(a)[0]) {}
    Attributes attributes() const { return {low, high, stride, spread, dilation, Shape{groups}}; }
    Attributes with_groups(Dim count) const {
        Geometry other = *this;
        other.groups = count;
        return other.attributes();
    }
    // Of x, along one dimension, spread out and padded.
    Dim padded(const Shape& x, std::size_t i) const { return low[i] + (x[i] - 1) * spread[i] + 1 + high[i]; }
    Dim windows(const Shape& x, const Shape& w, std::size_t i) const {
        return f::window_count(padded(x, i), w[i], stride[i], dilation[i]);
    }
};

Value with_shape(const Value& x, std::initializer_list<Dim> first, std::span<const Dim> rest) {
    Shape shape(first);
    for (Dim d : rest) shape.push_back(d);
    return f::reshape(x, shape);
}
std::span<const Dim> extents_of(const Value& x) { return x.type().shape.dims().subspan(first_extent); }

Value exchange_first_two(const Value& x, std::size_t at = 0) {
    Integers order = f::all_axes(x.type().shape.rank());
    std::swap(order[at], order[at + 1]);
    return f::transpose(x, std::move(order));
}

// x with its zeros, in memory: windows that overlap would choose between element and zero again and again.
Value padded(const Value& x, const Geometry& g) {
    Value out = x;
    for (std::size_t i = first_extent; i < x.type().shape.rank(); ++i)
        out = f::spread_out(out, static_cast<std::int64_t>(i), g.spread[i]);
    const auto is_zero = [](Dim d) { return d == Dim(0); };
    if (std::ranges::all_of(g.low, is_zero) && std::ranges::all_of(g.high, is_zero)) return out;
    return f::zero_padded(out, g.low, g.high);
}

Value stored(const Value& x, Integers order) {
    const Integers whole(order.size(), 1);
    return relayout.with({std::move(order), whole}, x);
}

// The order of dimensions in which channels are last.
Integers channels_behind(std::size_t rank) {
    Integers order = f::all_axes(rank);
    std::rotate(order.begin() + 1, order.begin() + 2, order.end());
    return order;
}

// [images, channels, windows.., elements of a window..]
Value all_windows(const Value& x, const Geometry& g, std::span<const Dim> sizes) {
    Value out = x;
    for (std::size_t k = 0; k < sizes.size(); ++k) {
        const std::size_t i = first_extent + k;
        out = f::windows(out, static_cast<std::int64_t>(i), sizes[k], g.stride[i], g.dilation[i]);
    }
    return out;
}

Integers range(std::size_t begin, std::size_t end) {
    Integers out;
    for (std::size_t i = begin; i < end; ++i) out.push_back(static_cast<std::int64_t>(i));
    return out;
}
void append(Integers& list, const Integers& more) { list.insert(list.end(), more.begin(), more.end()); }

}  // namespace

Type convolution_type(TypeContext& c) {
    rules::require_dtype(c, 0, c.op().dtypes);
    rules::require_same_dtype(c, 0, 1);
    const Shape &x = c.operand(0).shape, &w = c.operand(1).shape;
    if (x.rank() < first_extent + 1 || x.rank() > first_extent + 3)
        c.fail("wants images, channels and one to three extents");
    if (w.rank() != x.rank()) c.fail("the ranks differ");
    const Geometry g(c.attributes());
    const auto require_positive = [&](const char* name, std::int64_t n) {
        if (n < 1) c.fail(std::string(name) + " is " + std::to_string(n) + ", less than 1");
    };
    if (g.groups.is_constant()) require_positive("groups", g.groups.constant());
    c.require_equal(x[1], w[1] * g.groups, "the channels are not those of all groups");
    c.require_equal(w[0], floordiv(w[0], g.groups) * g.groups, "the outputs do not divide into groups");
    Shape result{x[0], w[0]};
    for (std::size_t i = first_extent; i < x.rank(); ++i) {
        require_positive("stride", g.stride[i]);
        require_positive("spread", g.spread[i]);
        require_positive("dilation", g.dilation[i]);
        c.require_at_most(1, x[i], "an extent is 0");
        c.require_at_most(1, w[i], "a window of no elements");
        c.require_at_most((w[i] - 1) * g.dilation[i] + 1, g.padded(x, i),
                          "the window is larger than what it moves over");
        result.push_back(g.windows(x, w, i));
    }
    return {c.operand(0).dtype, result};
}

namespace {

// Weights with what an element of a window has of all channels side by side, in memory.
Value channels_last(const Value& w) {
    Integers order{0};
    append(order, range(first_extent, w.type().shape.rank()));
    order.push_back(1);
    const Value moved = f::transpose(w, order);
    const bool is_same = std::ranges::all_of(extents_of(w), [](Dim size) { return size == Dim(1); });
    return is_same ? moved : stored(moved, f::all_axes(order.size()));
}

// x with one dimension as several.
Value cut(const Value& x, std::size_t at, std::span<const Dim> extents) {
    Shape shape;
    for (std::size_t i = 0; i < x.type().shape.rank(); ++i)
        if (i == at)
            for (Dim d : extents) shape.push_back(d);
        else
            shape.push_back(x.type().shape[i]);
    return f::reshape(x, shape);
}

// From so many outputs of a group on, they are what vectors hold (measured).
constexpr std::int64_t vector_outputs = 4;

// What products read of all images and groups.
struct GroupedWindows {
    // [images, (groups), channels of a group, windows.., elements..]. Of three extents images and groups are one
    // dimension, for two would be one too many.
    Value elements;
    std::size_t lead = 1;  // dimensions before the channels
    Shape batch;           // images, (groups)
    std::size_t extents = 0;
    Dim depth;  // elements that an output sees

    GroupedWindows(const Value& x, const Value& w, const Geometry& g)
        : extents(x.type().shape.rank() - first_extent), depth(w.type().shape[1]) {
        const Dim images = x.type().shape[0], channels = w.type().shape[1];
        const bool grouped = g.groups != Dim(1);
        batch.push_back(images);
        if (grouped) batch.push_back(g.groups);
        for (Dim size : extents_of(w)) depth *= size;
        if (grouped && 1 + first_extent + 2 * extents > max_rank) {
            elements = all_windows(with_shape(x, {images * g.groups, channels}, extents_of(x)), g, extents_of(w));
            return;
        }
        elements = all_windows(x, g, extents_of(w));
        if (!grouped) return;
        elements = with_shape(elements, {images, g.groups, channels}, extents_of(elements));
        lead = 2;
    }
    std::span<const Dim> counts() const { return elements.type().shape.dims().subspan(lead + 1, extents); }
    Integers window_axes() const { return range(lead + 1, lead + 1 + extents); }
    // Of an element of a window, then of a channel.
    Integers depth_axes() const {
        Integers axes = range(lead + 1 + extents, lead + 1 + 2 * extents);
        axes.push_back(static_cast<std::int64_t>(lead));
        return axes;
    }
};

// Rows of the product are windows, its columns a group's outputs: their weights are stored in panels, once, and windows
// are read where they lie, an element at a time for many outputs. What follows may stay in that order, since nothing
// but a transposition brings outputs behind the image.
Value by_outputs(const GroupedWindows& windows, const Value& w, const Geometry& g, const OpDef& multiply) {
    const bool grouped = g.groups != Dim(1);
    const std::size_t extents = windows.extents;
    const Dim images = windows.batch[0], outputs = w.type().shape[0];
    const Dim own = grouped ? floordiv(outputs, g.groups) : outputs;
    Integers order = range(0, windows.lead);
    append(order, windows.window_axes());
    append(order, windows.depth_axes());
    Shape shape = windows.batch;
    shape.push_back(1);
    for (Dim n : windows.counts()) shape[shape.rank() - 1] *= n;
    shape.push_back(windows.depth);
    const Value rows = f::reshape(f::transpose(windows.elements, std::move(order)), shape);
    const Value weights = channels_last(w);
    Value product;  // [images, windows, outputs]
    if (grouped) {
        const Value columns = f::reshape(weights, Shape{g.groups, own, windows.depth});
        // Of a batch of both, which comes first; in memory outputs of all groups are side by side.
        product = multiply.with({Integers{1}, Integers{0}, Integers{3}, Integers{2}}, rows, columns);
        const Integers side_by_side{1, 2, 0, 3};
        const Shape joined{images, shape[shape.rank() - 2], outputs};
        product = f::reshape(f::transpose(stored(product, side_by_side), side_by_side), joined);
    } else {
        const Value columns = f::reshape(weights, Shape{own, windows.depth});
        product = multiply.with({Integers{}, Integers{}, Integers{2}, Integers{1}}, rows, columns);
    }
    order = {0, static_cast<std::int64_t>(extents) + 1};
    append(order, range(1, extents + 1));
    return f::transpose(cut(product, 1, windows.counts()), std::move(order));
}

// Where an output sees one channel, a product has but one row, and channels are what vectors hold best. So it is
// written out, element after element of a window, in the order of a product, whose sum ends on one that starts at 0.
// Channels are last.
Value by_elements(const Value& x, const Value& w, const Geometry& g, const Shape& result) {
    const Dtype dtype = x.type().dtype, wide = accumulator_of(dtype);
    const std::size_t rank = x.type().shape.rank();
    const Dim outputs = w.type().shape[0];
    Value input = x;
    if (outputs != g.groups) {  // several outputs for each channel
        const Dim own = floordiv(outputs, g.groups);
        const Value apart = with_shape(x, {x.type().shape[0], g.groups, 1}, extents_of(x));
        Shape repeated = apart.type().shape;
        repeated[first_extent] = own;
        input = with_shape(f::broadcast_to(apart, repeated), {x.type().shape[0], outputs}, extents_of(x));
    }
    const Integers order = channels_behind(rank);
    input = f::transpose(input, order);
    std::int64_t count = 1;
    for (Dim size : extents_of(w)) count *= size.constant();
    const Value elements = stored(f::reshape(w, Shape{outputs, count}), {1, 0});

    Shape size, start(std::vector<std::int64_t>(rank, 0));
    Integers step;
    for (const std::int64_t d : order) {
        const auto i = static_cast<std::size_t>(d);
        size.push_back(result[i]);
        step.push_back(i < first_extent ? 1 : g.stride[i]);
    }
    Value sum = f::convert(f::number(x, 0), wide);
    for (std::int64_t k = 0; k < count; ++k) {
        const std::vector<std::int64_t> at = f::element_index(extents_of(w), k);
        for (std::size_t i = 0; i < at.size(); ++i) start[i + 1] = at[i] * g.dilation[i + first_extent];
        const Value seen = f::convert(f::slice(input, start, size, step), wide);
        const Value weight = f::slice(elements, Shape{0, k}, Shape{outputs, 1}, {1, 1});
        const Value factor = f::convert(f::reshape(weight, Shape{outputs}), wide);
        sum = is_float(wide) ? fma(seen, factor, sum) : add(mul(seen, factor), sum);
    }
    const Value y = f::convert(add(f::convert(f::number(x, 0), wide), sum), dtype);
    return f::transpose(y, ops::inverse(order));
}

// Rows of the product are a group's outputs, its columns the windows along the last extent, and there is one for each
// image, group, and index of the other extents.
Value along_rows(const GroupedWindows& windows, const Value& w, const Geometry& g, const OpDef& multiply) {
    const std::size_t extents = windows.extents;
    const Dim images = windows.batch[0], outputs = w.type().shape[0], depth = windows.depth;
    const bool grouped = g.groups != Dim(1);
    const Dim own = grouped ? floordiv(outputs, g.groups) : outputs;
    const std::span<const Dim> counts = windows.counts();

    // [images, (groups), depth, windows..]
    Integers order = range(0, windows.lead);
    append(order, windows.depth_axes());
    append(order, windows.window_axes());
    Shape shape = windows.batch;
    shape.push_back(depth);
    for (Dim n : counts) shape.push_back(n);
    const Value columns = f::reshape(f::transpose(windows.elements, std::move(order)), shape);
    const Value weights = channels_last(w);
    const Value rows =
        grouped ? f::reshape(weights, Shape{g.groups, own, depth}) : f::reshape(weights, Shape{own, depth});

    // The batch: images, groups, and all extents but the last.
    const std::size_t fixed = grouped ? 2 : 1, outer = extents - 1;
    Shape cells, repeated;
    for (std::size_t i = 0; i < fixed; ++i) {
        cells.push_back(i == 1 ? g.groups : Dim(1));
        repeated.push_back(i == 1 ? g.groups : images);
    }
    for (std::size_t i = 0; i < outer; ++i) {
        cells.push_back(1);
        repeated.push_back(counts[i]);
    }
    for (Dim d : {own, depth}) {
        cells.push_back(d);
        repeated.push_back(d);
    }
    const Value left = f::broadcast_to(f::reshape(rows, cells), repeated);
    Integers right_batch = range(0, fixed);
    append(right_batch, range(fixed + 1, fixed + 1 + outer));
    const auto contracted = static_cast<std::int64_t>(fixed);
    const Integers left_batch = range(0, fixed + outer), left_contract{static_cast<std::int64_t>(fixed + outer) + 1},
                   right_contract{contracted};
    Value product;
    if (&multiply == &dot_general) {
        product = multiply.with({left_batch, right_batch, left_contract, right_contract}, left, columns);
    } else {  // it makes a difference which operand is which
        product = multiply.with({right_batch, left_batch, right_contract, left_contract}, columns, left);
        product = exchange_first_two(product, fixed + outer);
    }

    // Outputs behind the image, or behind the group, with which they become one.
    Integers back = range(0, fixed);
    back.push_back(static_cast<std::int64_t>(fixed + outer));
    append(back, range(fixed, fixed + outer));
    back.push_back(static_cast<std::int64_t>(fixed + outer) + 1);
    const Value result = f::transpose(product, std::move(back));
    return grouped ? with_shape(result, {images, outputs}, counts) : result;
}

// Few enough to read, and to compile.
bool is_written_out(Dim own, const Value& w) {
    constexpr std::int64_t most_elements = 64;
    return own.is_constant() && own.constant() < vector_outputs && f::few_elements(extents_of(w), most_elements);
}

// Rows are windows along all extents together: a product, which has to stay an expression of reasonable size.
bool counts_are_simple(const Shape& x, const Shape& y, const Shape& w) {
    constexpr std::size_t most_terms = 4;
    const auto terms = [](std::span<const Dim> extents) {
        std::size_t product = 1;
        for (const Dim d : extents) product *= std::max<std::size_t>(1, d.terms().size());
        return product;
    };
    return terms(y.dims().subspan(first_extent)) <= most_terms && terms(x.dims().first(1)) <= most_terms &&
           terms(w.dims().subspan(1)) <= most_terms;
}

// Elements that lie side by side in a window are so of all channels, but for few, as of a picture: to bring them there
// costs more than it gains.
Integers order_of_padded(const Value& x) {
    constexpr std::int64_t few = 4;
    const Dim channels = x.type().shape[1];
    const std::size_t rank = x.type().shape.rank();
    return channels.is_constant() && channels.constant() < few ? f::all_axes(rank) : channels_behind(rank);
}

}  // namespace

Values convolution_expansion(const ExpandContext& c) { return convolution_by_products(c, dot_general); }

Values convolution_by_products(const ExpandContext& c, const OpDef& product) {
    const Geometry g(c.node.attributes);
    const Value &x = c.x[0], &w = c.x[1];
    Value input = padded(x, g);
    if (input != x) input = stored(input, order_of_padded(x));
    const Dim own = floordiv(w.type().shape[0], g.groups);
    if (&product == &dot_general && w.type().shape[1] == Dim(1) && is_written_out(own, w))
        return {by_elements(input, w, g, c.node.results[0].shape)};
    const GroupedWindows windows(input, w, g);
    const bool has_few_outputs = g.groups != Dim(1) && own.is_constant() && own.constant() < vector_outputs;
    if (has_few_outputs || !counts_are_simple(x.type().shape, c.node.results[0].shape, w.type().shape))
        return {along_rows(windows, w, g, product)};
    return {by_outputs(windows, w, g, product)};
}

namespace {

// By x: a convolution of the cotangent, spread out by the stride, with the windows reversed and outputs and channels
// exchanged.
Value by_images(const GradientContext& c, const Value& ct) {
    const Geometry g(c.node.attributes);
    const Shape x = c.x[0].type().shape, w = c.x[1].type().shape, y = ct.type().shape;
    Value kernel = c.x[1];
    for (std::size_t i = first_extent; i < w.rank(); ++i) kernel = f::flip(kernel, {static_cast<std::int64_t>(i)});
    if (g.groups == Dim(1)) {
        kernel = exchange_first_two(kernel);
    } else {
        const Dim own = floordiv(w[0], g.groups);
        const Value apart = with_shape(kernel, {g.groups, own, w[1]}, extents_of(kernel));
        kernel = with_shape(exchange_first_two(apart, 1), {x[1], own}, extents_of(kernel));
    }
    Geometry back = g;
    std::swap(back.stride, back.spread);
    for (std::size_t i = first_extent; i < x.rank(); ++i) {
        const Dim reach = (w[i] - 1) * g.dilation[i];
        back.low[i] = reach - g.low[i];
        back.high[i] = (x[i] - 1) * g.spread[i] + 1 + reach - back.low[i] - ((y[i] - 1) * g.stride[i] + 1);
    }
    return convolution.with(back.attributes(), ct, kernel);
}

// By w: for each element of a window a product of the outputs' cotangents with what the element saw of each channel.
Value by_windows(const Value& x, const Value& kernel, const Value& ct, const Geometry& g) {
    const Shape w = kernel.type().shape;
    const std::size_t extents = w.rank() - first_extent;
    const bool grouped = g.groups != Dim(1);
    if (grouped && 1 + first_extent + 2 * extents > max_rank && g.groups.is_constant()) {
        // Groups would be one dimension too many: one after the other.
        Geometry one = g;
        one.groups = 1;
        std::vector<Value> parts;
        const auto part = [&](const Value& v, std::size_t axis, std::int64_t i) {
            Shape start(std::vector<std::int64_t>(v.type().shape.rank(), 0)), size = v.type().shape;
            size[axis] = floordiv(size[axis], g.groups);
            start[axis] = size[axis] * i;
            return f::slice(v, start, size, Integers(size.rank(), 1));
        };
        for (std::int64_t i = 0; i < g.groups.constant(); ++i)
            parts.push_back(by_windows(part(x, 1, i), part(kernel, 0, i), part(ct, 1, i), one));
        return Value::record(concat, parts, {std::int64_t{0}}, Loc{});
    }
    const Dim images = ct.type().shape[0], own = grouped ? floordiv(w[0], g.groups) : w[0];

    // With the channels last, as columns: [images, extents.., channels].
    Integers channels_last{0};
    append(channels_last, range(first_extent, first_extent + extents));
    channels_last.push_back(1);
    Value seen = all_windows(stored(padded(x, g), std::move(channels_last)), g, extents_of(kernel));
    Value out = ct;
    const std::span<const Dim> counts = ct.type().shape.dims().subspan(first_extent);
    if (grouped) {  // [images, groups, ...]
        Shape apart{images, g.groups, w[1]};
        for (Dim d : seen.type().shape.dims().subspan(first_extent)) apart.push_back(d);
        seen = f::reshape(seen, apart);
        out = with_shape(out, {images, g.groups, own}, counts);
    }
    // Dimensions: [images, (groups), channels, windows.., elements..] beside [images, (groups), outputs, windows..].
    const std::size_t lead = grouped ? 2 : 1;
    const Integers elements = range(lead + 1 + extents, lead + 1 + 2 * extents);
    const Integers positions = range(lead + 1, lead + 1 + extents);
    Integers contracted{0};
    append(contracted, positions);
    Integers right_batch = elements;
    if (grouped) right_batch.insert(right_batch.begin(), 1);
    // The cotangents are the same for all elements of a window.
    const Shape before = out.type().shape;
    Shape repeated, cells;
    for (Dim size : extents_of(kernel)) {
        cells.push_back(1);
        repeated.push_back(size);
    }
    for (Dim d : before) {
        cells.push_back(d);
        repeated.push_back(d);
    }
    const Value left = f::broadcast_to(f::reshape(out, cells), repeated);
    Integers left_batch = range(0, extents), left_contract;
    if (grouped) left_batch.insert(left_batch.begin(), static_cast<std::int64_t>(extents) + 1);
    for (std::int64_t axis : contracted) left_contract.push_back(axis + static_cast<std::int64_t>(extents));
    const Value product = dot_general.with({left_batch, right_batch, left_contract, contracted}, left, seen);
    // [(groups), elements.., outputs, channels] to [(groups), outputs, channels, elements..].
    const std::size_t first = lead - 1;
    Integers back = range(0, first);
    append(back, range(first + extents, first + extents + 2));
    append(back, range(first, first + extents));
    return f::reshape(f::transpose(product, std::move(back)), w);
}

}  // namespace

Value convolution_transpose(const GradientContext& g, std::span<const Value> ct, std::size_t operand) {
    return operand == 0 ? by_images(g, ct[0]) : by_windows(g.x[0], g.x[1], ct[0], Geometry(g.node.attributes));
}

// Images of all of a batch are images; windows of all are outputs; and where both differ, so do groups.
Value convolution_batch(const BatchContext& c) {
    const Geometry g(c.node.attributes);
    const Shape x = c.node.operands[0].type().shape, w = c.node.operands[1].type().shape;
    const auto rest = [](const Value& v, std::size_t from) { return v.type().shape.dims().subspan(from); };
    if (!c.batched[1]) {
        const Value y =
            c.node.op->with(c.node.attributes, with_shape(c.x[0], {c.extent * x[0]}, rest(c.x[0], 2)), c.x[1]);
        return with_shape(y, {c.extent, x[0]}, rest(y, 1));
    }
    const Dim own = g.groups == Dim(1) ? w[0] : floordiv(w[0], g.groups);
    if (!c.batched[0]) {
        // Outputs in the order of groups, batch, outputs of the group.
        const Value apart = with_shape(c.x[1], {c.extent, g.groups, own}, rest(c.x[1], 2));
        const Value all = with_shape(exchange_first_two(apart), {g.groups * c.extent * own}, rest(apart, 3));
        const Value y = c.node.op->with(c.node.attributes, c.x[0], all);
        const Value split = with_shape(y, {x[0], g.groups, c.extent, own}, rest(y, 2));
        Integers order = f::all_axes(split.type().shape.rank());
        std::rotate(order.begin(), order.begin() + 2, order.begin() + 3);
        const Value moved = f::transpose(split, std::move(order));
        return with_shape(moved, {c.extent, x[0], w[0]}, rest(moved, 4));
    }
    if (c.extent == Dim(0)) {  // nothing divides into no groups
        Shape nothing{0};
        for (Dim d : c.node.results[0].shape) nothing.push_back(d);
        return f::full_like(c.x[0], nothing, 0);
    }
    const Value images = with_shape(exchange_first_two(c.x[0]), {x[0], c.extent * x[1]}, rest(c.x[0], 3));
    const Value windows = with_shape(c.x[1], {c.extent * w[0]}, rest(c.x[1], 2));
    const Value y = c.node.op->with(g.with_groups(g.groups * c.extent), images, windows);
    return exchange_first_two(with_shape(y, {x[0], c.extent, w[0]}, rest(y, 2)));
}

std::vector<Sample> convolution_samples(Dtype d) {
    struct Case {
        Shape x, w, low, high;
        Integers stride, spread, dilation;
        std::int64_t groups;
    };
    const Case cases[] = {
        {{1, 1, 5}, {1, 1, 3}, {0, 0, 0}, {0, 0, 0}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, 1},
        {{2, 3, 7}, {2, 3, 2}, {0, 0, 1}, {0, 0, 2}, {1, 1, 2}, {1, 1, 1}, {1, 1, 3}, 1},
        {{2, 2, 4, 5}, {3, 2, 3, 2}, {0, 0, 1, 0}, {0, 0, 1, 1}, {1, 1, 1, 1}, {1, 1, 1, 1}, {1, 1, 1, 1}, 1},
        {{1, 4, 3, 4}, {6, 2, 2, 3}, {0, 0, 2, 1}, {0, 0, 0, 1}, {1, 1, 2, 1}, {1, 1, 2, 1}, {1, 1, 1, 2}, 2},
        {{2, 3, 3, 3}, {3, 1, 1, 1}, {0, 0, 0, -1}, {0, 0, 0, 1}, {1, 1, 1, 1}, {1, 1, 1, 1}, {1, 1, 1, 1}, 3},
        {{1, 2, 2, 3, 2},
         {2, 2, 2, 1, 2},
         {0, 0, 0, 0, 1},
         {0, 0, 1, 0, 0},
         {1, 1, 1, 2, 1},
         {1, 1, 1, 1, 1},
         {1, 1, 1, 1, 1},
         1},
        {{1, 2, 2, 2, 3},
         {8, 1, 1, 2, 2},
         {0, 0, 0, 1, 0},
         {0, 0, 0, 0, 0},
         {1, 1, 1, 1, 1},
         {1, 1, 1, 1, 1},
         {1, 1, 1, 1, 1},
         2},
        {{0, 2, 3}, {2, 2, 2}, {0, 0, 0}, {0, 0, 0}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, 1},
    };
    std::vector<Sample> out;
    for (const Case& c : cases)
        out.push_back({{{d, c.x}, {d, c.w}}, {c.low, c.high, c.stride, c.spread, c.dilation, Shape{c.groups}}});
    return out;
}

}  // namespace lathe::ir::ops
