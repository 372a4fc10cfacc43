#include "runtime/convert.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "runtime/swap_bytes.h"

namespace lathe::runtime {
namespace {

struct Axis {
    std::int64_t extent, to, from;  // strides in bytes
};

// The loops of a copy, outermost first: no extents of 1, none that could be one with its neighbour, and the smallest
// stride of the target innermost.
std::vector<Axis> loops_of(Strided to, Strided from, std::span<const std::int64_t> shape) {
    std::vector<Axis> axes;
    for (std::size_t i = 0; i < shape.size(); ++i)
        if (shape[i] != 1) axes.push_back({shape[i], to.strides[i], from.strides[i]});
    std::sort(axes.begin(), axes.end(), [](const Axis& a, const Axis& b) { return std::abs(a.to) > std::abs(b.to); });
    std::vector<Axis> merged;
    for (const Axis& axis : axes) {
        if (!merged.empty() && merged.back().to == axis.to * axis.extent &&
            merged.back().from == axis.from * axis.extent)
            merged.back() = {merged.back().extent * axis.extent, axis.to, axis.from};
        else
            merged.push_back(axis);
    }
    return merged;
}

// Two loops in square blocks, so that a transpose uses whole cache lines on both sides.
template <class T>
void copy_plane(std::byte* to, const std::byte* from, const Axis& rows, const Axis& columns) {
    constexpr std::int64_t block = 16;
    for (std::int64_t r0 = 0; r0 < rows.extent; r0 += block)
        for (std::int64_t c0 = 0; c0 < columns.extent; c0 += block)
            for (std::int64_t r = r0; r < std::min(r0 + block, rows.extent); ++r)
                for (std::int64_t c = c0; c < std::min(c0 + block, columns.extent); ++c) {
                    T element;
                    std::memcpy(&element, from + r * rows.from + c * columns.from, sizeof element);
                    std::memcpy(to + r * rows.to + c * columns.to, &element, sizeof element);
                }
}

using CopyPlane = void (*)(std::byte* to, const std::byte* from, const Axis& rows, const Axis& columns);

void copy_rows(std::byte* to, const std::byte* from, const Axis& rows, const Axis& columns, std::size_t element_size) {
    for (std::int64_t r = 0; r < rows.extent; ++r)
        std::memcpy(to + r * rows.to, from + r * rows.from, static_cast<std::size_t>(columns.extent) * element_size);
}

}  // namespace

void copy_strided(Strided to, Strided from, std::span<const std::int64_t> shape, std::size_t element_size) {
    if (std::find(shape.begin(), shape.end(), 0) != shape.end()) return;
    std::vector<Axis> axes = loops_of(to, from, shape);
    while (axes.size() < 2) axes.insert(axes.begin(), {1, 0, 0});
    const Axis columns = axes.back(), rows = axes[axes.size() - 2];
    axes.resize(axes.size() - 2);
    const auto size = static_cast<std::int64_t>(element_size);
    const bool contiguous = (columns.to == size && columns.from == size) || columns.extent == 1;
    const CopyPlane plane = element_size == 1   ? copy_plane<std::uint8_t>
                            : element_size == 2 ? copy_plane<std::uint16_t>
                            : element_size == 4 ? copy_plane<std::uint32_t>
                                                : copy_plane<std::uint64_t>;
    std::vector<std::int64_t> index(axes.size());
    auto* target = static_cast<std::byte*>(to.data);
    const auto* source = static_cast<const std::byte*>(from.data);
    for (;;) {
        if (contiguous)
            copy_rows(target, source, rows, columns, element_size);
        else
            plane(target, source, rows, columns);
        std::size_t axis = axes.size();
        for (; axis > 0; --axis) {
            const Axis& a = axes[axis - 1];
            target += a.to;
            source += a.from;
            if (++index[axis - 1] < a.extent) break;
            target -= a.to * a.extent;
            source -= a.from * a.extent;
            index[axis - 1] = 0;
        }
        if (axis == 0) return;
    }
}

void swap_bytes(void* data, std::size_t count, std::size_t element_size) {
    auto dispatched = xsimd::dispatch<SwapLevels>(SwapBytes{});
    dispatched(static_cast<std::byte*>(data), count, element_size);
}

}  // namespace lathe::runtime
