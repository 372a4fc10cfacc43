#include "frontend/formats/read_file.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <new>
#include <sys/stat.h>
#include <zlib.h>

#include "ir/error.h"
#include "runtime/buffer.h"
#include "runtime/system_reason.h"

namespace lathe {
namespace {

struct CloseFile {
    void operator()(std::FILE* file) const { std::fclose(file); }
};

struct EndInflate {
    void operator()(z_stream* stream) const { inflateEnd(stream); }
};

// Of pipes, and of files that grow while they are read.
constexpr std::size_t longest_stream = std::size_t{1} << 32;

[[noreturn]] void fail_to_read(const std::string& path) {
    throw FormatError(path + ": " + runtime::system_reason(errno));
}

}  // namespace

std::string read_file(const std::string& path) {
    const std::unique_ptr<std::FILE, CloseFile> file(std::fopen(path.c_str(), "rb"));
    if (!file) fail_to_read(path);
    struct stat status{};
    if (fstat(fileno(file.get()), &status) != 0) fail_to_read(path);
    if (S_ISDIR(status.st_mode)) throw FormatError(path + ": is a folder, not a file");
    if (S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode)) throw FormatError(path + ": is a device, not a file");
    try {
        const bool regular = S_ISREG(status.st_mode);
        std::string bytes;
        if (regular) runtime::require_room(static_cast<std::uint64_t>(status.st_size));
        std::size_t capacity = std::max(std::size_t{1} << 16, static_cast<std::size_t>(status.st_size) + 1);
        for (;;) {
            const std::size_t old = bytes.size();
            bytes.resize(old + capacity);
            const std::size_t got = std::fread(bytes.data() + old, 1, capacity, file.get());
            bytes.resize(old + got);
            if (got < capacity) break;
            if (bytes.size() > longest_stream)
                throw ResourceError(path + ": goes on after " + std::to_string(longest_stream) + " bytes");
            runtime::require_room(2 * bytes.size());
            capacity = bytes.size();
        }
        if (std::ferror(file.get())) fail_to_read(path);
        return bytes;
    } catch (const std::bad_alloc&) {
        throw ResourceError(path + ": there is no memory to read it");
    }
}

bool is_gzip(std::string_view bytes) { return bytes.starts_with("\x1f\x8b"); }

std::string unzip(std::string_view bytes, const std::string& name, std::uint64_t limit) {
    constexpr int gzip_window = 15 + 16;
    z_stream stream{};
    if (inflateInit2(&stream, gzip_window) != Z_OK) throw ResourceError(name + ": there is no memory to unzip it");
    const std::unique_ptr<z_stream, EndInflate> end(&stream);
    std::string text;
    std::size_t consumed = 0;
    const auto fail = [&](const std::string& what) {
        throw FormatError(name + ": byte " + std::to_string(consumed - stream.avail_in) + ": " + what);
    };
    constexpr std::size_t piece = std::size_t{1} << 20;
    for (;;) {
        if (stream.avail_in == 0) {
            const std::size_t n = std::min(piece, bytes.size() - consumed);
            stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data() + consumed));
            stream.avail_in = static_cast<uInt>(n);
            consumed += n;
        }
        const std::size_t old = text.size();
        text.resize(old + piece);
        stream.next_out = reinterpret_cast<Bytef*>(text.data() + old);
        stream.avail_out = static_cast<uInt>(piece);
        const int status = inflate(&stream, Z_NO_FLUSH);
        text.resize(old + piece - stream.avail_out);
        if (text.size() > limit) fail("the gzip stream holds more than " + std::to_string(limit) + " bytes");
        if (status == Z_STREAM_END) {
            if (stream.avail_in == 0 && consumed == bytes.size()) return text;
            if (inflateReset(&stream) != Z_OK) fail("the gzip stream is malformed");  // another member follows
        } else if (status == Z_BUF_ERROR ||
                   (status == Z_OK && stream.avail_in == 0 && consumed == bytes.size() && stream.avail_out > 0)) {
            fail("the gzip stream is truncated");
        } else if (status == Z_MEM_ERROR) {
            throw ResourceError(name + ": there is no memory to unzip it");
        } else if (status != Z_OK) {
            fail(std::string("the gzip stream is malformed") + (stream.msg ? std::string(": ") + stream.msg : ""));
        }
    }
}

std::string read_unzipped(const std::string& path) {
    std::string bytes = read_file(path);
    return is_gzip(bytes) ? unzip(bytes, path) : bytes;
}

}  // namespace lathe
