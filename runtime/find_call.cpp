#include "runtime/find_call.h"

#include <utility>

#include "runtime/calls/calls.h"

namespace lathe::runtime {

lathe_kernel find_call(std::string_view name) {
    static constexpr std::pair<std::string_view, lathe_kernel> calls[] = {
        {"cummax_v1", lathe_call_cummax_v1},
        {"cumprod_v1", lathe_call_cumprod_v1},
        {"cumsum_v2", lathe_call_cumsum_v2},
        {"fft_v1", lathe_call_fft_v1},
        {"linear_recurrence_v1", lathe_call_linear_recurrence_v1},
        {"sort_v2", lathe_call_sort_v2},
        {"searchsorted_v1", lathe_call_searchsorted_v1},
        {"topk_v1", lathe_call_topk_v1},
    };
    for (const auto& [known, call] : calls)
        if (known == name) return call;
    return nullptr;
}

}  // namespace lathe::runtime
