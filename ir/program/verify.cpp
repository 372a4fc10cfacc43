#include "ir/program/verify.h"

#include <algorithm>
#include <set>
#include <utility>

#include "ir/graph/text.h"
#include "ir/graph/unifier.h"
#include "ir/graph/verify.h"
#include "ir/loops/text.h"
#include "ir/loops/verify.h"
#include "ir/loops/walk.h"
#include "ir/ops/op.h"
#include "ir/program/index_maps.h"

namespace lathe::ir {
namespace {

class Verifier {
public:
    explicit Verifier(const Program& program)
        : program_(program), demands_(program.preconditions), written_(program.buffers.size(), false) {}

    std::vector<std::string> run() {
        bool behind_inputs = false;
        for (std::size_t b = 0; b < program_.buffers.size(); ++b) {
            const Program::Buffer& buffer = program_.buffers[b];
            if (buffer.origin == Program::Origin::input && behind_inputs) fault("an input follows other buffers");
            behind_inputs = behind_inputs || buffer.origin != Program::Origin::input;
            if (buffer.origin == Program::Origin::constant && !(buffer.constant.type == buffer.memory_type()))
                fault("constant " + id(b) + " has not the type of its buffer");
            check_layout(buffer, b);
            if ((buffer.origin == Program::Origin::input || buffer.origin == Program::Origin::output) &&
                !buffer.layout.is_dense())
                fault("the caller's memory " + id(b) + " is not dense");
        }
        for (std::size_t s = 0; s < program_.steps.size(); ++s) {
            step_ = s;
            step(program_.steps[s]);
        }
        for (const Program::Result& r : program_.results)
            if (r.buffer >= program_.buffers.size() || program_.buffers[r.buffer].origin != Program::Origin::output)
                fault("result '" + r.name + "' is no output");
            else if (!written_[r.buffer])
                fault("result '" + r.name + "' is never written");
        return std::move(faults_);
    }

private:
    static std::string id(std::size_t b) { return "@" + std::to_string(b); }
    void fault(std::string why) { faults_.push_back(std::move(why)); }
    void fault_in_step(const std::string& why) { fault("step " + std::to_string(step_) + ": " + why); }
    // Whether its content is there from the start.
    static bool is_known(Program::Origin origin) {
        return origin == Program::Origin::input || origin == Program::Origin::constant;
    }

    void check_layout(const Program::Buffer& buffer, std::size_t b) {
        std::vector<std::uint8_t> sorted = buffer.layout.permutation;
        std::ranges::sort(sorted);
        for (std::size_t i = 0; i < sorted.size(); ++i)
            if (sorted.size() != buffer.type.shape.rank() || sorted[i] != i) {
                fault("the layout of " + id(b) + " is no permutation of its dimensions");
                return;
            }
        const std::vector<std::uint16_t>& blocks = buffer.layout.blocks;
        if (!blocks.empty() && blocks.size() != buffer.type.shape.rank())
            fault("the layout of " + id(b) + " has blocks of other dimensions");
        if (std::ranges::find(blocks, 0) != blocks.end()) fault("the layout of " + id(b) + " has empty blocks");
    }

    bool is_buffer(Program::BufferId b) {
        if (b < program_.buffers.size()) return true;
        fault_in_step("there is no buffer " + id(b));
        return false;
    }
    void reads(Program::BufferId b) {
        if (is_buffer(b) && !is_known(program_.buffers[b].origin) && !written_[b])
            fault_in_step(id(b) + " is read before it is written");
    }
    void writes(Program::BufferId b) {
        if (!is_buffer(b)) return;
        if (is_known(program_.buffers[b].origin)) fault_in_step(id(b) + " is written, and is no memory to write to");
        written_[b] = true;
    }

    void step(const Program::Step& s) {
        std::visit(Overloaded{[&](const Program::Fused& f) { fused(f); }, [&](const Program::Kernel& k) { kernel(k); },
                              [&](const Program::Call& c) { call(c); }, [&](const Program::Batch& b) { batch(b); },
                              [&](const Program::Branch& b) { branch(b); }, [&](const Program::Loop& l) { loop(l); }},
                   s.node);
    }
    void list(const std::vector<Program::Step>& steps) {
        for (const Program::Step& s : steps) step(s);
    }

    // ---- branches and loops

    void decides(Program::BufferId b) {
        reads(b);
        if (b < program_.buffers.size() && !(program_.buffers[b].type == Type{Dtype::boolean, {}}))
            fault_in_step(id(b) + " decides, and is no bool of rank 0");
    }

    void branch(const Program::Branch& b) {
        decides(b.predicate);
        const std::vector<bool> before = written_;
        list(b.then_steps);
        std::vector<bool> then_written = std::exchange(written_, before);
        list(b.else_steps);
        for (std::size_t i = 0; i < written_.size(); ++i) written_[i] = written_[i] && then_written[i];
    }

    void loop(const Program::Loop& l) {
        if (l.iteration < program_.symbol_count() || l.iteration >= program_.symbols.size())
            fault_in_step("the loop counts in a symbol that is not its own");
        if (l.trips.has_value() == l.goes_on.has_value()) fault_in_step("the loop ends in no way, or in two");
        for (const Program::Loop::Carried& c : l.carried) {
            reads(c.current);
            if (!is_buffer(c.next) || c.current >= program_.buffers.size()) continue;
            const Program::Buffer &current = program_.buffers[c.current], &next = program_.buffers[c.next];
            if (!(current.type == next.type) || !current.layout.is_dense() || !next.layout.is_dense())
                fault_in_step(id(c.current) + " and " + id(c.next) + " are exchanged and not alike");
            if (current.origin != Program::Origin::temporary || next.origin != Program::Origin::temporary)
                fault_in_step(id(c.current) + " and " + id(c.next) + " are exchanged and not the program's own");
        }
        list(l.test);
        if (l.goes_on) decides(*l.goes_on);
        list(l.body);
        for (const Program::Loop::Carried& c : l.carried)
            if (c.next < written_.size() && !written_[c.next]) fault_in_step(id(c.next) + " is carried, not written");
        for (const Program::Loop::Stacked& s : l.stacked) reads(s.slice), writes(s.stack);
    }

    // ---- groups

    void fused(const Program::Fused& f) {
        const Group& g = f.group;
        if (program_.graph == nullptr) fault_in_step("the program has lost the graph of its groups");
        if (f.inputs.size() != g.inputs.size() || f.outputs.size() != g.outputs.size()) {
            fault_in_step("it has other buffers than values");
            return;
        }
        for (std::size_t i = 0; i < f.inputs.size(); ++i) reads(f.inputs[i]), has_type_of(f.inputs[i], g.inputs[i]);
        for (std::size_t i = 0; i < f.outputs.size(); ++i)
            writes(f.outputs[i]), has_type_of(f.outputs[i], g.outputs[i]);
        if (g.outer_rank > g.domain.rank()) fault_in_step("it has more rows than its domain");
        for (const Node* member : g.members) reaches_only_inputs(g, *member);
        for (const Value& out : g.outputs)
            if (!is_member(g, *out.node) && !is_input(g, out) && !is_free(*out.node))
                fault_in_step(std::string(out.node->op->name) + " is stored and not computed");
        for (const FoldOutput& out : g.fold_outputs)
            if (std::ranges::find(g.folds, out.fold) == g.folds.end())
                fault_in_step("a fold that is none of its own stores a value");
        for (const Node* fold : g.folds)
            if (!is_member(g, *fold) || fold_kind(*fold) != g.kind) fault_in_step("a fold is of another kind");
    }

    // By what the program demands, of which not all can be solved for symbols: 2 == min(2, n).
    bool are_equal(Dim a, Dim b) const {
        const Dim difference = demands_.apply(a) - demands_.apply(b);
        return difference == Dim(0) || std::ranges::any_of(program_.preconditions, [&](const Precondition& p) {
                   const Dim demanded = demands_.apply(p.a) - demands_.apply(p.b);
                   return difference == demanded || difference == Dim(0) - demanded;
               });
    }
    bool are_equal(const Type& a, const Type& b) const {
        return a.dtype == b.dtype &&
               std::ranges::equal(a.shape, b.shape, [this](Dim x, Dim y) { return are_equal(x, y); });
    }

    void has_type_of(Program::BufferId b, Value v) {
        // Values of several regions lie in one buffer where the program demands that their extents are equal.
        if (b < program_.buffers.size() && !are_equal(program_.buffers[b].type, v.type()))
            fault_in_step(id(b) + " has not the type of the value in it");
    }
    static bool is_member(const Group& g, const Node& n) { return std::ranges::find(g.members, &n) != g.members.end(); }
    static bool is_input(const Group& g, Value v) { return std::ranges::find(g.inputs, v) != g.inputs.end(); }

    // What a member needs is a member, an input, or index arithmetic over those.
    void reaches_only_inputs(const Group& g, const Node& member) {
        std::vector<const Node*> stack{&member}, seen;
        while (!stack.empty()) {
            const Node& node = *stack.back();
            stack.pop_back();
            if (std::ranges::find(seen, &node) != seen.end()) continue;
            seen.push_back(&node);
            const std::vector<bool> reads = reads_operands(node);
            for (std::size_t i = 0; i < node.operands.size(); ++i) {
                const Value v = node.operands[i];
                if (!reads[i] || is_input(g, v) || is_member(g, *v.node)) continue;
                if (is_free(*v.node))
                    stack.push_back(v.node);
                else
                    fault_in_step(std::string(member.op->name) + " needs " + std::string(v.node->op->name) +
                                  ", which is neither computed nor read");
            }
        }
    }

    // ---- kernels

    void kernel(const Program::Kernel& k) {
        for (const std::string& f : verify(k.nest)) fault_in_step(f);
        if (k.arguments.size() != k.nest.argument_count()) {
            fault_in_step("the kernel takes another number of buffers");
            return;
        }
        if (k.extents.size() != k.nest.extent_count()) {
            fault_in_step("the kernel takes another number of extents");
            return;
        }
        for (std::size_t i = 0; i < k.arguments.size(); ++i)
            if (k.nest.buffers[i].role == BufferRole::input) reads(k.arguments[i]);
        for (std::size_t i = 0; i < k.arguments.size(); ++i) {
            const Buffer& array = k.nest.buffers[i];
            if (array.role == BufferRole::output) writes(k.arguments[i]);
            if (k.arguments[i] >= program_.buffers.size()) continue;
            const Type type = program_.buffers[k.arguments[i]].memory_type();
            if (type.dtype != array.type.dtype) fault_in_step(id(k.arguments[i]) + " has another dtype");
            const Dim count = k.over_program(array.type.shape.element_count());
            if (count.is_constant() && type.shape.is_constant() && count != type.shape.element_count())
                fault_in_step(id(k.arguments[i]) + " has another number of elements");
        }
        sites(k.nest.body, k.sites.size());
    }

    void sites(const Statements& statements, std::size_t count) {
        const bool lacks_one = any_statement(statements, [count](const Stmt& s) {
            const auto* bind = std::get_if<BindIndex>(&s.node);
            return bind != nullptr && (bind->site < 0 || static_cast<std::size_t>(bind->site) >= count);
        });
        if (lacks_one) fault_in_step("an index has no site");
    }

    // ---- calls

    void call(const Program::Call& c) {
        if (program_.graph == nullptr) fault_in_step("the program has lost the graph of its calls");
        if (c.node == nullptr || c.node->op->call == nullptr) {
            fault_in_step("it calls for no node");
            return;
        }
        const auto has_result = [&](std::uint32_t r) { return r < c.node->results.size(); };
        if (c.inputs.size() != c.node->operands.size() || c.outputs.size() != c.results.size() ||
            !std::ranges::all_of(c.results, has_result) ||
            std::ranges::adjacent_find(c.results, std::greater_equal()) != c.results.end()) {
            fault_in_step("it has other buffers than values");
            return;
        }
        if (c.outputs.empty()) fault_in_step("nothing is stored");
        for (std::size_t i = 0; i < c.inputs.size(); ++i) reads(c.inputs[i]), holds(c.inputs[i], c.node->operands[i]);
        for (std::size_t i = 0; i < c.outputs.size(); ++i)
            writes(c.outputs[i]), holds(c.outputs[i], {c.node, c.results[i]});
        does_as_its_row_says(c);
    }
    // What memory the function touches follows from what it is told. How long it takes is a guess, and may be another.
    void does_as_its_row_says(const Program::Call& c) {
        const HostCall row = host_call(*c.node, c.results);
        const auto expect = [&](bool holds, std::string_view what) {
            if (!holds)
                fault_in_step("the row of " + std::string(c.node->op->name) + " says another " + std::string(what));
        };
        const auto same = [&](Dim a, Dim b) { return are_equal(a, b); };
        expect(c.function == row.function, "function");
        expect(std::ranges::equal(c.extents, row.extents, same), "list of extents");
        expect(same(c.iterations, row.iterations), "number of iterations");
        expect(same(c.workspace, row.workspace), "workspace");
        expect(c.phases.count == row.phases.count, "number of phases");
        expect(same(c.phases.iterations, row.phases.iterations), "number of iterations of its phases");
        expect(same(c.phases.scratch, row.phases.scratch), "scratch");
    }
    void holds(Program::BufferId b, Value v) {
        has_type_of(b, v);
        if (b < program_.buffers.size() && !program_.buffers[b].layout.is_dense())
            fault_in_step(id(b) + " is not dense");
    }

    // ---- batches

    void batch(const Program::Batch& b) {
        std::set<Program::BufferId> written;
        for (const Program::Kernel& k : b.kernels) {
            kernel(k);
            for (const Program::BufferId w : k.writes())
                if (!written.insert(w).second) fault_in_step("two kernels of a batch write " + id(w));
        }
        for (const Program::Kernel& k : b.kernels)
            for (const Program::BufferId r : k.reads())
                if (written.contains(r))
                    fault_in_step("a kernel of a batch reads " + id(r) + ", which the batch writes");
    }

    const Program& program_;
    Unifier demands_;
    std::vector<bool> written_;
    std::size_t step_ = 0;
    std::vector<std::string> faults_;
};

}  // namespace

std::vector<std::string> verify(const Program& program) { return Verifier(program).run(); }

}  // namespace lathe::ir
