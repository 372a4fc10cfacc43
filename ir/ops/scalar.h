// Scalar rules: what an op computes for one element, written once and executed everywhere.
//
// A rule is a function that builds a ScalarProgram through ScalarBuilder, a small closed vocabulary of exact
// operations. The interpreter executes the program, constant folding uses the interpreter, and code generation
// translates each instruction to one LLVM instruction or intrinsic, on vectors. No library function ever computes an
// op's value, so the results cannot differ between interpreter, JIT and AOT, or between vector widths.
//
// f16 and bf16 never reach an executor as arithmetic: the builder widens to f32, computes, and rounds, as instructions.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "ir/attribute.h"
#include "ir/dtype.h"

namespace lathe::ir {

// A number as an element of a dtype: rounded, or wrapped; floats become integers where these hold them. The caller sees
// to the floating-point environment.
std::uint64_t element_of(Dtype dtype, double value);
std::uint64_t element_of_integer(Dtype dtype, std::int64_t value);

class ScalarBuilder;

// The closed vocabulary of the executors. Arithmetic is IEEE in the instruction's dtype, round to nearest even;
// integers wrap. f16 and bf16 occur only in parameter, result, select, bitcast, and convert to/from f32.
enum class Prim : std::uint8_t {
    parameter,  // the imm-th operand
    constant,   // imm: the bits, in the low bytes
    add,
    sub,
    mul,
    div,  // floats; integers: truncating, the divisor is not 0 and not (MIN / -1): rules guard with select
    rem,  // integers only, same guard
    fma,  // floats only: a * b + c with one rounding
    neg,  // floats: flips the sign bit; integers: wraps
    abs,  // floats: clears the sign bit
    sqrt,
    round_even,  // to the nearest integral value, ties to even
    floor,
    bit_and,
    bit_or,
    bit_xor,
    bit_not,  // booleans: logical not
    shl,      // amount in [0, bits): rules guard
    shr,      // arithmetic for signed, logical for unsigned
    eq,       // comparisons give boolean; floats: ordered, except ne
    ne,
    lt,
    le,
    gt,
    ge,
    select,   // a ? b : c, a is boolean; imm 1: a is rarely true, and what only b needs may wait until it is
    convert,  // between dtypes: int -> int wraps or extends by the source's signedness; int -> float rounds to nearest
              // even; float -> float rounds; float -> int truncates and the operand is in range (rules guard); boolean
              // -> 0 or 1; to boolean: nonzero
    bitcast,  // same size, reinterpreted
    dot_bytes,  // i32s: c plus, for each of the four bytes, that of a as u8 times that of b as i8
};

struct ScalarInst {
    Prim prim = Prim::constant;
    Dtype dtype = Dtype::f32;             // of the result
    std::int32_t a = -1, b = -1, c = -1;  // operand instructions
    std::uint64_t imm = 0;
    friend bool operator==(const ScalarInst&, const ScalarInst&) = default;
};

// A straight-line program: instruction i's operands precede it.
struct ScalarProgram {
    std::vector<ScalarInst> insts;
    std::vector<std::int32_t> results;
    Dtype dtype_of(std::int32_t inst) const { return insts[static_cast<std::size_t>(inst)].dtype; }
};

// A value inside a rule. Operators build instructions; both operands have the same dtype.
struct Scalar {
    ScalarBuilder* builder = nullptr;
    std::int32_t id = -1;
    Dtype dtype = Dtype::f32;
};

using Scalars = std::vector<Scalar>;

class ScalarBuilder {
public:
    Scalar parameter(Dtype dtype);                         // the next operand
    Scalar constant(Dtype dtype, double value);            // rounds to the dtype
    Scalar constant_int(Dtype dtype, std::int64_t value);  // wraps to the dtype; floats: rounds
    Scalar constant_bits(Dtype dtype, std::uint64_t bits);

    Scalar add(Scalar a, Scalar b);
    Scalar sub(Scalar a, Scalar b);
    Scalar mul(Scalar a, Scalar b);
    Scalar div(Scalar a, Scalar b);  // raw: see Prim::div
    Scalar rem(Scalar a, Scalar b);
    Scalar fma(Scalar a, Scalar b, Scalar c);
    Scalar dot_bytes(Scalar a, Scalar b, Scalar c);
    Scalar neg(Scalar a);
    Scalar abs(Scalar a);
    Scalar sqrt(Scalar a);
    Scalar round_even(Scalar a);
    Scalar floor(Scalar a);
    Scalar bit_and(Scalar a, Scalar b);
    Scalar bit_or(Scalar a, Scalar b);
    Scalar bit_xor(Scalar a, Scalar b);
    Scalar bit_not(Scalar a);
    Scalar shl(Scalar a, Scalar b);
    Scalar shr(Scalar a, Scalar b);
    Scalar compare(Prim relation, Scalar a, Scalar b);  // Prim::eq .. Prim::ge
    Scalar select(Scalar condition, Scalar if_true, Scalar if_false);
    // The same, said to be `if_false` nearly always: code for vectors computes the other where some lane wants it.
    Scalar select_rarely(Scalar condition, Scalar if_true, Scalar if_false);
    // The convert op's semantics in full: float -> int truncates, saturates, NaN -> 0; to float rounds once, to nearest
    // even; every pair of dtypes.
    Scalar convert(Scalar a, Dtype to);
    Scalar bitcast(Scalar a, Dtype to);

    // Ends the program; the builder is spent.
    ScalarProgram finish(std::span<const Scalar> results);

private:
    Scalar emit(ScalarInst inst);  // reuses an identical earlier instruction
    Scalar binary(Prim prim, Scalar a, Scalar b);
    Scalar unary(Prim prim, Scalar a);
    Scalar to_odd_f32(Scalar a);
    ScalarProgram program_;
    std::uint64_t parameters_ = 0;
};

inline Scalar operator+(Scalar a, Scalar b) { return a.builder->add(a, b); }
inline Scalar operator-(Scalar a, Scalar b) { return a.builder->sub(a, b); }
inline Scalar operator*(Scalar a, Scalar b) { return a.builder->mul(a, b); }
inline Scalar operator/(Scalar a, Scalar b) { return a.builder->div(a, b); }
inline Scalar operator-(Scalar a) { return a.builder->neg(a); }
inline Scalar operator&(Scalar a, Scalar b) { return a.builder->bit_and(a, b); }
inline Scalar operator|(Scalar a, Scalar b) { return a.builder->bit_or(a, b); }
inline Scalar operator^(Scalar a, Scalar b) { return a.builder->bit_xor(a, b); }
inline Scalar operator!(Scalar a) { return a.builder->bit_not(a); }
inline Scalar operator<(Scalar a, Scalar b) { return a.builder->compare(Prim::lt, a, b); }
inline Scalar operator>(Scalar a, Scalar b) { return a.builder->compare(Prim::gt, a, b); }
inline Scalar operator<=(Scalar a, Scalar b) { return a.builder->compare(Prim::le, a, b); }
inline Scalar operator>=(Scalar a, Scalar b) { return a.builder->compare(Prim::ge, a, b); }
inline Scalar equal(Scalar a, Scalar b) { return a.builder->compare(Prim::eq, a, b); }
inline Scalar not_equal(Scalar a, Scalar b) { return a.builder->compare(Prim::ne, a, b); }
inline Scalar is_nan(Scalar a) { return not_equal(a, a); }
inline Scalar select(Scalar c, Scalar t, Scalar f) { return c.builder->select(c, t, f); }
inline Scalar select_rarely(Scalar c, Scalar t, Scalar f) { return c.builder->select_rarely(c, t, f); }
inline Scalar fma(Scalar a, Scalar b, Scalar c) { return a.builder->fma(a, b, c); }

// Executes a program on raw element bits (zero-extended to 64). `operands` in parameter order; one result per results
// entry.
void execute(const ScalarProgram& program, std::span<const std::uint64_t> operands, std::span<std::uint64_t> results,
             std::vector<std::uint64_t>& scratch);

}  // namespace lathe::ir
