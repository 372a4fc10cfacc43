// With VNNI this is one instruction. Without it bytes become i16: the even ones of each word and the odd ones, whose
// products are added in pairs (vpmaddwd), which cannot overflow. The instruction that takes bytes (vpmaddubsw) clamps
// its sums of two products to i16, which such sums leave.
#include "codegen/llvm/dot_bytes.h"

#include <numeric>
#include <vector>

#include <llvm/ADT/SmallVector.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/IntrinsicsX86.h>

namespace lathe::codegen {
namespace {

class DotBytes {
public:
    DotBytes(llvm::IRBuilderBase& builder, const Target& target) : b_(builder), target_(target) {}

    // Each byte for itself.
    llvm::Value* separately(llvm::Value* a, llvm::Value* b, llvm::Value* c) {
        llvm::Value* sum = c;
        for (unsigned shift = 0; shift < 32; shift += 8) {
            llvm::Value* first = b_.CreateAnd(b_.CreateLShr(a, shift), 0xff);
            llvm::Value* second = b_.CreateAShr(b_.CreateShl(b, 24 - shift), 24);
            sum = b_.CreateAdd(sum, b_.CreateMul(first, second));
        }
        return sum;
    }
    // One vector of 16 lanes or 8.
    llvm::Value* whole(llvm::Value* a, llvm::Value* b, llvm::Value* c, unsigned lanes) {
        if (!target_.features.empty()) {
            const auto dot =
                lanes == 16 ? llvm::Intrinsic::x86_avx512_vpdpbusd_512 : llvm::Intrinsic::x86_avx512_vpdpbusd_256;
            return b_.CreateIntrinsic(c->getType(), dot, {c, a, b});
        }
        auto* i16s = llvm::FixedVectorType::get(b_.getInt16Ty(), 2 * lanes);
        const auto dot = lanes == 16 ? llvm::Intrinsic::x86_avx512_pmaddw_d_512 : llvm::Intrinsic::x86_avx2_pmadd_wd;
        const auto add = [&](llvm::Value* sum, llvm::Value* x, llvm::Value* y) {
            return b_.CreateAdd(sum, b_.CreateIntrinsic(c->getType(), dot, {x, y}));
        };
        llvm::Value *first = b_.CreateBitCast(a, i16s), *second = b_.CreateBitCast(b, i16s);
        llvm::Value* even = add(c, b_.CreateAnd(first, 0xff), b_.CreateAShr(b_.CreateShl(second, 8), 8));
        return add(even, b_.CreateLShr(first, 8), b_.CreateAShr(second, 8));
    }
    // Vectors of any length, in parts that the processor has.
    llvm::Value* vectors(llvm::Value* a, llvm::Value* b, llvm::Value* c) {
        const unsigned lanes = llvm::cast<llvm::FixedVectorType>(c->getType())->getNumElements();
        const unsigned widest = static_cast<unsigned>(target_.vector_bytes) / 4;
        if (lanes == 8 || lanes == widest) return whole(a, b, c, lanes);
        if (lanes % widest != 0) return separately(a, b, c);
        std::vector<llvm::Value*> parts;
        for (unsigned from = 0; from < lanes; from += widest)
            parts.push_back(whole(part(a, from, widest), part(b, from, widest), part(c, from, widest), widest));
        while (parts.size() > 1) {
            std::vector<llvm::Value*> joined;
            for (std::size_t i = 0; i + 1 < parts.size(); i += 2) joined.push_back(join(parts[i], parts[i + 1]));
            parts = joined;
        }
        return parts[0];
    }

private:
    llvm::Value* part(llvm::Value* v, unsigned from, unsigned count) {
        llvm::SmallVector<int, 16> lanes(count);
        std::iota(lanes.begin(), lanes.end(), static_cast<int>(from));
        return b_.CreateShuffleVector(v, lanes);
    }
    llvm::Value* join(llvm::Value* low, llvm::Value* high) {
        llvm::SmallVector<int, 64> lanes(2 * llvm::cast<llvm::FixedVectorType>(low->getType())->getNumElements());
        std::iota(lanes.begin(), lanes.end(), 0);
        return b_.CreateShuffleVector(low, high, lanes);
    }

    llvm::IRBuilderBase& b_;
    const Target& target_;
};

}  // namespace

llvm::Value* dot_bytes(llvm::IRBuilderBase& builder, const Target& target, llvm::Value* a, llvm::Value* b,
                       llvm::Value* c) {
    DotBytes dot(builder, target);
    return c->getType()->isVectorTy() ? dot.vectors(a, b, c) : dot.separately(a, b, c);
}

}  // namespace lathe::codegen
