// Index expressions: polynomials over extents, loop variables and loaded indices, in 64-bit integers.
#include <algorithm>
#include <bit>
#include <map>
#include <numeric>
#include <set>

#include <llvm/IR/IRBuilder.h>

#include "codegen/llvm/emitter.h"
#include "ir/error.h"
#include "ir/loops/walk.h"

namespace lathe::codegen {

using ir::Dim;

namespace {

constexpr int constant_depth = 1 << 20;  // deeper than any loop: constants are added last, as displacements

Dim::Bounds not_negative(ir::Symbol) { return {0, std::nullopt}; }
bool at_least(Dim d, std::int64_t low) {
    const auto bounds = d.bounds(not_negative);
    return bounds.low && *bounds.low >= low;
}

}  // namespace

bool Emitter::varies(Dim d) const {
    std::vector<ir::Symbol> used;
    d.collect_symbols(used);
    return std::ranges::any_of(used, [this](ir::Symbol s) { return symbols_[s].value.varying; });
}

llvm::Value* Emitter::lane_numbers(int width, bool narrow) {
    std::vector<llvm::Constant*> lanes;
    for (int i = 0; i < width; ++i)
        lanes.push_back(narrow ? b_.getInt32(static_cast<std::uint32_t>(i))
                               : b_.getInt64(static_cast<std::uint64_t>(i)));
    return llvm::ConstantVector::get(lanes);
}

template <class F>
Register Emitter::lift(Register a, Register b, F&& f) {
    if (!a.varying && !b.varying) return {f(a.value, b.value), false};
    return {f(splat(a), splat(b)), true};
}

Register Emitter::index(Dim d) {
    if (d.is_constant()) return {b_.getInt64(static_cast<std::uint64_t>(d.constant())), false};
    if (const auto known = indices_.find(d.bits()); known != indices_.end()) return known->second;
    Register uniform, varying{nullptr, true};
    for (const Dim::Term& t : d.terms()) {
        const Register p = product(t);
        Register& sum = p.varying ? varying : uniform;
        sum.value = sum.value == nullptr ? p.value : b_.CreateAdd(sum.value, p.value);
    }
    Register result = varying.value == nullptr ? uniform : varying;
    if (varying.value != nullptr && uniform.value != nullptr)
        result = lift(uniform, varying, [this](auto* x, auto* y) { return b_.CreateAdd(x, y); });
    indices_.emplace(d.bits(), result);
    computed_.push_back(d.bits());
    return result;
}

llvm::Value* Emitter::uniform_index(Dim d) {
    const Register r = index(d);
    if (r.varying) throw InternalError("kernel " + nest_.name + ": an extent varies between lanes");
    return r.value;
}

Register Emitter::product(const Dim::Term& term) {
    Register uniform{b_.getInt64(static_cast<std::uint64_t>(term.coefficient)), false}, varying{nullptr, true};
    for (const Dim::Atom& a : term.factors) {
        const Register f = atom(a);
        if (!f.varying)
            uniform.value = b_.CreateMul(f.value, uniform.value);
        else
            varying.value = varying.value == nullptr ? f.value : b_.CreateMul(varying.value, f.value);
    }
    if (varying.value == nullptr) return uniform;
    if (const auto* c = llvm::dyn_cast<llvm::ConstantInt>(uniform.value); c != nullptr && c->isOne()) return varying;
    return lift(uniform, varying, [this](auto* x, auto* y) { return b_.CreateMul(x, y); });
}

Register Emitter::atom(const Dim::Atom& a) {
    if (a.kind == Dim::Atom::Kind::symbol) return symbols_[a.symbol].value;
    if (const auto running = quotients_.find({a.a.bits(), a.b.bits()});
        a.kind == Dim::Atom::Kind::floordiv && running != quotients_.end())
        return {running->second, false};
    const Register x = index(a.a), y = index(a.b);
    switch (a.kind) {
        case Dim::Atom::Kind::min:
            return lift(x, y,
                        [this](auto* p, auto* q) { return b_.CreateBinaryIntrinsic(llvm::Intrinsic::smin, p, q); });
        case Dim::Atom::Kind::max:
            return lift(x, y,
                        [this](auto* p, auto* q) { return b_.CreateBinaryIntrinsic(llvm::Intrinsic::smax, p, q); });
        default:
            return floor_division(x, y, a.a, a.b);
    }
}

Register Emitter::floor_division(const Register& a, const Register& b, Dim dividend, Dim divisor) {
    const bool natural = at_least(dividend, 0);
    if (divisor.is_constant() && divisor.constant() > 0 &&
        std::has_single_bit(static_cast<std::uint64_t>(divisor.constant()))) {
        const auto shift = static_cast<std::uint64_t>(std::countr_zero(static_cast<std::uint64_t>(divisor.constant())));
        return {b_.CreateAShr(a.value, shift), a.varying};
    }
    const Register safe = safe_divisor(b, divisor);
    if (natural && at_least(divisor, 0)) return lift(a, safe, [this](auto* p, auto* q) { return b_.CreateUDiv(p, q); });
    return lift(a, safe, [this](auto* p, auto* q) {
        llvm::Value* zero = llvm::Constant::getNullValue(p->getType());
        llvm::Value* quotient = b_.CreateSDiv(p, q);
        llvm::Value* rest = b_.CreateSub(p, b_.CreateMul(quotient, q));
        llvm::Value* inexact = b_.CreateICmpNE(rest, zero);
        llvm::Value* opposite = b_.CreateICmpSLT(b_.CreateXor(rest, q), zero);
        return b_.CreateAdd(quotient, b_.CreateSExt(b_.CreateAnd(inexact, opposite), p->getType()));
    });
}

// A division takes longer than all else that an iteration does. A quotient whose dividend grows by 1 stays the same for
// some iterations, which are a loop of their own: what it is needed for is computed in front of that.
std::vector<Dim::Atom> Emitter::running_quotients(const ir::Loop& l) const {
    constexpr std::size_t most = 4;
    std::vector<Dim::Atom> out;
    if (l.step != 1) return out;
    std::set<ir::Symbol> inside;  // what the body defines
    const auto is_outside = [&](Dim d) {
        std::vector<ir::Symbol> used;
        d.collect_symbols(used);
        return std::ranges::none_of(used,
                                    [&](ir::Symbol s) { return inside.contains(s) || symbols_[s].value.varying; });
    };
    const std::function<void(Dim)> visit_dim = [&](Dim d) {
        if (!d.depends_on(l.var)) return;
        for (const Dim::Term& t : d.terms())
            for (const Dim::Atom& a : t.factors) {
                if (a.kind == Dim::Atom::Kind::symbol) continue;
                visit_dim(a.a);
                visit_dim(a.b);
                if (a.kind != Dim::Atom::Kind::floordiv || a.b.is_constant() || a.b.depends_on(l.var)) continue;
                const auto affine = a.a.affine_in(l.var);
                if (!affine || affine->coefficient != Dim(1) || !is_outside(affine->rest) || !is_outside(a.b)) continue;
                const auto is_same = [&](const Dim::Atom& other) { return other.a == a.a && other.b == a.b; };
                if (out.size() < most && std::ranges::none_of(out, is_same)) out.push_back(a);
            }
    };
    ir::for_each_statement(l.body, [&](const ir::Stmt& s) {
        ir::for_each_symbol(s, [&](ir::Symbol symbol, ir::SymbolRole) { inside.insert(symbol); });
    });
    ir::for_each_statement(l.body, [&](const ir::Stmt& s) { ir::for_each_dim(s, visit_dim); });
    return out;
}

// An extent of 0 divides nothing that is ever used, but must not trap.
Register Emitter::safe_divisor(const Register& b, Dim divisor) {
    if (at_least(divisor, 1)) return b;
    return lift(b, {b_.getInt64(1), false}, [this](auto* p, auto* one) {
        return b_.CreateSelect(b_.CreateICmpEQ(p, llvm::Constant::getNullValue(p->getType())), one, p);
    });
}

Emitter::Quotient Emitter::first_quotient(const Dim::Atom& a, ir::Symbol var) {
    const Dim first = a.a.affine_in(var)->rest;
    const Register dividend = index(first), divisor = safe_divisor(index(a.b), a.b);
    llvm::Value* const quotient = floor_division(dividend, divisor, first, max(a.b, 1)).value;
    return {quotient, b_.CreateSub(dividend.value, b_.CreateMul(quotient, divisor.value)), divisor.value};
}

Emitter::Quotient Emitter::quotient_after(const Quotient& q, llvm::Value* iterations) {
    llvm::Value* const rest = b_.CreateAdd(q.rest, iterations);
    llvm::Value* const is_whole = b_.CreateICmpEQ(rest, q.divisor);
    return {b_.CreateAdd(q.quotient, b_.CreateZExt(is_whole, b_.getInt64Ty())),
            b_.CreateSelect(is_whole, b_.getInt64(0), rest), q.divisor};
}

Register Emitter::condition(std::span<const Dim> guards) {
    Register all{nullptr, false};
    for (Dim d : guards) {
        const Register i = index(d);
        const Register holds{b_.CreateICmpSGE(i.value, llvm::Constant::getNullValue(i.value->getType())), i.varying};
        all = all.value == nullptr ? holds : lift(all, holds, [this](auto* x, auto* y) { return b_.CreateAnd(x, y); });
    }
    return all.value == nullptr ? Register{b_.getTrue(), false} : all;
}

llvm::Value* Emitter::element_address(llvm::Value* base, llvm::Type* element, Dim d, std::int64_t scale) {
    std::map<int, llvm::Value*> by_depth;
    const auto add = [&](int depth, llvm::Value* v) {
        if (llvm::isa<llvm::ConstantInt>(v)) depth = constant_depth;
        llvm::Value*& sum = by_depth[depth];
        sum = sum == nullptr ? v : b_.CreateAdd(sum, v);
    };
    if (d.is_constant()) add(constant_depth, b_.getInt64(static_cast<std::uint64_t>(d.constant() * scale)));
    for (const Dim::Term& t : d.terms()) {
        int depth = 0;
        llvm::Value* p = b_.getInt64(static_cast<std::uint64_t>(t.coefficient * scale));
        for (const Dim::Atom& a : t.factors) {
            const bool lane_zero =
                scope_.width > 1 && a.kind == Dim::Atom::Kind::symbol && a.symbol == scope_.vector_var;
            llvm::Value* f = lane_zero ? scope_.vector_base : atom(a).value;
            std::vector<ir::Symbol> used;
            if (a.kind == Dim::Atom::Kind::symbol) used.push_back(a.symbol);
            a.a.collect_symbols(used);
            a.b.collect_symbols(used);
            for (ir::Symbol s : used)
                if (!llvm::isa<llvm::ConstantInt>(symbols_[s].value.value)) depth = std::max(depth, symbols_[s].depth);
            p = b_.CreateMul(f, p);
        }
        add(depth, p);
    }
    for (const auto& [depth, sum] : by_depth) {
        if (const auto* c = llvm::dyn_cast<llvm::ConstantInt>(sum); c != nullptr && c->isZero()) continue;
        base = b_.CreateGEP(element, base, sum);
    }
    return base;
}

}  // namespace lathe::codegen
