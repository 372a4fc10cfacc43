// Folders of images, with a folder in it for each class.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "frontend/tensor/where.h"

namespace lathe {

struct ImageFolder {
    struct Image {
        std::string path;
        std::int64_t label = 0;  // an index of `classes`
    };
    std::vector<std::string> classes;  // names of the folders, sorted
    std::vector<Image> images;         // by class, then by name
};

// The images below a folder, none of them read: files called .jpg, .jpeg or .png, in letters of either case. Names that
// begin with a point are passed over. Throws FormatError naming the path where it cannot be read, or holds no folder.
ImageFolder list_image_folder(const std::string& path, Where where = Where::current());

}  // namespace lathe
