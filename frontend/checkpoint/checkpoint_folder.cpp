#include "frontend/checkpoint/checkpoint_folder.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <zlib.h>

#include <fmt/format.h>

#include "frontend/tensor/blame.h"
#include "ir/error.h"
#include "ir/float_environment.h"

namespace lathe {
namespace {

constexpr std::string_view own_prefix = "lathe.", checksum_key = "lathe.checksum";
constexpr std::string_view file_prefix = "step-", file_suffix = ".safetensors";

// Of names, types and bytes, in an order of their own, and of the texts: whatever a file holds is in it.
std::string checksum_of(std::vector<NamedTensor> tensors, const std::map<std::string, std::string>& metadata) {
    std::ranges::sort(tensors, {}, &NamedTensor::first);
    uLong sum = crc32_z(0, nullptr, 0);
    const auto add = [&](const void* data, std::size_t size) {
        const std::uint64_t length = size;
        sum = crc32_z(sum, reinterpret_cast<const Bytef*>(&length), sizeof length);
        sum = crc32_z(sum, static_cast<const Bytef*>(data), size);
    };
    const auto add_text = [&](const std::string& text) { add(text.data(), text.size()); };
    for (const auto& [key, text] : metadata) {
        if (key == checksum_key) continue;
        add_text(key);
        add_text(text);
    }
    for (const auto& [name, tensor] : tensors) {
        add_text(name);
        add_text(tensor.type().to_string());
        const std::span<const std::byte> bytes = tensor.bytes();
        add(bytes.data(), bytes.size());
    }
    return fmt::format("{:08x}", sum);
}

}  // namespace

CheckpointFolder::CheckpointFolder(std::string path, CheckpointFolderOptions options, Where where) try
    : path_(std::move(path)), options_(options) {
    const ir::FloatEnvironment floats;
    if (options_.keep == 0) throw UserError(path_ + ": a folder of checkpoints keeps at least one");
    std::error_code error;
    std::filesystem::create_directories(path_, error);
    if (error) throw ResourceError(path_ + ": " + error.message());
} catch (...) {
    detail::rethrow(detail::blame(where));
}

std::string CheckpointFolder::path_of(std::int64_t step) const {
    return fmt::format("{}/{}{:010}{}", path_, file_prefix, step, file_suffix);
}

std::vector<std::int64_t> CheckpointFolder::steps(Where where) const try {
    const ir::FloatEnvironment floats;
    std::vector<std::int64_t> steps;
    std::error_code error;
    for (std::filesystem::directory_iterator at(path_, error), end; !error && at != end; at.increment(error)) {
        const std::string name = at->path().filename().string();
        std::int64_t step = 0;
        std::from_chars(name.data() + std::min(file_prefix.size(), name.size()), name.data() + name.size(), step);
        if (path_of(step) == path_ + "/" + name) steps.push_back(step);
    }
    if (error) throw ResourceError(path_ + ": " + error.message());
    std::ranges::sort(steps);
    return steps;
} catch (...) {
    detail::rethrow(detail::blame(where));
}

void CheckpointFolder::save(std::int64_t step, const std::vector<NamedTensor>& tensors,
                            const std::map<std::string, std::string>& metadata, Where where) const try {
    if (step < 0) throw UserError(path_ + ": the step " + std::to_string(step) + " is negative");
    for (const auto& [key, text] : metadata)
        if (key.starts_with(own_prefix)) throw UserError(path_ + ": the key '" + key + "' is the folder's own");
    // Values of one moment: variables may be set meanwhile.
    std::vector<NamedTensor> values;
    std::vector<Tensor> all;
    for (const auto& [name, tensor] : tensors) {
        if (tensor.is_empty()) throw TypeError(path_ + ": the tensor '" + name + "' is empty");
        all.push_back(detail::value_of(tensor));
        values.emplace_back(name, all.back());
    }
    eval(all, where);
    std::map<std::string, std::string> texts = metadata;
    texts.emplace(checksum_key, checksum_of(values, metadata));
    save_checkpoint(path_of(step), values, texts, where);

    const ir::FloatEnvironment floats;
    std::vector<std::int64_t> older = steps(where);
    std::erase_if(older, [&](std::int64_t other) { return other >= step; });
    for (std::size_t i = 0; i + options_.keep - 1 < older.size(); ++i) {
        std::error_code error;
        std::filesystem::remove(path_of(older[i]), error);
        if (error) throw ResourceError(path_of(older[i]) + ": " + error.message());
    }
} catch (...) {
    detail::rethrow(detail::blame(where));
}

std::optional<CheckpointFolder::Saved> CheckpointFolder::latest(Where where) const try {
    Saved saved;
    std::vector<std::int64_t> all = steps(where);
    for (std::size_t i = all.size(); i > 0; --i) {
        const std::string path = path_of(all[i - 1]);
        try {
            saved.step = all[i - 1];
            Safetensors read = read_safetensors(path, {}, where);
            const auto expected = read.metadata.find(std::string(checksum_key));
            if (expected == read.metadata.end()) throw FormatError(path + ": has no checksum of a folder's");
            if (expected->second != checksum_of(read.tensors, read.metadata))
                throw FormatError(path + ": the checksum does not match: the file is damaged");
            read.metadata.erase(expected);
            saved.checkpoint = detail::checkpoint_of(read.tensors, std::move(read.metadata), where);
            return saved;
        } catch (const FormatError& e) {
            saved.skipped.push_back(e.message());
        }
    }
    if (saved.skipped.empty()) return std::nullopt;
    std::string reasons;
    for (const std::string& reason : saved.skipped) reasons += "\n  " + reason;
    throw FormatError(path_ + ": all checkpoints are damaged:" + reasons);
} catch (...) {
    detail::rethrow(detail::blame(where));
}

}  // namespace lathe
