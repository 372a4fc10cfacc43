// Files that are a part of the library, as bytes; see cmake/embed.cmake.
#pragma once

namespace lathe::codegen::embedded {

extern const unsigned char aot_walk[];  // the object of runtime/aot_walk.c
extern const unsigned long aot_walk_size;
extern const unsigned char abi_header[];  // runtime/abi.h
extern const unsigned long abi_header_size;
extern const unsigned char aot_header[];  // runtime/aot.h
extern const unsigned long aot_header_size;

}  // namespace lathe::codegen::embedded
