#include "passes/loops/specialize.h"

#include <algorithm>
#include <map>
#include <set>

#include "ir/loops/walk.h"
#include "ir/ops/forward.h"

namespace lathe::passes {
namespace {

using ir::Dim;
using ir::Statements;
using ir::Stmt;
using ir::Symbol;
using ir::ValueId;

class Specializer {
public:
    explicit Specializer(const Range& range) : range_(range) {}

    void simplify(Statements& block) {
        Statements kept;
        for (Stmt& s : block)
            if (simplify(s)) kept.push_back(std::move(s));
        block = std::move(kept);
    }

    // What has no effect and whose results nothing below reads. Statements are asked from the last to the first.
    void drop_unused(Statements& block) {
        Statements kept;
        for (std::size_t i = block.size(); i-- > 0;) {
            Stmt& s = block[i];
            if (Statements* body = ir::body_of(s)) {
                if (std::holds_alternative<ir::Reduce>(s.node)) note_uses(s);
                drop_unused(*body);
            }
            if (!is_needed(s)) continue;
            note_uses(s);
            kept.push_back(std::move(s));
        }
        std::ranges::reverse(kept);
        block = std::move(kept);
    }

private:
    // False where the statement is gone.
    bool simplify(Stmt& s) {
        if (Statements* body = ir::body_of(s)) simplify(*body);
        ir::for_each_use(s, [this](ValueId& v) {
            if (const auto found = equal_.find(v); found != equal_.end()) v = found->second;
        });
        if (std::vector<Dim>* guards = ir::guards_of(s)) {
            const auto decided = [this](bool how) { return [this, how](Dim g) { return range_.decide(g) == how; }; };
            if (std::ranges::any_of(*guards, decided(false))) return without_effect(s);
            std::erase_if(*guards, decided(true));
            if (const auto* condition = std::get_if<ir::Condition>(&s.node); condition && guards->empty())
                decide(s, condition->result, true);
        }
        ir::for_each_dim(s, [this](Dim& d) { d = range_.fold(d); });
        return !is_chosen(s);
    }

    bool without_effect(Stmt& s) {
        if (std::holds_alternative<ir::Store>(s.node)) return false;
        if (const auto* load = std::get_if<ir::Load>(&s.node))
            s.node = ir::Constant{load->result, 0};
        else if (const auto* condition = std::get_if<ir::Condition>(&s.node))
            decide(s, condition->result, false);
        else if (const auto* bind = std::get_if<ir::BindIndex>(&s.node))
            silent_.insert(bind->symbol);
        return true;
    }
    void decide(Stmt& s, ValueId condition, bool how) {
        decided_[condition] = how;
        s.node = ir::Constant{condition, how ? std::uint64_t{1} : 0};
    }
    // Whether the statement is a choice that is decided.
    bool is_chosen(const Stmt& s) {
        const auto* choice = std::get_if<ir::Compute>(&s.node);
        if (choice == nullptr || choice->op != &ir::ops::select) return false;
        const auto condition = decided_.find(choice->operands[0]);
        if (condition == decided_.end()) return false;
        equal_[choice->results[0]] = choice->operands[condition->second ? 1 : 2];
        return true;
    }

    bool is_needed(const Stmt& s) const {
        if (const auto* loop = std::get_if<ir::Loop>(&s.node)) return !loop->body.empty();
        if (const auto* bind = std::get_if<ir::BindIndex>(&s.node))
            return !silent_.contains(bind->symbol) || used_symbols_.contains(bind->symbol);
        if (ir::body_of(s) != nullptr || std::holds_alternative<ir::Store>(s.node) ||
            std::holds_alternative<ir::Alloc>(s.node))
            return true;
        bool used = false;
        ir::for_each_result(s, [&](const ValueId& v) { used = used || used_.contains(v); });
        return used;
    }
    void note_uses(const Stmt& s) {
        ir::for_each_use(s, [this](const ValueId& v) { used_.insert(v); });
        std::vector<Symbol> symbols;
        ir::for_each_dim(s, [&](const Dim& d) { d.collect_symbols(symbols); });
        used_symbols_.insert(symbols.begin(), symbols.end());
    }

    const Range& range_;
    std::map<ValueId, bool> decided_;
    std::map<ValueId, ValueId> equal_;
    std::set<Symbol> silent_;  // bound from values that nobody wants and that cannot be wrong
    std::set<ValueId> used_;
    std::set<Symbol> used_symbols_;
};

}  // namespace

void specialize(Statements& body, const Range& range) {
    Specializer specializer(range);
    specializer.simplify(body);
    specializer.drop_unused(body);
}

}  // namespace lathe::passes
