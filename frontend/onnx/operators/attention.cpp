// Attention, the rotary embedding of positions, and the activations that go with them in com.microsoft.
#include "frontend/functions/attention.h"

#include <cmath>
#include <limits>
#include <optional>

#include <fmt/format.h>

#include "frontend/functions/activations.h"
#include "frontend/functions/creation.h"
#include "frontend/functions/elementwise.h"
#include "frontend/functions/indexing.h"
#include "frontend/functions/joining.h"
#include "frontend/functions/movement.h"
#include "frontend/functions/products.h"
#include "frontend/onnx/operators.h"
#include "frontend/tensor/record.h"
#include "ir/functions/attention.h"

namespace lathe::onnx {
namespace {

namespace f = ir::functions;

constexpr double infinity = std::numeric_limits<double>::infinity();

// ---- heads: [images, heads, places, width]

// From [images, places, heads * width] to [images, places, heads, width].
Tensor split_heads(const NodeCall& c, const Tensor& x, std::int64_t heads) {
    const Dim all = x.dim(2);
    if (all.is_constant() && all.constant() % heads != 0)
        c.refuse(fmt::format("a width of {} does not divide into {} heads", all.constant(), heads));
    return reshape(x, {x.dim(0), x.dim(1), heads, ir::floordiv(all, heads)});
}
Tensor apart(const NodeCall& c, const Tensor& x, std::int64_t heads) {
    return transpose(split_heads(c, x, heads), {0, 2, 1, 3});
}
Tensor joined(const Tensor& x) {
    return reshape(transpose(x, {0, 2, 1, 3}), {x.dim(0), x.dim(2), x.dim(1) * x.dim(3)});
}

// How many heads of queries share one of keys.
Dim queries_per_head(const NodeCall& c, const Tensor& q, const Tensor& k) {
    const Dim all = q.dim(1), own = k.dim(1);
    if (all == own) return 1;
    if (!all.is_constant() || !own.is_constant()) return ir::floordiv(all, own);
    if (own.constant() < 1 || all.constant() % own.constant() != 0)
        c.refuse(fmt::format("{} heads of queries are no multiple of {} of keys", all.constant(), own.constant()));
    return all.constant() / own.constant();
}

// Of one dtype of floats, values of another perhaps.
void require_floats(const NodeCall& c) {
    if (!ir::is_float(c[0].dtype()) || c[1].dtype() != c[0].dtype() || !ir::is_float(c[2].dtype()))
        c.refuse("wants queries and keys of one dtype of floats, and values that are floats");
}

// ---- scores: [images, heads, queries, keys]

struct Scoring {
    std::optional<double> scale = {};  // none: 1 / sqrt(width)
    double softcap = 0;                // scores s become softcap * tanh(s / softcap), unless it is 0
    std::vector<Tensor> conditions;    // which pairs take part: those for which all hold
    std::vector<Tensor> addends;
    std::optional<Dtype> dtype = {};  // of the softmax
};
struct Scored {
    Tensor raw, capped, biased, weights, result;
};

// Computed in the dtype that sums of the queries' accumulate in. Rows in which nothing takes part are zeros.
Scored attend(const NodeCall& c, const Tensor& q, const Tensor& k, const Tensor& v, const Scoring& s) {
    const Dtype wide = ir::accumulator_of(q.dtype());
    const Dim times = queries_per_head(c, q, k);
    const Tensor keys = f::repeated_heads(convert(k, wide), times), values = f::repeated_heads(convert(v, wide), times);
    const Dim width = q.dim(3);
    Scored out;
    out.raw = matmul(convert(q, wide), transpose(keys, {0, 1, 3, 2}));
    if (s.scale)
        out.raw = out.raw * *s.scale;
    else if (width.is_constant())
        out.raw = out.raw * (1 / std::sqrt(static_cast<double>(width.constant())));
    else
        out.raw = out.raw * rsqrt(f::extent_value(out.raw, width, wide));
    out.capped = s.softcap == 0 ? out.raw : tanh(out.raw / s.softcap) * s.softcap;
    out.biased = out.capped;
    for (const Tensor& a : s.addends) out.biased = out.biased + convert(a, wide);
    for (const Tensor& condition : s.conditions) out.biased = where(condition, out.biased, -infinity);
    out.weights = convert(f::masked_softmax(convert(out.biased, s.dtype.value_or(wide))), wide);
    out.result = convert(matmul(out.weights, values), q.dtype());
    return out;
}

// A mask of booleans or of addends. What it does not reach behind takes no part.
void add_mask(const NodeCall& c, const Tensor& mask, Dim keys, Scoring& s) {
    const bool is_condition = mask.dtype() == Dtype::boolean;
    if (!is_condition && !ir::is_float(mask.dtype())) c.refuse("a mask has to be of booleans or floats");
    if (mask.rank() < 1 || mask.rank() > 4) c.refuse(fmt::format("a mask of {} dimensions", mask.rank()));
    const Dim missing = keys - mask.dim(-1);
    if (missing.is_constant() && missing.constant() < 0) c.refuse("the mask is for more keys than there are");
    Tensor whole = mask;
    if (missing != Dim(0)) {
        const Shape low(std::vector<std::int64_t>(mask.rank(), 0));
        Shape high = low;
        high[mask.rank() - 1] = missing;
        whole = pad(mask, low, high, is_condition ? 0 : -infinity);
    }
    (is_condition ? s.conditions : s.addends).push_back(whole);
}

// Keys that came before, and these.
Tensor present(const NodeCall& c, std::size_t past, const Tensor& now) {
    if (!c.has(past)) return now;
    if (c[past].rank() != 4) c.refuse(fmt::format("operand {} has {} dimensions, not 4", past, c[past].rank()));
    return concat({c[past], now}, 2);
}

Results attention(NodeCall& c) {
    Tensor q = c[0], k = c[1], v = c[2];
    require_floats(c);
    const std::size_t rank = q.rank();
    if ((rank != 3 && rank != 4) || k.rank() != rank || v.rank() != rank)
        c.refuse("queries, keys and values have to be of 3 or of 4 dimensions");
    if (rank == 3) {
        const std::int64_t heads = c.integer("q_num_heads"), own = c.integer("kv_num_heads");
        if (heads < 1 || own < 1) c.refuse(fmt::format("{} heads of queries and {} of keys", heads, own));
        q = apart(c, q, heads);
        k = apart(c, k, own);
        v = apart(c, v, own);
    }
    if (c.has(4) != c.has(5)) c.refuse("keys and values that came before belong together");
    if (c.has(6) && c.has(4)) c.refuse("the numbers of keys are not for keys that came before");
    k = present(c, 4, k);
    v = present(c, 5, v);
    const Dim queries = q.dim(2), keys = k.dim(2);

    Scoring s;
    if (c.find("scale") != nullptr) s.scale = c.number("scale", 0);
    s.softcap = c.number("softcap", 0);
    if (s.softcap < 0) c.refuse(fmt::format("softcap is {}", s.softcap));
    if (c.find("softmax_precision") != nullptr) {
        s.dtype = c.dtype("softmax_precision", Dtype::f32);
        if (!ir::is_float(*s.dtype)) c.refuse("softmax_precision is no dtype of floats");
    }
    if (c.has(3)) add_mask(c, c[3], keys, s);
    const Tensor key = arange(keys);  // [keys]
    if (c.has(6)) {
        if (c[6].rank() != 1) c.refuse("the numbers of keys are no vector");
        s.conditions.push_back(key < reshape(convert(c[6], Dtype::i64), {c[6].dim(0), 1, 1, 1}));
    }
    const std::int64_t left = c.integer("left_window_size", -1), right = c.integer("right_window_size", -1);
    if (left < -1 || right < -1) c.refuse(fmt::format("a window of {} and {} keys", left, right));
    const bool is_causal = c.flag("is_causal");
    if (is_causal || left >= 0 || right >= 0) {
        // A query's own place: behind the keys that came before, or the last of as many as there are.
        Tensor place = reshape(arange(queries), {queries, 1});
        if (c.has(4)) place = place + f::extent_value(place, c[4].dim(2), Dtype::i64);
        if (c.has(6))
            place = place + reshape(convert(c[6], Dtype::i64), {c[6].dim(0), 1, 1, 1}) -
                    f::extent_value(place, queries, Dtype::i64);
        if (is_causal) s.conditions.push_back(key <= place);
        if (left >= 0) s.conditions.push_back(key >= place - left);
        if (right >= 0) s.conditions.push_back(key <= place + right);
    }
    const Scored scored = attend(c, q, k, v, s);
    const std::int64_t mode = c.integer("qk_matmul_output_mode", 0);
    if (mode < 0 || mode > 3) c.refuse(fmt::format("qk_matmul_output_mode is {}, not 0 to 3", mode));
    const Tensor all[] = {scored.raw, scored.capped, scored.biased, scored.weights};
    return {rank == 3 ? joined(scored.result) : scored.result, k, v, convert(all[mode], q.dtype())};
}

// ---- rotary embedding

// Of the first elements of each head, or of all. Cosines and sines are for each place of x, or are looked up.
Results rotary(NodeCall& c) {
    const Tensor x = c[0];
    const bool is_flat = x.rank() == 3;
    if (!is_flat && x.rank() != 4) c.refuse(fmt::format("x has {} dimensions, not 3 or 4", x.rank()));
    Tensor heads = x;  // [images, places, heads, width] of what is flat, else [images, heads, places, width]
    if (is_flat) {
        const std::int64_t count = c.integer("num_heads", 0);
        if (count < 1) c.refuse(fmt::format("num_heads is {}, less than 1", count));
        heads = split_heads(c, x, count);
    }
    const Dim width = heads.dim(3);
    const std::int64_t some = c.integer("rotary_embedding_dim", 0);
    if (some < 0 || some % 2 != 0 || (width.is_constant() && some > width.constant()))
        c.refuse(fmt::format("rotary_embedding_dim is {}", some));
    const Dim turned = some == 0 ? width : Dim(some);

    const auto of_places = [&](std::size_t i) {
        Tensor t = c[i];
        if (c.has(3)) {
            if (t.rank() != 2 || c[3].rank() != 2) c.refuse("places are looked up by a matrix, in a matrix");
            t = gather(t, c[3], 0);
        }
        if (t.rank() != 3) c.refuse(fmt::format("operand {} has {} dimensions", i, t.rank()));
        if (!f::may_be_equal(t.dim(2) * 2, turned)) c.refuse(fmt::format("operand {} is of another width", i));
        return unsqueeze(t, is_flat ? 2 : 1);
    };
    const Tensor first = turned == width ? heads : narrow(heads, 3, 0, turned);
    Tensor y = rotary_embedding(first, of_places(1), of_places(2), {.neighbours = c.flag("interleaved")});
    if (turned != width) y = concat({y, narrow(heads, 3, turned, width - turned)}, 3);
    return {is_flat ? reshape(y, x.type().shape) : y};
}

// ---- com.microsoft

// Queries, keys and values are [images, places, heads * width]; keys and values may be apart already.
Results multi_head_attention(NodeCall& c) {
    const std::int64_t heads = c.integer("num_heads");
    if (heads < 1) c.refuse(fmt::format("num_heads is {}, less than 1", heads));
    if (!c.has(1) || !c.has(2)) c.refuse("keys and values packed with the queries are not supported");
    if (c.has(4)) c.refuse("a mask of padded keys is not supported");
    if (c.has(8) || c.has(9)) c.refuse("a cache of indirections is not supported");
    require_floats(c);
    if (c[0].rank() != 3) c.refuse(fmt::format("queries of {} dimensions are not supported", c[0].rank()));
    Dim before = 0;  // of the bias, which has those of queries, keys and values one behind the other
    const auto own = [&](std::size_t i) {
        Tensor x = c[i];
        if (x.rank() == 4 && !c.has(3)) {
            if (!f::may_be_equal(x.dim(1), heads)) c.refuse(fmt::format("operand {} is not of {} heads", i, heads));
            return x;
        }
        if (x.rank() != 3) c.refuse(fmt::format("operand {} has {} dimensions", i, x.rank()));
        if (c.has(3)) x = x + narrow(c[3], 0, before, x.dim(2));
        before += x.dim(2);
        return apart(c, x, heads);
    };
    const Tensor q = own(0), k_now = own(1), v_now = own(2);
    if (c.has(6) != c.has(7)) c.refuse("keys and values that came before belong together");
    const Tensor k = present(c, 6, k_now), v = present(c, 7, v_now);
    Scoring s;
    if (const double scale = c.number("scale", 0); scale != 0) s.scale = scale;
    if (c.has(5)) s.addends.push_back(c[5]);
    if (c.flag("unidirectional")) {
        const Dim queries = q.dim(2), keys = k.dim(2);
        const Tensor last = reshape(arange(queries), {queries, 1}) + f::extent_value(q, keys, Dtype::i64) -
                            f::extent_value(q, queries, Dtype::i64);
        s.conditions.push_back(arange(keys) <= last);
    }
    return {joined(attend(c, q, k, v, s).result), k, v};
}

Results exact_gelu(NodeCall& c) { return {gelu(c[0])}; }
Results bias_gelu(NodeCall& c) { return {gelu(c[0] + c[1])}; }
Results fast_gelu(NodeCall& c) { return {gelu(c.has(1) ? c[0] + c[1] : c[0], {.tanh = true})}; }
Results quick_gelu(NodeCall& c) { return {c[0] * sigmoid(c[0] * c.number("alpha", static_cast<double>(1.702F)))}; }

constexpr std::string_view microsoft = "com.microsoft";

constexpr Operator rows[] = {
    {.name = "Attention", .record = attention, .since = 23},
    {.name = "BiasGelu", .record = bias_gelu, .domain = microsoft},
    {.name = "FastGelu", .record = fast_gelu, .domain = microsoft},
    {.name = "Gelu", .record = exact_gelu, .domain = microsoft},
    {.name = "MultiHeadAttention", .record = multi_head_attention, .domain = microsoft},
    {.name = "QuickGelu", .record = quick_gelu, .domain = microsoft},
    {.name = "RotaryEmbedding", .record = rotary, .since = 23},
};

}  // namespace

Operators attention_operators() { return rows; }

}  // namespace lathe::onnx
