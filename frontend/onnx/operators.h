// The table of ONNX's operators: each with the opsets that it is for, and the function that records it.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <vector>

#include "frontend/onnx/node_call.h"

namespace lathe::onnx {

using Results = std::vector<Value>;

// How integers that are known go through an operator.
enum class Known : std::uint8_t {
    no,
    moves_first,  // results are elements of the first operand, at other places
    moves_all,    // likewise, of all operands
    moves_rest,   // likewise, of all but the first
    of_types,     // results follow from the types of operands, and not from their values
};

// What an operator makes of operands that are counted.
enum class Counts : std::uint8_t {
    no,           // their extents have to be known
    by_elements,  // each element by itself
    by_itself,    // the function that records it says it of each result
};

struct Operator {
    std::string_view name = {};
    Results (*record)(NodeCall&) = nullptr;
    Known known = Known::no;
    Dim (*of_one)(Dim) = nullptr;       // known integers by elements
    Dim (*of_two)(Dim, Dim) = nullptr;  // likewise; more operands are taken one after the other
    std::int64_t since = 1, until = std::numeric_limits<std::int64_t>::max();  // opsets of its domain
    std::string_view domain = {};
    Counts counts = Counts::no;

    constexpr Operator counting(Counts how) const {
        Operator o = *this;
        o.counts = how;
        return o;
    }
};
template <std::size_t N>
constexpr std::array<Operator, N> counting(Counts how, const Operator (&rows)[N]) {
    std::array<Operator, N> out;
    for (std::size_t i = 0; i < N; ++i) out[i] = rows[i].counting(how);
    return out;
}

// Opsets beyond this one are not known to the table.
inline constexpr std::int64_t newest_opset = 28;

// Null where there is none.
const Operator* find_operator(std::string_view domain, std::string_view name, std::int64_t opset);

// ---- by family: see operators/

using Operators = std::span<const Operator>;
Operators elementwise_operators();
Operators activation_operators();
Operators reduction_operators();
Operators shape_operators();
Operators movement_operators();
Operators indexing_operators();
Operators creation_operators();
Operators product_operators();
Operators convolution_operators();
Operators pooling_operators();
Operators normalization_operators();
Operators resize_operators();
Operators recurrent_operators();
Operators control_operators();
Operators sequence_operators();
Operators quantization_operators();
Operators signal_operators();
Operators attention_operators();
Operators loss_operators();
Operators search_operators();

}  // namespace lathe::onnx
