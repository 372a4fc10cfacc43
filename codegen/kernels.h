// Compiled kernels and the cache that holds them. No LLVM type shows here.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "codegen/backend.h"
#include "codegen/target.h"
#include "ir/loops/loops.h"
#include "runtime/abi.h"

namespace lathe::codegen {

struct CompiledKernel {
    std::string key;                                       // canonical text of the nest and the target
    std::string symbol;                                    // derived from the key alone, so equal kernels link as one
    std::shared_ptr<const std::vector<std::byte>> object;  // serves JIT and AOT alike
    std::shared_ptr<const LoadedCode> code;                // null where it cannot run in this process
    lathe_kernel entry() const { return code ? code->entry : nullptr; }
};

// Equal kernels compile once, even where threads race. Everything is safe to call from many threads.
//
// The cache holds a bounded number of kernels: beyond it, those go that no executable holds, longest unused first, and
// their code with them. What executables hold stays, so that equal kernels stay one; the cache may exceed its bound by
// as many.
class KernelCache {
public:
    static constexpr std::size_t default_capacity = 4096;  // kernels, of some 20 KB each
    static KernelCache& shared();

    explicit KernelCache(std::size_t capacity = default_capacity);
    ~KernelCache();
    KernelCache(const KernelCache&) = delete;
    KernelCache& operator=(const KernelCache&) = delete;

    // One kernel for each nest, in order. Nests that are not in the cache compile side by side, on the threads that
    // the calling thread may use.
    std::vector<std::shared_ptr<const CompiledKernel>> compile(std::span<const ir::LoopNest> nests,
                                                               const Target& target);

    void set_capacity(std::size_t kernels);
    std::size_t size() const;  // kernels that are held or on their way
    std::uint64_t compiled() const { return compiled_.load(std::memory_order_relaxed); }  // kernels since the start
    std::uint64_t hits() const { return hits_.load(std::memory_order_relaxed); }
    std::uint64_t evicted() const { return evicted_.load(std::memory_order_relaxed); }

private:
    struct Table;
    void shrink();
    std::unique_ptr<Table> table_;
    std::atomic<std::uint64_t> compiled_{0}, hits_{0}, evicted_{0};
};

// What a kernel is identified by: its canonical text without names, and the target.
std::string kernel_key(const ir::LoopNest& nest, const Target& target);

// For people: LLVM's IR after its passes, and assembly.
std::string emit_llvm(const ir::LoopNest& nest, const Target& target);
std::string emit_asm(const ir::LoopNest& nest, const Target& target);

}  // namespace lathe::codegen
