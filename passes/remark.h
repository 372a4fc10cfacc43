// What a pass decided and why, for people and for tools: "not fused because ..." names both places in the user's code.
#pragma once

#include <string>
#include <vector>

#include "ir/loc.h"

namespace lathe::passes {

struct Remark {
    std::string pass;                // "fuse"
    std::string reason;              // one clause, lower case
    std::string producer, consumer;  // ops
    ir::Loc producer_loc, consumer_loc;

    std::string to_string() const;  // "a.cpp:3: fuse: dot_general not fused into softmax (a.cpp:5): reason"
};

using Remarks = std::vector<Remark>;

}  // namespace lathe::passes
