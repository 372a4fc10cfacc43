// Images from JPEG and PNG files.
#pragma once

#include <string>
#include <string_view>

#include "frontend/tensor/array.h"
#include "frontend/tensor/where.h"

namespace lathe {

struct ImageOptions {
    int channels = 3;  // red, green, blue; or 1: grey
};

// u8[height, width, channels], whatever the file's own depth and colours are; what is transparent is white. Throws
// FormatError naming `name` and what the decoder says where the bytes are no image, are damaged, or have more than 2^28
// pixels; UserError where there are other channels than 1 or 3.
Array parse_image(std::string_view bytes, const std::string& name, ImageOptions options = {},
                  Where where = Where::current());
Array read_image(const std::string& path, ImageOptions options = {}, Where where = Where::current());

}  // namespace lathe
