#include "frontend/checkpoint/pytorch.h"

#include <algorithm>
#include <cstring>

#include "frontend/checkpoint/parsers.h"
#include "frontend/checkpoint/pickle.h"
#include "frontend/checkpoint/pytorch_value.h"
#include "frontend/formats/file_kind.h"
#include "frontend/formats/zip.h"
#include "frontend/tensor/blame.h"
#include "ir/error.h"

namespace lathe {
namespace {

using namespace std::string_view_literals;
using detail::FileBytes;
using detail::TorchStorage;
using Storages = std::map<std::string, TorchStorage>;
using Memory = std::map<std::string, FileBytes::Held>;

// Of all deflated members together; torch.save deflates none.
constexpr std::uint64_t most_inflated = std::uint64_t{1} << 30;

// The form before PyTorch 1.6 begins with pickles of a magic number, and of the version of the form.
constexpr std::string_view legacy_magic = "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"sv;
constexpr std::int64_t legacy_version = 1001;

[[noreturn]] void refuse(const std::string& name, std::uint64_t at, const std::string& why) {
    throw FormatError(name + ": byte " + std::to_string(at) + ": " + why);
}

pickle::Pickle parse(std::string_view bytes, std::uint64_t begin, const std::string& name, bool objects) {
    return pickle::parse(bytes, begin, name,
                         [=](std::string_view global) { return objects || detail::is_torch_global(global); });
}

FileBytes::Held hold(const FileBytes& file, std::string_view bytes, const TorchStorage& storage, bool reversed) {
    return file.hold(bytes, size_of(storage.dtype), reversed && size_of(storage.dtype) > 1);
}

// ---- the zipped form: members FOLDER/data.pkl, FOLDER/byteorder, FOLDER/data/KEY

class Archive {
public:
    Archive(const FileBytes& file, const std::string& name)
        : file_(file), name_(name), members_(zip_members(file.view(), name)) {
        std::uint64_t inflated = 0;
        for (const ZipMember& member : members_) {
            inflated += member.deflated ? member.size : 0;
            places_.emplace(member.name, &member);
        }
        if (inflated > most_inflated)
            throw FormatError(name + ": the deflated members hold more than " + std::to_string(most_inflated) +
                              " bytes");
        const auto found = std::ranges::find_if(members_, [](const ZipMember& member) {
            return member.name.ends_with("/data.pkl") && std::ranges::count(member.name, '/') == 1;
        });
        if (found == members_.end()) throw FormatError(name + ": the archive has no data.pkl, as torch.save writes");
        folder_ = found->name.substr(0, found->name.find('/') + 1);
        if (find("constants.pkl") != nullptr)
            throw FormatError(name +
                              ": this is a TorchScript archive, which is not supported; torch.save() of its "
                              "state_dict() is");
    }

    CheckpointValue value(const PytorchOptions& options, Where where) const {
        const std::string called = name_ + ": " + folder_ + "data.pkl";
        const std::string text = unzip_member(file_.view(), *find("data.pkl"), called);
        const pickle::Pickle pickle = parse(text, 0, called, options.objects);
        if (pickle.end != text.size()) refuse(called, pickle.end, "something follows the pickle");
        const Storages storages = detail::storages_of(pickle, called);
        const bool reversed = is_big_endian();
        Memory memory;
        for (const auto& [key, storage] : storages) {
            const ZipMember* const member = find("data/" + key);
            if (member == nullptr) refuse(called, storage.at, "the archive has no storage '" + key + "'");
            const std::string its_name = name_ + ": " + member->name;
            const std::uint64_t needed = static_cast<std::uint64_t>(storage.elements) * storage.element_size();
            if (member->size != needed)
                throw FormatError(its_name + ": the storage has " + std::to_string(member->size) + " bytes, its " +
                                  std::to_string(storage.elements) + " elements need " + std::to_string(needed));
            if (reversed && !storage.typed)
                throw FormatError(its_name + ": an untyped storage of another byte order is not supported");
            if (file_.is_mapped() && !member->deflated)
                memory.emplace(key,
                               hold(file_, file_.view().substr(member->offset, member->stored), storage, reversed));
            else
                memory.emplace(key, hold(FileBytes(std::string_view()), unzip_member(file_.view(), *member, its_name),
                                         storage, reversed));
        }
        return detail::value_of(pickle, storages, memory, called, options.objects, where);
    }

private:
    const ZipMember* find(const std::string& member) const {
        const auto found = places_.find(folder_ + member);
        return found == places_.end() ? nullptr : found->second;
    }
    bool is_big_endian() const {
        const ZipMember* const member = find("byteorder");
        if (member == nullptr) return false;
        const std::string called = name_ + ": " + member->name;
        const std::string order = unzip_member(file_.view(), *member, called);
        if (order != "little" && order != "big") throw FormatError(called + ": 'little' or 'big' is expected");
        return order == "big";
    }

    const FileBytes& file_;
    const std::string& name_;
    std::vector<ZipMember> members_;
    std::map<std::string, const ZipMember*> places_;
    std::string folder_;
};

// ---- the form before: pickles of the magic number, the version, the writer's machine, the value and the storages'
// keys; then, for each key, the number of its elements and those

CheckpointValue legacy_value(const FileBytes& file, const std::string& name, const PytorchOptions& options,
                             Where where) {
    const std::string_view bytes = file.view();
    const pickle::Pickle magic = parse(bytes, 0, name, false);
    if (magic[magic.result].text != legacy_magic) refuse(name, 0, "this is a pickle, but none of torch.save");
    const pickle::Pickle version = parse(bytes, magic.end, name, false);
    if (version[version.result].kind != pickle::Kind::integer || version[version.result].integer != legacy_version)
        refuse(name, magic.end, "the version of the form is not known");
    const pickle::Pickle machine = parse(bytes, version.end, name, false);
    bool big_endian = false;
    const std::vector<pickle::Ref>& facts = machine[machine.result].items;
    if (machine[machine.result].kind != pickle::Kind::dict)
        refuse(name, version.end, "what is said of the writer's machine is no dict");
    for (std::size_t i = 0; i + 1 < facts.size(); i += 2)
        if (machine[facts[i]].text == "little_endian") big_endian = machine[facts[i + 1]].integer == 0;

    const pickle::Pickle pickle = parse(bytes, machine.end, name, options.objects);
    const Storages storages = detail::storages_of(pickle, name);
    const pickle::Pickle keys = parse(bytes, pickle.end, name, false);
    if (keys[keys.result].kind != pickle::Kind::list) refuse(name, pickle.end, "the keys of the storages are no list");
    Memory memory;
    std::uint64_t at = keys.end;
    for (const pickle::Ref ref : keys[keys.result].items) {
        const auto found = storages.find(keys[ref].text);
        if (found == storages.end() || memory.contains(found->first))
            refuse(name, keys[ref].at, "the key of a storage is there twice, or names none");
        const TorchStorage& storage = found->second;
        std::uint64_t elements = 0;
        if (bytes.size() - at < sizeof elements) refuse(name, at, "the file ends within the storages");
        std::memcpy(&elements, bytes.data() + at, sizeof elements);
        if (elements != static_cast<std::uint64_t>(storage.elements))
            refuse(name, at,
                   "the storage '" + storage.key + "' has " + std::to_string(elements) + " elements, not " +
                       std::to_string(storage.elements));
        at += sizeof elements;
        const std::uint64_t size = elements * storage.element_size();
        if (size > bytes.size() - at) refuse(name, at, "the file ends within the storage '" + storage.key + "'");
        memory.emplace(storage.key, hold(file, bytes.substr(at, size), storage, big_endian));
        at += size;
    }
    for (const auto& [key, storage] : storages)
        if (!memory.contains(key)) refuse(name, storage.at, "the file has no storage '" + key + "'");
    if (at != bytes.size()) refuse(name, at, "something follows the storages");
    return detail::value_of(pickle, storages, memory, name, options.objects, where);
}

bool is_tar(std::string_view bytes) {
    constexpr std::size_t magic_at = 257;
    return bytes.size() > magic_at && bytes.substr(magic_at).starts_with("ustar");
}

}  // namespace

CheckpointValue detail::parse_pytorch(const FileBytes& file, const std::string& name, const PytorchOptions& options,
                                      Where where) {
    if (file.view().starts_with("PK")) return Archive(file, name).value(options, where);
    if (file.view().starts_with("\x80")) return legacy_value(file, name, options, where);
    if (is_tar(file.view()))
        throw FormatError(name + ": files of PyTorch in tar form, as before its version 0.1.10, are not supported");
    throw FormatError(name + ": this is no file of torch.save; it looks like " + kind_of_file(file.view()));
}

CheckpointValue parse_pytorch(std::string_view bytes, const std::string& name, PytorchOptions options,
                              Where where) try {
    return detail::parse_pytorch(FileBytes(bytes), name, options, where);
} catch (...) {
    detail::rethrow(detail::blame(where));
}

CheckpointValue read_pytorch(const std::string& path, PytorchOptions options, Where where) try {
    return FileBytes::with(path, options.map,
                           [&](const FileBytes& file) { return detail::parse_pytorch(file, path, options, where); });
} catch (...) {
    detail::rethrow(detail::blame(where));
}

}  // namespace lathe
