// Vector loops: whole vectors run without a mask, several at a time, and one masked tail takes the rest.
#include <algorithm>
#include <utility>

#include <llvm/IR/IRBuilder.h>

#include "codegen/llvm/emitter.h"
#include "ir/loops/walk.h"

namespace lathe::codegen {

using ir::Dim;
using ir::Dtype;
using ir::LoopKind;

namespace {

// Instructions beyond which a second copy of a loop body costs more to compile than other forms of the tail: the body
// runs on a copy of the rest of the arrays, or under masks where it does more with memory than walk along arrays.
constexpr std::size_t heavy_body = 150, heavy_irregular_body = 60;
// Instructions below which two vectors at a time pay: there the loop itself is a good part of the work.
constexpr std::size_t light_body = 30;
// Chains beside each other: vectors at most, and instructions of all beyond which there are fewer.
constexpr int most_chains = 4;
constexpr std::size_t heavy_chains = 160;
// How far ahead of its stores a loop of little work asks for their lines: processors run ahead of loads, but hardly of
// stores, across the end of a page least of all. Measured on Zen 3, 4 MB in and out: 3 to 15 % by where they lie.
constexpr std::int64_t bytes_ahead = 2048, bytes_of_line = 64;

bool never_negative(Dim d) {
    const auto bounds = d.bounds([](ir::Symbol) { return Dim::Bounds{0, std::nullopt}; });
    return bounds.low && *bounds.low >= 0;
}

}  // namespace

void Emitter::vector_step(ir::Symbol var, int width, llvm::Value* base, llvm::Value* remaining,
                          const std::function<void()>& body, bool may_be_whole) {
    const ScopeGuard scope(*this);
    scope_.width = width;
    scope_.vector_var = var;
    scope_.vector_base = base;
    scope_.mask = nullptr;
    scope_.whole = nullptr;
    const auto lanes = static_cast<unsigned>(width);
    if (width == 1) {
        define(var, {base, false});
    } else {
        define(var, {b_.CreateAdd(b_.CreateVectorSplat(lanes, base), lane_numbers(width, false)), true});
        if (remaining != nullptr) {
            llvm::Value* count = b_.CreateTrunc(
                b_.CreateBinaryIntrinsic(llvm::Intrinsic::smin, remaining, b_.getInt64(lanes)), b_.getInt32Ty());
            scope_.mask = b_.CreateICmpSLT(lane_numbers(width, true), b_.CreateVectorSplat(lanes, count));
            if (may_be_whole) scope_.whole = b_.CreateICmpSGE(remaining, b_.getInt64(lanes));
        }
    }
    body();
}

void Emitter::vector_loop(const ir::Loop& l) {
    const int width = l.width;
    const auto body = [&] { emit(l.body); };
    const auto bounds = l.extent.bounds([](ir::Symbol) { return Dim::Bounds{0, std::nullopt}; });
    const bool one_step = bounds.high && *bounds.high <= width;
    if (l.extent.is_constant() && one_step) {
        const std::int64_t extent = l.extent.constant();
        if (extent > 0)
            vector_step(l.var, width, b_.getInt64(0),
                        extent == width ? nullptr : b_.getInt64(static_cast<std::uint64_t>(extent)), body);
        return;
    }
    llvm::Value* extent = uniform_index(l.extent);
    if (one_step) {
        const auto write = [&]() -> Values {
            vector_step(l.var, width, b_.getInt64(0), extent, body);
            return {};
        };
        if (positive(l.extent) || (width > 1 && !needs_an_active_lane(l.body, l.var)))
            write();
        else
            only_if(b_.CreateICmpSGT(extent, b_.getInt64(0)), {}, write);
        return;
    }
    if (!never_negative(l.extent) && !positive(l.extent))
        extent = b_.CreateBinaryIntrinsic(llvm::Intrinsic::smax, extent, b_.getInt64(0));
    const std::size_t instructions = weight(l.body);
    std::vector<Staged> staged;
    const bool regular = width > 1 && collect_staged(l, staged);
    if (width > 1 && regular && instructions > heavy_body) return staged_loop(l, extent, std::move(staged));
    // Not where it holds loops: what runs side by side there would stand apart at each store that asks for the mask.
    const bool holds_loop =
        ir::any_statement(l.body, [](const ir::Stmt& s) { return std::holds_alternative<ir::Loop>(s.node); });
    if (width > 1 && !regular && !holds_loop && instructions > heavy_irregular_body)
        return masked_loop(l, b_.getInt64(0), extent);
    const auto rounded = [&](int step) {
        return b_.CreateAnd(extent, b_.getInt64(~(static_cast<std::uint64_t>(step) - 1)));
    };
    llvm::Value* done = b_.getInt64(0);
    const auto whole_vectors = [&](int copies) {
        llvm::Value* end = rounded(width * copies);
        counted_loop(done, end, std::int64_t{width} * copies, false, {}, [&](llvm::Value* i, const Values&) -> Values {
            if (copies > 1) prefetch_stores(l, staged, i, copies);
            for (int c = 0; c < copies; ++c)
                vector_step(l.var, width,
                            b_.CreateAdd(i, b_.getInt64(static_cast<std::uint64_t>(std::int64_t{width} * c))), nullptr,
                            body);
            return {};
        });
        done = end;
    };
    if (const int groups = chains_together(l); groups > 1) {
        llvm::Value* end = rounded(width * groups);
        counted_loop(done, end, std::int64_t{width} * groups, false, {}, [&](llvm::Value* i, const Values&) -> Values {
            chains_step(l, i, groups);
            return {};
        });
        done = end;
    }
    if (regular && instructions <= light_body) whole_vectors(2);
    whole_vectors(1);
    if (width == 1 || (l.extent.is_constant() && l.extent.constant() % width == 0)) return;
    only_if(b_.CreateICmpSLT(done, extent), {}, [&]() -> Values {
        vector_step(l.var, width, done, b_.CreateSub(extent, done), body);
        return {};
    });
}

// The lines that a loop will store to some iterations on, for as many as `copies` vectors fill.
void Emitter::prefetch_stores(const ir::Loop& l, const std::vector<Staged>& staged, llvm::Value* i, int copies) {
    for (const Staged& s : staged) {
        const ir::Buffer& buffer = nest_.buffers[static_cast<std::size_t>(s.buffer)];
        const bool streams = ir::any_statement(l.body, [&](const ir::Stmt& stmt) {
            const auto* const store = std::get_if<ir::Store>(&stmt.node);
            return store != nullptr && store->buffer == s.buffer && store->streaming;
        });
        if (!s.stored || s.loaded || streams || buffer.role == ir::BufferRole::scratch) continue;
        llvm::Type* type = memory_type(buffer.type.dtype);
        const auto size = static_cast<std::int64_t>(size_of(buffer.type.dtype));
        llvm::Value* at =
            b_.CreateGEP(type, element_address(arrays_[static_cast<std::size_t>(s.buffer)].data, type, s.rest), i);
        for (std::int64_t byte = 0; byte < std::int64_t{copies} * l.width * size; byte += bytes_of_line)
            b_.CreateIntrinsic(llvm::Intrinsic::prefetch, {at->getType()},
                               {b_.CreateGEP(b_.getInt8Ty(), at, b_.getInt64(bytes_ahead + byte)), b_.getInt32(1),
                                b_.getInt32(3), b_.getInt32(1)});
    }
}

// Iterations [begin, end) with one copy of the body, which is under a mask but for stores of whole vectors.
void Emitter::masked_loop(const ir::Loop& l, llvm::Value* begin, llvm::Value* end) {
    counted_loop(begin, end, l.width, false, {}, [&](llvm::Value* i, const Values&) -> Values {
        vector_step(l.var, l.width, i, b_.CreateSub(end, i), [&] { emit(l.body); }, true);
        return {};
    });
}

// How many vectors of a loop whose body is one chain may advance side by side.
int Emitter::chains_together(const ir::Loop& l) const {
    const ir::Reduce* chain = nullptr;
    for (const ir::Stmt& s : l.body) {
        if (const auto* r = std::get_if<ir::Reduce>(&s.node)) {
            if (chain != nullptr || r->lanes != 1 || r->extent.depends_on(l.var) || varies(r->extent)) return 1;
            chain = r;
        } else if (ir::body_of(s) != nullptr || std::holds_alternative<ir::Alloc>(s.node) ||
                   std::holds_alternative<ir::BindIndex>(s.node)) {
            return 1;
        }
    }
    if (l.width == 1 || chain == nullptr) return 1;
    for (const ir::Stmt& s : chain->body)
        if (ir::body_of(s) != nullptr || std::holds_alternative<ir::Alloc>(s.node)) return 1;
    const std::size_t instructions = weight(l.body);
    int groups = most_chains;
    while (groups > 1 && instructions * static_cast<std::size_t>(groups) > heavy_chains) groups /= 2;
    return groups;
}

// Gives the arrays that the lanes of a loop walk side by side; false where its body does anything else with memory
// than that and reading what all lanes share.
bool Emitter::collect_staged(const ir::Loop& l, std::vector<Staged>& staged) const {
    const auto add = [&](ir::BufferId buffer, std::span<const Dim> index, bool stored) {
        const Dim at = offset(buffer, index);
        const auto affine = at.affine_in(l.var);
        if (!affine || varies(affine->rest)) return false;
        if (affine->coefficient == Dim(0)) return !stored;
        if (affine->coefficient != Dim(1)) return false;
        const auto same =
            std::ranges::find_if(staged, [&](const Staged& s) { return s.buffer == buffer && s.rest == affine->rest; });
        Staged& array = same == staged.end() ? staged.emplace_back() : *same;
        array.buffer = buffer;
        array.rest = affine->rest;
        (stored ? array.stored : array.loaded) = true;
        return true;
    };
    for (const ir::Stmt& s : l.body) {
        if (const auto* load = std::get_if<ir::Load>(&s.node)) {
            if (!load->guards.empty() || !add(load->buffer, load->index, false)) return false;
        } else if (const auto* store = std::get_if<ir::Store>(&s.node)) {
            if (!store->guards.empty() || !add(store->buffer, store->index, true)) return false;
        } else if (ir::body_of(s) != nullptr || std::holds_alternative<ir::BindIndex>(s.node) ||
                   std::holds_alternative<ir::Alloc>(s.node)) {
            return false;
        }
    }
    // What one statement stores at one place another may not read at a place beside it.
    return std::ranges::all_of(staged, [&](const Staged& a) {
        return !a.stored || std::ranges::count_if(staged, [&](const Staged& b) { return a.buffer == b.buffer; }) == 1;
    });
}

// The body is written once and runs in two rounds: over the whole vectors of the arrays, and over copies of the rest
// on the stack, which fill whole vectors as well.
void Emitter::staged_loop(const ir::Loop& l, llvm::Value* extent, std::vector<Staged> staged) {
    const ScopeGuard scope(*this);
    const int width = l.width;
    llvm::LLVMContext& c = b_.getContext();
    llvm::Value* zero = b_.getInt64(0);
    llvm::Value* whole = b_.CreateAnd(extent, b_.getInt64(~(static_cast<std::uint64_t>(width) - 1)));
    llvm::Value* rest = b_.CreateSub(extent, whole);
    const auto element = [&](const Staged& s) {
        return memory_type(nest_.buffers[static_cast<std::size_t>(s.buffer)].type.dtype);
    };
    Values arrays, stacks, stacks_at_whole;
    for (const Staged& s : staged) {
        arrays.push_back(element_address(arrays_[static_cast<std::size_t>(s.buffer)].data, element(s), s.rest));
        stacks.push_back(stack_array(element(s), static_cast<std::uint64_t>(width)));
    }
    // Moves the rest of an array: as a masked vector, or element by element where these are so small that not every
    // level has masked accesses to them.
    const auto move = [&](const Staged& s, llvm::Value* from, llvm::Value* to, bool out) {
        const llvm::Align align(size_of(nest_.buffers[static_cast<std::size_t>(s.buffer)].type.dtype));
        llvm::Type* type = element(s);
        if (align.value() < 4) {
            counted_loop(zero, rest, 1, true, {}, [&](llvm::Value* i, const Values&) -> Values {
                b_.CreateAlignedStore(b_.CreateAlignedLoad(type, b_.CreateGEP(type, from, i), align),
                                      b_.CreateGEP(type, to, i), align);
                return {};
            });
            return;
        }
        auto* lanes = llvm::FixedVectorType::get(type, static_cast<unsigned>(width));
        vector_step(l.var, width, zero, rest, [&] {
            if (out)
                b_.CreateMaskedStore(b_.CreateAlignedLoad(lanes, from, align), to, align, scope_.mask);
            else
                b_.CreateAlignedStore(
                    b_.CreateMaskedLoad(lanes, from, align, scope_.mask, llvm::Constant::getNullValue(lanes)), to,
                    align);
        });
    };

    llvm::BasicBlock* before = b_.GetInsertBlock();
    const auto new_block = [&](const char* name) { return llvm::BasicBlock::Create(c, name, function_); };
    auto *round = new_block("round"), *next = new_block("next"), *stage = new_block("stage"),
         *unstage = new_block("unstage"), *after = new_block("staged");
    b_.CreateBr(round);
    b_.SetInsertPoint(round);
    const auto by_round = [&](llvm::Value* first) {
        auto* phi = b_.CreatePHI(first->getType(), 2);
        phi->addIncoming(first, before);
        return phi;
    };
    auto *on_stack = by_round(b_.getFalse()), *begin = by_round(zero), *end = by_round(whole);
    std::vector<llvm::PHINode*> bases;
    for (std::size_t k = 0; k < staged.size(); ++k) {
        bases.push_back(by_round(arrays[k]));
        staged[k].base = bases.back();
    }
    const std::vector<Staged> outer = std::exchange(staged_, staged);
    counted_loop(begin, end, width, false, {}, [&](llvm::Value* i, const Values&) -> Values {
        vector_step(l.var, width, i, nullptr, [&] { emit(l.body); });
        return {};
    });
    staged_ = outer;
    b_.CreateCondBr(on_stack, unstage, next);

    b_.SetInsertPoint(next);
    b_.CreateCondBr(b_.CreateICmpSGT(rest, zero), stage, after);

    b_.SetInsertPoint(stage);
    for (std::size_t k = 0; k < staged.size(); ++k) {
        if (!staged[k].loaded) continue;
        llvm::Type* type = element(staged[k]);
        // Lanes beyond the rest are zero, as those of a masked load: what is not defined could not be divided by.
        if (type->getPrimitiveSizeInBits() < 32)
            b_.CreateAlignedStore(
                llvm::Constant::getNullValue(llvm::FixedVectorType::get(type, static_cast<unsigned>(width))), stacks[k],
                llvm::Align(64));
        move(staged[k], b_.CreateGEP(type, arrays[k], whole), stacks[k], false);
    }
    llvm::Value* back = b_.CreateNeg(whole);
    for (std::size_t k = 0; k < staged.size(); ++k)
        stacks_at_whole.push_back(b_.CreateGEP(element(staged[k]), stacks[k], back));
    llvm::BasicBlock* filled = b_.GetInsertBlock();
    on_stack->addIncoming(b_.getTrue(), filled);
    begin->addIncoming(whole, filled);
    end->addIncoming(b_.CreateAdd(whole, b_.getInt64(static_cast<std::uint64_t>(width))), filled);
    for (std::size_t k = 0; k < staged.size(); ++k) bases[k]->addIncoming(stacks_at_whole[k], filled);
    b_.CreateBr(round);

    b_.SetInsertPoint(unstage);
    for (std::size_t k = 0; k < staged.size(); ++k)
        if (staged[k].stored) move(staged[k], stacks[k], b_.CreateGEP(element(staged[k]), arrays[k], whole), true);
    b_.CreateBr(after);
    b_.SetInsertPoint(after);
}

// Whether the body touches memory on behalf of all lanes, which must not happen where none is active.
bool Emitter::needs_an_active_lane(const ir::Statements& statements, ir::Symbol vector_var) const {
    return ir::any_statement(statements, [&](const ir::Stmt& s) {
        if (std::holds_alternative<ir::BindIndex>(s.node)) return true;
        return ir::any_access(s, [&](ir::BufferId b, ir::Effect effect, const std::vector<Dim>& index) {
            return effect == ir::Effect::read &&
                   nest_.buffers[static_cast<std::size_t>(b)].role != ir::BufferRole::scratch &&
                   std::ranges::none_of(index, [&](Dim d) { return d.depends_on(vector_var); });
        });
    });
}

std::size_t Emitter::weight(const ir::Statements& statements) const {
    std::size_t sum = 0;
    for (const ir::Stmt& s : statements) {
        sum += 2;
        if (const auto* c = std::get_if<ir::Compute>(&s.node)) {
            std::vector<Dtype> dtypes;
            for (ir::ValueId v : c->operands) dtypes.push_back(dtype(v));
            sum += program_of(*c, dtypes, dtype(c->results[0])).insts.size();
        } else if (const auto* l = std::get_if<ir::Loop>(&s.node)) {
            const bool unrolled = l->kind == LoopKind::unroll && l->extent.is_constant();
            const std::int64_t copies = unrolled ? (l->extent.constant() + l->step - 1) / l->step : 1;
            sum += weight(l->body) * static_cast<std::size_t>(std::max<std::int64_t>(copies, 0));
        } else if (const auto* r = std::get_if<ir::Reduce>(&s.node)) {
            sum += weight(r->body) + program_of(*r, ir::ReducerPart::step).insts.size();
        }
    }
    return sum;
}

}  // namespace lathe::codegen
