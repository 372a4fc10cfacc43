#include "ir/ops/scans.h"

#include <functional>

#include "ir/ops/arithmetic.h"
#include "ir/ops/comparison.h"
#include "ir/ops/reductions.h"

namespace lathe::ir::ops {

// ---- sums

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
                  .extents = {static_cast<std::int64_t>(x.dtype), std::int64_t{chain_reverse(c.attributes)},
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
            const std::size_t at = first + (chain_reverse(c.attributes) ? n - 1 - i : i) * stride;
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

// ---- chains of whole lines

namespace {

// Lines that lie side by side run together, some columns at a time; lines that do not, several side by side.
HostCall chain_call(std::string_view function, const CallContext& c, std::int64_t picoseconds) {
    const Lines lines(c.operands[0].shape, line_axis(c.attributes));
    constexpr std::int64_t columns = 64;
    const bool in_rows = lines.inner == Dim(1);
    const Dim panels = in_rows ? 1 : ceildiv(lines.inner, columns), width = in_rows ? 1 : ir::min(lines.inner, columns);
    return {.function = function,
            .extents = {static_cast<std::int64_t>(c.operands[0].dtype), std::int64_t{chain_reverse(c.attributes)},
                        lines.extent, lines.inner, in_rows ? 0 : columns},
            .iterations = lines.outer * panels,
            .picoseconds = lines.extent * width * picoseconds};
}

// Calls f(position of the element, its number in its chain) along each line.
void for_each_link(const ReferenceContext& c, const std::function<void(std::size_t, std::size_t)>& f) {
    const Lines lines(c.results[0].shape, line_axis(c.attributes));
    const auto n = static_cast<std::size_t>(lines.extent.constant());
    const auto stride = static_cast<std::size_t>(lines.inner.constant());
    lines.for_each([&](std::size_t first) {
        for (std::size_t i = 0; i < n; ++i) f(first + (chain_reverse(c.attributes) ? n - 1 - i : i) * stride, i);
    });
}

std::uint64_t result_of(const ScalarProgram& program, std::initializer_list<std::uint64_t> operands) {
    std::vector<std::uint64_t> scratch;
    std::uint64_t y = 0;
    execute(program, {operands.begin(), operands.size()}, {&y, 1}, scratch);
    return y;
}

}  // namespace

HostCall cumprod_call(const CallContext& c) { return chain_call("cumprod_v1", c, 800); }

std::vector<Literal> cumprod_reference(const ReferenceContext& c) {
    const Dtype element[] = {c.operands[0].type.dtype};
    const ScalarProgram &init = reducer_program(prod, ReducerPart::init, element, {}),
                        &step = reducer_program(prod, ReducerPart::step, element, {}),
                        &finish = reducer_program(prod, ReducerPart::finish, element, {});
    const Elements x(c.operands[0]);
    Result products(c.results[0]);
    std::uint64_t chain = 0;
    for_each_link(c, [&](std::size_t at, std::size_t i) {
        if (i == 0) chain = result_of(init, {});
        chain = result_of(step, {chain, x[at], i});
        products.set(at, result_of(finish, {chain}));
    });
    return {products.finish()};
}

HostCall cummax_call(const CallContext& c) {
    HostCall call = chain_call("cummax_v1", c, 1500);
    call.extents.emplace_back(std::int64_t{c.wanted[0]});
    call.extents.emplace_back(std::int64_t{c.wanted[1]});
    return call;
}

std::vector<Literal> cummax_reference(const ReferenceContext& c) {
    const Dtype d = c.operands[0].type.dtype;
    const Dtype dtypes[] = {d, d};
    const ScalarProgram &is_at_least = scalar_program(ge, dtypes, {}, Dtype::boolean),
                        &differs = scalar_program(ne, dtypes, {}, Dtype::boolean);
    const Elements x(c.operands[0]);
    Result values(c.results[0]), positions(c.results[1]);
    const Lines lines(c.results[0].shape, line_axis(c.attributes));
    const auto stride = static_cast<std::size_t>(lines.inner.constant());
    const auto extent = static_cast<std::size_t>(lines.extent.constant());
    std::uint64_t greatest = 0, position = 0;
    for_each_link(c, [&](std::size_t at, std::size_t i) {
        const std::uint64_t next = x[at];
        const bool next_nan = result_of(differs, {next, next}) != 0;
        const bool greatest_nan = result_of(differs, {greatest, greatest}) != 0;
        if (i == 0 || next_nan || (!greatest_nan && result_of(is_at_least, {next, greatest}) != 0)) {
            greatest = next;
            position = at / stride % extent;
        }
        values.set(at, greatest);
        positions.set(at, position);
    });
    return {values.finish(), positions.finish()};
}

HostCall linear_recurrence_call(const CallContext& c) { return chain_call("linear_recurrence_v1", c, 1500); }

std::vector<Literal> linear_recurrence_reference(const ReferenceContext& c) {
    const Dtype d = c.results[0].dtype, wide = accumulator_of(d);
    const Dtype one[] = {d}, one_wide[] = {wide}, two_wide[] = {wide, wide};
    const Attribute to_wide[] = {wide}, back[] = {d};
    const ScalarProgram &widen = scalar_program(convert, one, to_wide, wide),
                        &narrow = scalar_program(convert, one_wide, back, d),
                        &product = scalar_program(mul, two_wide, {}, wide),
                        &total = scalar_program(add, two_wide, {}, wide);
    const Elements a(c.operands[0]), b(c.operands[1]);
    Result y(c.results[0]);
    std::uint64_t before = 0;
    for_each_link(c, [&](std::size_t at, std::size_t i) {
        const std::uint64_t more = result_of(widen, {b[at]});
        const std::uint64_t kept = i == 0 ? 0 : result_of(product, {result_of(widen, {a[at]}), before});
        before = i == 0 ? more : result_of(total, {kept, more});
        y.set(at, result_of(narrow, {before}));
    });
    return {y.finish()};
}

}  // namespace lathe::ir::ops
