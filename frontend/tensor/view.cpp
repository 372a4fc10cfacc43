#include "frontend/tensor/view.h"

namespace lathe::detail {
namespace {

// Below so many bytes a copy takes less time than finding out that none is needed.
constexpr std::int64_t least_shared = std::int64_t{32} << 10;

class PendingView final : public ir::ViewContext {
public:
    explicit PendingView(const Node& node) {
        operands = {&node.inputs()[0]->type, 1};
        result = &node.type;
        if (node.attributes) attributes = *node.attributes;
    }
    ir::Dim loaded_index(std::size_t, std::vector<ir::Dim>, ir::Dim) const override { return 0; }
};

// How far behind the first element of what is viewed the first one of the views lies, if all lie so far behind.
std::optional<std::int64_t> distance(const Node& node) {
    std::vector<ir::Dim> index;
    for (std::size_t i = 0; i < node.type.shape.rank(); ++i)
        index.push_back(node.type.shape[i] == ir::Dim(1) ? ir::Dim(0) : ir::Dim::symbol(static_cast<ir::Symbol>(i)));
    const ir::Dim position = ir::linear_offset(node.type.shape, index);
    const Node* at = &node;
    for (; !at->is_ready(); at = at->inputs()[0]) {
        const std::vector<ir::ViewPiece> pieces = at->op->view(PendingView(*at), index);
        if (pieces.size() != 1 || !pieces[0].guards.empty()) return std::nullopt;
        index = pieces[0].index;
    }
    const ir::Dim between = ir::linear_offset(at->type.shape, index) - position;
    return between.is_constant() ? std::optional(between.constant()) : std::nullopt;
}

// The memory behind the first `bytes`, which shares the whole.
runtime::Buffer part_of(const runtime::Buffer& whole, std::size_t bytes) {
    if (bytes == 0) return whole;
    auto holder = std::make_unique<runtime::Buffer>(whole);
    runtime::Buffer part = runtime::Buffer::adopt(
        whole.data() + bytes, whole.capacity() - bytes, [](void* held) { delete static_cast<runtime::Buffer*>(held); },
        holder.get());
    (void)holder.release();
    return part;
}

}  // namespace

const Node& viewed(const Node& node) {
    const Node* at = &node;
    while (!at->is_ready() && is_view(*at)) at = at->inputs()[0];
    return *at;
}

runtime::Buffer share_viewed(const Node& node) {
    const Node& memory = viewed(node);
    if (!memory.is_ready() || memory.kind == NodeKind::number || !memory.data) return {};
    if (node.type.shape.element_count().constant() * static_cast<std::int64_t>(size_of(node.type.dtype)) < least_shared)
        return {};
    const std::optional<std::int64_t> first = distance(node);
    if (!first) return {};
    return part_of(memory.data, static_cast<std::size_t>(*first) * size_of(node.type.dtype));
}

}  // namespace lathe::detail
