#include "frontend/functions/attention.h"

#include <string_view>

#include <fmt/format.h>

#include "frontend/functions/operand_checks.h"
#include "frontend/tensor/record.h"
#include "ir/functions/attention.h"

namespace lathe {
namespace {

namespace f = ir::functions;
using detail::blaming;
using detail::LocScope;
using detail::value_of;

constexpr std::string_view attention = "scaled_dot_product_attention";

// How many heads of queries share one of keys.
Dim queries_per_head(const Tensor& q, const Tensor& k) {
    if (q.rank() < 3 || k.rank() < 3) return 1;
    const Dim all = q.type().shape[q.rank() - 3], own = k.type().shape[k.rank() - 3];
    if (all == own || !all.is_constant() || !own.is_constant() || own == Dim(1)) return 1;
    if (own.constant() == 0 || all.constant() % own.constant() != 0)
        f::refuse(attention,
                  fmt::format("{} heads of queries are no multiple of {} of keys", all.constant(), own.constant()), q,
                  k);
    return all.constant() / own.constant();
}

}  // namespace

Tensor scaled_dot_product_attention(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionOptions& options,
                                    Where where) {
    LocScope scope(where, attention, q, k, v);
    scope.also(options.mask);
    return blaming(where, attention, [&] {
        for (const Tensor* t : {&k, &v}) f::require_same_dtype(attention, q, *t);
        detail::require_floats(attention, q, k);
        if (q.rank() < 2 || k.rank() < 2 || v.rank() < 2)
            f::refuse(attention, "wants [.., places, width], two axes or more", q, k);
        const auto from_end = [](const Tensor& t, std::size_t i) { return t.type().shape[t.rank() - i]; };
        if (!f::may_be_equal(from_end(q, 1), from_end(k, 1)))
            f::refuse(attention, "the widths of queries and keys differ", q, k);
        if (!f::may_be_equal(from_end(k, 2), from_end(v, 2)))
            f::refuse(attention, "keys and values differ in number", k, v);
        f::Attention<Tensor> a{.mask = {}, .causal = options.causal, .scale = options.scale};
        if (!options.mask.is_empty()) {
            if (options.mask.dtype() != Dtype::boolean && options.mask.dtype() != q.dtype())
                f::refuse(attention, "wants a mask of booleans, or of the queries' dtype", q, options.mask);
            a.mask = value_of(options.mask);
        }
        const Dim times = queries_per_head(q, k);
        return f::attention(value_of(q), f::repeated_heads(value_of(k), times), f::repeated_heads(value_of(v), times),
                            a);
    });
}

Tensor rotary_embedding(const Tensor& x, const Tensor& cosines, const Tensor& sines, RotaryOptions options,
                        Where where) {
    const LocScope scope(where, "rotary_embedding", x, cosines, sines);
    return blaming(where, "rotary_embedding", [&] {
        for (const Tensor* t : {&cosines, &sines}) f::require_same_dtype("rotary_embedding", x, *t);
        if (x.rank() == 0) f::refuse("rotary_embedding", "wants [.., length, width], one axis or more", x, cosines);
        const Dim width = x.type().shape[x.rank() - 1];
        if (width.is_constant() && width.constant() % 2 != 0)
            f::refuse("rotary_embedding", fmt::format("wants an even width, not {}", width.constant()), x, cosines);
        return f::rotated(value_of(x), value_of(cosines), value_of(sines), options.neighbours);
    });
}

}  // namespace lathe
