// The table of ONNX's operators: each with the opsets that it is for, and the function that records it.
#pragma once

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

struct Operator {
    std::string_view name;
    Results (*record)(NodeCall&);
    Known known = Known::no;
    Dim (*of_one)(Dim) = nullptr;       // known integers by elements
    Dim (*of_two)(Dim, Dim) = nullptr;  // likewise; more operands are taken one after the other
    std::int64_t since = 1, until = std::numeric_limits<std::int64_t>::max();  // opsets of its domain
    std::string_view domain = {};
};

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
