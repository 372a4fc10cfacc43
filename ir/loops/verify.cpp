#include "ir/loops/verify.h"

#include <algorithm>
#include <bit>
#include <unordered_set>

#include "ir/loops/walk.h"
#include "ir/loops/workspace.h"

namespace lathe::ir {

namespace {

constexpr std::int64_t max_unroll = 1024, max_scratch_bytes = 1 << 20;

class Verifier {
public:
    explicit Verifier(const LoopNest& nest)
        : nest_(nest), workspace_(workspace_of(nest)), names_(nest.symbol_names()) {}

    std::vector<std::string> run() {
        symbol_seen_.assign(nest_.symbols.size(), false);
        symbol_visible_.assign(nest_.symbols.size(), false);
        value_seen_.assign(nest_.value_dtypes.size(), false);
        value_visible_.assign(nest_.value_dtypes.size(), false);
        allocated_.assign(nest_.buffers.size(), false);
        declarations();
        body(nest_.body, Context{});
        if (parallel_ != nullptr && writes_outside_)
            fault("something is written outside of the parallel loops, by every range of their iterations");
        if (statements_ > max_statements)
            fault(std::to_string(statements_) + " statements are more than " + std::to_string(max_statements));
        return std::move(faults_);
    }

private:
    struct Context {
        bool serial = true;              // all loops around are
        bool parallel = false;           // one of them is
        const Symbol* vector = nullptr;  // the variable of the vector loop around, if any
        int depth = 0;
    };

    void fault(std::string why) { faults_.push_back(nest_.name + ": " + std::move(why)); }
    std::string dim_text(Dim d) const { return d.to_string(names_); }
    std::string symbol_text(Symbol s) const { return s < names_.size() ? names_[s] : "symbol " + std::to_string(s); }

    void declarations() {
        bool others = false;
        for (std::size_t s = 0; s < nest_.symbols.size(); ++s) {
            if (nest_.symbols[s].role != SymbolRole::extent)
                others = true;
            else {
                if (others) fault("extent " + names_[s] + " comes after other symbols");
                symbol_seen_[s] = symbol_visible_[s] = true;
            }
        }
        bool scratch = false;
        std::int64_t bytes = 0;
        for (const Buffer& b : nest_.buffers) {
            if (b.role != BufferRole::scratch) {
                if (scratch) fault("argument " + b.name + " comes after scratch buffers");
                for (Dim d : b.type.shape) check_dim(d, "the shape of " + b.name);
                continue;
            }
            scratch = true;
            for (Dim d : b.type.shape) check_dim(d, "the shape of " + b.name);
            if (!b.type.shape.is_constant()) continue;
            const Dim count = b.type.shape.element_count();
            if (count.constant() < 0 || count.constant() > max_scratch_bytes)
                fault("scratch " + b.name + " is too large");
            else
                bytes += count.constant() * static_cast<std::int64_t>(size_of(b.type.dtype));
        }
        if (bytes > max_scratch_bytes)
            fault("scratch buffers take more than " + std::to_string(max_scratch_bytes) + " bytes");
    }

    // ---- uses

    void check_dim(Dim d, const std::string& where) {
        std::vector<Symbol> used;
        d.collect_symbols(used);
        for (Symbol s : used)
            if (s >= symbol_visible_.size() || !symbol_visible_[s])
                fault(where + " uses " + symbol_text(s) + ", which is not defined there");
    }
    bool valid(ValueId v) const { return v >= 0 && static_cast<std::size_t>(v) < nest_.value_dtypes.size(); }
    Dtype dtype(ValueId v) const { return nest_.value_dtypes[static_cast<std::size_t>(v)]; }

    // Whether the value can be used; reports where not.
    bool check_use(ValueId v, const std::string& where) {
        if (valid(v) && value_visible_[static_cast<std::size_t>(v)]) return true;
        fault(where + " uses %" + std::to_string(v) + ", which is not defined there");
        return false;
    }
    bool check_uses(const std::vector<ValueId>& vs, const std::string& where) {
        bool good = true;
        for (ValueId v : vs) good &= check_use(v, where);
        return good;
    }
    void expect_dtype(ValueId v, Dtype expected, const std::string& where) {
        if (valid(v) && dtype(v) != expected)
            fault(where + ": %" + std::to_string(v) + " is " + std::string(name(dtype(v))) + ", not " +
                  std::string(name(expected)));
    }

    void define(ValueId v, const std::string& where) {
        if (!valid(v)) return fault(where + " defines a value that is not declared");
        if (value_seen_[static_cast<std::size_t>(v)]) return fault(where + " defines %" + std::to_string(v) + " again");
        value_seen_[static_cast<std::size_t>(v)] = value_visible_[static_cast<std::size_t>(v)] = true;
        scope_values_.push_back(v);
    }
    void define(Symbol s, SymbolRole role, const std::string& where) {
        if (s >= nest_.symbols.size()) return fault(where + " defines a symbol that is not declared");
        if (nest_.symbols[s].role != role) fault(where + ": " + names_[s] + " was declared for another role");
        if (symbol_seen_[s]) return fault(where + " defines " + names_[s] + " again");
        symbol_seen_[s] = symbol_visible_[s] = true;
        scope_symbols_.push_back(s);
    }

    // ---- statements

    void body(const Statements& statements, Context context) {
        if (context.depth > 64) return fault("loops are nested too deeply");
        const std::size_t values = scope_values_.size(), symbols = scope_symbols_.size(), allocs = scope_allocs_.size();
        for (const Stmt& s : statements) {
            ++statements_;
            statement(s, context);
        }
        for (; scope_values_.size() > values; scope_values_.pop_back())
            value_visible_[static_cast<std::size_t>(scope_values_.back())] = false;
        for (; scope_symbols_.size() > symbols; scope_symbols_.pop_back())
            symbol_visible_[scope_symbols_.back()] = false;
        for (; scope_allocs_.size() > allocs; scope_allocs_.pop_back()) allocated_[scope_allocs_.back()] = false;
    }

    const Buffer* access(BufferId b, const std::vector<Dim>& index, const std::vector<Dim>& guards,
                         const std::string& what) {
        if (b < 0 || static_cast<std::size_t>(b) >= nest_.buffers.size()) {
            fault(what + " of a buffer that is not declared");
            return nullptr;
        }
        const Buffer& buffer = nest_.buffers[static_cast<std::size_t>(b)];
        const std::string where = what + " of " + buffer.name;
        if (index.size() != buffer.type.shape.rank())
            fault(where + " has " + std::to_string(index.size()) + " indices for " + buffer.type.to_string(names_));
        for (Dim d : index) check_dim(d, where);
        for (Dim d : guards) check_dim(d, where);
        if (buffer.role == BufferRole::scratch && !allocated_[static_cast<std::size_t>(b)])
            fault(where + " is outside the scope of its alloc");
        return &buffer;
    }

    void statement(const Stmt& s, const Context& context) {
        std::visit(
            Overloaded{
                [&](const Load& l) {
                    if (const Buffer* b = access(l.buffer, l.index, l.guards, "load"))
                        expect_dtype(l.result, b->type.dtype, "load of " + b->name);
                    define(l.result, "load");
                },
                [&](const Store& st) {
                    const Buffer* b = access(st.buffer, st.index, st.guards, "store");
                    if (check_use(st.value, "store") && b != nullptr)
                        expect_dtype(st.value, b->type.dtype, "store to " + b->name);
                    if (b != nullptr && b->role == BufferRole::input) fault("store to input " + b->name);
                    if (b == nullptr || b->role == BufferRole::scratch) return;
                    writes_outside_ = writes_outside_ || !context.parallel;
                    for (Symbol r : reductions_)
                        if (std::ranges::none_of(st.index, [r](Dim d) { return d.depends_on(r); }))
                            fault("store to " + b->name + " is the same for all elements of the reduction over " +
                                  symbol_text(r));
                },
                [&](const Compute& c) { compute(c); },
                [&](const Constant& c) { define(c.result, "constant"); },
                [&](const IndexValue& i) {
                    check_dim(i.index, "index");
                    expect_dtype(i.result, Dtype::i64, "index");
                    define(i.result, "index");
                },
                [&](const Condition& c) {
                    for (Dim d : c.guards) check_dim(d, "condition");
                    expect_dtype(c.result, Dtype::boolean, "condition");
                    define(c.result, "condition");
                },
                [&](const BindIndex& b) {
                    if (check_use(b.value, "bind") && !is_integer(dtype(b.value)))
                        fault("bind of a value that is no integer");
                    check_dim(b.bound, "bind");
                    check_dim(b.position, "bind");
                    for (Dim d : b.guards) check_dim(d, "bind");
                    if (b.site < 0) fault("bind without a fault site");
                    define(b.symbol, SymbolRole::loaded, "bind");
                },
                [&](const Alloc& a) {
                    const auto i = static_cast<std::size_t>(a.buffer);
                    if (a.buffer < 0 || i >= nest_.buffers.size() || nest_.buffers[i].role != BufferRole::scratch)
                        return fault("alloc of something that is no scratch buffer");
                    if (context.vector != nullptr && workspace_.offsets[i])
                        return fault("scratch " + nest_.buffers[i].name + " is too large for every lane to have one");
                    if (!allocs_.insert(a.buffer).second) return fault("second alloc of " + nest_.buffers[i].name);
                    allocated_[i] = true;
                    scope_allocs_.push_back(i);
                },
                [&](const Loop& l) { loop(l, context); },
                [&](const Reduce& r) { reduce(r, context); },
            },
            s.node);
    }

    void parallel(const Loop& l, const Context& context, const std::string& where) {
        if (!context.serial) fault(where + " is parallel inside of a loop that is not serial");
        std::vector<Symbol> used;
        l.extent.collect_symbols(used);
        for (Symbol s : used)
            if (s < nest_.symbols.size() && nest_.symbols[s].role != SymbolRole::extent)
                fault(where + " is parallel, but its extent is known only inside of the nest");
        if (parallel_ != nullptr && (parallel_->extent != l.extent || parallel_->step != l.step))
            fault(where + " is parallel, but unlike the parallel loop before it");
        if (parallel_ == nullptr) parallel_ = &l;
    }

    void loop(const Loop& l, Context context) {
        const std::string where = "loop over " + symbol_text(l.var);
        check_dim(l.extent, where);
        if (l.step < 1) fault(where + " has a step below 1");
        if (l.only) {
            check_dim(*l.only, where);
            if (l.kind != LoopKind::parallel || l.step != 1)
                fault(where + " has one iteration only, but no ranges of 1");
        }
        if (context.vector != nullptr && l.extent.depends_on(*context.vector))
            fault(where + " has an extent that varies between the lanes around it");
        switch (l.kind) {
            case LoopKind::serial:
                break;
            case LoopKind::parallel:
                parallel(l, context, where);
                break;
            case LoopKind::unroll:
                if (!l.extent.is_constant() || l.extent.constant() > max_unroll * std::max<std::int64_t>(l.step, 1))
                    fault(where + " cannot be unrolled");
                break;
            case LoopKind::vector:
                if (l.width < 1 || l.width > 256 || !std::has_single_bit(static_cast<unsigned>(l.width)))
                    fault(where + ": the width is no power of two up to 256");
                if (l.step != 1) fault(where + ": vector loops have step 1");
                if (context.vector != nullptr) fault(where + " is a vector loop within another");
                context.vector = &l.var;
                break;
        }
        context.serial = context.serial && l.kind == LoopKind::serial;
        context.parallel = context.parallel || l.kind == LoopKind::parallel;
        ++context.depth;
        define(l.var, SymbolRole::loop, where);
        body(l.body, context);
        if (l.var < symbol_visible_.size()) symbol_visible_[l.var] = false;
    }

    void reduce(const Reduce& r, Context context) {
        const std::string where = "reduction over " + symbol_text(r.var);
        check_dim(r.extent, where);
        check_dim(r.index_base, where);
        if (context.vector != nullptr && r.extent.depends_on(*context.vector))
            fault(where + " has an extent that varies between the lanes around it");
        const auto power = [](std::int64_t v) {
            return v >= 1 && v <= 65536 && std::has_single_bit(static_cast<std::uint64_t>(v));
        };
        if (!power(r.lanes))
            fault(where + ": the lanes are no power of two");
        else if (r.block < 1 || r.block % r.lanes != 0)
            fault(where + ": the lanes do not divide the block");
        else if (!power(r.width) || r.lanes % r.width != 0)
            fault(where + ": the width does not divide the lanes");
        if (r.width > 1 && context.vector != nullptr) fault(where + " is vectorized within a vector loop");
        if (r.op == nullptr || !r.op->reducer) return fault(where + " has an op without a reducer");
        if (!check_attributes(*r.op, r.attributes, true, where)) return;
        if (r.width > 1) context.vector = &r.var;
        context.serial = false;
        ++context.depth;
        define(r.var, SymbolRole::loop, where);
        if (r.extent != Dim(1)) reductions_.push_back(r.var);
        body(r.body, context);
        if (r.extent != Dim(1)) reductions_.pop_back();
        const std::vector<Dtype> taken = r.merges ? accumulators(r, where) : r.elements;
        if (r.element.size() != taken.size())
            fault(where + ": " + std::to_string(r.element.size()) + " elements for " + std::to_string(taken.size()) +
                  " dtypes");
        for (std::size_t i = 0; i < std::min(r.element.size(), taken.size()); ++i) {
            // Elements belong to the body, or to what is visible around it.
            if (!valid(r.element[i]) || !value_seen_[static_cast<std::size_t>(r.element[i])])
                fault(where + " folds %" + std::to_string(r.element[i]) + ", which is not defined there");
            else
                expect_dtype(r.element[i], taken[i], where);
        }
        if (r.var < symbol_visible_.size()) symbol_visible_[r.var] = false;
        try {
            check_results(program_of(r, r.finish ? ReducerPart::finish : ReducerPart::init), r.results, where);
        } catch (const Error& e) {
            fault(where + ": " + e.what());
        }
        for (ValueId v : r.results) define(v, where);
    }

    // The results' dtypes are those of the program that computes them.
    void check_results(const ScalarProgram& program, const std::vector<ValueId>& results, const std::string& where) {
        if (program.results.size() != results.size())
            return fault(where + " has " + std::to_string(results.size()) + " results, not " +
                         std::to_string(program.results.size()));
        for (std::size_t i = 0; i < results.size(); ++i)
            expect_dtype(results[i], program.dtype_of(program.results[i]), where);
    }
    // A contraction's reducer takes an element of each operand, others one.
    bool folds(const OpDef& op, const std::vector<Dtype>& elements, const std::string& where) {
        if (elements.size() == (op.contraction != nullptr ? 2 : 1)) return true;
        fault(where + " folds " + std::to_string(elements.size()) + " elements at a time");
        return false;
    }
    std::vector<Dtype> accumulators(const Reduce& r, const std::string& where) {
        std::vector<Dtype> dtypes;
        if (!folds(*r.op, r.elements, where)) return dtypes;
        try {
            const ScalarProgram& init = program_of(r, ReducerPart::init);
            for (std::int32_t i : init.results) dtypes.push_back(init.dtype_of(i));
        } catch (const Error& e) {
            fault(where + ": " + e.what());
        }
        return dtypes;
    }

    // What a scalar rule of the row, or its reducer, has to find.
    bool check_attributes(const OpDef& op, const Attributes& attributes, bool of_reducer, const std::string& where) {
        // What else an index op was asked (a shape, an axis) is in the index already, as axes are in the loops.
        const bool needs = of_reducer ? std::ranges::any_of(op.attributes, reaches_scalars, &AttributeDef::meaning)
                                      : op.lowering == Lowering::elementwise;
        if (attributes.size() != (needs ? op.attributes.size() : 0)) {
            fault(where + " has " + std::to_string(attributes.size()) + " attributes");
            return false;
        }
        for (std::size_t i = 0; i < attributes.size(); ++i)
            if (kind_of(attributes[i]) != op.attributes[i].kind()) {
                fault(where + ": attribute " + std::string(op.attributes[i].name) + " is of another kind");
                return false;
            }
        return true;
    }

    void compute(const Compute& c) {
        if (c.op == nullptr) return fault("computation without an op");
        const std::string where(c.op->name);
        const bool usable = check_uses(c.operands, where);
        if (usable && !c.results.empty() && valid(c.results[0])) program(c, where);
        for (ValueId v : c.results) define(v, where);
    }

    void program(const Compute& c, const std::string& where) {
        std::vector<Dtype> operands;
        for (ValueId v : c.operands) operands.push_back(dtype(v));
        try {
            if (c.part == ComputePart::scalar) {
                if (c.op->scalar == nullptr) return fault(where + " has no scalar rule");
                const auto minimum = static_cast<std::size_t>(c.op->arity.minimum);
                if (c.op->lowering == Lowering::elementwise &&
                    (operands.size() < minimum || (operands.size() > minimum && !c.op->arity.variadic)))
                    return fault(where + " has " + std::to_string(operands.size()) + " operands");
                if (!check_attributes(*c.op, c.attributes, false, where)) return;
                return check_results(program_of(c, operands, dtype(c.results[0])), c.results, where);
            }
            if (!c.op->reducer) return fault(where + " has no reducer");
            if (!folds(*c.op, c.elements, where)) return;
            if (!check_attributes(*c.op, c.attributes, true, where)) return;
            const ScalarProgram& program = program_of(c, operands, dtype(c.results[0]));
            check_results(program, c.results, where);
            std::vector<Dtype> expected;
            for (const ScalarInst& inst : program.insts)
                if (inst.prim == Prim::parameter) {
                    expected.resize(std::max<std::size_t>(expected.size(), inst.imm + 1), inst.dtype);
                    expected[inst.imm] = inst.dtype;
                }
            if (expected.size() > operands.size())
                return fault(where + " has " + std::to_string(operands.size()) + " operands");
            for (const ScalarInst& inst : program.insts)
                if (inst.prim == Prim::parameter) expect_dtype(c.operands[inst.imm], inst.dtype, where);
        } catch (const Error& e) {
            fault(where + ": " + e.what());
        }
    }

    const LoopNest& nest_;
    Workspace workspace_;
    std::vector<std::string> names_;
    std::vector<std::string> faults_;
    std::vector<bool> symbol_seen_, symbol_visible_, value_seen_, value_visible_, allocated_;
    std::vector<ValueId> scope_values_;
    std::vector<Symbol> scope_symbols_;
    std::vector<std::size_t> scope_allocs_;
    std::vector<Symbol> reductions_;  // around the statement, those over one element left out
    std::unordered_set<BufferId> allocs_;
    std::size_t statements_ = 0;
    const Loop* parallel_ = nullptr;  // the first one
    bool writes_outside_ = false;     // of all parallel loops
};

}  // namespace

std::vector<std::string> verify(const LoopNest& nest) { return Verifier(nest).run(); }

}  // namespace lathe::ir
