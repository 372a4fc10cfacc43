// Axes of a tensor; negative ones count from the end.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <utility>
#include <vector>

namespace lathe {

// One axis or a list of them: sum(x, -1), sum(x, {0, 2}).
class Axes {
public:
    Axes() = default;
    template <std::signed_integral T>
    Axes(T axis) : axes_{axis} {}  // NOLINT(google-explicit-constructor)
    Axes(std::initializer_list<std::int64_t> axes) : axes_(axes) {}
    Axes(std::vector<std::int64_t> axes) : axes_(std::move(axes)) {}  // NOLINT(google-explicit-constructor)
    template <std::same_as<bool> T>
    Axes(T) = delete;  // `keep` comes behind the axes

    const std::vector<std::int64_t>& values() const { return axes_; }

private:
    std::vector<std::int64_t> axes_;
};

}  // namespace lathe
