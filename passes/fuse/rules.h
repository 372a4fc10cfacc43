// When a node may become part of a group, and two groups one.
#pragma once

#include <optional>

#include "passes/fuse/drafts.h"

namespace lathe::passes {

bool is_fold(const ir::Node& node);
// Computed element by element: elementwise, a view, an index.
bool is_pointwise(const ir::Node& node);

// Whether a kernel can hold the node, too.
bool has_room(const ir::Node& node, const Drafts& drafts, int g, const FuseOptions& options);

struct Refusal {
    std::string reason;
};
// `stored`: others need the node's results, too, so the group would have to store them.
std::optional<Refusal> may_join(const ir::Node& node, const Drafts& drafts, int g, bool stored,
                                const FuseOptions& options);

// Groups that read the same value and run over the same rows become one, which reads it once. Of a group that may do
// so, the rows.
std::optional<std::vector<std::uint64_t>> rows_to_share(const Draft& d);
bool may_merge(const Drafts& drafts, int a, int b, const FuseOptions& options);

}  // namespace lathe::passes
