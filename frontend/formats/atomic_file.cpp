#include "frontend/formats/atomic_file.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include "ir/error.h"
#include "ir/float_environment.h"
#include "runtime/system_reason.h"

namespace lathe {
namespace {

FileSystem& file_system() {
    static FileSystem system = default_file_system();
    return system;
}

// A new file whose name ends in six letters in place of the template's. mkstemp would make it with the permissions of
// a secret, and the process's mask, which would give it others, cannot be read without being changed for all threads:
// here the system applies it.
int open_temporary(char* path_template) {
    static constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyz0123456789";
    constexpr std::size_t count = 6;
    constexpr int attempts = 100;
    char* const end = path_template + std::strlen(path_template) - count;
    for (int attempt = 0; attempt < attempts; ++attempt) {
        std::array<unsigned char, count> random{};
        if (getrandom(random.data(), random.size(), 0) != static_cast<ssize_t>(random.size())) return -1;
        for (std::size_t i = 0; i < count; ++i) end[i] = letters[random[i] % letters.size()];
        const int file = open(path_template, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (file >= 0 || errno != EEXIST) return file;
    }
    return -1;
}

}  // namespace

FileSystem default_file_system() {
    return {open_temporary,
            [](const char* path) { return open(path, O_WRONLY | O_CLOEXEC); },
            [](int file, const void* data, std::size_t bytes) { return ::write(file, data, bytes); },
            [](int file) { return fsync(file); },
            [](int file) { return close(file); },
            [](const char* from, const char* to) { return std::rename(from, to); },
            [](const char* path) { return unlink(path); }};
}

void set_file_system(const FileSystem& system) { file_system() = system; }

AtomicFile::AtomicFile(std::string path) : path_(std::move(path)) {
    const ir::FloatEnvironment floats;  // paths of libstdc++ compute with floats
    std::error_code error;
    const auto status = std::filesystem::status(path_, error);
    if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
        file_ = file_system().open_existing(path_.c_str());
    } else {
        // A link stays: what it points to is replaced.
        const auto target =
            std::filesystem::exists(status) ? std::filesystem::canonical(path_, error) : std::filesystem::path(path_);
        if (!error) path_ = target.string();
        temporary_ = path_ + ".XXXXXX";
        file_ = file_system().open_temporary(temporary_.data());
    }
    if (file_ < 0) {
        temporary_.clear();
        fail();
    }
}

AtomicFile::~AtomicFile() { discard(); }

void AtomicFile::write(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t written = file_system().write(file_, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written == 0) errno = ENOSPC;
        if (written <= 0) fail();
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
}

void AtomicFile::make_executable() {
    if (temporary_.empty()) return;
    struct stat status{};
    if (fstat(file_, &status) != 0) fail();
    const mode_t mode = status.st_mode & 0777;
    if (fchmod(file_, mode | ((mode & 0444) >> 2)) != 0) fail();  // who may read may run
}

void AtomicFile::commit() {
    if (!temporary_.empty() && file_system().synchronise(file_) != 0) fail();
    if (file_system().close(std::exchange(file_, -1)) != 0) fail();
    if (!temporary_.empty() && file_system().rename(temporary_.c_str(), path_.c_str()) != 0) fail();
    temporary_.clear();
}

void AtomicFile::fail() {
    const std::string reason = runtime::system_reason(errno);
    discard();
    throw ResourceError(path_ + ": " + reason);
}

void AtomicFile::discard() noexcept {
    if (file_ >= 0) file_system().close(std::exchange(file_, -1));
    if (!temporary_.empty()) file_system().remove(temporary_.c_str());
    temporary_.clear();
}

void write_atomically(const std::string& path, std::string_view bytes) {
    AtomicFile file(path);
    file.write(bytes);
    file.commit();
}

}  // namespace lathe
