#include "frontend/formats/npz.h"

#include "frontend/formats/atomic_file.h"
#include "frontend/formats/read_file.h"
#include "frontend/formats/zip.h"
#include "frontend/tensor/blame.h"
#include "ir/error.h"

namespace lathe {
namespace {

constexpr std::string_view suffix = ".npy";
// Of all deflated members together. Stored ones are no larger than the file.
constexpr std::uint64_t most_inflated = std::uint64_t{1} << 32;

}  // namespace

std::map<std::string, Array> parse_npz(std::string_view bytes, const std::string& name, Where where) try {
    const std::vector<ZipMember> members = zip_members(bytes, name);
    std::uint64_t inflated = 0;
    for (const ZipMember& member : members) {
        if (!member.name.ends_with(suffix))
            throw FormatError(name + ": the member '" + member.name + "' is no .npy file");
        inflated += member.deflated ? member.size : 0;
        if (inflated > most_inflated)
            throw FormatError(name + ": the deflated members hold more than " + std::to_string(most_inflated) +
                              " bytes");
    }
    std::map<std::string, Array> arrays;
    for (const ZipMember& member : members) {
        const std::string called = name + ": " + member.name;
        arrays.emplace(member.name.substr(0, member.name.size() - suffix.size()),
                       parse_npy(unzip_member(bytes, member, called), called, where));
    }
    return arrays;
} catch (...) {
    detail::rethrow(detail::blame(where));
}

std::map<std::string, Array> read_npz(const std::string& path, Where where) try {
    return parse_npz(read_file(path), path, where);
} catch (...) {
    detail::rethrow(detail::blame(where));
}

std::string npz_bytes(const std::map<std::string, Array>& arrays, NpzOptions options, Where where) try {
    ZipWriter archive;
    for (const auto& [name, array] : arrays) {
        if (array.dtype == ir::Dtype::bf16) throw TypeError(".npz files do not hold bf16, the type of '" + name + "'");
        archive.add(name + std::string(suffix), npy_bytes(array, where), options.compress);
    }
    return std::move(archive).finish();
} catch (...) {
    detail::rethrow(detail::blame(where));
}

void write_npz(const std::string& path, const std::map<std::string, Array>& arrays, NpzOptions options,
               Where where) try {
    write_atomically(path, npz_bytes(arrays, options, where));
} catch (...) {
    detail::rethrow(detail::blame(where));
}

}  // namespace lathe
