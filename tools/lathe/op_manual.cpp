// The page of all ops. What can be computed is: types and results are those of the samples of the rows, by the type
// rules and the reference interpreter.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <vector>

#include <fmt/format.h>

#include "ir/error.h"
#include "ir/graph/interpret.h"
#include "ir/graph/text.h"
#include "ir/ops/samples.h"
#include "tools/lathe/op_texts.h"

namespace lathe::tools {
namespace {

using ir::Dtype;
using ir::Literal;
using ir::OpDef;
using ir::Sample;
using ir::Type;

// The dtype of an op's samples here: the first of these that it takes.
Dtype shown_dtype(const OpDef& op) {
    for (const Dtype d : {Dtype::f32, Dtype::i32, Dtype::u64, Dtype::boolean})
        if (op.dtypes.contains(d)) return d;
    for (const Dtype d : ir::all_dtypes())
        if (op.dtypes.contains(d)) return d;
    return Dtype::f32;
}

// ---- operands of examples

Literal literal_of(Dtype d, std::span<const double> values, const ir::Shape& shape) {
    std::vector<std::byte> bytes;
    for (const double x : values) {
        const Literal one = ir::splat_literal(d, {}, x);
        bytes.insert(bytes.end(), one.bytes->begin(), one.bytes->end());
    }
    return ir::make_literal({d, shape}, bytes);
}

// Operands that say more in order than at random: by op, and which.
std::span<const double> curated(const OpDef& op, std::size_t operand) {
    static constexpr double ascending[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    static constexpr std::pair<std::string_view, std::size_t> in_order[] = {
        {"searchsorted", 0}, {"reshape", 0}, {"transpose", 0},     {"broadcast_to", 0}, {"slice", 0},
        {"pad", 0},          {"concat", 0},  {"concat", 1},        {"gather", 0},       {"take_along_axis", 0},
        {"diagonal", 0},     {"cumsum", 0},  {"dynamic_slice", 0}, {"relayout", 0}};
    for (const auto& [name, which] : in_order)
        if (op.name == name && operand == which) return ascending;
    return {};
}

// Short numbers of an op's domain, in no order; each operand begins elsewhere.
Literal operand_of(const OpDef& op, const Type& type, std::size_t operand, std::int64_t bound) {
    static constexpr double floats[] = {1, -2, 0.5, 2, -1, 0.25, 1.5, -0.5, -1.5, 0.75, 3, -0.75, 1.25, 4, -0.25, 2.5};
    static constexpr double integers[] = {3, -2, 5, 1, -4, 7, 2, 6, -1, 4};
    static constexpr double truths[] = {1, 0, 1, 1, 0};
    std::vector<double> from;
    if (const auto values = curated(op, operand); !values.empty()) from.assign(values.begin(), values.end());
    for (std::int64_t i = 0; i < bound; ++i) from.push_back(static_cast<double>((i * 2 + 1) % bound));
    if (from.empty() && type.dtype == Dtype::boolean) from.assign(std::begin(truths), std::end(truths));
    if (from.empty() && is_float(type.dtype))
        std::ranges::copy_if(floats, std::back_inserter(from),
                             [&](double x) { return x >= op.domain.low && x <= op.domain.high; });
    if (from.empty())
        std::ranges::copy_if(integers, std::back_inserter(from),
                             [&](double x) { return x > 0 || is_signed_integer(type.dtype); });
    std::vector<double> values(static_cast<std::size_t>(type.shape.element_count().constant()));
    for (std::size_t i = 0; i < values.size(); ++i)
        values[i] = from[(i + (bound > 0 || !curated(op, operand).empty() ? 0 : 3 * operand)) % from.size()];
    return literal_of(type.dtype, values, type.shape);
}

// A sample of a few elements.
const Sample& short_sample(const std::vector<Sample>& samples) {
    const auto is_short = [](const Sample& sample) {
        std::int64_t most = 0;
        for (const Type& t : sample.operands) {
            const std::int64_t n = t.shape.element_count().constant();
            if (n == 0) return false;
            most = std::max(most, n);
        }
        return most >= 2 && most <= 12;
    };
    const auto found = std::ranges::find_if(samples, is_short);
    return found == samples.end() ? samples.front() : *found;
}

std::string in_block(const std::string& text) { return "```\n" + text + "```\n"; }

// A graph that runs, and what it gives.
std::string example_of(const OpDef& op) {
    ir::Graph graph;
    graph.name = op.name;
    const ir::Node* node = nullptr;
    if (op.lowering == ir::Lowering::source && op.literal != nullptr) {
        static constexpr double values[] = {1, 2.5, -3};
        node = graph.constant(literal_of(Dtype::f32, values, {3})).node;
    } else if (op.lowering == ir::Lowering::source) {
        const ir::Value x = graph.add_parameter("x", {Dtype::f32, {ir::Dim::symbol(graph.add_symbol("n")), 3}});
        graph.add_output("y", x);
        return in_block(ir::print(graph));
    } else {
        const std::vector<Sample> samples = ir::samples::of(op, shown_dtype(op));
        const Sample& sample = short_sample(samples);
        std::vector<ir::Value> operands;
        for (std::size_t i = 0; i < sample.operands.size(); ++i) {
            const bool is_index = op.indices && op.indices.operand == i;
            const std::int64_t bound = is_index ? op.indices.bound(sample.operands, sample.attributes).constant() : 0;
            operands.push_back(graph.constant(operand_of(op, sample.operands[i], i, bound)));
        }
        node = &graph.add(op, operands, sample.attributes);
    }
    const bool one = node->results.size() == 1;
    for (std::uint32_t r = 0; r < node->results.size(); ++r)
        graph.add_output(one ? "y" : "y" + std::to_string(r), {node, r});
    std::string text = ir::print(graph);
    const std::vector<Literal> results = ir::interpret(graph, {});
    for (std::size_t i = 0; i < results.size(); ++i)
        text += fmt::format("// {} = {}\n", graph.output_name(i), ir::print_literal(results[i]));
    return in_block(text);
}

// ---- shapes

std::string call_of(const OpDef& op, const Sample& sample) {
    std::string text;
    for (const Type& t : sample.operands) text += (text.empty() ? "" : ", ") + t.to_string();
    if (text.empty()) text = "()";
    text += ir::print_attributes(op.attributes, sample.attributes, {});
    ir::TypeContext context(op, sample.operands, sample.attributes, {}, nullptr);
    std::string results;
    for (const Type& t : ir::infer_types(context)) results += (results.empty() ? "" : ", ") + t.to_string();
    return text + " → " + results;
}

std::string shapes_of(const OpDef& op) {
    if (op.lowering == ir::Lowering::source) return "";
    if (op.lowering == ir::Lowering::elementwise && op.samples == nullptr)
        return op.arity.minimum == 1 ? "that of x0" : "the operands broadcast, as in NumPy";
    constexpr std::size_t most = 3;
    std::vector<std::string> calls;
    for (const Sample& sample : ir::samples::of(op, shown_dtype(op))) {
        const std::string call = call_of(op, sample);
        const bool has_elements = std::ranges::all_of(
            sample.operands, [](const Type& t) { return t.shape.rank() > 0 && t.shape.element_count() != ir::Dim(0); });
        if (calls.size() < most && has_elements && std::ranges::find(calls, call) == calls.end()) calls.push_back(call);
    }
    if (calls.empty()) calls.push_back(call_of(op, ir::samples::of(op, shown_dtype(op)).front()));
    std::string text;
    for (const std::string& call : calls) text += (text.empty() ? "`" : "; `") + call + "`";
    return text;
}

// ---- edges

// What an elementwise op gives for values that are unlike others, in one dtype.
std::string edges_in(const OpDef& op, Dtype d, const std::vector<std::vector<double>>& points) {
    if (!op.dtypes.contains(d)) return "";
    const auto count = static_cast<std::int64_t>(points.size());
    ir::Graph graph;
    std::vector<ir::Value> operands;
    std::vector<Literal> literals;
    for (std::size_t i = 0; i < points[0].size(); ++i) {
        std::vector<double> values;
        for (const std::vector<double>& point : points) values.push_back(point[i]);
        operands.push_back(graph.constant(literals.emplace_back(literal_of(d, values, {count}))));
    }
    graph.add_output("y", {&graph.add(op, operands), 0});
    const Literal result = ir::interpret(graph, {})[0];
    // The elements of a literal, as text.
    const auto elements = [](const Literal& literal) {
        std::vector<std::string> out;
        const std::string text = ir::print_literal(literal);
        for (std::size_t at = text.find("] ") + 3, end = 0; end != std::string::npos; at = end + 2) {
            end = text.find(", ", at);
            out.push_back(text.substr(at, end == std::string::npos ? text.size() - at - 1 : end - at));
        }
        return out;
    };
    const std::vector<std::string> y = elements(result);
    std::string text;
    for (std::size_t k = 0; k < points.size(); ++k) {
        std::string of;
        for (const Literal& literal : literals) of += (of.empty() ? "" : ", ") + elements(literal)[k];
        text += fmt::format("{}({}) = {}", text.empty() ? "" : ", ", of, y.at(y.size() == 1 ? 0 : k));
    }
    return fmt::format("{}: {}", ir::name(d), text);
}

std::string edges_of(const OpDef& op) {
    if (op.lowering != ir::Lowering::elementwise || op.samples != nullptr || !op.attributes.empty()) return "";
    constexpr double inf = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
    constexpr double least = -2147483648.0, greatest = 2147483647.0;
    std::string floats, integers;
    if (op.arity.minimum == 1) {
        floats = edges_in(op, Dtype::f32, {{-inf}, {-1}, {-0.0}, {0}, {1}, {inf}, {nan}});
        integers = edges_in(op, Dtype::i32, {{least}, {-1}, {0}, {greatest}});
    } else if (op.arity.minimum == 2) {
        floats = edges_in(op, Dtype::f32, {{1, 0}, {0, 0}, {-0.0, 0}, {inf, inf}, {1, inf}, {nan, 1}, {1, nan}});
        integers = edges_in(op, Dtype::i32, {{1, 0}, {0, 0}, {least, -1}, {greatest, 1}, {-7, 2}});
    }
    return floats + (floats.empty() || integers.empty() ? "" : "; ") + integers;
}

// ---- the page

std::string batches_of(const OpDef& op) {
    if (op.batch != nullptr) return "by a rule of its own";
    if (op.expand != nullptr) return "as what it is made of";
    switch (op.lowering) {
        case ir::Lowering::source:
        case ir::Lowering::index:
            return "the same for all";
        case ir::Lowering::elementwise:
            return "operands broadcast along the new axis";
        case ir::Lowering::control:
            return "in its regions; where the course differs, each index keeps what counts for it";
        default:
            return "the new axis stays, and the others count on";
    }
}

std::string attributes_of(const OpDef& op) {
    std::string text;
    for (const ir::AttributeDef& a : op.attributes)
        text += fmt::format("  - `{}`{}: {} ({})\n", a.name,
                            a.presence == ir::Presence::optional ? ", may be left out" : "", a.doc,
                            ir::describe(a.meaning));
    return text.empty() ? text : "- attributes\n" + text;
}

// Text in which Markdown sees nothing to set otherwise.
std::string plain(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (std::string_view("*_<>|^~").find(c) != std::string_view::npos) out += '\\';
        out += c;
    }
    return out;
}

std::string block_of(const OpDef& op) {
    std::string text = fmt::format("### {}\n\n", plain(op.name));
    const std::size_t line = op.doc.find('\n');
    text += fmt::format("`{}`\n\n{}\n", signature_of(op), plain(op.doc.substr(0, line)));
    if (line != std::string_view::npos) text += "\n" + plain(op.doc.substr(line + 1)) + "\n";
    text += "\n";
    const auto item = [&](std::string_view name, const std::string& what) {
        if (!what.empty()) text += fmt::format("- {}: {}\n", name, what);
    };
    item("dtypes", dtypes_of(op));
    item("types", shapes_of(op));
    text += attributes_of(op);
    item("gradient", plain(gradient_of(op)));
    item("batches", batches_of(op));
    item("accuracy", accuracy_of(op));
    item("edges", edges_of(op));
    item("class, version", fmt::format("{}, {}", lowering_name(op.lowering), op.version));
    return text + "\n" + example_of(op) + "\n";
}

// The anchor that a heading gets.
std::string anchor_of(std::string_view heading) {
    std::string out;
    for (const char c : heading) {
        if (c == ' ') out += '-';
        if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_')
            out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    return out;
}

}  // namespace

std::string manual_page() {
    std::string text =
        "# Ops\n\n"
        "Every row of the op table. This page is what `lathe ops --markdown` writes; a test compares the two. Examples "
        "are graphs that `lathe run` takes, and what the reference interpreter gives for them.\n\n"
        "Of f16 and bf16, ops compute in f32 and round once. An op that says nothing of its accuracy is exact, or what "
        "IEEE 754 has; an ulp is a unit of the last place of the exact result. The sign of a NaN is not defined. The "
        "orders in which sums are taken are in `ir/loops/order.h`. Batches are what `vmap` makes of an op.\n\n";
    for (const ir::OpFamily& family : ir::op_families()) {
        text += fmt::format("- [{}](#{}):", family.name, anchor_of(family.name));
        std::string_view separator = " ";
        for (const OpDef* op : family.rows) {
            text += fmt::format("{}[{}](#{})", separator, plain(op->name), anchor_of(op->name));
            separator = ", ";
        }
        text += "\n";
    }
    for (const ir::OpFamily& family : ir::op_families()) {
        text += fmt::format("\n## {}\n\n", family.name);
        for (const OpDef* op : family.rows) text += block_of(*op);
    }
    return text;
}

}  // namespace lathe::tools
