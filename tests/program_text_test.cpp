// Programs as text: what is printed reads back as the same program, at every stage and with every kind of step, and a
// program that was read is as good as the one that was printed. Damaged texts are refused, or are programs.
#include <map>
#include <tuple>

#include <gtest/gtest.h>

#include "ir/error.h"
#include "ir/graph/interpret.h"
#include "ir/graph/text.h"
#include "ir/graph/verify.h"
#include "ir/ops/op.h"
#include "ir/program/interpret.h"
#include "ir/program/text.h"
#include "ir/program/verify.h"
#include "passes/pipeline.h"
#include "tests/op_samples.h"
#include "tests/run_program.h"
#include "tools/fuzz/random_graph.h"
#include "tools/fuzz/values.h"

namespace lathe::testing_support {
namespace {

using ir::Literal;
using ir::Locs;

std::string faults(std::string_view text) {
    try {
        ir::parse_program(text, "t.lir");
    } catch (const FormatError& e) {
        return e.what();
    }
    return {};
}

// Everything that a program may hold.
constexpr std::string_view example = R"(program "two words"(n, m) iterations (i, j) {
  typical (32, -1)
  require n == 2*m : "add: the shapes do not broadcast"
  @0 = input "x" : f32[n, m] donated
  @1 = input "layer 1.\"w\"" : i64[4]
  @2 = constant : f32[2, 3] layout (1, 0) = f32[2, 3] [1, -inf, nan, 0x7fc00001, -0, 1.5e-10]
  @3 = constant : f32[64] = f32[64] 0
  @4 = output "y" : f32[n] made by "add"
  @5 = temporary : f32[n, m]
  @6 = temporary : f32[n, m]
  @7 = temporary : bool[]
  @8 = temporary : f32[4, n, m]
  @9 = temporary : f32[n]

  graph main(n, m) {
    %0 = parameter "x" : f32[n, m]
    %1 = reduce_max(%0) {axes = [1]} : f32[n]
    %2 = neg(%1) : f32[n]
    return "y" = %2
  }

  graph body() {
    %0 = parameter "x" : f32[n, m]
    %1 = exp(%0) : f32[n, m]
    %2 = sum(%1) {axes = [0, 1]} : f32[]
    return "y" = %2
  }

  group row over [n | m] {
    reads  @0 %0: f32[n, m]
    writes @9 %1: f32[n], @4 %2: f32[n]
    folds %1
    %1 = reduce_max(%0) {axes = [1]} : f32[n]
    %2 = neg(%1) : f32[n]
  }

  group row over [| n, m] in graph 1 {
    reads  @0 %0: f32[n, m]
    writes @5 %1: f32[n, m]
    folds %2
    stores %1 in %2
    %1 = exp(%0) : f32[n, m]
    %2 = sum(%1) {axes = [0, 1]} : f32[]
  }

  run (@0, @5) extents (n*m) site "gather: index" site "scatter: index" of
  k(%n0) {
    in in0: f32[%n0]
    out out1: f32[%n0]
    parallel i0 in %n0 {
      %0 = load in0[%i0]
      store out1[%i0], %0
    }
  }

  batch {
    run (@3) extents () of
    k() {
      out b: f32[64]
      unroll i in 64 {
        %0 = constant 0x3f800000 : f32
        store b[%i], %0
      }
    }
  }

  if @7 {
    run () extents () of
    nothing() {
    }
  } else {
    loop i in 4 carries @5 <- @6 stacks @5 -> @8[-i + 3] {
    }
  }

  loop j carries @5 <- @6, @6 <- @5 {
    run () extents () of
    nothing() {
    }
    while @7
    call "a function"(@5) to (@6) extents (n, 4) iterations n workspace 8*m picoseconds 100*m of %1 results (0) in graph 1
  }

  return "y" = @4, "again" = @4
}
)";

TEST(ProgramText, IsAFixedPoint) {
    EXPECT_EQ(ir::print(ir::parse_program(example, "t.lir")), example);
    const std::string shown = ir::print(ir::parse_program(example, "t.lir"), Locs::show);
    EXPECT_EQ(ir::print(ir::parse_program(shown, "u.lir"), Locs::show), shown);
    EXPECT_NE(shown.find("site \"gather: index\" loc(\"t.lir\":46) site"), std::string::npos) << shown;
}

TEST(ProgramText, FaultsNameLineAndColumn) {
    const auto broken = [](std::string_view from, std::string_view to) {
        std::string text(example);
        text.replace(text.find(from), from.size(), to);
        return faults(text);
    };
    EXPECT_EQ(broken("folds %1", "folds %9"),
              "t.lir:32:11: its graph has no node %9\n        folds %9\n              ^");
    EXPECT_EQ(broken("run (@0, @5)", "run (@0, @10)").substr(0, 36), "t.lir:46:12: there is no buffer @10\n");
    EXPECT_EQ(broken("@1 = input", "@2 = input").substr(0, 29), "t.lir:5:3: the buffer is @1\n ");
    EXPECT_NE(broken("    %2 = neg(%1) : f32[n]\n  }\n\n  group", "    %2 = neg(%0) : f32[n]\n  }\n\n  group")
                  .find("t.lir:34:14: the graph says %2 = neg(%1) : f32[n]"),
              std::string::npos);
    EXPECT_NE(broken("%1 = exp(%0)", "%x = exp(%0)").find("the node is %1 of its graph"), std::string::npos);
    EXPECT_NE(broken("@0 %0: f32[n, m]", "@0 %0: f32[m, n]").find("the graph says f32[n, m]"), std::string::npos);
    EXPECT_NE(broken("in graph 1", "in graph 2").find("there is no graph 2"), std::string::npos);
    EXPECT_NE(broken("loop i in", "loop q in").find("unknown symbol 'q'"), std::string::npos);
    EXPECT_NE(broken("typical (32, -1)", "typical (32)").find("typical extent for each symbol"), std::string::npos);
    EXPECT_NE(broken("(1, 0) = ", "(1, 8) = ").find("a dimension is out of range"), std::string::npos);
    EXPECT_NE(broken("while @7", "while true\n    while @7").find("the loop has two tests"), std::string::npos);
    EXPECT_NE(faults(std::string(example) + "x").find("text behind the end"), std::string::npos);
    std::string deep = "program p() {\n  @0 = temporary : bool[]\n";
    for (int i = 0; i < 100'000; ++i) deep += "if @0 {\n";
    EXPECT_NE(faults(deep).find("nested too deeply"), std::string::npos);
}

// What a call is told decides which memory it touches.
TEST(ProgramText, CallsAreToldWhatTheRowsOfTheirOpsSay) {
    const auto graph = ir::parse_graph(R"(graph main(n, m) {
  require n == m : "add: the shapes do not broadcast"
  %0 = parameter "x" : f32[n]
  %1 = sort(%0) {axis = 0, descending = true} : f32[n], i64[n]
  %2 = cumsum(%0) {axis = 0, reverse = false} : f32[n]
  return "y" = %1#0, "z" = %2
}
)",
                                       "t.lir");
    const std::string sound = ir::print(passes::run_pipeline(*graph).program);
    const auto faults_with = [&](std::string_view from, std::string_view to) {
        std::string text = sound;
        const std::size_t at = text.find(from);
        if (at == std::string::npos) ADD_FAILURE() << from << " is not in\n" << text;
        text.replace(at, from.size(), to);
        std::string out;
        for (const std::string& fault : ir::verify(ir::parse_program(text, "t.lir"))) out += fault + "\n";
        return out;
    };
    // Sizes that the program demands to be equal, and how long an iteration takes, may be written otherwise.
    for (const auto& [from, to] : {std::pair("", ""),
                                   {"extents (1, 1, 1, 0, n", "extents (1, 1, 1, 0, m"},
                                   {"picoseconds floordiv(", "picoseconds 3 + floordiv("}})
        EXPECT_EQ(faults_with(from, to), "") << to;

    const std::string of_sort = "the row of sort says another ", of_cumsum = "the row of cumsum says another ";
    const std::tuple<std::string, std::string, std::string> cases[] = {
        {"call sort_v2", "call cumsum_v2", of_sort + "function"},
        {"call cumsum_v2", "call \"\"", of_cumsum + "function"},
        {"extents (1, 1, 1, 0, n", "extents (0, 1, 1, 0, n", of_sort + "list of extents"},
        {"extents (1, 1, 1, 0, n", "extents (1, 1, 1, 0, 2*n", of_sort + "list of extents"},
        {"extents (1, 1, 1, 0, n", "extents (1, 1, 1, 1, n", of_sort + "list of extents"},
        {"extents (1, 0, n,", "extents (1, 0,", of_cumsum + "list of extents"},
        {"iterations min(", "iterations 1 + min(", "another number of iterations"},
        {"workspace 131584", "workspace 131583", of_cumsum + "workspace"},
        {"workspace -8*n", "workspace -9*n", of_sort + "workspace"},
        {"phases 9", "phases 8", of_sort + "number of phases"},
        {"phases 1 iterations", "phases 1 iterations 1 +", of_cumsum + "number of iterations of its phases"},
        {"scratch 4*", "scratch 3*", of_cumsum + "scratch"},
        {"results (0)", "results (1)", ""},  // which the buffers do not hold either
    };
    for (const auto& [from, to, fault] : cases) {
        const std::string faults = faults_with(from, to);
        EXPECT_TRUE(!faults.empty() && faults.find(fault) != std::string::npos) << to << "\n" << faults;
    }
    // Without phases, the row's scratch is none.
    const std::size_t phases = sound.find(" phases 9"), of = sound.find(" of %1", phases);
    ASSERT_NE(of, std::string::npos);
    EXPECT_NE(faults_with(sound.substr(phases, of - phases), "").find(of_sort + "number of phases"), std::string::npos);
}

// Whether it surely ends, and soon.
bool ends(const ir::Program& program) {
    bool out = true;
    ir::for_each_step(program.steps, [&](const ir::Program::Step& step) {
        const auto* const loop = std::get_if<ir::Program::Loop>(&step.node);
        if (loop == nullptr) return;
        out = out && loop->trips && loop->trips->is_constant() && loop->trips->constant() < 100;
    });
    return out;
}

// What is accepted is fit to be verified and printed; where it is sound, to be run.
void use(const std::string& text, std::span<const Literal> inputs) {
    try {
        const ir::Program program = ir::parse_program(text, "t.lir");
        const std::string again = ir::print(program);
        EXPECT_EQ(ir::print(ir::parse_program(again, "t.lir")), again) << text;
        if (ir::verify(program).empty() && program.input_count() == inputs.size() && ends(program))
            ir::interpret(program, inputs);
    } catch (const Error&) {
    }
}

struct Sample {
    std::string text;
    std::vector<Literal> inputs;
};
std::vector<Sample> small_samples() {
    std::vector<Sample> out{{std::string(example), {}}};
    for (std::uint64_t seed = 0; out.size() < 4; ++seed) {
        const RandomGraph sample = random_graph(seed, {.nodes = 6, .elements = 60, .bindings = 1});
        if (sample.graph->nodes().size() > 16) continue;
        const auto program = passes::fused_program({std::shared_ptr<const void>(), sample.graph.get()});
        out.push_back({ir::print(program, Locs::show), sample.inputs[0]});
    }
    return out;
}

TEST(ProgramText, EveryPrefixAndEveryFlippedByteEndsInAnErrorOrAProgram) {
    for (const auto& [text, inputs] : small_samples())
        for (std::size_t i = 0; i < text.size(); ++i) {
            faults(std::string_view(text).substr(0, i));
            for (const unsigned char flip : {1, 4, 32}) {
                std::string bad = text;
                bad[i] = static_cast<char>(bad[i] ^ flip);
                use(bad, inputs);
            }
        }
}

TEST(ProgramText, PiecesOutOfPlaceEndInAnErrorOrAProgram) {
    const std::vector<Sample> samples = small_samples();
    Random random(5);
    const auto place = [&](const std::string& text) {
        return static_cast<std::size_t>(below(random, static_cast<std::int64_t>(text.size())));
    };
    for (int i = 0; i < 4000; ++i) {
        const Sample& sample = samples[static_cast<std::size_t>(i) % samples.size()];
        std::string bad = sample.text;
        for (std::int64_t edits = 1 + below(random, 3); edits > 0; --edits) {
            const std::size_t length = 1 + static_cast<std::size_t>(below(random, 12));
            const std::size_t from = place(bad), copied = chance(random, 30) ? 0 : length;
            const std::size_t to = place(bad), removed = chance(random, 30) ? 0 : length;
            bad.replace(to, removed, bad.substr(from, copied));
        }
        use(bad, sample.inputs);
    }
}

// Both with locations and without.
ir::Program expect_fixed(const ir::Program& program, std::string_view stage) {
    const std::string text = ir::print(program);
    ir::Program again = ir::parse_program(text, "t.lir");
    EXPECT_EQ(ir::print(again), text) << stage;
    EXPECT_EQ(ir::verify(again), ir::verify(program)) << stage << "\n" << text;
    const std::string shown = ir::print(program, Locs::show);
    EXPECT_EQ(ir::print(ir::parse_program(shown, "t.lir"), Locs::show), shown) << stage;
    return again;
}

// The program at each stage, as it was read.
std::vector<std::pair<std::string, ir::Program>> stages(const ir::Graph& graph,
                                                        const passes::PipelineOptions& chosen = {}) {
    std::vector<std::pair<std::string, ir::Program>> out;
    passes::PipelineOptions options = chosen;
    options.observe = [&](const passes::PassRun& run) {
        if (run.program != nullptr) out.emplace_back(run.pass->name, expect_fixed(*run.program, run.pass->name));
    };
    passes::run_pipeline(graph, options);
    return out;
}

class EveryOpAsProgram : public testing::TestWithParam<ir::Dtype> {};

TEST_P(EveryOpAsProgram, PrintsAndParses) {
    for (const ir::OpDef* op : ir::op_table()) {
        if (!op->dtypes.contains(GetParam())) continue;
        for (const Call& call : samples(*op, GetParam())) {
            ir::Graph graph;
            std::vector<ir::Value> operands;
            for (const ir::Type& type : call.operands) operands.push_back(graph.add_parameter("x", type));
            const ir::Node& node = graph.add(*op, operands, call.attributes);
            for (std::uint32_t r = 0; r < node.results.size(); ++r) graph.add_output("y", {&node, r});
            stages(graph);
            if (HasFailure()) return;
        }
    }
}
INSTANTIATE_TEST_SUITE_P(Dtypes, EveryOpAsProgram,
                         testing::Values(ir::Dtype::f32, ir::Dtype::bf16, ir::Dtype::i8, ir::Dtype::u64,
                                         ir::Dtype::boolean),
                         [](const auto& dtype) { return std::string(name(dtype.param)); });

class RandomGraphsAsPrograms : public testing::TestWithParam<int> {};

TEST_P(RandomGraphsAsPrograms, GiveTheSameBitsAfterParsing) {
    for (std::uint64_t seed = 0; seed < 25 && !HasFailure(); ++seed) {
        const RandomGraph sample = random_graph(seed + static_cast<std::uint64_t>(GetParam()) * 25, {.nodes = 12});
        passes::PipelineOptions options;
        options.target.staged_elements = 0;  // every kind of step that there is
        options.typical_symbols.assign(sample.graph->symbols.size(), 7);
        const std::vector<Literal>& inputs = sample.inputs[0];
        const std::vector<Literal> expected = ir::interpret(*sample.graph, inputs);
        const auto read = stages(*sample.graph, options);
        for (const auto& [stage, program] : read)
            if (stage == "fuse" || &program == &read.back().second) {
                EXPECT_EQ(difference(expected, ir::interpret(program, inputs)), std::nullopt) << stage;
            }
        if (seed % 5 == 0) {
            const auto executable = codegen::compile(read.back().second);
            EXPECT_EQ(difference(expected, run_compiled(*executable, inputs, 2)), std::nullopt) << "compiled";
        }
        if (HasFailure()) ADD_FAILURE() << "seed " << seed << "\n" << ir::print(*sample.graph);
    }
}
INSTANTIATE_TEST_SUITE_P(Seeds, RandomGraphsAsPrograms, testing::Range(0, 8));

TEST(ProgramText, RandomGraphsHaveEveryKindOfStep) {
    std::map<std::size_t, int> kinds;  // by alternative of Step::node
    int sites = 0, constants = 0, layouts = 0;
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        const RandomGraph sample = random_graph(seed, {.nodes = 12});
        passes::PipelineOptions options;
        options.target.staged_elements = 0;
        options.observe = [&](const passes::PassRun& run) {
            if (run.program == nullptr) return;
            ir::for_each_step(run.program->steps, [&](const ir::Program::Step& step) { ++kinds[step.node.index()]; });
            ir::for_each_kernel(*run.program, [&](const ir::Program::Kernel& k) { sites += k.sites.empty() ? 0 : 1; });
            for (const ir::Program::Buffer& b : run.program->buffers) {
                constants += b.origin == ir::Program::Origin::constant ? 1 : 0;
                layouts += b.layout.is_dense() ? 0 : 1;
            }
        };
        passes::run_pipeline(*sample.graph, options);
    }
    for (std::size_t kind = 0; kind < std::variant_size_v<decltype(ir::Program::Step::node)>; ++kind)
        EXPECT_GE(kinds[kind], 20) << kind;
    EXPECT_GE(sites, 20);
    EXPECT_GE(constants, 20);
    EXPECT_GE(layouts, 5);
}

TEST(ProgramText, GroupsAreNotCompiled) {
    const RandomGraph sample = random_graph(1);
    EXPECT_THROW(codegen::compile(passes::fused_program({std::shared_ptr<const void>(), sample.graph.get()})),
                 UserError);
}

}  // namespace
}  // namespace lathe::testing_support
