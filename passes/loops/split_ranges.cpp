// A loop over a concatenation or padding asks for every element which part it belongs to:
//
//   for i in E { a = load A[i] if n - i - 1 >= 0; b = load B[i - n] if i - n >= 0; store C[i], select(n > i, a, b) }
//
// It becomes consecutive loops over ranges of its iterations in which that is known. Sizes are arguments: bounds may be
// in any order, below 0 or beyond E, and ranges empty. What iterations write, those behind them may read, as before.
//
// The outermost loop stays one, for threads to share. Where it holds loops, each iteration finds out which range it is
// in; else it goes over chunks of iterations, each of which runs its part of each range.
#include "passes/loops/split_ranges.h"

#include <algorithm>
#include <functional>

#include "ir/loops/walk.h"
#include "passes/loops/parallelize.h"
#include "passes/loops/range.h"
#include "passes/loops/specialize.h"
#include "passes/loops/statement_copy.h"

namespace lathe::passes {
namespace {

using ir::Dim;
using ir::Loop;
using ir::LoopKind;
using ir::Statements;
using ir::Symbol;

constexpr std::size_t most_ranges = 16;  // of a loop
// Of a nest, afterwards: what copies of a body may cost to compile.
constexpr std::size_t most_statements = 128, most_instructions = 1000;
// What a range costs beside a vector that is loaded under a guard.
constexpr std::int64_t range_cost = 2;

bool contains_reduction(const Loop& loop) {
    return ir::any_statement(loop.body, [](const ir::Stmt& s) { return std::holds_alternative<ir::Reduce>(s.node); });
}

// One loop nest of plain loops that write at places known in front of it: not tiles, and no scatter.
bool is_plain(const ir::LoopNest& nest) {
    const auto is_special = [&](const ir::Stmt& s) {
        if (const auto* loop = std::get_if<Loop>(&s.node)) return loop->kind != LoopKind::serial || loop->step != 1;
        if (std::holds_alternative<ir::Alloc>(s.node)) return true;
        return ir::any_access(s, [&](ir::BufferId, ir::Effect effect, const std::vector<Dim>& index) {
            std::vector<Symbol> symbols;
            if (effect == ir::Effect::write)
                for (Dim d : index) d.collect_symbols(symbols);
            return std::ranges::any_of(symbols,
                                       [&](Symbol x) { return nest.symbols[x].role == ir::SymbolRole::loaded; });
        });
    };
    const auto has_body = [](const ir::Stmt& s) { return ir::body_of(s) != nullptr; };
    return std::ranges::count_if(nest.body, has_body) == 1 && !ir::any_statement(nest.body, is_special);
}

// Where guards within a loop change, as far as that is known in front of it.
std::vector<Dim> bounds_within(const Loop& loop) {
    std::vector<Symbol> inner;
    ir::for_each_statement(loop.body, [&](const ir::Stmt& s) {
        ir::for_each_symbol(s, [&](const Symbol& x, ir::SymbolRole) { inner.push_back(x); });
    });
    std::vector<Dim> bounds;
    ir::for_each_statement(loop.body, [&](const ir::Stmt& s) {
        const std::vector<Dim>* guards = ir::guards_of(s);
        if (guards == nullptr) return;
        for (Dim g : *guards) {
            const std::optional<Dim> bound = Range::bound_of(g, loop.var);
            if (!bound || std::ranges::find(bounds, *bound) != bounds.end()) continue;
            if (std::ranges::none_of(inner, [&](Symbol x) { return bound->depends_on(x); })) bounds.push_back(*bound);
        }
    });
    return bounds;
}

// The ranges between bounds, in ascending order; none where they are too many.
std::vector<Range> ranges_between(const std::vector<Dim>& bounds, const Loop& loop) {
    std::vector<Range> ranges{Range(loop.var, loop.extent)};
    for (Dim bound : bounds) {
        std::vector<Range> cut;
        for (const Range& r : ranges) {
            if (r.is_behind(bound) || r.is_before(bound)) {
                cut.push_back(r);
                continue;
            }
            for (const Range& part : {r.before(bound), r.from(bound)})
                if (!part.is_empty()) cut.push_back(part);
        }
        ranges = std::move(cut);
        if (ranges.size() > most_ranges) return {};
    }
    return ranges;
}

// Of scalar operations in a list of statements and in the lists inside it.
std::size_t instruction_count(const ir::LoopNest& nest, const Statements& list) {
    std::size_t count = 0;
    ir::for_each_statement(list, [&](const ir::Stmt& s) {
        const auto* compute = std::get_if<ir::Compute>(&s.node);
        if (compute == nullptr) return;
        const auto dtype = [&](ir::ValueId v) { return nest.value_dtypes[static_cast<std::size_t>(v)]; };
        std::vector<ir::Dtype> dtypes;
        for (ir::ValueId v : compute->operands) dtypes.push_back(dtype(v));
        count += program_of(*compute, dtypes, dtype(compute->results[0])).insts.size();
    });
    return count;
}

class Splitter {
public:
    // `typical` gives the value that an extent of the nest has, if that is known.
    using Typical = std::function<std::optional<std::int64_t>(Dim)>;
    Splitter(ir::LoopNest& nest, const LoopTarget& target, Typical typical)
        : nest_(nest),
          lanes_(target.vector_bytes / 4),
          typical_(std::move(typical)),
          statements_(ir::statement_count(nest.body)),
          instructions_(instruction_count(nest, nest.body)) {}

    void split(Statements& list, bool outermost) {
        Statements out;
        for (ir::Stmt& s : list) {
            auto* loop = std::get_if<Loop>(&s.node);
            if (loop == nullptr) {
                out.push_back(std::move(s));
                continue;
            }
            Statements replacement = outermost ? in_chunks(*loop) : in_sequence(*loop);
            if (replacement.empty() || !fits(replacement, *loop)) {
                split(loop->body, false);
                out.push_back(std::move(s));
                continue;
            }
            for (ir::Stmt& part : replacement) {
                // In chunks, the loops of the ranges are further in.
                Statements& within = *ir::body_of(part);
                if (!outermost) {
                    split(within, false);
                } else {
                    for (ir::Stmt& range : within) split(*ir::body_of(range), false);
                }
                out.push_back(std::move(part));
            }
        }
        list = std::move(out);
    }

private:
    // Takes account of the statements that a loop is replaced by, if they are not too many.
    bool fits(const Statements& replacement, const Loop& loop) {
        const std::size_t statements =
            statements_ + ir::statement_count(replacement) - 1 - ir::statement_count(loop.body);
        const std::size_t instructions =
            instructions_ + instruction_count(nest_, replacement) - instruction_count(nest_, loop.body);
        if (statements > most_statements || instructions > std::max(instructions_, most_instructions)) return false;
        statements_ = statements;
        instructions_ = instructions;
        return true;
    }

    // Vectors that are accessed under guards in an iteration of a loop, and in all of them; empty where that is not
    // known.
    std::optional<std::int64_t> guarded_in_iteration(const Loop& loop) const {
        std::int64_t count = 0;
        for (const ir::Stmt& s : loop.body) {
            const std::vector<Dim>* guards = ir::guards_of(s);
            if (guards != nullptr && !guards->empty() && !std::holds_alternative<ir::Condition>(s.node)) ++count;
            if (const auto* inner = std::get_if<Loop>(&s.node)) {
                const std::optional<std::int64_t> within = guarded(*inner);
                if (!within) return std::nullopt;
                count += *within;
            }
        }
        return count;
    }
    std::optional<std::int64_t> guarded(const Loop& loop) const {
        const std::optional<std::int64_t> trips = typical_(loop.extent), each = guarded_in_iteration(loop);
        if (!trips || !each) return std::nullopt;
        return holds_loops(loop) ? *trips * *each : (*trips + lanes_ - 1) / lanes_ * *each;
    }
    static bool holds_loops(const Loop& loop) {
        return ir::any_statement(loop.body, [](const ir::Stmt& s) { return ir::body_of(s) != nullptr; });
    }

    // Ranges that are worth it; `guarded` are the accesses that know better then.
    std::vector<Range> ranges_of(const Loop& loop, std::optional<std::int64_t> guarded) const {
        if (contains_reduction(loop)) return {};
        std::vector<Range> ranges = ranges_between(bounds_within(loop), loop);
        if (ranges.size() < 2 || (guarded && *guarded < range_cost * std::ssize(ranges))) ranges.clear();
        return ranges;
    }

    // The loop's body in a range, at some iteration.
    Statements body_at(const Loop& loop, const Range& range, Dim iteration) {
        Statements body = loop.body;
        specialize(body, range);
        StatementCopy copy(nest_);
        copy.replace_symbol(loop.var, iteration);
        return copy.copy(body);
    }
    ir::Stmt loop_over(const Loop& loop, const Range& range) {
        const Symbol var = nest_.add_symbol(ir::SymbolRole::loop, nest_.symbols[loop.var].name);
        return {
            Loop{var, range.length(), 1, LoopKind::serial, 1, body_at(loop, range, range.begin() + Dim::symbol(var))}};
    }

    Statements in_sequence(const Loop& loop) {
        Statements out;
        for (const Range& range : ranges_of(loop, guarded(loop))) out.push_back(loop_over(loop, range));
        return out;
    }

    Statements in_chunks(const Loop& loop) {
        const bool whole = holds_loops(loop);
        const std::vector<Range> ranges = ranges_of(loop, whole ? guarded_in_iteration(loop) : guarded(loop));
        if (ranges.empty()) return {};
        const Symbol var = nest_.add_symbol(ir::SymbolRole::loop, whole ? nest_.symbols[loop.var].name : "chunk");
        const Dim begin = Dim::symbol(var);
        Loop chunks{var, loop.extent, whole ? 1 : parallel_chunk, LoopKind::serial, 1, {}};
        for (const Range& range : ranges) {
            if (whole) {
                const Symbol when = nest_.add_symbol(ir::SymbolRole::loop, "when");
                chunks.body.push_back(
                    {Loop{when, range.contains(begin), 1, LoopKind::serial, 1, body_at(loop, range, begin)}});
            } else {
                chunks.body.push_back(loop_over(loop, range.from(begin).before(begin + parallel_chunk)));
            }
        }
        Statements out;
        out.push_back({std::move(chunks)});
        return out;
    }

    ir::LoopNest& nest_;
    const std::int64_t lanes_;
    Typical typical_;
    std::size_t statements_, instructions_;
};

}  // namespace

void split_ranges(ir::Program& program, const LoopTarget& target) {
    ir::for_each_kernel(program, [&](ir::Program::Kernel& kernel) {
        if (!is_plain(kernel.nest)) return;
        const auto typical = [&](Dim d) { return program.typical(kernel, d); };
        Splitter(kernel.nest, target, typical).split(kernel.nest.body, true);
    });
}

}  // namespace lathe::passes
