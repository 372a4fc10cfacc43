#include "frontend/checkpoint/file_bytes.h"

#include <cstring>

#include "frontend/formats/mapped_file.h"
#include "frontend/formats/read_file.h"
#include "frontend/tensor/run_plan.h"
#include "runtime/convert.h"

namespace lathe::detail {

FileBytes FileBytes::mapped(const std::string& path) {
    const auto file = std::make_shared<MappedFile>(path);
    return {file->bytes(), file};
}

std::string FileBytes::contents(const std::string& path) { return read_file(path); }

Tensor FileBytes::tensor(Dtype dtype, const std::vector<std::int64_t>& shape, std::string_view bytes,
                         Where where) const {
    if (owner_) return Tensor::borrow_as(dtype, bytes.data(), shape, {}, owner_, where);
    return Tensor::from_bytes(dtype, shape, std::as_bytes(std::span(bytes)), where);
}

FileBytes::Held FileBytes::hold(std::string_view bytes, std::size_t element_size, bool reversed) const {
    if (owner_ && !reversed) return {reinterpret_cast<const std::byte*>(bytes.data()), owner_};
    const auto buffer = std::make_shared<runtime::Buffer>(allocate_tensor(bytes.size()));
    if (!bytes.empty()) std::memcpy(buffer->data(), bytes.data(), bytes.size());
    if (reversed) runtime::swap_bytes(buffer->data(), bytes.size() / element_size, element_size);
    return {buffer->data(), buffer};
}

}  // namespace lathe::detail
