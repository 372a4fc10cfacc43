// The peer's decompositions of matrices and Fourier transforms.
#include <stdexcept>

#include "bench/torch_work.h"

namespace peer {
namespace {

at::Tensor complex_of(const Floats& data, std::int64_t lines, std::int64_t length) {
    return at::view_as_complex(tensor(data, {lines, length, 2}));
}

// The parts side by side, as in memory.
Work complex_work(std::function<at::Tensor()> f) {
    auto out = std::make_shared<at::Tensor>();
    return {[f = std::move(f), out] {
                const c10::InferenceMode mode;
                *out = f();
            },
            [out] { return floats(at::view_as_real(*out)); }};
}

}  // namespace

Work decomposition(const std::string& name, const Floats& data, std::int64_t count, std::int64_t n) {
    const at::Tensor x = count > 1 ? tensor(data, {count, n, n}) : tensor(data, {n, n});
    if (name == "cholesky") return work([x] { return at::linalg_cholesky(x); });
    if (name == "solve") return work([x] { return at::linalg_solve(x, x + 1.0); });
    if (name == "inv") return work([x] { return at::linalg_inv(x); });
    if (name == "det") return work([x] { return at::linalg_det(x); });
    if (name == "qr") return work([x] { return std::get<1>(at::linalg_qr(x)); });
    if (name == "eigh") return work([x] { return std::get<0>(at::linalg_eigh(x)); });
    if (name == "svd") return work([x] { return std::get<1>(at::linalg_svd(x, false)); });
    throw std::invalid_argument("the peer has no row " + name);
}

Work fft(const Floats& data, std::int64_t lines, std::int64_t length) {
    return complex_work([x = complex_of(data, lines, length)] { return at::fft_fft(x); });
}
Work rfft(const Floats& data, std::int64_t lines, std::int64_t length) {
    return complex_work([x = tensor(data, {lines, length})] { return at::fft_rfft(x); });
}

}  // namespace peer
