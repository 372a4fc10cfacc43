// The arguments of functions of windows, checked and with one entry for each extent.
#pragma once

#include <string>
#include <string_view>

#include <fmt/format.h>

#include "frontend/functions/per_extent.h"
#include "frontend/tensor/record.h"
#include "ir/functions/pooling.h"

namespace lathe::detail {

inline ir::Integers numbers_of(std::string_view function, std::string_view name, const PerExtent& given,
                               std::size_t extents, std::int64_t least, const Tensor& x) {
    ir::Integers out = given.values();
    if (out.size() == 1) out.assign(extents, out[0]);
    if (out.size() != extents)
        ir::functions::refuse(function,
                              fmt::format("{} has {} entries, not one{}", name, given.values().size(),
                                          extents == 1 ? "" : fmt::format(" or {}", extents)),
                              x);
    for (const std::int64_t n : out)
        if (n < least) ir::functions::refuse(function, fmt::format("{} is {}, less than {}", name, n, least), x);
    return out;
}

inline ir::Shape shape_of(const ir::Integers& numbers) {
    ir::Shape shape;
    for (const std::int64_t n : numbers) shape.push_back(n);
    return shape;
}

}  // namespace lathe::detail
