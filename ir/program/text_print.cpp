#include "ir/graph/text.h"
#include "ir/loops/text.h"
#include "ir/loops/walk.h"
#include "ir/ops/op.h"
#include "ir/program/step_times.h"
#include "ir/program/text.h"
#include "ir/text/requirement.h"

namespace lathe::ir {
namespace {

template <class Range, class Print>
std::string list(const Range& items, const Print& print) {
    std::string out;
    for (const auto& item : items) out += (out.empty() ? "" : ", ") + print(item);
    return out;
}

class Printer {
public:
    Printer(const Program& program, Locs locs, Literals literals)
        : program_(program), locs_(locs), literals_(literals) {}

    std::string run() {
        const std::span symbols(program_.symbols);
        const auto as_it_is = [](const std::string& name) { return name; };
        out_ = "program " + in_quotes_unless_word(program_.name) + "(" +
               list(symbols.first(program_.symbol_count()), as_it_is) + ")";
        if (program_.iterations != 0) out_ += " iterations (" + list(symbols.last(program_.iterations), as_it_is) + ")";
        out_ += " {\n";
        if (!program_.typical_symbols.empty())
            out_ += "  typical (" +
                    list(program_.typical_symbols, [](std::int64_t value) { return std::to_string(value); }) + ")\n";
        for (const Precondition& p : program_.preconditions)
            out_ += "  " + print_requirement(p, program_.symbols, locs_) + "\n";
        for (std::size_t b = 0; b < program_.buffers.size(); ++b) buffer(static_cast<Program::BufferId>(b));
        if (literals_ == Literals::whole && holds_nodes(program_)) graphs();
        const std::vector<StepTime> times = step_times(program_);
        for (std::size_t s = 0; s < program_.steps.size(); ++s) {
            const Program::Step& step = program_.steps[s];
            out_ += times[s] == StepTime::once        ? "\n  // once, when the program is compiled\n"
                    : times[s] == StepTime::on_change ? "\n  // when a steady input has changed\n"
                                                      : "\n";
            print_step(step, "  ");
        }
        out_ += "\n  return";
        for (const Program::Result& r : program_.results)
            out_ += (&r == program_.results.data() ? " " : ", ") + in_quotes(r.name) + " = " + id(r.buffer);
        return out_ + "\n}\n";
    }

private:
    static std::string id(Program::BufferId b) { return "@" + std::to_string(b); }
    static std::string ids(std::span<const Program::BufferId> buffers) { return "(" + list(buffers, id) + ")"; }
    std::string dim(Dim d) const { return d.to_string(program_.symbols); }
    std::string extents(std::span<const Dim> dims) const {
        return " extents (" + list(dims, [this](Dim d) { return dim(d); }) + ")";
    }
    std::string loc(Loc l) const { return print_loc(l, locs_) + "\n"; }

    void buffer(Program::BufferId b) {
        const Program::Buffer& buffer = program_.buffers[b];
        out_ += "  " + id(b) + " = " + std::string(name(buffer.origin));
        if (!buffer.name.empty()) out_ += " " + in_quotes(buffer.name);
        out_ += " : " + buffer.type.to_string(program_.symbols) + layout(buffer.layout);
        if (buffer.donated) out_ += " donated";
        if (buffer.steady) out_ += " steady";
        if (!buffer.made_by.empty()) out_ += " made by " + in_quotes(buffer.made_by);
        if (buffer.constant.bytes != nullptr) out_ += " = " + print_literal(buffer.constant, literals_);
        out_ += loc(buffer.loc);
    }
    static std::string layout(const Layout& l) { return l.is_dense() ? "" : " layout " + l.to_string(); }

    // ---- graphs

    void graphs() {
        const auto print_graph = [this](const std::shared_ptr<const Graph>& graph) {
            out_ += "\n" + print(*graph, locs_, literals_, program_.symbols, "  ");
        };
        if (program_.graph != nullptr) print_graph(program_.graph);
        for (const auto& region : program_.regions) print_graph(region);
    }
    // Of several graphs, which: the first one needs no words.
    std::string in_graph(const Node* node) const {
        if (node == nullptr) return {};
        for (std::size_t r = 0; r < program_.regions.size(); ++r)
            if (node->graph == program_.regions[r].get()) return " in graph " + std::to_string(r + 1);
        return {};
    }

    // ---- steps

    void print_step(const Program::Step& step, const std::string& indent) {
        std::visit(Overloaded{[&](const Program::Fused& f) { group(f, step.loc, indent); },
                              [&](const Program::Kernel& k) { kernel(k, loc(step.loc), indent); },
                              [&](const Program::Call& c) { call(c, step.loc, indent); },
                              [&](const Program::Batch& b) {
                                  out_ += indent + "batch {" + loc(step.loc);
                                  for (const Program::Kernel& k : b.kernels) kernel(k, "\n", indent + "  ");
                                  out_ += indent + "}\n";
                              },
                              [&](const Program::Branch& b) { branch(b, step.loc, indent); },
                              [&](const Program::Loop& l) { loop(l, step.loc, indent); }},
                   step.node);
    }

    void steps(const std::vector<Program::Step>& all, const std::string& indent) {
        for (const Program::Step& step : all) print_step(step, indent + "  ");
    }

    void branch(const Program::Branch& branch, Loc l, const std::string& indent) {
        out_ += indent + "if " + id(branch.predicate) + " {" + loc(l);
        steps(branch.then_steps, indent);
        out_ += indent + "} else {\n";
        steps(branch.else_steps, indent);
        out_ += indent + "}\n";
    }

    void loop(const Program::Loop& loop, Loc l, const std::string& indent) {
        out_ += indent + "loop " + program_.symbols[loop.iteration];
        if (loop.trips) out_ += " in " + dim(*loop.trips);
        for (const Program::Loop::Carried& c : loop.carried)
            out_ += (&c == loop.carried.data() ? " carries " : ", ") + id(c.current) + " <- " + id(c.next);
        for (const Program::Loop::Stacked& s : loop.stacked)
            out_ += (&s == loop.stacked.data() ? " stacks " : ", ") + id(s.slice) + " -> " + id(s.stack) + "[" +
                    dim(s.index) + "]";
        out_ += " {" + loc(l);
        steps(loop.test, indent);
        if (loop.goes_on)
            out_ += indent + "  while " + id(*loop.goes_on) + "\n";
        else if (!loop.test.empty())
            out_ += indent + "  while true\n";
        steps(loop.body, indent);
        out_ += indent + "}\n";
    }

    void values(const std::string& word, std::span<const Value> values, std::span<const Program::BufferId> buffers) {
        out_ += word;
        for (std::size_t i = 0; i < values.size(); ++i) {
            out_ += (i ? ", " : " ") + id(buffers[i]) + " " + print_name(values[i]) + ": " +
                    values[i].type().to_string(program_.symbols);
            if (buffers[i] < program_.buffers.size()) out_ += layout(program_.buffers[buffers[i]].layout);
        }
        out_ += "\n";
    }

    static const Node* first_node(const Group& g) {
        return !g.members.empty() ? g.members[0] : !g.outputs.empty() ? g.outputs[0].node : nullptr;
    }

    void group(const Program::Fused& fused, Loc l, const std::string& indent) {
        const Group& g = fused.group;
        out_ += indent + "group" + (g.kind == FoldKind::none ? "" : " " + std::string(name(g.kind))) + " over [";
        for (std::size_t i = 0; i < g.domain.rank(); ++i) {
            if (i != 0 || g.outer_rank == 0) out_ += i == g.outer_rank ? (i == 0 ? "| " : " | ") : ", ";
            out_ += dim(g.domain[i]);
        }
        out_ += "]" + in_graph(first_node(g)) + " {" + loc(l);
        values(indent + "  reads ", g.inputs, fused.inputs);
        values(indent + "  writes", g.outputs, fused.outputs);
        if (!g.folds.empty())
            out_ += indent + "  folds " + list(g.folds, [](const Node* fold) { return print_name({fold, 0}); }) + "\n";
        if (!g.fold_outputs.empty())
            out_ +=
                indent + "  stores " +
                list(g.fold_outputs,
                     [](const FoldOutput& out) { return print_name(out.value) + " in " + print_name({out.fold, 0}); }) +
                "\n";
        for (const Node* n : g.members) out_ += indent + "  " + print_node(*n, program_.symbols, literals_) + "\n";
        out_ += indent + "}\n";
    }

    void call(const Program::Call& call, Loc l, const std::string& indent) {
        out_ += indent + "call " + in_quotes_unless_word(call.function) + ids(call.inputs) + " to " +
                ids(call.outputs) + extents(call.extents) + " iterations " + dim(call.iterations);
        if (call.workspace != Dim(0)) out_ += " workspace " + dim(call.workspace);
        out_ += " picoseconds " + dim(call.picoseconds);
        if (call.phases.count > 0)
            out_ += " phases " + std::to_string(call.phases.count) + " iterations " + dim(call.phases.iterations) +
                    " picoseconds " + dim(call.phases.picoseconds) + " scratch " + dim(call.phases.scratch);
        if (call.node != nullptr && literals_ == Literals::whole)
            out_ += " of %" + std::to_string(call.node->id) + " results (" +
                    list(call.results, [](std::uint32_t r) { return std::to_string(r); }) + ")" + in_graph(call.node);
        out_ += loc(l);
    }

    void kernel(const Program::Kernel& kernel, const std::string& line_end, const std::string& indent) {
        out_ += indent + "run " + ids(kernel.arguments) + extents(kernel.extents);
        for (const Program::Site& site : kernel.sites)
            out_ += " site " + in_quotes(site.name) + print_loc(site.loc, locs_);
        out_ += " of" + line_end;
        const std::string text = print(kernel.nest);
        for (std::size_t at = 0; at < text.size();) {
            const std::size_t end = std::min(text.find('\n', at), text.size());
            out_ += indent + text.substr(at, end - at) + "\n";
            at = end + 1;
        }
    }

    const Program& program_;
    Locs locs_;
    Literals literals_;
    std::string out_;
};

}  // namespace

std::string print(const Program& program, Locs locs, Literals literals) {
    return Printer(program, locs, literals).run();
}

}  // namespace lathe::ir
