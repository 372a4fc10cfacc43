// Iterations of a loop around a vector loop may all read the same vectors, as those of a depthwise convolution read its
// weights:
//
//   for w in W vector c in C { a = load X[w, c]; p = load P[c]; b = load X[w + 1, c]; q = load Q[c]; ... }
//
// Each of them is one more load for each instruction that uses it, and one more address. So the loops change places,
// and what is the same for all of w stays in registers:
//
//   for chunk in W / 32 vector c in C { p = load P[c]; q = load Q[c]; ... for w in 32 step 4 { a = load X[w, c] ... } }
//
// Chunks are short enough that all that one walks over stays in the nearest cache until the next vector has read its
// part of the same lines. Some iterations run side by side: neighbours read much of the same, and several chains of
// computation wait for each other less than one.
#include <algorithm>
#include <set>

#include "ir/loops/walk.h"
#include "passes/loops/loop_passes.h"
#include "passes/loops/statement_copy.h"

namespace lathe::passes {
namespace {

using ir::Dim;
using ir::Loop;
using ir::LoopKind;
using ir::Statements;

constexpr std::int64_t chunk = 32;
constexpr std::int64_t most_side_by_side = 4;  // halved where there would be more statements than these
constexpr std::size_t most_statements = 320;
// Fewer vectors do not pay for reading the other arrays in narrow columns.
constexpr std::size_t least_vectors = 4;

// Statements without loops, which write other elements in each iteration of `outer`, and nothing that they read.
bool is_plain(const Statements& statements, const Loop& outer) {
    std::set<ir::BufferId> read, written;
    bool plain = true;
    for (const ir::Stmt& s : statements) {
        plain = plain && ir::body_of(s) == nullptr && !std::holds_alternative<ir::Alloc>(s.node) &&
                !std::holds_alternative<ir::BindIndex>(s.node);
        ir::for_each_access(s, [&](ir::BufferId b, ir::Effect effect, const std::vector<Dim>& index) {
            (effect == ir::Effect::read ? read : written).insert(b);
            if (effect == ir::Effect::write)
                plain = plain && std::ranges::any_of(index, [&](Dim d) { return d.depends_on(outer.var); });
        });
    }
    return plain && std::ranges::none_of(written, [&](ir::BufferId b) { return read.contains(b); });
}

// Moves what is the same in all iterations of `outer` out of the statements.
Statements take_invariant(Statements& statements, const Loop& outer) {
    Statements invariant, rest;
    std::set<ir::ValueId> varying;
    for (ir::Stmt& s : statements) {
        bool varies = std::holds_alternative<ir::Store>(s.node);
        ir::for_each_use(s, [&](ir::ValueId v) { varies = varies || varying.contains(v); });
        ir::for_each_dim(s, [&](const Dim& d) { varies = varies || d.depends_on(outer.var); });
        if (varies) ir::for_each_result(s, [&](ir::ValueId v) { varying.insert(v); });
        (varies ? rest : invariant).push_back(std::move(s));
    }
    statements = std::move(rest);
    return invariant;
}

std::size_t vectors_loaded(const Statements& statements, const Loop& vector) {
    return static_cast<std::size_t>(std::ranges::count_if(statements, [&](const ir::Stmt& s) {
        const auto* const load = std::get_if<ir::Load>(&s.node);
        return load != nullptr && std::ranges::any_of(load->index, [&](Dim d) { return d.depends_on(vector.var); });
    }));
}

// Some iterations of a loop, statement by statement for all of them, each load in front of what uses it first. What one
// has loaded the others do not load again.
class SideBySide {
public:
    SideBySide(ir::LoopNest& nest, const Statements& body) : nest_(nest), body_(body) {}

    Statements run(ir::Symbol var, Dim first, std::int64_t count) {
        for (std::int64_t i = 0; i < count; ++i)
            copies_.emplace_back(StatementCopy(nest_)).statements.replace_symbol(var, first + i);
        // Stores come last, for nothing that is loaded is written.
        for (const bool stores : {false, true})
            for (const ir::Stmt& s : body_) {
                if (std::holds_alternative<ir::Load>(s.node) || std::holds_alternative<ir::Store>(s.node) != stores)
                    continue;
                for (Copy& copy : copies_) {
                    ir::for_each_use(s, [&](ir::ValueId v) { load(v, copy); });
                    out_.push_back(copy.statements.copy(s));
                }
            }
        return std::move(out_);
    }

private:
    struct Copy {
        StatementCopy statements;
        std::set<ir::ValueId> loaded = {};
    };

    void load(ir::ValueId v, Copy& copy) {
        const auto at = std::ranges::find_if(body_, [&](const ir::Stmt& s) {
            const auto* const load = std::get_if<ir::Load>(&s.node);
            return load != nullptr && load->result == v;
        });
        if (at == body_.end() || !copy.loaded.insert(v).second) return;
        ir::Stmt made = copy.statements.copy(*at);
        const auto& fresh = std::get<ir::Load>(made.node);
        const auto same = std::ranges::find_if(out_, [&](const ir::Stmt& s) {
            const auto* const earlier = std::get_if<ir::Load>(&s.node);
            return earlier != nullptr && earlier->buffer == fresh.buffer && earlier->index == fresh.index &&
                   earlier->guards == fresh.guards;
        });
        if (same != out_.end())
            copy.statements.replace_value(v, std::get<ir::Load>(same->node).result);
        else
            out_.push_back(std::move(made));
    }

    ir::LoopNest& nest_;
    const Statements& body_;
    std::vector<Copy> copies_;
    Statements out_;
};

// A loop over `extent` iterations of `body`, some of which run side by side.
Statements in_groups(ir::LoopNest& nest, const Loop& body, std::int64_t group, Dim extent, Dim first) {
    const auto loop = [&](const char* name, Dim count, std::int64_t step, Dim from) {
        const ir::Symbol var = nest.add_symbol(ir::SymbolRole::loop, name);
        return Loop{var,  count,
                    step, LoopKind::serial,
                    1,    SideBySide(nest, body.body).run(body.var, from + Dim::symbol(var), step)};
    };
    const Dim grouped = floordiv(extent, group) * group;
    Statements out;
    out.push_back({loop("group", grouped, group, first)});
    out.push_back({loop("rest", extent - grouped, 1, first + grouped)});
    return out;
}

void visit(ir::LoopNest& nest, Statements& statements) {
    for (ir::Stmt& s : statements) {
        auto* const outer = std::get_if<Loop>(&s.node);
        if (outer == nullptr) continue;
        auto* const vector = outer->body.size() == 1 ? std::get_if<Loop>(&outer->body.front().node) : nullptr;
        if (vector == nullptr || vector->kind != LoopKind::vector || outer->kind != LoopKind::serial ||
            outer->step != 1 || vector->extent.depends_on(outer->var) || !is_plain(vector->body, *outer)) {
            visit(nest, outer->body);
            continue;
        }
        Loop across = *vector, along = *outer;
        along.body = std::move(across.body);
        across.body = take_invariant(along.body, *outer);
        if (vectors_loaded(across.body, across) < least_vectors) continue;
        Loop chunks{
            nest.add_symbol(ir::SymbolRole::loop, "chunk"), ceildiv(outer->extent, chunk), 1, LoopKind::serial, 1, {}};
        const Dim first = chunk * Dim::symbol(chunks.var), extent = min(chunk, outer->extent - first);
        Statements groups;
        for (std::int64_t n = most_side_by_side;
             n > 0 && (groups.empty() || ir::statement_count(groups) > most_statements); n /= 2)
            groups = in_groups(nest, along, n, extent, first);
        if (ir::statement_count(groups) > most_statements) continue;
        std::ranges::move(groups, std::back_inserter(across.body));
        chunks.body.push_back({std::move(across)});
        s.node = std::move(chunks);
    }
}

}  // namespace

void interchange(ir::LoopNest& nest, const LoopTarget&) {
    ir::LoopNest changed = nest;
    visit(changed, changed.body);
    if (ir::statement_count(changed.body) <= ir::max_statements) nest = std::move(changed);
}

}  // namespace lathe::passes
