// Files as memory. Whoever maps a file vouches for it: where it is cut short or written to meanwhile, the system ends
// the process or its bytes change.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace lathe {

// The bytes of a file while the object lives. Throws FormatError naming the path where it cannot be mapped.
class MappedFile {
public:
    explicit MappedFile(const std::string& path);
    ~MappedFile();
    MappedFile(const MappedFile&) = delete;
    MappedFile& operator=(const MappedFile&) = delete;

    std::string_view bytes() const { return {static_cast<const char*>(data_), size_}; }

private:
    void* data_ = nullptr;  // null: an empty file
    std::size_t size_ = 0;
};

}  // namespace lathe
