// What a file looks like, by its first bytes: for messages to those who gave the wrong one.
#pragma once

#include <string>
#include <string_view>

namespace lathe {

inline constexpr std::string_view other_text = "another text";

// Whether the bytes begin as an ONNX model does.
bool is_onnx(std::string_view bytes);

// "a NumPy array (.npy)", "text", ...: to follow "looks like".
std::string kind_of_file(std::string_view bytes);

}  // namespace lathe
