// Concatenations and padding, along each axis and of many parts, alone and with more in the same kernel: one compiled
// kernel gives the interpreter's bits for parts of every size, empty ones among them.

#include <gtest/gtest.h>

#include "ir/graph/text.h"
#include "ir/loops/walk.h"
#include "tests/run_program.h"
#include "tools/fuzz/values.h"

namespace lathe::testing_support {
namespace {

using ir::Literal;

struct Form {
    std::size_t rank, axis, parts;
};

// `parts` tensors one behind the other along an axis: as they are; a piece that begins within the first; with elements
// around it, or without some at both ends; that between two others; and rows of windows, as convolutions read them.
// Symbols are the parts' extents along the axis, p0, p1 ..., and those of the axes, s0, s1 ....
class Parts {
public:
    Parts(const Form& form, std::string_view dtype, bool arithmetic) : form_(form), dtype_(dtype) {
        std::vector<std::string> symbols, parts;
        std::string sum;
        for (std::size_t k = 0; k < form.parts; ++k) {
            symbols.push_back("p" + std::to_string(k));
            sum += (k > 0 ? " + " : "") + symbols.back();
        }
        for (std::size_t d = 0; d < form.rank; ++d)
            if (d != form.axis) symbols.push_back("s" + std::to_string(d));
        for (std::size_t k = 0; k < form.parts; ++k)
            parts.push_back(value("parameter \"" + symbols[k] + "\"", axes(symbols[k])));
        const std::string fill = value("parameter \"fill\"", "[]"), axis = std::to_string(form.axis);
        const std::string whole = value("concat(" + joined(parts) + ") {axis = " + axis + "}", axes(sum));
        result("whole", whole);
        const std::string rest = sum + " - p0";
        const std::string piece = value("slice(" + whole + ") {start = " + axes("floordiv(p0, 2)", "0") +
                                            ", size = " + axes(rest) + ", step = " + axes("1", "1") + "}",
                                        axes(rest));
        result("piece", piece);
        const std::string framed =
            value("pad(" + whole + ", " + fill + ") {low = " + axes("2", "1") + ", high = " + axes("1", "0") + "}",
                  axes(sum + " + 3", "", " + 1"));
        result("framed", framed);
        const std::string moved = value(
            "pad(" + whole + ", " + fill + ") {low = " + axes("1 - p0", "0") + ", high = " + axes("p0 - 1", "0") + "}",
            axes(sum));
        result("moved", moved);
        const std::string between = value("concat(" + piece + ", " + whole + ", " + moved + ") {axis = " + axis + "}",
                                          axes(rest + " + 2*(" + sum + ")"));
        result("between", between);
        if (form.rank == 3 && form.axis == 2) {
            const std::string flat = "[s0*s1, " + sum + "]";
            const std::string rows = value("reshape(" + whole + ") {shape = " + flat + "}", flat);
            const std::string three = "[s0*s1, 3*(" + sum + ")]";
            result("windows", value("concat(" + rows + ", " + rows + ", " + rows + ") {axis = 1}", three));
        }
        if (arithmetic) {
            const std::string greater = value("max(" + whole + ", " + moved + ")", axes(sum));
            result("chained", value("sub(" + greater + ", " + moved + ")", axes(sum)));
        }
        text_ = "graph parts(" + joined(symbols) + ") {\n" + text_ + "  return " + joined(results_) + "\n}\n";
    }

    std::unique_ptr<ir::Graph> graph() const { return ir::parse_graph(text_, "parts"); }

private:
    static std::string joined(const std::vector<std::string>& words) {
        std::string out;
        for (const std::string& w : words) out += (out.empty() ? "" : ", ") + w;
        return out;
    }
    // One entry an axis: that along which parts lie, and the others, which are extents unless `other` says what.
    std::string axes(const std::string& along, const std::string& other = "", const std::string& more = "") const {
        std::vector<std::string> out;
        for (std::size_t d = 0; d < form_.rank; ++d)
            out.push_back(d == form_.axis ? along : (other.empty() ? "s" + std::to_string(d) : other) + more);
        return "[" + joined(out) + "]";
    }
    std::string value(const std::string& op, const std::string& shape) {
        const std::string name = "%" + std::to_string(count_++);
        text_ += "  " + name + " = " + op + " : " + std::string(dtype_) + shape + "\n";
        return name;
    }
    void result(const std::string& name, const std::string& value) {
        results_.push_back("\"" + name + "\" = " + value);
    }

    Form form_;
    std::string_view dtype_;
    std::string text_;
    std::size_t count_ = 0;
    std::vector<std::string> results_;
};

bool has_guards(const ir::Graph& graph, const passes::PipelineOptions& options) {
    bool found = false;
    const ir::Program program = passes::run_pipeline(graph, options).program;
    ir::for_each_kernel(program, [&](const ir::Program::Kernel& kernel) {
        found = found || ir::any_statement(kernel.nest.body, [](const ir::Stmt& s) {
                    const auto* guards = ir::guards_of(s);
                    return guards != nullptr && !guards->empty();
                });
    });
    return found;
}

class PartsOf : public testing::TestWithParam<ir::Dtype> {};

TEST_P(PartsOf, GiveTheInterpretersBits) {
    Random random(11);
    const std::vector<std::int64_t> along{0, 0, 1, 2, 3, 15, 16, 17, 33, 40, 64}, others{0, 1, 2, 3, 5, 9};
    const auto pick = [&](const std::vector<std::int64_t>& from) {
        return from[static_cast<std::size_t>(below(random, std::ssize(from)))];
    };
    const bool arithmetic = GetParam() != ir::Dtype::boolean;
    for (const Form form : {Form{1, 0, 2}, Form{1, 0, 9}, Form{2, 0, 3}, Form{2, 1, 2}, Form{2, 1, 9}, Form{3, 0, 2},
                            Form{3, 1, 4}, Form{3, 2, 3}}) {
        const auto graph = Parts(form, name(GetParam()), arithmetic).graph();
        const CompiledHere compiled(*graph);
        for (int choice = 0; choice < 10; ++choice) {
            std::vector<std::int64_t> symbols;
            for (std::size_t k = 0; k < form.parts; ++k)
                symbols.push_back(form.rank == 1 && choice % 4 == 0 ? below(random, 5000) : pick(along));
            for (std::size_t d = 1; d < form.rank; ++d) symbols.push_back(pick(others));
            if (const auto fault = compiled.fault(symbols, random)) {
                ADD_FAILURE() << *fault;
                return;
            }
        }
    }
}
INSTANTIATE_TEST_SUITE_P(Dtypes, PartsOf, testing::ValuesIn(ir::all_dtypes()),
                         [](const auto& dtype) { return std::string(name(dtype.param)); });

TEST(Parts, AreCopiedWithoutGuards) {
    const auto graph = ir::parse_graph(R"(graph parts(p, q, s) {
  %0 = parameter "a" : f32[p, s]
  %1 = parameter "b" : f32[q, s]
  %2 = parameter "c" : f32[s, p]
  %3 = parameter "d" : f32[s, q]
  %4 = concat(%0, %1) {axis = 0} : f32[p + q, s]
  %5 = concat(%2, %3) {axis = 1} : f32[s, p + q]
  return "rows" = %4, "columns" = %5
}
)",
                                       "parts");
    EXPECT_FALSE(has_guards(*graph, {}));
    passes::PipelineOptions without;
    without.off = {"split_ranges"};
    EXPECT_TRUE(has_guards(*graph, without));
}

}  // namespace
}  // namespace lathe::testing_support
