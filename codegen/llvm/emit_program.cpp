// Scalar programs: each instruction becomes one instruction or intrinsic of LLVM, on scalars or vectors.
#include <functional>

#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Intrinsics.h>

#include "codegen/llvm/dot_bytes.h"
#include "codegen/llvm/emitter.h"
#include "ir/error.h"

namespace lathe::codegen {

using ir::Dtype;
using ir::Prim;
using ir::ScalarInst;

llvm::Type* Emitter::memory_type(Dtype d) {
    switch (d) {
        case Dtype::f64:
            return b_.getDoubleTy();
        case Dtype::f32:
            return b_.getFloatTy();
        default:
            return b_.getIntNTy(static_cast<unsigned>(8 * size_of(d)));  // f16 and bf16 travel as their bits
    }
}

llvm::Type* Emitter::scalar_type(Dtype d) { return d == Dtype::boolean ? b_.getInt1Ty() : memory_type(d); }

llvm::Value* Emitter::splat(const Register& r) {
    if (r.varying || scope_.width == 1) return r.value;
    return b_.CreateVectorSplat(static_cast<unsigned>(scope_.width), r.value);
}

namespace {

class ProgramEmitter {
public:
    ProgramEmitter(llvm::IRBuilderBase& b, const Target& target) : b_(b), target_(target) {}

    llvm::Value* emit(const ScalarInst& inst, Dtype source, llvm::Value* x, llvm::Value* y, llvm::Value* z) {
        const bool floating = is_float(source), is_signed = is_signed_integer(source);
        switch (inst.prim) {
            case Prim::add:
                return floating ? b_.CreateFAdd(x, y) : b_.CreateAdd(x, y);
            case Prim::sub:
                return floating ? b_.CreateFSub(x, y) : b_.CreateSub(x, y);
            case Prim::mul:
                return floating ? b_.CreateFMul(x, y) : b_.CreateMul(x, y);
            case Prim::div:
                return floating ? b_.CreateFDiv(x, y) : is_signed ? b_.CreateSDiv(x, y) : b_.CreateUDiv(x, y);
            case Prim::rem:
                return is_signed ? b_.CreateSRem(x, y) : b_.CreateURem(x, y);
            case Prim::fma:
                return b_.CreateIntrinsic(x->getType(), llvm::Intrinsic::fma, {x, y, z});
            case Prim::neg:
                return floating ? b_.CreateFNeg(x) : b_.CreateNeg(x);
            case Prim::abs:
                if (floating) return b_.CreateUnaryIntrinsic(llvm::Intrinsic::fabs, x);
                return is_signed ? b_.CreateBinaryIntrinsic(llvm::Intrinsic::abs, x, b_.getFalse()) : x;
            case Prim::sqrt:
                return b_.CreateUnaryIntrinsic(llvm::Intrinsic::sqrt, x);
            case Prim::round_even:
                return b_.CreateUnaryIntrinsic(llvm::Intrinsic::roundeven, x);
            case Prim::floor:
                return b_.CreateUnaryIntrinsic(llvm::Intrinsic::floor, x);
            case Prim::bit_and:
                return b_.CreateAnd(x, y);
            case Prim::bit_or:
                return b_.CreateOr(x, y);
            case Prim::bit_xor:
                return b_.CreateXor(x, y);
            case Prim::bit_not:
                return b_.CreateNot(x);
            case Prim::shl:
                return b_.CreateShl(x, y);
            case Prim::shr:
                return is_signed ? b_.CreateAShr(x, y) : b_.CreateLShr(x, y);
            case Prim::eq:
            case Prim::ne:
            case Prim::lt:
            case Prim::le:
            case Prim::gt:
            case Prim::ge:
                return compare(inst.prim, source, x, y);
            case Prim::select:
                return b_.CreateSelect(x, y, z);
            case Prim::convert:
                return convert(x, source, inst.dtype);
            case Prim::bitcast:
                return b_.CreateBitCast(x, like(x, inst.dtype));
            case Prim::dot_bytes:
                return dot_bytes(b_, target_, x, y, z);
            case Prim::parameter:
            case Prim::constant:
                break;
        }
        throw InternalError("codegen: a scalar program holds an unknown instruction");
    }

    llvm::Value* constant(Dtype d, std::uint64_t bits) {
        if (d == Dtype::boolean) return b_.getInt1(bits != 0);
        const auto width = static_cast<unsigned>(8 * size_of(d));
        const llvm::APInt integer(64, bits);
        if (d == Dtype::f64)
            return llvm::ConstantFP::get(b_.getContext(), llvm::APFloat(llvm::APFloat::IEEEdouble(), integer));
        if (d == Dtype::f32)
            return llvm::ConstantFP::get(b_.getContext(),
                                         llvm::APFloat(llvm::APFloat::IEEEsingle(), integer.trunc(32)));
        return b_.getInt(integer.trunc(width));
    }

private:
    llvm::Type* element(Dtype d) {
        if (d == Dtype::boolean) return b_.getInt1Ty();
        if (d == Dtype::f64) return b_.getDoubleTy();
        if (d == Dtype::f32) return b_.getFloatTy();
        return b_.getIntNTy(static_cast<unsigned>(8 * size_of(d)));
    }
    llvm::Type* with_lanes_of(llvm::Value* x, llvm::Type* t) {
        const auto* v = llvm::dyn_cast<llvm::FixedVectorType>(x->getType());
        return v == nullptr ? t : llvm::FixedVectorType::get(t, v->getNumElements());
    }
    llvm::Type* like(llvm::Value* x, Dtype d) { return with_lanes_of(x, element(d)); }

    llvm::Value* compare(Prim relation, Dtype d, llvm::Value* x, llvm::Value* y) {
        using P = llvm::CmpInst::Predicate;
        struct Row {
            P floating, with_sign, without_sign;
        };
        static constexpr Row rows[] = {
            {P::FCMP_OEQ, P::ICMP_EQ, P::ICMP_EQ},   {P::FCMP_UNE, P::ICMP_NE, P::ICMP_NE},
            {P::FCMP_OLT, P::ICMP_SLT, P::ICMP_ULT}, {P::FCMP_OLE, P::ICMP_SLE, P::ICMP_ULE},
            {P::FCMP_OGT, P::ICMP_SGT, P::ICMP_UGT}, {P::FCMP_OGE, P::ICMP_SGE, P::ICMP_UGE},
        };
        const Row& row = rows[static_cast<std::size_t>(relation) - static_cast<std::size_t>(Prim::eq)];
        if (is_float(d)) return b_.CreateFCmp(row.floating, x, y);
        return b_.CreateICmp(is_signed_integer(d) ? row.with_sign : row.without_sign, x, y);
    }

    llvm::Value* to_f32(llvm::Value* x, Dtype from) {
        llvm::Type* f32 = with_lanes_of(x, b_.getFloatTy());
        if (from == Dtype::f16) return b_.CreateFPExt(b_.CreateBitCast(x, with_lanes_of(x, b_.getHalfTy())), f32);
        return b_.CreateBitCast(b_.CreateShl(b_.CreateZExt(x, with_lanes_of(x, b_.getInt32Ty())), 16), f32);
    }

    llvm::Value* from_f32(llvm::Value* x, Dtype to) {
        llvm::Type* i16 = with_lanes_of(x, b_.getInt16Ty());
        if (to == Dtype::f16) return b_.CreateBitCast(b_.CreateFPTrunc(x, with_lanes_of(x, b_.getHalfTy())), i16);
        // Rounds to nearest even in integers: the processor's conversion flushes denormals.
        llvm::Type* i32 = with_lanes_of(x, b_.getInt32Ty());
        const auto literal = [&](std::uint64_t v) { return llvm::ConstantInt::get(i32, v); };
        llvm::Value* bits = b_.CreateBitCast(x, i32);
        llvm::Value* odd = b_.CreateAnd(b_.CreateLShr(bits, 16), literal(1));
        llvm::Value* rounded = b_.CreateLShr(b_.CreateAdd(bits, b_.CreateAdd(odd, literal(0x7fff))), 16);
        llvm::Value* quiet = b_.CreateOr(b_.CreateLShr(bits, 16), literal(0x40));
        return b_.CreateTrunc(b_.CreateSelect(b_.CreateFCmpUNO(x, x), quiet, rounded), i16);
    }

    llvm::Value* convert(llvm::Value* x, Dtype from, Dtype to) {
        if (from == to) return x;
        const bool half_from = from == Dtype::f16 || from == Dtype::bf16,
                   half_to = to == Dtype::f16 || to == Dtype::bf16;
        if (half_from) return convert(to_f32(x, from), Dtype::f32, to);
        if (half_to) return from_f32(convert(x, from, Dtype::f32), to);
        llvm::Type* type = like(x, to);
        const bool is_signed = is_signed_integer(from);
        if (to == Dtype::boolean) {
            llvm::Value* zero = llvm::Constant::getNullValue(x->getType());
            return is_float(from) ? b_.CreateFCmpUNE(x, zero) : b_.CreateICmpNE(x, zero);
        }
        if (is_float(from)) {
            if (is_float(to)) return to == Dtype::f64 ? b_.CreateFPExt(x, type) : b_.CreateFPTrunc(x, type);
            return is_signed_integer(to) ? b_.CreateFPToSI(x, type) : b_.CreateFPToUI(x, type);
        }
        if (is_float(to)) return is_signed ? b_.CreateSIToFP(x, type) : b_.CreateUIToFP(x, type);
        return b_.CreateIntCast(x, type, is_signed);
    }

    llvm::IRBuilderBase& b_;
    const Target& target_;
};

// For each instruction the rare select that alone needs it, for the value that is rarely chosen; the program's length
// where it is needed anyway, and one more where nobody needs it.
std::vector<std::size_t> rare_users(const ir::ScalarProgram& p) {
    const std::size_t always = p.insts.size(), never = always + 1;
    std::vector<std::size_t> user(p.insts.size(), never);
    // Selects that contain others come after these.
    const auto add = [&](std::int32_t operand, std::size_t by) {
        if (operand < 0) return;
        std::size_t& known = user[static_cast<std::size_t>(operand)];
        if (known == never) known = by;
        while (known != by) {
            std::size_t& inner = known < by ? known : by;
            inner = user[inner];
        }
    };
    for (const std::int32_t r : p.results) add(r, always);
    for (std::size_t i = p.insts.size(); i-- > 0;) {
        if (user[i] == never) continue;
        const ScalarInst& inst = p.insts[i];
        const bool is_rare = inst.prim == Prim::select && inst.imm != 0;
        add(inst.a, user[i]);
        add(inst.b, is_rare ? i : user[i]);
        add(inst.c, user[i]);
    }
    return user;
}

}  // namespace

Registers Emitter::program(const ir::ScalarProgram& p, std::span<const Register> operands) {
    const std::vector<std::size_t> user = rare_users(p);
    ProgramEmitter emitter(b_, target_);
    Registers results(p.insts.size());
    const auto result = [&](std::int32_t i) { return results[static_cast<std::size_t>(i)]; };
    const std::function<void(std::size_t)> emit_for = [&](std::size_t by) {
        for (std::size_t i = 0; i < p.insts.size(); ++i) {
            if (user[i] != by) continue;
            const ScalarInst& inst = p.insts[i];
            if (inst.prim == Prim::parameter) {
                results[i] = operands[inst.imm];
                continue;
            }
            if (inst.prim == Prim::constant) {
                results[i] = {emitter.constant(inst.dtype, inst.imm), false};
                continue;
            }
            if (inst.prim == Prim::select && inst.imm != 0) {
                const Register condition = result(inst.a);
                llvm::Value* any = condition.varying ? b_.CreateOrReduce(condition.value) : condition.value;
                const Values value = only_if(any, {splat(result(inst.c))}, [&]() -> Values {
                    emit_for(i);
                    return {b_.CreateSelect(condition.value, splat(result(inst.b)), splat(result(inst.c)))};
                });
                results[i] = {value[0], scope_.width > 1};
                continue;
            }
            bool varying = false;
            for (std::int32_t o : {inst.a, inst.b, inst.c}) varying |= o >= 0 && result(o).varying;
            const auto operand = [&](std::int32_t o) -> llvm::Value* {
                if (o < 0) return nullptr;
                return varying ? splat(result(o)) : result(o).value;
            };
            results[i] = {emitter.emit(inst, p.dtype_of(inst.a), operand(inst.a), operand(inst.b), operand(inst.c)),
                          varying};
        }
    };
    emit_for(p.insts.size());
    Registers out;
    for (std::int32_t r : p.results) out.push_back(result(r));
    return out;
}

}  // namespace lathe::codegen
