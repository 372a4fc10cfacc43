#include "codegen/kernels.h"

#include <algorithm>
#include <exception>
#include <future>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "ir/error.h"
#include "ir/loops_text.h"

namespace lathe::codegen {

namespace {

using Kernel = std::shared_ptr<const CompiledKernel>;

// 128 bits by two FNV-1a style passes with different primes; equal keys are compared in full, the hash only names
// symbols.
std::string symbol_of(const std::string& key) {
    std::uint64_t a = 0xcbf29ce484222325ULL, b = 0x9ae16a3b2f90404fULL;
    for (const char c : key) {
        const auto byte = static_cast<unsigned char>(c);
        a = (a ^ byte) * 0x100000001b3ULL;
        b = (b + byte) * 0xc2b2ae3d27d4eb4fULL;
        b ^= b >> 29;
    }
    static constexpr char digits[] = "0123456789abcdef";
    std::string out = "lathe_kernel_";
    for (std::uint64_t word : {a, b})
        for (int shift = 60; shift >= 0; shift -= 4) out += digits[(word >> shift) & 15U];
    return out;
}

void check(const ir::LoopNest& nest) {
    const std::vector<std::string> faults = verify(nest);
    if (faults.empty()) return;
    std::string why;
    for (const std::string& f : faults) why += "\n  " + f;
    std::string text;
    try {
        text = print(nest);
    } catch (const Error& e) {
        text = e.what();
    }
    throw InternalError("codegen: an unsound loop nest:" + why + "\n" + text);
}

}  // namespace

struct KernelCache::Table {
    std::mutex mutex;
    std::unordered_map<std::string, std::shared_future<Kernel>> kernels;
};

KernelCache& KernelCache::shared() {
    static auto* cache = new KernelCache;  // kernels may run until the process ends
    return *cache;
}

KernelCache::KernelCache() : table_(std::make_unique<Table>()) {}
KernelCache::~KernelCache() = default;

std::string kernel_key(const ir::LoopNest& nest, const Target& target) {
    return target.name + "\n" + print(canonical(nest, ir::Names::anonymous));
}

std::vector<Kernel> KernelCache::compile(std::span<const ir::LoopNest> nests, const Target& target) {
    struct Task {
        const ir::LoopNest* nest;
        std::string key;
        std::promise<Kernel> result;
    };
    std::vector<std::string> keys;  // all that can fail comes before the table promises anything
    for (const ir::LoopNest& nest : nests) keys.push_back(kernel_key(nest, target));
    std::vector<std::shared_future<Kernel>> wanted;
    std::vector<Task> tasks;
    wanted.reserve(nests.size());
    tasks.reserve(nests.size());
    for (std::size_t i = 0; i < nests.size(); ++i) {
        Task task{&nests[i], std::move(keys[i]), {}};
        const std::shared_future<Kernel> result = task.result.get_future().share();
        const std::scoped_lock lock(table_->mutex);
        const auto [at, fresh] = table_->kernels.try_emplace(task.key, result);
        if (fresh)
            tasks.push_back(std::move(task));
        else
            hits_.fetch_add(1, std::memory_order_relaxed);
        wanted.push_back(at->second);
    }

    std::atomic<std::size_t> next{0};
    const auto work = [&] {
        std::unique_ptr<KernelCompiler> compiler;
        for (std::size_t i = next.fetch_add(1); i < tasks.size(); i = next.fetch_add(1)) {
            Task& task = tasks[i];
            try {
                check(*task.nest);
                if (!compiler) compiler = backend().compiler(target);
                auto kernel = std::make_shared<CompiledKernel>();
                kernel->key = task.key;
                kernel->symbol = symbol_of(task.key);
                kernel->object =
                    std::make_shared<const std::vector<std::byte>>(compiler->compile(*task.nest, kernel->symbol));
                if (target.runs_here) kernel->code = backend().load(*kernel->object, kernel->symbol);
                compiled_.fetch_add(1, std::memory_order_relaxed);
                task.result.set_value(std::move(kernel));
            } catch (...) {
                {  // a later call tries again
                    const std::scoped_lock lock(table_->mutex);
                    table_->kernels.erase(task.key);
                }
                task.result.set_exception(std::current_exception());
            }
        }
    };
    std::vector<std::jthread> helpers;
    const std::size_t threads = std::min<std::size_t>(tasks.size(), std::max(1U, std::thread::hardware_concurrency()));
    for (std::size_t t = 1; t < threads; ++t) {
        try {
            helpers.emplace_back(work);
        } catch (const std::system_error&) {
            break;  // fewer threads do the same work
        }
    }
    work();
    helpers.clear();

    std::vector<Kernel> kernels;
    kernels.reserve(wanted.size());
    for (auto& w : wanted) kernels.push_back(w.get());
    return kernels;
}

std::string emit_llvm(const ir::LoopNest& nest, const Target& target) {
    check(nest);
    return backend().compiler(target)->llvm_text(nest, "kernel");
}

std::string emit_asm(const ir::LoopNest& nest, const Target& target) {
    check(nest);
    return backend().compiler(target)->assembly(nest, "kernel");
}

}  // namespace lathe::codegen
