#include "frontend/functions/random.h"

#include <algorithm>
#include <numbers>

#include <fmt/format.h>

#include "frontend/functions/creation.h"
#include "frontend/functions/elementwise.h"
#include "frontend/tensor/record.h"
#include "ir/float_environment.h"
#include "ir/functions/random.h"
#include "ir/ops/ops.h"

namespace lathe {
namespace {

namespace f = ir::functions;
namespace ops = ir::ops;
using detail::LocScope;

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
