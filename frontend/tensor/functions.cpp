#include "frontend/tensor/functions.h"

#include <algorithm>
#include <numbers>

#include <fmt/format.h>

#include "frontend/tensor/record.h"
#include "ir/float_environment.h"
#include "ir/functions/activations.h"
#include "ir/functions/losses.h"
#include "ir/functions/matmul.h"
#include "ir/functions/random.h"
#include "ir/functions/statistics.h"
#include "ir/ops/ops.h"

namespace lathe {
namespace {

namespace f = ir::functions;
namespace ops = ir::ops;
using detail::binary;
using detail::LocScope;
using detail::unary;

Tensor source(const ir::OpDef& op, ir::Attributes attributes, Where where) {
    return Tensor(detail::record(op, {}, std::move(attributes), where));
}

ir::Integers axes_or_all(const Tensor& x, const Axes& axes) {
    return axes.values().empty() ? f::all_axes(x.rank()) : f::natural_axes(axes.values(), x.rank());
}

using detail::blaming;
using detail::value_of;

// A reduction, with the reduced axes put back as extents of 1 where `keep` says so.
Tensor reduce(std::string_view name, const ir::OpDef& op, const Tensor& x, const Axes& axes, bool keep, Where where) {
    const LocScope scope(where, name, x);
    const ir::Integers all = axes_or_all(x, axes);
    if (all.empty()) return value_of(x);
    const Tensor y = op.with({all}, x);
    return keep ? f::expand_dims(y, x.type().shape, all) : y;
}

// The shape, with the extent of -1 that it may have as what the others leave of x's elements.
Shape with_inferred(const Shape& shape, const Tensor& x, Where where) {
    const auto is_inferred = [](Dim d) { return d == Dim(-1); };
    const auto inferred = std::ranges::count_if(shape, is_inferred);
    if (inferred == 0) return shape;
    const auto refuse = [&](const std::string& why) {
        throw TypeError(fmt::format("{}: {} ({})", detail::spoken("reshape"), why, x.type().to_string()),
                        detail::blame(where));
    };
    if (inferred > 1) refuse("more than one extent is -1");
    Dim rest = 0;
    try {
        Dim others = 1;
        for (Dim d : shape)
            if (!is_inferred(d)) others *= d;
        if (others == Dim(0)) refuse("an extent of -1 beside one of 0 could be any");
        const Dim all = x.type().shape.element_count();
        rest = floordiv(all, others);
        if (all.is_constant() && others.is_constant() && rest * others != all)
            refuse(fmt::format("{} elements do not divide into {}", all.constant(), others.constant()));
    } catch (const Error& e) {  // of arithmetic with extents
        if (e.loc().known()) throw;
        refuse(e.message());
    }
    Shape out;
    for (Dim d : shape) out.push_back(is_inferred(d) ? rest : d);
    return out;
}

std::int64_t natural_axis(std::int64_t axis, const Tensor& x) { return f::natural_axes({axis}, x.rank())[0]; }

}  // namespace

Tensor full(const Shape& shape, double value, Dtype dtype, Where where) {
    const LocScope scope(where, "full");
    return f::broadcast_to(detail::Operand(value, where).as(dtype, "full"), shape);
}
Tensor zeros(const Shape& shape, Dtype dtype, Where where) {
    const LocScope scope(where, "zeros");
    return full(shape, 0, dtype);
}
Tensor ones(const Shape& shape, Dtype dtype, Where where) {
    const LocScope scope(where, "ones");
    return full(shape, 1, dtype);
}
Tensor zeros_like(const Tensor& x, Where where) {
    const LocScope scope(where, "zeros_like", x);
    return f::broadcast_to(detail::number_of(x.dtype(), 0, 0), x.type().shape);
}
Tensor ones_like(const Tensor& x, Where where) {
    const LocScope scope(where, "ones_like", x);
    return f::broadcast_to(detail::number_of(x.dtype(), 1, 1), x.type().shape);
}
Tensor arange(Dim n, Dtype dtype, Where where) {
    const LocScope scope(where, "arange");
    return source(ops::iota, {Shape{n}, std::int64_t{0}, dtype}, where);
}

Tensor abs(const Tensor& x, Where where) { return unary(ops::abs, x, where); }
Tensor exp(const Tensor& x, Where where) { return unary(ops::exp, x, where); }
Tensor log(const Tensor& x, Where where) { return unary(ops::log, x, where); }
Tensor sqrt(const Tensor& x, Where where) { return unary(ops::sqrt, x, where); }
Tensor rsqrt(const Tensor& x, Where where) { return unary(ops::rsqrt, x, where); }
Tensor tanh(const Tensor& x, Where where) { return unary(ops::tanh, x, where); }
Tensor sigmoid(const Tensor& x, Where where) { return unary(ops::sigmoid, x, where); }
Tensor erf(const Tensor& x, Where where) { return unary(ops::erf, x, where); }
Tensor relu(const Tensor& x, Where where) {
    const LocScope scope(where, "relu", x);
    return f::relu(x);
}
Tensor gelu(const Tensor& x, Where where) {
    const LocScope scope(where, "gelu", x);
    return f::gelu(x);
}
Tensor silu(const Tensor& x, Where where) {
    const LocScope scope(where, "silu", x);
    return f::silu(x);
}
Tensor pow(const detail::Operand& x, const detail::Operand& y) { return binary(ops::pow, x, y); }
Tensor maximum(const detail::Operand& x, const detail::Operand& y) {
    const LocScope scope(x.where(), "maximum");
    return binary(ops::max, x, y);
}
Tensor minimum(const detail::Operand& x, const detail::Operand& y) {
    const LocScope scope(x.where(), "minimum");
    return binary(ops::min, x, y);
}
Tensor logical_and(const Tensor& a, const Tensor& b, Where where) {
    return binary(ops::logical_and, {a, where}, {b, where});
}
Tensor logical_or(const Tensor& a, const Tensor& b, Where where) {
    return binary(ops::logical_or, {a, where}, {b, where});
}
Tensor logical_not(const Tensor& a, Where where) { return unary(ops::logical_not, a, where); }
Tensor bit_and(const detail::Operand& a, const detail::Operand& b) { return binary(ops::bit_and, a, b); }
Tensor bit_or(const detail::Operand& a, const detail::Operand& b) { return binary(ops::bit_or, a, b); }
Tensor bit_xor(const detail::Operand& a, const detail::Operand& b) { return binary(ops::bit_xor, a, b); }
Tensor bit_not(const Tensor& x, Where where) { return unary(ops::bit_not, x, where); }
Tensor shift_left(const detail::Operand& a, const detail::Operand& b) { return binary(ops::shift_left, a, b); }
Tensor shift_right(const detail::Operand& a, const detail::Operand& b) { return binary(ops::shift_right, a, b); }
Tensor where(const Tensor& condition, const detail::Operand& if_true, const detail::Operand& if_false) {
    const LocScope scope(if_true.where(), "where", condition);
    for (const detail::Operand* x : {&if_true, &if_false}) {
        if (!x->is_number() && x->tensor().is_empty())
            throw UserError(detail::spoken("where") + ": an empty tensor was used", detail::blame(x->where()));
    }
    const Dtype dtype = !if_true.is_number()    ? if_true.tensor().dtype()
                        : !if_false.is_number() ? if_false.tensor().dtype()
                                                : Dtype::f32;
    const Tensor operands[] = {condition, if_true.as(dtype, "where"), if_false.as(dtype, "where")};
    return detail::TensorRecorder::record(ops::select, operands, {});
}
Tensor convert(const Tensor& x, Dtype dtype, Where where) {
    const LocScope scope(where, "convert", x);
    return f::convert(value_of(x), dtype);
}
Tensor stop_gradient(const Tensor& x, Where where) { return unary(ops::stop_gradient, x, where); }

Tensor reshape(const Tensor& x, const Shape& shape, Where where) {
    const LocScope scope(where, "reshape", x);
    return f::reshape(value_of(x), with_inferred(shape, x, where));
}
Tensor Tensor::reshape(const Shape& shape, Where where) const { return lathe::reshape(*this, shape, where); }
Tensor transpose(const Tensor& x, const Axes& permutation, Where where) {
    const LocScope scope(where, "transpose", x);
    ir::Integers order = permutation.values();
    for (std::int64_t& axis : order) axis = natural_axis(axis, x);
    return f::transpose(value_of(x), std::move(order));
}
Tensor Tensor::t(Where where) const {
    const LocScope scope(where, "t", *this);
    if (rank() < 2) throw TypeError("t: wants two axes or more (" + type().to_string() + ")", detail::blame(where));
    ir::Integers order = f::all_axes(rank());
    std::swap(order[order.size() - 1], order[order.size() - 2]);
    return transpose(*this, std::move(order), where);
}
Tensor broadcast_to(const Tensor& x, const Shape& shape, Where where) {
    const LocScope scope(where, "broadcast_to", x);
    return f::broadcast_to(value_of(x), shape);
}
Tensor slice(const Tensor& x, Shape start, Shape size, Where where) {
    const LocScope scope(where, "slice", x);
    return f::slice(x, start, size, ir::Integers(start.rank(), 1));
}
Tensor pad(const Tensor& x, const Shape& low, const Shape& high, double fill, Where where) {
    const LocScope scope(where, "pad", x);
    return f::pad(x, detail::Operand(fill, where).as(x.dtype(), "pad"), low, high);
}
Tensor concat(std::span<const Tensor> parts, std::int64_t axis, Where where) {
    const LocScope scope(where, "concat");
    if (parts.empty()) throw TypeError(detail::spoken("concat") + ": wants one tensor or more", detail::blame(where));
    for (const Tensor& part : parts)
        if (part.is_empty())
            throw UserError(detail::spoken("concat") + ": an empty tensor was used", detail::blame(where));
    return detail::TensorRecorder::record(ops::concat, parts, {natural_axis(axis, parts[0])});
}
Tensor gather(const Tensor& x, const Tensor& indices, std::int64_t axis, Where where) {
    const LocScope scope(where, "gather", x, indices);
    return ops::gather.with({natural_axis(axis, x)}, x, indices);
}
Tensor scatter_add(const Tensor& x, const Tensor& indices, const Tensor& updates, std::int64_t axis, Where where) {
    const LocScope scope(where, "scatter_add", x, indices, updates);
    return ops::scatter_add.with({natural_axis(axis, x)}, x, indices, updates);
}
Tensor one_hot(const Tensor& indices, std::int64_t classes, Dtype dtype, Where where) {
    const LocScope scope(where, "one_hot", indices);
    return blaming(where, "one_hot", [&] { return f::one_hot(indices, Dim(classes), dtype); });
}

Tensor sum(const Tensor& x, const Axes& axes, bool keep, Where where) {
    const LocScope scope(where, "sum", x);
    const Tensor y = reduce("sum", ops::sum, x, axes, keep, where);
    return x.rank() == 0 ? convert(y, ir::sum_of(y.dtype()), where) : y;
}
Tensor max(const Tensor& x, const Axes& axes, bool keep, Where where) {
    return reduce("max", ops::reduce_max, x, axes, keep, where);
}
Tensor min(const Tensor& x, const Axes& axes, bool keep, Where where) {
    return reduce("min", ops::reduce_min, x, axes, keep, where);
}
Tensor mean(const Tensor& x, const Axes& axes, bool keep, Where where) {
    const LocScope scope(where, "mean", x);
    const ir::Integers all = axes_or_all(x, axes);
    const Tensor y = blaming(where, "mean", [&] { return f::mean(value_of(x), all); });
    return keep ? f::expand_dims(y, x.type().shape, all) : y;
}
Tensor argmax(const Tensor& x, std::int64_t axis, ArgmaxOptions options, Where where) {
    const LocScope scope(where, "argmax", x);
    return ops::argmax.with({f::natural_axes({axis}, x.rank()), options.last}, x);
}
Tensor argmin(const Tensor& x, std::int64_t axis, ArgmaxOptions options, Where where) {
    const LocScope scope(where, "argmin", x);
    return ops::argmax.with({f::natural_axes({axis}, x.rank()), options.last}, f::reversed_order(x));
}
Tensor variance(const Tensor& x, const Axes& axes, VarianceOptions options, Where where) {
    const LocScope scope(where, "variance", x);
    const ir::Integers all = axes_or_all(x, axes);
    const Tensor y = blaming(where, "variance", [&] { return f::variance(value_of(x), all, options.correction); });
    return options.keep ? f::expand_dims(y, x.type().shape, all) : y;
}
Tensor softmax(const Tensor& x, std::int64_t axis, Where where) {
    const LocScope scope(where, "softmax", x);
    return blaming(where, "softmax", [&] { return f::softmax(x, axis); });
}
Tensor log_softmax(const Tensor& x, std::int64_t axis, Where where) {
    const LocScope scope(where, "log_softmax", x);
    return blaming(where, "log_softmax", [&] { return f::log_softmax(x, axis); });
}
namespace {

Tensor sorted(const Tensor& x, std::int64_t axis, SortOptions options, std::size_t result, Where where) {
    const detail::NodeRef operand = detail::operand(x.node());
    return Tensor(detail::record_results(ops::sort, {&operand, 1}, {axis, options.descending}, where)[result]);
}

}  // namespace

Tensor sort(const Tensor& x, std::int64_t axis, SortOptions options, Where where) {
    const LocScope scope(where, "sort", x);
    return sorted(x, axis, options, 0, where);
}
Tensor argsort(const Tensor& x, std::int64_t axis, SortOptions options, Where where) {
    const LocScope scope(where, "argsort", x);
    return sorted(x, axis, options, 1, where);
}
Tensor cumsum(const Tensor& x, std::int64_t axis, CumsumOptions options, Where where) {
    const LocScope scope(where, "cumsum", x);
    return ops::cumsum.with({axis, options.reverse}, x);
}

Tensor matmul(const Tensor& a, const Tensor& b, Where where) {
    const LocScope scope(where, "matmul", a, b);
    return blaming(where, "matmul", [&] { return f::matmul(a, b); });
}

Tensor dot_general(const Tensor& a, const Tensor& b, const ContractionAxes& axes, Where where) {
    const LocScope scope(where, "dot_general", a, b);
    const auto natural = [](const Axes& of, const Tensor& x) {
        ir::Integers out = of.values();
        for (std::int64_t& axis : out) axis = natural_axis(axis, x);
        return out;
    };
    return ops::dot_general.with(
        {natural(axes.a_batch, a), natural(axes.b_batch, b), natural(axes.a_contract, a), natural(axes.b_contract, b)},
        a, b);
}

Tensor cross_entropy(const Tensor& logits, const Tensor& labels, CrossEntropyOptions options, Where where) {
    const LocScope scope(where, "cross_entropy", logits, labels);
    return blaming(where, "cross_entropy", [&] { return f::cross_entropy(logits, labels, options.ignore_index); });
}
Tensor mean_squared_error(const Tensor& prediction, const Tensor& target, Where where) {
    const LocScope scope(where, "mean_squared_error", prediction, target);
    return blaming(where, "mean_squared_error", [&] { return f::mean_squared_error(prediction, target); });
}

namespace {

Tensor key_of(std::uint64_t key) { return detail::number_of(Dtype::u64, 0, static_cast<std::int64_t>(key)); }

// Of a shape that memory may hold.
void require_addressable(const Shape& shape, Dtype dtype) {
    const auto fail = [&](const char* why) {
        throw TypeError(detail::spoken("shape") + ": " + why + " (" + ir::Type{dtype, shape}.to_string() + ")",
                        detail::blame({}));
    };
    if (std::ranges::any_of(shape, [](Dim d) { return d.is_constant() && d.constant() < 0; }))
        fail("an extent is negative");
    if (!ir::Type{dtype, shape}.is_addressable()) fail("too large");
}

// Two 64-bit words of Philox for each element.
std::pair<Tensor, Tensor> random_words(const Tensor& key, const Shape& shape, Where where) {
    if (key.dtype() != Dtype::u64 || key.rank() != 0)
        throw TypeError(detail::spoken("random numbers") + ": a key is a u64 of rank 0, not " + key.type().to_string(),
                        detail::blame(where));
    require_addressable(shape, Dtype::u64);
    const Tensor counter = f::reshape(arange(shape.element_count(), Dtype::u64, where), shape);
    const detail::NodeRef operands[] = {detail::resolve(key.node()), counter.node()};
    std::vector<detail::NodeRef> words = detail::record_results(ops::philox, operands, {}, where);
    return {Tensor(words[0]), Tensor(words[1])};
}

// The upper 24 bits as a number in [0, 1).
Tensor unit_interval(const Tensor& word) { return convert(shift_right(word, 40), Dtype::f32) * (1.0 / (1 << 24)); }

}  // namespace

Tensor random_uniform(std::uint64_t key, const Shape& shape, double low, double high, Where where) {
    return random_uniform(key_of(key), shape, low, high, where);
}

Tensor random_uniform(const Tensor& key, const Shape& shape, double low, double high, Where where) {
    const LocScope scope(where, "random_uniform", key);
    const ir::FloatEnvironment floats;
    if (const std::string_view why = f::refusal_of_range(low, high); !why.empty())
        throw UserError(fmt::format("random_uniform: {} ({} to {})", why, low, high), detail::blame(where));
    const auto number = [](double value) { return detail::number_of(Dtype::f32, value, 0); };
    const Tensor u = unit_interval(random_words(key, shape, where).first);
    if (f::has_finite_width(low, high)) return f::by_width(u, number(low), number(high - low));
    return f::by_ends(u, number(low), number(high));
}

Tensor random_normal(std::uint64_t key, const Shape& shape, Where where) {
    return random_normal(key_of(key), shape, where);
}

Tensor random_normal(const Tensor& key, const Shape& shape, Where where) {
    // The inverse of the distribution: sqrt(2) erfinv(2u - 1), with erfinv by Giles, "Approximating the erfinv
    // function", 2010, in single precision.
    const LocScope scope(where, "random_normal", key);
    const Tensor u = unit_interval(random_words(key, shape, where).first) * 2.0 - (1.0 - 1.0 / (1 << 24));
    const Tensor w = -log((1.0 - u) * (1.0 + u));
    const auto polynomial = [](const Tensor& x, std::initializer_list<double> c) {
        Tensor p = zeros_like(x) + *c.begin();
        for (const double* i = c.begin() + 1; i != c.end(); ++i) p = p * x + *i;
        return p;
    };
    const Tensor central =
        polynomial(w - 2.5, {2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087,
                             -0.00125372503, -0.00417768164, 0.246640727, 1.50140941});
    const Tensor tail =
        polynomial(sqrt(w) - 3.0, {-0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773,
                                   -0.0076224613, 0.00943887047, 1.00167406, 2.83297682});
    return lathe::where(w < 5.0, central, tail) * u * std::numbers::sqrt2;
}

}  // namespace lathe
