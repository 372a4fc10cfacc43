#include "frontend/images/image.h"

#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

#include "frontend/formats/read_file.h"
#include "frontend/images/decode_image.h"
#include "frontend/tensor/blame.h"
#include "ir/error.h"

namespace lathe {
namespace {

struct CloseFile {
    void operator()(std::FILE* file) const { std::fclose(file); }
};
struct Free {
    void operator()(void* memory) const { std::free(memory); }
};

Array decode(std::string_view bytes, const std::string& name, const ImageOptions& options) {
    if (options.channels != 1 && options.channels != 3)
        throw UserError(name + ": an image has 1 or 3 channels, not " + std::to_string(options.channels));
    if (bytes.empty()) throw FormatError(name + ": is neither JPEG nor PNG");
    const std::unique_ptr<std::FILE, CloseFile> file(fmemopen(const_cast<char*>(bytes.data()), bytes.size(), "rb"));
    if (!file) throw ResourceError(name + ": there is no memory to read it");
    DecodedImage image{};
    const char* const failed = decode_image(file.get(), options.channels, &image);
    const std::unique_ptr<std::uint8_t, Free> pixels(image.pixels);
    if (failed != nullptr) throw FormatError(name + ": " + failed);
    Array array{ir::Dtype::u8, {image.height, image.width, options.channels}, {}};
    try {
        const auto size = static_cast<std::size_t>(image.height * image.width * options.channels);
        const auto* const begin = reinterpret_cast<const std::byte*>(pixels.get());
        array.bytes.assign(begin, begin + size);
    } catch (const std::bad_alloc&) {
        throw ResourceError(name + ": there is no memory for its pixels");
    }
    return array;
}

}  // namespace

Array parse_image(std::string_view bytes, const std::string& name, ImageOptions options, Where where) try {
    return decode(bytes, name, options);
} catch (...) {
    detail::rethrow(detail::blame(where));
}

Array read_image(const std::string& path, ImageOptions options, Where where) try {
    return decode(read_file(path), path, options);
} catch (...) {
    detail::rethrow(detail::blame(where));
}

}  // namespace lathe
