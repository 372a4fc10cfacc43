// .npy, CSV, gzip and atomic files.
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>

#include "frontend/formats/atomic_file.h"
#include "frontend/formats/csv.h"
#include "frontend/formats/npy.h"
#include "frontend/formats/read_file.h"
#include "ir/error.h"
#include "tests/flipped_bits.h"

namespace lathe {
namespace {

namespace fs = std::filesystem;
using ir::Dtype;

template <class T>
Array array_of(Dtype dtype, std::vector<std::int64_t> shape, const std::vector<T>& values) {
    Array a{dtype, std::move(shape), std::vector<std::byte>(values.size() * sizeof(T))};
    std::memcpy(a.bytes.data(), values.data(), a.bytes.size());
    return a;
}

std::string npy(const std::string& header, const std::string& data, char version = 1) {
    std::string bytes = std::string("\x93NUMPY") + version + '\0';
    bytes += static_cast<char>(header.size() & 255);
    bytes += static_cast<char>(header.size() >> 8);
    if (version > 1) bytes += std::string(2, '\0');
    return bytes + header + data;
}

std::string message_of(const std::string& bytes) {
    try {
        parse_npy(bytes, "x.npy");
        return "";
    } catch (const FormatError& e) {
        return e.message();
    }
}

// ---- .npy ----

TEST(Npy, RoundTripsEveryDtype) {
    std::mt19937 random(7);
    for (const Dtype dtype : ir::all_dtypes())
        for (const std::vector<std::int64_t>& shape :
             std::vector<std::vector<std::int64_t>>{{}, {0}, {5}, {2, 3}, {1, 0, 4}, {2, 3, 4, 5}}) {
            std::size_t bytes = ir::size_of(dtype);
            for (const std::int64_t extent : shape) bytes *= static_cast<std::size_t>(extent);
            Array a{dtype, shape, std::vector<std::byte>(bytes)};
            for (std::byte& b : a.bytes) b = static_cast<std::byte>(random() & (dtype == Dtype::boolean ? 1 : 255));
            if (dtype == Dtype::bf16) {
                EXPECT_THROW(npy_bytes(a), TypeError);
                continue;
            }
            const std::string file = npy_bytes(a);
            EXPECT_EQ((file.size() - bytes) % 64, 0u);
            EXPECT_EQ(parse_npy(file, "x.npy"), a);
        }
}

TEST(Npy, ReadsOtherVersionsOrdersAndSpellings) {
    const Array expected = array_of<std::int32_t>(Dtype::i32, {2, 3}, {1, 2, 3, 4, 5, 6});
    const std::vector<std::int32_t> by_column = {1, 4, 2, 5, 3, 6};
    const std::string rows(reinterpret_cast<const char*>(expected.bytes.data()), 24);
    const std::string columns(reinterpret_cast<const char*>(by_column.data()), 24);
    std::string swapped = rows;
    for (std::size_t i = 0; i < 24; i += 4)
        std::reverse(swapped.begin() + static_cast<long>(i), swapped.begin() + static_cast<long>(i) + 4);
    for (const char version : {1, 2, 3})
        EXPECT_EQ(parse_npy(npy("{'descr':'<i4','fortran_order':False,'shape':(2,3)}", rows, version), "x"), expected);
    EXPECT_EQ(parse_npy(npy("{'shape': (2L, 3L), \"descr\": '=i4', 'fortran_order': True, }   \n", columns), "x"),
              expected);
    EXPECT_EQ(parse_npy(npy("{'descr': '>i4', 'fortran_order': False, 'shape': (2, 3,), }\n", swapped), "x"), expected);
}

TEST(Npy, RefusesWhatItDoesNotKnowByByte) {
    const auto with = [](const std::string& descr, const std::string& shape, std::size_t bytes) {
        return message_of(npy("{'descr': " + descr + ", 'fortran_order': False, 'shape': " + shape + ", }",
                              std::string(bytes, '\2')));
    };
    EXPECT_EQ(message_of(""), "x.npy: byte 0: this is no .npy file");
    EXPECT_EQ(message_of("\x93NUMPY\1"), "x.npy: byte 7: the file ends in its header");
    EXPECT_EQ(message_of(npy("{}", "", 4)), "x.npy: byte 6: version 4.0 of .npy is not known");
    EXPECT_EQ(message_of(npy("{}", "")), "x.npy: byte 12: the header lacks descr, fortran_order or shape");
    EXPECT_EQ(with("'|O'", "(2,)", 16), "x.npy: byte 20: the dtype '|O' is not supported");
    EXPECT_EQ(with("'<U4'", "(2,)", 16), "x.npy: byte 20: the dtype '<U4' is not supported");
    EXPECT_EQ(with("'<f16'", "(2,)", 32), "x.npy: byte 20: the dtype '<f16' is not supported");
    EXPECT_EQ(with("''", "(2,)", 32), "x.npy: byte 20: the dtype '' is not supported");
    EXPECT_EQ(with("'<'", "(2,)", 32), "x.npy: byte 20: the dtype '<' is not supported");
    EXPECT_EQ(with("[('a', '<f4')]", "(2,)", 8), "x.npy: byte 20: the dtype is a record, which is not supported");
    EXPECT_EQ(with("'<f4'", "(2,)", 7), "x.npy: byte 67: 7 bytes of data, the shape needs 8");
    EXPECT_EQ(with("'<f4'", "(2,)", 9), "x.npy: byte 67: 9 bytes of data, the shape needs 8");
    EXPECT_EQ(with("'|b1'", "(2,)", 2), "x.npy: byte 67: a boolean is neither 0 nor 1");
    EXPECT_EQ(with("'<f4'", "(4611686018427387904, 4)", 8), "x.npy: byte 10: the shape is too large");
    EXPECT_EQ(with("'<f4'", "(9223372036854775808,)", 8), "x.npy: byte 61: an extent does not fit 64 bits");
    EXPECT_EQ(with("'<f4'", "(-1,)", 8), "x.npy: byte 61: an extent is expected");
    EXPECT_EQ(with("'<f4'", "(2 3)", 8), "x.npy: byte 63: ',' or ')' is expected");
    EXPECT_EQ(message_of(npy("{'descr': '<f4', 'descr': '<f4'}", "")),
              "x.npy: byte 27: the key 'descr' is unknown or there twice");
}

// A malformed file is refused with a message or read as some other array; it never does anything else.
TEST(Npy, SurvivesTruncationAndFlippedBytes) {
    const std::string good = npy_bytes(array_of<float>(Dtype::f32, {2, 3}, {1, 2, 3, 4, 5, 6}));
    for (std::size_t length = 0; length < good.size(); ++length)
        EXPECT_NE(message_of(good.substr(0, length)), "") << length;
    for_each_flipped_bit(good, message_of);
}

TEST(Npy, ReadsFilesOfOthers) {
    const fs::path folder = fs::path(LATHE_SOURCE_DIR) / ".." / "shared" / "testdata" / "checkpoints";
    if (!fs::exists(folder)) GTEST_SKIP() << "no test data at " << folder;
    const Array python3 = read_npy(folder / "python3.npy");
    EXPECT_EQ(python3.shape, std::vector<std::int64_t>{2});
    EXPECT_EQ(read_npy(folder / "win64python2.npy").shape, std::vector<std::int64_t>{2});
    EXPECT_GT(read_npy(folder / "test.npy").bytes.size(), 0u);
    EXPECT_THROW(read_npy(folder / "py2-objarr.npy"), FormatError);
    EXPECT_THROW(read_npy(folder / "py3-objarr.npy"), FormatError);
    EXPECT_THROW(read_npy(folder / "test.npz"), FormatError);
}

// ---- CSV ----

std::string csv_message(const std::string& text, Dtype dtype = Dtype::f32) {
    try {
        parse_csv(text, "t.csv", dtype);
        return "";
    } catch (const FormatError& e) {
        return e.message();
    }
}

TEST(Csv, ReadsNumbers) {
    EXPECT_EQ(parse_csv("1,2.5,-3e2\r\n+4 , inf,0\n", "t.csv"),
              array_of<float>(Dtype::f32, {2, 3}, {1, 2.5f, -300, 4, INFINITY, 0}));
    EXPECT_EQ(parse_csv("1\n2", "t.csv", Dtype::i8), array_of<std::int8_t>(Dtype::i8, {2, 1}, {1, 2}));
    EXPECT_EQ(parse_csv("18446744073709551615", "t.csv", Dtype::u64),
              array_of<std::uint64_t>(Dtype::u64, {1, 1}, {~0ull}));
    EXPECT_EQ(parse_csv("1,-2", "t.csv", Dtype::bf16), array_of<std::uint16_t>(Dtype::bf16, {1, 2}, {0x3f80, 0xc000}));
    EXPECT_EQ(parse_csv("1,0", "t.csv", Dtype::boolean), array_of<std::uint8_t>(Dtype::boolean, {1, 2}, {1, 0}));
    // Halfway between two f32 in f64 arithmetic, but not as written: one rounding, not two.
    EXPECT_EQ(parse_csv("1.00000005960464477540", "t.csv"), array_of<float>(Dtype::f32, {1, 1}, {0x1.000002p0f}));
}

TEST(Csv, RoundsSmallNumbersToZeroAndRefusesLargeOnes) {
    for (const std::string small : {"1e-60", "1E-400", "0.01e-70", "1e-99999999999999999999", "0.0000000001e-40"})
        EXPECT_EQ(parse_csv(small + ",-" + small, "t.csv"), array_of<float>(Dtype::f32, {1, 2}, {0.0f, -0.0f}))
            << small;
    EXPECT_EQ(parse_csv("1e-40", "t.csv"), array_of<float>(Dtype::f32, {1, 1}, {1e-40f})) << "a denormal";
    EXPECT_EQ(parse_csv("1e-400", "t.csv", Dtype::f64), array_of<double>(Dtype::f64, {1, 1}, {0.0}));
    EXPECT_NE(csv_message("65520", Dtype::f16), "") << "nearer to 2^16 than to the largest";
    EXPECT_EQ(csv_message("65519,inf", Dtype::f16), "");
    EXPECT_NE(csv_message("3.4e38", Dtype::bf16), "");
    for (const std::string large : {"1e39", "-3.5e38", "1e400", "1e+99999999999999999999", "123456789e35"})
        EXPECT_EQ(csv_message(large), "t.csv: row 1, column 1: '" + large + "' is not a number of type f32");
}

TEST(Csv, NamesRowAndColumn) {
    EXPECT_EQ(csv_message(""), "t.csv: has no rows");
    EXPECT_EQ(csv_message("\n"), "t.csv: has no rows");
    EXPECT_EQ(csv_message("1,2\n3\n"), "t.csv: row 2 has 1 columns, not 2");
    EXPECT_EQ(csv_message("1,2\n3,4,5\n"), "t.csv: row 2 has more than 2 columns");
    EXPECT_EQ(csv_message("1,2\n3,word\n"), "t.csv: row 2, column 2: 'word' is not a number of type f32");
    EXPECT_EQ(csv_message("1,\n"), "t.csv: row 1, column 2: '' is not a number of type f32");
    EXPECT_EQ(csv_message("1,2\n\n3,4\n"), "t.csv: row 2, column 1: '' is not a number of type f32");
    EXPECT_EQ(csv_message("128", Dtype::i8), "t.csv: row 1, column 1: '128' is not a number of type i8");
    EXPECT_EQ(csv_message("-1", Dtype::u8), "t.csv: row 1, column 1: '-1' is not a number of type u8");
    EXPECT_EQ(csv_message("1.5", Dtype::i32), "t.csv: row 1, column 1: '1.5' is not a number of type i32");
    EXPECT_EQ(csv_message(std::string("1,\0\x1b[2J", 7)),
              "t.csv: row 1, column 2: '\\x00\\x1b[2J' is not a number of type f32");
    EXPECT_EQ(csv_message("0x10"), "t.csv: row 1, column 1: '0x10' is not a number of type f32");
}

TEST(Csv, ReadsTheDigits) {
    const Array digits = read_csv(LATHE_SOURCE_DIR "/tools/data/digits.csv.gz", Dtype::u8);
    EXPECT_EQ(digits.shape, (std::vector<std::int64_t>{1797, 65}));
    for (std::size_t i = 0; i < digits.bytes.size(); ++i)
        ASSERT_LE(static_cast<int>(digits.bytes[i]), i % 65 == 64 ? 9 : 16);
    EXPECT_EQ(static_cast<int>(digits.bytes[64]), 0);
    EXPECT_EQ(static_cast<int>(digits.bytes[65 + 64]), 1);
}

TEST(Gzip, RefusesTruncatedFlippedAndHuge) {
    const std::string good = read_file(LATHE_SOURCE_DIR "/tools/data/digits.csv.gz");
    const std::string text = unzip(good, "d.gz");
    EXPECT_EQ(unzip(good + good, "d.gz"), text + text) << "members concatenate";
    for (const std::size_t length : {std::size_t{2}, std::size_t{9}, good.size() / 2, good.size() - 9, good.size() - 1})
        EXPECT_THROW(unzip(std::string_view(good).substr(0, length), "d.gz"), FormatError) << length;
    std::string flipped = good;
    flipped[good.size() / 2] = static_cast<char>(flipped[good.size() / 2] ^ 4);
    EXPECT_THROW(unzip(flipped, "d.gz"), FormatError);
    EXPECT_THROW(unzip(good, "d.gz", 1000), FormatError);
    EXPECT_THROW(unzip(good + "x", "d.gz"), FormatError);
}

TEST(ReadFile, NamesThePath) {
    try {
        read_file("/nonexistent/file");
        FAIL();
    } catch (const FormatError& e) {
        EXPECT_STREQ(e.what(), "/nonexistent/file: No such file or directory");
    }
    EXPECT_THROW(read_file("/"), FormatError);
}

// ---- atomic files ----

int calls_until_failure = 0;
bool fails() {
    if (--calls_until_failure >= 0) return false;
    errno = ENOSPC;
    return true;
}

class AtomicFiles : public testing::Test {
protected:
    AtomicFiles() {
        std::string pattern = fs::temp_directory_path() / "lathe_atomic_XXXXXX";
        folder_ = mkdtemp(pattern.data());
    }
    ~AtomicFiles() override {
        set_file_system(default_file_system());
        fs::remove_all(folder_);
    }
    std::size_t entries() const {
        return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
    }
    fs::path folder_;
};

TEST_F(AtomicFiles, ReplaceWhatWasThere) {
    const std::string path = folder_ / "a";
    write_atomically(path, "old");
    write_atomically(path, "new");
    EXPECT_EQ(read_file(path), "new");
    fs::create_symlink("a", folder_ / "link");
    write_atomically(folder_ / "link", "through the link");
    EXPECT_TRUE(fs::is_symlink(folder_ / "link"));
    EXPECT_EQ(read_file(path), "through the link");
    EXPECT_EQ(entries(), 2u);
}

TEST_F(AtomicFiles, VanishUnlessCommitted) {
    {
        AtomicFile file(folder_ / "a");
        file.write("half");
        EXPECT_EQ(entries(), 1u);
    }
    EXPECT_EQ(entries(), 0u);
}

// The process's mask is the process's: it holds, and no moment sees another.
TEST_F(AtomicFiles, HaveThePermissionsOfNewFiles) {
    const auto mode_of = [&](bool executable) {
        AtomicFile file(folder_ / "a");
        if (executable) file.make_executable();
        file.commit();
        return static_cast<unsigned>(fs::status(folder_ / "a").permissions());
    };
    const mode_t before = umask(027);
    std::atomic<bool> changed{false};
    {
        std::atomic<bool> stop{false};
        const std::jthread watcher([&] {
            while (!stop) {
                const std::string status = read_file("/proc/self/status");
                if (status.find("Umask:\t0027\n") == std::string::npos) changed = true;
            }
        });
        EXPECT_EQ(mode_of(false), 0640U);
        EXPECT_EQ(mode_of(true), 0750U);
        for (int i = 0; i < 2000; ++i) AtomicFile(folder_ / "b").make_executable();
        stop = true;
    }
    umask(077);
    EXPECT_EQ(mode_of(false), 0600U);
    EXPECT_EQ(mode_of(true), 0700U);
    umask(before);
    EXPECT_FALSE(changed);
    EXPECT_EQ(entries(), 1U);
}

TEST_F(AtomicFiles, EveryCallMayFail) {
    static const FileSystem system = default_file_system();
    FileSystem failing = system;
    failing.open_temporary = [](char* path) { return fails() ? -1 : system.open_temporary(path); };
    failing.write = [](int file, const void* data, std::size_t n) {
        return fails() ? -1 : system.write(file, data, n);
    };
    failing.synchronise = [](int file) { return fails() ? -1 : system.synchronise(file); };
    failing.close = [](int file) { return system.close(file) != 0 || fails() ? -1 : 0; };
    failing.rename = [](const char* from, const char* to) { return fails() ? -1 : system.rename(from, to); };
    const std::string path = folder_ / "a";
    write_atomically(path, "old");
    set_file_system(failing);
    int failures = 0;
    for (int n = 0;; ++n) {
        calls_until_failure = n;
        try {
            write_atomically(path, "new");
            break;
        } catch (const ResourceError& e) {
            ++failures;
            EXPECT_EQ(e.what(), path + ": No space left on device");
            EXPECT_EQ(read_file(path), "old");
            EXPECT_EQ(entries(), 1u);
        }
    }
    EXPECT_EQ(failures, 5);
    EXPECT_EQ(read_file(path), "new");
}

TEST_F(AtomicFiles, DevicesAreWrittenNotReplaced) {
    EXPECT_NO_THROW(write_atomically("/dev/null", "x"));
    EXPECT_THROW(write_atomically("/dev/full", "x"), ResourceError);
    EXPECT_TRUE(fs::is_character_file("/dev/null"));
    EXPECT_THROW(write_atomically(folder_, "x"), ResourceError);
    EXPECT_THROW(write_atomically(folder_ / "absent" / "a", "x"), ResourceError);
}

}  // namespace
}  // namespace lathe
