#include "frontend/formats/cifar.h"

#include <cstring>
#include <new>
#include <span>

#include "frontend/formats/read_file.h"
#include "frontend/tensor/blame.h"
#include "ir/error.h"

namespace lathe {
namespace {

constexpr std::int64_t channels = 3, side = 32;
constexpr std::size_t image_size = channels * side * side;

// The labels in front of each image: what each counts, and where it goes.
struct LabelField {
    unsigned classes;
    Array CifarImages::* to;
};
constexpr LabelField cifar10_labels[] = {{10, &CifarImages::labels}};
constexpr LabelField cifar100_labels[] = {{20, &CifarImages::coarse_labels}, {100, &CifarImages::labels}};

CifarImages parse(std::string_view bytes, const std::string& name, std::span<const LabelField> labels) {
    const auto fail = [&](std::size_t at, const std::string& what) {
        throw FormatError(name + ": byte " + std::to_string(at) + ": " + what);
    };
    const std::size_t record = labels.size() + image_size, count = bytes.size() / record;
    if (bytes.size() % record != 0)
        fail(bytes.size(), "the file ends within an image; each takes " + std::to_string(record) + " bytes");
    const auto n = static_cast<std::int64_t>(count);
    CifarImages out{{ir::Dtype::u8, {n, channels, side, side}, {}}, {ir::Dtype::u8, {0}, {}}, {ir::Dtype::u8, {0}, {}}};
    try {
        out.images.bytes.resize(count * image_size);
        for (const LabelField& field : labels) {
            Array& to = out.*field.to;
            to.shape = {n};
            to.bytes.resize(count);
        }
    } catch (const std::bad_alloc&) {
        throw ResourceError(name + ": there is no memory for its images");
    }
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t at = i * record;
        for (std::size_t j = 0; j < labels.size(); ++j) {
            const auto label = static_cast<unsigned char>(bytes[at + j]);
            if (label >= labels[j].classes)
                fail(at + j, "the label " + std::to_string(label) + " is none of " + std::to_string(labels[j].classes));
            (out.*labels[j].to).bytes[i] = static_cast<std::byte>(label);
        }
        std::memcpy(out.images.bytes.data() + i * image_size, bytes.data() + at + labels.size(), image_size);
    }
    return out;
}

}  // namespace

CifarImages parse_cifar10(std::string_view bytes, const std::string& name, Where where) try {
    return parse(bytes, name, cifar10_labels);
} catch (...) {
    detail::rethrow(detail::blame(where));
}

CifarImages parse_cifar100(std::string_view bytes, const std::string& name, Where where) try {
    return parse(bytes, name, cifar100_labels);
} catch (...) {
    detail::rethrow(detail::blame(where));
}

CifarImages read_cifar10(const std::string& path, Where where) try {
    return parse(read_unzipped(path), path, cifar10_labels);
} catch (...) {
    detail::rethrow(detail::blame(where));
}

CifarImages read_cifar100(const std::string& path, Where where) try {
    return parse(read_unzipped(path), path, cifar100_labels);
} catch (...) {
    detail::rethrow(detail::blame(where));
}

}  // namespace lathe
