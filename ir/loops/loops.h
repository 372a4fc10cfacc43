// Loop nests: the scheduled level, between fused groups of ops and machine code.
//
// A LoopNest is one kernel: parameters (buffers and extents) and a tree of statements. Index expressions are Dims over
// the nest's own symbols: extents (arguments of the kernel, so a new shape is no new code), loop variables, and indices
// that were loaded from memory. Values are scalars in SSA form, one id per definition, visible in what follows and
// below.
//
// Lowering writes plain loops; tiling, vectorizing and parallelizing are rewrites of this form; code generation and the
// interpreter read the marks. Nothing here names a CPU.
//
// The text form (see text.h):
//
//   kernel(%n) {
//     in  a: f32[%n]
//     in  b: f32[%n]
//     out c: f32[%n]
//     parallel i in %n step 4096 {
//       vector(16) j in min(4096, %n - %i) {
//         %0 = load a[%i + %j]
//         %1 = load b[%i + %j]
//         %2 = add(%0, %1) : f32
//         store c[%i + %j], %2
//       }
//     }
//   }
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "ir/ops/op.h"

namespace lathe::ir {

using ValueId = std::int32_t;   // an SSA scalar; its dtype is LoopNest::value_dtypes[id]
using BufferId = std::int32_t;  // index into LoopNest::buffers

enum class SymbolRole : std::uint8_t { extent, loop, loaded };

struct LoopSymbol {
    SymbolRole role = SymbolRole::extent;
    std::string name;
};

enum class BufferRole : std::uint8_t {
    input,
    output,   // may be read after it was written
    scratch,  // lives in one iteration of the loop that contains its Alloc: in registers, on the stack, or, where it is
              // large or its shape depends on extents, in the task's workspace (see workspace.h)
};

// A dense row-major array. An input may be the same memory as an output only where each element is read no later than
// the iteration that overwrites it (the memory planner decides that).
struct Buffer {
    std::string name;
    BufferRole role = BufferRole::input;
    Type type;  // dims over extents
};

struct Stmt;
using Statements = std::vector<Stmt>;

// What a statement does to a buffer.
enum class Effect : std::uint8_t { read, write };

// Every statement describes itself, once: `describe` tells `p` its parts in the order in which they happen. It binds
// all of its fields, so that a new field is a compile error here until it is told or passed over. `p` has
//   uses(ValueId&)                            a value that it reads
//   index(Dim&)                               an index expression: an extent, a bound, a guard, an element's index
//   access(BufferId&, Effect, index, guards)  an element of memory; the index expressions are not told again
//   allocates(BufferId&)                      a scratch buffer whose life it starts
//   defines(ValueId&)                         visible from there on
//   defines(Symbol&, SymbolRole)              likewise; a loop's in its body
//   body(Statements&)                         statements that belong to it
// The walks in walk.h are made of these descriptions.
struct Load {
    ValueId result = -1;
    BufferId buffer = -1;
    std::vector<Dim> index;   // one per dimension
    std::vector<Dim> guards;  // unless all are >= 0, nothing is read and the result is zero

    template <class S, class Parts>
    static void describe(S& s, Parts& p) {
        auto& [result, buffer, index, guards] = s;
        p.access(buffer, Effect::read, index, guards);
        p.defines(result);
    }
};

struct Store {
    BufferId buffer = -1;
    std::vector<Dim> index;
    ValueId value = -1;
    std::vector<Dim> guards;  // unless all are >= 0, nothing is written
    bool streaming = false;   // the data will not be read soon: write around the cache

    template <class S, class Parts>
    static void describe(S& s, Parts& p) {
        auto& [buffer, index, value, guards, streaming] = s;
        p.uses(value);
        p.access(buffer, Effect::write, index, guards);
    }
};

// An element of computation: a row's scalar rule, or one part of its reducer.
enum class ComputePart : std::uint8_t { scalar, init, step, combine, finish };
struct Compute {
    std::vector<ValueId> results;
    const OpDef* op = nullptr;
    ComputePart part = ComputePart::scalar;
    Attributes attributes;
    std::vector<ValueId> operands;  // scalar: x...; step: acc..., x..., index; combine: acc..., acc...; finish: acc...
    std::vector<Dtype> elements;    // reducer parts: dtypes of x (what all parts are instantiated for)

    template <class S, class Parts>
    static void describe(S& s, Parts& p) {
        auto& [results, op, part, attributes, operands, elements] = s;
        for (auto& v : operands) p.uses(v);
        for (auto& a : attributes) for_each_dim_of(a, [&p](auto& d) { p.index(d); });
        for (auto& v : results) p.defines(v);
    }
};

struct Constant {
    ValueId result = -1;
    std::uint64_t bits = 0;  // of the value's dtype, in the low bytes

    template <class S, class Parts>
    static void describe(S& s, Parts& p) {
        auto& [result, bits] = s;
        p.defines(result);
    }
};

// The i64 value of an index expression.
struct IndexValue {
    ValueId result = -1;
    Dim index;

    template <class S, class Parts>
    static void describe(S& s, Parts& p) {
        auto& [result, index] = s;
        p.index(index);
        p.defines(result);
    }
};

// Boolean: all guards >= 0.
struct Condition {
    ValueId result = -1;
    std::vector<Dim> guards;

    template <class S, class Parts>
    static void describe(S& s, Parts& p) {
        auto& [result, guards] = s;
        for (auto& d : guards) p.index(d);
        p.defines(result);
    }
};

// Makes a loaded integer usable in index expressions: `symbol` stands for the value, clamped to [0, bound). A value
// outside is recorded in the kernel's fault word together with `site` and `position`, unless a guard is negative.
struct BindIndex {
    Symbol symbol = 0;
    ValueId value = -1;
    Dim bound;
    Dim position;  // of the integer in the tensor that it comes from, row-major
    std::vector<Dim> guards;
    std::int32_t site = 0;  // which of the plan's fault sites (node) this is

    template <class S, class Parts>
    static void describe(S& s, Parts& p) {
        auto& [symbol, value, bound, position, guards, site] = s;
        p.uses(value);
        p.index(bound);
        p.index(position);
        for (auto& d : guards) p.index(d);
        p.defines(symbol, SymbolRole::loaded);
    }
};

// Starts the life of a scratch buffer; its contents are undefined until stored.
struct Alloc {
    BufferId buffer = -1;

    template <class S, class Parts>
    static void describe(S& s, Parts& p) {
        auto& [buffer] = s;
        p.allocates(buffer);
    }
};

enum class LoopKind : std::uint8_t {
    serial,
    parallel,  // iterations are independent; the kernel runs a range of its iterations
    vector,    // iterations are independent; `width` of them at a time, the tail masked
    unroll,    // constant extent, fully unrolled
};

// for (var = 0; var < extent; var += step)
// A parallel loop may have one iteration `only`, whose number the nest finds out: it runs where it is in the range.
struct Loop {
    Symbol var = 0;
    Dim extent;
    std::int64_t step = 1;
    LoopKind kind = LoopKind::serial;
    int width = 1;  // vector loops: lanes; divides no extent in particular
    Statements body;
    std::optional<Dim> only = {};

    template <class S, class Parts>
    static void describe(S& s, Parts& p) {
        auto& [var, extent, step, kind, width, body, only] = s;
        p.index(extent);
        if (only) p.index(*only);
        p.defines(var, SymbolRole::loop);
        p.body(body);
    }
};

// Folds a row's reducer over var in [0, extent), in the defined order:
//   element r goes to lane (r mod lanes) of block (r div block); lanes of a block start from init and take their
//   elements in ascending order; at the end of a block lane l combines with lane l + lanes/2 for l < lanes/2, and so on
//   by halving; blocks combine in ascending order onto an accumulator that starts from init.
// The result is `finish` of that (where `finish` is false: the accumulator itself). `lanes` is a power of two that
// divides `block`. lanes = 1 is an ascending chain. The body runs once for every element and may store what it computed
// for it.
// Where it `merges`, an element is the accumulators of another fold by the same reducer, and taken by combine, not
// step.
struct Reduce {
    std::vector<ValueId> results;
    const OpDef* op = nullptr;
    Attributes attributes;        // that the reducer sees: reducer_attributes
    std::vector<Dtype> elements;  // what the reducer is instantiated for: dtypes of the elements that it steps over
    Symbol var = 0;
    Dim extent;
    std::int64_t lanes = 1, block = 1;
    int width = 1;   // > 1: `width` lanes at a time in vectors; divides lanes
    Dim index_base;  // added to var where the reducer asks for the element's index
    bool merges = false;
    bool finish = true;
    Statements body;               // computes the elements
    std::vector<ValueId> element;  // values of the body that are folded in

    template <class S, class Parts>
    static void describe(S& s, Parts& p) {
        auto& [results, op, attributes, elements, var, extent, lanes, block, width, index_base, merges, finish, body,
               element] = s;
        p.index(extent);
        p.index(index_base);
        p.defines(var, SymbolRole::loop);
        p.body(body);
        for (auto& v : element) p.uses(v);
        for (auto& v : results) p.defines(v);
    }
};

// What a computation of given operands executes, and a part of what a reduction does: `step` is what takes an element.
const ScalarProgram& program_of(const Compute& c, std::span<const Dtype> operands, Dtype result);
const ScalarProgram& program_of(const Reduce& r, ReducerPart part);

struct Stmt {
    std::variant<Load, Store, Compute, Constant, IndexValue, Condition, BindIndex, Alloc, Loop, Reduce> node;
};

struct LoopNest {
    std::string name = "kernel";
    std::vector<LoopSymbol> symbols;  // extents come first, in argument order
    std::vector<Buffer> buffers;      // inputs and outputs in argument order, then scratch
    std::vector<Dtype> value_dtypes;
    // Straight-line statements and loops. A parallel loop is the only statement; or there are several, of one extent
    // and step, at top level or within serial loops: every range of iterations runs what is around them, which writes
    // nothing, and what iterations of the same number read and write, those of other numbers do not.
    Statements body;

    Symbol add_symbol(SymbolRole role, std::string name);
    BufferId add_buffer(Buffer buffer);
    ValueId add_value(Dtype dtype);
    std::size_t extent_count() const;
    std::size_t argument_count() const;  // buffers that are not scratch
    const Loop* parallel_loop() const;   // the first one; null where there is none
    std::vector<std::string> symbol_names() const;
};

// Sizes in the order of folds, which order.h defines and numbers. Along the last axes: 256 bytes of accumulator lanes,
// blocks of 4,096; along others: chains in blocks of 256; contractions: chains in blocks of 1,024.
inline constexpr std::int64_t row_block = 4096, column_block = 256, contraction_block = 1024;
constexpr std::int64_t row_lanes(Dtype accumulator) { return static_cast<std::int64_t>(256 / size_of(accumulator)); }

inline constexpr std::size_t max_statements = 512;

}  // namespace lathe::ir
