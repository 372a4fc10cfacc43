// What x[{...}] takes from each axis of x, as NumPy's x[...] does:
//
//   x[{0}]                        the first along the first axis, which goes
//   x[{-1, Range{1, 5}}]          the last; there, 1, 2, 3 and 4
//   x[{ellipsis, Range{.step = -1}}]   all, with the last axis in reverse
//   x[{new_axis, ellipsis}]       with an axis of extent 1 in front
//   x[{rows, columns}]            x[rows[i], columns[i]] for each i, for tensors of integers that broadcast together
//   x[{mask}]                     where the mask is true, for a tensor of booleans
//
// Positions are constants, extents of the function that is being traced, or tensors of integers. Those of a range that
// are outside count as its nearest end; another one that is outside is an IndexError, of tensors when it is computed.
// The dimensions of tensors come to stand where they are written, or, with something else between them, in front; a
// number beside tensors counts as one. A mask stands for the positions of what is true in it, as many dimensions as it
// has; it is computed now, as the result's extent is their number. What comes out is a tensor of its own: it cannot be
// assigned to; x.at({...}) has the updates.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <utility>

#include "frontend/tensor/node_ref.h"
#include "frontend/tensor/where.h"
#include "ir/dim.h"

namespace lathe {

class Tensor;

// From start up to stop, which is no part of it, in steps; negative numbers count from the end. Without a start or stop
// it begins or ends where the axis does, seen in the direction of the step.
struct Range {
    std::optional<ir::Dim> start = {}, stop = {};
    std::int64_t step = 1;
};

// As many whole axes as the other indices leave.
struct Ellipsis {};
inline constexpr Ellipsis ellipsis;
// A new axis, of extent 1.
struct NewAxis {};
inline constexpr NewAxis new_axis;

class Index {
public:
    enum class Kind : std::uint8_t { position, range, ellipsis, new_axis, tensor };

    template <std::integral T>
        requires(!std::same_as<T, bool>)
    Index(T position, Where where = Where::current())  // NOLINT(google-explicit-constructor)
        : where_(where) {
        range_.start = std::in_range<std::int64_t>(position) ? static_cast<std::int64_t>(position) : ir::Dim::greatest;
    }
    Index(ir::Dim position, Where where = Where::current())  // NOLINT(google-explicit-constructor)
        : where_(where) {
        range_.start = position;
    }
    Index(Range range, Where where = Where::current())  // NOLINT(google-explicit-constructor)
        : kind_(Kind::range), range_(range), where_(where) {}
    Index(Ellipsis, Where where = Where::current())  // NOLINT(google-explicit-constructor)
        : kind_(Kind::ellipsis), where_(where) {}
    Index(NewAxis, Where where = Where::current())  // NOLINT(google-explicit-constructor)
        : kind_(Kind::new_axis), where_(where) {}
    Index(const Tensor& positions, Where where = Where::current());  // NOLINT(google-explicit-constructor)
    template <std::same_as<bool> T>
    Index(T) = delete;                            // where(), or a number
    Index(ir::Dim start, ir::Dim stop) = delete;  // Range{start, stop}

    Kind kind() const { return kind_; }
    ir::Dim position() const { return *range_.start; }
    const Range& range() const { return range_; }
    const detail::NodeRef& tensor() const { return tensor_; }
    Where where() const { return where_; }

private:
    Kind kind_ = Kind::position;
    Range range_;
    detail::NodeRef tensor_;
    Where where_;
};

}  // namespace lathe
