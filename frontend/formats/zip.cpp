#include "frontend/formats/zip.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <optional>
#include <set>
#include <zlib.h>

#include "ir/error.h"
#include "runtime/buffer.h"

namespace lathe {
namespace {

constexpr std::string_view local_signature = "PK\3\4", directory_signature = "PK\1\2", end_signature = "PK\5\6";
constexpr std::string_view end64_signature = "PK\6\6", locator_signature = "PK\6\7";
constexpr std::size_t local_size = 30, entry_size = 46, end_size = 22, end64_size = 56, locator_size = 20;
constexpr std::uint16_t extra64 = 1;  // the extra field that has sizes of 64 bits
constexpr std::uint32_t in_extra = 0xffffffff;
constexpr std::uint16_t stored_method = 0, deflate_method = 8;
constexpr std::uint16_t encrypted_flags = 1 | 1 << 6 | 1 << 13, patched_flag = 1 << 5, utf8_flag = 1 << 11;
constexpr std::uint16_t version = 45;           // the first that has sizes of 64 bits
constexpr std::uint16_t first_date = 0x0021;    // 1 January 1980
constexpr std::uint64_t greatest_ratio = 1032;  // of deflate: a symbol of two bits for 258 bytes
constexpr int raw_window = -15;                 // neither a header nor a checksum of zlib's

// Numbers of the archive, least byte first; every access is checked.
class Reader {
public:
    Reader(std::string_view bytes, const std::string& name) : bytes_(bytes), name_(name) {}

    [[noreturn]] void fail(std::uint64_t at, const std::string& what) const {
        throw FormatError(name_ + ": byte " + std::to_string(at) + ": " + what);
    }
    std::string_view bytes(std::uint64_t at, std::uint64_t count) const {
        if (at > bytes_.size() || count > bytes_.size() - at)
            fail(bytes_.size(), "the archive ends within what begins at byte " + std::to_string(at));
        return bytes_.substr(at, count);
    }
    template <class T>
    T number(std::uint64_t at) const {
        T value = 0;
        const std::string_view from = bytes(at, sizeof(T));
        for (std::size_t i = 0; i < sizeof(T); ++i)
            value = static_cast<T>(value | static_cast<T>(static_cast<unsigned char>(from[i])) << 8 * i);
        return value;
    }
    void expect(std::uint64_t at, std::string_view signature, const char* what) const {
        if (bytes(at, signature.size()) != signature) fail(at, std::string(what) + " is expected");
    }
    std::uint64_t size() const { return bytes_.size(); }

private:
    std::string_view bytes_;
    const std::string& name_;
};

struct Directory {
    std::uint64_t begin = 0, end = 0, entries = 0;
};

// The record at the end, behind which there is nothing but a comment.
std::uint64_t find_end(const Reader& reader) {
    constexpr std::uint64_t longest_comment = 0xffff;
    if (reader.size() >= end_size)
        for (std::uint64_t at = reader.size() - end_size;; --at) {
            const std::uint64_t behind = reader.size() - at - end_size;
            if (behind > longest_comment) break;
            if (reader.bytes(at, 4) == end_signature && reader.number<std::uint16_t>(at + 20) == behind) return at;
            if (at == 0) break;
        }
    reader.fail(reader.size(), "this is no ZIP archive, or its end is missing");
}

Directory find_directory(const Reader& reader) {
    const std::uint64_t end = find_end(reader);
    Directory out;
    std::uint64_t behind = end, size = 0;
    const bool is_64 = end >= locator_size && reader.bytes(end - locator_size, 4) == locator_signature;
    if (is_64) {
        const std::uint64_t locator = end - locator_size;
        behind = reader.number<std::uint64_t>(locator + 8);
        reader.expect(behind, end64_signature, "the end of the directory, in 64 bits,");
        // The length is that of what follows it.
        if (behind > locator || locator - behind < end64_size ||
            reader.number<std::uint64_t>(behind + 4) != locator - behind - 12)
            reader.fail(behind + 4, "the end of the directory has another length");
        if (reader.number<std::uint32_t>(locator + 16) > 1 || reader.number<std::uint32_t>(locator + 4) != 0 ||
            reader.number<std::uint32_t>(behind + 16) != 0 || reader.number<std::uint32_t>(behind + 20) != 0)
            reader.fail(behind, "the archive is split over several files, which is not supported");
        out.entries = reader.number<std::uint64_t>(behind + 32);
        if (reader.number<std::uint64_t>(behind + 24) != out.entries)
            reader.fail(behind + 24, "the archive is split over several files, which is not supported");
        size = reader.number<std::uint64_t>(behind + 40);
        out.begin = reader.number<std::uint64_t>(behind + 48);
    } else {
        out.entries = reader.number<std::uint16_t>(end + 10);
        if (reader.number<std::uint16_t>(end + 4) != 0 || reader.number<std::uint16_t>(end + 6) != 0 ||
            reader.number<std::uint16_t>(end + 8) != out.entries)
            reader.fail(end, "the archive is split over several files, which is not supported");
        size = reader.number<std::uint32_t>(end + 12);
        out.begin = reader.number<std::uint32_t>(end + 16);
    }
    out.end = behind;
    if (out.begin > behind || size != behind - out.begin)
        reader.fail(behind, "the directory does not end where its end is");
    if (out.entries > size / entry_size) reader.fail(behind, "the directory is too short for its entries");
    return out;
}

// What entries of the directory say of a member: those numbers that do not fit 32 bits are in an extra field, in order.
class Sizes64 {
public:
    Sizes64(const Reader& reader, std::uint64_t extra, std::uint64_t length) : reader_(reader) {
        for (const std::uint64_t end = extra + length; extra + 4 <= end;) {
            const auto id = reader.number<std::uint16_t>(extra);
            const auto size = reader.number<std::uint16_t>(extra + 2);
            extra += 4;
            if (size > end - extra) reader.fail(extra, "an extra field does not end");
            if (id == extra64) {
                at_ = extra;
                end_ = extra + size;
                return;
            }
            extra += size;
        }
    }
    std::uint64_t number(std::uint64_t at) {
        const auto short_number = reader_.number<std::uint32_t>(at);
        if (short_number != in_extra) return short_number;
        if (end_ - at_ < 8) reader_.fail(at, "the size in 64 bits is missing");
        at_ += 8;
        return reader_.number<std::uint64_t>(at_ - 8);
    }

private:
    const Reader& reader_;
    std::uint64_t at_ = 0, end_ = 0;
};

// Where the bytes of a member begin: behind its local header, which has to agree with the directory.
std::uint64_t find_bytes(const Reader& reader, std::uint64_t header, std::uint16_t method, std::string_view name) {
    reader.expect(header, local_signature, "a member");
    const auto name_length = reader.number<std::uint16_t>(header + 26);
    const auto extra_length = reader.number<std::uint16_t>(header + 28);
    if (reader.number<std::uint16_t>(header + 8) != method || reader.bytes(header + local_size, name_length) != name)
        reader.fail(header, "the member is not the one that the directory lists there");
    return header + local_size + name_length + extra_length;
}

struct EndInflate {
    void operator()(z_stream* stream) const { inflateEnd(stream); }
};
struct EndDeflate {
    void operator()(z_stream* stream) const { deflateEnd(stream); }
};

constexpr std::uint64_t piece = std::uint64_t{1} << 30;  // zlib counts in 32 bits

std::string inflate_member(std::string_view stored, std::uint64_t size, const std::string& name) {
    const auto refuse = [&](const char* why) { throw FormatError(name + ": " + why); };
    z_stream stream{};
    if (inflateInit2(&stream, raw_window) != Z_OK) throw ResourceError(name + ": there is no memory to inflate it");
    const std::unique_ptr<z_stream, EndInflate> end(&stream);
    std::string out;
    std::uint64_t taken = 0, made = 0;
    for (int status = Z_OK; status != Z_STREAM_END;) {
        if (stream.avail_in == 0 && taken < stored.size()) {
            const std::uint64_t n = std::min(piece, stored.size() - taken);
            stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(stored.data() + taken));
            stream.avail_in = static_cast<uInt>(n);
            taken += n;
        }
        // Memory is taken as bytes come, whatever size is claimed; one byte more would show that it is wrong.
        if (made == out.size()) {
            const std::uint64_t room = std::clamp<std::uint64_t>(out.size(), 1 << 16, piece);
            out.resize(std::min(size + 1, out.size() + room));
            if (made == out.size()) refuse("the deflated bytes hold more than the directory says");
        }
        stream.next_out = reinterpret_cast<Bytef*>(out.data() + made);
        stream.avail_out = static_cast<uInt>(std::min(piece, out.size() - made));
        const uInt room = stream.avail_out;
        status = inflate(&stream, Z_NO_FLUSH);
        made += room - stream.avail_out;
        if (status == Z_MEM_ERROR) throw ResourceError(name + ": there is no memory to inflate it");
        if (status == Z_BUF_ERROR && stream.avail_in == 0 && taken == stored.size())
            refuse("the deflated bytes are truncated");
        if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR)
            refuse("the deflated bytes are malformed");
    }
    if (made != size) refuse("the deflated bytes hold another number of bytes than the directory says");
    if (stream.avail_in != 0 || taken != stored.size()) refuse("bytes follow the end of the deflated ones");
    out.resize(made);
    return out;
}

std::string deflate_member(std::string_view bytes) {
    z_stream stream{};
    if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, raw_window, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        throw ResourceError("there is no memory to deflate a member");
    const std::unique_ptr<z_stream, EndDeflate> end(&stream);
    std::string out(deflateBound(&stream, bytes.size()), '\0');
    std::uint64_t taken = 0, made = 0;
    for (int status = Z_OK; status != Z_STREAM_END;) {
        if (stream.avail_in == 0) {
            const std::uint64_t n = std::min(piece, bytes.size() - taken);
            stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data() + taken));
            stream.avail_in = static_cast<uInt>(n);
            taken += n;
        }
        stream.next_out = reinterpret_cast<Bytef*>(out.data() + made);
        stream.avail_out = static_cast<uInt>(std::min(piece, out.size() - made));
        const uInt room = stream.avail_out;
        status = deflate(&stream, taken == bytes.size() ? Z_FINISH : Z_NO_FLUSH);
        made += room - stream.avail_out;
    }
    out.resize(made);
    return out;
}

std::uint32_t checksum_of(std::string_view bytes) {
    return static_cast<std::uint32_t>(
        crc32_z(crc32(0, nullptr, 0), reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

template <class T>
void put(std::string& to, T number) {
    for (std::size_t i = 0; i < sizeof(T); ++i) to += static_cast<char>(number >> 8 * i & 255);
}

}  // namespace

std::vector<ZipMember> zip_members(std::string_view archive, const std::string& name) {
    const Reader reader(archive, name);
    const Directory directory = find_directory(reader);
    std::vector<ZipMember> members;
    std::set<std::string_view> names;
    std::vector<std::pair<std::uint64_t, std::uint64_t>> taken;  // from the local header to the end of the bytes
    std::uint64_t at = directory.begin;
    for (std::uint64_t i = 0; i < directory.entries; ++i) {
        reader.expect(at, directory_signature, "an entry of the directory");
        const auto flags = reader.number<std::uint16_t>(at + 8), method = reader.number<std::uint16_t>(at + 10);
        const auto name_length = reader.number<std::uint16_t>(at + 28);
        const auto extra_length = reader.number<std::uint16_t>(at + 30);
        const auto comment_length = reader.number<std::uint16_t>(at + 32);
        const std::string_view member_name = reader.bytes(at + entry_size, name_length);
        if ((flags & encrypted_flags) != 0) reader.fail(at, "the member is encrypted, which is not supported");
        if ((flags & patched_flag) != 0 || (method != stored_method && method != deflate_method))
            reader.fail(at, "the member is neither stored nor deflated, which is not supported");
        if (!names.insert(member_name).second) reader.fail(at, "the name of the member is there twice");
        const auto disk = reader.number<std::uint16_t>(at + 34);
        if (disk != 0 && disk != 0xffff)
            reader.fail(at, "the archive is split over several files, which is not supported");

        ZipMember member{std::string(member_name), 0, 0, 0, reader.number<std::uint32_t>(at + 16),
                         method == deflate_method};
        Sizes64 sizes(reader, at + entry_size + name_length, extra_length);
        member.size = sizes.number(at + 24);
        member.stored = sizes.number(at + 20);
        const std::uint64_t header = sizes.number(at + 42);
        if (header > directory.begin) reader.fail(at + 42, "the member lies behind the directory");
        member.offset = find_bytes(reader, header, method, member_name);
        if (member.offset > directory.begin || member.stored > directory.begin - member.offset)
            reader.fail(at + 20, "the member reaches into the directory");
        if (member.deflated ? member.size / greatest_ratio > member.stored : member.size != member.stored)
            reader.fail(at + 24, "the member cannot hold " + std::to_string(member.size) + " bytes");
        taken.emplace_back(header, member.offset + member.stored);
        members.push_back(std::move(member));
        at += entry_size + name_length + extra_length + comment_length;
        if (at > directory.end) reader.fail(at, "an entry of the directory does not end");
    }
    if (at != directory.end) reader.fail(at, "the directory goes on after its entries");
    // Members that share bytes are how small archives become large ones.
    std::ranges::sort(taken);
    for (std::size_t i = 1; i < taken.size(); ++i)
        if (taken[i].first < taken[i - 1].second) reader.fail(taken[i].first, "two members share bytes");
    return members;
}

std::string unzip_member(std::string_view archive, const ZipMember& member, const std::string& name) try {
    const std::string_view stored = archive.substr(member.offset, member.stored);
    runtime::require_room(member.size);
    std::string bytes = member.deflated ? inflate_member(stored, member.size, name) : std::string(stored);
    if (checksum_of(bytes) != member.checksum) throw FormatError(name + ": the checksum differs");
    return bytes;
} catch (const std::bad_alloc&) {
    throw ResourceError(name + ": there is no memory for its bytes");
}

void ZipWriter::add(const std::string& name, std::string_view bytes, bool deflated) {
    if (name.size() > std::numeric_limits<std::uint16_t>::max())
        throw UserError("names of members of ZIP archives have at most 65535 bytes, this one has " +
                        std::to_string(name.size()));
    const std::string compressed = deflated ? deflate_member(bytes) : std::string();
    const std::string_view stored = deflated ? std::string_view(compressed) : bytes;
    const bool ascii = std::ranges::all_of(name, [](char c) { return static_cast<unsigned char>(c) < 128; });
    const std::uint64_t offset = archive_.size();
    // What the local header and the directory's entry have in common, from the version that is needed on.
    const auto put_common = [&](std::string& to, std::uint16_t extra_length) {
        put<std::uint16_t>(to, version);
        put<std::uint16_t>(to, ascii ? 0 : utf8_flag);
        put<std::uint16_t>(to, deflated ? deflate_method : stored_method);
        put<std::uint16_t>(to, 0);  // the time
        put<std::uint16_t>(to, first_date);
        put<std::uint32_t>(to, checksum_of(bytes));
        put<std::uint32_t>(to, in_extra);
        put<std::uint32_t>(to, in_extra);
        put<std::uint16_t>(to, static_cast<std::uint16_t>(name.size()));
        put<std::uint16_t>(to, extra_length);
    };
    const auto put_sizes = [&](std::string& to, std::uint16_t length) {
        put<std::uint16_t>(to, extra64);
        put<std::uint16_t>(to, length);
        put<std::uint64_t>(to, bytes.size());
        put<std::uint64_t>(to, stored.size());
    };
    archive_ += local_signature;
    put_common(archive_, 20);
    archive_ += name;
    put_sizes(archive_, 16);
    archive_ += stored;

    directory_ += directory_signature;
    put<std::uint16_t>(directory_, version);
    put_common(directory_, 28);
    put<std::uint16_t>(directory_, 0);         // a comment's length
    put<std::uint16_t>(directory_, 0);         // the first of several files
    put<std::uint16_t>(directory_, 0);         // attributes of the member,
    put<std::uint32_t>(directory_, 0);         // and of its file
    put<std::uint32_t>(directory_, in_extra);  // the offset
    directory_ += name;
    put_sizes(directory_, 24);
    put<std::uint64_t>(directory_, offset);
    ++count_;
}

std::string ZipWriter::finish() && {
    const std::uint64_t begin = archive_.size(), end = begin + directory_.size();
    archive_ += directory_;
    archive_ += end64_signature;
    put<std::uint64_t>(archive_, end64_size - 12);
    put<std::uint16_t>(archive_, version);
    put<std::uint16_t>(archive_, version);
    put<std::uint64_t>(archive_, 0);  // the first of several files, twice
    put<std::uint64_t>(archive_, count_);
    put<std::uint64_t>(archive_, count_);
    put<std::uint64_t>(archive_, directory_.size());
    put<std::uint64_t>(archive_, begin);
    archive_ += locator_signature;
    put<std::uint32_t>(archive_, 0);
    put<std::uint64_t>(archive_, end);
    put<std::uint32_t>(archive_, 1);  // one file
    archive_ += end_signature;
    put<std::uint32_t>(archive_, 0);
    put<std::uint16_t>(archive_, 0xffff);
    put<std::uint16_t>(archive_, 0xffff);
    put<std::uint32_t>(archive_, in_extra);
    put<std::uint32_t>(archive_, in_extra);
    put<std::uint16_t>(archive_, 0);  // a comment's length
    return std::move(archive_);
}

}  // namespace lathe
