// Every op on operands that do not lie row by row: memory of others with strides, and views of what lies in memory. The
// results are, bit for bit, those of the same elements packed.
#include <algorithm>
#include <numeric>

#include <gtest/gtest.h>

#include "frontend/tensor/record.h"
#include "ir/functions/basic.h"
#include "ir/graph/interpret.h"
#include "ir/graph/text.h"
#include "ir/ops/ops.h"
#include "lathe.h"
#include "tests/op_samples.h"
#include "tools/fuzz/values.h"

namespace lathe::testing_support {
namespace {

using ir::Integers;
using ir::Literal;
using ir::OpDef;

Integers extents_of(const Literal& x) {
    Integers extents;
    for (const ir::Dim d : x.type.shape) extents.push_back(d.constant());
    return extents;
}

// Calls f(its row-major position, its index) for each element.
template <class F>
void for_each_element(const Integers& extents, const F& f) {
    const std::int64_t count = std::accumulate(extents.begin(), extents.end(), std::int64_t{1}, std::multiplies<>());
    for (std::int64_t i = 0; i < count; ++i) {
        Integers index(extents.size());
        std::int64_t rest = i;
        for (std::size_t d = extents.size(); d-- > 0; rest /= extents[d]) index[d] = rest % extents[d];
        f(i, index);
    }
}

Integers permutation(std::size_t rank, Random& random) {
    Integers order(rank);
    std::iota(order.begin(), order.end(), 0);
    for (std::size_t i = rank; i > 1; --i)
        std::swap(order[i - 1], order[static_cast<std::size_t>(below(random, static_cast<std::int64_t>(i)))]);
    return order;
}

// Memory that must not be read beyond its ends, with dimensions in any order, gaps, and some of them backwards.
Tensor borrowed(const Literal& x, Random& random) {
    const Integers extents = extents_of(x);
    const std::size_t size = size_of(x.type.dtype);
    Integers strides(extents.size());
    std::int64_t step = 1, first = 0, last = 0;
    for (const std::int64_t d : permutation(extents.size(), random)) {
        const auto axis = static_cast<std::size_t>(d);
        strides[axis] = step * (1 + below(random, 2));
        step = strides[axis] * std::max<std::int64_t>(extents[axis], 1);
        if (chance(random, 30)) strides[axis] = -strides[axis];
        const std::int64_t reach = strides[axis] * std::max<std::int64_t>(extents[axis] - 1, 0);
        (reach < 0 ? first : last) += reach;
    }
    const auto memory = std::make_shared<GuardedMemory>(static_cast<std::size_t>(last - first + 1) * size);
    fill(memory->data(), memory->size() / size, x.type.dtype, random, true);
    std::byte* const origin = memory->data() - first * static_cast<std::int64_t>(size);
    const std::vector<std::byte> elements = elements_of(x);
    for_each_element(extents, [&](std::int64_t i, const Integers& index) {
        const std::int64_t at = std::inner_product(index.begin(), index.end(), strides.begin(), std::int64_t{0});
        std::copy_n(elements.begin() + i * static_cast<std::int64_t>(size), size,
                    origin + at * static_cast<std::int64_t>(size));
    });
    return Tensor::borrow_as(x.type.dtype, origin, extents, strides, memory);
}

// A part of something greater, every other element of it or backwards, and its dimensions exchanged.
Tensor viewed(const Literal& x, Random& random) {
    constexpr std::int64_t large = 40'000;  // bytes, from which on views share memory
    const Integers extents = extents_of(x), order = permutation(extents.size(), random);
    const auto size = static_cast<std::int64_t>(size_of(x.type.dtype));
    Integers outer{0}, start{0}, count{1}, step{1};
    std::int64_t each = 1;
    for (const std::int64_t d : order) {
        const std::int64_t extent = extents[static_cast<std::size_t>(d)], by = 1 + below(random, 2),
                           before = below(random, 3), reach = by * std::max<std::int64_t>(extent - 1, 0);
        const bool backwards = chance(random, 30);
        outer.push_back(before + reach + 1 + below(random, 3));
        start.push_back(backwards ? before + reach : before);
        count.push_back(extent);
        step.push_back(backwards ? -by : by);
        each *= outer.back();
    }
    outer[0] = large / (each * size) + 2;
    start[0] = below(random, outer[0]);
    std::vector<std::byte> bytes(static_cast<std::size_t>(outer[0] * each * size));
    fill(bytes.data(), bytes.size() / static_cast<std::size_t>(size), x.type.dtype, random, true);
    const std::vector<std::byte> elements = elements_of(x);
    for_each_element(extents, [&](std::int64_t i, const Integers& index) {
        std::int64_t at = start[0];
        for (std::size_t k = 0; k < order.size(); ++k)
            at = at * outer[k + 1] + start[k + 1] + index[static_cast<std::size_t>(order[k])] * step[k + 1];
        std::copy_n(elements.begin() + i * size, size, bytes.begin() + at * size);
    });
    const auto shape = [](const Integers& numbers) {
        ir::Shape out;
        for (const std::int64_t n : numbers) out.push_back(n);
        return out;
    };
    const Tensor all = Tensor::from_bytes(x.type.dtype, outer, bytes).eval();
    const Tensor part = ir::ops::slice.with({shape(start), shape(count), step}, all);
    const Tensor own = ir::functions::reshape(part, shape(Integers(count.begin() + 1, count.end())));
    Integers back(order.size());
    for (std::size_t k = 0; k < order.size(); ++k)
        back[static_cast<std::size_t>(order[k])] = static_cast<std::int64_t>(k);
    return ir::ops::transpose.with({back}, own);
}

std::vector<Literal> draw(const OpDef& op, const Call& call, Random& random) {
    std::vector<Literal> all;
    for (std::size_t i = 0; i < call.operands.size(); ++i)
        all.push_back(
            op.indices && op.indices.operand == i
                ? random_indices(call.operands[i], op.indices.bound(call.operands, call.attributes).constant(), random)
                : random_literal(call.operands[i], random, true));
    return all;
}

std::vector<Tensor> record(const OpDef& op, const Call& call, const std::vector<Tensor>& operands) {
    std::vector<detail::NodeRef> nodes;
    for (const Tensor& x : operands) nodes.push_back(detail::operand(x.node()));
    std::vector<Tensor> results;
    for (detail::NodeRef& y : detail::record_results(op, nodes, call.attributes, std::source_location::current()))
        results.emplace_back(std::move(y));
    return results;
}

std::vector<Literal> values_of(const std::vector<Tensor>& tensors) {
    std::vector<Literal> values;
    for (const Tensor& x : tensors) values.push_back(ir::make_literal(x.type(), x.bytes()));
    return values;
}

class StridedOperands : public testing::TestWithParam<Dtype> {};

TEST_P(StridedOperands, GiveTheBitsOfPackedOnes) {
    Random random(static_cast<std::uint64_t>(GetParam()) + 11);
    std::size_t tested = 0;
    for (const OpDef* op : ir::op_table()) {
        if (!op->dtypes.contains(GetParam())) continue;
        const std::vector<Call> calls = samples(*op, GetParam());
        for (std::size_t c = 0; c < calls.size(); ++c) {
            const Call& call = calls[c];
            if (call.operands.empty()) continue;
            const std::vector<Literal> inputs = draw(*op, call, random);
            const std::vector<Literal> expected = ir::interpret(*graph_of(*op, call), inputs);
            const auto check = [&](const char* how, const std::vector<Literal>& actual) {
                const auto found = difference(expected, actual);
                EXPECT_EQ(found, std::nullopt) << op->name << " of sample " << c << ", " << how;
            };
            const auto all = [&](Tensor (*make)(const Literal&, Random&)) {
                std::vector<Tensor> operands;
                for (const Literal& x : inputs) operands.push_back(make(x, random));
                return operands;
            };
            check("borrowed", values_of(record(*op, call, all(borrowed))));
            check("views", values_of(record(*op, call, all(viewed))));
            if (c == 0 && GetParam() == Dtype::f32) {
                auto compiled = jit([&](const std::vector<Tensor>& x) { return record(*op, call, x); });
                check("compiled, borrowed", values_of(compiled(all(borrowed))));
                check("compiled, views", values_of(compiled(all(viewed))));
            }
            ++tested;
            if (HasFailure()) return;
        }
    }
    EXPECT_GT(tested, 20U);
}
INSTANTIATE_TEST_SUITE_P(Dtypes, StridedOperands, testing::Values(Dtype::f32, Dtype::bf16, Dtype::i64, Dtype::boolean),
                         [](const auto& dtype) { return std::string(name(dtype.param)); });

}  // namespace
}  // namespace lathe::testing_support
