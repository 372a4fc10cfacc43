// Operators that look for elements: the greatest ones, those that are true, the different ones, boxes and n-grams; and
// those that choose at random. Where the result has as many elements as were found, it is counted (counted.h), unless
// what is searched is known now.
#include "frontend/functions/search.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <span>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "frontend/functions/along_axis.h"
#include "frontend/functions/creation.h"
#include "frontend/functions/elementwise.h"
#include "frontend/functions/indexing.h"
#include "frontend/functions/joining.h"
#include "frontend/functions/movement.h"
#include "frontend/functions/random.h"
#include "frontend/functions/reductions.h"
#include "frontend/onnx/counted.h"
#include "frontend/onnx/operators.h"
#include "frontend/tensor/node.h"
#include "frontend/trace/control.h"

namespace lathe::onnx {
namespace {

// ---- by order

Results top_k(NodeCall& c) {
    const std::int64_t count = c.opset() < 10 ? c.integer("k") : c.integer(1);
    const Tensor x = c[0];
    const std::int64_t axis = c.natural_axis(c.integer("axis", -1), x.rank());
    const auto [values, positions] =
        topk(x, count, axis, {.largest = c.flag("largest", true), .sorted = c.flag("sorted", true)});
    return {values, positions};
}

template <Tensor (*function)(const Tensor&, std::int64_t, ArgmaxOptions, Where)>
Results position_of_extreme(NodeCall& c) {
    const Tensor x = c[0];
    const std::int64_t axis = c.natural_axis(c.integer("axis", 0), x.rank());
    const std::optional<Counted>& counted = c.value(0).counted();
    if (counted && static_cast<std::int64_t>(counted->axis) == axis) c.need_extent(0);
    const Tensor position = function(x, axis, {.last = c.flag("select_last_index")}, Where::current());
    const bool keeps = c.flag("keepdims", true);
    Value y(keeps ? unsqueeze(position, {axis}) : position);
    if (counted)
        y.set_counted(Counted{counted->axis - (!keeps && static_cast<std::int64_t>(counted->axis) > axis ? 1 : 0),
                              counted->count});
    return {std::move(y)};
}

// ---- as many as there are

bool differ(Dim a, Dim b) { return a.is_constant() && b.is_constant() && a != b; }

bool is_found_now(const NodeCall& c, std::size_t i) {
    return c.value(i).is_constant() && !c[i].node()->symbolic && !c.value(i).counted();
}

Results non_zero(NodeCall& c) {
    if (is_found_now(c, 0) || c[0].rank() == 0) return {transpose(nonzero(c.constant(0)), {1, 0})};
    const Tensor x = filled(c.value(0), 0);
    const Bounded found = nonzero_bounded(x, x.type().shape.element_count());
    return {counted_value(transpose(found.positions, {1, 0}), 1, found.count)};
}

Tensor vector_of(const std::vector<std::int64_t>& numbers) {
    return Tensor::from(numbers, {static_cast<std::int64_t>(numbers.size())});
}

Results compress(NodeCall& c) {
    if (c[1].rank() != 1) c.refuse("the condition is no vector");
    const std::optional<std::int64_t> axis =
        c.find("axis") == nullptr ? std::nullopt : std::optional(c.integer("axis", 0));
    const Tensor x = axis ? c[0] : flatten(c[0]);
    const std::int64_t along = c.natural_axis(axis.value_or(0), x.rank());
    const std::optional<Counted>& counted = c.value(0).counted();
    if (counted || !is_found_now(c, 1)) {
        // Of what is counted along the same axis the condition chooses among those that count.
        if (counted && (!axis || static_cast<std::int64_t>(counted->axis) != along || !c.value(1).counted() ||
                        counted->count.node() != c.value(1).counted()->count.node()))
            c.need_extent(0);
        if (!counted && c.value(1).counted()) c.need_extent(1);
        const Tensor condition = filled(c.value(1), 0);
        const Bounded found = nonzero_bounded(condition, condition.type().shape[0]);
        return {
            counted_value(take(x, squeeze(found.positions, {1}), along), static_cast<std::size_t>(along), found.count)};
    }
    const Tensor condition = c.constant(1);
    const std::vector<std::int64_t> numbers = convert(condition, Dtype::i64).to_vector<std::int64_t>();
    const Dim extent = x.type().shape[static_cast<std::size_t>(along)];
    if (extent.is_constant() && static_cast<std::int64_t>(numbers.size()) > extent.constant())
        c.refuse("there are more conditions than elements");
    std::vector<std::int64_t> chosen;
    for (std::size_t i = 0; i < numbers.size(); ++i)
        if (numbers[i] != 0) chosen.push_back(static_cast<std::int64_t>(i));
    return {gather(x, vector_of(chosen), along)};
}

// Which of the slices are different: each one's place among the different ones, and the first of each of these.
struct Different {
    std::vector<std::int64_t> firsts, inverse, counts;
};
template <class T>
Different different(const std::vector<T>& elements, std::size_t slices, bool is_sorted) {
    const std::size_t size = slices == 0 ? 0 : elements.size() / slices;
    const auto slice = [&](std::int64_t i) {
        return std::span<const T>(elements).subspan(static_cast<std::size_t>(i) * size, size);
    };
    // NaN is behind all numbers, and equals itself.
    const auto is_before = [](T a, T b) { return a < b || (a == a && b != b); };
    const auto is_less = [&](std::int64_t a, std::int64_t b) {
        return std::ranges::lexicographical_compare(slice(a), slice(b), is_before);
    };
    std::vector<std::int64_t> order(slices);
    std::iota(order.begin(), order.end(), 0);
    // Of equal ones the first stays in front.
    std::ranges::sort(order,
                      [&](std::int64_t a, std::int64_t b) { return is_less(a, b) || (!is_less(b, a) && a < b); });
    Different out;
    out.inverse.resize(slices);
    for (std::size_t i = 0; i < slices; ++i) {
        if (i == 0 || is_less(order[i - 1], order[i])) {
            out.firsts.push_back(order[i]);
            out.counts.push_back(0);
        }
        out.inverse[static_cast<std::size_t>(order[i])] = static_cast<std::int64_t>(out.firsts.size()) - 1;
        ++out.counts.back();
    }
    if (is_sorted) return out;
    // In the order in which they come first.
    std::vector<std::size_t> by_first(out.firsts.size());
    std::iota(by_first.begin(), by_first.end(), 0);
    std::ranges::sort(by_first, {}, [&](std::size_t i) { return out.firsts[i]; });
    Different moved = out;
    std::vector<std::int64_t> place(by_first.size());
    for (std::size_t i = 0; i < by_first.size(); ++i) {
        moved.firsts[i] = out.firsts[by_first[i]];
        moved.counts[i] = out.counts[by_first[i]];
        place[by_first[i]] = static_cast<std::int64_t>(i);
    }
    for (std::int64_t& i : moved.inverse) i = place[static_cast<std::size_t>(i)];
    return moved;
}

// Values alone, not slices: as many as there may be, in ascending order or in that in which they come first.
Results unique_values(const Tensor& x, bool is_sorted) {
    const Dim extent = x.type().shape[0];
    const BoundedUnique found = unique_bounded(x, extent);
    const Tensor places = arange(extent);
    // Those that do not count are behind all others.
    const Tensor none = broadcast_to(Value(KnownIntegers::scalar(extent)).tensor(), {extent});
    const Tensor firsts = put_along_axis(none, found.inverse, places, 0, Update::min);
    const auto result = [&](const Tensor& y) { return counted_value(y, 0, found.count); };
    if (is_sorted) return {result(found.values), result(firsts), found.inverse, result(found.counts)};
    const Tensor order = argsort(firsts, 0);
    const Tensor rank = put_along_axis(places, order, places, 0);
    return {result(take(found.values, order, 0)), result(take(firsts, order, 0)), take(rank, found.inverse, 0),
            result(take(found.counts, order, 0))};
}

Results unique_slices(NodeCall& c) {
    const bool is_flat = c.find("axis") == nullptr, is_sorted = c.flag("sorted", true);
    if (!is_found_now(c, 0) && (is_flat || c[0].rank() == 1)) return unique_values(flatten(c[0]), is_sorted);
    const Tensor x = is_flat ? flatten(c.constant(0)) : c.constant(0);
    const std::int64_t axis = c.natural_axis(c.integer("axis", 0), x.rank());
    const Tensor slices = movedim(x, {axis}, {0});
    const auto count = static_cast<std::size_t>(x.extent(axis));
    const Dtype dtype = x.dtype();
    const Different d = ir::is_float(dtype)
                            ? different(convert(slices, Dtype::f64).to_vector<double>(), count, is_sorted)
                        : ir::is_unsigned_integer(dtype)
                            ? different(convert(slices, Dtype::u64).to_vector<std::uint64_t>(), count, is_sorted)
                            : different(convert(slices, Dtype::i64).to_vector<std::int64_t>(), count, is_sorted);
    return {gather(x, vector_of(d.firsts), axis), vector_of(d.firsts), vector_of(d.inverse), vector_of(d.counts)};
}

// ---- classes

Results one_hot_classes(NodeCall& c) {
    const Tensor indices = convert(c[0], Dtype::i64), values = c[2];
    if (values.rank() != 1) c.refuse("wants a vector of the values off and on");
    const Dim depth = ir::is_float(c.value(1).dtype()) ? Dim(static_cast<std::int64_t>(c.number(1))) : c.dim(1);
    const std::int64_t axis = c.natural_axis(c.integer("axis", -1), indices.rank() + 1);
    std::vector<Dim> shape(indices.rank() + 1, 1);
    shape[static_cast<std::size_t>(axis)] = depth;
    const Tensor index = unsqueeze(indices, {axis});
    // Negative ones count from the end.
    const Tensor is_class = logical_or(index == reshape(arange(depth), Shape(shape)),
                                       index == reshape(arange(Dim(0) - depth, 0), Shape(shape)));
    return {where(is_class, values[{1}], values[{0}])};
}

// ---- boxes

struct Box {
    float low_y, low_x, high_y, high_x;
    float area() const { return (high_y - low_y) * (high_x - low_x); }
};
Box box_of(std::span<const float> numbers, bool is_center) {
    if (is_center) {
        const float x = numbers[0], y = numbers[1], w = numbers[2] / 2, h = numbers[3] / 2;
        return {y - h, x - w, y + h, x + w};
    }
    return {std::min(numbers[0], numbers[2]), std::min(numbers[1], numbers[3]), std::max(numbers[0], numbers[2]),
            std::max(numbers[1], numbers[3])};
}
// The part of their union that both have.
float common_part(const Box& a, const Box& b) {
    const float h = std::min(a.high_y, b.high_y) - std::max(a.low_y, b.low_y);
    const float w = std::min(a.high_x, b.high_x) - std::max(a.low_x, b.low_x);
    if (h <= 0 || w <= 0) return 0;
    const float both = h * w, all = a.area() + b.area() - both;
    return all <= 0 ? 0 : both / all;
}

// The corners of boxes [.., 4] as low y, low x, high y and high x, each [..].
std::array<Tensor, 4> corners_of(const Tensor& boxes, bool is_center) {
    const auto number = [&](std::int64_t i) { return Tensor(boxes[{ellipsis, i}]); };
    const Tensor a = number(0), b = number(1), d = number(2), e = number(3);
    if (is_center) {
        const Tensor w = d / 2, h = e / 2;
        return {b - h, a - w, b + h, a + w};
    }
    return {minimum(a, d), minimum(b, e), maximum(a, d), maximum(b, e)};
}

// What is suppressed where the boxes are data: as many steps as boxes may be chosen, each for all classes of all
// batches.
Results suppression_of_data(NodeCall& c, const Tensor& boxes, const Tensor& scores, bool is_center) {
    const Dim batches = scores.dim(0), classes = scores.dim(1), count = scores.dim(2);
    const auto number = [&](std::size_t i, Dtype dtype) {
        return c.has(i) ? reshape(convert(c[i], dtype), Shape{}) : convert(full({}, 0), dtype);
    };
    const Tensor most = number(2, Dtype::i64), limit = number(3, Dtype::f32);
    Dim steps = count;
    if (!c.has(2) || is_found_now(c, 2)) steps = ir::min(count, c.has(2) ? ir::max(c.dim(2), 0) : Dim(0));
    // A box that cannot be chosen stands behind all, so that there is a best one where there are none.
    const auto with_one_more = [](const Tensor& x) { return pad(x, {0, 0, 0}, {0, 0, 1}); };
    // [batches, 1, boxes], which all classes share.
    std::array<Tensor, 4> all = corners_of(convert(boxes, Dtype::f32), is_center);
    for (Tensor& corner : all) corner = with_one_more(unsqueeze(corner, {1}));
    const auto& [low_y, low_x, high_y, high_x] = all;
    const Tensor areas = (high_y - low_y) * (high_x - low_x);
    const Tensor score = convert(scores, Dtype::f32);
    const Tensor alive = with_one_more(c.has(4) ? score > number(4, Dtype::f32) : full_like(score, 1) > 0);
    const Tensor rank = with_one_more(score);
    const Tensor places = reshape(arange(count + 1), Shape{1, 1, count + 1});
    const Tensor numbers = arange(steps);
    const auto step = [&](std::span<const Tensor> inputs) -> std::vector<Tensor> {
        const Tensor left = inputs[0], is_allowed = inputs[1] < most;
        const Tensor there_is = logical_and(any(left, {2}), is_allowed);
        // Of equal scores the first box comes first. NaN is behind all numbers.
        const Tensor lowest = full_like(rank, -std::numeric_limits<double>::infinity());
        const Tensor of_numbers = where(logical_and(left, logical_not(isnan(rank))), rank, lowest);
        const Tensor best = max(of_numbers, {2}, true);
        const Tensor is_best = logical_and(left, logical_and(of_numbers == best, logical_not(isnan(rank))));
        const Tensor candidates = where(any(is_best, {2}, true), is_best, left);
        const Tensor chosen = argmax(convert(candidates, Dtype::u8), 2);
        const Tensor is_chosen = unsqueeze(chosen, {2}) == places;
        const auto of_chosen = [&](const Tensor& x) { return sum(where(is_chosen, x, full_like(x, 0)), {2}, true); };
        const Tensor h = minimum(high_y, of_chosen(high_y)) - maximum(low_y, of_chosen(low_y));
        const Tensor w = minimum(high_x, of_chosen(high_x)) - maximum(low_x, of_chosen(low_x));
        const Tensor both = h * w, whole = areas + of_chosen(areas) - both;
        const Tensor common = where(logical_and(logical_and(h > 0, w > 0), whole > 0), both / whole, 0);
        const Tensor overlaps = common > limit;
        const Tensor stays = logical_and(left, logical_not(logical_or(overlaps, is_chosen)));
        return {stays, chosen, there_is};
    };
    const std::vector<Tensor> results =
        lathe::detail::record_scan(std::vector{alive}, std::vector{numbers}, {.length = steps}, step, Where::current());
    // [steps, batches, classes] as rows in the order of batches and classes.
    const Dim all_rows = steps * batches * classes;
    const auto in_order = [&](const Tensor& x) { return reshape(transpose(x, {1, 2, 0}), Shape{all_rows}); };
    const Shape by_step{batches, classes, steps};
    const auto row = [&](Dim extent, const Shape& along) {
        return reshape(broadcast_to(reshape(arange(extent), along), by_step), Shape{all_rows});
    };
    const Tensor rows =
        stack(std::vector{row(batches, {batches, 1, 1}), row(classes, {1, classes, 1}), in_order(results[1])}, 1);
    const Bounded found = nonzero_bounded(in_order(results[2]), all_rows);
    return {counted_value(take(rows, squeeze(found.positions, {1}), 0), 0, found.count)};
}

// The best box that is left, and without those that overlap with it too much, until none is left.
Results non_max_suppression(NodeCall& c) {
    const Shape &of_boxes = c[0].type().shape, &of_scores = c[1].type().shape;
    if (of_boxes.rank() != 3 || of_scores.rank() != 3 || of_boxes[2] != Dim(4) || differ(of_boxes[0], of_scores[0]) ||
        differ(of_boxes[1], of_scores[2]))
        c.refuse("wants boxes [batches, boxes, 4] and scores [batches, classes, boxes]");
    const std::int64_t format = c.integer("center_point_box", 0);
    if (format != 0 && format != 1) c.refuse("center_point_box is neither 0 nor 1");
    for (std::size_t i = 0; i < c.size(); ++i)
        if (c.has(i) && !is_found_now(c, i)) return suppression_of_data(c, c[0], c[1], format == 1);
    const Tensor boxes = c.constant(0), scores = c.constant(1);
    const std::int64_t most = c.has(2) ? c.integer(2) : 0;
    const auto limit = static_cast<float>(c.has(3) ? c.number(3) : 0);
    const bool has_least = c.has(4);
    const auto least = static_cast<float>(has_least ? c.number(4) : 0);
    const std::vector<float> corners = convert(boxes, Dtype::f32).to_vector<float>();
    const std::vector<float> all_scores = convert(scores, Dtype::f32).to_vector<float>();
    const std::int64_t classes = scores.extent(1), count = boxes.extent(1);
    std::vector<std::int64_t> selected;
    for (std::int64_t row = 0; row < scores.extent(0) * classes; ++row) {
        const std::span<const float> score =
            std::span(all_scores).subspan(static_cast<std::size_t>(row * count), static_cast<std::size_t>(count));
        std::vector<std::int64_t> order;
        for (std::int64_t i = 0; i < count; ++i)
            if (!has_least || score[static_cast<std::size_t>(i)] > least) order.push_back(i);
        // Of equal scores the first box comes first. NaN is behind all numbers.
        const auto rank = [&](std::int64_t i) {
            const float x = score[static_cast<std::size_t>(i)];
            return std::tuple(std::isnan(x), std::isnan(x) ? 0 : -x, i);
        };
        std::ranges::sort(order, {}, rank);
        std::vector<Box> kept;
        for (const std::int64_t i : order) {
            if (static_cast<std::int64_t>(kept.size()) >= most) break;
            const auto at = static_cast<std::size_t>((row / classes * count + i) * 4);
            const Box box = box_of(std::span(corners).subspan(at, 4), format == 1);
            if (std::ranges::any_of(kept, [&](const Box& k) { return common_part(box, k) > limit; })) continue;
            kept.push_back(box);
            selected.insert(selected.end(), {row / classes, row % classes, i});
        }
    }
    return {Tensor::from(selected, {static_cast<std::int64_t>(selected.size() / 3), 3})};
}

// ---- n-grams

// How often each of some sequences of n integers is in x [.., extent], as f32 [.., sequences]: its elements one after
// the other, or so many apart.
Tensor ngram_counts(const Tensor& x, std::span<const std::int64_t> ngrams, std::int64_t n, std::int64_t most_skipped) {
    const auto count = static_cast<std::int64_t>(ngrams.size()) / n;
    const auto last = static_cast<std::int64_t>(x.rank());
    const Dim extent = x.type().shape[x.rank() - 1];
    const Tensor row = unsqueeze(x, {-2});
    const Tensor pool = Tensor::from(std::vector<std::int64_t>(ngrams.begin(), ngrams.end()), {count, n});
    Tensor all;
    for (std::int64_t step = 1; step <= (n == 1 ? 1 : most_skipped + 1); ++step) {
        Tensor found;
        for (std::int64_t i = 0; i < n; ++i) {
            Tensor is_there = convert(row == narrow(pool, 1, i, 1), Dtype::f32);
            if (i > 0) {
                Shape behind(std::vector<Dim>(is_there.rank(), 0));
                const Shape before = behind;
                behind[is_there.rank() - 1] = i * step;
                is_there = narrow(pad(is_there, before, behind), last, i * step, extent);
            }
            found = i == 0 ? is_there : found * is_there;
        }
        const Tensor counts = sum(found, {-1});
        all = step == 1 ? counts : all + counts;
    }
    return all;
}

constexpr std::int64_t most_columns = std::int64_t{1} << 32, most_skips = 4096;

Results tf_idf(NodeCall& c) {
    if (c.find("pool_strings") != nullptr) c.refuse("strings are not supported");
    const std::string mode = c.text("mode", "");
    if (mode != "TF" && mode != "IDF" && mode != "TFIDF") c.refuse("the mode is none of TF, IDF and TFIDF");
    const std::int64_t least = c.integer("min_gram_length"), most = c.integer("max_gram_length");
    const std::int64_t skipped = c.integer("max_skip_count");
    const auto starts = c.integers("ngram_counts"), places = c.integers("ngram_indexes"),
               pool = c.integers("pool_int64s");
    if (!starts || !places || !pool) c.refuse("wants ngram_counts, ngram_indexes and pool_int64s");
    if (least < 1 || most < least || skipped < 0 || skipped > most_skips)
        c.refuse("lengths or the number of elements skipped are out of range");
    const std::optional<std::vector<double>> weights = c.numbers("weights");
    if (weights && weights->size() != places->size()) c.refuse("there are not as many weights as n-grams");
    const Tensor x = convert(c[0], Dtype::i64);
    if (x.rank() != 1 && x.rank() != 2) c.refuse("wants a vector, or a matrix");
    std::int64_t columns = 0;
    for (const std::int64_t p : *places) {
        if (p < 0 || p > most_columns) c.refuse("a position among ngram_indexes is out of range");
        columns = std::max(columns, p + 1);
    }
    Shape shape = x.type().shape;
    shape[x.rank() - 1] = columns;
    Tensor result = zeros(shape);
    std::size_t ngram = 0;  // the first one of n elements
    for (std::size_t i = 0; i < starts->size(); ++i) {
        const auto n = static_cast<std::int64_t>(i) + 1, from = (*starts)[i];
        const std::int64_t to = i + 1 < starts->size() ? (*starts)[i + 1] : static_cast<std::int64_t>(pool->size());
        if (from < 0 || from > to || to > static_cast<std::int64_t>(pool->size()) || (to - from) % n != 0)
            c.refuse("ngram_counts do not divide the pool");
        const auto count = static_cast<std::size_t>((to - from) / n);
        if (ngram + count > places->size()) c.refuse("there are not as many ngram_indexes as n-grams");
        const std::size_t first = std::exchange(ngram, ngram + count);
        if (count == 0 || n < least || n > most) continue;
        const auto ngrams = std::span<const std::int64_t>(*pool).subspan(static_cast<std::size_t>(from),
                                                                         static_cast<std::size_t>(to - from));
        Tensor found = ngram_counts(x, ngrams, n, skipped);
        if (mode == "IDF") found = convert(found > 0, Dtype::f32);
        if (mode != "TF" && weights) {
            const std::vector<float> w(weights->begin() + static_cast<std::ptrdiff_t>(first),
                                       weights->begin() + static_cast<std::ptrdiff_t>(ngram));
            found = found * Tensor::from(w, {static_cast<std::int64_t>(count)});
        }
        const auto at = places->begin() + static_cast<std::ptrdiff_t>(first);
        result = index_add(result, vector_of({at, at + static_cast<std::ptrdiff_t>(count)}), found, -1);
    }
    return {result};
}

// ---- at random. A key is made of the seed, or, where there is none, of the node's place: a model draws the same
// numbers at each call

RandomKey key_of(const NodeCall& c) {
    if (const Attribute* const seed = c.find("seed"))
        return seed->type == Attribute::Type::integer ? static_cast<std::uint64_t>(seed->integer)
                                                      : std::bit_cast<std::uint64_t>(c.number("seed", 0));
    std::uint64_t key = 0;
    for (const ir::Loc::Place& place : c.loc().places()) key = key * 31 + place.line.line;
    return key;
}
Tensor uniform(const NodeCall& c, const Shape& shape, Dtype dtype) {
    return convert(random_uniform(key_of(c), shape, c.number("low", 0), c.number("high", 1)), dtype);
}
Tensor normal(const NodeCall& c, const Shape& shape, Dtype dtype) {
    return convert(random_normal(key_of(c), shape) * c.number("scale", 1) + c.number("mean", 0), dtype);
}
template <Tensor (*draw)(const NodeCall&, const Shape&, Dtype)>
Results random_of_shape(NodeCall& c) {
    const std::optional<std::vector<std::int64_t>> extents = c.integers("shape");
    if (!extents) c.refuse("the attribute shape is missing");
    if (extents->size() > ir::max_rank) c.refuse("the shape has too many dimensions");
    if (std::ranges::any_of(*extents, [](std::int64_t n) { return n < 0; }))
        c.refuse("the shape has a negative extent");
    return {draw(c, Shape(std::vector<Dim>(extents->begin(), extents->end())), c.dtype("dtype", Dtype::f32))};
}
template <Tensor (*draw)(const NodeCall&, const Shape&, Dtype)>
Results random_like(NodeCall& c) {
    return {draw(c, c[0].type().shape, c.dtype("dtype", c.value(0).dtype()))};
}
Results bernoulli(NodeCall& c) {
    const Tensor p = c[0];
    return {convert(random_bernoulli(key_of(c), convert(p, Dtype::f32)), c.dtype("dtype", p.dtype()))};
}
Results multinomial(NodeCall& c) {
    const Tensor logits = convert(c[0], Dtype::f32);
    if (logits.rank() != 2) c.refuse("wants a matrix of logarithms of probabilities");
    const std::int64_t samples = c.integer("sample_size", 1);
    if (samples < 0) c.refuse("the number of samples is negative");
    const Dtype dtype = c.dtype("dtype", Dtype::i32);
    if (dtype != Dtype::i32 && dtype != Dtype::i64) c.refuse("the dtype is neither INT32 nor INT64");
    const Shape shape{logits.type().shape[0], samples, logits.type().shape[1]};
    return {convert(random_categorical(key_of(c), broadcast_to(unsqueeze(logits, {1}), shape), -1), dtype)};
}

Results dropout_of(NodeCall& c) {
    const Tensor x = c[0];
    const Shape& shape = x.type().shape;
    double ratio = c.opset() < 12 ? c.number("ratio", 0.5) : 0.5;
    if (c.opset() >= 12 && c.has(1)) ratio = c.number(1);
    const bool is_training = c.opset() >= 12 && c.has(2) && c.constant(2).item<bool>();
    const Dtype of_mask = c.opset() < 10 ? x.dtype() : Dtype::boolean;
    if (!is_training || ratio == 0) return {detail::value_of(x), ones(shape, of_mask)};
    if (!(ratio >= 0 && ratio < 1)) c.refuse(fmt::format("the ratio is {}, not in [0, 1)", ratio));
    const Tensor stays = random_bernoulli(key_of(c), 1 - ratio, shape);
    return {where(stays, x * (1 / (1 - ratio)), 0), stays};
}

constexpr Operator rows[] = {
    Operator{"ArgMax", position_of_extreme<argmax>}.counting(Counts::by_itself),
    Operator{"ArgMin", position_of_extreme<argmin>}.counting(Counts::by_itself),
    {"Bernoulli", bernoulli, Known::no, nullptr, nullptr, 15},
    Operator{"Compress", compress, Known::no, nullptr, nullptr, 9}.counting(Counts::by_itself),
    {"Dropout", dropout_of, Known::no, nullptr, nullptr, 7},
    {"Multinomial", multinomial},
    {"NonMaxSuppression", non_max_suppression, Known::no, nullptr, nullptr, 10},
    Operator{"NonZero", non_zero, Known::no, nullptr, nullptr, 9}.counting(Counts::by_itself),
    {"OneHot", one_hot_classes, Known::no, nullptr, nullptr, 9},
    {"RandomNormal", random_of_shape<normal>},
    {"RandomNormalLike", random_like<normal>},
    {"RandomUniform", random_of_shape<uniform>},
    {"RandomUniformLike", random_like<uniform>},
    {"TfIdfVectorizer", tf_idf, Known::no, nullptr, nullptr, 9},
    {"TopK", top_k},
    {"Unique", unique_slices, Known::no, nullptr, nullptr, 11},
};

}  // namespace

Operators search_operators() { return rows; }

}  // namespace lathe::onnx
