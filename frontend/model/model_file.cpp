// The .lathe format, little-endian:
//
//   bytes  0-7   89 'L' 'A' 'T' 'H' 'E' 0D 0A
//          8     u32 format version
//         12     u32 numerics version: which definition of the ops' bits the weights were trained with. A model of an
//                older one is read, and computes by the present definition; one of a newer is refused
//         16     u64 length of the text
//         24     u64 length of the weights
//         32     u32 how many of the graph's parameters are inputs; the others are weights
//         36     u32 CRC-32 of the whole file with this field zero
//         40     the versions of its ops and the graph, as text, padded with zeros to a multiple of 64 bytes from the
//         start of the file
//                the weights in the order of their parameters, each padded likewise
//
// Where values decide extents of outputs, or inputs are extents, the text begins with a line for each, of the numbers
// of CountedOutput, "counted 0 1 2", or SizedInput, "sized 1 4 i64 1". Such files have format version 3, all others 2.
// Version 1 had no versions of ops, and another form of attributes.
#include <algorithm>
#include <charconv>
#include <cstring>
#include <zlib.h>

#include <fmt/format.h>

#include "frontend/formats/atomic_file.h"
#include "frontend/formats/file_kind.h"
#include "frontend/formats/read_file.h"
#include "frontend/model/model.h"
#include "frontend/onnx/onnx.h"
#include "frontend/tensor/blame.h"
#include "frontend/tensor/convert.h"
#include "ir/graph/text.h"
#include "ir/loops/order.h"

namespace lathe {
namespace {

constexpr char magic[8] = {'\x89', 'L', 'A', 'T', 'H', 'E', '\r', '\n'};
constexpr std::uint32_t plain_version = 2, preface_version = 3;
constexpr std::size_t header_size = 40, checksum_at = 36, alignment = 64;

template <class T>
void put(std::string& out, T value) {
    char bytes[sizeof(T)];
    std::memcpy(bytes, &value, sizeof(T));
    out.append(bytes, sizeof(T));
}
template <class T>
T take(std::string_view bytes, std::size_t at) {
    T value;
    std::memcpy(&value, bytes.data() + at, sizeof(T));
    return value;
}
void pad(std::string& out) { out.resize((out.size() + alignment - 1) / alignment * alignment, '\0'); }

// Of the bytes with zeros in the checksum's place.
std::uint32_t checksum(std::string_view bytes) {
    constexpr Bytef zeros[sizeof(std::uint32_t)] = {};
    const auto* const data = reinterpret_cast<const Bytef*>(bytes.data());
    const std::size_t rest = checksum_at + sizeof zeros;
    uLong sum = crc32_z(crc32_z(0, nullptr, 0), data, checksum_at);
    sum = crc32_z(sum, zeros, sizeof zeros);
    return static_cast<std::uint32_t>(crc32_z(sum, data + rest, bytes.size() - rest));
}

[[noreturn]] void refuse(const std::string& path, std::size_t byte, const std::string& why) {
    throw FormatError(path + ": byte " + std::to_string(byte) + ": " + why);
}

// The lines in front of the graph, which are about outputs and inputs. What is no number there is 0, and fits no graph.
struct Preface {
    std::vector<CountedOutput> counted;
    std::vector<SizedInput> sized;
};
Preface take_preface(std::string_view& text) {
    Preface preface;
    while (text.starts_with("counted ") || text.starts_with("sized ")) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        std::vector<std::string_view> words;
        for (std::string_view line = text.substr(0, end); !line.empty();) {
            const std::size_t space = std::min(line.find(' '), line.size());
            words.push_back(line.substr(0, space));
            line.remove_prefix(std::min(space + 1, line.size()));
        }
        words.resize(5);
        const auto number = [&](std::size_t word) {
            std::size_t n = 0;
            std::from_chars(words[word].data(), words[word].data() + words[word].size(), n);
            return n;
        };
        if (words[0] == "counted")
            preface.counted.push_back({number(1), number(2), number(3)});
        else
            preface.sized.push_back({number(1), number(2), words[3] == "i32" ? Dtype::i32 : Dtype::i64, number(4)});
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return preface;
}

}  // namespace

void Model::save(const std::string& path, Where where) const try {
    std::string text;
    for (const CountedOutput& c : counted_) text += fmt::format("counted {} {} {}\n", c.output, c.axis, c.count);
    for (const SizedInput& s : sized_)
        text += fmt::format("sized {} {} {} {}\n", s.first, s.count, ir::name(s.dtype), s.rank);
    text += ir::print_op_versions(*graph_) + ir::print(*graph_, ir::Locs::show);
    std::string weights;
    for (const Array& a : this->weights()) {
        weights.append(reinterpret_cast<const char*>(a.bytes.data()), a.bytes.size());
        pad(weights);
    }
    std::string out(magic, sizeof magic);
    put(out, counted_.empty() && sized_.empty() ? plain_version : preface_version);
    put(out, static_cast<std::uint32_t>(ir::numerics_version));
    put(out, static_cast<std::uint64_t>(text.size()));
    put(out, static_cast<std::uint64_t>(weights.size()));
    put(out, static_cast<std::uint32_t>(input_count_));
    put(out, std::uint32_t{0});
    out += text;
    pad(out);
    out += weights;
    const std::uint32_t sum = checksum(out);
    std::memcpy(out.data() + checksum_at, &sum, sizeof sum);
    write_atomically(path, out);
} catch (...) {
    detail::rethrow(detail::blame(where));
}

Model Model::load(const std::string& path, Where where) try {
    return parse(read_file(path), path, where);
} catch (...) {
    detail::rethrow(detail::blame(where));
}

Model Model::parse(std::string_view bytes, const std::string& path, Where where) try {
    if (is_onnx(bytes)) return parse_onnx(bytes, path, {}, where).model;
    if (bytes.empty()) refuse(path, 0, "the file is empty");
    if (bytes.size() < header_size) refuse(path, bytes.size(), "the file ends within its header");
    if (std::memcmp(bytes.data(), magic, sizeof magic) != 0) refuse(path, 0, "this is not a .lathe file");
    const auto version = take<std::uint32_t>(bytes, 8);
    const bool intact = checksum(bytes) == take<std::uint32_t>(bytes, checksum_at);
    if (version > preface_version && intact)
        refuse(path, 8,
               "the file has format version " + std::to_string(version) + "; this library reads up to " +
                   std::to_string(preface_version));
    const auto text_size = take<std::uint64_t>(bytes, 16);
    const auto weight_size = take<std::uint64_t>(bytes, 24);
    if (text_size <= bytes.size() && weight_size <= bytes.size()) {
        const std::uint64_t expected = (header_size + text_size + alignment - 1) / alignment * alignment + weight_size;
        if (bytes.size() < expected)
            refuse(path, bytes.size(),
                   "the file ends here, but its header promises " + std::to_string(expected) + " bytes");
    }
    if (!intact) refuse(path, checksum_at, "the checksum does not match: the file is damaged or truncated");
    if (version < plain_version || version > preface_version)
        refuse(path, 8,
               "the file has format version " + std::to_string(version) + "; this library reads versions " +
                   std::to_string(plain_version) + " and " + std::to_string(preface_version) + " alone");
    if (const auto numerics = take<std::uint32_t>(bytes, 12);
        numerics == 0 || numerics > static_cast<std::uint32_t>(ir::numerics_version))
        refuse(path, 12,
               "the file has numerics version " + std::to_string(numerics) + "; this library computes version " +
                   std::to_string(ir::numerics_version));
    const std::size_t weights_at = (header_size + text_size + alignment - 1) / alignment * alignment;
    if (text_size > bytes.size() || weights_at + weight_size != bytes.size())
        refuse(path, 16, "the lengths do not fit the file");

    std::string_view text = bytes.substr(header_size, text_size);
    Preface preface;
    if (version == preface_version) preface = take_preface(text);
    std::unique_ptr<ir::Graph> graph = ir::parse_graph(text, path);
    const auto inputs = take<std::uint32_t>(bytes, 32);
    if (inputs > graph->parameters().size()) refuse(path, 32, "there are fewer parameters than inputs");
    std::vector<Array> weights;
    std::size_t at = weights_at;
    for (std::size_t i = inputs; i < graph->parameters().size(); ++i) {
        const ir::Type& type = graph->parameters()[i].type();
        if (!type.shape.is_constant())
            refuse(path, header_size, "the weight '" + graph->parameter_name(i) + "' has no fixed shape");
        Array array{type.dtype, {}, {}};
        std::size_t size = size_of(type.dtype);
        for (ir::Dim d : type.shape) {
            array.shape.push_back(d.constant());
            if (d.constant() < 0 || __builtin_mul_overflow(size, static_cast<std::size_t>(d.constant()), &size))
                refuse(path, header_size, "the weight '" + graph->parameter_name(i) + "' has an impossible shape");
        }
        if (size > bytes.size() - at)
            refuse(path, at, "the weight '" + graph->parameter_name(i) + "' ends behind the file");
        array.bytes.resize(size);
        if (size != 0) std::memcpy(array.bytes.data(), bytes.data() + at, size);
        detail::normalize(array.dtype, array.bytes.data(), size);
        at = std::min((at + size + alignment - 1) / alignment * alignment, bytes.size());
        weights.push_back(std::move(array));
    }
    try {
        return {std::move(graph), inputs, std::move(weights), std::move(preface.counted), std::move(preface.sized)};
    } catch (const UserError& e) {
        refuse(path, header_size, e.message());
    }
} catch (...) {
    detail::rethrow(detail::blame(where));
}

}  // namespace lathe
