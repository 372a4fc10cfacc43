// Copies that read across what they write, in every dtype and order of axes, alone and with more in the same kernel:
// around the sides of tiles and patches they give the interpreter's bits.

#include <gtest/gtest.h>

#include "ir/graph/text.h"
#include "ir/loops/walk.h"
#include "tests/run_program.h"
#include "tools/fuzz/values.h"

namespace lathe::testing_support {
namespace {

using ir::Literal;

std::string list(const std::vector<int>& numbers) {
    std::string out;
    for (int n : numbers) out += (out.empty() ? "" : ", ") + std::to_string(n);
    return "[" + out + "]";
}

// x transposed, and the same with what lies otherwise; and with a zero in front of each row.
// Extents are symbols s0, s1 ... of the results' axes.
std::unique_ptr<ir::Graph> transposes(const std::vector<int>& permutation, std::string_view dtype, bool arithmetic) {
    const std::size_t rank = permutation.size();
    std::vector<std::string> of_x(rank);
    std::string symbols, result;
    for (std::size_t i = 0; i < rank; ++i) {
        const std::string s = "s" + std::to_string(i);
        of_x[static_cast<std::size_t>(permutation[i])] = s;
        symbols += (i > 0 ? ", " : "") + s;
    }
    result = symbols;
    std::string x;
    for (const std::string& s : of_x) x += (x.empty() ? "" : ", ") + s;
    std::vector<int> one_last(rank, 0), none(rank, 0);
    one_last.back() = 1;
    std::string text = "graph transposes(" + symbols + ") {\n";
    const auto line = [&](int value, const std::string& op, const std::string& shape) {
        text += "  %" + std::to_string(value) + " = " + op + " : " + std::string(dtype) + "[" + shape + "]\n";
    };
    line(0, "parameter \"x\"", x);
    line(1, "parameter \"y\"", result);
    line(2, "parameter \"zero\"", "");
    const std::string permuted = " {permutation = " + list(permutation) + "}";
    line(3, "transpose(%0)" + permuted, result);
    line(4, "pad(%3, %2) {low = " + list(one_last) + ", high = " + list(none) + "}", result + " + 1");
    text += "  return \"copy\" = %3, \"padded\" = %4";
    if (arithmetic) {
        const std::size_t end = text.rfind("  return");
        const std::string last = text.substr(end);
        text.resize(end);
        line(5, "max(%1, %3)", result);
        line(6, "sub(%5, %3)", result);
        text += last + ", \"mixed\" = %6";
    }
    return ir::parse_graph(text + "\n}\n", "transposes");
}

bool transposes_tiles(const ir::Graph& graph) {
    bool found = false;
    passes::PipelineOptions options;
    options.target = codegen::loop_target(codegen::host_target());
    const ir::Program program = passes::run_pipeline(graph, options).program;
    ir::for_each_kernel(program, [&](const ir::Program::Kernel& kernel) {
        found = found || ir::any_statement(kernel.nest.body, [](const ir::Stmt& s) {
                    const auto* loop = std::get_if<ir::Loop>(&s.node);
                    return loop != nullptr && loop->kind == ir::LoopKind::unroll;
                });
    });
    return found;
}

std::vector<std::vector<std::int64_t>> extents(std::size_t rank, Random& random) {
    std::vector<std::vector<std::int64_t>> out;
    if (rank == 2) {
        for (std::int64_t a : {0, 1, 3, 4, 5, 31, 33, 65})
            for (std::int64_t b : {0, 1, 2, 4, 7, 8, 63, 66, 129}) out.push_back({a, b});
        return out;
    }
    constexpr std::int64_t most = 6000;
    const std::vector<std::int64_t> some{0, 1, 2, 3, 4, 5, 8, 9, 17, 33, 65, 70};
    while (out.size() < 30) {
        std::int64_t count = 1;
        std::vector<std::int64_t>& values = out.emplace_back();
        for (std::size_t i = 0; i < rank; ++i)
            count *= values.emplace_back(some[static_cast<std::size_t>(below(random, std::ssize(some)))]);
        if (count > most) out.pop_back();
    }
    return out;
}

class Transposes : public testing::TestWithParam<ir::Dtype> {};

TEST_P(Transposes, GiveTheInterpretersBits) {
    Random random(5);
    const bool arithmetic = GetParam() != ir::Dtype::boolean;
    for (const std::vector<int>& permutation : std::vector<std::vector<int>>{
             {1, 0}, {2, 1, 0}, {0, 2, 1}, {1, 2, 0}, {2, 0, 1}, {3, 1, 2, 0}, {0, 3, 1, 2}}) {
        const auto graph = transposes(permutation, name(GetParam()), arithmetic);
        EXPECT_TRUE(transposes_tiles(*graph)) << ir::print(*graph);
        const CompiledHere compiled(*graph);
        for (const std::vector<std::int64_t>& symbols : extents(permutation.size(), random)) {
            if (const auto fault = compiled.fault(symbols, random)) {
                ADD_FAILURE() << *fault;
                return;
            }
        }
    }
}
INSTANTIATE_TEST_SUITE_P(Dtypes, Transposes, testing::ValuesIn(ir::all_dtypes()),
                         [](const auto& dtype) { return std::string(name(dtype.param)); });

}  // namespace
}  // namespace lathe::testing_support
