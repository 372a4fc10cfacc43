#include "runtime/find_call.h"

#include <utility>

#include "runtime/calls/calls.h"
#include "runtime/linear_algebra/calls.h"

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
        // of the library of linear algebra
        {"cholesky_v1", lathe_call_cholesky_v1},
        {"lu_v1", lathe_call_lu_v1},
        {"lu_solve_v1", lathe_call_lu_solve_v1},
        {"det_v1", lathe_call_det_v1},
        {"triangular_solve_v1", lathe_call_triangular_solve_v1},
        {"qr_v1", lathe_call_qr_v1},
        {"eig_v1", lathe_call_eig_v1},
        {"eigh_v1", lathe_call_eigh_v1},
        {"svd_v1", lathe_call_svd_v1},
        {"matrix_exp_v1", lathe_call_matrix_exp_v1},
    };
    for (const auto& [known, call] : calls)
        if (known == name) return call;
    return nullptr;
}

}  // namespace lathe::runtime
