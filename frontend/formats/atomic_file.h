// Files that appear complete or not at all: written beside their place, synchronised, then renamed.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <sys/types.h>

namespace lathe {

// The seam to the system, as C functions with their errno: tests replace it to make calls fail.
struct FileSystem {
    int (*open_temporary)(char* path_template);  // as mkstemp does, with the permissions of a new file
    int (*open_existing)(const char* path);      // for writing
    ssize_t (*write)(int file, const void* data, std::size_t bytes);
    int (*synchronise)(int file);
    int (*close)(int file);
    int (*rename)(const char* from, const char* to);
    int (*remove)(const char* path);
};
FileSystem default_file_system();
void set_file_system(const FileSystem& system);  // not while files are written

// A file on its way. What is not committed leaves nothing behind. All failures throw ResourceError with the path and
// the system's reason. Where the path is a device or a pipe, it is written directly.
class AtomicFile {
public:
    explicit AtomicFile(std::string path);
    ~AtomicFile();
    AtomicFile(const AtomicFile&) = delete;
    AtomicFile& operator=(const AtomicFile&) = delete;

    void write(std::string_view bytes);
    void make_executable();
    void commit();

private:
    [[noreturn]] void fail();
    void discard() noexcept;

    std::string path_, temporary_;  // temporary_ is empty where the path is written directly
    int file_ = -1;
};

void write_atomically(const std::string& path, std::string_view bytes);

}  // namespace lathe
