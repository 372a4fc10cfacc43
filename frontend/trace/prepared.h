// What a compiled function keeps from one call to the next: weights of captured variables as its kernels read them.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "codegen/compile.h"
#include "frontend/tensor/node.h"

namespace lathe::detail {

// How often a variable has got a value. Read before the value is: then a value that comes in between is taken for older
// than it is, never for newer. Other tensors have one value.
std::uint32_t version_of(const Node& captured);

// The arrays that an executable's preparation makes of captured tensors. Any number of threads may ask at once.
class Prepared {
public:
    struct Arrays {
        std::vector<std::uint32_t> versions;   // of the preparation's inputs
        std::vector<runtime::Buffer> buffers;  // by result of the preparation
    };
    // `versions` and `values` are those of the preparation's inputs. Computes them where a version is another than last
    // time: on this thread, also if another one does the same at this moment.
    std::shared_ptr<const Arrays> arrays(const codegen::Preparation& preparation,
                                         std::span<const std::uint32_t> versions, std::span<const NodeRef> values);

private:
    std::mutex mutex_;  // protects `last_`; held while a pointer is copied
    std::shared_ptr<const Arrays> last_;
};

}  // namespace lathe::detail
