#include "ir/graph/text.h"
#include "ir/loops/text.h"
#include "ir/loops/walk.h"
#include "ir/ops/op.h"
#include "ir/program/constant_steps.h"
#include "ir/program/text.h"

namespace lathe::ir {
namespace {

std::string name_of(Value v) {
    std::string name = "%" + std::to_string(v.node->id);
    if (v.node->results.size() > 1) name += "#" + std::to_string(v.index);
    return name;
}

std::string quoted(const std::string& text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out + "\"";
}

class Printer {
public:
    explicit Printer(const Program& program) : program_(program) {}

    std::string run() {
        out_ = "program " + program_.name + "(";
        for (std::size_t i = 0; i < program_.symbol_count(); ++i) out_ += (i ? ", " : "") + program_.symbols[i];
        out_ += ") {\n";
        for (const Precondition& p : program_.preconditions)
            out_ += "  require " + p.a.to_string(program_.symbols) + " == " + p.b.to_string(program_.symbols) + " : " +
                    quoted(p.what) + "\n";
        for (std::size_t b = 0; b < program_.buffers.size(); ++b) buffer(static_cast<Program::BufferId>(b));
        const std::vector<bool> constant = constant_steps(program_);
        for (std::size_t s = 0; s < program_.steps.size(); ++s) {
            const Program::Step& step = program_.steps[s];
            out_ += constant[s] ? "\n  // once, when the program is compiled\n" : "\n";
            print_step(step, "  ");
        }
        out_ += "\n  return ";
        for (std::size_t i = 0; i < program_.results.size(); ++i)
            out_ += (i ? ", " : "") + quoted(program_.results[i].name) + " = " + id(program_.results[i].buffer);
        return out_ + "\n}\n";
    }

private:
    static std::string id(Program::BufferId b) { return "@" + std::to_string(b); }

    void buffer(Program::BufferId b) {
        static constexpr const char* origins[] = {"input", "constant", "output", "temporary"};
        const Program::Buffer& buffer = program_.buffers[b];
        out_ += "  " + id(b) + " = " + origins[static_cast<std::size_t>(buffer.origin)];
        if (!buffer.name.empty()) out_ += " " + quoted(buffer.name);
        out_ += " : " + buffer.type.to_string(program_.symbols);
        if (!buffer.layout.is_dense()) out_ += " layout " + buffer.layout.to_string();
        out_ += "\n";
    }

    std::string list(std::span<const Program::BufferId> buffers) const {
        std::string out;
        for (const Program::BufferId b : buffers) out += (out.empty() ? "" : ", ") + id(b);
        return out;
    }

    std::string extents(std::span<const Dim> dims) const {
        std::string out;
        for (const Dim d : dims) out += (out.empty() ? "" : ", ") + d.to_string(program_.symbols);
        return out;
    }

    void print_step(const Program::Step& step, const std::string& indent) {
        std::visit(Overloaded{[&](const Program::Fused& f) { group(f, indent); },
                              [&](const Program::Kernel& k) { kernel(k, indent); },
                              [&](const Program::Call& c) { call(c, indent); },
                              [&](const Program::Batch& b) {
                                  out_ += indent + "batch {\n";
                                  for (const Program::Kernel& k : b.kernels) kernel(k, indent + "  ");
                                  out_ += indent + "}\n";
                              },
                              [&](const Program::Branch& b) { branch(b, indent); },
                              [&](const Program::Loop& l) { loop(l, indent); }},
                   step.node);
    }

    void list(const std::vector<Program::Step>& steps, const std::string& indent) {
        for (const Program::Step& step : steps) print_step(step, indent + "  ");
    }

    void branch(const Program::Branch& branch, const std::string& indent) {
        out_ += indent + "if " + id(branch.predicate) + " {\n";
        list(branch.then_steps, indent);
        out_ += indent + "} else {\n";
        list(branch.else_steps, indent);
        out_ += indent + "}\n";
    }

    void loop(const Program::Loop& loop, const std::string& indent) {
        out_ += indent + "loop " + program_.symbols[loop.iteration];
        if (loop.trips) out_ += " in " + loop.trips->to_string(program_.symbols);
        for (const Program::Loop::Carried& c : loop.carried)
            out_ += (&c == loop.carried.data() ? " carries " : ", ") + id(c.current) + " <- " + id(c.next);
        for (const Program::Loop::Stacked& s : loop.stacked)
            out_ += (&s == loop.stacked.data() ? " stacks " : ", ") + id(s.slice) + " -> " + id(s.stack) + "[" +
                    s.index.to_string(program_.symbols) + "]";
        out_ += " {\n";
        if (loop.goes_on) {
            list(loop.test, indent);
            out_ += indent + "  while " + id(*loop.goes_on) + "\n";
        }
        list(loop.body, indent);
        out_ += indent + "}\n";
    }

    void values(const std::string& word, std::span<const Value> values, std::span<const Program::BufferId> buffers) {
        out_ += word;
        for (std::size_t i = 0; i < values.size(); ++i) {
            out_ += (i ? ", " : "") + id(buffers[i]) + " " + name_of(values[i]) + ": " +
                    values[i].type().to_string(program_.symbols);
            const Layout& layout = program_.buffers[buffers[i]].layout;
            if (!layout.is_dense()) out_ += " layout " + layout.to_string();
        }
        out_ += "\n";
    }

    void group(const Program::Fused& fused, const std::string& indent) {
        const Group& g = fused.group;
        out_ += indent + "group over [";
        for (std::size_t i = 0; i < g.domain.rank(); ++i) {
            if (i != 0) out_ += i == g.outer_rank ? " | " : ", ";
            out_ += g.domain[i].to_string(program_.symbols);
        }
        out_ += "] {\n";
        values(indent + "  reads  ", g.inputs, fused.inputs);
        values(indent + "  writes ", g.outputs, fused.outputs);
        for (const Node* n : g.members) {
            out_ += indent + "  " + name_of({n, 0}) + " = " + std::string(n->op->name) + "(";
            for (std::size_t i = 0; i < n->operands.size(); ++i) out_ += (i ? ", " : "") + name_of(n->operands[i]);
            out_ += ") : " + n->results[0].to_string(program_.symbols) + "\n";
        }
        out_ += indent + "}\n";
    }

    void call(const Program::Call& call, const std::string& indent) {
        out_ += indent + "call " + call.function + "(" + list(call.inputs) + ") to (" + list(call.outputs) +
                ") extents (" + extents(call.extents) + ") iterations " + call.iterations.to_string(program_.symbols);
        if (call.workspace != Dim(0)) out_ += " workspace " + call.workspace.to_string(program_.symbols);
        out_ += "\n";
    }

    void kernel(const Program::Kernel& kernel, const std::string& indent) {
        out_ += indent + "run (" + list(kernel.arguments) + ") extents (" + extents(kernel.extents) + ")";
        for (const Program::Site& site : kernel.sites) out_ += " site " + quoted(site.name);
        out_ += " of\n";
        const std::string text = print(kernel.nest);
        for (std::size_t at = 0; at < text.size();) {
            const std::size_t end = std::min(text.find('\n', at), text.size());
            out_ += indent + text.substr(at, end - at) + "\n";
            at = end + 1;
        }
    }

    const Program& program_;
    std::string out_;
};

}  // namespace

std::string print(const Program& program) { return Printer(program).run(); }

}  // namespace lathe::ir
