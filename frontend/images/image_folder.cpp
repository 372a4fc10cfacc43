#include "frontend/images/image_folder.h"

#include <algorithm>
#include <filesystem>

#include "frontend/tensor/blame.h"
#include "ir/ascii.h"
#include "ir/error.h"
#include "ir/float_environment.h"

namespace lathe {
namespace {

namespace fs = std::filesystem;

bool is_image(const fs::path& path) {
    std::string suffix = path.extension().string();
    std::ranges::transform(suffix, suffix.begin(), ir::to_upper);
    return suffix == ".JPG" || suffix == ".JPEG" || suffix == ".PNG";
}

// Names in a folder for which a question is answered yes, sorted.
template <class Wanted>
std::vector<std::string> names_in(const fs::path& folder, const Wanted& wanted) {
    std::vector<std::string> names;
    std::error_code error;
    for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
        const std::string name = at->path().filename().string();
        if (!name.starts_with('.') && wanted(*at)) names.push_back(name);
    }
    if (error) throw FormatError(folder.string() + ": " + error.message());
    std::ranges::sort(names);
    return names;
}

}  // namespace

ImageFolder list_image_folder(const std::string& path, Where where) try {
    const ir::FloatEnvironment floats;  // paths of libstdc++ compute with floats
    std::error_code ignored;
    ImageFolder folder;
    folder.classes = names_in(path, [&](const fs::directory_entry& entry) { return entry.is_directory(ignored); });
    if (folder.classes.empty()) throw FormatError(path + ": has no folder of a class of images");
    for (std::size_t label = 0; label < folder.classes.size(); ++label) {
        const fs::path below = fs::path(path) / folder.classes[label];
        for (const std::string& name : names_in(below, [&](const fs::directory_entry& entry) {
                 return is_image(entry.path()) && entry.is_regular_file(ignored);
             }))
            folder.images.push_back({(below / name).string(), static_cast<std::int64_t>(label)});
    }
    return folder;
} catch (...) {
    detail::rethrow(detail::blame(where));
}

}  // namespace lathe
