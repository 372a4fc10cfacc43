#include "codegen/kernels.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <exception>
#include <future>
#include <list>
#include <mutex>
#include <unordered_map>

#include "codegen/executable_memory.h"
#include "ir/error.h"
#include "ir/float_environment.h"
#include "ir/loops/text.h"
#include "ir/loops/verify.h"
#include "ir/loops/walk.h"
#include "runtime/parallel.h"

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
    struct Entry {
        std::string key;
        std::shared_future<Kernel> kernel;  // one that failed has been taken out before it is ready
        bool unused() const {               // by anyone but this table
            return kernel.wait_for(std::chrono::seconds(0)) == std::future_status::ready &&
                   kernel.get().use_count() == 1;
        }
    };
    using Entries = std::list<Entry>;
    std::mutex mutex;  // protects what follows
    std::size_t capacity = 0;
    Entries entries;  // longest unused first
    std::unordered_map<std::string_view, Entries::iterator> places;

    // The entry for a key, which becomes the last to go, and whether it is new.
    std::pair<std::shared_future<Kernel>, bool> use(const std::string& key, const std::shared_future<Kernel>& fresh) {
        const std::scoped_lock lock(mutex);
        if (const auto found = places.find(key); found != places.end()) {
            entries.splice(entries.end(), entries, found->second);
            return {found->second->kernel, false};
        }
        entries.push_back({key, fresh});
        try {
            places.emplace(entries.back().key, std::prev(entries.end()));
        } catch (...) {
            entries.pop_back();
            throw;
        }
        return {fresh, true};
    }
    // What is taken out goes to `taken`, to be destroyed when nothing is locked.
    Entries::iterator take_out(Entries::iterator entry, Entries& taken) {
        places.erase(entry->key);
        const auto next = std::next(entry);
        taken.splice(taken.end(), entries, entry);
        return next;
    }
};

KernelCache& KernelCache::shared() {
    static auto* cache = new KernelCache;  // kernels may run until the process ends
    return *cache;
}

KernelCache::KernelCache(std::size_t capacity) : table_(std::make_unique<Table>()) { table_->capacity = capacity; }
KernelCache::~KernelCache() = default;

void KernelCache::set_capacity(std::size_t kernels) {
    {
        const std::scoped_lock lock(table_->mutex);
        table_->capacity = kernels;
    }
    shrink();
}

std::size_t KernelCache::size() const {
    const std::scoped_lock lock(table_->mutex);
    return table_->entries.size();
}

// A kernel that another call has found and not yet taken looks unused; it goes to that call all the same.
void KernelCache::shrink() {
    Table::Entries taken;
    {
        const std::scoped_lock lock(table_->mutex);
        auto& entries = table_->entries;
        for (auto e = entries.begin(); e != entries.end() && entries.size() > table_->capacity;)
            e = e->unused() ? table_->take_out(e, taken) : std::next(e);
    }
    evicted_.fetch_add(taken.size(), std::memory_order_relaxed);
}

namespace {

// Whether any statement computes one.
bool has_products_of_bytes(const ir::LoopNest& nest) {
    const auto is_one = [](const ir::ScalarProgram& p) {
        return std::ranges::find(p.insts, ir::Prim::dot_bytes, &ir::ScalarInst::prim) != p.insts.end();
    };
    bool found = false;
    ir::for_each_statement(nest.body, [&](const ir::Stmt& s) {
        if (const auto* r = std::get_if<ir::Reduce>(&s.node))
            found = found || is_one(program_of(*r, ir::ReducerPart::step));
        if (const auto* c = std::get_if<ir::Compute>(&s.node); c != nullptr && c->part == ir::ComputePart::step) {
            std::vector<ir::Dtype> operands;
            for (const ir::ValueId v : c->operands) operands.push_back(nest.value_dtypes[static_cast<std::size_t>(v)]);
            found =
                found || is_one(program_of(*c, operands, nest.value_dtypes[static_cast<std::size_t>(c->results[0])]));
        }
    });
    return found;
}

// Kernels that are alike on several levels are compiled for the least of these, once.
Target least_target(const ir::LoopNest& nest, const Target& target) {
    return target.features.empty() || has_products_of_bytes(nest) ? target : without_features(target);
}

}  // namespace

std::string kernel_key(const ir::LoopNest& nest, const Target& whole) {
    const Target target = least_target(nest, whole);
    return target.name + "\n" + print(canonical(nest, ir::Names::anonymous));
}

std::vector<Kernel> KernelCache::compile(std::span<const ir::LoopNest> nests, const Target& target) {
    const ir::FloatEnvironment floats;
    struct Task {
        const ir::LoopNest* nest;
        Target target;
        std::string key;
        std::promise<Kernel> result;
    };
    using Compilers = std::array<std::unique_ptr<KernelCompiler>, 2>;  // the second for what needs the features
    std::vector<Compilers> compilers(static_cast<std::size_t>(runtime::thread_count()));  // of each worker
    std::vector<Task> tasks;
    // Takes the exception on its way to those who wait for the kernel; a later call tries again.
    const auto fail = [&](Task& task) {
        {
            Table::Entries taken;
            const std::scoped_lock lock(table_->mutex);
            table_->take_out(table_->places.at(task.key), taken);
        }
        task.result.set_exception(std::current_exception());
    };
    std::vector<std::shared_future<Kernel>> wanted;
    wanted.reserve(nests.size());
    tasks.reserve(nests.size());
    try {
        for (const ir::LoopNest& nest : nests) {
            Task task{&nest, least_target(nest, target), kernel_key(nest, target), {}};
            auto [kernel, fresh] = table_->use(task.key, task.result.get_future().share());
            wanted.push_back(std::move(kernel));
            if (fresh)
                tasks.push_back(std::move(task));
            else
                hits_.fetch_add(1, std::memory_order_relaxed);
        }
    } catch (...) {
        for (Task& task : tasks) fail(task);
        throw;
    }

    const auto count = static_cast<std::int64_t>(tasks.size());
    runtime::share_tasks(count, runtime::thread_count(), [&](std::int64_t i, int worker) noexcept {
        Task& task = tasks[static_cast<std::size_t>(i)];
        try {
            const ir::FloatEnvironment of_this_thread;
            check(*task.nest);
            auto& compiler = compilers[static_cast<std::size_t>(worker)][task.target.features.empty() ? 0 : 1];
            if (!compiler) compiler = backend().compiler(task.target);
            auto kernel = std::make_shared<CompiledKernel>();
            kernel->key = task.key;
            kernel->symbol = symbol_of(task.key);
            kernel->object =
                std::make_shared<const std::vector<std::byte>>(compiler->compile(*task.nest, kernel->symbol));
            if (target.runs_here && executable_memory().allowed)
                kernel->code = backend().load(*kernel->object, kernel->symbol);
            compiled_.fetch_add(1, std::memory_order_relaxed);
            task.result.set_value(std::move(kernel));
        } catch (...) {
            fail(task);
        }
    });

    std::vector<Kernel> kernels;
    kernels.reserve(wanted.size());
    for (auto& w : wanted) kernels.push_back(w.get());
    wanted.clear();
    if (!tasks.empty()) shrink();  // now that those of this call are held
    return kernels;
}

std::string emit_llvm(const ir::LoopNest& nest, const Target& target) {
    const ir::FloatEnvironment floats;
    check(nest);
    return backend().compiler(least_target(nest, target))->llvm_text(nest, "kernel");
}

std::string emit_asm(const ir::LoopNest& nest, const Target& target) {
    const ir::FloatEnvironment floats;
    check(nest);
    return backend().compiler(least_target(nest, target))->assembly(nest, "kernel");
}

}  // namespace lathe::codegen
