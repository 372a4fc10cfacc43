#include "frontend/functions/random.h"

#include <algorithm>
#include <limits>
#include <numbers>
#include <tuple>

#include <fmt/format.h>

#include "frontend/functions/along_axis.h"
#include "frontend/functions/axis_arguments.h"
#include "frontend/functions/creation.h"
#include "frontend/functions/elementwise.h"
#include "frontend/functions/indexing.h"
#include "frontend/functions/operand_checks.h"
#include "frontend/functions/reductions.h"
#include "frontend/tensor/record.h"
#include "frontend/trace/control.h"
#include "ir/float_environment.h"
#include "ir/functions/random.h"
#include "ir/ops/ops.h"

namespace lathe {
namespace {

namespace f = ir::functions;
namespace ops = ir::ops;
using detail::blaming;
using detail::LocScope;
using detail::refuse;
using detail::value_of;

// Of a shape that memory may hold.
void require_addressable(const Shape& shape, Where where) {
    for (const Dim d : shape)
        if (d.is_constant()) detail::require_at_least("shape", "an extent", d.constant(), 0, where);
    const ir::Type words{Dtype::u64, shape};
    if (!words.is_addressable()) refuse("shape", fmt::format("{} random words are too many", words.to_string()), where);
}

constexpr ir::DtypeSet only_f32 = ir::dtypes_where([](Dtype d) { return d == Dtype::f32; });

void require_key(const RandomKey& key, Where where) {
    const ir::Type wanted{Dtype::u64, {}}, given = key.tensor().type();
    if (!(given == wanted)) refuse("key", fmt::format("the key is {}, not u64[]", given.to_string()), where);
}

// Two 64-bit words of Philox for each element. Keys are drawn with counters that no elements have.
constexpr std::int64_t first_counter_of_keys = std::int64_t{1} << 62;
std::pair<Tensor, Tensor> random_words(const RandomKey& random_key, const Shape& shape, Where where,
                                       std::int64_t first = 0) {
    const Tensor& key = random_key.tensor();
    require_key(random_key, where);
    require_addressable(shape, where);
    Tensor counter = f::reshape(arange(shape.element_count(), Dtype::u64, where), shape);
    if (first != 0) counter = ops::add(counter, detail::number_of(Dtype::u64, 0, first));
    const detail::NodeRef operands[] = {detail::resolve(key.node()), counter.node()};
    std::vector<detail::NodeRef> words = detail::record_results(ops::philox, operands, {}, where);
    return {Tensor(words[0]), Tensor(words[1])};
}

// The upper 24 bits as a number in [0, 1).
Tensor unit_interval(const Tensor& word) { return convert(shift_right(word, 40), Dtype::f32) * (1.0 / (1 << 24)); }
// The same in the middle of such steps: neither 0 nor 1.
Tensor open_unit_interval(const Tensor& word) { return unit_interval(word) + 0.5 / (1 << 24); }

Tensor gumbel(const RandomKey& key, const Shape& shape, Where where) {
    return -log(-log(open_unit_interval(random_words(key, shape, where).first)));
}

// The inverse of the distribution: sqrt(2) erfinv(2u - 1), with erfinv by Giles, "Approximating the erfinv function",
// 2010, in single precision.
Tensor normal(const Tensor& word) {
    const Tensor u = unit_interval(word) * 2.0 - (1.0 - 1.0 / (1 << 24));
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

// floor(word * range / 2^64), from products of halves.
Tensor scaled_down(const Tensor& word, std::uint64_t range) {
    const auto u64 = [](std::uint64_t v) { return detail::number_of(Dtype::u64, 0, static_cast<std::int64_t>(v)); };
    const Tensor low = u64(0xffffffffU), half = u64(32);
    const auto of_low = [&](const Tensor& x) { return ops::bit_and(x, low); };
    const auto of_high = [&](const Tensor& x) { return ops::shift_right(x, half); };
    const Tensor range_low = u64(range & 0xffffffffU), range_high = u64(range >> 32U);
    const Tensor word_low = of_low(word), word_high = of_high(word);
    const Tensor middle = ops::add(ops::mul(word_high, range_low), of_high(ops::mul(word_low, range_low)));
    const Tensor other = ops::add(ops::mul(word_low, range_high), of_low(middle));
    return ops::add(ops::add(ops::mul(word_high, range_high), of_high(middle)), of_high(other));
}

}  // namespace

RandomKey::RandomKey(std::uint64_t key, Number)
    : key_(detail::number_of(Dtype::u64, 0, static_cast<std::int64_t>(key))) {}

Tensor split_key(const RandomKey& key, std::int64_t count, Where where) {
    const LocScope scope(where, "split_key", key.tensor());
    detail::require_at_least("split_key", "count", count, 0, where);
    return random_words(key, Shape{count}, where, first_counter_of_keys).first;
}

Tensor random_uniform(const RandomKey& key, const Shape& shape, double low, double high, Where where) {
    const LocScope scope(where, "random_uniform", key.tensor());
    const ir::FloatEnvironment floats;
    if (const std::string_view why = f::refusal_of_range(low, high); !why.empty())
        refuse("random_uniform", fmt::format("{}: {} to {}", why, low, high), where);
    const auto number = [](double value) { return detail::number_of(Dtype::f32, value, 0); };
    const Tensor u = unit_interval(random_words(key, shape, where).first);
    if (f::has_finite_width(low, high)) return f::by_width(u, number(low), number(high - low));
    return f::by_ends(u, number(low), number(high));
}

Tensor random_normal(const RandomKey& key, const Shape& shape, Where where) {
    const LocScope scope(where, "random_normal", key.tensor());
    return normal(random_words(key, shape, where).first);
}

Tensor random_bernoulli(const RandomKey& key, double p, const Shape& shape, Where where) {
    const LocScope scope(where, "random_bernoulli", key.tensor());
    detail::require_between("random_bernoulli", "p", p, 0, 1, where);
    return unit_interval(random_words(key, shape, where).first) < p;
}
Tensor random_bernoulli(const RandomKey& key, const Tensor& p, Where where) {
    const LocScope scope(where, "random_bernoulli", key.tensor(), p);
    detail::require_dtype("random_bernoulli", "operand 1", only_f32, p);
    return unit_interval(random_words(key, p.type().shape, where).first) < p;
}

Tensor random_integers(const RandomKey& key, std::int64_t low, std::int64_t high, const Shape& shape, Dtype dtype,
                       Where where) {
    const LocScope scope(where, "random_integers", key.tensor());
    if (low >= high) refuse("random_integers", fmt::format("nothing is in [{}, {})", low, high), where);
    detail::require_dtype_of_result("random_integers", dtype, ir::integers, where);
    const std::uint64_t range = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low);
    const Tensor place = scaled_down(random_words(key, shape, where).first, range);
    return convert(ops::add(convert(place, Dtype::i64), detail::number_of(Dtype::i64, 0, low)), dtype);
}

Tensor random_permutation(const RandomKey& key, Dim n, Where where) {
    const LocScope scope(where, "random_permutation", key.tensor());
    return argsort(random_words(key, Shape{n}, where).first, 0);
}
Tensor random_shuffle(const RandomKey& key, const Tensor& x, std::int64_t axis, Where where) {
    const LocScope scope(where, "random_shuffle", key.tensor(), x);
    const auto a = static_cast<std::size_t>(detail::axis_of(axis, x.rank(), "random_shuffle", where));
    return index_select(x, random_permutation(key, x.type().shape[a]), axis);
}

Tensor random_gumbel(const RandomKey& key, const Shape& shape, Where where) {
    const LocScope scope(where, "random_gumbel", key.tensor());
    return gumbel(key, shape, where);
}
Tensor random_exponential(const RandomKey& key, const Shape& shape, Where where) {
    const LocScope scope(where, "random_exponential", key.tensor());
    return -log(open_unit_interval(random_words(key, shape, where).first));
}

Tensor random_categorical(const RandomKey& key, const Tensor& logits, std::int64_t axis, Where where) {
    const LocScope scope(where, "random_categorical", key.tensor(), logits);
    detail::require_dtype("random_categorical", "operand 1", ir::floats, logits);
    return argmax(convert(logits, Dtype::f32) + gumbel(key, logits.type().shape, where), axis);
}

Tensor random_gamma(const RandomKey& key, const Tensor& alpha, Where where) {
    const LocScope scope(where, "random_gamma", key.tensor(), alpha);
    require_key(key, where);
    detail::require_dtype("random_gamma", "operand 1", only_f32, alpha);
    const Shape shape = alpha.type().shape;
    const Tensor own = stop_gradient(alpha), is_valid = own > 0.0;
    // Below 1 the parameter is one more, and the result is scaled by a power of a uniform number.
    const Tensor is_small = own < 1.0, raised = lathe::where(is_small, own + 1.0, own);
    const Tensor d = raised - 1.0 / 3.0, c = 1.0 / sqrt(9.0 * d);
    // Which round it is, what was taken, and where something was.
    using State = std::tuple<Tensor, Tensor, Tensor>;
    const Tensor one = detail::number_of(Dtype::u64, 0, 1);
    const Tensor first_round = detail::number_of(Dtype::u64, 0, first_counter_of_keys);
    const State last =
        while_loop([](const State& state) { return sum(logical_not(std::get<2>(state))) > 0; },
                   [&](const State& state) {
                       const auto& [round, value, done] = state;
                       const detail::NodeRef operands[] = {detail::resolve(key.tensor().node()), round.node()};
                       const RandomKey own_key(Tensor(detail::record_results(ops::philox, operands, {}, where)[0]));
                       const auto [first, second] = random_words(own_key, shape, where);
                       const Tensor x = normal(first), root = 1.0 + c * x, v = root * root * root;
                       const Tensor is_positive = v > 0.0;
                       const Tensor bound = 0.5 * x * x + d - d * v + d * log(lathe::where(is_positive, v, 1.0));
                       const Tensor taken = logical_and(is_positive, log(open_unit_interval(second)) < bound);
                       return State(ops::add(round, one), lathe::where(done, value, d * v), logical_or(done, taken));
                   },
                   State(first_round, zeros_like(own), logical_not(is_valid)));
    const Tensor u = open_unit_interval(random_words(key, shape, where).first);
    const Tensor power = exp(log(u) / lathe::where(is_small, own, 1.0));
    const Tensor drawn = lathe::where(is_small, std::get<1>(last) * power, std::get<1>(last));
    return lathe::where(is_valid, drawn, std::numeric_limits<double>::quiet_NaN());
}

Tensor dropout(const RandomKey& key, const Tensor& x, double p, Where where) {
    const LocScope scope(where, "dropout", key.tensor(), x);
    detail::require_between("dropout", "p", p, 0, 1, where);
    detail::require_dtype("dropout", "operand 1", ir::floats, x);
    const Tensor v = value_of(x);
    if (p == 0) return v;
    const Tensor zero = f::number(v, 0);
    if (p == 1) return f::broadcast_to(zero, v.type().shape);
    const Tensor kept = unit_interval(random_words(key, v.type().shape, where).first) >= p;
    return ops::select(kept, v * (1 / (1 - p)), zero);
}

}  // namespace lathe
