// Integers and conversions at their edges, against arithmetic that is not ours: the interpreter, folding, compiled code
// on single elements and on vectors with tails for every target, and code compiled ahead of time.
#include <cmath>
#include <cstring>
#include <limits>

#include <gtest/gtest.h>

#include "codegen/compile.h"
#include "ir/functions/basic.h"
#include "ir/graph/interpret.h"
#include "ir/ops/ops.h"
#include "passes/graph/simplify.h"
#include "tests/configurations.h"
#include "tests/run_program.h"
#include "tools/fuzz/run_ahead.h"
#include "tools/fuzz/values.h"

namespace lathe::testing_support {
namespace {

using ir::Dtype;
using ir::Literal;
using ir::Shape;
using ir::Value;

// Any number that a dtype other than a float holds.
using Wide = __int128;

int bits_of(Dtype d) { return d == Dtype::boolean ? 1 : static_cast<int>(8 * size_of(d)); }
Wide least(Dtype d) { return is_signed_integer(d) ? -(Wide{1} << (bits_of(d) - 1)) : Wide{0}; }
Wide greatest(Dtype d) { return least(d) + (Wide{1} << bits_of(d)) - 1; }

std::uint64_t encode(Dtype d, Wide value) {
    const auto bits = static_cast<std::uint64_t>(value);
    return size_of(d) == 8 ? bits : bits & ((std::uint64_t{1} << (8 * size_of(d))) - 1);
}
Wide wrapped(Dtype d, Wide value) {
    const Wide modulus = Wide{1} << bits_of(d);
    Wide rest = (value - least(d)) % modulus;
    if (rest < 0) rest += modulus;
    return rest + least(d);
}

// ---- what is expected

Wide quotient(Dtype d, Wide x, Wide y) { return y == 0 ? 0 : wrapped(d, x / y); }
Wide remainder(Dtype, Wide x, Wide y) { return y == 0 ? 0 : x % y; }
Wide shifted_left(Dtype d, Wide x, Wide y) {
    return y < 0 || y >= bits_of(d) ? 0 : wrapped(d, x * (Wide{1} << static_cast<int>(y)));
}
Wide shifted_right(Dtype d, Wide x, Wide y) {
    return y < 0 || y >= bits_of(d) ? (x < 0 ? -1 : 0) : x >> static_cast<int>(y);
}

struct Format {
    int digits, least_exponent;
    long double greatest;
};
Format format_of(Dtype d) {
    switch (d) {
        case Dtype::f16:
            return {11, -24, 65504.0L};
        case Dtype::bf16:
            return {8, -133, 0x1.fep127L};
        case Dtype::f32:
            return {24, -149, 0x1.fffffep127L};
        default:
            return {53, -1074, 0x1.fffffffffffffp1023L};
    }
}

// To nearest even, once. A long double holds every number that is converted here.
long double rounded(Dtype d, long double x) {
    if (x == 0 || std::isnan(x) || std::isinf(x)) return x;
    const Format f = format_of(d);
    int exponent = 0;
    std::frexp(x, &exponent);
    const int ulp = std::max(exponent - f.digits, f.least_exponent);
    const long double r = std::ldexp(std::nearbyint(std::ldexp(x, -ulp)), ulp);
    return std::fabs(r) > f.greatest ? std::copysign(std::numeric_limits<long double>::infinity(), x) : r;
}

// A number of either kind.
struct Number {
    Wide integer = 0;
    long double real = 0;
};

std::uint64_t encode_float(Dtype d, long double x) {
    const double wide = static_cast<double>(x);
    std::uint64_t bits = 0;
    if (d == Dtype::f64) {
        std::memcpy(&bits, &wide, sizeof wide);
        return bits;
    }
    const auto narrow = static_cast<float>(wide);
    if (d == Dtype::f16) return ir::f32_to_f16(narrow);
    if (d == Dtype::bf16) return ir::f32_to_bf16(narrow);
    std::memcpy(&bits, &narrow, sizeof narrow);
    return bits;
}

std::uint64_t converted(Dtype from, const Number& x, Dtype to) {
    if (is_float(to))
        return encode_float(to, rounded(to, is_float(from) ? x.real : static_cast<long double>(x.integer)));
    if (to == Dtype::boolean) return is_float(from) ? x.real != 0 : x.integer != 0;
    if (!is_float(from)) return encode(to, wrapped(to, x.integer));
    if (std::isnan(x.real)) return 0;
    if (x.real <= static_cast<long double>(least(to))) return encode(to, least(to));
    if (x.real >= static_cast<long double>(greatest(to))) return encode(to, greatest(to));
    return encode(to, static_cast<Wide>(x.real));
}

// ---- operands

std::vector<Wide> edges(Dtype d) {
    std::vector<Wide> values;
    const auto add = [&](Wide v) {
        if (v >= least(d) && v <= greatest(d) && std::ranges::find(values, v) == values.end()) values.push_back(v);
    };
    for (const Wide v : {0, 1, -1, 2, -2, 3, 7, -7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65}) add(v);
    for (const Wide v : {least(d), least(d) + 1, greatest(d), greatest(d) - 1, greatest(d) / 2 + 1}) add(v);
    return values;
}

// Powers of two and their neighbours, and what rounding twice gets wrong.
std::vector<Wide> many_integers(Dtype d) {
    std::vector<Wide> values = edges(d);
    for (int k = 2; k < bits_of(d); ++k)
        for (const Wide near : {-1, 0, 1})
            for (const Wide sign : {1, -1})
                if (const Wide v = sign * (Wide{1} << k) + near; v >= least(d) && v <= greatest(d)) values.push_back(v);
    // A tie of the narrow format, and one bit beyond what a wider one holds.
    for (int top = 9; top < bits_of(d); ++top)
        for (const int digits : {8, 11, 24, 53})
            for (const Wide tail : {-1, 0, 1})
                for (const Wide odd : {0, 1}) {
                    if (top < digits + 1) continue;
                    const Wide ulp = Wide{1} << (top - digits);
                    const Wide v = (Wide{1} << (top - 1)) + odd * ulp + ulp / 2 + tail;
                    for (const Wide signed_v : {v, -v})
                        if (signed_v >= least(d) && signed_v <= greatest(d)) values.push_back(signed_v);
                }
    return values;
}

std::vector<long double> many_reals() {
    std::vector<long double> values = {
        0.0L,      -0.0L,       0.5L,      -0.5L,     0.999L,   -0.999L,          1.5L,
        2.5L,      -1.5L,       1e30L,     -1e30L,    1e300L,   -1e300L,          65519.0L,
        65520.0L,  65504.0L,    1e-8L,     0x1p-24L,  0x1p-25L, 0x1.8p-25L,       0x1p-149L,
        0x1p-150L, 0x1.8p-150L, 0x1p-133L, 0x1p-134L, 1e-310L,  0x1.fffffffp127L, 0x1.ffp127L};
    for (const int bits : {7, 8, 15, 16, 31, 32, 63, 64})
        for (const long double step : {-1.0L, -0.5L, 0.0L, 0.5L, 1.0L}) {
            values.push_back(std::ldexp(1.0L, bits) + step);
            values.push_back(-std::ldexp(1.0L, bits) + step);
        }
    for (const int digits : {8, 11, 24})  // ties, and what is next to them in f64
        for (const long double tail : {0.0L, 0x1p-30L, -0x1p-30L, 0x1p-50L, -0x1p-50L})
            for (const long double odd : {0.0L, 1.0L}) {
                const long double ulp = std::ldexp(1.0L, 1 - digits);
                for (const long double scale : {1.0L, 0x1p-20L, 0x1p-140L, 0x1p10L})
                    values.push_back((1 + odd * ulp + ulp / 2 + tail) * scale);
            }
    values.push_back(std::numeric_limits<long double>::infinity());
    values.push_back(-std::numeric_limits<long double>::infinity());
    values.push_back(std::numeric_limits<long double>::quiet_NaN());
    return values;
}

struct Elements {
    std::vector<Number> numbers;
    std::vector<std::uint64_t> bits;
};

Elements elements_for(Dtype d) {
    Elements e;
    if (is_float(d)) {
        for (const long double x : many_reals()) e.numbers.push_back({0, rounded(d, x)});
        for (const Number& n : e.numbers) e.bits.push_back(encode_float(d, n.real));
    } else {
        for (const Wide v : d == Dtype::boolean ? std::vector<Wide>{0, 1, 1, 0} : many_integers(d))
            e.numbers.push_back({v, 0});
        for (const Number& n : e.numbers) e.bits.push_back(encode(d, n.integer));
    }
    return e;
}

Literal literal_of(Dtype d, std::span<const std::uint64_t> bits, bool scalar = false) {
    std::vector<std::byte> bytes(bits.size() * size_of(d));
    for (std::size_t i = 0; i < bits.size(); ++i) std::memcpy(bytes.data() + i * size_of(d), &bits[i], size_of(d));
    return ir::make_literal({d, scalar ? Shape{} : Shape{static_cast<std::int64_t>(bits.size())}}, bytes);
}

// ---- a case: a graph over vectors of any length, its inputs, and what comes out

struct Case {
    std::string name;
    std::function<void(ir::Graph&, const std::vector<Value>&)> outputs;
    std::vector<Dtype> operands;
    std::vector<std::vector<std::uint64_t>> inputs;  // bits
    std::vector<Dtype> results;
    std::vector<std::vector<std::uint64_t>> expected;

    std::shared_ptr<ir::Graph> graph(bool scalar) const {
        auto g = std::make_shared<ir::Graph>();
        const Shape shape = scalar ? Shape{} : Shape{ir::Dim::symbol(g->add_symbol("n"))};
        std::vector<Value> values;
        for (const Dtype d : operands)
            values.push_back(g->add_parameter("x" + std::to_string(values.size()), {d, shape}));
        outputs(*g, values);
        return g;
    }
    std::vector<Literal> part(const std::vector<std::vector<std::uint64_t>>& of, const std::vector<Dtype>& dtypes,
                              std::size_t begin, std::size_t count, bool scalar) const {
        std::vector<Literal> out;
        for (std::size_t k = 0; k < of.size(); ++k)
            out.push_back(literal_of(dtypes[k], std::span(of[k]).subspan(begin, count), scalar));
        return out;
    }
};

std::vector<Case> cases() {
    std::vector<Case> all;
    struct Row {
        const ir::OpDef* op;
        Wide (*expected)(Dtype, Wide, Wide);
    };
    const std::vector<Row> rows = {{&ir::ops::div, quotient},
                                   {&ir::ops::rem, remainder},
                                   {&ir::ops::shift_left, shifted_left},
                                   {&ir::ops::shift_right, shifted_right}};
    for (const Dtype d : ir::all_dtypes()) {
        if (ir::is_integer(d)) {
            Case c{"arithmetic of " + std::string(name(d)), {}, {d, d}, {{}, {}}, {}, {}};
            c.outputs = [rows](ir::Graph& g, const std::vector<Value>& x) {
                for (const Row& row : rows) g.add_output(std::string(row.op->name), (*row.op)(x[0], x[1]));
            };
            c.expected.resize(rows.size());
            c.results.assign(rows.size(), d);
            for (const Wide x : edges(d))
                for (const Wide y : edges(d)) {
                    c.inputs[0].push_back(encode(d, x));
                    c.inputs[1].push_back(encode(d, y));
                    for (std::size_t r = 0; r < rows.size(); ++r)
                        c.expected[r].push_back(encode(d, rows[r].expected(d, x, y)));
                }
            all.push_back(std::move(c));
        }
        const Elements e = elements_for(d);
        Case c{"conversions of " + std::string(name(d)), {}, {d}, {e.bits}, {}, {}};
        for (const Dtype to : ir::all_dtypes())
            if (to != d) c.results.push_back(to);
        c.outputs = [results = c.results](ir::Graph& g, const std::vector<Value>& x) {
            for (const Dtype to : results) g.add_output(std::string(name(to)), ir::functions::convert(x[0], to));
        };
        for (const Dtype to : c.results) {
            auto& column = c.expected.emplace_back();
            for (const Number& n : e.numbers) column.push_back(converted(d, n, to));
        }
        all.push_back(std::move(c));
    }
    return all;
}

void expect_equal(const Case& c, std::span<const Literal> expected, std::span<const Literal> actual,
                  const std::string& where) {
    if (const auto found = difference(expected, actual)) ADD_FAILURE() << c.name << ", " << where << ": " << *found;
}

TEST(IntegerEdges, TheInterpreterAgrees) {
    for (const Case& c : cases()) {
        const std::size_t n = c.inputs[0].size();
        expect_equal(c, c.part(c.expected, c.results, 0, n, false),
                     ir::interpret(*c.graph(false), c.part(c.inputs, c.operands, 0, n, false)), "interpreted");
    }
}

TEST(IntegerEdges, FoldingAgrees) {
    for (const Case& c : cases())
        for (std::size_t i = 0; i < c.inputs[0].size(); i += 3) {
            ir::Graph g;
            std::vector<Value> constants;
            for (const Literal& x : c.part(c.inputs, c.operands, i, 1, true)) constants.push_back(g.constant(x));
            c.outputs(g, constants);
            const auto folded = passes::simplify(g);
            for (const Value& y : folded->outputs()) EXPECT_EQ(y.node->op, &ir::ops::constant) << c.name;
            expect_equal(c, c.part(c.expected, c.results, i, 1, true), ir::interpret(*folded, {}), "folded");
        }
}

TEST(IntegerEdges, CompiledCodeAgreesOnVectorsTheirTailsAndSingleElements) {
    for (const Case& c : cases())
        for (const std::string& target : targets_here()) {
            const codegen::CompileOptions options{.target = codegen::target_named(target)};
            const auto vectors = codegen::compile(*c.graph(false), options);
            const auto single = codegen::compile(*c.graph(true), options);
            const std::size_t n = c.inputs[0].size();
            const auto run = [&](const codegen::Executable& e, std::size_t begin, std::size_t count, bool scalar) {
                expect_equal(c, c.part(c.expected, c.results, begin, count, scalar),
                             run_compiled(e, c.part(c.inputs, c.operands, begin, count, scalar), 1),
                             target + ", " + std::to_string(count) + " from " + std::to_string(begin));
            };
            run(*vectors, 0, n, false);
            for (std::size_t i = 0; i < n; i += 5) run(*vectors, i, std::min<std::size_t>(n - i, 1 + i % 7), false);
            for (std::size_t i = 0; i < n; i += 2) run(*single, i, 1, true);
        }
}

TEST(IntegerEdges, CodeCompiledAheadAgrees) {
    const std::vector<Case> all = cases();
    std::vector<codegen::ObjectFile> objects;
    for (std::size_t k = 0; k < all.size(); ++k) {
        codegen::AotRequest request;
        request.name = "edges" + std::to_string(k);
        request.targets = {codegen::target_named("avx2")};
        const codegen::AotCode code = codegen::compile_ahead(*all[k].graph(false), request);
        objects.insert(objects.end(), code.objects.begin(), code.objects.end());
    }
    const AheadLibrary library(objects, "integer_edges.so");
    for (std::size_t k = 0; k < all.size(); ++k) {
        const Case& c = all[k];
        const std::size_t n = c.inputs[0].size();
        const auto run =
            library.run("edges" + std::to_string(k), *c.graph(false), c.part(c.inputs, c.operands, 0, n, false), false);
        expect_equal(c, c.part(c.expected, c.results, 0, n, false), run.outputs, "ahead");
    }
}

}  // namespace
}  // namespace lathe::testing_support
