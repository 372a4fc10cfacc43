// One element of a tensor as text. Floats are the shortest decimals that read back as the same bits; a NaN other than
// the usual one is its bits in hexadecimal.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "ir/dtype.h"

namespace lathe::ir {

std::string print_element(Dtype dtype, std::uint64_t bits);
// Empty where the text is none.
std::optional<std::uint64_t> parse_element(Dtype dtype, std::string_view text);

}  // namespace lathe::ir
