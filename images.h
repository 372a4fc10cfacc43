// Images from files: #include <lathe/images.h>, and link with lathe::images, which needs libjpeg and libpng.
#pragma once

#include "frontend/images/image.h"
#include "frontend/images/image_folder.h"
