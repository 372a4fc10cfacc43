#include "frontend/formats/mapped_file.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ir/error.h"
#include "runtime/system_reason.h"

namespace lathe {
namespace {

struct OpenFile {
    int number;
    explicit OpenFile(const std::string& path) : number(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
    ~OpenFile() {
        if (number >= 0) close(number);
    }
    OpenFile(const OpenFile&) = delete;
    OpenFile& operator=(const OpenFile&) = delete;
};

}  // namespace

MappedFile::MappedFile(const std::string& path) {
    const auto fail = [&] { throw FormatError(path + ": " + runtime::system_reason(errno)); };
    const OpenFile file(path);
    struct stat status{};
    if (file.number < 0 || fstat(file.number, &status) != 0) fail();
    if (!S_ISREG(status.st_mode)) throw FormatError(path + ": is no regular file, which alone can be mapped");
    size_ = static_cast<std::size_t>(status.st_size);
    if (size_ == 0) return;
    void* const data = mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file.number, 0);
    if (data == MAP_FAILED) fail();
    data_ = data;
}

MappedFile::~MappedFile() {
    if (data_ != nullptr) munmap(data_, size_);
}

}  // namespace lathe
