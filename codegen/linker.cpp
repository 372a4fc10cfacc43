#include "codegen/linker.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ir/error.h"
#include "ir/float_environment.h"
#include "runtime/system_reason.h"

extern "C" char** environ;

namespace lathe::codegen {
namespace {

namespace fs = std::filesystem;

std::string folder_of_temporaries() {
    for (const char* const variable : {"TMPDIR", "TMP", "TEMP", "TEMPDIR"})
        if (const char* const folder = std::getenv(variable); folder != nullptr && *folder != '\0') return folder;
    return "/tmp";
}

// A folder that goes with all that is in it.
class TemporaryFolder {
public:
    TemporaryFolder() {
        const std::string place = folder_of_temporaries();
        std::string name = place + "/lathe-XXXXXX";
        if (!mkdtemp(name.data()))
            throw ResourceError(place + ": the linker's files go there, but: " + runtime::system_reason(errno) +
                                " (TMPDIR names another folder)");
        path_ = name;
    }
    ~TemporaryFolder() {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    std::string file(const std::string& name) const { return (path_ / name).string(); }

private:
    fs::path path_;
};

void write_file(const std::string& path, std::span<const std::byte> bytes) {
    std::ofstream out(path, std::ios::binary);
    out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    out.close();
    if (!out) throw ResourceError(path + ": " + runtime::system_reason(errno));
}

std::string read_all(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::string find_program(std::span<const char* const> names) {
    const char* const path = std::getenv("PATH");
    std::string_view folders = path ? path : "/usr/bin:/bin";
    std::string all;
    for (const char* const name : names) {
        all += (all.empty() ? "" : ", ") + std::string(name);
        for (std::string_view rest = folders; !rest.empty();) {
            const std::size_t end = std::min(rest.find(':'), rest.size());
            const std::string candidate = std::string(rest.substr(0, end)) + "/" + name;
            rest.remove_prefix(std::min(end + 1, rest.size()));
            std::error_code ignored;
            if (access(candidate.c_str(), X_OK) == 0 && fs::is_regular_file(candidate, ignored)) return candidate;
        }
    }
    throw ResourceError("no linker was found: one of " + all + " has to be in PATH");
}

// Libraries that compiled models are linked with lie beside this one.
std::string library_beside(const char* file) {
    Dl_info info{};
    static const char here = 0;
    if (dladdr(&here, &info) != 0 && info.dli_fname) {
        std::error_code error;
        const fs::path folder = fs::canonical(info.dli_fname, error).parent_path();
        const fs::path library = folder / file;
        if (!error && fs::exists(library, error)) return library.string();
    }
    throw ResourceError(std::string(file) + ", which the model is linked with, is not beside the library");
}

void run(const std::vector<std::string>& command, const std::string& output) {
    std::vector<char*> arguments;
    for (const std::string& a : command) arguments.push_back(const_cast<char*>(a.c_str()));
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, output.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_adddup2(&actions, 1, 2);
    pid_t child = 0;
    const int failure = posix_spawn(&child, arguments[0], &actions, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    if (failure != 0) throw ResourceError(command[0] + ": " + runtime::system_reason(failure));
    int status = 0;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR) throw ResourceError(command[0] + ": " + runtime::system_reason(errno));
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
    std::string said = read_all(output);
    while (!said.empty() && said.back() == '\n') said.pop_back();
    throw ResourceError(command[0] + " failed" + (said.empty() ? "" : ": " + said));
}

}  // namespace

std::vector<std::byte> link(std::span<const ObjectFile> objects, LinkKind kind, const std::string& name,
                            bool with_linear_algebra) {
    const ir::FloatEnvironment floats;  // paths of libstdc++ compute with floats
    static constexpr const char* linkers[] = {"ld.lld-19", "ld.lld", "ld"};
    static constexpr const char* compilers[] = {"cc", "gcc", "clang", "clang-19"};
    const bool executable = kind == LinkKind::executable;
    std::vector<std::string> command = {executable ? find_program(compilers) : find_program(linkers)};
    std::vector<std::string> libraries;
    if (executable) libraries.push_back(library_beside("liblathe_aot.a"));
    if (kind != LinkKind::relocatable && with_linear_algebra)
        libraries.push_back(library_beside("liblathe_linear_algebra.a"));
    const TemporaryFolder folder;
    const std::string result = folder.file("linked");
    const auto add = [&](std::initializer_list<const char*> options) {
        command.insert(command.end(), options.begin(), options.end());
    };
    if (kind == LinkKind::relocatable) add({"-r"});
    if (kind == LinkKind::shared) {
        add({"-shared", "--gc-sections", "-z", "noexecstack", "-z", "relro", "-soname"});
        command.push_back(name);
    }
    if (executable) add({"-s", "-Wl,--gc-sections", "-Wl,-z,noexecstack"});
    add({"-o"});
    command.push_back(result);
    for (std::size_t i = 0; i < objects.size(); ++i) {
        command.push_back(folder.file(std::to_string(i) + ".o"));
        write_file(command.back(), *objects[i].bytes);
    }
    command.insert(command.end(), libraries.begin(), libraries.end());
    run(command, folder.file("said"));
    const std::string linked = read_all(result);
    if (linked.empty()) throw ResourceError(command[0] + " wrote nothing");
    std::vector<std::byte> bytes(linked.size());
    std::memcpy(bytes.data(), linked.data(), linked.size());
    return bytes;
}

}  // namespace lathe::codegen
