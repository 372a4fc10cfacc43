#include "frontend/tensor/tensor.h"

#include <array>
#include <bit>
#include <cstring>
#include <thread>

#include <fmt/format.h>

#include "frontend/tensor/convert.h"
#include "frontend/tensor/record.h"
#include "frontend/tensor/run_plan.h"
#include "frontend/trace/gradient.h"
#include "frontend/trace/region.h"
#include "frontend/trace/trace.h"
#include "ir/float_environment.h"
#include "ir/functions/basic.h"
#include "ir/ops/ops.h"
#include "ir/text/element.h"
#include "runtime/per_thread.h"

namespace lathe {
namespace {

using detail::LocScope;
using detail::Node;
using detail::NodeRef;

std::size_t byte_count(const ir::Type& type) {
    return static_cast<std::size_t>(type.shape.element_count().constant()) * size_of(type.dtype);
}

[[noreturn]] void fail(const std::string& message, Where where) { throw UserError(message, detail::blame(where)); }

// An empty tensor is the mistake of whoever uses it.
void require_value(const Tensor& t, std::string_view op, Where where) {
    if (t.is_empty()) fail(detail::spoken(op) + ": an empty tensor was used", where);
}

}  // namespace

const ir::Type& Tensor::type(Where where) const& {
    if (!node_) fail(detail::spoken("type") + ": an empty tensor was used", where);
    return node_->type;
}

ir::Type detail::type_in_memory(Dtype dtype, const std::vector<std::int64_t>& shape, const std::string& function,
                                Where where) {
    ir::Type type{dtype, {}};
    if (shape.size() > ir::max_rank)
        throw TypeError(function + ": a tensor has at most " + std::to_string(ir::max_rank) + " dimensions",
                        detail::blame(where));
    auto count = static_cast<std::int64_t>(size_of(dtype));
    for (std::int64_t extent : shape) {
        if (extent < 0) fail(function + ": an extent is negative", where);
        type.shape.push_back(extent);
        if (__builtin_mul_overflow(count, extent, &count)) fail(function + ": the shape is too large", where);
    }
    return type;
}

Tensor Tensor::from_bytes(Dtype dtype, const std::vector<std::int64_t>& shape, std::span<const std::byte> bytes,
                          Where where) {
    const ir::Type type = detail::type_in_memory(dtype, shape, "from", where);
    if (byte_count(type) != bytes.size())
        fail("from: " + type.to_string() + " takes " + std::to_string(byte_count(type)) + " bytes, not " +
                 std::to_string(bytes.size()),
             where);
    const LocScope scope(where);
    runtime::Buffer buffer = detail::allocate_tensor(bytes.size());
    if (!bytes.empty()) std::memcpy(buffer.data(), bytes.data(), bytes.size());
    detail::normalize(dtype, buffer.data(), bytes.size());
    return Tensor(detail::leaf(type, std::move(buffer)));
}

Tensor Tensor::from(const Array& array, Where where) {
    return from_bytes(array.dtype, array.shape, array.bytes, where);
}

Tensor detail::number_of(Dtype dtype, double value, std::int64_t integer) {
    const ir::FloatEnvironment floats;
    return Tensor(detail::number(
        dtype, is_integer(dtype) ? ir::element_of_integer(dtype, integer) : ir::element_of(dtype, value)));
}

namespace {

double as_double(detail::Written number) {
    switch (ir::info(number.dtype).kind) {
        case ir::DtypeKind::floating:
            return number.dtype == Dtype::f32
                       ? static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(number.bits)))
                       : std::bit_cast<double>(number.bits);
        case ir::DtypeKind::signed_integer:
            return static_cast<double>(static_cast<std::int64_t>(number.bits));
        default:
            return static_cast<double>(number.bits);
    }
}

// The number as an integer of 64 bits, of either sign; of a float, without its fraction, and 0 where there is none.
std::int64_t integer_of(detail::Written number, double value) {
    if (!is_float(number.dtype)) return static_cast<std::int64_t>(number.bits);
    constexpr double end = 0x1p63;
    if (value >= end && value < 2 * end) return static_cast<std::int64_t>(static_cast<std::uint64_t>(value));
    return value >= -end && value < end ? static_cast<std::int64_t>(value) : 0;
}

// Throws where an integer dtype does not hold the number.
void require_fit(Dtype dtype, double value, std::int64_t integer, std::string_view op, Where where) {
    const auto bits = static_cast<int>(8 * size_of(dtype));
    const auto natural = static_cast<std::uint64_t>(integer);
    const bool fits = is_signed_integer(dtype)
                          ? static_cast<double>(integer) == value && integer >> (bits - 1) == integer >> 63
                          : static_cast<double>(natural) == value && (bits == 64 || natural >> bits == 0);
    if (!fits)
        throw TypeError(fmt::format("{}: the number {} is not one of {}", detail::spoken(op), value, ir::name(dtype)),
                        detail::blame(where));
}

}  // namespace

Tensor detail::scalar_of(Dtype dtype, Written number) {
    const ir::FloatEnvironment floats;
    const double value = as_double(number);
    return number_of(dtype, value, integer_of(number, value));
}

Tensor detail::Operand::as(Dtype dtype, std::string_view op) const {
    if (!is_number()) return *tensor_;
    if (number_.dtype == Dtype::f64 && is_float(dtype))
        return number_of(dtype, std::bit_cast<double>(number_.bits), 0);  // the usual case
    const ir::FloatEnvironment floats;
    const double value = as_double(number_);
    const std::int64_t integer = integer_of(number_, value);
    if (is_integer(dtype)) require_fit(dtype, value, integer, op, where_);
    return number_of(dtype, value, integer);
}

Dim Tensor::dim(std::int64_t axis, Where where) const {
    const ir::Shape& shape = type(where).shape;
    const auto rank = static_cast<std::int64_t>(shape.rank());
    if (axis < -rank || axis >= rank)
        fail("dim: axis " + std::to_string(axis) + " is out of range for " + type().to_string(), where);
    return shape[static_cast<std::size_t>(axis < 0 ? axis + rank : axis)];
}

std::int64_t Tensor::extent(std::int64_t axis, Where where) const {
    const Dim d = dim(axis, where);
    if (d.is_constant()) return d.constant();
    Trace* trace = Trace::current();
    if (trace == nullptr) fail("extent: the dimension is symbolic", where);
    return trace->pin(d, detail::blame(where));
}

std::vector<std::int64_t> Tensor::shape(Where where) const {
    std::vector<std::int64_t> out;
    for (std::size_t i = 0; i < rank(where); ++i) out.push_back(extent(static_cast<std::int64_t>(i), where));
    return out;
}

std::int64_t Tensor::size(Where where) const {
    std::int64_t n = 1;
    for (std::int64_t extent : shape(where)) n *= extent;
    return n;
}

const Tensor& Tensor::eval(Where where) const& {
    if (is_variable() || !node_) {
        lathe::eval(std::span(this, 1), where);
    } else if (Node* node = node_.get(); !node->is_ready()) {
        const LocScope scope(where);
        detail::evaluate(std::span(&node, 1));
    }
    return *this;
}

void eval(std::span<const Tensor> tensors, Where where) {
    const LocScope scope(where);
    std::vector<NodeRef> kept;
    std::vector<Node*> targets;
    for (const Tensor& t : tensors) {
        require_value(t, "eval", where);
        NodeRef node = detail::resolve(t.node());
        if (node->is_ready()) continue;
        targets.push_back(node.get());
        kept.push_back(std::move(node));
    }
    if (!targets.empty()) detail::evaluate(targets);
}

void Tensor::require_memory(std::uint64_t bytes, Where where) const {
    try {
        runtime::require_room(bytes);
    } catch (const runtime::ResourceExhausted& e) {
        throw ResourceError("copy of " + type().to_string() + ": " + e.what(), detail::blame(where));
    }
}

void Tensor::copy_out(Dtype as, void* out, std::size_t bytes, bool one, Where where) const {
    eval(where);
    const NodeRef node = detail::resolve(node_);
    const auto count = static_cast<std::size_t>(node->type.shape.element_count().constant());
    if (one && count != 1) fail("item: " + node->type.to_string() + " does not have one element", where);
    if (one ? bytes != size_of(as) : bytes != count * size_of(as)) fail("to_vector: sizes differ", where);
    const Dtype dtype = node->type.dtype;
    if (const auto at = detail::convert_exactly(dtype, node->elements(), as, out, count)) {
        std::uint64_t element = 0;
        std::memcpy(&element, static_cast<const std::byte*>(node->elements()) + *at * size_of(dtype), size_of(dtype));
        throw TypeError(fmt::format("{}: {} of {} is no value of {}{}; ask for another type, or convert()",
                                    one ? "item" : "to_vector", ir::print_element(dtype, element),
                                    node->type.to_string(), ir::name(as), one ? "" : fmt::format(" (element {})", *at)),
                        detail::blame(where));
    }
}

const void* Tensor::data_as(Dtype dtype, Where where) const {
    if (is_variable())
        fail(
            "data: the memory of a variable goes to its next value; to_vector() copies it, and what was computed from "
            "it has memory of its own",
            where);
    eval(where);
    if (node_->type.dtype != dtype)
        throw TypeError(fmt::format("data: the elements of {} are no {}", node_->type.to_string(), ir::name(dtype)),
                        detail::blame(where));
    return node_->elements();
}

std::span<const std::byte> Tensor::bytes(Where where) const& {
    const ir::Type& own = type(where);
    const auto* const first = static_cast<const std::byte*>(data_as(own.dtype, where));
    return {first, byte_count(own)};
}

Array Tensor::to_array(Where where) const {
    eval(where);
    const NodeRef node = detail::resolve(node_);
    Array array{node->type.dtype, shape(where), {}};
    require_memory(byte_count(node->type), where);
    array.bytes.resize(byte_count(node->type));
    if (!array.bytes.empty()) std::memcpy(array.bytes.data(), node->elements(), array.bytes.size());
    return array;
}

// ---- variables

bool Tensor::is_variable() const { return node_ && node_->kind == detail::NodeKind::variable; }

Tensor variable(const Tensor& value, std::string name, bool trainable, Where where) {
    const LocScope scope(where, "variable", value);
    const NodeRef node = detail::make_variable(value.type(), std::move(name), trainable);
    if (Trace* const trace = Trace::current()) {
        node->variable->in_trace = true;
        trace->declare(node, detail::resolve(value.node()));
        return Tensor(node);
    }
    detail::store_variable(node, detail::resolve(value.node()));
    return Tensor(node);
}

namespace {

// While tracing, an extent that is a symbol may turn out to fit.
bool may_take(const ir::Type& own, const ir::Type& given) {
    bool fits = own.dtype == given.dtype && own.shape.rank() == given.shape.rank();
    for (std::size_t i = 0; fits && i < own.shape.rank(); ++i)
        fits = own.shape[i] == given.shape[i] ||
               (Trace::current() != nullptr && !(given.shape[i] - own.shape[i]).is_constant());
    return fits;
}

}  // namespace

void Tensor::set(const Tensor& value, Where where) const {
    if (!is_variable() && node_ && node_->kind == detail::NodeKind::placeholder)
        fail(
            "set: the tensor is an argument of a traced function, which is a value; let the function capture the "
            "variable",
            where);
    if (!is_variable()) fail("set: the tensor is no variable", where);
    if (detail::in_region())
        fail("set: inside of a loop, a branch or vmap no variable can be set; let the function return its value",
             where);
    require_value(value, "set", where);
    NodeRef node = detail::resolve(value.node());
    if (!may_take(type(), value.type()))
        throw TypeError("set: a variable of type " + type().to_string() + " cannot take " + value.type().to_string(),
                        detail::blame(where));
    if (Trace* const trace = Trace::current()) {
        trace->write(node_, std::move(node), detail::blame(where));
        return;
    }
    detail::store_variable(node_, node);
}

bool Tensor::is_trainable(Where where) const {
    if (!is_variable()) fail("is_trainable: the tensor is no variable", where);
    return node_->variable->trainable.read();
}

void Tensor::set_trainable(bool trainable, Where where) const {
    if (!is_variable()) fail("set_trainable: the tensor is no variable", where);
    if (Trace::current() != nullptr) fail("set_trainable: a function that is being traced cannot change it", where);
    detail::set_trainable(node_, trainable);
}

Tensor Tensor::grad(Where where) const {
    if (!is_variable()) fail("grad: the tensor is no variable", where);
    return Tensor(detail::variable_gradient(node_->variable));
}

void Tensor::set_grad(const Tensor& gradient, Where where) const {
    if (!is_variable()) fail("set_grad: the tensor is no variable", where);
    if (detail::in_region())
        fail("set_grad: inside of a loop, a branch or vmap nothing can be set; let the function return its value",
             where);
    require_value(gradient, "set_grad", where);
    if (!may_take(type(), gradient.type()))
        throw TypeError("set_grad: a derivative by " + type().to_string() + " cannot be " + gradient.type().to_string(),
                        detail::blame(where));
    detail::set_variable_gradient(node_->variable, detail::resolve(gradient.node()));
}

void Tensor::zero_grad(Where where) const {
    if (!is_variable()) fail("zero_grad: the tensor is no variable", where);
    detail::set_variable_gradient(node_->variable, {});
}

void Tensor::backward(Where where) const { detail::backward(*this, where); }

Tensor operator+(const detail::Operand& a, const detail::Operand& b) { return detail::binary(ir::ops::add, a, b); }
Tensor operator-(const detail::Operand& a, const detail::Operand& b) { return detail::binary(ir::ops::sub, a, b); }
Tensor operator*(const detail::Operand& a, const detail::Operand& b) { return detail::binary(ir::ops::mul, a, b); }
Tensor operator/(const detail::Operand& a, const detail::Operand& b) { return detail::binary(ir::ops::div, a, b); }
Tensor operator%(const detail::Operand& a, const detail::Operand& b) { return detail::binary(ir::ops::rem, a, b); }
Tensor operator==(const detail::Operand& a, const detail::Operand& b) { return detail::binary(ir::ops::eq, a, b); }
Tensor operator!=(const detail::Operand& a, const detail::Operand& b) { return detail::binary(ir::ops::ne, a, b); }
Tensor operator<(const detail::Operand& a, const detail::Operand& b) { return detail::binary(ir::ops::lt, a, b); }
Tensor operator<=(const detail::Operand& a, const detail::Operand& b) { return detail::binary(ir::ops::le, a, b); }
Tensor operator>(const detail::Operand& a, const detail::Operand& b) { return detail::binary(ir::ops::gt, a, b); }
Tensor operator>=(const detail::Operand& a, const detail::Operand& b) { return detail::binary(ir::ops::ge, a, b); }
Tensor operator-(const detail::Operand& x) { return detail::unary(ir::ops::neg, x.tensor(), x.where()); }

Tensor& Tensor::update(const ir::OpDef& op, const detail::Operand& b) {
    const Where where = b.where();
    const bool recorded = Trace::current() != nullptr || detail::in_region();
    if (recorded && node_ && !is_variable() && node_->made_in != detail::trace_serial)
        fail(fmt::format("{}: the tensor is from outside of the function that is being traced, which cannot give it "
                         "another value; take a variable, or a tensor that the function makes",
                         op.name),
             where);
    Tensor result = detail::binary(op, {*this, where}, b);
    const ir::Type &own = type(where), &other = result.type();
    if (other.dtype != own.dtype || !ir::functions::may_be_equal(own.shape, other.shape))
        throw TypeError(fmt::format("{}: the result does not go into the tensor, {} into {}", op.name,
                                    other.to_string(), own.to_string()),
                        detail::blame(where));
    if (is_variable())
        set(result, where);
    else
        *this = std::move(result);
    return *this;
}
Tensor& Tensor::operator+=(const detail::Operand& b) & { return update(ir::ops::add, b); }
Tensor& Tensor::operator-=(const detail::Operand& b) & { return update(ir::ops::sub, b); }
Tensor& Tensor::operator*=(const detail::Operand& b) & { return update(ir::ops::mul, b); }
Tensor& Tensor::operator/=(const detail::Operand& b) & { return update(ir::ops::div, b); }
Tensor& Tensor::operator%=(const detail::Operand& b) & { return update(ir::ops::rem, b); }

}  // namespace lathe
