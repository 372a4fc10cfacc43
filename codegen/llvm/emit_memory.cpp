// Loads and stores: contiguous vectors, broadcasts, gathers and scatters, guarded and masked.
#include <algorithm>
#include <numeric>

#include <llvm/ADT/SmallVector.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Module.h>

#include "codegen/llvm/emitter.h"
#include "ir/error.h"

namespace lathe::codegen {

using ir::Dim;
using ir::Dtype;

// Where the lanes of an access lie.
struct Emitter::Access {
    enum class Kind : std::uint8_t { same, contiguous, scattered } kind = Kind::same;
    llvm::Value* address = nullptr;  // of lane 0, or of all where it is the same
    llvm::Value* offsets = nullptr;  // scattered: elements from `address`, one a lane
    bool padded = false;             // scratch: memory behind masked lanes may be accessed, too
    std::int64_t stride = 0;         // scattered: from one lane to the next, where that is a number
};

Dim Emitter::offset(ir::BufferId b, std::span<const Dim> index) const {
    return ir::linear_offset(nest_.buffers[static_cast<std::size_t>(b)].type.shape, index);
}

llvm::Value* Emitter::from_memory(llvm::Value* v, Dtype d) {
    return d == Dtype::boolean ? b_.CreateICmpNE(v, llvm::Constant::getNullValue(v->getType())) : v;
}

llvm::Value* Emitter::to_memory(llvm::Value* v, Dtype d) {
    if (d != Dtype::boolean) return v;
    llvm::Type* i8 = b_.getInt8Ty();
    return b_.CreateZExt(
        v, v->getType()->isVectorTy() ? llvm::VectorType::get(i8, llvm::cast<llvm::VectorType>(v->getType())) : i8);
}

llvm::Value* Emitter::active_lanes() {
    if (scope_.mask != nullptr) return scope_.mask;
    return b_.CreateVectorSplat(static_cast<unsigned>(scope_.width), b_.getTrue());
}

llvm::Value* Emitter::both(llvm::Value* a, llvm::Value* b) {
    if (a == nullptr) return b;
    return b == nullptr ? a : b_.CreateAnd(a, b);
}

Emitter::Access Emitter::access(ir::BufferId b, std::span<const Dim> index) {
    const Array& array = arrays_[static_cast<std::size_t>(b)];
    llvm::Type* element = memory_type(nest_.buffers[static_cast<std::size_t>(b)].type.dtype);
    const Dim at = offset(b, index);
    Access a;
    a.padded = array.scratch;
    if (array.lanes > 1) {  // every lane has its own copy, and the copies are interleaved
        if (!varies(at)) {
            a.kind = Access::Kind::contiguous;
            a.address = element_address(array.data, element, at, array.lanes);
            return a;
        }
        a.kind = Access::Kind::scattered;
        a.address = array.data;
        llvm::Value* scaled = b_.CreateMul(splat(this->index(at)),
                                           b_.CreateVectorSplat(static_cast<unsigned>(scope_.width),
                                                                b_.getInt64(static_cast<std::uint64_t>(array.lanes))));
        a.offsets = b_.CreateAdd(scaled, lane_numbers(scope_.width, false));
        return a;
    }
    if (scope_.width > 1 && !staged_.empty())
        if (const auto affine = at.affine_in(scope_.vector_var); affine && affine->coefficient == Dim(1))
            for (const Staged& s : staged_)
                if (s.buffer == b && s.rest == affine->rest) {
                    a.kind = Access::Kind::contiguous;
                    a.padded = false;
                    a.address = b_.CreateGEP(element, s.base, scope_.vector_base);
                    return a;
                }
    if (scope_.width == 1 || !varies(at)) {
        a.address = element_address(array.data, element, at);
        return a;
    }
    const auto affine = at.affine_in(scope_.vector_var);
    if (affine && !varies(affine->rest) && !varies(affine->coefficient)) {
        a.address = element_address(array.data, element, at);
        if (affine->coefficient == Dim(1)) {
            a.kind = Access::Kind::contiguous;
            return a;
        }
        a.kind = Access::Kind::scattered;
        if (affine->coefficient.is_constant() && std::abs(affine->coefficient.constant()) < (1 << 20)) {
            // Offsets that fit 32 bits take half the registers.
            a.stride = affine->coefficient.constant();
            llvm::Value* stride = b_.getInt32(static_cast<std::uint32_t>(affine->coefficient.constant()));
            a.offsets = b_.CreateMul(lane_numbers(scope_.width, true),
                                     b_.CreateVectorSplat(static_cast<unsigned>(scope_.width), stride));
        } else {
            llvm::Value* stride = this->index(affine->coefficient).value;
            a.offsets = b_.CreateMul(lane_numbers(scope_.width, false),
                                     b_.CreateVectorSplat(static_cast<unsigned>(scope_.width), stride));
        }
        return a;
    }
    a.kind = Access::Kind::scattered;
    a.address = array.data;
    a.offsets = splat(this->index(at));
    return a;
}

namespace {

// No processor gathers bytes, or pairs of them. Those that lie a word apart come with their words.
bool are_parts_of_words(std::size_t bytes, std::int64_t stride, int width) {
    const std::int64_t word = static_cast<std::int64_t>(bytes) * stride;
    return bytes <= 2 && stride > 1 && (word == 2 || word == 4 || word == 8) && width % 2 == 0;
}

}  // namespace

// Elements 0, stride, 2 * stride, ... : the first of each word in the first half of the lanes, and the last of each in
// the second, whose words begin so much earlier that they end with the last element that is read.
llvm::Value* Emitter::every(std::int64_t stride, llvm::Type* element, llvm::Value* address) {
    const auto half = static_cast<unsigned>(scope_.width) / 2;
    const auto step = static_cast<unsigned>(stride), bits = element->getIntegerBitWidth();
    auto* words = llvm::FixedVectorType::get(b_.getIntNTy(step * bits), half);
    auto* elements = llvm::FixedVectorType::get(element, half);
    const llvm::Align align(bits / 8);
    llvm::Value* behind = b_.CreateGEP(element, address, b_.getInt64((half - 1) * step + 1));
    llvm::Value* first = b_.CreateTrunc(b_.CreateAlignedLoad(words, address, align), elements);
    llvm::Value* second = b_.CreateLShr(b_.CreateAlignedLoad(words, behind, align), (step - 1) * bits);
    llvm::SmallVector<int, 64> all(2 * half);
    std::iota(all.begin(), all.end(), 0);
    return b_.CreateShuffleVector(first, b_.CreateTrunc(second, elements), all);
}

Register Emitter::load(const ir::Load& l) {
    if (const auto found = across_.find(&l); found != across_.end()) return {found->second[unrolled_], true};
    const Dtype d = nest_.buffers[static_cast<std::size_t>(l.buffer)].type.dtype;
    llvm::Type* element = memory_type(d);
    const llvm::Align align(size_of(d));
    Register guard = l.guards.empty() ? Register{} : condition(l.guards);
    const Access a = access(l.buffer, l.index);

    if (a.kind == Access::Kind::same) {
        llvm::Value* address = a.address;
        llvm::Value* wanted = guard.value;
        if (guard.varying) {  // some lane that is active must want it
            llvm::Value* lanes = both(scope_.mask, guard.value);
            wanted = b_.CreateICmpNE(b_.CreateBitCast(lanes, b_.getIntNTy(static_cast<unsigned>(scope_.width))),
                                     b_.getIntN(static_cast<unsigned>(scope_.width), 0));
        }
        if (wanted != nullptr) address = b_.CreateSelect(wanted, address, zeros_);
        const Register loaded{from_memory(b_.CreateAlignedLoad(element, address, align), d), false};
        if (!guard.varying) return loaded;
        llvm::Value* lanes = splat(loaded);
        return {b_.CreateSelect(guard.value, lanes, llvm::Constant::getNullValue(lanes->getType())), true};
    }

    auto* type = llvm::FixedVectorType::get(element, static_cast<unsigned>(scope_.width));
    llvm::Value* zero = llvm::Constant::getNullValue(type);
    llvm::Value* guard_lanes = guard.value == nullptr ? nullptr : splat(guard);
    if (a.kind == Access::Kind::contiguous && a.padded && guard.value == nullptr) {
        llvm::Value* v = b_.CreateAlignedLoad(type, a.address, align);
        // Lanes that were never stored may reach a division, where an undefined operand is no value but a fault.
        if (scope_.mask != nullptr && element->isIntegerTy()) v = b_.CreateFreeze(v);
        return {from_memory(v, d), true};
    }
    llvm::Value* mask = both(scope_.mask, guard_lanes);
    if (a.kind == Access::Kind::contiguous) {
        llvm::Value* v = mask == nullptr ? static_cast<llvm::Value*>(b_.CreateAlignedLoad(type, a.address, align))
                                         : b_.CreateMaskedLoad(type, a.address, align, mask, zero);
        return {from_memory(v, d), true};
    }
    if (mask == nullptr && element->isIntegerTy() && are_parts_of_words(size_of(d), a.stride, scope_.width))
        return {from_memory(every(a.stride, element, a.address), d), true};
    llvm::Value* pointers = b_.CreateGEP(element, a.address, a.offsets);
    if (mask == nullptr) mask = active_lanes();
    return {from_memory(b_.CreateMaskedGather(type, pointers, align, mask, zero), d), true};
}

// Writes around the cache where the vector is aligned, which all steps of a loop are or none is.
void Emitter::stream(llvm::Value* lanes, llvm::Value* address, llvm::Align align) {
    const std::uint64_t bytes = module_.getDataLayout().getTypeStoreSize(lanes->getType()).getFixedValue();
    llvm::Value* odd = b_.CreateAnd(b_.CreatePtrToInt(address, b_.getInt64Ty()), b_.getInt64(bytes - 1));
    llvm::Value* aligned = b_.CreateICmpEQ(odd, b_.getInt64(0));
    only_if(aligned, {}, [&]() -> Values {
        auto* around = b_.CreateAlignedStore(lanes, address, llvm::Align(bytes));
        around->setMetadata(llvm::LLVMContext::MD_nontemporal,
                            llvm::MDNode::get(b_.getContext(), llvm::ConstantAsMetadata::get(b_.getInt32(1))));
        return {};
    });
    only_if(b_.CreateNot(aligned), {}, [&]() -> Values {
        b_.CreateAlignedStore(lanes, address, align);
        return {};
    });
    streamed_ = true;
}

void Emitter::store(const ir::Store& s) {
    const Dtype d = nest_.buffers[static_cast<std::size_t>(s.buffer)].type.dtype;
    llvm::Type* element = memory_type(d);
    const llvm::Align align(size_of(d));
    const Register guard = s.guards.empty() ? Register{} : condition(s.guards);

    if (scope_.width == 1) {
        const auto write = [&]() -> Values {
            const ScopeGuard scope(*this);
            b_.CreateAlignedStore(to_memory(value(s.value).value, d), access(s.buffer, s.index).address, align);
            return {};
        };
        if (guard.value == nullptr)
            write();
        else
            only_if(guard.value, {}, write);
        return;
    }

    const Access a = access(s.buffer, s.index);
    llvm::Value* lanes = to_memory(splat(value(s.value)), d);
    llvm::Value* mask = both(scope_.mask, guard.value == nullptr ? nullptr : splat(guard));
    if (a.kind == Access::Kind::contiguous && a.padded && guard.value == nullptr) {
        // Plain loads and stores of whole vectors let the array live in registers.
        if (mask != nullptr)
            lanes = b_.CreateSelect(mask, lanes, b_.CreateAlignedLoad(lanes->getType(), a.address, align));
        b_.CreateAlignedStore(lanes, a.address, align);
        return;
    }
    if (a.kind == Access::Kind::contiguous) {
        if (mask != nullptr && scope_.whole != nullptr && guard.value == nullptr) {
            // A masked store costs many times a plain one where the processor has no registers for masks.
            only_if(scope_.whole, {}, [&]() -> Values {
                b_.CreateAlignedStore(lanes, a.address, align);
                return {};
            });
            only_if(b_.CreateNot(scope_.whole), {}, [&]() -> Values {
                b_.CreateMaskedStore(lanes, a.address, align, mask);
                return {};
            });
        } else if (mask != nullptr)
            b_.CreateMaskedStore(lanes, a.address, align, mask);
        else if (s.streaming)
            stream(lanes, a.address, align);
        else
            b_.CreateAlignedStore(lanes, a.address, align);
        return;
    }
    llvm::Value* offsets =
        a.offsets != nullptr ? a.offsets : b_.CreateVectorSplat(static_cast<unsigned>(scope_.width), b_.getInt64(0));
    b_.CreateMaskedScatter(lanes, b_.CreateGEP(element, a.address, offsets), align,
                           mask == nullptr ? active_lanes() : mask);
}

}  // namespace lathe::codegen
