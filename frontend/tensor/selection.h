// What indices choose of a tensor: a slice of it, of which tensors of integers choose along some axes.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "frontend/tensor/index.h"
#include "frontend/tensor/tensor.h"
#include "ir/attribute.h"

namespace lathe::detail {

// Where a tensor of booleans is true, in row-major order: the positions along each of its axes, as i64. It is computed
// now; UserError where it belongs to a function that is being traced.
std::vector<Tensor> true_positions(const Tensor& mask, std::string_view function, Where where);

class Selection {
public:
    Selection(const Tensor& x, std::span<const Index> indices, Where where);

    Tensor take() const;
    // x with the update, which broadcasts to what take() gives.
    Tensor update(Update how, const Tensor& y) const;

private:
    class Parser;
    // A dimension of the result, or the block of those of the positions.
    struct Part {
        enum class Kind : std::uint8_t { axis, new_axis, block } kind;
        std::int64_t axis = 0;  // of what the slice leaves
    };

    bool is_whole() const;
    Tensor sliced() const;  // without the axes of which one position was taken
    bool joins() const { return chosen_.size() > 1; }
    ir::Integers chosen_first() const;  // the axes of what the slice leaves, in that order
    Shape joined_shape() const;         // in that order, with the chosen ones as one
    Tensor join_positions(const std::vector<Tensor>& positions) const;
    // The dimensions in the order in which the positions take them: axes, and behind all of those the block's.
    ir::Integers taken_dimensions() const;
    ir::Integers placement() const;
    Shape shape(bool with_new_axes) const;  // of the result
    Tensor with_slice(Update how, const Tensor& y) const;

    Tensor x_;
    Shape shape_;  // of x as it was given
    Shape start_, size_;
    ir::Integers step_;
    Shape left_;           // of what the slice leaves
    ir::Integers chosen_;  // axes of that
    Tensor positions_;     // along the chosen axis, or all of them joined
    std::vector<Part> parts_;
};

}  // namespace lathe::detail
