#include "ir/ops/scalar.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

#include "ir/error.h"

namespace lathe::ir {
namespace {

bool is_half(Dtype d) { return d == Dtype::f16 || d == Dtype::bf16; }

// ---- bits and C++ values

template <class T>
T from_bits(std::uint64_t bits) {
    T value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

template <class T>
std::uint64_t to_bits(T value) {
    std::uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof value);
    return bits;
}

// Calls f with a value of the C++ type that holds elements of the dtype; f16 and bf16 are bare bits.
template <class F>
auto with_type(Dtype d, F&& f) {
    switch (d) {
        case Dtype::f64:
            return f(double{});
        case Dtype::f32:
            return f(float{});
        case Dtype::i64:
            return f(std::int64_t{});
        case Dtype::i32:
            return f(std::int32_t{});
        case Dtype::i16:
            return f(std::int16_t{});
        case Dtype::i8:
            return f(std::int8_t{});
        case Dtype::u64:
            return f(std::uint64_t{});
        case Dtype::u32:
            return f(std::uint32_t{});
        case Dtype::f16:
        case Dtype::bf16:
        case Dtype::u16:
            return f(std::uint16_t{});
        case Dtype::u8:
            break;
        case Dtype::boolean:
            break;
    }
    return f(std::uint8_t{});
}

// ---- execution of one instruction

template <class T>
T wrap(std::uint64_t wide) {
    return static_cast<T>(static_cast<std::make_unsigned_t<T>>(wide));
}

template <class T>
T arithmetic(Prim prim, T a, T b) {
    if constexpr (std::is_floating_point_v<T>) {
        switch (prim) {
            case Prim::add:
                return a + b;
            case Prim::sub:
                return a - b;
            case Prim::mul:
                return a * b;
            case Prim::div:
                return a / b;
            default:
                return T{};
        }
    } else {
        const auto wide_a = static_cast<std::uint64_t>(a), wide_b = static_cast<std::uint64_t>(b);
        const int count = static_cast<int>(wide_b % (8 * sizeof(T)));
        // Rules keep the divisor away from 0 and from MIN / -1; programs are also built by tests, so stay defined.
        const bool divisible = b != 0 && !(std::is_signed_v<T> && b == T(-1));
        switch (prim) {
            case Prim::add:
                return wrap<T>(wide_a + wide_b);
            case Prim::sub:
                return wrap<T>(wide_a - wide_b);
            case Prim::mul:
                return wrap<T>(wide_a * wide_b);
            case Prim::div:
                return divisible ? static_cast<T>(a / b) : b == 0 ? T{} : wrap<T>(0 - wide_a);
            case Prim::rem:
                return divisible ? static_cast<T>(a % b) : T{};
            case Prim::bit_and:
                return wrap<T>(wide_a & wide_b);
            case Prim::bit_or:
                return wrap<T>(wide_a | wide_b);
            case Prim::bit_xor:
                return wrap<T>(wide_a ^ wide_b);
            case Prim::shl:
                return wrap<T>(wide_a << count);
            case Prim::shr:
                return static_cast<T>(a >> count);
            default:
                return T{};
        }
    }
}

template <class T>
bool compares(Prim relation, T a, T b) {
    switch (relation) {
        case Prim::eq:
            return a == b;
        case Prim::ne:
            return a != b;
        case Prim::lt:
            return a < b;
        case Prim::le:
            return a <= b;
        case Prim::gt:
            return a > b;
        default:
            return a >= b;
    }
}

template <class T>
std::uint64_t unary(Prim prim, T a) {
    if constexpr (std::is_floating_point_v<T>) {
        switch (prim) {
            case Prim::neg:
                return to_bits(-a);
            case Prim::abs:
                return to_bits(std::fabs(a));
            case Prim::sqrt:
                return to_bits(std::sqrt(a));
            case Prim::round_even:
                return to_bits(std::nearbyint(a));
            default:
                return to_bits(std::floor(a));
        }
    } else {
        const auto wide = static_cast<std::uint64_t>(a);
        if (prim == Prim::bit_not) return to_bits(wrap<T>(~wide));
        if (prim == Prim::abs && !(std::is_signed_v<T> && a < T{})) return to_bits(a);
        return to_bits(wrap<T>(0 - wide));
    }
}

// Any value where a float is out of range: rules select around it, but both sides of a select are computed.
template <class To, class From>
To convert_value(From x) {
    if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
        constexpr From high = static_cast<From>(std::uint64_t{1} << (std::numeric_limits<To>::digits - 1)) * From{2};
        constexpr From low = static_cast<From>(std::numeric_limits<To>::min());
        return x < high && x >= low ? static_cast<To>(x) : To{};
    } else if constexpr (std::is_integral_v<From> && std::is_integral_v<To>) {
        return static_cast<To>(static_cast<std::make_unsigned_t<To>>(x));
    } else {
        return static_cast<To>(x);
    }
}

std::uint64_t convert_bits(Dtype from, Dtype to, std::uint64_t bits) {
    if (from == Dtype::f16 && to == Dtype::f32) return to_bits(f16_to_f32(static_cast<std::uint16_t>(bits)));
    if (from == Dtype::bf16 && to == Dtype::f32) return to_bits(bf16_to_f32(static_cast<std::uint16_t>(bits)));
    if (from == Dtype::f32 && to == Dtype::f16) return f32_to_f16(from_bits<float>(bits));
    if (from == Dtype::f32 && to == Dtype::bf16) return f32_to_bf16(from_bits<float>(bits));
    return with_type(from, [&]<class From>(From) {
        const From x = from_bits<From>(bits);
        if (to == Dtype::boolean) return std::uint64_t{x != From{}};
        return with_type(to, [&]<class To>(To) { return to_bits(convert_value<To>(x)); });
    });
}

std::uint64_t dot_bytes(std::uint64_t a, std::uint64_t b, std::uint64_t c) {
    auto sum = static_cast<std::uint32_t>(c);
    for (int shift = 0; shift < 32; shift += 8)
        sum += static_cast<std::uint32_t>(int{static_cast<std::uint8_t>(a >> shift)} *
                                          static_cast<std::int8_t>(b >> shift));
    return sum;
}

std::uint64_t run(const ScalarInst& inst, Dtype operand, std::uint64_t a, std::uint64_t b, std::uint64_t c) {
    switch (inst.prim) {
        case Prim::parameter:
        case Prim::constant:
            return inst.imm;
        case Prim::add:
        case Prim::sub:
        case Prim::mul:
        case Prim::div:
        case Prim::rem:
        case Prim::bit_and:
        case Prim::bit_or:
        case Prim::bit_xor:
        case Prim::shl:
        case Prim::shr:
            return with_type(operand, [&]<class T>(T) {
                return to_bits(arithmetic<T>(inst.prim, from_bits<T>(a), from_bits<T>(b)));
            });
        case Prim::fma:
            if (operand == Dtype::f64)
                return to_bits(std::fma(from_bits<double>(a), from_bits<double>(b), from_bits<double>(c)));
            return to_bits(std::fma(from_bits<float>(a), from_bits<float>(b), from_bits<float>(c)));
        case Prim::bit_not:
            if (operand == Dtype::boolean) return a ^ 1U;
            [[fallthrough]];
        case Prim::neg:
        case Prim::abs:
        case Prim::sqrt:
        case Prim::round_even:
        case Prim::floor:
            return with_type(operand, [&]<class T>(T) { return unary<T>(inst.prim, from_bits<T>(a)); });
        case Prim::eq:
        case Prim::ne:
        case Prim::lt:
        case Prim::le:
        case Prim::gt:
        case Prim::ge:
            return with_type(operand, [&]<class T>(T) {
                return std::uint64_t{compares<T>(inst.prim, from_bits<T>(a), from_bits<T>(b))};
            });
        case Prim::select:
            return a != 0 ? b : c;
        case Prim::convert:
            return convert_bits(operand, inst.dtype, a);
        case Prim::bitcast:
            return a;
        case Prim::dot_bytes:
            return dot_bytes(a, b, c);
    }
    return 0;
}

}  // namespace

void execute(const ScalarProgram& program, std::span<const std::uint64_t> operands, std::span<std::uint64_t> results,
             std::vector<std::uint64_t>& scratch) {
    scratch.resize(program.insts.size());
    const auto value = [&](std::int32_t i) { return i < 0 ? 0 : scratch[static_cast<std::size_t>(i)]; };
    for (std::size_t i = 0; i < program.insts.size(); ++i) {
        const ScalarInst& inst = program.insts[i];
        if (inst.prim == Prim::parameter) {
            scratch[i] = operands[inst.imm];
            continue;
        }
        const Dtype operand = inst.a < 0 ? inst.dtype : program.dtype_of(inst.a);
        scratch[i] = run(inst, operand, value(inst.a), value(inst.b), value(inst.c));
    }
    for (std::size_t i = 0; i < results.size(); ++i) results[i] = value(program.results[i]);
}

std::uint64_t element_of(Dtype dtype, double value) {
    switch (dtype) {
        case Dtype::f64:
            return to_bits(value);
        case Dtype::f32:
            return to_bits(static_cast<float>(value));
        case Dtype::f16:
            return f64_to_f16(value);
        case Dtype::bf16:
            return f64_to_bf16(value);
        case Dtype::boolean:
            return std::uint64_t{value != 0};
        default:
            return convert_bits(Dtype::f64, dtype, to_bits(value));
    }
}

std::uint64_t element_of_integer(Dtype dtype, std::int64_t value) {
    if (is_half(dtype)) return element_of(dtype, static_cast<double>(value));
    return convert_bits(Dtype::i64, dtype, static_cast<std::uint64_t>(value));
}

// ---- building

Scalar ScalarBuilder::emit(ScalarInst inst) {
    for (std::size_t i = 0; i < program_.insts.size(); ++i)
        if (program_.insts[i] == inst) return {this, static_cast<std::int32_t>(i), inst.dtype};
    program_.insts.push_back(inst);
    return {this, static_cast<std::int32_t>(program_.insts.size() - 1), inst.dtype};
}

Scalar ScalarBuilder::parameter(Dtype dtype) {
    return emit({.prim = Prim::parameter, .dtype = dtype, .imm = parameters_++});
}

Scalar ScalarBuilder::constant_bits(Dtype dtype, std::uint64_t bits) {
    return emit({.prim = Prim::constant, .dtype = dtype, .imm = bits});
}

Scalar ScalarBuilder::constant(Dtype dtype, double value) { return constant_bits(dtype, element_of(dtype, value)); }

Scalar ScalarBuilder::constant_int(Dtype dtype, std::int64_t value) {
    return constant_bits(dtype, element_of_integer(dtype, value));
}

namespace {

// Arithmetic of the 16-bit formats is f32 arithmetic rounded after each operation.
Scalar widen(ScalarBuilder& b, Scalar x) { return is_half(x.dtype) ? b.convert(x, Dtype::f32) : x; }

}  // namespace

Scalar ScalarBuilder::binary(Prim prim, Scalar a, Scalar b) {
    if (a.dtype != b.dtype)
        throw InternalError("a scalar rule mixes " + std::string(name(a.dtype)) + " and " + std::string(name(b.dtype)));
    if (is_half(a.dtype)) return convert(binary(prim, widen(*this, a), widen(*this, b)), a.dtype);
    return emit({.prim = prim, .dtype = a.dtype, .a = a.id, .b = b.id});
}

Scalar ScalarBuilder::unary(Prim prim, Scalar a) {
    if (is_half(a.dtype)) return convert(unary(prim, widen(*this, a)), a.dtype);
    return emit({.prim = prim, .dtype = a.dtype, .a = a.id});
}

Scalar ScalarBuilder::add(Scalar a, Scalar b) { return binary(Prim::add, a, b); }
Scalar ScalarBuilder::sub(Scalar a, Scalar b) { return binary(Prim::sub, a, b); }
Scalar ScalarBuilder::mul(Scalar a, Scalar b) { return binary(Prim::mul, a, b); }
Scalar ScalarBuilder::div(Scalar a, Scalar b) { return binary(Prim::div, a, b); }
Scalar ScalarBuilder::rem(Scalar a, Scalar b) { return binary(Prim::rem, a, b); }

Scalar ScalarBuilder::fma(Scalar a, Scalar b, Scalar c) {
    if (is_half(a.dtype)) return convert(fma(widen(*this, a), widen(*this, b), widen(*this, c)), a.dtype);
    return emit({.prim = Prim::fma, .dtype = a.dtype, .a = a.id, .b = b.id, .c = c.id});
}

Scalar ScalarBuilder::dot_bytes(Scalar a, Scalar b, Scalar c) {
    return emit({.prim = Prim::dot_bytes, .dtype = Dtype::i32, .a = a.id, .b = b.id, .c = c.id});
}

Scalar ScalarBuilder::neg(Scalar a) {
    if (is_half(a.dtype)) return bitcast(bit_xor(bitcast(a, Dtype::u16), constant_bits(Dtype::u16, 0x8000)), a.dtype);
    return unary(Prim::neg, a);
}

Scalar ScalarBuilder::abs(Scalar a) {
    if (is_half(a.dtype)) return bitcast(bit_and(bitcast(a, Dtype::u16), constant_bits(Dtype::u16, 0x7fff)), a.dtype);
    if (is_unsigned_integer(a.dtype)) return a;
    return unary(Prim::abs, a);
}

Scalar ScalarBuilder::sqrt(Scalar a) { return unary(Prim::sqrt, a); }
Scalar ScalarBuilder::round_even(Scalar a) { return unary(Prim::round_even, a); }
Scalar ScalarBuilder::floor(Scalar a) { return unary(Prim::floor, a); }
Scalar ScalarBuilder::bit_and(Scalar a, Scalar b) { return binary(Prim::bit_and, a, b); }
Scalar ScalarBuilder::bit_or(Scalar a, Scalar b) { return binary(Prim::bit_or, a, b); }
Scalar ScalarBuilder::bit_xor(Scalar a, Scalar b) { return binary(Prim::bit_xor, a, b); }
Scalar ScalarBuilder::bit_not(Scalar a) { return unary(Prim::bit_not, a); }
Scalar ScalarBuilder::shl(Scalar a, Scalar b) { return binary(Prim::shl, a, b); }
Scalar ScalarBuilder::shr(Scalar a, Scalar b) { return binary(Prim::shr, a, b); }

Scalar ScalarBuilder::compare(Prim relation, Scalar a, Scalar b) {
    if (a.dtype != b.dtype)
        throw InternalError("a scalar rule compares " + std::string(name(a.dtype)) + " with " +
                            std::string(name(b.dtype)));
    if (is_half(a.dtype)) return compare(relation, widen(*this, a), widen(*this, b));
    return emit({.prim = relation, .dtype = Dtype::boolean, .a = a.id, .b = b.id});
}

Scalar ScalarBuilder::select(Scalar condition, Scalar if_true, Scalar if_false) {
    if (if_true.id == if_false.id) return if_true;
    return emit({.prim = Prim::select, .dtype = if_true.dtype, .a = condition.id, .b = if_true.id, .c = if_false.id});
}

Scalar ScalarBuilder::select_rarely(Scalar condition, Scalar if_true, Scalar if_false) {
    return emit(
        {.prim = Prim::select, .dtype = if_true.dtype, .a = condition.id, .b = if_true.id, .c = if_false.id, .imm = 1});
}

Scalar ScalarBuilder::convert(Scalar a, Dtype to) {
    if (a.dtype == to) return a;
    const auto raw = [&](Scalar x, Dtype dtype) { return emit({.prim = Prim::convert, .dtype = dtype, .a = x.id}); };
    if (is_half(a.dtype)) return convert(raw(a, Dtype::f32), to);
    if (is_half(to))
        return raw(a.dtype == Dtype::f32 || size_of(a.dtype) <= 2 ? convert(a, Dtype::f32) : to_odd_f32(a), to);
    if (!is_float(a.dtype) || !is_integer(to)) return raw(a, to);

    // Saturate: [low, high) is the range whose truncation fits; both ends are exact powers of two.
    const bool is_signed = is_signed_integer(to);
    const int value_bits = static_cast<int>(8 * size_of(to)) - (is_signed ? 1 : 0);
    const std::uint64_t max_bits = ~std::uint64_t{0} >> (64 - value_bits);
    if (value_bits <= (a.dtype == Dtype::f64 ? 53 : 24)) {  // floats hold the greatest integer
        const Scalar zero = constant(a.dtype, 0.0), greatest = constant(a.dtype, std::ldexp(1.0, value_bits) - 1);
        const Scalar known = is_signed ? select(compare(Prim::eq, a, a), a, zero) : a;
        const Scalar least = is_signed ? constant(a.dtype, -std::ldexp(1.0, value_bits)) : zero;
        const Scalar above = select(compare(Prim::gt, known, least), known, least);  // not NaN
        return raw(select(compare(Prim::lt, above, greatest), above, greatest), to);
    }
    const Scalar low = constant(a.dtype, is_signed ? -std::ldexp(1.0, value_bits) : 0.0);
    const Scalar high = constant(a.dtype, std::ldexp(1.0, value_bits));
    const Scalar zero = constant(a.dtype, 0.0);
    const Scalar above_low = select(compare(Prim::gt, a, low), a, low);
    const Scalar in_range = select(compare(Prim::lt, above_low, high), above_low, zero);
    const Scalar saturated = select(compare(Prim::ge, a, high), constant_bits(to, max_bits), raw(in_range, to));
    return select(compare(Prim::ne, a, a), constant_bits(to, 0), saturated);
}

// A number of 32 or 64 bits in f32, rounded to odd where it is not exact: what rounds that to a half rounds the number
// itself, as f32 has at least two digits more. Rounding to nearest twice would not.
Scalar ScalarBuilder::to_odd_f32(Scalar a) {
    if (is_integer(a.dtype) && size_of(a.dtype) == 8) {
        // What f64 does not hold counts as odd, too: the lowest 11 bits go where one of the bits above knows of them.
        const auto bits = [&](std::int64_t value) { return constant_int(a.dtype, value); };
        const Scalar sticky = bit_and(bit_or(a, add(bit_and(a, bits(0x7ff)), bits(0x7ff))), bits(~std::int64_t{0x7ff}));
        const Scalar magnitude = is_signed_integer(a.dtype) ? bit_xor(a, shr(a, bits(63))) : a;
        const Scalar fits = compare(Prim::eq, shr(magnitude, bits(53)), bits(0));
        a = select(fits, a, sticky);
    }
    const Scalar x = convert(a, Dtype::f64);
    const Scalar nearest = convert(x, Dtype::f32), wide = convert(nearest, Dtype::f64);
    const Scalar bits = bitcast(nearest, Dtype::i32), one = constant_int(Dtype::i32, 1);
    const Scalar even = compare(Prim::eq, bit_and(bits, one), constant_int(Dtype::i32, 0));
    const Scalar too_far = compare(Prim::gt, abs(wide), abs(x)), too_near = compare(Prim::lt, abs(wide), abs(x));
    const Scalar moved = select(too_far, sub(bits, one), select(too_near, add(bits, one), bits));
    return bitcast(select(even, moved, bits), Dtype::f32);
}

Scalar ScalarBuilder::bitcast(Scalar a, Dtype to) {
    if (a.dtype == to) return a;
    return emit({.prim = Prim::bitcast, .dtype = to, .a = a.id});
}

ScalarProgram ScalarBuilder::finish(std::span<const Scalar> results) {
    for (const Scalar& r : results) program_.results.push_back(r.id);
    return std::move(program_);
}

}  // namespace lathe::ir
