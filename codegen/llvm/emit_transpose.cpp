// Loads that a tile of an unrolled and a vector loop reads across: unroll u in n {vector(n) v in n {load a[.. v ..,
// u]}}. The elements of a lane lie side by side over u, while those of a vector do not. So n vectors are loaded along u
// and transposed in registers, instead of n gathers.
#include <algorithm>

#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Module.h>

#include "codegen/llvm/emitter.h"
#include "ir/loops/walk.h"

namespace lathe::codegen {

using ir::Dim;

namespace {

constexpr std::size_t widest_vector = 64;  // bytes; of zeros there are so many

// In place, by exchanging halves of halves: element (i, j) of rows becomes element (j, i).
void transpose(llvm::IRBuilderBase& b, Values& rows) {
    const auto n = static_cast<int>(rows.size());
    for (int distance = n / 2; distance > 0; distance /= 2) {
        std::vector<int> low, high;
        for (int lane = 0; lane < n; ++lane) {
            const bool second = (lane & distance) != 0;
            low.push_back(second ? n + lane - distance : lane);
            high.push_back(second ? n + lane : lane + distance);
        }
        for (int i = 0; i < n; ++i) {
            if ((i & distance) != 0) continue;
            llvm::Value *&first = rows[static_cast<std::size_t>(i)],
                        *&second = rows[static_cast<std::size_t>(i + distance)];
            llvm::Value* upper = b.CreateShuffleVector(first, second, low);
            second = b.CreateShuffleVector(first, second, high);
            first = upper;
        }
    }
}

}  // namespace

// How the lanes of a load lie, if it may be transposed: across the tile, read by nothing that the tile writes.
std::optional<Dim> Emitter::across(const ir::Load& load, const ir::Loop& unrolled, const ir::Loop& vector) const {
    const auto b = static_cast<std::size_t>(load.buffer);
    if (arrays_[b].lanes > 1 ||
        static_cast<std::size_t>(vector.width) * size_of(nest_.buffers[b].type.dtype) > widest_vector)
        return std::nullopt;
    const bool written = ir::any_statement(vector.body, [&](const ir::Stmt& s) {
        return ir::any_access(s, [&](ir::BufferId buffer, ir::Effect effect, const auto&) {
            return buffer == load.buffer && effect == ir::Effect::write;
        });
    });
    if (written) return std::nullopt;
    // Neither the loop's variable nor what varies between lanes may be left in what is computed in front of the loops.
    const auto uniform = [&](Dim d) { return !d.depends_on(unrolled.var) && !d.depends_on(vector.var) && !varies(d); };
    const auto along = offset(load.buffer, load.index).affine_in(unrolled.var);
    if (!along || along->coefficient != Dim(1)) return std::nullopt;
    const auto lanes = along->rest.affine_in(vector.var);
    if (!lanes || lanes->coefficient == Dim(1) || lanes->coefficient == Dim(0)) return std::nullopt;
    if (!uniform(lanes->coefficient) || !uniform(lanes->rest)) return std::nullopt;
    for (Dim guard : load.guards) {
        const auto affine = guard.affine_in(vector.var);
        if (!affine || !uniform(affine->coefficient) || !uniform(affine->rest)) return std::nullopt;
    }
    return along->rest;
}

void Emitter::load_across(const ir::Loop& unrolled) {
    const auto* vector = unrolled.body.size() == 1 ? std::get_if<ir::Loop>(&unrolled.body.front().node) : nullptr;
    if (vector == nullptr || vector->kind != ir::LoopKind::vector || vector->width < 2 || unrolled.step != 1) return;
    const Dim width = vector->width;
    if (unrolled.extent != width || vector->extent != width || scope_.width != 1) return;
    const bool binds = ir::any_statement(vector->body, [](const ir::Stmt& s) {
        return std::holds_alternative<ir::BindIndex>(s.node) || ir::body_of(s) != nullptr;
    });
    if (binds) return;
    for (const ir::Stmt& s : vector->body) {
        const auto* load = std::get_if<ir::Load>(&s.node);
        if (load == nullptr) continue;
        const std::optional<Dim> begin = across(*load, unrolled, *vector);
        if (!begin) continue;
        const ir::Dtype d = nest_.buffers[static_cast<std::size_t>(load->buffer)].type.dtype;
        llvm::Type* element = memory_type(d);
        auto* type = llvm::FixedVectorType::get(element, static_cast<unsigned>(vector->width));
        Values rows;
        for (int lane = 0; lane < vector->width; ++lane) {
            const auto in_lane = [&](Dim of) {
                return of.substitute([&](ir::Symbol x) { return x == vector->var ? Dim(lane) : Dim::symbol(x); });
            };
            llvm::Value* address =
                element_address(arrays_[static_cast<std::size_t>(load->buffer)].data, element, in_lane(*begin));
            std::vector<Dim> guards;
            for (Dim guard : load->guards) guards.push_back(in_lane(guard));
            if (!guards.empty()) address = b_.CreateSelect(condition(guards).value, address, zeros_);
            rows.push_back(b_.CreateAlignedLoad(type, address, llvm::Align(size_of(d))));
        }
        transpose(b_, rows);
        for (llvm::Value*& row : rows) row = from_memory(row, d);
        across_[load] = std::move(rows);
    }
}

}  // namespace lathe::codegen
