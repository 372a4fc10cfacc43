// Products and convolutions of bytes less zeros: the integers of the contraction as it is written, in every way of
// running, on levels with an instruction for them and without. Bytes are often the least and the greatest there are,
// whose products are what instructions that clamp would get wrong.
#include <array>
#include <cstring>

#include <gtest/gtest.h>

#include "codegen/compile.h"
#include "codegen/kernels.h"
#include "ir/functions/convolution.h"
#include "ir/functions/matmul.h"
#include "ir/graph/text.h"
#include "ir/ops/bytes.h"
#include "tests/configurations.h"
#include "tools/fuzz/values.h"

namespace lathe::testing_support {
namespace {

namespace f = ir::functions;
using ir::Dim;
using ir::Dtype;
using ir::Literal;
using ir::Shape;
using ir::Type;
using ir::Value;

constexpr Dtype bytes[] = {Dtype::u8, Dtype::i8};

Literal drawn(const Type& type, Random& random) {
    std::vector<std::byte> all(static_cast<std::size_t>(type.shape.element_count().constant()));
    const std::array<int, 2> ends = type.dtype == Dtype::u8 ? std::array{0, 255} : std::array{-128, 127};
    for (std::byte& b : all) {
        const std::int64_t choice = below(random, 4);
        b = static_cast<std::byte>(choice < 2 ? ends[static_cast<std::size_t>(choice)] : below(random, 256));
    }
    return ir::make_literal(type, all);
}

// What is subtracted of an operand.
enum class Zero : std::uint8_t { none, number, of_free, known };
constexpr Zero zeros[] = {Zero::none, Zero::number, Zero::of_free, Zero::known};

struct Builder {
    std::shared_ptr<ir::Graph> graph = std::make_shared<ir::Graph>();
    std::vector<Literal> inputs;
    Random random{7};

    Value parameter(const Type& type) {
        inputs.push_back(drawn(type, random));
        return graph->add_parameter("p" + std::to_string(inputs.size()), type);
    }
    // Bytes of a shape, made wider, less a zero; `free` is the shape of one for each index that is not summed.
    Value operand(Dtype dtype, const Shape& shape, Zero zero, const Shape& free) {
        const Value wide = f::convert(parameter({dtype, shape}), Dtype::i32);
        if (zero == Zero::none) return wide;
        if (zero == Zero::known) return ir::ops::sub(wide, f::number(wide, 5));
        const Value bytes = parameter({dtype, zero == Zero::number ? Shape{} : free});
        return ir::ops::sub(wide, f::convert(bytes, Dtype::i32));
    }
    GraphCase finish(const Value& v) {
        graph->add_output("y", v);
        return {graph, inputs};
    }
};

bool is_packed(const ir::Graph& graph) {
    const auto packed = passes::pack_bytes(graph);
    return packed != nullptr && std::ranges::any_of(packed->nodes(), [](const ir::Node& n) {
               return n.op == &ir::ops::dot_general_bytes || n.op == &ir::ops::convolution_bytes;
           });
}

void expect_same_integers(const GraphCase& c) {
    ASSERT_TRUE(is_packed(*c.graph)) << ir::print(*c.graph);
    passes::PipelineOptions plain;
    plain.verify = true;
    passes::PipelineOptions without = plain;
    without.off = {"pack_bytes"};
    std::vector<std::pair<std::string, Check>> ways{{"loops", through_loops(plain)},
                                                    {"loops without pack_bytes", through_loops(without)}};
    for (const char* const target : {"avx2", "avx512", "vnni"})
        if (codegen::target_named(target).runs_here) {
            ways.emplace_back(target, through_jit(target));
            ways.emplace_back(std::string(target) + " with weights", through_jit_with_weights(target));
        }
    for (const auto& [name, check] : ways)
        if (const auto fault = check(c)) {
            ADD_FAILURE() << name << ": " << *fault << "\n" << ir::print(*c.graph);
            return;
        }
}

TEST(ProductsOfBytes, OfMatrices) {
    struct Sizes {
        std::int64_t m, k, n;
    };
    constexpr Sizes all[] = {{1, 3, 1}, {5, 4, 7}, {7, 5, 16}, {3, 67, 33}, {13, 64, 70}, {2, 130, 1}, {30, 12, 3}};
    std::size_t turn = 0;
    for (const auto& [m, k, n] : all)
        for (const Dtype a : bytes)
            for (const Dtype b : bytes)
                for (std::size_t z = 0; z < 2; ++z, ++turn) {  // all pairs of zeros in turns
                    Builder builder;
                    const Value x = builder.operand(a, {m, k}, zeros[turn % 4], {m, 1});
                    const Value y = builder.operand(b, {k, n}, zeros[turn / 4 % 4], {n});
                    expect_same_integers(builder.finish(f::matmul(x, y)));
                    if (HasFailure()) return;
                }
}

TEST(ProductsOfBytes, OfBatchesAndVectors) {
    struct Case {
        Shape x, y;
    };
    const Case cases[] = {{{2, 3, 9}, {2, 9, 5}}, {{3, 8}, {8}}, {{9}, {9, 4}}, {{2, 1, 6}, {6, 20}}, {{17}, {17}}};
    for (const Case& c : cases)
        for (const Dtype b : bytes) {
            Builder builder;
            const Value x = builder.operand(Dtype::u8, c.x, Zero::number, {}),
                        y = builder.operand(b, c.y, Zero::number, {});
            expect_same_integers(builder.finish(f::matmul(x, y)));
        }
}

TEST(ProductsOfBytes, OfImages) {
    struct Case {
        Shape x, w;
        f::WindowGeometry g;
        std::int64_t groups;
    };
    const Case cases[] = {
        {{1, 3, 6, 7}, {5, 3, 3, 3}, {{1, 1}, {1, 1}, {1, 1}, {1, 1}}, 1},
        {{2, 8, 5, 5}, {16, 8, 1, 1}, {{1, 1}, {1, 1}, {0, 0}, {0, 0}}, 1},
        {{1, 12, 9, 4}, {8, 6, 3, 2}, {{2, 1}, {1, 2}, {1, 0}, {0, 2}}, 2},
        {{1, 5, 11}, {3, 5, 4}, {{3}, {2}, {2}, {1}}, 1},
        {{1, 4, 3, 4, 5}, {6, 4, 2, 2, 2}, {{1, 1, 2}, {1, 1, 1}, {0, 1, 0}, {1, 0, 0}}, 1},
    };
    std::size_t turn = 0;
    for (const Case& c : cases)
        for (const Dtype a : bytes)
            for (const Dtype b : bytes) {
                for (const Zero of_w : {zeros[turn++ % 4], Zero::none}) {
                    Builder builder;
                    const Zero of_x = zeros[turn % 2 == 0 ? 1 : 3];
                    Shape outputs{c.w[0]};
                    for (std::size_t i = 1; i < c.w.rank(); ++i) outputs.push_back(1);
                    const Value x = builder.operand(a, c.x, of_x, {}), w = builder.operand(b, c.w, of_w, outputs);
                    expect_same_integers(builder.finish(f::convolution(x, w, c.g, c.groups)));
                }
                if (HasFailure()) return;
            }
}

TEST(ProductsOfBytes, AheadOfTimeOnEveryLevel) {
    Builder builder;
    const Value x = builder.operand(Dtype::i8, {9, 21}, Zero::number, {}),
                y = builder.operand(Dtype::u8, {21, 40}, Zero::of_free, {40});
    const GraphCase c = builder.finish(f::matmul(x, y));
    for (const char* const target : {"avx2", "avx512", "vnni"})
        if (codegen::target_named(target).runs_here) {
            EXPECT_EQ(through_ahead(target)(c).value_or(""), "") << target;
        }
}

TEST(ProductsOfBytes, OfAnyExtents) {
    Builder builder;
    ir::Graph& graph = *builder.graph;
    const Dim m = Dim::symbol(graph.add_symbol("m")), k = Dim::symbol(graph.add_symbol("k"));
    const Value a = graph.add_parameter("a", {Dtype::u8, {m, k}}), b = graph.add_parameter("b", {Dtype::i8, {k, 19}});
    GraphCase c = builder.finish(f::matmul(f::convert(a, Dtype::i32), f::convert(b, Dtype::i32)));
    for (const std::int64_t rows : {0, 1, 14})
        for (const std::int64_t depth : {0, 1, 4, 31}) {
            c.inputs = {drawn({Dtype::u8, {rows, depth}}, builder.random),
                        drawn({Dtype::i8, {depth, 19}}, builder.random)};
            expect_same_integers(c);
        }
}

// What is no byte, or has a zero that changes along what is summed, stays as it is.
TEST(ProductsOfBytes, LeavesOthersAlone) {
    const auto graph_of = [](const auto& build) {
        auto graph = std::make_shared<ir::Graph>();
        graph->add_output("y", build(*graph));
        return graph;
    };
    const auto parameter = [](ir::Graph& g, Dtype d, Shape shape) {
        return g.add_parameter("p", {d, std::move(shape)});
    };
    const auto wide = [](const Value& v) { return f::convert(v, Dtype::i32); };
    EXPECT_FALSE(is_packed(*graph_of([&](ir::Graph& g) {
        return f::matmul(wide(parameter(g, Dtype::i16, {4, 8})), wide(parameter(g, Dtype::i8, {8, 4})));
    })));
    EXPECT_FALSE(is_packed(*graph_of([&](ir::Graph& g) {
        const Value x = wide(parameter(g, Dtype::i8, {4, 8}));
        return f::matmul(ir::ops::sub(x, wide(parameter(g, Dtype::i8, {8}))), wide(parameter(g, Dtype::i8, {8, 4})));
    })));
    EXPECT_FALSE(is_packed(*graph_of([&](ir::Graph& g) {
        const Value x = wide(parameter(g, Dtype::i8, {4, 2}));
        return f::matmul(x, wide(parameter(g, Dtype::i8, {2, 4})));
    })));
    EXPECT_TRUE(is_packed(*graph_of([&](ir::Graph& g) {
        std::vector<std::int32_t> numbers(32, -128);
        const Literal known = ir::make_literal({Dtype::i32, {8, 4}}, std::as_bytes(std::span(numbers)));
        return f::matmul(wide(parameter(g, Dtype::i8, {4, 8})), g.constant(known));
    })));
}

std::string assembly_of(const GraphCase& c, const std::string& target) {
    passes::PipelineOptions options;
    options.target = codegen::loop_target(codegen::target_named(target));
    const ir::Program program = passes::run_pipeline(*c.graph, options).program;
    std::string text;
    ir::for_each_kernel(program, [&](const ir::Program::Kernel& kernel) {
        text += codegen::emit_asm(kernel.nest, codegen::target_named(target));
    });
    return text;
}

TEST(ProductsOfBytes, TakeTheInstructionsThatDoNotClamp) {
    Builder builder;
    const Value x = builder.operand(Dtype::u8, {64, 64}, Zero::none, {}),
                y = builder.operand(Dtype::i8, {64, 64}, Zero::none, {});
    const GraphCase c = builder.finish(f::matmul(x, y));
    EXPECT_NE(assembly_of(c, "vnni").find("vpdpbusd\t"), std::string::npos);
    for (const char* const target : {"avx2", "avx512"}) {
        const std::string text = assembly_of(c, target);
        EXPECT_NE(text.find("vpmaddwd"), std::string::npos) << target;
        EXPECT_EQ(text.find("vpmaddubsw"), std::string::npos) << target;
        EXPECT_EQ(text.find("vpdpbusd"), std::string::npos) << target;
    }
}

}  // namespace
}  // namespace lathe::testing_support
