// The order of groups. Each comes as late as those that need it allow, so that little memory is in use at a time; what
// comes last in the graph is asked for first: a training step updates its last layers while it still goes back to the
// first. An output that may take over the memory of a parameter waits for the other readers of that parameter.
#include <algorithm>
#include <unordered_map>

#include "ir/ops/op.h"
#include "passes/fuse/drafts.h"

namespace lathe::passes {

using ir::Node;
using ir::Value;

// Parameters that the group reads and whose memory an output of the graph that it writes might take over.
std::vector<Value> Drafts::overwritten(const Draft& d) const {
    std::vector<Value> out;
    for (const auto& [value, accesses] : d.reads)
        if (value.node->op->lowering == ir::Lowering::source &&
            std::ranges::any_of(d.group.outputs,
                                [&](const Value& out) { return out.type() == value.type() && stored_.contains(out); }))
            out.push_back(value);
    return out;
}

std::vector<int> Drafts::order() const {
    const std::size_t n = drafts_.size();
    struct Place {
        std::vector<int> before;  // what should come before it, then what it needs
        std::size_t wishes = 0;   // of the former
        std::size_t next = 0;     // of both, to be looked at
        bool needed = false, open = false, done = false;
    };
    std::vector<Place> places(n);
    std::unordered_map<std::uint64_t, int> writer;
    const auto key = [](Value v) { return (static_cast<std::uint64_t>(v.node->id) << 8) | v.index; };
    const auto place_of = [&](int g) -> Place& { return places[static_cast<std::size_t>(g)]; };
    const auto needs = [&](int g, int from) {
        place_of(g).before.push_back(from);
        place_of(from).needed = true;
    };
    const auto count = static_cast<int>(n);
    for (int g = 0; g < count; ++g)
        for (const Value& out : (*this)[g].group.outputs)
            if (out.node->op->lowering != ir::Lowering::source) writer[key(out)] = g;
    for (int g = 0; g < count; ++g)
        for (const auto& [value, accesses] : (*this)[g].reads)
            if (const auto w = writer.find(key(value)); w != writer.end()) needs(g, w->second);
    for (int g = 0; g < count; ++g) {
        Place& place = place_of(g);
        if (place.needed) continue;  // or those readers might wait for this group
        std::vector<int> readers;
        for (Value v : overwritten((*this)[g]))
            for (int reader : readers_[v.node->id])
                if (reader != g) readers.push_back(reader);
        place.wishes = readers.size();
        place.before.insert(place.before.begin(), readers.begin(), readers.end());
    }

    std::vector<int> order, stack;
    for (int last = 0; last < count; ++last) {
        if (place_of(last).needed || place_of(last).open) continue;
        stack.push_back(last);
        while (!stack.empty()) {
            Place& place = place_of(stack.back());
            place.open = true;
            if (place.next < place.before.size()) {
                const bool wish = place.next < place.wishes;
                const int g = place.before[place.next++];
                if (place_of(g).open && !place_of(g).done && !wish)
                    throw InternalError("fuse: the groups depend on each other in a cycle");
                if (!place_of(g).open) stack.push_back(g);
                continue;
            }
            place.done = true;
            order.push_back(stack.back());
            stack.pop_back();
        }
    }
    if (order.size() != n) throw InternalError("fuse: the groups depend on each other in a cycle");
    return order;
}

std::vector<Group> Drafts::finish() {
    std::vector<Group> groups;
    for (int g : order()) {
        Draft& d = at(g);
        if (d.group.outputs.empty()) continue;  // merged into another
        for (const auto& [value, accesses] : d.reads) d.group.inputs.push_back(value);
        std::ranges::sort(d.group.members, {}, &Node::id);
        std::ranges::sort(d.group.folds, {}, &Node::id);
        const auto duplicates = std::ranges::unique(d.group.members);
        d.group.members.erase(duplicates.begin(), duplicates.end());
        groups.push_back(std::move(d.group));
    }
    drafts_.clear();
    return groups;
}

}  // namespace lathe::passes
