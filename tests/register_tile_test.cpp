// The accumulators of a tile stay in registers while k runs: register allocation does so only if nothing else is alive
// around that loop.
#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "codegen/compile.h"
#include "codegen/kernels.h"
#include "ir/graph/text.h"
#include "passes/pipeline.h"

namespace lathe::codegen {
namespace {

// Lines between labels.
std::vector<std::vector<std::string>> straight_lines(const std::string& assembly) {
    std::vector<std::vector<std::string>> out(1);
    for (std::size_t at = 0; at < assembly.size();) {
        const std::size_t end = std::min(assembly.find('\n', at), assembly.size());
        const std::string line = assembly.substr(at, end - at);
        if (!line.empty() && line[0] != '\t') out.emplace_back();
        out.back().push_back(line);
        at = end + 1;
    }
    return out;
}

std::ptrdiff_t count(const std::vector<std::string>& lines, std::string_view text) {
    return std::ranges::count_if(lines, [&](const std::string& l) { return l.find(text) != std::string::npos; });
}

class RegisterTiles : public testing::TestWithParam<const char*> {};

TEST_P(RegisterTiles, KeepTheirAccumulatorsInRegisters) {
    const Target target = target_named(GetParam());
    for (const std::string dtype : {"f32", "f64"})
        for (const std::string transposed : {"", "a", "b"})
            for (const bool follows : {false, true}) {
                const auto operand = [&](const std::string& name, const std::string& rows, const std::string& columns) {
                    const bool swap = transposed == name;
                    return "parameter \"" + name + "\" : " + dtype + "[" + (swap ? columns : rows) + ", " +
                           (swap ? rows : columns) + "]\n";
                };
                const std::string text =
                    "graph g(m, k, n) {\n  %0 = " + operand("a", "m", "k") + "  %1 = " + operand("b", "k", "n") +
                    "  %2 = parameter \"bias\" : " + dtype + "[n]\n" +
                    "  %3 = dot_general(%0, %1) {lhs_batch = [], rhs_batch = [], lhs_contract = [" +
                    (transposed == "a" ? "0" : "1") + "], rhs_contract = [" + (transposed == "b" ? "1" : "0") +
                    "]} : " + dtype + "[m, n]\n  %4 = add(%3, %2) : " + dtype +
                    "[m, n]\n  return \"y\" = " + (follows ? "%4" : "%3") + "\n}\n";
                SCOPED_TRACE(text);
                passes::PipelineOptions options;
                options.target = loop_target(target);
                ir::Program program = passes::run_pipeline(*ir::parse_graph(text, "g.lir"), options).program;
                std::ptrdiff_t tiles = 0;
                ir::for_each_kernel(program, [&](ir::Program::Kernel& kernel) {
                    for (const auto& lines : straight_lines(emit_asm(kernel.nest, target))) {
                        if (count(lines, "vfmadd") < 8) continue;
                        ++tiles;
                        EXPECT_EQ(count(lines, "vmovap"), 0);
                        EXPECT_LE(count(lines, "(%rsp)"), 3) << "bounds and addresses";
                    }
                });
                EXPECT_GE(tiles, 3) << "of six rows, of five, and of one vector";
            }
}
INSTANTIATE_TEST_SUITE_P(Targets, RegisterTiles, testing::Values("avx2", "avx512"),
                         [](const auto& i) { return std::string(i.param); });

}  // namespace
}  // namespace lathe::codegen
