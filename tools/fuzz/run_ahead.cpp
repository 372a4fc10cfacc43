#include "tools/fuzz/run_ahead.h"

#include <algorithm>
#include <dlfcn.h>
#include <filesystem>
#include <fstream>
#include <unistd.h>

#include "codegen/linker.h"
#include "ir/error.h"
#include "ir/graph/interpret.h"
#include "ir/loops/interpret.h"
#include "ir/loops/text.h"
#include "runtime/aot.h"
#include "runtime/parallel.h"
#include "tools/fuzz/values.h"

namespace lathe::testing_support {

using ir::Literal;

AheadLibrary::AheadLibrary(std::span<const codegen::ObjectFile> objects, const std::string& file_name) {
    const std::vector<std::byte> bytes = codegen::link(objects, codegen::LinkKind::shared, file_name, true);
    const std::string path =
        (std::filesystem::temp_directory_path() / (std::to_string(getpid()) + "_" + file_name)).string();
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    handle_ = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    std::filesystem::remove(path);
    if (handle_ == nullptr) throw InternalError(dlerror());
}

AheadLibrary::~AheadLibrary() { dlclose(handle_); }

namespace {

std::string words_of(const lathe_fault& f) {
    return ir::Fault{f.site, f.is_unsigned != 0, f.index, f.bound, f.position}.to_string();
}

}  // namespace

template <class F>
F AheadLibrary::get(const std::string& name) const {
    return reinterpret_cast<F>(dlsym(handle_, name.c_str()));
}

AheadLibrary::Run AheadLibrary::run(const std::string& name, const ir::Graph& graph, std::span<const Literal> inputs,
                                    bool threads) const {
    std::vector<ir::Type> types;
    std::vector<GuardedMemory> memory;
    std::vector<const void*> in;
    std::vector<void*> out;
    for (const Literal& x : inputs) {
        types.push_back(x.type);
        const std::vector<std::byte> bytes = elements_of(x);
        memory.emplace_back(bytes.size());
        std::ranges::copy(bytes, memory.back().data());
        in.push_back(memory.back().data());
    }
    const std::vector<std::int64_t> symbols = ir::bind_symbols(graph, types);
    const auto* info = get<lathe_model_info_function>(name + "_info")();
    Run result;
    const std::int64_t plan_bytes = get<lathe_model_plan_size_function>(name + "_plan_size")();
    if (plan_bytes < 0) return {static_cast<int>(-plan_bytes), {}, {}};
    std::vector<std::uint64_t> plan(static_cast<std::size_t>(plan_bytes + 7) / 8);
    result.status = get<lathe_model_bind_function>(name + "_bind")(symbols.data(), plan.data());
    if (result.status != LATHE_STATUS_OK) return result;
    for (std::int32_t i = 0; i < info->output_count; ++i) {
        std::int64_t dims[LATHE_MAX_RANK];
        result.status = get<lathe_model_output_dims_function>(name + "_output_dims")(plan.data(), i, dims);
        if (result.status != LATHE_STATUS_OK) return result;
        ir::Type type{static_cast<ir::Dtype>(info->outputs[i].dtype), {}};
        for (std::int32_t d = 0; d < info->outputs[i].rank; ++d) type.shape.push_back(dims[d]);
        memory.emplace_back(static_cast<std::size_t>(type.shape.element_count().constant()) * size_of(type.dtype));
        out.push_back(memory.back().data());
        result.outputs.push_back({type, nullptr});
    }
    const lathe_pool pool = lathe_runtime_pool();
    const std::int64_t bytes =
        get<lathe_model_workspace_size_function>(name + "_workspace_size")(plan.data(), threads ? pool.workers : 1);
    if (bytes < 0) return {static_cast<int>(-bytes), {}, {}};
    lathe_fault fault{-1, 0, 0, 0, 0};
    const runtime::Buffer workspace = runtime::allocate(static_cast<std::size_t>(bytes) + 1);
    result.status = get<lathe_model_run_function>(name + "_run")(plan.data(), in.data(), out.data(), workspace.data(),
                                                                 threads ? &pool : nullptr, &fault);
    if (result.status == LATHE_STATUS_INDEX)
        return {result.status, {}, std::string(info->sites[fault.site]) + " " + words_of(fault)};
    if (result.status != LATHE_STATUS_OK) return {result.status, {}, {}};
    for (std::size_t i = 0; i < result.outputs.size(); ++i) {
        const GuardedMemory& written = memory[in.size() + i];
        result.outputs[i] = ir::make_literal(result.outputs[i].type, {written.data(), written.size()});
    }
    return result;
}

}  // namespace lathe::testing_support
