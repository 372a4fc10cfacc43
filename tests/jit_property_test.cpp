// Every op of the table in every dtype that it takes, compiled: on awkward shapes, around the widths of vectors, and on
// special values it gives the interpreter's bits.
#include <map>

#include <gtest/gtest.h>

#include "codegen/compile.h"
#include "ir/error.h"
#include "ir/graph/interpret.h"
#include "ir/graph/text.h"
#include "ir/ops/ops.h"
#include "tests/configurations.h"
#include "tests/op_samples.h"
#include "tests/run_program.h"
#include "tools/fuzz/values.h"

namespace lathe::testing_support {
namespace {

using ir::Dtype;
using ir::Literal;
using ir::OpDef;
using ir::Type;

// Several calls on the same operands. Copies of the operands, so that the calls become one kernel where they can.
std::shared_ptr<ir::Graph> graph_of(std::span<const std::pair<const OpDef*, Call>> calls, bool symbolic) {
    auto graph = std::make_shared<ir::Graph>();
    std::vector<ir::Value> operands;
    for (Type type : calls[0].second.operands) {
        for (std::size_t d = 0; symbolic && d < type.shape.rank(); ++d)
            if (type.shape[d] != ir::Dim(1)) type.shape[d] = ir::Dim::symbol(graph->add_symbol("n"));
        operands.push_back(graph->add_parameter("x" + std::to_string(operands.size()), type));
    }
    if (calls.size() > 1)
        for (ir::Value& v : operands) v = {&graph->add(*ir::find_op("stop_gradient"), {{v}}), 0};
    for (const auto& [op, call] : calls) {
        const ir::Node& node = graph->add(*op, operands, call.attributes);
        for (std::uint32_t r = 0; r < node.results.size(); ++r)
            graph->add_output(std::string(op->name) + std::to_string(r), {&node, r});
    }
    return graph;
}

// Inputs for one value of each symbol; empty where the graph cannot take them.
std::optional<std::vector<Literal>> draw(const ir::Graph& graph, const OpDef& op, std::span<const std::int64_t> symbols,
                                         Random& random) {
    // The interpreter is slow.
    constexpr std::int64_t most_elements = 4200, most_work = 300000;
    const auto count = [&](const Type& type) {
        return type.shape.element_count().evaluate(symbols).value_or(most_elements + 1);
    };
    std::vector<Type> types;
    std::int64_t work = 1;
    for (const ir::Value& p : graph.parameters()) {
        Type& type = types.emplace_back(p.type());
        if (count(type) > most_elements) return std::nullopt;
        work *= std::max<std::int64_t>(count(type), 1);
        for (std::size_t d = 0; d < type.shape.rank(); ++d) type.shape[d] = type.shape[d].evaluate(symbols).value();
    }
    if (op.lowering == ir::Lowering::contraction && work > most_work) return std::nullopt;
    for (const ir::Value& y : graph.outputs())
        if (count(y.type()) > most_elements) return std::nullopt;
    try {
        ir::bind_symbols(graph, types);
    } catch (const TypeError&) {
        return std::nullopt;
    }
    std::vector<Literal> inputs;
    for (const Type& type : types) {
        if (!op.indices || inputs.size() != op.indices.operand) {
            inputs.push_back(random_literal(type, random, true));
            continue;
        }
        const std::int64_t bound = op.indices.bound(types, graph.outputs()[0].node->attributes).constant();
        if (bound == 0 && type.shape.element_count() != ir::Dim(0)) return std::nullopt;
        inputs.push_back(random_indices(type, std::max<std::int64_t>(bound, 1), random));
    }
    return inputs;
}

// The symbols' values that are tried: what the sample had, all the same around vectors' widths, and one long extent.
std::vector<std::vector<std::int64_t>> bindings_of(const ir::Graph& graph, const Call& sample) {
    std::vector<std::int64_t> own;
    for (const Type& type : sample.operands)
        for (ir::Dim d : type.shape)
            if (d != ir::Dim(1)) own.push_back(d.constant());
    std::vector<std::vector<std::int64_t>> out{own};
    const std::size_t n = graph.symbols.size();
    if (n == 0) return {{}};
    for (std::int64_t v : {0, 1, 3, 15, 16, 17, 33, 63, 64, 65, 130}) out.emplace_back(n, v);
    for (std::size_t s = 0; s < n; ++s)
        for (std::int64_t v : {70, 4099}) {
            std::vector<std::int64_t> values(n, 2);
            values[s] = v;
            // Extents that have to be equal to it are those of the other operands that were.
            for (std::size_t k = 0; k < n; ++k)
                if (own[k] == own[s]) values[k] = v;
            out.push_back(std::move(values));
        }
    return out;
}

void expect_same(std::span<const std::pair<const OpDef*, Call>> calls, bool symbolic, Random& random) {
    const std::shared_ptr<const ir::Graph> graph = graph_of(calls, symbolic);
    std::map<std::string, std::shared_ptr<const codegen::Executable>> executables;
    for (const std::string& target : targets_here())
        executables[target] = codegen::compile(*graph, {.target = codegen::target_named(target)});
    for (const std::vector<std::int64_t>& symbols : bindings_of(*graph, calls[0].second)) {
        const auto inputs = draw(*graph, *calls[0].first, symbols, random);
        if (!inputs) continue;
        const std::vector<Literal> expected = ir::interpret(*graph, *inputs);
        for (const auto& [target, executable] : executables)
            if (auto found = difference(expected, run_compiled(*executable, *inputs, 2))) {
                report({graph, *inputs}, through_jit(target), target + ": " + *found);
                return;
            }
    }
}

class EveryOp : public testing::TestWithParam<Dtype> {};

TEST_P(EveryOp, CompiledGivesTheInterpretersBits) {
    Random random(static_cast<std::uint64_t>(GetParam()) + 1);
    // Elementwise calls on operands of the same types go together, some at a time.
    constexpr std::size_t together = 12;
    std::map<std::string, std::vector<std::pair<const OpDef*, Call>>> elementwise;
    std::size_t tested = 0;
    for (const OpDef* op : ir::op_table()) {
        if (!op->dtypes.contains(GetParam())) continue;
        for (Call& call : samples(*op, GetParam())) {
            ++tested;
            if (op->lowering != ir::Lowering::elementwise) {
                const std::vector<std::pair<const OpDef*, Call>> one{{op, call}};
                expect_same(one, true, random);
                if (op->lowering != ir::Lowering::contraction) expect_same(one, false, random);
                if (HasFailure()) return;
                continue;
            }
            std::string types;
            for (const Type& t : call.operands) types += t.to_string() + " ";
            elementwise[types].emplace_back(op, std::move(call));
        }
    }
    EXPECT_GT(tested, 20U);
    for (const auto& [types, calls] : elementwise)
        for (std::size_t i = 0; i < calls.size() && !HasFailure(); i += together)
            expect_same(std::span(calls).subspan(i, std::min(together, calls.size() - i)), true, random);
}
// In a kernel of its own, for a few elements whose number is known: other instructions, and other mistakes of theirs.
TEST_P(EveryOp, GivesTheInterpretersBitsAlone) {
    Random random(static_cast<std::uint64_t>(GetParam()) + 7);
    for (const OpDef* op : ir::op_table()) {
        if (!op->dtypes.contains(GetParam()) || op->lowering != ir::Lowering::elementwise) continue;
        Call call = samples(*op, GetParam()).front();
        for (Type& t : call.operands) t.shape = {5};
        const std::vector<std::pair<const OpDef*, Call>> one{{op, call}};
        expect_same(one, false, random);
        if (HasFailure()) return;
    }
}
INSTANTIATE_TEST_SUITE_P(Dtypes, EveryOp, testing::ValuesIn(ir::all_dtypes()),
                         [](const auto& dtype) { return std::string(name(dtype.param)); });

TEST(EveryOp, ConvertsToEveryDtype) {
    Random random(3);
    for (Dtype from : ir::all_dtypes()) {
        std::vector<std::pair<const OpDef*, Call>> calls;
        for (Dtype to : ir::all_dtypes()) calls.push_back({ir::find_op("convert"), Call{{{from, ir::Shape{7}}}, {to}}});
        expect_same(calls, true, random);
    }
}

}  // namespace
}  // namespace lathe::testing_support
