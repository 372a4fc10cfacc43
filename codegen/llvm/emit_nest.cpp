// The frame of a kernel, its loops and statements.
#include <algorithm>
#include <cstddef>

#include <llvm/IR/CFG.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/IntrinsicsX86.h>
#include <llvm/IR/MDBuilder.h>
#include <llvm/IR/Module.h>

#include "codegen/llvm/emitter.h"
#include "ir/error.h"
#include "ir/loops/walk.h"
#include "runtime/abi.h"

namespace lathe::codegen {

using ir::Dim;
using ir::Dtype;
using ir::LoopKind;

Emitter::Emitter(const ir::LoopNest& nest, const Target& target, llvm::Module& module, llvm::IRBuilderBase& builder)
    : nest_(nest),
      target_(target),
      workspace_(workspace_of(nest)),
      module_(module),
      b_(builder),
      symbols_(nest.symbols.size()),
      values_(nest.value_dtypes.size()),
      arrays_(nest.buffers.size()) {}

void Emitter::emit_kernel(std::string_view symbol) {
    llvm::Type *pointer = b_.getPtrTy(), *i64 = b_.getInt64Ty();
    auto* type = llvm::FunctionType::get(b_.getVoidTy(), {pointer, pointer, pointer, i64, i64, pointer}, false);
    // Objects that hold the same kernel link into one program.
    function_ = llvm::Function::Create(type, llvm::Function::WeakODRLinkage,
                                       llvm::StringRef(symbol.data(), symbol.size()), module_);
    function_->setVisibility(llvm::GlobalValue::HiddenVisibility);
    function_->setDoesNotThrow();
    static constexpr const char* names[] = {"slots", "operands", "extents", "begin", "end", "task"};
    for (unsigned i = 0; i < 6; ++i) function_->getArg(i)->setName(names[i]);
    // The tables that a kernel is called with are not among the arrays that it writes.
    for (unsigned i = 0; i < 3; ++i) {
        function_->addParamAttr(i, llvm::Attribute::NoAlias);
        function_->addParamAttr(i, llvm::Attribute::ReadOnly);
    }
    llvm::Value *slots = function_->getArg(0), *operands = function_->getArg(1), *extents = function_->getArg(2);
    fault_ = function_->getArg(5);
    b_.SetInsertPoint(llvm::BasicBlock::Create(b_.getContext(), "entry", function_));

    auto* widest = llvm::FixedVectorType::get(i64, 8);
    zeros_ = b_.CreateAlloca(widest, nullptr, "zeros");
    b_.CreateStore(llvm::Constant::getNullValue(widest), zeros_);
    if (workspace_.bytes != Dim(0))
        workspace_data_ = b_.CreateLoad(
            pointer, b_.CreateConstGEP1_64(b_.getInt8Ty(), fault_, offsetof(lathe_task, workspace)), "workspace");
    std::uint64_t extent = 0, argument = 0;
    for (std::size_t s = 0; s < nest_.symbols.size(); ++s)
        if (nest_.symbols[s].role == ir::SymbolRole::extent)
            symbols_[s].value.value =
                b_.CreateLoad(i64, b_.CreateConstGEP1_64(i64, extents, extent++), nest_.symbols[s].name);
    for (std::size_t k = 0; k < nest_.buffers.size(); ++k) {
        if (nest_.buffers[k].role == ir::BufferRole::scratch) continue;
        llvm::Value* number =
            b_.CreateLoad(b_.getInt32Ty(), b_.CreateConstGEP1_64(b_.getInt32Ty(), operands, argument++));
        llvm::Value* slot = b_.CreateGEP(pointer, slots, b_.CreateZExt(number, i64));
        arrays_[k].data = b_.CreateLoad(pointer, slot, nest_.buffers[k].name);
    }

    llvm::Value *begin = function_->getArg(3), *end = function_->getArg(4);
    const auto* only = nest_.body.size() == 1 ? std::get_if<ir::Loop>(&nest_.body[0].node) : nullptr;
    if (only != nullptr && only->kind == LoopKind::parallel)
        loop(*only);
    else
        only_if(b_.CreateICmpSLT(begin, end), {}, [&]() -> Values {
            emit(nest_.body);
            return {};
        });
    if (streamed_) b_.CreateIntrinsic(llvm::Intrinsic::x86_sse_sfence, {}, {});
    b_.CreateRetVoid();
}

void Emitter::define(ir::Symbol s, Register value, std::optional<Dim> below) {
    symbols_[s] = {value, scope_.depth, below};
}

bool Emitter::positive(Dim d, int attempts) const {
    const auto bounds = d.bounds([](ir::Symbol) { return Dim::Bounds{0, std::nullopt}; });
    if (bounds.low && *bounds.low >= 1) return true;
    if (attempts == 0 || (bounds.high && *bounds.high < 1)) return false;
    const auto minimum = [](Dim x) -> const Dim::Atom* {
        if (x.terms().size() != 1 || x.terms()[0].coefficient != 1 || x.terms()[0].factors.size() != 1) return nullptr;
        const Dim::Atom& a = x.terms()[0].factors[0];
        return a.kind == Dim::Atom::Kind::min ? &a : nullptr;
    };
    if (const Dim::Atom* m = minimum(d)) return positive(m->a, attempts - 1) && positive(m->b, attempts - 1);
    std::vector<ir::Symbol> used;
    d.collect_symbols(used);
    for (ir::Symbol s : used) {
        if (!symbols_[s].below) continue;
        const auto affine = d.affine_in(s);
        if (!affine || !affine->coefficient.is_constant()) continue;
        if (affine->coefficient.constant() > 0) {
            if (positive(affine->rest, attempts - 1)) return true;
            continue;
        }
        std::vector<Dim> ends{*symbols_[s].below};
        if (const Dim::Atom* m = minimum(ends[0])) ends = {m->a, m->b};
        for (Dim end : ends)
            if (positive(affine->rest + affine->coefficient * (end - 1), attempts - 1)) return true;
    }
    return false;
}

llvm::AllocaInst* Emitter::stack_array(llvm::Type* element, std::uint64_t count) {
    llvm::BasicBlock& entry = function_->getEntryBlock();
    llvm::IRBuilder<> at(&entry, entry.begin());
    auto* array = at.CreateAlloca(llvm::ArrayType::get(element, count + ir::scratch_slack));
    array->setAlignment(llvm::Align(64));
    return array;
}

Values Emitter::counted_loop(llvm::Value* begin, llvm::Value* end, std::int64_t step, bool known, Values initial,
                             const std::function<Values(llvm::Value*, const Values&)>& body) {
    return loop_in_steps(begin, end, known, std::move(initial), [&](llvm::Value* i, const Values& carried) -> Step {
        return {b_.getInt64(static_cast<std::uint64_t>(step)), body(i, carried)};
    });
}

Values Emitter::loop_in_steps(llvm::Value* begin, llvm::Value* end, bool known, Values initial,
                              const std::function<Step(llvm::Value*, const Values&)>& body) {
    const ScopeGuard scope(*this);
    llvm::LLVMContext& c = b_.getContext();
    llvm::BasicBlock* before = b_.GetInsertBlock();
    auto* loop = llvm::BasicBlock::Create(c, "loop", function_);
    auto* after = llvm::BasicBlock::Create(c, "after", function_);
    if (known)
        b_.CreateBr(loop);
    else
        b_.CreateCondBr(b_.CreateICmpSLT(begin, end), loop, after);

    b_.SetInsertPoint(loop);
    ++scope_.depth;
    auto* i = b_.CreatePHI(begin->getType(), 2, "i");
    i->addIncoming(begin, before);
    Values carried;
    for (llvm::Value* v : initial) {
        auto* phi = b_.CreatePHI(v->getType(), 2);
        phi->addIncoming(v, before);
        carried.push_back(phi);
    }
    const auto [step, next] = body(i, carried);
    llvm::Value* next_i = b_.CreateNSWAdd(i, step);
    llvm::BasicBlock* latch = b_.GetInsertBlock();
    i->addIncoming(next_i, latch);
    for (std::size_t k = 0; k < next.size(); ++k) llvm::cast<llvm::PHINode>(carried[k])->addIncoming(next[k], latch);
    b_.CreateCondBr(b_.CreateICmpSLT(next_i, end), loop, after);

    b_.SetInsertPoint(after);
    if (known) return next;
    Values results;
    for (std::size_t k = 0; k < next.size(); ++k) {
        auto* phi = b_.CreatePHI(next[k]->getType(), 2);
        phi->addIncoming(initial[k], before);
        phi->addIncoming(next[k], latch);
        results.push_back(phi);
    }
    return results;
}

Values Emitter::only_if(llvm::Value* condition, Values otherwise, const std::function<Values()>& body) {
    const ScopeGuard scope(*this);
    llvm::LLVMContext& c = b_.getContext();
    llvm::BasicBlock* before = b_.GetInsertBlock();
    auto* then = llvm::BasicBlock::Create(c, "then", function_);
    auto* after = llvm::BasicBlock::Create(c, "after", function_);
    b_.CreateCondBr(condition, then, after);
    b_.SetInsertPoint(then);
    const Values taken = body();
    llvm::BasicBlock* last = b_.GetInsertBlock();
    b_.CreateBr(after);
    b_.SetInsertPoint(after);
    Values results;
    for (std::size_t k = 0; k < taken.size(); ++k) {
        auto* phi = b_.CreatePHI(taken[k]->getType(), 2);
        phi->addIncoming(otherwise[k], before);
        phi->addIncoming(taken[k], last);
        results.push_back(phi);
    }
    return results;
}

void Emitter::emit(const ir::Statements& statements) {
    for (const ir::Stmt& s : statements) statement(s);
}

void Emitter::statement(const ir::Stmt& stmt) {
    std::visit(ir::Overloaded{
                   [&](const ir::Load& l) { value(l.result) = load(l); },
                   [&](const ir::Store& s) { store(s); },
                   [&](const ir::Compute& c) {
                       Registers operands;
                       std::vector<Dtype> dtypes;
                       for (ir::ValueId v : c.operands) {
                           operands.push_back(value(v));
                           dtypes.push_back(dtype(v));
                       }
                       const ir::ScalarProgram& p = program_of(c, dtypes, dtype(c.results[0]));
                       const Registers results = program(p, operands);
                       for (std::size_t i = 0; i < results.size(); ++i) value(c.results[i]) = results[i];
                   },
                   [&](const ir::Constant& c) {
                       ir::ScalarProgram p;
                       p.insts.push_back({.prim = ir::Prim::constant, .dtype = dtype(c.result), .imm = c.bits});
                       p.results.push_back(0);
                       value(c.result) = program(p, {})[0];
                   },
                   [&](const ir::IndexValue& i) { value(i.result) = index(i.index); },
                   [&](const ir::Condition& c) { value(c.result) = condition(c.guards); },
                   [&](const ir::BindIndex& b) { bind(b); },
                   [&](const ir::Alloc& a) {
                       const ir::Buffer& buffer = nest_.buffers[static_cast<std::size_t>(a.buffer)];
                       Array& array = arrays_[static_cast<std::size_t>(a.buffer)];
                       if (const auto& offset = workspace_.offsets[static_cast<std::size_t>(a.buffer)]) {
                           array = {b_.CreateGEP(b_.getInt8Ty(), workspace_data_, uniform_index(*offset)), 1, true};
                           return;
                       }
                       const auto count = static_cast<std::uint64_t>(buffer.type.shape.element_count().constant());
                       const auto lanes = static_cast<std::uint64_t>(scope_.width);
                       // Written again where the code of a loop's body appears again: the copies are never alive
                       // together.
                       if (array.data == nullptr || array.lanes != scope_.width)
                           array = {stack_array(memory_type(buffer.type.dtype), count * lanes), scope_.width, true};
                   },
                   [&](const ir::Loop& l) { loop(l); },
                   [&](const ir::Reduce& r) {
                       const Registers results = reduce(r);
                       for (std::size_t i = 0; i < results.size(); ++i) value(r.results[i]) = results[i];
                   },
               },
               stmt.node);
}

void Emitter::loop(const ir::Loop& l) {
    switch (l.kind) {
        case LoopKind::vector:
            return vector_loop(l);
        case LoopKind::unroll:
            return unrolled_loop(l);
        case LoopKind::parallel:
            return parallel_loop(l);
        case LoopKind::serial:
            break;
    }
    const bool known = positive(l.extent);
    if (known && l.extent.is_constant() && l.extent.constant() <= l.step) return unrolled_loop(l);
    const auto bounds = l.extent.bounds([](ir::Symbol) { return Dim::Bounds{0, std::nullopt}; });
    if (bounds.high && *bounds.high <= l.step) {  // a condition
        const auto once = [&]() -> Values {
            const ScopeGuard scope(*this);
            define(l.var, {b_.getInt64(0), false}, l.extent);
            emit(l.body);
            return {};
        };
        if (known)
            once();
        else
            only_if(b_.CreateICmpSGT(uniform_index(l.extent), b_.getInt64(0)), {}, once);
        return;
    }
    const std::vector<Dim::Atom> running = running_quotients(l);
    std::vector<Quotient> quotients;
    Values first;
    for (const Dim::Atom& a : running) {
        quotients.push_back(first_quotient(a, l.var));
        first.insert(first.end(), {quotients.back().quotient, quotients.back().rest});
    }
    llvm::Value* const end = uniform_index(l.extent);
    const auto iteration = [&](llvm::Value* i) {
        define(l.var, {i, false}, l.extent);
        emit(l.body);
    };
    if (running.empty()) {
        counted_loop(b_.getInt64(0), end, l.step, known, {}, [&](llvm::Value* i, const Values&) -> Values {
            iteration(i);
            return {};
        });
        return;
    }
    // Runs of iterations in which no quotient changes.
    const auto key = [&](std::size_t k) { return std::pair(running[k].a.bits(), running[k].b.bits()); };
    loop_in_steps(b_.getInt64(0), end, known, first, [&](llvm::Value* begin, const Values& carried) -> Step {
        llvm::Value* length = b_.CreateSub(end, begin);
        for (std::size_t k = 0; k < running.size(); ++k) {
            llvm::Value* const left = b_.CreateSub(quotients[k].divisor, carried[2 * k + 1]);
            length = b_.CreateBinaryIntrinsic(llvm::Intrinsic::smin, length, left);
            quotients_[key(k)] = carried[2 * k];
        }
        counted_loop(begin, b_.CreateAdd(begin, length), 1, true, {}, [&](llvm::Value* i, const Values&) -> Values {
            iteration(i);
            return {};
        });
        Values next;
        for (std::size_t k = 0; k < running.size(); ++k) {
            const Quotient q = quotient_after({carried[2 * k], carried[2 * k + 1], quotients[k].divisor}, length);
            next.insert(next.end(), {q.quotient, q.rest});
            quotients_.erase(key(k));
        }
        return {length, next};
    });
}

// The range of its iterations that the kernel is called for.
void Emitter::parallel_loop(const ir::Loop& l) {
    if (l.only) {
        llvm::Value *begin = function_->getArg(3), *only = uniform_index(*l.only);
        llvm::Value* count = b_.CreateSub(function_->getArg(4), begin);
        only_if(b_.CreateICmpULT(b_.CreateSub(only, begin), count), {}, [&]() -> Values {
            const ScopeGuard scope(*this);
            define(l.var, {only, false}, l.extent);
            emit(l.body);
            return {};
        });
        return;
    }
    counted_loop(function_->getArg(3), function_->getArg(4), 1, false, {},
                 [&](llvm::Value* i, const Values&) -> Values {
                     define(l.var, {b_.CreateMul(i, b_.getInt64(static_cast<std::uint64_t>(l.step))), false}, l.extent);
                     emit(l.body);
                     return {};
                 });
}

void Emitter::unrolled_loop(const ir::Loop& l) {
    load_across(l);
    for (std::int64_t i = 0; i < l.extent.constant(); i += l.step) {
        const ScopeGuard scope(*this);
        if (!across_.empty()) unrolled_ = static_cast<std::size_t>(i);
        define(l.var, {b_.getInt64(static_cast<std::uint64_t>(i)), false}, l.extent);
        emit(l.body);
    }
    across_.clear();
}

void Emitter::bind(const ir::BindIndex& b) {
    const Register raw = value(b.value);
    llvm::Type* i64 = b_.getInt64Ty();
    if (raw.varying) i64 = llvm::VectorType::get(i64, llvm::cast<llvm::VectorType>(raw.value->getType()));
    const Register index{b_.CreateIntCast(raw.value, i64, is_signed_integer(dtype(b.value))), raw.varying};
    const Register bound = this->index(b.bound);
    // One unsigned comparison finds both ends.
    const Register wrong = [&] {
        if (!index.varying && !bound.varying) return Register{b_.CreateICmpUGE(index.value, bound.value), false};
        return Register{b_.CreateICmpUGE(splat(index), splat(bound)), true};
    }();
    const auto clamped = [&] {
        const bool varying = index.varying || bound.varying;
        llvm::Value* i = varying ? splat(index) : index.value;
        llvm::Value* one = llvm::ConstantInt::get(i->getType(), 1);
        llvm::Value* last = b_.CreateSub(varying ? splat(bound) : bound.value, one);
        llvm::Value* low = b_.CreateBinaryIntrinsic(llvm::Intrinsic::smin, i, last);
        return b_.CreateBinaryIntrinsic(llvm::Intrinsic::smax, low, llvm::Constant::getNullValue(i->getType()));
    };
    if (b.guards.empty() && !wrong.varying) {
        // What is right needs no more than that comparison.
        llvm::BasicBlock* const right = b_.GetInsertBlock();
        llvm::Value* instead = nullptr;
        record_fault(wrong, index, bound, b, [&] { instead = clamped(); });
        llvm::BasicBlock* const after = b_.GetInsertBlock();
        llvm::PHINode* const phi = b_.CreatePHI(index.value->getType(), 3);
        for (llvm::BasicBlock* from : llvm::predecessors(after))
            phi->addIncoming(from == right ? index.value : instead, from);
        define(b.symbol, {phi, false});
        return;
    }
    if (b.guards.empty()) {
        record_fault(wrong, index, bound, b);
    } else {
        const Register guard = condition(b.guards);
        const bool varying = wrong.varying || guard.varying;
        record_fault(
            {varying ? b_.CreateAnd(splat(wrong), splat(guard)) : b_.CreateAnd(wrong.value, guard.value), varying},
            index, bound, b);
    }
    define(b.symbol, {clamped(), index.varying || bound.varying});
}

// The fault with the least site and then the least position stays, so that neither threads nor lanes decide which one
// is reported. All of that is code that runs only where there is one.
void Emitter::record_fault(const Register& wrong, const Register& index, const Register& bound,
                           const ir::BindIndex& bind, const std::function<void()>& first) {
    const ScopeGuard scope(*this);  // what the new blocks compute is not known behind them
    llvm::Value *any = wrong.value, *lanes = nullptr;
    const auto bits_of = [&](llvm::Value* v) {
        return b_.CreateBitCast(v, b_.getIntNTy(static_cast<unsigned>(scope_.width)));
    };
    if (wrong.varying) {
        lanes = both(scope_.mask, wrong.value);
        llvm::Value* bits = bits_of(lanes);
        any = b_.CreateICmpNE(bits, llvm::Constant::getNullValue(bits->getType()));
    }
    llvm::LLVMContext& c = b_.getContext();
    auto* record = llvm::BasicBlock::Create(c, "fault", function_);
    auto* least_fault = llvm::BasicBlock::Create(c, "first_fault", function_);
    auto* after = llvm::BasicBlock::Create(c, "checked", function_);
    b_.CreateCondBr(any, record, after, llvm::MDBuilder(c).createBranchWeights(1, 1 << 20));
    b_.SetInsertPoint(record);
    if (first) first();
    const Register positions = this->index(bind.position);
    llvm::Value *position = positions.value, *lane = nullptr;
    if (lanes != nullptr) {
        llvm::Value* least = lanes;
        if (positions.varying) {
            llvm::Value* last = llvm::ConstantInt::get(position->getType(), INT64_MAX);
            llvm::Value* of_wrong = b_.CreateSelect(lanes, position, last);
            position = b_.CreateIntMinReduce(of_wrong, true);
            least = b_.CreateICmpEQ(of_wrong, splat({position, false}));
        }
        lane = b_.CreateBinaryIntrinsic(llvm::Intrinsic::cttz, bits_of(least), b_.getTrue());
    } else if (positions.varying) {
        position = b_.CreateExtractElement(position, std::uint64_t{0});
    }
    const auto of_lane = [&](const Register& r) {
        return r.varying ? b_.CreateExtractElement(r.value, lane) : r.value;
    };
    const auto field = [&](unsigned offset) { return b_.CreateConstGEP1_64(b_.getInt8Ty(), fault_, offset); };
    constexpr unsigned is_unsigned_at = 4, index_at = 8, bound_at = 16, position_at = 24;
    llvm::Value *wrong_index = of_lane(index), *wrong_bound = of_lane(bound);
    llvm::Value* site = b_.getInt32(static_cast<std::uint32_t>(bind.site));
    llvm::Value* known = b_.CreateLoad(b_.getInt32Ty(), fault_);
    llvm::Value* before = b_.CreateICmpSLT(position, b_.CreateLoad(b_.getInt64Ty(), field(position_at)));
    llvm::Value* none = b_.CreateICmpSLT(known, b_.getInt32(0));
    llvm::Value* in_order =
        b_.CreateOr(b_.CreateICmpSLT(site, known), b_.CreateAnd(b_.CreateICmpEQ(site, known), before));
    b_.CreateCondBr(b_.CreateOr(none, in_order), least_fault, after);
    b_.SetInsertPoint(least_fault);
    b_.CreateStore(site, fault_);
    b_.CreateStore(b_.getInt32(dtype(bind.value) == Dtype::u64 ? 1 : 0), field(is_unsigned_at));
    b_.CreateStore(wrong_index, field(index_at));
    b_.CreateStore(wrong_bound, field(bound_at));
    b_.CreateStore(position, field(position_at));
    b_.CreateBr(after);
    b_.SetInsertPoint(after);
}

}  // namespace lathe::codegen
