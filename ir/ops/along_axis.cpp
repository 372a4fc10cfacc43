#include "ir/ops/along_axis.h"

#include <cstring>
#include <numeric>

#include "ir/ops/comparison.h"
#include "ir/ops/reductions.h"

namespace lathe::ir::ops {
namespace {

// How the lines along an axis lie in a dense tensor: `outer` times `inner` of them, of `extent` elements that are
// `inner` apart.
struct Lines {
    Dim outer = 1, extent = 1, inner = 1;
    Lines(const Shape& shape, std::int64_t axis) {
        const auto a = static_cast<std::size_t>(axis);
        for (std::size_t i = 0; i < shape.rank(); ++i) (i < a ? outer : i > a ? inner : extent) *= shape[i];
    }
    // Calls f(position of the first element) for each line of a constant shape.
    template <class F>
    void for_each(F&& f) const {
        for (std::int64_t o = 0; o < outer.constant(); ++o)
            for (std::int64_t i = 0; i < inner.constant(); ++i)
                f(static_cast<std::size_t>(o * extent.constant() * inner.constant() + i));
    }
};

class Elements {
public:
    explicit Elements(const Literal& literal)
        : bytes_(*literal.bytes), size_(size_of(literal.type.dtype)), step_(literal.is_splat() ? 0 : size_) {}
    std::uint64_t operator[](std::size_t i) const {
        std::uint64_t bits = 0;
        std::memcpy(&bits, bytes_.data() + i * step_, size_);
        return bits;
    }

private:
    const std::vector<std::byte>& bytes_;
    std::size_t size_, step_;
};

class Result {
public:
    explicit Result(const Type& type)
        : type_(type),
          size_(size_of(type.dtype)),
          bytes_(static_cast<std::size_t>(type.shape.element_count().constant()) * size_) {}
    void set(std::size_t i, std::uint64_t bits) { std::memcpy(bytes_.data() + i * size_, &bits, size_); }
    Literal finish() { return {type_, std::make_shared<const std::vector<std::byte>>(std::move(bytes_))}; }

private:
    Type type_;
    std::size_t size_;
    std::vector<std::byte> bytes_;
};

}  // namespace

// ---- sorts

namespace {

constexpr std::int64_t long_line = 1 << 16;  // elements worth several threads
constexpr std::int64_t most_parts = 16, few_lines = 4;

// 1 where there are few lines and they are long, so that threads share each of them; else 0.
Dim shares_lines(const Lines& lines) {
    if (lines.extent.is_constant() && lines.extent.constant() < long_line) return 0;
    const Dim count = lines.outer * lines.inner;
    if (count.is_constant() && count.constant() >= few_lines) return 0;
    return ir::min(ir::min(floordiv(lines.extent, long_line), ir::max(0, few_lines - count)), 1);
}

}  // namespace

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

// ---- scans

namespace {

constexpr std::int64_t scan_block = 4096;

}  // namespace

// Lines that lie side by side are scanned together, some columns at a time; lines that do not, block by block, several
// chains side by side.
HostCall cumsum_call(const CallContext& c) {
    const Type& x = c.operands[0];
    const Lines lines(x.shape, line_axis(c.attributes));
    const bool is_float_sum = is_float(x.dtype);
    const std::int64_t accumulator = static_cast<std::int64_t>(size_of(sum.reducer.accumulator(x.dtype)));
    const bool is_narrow = x.dtype == Dtype::f16 || x.dtype == Dtype::bf16;
    const std::int64_t element = is_narrow ? 4000 : is_float_sum ? 600 : 500;  // picoseconds
    constexpr std::int64_t columns = 64, chains = 8, pitch = scan_block + 16;
    const bool in_rows = lines.inner == Dim(1);
    const Dim shared = in_rows ? shares_lines(lines) : 0, blocks = ceildiv(lines.extent, scan_block);
    const Dim parts = shared * (ir::min(most_parts, blocks) - 1) + 1;
    HostCall call{.function = "cumsum_v2",
                  .extents = {static_cast<std::int64_t>(x.dtype), std::int64_t{cumsum_reverse(c.attributes)},
                              lines.extent, lines.inner, in_rows ? 0 : columns, parts, lines.outer}};
    if (in_rows) {
        call.iterations = lines.outer * parts;
        call.picoseconds = floordiv(lines.extent * element, parts);
        call.workspace = chains * pitch * accumulator;
        if (shared != Dim(0)) {
            call.phases.count = 1;
            call.phases.iterations = shared * lines.outer * parts;
            call.phases.picoseconds = call.picoseconds;
            call.phases.scratch = shared * (lines.outer * blocks * accumulator + 64);
        }
    } else {
        call.iterations = lines.outer * ceildiv(lines.inner, columns);
        call.picoseconds = lines.extent * ir::min(lines.inner, columns) * element;
    }
    return call;
}

std::vector<Literal> cumsum_reference(const ReferenceContext& c) {
    using Words = std::vector<std::uint64_t>;
    const Dtype element[] = {c.operands[0].type.dtype};
    const ScalarProgram &init = reducer_program(sum, ReducerPart::init, element, {}),
                        &step = reducer_program(sum, ReducerPart::step, element, {}),
                        &combine = reducer_program(sum, ReducerPart::combine, element, {}),
                        &finish = reducer_program(sum, ReducerPart::finish, element, {});
    Words scratch;
    const auto run = [&](const ScalarProgram& program, Words x) {
        std::uint64_t y = 0;
        execute(program, x, {&y, 1}, scratch);
        return y;
    };
    const Elements x(c.operands[0]);
    Result sums(c.results[0]);
    const Lines lines(c.results[0].shape, line_axis(c.attributes));
    const auto n = static_cast<std::size_t>(lines.extent.constant());
    const auto stride = static_cast<std::size_t>(lines.inner.constant());
    lines.for_each([&](std::size_t first) {
        std::uint64_t before = run(init, {}), chain = run(init, {});
        for (std::size_t i = 0; i < n; ++i) {
            const std::size_t at = first + (cumsum_reverse(c.attributes) ? n - 1 - i : i) * stride;
            if (i != 0 && i % scan_block == 0) {
                before = run(combine, {before, chain});
                chain = run(init, {});
            }
            chain = run(step, {chain, x[at], i});
            sums.set(at, run(finish, {run(combine, {before, chain})}));
        }
    });
    return {sums.finish()};
}

}  // namespace lathe::ir::ops
