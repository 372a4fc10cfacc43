// Reductions in their defined order: chains, lanes in vector registers or in memory, halving trees, blocks.
#include <algorithm>

#include <llvm/IR/IRBuilder.h>

#include "codegen/llvm/emitter.h"
#include "ir/error.h"

namespace lathe::codegen {

using ir::Dim;
using ir::Dtype;
using ir::ReducerPart;
using ir::ScalarProgram;

namespace {

constexpr std::size_t heavy_groups = 320;  // instructions beyond which groups of lanes take turns in one loop body

Dim::Bounds not_negative(ir::Symbol) { return {0, std::nullopt}; }

}  // namespace

struct Emitter::ReduceCode {
    const ir::Reduce& r;
    const ScalarProgram &init, &step, &combine, &finish;
    llvm::Value* extent;
    int unit;            // lanes that one value holds: the reduction's width, or that of the vector loop around
    int unit_of_result;  // that of the vector loop around, or 1
    bool uses_index;     // whether the reducer asks for positions
};

// Accumulators of all lanes of a block, in memory.
struct Emitter::AccumulatorArrays {
    Values data;
    std::vector<Dtype> dtypes;
    int unit = 1;              // lanes that are read and written together
    std::int64_t spacing = 1;  // elements from one lane to the next
};

Values Emitter::run(const ScalarProgram& p, const Values& operands, int width) {
    const ScopeGuard scope(*this);
    scope_.width = width;
    Registers in;
    for (llvm::Value* v : operands) in.push_back({v, width > 1});
    Values out;
    for (const Register& r : program(p, in)) out.push_back(splat(r));
    return out;
}

Values Emitter::combine(const ReduceCode& code, const Values& earlier, const Values& later, int width) {
    Values operands = earlier;
    operands.insert(operands.end(), later.begin(), later.end());
    return run(code.combine, operands, width);
}

// Folds the elements of the current scope in; masked lanes keep their accumulators.
Values Emitter::step(const ReduceCode& code, const Values& acc) {
    emit(code.r.body);
    Registers operands;
    for (llvm::Value* v : acc) operands.push_back({v, scope_.width > 1});
    for (ir::ValueId v : code.r.element) operands.push_back(value(v));
    operands.push_back(code.uses_index ? index(code.r.index_base + Dim::symbol(code.r.var))
                                       : Register{b_.getInt64(0), false});
    Values next;
    for (const Register& r : program(code.step, operands)) next.push_back(splat(r));
    if (scope_.mask != nullptr && code.r.width > 1)
        for (std::size_t i = 0; i < next.size(); ++i) next[i] = b_.CreateSelect(scope_.mask, next[i], acc[i]);
    return next;
}

// `groups` accumulators side by side, each combined with its own.
Values Emitter::combine_groups(const ReduceCode& code, const Values& earlier, const Values& later, int groups) {
    Values out;
    const std::size_t size = earlier.size() / static_cast<std::size_t>(groups);
    for (std::size_t g = 0; g < earlier.size(); g += size) {
        const auto part = [&](const Values& v) {
            const auto first = v.begin() + static_cast<std::ptrdiff_t>(g);
            return Values(first, first + static_cast<std::ptrdiff_t>(size));
        };
        const Values sum = combine(code, part(earlier), part(later), code.unit_of_result);
        out.insert(out.end(), sum.begin(), sum.end());
    }
    return out;
}

Values Emitter::blocks(const ReduceCode& code, int groups,
                       const std::function<Values(llvm::Value*, llvm::Value*)>& one_block) {
    const Values init = run(code.init, {}, code.unit_of_result);
    Values start;
    for (int g = 0; g < groups; ++g) start.insert(start.end(), init.begin(), init.end());
    llvm::Value* zero = b_.getInt64(0);
    const auto high = code.r.extent.bounds(not_negative).high;
    if (high && *high <= code.r.block) {
        if (*high <= 0) return start;
        const auto only = [&] { return combine_groups(code, start, one_block(zero, code.extent), groups); };
        if (code.r.extent.is_constant()) return only();
        return only_if(b_.CreateICmpSGT(code.extent, zero), start, only);
    }
    return counted_loop(zero, code.extent, code.r.block, false, start, [&](llvm::Value* begin, const Values& total) {
        llvm::Value* end = b_.CreateBinaryIntrinsic(
            llvm::Intrinsic::smin, b_.CreateAdd(begin, b_.getInt64(static_cast<std::uint64_t>(code.r.block))),
            code.extent);
        return combine_groups(code, total, one_block(begin, end), groups);
    });
}

Emitter::ReduceCode Emitter::reduce_code(const ir::Reduce& r, int around) {
    const ScalarProgram& step_program = program_of(r, ReducerPart::step);
    bool uses_index = false;
    const std::size_t accumulators = program_of(r, ReducerPart::init).results.size();
    for (std::size_t i = 0; i < step_program.insts.size(); ++i)
        if (step_program.insts[i].prim == ir::Prim::parameter &&
            step_program.insts[i].imm == accumulators + r.element.size())
            for (const ir::ScalarInst& user : step_program.insts)
                uses_index |= user.a == static_cast<std::int32_t>(i) || user.b == static_cast<std::int32_t>(i) ||
                              user.c == static_cast<std::int32_t>(i);
    const bool vectors = r.width > 1;
    if (vectors && around > 1)
        throw InternalError("kernel " + nest_.name + ": a vector reduction within a vector loop");
    return {r,
            program_of(r, ReducerPart::init),
            step_program,
            program_of(r, ReducerPart::combine),
            program_of(r, ReducerPart::finish),
            uniform_index(r.extent),
            vectors ? r.width : around,
            around,
            uses_index};
}

Registers Emitter::reduce(const ir::Reduce& r) {
    const ReduceCode code = reduce_code(r, scope_.width);
    const bool vectors = r.width > 1;
    const auto high = r.extent.bounds(not_negative).high;
    const std::size_t groups = static_cast<std::size_t>(r.lanes) / static_cast<std::size_t>(r.width);
    Values total = blocks(code, 1, [&](llvm::Value* begin, llvm::Value* end) {
        if (r.lanes == 1) return chain_block(code, begin, end);
        if (vectors && high && *high <= std::min(r.lanes, std::int64_t{4} * r.width))
            return single_lanes_block(code, end);
        if (vectors && groups <= 16 && (weight(r.body) + code.step.insts.size()) * groups <= heavy_groups)
            return register_block(code, begin, end);
        return memory_block(code, begin, end);
    });
    if (r.finish) total = run(code.finish, total, scope_.width);
    Registers results;
    for (llvm::Value* v : total) results.push_back({v, scope_.width > 1});
    return results;
}

// A step of a vector loop whose body is a chain: several vectors advance side by side, so that they read long stretches
// of memory, and none waits for its own sum.
void Emitter::chains_step(const ir::Loop& l, llvm::Value* base, int groups) {
    const auto at =
        std::ranges::find_if(l.body, [](const ir::Stmt& s) { return std::holds_alternative<ir::Reduce>(s.node); });
    const auto& r = std::get<ir::Reduce>(at->node);
    const ReduceCode code = reduce_code(r, l.width);
    std::vector<Registers> values(static_cast<std::size_t>(groups), values_);
    const auto each = [&](const std::function<void(std::size_t)>& body) {
        for (std::size_t g = 0; g < values.size(); ++g) {
            values_.swap(values[g]);
            vector_step(l.var, l.width, b_.CreateAdd(base, b_.getInt64(g * static_cast<std::size_t>(l.width))), nullptr,
                        [&] { body(g); });
            values_.swap(values[g]);
        }
    };
    each([&](std::size_t) {
        for (auto s = l.body.begin(); s != at; ++s) statement(*s);
    });
    const auto part = [&](const Values& all, std::size_t g) {
        const std::size_t size = all.size() / values.size();
        const auto first = all.begin() + static_cast<std::ptrdiff_t>(g * size);
        return Values(first, first + static_cast<std::ptrdiff_t>(size));
    };
    const Values init = run(code.init, {}, l.width);
    Values start;
    for (int g = 0; g < groups; ++g) start.insert(start.end(), init.begin(), init.end());
    const Values total = blocks(code, groups, [&](llvm::Value* begin, llvm::Value* end) {
        return counted_loop(begin, end, 1, true, start, [&](llvm::Value* i, const Values& acc) {
            define(r.var, {i, false});
            Values next;
            each([&](std::size_t g) {
                const Values folded = step(code, part(acc, g));
                next.insert(next.end(), folded.begin(), folded.end());
            });
            return next;
        });
    });
    each([&](std::size_t g) {
        const Values sum = part(total, g);
        const Values results = r.finish ? run(code.finish, sum, l.width) : sum;
        for (std::size_t i = 0; i < results.size(); ++i) value(r.results[i]) = {results[i], true};
        for (auto s = at + 1; s != l.body.end(); ++s) statement(*s);
    });
}

Values Emitter::chain_block(const ReduceCode& code, llvm::Value* begin, llvm::Value* end) {
    return counted_loop(begin, end, 1, true, run(code.init, {}, scope_.width), [&](llvm::Value* i, const Values& acc) {
        define(code.r.var, {i, false});
        return step(code, acc);
    });
}

// At most a few vectors hold the whole block, which starts at 0.
Values Emitter::single_lanes_block(const ReduceCode& code, llvm::Value* end) {
    const int width = code.r.width;
    const auto high = *code.r.extent.bounds(not_negative).high;
    std::vector<Values> groups(static_cast<std::size_t>(code.r.lanes / width), run(code.init, {}, width));
    for (std::size_t g = 0; g < groups.size(); ++g) {
        const std::int64_t base = static_cast<std::int64_t>(g) * width;
        if (base >= high) break;
        const auto fold = [&] {
            Values next;
            const bool whole = code.r.extent.is_constant() && base + width <= high;
            llvm::Value* start = b_.getInt64(static_cast<std::uint64_t>(base));
            vector_step(code.r.var, width, start, whole ? nullptr : b_.CreateSub(end, start),
                        [&] { next = step(code, groups[g]); });
            return next;
        };
        groups[g] =
            code.r.extent.is_constant() || g == 0
                ? fold()
                : only_if(b_.CreateICmpSGT(end, b_.getInt64(static_cast<std::uint64_t>(base))), groups[g], fold);
    }
    return halve(code, std::move(groups));
}

Values Emitter::register_block(const ReduceCode& code, llvm::Value* begin, llvm::Value* end) {
    const int width = code.r.width;
    const auto groups = static_cast<std::size_t>(code.r.lanes / width);
    const Values start = run(code.init, {}, width);
    Values acc;  // groups in order, the accumulators of a group side by side
    for (std::size_t g = 0; g < groups; ++g) acc.insert(acc.end(), start.begin(), start.end());
    llvm::Value* count = b_.CreateSub(end, begin);
    llvm::Value* whole =
        b_.CreateAdd(begin, b_.CreateAnd(count, b_.getInt64(~(static_cast<std::uint64_t>(code.r.lanes) - 1))));
    acc = counted_loop(begin, whole, code.r.lanes, false, acc, [&](llvm::Value* i, const Values& carried) {
        Values next;
        for (std::size_t g = 0; g < groups; ++g) {
            const auto first = carried.begin() + static_cast<std::ptrdiff_t>(g * start.size());
            const Values group(first, first + static_cast<std::ptrdiff_t>(start.size()));
            llvm::Value* base = b_.CreateAdd(i, b_.getInt64(g * static_cast<std::size_t>(width)));
            vector_step(code.r.var, width, base, nullptr, [&] {
                const Values folded = step(code, group);
                next.insert(next.end(), folded.begin(), folded.end());
            });
        }
        return next;
    });

    // The rest is less than one element a lane: the groups take turns, through memory.
    const auto group_values = [&](const Values& all, std::size_t g) {
        const auto first = all.begin() + static_cast<std::ptrdiff_t>(g * start.size());
        return Values(first, first + static_cast<std::ptrdiff_t>(start.size()));
    };
    acc = only_if(b_.CreateICmpSLT(whole, end), acc, [&] {
        AccumulatorArrays arrays{{}, {}, width, 1};
        for (std::int32_t result : code.init.results) {
            arrays.dtypes.push_back(code.init.dtype_of(result));
            arrays.data.push_back(
                stack_array(memory_type(arrays.dtypes.back()), static_cast<std::uint64_t>(code.r.lanes)));
        }
        for (std::size_t g = 0; g < groups; ++g)
            write(arrays, b_.getInt64(g * static_cast<std::size_t>(width)), group_values(acc, g));
        counted_loop(whole, end, width, true, {}, [&](llvm::Value* i, const Values&) -> Values {
            vector_step(
                code.r.var, width, i, b_.CreateSub(end, i),
                [&] {
                    llvm::Value* lane = b_.CreateSub(i, whole);
                    write(arrays, lane, step(code, read(arrays, lane)));
                },
                true);
            return {};
        });
        Values all;
        for (std::size_t g = 0; g < groups; ++g) {
            const ScopeGuard scope(*this);
            scope_.width = width;
            const Values group = read(arrays, b_.getInt64(g * static_cast<std::size_t>(width)));
            all.insert(all.end(), group.begin(), group.end());
        }
        return all;
    });
    std::vector<Values> lanes;
    for (std::size_t g = 0; g < groups; ++g) lanes.push_back(group_values(acc, g));
    return halve(code, std::move(lanes));
}

// All lanes in memory: one body serves them in turn.
Values Emitter::memory_block(const ReduceCode& code, llvm::Value* begin, llvm::Value* end) {
    const int width = code.r.width, unit = code.unit;
    const std::int64_t spacing = width > 1 ? 1 : unit;
    AccumulatorArrays arrays{{}, {}, unit, spacing};
    for (std::int32_t result : code.init.results) {
        arrays.dtypes.push_back(code.init.dtype_of(result));
        arrays.data.push_back(
            stack_array(memory_type(arrays.dtypes.back()), static_cast<std::uint64_t>(code.r.lanes * spacing)));
    }
    llvm::Value *zero = b_.getInt64(0), *lanes = b_.getInt64(static_cast<std::uint64_t>(code.r.lanes));
    const Values start = run(code.init, {}, unit);
    counted_loop(zero, lanes, width, true, {}, [&](llvm::Value* lane, const Values&) -> Values {
        write(arrays, lane, start);
        return {};
    });
    const auto fold = [&](llvm::Value* i) {
        llvm::Value* lane =
            b_.CreateAnd(b_.CreateSub(i, begin), b_.getInt64(static_cast<std::uint64_t>(code.r.lanes) - 1));
        write(arrays, lane, step(code, read(arrays, lane)));
    };
    if (width == 1) {
        counted_loop(begin, end, 1, true, {}, [&](llvm::Value* i, const Values&) -> Values {
            define(code.r.var, {i, false});
            fold(i);
            return {};
        });
        for (std::int64_t half = code.r.lanes / 2; half >= 1; half /= 2)
            counted_loop(zero, b_.getInt64(static_cast<std::uint64_t>(half)), 1, true, {},
                         [&](llvm::Value* l, const Values&) -> Values {
                             const Values later =
                                 read(arrays, b_.CreateAdd(l, b_.getInt64(static_cast<std::uint64_t>(half))));
                             write(arrays, l, combine(code, read(arrays, l), later, unit));
                             return {};
                         });
        return read(arrays, zero);
    }
    llvm::Value* count = b_.CreateSub(end, begin);
    llvm::Value* whole =
        b_.CreateAdd(begin, b_.CreateAnd(count, b_.getInt64(~(static_cast<std::uint64_t>(width) - 1))));
    counted_loop(begin, whole, width, false, {}, [&](llvm::Value* i, const Values&) -> Values {
        vector_step(code.r.var, width, i, nullptr, [&] { fold(i); });
        return {};
    });
    only_if(b_.CreateICmpSLT(whole, end), {}, [&]() -> Values {
        vector_step(code.r.var, width, whole, b_.CreateSub(end, whole), [&] { fold(whole); });
        return {};
    });
    const ScopeGuard scope(*this);
    std::vector<Values> groups;
    for (std::int64_t lane = 0; lane < code.r.lanes; lane += width) {
        scope_.width = width;
        groups.push_back(read(arrays, b_.getInt64(static_cast<std::uint64_t>(lane))));
    }
    return halve(code, std::move(groups));
}

// Lane l combines with lane l + half, down to one lane.
Values Emitter::halve(const ReduceCode& code, std::vector<Values> groups) {
    int width = code.r.width;
    while (groups.size() > 1) {
        const std::size_t half = groups.size() / 2;
        for (std::size_t g = 0; g < half; ++g) groups[g] = combine(code, groups[g], groups[g + half], width);
        groups.resize(half);
    }
    Values lanes = groups[0];
    while (width > 1) {
        width /= 2;
        Values earlier, later;
        for (llvm::Value* v : lanes) {
            if (width == 1) {
                earlier.push_back(b_.CreateExtractElement(v, std::uint64_t{0}));
                later.push_back(b_.CreateExtractElement(v, std::uint64_t{1}));
                continue;
            }
            std::vector<int> low(static_cast<std::size_t>(width)), high(static_cast<std::size_t>(width));
            for (int l = 0; l < width; ++l) {
                low[static_cast<std::size_t>(l)] = l;
                high[static_cast<std::size_t>(l)] = l + width;
            }
            earlier.push_back(b_.CreateShuffleVector(v, low));
            later.push_back(b_.CreateShuffleVector(v, high));
        }
        lanes = combine(code, earlier, later, width);
    }
    return lanes;
}

Values Emitter::read(const AccumulatorArrays& arrays, llvm::Value* lane) {
    Values out;
    for (std::size_t i = 0; i < arrays.data.size(); ++i) {
        llvm::Type* element = memory_type(arrays.dtypes[i]);
        llvm::Type* type =
            arrays.unit == 1 ? element : llvm::FixedVectorType::get(element, static_cast<unsigned>(arrays.unit));
        llvm::Value* at = b_.CreateGEP(element, arrays.data[i],
                                       b_.CreateMul(lane, b_.getInt64(static_cast<std::uint64_t>(arrays.spacing))));
        out.push_back(
            from_memory(b_.CreateAlignedLoad(type, at, llvm::Align(size_of(arrays.dtypes[i]))), arrays.dtypes[i]));
    }
    return out;
}

void Emitter::write(const AccumulatorArrays& arrays, llvm::Value* lane, const Values& values) {
    for (std::size_t i = 0; i < arrays.data.size(); ++i) {
        llvm::Type* element = memory_type(arrays.dtypes[i]);
        llvm::Value* at = b_.CreateGEP(element, arrays.data[i],
                                       b_.CreateMul(lane, b_.getInt64(static_cast<std::uint64_t>(arrays.spacing))));
        b_.CreateAlignedStore(to_memory(values[i], arrays.dtypes[i]), at, llvm::Align(size_of(arrays.dtypes[i])));
    }
}

}  // namespace lathe::codegen
