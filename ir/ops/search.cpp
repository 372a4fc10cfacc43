#include "ir/ops/search.h"

#include <cstring>

#include "ir/ops/comparison.h"

namespace lathe::ir::ops {

HostCall topk_call(const CallContext& c) {
    const Type& x = c.operands[0];
    const auto axis = static_cast<std::size_t>(line_axis(c.attributes));
    Dim outer = 1, inner = 1;
    for (std::size_t i = 0; i < x.shape.rank(); ++i)
        if (i != axis) (i < axis ? outer : inner) *= x.shape[i];
    const std::int64_t count = topk_count(c.attributes);
    // Room for as many again, so that what is sorted pays for itself.
    constexpr std::int64_t spare = 64, word = 16, counts = 8 * std::int64_t{256} * 8;
    const Dim room = 2 * count + spare, extent = x.shape[axis];
    return {
        .function = "topk_v1",
        .extents = {static_cast<std::int64_t>(x.dtype), std::int64_t{!topk_smallest(c.attributes)},
                    std::int64_t{c.wanted[0]}, std::int64_t{c.wanted[1]}, extent, inner, count, room},
        .iterations = outer * inner,
        .picoseconds = extent * 1500 + room * 20000,
        .workspace = room * (2 * word) + counts + 64,
    };
}

std::vector<Literal> topk_reference(const ReferenceContext& c) {
    const Type& x = c.operands[0].type;
    const Type sorted[] = {x, {Dtype::i64, x.shape}};
    const Attributes attributes{line_axis(c.attributes), !topk_smallest(c.attributes)};
    const std::vector<Literal> all = sort_reference({c.operands, attributes, sorted});
    const auto axis = static_cast<std::size_t>(line_axis(c.attributes));
    std::size_t outer = 1, inner = 1;
    for (std::size_t i = 0; i < x.shape.rank(); ++i)
        if (i != axis) (i < axis ? outer : inner) *= static_cast<std::size_t>(x.shape[i].constant());
    const auto extent = static_cast<std::size_t>(x.shape[axis].constant());
    const auto count = static_cast<std::size_t>(topk_count(c.attributes));
    std::vector<Literal> results;
    for (std::size_t r = 0; r < all.size(); ++r) {
        const std::size_t row = inner * size_of(all[r].type.dtype);
        auto bytes = std::make_shared<std::vector<std::byte>>(outer * count * row);
        for (std::size_t o = 0; o < outer && count * row > 0; ++o)
            std::memcpy(bytes->data() + o * count * row, all[r].bytes->data() + o * extent * row, count * row);
        results.push_back({c.results[r], std::move(bytes)});
    }
    return results;
}

HostCall searchsorted_call(const CallContext& c) {
    const Type &x = c.operands[0], &values = c.operands[1];
    const std::size_t last = x.shape.rank() - 1;
    Dim lines = 1;
    for (std::size_t i = 0; i < last; ++i) lines *= x.shape[i];
    constexpr std::int64_t part = 256, value = 10000;  // picoseconds
    const Dim parts = ceildiv(values.shape[last], part);
    return {.function = "searchsorted_v1",
            .extents = {static_cast<std::int64_t>(x.dtype), std::int64_t{searches_right(c.attributes)}, x.shape[last],
                        values.shape[last], part},
            .iterations = lines * parts,
            .picoseconds = ir::min(values.shape[last], part) * value};
}

std::vector<Literal> searchsorted_reference(const ReferenceContext& c) {
    const Dtype d = c.operands[0].type.dtype;
    const Dtype dtypes[] = {d, d};
    const ScalarProgram &less = scalar_program(lt, dtypes, {}, Dtype::boolean),
                        &differs = scalar_program(ne, dtypes, {}, Dtype::boolean);
    std::vector<std::uint64_t> scratch;
    const auto holds = [&](const ScalarProgram& relation, std::uint64_t a, std::uint64_t b) {
        const std::uint64_t x[] = {a, b};
        std::uint64_t y = 0;
        execute(relation, x, {&y, 1}, scratch);
        return y != 0;
    };
    const auto precedes = [&](std::uint64_t a, std::uint64_t b) {
        if (is_float(d) && (holds(differs, a, a) || holds(differs, b, b))) return !holds(differs, a, a);
        return holds(less, a, b);
    };
    const auto element = [](const Literal& x, std::size_t i) {
        std::uint64_t bits = 0;
        const std::size_t size = size_of(x.type.dtype);
        std::memcpy(&bits, x.bytes->data() + (x.is_splat() ? 0 : i * size), size);
        return bits;
    };
    const Literal &sorted = c.operands[0], &values = c.operands[1];
    const std::size_t last = sorted.type.shape.rank() - 1;
    const auto extent = static_cast<std::size_t>(sorted.type.shape[last].constant());
    const auto per_line = static_cast<std::size_t>(values.type.shape[last].constant());
    const auto count = static_cast<std::size_t>(values.type.shape.element_count().constant());
    auto bytes = std::make_shared<std::vector<std::byte>>(count * sizeof(std::int64_t));
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t line = i / per_line * extent;
        const std::uint64_t value = element(values, i);
        std::size_t low = 0;
        for (std::size_t left = extent; left > 0;) {
            const std::size_t half = (left + 1) / 2;
            const std::uint64_t other = element(sorted, line + low + half - 1);
            const bool is_before = searches_right(c.attributes) ? !precedes(value, other) : precedes(other, value);
            low += is_before ? half : 0;
            left -= half;
        }
        const auto place = static_cast<std::int64_t>(low);
        std::memcpy(bytes->data() + i * sizeof place, &place, sizeof place);
    }
    return {{c.results[0], std::move(bytes)}};
}

}  // namespace lathe::ir::ops
