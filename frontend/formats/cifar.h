// The binary files of CIFAR-10 and CIFAR-100. (Krizhevsky, "Learning multiple layers of features from tiny images",
// 2009; www.cs.toronto.edu/~kriz/cifar.html.)
#pragma once

#include <string>
#include <string_view>

#include "frontend/tensor/array.h"
#include "frontend/tensor/where.h"

namespace lathe {

struct CifarImages {
    Array images;         // u8[n, 3, 32, 32]: red, green, blue
    Array labels;         // u8[n]: below 10; of CIFAR-100 the fine ones, below 100
    Array coarse_labels;  // of CIFAR-100: u8[n], below 20; otherwise u8[0]
};

// A file may hold any number of images. Throws FormatError naming `name` and the byte where it ends within one, or a
// label is none.
CifarImages parse_cifar10(std::string_view bytes, const std::string& name, Where where = Where::current());
CifarImages parse_cifar100(std::string_view bytes, const std::string& name, Where where = Where::current());

// A gzip-compressed file is unpacked.
CifarImages read_cifar10(const std::string& path, Where where = Where::current());
CifarImages read_cifar100(const std::string& path, Where where = Where::current());

}  // namespace lathe
