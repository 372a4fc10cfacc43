// Tensors: calls look eager, and are recorded; nothing is computed until a value is asked for.
//
//   Tensor a = Tensor::from({1.0F, 2.0F, 3.0F}), b = ones({3});
//   Tensor c = relu(a * b - 1.5);
//   std::cout << c;                       // evaluates, as do eval(), item() and to_vector()
//
// Tensors are handles: copying one is cheap and shares its value. Values never change, except of variables (see
// variable()), which are cells that set() gives another value. Everything may be used from many threads at once; a
// variable's reads and sets are each atomic.
//
// A Tensor converts to nothing, as it has no value yet: item<T>() is its one element, to_vector<T>() all of them, and
// neither gives a T that does not hold what is there. What compares tensors gives a tensor of booleans.
//
// Shapes broadcast as in NumPy. Both operands of an operation have the same dtype; a C++ number takes that of the other
// operand, which has to hold it. A mistake throws TypeError at the call that made it, naming the op, the types and the
// caller's line.
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <memory>
#include <source_location>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "frontend/tensor/array.h"
#include "frontend/tensor/index.h"
#include "frontend/tensor/node_ref.h"
#include "frontend/tensor/where.h"
#include "ir/type.h"

namespace lathe {

class At;
class Tensor;
namespace ir {
struct OpDef;
}

using ir::Dim;
using ir::Dtype;
using ir::Shape;

// The dtype of a C++ element type.
template <class T>
constexpr Dtype dtype_of() {
    if constexpr (std::is_same_v<T, bool>)
        return Dtype::boolean;
    else if constexpr (std::is_same_v<T, double>)
        return Dtype::f64;
    else if constexpr (std::is_same_v<T, float>)
        return Dtype::f32;
    else if constexpr (std::is_integral_v<T> && std::is_signed_v<T>)
        return sizeof(T) == 8 ? Dtype::i64 : sizeof(T) == 4 ? Dtype::i32 : sizeof(T) == 2 ? Dtype::i16 : Dtype::i8;
    else {
        static_assert(std::is_integral_v<T>, "tensors hold numbers and booleans");
        return sizeof(T) == 8 ? Dtype::u64 : sizeof(T) == 4 ? Dtype::u32 : sizeof(T) == 2 ? Dtype::u16 : Dtype::u8;
    }
}

template <class T>
concept Number = std::is_arithmetic_v<T>;

namespace detail {
// A C++ number as the user wrote it. Nothing is computed here, in the user's code, where numbers may be rounded
// otherwise and small ones be flushed to zero.
struct Written {
    Dtype dtype = Dtype::i64;
    std::uint64_t bits = 0;  // integers: extended to 64 bits
};
template <Number T>
constexpr Written written(T value) {
    if constexpr (std::is_same_v<T, float>)
        return {Dtype::f32, std::bit_cast<std::uint32_t>(value)};
    else if constexpr (std::is_floating_point_v<T>)
        return {Dtype::f64, std::bit_cast<std::uint64_t>(static_cast<double>(value))};
    else
        return {dtype_of<T>(), static_cast<std::uint64_t>(value)};
}

class Operand;
Tensor scalar_of(Dtype dtype, Written number);

// Results of functions that do not exist: compilers show these names where somebody calls one.
struct UseItemOrIsEmptyInstead;
struct UseLogicalNotInstead;
struct UseLogicalAndInstead;
struct UseLogicalOrInstead;
struct NameTheTypeOfTheElements;
struct PartsCannotBeAssignedUseAtInstead;
}  // namespace detail

class Tensor {
public:
    Tensor() = default;  // empty: not usable as an operand
    bool is_empty() const { return !node_; }
    Tensor(const Tensor&) = default;
    Tensor(Tensor&&) = default;
    Tensor& operator=(const Tensor&) & = default;
    Tensor& operator=(Tensor&&) & = default;
    ~Tensor() = default;
    // x[{0}] = y: x would not change.
    detail::PartsCannotBeAssignedUseAtInstead operator=(const Tensor&) && = delete;

    // `if (a == b)`: which of the elements? min(a == b).item<bool>(), is_empty().
    template <Number T, class Instead = detail::UseItemOrIsEmptyInstead>
    explicit operator T() const = delete;

    // ---- data in

    template <Number T>
    static Tensor from(std::span<const T> elements, const std::vector<std::int64_t>& shape,
                       Where where = Where::current()) {
        return from_bytes(dtype_of<T>(), shape, std::as_bytes(elements), where);
    }
    template <Number T>
    static Tensor from(const std::vector<T>& elements, const std::vector<std::int64_t>& shape,
                       Where where = Where::current()) {
        return from(std::span<const T>(elements), shape, where);
    }
    template <Number T>
    static Tensor from(std::initializer_list<T> elements, Where where = Where::current()) {
        return from(std::span<const T>(elements.begin(), elements.size()), {static_cast<std::int64_t>(elements.size())},
                    where);
    }
    template <Number T>
    static Tensor from(std::initializer_list<T> elements, std::vector<std::int64_t> shape,
                       Where where = Where::current()) {
        return from(std::span<const T>(elements.begin(), elements.size()), std::move(shape), where);
    }
    static Tensor from(const Array& array, Where where = Where::current());
    static Tensor from_bytes(Dtype dtype, const std::vector<std::int64_t>& shape, std::span<const std::byte> bytes,
                             Where where = Where::current());
    // Memory of the host's, which is read where it is and never written. `strides` count elements, and may be negative
    // or 0; none: row-major. `owner` is held as long as the memory is needed, and let go on whatever thread needs it
    // last; without one the caller sees to that. The host must not write to the memory while work that reads it is
    // pending. Memory that is not aligned to its elements is copied by this call, as booleans are.
    template <Number T>
    static Tensor borrow(const T* data, const std::vector<std::int64_t>& shape,
                         const std::vector<std::int64_t>& strides = {}, std::shared_ptr<const void> owner = {},
                         Where where = Where::current()) {
        return borrow_as(dtype_of<T>(), data, shape, strides, std::move(owner), where);
    }
    static Tensor borrow_as(Dtype dtype, const void* data, const std::vector<std::int64_t>& shape,
                            const std::vector<std::int64_t>& strides = {}, std::shared_ptr<const void> owner = {},
                            Where where = Where::current());
    // Rank 0.
    template <Number T>
    static Tensor scalar(T value) {
        return detail::scalar_of(dtype_of<T>(), detail::written(value));
    }

    // ---- type

    Dtype dtype(Where where = Where::current()) const { return type(where).dtype; }
    std::size_t rank(Where where = Where::current()) const { return type(where).shape.rank(); }
    // Negative axes count from the end; a symbol while tracing.
    Dim dim(std::int64_t axis, Where where = Where::current()) const;
    // The extent as a number. While a jit function is traced, this fixes the extent: another one traces anew.
    std::int64_t extent(std::int64_t axis, Where where = Where::current()) const;
    std::vector<std::int64_t> shape(Where where = Where::current()) const;
    std::int64_t size(Where where = Where::current()) const;  // elements
    const ir::Type& type(Where where = Where::current()) const&;
    ir::Type type(Where where = Where::current()) const&& { return type(where); }

    // ---- data out (evaluates)

    const Tensor& eval(Where where = Where::current()) const&;
    Tensor eval(Where where = Where::current()) && {
        eval(where);
        return std::move(*this);
    }
    Tensor eval(Where where = Where::current()) const&& { return eval(where); }
    // The one element. T may be narrower than the dtype if it holds the value as it is: TypeError where it does not, as
    // an i64 16777217 in a float, or an f64 0.1.
    template <Number T>
    T item(Where where = Where::current()) const {
        T out;
        copy_out(dtype_of<T>(), &out, sizeof(T), true, where);
        return out;
    }
    detail::NameTheTypeOfTheElements item() const = delete;
    // All elements, in row-major order; each as item() would give it.
    template <Number T>
    std::vector<T> to_vector(Where where = Where::current()) const {
        if constexpr (std::is_same_v<T, bool>) {
            const auto count = static_cast<std::size_t>(size(where));
            require_memory(count, where);
            std::vector<std::uint8_t> bytes(count);
            copy_out(Dtype::boolean, bytes.data(), count, false, where);
            return {bytes.begin(), bytes.end()};
        } else {
            const auto count = static_cast<std::size_t>(size(where));
            require_memory(count * sizeof(T), where);
            std::vector<T> out(count);
            copy_out(dtype_of<T>(), out.data(), out.size() * sizeof(T), false, where);
            return out;
        }
    }
    detail::NameTheTypeOfTheElements to_vector() const = delete;
    // The elements where they are, of the tensor's own dtype; they stay there as long as a tensor with this value
    // exists. Not of variables, whose next value may take their memory.
    template <Number T>
    std::span<const T> data(Where where = Where::current()) const& {
        return {static_cast<const T*>(data_as(dtype_of<T>(), where)), static_cast<std::size_t>(size(where))};
    }
    template <Number T>
    std::span<const T> data(Where where = Where::current()) const&& = delete;  // a temporary's elements end with it
    // The same as bytes, of any dtype.
    std::span<const std::byte> bytes(Where where = Where::current()) const&;
    std::span<const std::byte> bytes(Where where = Where::current()) const&& = delete;
    Array to_array(Where where = Where::current()) const;
    std::string to_string(Where where = Where::current()) const;  // as NumPy prints arrays
    friend std::ostream& operator<<(std::ostream& out, const Tensor& t);

    // ---- parts: see index.h

    Tensor operator[](std::initializer_list<Index> indices) const;
    At at(std::initializer_list<Index> indices) const;

    // ---- another value for the handle; a variable is set(). The type stays as it is: TypeError where the result had
    // another. A traced function cannot change handles of plain tensors from outside, whose value it would take along.

    Tensor& operator+=(const detail::Operand& b) &;
    Tensor& operator-=(const detail::Operand& b) &;
    Tensor& operator*=(const detail::Operand& b) &;
    Tensor& operator/=(const detail::Operand& b) &;
    Tensor& operator%=(const detail::Operand& b) &;
    template <class T>
    detail::PartsCannotBeAssignedUseAtInstead operator+=(const T&) && = delete;

    // ---- variables

    bool is_variable() const;
    // Whether derivatives flow to a variable. What was computed from it before a change keeps what it had then;
    // compiled functions that read the variable are traced again. It cannot be changed while tracing.
    bool is_trainable(Where where = Where::current()) const;
    void set_trainable(bool trainable, Where where = Where::current()) const;
    // Gives a variable another value of the same type. While tracing, the compiled function will do so when it runs.
    void set(const Tensor& value, Where where = Where::current()) const;
    // Where backward() left the derivative of its tensor by this variable; empty if nowhere. A function that is being
    // traced has derivatives of its own: empty when it starts, gone when it ends.
    Tensor grad(Where where = Where::current()) const;
    // Replaces it by one of the variable's type, as a scaled or clipped one; backward() adds to that.
    void set_grad(const Tensor& gradient, Where where = Where::current()) const;
    void zero_grad(Where where = Where::current()) const;
    // Adds the derivatives of this rank-0 tensor to grad() of every trainable variable that it was computed from.
    // Additions by several threads all count.
    void backward(Where where = Where::current()) const;

    // ---- the same as the functions below
    Tensor reshape(const Shape& shape, Where where = Where::current()) const;
    Tensor t(Where where = Where::current()) const;  // the last two axes exchanged

    // ---- for Lathe's own use
    explicit Tensor(detail::NodeRef node) : node_(std::move(node)) {}
    const detail::NodeRef& node() const { return node_; }

private:
    // Throws ResourceError where so many bytes would be more than there is.
    void require_memory(std::uint64_t bytes, Where where) const;
    const void* data_as(Dtype dtype, Where where) const;
    Tensor& update(const ir::OpDef& op, const detail::Operand& b);
    void copy_out(Dtype as, void* out, std::size_t bytes, bool one, Where where) const;
    detail::NodeRef node_;
};

// Functions that would compute something else than they say: they have no value to look at.
detail::UseLogicalNotInstead operator!(const Tensor& x) = delete;
template <class A, class B>
    requires(std::derived_from<A, Tensor> || std::derived_from<B, Tensor>)
detail::UseLogicalAndInstead operator&&(const A& a, const B& b) = delete;
template <class A, class B>
    requires(std::derived_from<A, Tensor> || std::derived_from<B, Tensor>)
detail::UseLogicalOrInstead operator||(const A& a, const B& b) = delete;

namespace detail {

// An operand of a function: it remembers where the user wrote it, and may be a number. It refers to its tensor, and so
// lives as an argument only.
class Operand {
public:
    Operand(const Tensor& tensor, Where where = Where::current())  // NOLINT(google-explicit-constructor)
        : tensor_(&tensor), where_(where) {}
    template <Number T>
    Operand(T value, Where where = Where::current())  // NOLINT(google-explicit-constructor)
        : number_(detail::written(value)), where_(where) {}
    Operand(const Operand&) = delete;
    Operand& operator=(const Operand&) = delete;
    ~Operand() = default;
    static void* operator new(std::size_t) = delete;
    static void* operator new[](std::size_t) = delete;

    Where where() const { return where_; }
    bool is_number() const { return tensor_ == nullptr; }
    const Tensor& tensor() const { return *tensor_; }
    // For an op. Throws TypeError where an integer dtype does not hold the number: 1.5, or 300 in i8.
    Tensor as(Dtype dtype, std::string_view op) const;

private:
    const Tensor* tensor_ = nullptr;
    detail::Written number_;
    Where where_;
};

// The value of the time: what a function that changes nothing returns. The variable itself would change with it.
inline Tensor value_of(const Tensor& x) { return x.is_variable() ? Tensor(resolve(x.node())) : x; }
inline Tensor value_of(Tensor&& x) { return x.is_variable() ? Tensor(resolve(x.node())) : std::move(x); }

}  // namespace detail

// How an update meets what is there.
enum class Update : std::uint8_t { set, add, multiply, min, max };

// What x[{...}] takes, to be updated: x.at({rows}).add(y) is x with y added there. The tensor itself stays as it is.
// The update broadcasts to the shape of x[{...}]. An element that occurs more than once gets each of its updates, one
// after the other in row-major order; of set() it has the last.
class At {
public:
    Tensor set(const detail::Operand& y) const { return update(Update::set, y); }
    Tensor add(const detail::Operand& y) const { return update(Update::add, y); }
    Tensor multiply(const detail::Operand& y) const { return update(Update::multiply, y); }
    Tensor min(const detail::Operand& y) const { return update(Update::min, y); }
    Tensor max(const detail::Operand& y) const { return update(Update::max, y); }
    Tensor update(Update how, const detail::Operand& y) const;

private:
    friend class Tensor;
    At(Tensor x, std::vector<Index> indices) : x_(std::move(x)), indices_(std::move(indices)) {}
    Tensor x_;
    std::vector<Index> indices_;
};

// Operators are found through their Tensor operand only.
Tensor operator+(const detail::Operand& a, const detail::Operand& b);
Tensor operator-(const detail::Operand& a, const detail::Operand& b);
Tensor operator*(const detail::Operand& a, const detail::Operand& b);
Tensor operator/(const detail::Operand& a, const detail::Operand& b);
Tensor operator%(const detail::Operand& a, const detail::Operand& b);  // the remainder of division toward zero
Tensor operator==(const detail::Operand& a, const detail::Operand& b);
Tensor operator!=(const detail::Operand& a, const detail::Operand& b);
Tensor operator<(const detail::Operand& a, const detail::Operand& b);
Tensor operator<=(const detail::Operand& a, const detail::Operand& b);
Tensor operator>(const detail::Operand& a, const detail::Operand& b);
Tensor operator>=(const detail::Operand& a, const detail::Operand& b);
Tensor operator-(const detail::Operand& x);

// Evaluates several tensors as one program.
void eval(std::span<const Tensor> tensors, Where where = Where::current());

// A cell with a first value. Operations read the value that it has when they are recorded; compiled functions read and
// set it when they run.
Tensor variable(const Tensor& value, std::string name = "", bool trainable = true, Where where = Where::current());

}  // namespace lathe
