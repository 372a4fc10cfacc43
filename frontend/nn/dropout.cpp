#include "frontend/nn/dropout.h"

#include <cmath>

#include <fmt/format.h>

#include "frontend/nn/layer.h"

namespace lathe::nn {
namespace {

double probability(std::string_view layer, double p, Where where) {
    const detail::LocScope scope(where, layer);
    detail::require_between(layer, "p", p, 0, 1, where);
    return p;
}

}  // namespace

Dropout::Dropout(double p, Generator& random, Where where)
    : Module(OfLibrary{}), p_(probability("Dropout", p, where)), random_(random) {}

Tensor Dropout::forward(const Tensor& x) const {
    return is_training() && p_ > 0 ? dropout(random_.next_key(), x, p_) : x;
}

ChannelDropout::ChannelDropout(std::string_view layer, std::size_t extents, double p, Generator& random, Where where)
    : Module(OfLibrary{}), layer_(layer), extents_(extents), p_(probability(layer, p, where)), random_(random) {}

Tensor ChannelDropout::forward(const Tensor& x) const {
    if (x.rank() != extents_ + 2) detail::refuse(layer_, fmt::format("wants images of {} axes", extents_ + 2), {});
    if (!is_training() || p_ == 0) return x;
    Shape channels{x.dim(0), x.dim(1)};
    for (std::size_t i = 0; i < extents_; ++i) channels.push_back(1);
    return x * dropout(random_.next_key(), ones(channels, x.dtype()), p_);
}

AlphaDropout::AlphaDropout(double p, Generator& random, Where where)
    : Module(OfLibrary{}), p_(probability("AlphaDropout", p, where)), random_(random) {}

Tensor AlphaDropout::forward(const Tensor& x) const {
    if (!is_training() || p_ == 0) return x;
    if (p_ == 1) return zeros_like(x);
    const ir::FloatEnvironment floats;
    static constexpr double limit = -1.7580993408473766;  // of selu
    const double scale = 1 / std::sqrt((1 - p_) * (1 + p_ * limit * limit));
    const Tensor dropped = random_bernoulli(random_.next_key(), p_, x.type().shape);
    return masked_fill(x, dropped, limit) * scale - scale * limit * p_;
}

}  // namespace lathe::nn
