// Eigenvalues and vectors of real matrices in Hessenberg's form, by Francis's double steps.
//
// Source: the procedure hqr2 of G. Peters and J. Wilkinson, "Eigenvectors of real and complex matrices by LR and QR
// triangularizations" (1970), as EISPACK has it.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "runtime/linear_algebra/eigen.h"

namespace lathe::linear_algebra {

template <class T>
struct Complex {
    T re, im;
    // Smith's division: what is greater divides.
    friend Complex operator/(Complex a, Complex b) {
        if (std::abs(b.re) > std::abs(b.im)) {
            const T ratio = b.im / b.re, size = b.re + ratio * b.im;
            return {(a.re + ratio * a.im) / size, (a.im - ratio * a.re) / size};
        }
        const T ratio = b.re / b.im, size = b.im + ratio * b.re;
        return {(ratio * a.re + a.im) / size, (ratio * a.im - a.re) / size};
    }
};

template <class T>
class RealSchur {
public:
    // h is q^T a q; both are overwritten. Elements are near 1 or less.
    RealSchur(Matrix<T>& h, Matrix<T>& q, Vector<T>& re, Vector<T>& im) : h_(h), q_(q), re_(re), im_(im), n_(h.rows()) {
        for (Index j = 0; j < n_; ++j)
            for (Index i = 0; i <= std::min(j + 1, n_ - 1); ++i) norm_ += std::abs(h(i, j));
    }

    // Triangular, but for 2 x 2 blocks of complex pairs, of which the one above the axis comes first. False where 60
    // steps for a value were not enough.
    bool reduce() {
        Index last = n_ - 1;
        for (int step = 0; last >= 0;) {
            const Index first = start_of_block(last);
            if (first == last) {
                h_(last, last) += shifted_;
                re_[last] = h_(last, last);
                im_[last] = T(0);
                last -= 1, step = 0;
            } else if (first == last - 1) {
                split(last);
                last -= 2, step = 0;
            } else if (step == 60) {
                return false;
            } else {
                double_step(first, last, step++);
            }
        }
        return true;
    }

    // The vectors into q: a column for a real value; of a pair the real part of the first one's, and the imaginary.
    void find_vectors() {
        if (norm_ == T(0)) return;
        for (Index k = n_ - 1; k >= 0; --k) {
            if (im_[k] == T(0)) real_vector(k);
            if (im_[k] < T(0)) complex_vector(k);
        }
        for (Index j = n_ - 1; j >= 0; --j)
            for (Index i = 0; i < n_; ++i) {
                T sum = 0;
                for (Index k = 0; k <= j; ++k) sum += q_(i, k) * h_(k, j);
                q_(i, j) = sum;
            }
    }

private:
    static constexpr T epsilon = std::numeric_limits<T>::epsilon();

    Index start_of_block(Index last) const {
        Index k = last;
        for (; k > 0; --k) {
            const T size = std::abs(h_(k - 1, k - 1)) + std::abs(h_(k, k));
            // What is that small beside the whole matrix is nothing; products of it would be 0.
            if (std::abs(h_(k, k - 1)) <= epsilon * std::max(size, epsilon * norm_)) break;
        }
        return k;
    }

    // The last 2 x 2 block: turned into a triangle where its values are real.
    void split(Index last) {
        const Index before = last - 1;
        const T w = h_(last, before) * h_(before, last), half = (h_(before, before) - h_(last, last)) / 2;
        const T discriminant = half * half + w, root = std::sqrt(std::abs(discriminant));
        h_(last, last) += shifted_;
        h_(before, before) += shifted_;
        const T x = h_(last, last);
        if (discriminant < T(0)) {
            re_[before] = re_[last] = x + half;
            im_[before] = root;
            im_[last] = -root;
            return;
        }
        const T z = half >= T(0) ? half + root : half - root;
        re_[before] = x + z;
        re_[last] = z == T(0) ? re_[before] : x - w / z;
        im_[before] = im_[last] = T(0);
        const T below = h_(last, before), size = std::abs(below) + std::abs(z),
                length = std::sqrt((below / size) * (below / size) + (z / size) * (z / size));
        const T s = below / size / length, c = z / size / length;
        for (Index j = before; j < n_; ++j) {
            const T a = h_(before, j), b = h_(last, j);
            h_(before, j) = c * a + s * b;
            h_(last, j) = c * b - s * a;
        }
        turn_columns(h_, last + 1, before, c, s);
        turn_columns(q_, n_, before, c, s);
        h_(last, before) = T(0);
    }
    static void turn_columns(Matrix<T>& m, Index rows, Index k, T c, T s) {
        for (Index i = 0; i < rows; ++i) {
            const T a = m(i, k), b = m(i, k + 1);
            m(i, k) = c * a + s * b;
            m(i, k + 1) = c * b - s * a;
        }
    }

    void shift(Index last, T by) {
        for (Index i = 0; i <= last; ++i) h_(i, i) -= by;
        shifted_ += by;
    }

    void double_step(Index first, Index last, int step) {
        T x = h_(last, last), y = h_(last - 1, last - 1), w = h_(last, last - 1) * h_(last - 1, last);
        if (step % 20 == 10) {  // exceptional shifts, where the usual ones go round
            shift(last, x);
            const T s = std::abs(h_(last, last - 1)) + std::abs(h_(last - 1, last - 2));
            x = y = T(0.75) * s;
            w = T(-0.4375) * s * s;
        }
        // Where two small subdiagonal elements follow each other, the step may begin.
        T p = 0, q = 0, r = 0;
        Index k = last - 2;
        for (; k >= first; --k) {
            const T z = h_(k, k), a = x - z, b = y - z;
            p = (a * b - w) / h_(k + 1, k) + h_(k, k + 1);
            q = h_(k + 1, k + 1) - z - a - b;
            r = h_(k + 2, k + 1);
            const T s = std::abs(p) + std::abs(q) + std::abs(r);
            p /= s, q /= s, r /= s;
            if (k == first) break;
            const T around = std::abs(h_(k - 1, k - 1)) + std::abs(z) + std::abs(h_(k + 1, k + 1));
            if (std::abs(h_(k, k - 1)) * (std::abs(q) + std::abs(r)) < epsilon * std::abs(p) * around) break;
        }
        for (Index i = k + 2; i <= last; ++i) {
            h_(i, i - 2) = T(0);
            if (i > k + 2) h_(i, i - 3) = T(0);
        }
        const Index start = k;
        for (; k < last; ++k) {
            const bool has_third = k + 1 < last;
            T size = 1;
            if (k > start) {
                p = h_(k, k - 1), q = h_(k + 1, k - 1), r = has_third ? h_(k + 2, k - 1) : T(0);
                size = std::abs(p) + std::abs(q) + std::abs(r);
                if (size == T(0)) continue;
                p /= size, q /= size, r /= size;
            }
            const T length = std::sqrt(p * p + q * q + r * r), s = p < T(0) ? -length : length;
            if (s == T(0)) continue;
            if (k > start)
                h_(k, k - 1) = -s * size;
            else if (first != start)
                h_(k, k - 1) = -h_(k, k - 1);
            p += s;
            reflect(k, std::min(last, k + 3), has_third, {p / s, q / s, r / s}, {q / p, r / p});
        }
    }

    struct Left {
        T x, y, z;
    };
    struct Right {
        T q, r;
    };
    void reflect(Index k, Index last_row, bool has_third, Left left, Right right) {
        for (Index j = k; j < n_; ++j) {
            T p = h_(k, j) + right.q * h_(k + 1, j);
            if (has_third) {
                p += right.r * h_(k + 2, j);
                h_(k + 2, j) -= p * left.z;
            }
            h_(k, j) -= p * left.x;
            h_(k + 1, j) -= p * left.y;
        }
        reflect_columns(h_, last_row + 1, k, has_third, left, right);
        reflect_columns(q_, n_, k, has_third, left, right);
    }
    static void reflect_columns(Matrix<T>& m, Index rows, Index k, bool has_third, Left left, Right right) {
        for (Index i = 0; i < rows; ++i) {
            T p = left.x * m(i, k) + left.y * m(i, k + 1);
            if (has_third) {
                p += left.z * m(i, k + 2);
                m(i, k + 2) -= p * right.r;
            }
            m(i, k) -= p;
            m(i, k + 1) -= p * right.q;
        }
    }

    // Column k of the triangle's own vectors. What would overflow is scaled.
    void real_vector(Index k) {
        const T value = re_[k];
        h_(k, k) = T(1);
        Index from = k;
        T w_below = 0, r_below = 0;
        for (Index i = k - 1; i >= 0; --i) {
            const T w = h_(i, i) - value;
            T r = 0;
            for (Index j = from; j <= k; ++j) r += h_(i, j) * h_(j, k);
            if (im_[i] < T(0)) {
                w_below = w, r_below = r;
                continue;
            }
            from = i;
            if (im_[i] == T(0)) {
                h_(i, k) = -r / (std::abs(w) < epsilon * norm_ ? epsilon * norm_ : w);
            } else {
                const T x = h_(i, i + 1), y = h_(i + 1, i), d = re_[i] - value;
                const T t = (x * r_below - w_below * r) / (d * d + im_[i] * im_[i]);
                h_(i, k) = t;
                h_(i + 1, k) = std::abs(x) > std::abs(w_below) ? (-r - w * t) / x : (-r_below - y * t) / w_below;
            }
            const T size = std::abs(h_(i, k));
            if (epsilon * size * size > T(1))
                for (Index j = i; j <= k; ++j) h_(j, k) /= size;
        }
    }
    // Columns k - 1 and k.
    void complex_vector(Index k) {
        const T value = re_[k], q = im_[k];
        const auto set = [&](Index i, Complex<T> z) { h_(i, k - 1) = z.re, h_(i, k) = z.im; };
        if (std::abs(h_(k, k - 1)) > std::abs(h_(k - 1, k)))
            set(k - 1, {q / h_(k, k - 1), -(h_(k, k) - value) / h_(k, k - 1)});
        else
            set(k - 1, Complex<T>{T(0), -h_(k - 1, k)} / Complex<T>{h_(k - 1, k - 1) - value, q});
        set(k, {T(0), T(1)});
        Index from = k - 1;
        T w_below = 0;
        Complex<T> below{};
        for (Index i = k - 2; i >= 0; --i) {
            Complex<T> r{};
            for (Index j = from; j <= k; ++j) {
                r.re += h_(i, j) * h_(j, k - 1);
                r.im += h_(i, j) * h_(j, k);
            }
            const T w = h_(i, i) - value;
            if (im_[i] < T(0)) {
                w_below = w, below = r;
                continue;
            }
            from = i;
            if (im_[i] == T(0)) {
                const bool is_small = std::abs(w) + std::abs(q) < epsilon * norm_;
                set(i, Complex<T>{-r.re, -r.im} / Complex<T>{is_small ? epsilon * norm_ : w, q});
            } else {
                const T x = h_(i, i + 1), y = h_(i + 1, i), d = re_[i] - value;
                Complex<T> divisor{d * d + im_[i] * im_[i] - q * q, d * 2 * q};
                if (divisor.re == T(0) && divisor.im == T(0))
                    divisor.re =
                        epsilon * norm_ * (std::abs(w) + std::abs(q) + std::abs(x) + std::abs(y) + std::abs(w_below));
                const Complex<T> z =
                    Complex<T>{x * below.re - w_below * r.re + q * r.im, x * below.im - w_below * r.im - q * r.re} /
                    divisor;
                set(i, z);
                if (std::abs(x) > std::abs(w_below) + std::abs(q))
                    set(i + 1, {(-r.re - w * z.re + q * z.im) / x, (-r.im - w * z.im - q * z.re) / x});
                else
                    set(i + 1, Complex<T>{-below.re - y * z.re, -below.im - y * z.im} / Complex<T>{w_below, q});
            }
            const T size = std::max(std::abs(h_(i, k - 1)), std::abs(h_(i, k)));
            if (epsilon * size * size > T(1))
                for (Index j = i; j <= k; ++j) h_(j, k - 1) /= size, h_(j, k) /= size;
        }
    }

    Matrix<T>&h_, &q_;
    Vector<T>&re_, &im_;
    Index n_;
    T norm_ = 0, shifted_ = 0;
};

}  // namespace lathe::linear_algebra
