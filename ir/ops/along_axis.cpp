#include "ir/ops/along_axis.h"

#include <numeric>

#include "ir/ops/comparison.h"
#include "ir/ops/lines.h"

namespace lathe::ir::ops {

// The function sorts words: a key, whose order is that of the elements, and the place of the element where places are
// wanted. Both fit 8 bytes where keys have at most 4 and there are fewer than 2^32 places.
HostCall sort_call(const CallContext& c) {
    const Type& x = c.operands[0];
    const Lines lines(x.shape, line_axis(c.attributes));
    const std::int64_t size = static_cast<std::int64_t>(size_of(x.dtype));
    const bool places = c.wanted[1];
    const Dim is_wide = size == 8 ? Dim(1) : ir::min(floordiv(lines.extent, std::int64_t{1} << 32), 1);
    const Dim word = places ? (is_wide + 1) * 8 : Dim(size);
    constexpr std::int64_t counts = 8 * std::int64_t{256} * 8;  // of digits, one table for each byte of a key
    const Dim shared = shares_lines(lines), count = lines.outer * lines.inner;
    const Dim parts = shared * (ir::min(most_parts, floordiv(lines.extent, long_line / 8)) - 1) + 1;
    HostCall call{
        .function = "sort_v2",
        .extents = {static_cast<std::int64_t>(x.dtype), std::int64_t{sort_descending(c.attributes)},
                    std::int64_t{c.wanted[0]}, std::int64_t{places}, lines.extent, lines.inner, is_wide, parts, count},
        .iterations = count * parts,
        .picoseconds = floordiv(lines.extent * (size * 2500 * (1 - shared) + 1500 * shared), parts),
        .workspace = (1 - shared) * (lines.extent * word * 2 + counts + 64),
    };
    if (shared == Dim(0)) return call;
    constexpr std::int64_t part = std::int64_t{256} * 8 + 32;  // what is known of one
    call.phases.count = 2 * size + 1;
    call.phases.iterations = shared * count * parts;
    call.phases.picoseconds = floordiv(lines.extent * 1500, parts);
    call.phases.scratch = shared * (count * (parts * part + lines.extent * word * 2 + 64) + 64);
    return call;
}

std::vector<Literal> sort_reference(const ReferenceContext& c) {
    const Dtype d = c.results[0].dtype;
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
    const Elements x(c.operands[0]);
    Result values(c.results[0]), places(c.results[1]);
    const Lines lines(c.results[0].shape, line_axis(c.attributes));
    const auto n = static_cast<std::size_t>(lines.extent.constant());
    const auto stride = static_cast<std::size_t>(lines.inner.constant());
    lines.for_each([&](std::size_t first) {
        std::vector<std::size_t> order(n);
        std::iota(order.begin(), order.end(), std::size_t{0});
        const auto precedes = [&](std::size_t i, std::size_t j) {
            const std::uint64_t a = x[first + i * stride], b = x[first + j * stride];
            if (is_float(d) && (holds(differs, a, a) || holds(differs, b, b)))
                return !holds(differs, a, a) && holds(differs, b, b);
            return sort_descending(c.attributes) ? holds(less, b, a) : holds(less, a, b);
        };
        // Stable: of equals the one that came first.
        std::ranges::sort(order,
                          [&](std::size_t i, std::size_t j) { return precedes(i, j) || (!precedes(j, i) && i < j); });
        for (std::size_t i = 0; i < n; ++i) {
            values.set(first + i * stride, x[first + order[i] * stride]);
            places.set(first + i * stride, order[i]);
        }
    });
    return {values.finish(), places.finish()};
}

}  // namespace lathe::ir::ops
