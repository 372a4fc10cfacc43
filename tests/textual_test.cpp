// Textual tests of passes. tests/passes/<pass>/<case>.lir is a graph, a program or a loop nest, so that `lathe pass
// <pass> <case>` prints what the test sees:
//
//   // What the case shows.
//   // run: n=5 m=40             values of the symbols (or of the extents, in order of definition); may be left out
//   // differentiate: wrt=0,1    for that pass alone
//   graph main(n) {
//     ...
//   }
//   // becomes
//   // ...                       what the pass makes of it
//
// LATHE_REWRITE_EXPECTATIONS=1 writes what passes make of the inputs into the files instead. Every case also runs: the
// reference interpreters and compiled kernels have to give the same bits before and after the pass.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <sstream>

#include <gtest/gtest.h>

#include "codegen/compile.h"
#include "ir/graph/interpret.h"
#include "ir/graph/text.h"
#include "ir/graph/verify.h"
#include "ir/loops/interpret.h"
#include "ir/loops/text.h"
#include "ir/loops/verify.h"
#include "ir/loops/workspace.h"
#include "ir/program/interpret.h"
#include "ir/program/text.h"
#include "ir/program/verify.h"
#include "passes/graph/differentiate.h"
#include "passes/pipeline.h"
#include "runtime/buffer.h"

namespace lathe {
namespace {

namespace fs = std::filesystem;

struct Case {
    std::string pass, path;
    std::string input;     // everything before the expectation
    std::string expected;  // without the comments' slashes
    std::map<std::string, std::int64_t> symbols;
    std::vector<std::size_t> wrt;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.path; }

constexpr std::string_view separator = "// becomes\n";

std::string as_comment(const std::string& text) {
    std::istringstream lines(text);
    std::string out;
    for (std::string line; std::getline(lines, line);) out += line.empty() ? "//\n" : "// " + line + "\n";
    return out;
}

std::string from_comment(const std::string& text) {
    std::istringstream lines(text);
    std::string out;
    for (std::string line; std::getline(lines, line);) out += line.substr(std::min<std::size_t>(line.size(), 3)) + "\n";
    return out;
}

Case read_case(const fs::path& path) {
    std::ifstream file(path);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    Case c;
    c.pass = path.parent_path().filename();
    c.path = path;
    const std::size_t end = std::min(text.find(separator), text.size());
    c.input = text.substr(0, end);
    if (end != text.size()) c.expected = from_comment(text.substr(end + separator.size()));
    std::istringstream lines(c.input);
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::string slashes, key;
        words >> slashes >> key;
        if (slashes != "//") continue;
        if (key == "run:")
            for (std::string word; words >> word;)
                c.symbols[word.substr(0, word.find('='))] = std::stoll(word.substr(word.find('=') + 1));
        if (key == "differentiate:") {
            std::string list;
            words >> list;
            std::istringstream numbers(list.substr(list.find('=') + 1));
            for (std::string n; std::getline(numbers, n, ',');) c.wrt.push_back(std::stoul(n));
        }
    }
    return c;
}

std::vector<Case> all_cases() {
    std::vector<Case> out;
    for (const auto& entry : fs::recursive_directory_iterator(fs::path(LATHE_SOURCE_DIR) / "tests/passes"))
        if (entry.path().extension() == ".lir") out.push_back(read_case(entry.path()));
    std::ranges::sort(out, {}, &Case::path);
    return out;
}

// ---- data

std::vector<std::byte> random_elements(ir::Dtype dtype, std::size_t count, std::mt19937_64& random) {
    std::vector<std::byte> out(count * size_of(dtype));
    for (std::size_t i = 0; i < count; ++i) {
        const double x =
            is_float(dtype) ? std::uniform_real_distribution<double>(-2, 2)(random) : static_cast<double>(random() % 2);
        const ir::Literal element = ir::splat_literal(dtype, {}, x);
        std::memcpy(out.data() + i * size_of(dtype), element.bytes->data(), size_of(dtype));
    }
    return out;
}

std::vector<std::int64_t> symbol_values(std::span<const std::string> symbols, const Case& c) {
    std::vector<std::int64_t> out;
    for (const std::string& name : symbols) {
        EXPECT_TRUE(c.symbols.contains(name)) << "the run line lacks '" << name << "'";
        out.push_back(c.symbols.contains(name) ? c.symbols.at(name) : 1);
    }
    return out;
}

std::vector<std::int64_t> symbol_values(const ir::Graph& graph, const Case& c) {
    return symbol_values(graph.symbols, c);
}

std::vector<ir::Literal> random_inputs(std::span<const ir::Type> types, std::span<const std::int64_t> symbols) {
    std::mt19937_64 random(7);
    std::vector<ir::Literal> out;
    for (const ir::Type& wanted : types) {
        ir::Type type{wanted.dtype, {}};
        std::size_t count = 1;
        for (ir::Dim d : wanted.shape) {
            type.shape.push_back(d.evaluate(symbols).value());
            count *= static_cast<std::size_t>(type.shape[type.shape.rank() - 1].constant());
        }
        out.push_back(ir::make_literal(type, random_elements(type.dtype, count, random)));
    }
    return out;
}

std::vector<ir::Literal> random_inputs(const ir::Graph& graph, const Case& c) {
    std::vector<ir::Type> types;
    for (ir::Value v : graph.parameters()) types.push_back(v.type());
    return random_inputs(types, symbol_values(graph, c));
}

// ---- graphs

std::vector<std::byte> all_elements(const ir::Literal& literal) {
    const auto count = static_cast<std::size_t>(literal.type.shape.element_count().constant());
    if (literal.bytes->size() == count * size_of(literal.type.dtype)) return *literal.bytes;
    std::vector<std::byte> out;
    for (std::size_t i = 0; i < count; ++i) out.insert(out.end(), literal.bytes->begin(), literal.bytes->end());
    return out;
}

std::vector<std::vector<std::byte>> elements(std::span<const ir::Literal> literals) {
    std::vector<std::vector<std::byte>> out;
    for (const ir::Literal& literal : literals) out.push_back(all_elements(literal));
    return out;
}

std::vector<std::vector<std::byte>> interpreted(const ir::Graph& graph, std::span<const ir::Literal> inputs) {
    return elements(ir::interpret(graph, inputs));
}

// Of a graph, or of a program that is lowered.
std::vector<std::vector<std::byte>> compiled(const auto& source, std::span<const ir::Literal> inputs,
                                             const std::vector<std::int64_t>& symbols) {
    const auto executable = codegen::compile(source);
    const auto bound = runtime::bind_plan_uncached(executable->plan, symbols);
    std::vector<std::vector<std::byte>> data;
    std::vector<const void*> in;
    std::vector<void*> out;
    for (const ir::Literal& x : inputs) data.push_back(all_elements(x));
    for (const auto& x : data) in.push_back(x.data());
    std::vector<runtime::Buffer> buffers;
    for (const std::int64_t bytes : bound->output_bytes) {
        buffers.push_back(runtime::allocate(static_cast<std::size_t>(bytes)));
        out.push_back(buffers.back().data());
    }
    const int threads = bound->threads();
    const runtime::Buffer workspace = runtime::allocate(bound->workspace_bytes(threads));
    EXPECT_FALSE(runtime::run(*bound, in.data(), out.data(), workspace.data(), threads));
    std::vector<std::vector<std::byte>> results;
    for (const std::uint32_t o : executable->outputs)
        results.emplace_back(buffers[o].data(), buffers[o].data() + bound->output_bytes[o]);
    return results;
}

// What counts as large is small here, so that cases run.
constexpr passes::LoopTarget small_machine{.stream_bytes = 1024, .staged_elements = 10000};

std::string after_graph_pass(const Case& c, const passes::Pass* pass) {
    const auto graph = ir::parse_graph(c.input, fs::path(c.path).filename().string());
    EXPECT_EQ(ir::verify(*graph), std::vector<std::string>());
    const std::vector<ir::Literal> inputs = random_inputs(*graph, c);
    const auto expected = interpreted(*graph, inputs);
    std::unique_ptr<ir::Graph> result;
    std::string text;
    if (pass == nullptr) {
        result = passes::differentiate(*graph, 0, c.wrt, true);
        text = ir::print(*result);
    } else if (const auto* run = std::get_if<passes::GraphPass>(&pass->run)) {
        result = (*run)(*graph);
        text = ir::print(result ? *result : *graph);
    } else {
        const std::shared_ptr<const ir::Graph> shared = ir::parse_graph(c.input, fs::path(c.path).filename().string());
        if (std::holds_alternative<passes::BuildPass>(pass->run)) {
            passes::Remarks remarks;
            const ir::Program program = passes::fuse(shared, {}, remarks);
            EXPECT_EQ(elements(ir::interpret(program, inputs)), expected) << "the pass changed values";
            text = ir::print(program, ir::Locs::hide, ir::Literals::brief);
            for (const passes::Remark& r : remarks) text += "// " + r.to_string() + "\n";
        } else {
            ir::Program program =
                pass->name == "lower" ? passes::fused_program(shared) : passes::lowered_program(shared);
            passes::run_pass(*pass, program, small_machine);
            EXPECT_EQ(ir::verify(program), std::vector<std::string>());
            EXPECT_EQ(elements(ir::interpret(program, inputs)), expected) << "the pass changed values";
            if (pass->name == "batch" || pass->name == "hoist")
                text = ir::print(program, ir::Locs::hide, ir::Literals::brief);
            else
                ir::for_each_kernel(program, [&](const ir::Program::Kernel& k) { text += ir::print(k.nest); });
        }
    }
    if (result) {
        EXPECT_EQ(ir::verify(*result), std::vector<std::string>());
        auto after = interpreted(*result, inputs);
        EXPECT_EQ(compiled(*result, inputs, symbol_values(*result, c)), after) << "compiled, after the pass";
        after.resize(expected.size());
        EXPECT_EQ(after, expected) << "the pass changed values";
    }
    EXPECT_EQ(compiled(*graph, inputs, symbol_values(*graph, c)), expected) << "compiled";
    return text;
}

// ---- programs

std::string after_program_pass(const Case& c, const passes::Pass& pass) {
    ir::Program program = ir::parse_program(c.input, fs::path(c.path).filename().string());
    EXPECT_EQ(ir::verify(program), std::vector<std::string>());
    const std::vector<std::int64_t> symbols =
        symbol_values(std::span(program.symbols).first(program.symbol_count()), c);
    std::vector<ir::Type> types;
    for (std::size_t i = 0; i < program.input_count(); ++i) types.push_back(program.buffers[i].type);
    const std::vector<ir::Literal> inputs = random_inputs(types, symbols);
    const auto expected = elements(ir::interpret(program, inputs));
    if (pass.name != "lower") {
        EXPECT_EQ(compiled(program, inputs, symbols), expected) << "compiled, before the pass";
    }
    passes::run_pass(pass, program, small_machine);
    EXPECT_EQ(ir::verify(program), std::vector<std::string>());
    EXPECT_EQ(elements(ir::interpret(program, inputs)), expected) << "the pass changed values";
    EXPECT_EQ(compiled(program, inputs, symbols), expected) << "compiled, after the pass";
    return ir::print(program);
}

// ---- loop nests

struct Memory {
    std::vector<std::vector<std::byte>> arguments;
    std::vector<std::int64_t> extents;
};

Memory random_memory(const ir::LoopNest& nest, const Case& c) {
    Memory out;
    for (std::size_t i = 0; i < nest.extent_count(); ++i) {
        const std::string& name = nest.symbols[i].name;
        EXPECT_TRUE(c.symbols.contains(name)) << "the run line lacks '" << name << "'";
        out.extents.push_back(c.symbols.contains(name) ? c.symbols.at(name) : 1);
    }
    std::mt19937_64 random(7);
    for (const ir::Buffer& b : nest.buffers)
        if (b.role != ir::BufferRole::scratch)
            out.arguments.push_back(random_elements(
                b.type.dtype, static_cast<std::size_t>(b.type.shape.element_count().evaluate(out.extents).value()),
                random));
    return out;
}

Memory interpreted(const ir::LoopNest& nest, Memory memory) {
    std::vector<void*> buffers;
    for (auto& a : memory.arguments) buffers.push_back(a.data());
    const std::int64_t trips = ir::parallel_trips(nest, memory.extents);
    for (std::int64_t i = trips; i-- > 0;) ir::interpret(nest, buffers, memory.extents, i, i + 1);  // in any order
    return memory;
}

Memory compiled(const ir::LoopNest& nest, Memory memory) {
    const auto kernel = codegen::KernelCache::shared().compile(std::span(&nest, 1), codegen::host_target())[0];
    std::vector<void*> slots;
    std::vector<std::uint32_t> operands;
    for (auto& a : memory.arguments) {
        operands.push_back(static_cast<std::uint32_t>(slots.size()));
        slots.push_back(a.data());
    }
    const std::int64_t workspace_bytes = ir::workspace_of(nest).bytes.evaluate(memory.extents).value();
    const runtime::Buffer workspace = runtime::allocate(static_cast<std::size_t>(workspace_bytes) + 1);
    lathe_task task{{-1, 0, 0, 0, 0}, workspace.data()};
    const lathe_fault& fault = task.fault;
    kernel->entry()(slots.data(), operands.data(), memory.extents.data(), 0, ir::parallel_trips(nest, memory.extents),
                    &task);
    EXPECT_EQ(fault.site, -1);
    return memory;
}

std::string after_loop_pass(const Case& c, const passes::Pass& pass) {
    ir::LoopNest nest = ir::parse_loop_nest(c.input, fs::path(c.path).filename().string());
    EXPECT_EQ(ir::verify(nest), std::vector<std::string>());
    Memory memory = random_memory(nest, c);
    const auto expected = interpreted(nest, memory).arguments;
    EXPECT_EQ(compiled(nest, memory).arguments, expected) << "compiled, before the pass";
    ir::Program program = ir::program_of(nest);
    passes::run_pass(pass, program);
    EXPECT_EQ(ir::verify(program), std::vector<std::string>());
    const auto& kernel = std::get<ir::Program::Kernel>(program.steps.at(0).node);
    nest = kernel.nest;
    const std::vector<std::int64_t> extents = memory.extents;
    memory.extents.clear();
    for (const ir::Dim d : kernel.extents) memory.extents.push_back(d.evaluate(extents).value());
    EXPECT_EQ(ir::verify(nest), std::vector<std::string>());
    EXPECT_EQ(interpreted(nest, memory).arguments, expected) << "the pass changed values";
    EXPECT_EQ(compiled(nest, memory).arguments, expected) << "compiled, after the pass";
    return ir::print(nest);
}

// ---- the test

class Textual : public testing::TestWithParam<Case> {};

TEST_P(Textual, is_as_expected) {
    const Case& c = GetParam();
    const passes::Pass* const pass = passes::find_pass(c.pass);
    ASSERT_TRUE(pass != nullptr || c.pass == "differentiate") << "tests/passes has a folder '" << c.pass << "'";
    const auto begins = [&](const std::string& word) {
        return c.input.starts_with(word) || c.input.find("\n" + word) != std::string::npos;
    };
    const std::string actual = begins("graph ")     ? after_graph_pass(c, pass)
                               : begins("program ") ? after_program_pass(c, *pass)
                                                    : after_loop_pass(c, *pass);
    const char* const rewrite = std::getenv("LATHE_REWRITE_EXPECTATIONS");
    if (rewrite != nullptr && std::string_view(rewrite) == "1") {
        std::ofstream(c.path) << c.input << separator << as_comment(actual);
        return;
    }
    EXPECT_EQ(from_comment(as_comment(actual)), c.expected)
        << c.path << ": LATHE_REWRITE_EXPECTATIONS=1 accepts what is so now";
}

INSTANTIATE_TEST_SUITE_P(Passes, Textual, testing::ValuesIn(all_cases()), [](const auto& info) {
    return info.param.pass + "_" + fs::path(info.param.path).stem().string();
});

TEST(TextualCases, every_pass_has_cases) {
    for (const passes::Pass& pass : passes::pipeline)
        EXPECT_TRUE(std::ranges::any_of(all_cases(), [&](const Case& c) { return c.pass == pass.name; })) << pass.name;
}

}  // namespace
}  // namespace lathe
