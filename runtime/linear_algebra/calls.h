// Functions that plans call for linear algebra, with the ABI of kernels (abi.h); what each is told in numbers, it says
// beside its definition. Iterations are matrices of a batch.
//
// They are compiled with Eigen into a static library of its own, which models that are compiled ahead of time link with
// only if they call one. Like runtime/calls, it needs nothing but libc. What it works on lies in the step's workspace:
// it allocates nothing, and bits depend on shapes and values alone, not on where operands lie, the machine's caches, or
// how many matrices there are.
#pragma once

#include <cstdint>
#include <type_traits>

#include "runtime/bound_plan.h"

extern "C" {
LATHE_PLAN_CODE std::remove_pointer_t<lathe_kernel> lathe_call_cholesky_v1;
LATHE_PLAN_CODE std::remove_pointer_t<lathe_kernel> lathe_call_det_v1;
LATHE_PLAN_CODE std::remove_pointer_t<lathe_kernel> lathe_call_eig_v1;
LATHE_PLAN_CODE std::remove_pointer_t<lathe_kernel> lathe_call_eigh_v1;
LATHE_PLAN_CODE std::remove_pointer_t<lathe_kernel> lathe_call_lu_v1;
LATHE_PLAN_CODE std::remove_pointer_t<lathe_kernel> lathe_call_lu_solve_v1;
LATHE_PLAN_CODE std::remove_pointer_t<lathe_kernel> lathe_call_matrix_exp_v1;
LATHE_PLAN_CODE std::remove_pointer_t<lathe_kernel> lathe_call_qr_v1;
LATHE_PLAN_CODE std::remove_pointer_t<lathe_kernel> lathe_call_svd_v1;
LATHE_PLAN_CODE std::remove_pointer_t<lathe_kernel> lathe_call_triangular_solve_v1;
}
