#include "frontend/checkpoint/safetensors.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <set>
#include <unordered_map>

#include <nlohmann/json.hpp>

#include "frontend/checkpoint/parsers.h"
#include "frontend/formats/atomic_file.h"
#include "frontend/tensor/blame.h"
#include "ir/error.h"
#include "ir/float_environment.h"

namespace lathe {
namespace {

using detail::FileBytes;

constexpr std::uint64_t length_size = 8, longest_header = 100'000'000;
constexpr std::string_view metadata_key = "__metadata__";

struct FileDtype {
    std::string_view name;
    Dtype dtype;
    std::size_t components = 1;
};
constexpr FileDtype file_dtypes[] = {
    {"F64", Dtype::f64}, {"F32", Dtype::f32}, {"F16", Dtype::f16},      {"BF16", Dtype::bf16},  {"I64", Dtype::i64},
    {"I32", Dtype::i32}, {"I16", Dtype::i16}, {"I8", Dtype::i8},        {"U64", Dtype::u64},    {"U32", Dtype::u32},
    {"U16", Dtype::u16}, {"U8", Dtype::u8},   {"BOOL", Dtype::boolean}, {"C64", Dtype::f32, 2},
};

// ---- reading

struct Entry {
    std::string name, dtype;
    bool has_dtype = false, has_shape = false, has_offsets = false;
    std::vector<std::uint64_t> shape, offsets;
};

// The header as the parser comes to it: an object of tensors' objects, and of the one of texts. Other fields of a
// tensor are passed over, whatever they hold.
class Header : public nlohmann::json_sax<nlohmann::json> {
public:
    std::vector<Entry> entries;
    std::map<std::string, std::string> metadata;
    std::string fault;  // why parsing stopped; empty: it is no JSON
    std::size_t fault_at = 0;

    bool null() override { return scalar("null"); }
    bool boolean(bool) override { return scalar("a boolean"); }
    bool number_integer(number_integer_t) override { return number({}, "a negative number"); }
    bool number_unsigned(number_unsigned_t value) override { return number(value, "a number"); }
    bool number_float(number_float_t, const string_t&) override { return number({}, "a number with a fraction"); }
    bool binary(binary_t&) override { return scalar("bytes"); }
    bool string(string_t& value) override {
        if (place_ == Place::metadata) return set_text(value);
        if (place_ == Place::tensor && key_ == "dtype") {
            entries.back().dtype = value;
            return true;
        }
        return scalar("a text");
    }
    bool start_object(std::size_t) override {
        if (place_ == Place::begin) {
            place_ = Place::header;
        } else if (place_ == Place::header) {
            place_ = key_ == metadata_key ? Place::metadata : Place::tensor;
            if (place_ == Place::tensor) entries.push_back({key_, {}, {}, {}, {}, {}, {}});
            fields_.clear();
        } else {
            return enter("an object");
        }
        return true;
    }
    bool key(string_t& name) override {
        if (place_ == Place::passing) return true;
        std::set<std::string>& names = place_ == Place::header ? names_ : fields_;
        if (!names.insert(name).second) return refuse("'" + name + "' is there twice");
        key_ = name;
        if (place_ == Place::tensor) {
            Entry& entry = entries.back();
            entry.has_dtype |= name == "dtype";
            entry.has_shape |= name == "shape";
            entry.has_offsets |= name == "data_offsets";
        }
        return true;
    }
    bool end_object() override {
        if (place_ == Place::passing) return leave();
        if (place_ == Place::tensor) {
            const Entry& entry = entries.back();
            if (!entry.has_dtype || !entry.has_shape || !entry.has_offsets)
                return refuse("'" + entry.name + "' lacks dtype, shape or data_offsets");
        }
        place_ = Place::header;
        return true;
    }
    bool start_array(std::size_t) override {
        if (place_ == Place::tensor && key_ == "shape") {
            place_ = Place::shape;
        } else if (place_ == Place::tensor && key_ == "data_offsets") {
            place_ = Place::offsets;
        } else {
            return enter("a list");
        }
        return true;
    }
    bool end_array() override {
        if (place_ == Place::passing) return leave();
        place_ = Place::tensor;
        return true;
    }
    bool parse_error(std::size_t at, const std::string&, const nlohmann::detail::exception&) override {
        fault_at = at;
        return false;
    }

private:
    enum class Place : std::uint8_t { begin, header, metadata, tensor, shape, offsets, passing };

    bool refuse(std::string why) {
        fault = std::move(why);
        return false;
    }
    bool scalar(const char* what) {
        if (place_ == Place::passing) return true;
        if (place_ == Place::tensor && key_ != "dtype" && key_ != "shape" && key_ != "data_offsets") return true;
        return refuse(place_ == Place::begin ? std::string("it is ") + what + ", not an object"
                                             : "'" + where_it_is() + "' is or holds " + what);
    }
    bool number(std::optional<std::uint64_t> value, const char* what) {
        if (place_ != Place::shape && place_ != Place::offsets) return scalar(what);
        if (!value) return refuse("'" + where_it_is() + "' is or holds " + what);
        (place_ == Place::shape ? entries.back().shape : entries.back().offsets).push_back(*value);
        return true;
    }
    bool set_text(const std::string& value) {
        metadata.emplace(key_, value);
        return true;
    }
    bool enter(const char* what) {
        if (place_ == Place::passing) {
            ++depth_;
            return true;
        }
        if (!scalar(what)) return false;
        place_ = Place::passing;
        depth_ = 1;
        return true;
    }
    bool leave() {
        if (--depth_ == 0) place_ = Place::tensor;
        return true;
    }
    std::string where_it_is() const {
        return place_ == Place::header     ? key_
               : place_ == Place::metadata ? std::string(metadata_key) + "." + key_
                                           : entries.back().name + "." + key_;
    }

    Place place_ = Place::begin;
    std::size_t depth_ = 0;  // of what is passed over
    std::string key_;
    std::set<std::string> names_, fields_;
};

// ---- writing

std::string_view name_in_file(Dtype dtype) { return std::ranges::find(file_dtypes, dtype, &FileDtype::dtype)->name; }

// Everything in front of the tensors' bytes, and the tensors in their order: those of large elements first, so that all
// are aligned; then by name.
struct Layout {
    std::string front;
    std::vector<NamedTensor> tensors;
};
Layout lay_out(const std::vector<NamedTensor>& given, const std::map<std::string, std::string>& metadata, Where where) {
    const ir::FloatEnvironment floats;
    Layout layout{{}, {given.begin(), given.end()}};
    std::vector<Tensor> values;
    for (auto& [name, tensor] : layout.tensors) {
        if (tensor.is_empty()) throw TypeError("the tensor '" + name + "' is empty");
        tensor = detail::value_of(tensor);
        values.push_back(tensor);
    }
    eval(values, where);
    std::ranges::sort(layout.tensors, [](const NamedTensor& a, const NamedTensor& b) {
        const auto key = [](const NamedTensor& t) {
            const auto at = std::ranges::find(file_dtypes, t.second.dtype(), &FileDtype::dtype);
            return std::pair(-static_cast<std::ptrdiff_t>(size_of(t.second.dtype())), at - file_dtypes);
        };
        return std::pair(key(a), std::string_view(a.first)) < std::pair(key(b), std::string_view(b.first));
    });
    std::string text = "{";
    const auto put = [&](std::string_view key, const nlohmann::json& value) {
        text += (text.size() > 1 ? "," : "") + nlohmann::json(key).dump() + ":" + value.dump();
    };
    try {
        if (!metadata.empty()) put(metadata_key, metadata);
        std::uint64_t end = 0;
        std::set<std::string_view> names{metadata_key};
        for (const auto& [name, tensor] : layout.tensors) {
            if (!names.insert(name).second)
                throw UserError(name == metadata_key ? "a tensor cannot be called '" + name + "' in a safetensors file"
                                                     : "two tensors are called '" + name + "'");
            const std::uint64_t begin = end;
            end += tensor.bytes().size();
            put(name,
                {{"dtype", name_in_file(tensor.dtype())}, {"shape", tensor.shape()}, {"data_offsets", {begin, end}}});
        }
    } catch (const nlohmann::json::type_error&) {
        throw UserError("a name or text of a safetensors file is no UTF-8");
    }
    text += "}";
    constexpr std::size_t alignment = 8;
    text.resize((text.size() + alignment - 1) / alignment * alignment, ' ');
    if (text.size() > longest_header)
        throw UserError("the header of a safetensors file has at most " + std::to_string(longest_header) +
                        " bytes, not " + std::to_string(text.size()));
    const std::uint64_t length = text.size();
    layout.front.assign(reinterpret_cast<const char*>(&length), sizeof length);
    layout.front += text;
    return layout;
}

std::string_view as_text(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

Safetensors detail::parse_safetensors(const FileBytes& file, const std::string& name, Where where) {
    const std::string_view bytes = file.view();
    const auto fail = [&](std::uint64_t at, const std::string& what) {
        throw FormatError(name + ": byte " + std::to_string(at) + ": " + what);
    };
    if (bytes.size() < length_size) fail(bytes.size(), "the file ends within the length of its header");
    std::uint64_t length = 0;
    std::memcpy(&length, bytes.data(), sizeof length);
    if (length > longest_header)
        fail(0, "the header has " + std::to_string(length) + " bytes, more than " + std::to_string(longest_header));
    if (length > bytes.size() - length_size) fail(bytes.size(), "the file ends within its header");

    Header header;
    const std::string_view text = bytes.substr(length_size, length);
    if (!nlohmann::json::sax_parse(text.begin(), text.end(), &header)) {
        if (header.fault.empty()) fail(length_size + header.fault_at, "the header is no JSON");
        fail(length_size, "the header is malformed: " + header.fault);
    }

    const std::string_view data = bytes.substr(length_size + length);
    Safetensors out{{}, std::move(header.metadata)};
    std::vector<std::pair<std::pair<std::uint64_t, std::uint64_t>, std::size_t>> order;
    for (std::size_t i = 0; i < header.entries.size(); ++i) {
        const Entry& entry = header.entries[i];
        if (entry.offsets.size() != 2 || entry.offsets[0] > entry.offsets[1])
            fail(length_size, "the offsets of '" + entry.name + "' are no begin and end");
        order.push_back({{entry.offsets[0], entry.offsets[1]}, i});
    }
    std::ranges::sort(order);
    std::uint64_t end = 0;
    for (const auto& [offsets, i] : order) {
        const Entry& entry = header.entries[i];
        const std::string quoted = "'" + entry.name + "'";
        const auto* const known = std::ranges::find(file_dtypes, entry.dtype, &FileDtype::name);
        if (known == std::end(file_dtypes))
            fail(length_size, "the dtype '" + entry.dtype + "' of " + quoted + " is not supported");
        if (offsets.first != end)
            fail(length_size, quoted + " begins at " + std::to_string(offsets.first) + " of the data, not at " +
                                  std::to_string(end) + ", where the tensor before it ends");
        end = offsets.second;
        if (end > data.size())
            fail(bytes.size(),
                 "the file ends within " + quoted + ", which ends at " + std::to_string(end) + " of the data");
        std::vector<std::int64_t> shape;
        std::int64_t size = static_cast<std::int64_t>(size_of(known->dtype) * known->components);
        bool fits = entry.shape.size() + (known->components > 1 ? 1 : 0) <= ir::max_rank;
        for (const std::uint64_t extent : entry.shape) {
            fits =
                fits && extent <= INT64_MAX && !__builtin_mul_overflow(size, static_cast<std::int64_t>(extent), &size);
            shape.push_back(static_cast<std::int64_t>(extent));
        }
        if (!fits)
            fail(length_size, "the shape of " + quoted + " is too large, or has more than " +
                                  std::to_string(ir::max_rank) + " dimensions");
        if (static_cast<std::uint64_t>(size) != end - offsets.first)
            fail(length_size, quoted + " has " + std::to_string(end - offsets.first) + " bytes, its shape needs " +
                                  std::to_string(size));
        if (known->components > 1) shape.push_back(static_cast<std::int64_t>(known->components));
        out.tensors.emplace_back(
            entry.name, file.tensor(known->dtype, shape, data.substr(offsets.first, end - offsets.first), where));
    }
    if (end != data.size())
        fail(length_size + length + end,
             "the tensors end here, but " + std::to_string(data.size() - end) + " bytes follow");
    return out;
}

Safetensors parse_safetensors(std::string_view bytes, const std::string& name, Where where) try {
    return detail::parse_safetensors(FileBytes(bytes), name, where);
} catch (...) {
    detail::rethrow(detail::blame(where));
}

Safetensors read_safetensors(const std::string& path, SafetensorsOptions options, Where where) try {
    return FileBytes::with(path, options.map,
                           [&](const FileBytes& file) { return detail::parse_safetensors(file, path, where); });
} catch (...) {
    detail::rethrow(detail::blame(where));
}

std::string safetensors_bytes(const std::vector<NamedTensor>& tensors,
                              const std::map<std::string, std::string>& metadata, Where where) try {
    const Layout layout = lay_out(tensors, metadata, where);
    std::string bytes = layout.front;
    for (const auto& [name, tensor] : layout.tensors) bytes += as_text(tensor.bytes());
    return bytes;
} catch (...) {
    detail::rethrow(detail::blame(where));
}

void write_safetensors(const std::string& path, const std::vector<NamedTensor>& tensors,
                       const std::map<std::string, std::string>& metadata, Where where) try {
    const Layout layout = lay_out(tensors, metadata, where);
    AtomicFile file(path);
    file.write(layout.front);
    for (const auto& [name, tensor] : layout.tensors) file.write(as_text(tensor.bytes()));
    file.commit();
} catch (...) {
    detail::rethrow(detail::blame(where));
}

}  // namespace lathe
