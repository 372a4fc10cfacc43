// (a - za) (b - zb), summed over k, is ab - za * sum(b) - zb * sum(a) + k za zb, all in i32, which wraps. So zeros may
// be anything; bytes of the other sign are turned into those that the words have, and their zeros with them.
#include "ir/ops/bytes.h"

#include <algorithm>

#include "ir/functions/windows.h"
#include "ir/ops/arithmetic.h"
#include "ir/ops/memory.h"

namespace lathe::ir::ops {
namespace {

namespace f = functions;

constexpr std::int64_t word = 4;         // bytes
constexpr std::int64_t least_depth = 3;  // of what is summed: fewer leave half of a word unused

Value integer(const Value& like, std::int64_t n) {
    return Recorder<Value>::constant_like(like, splat_literal(Dtype::i32, Shape{}, n), Loc{});
}
Value extent(const Value& like, Dim d) {
    return d.is_constant() ? integer(like, d.constant()) : f::extent_value(like, d, Dtype::i32);
}

// A zero and a number. What is known stays known.
Value moved(const Value& like, const Value& zero, std::int64_t by) {
    if (zero.node == nullptr) return integer(like, by);
    const Literal* known = literal_of(*zero.node);
    if (known == nullptr || !known->is_splat()) return add(zero, integer(like, by));
    std::int32_t n = 0;
    std::copy_n(known->bytes->data(), sizeof n, reinterpret_cast<std::byte*>(&n));
    return n + by == 0 ? Value{} : integer(like, n + by);
}

// The highest bit the other way round is 128 more or less.
BytesLessZero with_dtype(const BytesLessZero& x, Dtype dtype) {
    if (f::dtype_of(x.bytes) == dtype) return x;
    const bool becomes_unsigned = dtype == Dtype::u8;
    const Value turned = bit_xor(x.bytes, f::number(x.bytes, becomes_unsigned ? -128 : 128));
    return {f::convert(turned, dtype), moved(x.bytes, x.zero, becomes_unsigned ? 128 : -128)};
}

// Four bytes along an axis are a word; behind the last there are zeros. Stored: they are read many times.
Value words(const Value& bytes, std::int64_t axis) {
    const auto a = static_cast<std::size_t>(axis);
    Shape shape = bytes.type().shape;
    const Dim count = ceildiv(shape[a], word), rest = count * word - shape[a];
    Value all = f::convert(bytes, Dtype::u8);
    Shape none(std::vector<std::int64_t>(shape.rank(), 0)), high = none;
    high[a] = rest;
    if (rest != Dim(0)) all = f::zero_padded(all, none, high);
    shape[a] = count;
    Integers step(shape.rank(), 1);
    step[a] = word;
    Value out;
    for (std::int64_t i = 0; i < word; ++i) {
        Shape start = none;
        start[a] = i;
        const Value part = f::convert(f::slice(all, start, shape, step), Dtype::i32);
        const Value placed = i == 0 ? part : mul(part, integer(part, std::int64_t{1} << (8 * i)));
        out = i == 0 ? placed : bit_or(out, placed);
    }
    return out;
}
Value stored(const Value& x) {
    const std::size_t rank = x.type().shape.rank();
    return relayout.with({f::all_axes(rank), Integers(rank, 1)}, x);
}

Value sum_of(const Value& bytes, Integers axes) {
    return f::convert(f::sum(f::convert(bytes, Dtype::i32), std::move(axes)), Dtype::i32);
}

// With leading dimensions of 1, as many as `rank` wants.
Shape filled(const Shape& shape, std::size_t rank) {
    Shape out(std::vector<std::int64_t>(rank - shape.rank(), 1));
    for (Dim d : shape) out.push_back(d);
    return out;
}
bool stays_along(const Value& zero, std::size_t rank, std::span<const std::int64_t> axes) {
    if (zero.node == nullptr) return true;
    const Shape shape = filled(zero.type().shape, rank);
    return std::ranges::all_of(axes,
                               [&](std::int64_t axis) { return shape[static_cast<std::size_t>(axis)] == Dim(1); });
}

// The corrections of a contraction, given as what broadcasts to its result.
struct Corrections {
    Value first_zero, second_zero;  // empty where they are 0
    Value first_sum, second_sum;    // of bytes; of what the other operand's zero is for
    Dim depth;
};
Value corrected(const Value& product, const Corrections& c) {
    Value out = product;
    if (c.first_zero.node != nullptr) {
        Value less = c.second_sum;
        if (c.second_zero.node != nullptr) less = sub(less, mul(extent(product, c.depth), c.second_zero));
        out = sub(out, mul(c.first_zero, less));
    }
    if (c.second_zero.node != nullptr) out = sub(out, mul(c.second_zero, c.first_sum));
    return out;
}

bool is_shallow(Dim depth) { return depth.is_constant() && depth.constant() < least_depth; }

}  // namespace

Value dot_general_of_bytes(const BytesContext& c) {
    const auto& attributes = c.node.attributes;
    const Integers *batch[] = {&lhs_batch(attributes), &rhs_batch(attributes)},
                   *contract[] = {&lhs_contract(attributes), &rhs_contract(attributes)};
    if (contract[0]->empty()) return {};
    const BytesLessZero x[] = {with_dtype(c.x[0], Dtype::u8), with_dtype(c.x[1], Dtype::i8)};
    Value packed[2];
    Dim depth = 1;
    for (std::size_t side = 0; side < 2; ++side) {
        const Shape shape = x[side].bytes.type().shape;
        if (is_shallow(shape[static_cast<std::size_t>(contract[side]->back())]) ||
            !stays_along(x[side].zero, shape.rank(), *contract[side]))
            return {};
    }
    for (const std::int64_t axis : *contract[0]) depth *= x[0].bytes.type().shape[static_cast<std::size_t>(axis)];
    for (std::size_t side = 0; side < 2; ++side) packed[side] = words(x[side].bytes, contract[side]->back());

    // What is 1 along all that is contracted, as what broadcasts to the result: batch, free, free.
    const auto placed = [&](const Value& v, std::size_t side) {
        const std::size_t rank = x[side].bytes.type().shape.rank();
        const Value whole = f::reshape(v, filled(v.type().shape, rank));
        Integers order = *batch[side];
        for (std::int64_t axis = 0; axis < static_cast<std::int64_t>(rank); ++axis)
            if (std::ranges::find(*batch[side], axis) == batch[side]->end() &&
                std::ranges::find(*contract[side], axis) == contract[side]->end())
                order.push_back(axis);
        const std::size_t kept = order.size(), own = kept - batch[side]->size();
        order.insert(order.end(), contract[side]->begin(), contract[side]->end());
        const Value ordered = f::transpose(whole, std::move(order));
        const std::size_t others = c.node.results[0].shape.rank() - batch[side]->size() - own;
        Shape spread;
        for (std::size_t i = 0; i < batch[side]->size(); ++i) spread.push_back(ordered.type().shape[i]);
        if (side == 1)
            for (std::size_t i = 0; i < others; ++i) spread.push_back(1);
        for (std::size_t i = batch[side]->size(); i < kept; ++i) spread.push_back(ordered.type().shape[i]);
        if (side == 0)
            for (std::size_t i = 0; i < others; ++i) spread.push_back(1);
        return f::reshape(ordered, spread);
    };
    const auto zero_of = [&](std::size_t side) {
        return x[side].zero.node == nullptr ? Value{} : placed(x[side].zero, side);
    };
    const auto sum_for = [&](std::size_t side) {
        if (x[1 - side].zero.node == nullptr) return Value{};
        Integers axes = *contract[side];
        std::ranges::sort(axes);
        Shape kept = x[side].bytes.type().shape;
        for (const std::int64_t axis : axes) kept[static_cast<std::size_t>(axis)] = 1;
        return placed(f::reshape(sum_of(x[side].bytes, axes), kept), side);
    };
    const Value product = dot_general_bytes.with(attributes, stored(packed[0]), packed[1]);
    return corrected(product, {zero_of(0), zero_of(1), sum_for(0), sum_for(1), depth});
}

Value convolution_of_bytes(const BytesContext& c) {
    const auto& attributes = c.node.attributes;
    const Shape &low = convolution_low(attributes), &high = convolution_high(attributes);
    const Dim groups = convolution_groups(attributes)[0];
    const BytesLessZero x = with_dtype(c.x[0], Dtype::u8), w = with_dtype(c.x[1], Dtype::i8);
    const Shape sizes = w.bytes.type().shape;
    const std::size_t rank = sizes.rank();
    const auto is_one = [](std::int64_t n) { return n == 1; };
    const Integers all = f::all_axes(rank);
    if (!std::ranges::all_of(convolution_spread(attributes), is_one) || is_shallow(sizes[1]) ||
        !stays_along(x.zero, rank, all) || !stays_along(w.zero, rank, std::span(all).subspan(1)))
        return {};

    // Around x lie zeros: bytes equal to its zero.
    Value bytes = x.bytes;
    const auto is_nothing = [](Dim d) { return d == Dim(0); };
    if (!std::ranges::all_of(low, is_nothing) || !std::ranges::all_of(high, is_nothing)) {
        const Value fill =
            x.zero.node == nullptr ? f::number(bytes, 0) : f::convert(f::reshape(x.zero, Shape{}), f::dtype_of(bytes));
        bytes = f::pad(bytes, fill, low, high);
    }
    const auto rest = [](const Value& v, std::size_t from) { return v.type().shape.dims().subspan(from); };
    const auto with_shape = [](const Value& v, std::initializer_list<Dim> first, std::span<const Dim> behind) {
        Shape shape(first);
        for (Dim d : behind) shape.push_back(d);
        return f::reshape(v, shape);
    };
    const Dim images = bytes.type().shape[0], outputs = sizes[0], count = ceildiv(sizes[1], word);
    Value images_of_words;
    if (groups == Dim(1)) {
        images_of_words = words(bytes, 1);
    } else {
        const Value apart = words(with_shape(bytes, {images, groups, sizes[1]}, rest(bytes, 2)), 2);
        images_of_words = with_shape(apart, {images, groups * count}, rest(apart, 3));
    }
    images_of_words = stored(images_of_words);
    Attributes unpadded = attributes;
    const Shape none(std::vector<std::int64_t>(rank, 0));
    unpadded[convolution_low.slot] = none;
    unpadded[convolution_high.slot] = none;
    const Value product = convolution_bytes.with(unpadded, images_of_words, words(w.bytes, 1));

    Corrections corrections;
    corrections.depth = 1;
    for (Dim d : sizes.dims().subspan(1)) corrections.depth *= d;
    const Shape column = [&] {
        Shape shape{outputs};
        for (std::size_t i = 2; i < rank; ++i) shape.push_back(1);
        return shape;
    }();
    if (x.zero.node != nullptr) {
        corrections.first_zero = f::reshape(x.zero, Shape{});
        Integers axes(all.begin() + 1, all.end());
        corrections.second_sum = f::reshape(sum_of(w.bytes, axes), column);
    }
    if (w.zero.node != nullptr) {
        const bool is_number = w.zero.type().shape.element_count() == Dim(1);
        corrections.second_zero = f::reshape(w.zero, is_number ? Shape{} : column);
        // Of all that a window sees: a convolution by ones, with one output for each group.
        Shape one{groups, count};
        for (Dim d : sizes.dims().subspan(2)) one.push_back(d);
        const Value ones = f::broadcast_to(integer(product, 0x01010101), one);
        const Value sums = convolution_bytes.with(unpadded, images_of_words, ones);
        const Value apart = with_shape(sums, {images, groups, 1}, rest(sums, 2));
        Shape repeated = apart.type().shape;
        repeated[2] = floordiv(outputs, groups);
        corrections.first_sum = with_shape(f::broadcast_to(apart, repeated), {images, outputs}, rest(sums, 2));
    }
    return corrected(product, corrections);
}

}  // namespace lathe::ir::ops
