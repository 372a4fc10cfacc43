#include "passes/remark.h"

namespace lathe::passes {

std::string Remark::to_string() const {
    return producer_loc.to_string() + ": " + pass + ": " + producer + " not fused into " + consumer + " (" +
           consumer_loc.to_string() + "): " + reason;
}

}  // namespace lathe::passes
