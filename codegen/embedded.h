// Files that are a part of the library, as bytes; see cmake/embed.cmake.
#pragma once

namespace lathe::codegen::embedded {

extern const unsigned char aot_model[];  // the object of runtime/aot_model.c
extern const unsigned long aot_model_size;
extern const unsigned char bound_plan[];  // the object of runtime/bound_plan.c
extern const unsigned long bound_plan_size;
// The objects of runtime/calls, by the functions' names.
struct Call {
    const char* name;
    const unsigned char* bytes;
    unsigned long size;
};
extern const Call calls[];
extern const unsigned long call_count;
extern const unsigned char abi_header[];  // runtime/abi.h
extern const unsigned long abi_header_size;
extern const unsigned char aot_header[];  // runtime/aot.h
extern const unsigned long aot_header_size;

}  // namespace lathe::codegen::embedded
