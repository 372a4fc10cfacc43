#include "frontend/checkpoint/checkpoint.h"

#include <algorithm>

#include "frontend/checkpoint/parsers.h"
#include "frontend/formats/file_kind.h"
#include "frontend/formats/npz.h"
#include "frontend/formats/zip.h"
#include "frontend/model/model.h"
#include "frontend/tensor/blame.h"
#include "ir/error.h"
#include "ir/graph/graph.h"

namespace lathe {
namespace {

using detail::FileBytes;

Checkpoint of_npz(std::string_view bytes, const std::string& path, Where where) {
    std::vector<NamedTensor> tensors;
    for (const auto& [name, array] : parse_npz(bytes, path, where))
        tensors.emplace_back(name, Tensor::from(array, where));
    return detail::checkpoint_of(tensors, {}, where);
}

Checkpoint of_model(std::string_view bytes, const std::string& path, Where where) {
    const Model model = Model::parse(bytes, path, where);
    std::vector<NamedTensor> tensors;
    for (std::size_t i = 0; const Array& weight : model.weights())
        tensors.emplace_back(model.graph().parameter_name(model.input_count() + i++), Tensor::from(weight, where));
    return detail::checkpoint_of(tensors, {}, where);
}

bool is_npz(std::string_view bytes, const std::string& path) {
    if (!bytes.starts_with("PK")) return false;
    const std::vector<ZipMember> members = zip_members(bytes, path);
    return std::ranges::all_of(members, [](const ZipMember& member) { return member.name.ends_with(".npy"); });
}

Checkpoint load(const FileBytes& file, const std::string& path, const CheckpointOptions& options, Where where) {
    const std::string_view bytes = file.view();
    if (is_npz(bytes, path)) return of_npz(bytes, path, where);
    if (is_pytorch(bytes)) return {detail::parse_pytorch(file, path, {.objects = options.objects}, where), {}};
    if (is_lathe(bytes)) return of_model(bytes, path, where);
    if (is_safetensors(bytes)) {
        Safetensors read = detail::parse_safetensors(file, path, where);
        return detail::checkpoint_of(read.tensors, std::move(read.metadata), where);
    }
    throw FormatError(path + ": looks like " + kind_of_file(bytes) +
                      "; a checkpoint is a file of safetensors, torch.save, .npz or .lathe");
}

}  // namespace

Checkpoint detail::checkpoint_of(const std::vector<NamedTensor>& tensors, std::map<std::string, std::string> metadata,
                                 Where where) {
    CheckpointValue::Dict entries;
    entries.reserve(tensors.size());
    for (const auto& [name, tensor] : tensors) entries.emplace_back(name, CheckpointValue(tensor));
    return {CheckpointValue(std::move(entries), "", where), std::move(metadata)};
}

Checkpoint load_checkpoint(const std::string& path, CheckpointOptions options, Where where) try {
    return FileBytes::with(path, options.map, [&](const FileBytes& file) { return load(file, path, options, where); });
} catch (...) {
    detail::rethrow(detail::blame(where));
}

void save_checkpoint(const std::string& path, const std::vector<NamedTensor>& tensors,
                     const std::map<std::string, std::string>& metadata, Where where) try {
    if (!path.ends_with(".npz")) {
        write_safetensors(path, tensors, metadata, where);
        return;
    }
    if (!metadata.empty()) throw UserError(path + ": .npz files hold no texts; safetensors files do");
    std::map<std::string, Array> arrays;
    for (const auto& [name, tensor] : tensors)
        if (!arrays.emplace(name, tensor.to_array(where)).second)
            throw UserError("two tensors are called '" + name + "'");
    write_npz(path, arrays, {}, where);
} catch (...) {
    detail::rethrow(detail::blame(where));
}

}  // namespace lathe
