#include "frontend/formats/npy.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstring>
#include <new>
#include <optional>

#include "frontend/formats/atomic_file.h"
#include "frontend/formats/read_file.h"
#include "frontend/tensor/blame.h"
#include "ir/error.h"
#include "runtime/convert.h"

namespace lathe {
namespace {

using ir::Dtype;

constexpr std::string_view magic = "\x93NUMPY";
static_assert(std::endian::native == std::endian::little);

// NumPy's name of a dtype without the byte order; empty for bf16.
constexpr std::array<std::string_view, ir::dtype_count> numpy_names = {"f8", "f4", "f2", "",   "i8", "i4", "i2",
                                                                       "i1", "u8", "u4", "u2", "u1", "b1"};

struct Header {
    Dtype dtype = Dtype::f32;
    bool swapped = false, fortran = false;
    std::vector<std::int64_t> shape;
};

// Reads the header: a Python dictionary with the keys descr, fortran_order and shape.
class HeaderParser {
public:
    HeaderParser(std::string_view bytes, std::size_t begin, std::size_t end, const std::string& name)
        : bytes_(bytes), at_(begin), end_(end), name_(name) {}

    Header parse() {
        expect('{');
        bool has_descr = false, has_order = false, has_shape = false;
        while (!accept('}')) {
            const std::size_t start = at_;
            const std::string_view key = quoted();
            expect(':');
            if (key == "descr" && !has_descr) {
                descr();
                has_descr = true;
            } else if (key == "fortran_order" && !has_order) {
                fortran_order();
                has_order = true;
            } else if (key == "shape" && !has_shape) {
                shape();
                has_shape = true;
            } else {
                fail("the key '" + std::string(key) + "' is unknown or there twice", start);
            }
            if (!accept(',') && peek() != '}') fail("',' or '}' is expected");
        }
        skip_blanks();
        if (at_ != end_) fail("the header goes on after its dictionary");
        if (!has_descr || !has_order || !has_shape) fail("the header lacks descr, fortran_order or shape");
        return std::move(header_);
    }

    [[noreturn]] void fail(const std::string& what, std::optional<std::size_t> where = {}) const {
        throw FormatError(name_ + ": byte " + std::to_string(where.value_or(at_)) + ": " + what);
    }

private:
    void skip_blanks() {
        while (at_ < end_ && (bytes_[at_] == ' ' || bytes_[at_] == '\n' || bytes_[at_] == '\t' || bytes_[at_] == '\r'))
            ++at_;
    }
    char peek() {
        skip_blanks();
        return at_ < end_ ? bytes_[at_] : '\0';
    }
    bool accept(char c) {
        if (peek() != c) return false;
        ++at_;
        return true;
    }
    void expect(char c) {
        if (!accept(c)) fail(std::string("'") + c + "' is expected");
    }
    std::string_view quoted() {
        const char quote = peek();
        if (quote != '\'' && quote != '"') fail("a quoted word is expected");
        const std::size_t begin = ++at_;
        while (at_ < end_ && bytes_[at_] != quote) ++at_;
        if (at_ == end_) fail("a quoted word does not end", begin);
        return bytes_.substr(begin, at_++ - begin);
    }
    bool word(std::string_view expected) {
        skip_blanks();
        if (!bytes_.substr(at_, end_ - at_).starts_with(expected)) return false;
        at_ += expected.size();
        return true;
    }

    void descr() {
        skip_blanks();
        const std::size_t start = at_;
        if (peek() == '[') fail("the dtype is a record, which is not supported");
        const std::string_view text = quoted();
        const char order = text.empty() ? '\0' : text[0];
        const auto found =
            std::find(numpy_names.begin(), numpy_names.end(), text.substr(std::min<std::size_t>(1, text.size())));
        if ((order != '<' && order != '>' && order != '|' && order != '=') || found == numpy_names.end() ||
            found->empty())
            fail("the dtype '" + std::string(text) + "' is not supported", start);
        header_.dtype = static_cast<Dtype>(found - numpy_names.begin());
        header_.swapped = order == '>' && ir::size_of(header_.dtype) > 1;
    }
    void fortran_order() {
        if (word("True"))
            header_.fortran = true;
        else if (!word("False"))
            fail("True or False is expected");
    }
    void shape() {
        expect('(');
        while (!accept(')')) {
            skip_blanks();
            std::int64_t extent = 0;
            const auto [stop, error] = std::from_chars(bytes_.data() + at_, bytes_.data() + end_, extent);
            if (error == std::errc::result_out_of_range) fail("an extent does not fit 64 bits");
            if (error != std::errc() || extent < 0) fail("an extent is expected");
            at_ = static_cast<std::size_t>(stop - bytes_.data());
            word("L");  // Python 2 wrote long integers so
            header_.shape.push_back(extent);
            if (!accept(',') && peek() != ')') fail("',' or ')' is expected");
        }
    }

    std::string_view bytes_;
    std::size_t at_, end_;
    const std::string& name_;
    Header header_;
};

// From the order in which the first index runs fastest to the order in which the last does.
std::vector<std::byte> to_row_major(std::vector<std::byte>& from, std::span<const std::int64_t> shape,
                                    std::size_t size) {
    std::vector<std::byte> to(from.size());
    std::vector<std::int64_t> to_strides(shape.size()), from_strides(shape.size());
    auto step = static_cast<std::int64_t>(size);
    for (std::size_t axis = 0; axis < shape.size(); step *= shape[axis++]) from_strides[axis] = step;
    step = static_cast<std::int64_t>(size);
    for (std::size_t axis = shape.size(); axis-- > 0; step *= shape[axis]) to_strides[axis] = step;
    runtime::copy_strided({to.data(), to_strides}, {from.data(), from_strides}, shape, size);
    return to;
}

}  // namespace

Array parse_npy(std::string_view bytes, const std::string& name, Where where) try {
    const auto fail = [&](std::size_t byte, const std::string& what) {
        throw FormatError(name + ": byte " + std::to_string(byte) + ": " + what);
    };
    if (!bytes.starts_with(magic)) fail(0, "this is no .npy file");
    const auto byte = [&](std::size_t i) { return static_cast<std::size_t>(static_cast<unsigned char>(bytes[i])); };
    if (bytes.size() < 10) fail(bytes.size(), "the file ends in its header");
    if (byte(6) < 1 || byte(6) > 3 || byte(7) != 0)
        fail(6, "version " + std::to_string(byte(6)) + "." + std::to_string(byte(7)) + " of .npy is not known");
    const std::size_t begin = byte(6) == 1 ? 10 : 12;
    if (bytes.size() < begin) fail(bytes.size(), "the file ends in its header");
    std::size_t length = byte(8) | byte(9) << 8;
    if (begin == 12) length |= byte(10) << 16 | byte(11) << 24;
    if (length > bytes.size() - begin) fail(bytes.size(), "the file ends in its header");

    HeaderParser parser(bytes, begin, begin + length, name);
    Header header = parser.parse();
    const std::size_t size = ir::size_of(header.dtype), start = begin + length;
    std::uint64_t needed = size;
    for (const std::int64_t extent : header.shape)
        if (__builtin_mul_overflow(needed, static_cast<std::uint64_t>(extent), &needed))
            parser.fail("the shape is too large", begin);
    const std::string_view data = bytes.substr(start);
    if (data.size() != needed)
        fail(start, std::to_string(data.size()) + " bytes of data, the shape needs " + std::to_string(needed));
    try {
        Array array{header.dtype, std::move(header.shape), std::vector<std::byte>(data.size())};
        if (!data.empty()) std::memcpy(array.bytes.data(), data.data(), data.size());
        if (array.dtype == Dtype::boolean)
            for (std::size_t i = 0; i < array.bytes.size(); ++i)
                if (array.bytes[i] > std::byte{1}) fail(start + i, "a boolean is neither 0 nor 1");
        if (header.swapped) runtime::swap_bytes(array.bytes.data(), array.bytes.size() / size, size);
        if (header.fortran && array.shape.size() > 1) array.bytes = to_row_major(array.bytes, array.shape, size);
        return array;
    } catch (const std::bad_alloc&) {
        throw ResourceError(name + ": there is no memory for its data");
    }
} catch (...) {
    detail::rethrow(detail::blame(where));
}

Array read_npy(const std::string& path, Where where) try {
    return parse_npy(read_file(path), path, where);
} catch (...) {
    detail::rethrow(detail::blame(where));
}

std::string npy_bytes(const Array& array, Where where) try {
    const std::string_view kind = numpy_names[static_cast<std::size_t>(array.dtype)];
    if (kind.empty()) throw TypeError(".npy files do not hold " + std::string(ir::name(array.dtype)));
    std::string header = "{'descr': '" + std::string(ir::size_of(array.dtype) == 1 ? "|" : "<") + std::string(kind) +
                         "', 'fortran_order': False, 'shape': (";
    for (std::size_t axis = 0; axis < array.shape.size(); ++axis)
        header += std::to_string(array.shape[axis]) + (axis + 1 < array.shape.size() ? ", "
                                                       : array.shape.size() == 1     ? ","
                                                                                     : "");
    header += "), }";
    constexpr std::size_t prefix = 10, alignment = 64;
    header.resize((prefix + header.size() + alignment) / alignment * alignment - prefix - 1, ' ');
    header += '\n';
    std::string bytes(magic);
    bytes += {1, 0, static_cast<char>(header.size() & 255), static_cast<char>(header.size() >> 8)};
    bytes += header;
    bytes.append(reinterpret_cast<const char*>(array.bytes.data()), array.bytes.size());
    return bytes;
} catch (...) {
    detail::rethrow(detail::blame(where));
}

void write_npy(const std::string& path, const Array& array, Where where) try {
    write_atomically(path, npy_bytes(array, where));
} catch (...) {
    detail::rethrow(detail::blame(where));
}

}  // namespace lathe
