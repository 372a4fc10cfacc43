// The plainest kernel as text, and its variants by replacing words.
#pragma once

#include <string>
#include <string_view>

namespace lathe::codegen {

inline void replace_all(std::string& text, std::string_view what, std::string_view with) {
    for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size())
        text.replace(at, what.size(), with);
}

inline constexpr std::string_view add_text = R"(kernel(%n) {
  in a: f32[%n]
  in b: f32[%n]
  out c: f32[%n]
  parallel i in %n step 128 {
    vector(16) j in min(128, %n - %i) {
      %0 = load a[%i + %j]
      %1 = load b[%i + %j]
      %2 = add(%0, %1) : f32
      store c[%i + %j], %2
    }
  }
}
)";

}  // namespace lathe::codegen
