// safetensors files: what the format allows, what it does not, and damage.
#include "frontend/checkpoint/safetensors.h"

#include <filesystem>
#include <fstream>
#include <random>

#include <gtest/gtest.h>

#include "frontend/formats/read_file.h"
#include "frontend/functions/creation.h"
#include "ir/error.h"
#include "tests/command.h"
#include "tests/flipped_bits.h"
#include "tests/mutations.h"

namespace lathe {
namespace {

namespace fs = std::filesystem;

const fs::path testdata = fs::path(LATHE_SOURCE_DIR) / ".." / "shared" / "testdata";

std::string file_of(const std::string& header, const std::string& data) {
    std::string bytes;
    for (int i = 0; i < 8; ++i) bytes += static_cast<char>(header.size() >> 8 * i & 255);
    return bytes + header + data;
}

// Why a file is refused; empty where it is read, and its elements are looked at.
std::string message_of(const std::string& bytes) {
    try {
        for (const auto& [name, tensor] : parse_safetensors(bytes, "x").tensors) (void)tensor.bytes();
        return "";
    } catch (const FormatError& e) {
        return e.message();
    }
}
std::string message_of(const std::string& header, const std::string& data) { return message_of(file_of(header, data)); }

std::vector<NamedTensor> some_tensors() {
    std::vector<NamedTensor> tensors;
    std::mt19937_64 random(5);
    for (const Dtype dtype : ir::all_dtypes())
        for (const std::vector<std::int64_t>& shape : std::vector<std::vector<std::int64_t>>{{}, {0, 3}, {2, 3}}) {
            std::size_t size = ir::size_of(dtype);
            for (const std::int64_t extent : shape) size *= static_cast<std::size_t>(extent);
            std::vector<std::byte> bytes(size);
            for (std::byte& b : bytes) b = static_cast<std::byte>(random() & (dtype == Dtype::boolean ? 1 : 127));
            tensors.emplace_back("größe." + std::to_string(tensors.size()), Tensor::from_bytes(dtype, shape, bytes));
        }
    return tensors;
}

std::map<std::string, Array> arrays_of(const std::vector<NamedTensor>& tensors) {
    std::map<std::string, Array> arrays;
    for (const auto& [name, tensor] : tensors) EXPECT_TRUE(arrays.emplace(name, tensor.to_array()).second) << name;
    return arrays;
}

class SafetensorsFiles : public testing_support::InFolder {};

TEST(Safetensors, RoundTripsEveryDtype) {
    const std::vector<NamedTensor> tensors = some_tensors();
    const std::map<std::string, std::string> texts = {{"epoch", "12"}, {"", "\"quoted\" \\ \n"}};
    const std::string bytes = safetensors_bytes(tensors, texts);
    const Safetensors read = parse_safetensors(bytes, "x");
    EXPECT_EQ(arrays_of(read.tensors), arrays_of(tensors));
    EXPECT_EQ(read.metadata, texts);
    EXPECT_EQ(safetensors_bytes(read.tensors, texts), bytes) << "the same tensors in another order";
    EXPECT_TRUE(parse_safetensors(safetensors_bytes({}), "x").tensors.empty());
    // Views and variables, as the values that they are.
    const Tensor x = arange(0, 6).reshape({2, 3});
    const std::vector<NamedTensor> others = {{"v", variable(x)}, {"t", x.t()}};
    EXPECT_EQ(arrays_of(parse_safetensors(safetensors_bytes(others), "x").tensors), arrays_of(others));
}

TEST_F(SafetensorsFiles, AreReadAndMapped) {
    const std::string path = folder_ / "x.safetensors";
    write_safetensors(path, some_tensors(), {{"a", "b"}});
    EXPECT_EQ(read_file(path), safetensors_bytes(some_tensors(), {{"a", "b"}}));
    EXPECT_EQ(arrays_of(read_safetensors(path).tensors), arrays_of(some_tensors()));
    std::vector<NamedTensor> mapped = read_safetensors(path, {.map = true}).tensors;
    fs::remove(path);  // the mapping stays while a tensor does
    EXPECT_EQ(arrays_of(mapped), arrays_of(some_tensors()));
    const Tensor last = mapped.back().second;
    const Array before = last.to_array();
    mapped.clear();
    EXPECT_EQ(last.to_array(), before);
    EXPECT_THROW(read_safetensors(folder_, {.map = true}), FormatError);
    EXPECT_THROW(read_safetensors(folder_ / "absent", {.map = true}), FormatError);
}

TEST_F(SafetensorsFiles, LeaveNothingBehindWhereTheyAreRefused) {
    const std::vector<NamedTensor> twice = {{"a", ones({1})}, {"a", ones({2})}};
    EXPECT_THROW(write_safetensors(folder_ / "x", twice), UserError);
    EXPECT_EQ(entries(), 0U);
}

TEST(Safetensors, RefusesNamesThatTheFormatLacks) {
    const Tensor x = ones({1});
    const auto refused = [](const std::vector<NamedTensor>& tensors, std::map<std::string, std::string> texts = {}) {
        try {
            safetensors_bytes(tensors, texts);
            return std::string();
        } catch (const UserError& e) {
            return e.message();
        }
    };
    EXPECT_EQ(refused({{"a", x}, {"a", x}}), "two tensors are called 'a'");
    EXPECT_EQ(refused({{"__metadata__", x}}), "a tensor cannot be called '__metadata__' in a safetensors file");
    EXPECT_EQ(refused({{"\xff", x}}), "a name or text of a safetensors file is no UTF-8");
    EXPECT_EQ(refused({{"a", x}}, {{"k", "\xff"}}), "a name or text of a safetensors file is no UTF-8");
    EXPECT_EQ(refused({{"a", Tensor()}}), "the tensor 'a' is empty");
}

// The limits of the specification, one by one.
TEST(Safetensors, KeepsTheLimitsOfTheFormat) {
    const std::string a = R"("a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]})";
    EXPECT_EQ(message_of("{" + a + "}", "xx"), "");
    EXPECT_EQ(message_of(" \n{" + a + "} \t", "xx"), "");
    EXPECT_EQ(message_of("{}", ""), "");
    EXPECT_EQ(
        message_of(R"({"a":{"extra":[{"x":[1]},null,-1.5,"a"],"dtype":"U8","shape":[2],"data_offsets":[0,2]}})", "xx"),
        "");
    EXPECT_EQ(message_of(R"({"a":{"dtype":"C64","shape":[1],"data_offsets":[0,8]}})", "12345678"), "");
    struct Case {
        std::string header, data, message;
    };
    const std::string b = R"("b":{"dtype":"U8","shape":[2],"data_offsets":)";
    for (const Case& c : std::vector<Case>{
             {"{" + a + "," + a + "}", "xx", "byte 8: the header is malformed: 'a' is there twice"},
             {R"({"a":{"dtype":"U8","dtype":"U8","shape":[2],"data_offsets":[0,2]}})", "xx",
              "byte 8: the header is malformed: 'dtype' is there twice"},
             {R"({"__metadata__":{"a":"1","a":"2"}})", "", "byte 8: the header is malformed: 'a' is there twice"},
             {R"({"__metadata__":{"a":1}})", "",
              "byte 8: the header is malformed: '__metadata__.a' is or holds a number"},
             {R"({"__metadata__":{"a":{}}})", "",
              "byte 8: the header is malformed: '__metadata__.a' is or holds an object"},
             {R"({"__metadata__":"a"})", "", "byte 8: the header is malformed: '__metadata__' is or holds a text"},
             {R"({"a":{"dtype":"U8","shape":[2]}})", "xx",
              "byte 8: the header is malformed: 'a' lacks dtype, shape or data_offsets"},
             {R"({"a":{"dtype":"U8","shape":[-2],"data_offsets":[0,2]}})", "xx",
              "byte 8: the header is malformed: 'a.shape' is or holds a negative number"},
             {R"({"a":{"dtype":"U8","shape":[2.0],"data_offsets":[0,2]}})", "xx",
              "byte 8: the header is malformed: 'a.shape' is or holds a number with a fraction"},
             {R"({"a":{"dtype":"U8","shape":2,"data_offsets":[0,2]}})", "xx",
              "byte 8: the header is malformed: 'a.shape' is or holds a number"},
             {R"({"a":{"dtype":8,"shape":[2],"data_offsets":[0,2]}})", "xx",
              "byte 8: the header is malformed: 'a.dtype' is or holds a number"},
             {R"({"a":{"dtype":"U8","shape":[[2]],"data_offsets":[0,2]}})", "xx",
              "byte 8: the header is malformed: 'a.shape' is or holds a list"},
             {"[]", "", "byte 8: the header is malformed: it is a list, not an object"},
             {"1", "", "byte 8: the header is malformed: it is a number, not an object"},
             {"{" + a, "xx", "byte 61: the header is no JSON"},
             {"{" + a + "}{", "xx", "byte 62: the header is no JSON"},
             {R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[2,0]}})", "xx",
              "byte 8: the offsets of 'a' are no begin and end"},
             {R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,1,2]}})", "xx",
              "byte 8: the offsets of 'a' are no begin and end"},
             {R"({"a":{"dtype":"F8_E4M3","shape":[2],"data_offsets":[0,2]}})", "xx",
              "byte 8: the dtype 'F8_E4M3' of 'a' is not supported"},
             {R"({"a":{"dtype":"U8","shape":[3],"data_offsets":[0,2]}})", "xx",
              "byte 8: 'a' has 2 bytes, its shape needs 3"},
             {R"({"a":{"dtype":"U8","shape":[1,1,1,1,1,1,1,1,2],"data_offsets":[0,2]}})", "xx",
              "byte 8: the shape of 'a' is too large, or has more than 8 dimensions"},
             {R"({"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}})", "",
              "byte 8: the shape of 'a' is too large, or has more than 8 dimensions"},
             {"{" + a + "," + b + "[3,5]}}", "xx.xx",
              "byte 8: 'b' begins at 3 of the data, not at 2, where the tensor before it ends"},
             {"{" + a + "," + b + "[1,3]}}", "xxx",
              "byte 8: 'b' begins at 1 of the data, not at 2, where the tensor before it ends"},
             {"{" + a + "," + b + "[0,2]}}", "xx",
              "byte 8: 'b' begins at 0 of the data, not at 2, where the tensor before it ends"},
             {"{" + a + "}", "x", "byte 62: the file ends within 'a', which ends at 2 of the data"},
             {"{" + a + "}", "xxy", "byte 63: the tensors end here, but 1 bytes follow"},
         })
        EXPECT_EQ(message_of(c.header, c.data), "x: " + c.message) << c.header;
    EXPECT_EQ(message_of("{\"\xff\":1}", ""), "x: byte 11: the header is no JSON");
    EXPECT_EQ(message_of("1234567"), "x: byte 7: the file ends within the length of its header");
    EXPECT_EQ(message_of(std::string("\1\xe1\xf5\5\0\0\0\0{}", 10)),
              "x: byte 0: the header has 100000001 bytes, more than 100000000");
    EXPECT_EQ(message_of(file_of("{}", "").substr(0, 9)), "x: byte 9: the file ends within its header");
    // Depth costs no stack.
    EXPECT_NE(message_of(R"({"a":{"extra":)" + std::string(1'000'000, '['), ""), "");
}

TEST(Safetensors, AgreesWithTheVerdictsOfOthers) {
    const fs::path folder = testdata / "malformed";
    if (!fs::exists(folder)) GTEST_SKIP() << "no test data at " << folder;
    std::ifstream verdicts(folder / "safetensors_EXPECT.txt");
    int files = 0;
    for (std::string name, size, verdict; verdicts >> name >> size >> verdict; ++files)
        EXPECT_EQ(message_of(read_file(folder / name)).empty(), verdict == "OK") << name << ": " << verdict;
    EXPECT_GT(files, 5);
}

TEST(Safetensors, SurvivesTruncationAndMutation) {
    const std::vector<NamedTensor> few = {
        {"a", ones({2})}, {"b", ones({3}, Dtype::i8)}, {"c", ones({}, Dtype::boolean)}};
    const std::string good = safetensors_bytes(few, {{"key", "text"}});
    for (std::size_t length = 0; length < good.size(); ++length) EXPECT_NE(message_of(good.substr(0, length)), "");
    for_each_flipped_bit(good, [](const std::string& bad) { message_of(bad); });
    testing_support::for_each_mutation({good, safetensors_bytes({})}, [](const std::string& bad) { message_of(bad); });
}

}  // namespace
}  // namespace lathe
