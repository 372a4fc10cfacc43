// What a file looks like, by its first bytes: for messages to those who gave the wrong one.
#pragma once

#include <string>
#include <string_view>

namespace lathe {

inline constexpr std::string_view other_text = "another text";

// Whether the bytes begin as files of a kind do: an ONNX model, a .lathe model, a file of safetensors, one of
// torch.save.
bool is_onnx(std::string_view bytes);
bool is_lathe(std::string_view bytes);
bool is_safetensors(std::string_view bytes);
bool is_pytorch(std::string_view bytes);

// "a NumPy array (.npy)", "text", ...: to follow "looks like".
std::string kind_of_file(std::string_view bytes);

}  // namespace lathe
