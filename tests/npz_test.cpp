// .npz files, and the ZIP archives that they are.
#include "frontend/formats/npz.h"

#include <filesystem>
#include <random>

#include <gtest/gtest.h>

#include "frontend/formats/read_file.h"
#include "frontend/formats/zip.h"
#include "ir/error.h"
#include "tests/flipped_bits.h"
#include "tests/mutations.h"

namespace lathe {
namespace {

namespace fs = std::filesystem;
using ir::Dtype;
using Arrays = std::map<std::string, Array>;

Array random_array(Dtype dtype, std::vector<std::int64_t> shape, std::mt19937_64& random) {
    std::size_t bytes = ir::size_of(dtype);
    for (const std::int64_t extent : shape) bytes *= static_cast<std::size_t>(extent);
    Array array{dtype, std::move(shape), std::vector<std::byte>(bytes)};
    for (std::byte& b : array.bytes) b = static_cast<std::byte>(random() & (dtype == Dtype::boolean ? 1 : 7));
    return array;
}

Arrays some_arrays() {
    std::mt19937_64 random(3);
    return {{"x", random_array(Dtype::f32, {2, 3}, random)}, {"long", random_array(Dtype::i16, {4, 100}, random)}};
}

std::string message_of(const std::string& bytes) {
    try {
        parse_npz(bytes, "x.npz");
        return "";
    } catch (const FormatError& e) {
        return e.message();
    }
}

// An archive of one stored member as old writers make them, with 32 bits and a comment.
struct OldArchive {
    std::string name = "x.npy", data = npy_bytes({Dtype::u8, {3}, std::vector<std::byte>(3, std::byte{5})});
    std::string comment = {}, local_extra = {}, extra = {};
    std::uint32_t size = static_cast<std::uint32_t>(data.size()), stored = static_cast<std::uint32_t>(data.size());
    std::uint32_t checksum = 0x10a57804;
    std::uint16_t flags = 0, method = 0, disk = 0, entries = 1;

    std::string bytes() const {
        std::string out;
        const auto put = [&](int width, std::uint64_t value) {
            for (int i = 0; i < width; ++i) out += static_cast<char>(value >> 8 * i & 255);
        };
        const auto put_common = [&](std::size_t extra_length) {
            put(2, 20);
            put(2, flags);
            put(2, method);
            put(4, 0);
            put(4, checksum);
            put(4, stored);
            put(4, size);
            put(2, name.size());
            put(2, extra_length);
        };
        out += "PK\3\4";
        put_common(local_extra.size());
        out += name + local_extra + data;
        const std::size_t directory = out.size();
        out += "PK\1\2";
        put(2, 20);
        put_common(extra.size());
        put(2, 0);
        put(2, disk);
        put(2, 0);
        put(4, 0);
        put(4, 0);
        out += name + extra;
        const std::size_t end = out.size();
        out += "PK\5\6";
        put(2, disk);
        put(2, disk);
        put(2, entries);
        put(2, entries);
        put(4, end - directory);
        put(4, directory);
        put(2, comment.size());
        return out + comment;
    }
};

TEST(Npz, RoundTripsEveryDtype) {
    std::mt19937_64 random(7);
    Arrays arrays;
    for (const Dtype dtype : ir::all_dtypes())
        for (const std::vector<std::int64_t>& shape :
             std::vector<std::vector<std::int64_t>>{{}, {0}, {5}, {1, 0, 4}, {30, 40, 50}})
            if (dtype != Dtype::bf16) arrays["n" + std::to_string(arrays.size())] = random_array(dtype, shape, random);
    const std::string stored = npz_bytes(arrays), deflated = npz_bytes(arrays, {.compress = true});
    EXPECT_EQ(parse_npz(stored, "x.npz"), arrays);
    EXPECT_EQ(parse_npz(deflated, "x.npz"), arrays);
    EXPECT_LT(2 * deflated.size(), stored.size()) << "the elements have three bits each";
    EXPECT_EQ(parse_npz(npz_bytes({}), "x.npz"), Arrays());
    const Arrays named = {{"", arrays["n0"]}, {"/a/b:0", arrays["n1"]}, {"größe", arrays["n2"]}};
    EXPECT_EQ(parse_npz(npz_bytes(named), "x.npz"), named);
}

TEST(Npz, ReadsWhatOldWritersMake) {
    const Arrays expected = {{"x", {Dtype::u8, {3}, std::vector<std::byte>(3, std::byte{5})}}};
    EXPECT_EQ(parse_npz(OldArchive{}.bytes(), "x"), expected);
    EXPECT_EQ(parse_npz(OldArchive{.comment = "PK\5\6 and more than an end of an archive"}.bytes(), "x"), expected);
    const std::string other_field("\x55\x54\1\0 ", 5);
    EXPECT_EQ(parse_npz(OldArchive{.local_extra = other_field, .extra = other_field}.bytes(), "x"), expected);
    // Only the sizes that do not fit are in the extra field.
    OldArchive large;
    large.extra = other_field + std::string("\1\0\x8\0", 4) + static_cast<char>(large.size) + std::string(7, '\0');
    large.size = 0xffffffff;
    EXPECT_EQ(parse_npz(large.bytes(), "x"), expected);
}

TEST(Npz, RefusesWhatItDoesNotKnowByByte) {
    EXPECT_EQ(message_of(""), "x.npz: byte 0: this is no ZIP archive, or its end is missing");
    EXPECT_EQ(message_of(OldArchive{.name = "x.txt"}.bytes()), "x.npz: the member 'x.txt' is no .npy file");
    EXPECT_EQ(message_of(OldArchive{.flags = 1}.bytes()),
              "x.npz: byte 166: the member is encrypted, which is not supported");
    for (const std::uint16_t method : {1, 9, 12, 14, 93, 95})
        EXPECT_EQ(message_of(OldArchive{.method = method}.bytes()),
                  "x.npz: byte 166: the member is neither stored nor deflated, which is not supported");
    EXPECT_EQ(message_of(OldArchive{.flags = 1 << 5}.bytes()),
              "x.npz: byte 166: the member is neither stored nor deflated, which is not supported");
    EXPECT_EQ(message_of(OldArchive{.disk = 1}.bytes()),
              "x.npz: byte 217: the archive is split over several files, which is not supported");
    EXPECT_EQ(message_of(OldArchive{.size = 130}.bytes()), "x.npz: byte 190: the member cannot hold 130 bytes");
    EXPECT_EQ(message_of(OldArchive{.stored = 130}.bytes()), "x.npz: byte 190: the member cannot hold 131 bytes");
    EXPECT_EQ(message_of(OldArchive{.stored = 132}.bytes()), "x.npz: byte 186: the member reaches into the directory");
    EXPECT_EQ(message_of(OldArchive{.size = 0xffffffff}.bytes()), "x.npz: byte 190: the size in 64 bits is missing");
    EXPECT_EQ(message_of(OldArchive{.checksum = 1}.bytes()), "x.npz: x.npy: the checksum differs");
    EXPECT_EQ(message_of(OldArchive{.size = 4000000, .method = 8}.bytes()),
              "x.npz: byte 190: the member cannot hold 4000000 bytes");
    EXPECT_EQ(message_of(OldArchive{.data = "\7abc", .method = 8}.bytes()),
              "x.npz: x.npy: the deflated bytes are malformed");
    EXPECT_EQ(message_of(OldArchive{.entries = 2}.bytes()),
              "x.npz: byte 217: the directory is too short for its entries");
    EXPECT_EQ(message_of(OldArchive{.entries = 0}.bytes()), "x.npz: byte 166: the directory goes on after its entries");
    EXPECT_EQ(message_of("before" + OldArchive{}.bytes()),
              "x.npz: byte 223: the directory does not end where its end is");
    OldArchive bad_array;
    bad_array.data[0] = 'n';
    bad_array.checksum = 0xe3a46bab;
    EXPECT_EQ(message_of(bad_array.bytes()), "x.npz: x.npy: byte 0: this is no .npy file");
}

// Deflated members that hold other than what the directory says.
TEST(Npz, RefusesOtherSizesAndSharedBytes) {
    const std::string data(100000, 'a');
    ZipWriter writer;
    writer.add("a", data, true);
    writer.add("b", data, true);
    const std::string archive = std::move(writer).finish();
    const std::vector<ZipMember> members = zip_members(archive, "z");
    ASSERT_EQ(members.size(), 2U);
    EXPECT_EQ(unzip_member(archive, members[1], "z"), data);
    const auto message = [&](std::int64_t size, std::int64_t stored) {
        ZipMember member = members[0];
        member.size += static_cast<std::uint64_t>(size);
        member.stored += static_cast<std::uint64_t>(stored);
        try {
            unzip_member(archive, member, "z");
            return std::string();
        } catch (const FormatError& e) {
            return e.message();
        }
    };
    EXPECT_EQ(message(0, 0), "");
    EXPECT_EQ(message(1, 0), "z: the deflated bytes hold another number of bytes than the directory says");
    for (const int less : {1, 2, 50000, 100000}) EXPECT_NE(message(-less, 0), "") << less;
    EXPECT_EQ(message(0, -1), "z: the deflated bytes are truncated");
    EXPECT_EQ(message(0, 1), "z: bytes follow the end of the deflated ones");

    // The second entry of the directory names the first member's bytes, whose name is as long.
    std::string shared = archive;
    const std::size_t directory = shared.find("PK\1\2"), second = shared.find("PK\1\2", directory + 1);
    const std::size_t offset_in_extra = 46 + 1 + 4 + 16;
    for (std::size_t i = 0; i < 8; ++i) shared[second + offset_in_extra + i] = shared[directory + offset_in_extra + i];
    EXPECT_THROW(zip_members(shared, "z"), FormatError) << "other names";
    shared[second + 46] = 'a';
    EXPECT_THROW(zip_members(shared, "z"), FormatError) << "equal names";
}

// A malformed archive is refused with a message or read as other arrays; it never does anything else.
TEST(Npz, SurvivesTruncationAndMutation) {
    const std::string files[] = {npz_bytes(some_arrays()), npz_bytes(some_arrays(), {.compress = true}),
                                 OldArchive{.comment = "comment"}.bytes()};
    for (const std::string& good : files) {
        for (std::size_t length = 0; length < good.size(); ++length)
            EXPECT_NE(message_of(good.substr(0, length)), "") << length;
        for_each_flipped_bit(good, message_of);
    }
    testing_support::for_each_mutation({std::begin(files), std::end(files)}, message_of);
}

TEST(Npz, ReadsFilesOfOthers) {
    const fs::path folder = fs::path(LATHE_SOURCE_DIR) / ".." / "shared" / "testdata" / "checkpoints";
    if (!fs::exists(folder)) GTEST_SKIP() << "no test data at " << folder;
    const Arrays arrays = read_npz(folder / "test.npz");
    EXPECT_FALSE(arrays.empty());
    for (const auto& [name, array] : arrays) EXPECT_FALSE(array.bytes.empty()) << name;
    EXPECT_THROW(read_npz(folder / "py2-objarr.npz"), FormatError);
    EXPECT_THROW(read_npz(folder / "py3-objarr.npz"), FormatError);
    EXPECT_THROW(read_npz(folder / "test.npy"), FormatError);
    EXPECT_THROW(read_npz(folder / "test.pt"), FormatError);
}

TEST(Npz, WritesFiles) {
    const std::string path = fs::temp_directory_path() / ("lathe-" + std::to_string(getpid()) + ".npz");
    write_npz(path, some_arrays(), {.compress = true});
    EXPECT_EQ(read_npz(path), some_arrays());
    fs::remove(path);
}

}  // namespace
}  // namespace lathe
