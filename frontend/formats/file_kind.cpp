#include "frontend/formats/file_kind.h"

#include <algorithm>

#include "ir/ascii.h"

namespace lathe {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view lathe_magic = "\x89LATHE\r\n"sv;

struct Kind {
    std::string_view begins, name;
};
constexpr Kind kinds[] = {
    {lathe_magic, "a model (.lathe)"},
    {"\x93NUMPY"sv, "a NumPy array (.npy)"},
    {"PK\x03\x04"sv, "a zip archive, as .npz and .pt files are"},
    {"PK\x05\x06"sv, "an empty zip archive"},
    {"\x1f\x8b"sv, "a gzip archive"},
    {"\x7f"
     "ELF"sv,
     "an object, a library or a program (ELF)"},
    {"!<arch>\n"sv, "a static library (.a)"},
    {"\x89PNG\r\n\x1a\n"sv, "an image (PNG)"},
    {"\xff\xd8\xff"sv, "an image (JPEG)"},
    {"GIF8"sv, "an image (GIF)"},
    {"%PDF-"sv, "a document (PDF)"},
    {"\x89HDF\r\n\x1a\n"sv, "an HDF5 file"},
    {"GGUF"sv, "a GGUF model"},
    {"BZh"sv, "a bzip2 archive"},
    {"\xfd"
     "7zXZ\0"sv,
     "an xz archive"},
    {"\x28\xb5\x2f\xfd"sv, "a zstd archive"},
    {"\x80\x02"sv, "a Python pickle"},
    {"\x80\x03"sv, "a Python pickle"},
    {"\x80\x04"sv, "a Python pickle"},
    {"\x80\x05"sv, "a Python pickle"},
    {"\xff\xfe"sv, "text in UTF-16"},
    {"\xfe\xff"sv, "text in UTF-16"},
    {"BC\xc0\xde"sv, "LLVM bitcode"},
    {"#!"sv, "a script"},
    {"<?xml"sv, "an XML text"},
    {"<!DOCTYPE"sv, "an HTML text"},
    {"<html"sv, "an HTML text"},
};

bool is_table(std::string_view line) {
    return line.find_first_of(",;\t") != std::string_view::npos && line.find('(') == std::string_view::npos &&
           line.find('{') == std::string_view::npos;
}
bool is_number(std::string_view line) {
    return !line.empty() && line.find_first_not_of("0123456789+-.eE \r") == std::string_view::npos;
}

}  // namespace

bool is_onnx(std::string_view bytes) {
    // A protobuf with a small version as its first field, then the producer's name, the graph, or opsets.
    return bytes.size() > 4 && bytes[0] == 8 && bytes[1] > 0 && bytes[1] < 32 &&
           (bytes[2] == 0x12 || bytes[2] == 0x1a || bytes[2] == 0x3a || bytes[2] == 0x42);
}

bool is_lathe(std::string_view bytes) { return bytes.starts_with(lathe_magic); }

// The length of its header in 8 bytes, then JSON.
bool is_safetensors(std::string_view bytes) {
    if (bytes.size() < 10 || bytes[8] != '{') return false;
    return bytes[5] == 0 && bytes[6] == 0 && bytes[7] == 0;
}

// A ZIP archive, or a pickle.
bool is_pytorch(std::string_view bytes) { return bytes.starts_with("PK\x03\x04"sv) || bytes.starts_with('\x80'); }

std::string kind_of_file(std::string_view bytes) {
    if (bytes.empty()) return "an empty file";
    for (const Kind& kind : kinds)
        if (bytes.starts_with(kind.begins)) return std::string(kind.name);
    if (is_safetensors(bytes)) return "a safetensors file";
    if (is_onnx(bytes)) return "an ONNX model";
    const std::string_view beginning = bytes.substr(0, 4096);
    const auto is_text = [](char c) {
        return ir::is_printable(c) || ir::is_blank(c) || static_cast<signed char>(c) < 0;
    };
    if (!std::ranges::all_of(beginning, is_text)) return "a binary file";
    std::string_view text = beginning;
    if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
    const std::string_view line = text.substr(0, text.find('\n'));
    if (text.starts_with('{') || text.starts_with('[')) return "a JSON text";
    if (is_table(line) || is_number(line)) return "a table (.csv)";
    return std::string(other_text);
}

}  // namespace lathe
