#include "frontend/model/aot.h"

#include <filesystem>
#include <memory>
#include <string_view>
#include <system_error>

#include "codegen/aot.h"
#include "codegen/linker.h"
#include "frontend/formats/atomic_file.h"
#include "frontend/tensor/blame.h"
#include "ir/ascii.h"
#include "ir/error.h"
#include "ir/float_environment.h"

namespace lathe {
namespace {

bool is_identifier(std::string_view s) {
    if (s.empty() || ir::is_digit(s[0])) return false;
    for (const char c : s)
        if (c != '_' && !ir::is_alphanumeric(c)) return false;
    return true;
}

std::string identifier_of(const std::string& name) {
    std::string out;
    for (const char c : name) out += ir::is_alphanumeric(c) ? c : '_';
    return is_identifier(out) ? out : "model_" + out;
}

std::vector<std::byte> linked(const codegen::AotCode& code, const std::string& extension, const std::string& file) {
    if (extension == ".a") return codegen::archive(code.objects);
    const auto kind = extension == ".o"    ? codegen::LinkKind::relocatable
                      : extension == ".so" ? codegen::LinkKind::shared
                                           : codegen::LinkKind::executable;
    return codegen::link(code.objects, kind, file, code.interface.calls_linear_algebra);
}

}  // namespace

void compile_model(const Model& model, const std::string& path, const AotOptions& options, Where where) try {
    const ir::FloatEnvironment floats;  // paths of libstdc++ compute with floats
    std::error_code unknown;
    const auto place_of = [&](const std::string& file) {
        return std::filesystem::weakly_canonical(std::filesystem::absolute(file, unknown), unknown);
    };
    if (!options.header.empty() && place_of(path) == place_of(options.header))
        throw UserError(path + ": the header would be written over the code");
    const std::string extension = std::filesystem::path(path).extension().string();
    const bool executable = extension != ".o" && extension != ".a" && extension != ".so";
    codegen::AotRequest request;
    request.name = options.name.empty() ? identifier_of(model.name()) : options.name;
    if (!is_identifier(request.name)) throw UserError("'" + request.name + "' is not an identifier of C");
    for (const std::string& target : options.targets) request.targets.push_back(codegen::target_named(target));
    request.with_driver = executable;
    for (const CountedOutput& c : model.counted())
        request.counted.push_back({static_cast<std::uint32_t>(c.output), static_cast<std::uint32_t>(c.axis),
                                   static_cast<std::uint32_t>(c.count)});
    request.compile.pipeline.off = options.off;
    for (const SizedInput& s : model.sized()) {
        const std::string& first = model.graph().parameter_name(s.first);
        request.sized.push_back({{first.substr(0, first.size() - 2), static_cast<int>(s.dtype),
                                  std::vector<std::int64_t>(s.rank, static_cast<std::int64_t>(s.count))},
                                 static_cast<std::uint32_t>(s.first),
                                 static_cast<std::uint32_t>(s.count)});
    }
    const codegen::AotCode code = codegen::compile_ahead(*model.closed_graph(), request);

    const std::vector<std::byte> bytes = linked(code, extension, std::filesystem::path(path).filename().string());
    AtomicFile file(path);
    file.write({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    if (executable || extension == ".so") file.make_executable();
    if (options.header.empty()) {
        file.commit();
        return;
    }
    const bool header_is_new = !std::filesystem::exists(options.header, unknown);
    AtomicFile header(options.header);
    header.write(codegen::c_header(code.interface));
    header.commit();
    try {
        file.commit();
    } catch (...) {  // a header without its object says what is not there
        if (header_is_new) std::filesystem::remove(options.header, unknown);
        throw;
    }
} catch (...) {
    detail::rethrow(detail::blame(where));
}

}  // namespace lathe
