// Functions that plans call where the work is no loop nest. Each has the ABI of kernels (abi.h); what it is told in
// numbers, it says beside its definition.
//
// A name carries a version: functions of several versions of the library may meet in a program. Each is an object of
// its own, NAME.cpp, that is also a part of the ahead-of-time compiled objects which call it. So it needs nothing but
// libc, and runs on the least x86-64; that of Fourier transforms on the least that kernels are compiled for.
#pragma once

#include <cstdint>
#include <type_traits>

#include "runtime/bound_plan.h"

extern "C" {
LATHE_PLAN_CODE std::remove_pointer_t<lathe_kernel> lathe_call_cummax_v1;
LATHE_PLAN_CODE std::remove_pointer_t<lathe_kernel> lathe_call_cumprod_v1;
LATHE_PLAN_CODE std::remove_pointer_t<lathe_kernel> lathe_call_cumsum_v2;
LATHE_PLAN_CODE std::remove_pointer_t<lathe_kernel> lathe_call_fft_v1;
LATHE_PLAN_CODE std::remove_pointer_t<lathe_kernel> lathe_call_linear_recurrence_v1;
LATHE_PLAN_CODE std::remove_pointer_t<lathe_kernel> lathe_call_sort_v2;
LATHE_PLAN_CODE std::remove_pointer_t<lathe_kernel> lathe_call_searchsorted_v1;
LATHE_PLAN_CODE std::remove_pointer_t<lathe_kernel> lathe_call_topk_v1;
}
