// Numbers that go with the extents along which windows move.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <utility>
#include <vector>

namespace lathe {

// One number for all extents, or one for each: {.stride = 2}, {.stride = {2, 1}}.
class PerExtent {
public:
    PerExtent() = default;  // what the function that takes it says
    template <std::signed_integral T>
    PerExtent(T one) : values_{one} {}  // NOLINT(google-explicit-constructor)
    PerExtent(std::initializer_list<std::int64_t> values) : values_(values) {}
    PerExtent(std::vector<std::int64_t> values) : values_(std::move(values)) {}  // NOLINT(google-explicit-constructor)

    const std::vector<std::int64_t>& values() const { return values_; }
    friend bool operator==(const PerExtent&, const PerExtent&) = default;

private:
    std::vector<std::int64_t> values_;
};

// How many elements are added before and behind: numbers, or what makes the result a fraction of its operand.
class Padding {
public:
    Padding() = default;  // none
    template <std::signed_integral T>
    Padding(T both) : low_(both), high_(both) {}  // NOLINT(google-explicit-constructor)
    Padding(std::initializer_list<std::int64_t> both) : low_(both), high_(both) {}
    Padding(std::vector<std::int64_t> both)
        : low_(both), high_(std::move(both)) {}  // NOLINT(google-explicit-constructor)
    Padding(PerExtent low, PerExtent high) : low_(std::move(low)), high_(std::move(high)) {}
    // As many windows as there are elements, divided by the stride and rounded up; what is odd is added behind.
    static Padding same() {
        Padding p;
        p.is_same_ = true;
        return p;
    }
    static Padding valid() { return {}; }

    bool is_same() const { return is_same_; }
    const PerExtent& low() const { return low_; }
    const PerExtent& high() const { return high_; }

private:
    PerExtent low_, high_;
    bool is_same_ = false;
};

}  // namespace lathe
