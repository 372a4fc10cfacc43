// Workloads of the peer over its tensors.
#pragma once

#include <memory>
#include <torch/torch.h>

#include "bench/peer.h"

namespace peer {

inline at::Tensor tensor(const Floats& data, at::IntArrayRef shape) {
    return torch::from_blob(const_cast<float*>(data.data()), shape, torch::kFloat32).clone();
}
inline at::Tensor tensor(const Floats& data) { return tensor(data, {static_cast<std::int64_t>(data.size())}); }

inline at::Tensor tensor(const Integers& data) {
    return torch::from_blob(const_cast<std::int64_t*>(data.data()), {static_cast<std::int64_t>(data.size())},
                            torch::kInt64)
        .clone();
}

inline Floats floats(const at::Tensor& t) {
    const at::Tensor c = t.detach().to(torch::kFloat32).contiguous();
    return {c.data_ptr<float>(), c.data_ptr<float>() + c.numel()};
}

template <class F>
Work work(F f) {
    auto out = std::make_shared<at::Tensor>();
    return {[f, out]() mutable {
                const c10::InferenceMode mode;
                *out = f();
            },
            [out] { return floats(*out); }};
}

}  // namespace peer
