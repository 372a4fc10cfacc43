// Matrices, or columns of them, are brought near 1 before they are decomposed, so that squares neither overflow nor
// vanish: by powers of two, which round nothing but what becomes denormal.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "runtime/linear_algebra/eigen.h"

namespace lathe::linear_algebra {

// The greatest absolute value, NaN where an element is not finite.
template <class M>
auto greatest_size(const M& m) {
    using T = typename M::Scalar;
    T greatest = 0;
    bool is_finite = true;
    for (Index j = 0; j < m.cols(); ++j)
        for (Index i = 0; i < m.rows(); ++i) {
            const T size = std::abs(m(i, j));
            is_finite = is_finite && size <= std::numeric_limits<T>::max();
            if (size > greatest) greatest = size;
        }
    return is_finite ? greatest : std::numeric_limits<T>::quiet_NaN();
}

// 2^-e for a positive number of exponent e, kept within what has an inverse.
template <class T>
T inverse_power_of_two(T x) {
    using Bits = std::conditional_t<sizeof(T) == 8, std::uint64_t, std::uint32_t>;
    constexpr int mantissa = std::numeric_limits<T>::digits - 1, bias = std::numeric_limits<T>::max_exponent - 1;
    const int exponent = static_cast<int>(std::bit_cast<Bits>(x) >> mantissa) - bias;
    const int kept = std::min(std::max(-exponent, 1 - bias + 1), bias - 1);
    return std::bit_cast<T>(static_cast<Bits>(kept + bias) << mantissa);
}

// Sizes from `least` up to `most`: their squares, and those of what is not negligible beside them, are in the range.
template <class T>
struct Squarable {
    static constexpr T root = T(std::uint64_t{1} << (std::numeric_limits<T>::max_exponent / 32));
    static constexpr T most = root * root * root * root * root * root * root * root, least = T(1) / most;
};
// By what a vector with that greatest element is multiplied before squares are taken: 1 where that is NaN.
template <class T>
T scale_of_squares(T greatest) {
    return greatest < Squarable<T>::least || greatest > Squarable<T>::most ? inverse_power_of_two(greatest) : T(1);
}

}  // namespace lathe::linear_algebra
