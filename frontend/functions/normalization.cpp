#include "frontend/functions/normalization.h"

#include <string>
#include <string_view>

#include <fmt/format.h>

#include "frontend/functions/axis_arguments.h"
#include "frontend/functions/operand_checks.h"
#include "frontend/tensor/record.h"
#include "ir/functions/normalization.h"

namespace lathe {
namespace {

namespace f = ir::functions;
using detail::axes_or_all;
using detail::blaming;
using detail::LocScope;
using detail::require_floats;
using detail::value_of;

f::ScaleAndOffset<Tensor> affine(std::string_view function, const Tensor& x, const NormalizationOptions& o) {
    f::ScaleAndOffset<Tensor> out;
    const auto take = [&](std::optional<Tensor>& to, const Tensor& t) {
        if (t.is_empty()) return;
        f::require_same_dtype(function, x, t);
        to = value_of(t);
    };
    take(out.scale, o.scale);
    take(out.offset, o.offset);
    return out;
}

// With one number for each channel.
f::ScaleAndOffset<Tensor> of_channels(std::string_view function, const Tensor& x, const NormalizationOptions& o) {
    require_floats(function, x);
    if (x.rank() < 2) f::refuse(function, "wants images and channels, two axes or more", x);
    for (const Tensor* t : {&o.scale, &o.offset})
        if (!t->is_empty() && (t->rank() != 1 || !f::may_be_equal(t->type().shape[0], x.type().shape[1])))
            f::refuse(function, "wants one number for each channel as scale and offset", x, *t);
    return affine(function, x, o);
}

}  // namespace

Tensor layer_norm(const Tensor& x, const Axes& axes, const NormalizationOptions& options, Where where) {
    LocScope scope(where, "layer_norm", x);
    scope.also(options.scale);
    scope.also(options.offset);
    return blaming(where, "layer_norm", [&] {
        require_floats("layer_norm", x);
        return f::normalize(value_of(x), axes_or_all(x, axes), affine("layer_norm", x, options), options.epsilon);
    });
}
Tensor rms_norm(const Tensor& x, const Axes& axes, const NormalizationOptions& options, Where where) {
    LocScope scope(where, "rms_norm", x);
    scope.also(options.scale);
    scope.also(options.offset);
    return blaming(where, "rms_norm", [&] {
        require_floats("rms_norm", x);
        if (!options.offset.is_empty()) f::refuse("rms_norm", "has no offset", x);
        return f::rms_norm(value_of(x), axes_or_all(x, axes), affine("rms_norm", x, options).scale, options.epsilon);
    });
}

Tensor batch_norm(const Tensor& x, const NormalizationOptions& options, Where where) {
    LocScope scope(where, "batch_norm", x);
    scope.also(options.scale);
    scope.also(options.offset);
    return blaming(where, "batch_norm",
                   [&] { return f::batch_norm(value_of(x), of_channels("batch_norm", x, options), options.epsilon); });
}
Tensor batch_norm(const Tensor& x, const Tensor& mean, const Tensor& variance, const NormalizationOptions& options,
                  Where where) {
    LocScope scope(where, "batch_norm", x, mean, variance);
    scope.also(options.scale);
    scope.also(options.offset);
    return blaming(where, "batch_norm", [&] {
        const f::ScaleAndOffset<Tensor> all = of_channels("batch_norm", x, options);
        for (const Tensor* t : {&mean, &variance})
            if (t->rank() != 1 || !f::may_be_equal(t->type().shape[0], x.type().shape[1]))
                f::refuse("batch_norm", "wants one mean and one variance for each channel", x, *t);
        return f::batch_norm(value_of(x), value_of(mean), value_of(variance), all, options.epsilon);
    });
}
Tensor group_norm(const Tensor& x, std::int64_t groups, const NormalizationOptions& options, Where where) {
    LocScope scope(where, "group_norm", x);
    scope.also(options.scale);
    scope.also(options.offset);
    return blaming(where, "group_norm", [&] {
        const f::ScaleAndOffset<Tensor> all = of_channels("group_norm", x, options);
        const Dim channels = x.type().shape[1];
        detail::require_at_least("group_norm", "groups", groups, 1, where);
        if (channels.is_constant() && channels.constant() % groups != 0)
            f::refuse("group_norm",
                      fmt::format("{} channels do not divide into {} groups", channels.constant(), groups), x);
        return f::group_norm(value_of(x), groups, all, options.epsilon);
    });
}
Tensor instance_norm(const Tensor& x, const NormalizationOptions& options, Where where) {
    LocScope scope(where, "instance_norm", x);
    scope.also(options.scale);
    scope.also(options.offset);
    return blaming(where, "instance_norm", [&] {
        const f::ScaleAndOffset<Tensor> all = of_channels("instance_norm", x, options);
        if (x.rank() < 3) f::refuse("instance_norm", "wants images, channels and extents, three axes or more", x);
        return f::instance_norm(value_of(x), all, options.epsilon);
    });
}
Tensor local_response_norm(const Tensor& x, std::int64_t size, LocalResponseNormOptions o, Where where) {
    const LocScope scope(where, "local_response_norm", x);
    return blaming(where, "local_response_norm", [&] {
        require_floats("local_response_norm", x);
        if (x.rank() < 3) f::refuse("local_response_norm", "wants images, channels and extents, three axes or more", x);
        detail::require_at_least("local_response_norm", "size", size, 1, where);
        return f::local_response_norm(value_of(x), size, o.alpha, o.beta, o.k);
    });
}

}  // namespace lathe
