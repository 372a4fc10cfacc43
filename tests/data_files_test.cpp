// Files of data sets: IDX, CIFAR, tables with words in them, texts.
#include <cmath>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "frontend/formats/cifar.h"
#include "frontend/formats/csv.h"
#include "frontend/formats/idx.h"
#include "frontend/formats/text.h"
#include "ir/error.h"
#include "tests/command.h"
#include "tests/flipped_bits.h"
#include "tests/mutations.h"

namespace lathe {
namespace {

namespace fs = std::filesystem;
using namespace std::string_literals;
using ir::Dtype;

const fs::path datasets = fs::path(LATHE_SOURCE_DIR) / ".." / "shared" / "testdata" / "datasets";

class DataFiles : public testing_support::InFolder {};

template <class F>
std::string message_of(const F& f) {
    try {
        f();
        return "";
    } catch (const UserError& e) {
        return e.message();
    }
}
template <class T>
std::vector<T> elements(const Array& array) {
    const auto* const data = reinterpret_cast<const T*>(array.bytes.data());
    return {data, data + array.bytes.size() / sizeof(T)};
}
using Extents = std::vector<std::int64_t>;

// ---- IDX

TEST(Idx, ReadsEveryType) {
    const Array images = parse_idx("\0\0\x08\3\0\0\0\1\0\0\0\2\0\0\0\2abcd"s, "x");
    EXPECT_EQ(images, (Array{Dtype::u8, {1, 2, 2}, {std::byte{'a'}, std::byte{'b'}, std::byte{'c'}, std::byte{'d'}}}));
    EXPECT_EQ(elements<std::int8_t>(parse_idx("\0\0\x09\1\0\0\0\1\xff"s, "x")), std::vector<std::int8_t>{-1});
    EXPECT_EQ(elements<std::int16_t>(parse_idx("\0\0\x0b\1\0\0\0\2\1\0\xff\xfe"s, "x")),
              (std::vector<std::int16_t>{256, -2}));
    EXPECT_EQ(elements<std::int32_t>(parse_idx("\0\0\x0c\0\1\2\3\4"s, "x")), std::vector<std::int32_t>{0x01020304});
    EXPECT_EQ(elements<float>(parse_idx("\0\0\x0d\1\0\0\0\1\x3f\xc0\0\0"s, "x")), std::vector<float>{1.5F});
    EXPECT_EQ(elements<double>(parse_idx("\0\0\x0e\1\0\0\0\1\x3f\xf8\0\0\0\0\0\0"s, "x")), std::vector<double>{1.5});
    EXPECT_EQ(parse_idx("\0\0\x08\2\0\0\0\0\0\0\0\5"s, "x").shape, (Extents{0, 5}));
}

TEST(Idx, RefusesByByte) {
    const auto message = [](const std::string& bytes) { return message_of([&] { parse_idx(bytes, "x"); }); };
    EXPECT_EQ(message(""), "x: byte 0: the file ends in its header");
    EXPECT_EQ(message("text"), "x: byte 0: this is no IDX file");
    EXPECT_EQ(message("\0\0\x0a\0"s), "x: byte 2: there is no type 10 of numbers in IDX files");
    EXPECT_EQ(message("\0\0\x08\x09"s), "x: byte 3: the array has 9 dimensions, more than 8");
    EXPECT_EQ(message("\0\0\x08\1\0\0"s), "x: byte 6: the file ends in its header");
    EXPECT_EQ(message("\0\0\x08\3"s + std::string(12, '\xff')), "x: byte 4: the shape is too large");
    EXPECT_EQ(message("\0\0\x08\1\0\0\0\3ab"s), "x: byte 8: 2 bytes of data, the shape needs 3");
    EXPECT_EQ(message("\0\0\x08\1\0\0\0\1ab"s), "x: byte 8: 2 bytes of data, the shape needs 1");
    const std::string good = "\0\0\x0b\2\0\0\0\2\0\0\0\1abcd"s;
    for (std::size_t length = 0; length < good.size(); ++length) EXPECT_NE(message(good.substr(0, length)), "");
    for_each_flipped_bit(good, message);
    testing_support::for_each_mutation({good}, message);
}

TEST(Idx, ReadsFashionMnist) {
    if (!fs::exists(datasets)) GTEST_SKIP() << "no test data at " << datasets;
    const Array images = read_idx(datasets / "t10k-images-idx3-ubyte.gz");
    const Array labels = read_idx(datasets / "t10k-labels-idx1-ubyte.gz");
    EXPECT_EQ(images.shape, (Extents{10000, 28, 28}));
    EXPECT_EQ(labels.shape, Extents{10000});
    std::vector<int> counts(10);
    for (const std::uint8_t label : elements<std::uint8_t>(labels)) ++counts.at(label);
    EXPECT_EQ(counts, std::vector<int>(10, 1000));
}

// ---- CIFAR

TEST(Cifar, ReadsImagesAndLabels) {
    std::string bytes;
    for (int i = 0; i < 2; ++i) bytes += static_cast<char>(i + 3) + std::string(3072, static_cast<char>('a' + i));
    const CifarImages ten = parse_cifar10(bytes, "x");
    EXPECT_EQ(ten.images.shape, (Extents{2, 3, 32, 32}));
    EXPECT_EQ(elements<std::uint8_t>(ten.labels), (std::vector<std::uint8_t>{3, 4}));
    EXPECT_EQ(ten.images.bytes[0], std::byte{'a'});
    EXPECT_EQ(ten.images.bytes[2 * 3072 - 1], std::byte{'b'});
    EXPECT_EQ(ten.coarse_labels.shape, Extents{0});
    const CifarImages hundred = parse_cifar100("\x13\x63"s + std::string(3072, 'c'), "x");
    EXPECT_EQ(elements<std::uint8_t>(hundred.coarse_labels), std::vector<std::uint8_t>{19});
    EXPECT_EQ(elements<std::uint8_t>(hundred.labels), std::vector<std::uint8_t>{99});
    EXPECT_EQ(parse_cifar10("", "x").images.shape, (Extents{0, 3, 32, 32}));
}

TEST(Cifar, RefusesByByte) {
    const std::string image(3072, 'a');
    EXPECT_EQ(message_of([&] { parse_cifar10("\1"s + image + "\1", "x"); }),
              "x: byte 3074: the file ends within an image; each takes 3073 bytes");
    EXPECT_EQ(message_of([&] { parse_cifar10("\1"s + image + "\x0a" + image, "x"); }),
              "x: byte 3073: the label 10 is none of 10");
    EXPECT_EQ(message_of([&] { parse_cifar100("\x14\0"s + image, "x"); }), "x: byte 0: the label 20 is none of 20");
    EXPECT_EQ(message_of([&] { parse_cifar100("\0\x64"s + image, "x"); }), "x: byte 1: the label 100 is none of 100");
}

// ---- tables

TEST(CsvTables, HaveHeadersDelimitersAndMissingNumbers) {
    const std::string text = "name;age; \"height; cm\"\r\n\"A \"\"B\"\"\nC\";30;1.5\r\nD;NA;\r\n";
    const CsvTable table = parse_csv_table(
        text, "t", {.delimiter = ';', .header = true, .columns = {"height; cm", "age"}, .missing = "-1"});
    EXPECT_EQ(table.columns, (std::vector<std::string>{"height; cm", "age"}));
    EXPECT_EQ(table.numbers.shape, (Extents{2, 2}));
    EXPECT_EQ(elements<float>(table.numbers), (std::vector<float>{1.5F, 30, -1, -1}));
    EXPECT_EQ(parse_csv_cells(text, "t", ';'),
              (std::vector<std::vector<std::string>>{
                  {"name", "age", "height; cm"}, {"A \"B\"\nC", "30", "1.5"}, {"D", "NA", ""}}));
    EXPECT_EQ(parse_csv_cells("a\t\tb c\n", "t", '\t'), (std::vector<std::vector<std::string>>{{"a", "", "b c"}}));
    EXPECT_TRUE(parse_csv_cells("", "t").empty());
    EXPECT_EQ(parse_csv_table("a,b\n", "t", {.header = true}).numbers.shape, (Extents{0, 2}));
    EXPECT_TRUE(std::isnan(elements<float>(parse_csv_table("?", "t", {.missing = "nan"}).numbers)[0]));
}

TEST(CsvTables, RefuseByRowAndColumn) {
    const auto message = [](const std::string& text, const CsvOptions& options) {
        return message_of([&] { parse_csv_table(text, "t", options); });
    };
    EXPECT_EQ(message("a,b\n1,x\n", {.header = true}), "t: row 2, column 2: 'x' is not a number of type f32");
    EXPECT_EQ(message("a,b\n1,2,3\n", {.header = true}), "t: row 2 has more than 2 columns");
    EXPECT_EQ(message("a,b\n1\n", {.header = true}), "t: row 2 has 1 columns, not 2");
    EXPECT_EQ(message("", {.header = true}), "t: row 1: the names of the columns are missing");
    EXPECT_EQ(message("a,b\n", {.header = true, .columns = {"c"}}), "t: there is no column 'c'");
    EXPECT_EQ(message("a,b\n", {.header = true, .columns = {"a", "a"}}), "t: the column 'a' is asked for twice");
    EXPECT_EQ(message("a,a\n", {.header = true, .columns = {"a"}}), "t: two columns are called 'a'");
    EXPECT_EQ(message("1", {.columns = {"a"}}), "t: columns are read by name only where there is a header");
    EXPECT_EQ(message("1", {.delimiter = 'a'}), "t: the delimiter of a table is no letter, digit or quote");
    EXPECT_EQ(message("1", {.dtype = Dtype::i8, .missing = "300"}), "t: '300' for missing numbers is none of type i8");
    EXPECT_EQ(message("1\n\"2\n", {}), "t: row 2: a quote does not end");
    EXPECT_EQ(message("1\n\"2\"3\n", {}), "t: row 2: something follows the quotes around a cell");
    EXPECT_EQ(message("1,NA\n", {}), "t: row 1, column 2: 'NA' is not a number of type f32");
    testing_support::for_each_mutation({"a,\"b\"\n1,\"2\"\n\"3\",NA\n"}, [&](const std::string& bad) {
        message(bad, {.header = true, .missing = "nan"});
        message_of([&] { parse_csv_cells(bad, "t"); });
    });
}

TEST(CsvTables, ReadTablesOfOthers) {
    if (!fs::exists(datasets)) GTEST_SKIP() << "no test data at " << datasets;
    const CsvTable iris = read_csv_table(datasets / "iris.csv", {.header = true, .columns = {"setosa", "150"}});
    EXPECT_EQ(iris.numbers.shape, (Extents{150, 2}));
    EXPECT_EQ(elements<float>(iris.numbers)[1], 5.1F);
    EXPECT_EQ(read_csv_cells(datasets / "wine_data.csv").size(), 179U);
    EXPECT_EQ(read_csv(datasets / "digits.csv.gz").shape, (Extents{1797, 65}));
}

// ---- texts

TEST_F(DataFiles, TextsAreUtf8) {
    write("a.txt",
          "\xef\xbb\xbfgr\xc3\xb6\xc3\x9f"
          "e\r\n\n\xf0\x9f\x98\x80");
    EXPECT_EQ(read_text(folder_ / "a.txt"),
              "gr\xc3\xb6\xc3\x9f"
              "e\r\n\n\xf0\x9f\x98\x80");
    EXPECT_EQ(read_lines(folder_ / "a.txt"), (std::vector<std::string>{"gr\xc3\xb6\xc3\x9f"
                                                                       "e",
                                                                       "", "\xf0\x9f\x98\x80"}));
    for (const std::string bad :
         {"\x80", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf5", "\xc3", "\xe2\x82"}) {
        write("b.txt", "ab" + bad);
        EXPECT_EQ(message_of([&] { read_text(folder_ / "b.txt"); }),
                  (folder_ / "b.txt").string() + ": byte 2: the text is no UTF-8");
    }
}

TEST(Texts, OfOthersAreRead) {
    if (!fs::exists(datasets)) GTEST_SKIP() << "no test data at " << datasets;
    EXPECT_EQ(read_text(datasets / "tinyshakespeare.txt").size(), 1115394U);
    EXPECT_EQ(read_lines(datasets / "names.txt").size(), 32033U);
}

}  // namespace
}  // namespace lathe
