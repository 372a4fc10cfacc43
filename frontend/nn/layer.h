// What layers of the library ask of their options, and begin with.
#pragma once

#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include "frontend/functions/functions.h"
#include "frontend/functions/operand_checks.h"
#include "frontend/nn/generator.h"
#include "ir/error.h"
#include "ir/float_environment.h"

namespace lathe::nn {

inline void require_float_weights(std::string_view layer, Dtype dtype, Where where) {
    if (!is_float(dtype))
        throw TypeError(std::string(layer) + ": weights are floats, not " + std::string(ir::name(dtype)),
                        detail::blame(where));
}

// One number for each of the extents.
inline std::vector<std::int64_t> numbers_of(std::string_view layer, std::string_view name, const PerExtent& given,
                                            std::size_t extents, std::int64_t least, Where where) {
    std::vector<std::int64_t> out = given.values();
    if (out.size() == 1) out.assign(extents, out[0]);
    if (out.size() != extents) detail::refuse_entries(layer, name, out.size(), extents, where);
    for (const std::int64_t n : out) detail::require_at_least(layer, name, n, least, where);
    return out;
}

// Uniform in +-1/sqrt(fan): what PyTorch's layers begin with, kaiming_uniform with a = sqrt(5). Nothing where there are
// no inputs.
inline Tensor uniform_by_fan(Generator& random, const Shape& shape, double fan, Dtype dtype) {
    const ir::FloatEnvironment floats;
    const double limit = 1 / std::sqrt(std::max(fan, 1.0));
    return convert(random_uniform(random.next_key(), shape, -limit, limit), dtype);
}

}  // namespace lathe::nn
