// The bytes of a checkpoint's file, and how its tensors come to theirs: read files are copied from, mapped ones are
// borrowed from.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "frontend/tensor/tensor.h"

namespace lathe::detail {

class FileBytes {
public:
    // Bytes that may go once all tensors are made.
    explicit FileBytes(std::string_view bytes) : bytes_(bytes) {}
    // Bytes that live as long as their owner.
    FileBytes(std::string_view bytes, std::shared_ptr<const void> owner) : bytes_(bytes), owner_(std::move(owner)) {}

    // Calls `read` with the bytes of a file: mapped where that is asked for, and read otherwise.
    template <class Read>
    static auto with(const std::string& path, bool map, const Read& read) {
        if (map) return read(mapped(path));
        const std::string bytes = contents(path);
        return read(FileBytes(bytes));
    }

    std::string_view view() const { return bytes_; }
    bool is_mapped() const { return owner_ != nullptr; }

    // A dense tensor of the bytes, which are as many as its type takes.
    Tensor tensor(Dtype dtype, const std::vector<std::int64_t>& shape, std::string_view bytes, Where where) const;

    // Memory with the bytes of elements of some size, and what holds it; each element's bytes are reversed where that
    // is asked for.
    struct Held {
        const std::byte* data = nullptr;
        std::shared_ptr<const void> owner;
    };
    Held hold(std::string_view bytes, std::size_t element_size, bool reversed) const;

private:
    static FileBytes mapped(const std::string& path);
    static std::string contents(const std::string& path);
    std::string_view bytes_;
    std::shared_ptr<const void> owner_;
};

}  // namespace lathe::detail
