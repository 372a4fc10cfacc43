// Kernels against the reference interpreter, bit for bit, on operands that end at protected pages.
#include <algorithm>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "codegen/kernels.h"
#include "ir/error.h"
#include "ir/graph/text.h"
#include "ir/graph/verify.h"
#include "ir/loops/interpret.h"
#include "ir/loops/text.h"
#include "ir/loops/verify.h"
#include "ir/loops/workspace.h"
#include "ir/program/interpret.h"
#include "ir/program/text.h"
#include "ir/program/verify.h"
#include "passes/pipeline.h"
#include "runtime/buffer.h"
#include "tests/add_kernel.h"
#include "tests/targets.h"
#include "tools/fuzz/values.h"

namespace lathe::codegen {
namespace {

using ir::BufferRole;
using ir::Dtype;
using ir::LoopNest;
using testing_support::fill;
using testing_support::GuardedMemory;
using testing_support::Random;
using testing_support::same_element;

struct Options {
    bool specials = true;
    std::uint64_t seed = 1;
};

// Runs the nest in the interpreter and compiled for each target this processor offers, and compares all outputs.
void expect_same(std::string_view text, const std::vector<std::int64_t>& extents, Options options = {}) {
    const LoopNest nest = ir::parse_loop_nest(text, "test.lir");
    ASSERT_EQ(ir::verify(nest), std::vector<std::string>()) << text;
    Random random(options.seed);
    std::vector<GuardedMemory> expected, actual;
    std::vector<std::uint32_t> operands;
    for (const ir::Buffer& b : nest.buffers) {
        if (b.role == BufferRole::scratch) continue;
        const auto count = static_cast<std::size_t>(b.type.shape.element_count().evaluate(extents).value());
        expected.emplace_back(count * size_of(b.type.dtype));
        actual.emplace_back(count * size_of(b.type.dtype));
        fill(expected.back().data(), count, b.type.dtype, random, options.specials && b.name != "index");
        std::memcpy(actual.back().data(), expected.back().data(), expected.back().size());
        operands.push_back(static_cast<std::uint32_t>(operands.size()));
    }
    std::vector<void*> slots;
    for (auto& m : expected) slots.push_back(m.data());
    const std::vector<GuardedMemory>& inputs = actual;
    std::vector<std::vector<std::byte>> initial;
    for (auto& m : inputs) initial.emplace_back(m.data(), m.data() + m.size());
    const std::int64_t trips = ir::parallel_trips(nest, extents);
    const ir::Fault want = ir::interpret(nest, slots, extents, 0, trips);

    for (const char* name : {"avx2", "avx512"}) {
        const Target target = target_named(name);
        const auto kernel = KernelCache::shared().compile({&nest, 1}, target)[0];
        if (!testing_support::runs_here(target)) continue;
        slots.clear();
        for (std::size_t k = 0; k < actual.size(); ++k) {
            std::ranges::copy(initial[k], actual[k].data());
            slots.push_back(actual[k].data());
        }
        const std::int64_t workspace_bytes = ir::workspace_of(nest).bytes.evaluate(extents).value();
        const runtime::Buffer workspace = runtime::allocate(static_cast<std::size_t>(workspace_bytes) + 1);
        lathe_task task{{-1, 0, 0, 0, 0}, workspace.data()};
        const lathe_fault& fault = task.fault;
        // In two parts, as two threads would.
        kernel->entry()(slots.data(), operands.data(), extents.data(), 0, trips / 2, &task);
        kernel->entry()(slots.data(), operands.data(), extents.data(), trips / 2, trips, &task);
        EXPECT_EQ(fault.site, want.site) << name;
        if (want.site >= 0) {
            EXPECT_EQ(fault.index, want.index) << name;
            EXPECT_EQ(fault.bound, want.bound) << name;
            EXPECT_EQ(fault.position, want.position) << name;
        }
        std::size_t k = 0;
        for (const ir::Buffer& b : nest.buffers) {
            if (b.role == BufferRole::scratch) continue;
            const std::size_t size = size_of(b.type.dtype);
            for (std::size_t i = 0; i * size < expected[k].size(); ++i) {
                const std::byte *x = expected[k].data() + i * size, *y = actual[k].data() + i * size;
                if (same_element(x, y, b.type.dtype)) continue;
                std::uint64_t p = 0, q = 0;
                std::memcpy(&p, x, size);
                std::memcpy(&q, y, size);
                ADD_FAILURE() << name << ": " << b.name << "[" << i << "] is " << std::hex << q << ", not " << p
                              << " for\n"
                              << text;
                break;
            }
            ++k;
        }
    }
}

TEST(Codegen, Elementwise) {
    for (std::int64_t n : {0, 1, 7, 15, 16, 17, 127, 128, 129, 500}) expect_same(add_text, {n});
}

TEST(Codegen, EveryOpAndDtype) {
    // Scalar loops and vector loops of several widths must agree for all rows with a scalar rule.
    for (const ir::OpDef* op : ir::op_table()) {
        if (op->scalar == nullptr || op->lowering != ir::Lowering::elementwise || !op->attributes.empty()) continue;
        if (op->arity.variadic || op->result_types != nullptr) continue;
        for (Dtype d : ir::all_dtypes()) {
            if (!op->dtypes.contains(d)) continue;
            std::vector<Dtype> operands(static_cast<std::size_t>(op->arity.minimum), d);
            Dtype result = d;
            std::string text;
            bool typed = false;
            // The first operand may be a condition; the row's type rule says.
            for (const bool condition : {false, true}) {
                if (condition) operands[0] = Dtype::boolean;
                std::vector<ir::Type> types;
                for (Dtype o : operands) types.push_back({o, {}});
                ir::TypeContext context(*op, types, {}, {}, nullptr);
                try {
                    result = op->type.value(context).dtype;
                    typed = true;
                    break;
                } catch (const Error&) {
                    continue;
                }
            }
            if (!typed) continue;
            text = "k(%n) {\n";
            std::string loads, arguments;
            for (std::size_t i = 0; i < operands.size(); ++i) {
                const std::string k = std::to_string(i);
                text.append("in x").append(k).append(": ").append(name(operands[i])).append("[%n]\n");
                loads.append("%").append(k).append(" = load x").append(k).append("[%i]\n");
                arguments += (i > 0 ? ", %" : "%") + k;
            }
            text.append("out y: ").append(name(result)).append("[%n]\nLOOP i in %n {\n").append(loads);
            text.append("%9 = ").append(op->name).append("(").append(arguments).append(") : ").append(name(result));
            text.append("\nstore y[%i], %9\n}\n}\n");
            for (const char* loop : {"serial", "vector(16)"}) {
                std::string with_loop = text;
                replace_all(with_loop, "LOOP", loop);
                expect_same(with_loop, {77});
            }
        }
    }
}

TEST(Codegen, ConversionsBetweenAllDtypes) {
    for (Dtype from : ir::all_dtypes())
        for (Dtype to : ir::all_dtypes()) {
            std::string text = R"(k(%n) {
  in x: FROM[%n]
  out y: TO[%n]
  vector(16) i in %n {
    %0 = load x[%i]
    %1 = convert(%0) {dtype = TO} : TO
    store y[%i], %1
  }
}
)";
            replace_all(text, "FROM", name(from));
            replace_all(text, "TO", name(to));
            expect_same(text, {100});
        }
}

TEST(Codegen, BroadcastsStridesAndGathers) {
    constexpr std::string_view text = R"(k(%n, %m) {
  in a: f32[%n, %m]
  in row: f32[%m]
  in column: f32[%n]
  in index: i32[%n, %m]
  in flags: bool[%m, %n]
  out c: f32[%n, %m]
  out reversed: f32[%n, %m]
  out transposed: f32[%m, %n]
  out picked: bool[%n, %m]
  serial i in %n {
    vector(16) j in %m {
      %0 = load a[%i, %j]
      %1 = load row[%j]
      %2 = load column[%i]
      %3 = load index[%i, %j]
      bind g = %3 in %n at %i*%m + %j site 2
      %4 = load a[%g, %m - %j - 1]
      %5 = load column[floordiv(%i*%m + %j, %m)]
      %6 = load column[%g]
      %7 = load flags[%j, %i]
      %8 = add(%0, %1) : f32
      %9 = mul(%8, %2) : f32
      %10 = select(%7, %4, %5) : f32
      %11 = sub(%9, %10) : f32
      %12 = add(%11, %6) : f32
      store c[%i, %j], %12
      store reversed[%i, %m - 1 - %j], %12
      store transposed[%j, %i], %12
      %13 = logical_not(%7) : bool
      store picked[%i, %j], %13
    }
  }
}
)";
    for (std::int64_t m : {1, 5, 16, 33}) {
        expect_same(text, {7, m});
        expect_same(text, {3, m});  // indices up to 6 are out of range
    }
}

TEST(Codegen, Guards) {
    constexpr std::string_view text = R"(k(%n, %m) {
  in a: f32[%n, %m]
  in s: i8[%n]
  out c: f32[%n + 2, %m + 3]
  out d: i8[%n]
  out e: bool[%n, %m]
  serial i in %n + 2 {
    vector(8) j in %m + 3 {
      %0 = load a[%i - 1, %j - 2] if %i - 1 >= 0, %n - %i >= 0, %j - 2 >= 0, %m + 1 - %j >= 0
      store c[%i, %j], %0 if %j - %i >= 0
      %1 = condition %j - %i >= 0, %n - 1 - %i >= 0
      store e[%i, %j], %1 if %n - 1 - %i >= 0, %m - 1 - %j >= 0
      %3 = index %j*%j - %i
      %4 = load s[%i - 1] if %j - 4 >= 0, %i - 1 >= 0, %n - %i >= 0
      %5 = convert(%4) {dtype = f32} : f32
      %6 = convert(%3) {dtype = f32} : f32
      %7 = add(%5, %6) : f32
      store c[%i, %j], %7 if %i - %j - 3 >= 0
    }
    %2 = load s[%i - 1] if %i - 1 >= 0, %n - %i >= 0
    store d[%i], %2 if %n - 1 - %i >= 0
  }
}
)";
    for (std::int64_t m : {0, 1, 6, 13, 40}) expect_same(text, {5, m});
}

TEST(Codegen, ReductionsOfAllKinds) {
    std::string base = R"(k(%n, %m) {
  in x: TYPE[%n, %m]
  out y: RESULT[%n]
  out z: PARTIAL[%n]
  parallel i in %n {
    %2 = reduce OP of TYPE over k in EXTENT lanes LANES block BLOCK width WIDTH base 5 : RESULT {
      %0 = load x[%i, %k]
      %1 = OTHER(%0) : TYPE
      fold %1
    }
    store y[%i], %2
    %3 = load x[%i, 0]
    %4 = OTHER(%3) : TYPE
    %5 = convert(%4) {dtype = PARTIAL} : PARTIAL
    store z[%i], %5
  }
}
)";
    struct Row {
        const char *op, *type, *result;
    };
    for (const Row& row : {Row{"sum", "f32", "f32"},
                           {"sum", "f64", "f64"},
                           {"sum", "bf16", "bf16"},
                           {"sum", "f16", "f16"},
                           {"sum", "i8", "i64"},
                           {"sum", "bool", "i64"},
                           {"sum", "u64", "u64"},
                           {"reduce_max", "f32", "f32"},
                           {"reduce_min", "i16", "i16"},
                           {"argmax {last = false}", "f32", "i64"},
                           {"argmax {last = true}", "i32", "i64"},
                           {"argmax {last = true}", "bf16", "i64"},
                           {"reduce_max", "bf16", "bf16"}})
        for (const auto& [lanes, block, width] : std::vector<std::tuple<int, int, int>>{
                 {64, 128, 16}, {32, 64, 8}, {8, 8, 8}, {1, 16, 1}, {16, 64, 1}, {256, 512, 16}})
            for (const char* extent : {"%m", "min(7, %m)", "40"}) {
                std::string text = base;
                replace_all(text, "OTHER",
                            std::string_view(row.type) == "u64"    ? "bit_not"
                            : std::string_view(row.type) == "bool" ? "logical_not"
                                                                   : "neg");
                replace_all(text, "OP", row.op);
                replace_all(text, "TYPE", row.type);
                replace_all(text, "RESULT", row.result);
                replace_all(text, "PARTIAL", "f64");
                replace_all(text, "EXTENT", extent);
                replace_all(text, "LANES", std::to_string(lanes));
                replace_all(text, "BLOCK", std::to_string(block));
                replace_all(text, "WIDTH", std::to_string(width));
                for (std::int64_t m : {40, 64, 333}) expect_same(text, {3, m}, {.specials = false});
                if (std::string_view(extent) == "%m") {
                    expect_same(text, {2, 1});
                    expect_same(text, {2, 300});
                }
            }
}

TEST(Codegen, EmptyReductionIsFinishOfInit) {
    expect_same(R"(k(%n) {
  in x: f32[%n]
  out y: f32[]
  out z: f32[]
  %1 = reduce sum of f32 over k in %n lanes 64 block 4096 width 16 : f32 {
    %0 = load x[%k]
    fold %0
  }
  store y[], %1
  %3 = reduce reduce_max of f32 over k_1 in %n lanes 1 block 256 : f32 {
    %2 = load x[%k_1]
    fold %2
  }
  store z[], %3
}
)",
                {0});
}

TEST(Codegen, HeavyReductionTakesTurns) {
    for (std::int64_t n : {5, 64, 100, 500})
        expect_same(R"(k(%n) {
  in x: f32[%n]
  out y: f32[]
  out best: i64[]
  %6 = reduce sum of f32 over k in %n lanes 64 block 256 width 16 : f32 {
    %0 = load x[%k]
    %1 = exp(%0) : f32
    %2 = tanh(%1) : f32
    %3 = erf(%2) : f32
    %4 = sigmoid(%3) : f32
    %5 = log(%4) : f32
    fold %5
  }
  store y[], %6
  %9 = reduce argmax {last = false} of f32 over q in %n lanes 64 block 256 width 16 : i64 {
    %7 = load x[%q]
    %8 = tanh(%7) : f32
    fold %8
  }
  store best[], %9
}
)",
                    {n});
}

TEST(Codegen, ReductionWithinAVectorLoop) {
    for (const char* lanes : {"lanes 1 block 16", "lanes 4 block 16"})
        for (std::int64_t m : {1, 8, 21}) {
            std::string text = R"(k(%n, %m) {
  in x: f32[%n, %m]
  in index: u8[%m]
  out y: f32[%m]
  out best: i64[%m]
  scratch t: f32[2]
  vector(8) j in %m {
    alloc t
    %1 = reduce sum of f32 over k in %n LANES : f32 {
      %0 = load x[%k, %j]
      fold %0
    }
    %3 = reduce argmax {last = false} of f32 over q in %n LANES : i64 {
      %2 = load x[%q, %j]
      fold %2
    }
    store t[1], %1
    serial s in 2 {
      %4 = load t[1]
      %5 = neg(%4) : f32
      store t[%s], %5
    }
    %6 = load index[%j]
    bind g = %6 in 2 at %j site 1
    %7 = load t[%g]
    %8 = load t[0]
    %9 = add(%7, %8) : f32
    store y[%j], %9
    store best[%j], %3
  }
}
)";
            replace_all(text, "LANES", lanes);
            for (std::int64_t n : {1, 40}) expect_same(text, {n, m}, {.specials = false});
        }
}

// Columns advance side by side, then one vector of them, then the rest.
TEST(Codegen, ReductionsOfColumns) {
    for (const std::string op : {"sum", "reduce_max", "argmax {last = false}", "argmax {last = true}"})
        for (const Dtype d : {Dtype::f32, Dtype::f64, Dtype::i8}) {
            if (op == "sum" && d == Dtype::i8) continue;
            std::string text = R"(k(%n, %m) {
  in x: T[%n, %m]
  in s: T[%m]
  out y: R[%m]
  out z: T[%m]
  parallel p in %m step 256 {
    vector(8) j in min(256, %m - %p) {
      %0 = load s[%p + %j]
      %1 = neg(%0) : T
      %4 = reduce OP of T over k in %n lanes 1 block 16 : R {
        %2 = load x[%k, %p + %j]
        %3 = mul(%2, %1) : T
        fold %3
      }
      store y[%p + %j], %4
      store z[%p + %j], %1
    }
  }
}
)";
            replace_all(text, "OP", op);
            replace_all(text, "T", std::string(name(d)));
            replace_all(text, "R", op.starts_with("argmax") ? "i64" : std::string(name(d)));
            for (const std::int64_t m : {1, 8, 63, 64, 65, 77, 128, 300})
                for (const std::int64_t n : {1, 16, 40}) expect_same(text, {n, m}, {.specials = false});
        }
}

TEST(Codegen, ComputeParts) {
    expect_same(R"(k(%n) {
  in x: bf16[%n]
  out y: bf16[1]
  out where: i64[1]
  scratch acc: f32[1]
  scratch best: bf16[1]
  scratch at: i64[1]
  serial once in 1 {
    alloc acc
    alloc best
    alloc at
    %0 = sum.init() of bf16 : f32
    store acc[0], %0
    %1, %2 = argmax.init() {last = false} of bf16 : bf16, i64
    store best[0], %1
    store at[0], %2
    serial i in %n {
      %3 = load x[%i]
      %4 = load acc[0]
      %5 = index %i
      %6 = sum.step(%4, %3, %5) of bf16 : f32
      store acc[0], %6
      %7 = load best[0]
      %8 = load at[0]
      %9, %10 = argmax.step(%7, %8, %3, %5) {last = false} of bf16 : bf16, i64
      store best[0], %9
      store at[0], %10
    }
    %11 = load acc[0]
    %12 = sum.finish(%11) of bf16 : bf16
    store y[0], %12
    %13 = load best[0]
    %14 = load at[0]
    %15 = argmax.finish(%13, %14) {last = false} of bf16 : i64
    store where[0], %15
  }
}
)",
                {50});
}

TEST(Codegen, StreamingStores) {
    std::string text(add_text);
    replace_all(text, "], %2", "], %2 streaming");
    for (std::int64_t n : {16, 64, 500, 511, 512})
        expect_same(text, {n});  // the buffer's end is aligned, its start may not be
    EXPECT_NE(emit_asm(ir::parse_loop_nest(text, "t"), target_named("avx512")).find("vmovntps"), std::string::npos);
}

// A body so long that it is written once, for whole vectors, and runs the rest on copies; several stores, one of them
// to a place that it reads, and elements of several sizes.
TEST(Codegen, LongBodiesRunWithoutMasks) {
    for (const Dtype d : {Dtype::f32, Dtype::f64, Dtype::f16, Dtype::bf16}) {
        const std::string t(name(d));
        std::string text =
            "k(%n, %m) {\nin x: T[%n]\nin s: T[1]\nin c: bool[%n]\nin small: i8[%n, 2]\nout y: T[%n]\n"
            "out z: T[%n, %m]\nout w: i8[%n]\nparallel p in %n step 4096 {\n"
            "vector(16) i in min(4096, %n - %p) {\n%0 = load x[%p + %i]\n%1 = load s[0]\n"
            "%2 = add(%0, %1) : T\n";
        int v = 2;
        for (int k = 0; k < 6; ++k, ++v)
            text += "%" + std::to_string(v + 1) + " = tanh(%" + std::to_string(v) + ") : T\n";
        const std::string last = "%" + std::to_string(v);
        text += "%20 = load c[%p + %i]\n%21 = select(%20, " + last + ", %0) : T\nstore y[%p + %i], %21 streaming\n" +
                "%22 = load y[%p + %i]\n%23 = mul(%22, " + last + ") : T\nSTORE" +
                "%24 = load w[%p + %i]\n%25 = add(%24, %24) : i8\nstore w[%p + %i], %25\n}\n}\n}\n";
        replace_all(text, "T[", t + "[");
        replace_all(text, ": T\n", ": " + t + "\n");
        std::string regular = text, irregular = text;
        replace_all(regular, "STORE", "");
        replace_all(irregular, "STORE", "store z[%p + %i, 0], %23\n");
        for (const std::int64_t n : {0, 1, 5, 16, 17, 31, 32, 500, 4096 + 19}) {
            expect_same(regular, {n, 1});
            if (n < 600) expect_same(irregular, {n, 2});
        }
        // One masked store for the rest of each array of wide elements, and plain ones for everything else.
        const std::string code = emit_llvm(ir::parse_loop_nest(regular, "t"), target_named("avx2"));
        std::size_t masked = 0;
        for (std::size_t at = code.find("call void @llvm.masked.store"); at != std::string::npos;
             at = code.find("call void @llvm.masked.store", at + 1))
            ++masked;
        EXPECT_EQ(masked, size_of(d) < 4 ? 0 : 1) << code;
    }
}

// A tile of accumulators.
constexpr std::string_view tile_text = R"(gemm(%m, %n, %k) {
  in a: f32[%m, %k]
  in b: f32[%k, %n]
  out c: f32[%m, %n]
  scratch acc: f32[ROWS, COLUMNS]
  scratch total: f32[ROWS, COLUMNS]
  parallel i0 in ROW_EXTENT step ROWS {
    serial j0 in COLUMN_EXTENT step COLUMNS {
      alloc total
      unroll i1 in ROWS {
        unroll j1 in COLUMNS step WIDTH {
          vector(WIDTH) v1 in WIDTH {
            %0 = dot_general.init() of f32, f32 : f32
            store total[%i1, %j1 + %v1], %0
          }
        }
      }
      serial kb in %k step 32 {
        alloc acc
        unroll i2 in ROWS {
          unroll j2 in COLUMNS step WIDTH {
            vector(WIDTH) v2 in WIDTH {
              %1 = dot_general.init() of f32, f32 : f32
              store acc[%i2, %j2 + %v2], %1
            }
          }
        }
        serial k1 in min(32, %k - %kb) {
          unroll i3 in ROWS {
            unroll j3 in COLUMNS step WIDTH {
              vector(WIDTH) v3 in LANES {
                %2 = load acc[%i3, %j3 + %v3]
                %3 = load a[%i0 + %i3, %kb + %k1]
                %4 = load b[%kb + %k1, %j0 + %j3 + %v3]
                %5 = index %kb + %k1
                %6 = dot_general.step(%2, %3, %4, %5) of f32, f32 : f32
                store acc[%i3, %j3 + %v3], %6
              }
            }
          }
        }
        unroll i4 in ROWS {
          unroll j4 in COLUMNS step WIDTH {
            vector(WIDTH) v4 in WIDTH {
              %7 = load total[%i4, %j4 + %v4]
              %8 = load acc[%i4, %j4 + %v4]
              %9 = dot_general.combine(%7, %8) of f32, f32 : f32
              store total[%i4, %j4 + %v4], %9
            }
          }
        }
      }
      unroll i5 in ROWS {
        unroll j5 in COLUMNS step WIDTH {
          vector(WIDTH) v5 in LANES {
            %10 = load total[%i5, %j5 + %v5]
            %11 = dot_general.finish(%10) of f32, f32 : f32
            store c[%i0 + %i5, %j0 + %j5 + %v5], %11
          }
        }
      }
    }
  }
}
)";

std::string tile(int rows, int columns, int width, bool masked) {
    std::string text(tile_text);
    replace_all(text, "ROW_EXTENT", "floordiv(%m, ROWS)*ROWS");
    replace_all(text, "COLUMN_EXTENT", masked ? "%n" : "floordiv(%n, COLUMNS)*COLUMNS");
    replace_all(text, "LANES", masked ? "min(WIDTH, %n - %j0)" : "WIDTH");
    replace_all(text, "ROWS", std::to_string(rows));
    replace_all(text, "COLUMNS", std::to_string(columns));
    replace_all(text, "WIDTH", std::to_string(width));
    return text;
}

TEST(Codegen, RegisterTiles) {
    expect_same(tile(6, 64, 16, false), {14, 130, 70}, {.specials = false});
    expect_same(tile(6, 16, 8, false), {14, 130, 70}, {.specials = false});
    for (std::int64_t n : {1, 16, 19}) expect_same(tile(6, 16, 16, true), {12, n, 33}, {.specials = false});
    expect_same(tile(1, 8, 8, true), {3, 13, 1}, {.specials = false});
}

// What the passes make of graphs, for both kinds of target.
TEST(Codegen, LoweredGraphs) {
    constexpr std::string_view graphs[] = {
        R"(graph main(m, k, n) {
  %0 = parameter "a" : f32[m, k]
  %1 = parameter "b" : f32[k, n]
  %2 = parameter "bias" : f32[n]
  %3 = dot_general(%0, %1) {lhs_batch = [], rhs_batch = [], lhs_contract = [1], rhs_contract = [0]} : f32[m, n]
  %4 = add(%3, %2) : f32[m, n]
  %5 = tanh(%4) : f32[m, n]
  return "c" = %5
}
)",
        R"(graph main(m, k, n) {
  %0 = parameter "a" : bf16[3, k, m]
  %1 = parameter "b" : bf16[3, n, k]
  %2 = dot_general(%0, %1) {lhs_batch = [0], rhs_batch = [0], lhs_contract = [1], rhs_contract = [2]} : bf16[3, m, n]
  return "c" = %2
}
)",
        R"(graph main(m, k, n) {
  %0 = parameter "a" : f64[m, k]
  %1 = parameter "b" : f64[k]
  %2 = dot_general(%0, %1) {lhs_batch = [], rhs_batch = [], lhs_contract = [1], rhs_contract = [0]} : f64[m]
  return "c" = %2
}
)",
        R"(graph main(m, k, n) {
  %0 = parameter "x" : f32[1, k]
  %1 = parameter "w" : f32[k, n]
  %2 = dot_general(%0, %1) {lhs_batch = [], rhs_batch = [], lhs_contract = [1], rhs_contract = [0]} : f32[1, n]
  return "y" = %2
}
)",
        R"(graph main(m, k, n) {
  %0 = parameter "x" : f32[m, n]
  %1 = reduce_max(%0) {axes = [1]} : f32[m]
  %2 = reshape(%1) {shape = [m, 1]} : f32[m, 1]
  %3 = sub(%0, %2) : f32[m, n]
  %4 = exp(%3) : f32[m, n]
  %5 = sum(%4) {axes = [1]} : f32[m]
  %6 = reshape(%5) {shape = [m, 1]} : f32[m, 1]
  %7 = div(%4, %6) : f32[m, n]
  return "y" = %7
}
)",
        R"(graph main(m, k, n) {
  %0 = parameter "x" : f16[m, n, 5]
  %1 = sum(%0) {axes = [0, 1]} : f16[5]
  %2 = argmax(%0) {axes = [1]} : i64[m, 5]
  %3 = reduce_min(%0) {axes = [2]} : f16[m, n]
  return "a" = %1, "b" = %2, "c" = %3
}
)",
        R"(graph main(m, k, n) {
  %0 = parameter "table" : f32[k, n]
  %1 = parameter "rows" : u8[m]
  %2 = gather(%0, %1) {axis = 0} : f32[m, n]
  %3 = parameter "y" : f32[k, n]
  %4 = concat(%2, %3) {axis = 0} : f32[m + k, n]
  %5 = transpose(%4) {permutation = [1, 0]} : f32[n, m + k]
  %8 = parameter "fill" : f32[]
  %6 = pad(%5, %8) {low = [1, 0], high = [0, 2]} : f32[n + 1, m + k + 2]
  %7 = neg(%6) : f32[n + 1, m + k + 2]
  return "z" = %7
}
)",
        R"(graph main(m, k, n) {
  %0 = parameter "x" : f32[k, n]
  %1 = parameter "rows" : i32[m]
  %2 = parameter "updates" : f32[m, n]
  %3 = scatter_add(%0, %1, %2) {axis = 0} : f32[k, n]
  %4 = parameter "more" : f32[n]
  %5 = concat(%4, %4, %4) {axis = 0} : f32[3*n]
  %6 = sum(%5) {axes = [0]} : f32[]
  %7 = mul(%3, %6) : f32[k, n]
  return "z" = %7
}
)",
        R"(graph main(m, k, n) {
  %0 = parameter "x" : i16[k]
  %1 = parameter "rows" : i64[m]
  %2 = parameter "updates" : i16[m]
  %3 = scatter_add(%0, %1, %2) {axis = 0} : i16[k]
  return "z" = %3
}
)",
        R"(graph main(m, k, n) {
  %0 = parameter "key" : u64[m]
  %1 = philox(%0, %0) : u64[m], u64[m]
  %2 = iota {shape = [m], axis = 0, dtype = u64} : u64[m]
  %3 = shift_right(%1#1, %2) : u64[m]
  %4 = convert(%3) {dtype = f32} : f32[m]
  %5 = bit_xor(%1#0, %3) : u64[m]
  return "a" = %4, "b" = %5
}
)",
        R"(graph main(m, k, n) {
  %0 = parameter "x" : i32[m, 6*n]
  %1 = reshape(%0) {shape = [6*m, n]} : i32[6*m, n]
  %2 = slice(%1) {start = [1, 0], size = [2*m, n], step = [2, 1]} : i32[2*m, n]
  %3 = iota {shape = [2*m, n], axis = 1, dtype = i32} : i32[2*m, n]
  %4 = mul(%2, %3) : i32[2*m, n]
  return "z" = %4
}
)",
    };
    for (std::string_view text : graphs)
        for (const passes::LoopTarget target : {passes::LoopTarget{64, 32}, passes::LoopTarget{32, 16}}) {
            const auto graph = ir::parse_graph(text, "test.lir");
            passes::PipelineOptions options;
            options.target = target;
            const ir::Program program = passes::run_pipeline(*graph, options).program;
            ir::for_each_kernel(program, [&](const ir::Program::Kernel& kernel) {
                for (const auto& sizes : {std::vector<std::int64_t>{7, 9, 33}, {13, 70, 16}, {1, 1, 1}, {20, 3, 150}}) {
                    std::vector<std::int64_t> extents;
                    for (ir::Dim d : kernel.extents) extents.push_back(d.evaluate(sizes).value());
                    expect_same(print(kernel.nest), extents, {.specials = false});
                }
            });
        }
}

// The loops of an assembly text that contain `instruction`, innermost ones as a compiler lays them out: label to back
// edge.
std::vector<std::string> loops_with(const std::string& assembly, std::string_view instruction) {
    std::vector<std::string> out;
    std::size_t label = 0;
    for (std::size_t at = 0; at < assembly.size();) {
        const std::size_t end = std::min(assembly.find('\n', at), assembly.size());
        const std::string line = assembly.substr(at, end - at);
        if (line.starts_with(".LBB")) label = at;
        const std::string name = assembly.substr(label, assembly.find(':', label) - label);
        if (line.starts_with("\tj") && line.ends_with("\t" + name)) {
            std::string loop = assembly.substr(label, end - label);
            if (loop.find(instruction) != std::string::npos) out.push_back(std::move(loop));
        }
        at = end + 1;
    }
    return out;
}

TEST(Codegen, TilesStayInRegisters) {
    struct Row {
        const char* target;
        std::string text;
        std::size_t multiplications;
    };
    for (const Row& row : {Row{"avx512", tile(6, 64, 16, false), 24}, Row{"avx512", tile(6, 16, 16, true), 6},
                           Row{"avx2", tile(6, 16, 8, false), 12}}) {
        const std::string assembly = emit_asm(ir::parse_loop_nest(row.text, "t"), target_named(row.target));
        const auto loops = loops_with(assembly, "vfmadd");
        ASSERT_EQ(loops.size(), 1U) << assembly;
        std::size_t count = 0;
        for (std::size_t at = 0; (at = loops[0].find("vfmadd", at)) != std::string::npos; ++at) ++count;
        EXPECT_EQ(count, row.multiplications);
        EXPECT_EQ(loops[0].find("(%rsp"), std::string::npos) << loops[0];  // nothing is spilled
    }
}

TEST(Codegen, TextsForInspection) {
    const LoopNest nest = ir::parse_loop_nest(add_text, "t");
    EXPECT_NE(emit_llvm(nest, target_named("avx512")).find("fadd <16 x float>"), std::string::npos);
    EXPECT_NE(emit_asm(nest, target_named("avx512")).find("zmm"), std::string::npos);
    EXPECT_EQ(emit_asm(nest, target_named("avx2")).find("zmm"), std::string::npos);
}

}  // namespace
}  // namespace lathe::codegen
