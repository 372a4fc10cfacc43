#include <charconv>
#include <limits>
#include <optional>
#include <utility>

#include "ir/error.h"
#include "ir/graph/text.h"
#include "ir/loops/text.h"
#include "ir/ops/op.h"
#include "ir/program/text.h"
#include "ir/text/requirement.h"

namespace lathe::ir {
namespace {

constexpr int max_nesting = 32, max_phases = 64;

// What follows a member's name has to be what its graph says: it is there for people.
void expect_line(Lexer& lexer, const std::string& line) {
    Lexer wanted(line, {});
    while (!wanted.at_end_of_line()) {
        if (wanted.peek().kind != lexer.peek().kind || wanted.peek().text != lexer.peek().text)
            lexer.fail("the graph says " + line);
        wanted.next();
        lexer.next();
    }
    lexer.end_of_line();
}

class Parser {
public:
    explicit Parser(Lexer& lexer) : lexer_(lexer) {}

    Program run() {
        if (!lexer_.first_line()) lexer_.fail("no program");
        header();
        line();
        if (lexer_.accept("typical")) typical();
        while (lexer_.accept("require")) {
            program_.preconditions.push_back(parse_requirement(lexer_, symbols_));
            line();
        }
        while (lexer_.is(Token::Kind::buffer)) buffer();
        while (lexer_.is("graph")) graph();
        while (!lexer_.is("return")) {
            program_.steps.push_back(step(0));
            line();
        }
        results();
        line();
        lexer_.expect("}");
        lexer_.end_of_line();
        if (lexer_.next_line()) lexer_.fail("text behind the end of the program");
        return std::move(program_);
    }

private:
    using BufferId = Program::BufferId;

    // To the next line.
    void line() {
        lexer_.end_of_line();
        if (!lexer_.next_line()) lexer_.fail("the text ends before the program does");
    }
    std::string name(std::string_view what) {
        return lexer_.is(Token::Kind::string) ? lexer_.expect_string() : std::string(lexer_.expect_word(what));
    }
    // Items in parentheses, perhaps none.
    template <class F>
    void list(F&& item) {
        lexer_.expect("(");
        if (lexer_.accept(")")) return;
        do item();
        while (lexer_.accept(","));
        lexer_.expect(")");
    }
    Dim dim() { return parse_dim(lexer_, symbols_); }

    // ---- what is declared

    void header() {
        const auto symbol = [this] {
            const Token token = lexer_.peek();
            const std::string_view name = lexer_.expect_word("a symbol's name");
            if (is_dim_function(name) || !symbols_.add(name))
                Lexer::fail_at(token, "the symbol " + std::string(name) + " is reserved or occurs twice");
            program_.symbols.emplace_back(name);
        };
        lexer_.expect("program");
        program_.name = name("the program's name");
        list(symbol);
        const std::size_t count = program_.symbols.size();
        if (lexer_.accept("iterations")) list(symbol);
        program_.iterations = program_.symbols.size() - count;
        lexer_.expect("{");
    }

    void typical() {
        const Token token = lexer_.peek();
        list([this] { program_.typical_symbols.push_back(lexer_.expect_integer("an extent")); });
        if (program_.typical_symbols.size() != program_.symbol_count())
            Lexer::fail_at(token, "there is a typical extent for each symbol, or for none");
        line();
    }

    void buffer() {
        const Token token = lexer_.peek();
        if (lexer_.expect_buffer() != program_.buffers.size())
            Lexer::fail_at(token, "the buffer is @" + std::to_string(program_.buffers.size()));
        lexer_.expect("=");
        Program::Buffer out;
        out.origin = origin();
        if (lexer_.is(Token::Kind::string)) out.name = lexer_.expect_string();
        lexer_.expect(":");
        out.type = parse_type(lexer_, symbols_);
        out.layout = layout();
        out.donated = lexer_.accept("donated");
        out.steady = lexer_.accept("steady");
        if (lexer_.accept("made")) {
            lexer_.expect("by");
            out.made_by = lexer_.expect_string();
        }
        const Token equals = lexer_.peek();
        if (lexer_.accept("="))
            out.constant = parse_literal(lexer_);
        else if (out.origin == Program::Origin::constant)
            Lexer::fail_at(equals, "a constant says its elements");
        out.loc = parse_loc(lexer_);
        program_.buffers.push_back(std::move(out));
        line();
    }

    Program::Origin origin() {
        using enum Program::Origin;
        for (const Program::Origin o : {input, constant, output, temporary})
            if (lexer_.accept(ir::name(o))) return o;
        lexer_.fail_expecting("input, constant, output or temporary");
    }

    Layout layout() {
        Layout out;
        if (lexer_.accept("layout"))
            list([&] {
                const auto last = static_cast<std::int64_t>(max_rank) - 1;
                const auto dim = static_cast<std::uint8_t>(lexer_.expect_integer("a dimension", 0, last));
                out.permutation.push_back(dim);
                if (!lexer_.accept("by")) return;
                out.blocks.resize(std::max<std::size_t>(out.blocks.size(), dim + std::size_t{1}), 1);
                out.blocks[dim] = static_cast<std::uint16_t>(lexer_.expect_integer("a block", 2, max_block));
            });
        if (!out.blocks.empty()) out.blocks.resize(std::max(out.blocks.size(), out.permutation.size()), 1);
        return out;
    }

    void graph() {
        std::shared_ptr<const Graph> graph = parse_graph(lexer_, symbols_);
        graphs_.push_back(graph.get());
        if (program_.graph == nullptr)
            program_.graph = std::move(graph);
        else
            program_.regions.push_back(std::move(graph));
        line();
    }

    void results() {
        lexer_.expect("return");
        if (lexer_.at_end_of_line()) return;
        do {
            Program::Result& result = program_.results.emplace_back();
            result.name = lexer_.expect_string();
            lexer_.expect("=");
            result.buffer = used();
        } while (lexer_.accept(","));
    }

    // ---- what steps name

    BufferId used() {
        const Token token = lexer_.peek();
        const BufferId b = lexer_.expect_buffer();
        if (b >= program_.buffers.size()) Lexer::fail_at(token, "there is no buffer " + std::string(token.text));
        return b;
    }
    std::vector<BufferId> buffers() {
        std::vector<BufferId> out;
        list([&] { out.push_back(used()); });
        return out;
    }
    std::vector<Dim> extents() {
        std::vector<Dim> out;
        lexer_.expect("extents");
        list([&] { out.push_back(dim()); });
        return out;
    }

    // The graph that holds a step's nodes.
    const Graph& graph_of_step() {
        const Token token = lexer_.peek();
        std::size_t number = 0;
        if (lexer_.accept("in")) {
            lexer_.expect("graph");
            number = static_cast<std::size_t>(
                lexer_.expect_integer("a graph", 0, std::numeric_limits<std::uint32_t>::max()));
        }
        if (number >= graphs_.size()) Lexer::fail_at(token, "there is no graph " + std::to_string(number));
        return *graphs_[number];
    }
    static const Node& node(const Graph& graph, const Token& token, std::string_view number) {
        std::uint32_t id = 0;
        const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), id);
        if (error != std::errc{} || end != number.data() + number.size() || id >= graph.nodes().size())
            Lexer::fail_at(token, "its graph has no node " + std::string(token.text));
        return graph.nodes()[id];
    }
    const Node& node(const Graph& graph) {
        const Token token = lexer_.peek();
        return node(graph, token, lexer_.expect_value("a node"));
    }
    Value value(const Graph& graph) {
        const Token token = lexer_.peek();
        const Node& n = node(graph);
        if (!lexer_.accept("#")) {
            if (n.results.size() != 1)
                Lexer::fail_at(token, std::string(token.text) + " has several results: say which by #");
            return {&n, 0};
        }
        const auto last = static_cast<std::int64_t>(n.results.size()) - 1;
        return {&n, static_cast<std::uint32_t>(lexer_.expect_integer("a result's number", 0, last))};
    }

    // ---- steps

    Program::Step step(int depth) {
        if (depth > max_nesting) lexer_.fail("steps are nested too deeply");
        Program::Step out;
        if (lexer_.accept("group"))
            out.node = group(out.loc);
        else if (lexer_.accept("run"))
            out.node = kernel(out.loc);
        else if (lexer_.accept("call"))
            out.node = call(out.loc);
        else if (lexer_.accept("batch"))
            out.node = batch(out.loc);
        else if (lexer_.accept("if"))
            out.node = branch(out.loc, depth);
        else if (lexer_.accept("loop"))
            out.node = loop(out.loc, depth);
        else
            lexer_.fail_expecting("a step");
        return out;
    }

    void open(Loc& loc) {
        lexer_.expect("{");
        loc = parse_loc(lexer_);
        line();
    }

    std::vector<Program::Step> steps(int depth) {
        std::vector<Program::Step> out;
        while (!lexer_.is("}")) {
            out.push_back(step(depth + 1));
            line();
        }
        return out;
    }

    Program::Fused group(Loc& loc) {
        Program::Fused out;
        Group& g = out.group;
        using enum FoldKind;
        for (const FoldKind kind : {row, column, contraction})
            if (lexer_.accept(ir::name(kind))) g.kind = kind;
        lexer_.expect("over");
        domain(g);
        const Graph& graph = graph_of_step();
        open(loc);
        lexer_.expect("reads");
        values(graph, g.inputs, out.inputs);
        line();
        lexer_.expect("writes");
        values(graph, g.outputs, out.outputs);
        line();
        if (lexer_.accept("folds")) {
            do g.folds.push_back(&node(graph));
            while (lexer_.accept(","));
            line();
        }
        if (lexer_.accept("stores")) {
            do {
                FoldOutput& stored = g.fold_outputs.emplace_back();
                stored.value = value(graph);
                lexer_.expect("in");
                stored.fold = &node(graph);
            } while (lexer_.accept(","));
            line();
        }
        while (lexer_.is(Token::Kind::value)) {
            const Node& member = node(graph, lexer_.peek(), lexer_.peek().text.substr(1));
            expect_line(lexer_, print_node(member, program_.symbols));
            g.members.push_back(&member);
            line();
        }
        lexer_.expect("}");
        return out;
    }

    // Its rows end at the bar.
    void domain(Group& g) {
        const Token token = lexer_.peek();
        std::vector<Dim> dims;
        std::optional<std::size_t> rows;
        lexer_.expect("[");
        if (lexer_.accept("|")) rows = 0;
        while (!lexer_.is("]")) {
            dims.push_back(dim());
            if (!rows && lexer_.accept("|"))
                rows = dims.size();
            else if (!lexer_.accept(","))
                break;
        }
        lexer_.expect("]");
        if (dims.size() > max_rank) Lexer::fail_at(token, "more than " + std::to_string(max_rank) + " dimensions");
        g.domain = Shape(std::span<const Dim>(dims));
        g.outer_rank = rows.value_or(dims.size());
    }

    // @3 %4: f32[batch, 10] layout (1, 0), ...
    void values(const Graph& graph, std::vector<Value>& values, std::vector<BufferId>& buffers) {
        if (lexer_.at_end_of_line()) return;
        do {
            buffers.push_back(used());
            const Token token = lexer_.peek();
            values.push_back(value(graph));
            lexer_.expect(":");
            const Type type = parse_type(lexer_, symbols_);
            if (!(type == values.back().type()))
                Lexer::fail_at(token, "the graph says " + values.back().type().to_string(program_.symbols));
            if (layout() != program_.buffers[buffers.back()].layout)
                Lexer::fail_at(token, "its buffer has another layout");
        } while (lexer_.accept(","));
    }

    Program::Kernel kernel(Loc& loc) {
        Program::Kernel out;
        out.arguments = buffers();
        out.extents = extents();
        while (lexer_.accept("site")) {
            Program::Site& site = out.sites.emplace_back();
            site.name = lexer_.expect_string();
            site.loc = parse_loc(lexer_);
        }
        lexer_.expect("of");
        loc = parse_loc(lexer_);
        line();
        out.nest = parse_loop_nest(lexer_);
        return out;
    }

    Program::Call call(Loc& loc) {
        Program::Call out;
        out.function = name("a function");
        out.inputs = buffers();
        lexer_.expect("to");
        out.outputs = buffers();
        out.extents = extents();
        lexer_.expect("iterations");
        out.iterations = dim();
        if (lexer_.accept("workspace")) out.workspace = dim();
        lexer_.expect("picoseconds");
        out.picoseconds = dim();
        if (lexer_.accept("phases")) {
            out.phases.count = lexer_.expect_integer("a number of phases", 1, max_phases);
            lexer_.expect("iterations");
            out.phases.iterations = dim();
            lexer_.expect("picoseconds");
            out.phases.picoseconds = dim();
            lexer_.expect("scratch");
            out.phases.scratch = dim();
        }
        lexer_.expect("of");
        const Token token = lexer_.peek();
        const std::string_view number = lexer_.expect_value("a node");
        lexer_.expect("results");
        list([&] {
            out.results.push_back(static_cast<std::uint32_t>(
                lexer_.expect_integer("a result's number", 0, std::numeric_limits<std::uint32_t>::max())));
        });
        out.node = &node(graph_of_step(), token, number);
        loc = parse_loc(lexer_);
        return out;
    }

    Program::Batch batch(Loc& loc) {
        Program::Batch out;
        open(loc);
        while (!lexer_.accept("}")) {
            Loc line_of_kernel;
            lexer_.expect("run");
            out.kernels.push_back(kernel(line_of_kernel));
            line();
        }
        return out;
    }

    Program::Branch branch(Loc& loc, int depth) {
        Program::Branch out;
        out.predicate = used();
        open(loc);
        out.then_steps = steps(depth);
        lexer_.expect("}");
        lexer_.expect("else");
        lexer_.expect("{");
        line();
        out.else_steps = steps(depth);
        lexer_.expect("}");
        return out;
    }

    Program::Loop loop(Loc& loc, int depth) {
        Program::Loop out;
        const Token token = lexer_.peek();
        const auto symbol = symbols_.find(lexer_.expect_word("the symbol that counts"));
        if (!symbol) Lexer::fail_at(token, "unknown symbol '" + std::string(token.text) + "'");
        out.iteration = *symbol;
        if (lexer_.accept("in")) out.trips = dim();
        if (lexer_.accept("carries")) do {
                const BufferId current = used();
                lexer_.expect("<-");
                out.carried.push_back({current, used()});
            } while (lexer_.accept(","));
        if (lexer_.accept("stacks")) do {
                Program::Loop::Stacked& s = out.stacked.emplace_back();
                s.slice = used();
                lexer_.expect("->");
                s.stack = used();
                lexer_.expect("[");
                s.index = dim();
                lexer_.expect("]");
            } while (lexer_.accept(","));
        open(loc);
        while (!lexer_.is("}")) {
            const Token here = lexer_.peek();
            if (lexer_.accept("while")) {
                if (out.goes_on || !out.test.empty()) Lexer::fail_at(here, "the loop has two tests");
                out.test = std::exchange(out.body, {});
                if (!lexer_.accept("true")) out.goes_on = used();
            } else {
                out.body.push_back(step(depth + 1));
            }
            line();
        }
        lexer_.expect("}");
        return out;
    }

    Lexer& lexer_;
    Program program_;
    SymbolTable symbols_;
    std::vector<const Graph*> graphs_;
};

}  // namespace

Program parse_program(std::string_view text, std::string_view file) {
    Lexer lexer(text, file);
    try {
        return Parser(lexer).run();
    } catch (const TextFault& fault) {
        throw FormatError(lexer.message(fault));
    }
}

}  // namespace lathe::ir
