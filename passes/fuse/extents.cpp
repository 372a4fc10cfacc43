#include "passes/fuse/extents.h"

#include <algorithm>
#include <array>
#include <set>

#include "ir/matching_dims.h"
#include "ir/ops/op.h"
#include "ir/program/index_maps.h"

namespace lathe::passes {

using ir::Dim;
using ir::Node;
using ir::Value;

namespace {

constexpr std::array offsets{ir::AttributeMeaning::starts, ir::AttributeMeaning::strides,
                             ir::AttributeMeaning::padding};
bool is_offset(const ir::AttributeDef& def) { return std::ranges::find(offsets, def.meaning) != offsets.end(); }
bool has_offsets(const Node& node) { return std::ranges::any_of(node.op->attributes, is_offset); }

// Stands for an index of the result's dimension.
Dim position_symbol(const Node& node, std::size_t dim) {
    return Dim::symbol(static_cast<ir::Symbol>(node.graph->symbols.size() + dim));
}
// What a view reads for them; nothing of other nodes.
std::vector<ir::ViewPiece> pieces_of(const Node& node) {
    if (node.op->lowering != ir::Lowering::view || node.op->view == nullptr) return {};
    std::vector<Dim> at;
    for (std::size_t k = 0; k < node.results[0].shape.rank(); ++k) at.push_back(position_symbol(node, k));
    return node.op->view(ir::NodeView(node), at);
}

}  // namespace

ExtentClasses::ExtentClasses(const ir::Group& group) {
    // Members, and what they read through views.
    std::vector<const Node*> stack(group.members.begin(), group.members.end());
    for (const Value& v : group.outputs) stack.push_back(v.node);
    std::ranges::reverse(stack);
    std::set<std::pair<const Node*, std::uint32_t>> loaded;  // as they are: what they are views of does not matter
    for (const Value& v : group.inputs) loaded.emplace(v.node, v.index);
    std::vector<const Node*> expanded;
    while (!stack.empty()) {
        const Node* node = stack.back();
        stack.pop_back();
        const bool inside = std::ranges::find(group.members, node) != group.members.end() ||
                            (ir::is_free(*node) && !loaded.contains({node, 0}));
        const bool seen = first_.contains(node);
        for (std::uint32_t r = 0; r < node->results.size(); ++r) add_value(Value{node, r});
        if (!inside || seen) continue;
        expanded.push_back(node);
        for (std::size_t i = node->operands.size(); i-- > 0;) stack.push_back(node->operands[i].node);
    }
    for (const Node* node : expanded) unify_node(*node);
    for (const Node* node : expanded) find_products(*node);

    symbol_.assign(parent_.size(), -1);
    for (std::size_t p = 0; p < parent_.size(); ++p) {
        const std::size_t r = root(p);
        if (dims_[p] == Dim(1) || factors_.contains(r)) continue;
        if (symbol_[r] < 0) {
            symbol_[r] = static_cast<std::int64_t>(extents_.size());
            extents_.push_back(dims_[p]);
        }
        Dim& extent = extents_[static_cast<std::size_t>(symbol_[r])];
        if (!extent.is_constant() && dims_[p].is_constant()) extent = dims_[p];
    }
    for (const Node* node : nodes_)
        if (has_offsets(*node)) ++windows_[{node->operands[0].node, node->operands[0].index}];
    for (const Node* node : nodes_) attributes_[node] = map_attributes(*node);
}

void ExtentClasses::add_value(Value v) {
    if (v.index != 0 || first_.contains(v.node)) return;
    first_[v.node] = parent_.size();
    nodes_.push_back(v.node);
    for (const ir::Type& type : v.node->results)
        for (Dim d : type.shape) {
            parent_.push_back(parent_.size());
            dims_.push_back(d);
        }
}

std::size_t ExtentClasses::position(Value v, std::size_t dim) {
    std::size_t p = first_.at(v.node);
    for (std::uint32_t r = 0; r < v.index; ++r) p += v.node->results[r].shape.rank();
    return p + dim;
}

std::size_t ExtentClasses::root(std::size_t p) const {
    while (parent_[p] != p) p = parent_[p];
    return p;
}

void ExtentClasses::unify(Value a, std::size_t i, Value b, std::size_t j) {
    if (a.type().shape[i] == Dim(1) || b.type().shape[j] == Dim(1)) return;
    const std::size_t x = root(position(a, i));
    const std::size_t y = root(position(b, j));
    parent_[std::max(x, y)] = std::min(x, y);
}

void ExtentClasses::unify_node(const Node& node) {
    const ir::Shape& shape = node.results[0].shape;
    for (std::uint32_t r = 1; r < node.results.size(); ++r)
        for (std::size_t i = 0; i < std::min(shape.rank(), node.results[r].shape.rank()); ++i)
            if (shape[i] == node.results[r].shape[i]) unify({&node, 0}, i, {&node, r}, i);
    if (node.op->lowering == ir::Lowering::elementwise || node.op->lowering == ir::Lowering::relayout) {
        for (Value v : node.operands)
            for (std::size_t i = 0; i < v.type().shape.rank(); ++i)
                unify({&node, 0}, shape.rank() - v.type().shape.rank() + i, v, i);
        return;
    }
    if (ir::fold_kind(node) != ir::FoldKind::none) {
        // Loops of the fold: the result's dimensions, then the folded ones, each found by marking the loops with
        // symbols.
        std::vector<Dim> at;
        std::vector<Dim> fold;
        for (std::size_t i = 0; i < shape.rank(); ++i) at.push_back(Dim::symbol(static_cast<ir::Symbol>(i)));
        for (std::size_t i = 0; i < ir::fold_extents(node).size(); ++i)
            fold.push_back(Dim::symbol(static_cast<ir::Symbol>(shape.rank() + i)));
        std::vector<std::pair<Value, std::size_t>> first(fold.size());
        for (std::size_t o = 0; o < node.operands.size(); ++o) {
            const std::vector<Dim> index = ir::fold_operand_index(node, o, at, fold);
            for (std::size_t i = 0; i < index.size(); ++i) {
                const std::size_t loop = *index[i].as_symbol();
                if (loop < shape.rank()) {
                    unify({&node, 0}, loop, node.operands[o], i);
                } else if (auto& [value, dim] = first[loop - shape.rank()]; value) {
                    unify(value, dim, node.operands[o], i);
                } else {
                    value = node.operands[o];
                    dim = i;
                }
            }
        }
        return;
    }
    // Views, scatters and sources: a dimension of an operand goes with that of the result whose index is its own; each
    // of the others with that of the result that equals it and has its place, else with the first unclaimed one that
    // equals it, for the index arithmetic of views relies on such equalities.
    const std::vector<ir::ViewPiece> pieces = pieces_of(node);
    for (std::size_t o = 0; o < node.operands.size(); ++o) {
        const Value v = node.operands[o];
        const ir::Shape& own = v.type().shape;
        std::vector<bool> claimed(shape.rank(), false), found(own.rank(), false);
        const auto claim = [&](std::size_t i, std::size_t k) {
            unify(v, i, {&node, 0}, k);
            claimed[k] = found[i] = true;
        };
        for (const ir::ViewPiece& piece : pieces)
            for (std::size_t i = 0; piece.operand == o && i < own.rank(); ++i)
                for (std::size_t k = 0; k < shape.rank(); ++k)
                    if (own[i] == shape[k] && piece.index[i] == position_symbol(node, k)) claim(i, k);
        const auto has_its_place = [&](std::size_t i) { return i < shape.rank() && own[i] == shape[i] && !claimed[i]; };
        for (std::size_t i = 0; i < own.rank(); ++i)
            if (!found[i] && has_its_place(i)) claim(i, i);
        for (std::size_t i = 0; i < own.rank(); ++i) {
            if (found[i]) continue;
            for (std::size_t k = 0; k < shape.rank(); ++k)
                if (!claimed[k] && own[i] == shape[k]) {
                    claim(i, k);
                    break;
                }
        }
    }
}

// Of a view that only has other dimensions: one that is several of its operand, or the other way round.
void ExtentClasses::find_products(const Node& node) {
    if (node.op->lowering != ir::Lowering::view || node.operands.size() != 1) return;
    const Value x = node.operands[0], y{&node, 0};
    const ir::Shape &from = x.type().shape, &to = y.type().shape;
    if (from.rank() == to.rank() || from.element_count() != to.element_count()) return;
    const auto wide = [&](Value v, std::size_t begin, std::size_t end) {
        std::vector<std::size_t> positions;
        for (std::size_t i = begin; i < end; ++i)
            if (v.type().shape[i] != Dim(1)) positions.push_back(position(v, i));
        return positions;
    };
    for (const ir::MatchingDims& g : ir::matching_dims(from, to)) {
        std::vector<std::size_t> one = wide(x, g.from_begin, g.from_end), several = wide(y, g.to_begin, g.to_end);
        if (one.size() != 1) std::swap(one, several);
        if (one.size() != 1 || several.size() < 2) continue;
        // Expressions over products of long sums would be too large.
        constexpr std::size_t most_terms = 4;
        std::size_t terms = 1;
        for (const std::size_t p : several) terms *= std::max<std::size_t>(1, dims_[p].terms().size());
        if (terms > most_terms) continue;
        const std::size_t product = root(one[0]);
        const bool is_circular =
            std::ranges::any_of(several, [&](std::size_t p) { return depends_on(root(p), product); });
        if (!is_circular) factors_.try_emplace(product, std::move(several));
    }
}

bool ExtentClasses::depends_on(std::size_t product, std::size_t factor) const {
    if (product == factor) return true;
    const auto found = factors_.find(product);
    return found != factors_.end() &&
           std::ranges::any_of(found->second, [&](std::size_t p) { return depends_on(root(p), factor); });
}

Dim ExtentClasses::extent_at(std::size_t p) const {
    const std::size_t r = root(p);
    if (const auto found = factors_.find(r); found != factors_.end()) {
        Dim product = 1;
        for (const std::size_t factor : found->second) product *= extent_at(factor);
        return product;
    }
    return symbol_[r] < 0 ? Dim(1) : Dim::symbol(static_cast<ir::Symbol>(symbol_[r]));
}

ir::Type ExtentClasses::type_of(Value v) const {
    ir::Type type = v.type();
    std::size_t p = first_.at(v.node);
    for (std::uint32_t r = 0; r < v.index; ++r) p += v.node->results[r].shape.rank();
    for (std::size_t i = 0; i < type.shape.rank(); ++i) type.shape[i] = extent_at(p + i);
    return type;
}

ir::Attributes ExtentClasses::map_attributes(const Node& node) {
    ir::Attributes out = node.attributes;
    const auto add = [this](Dim dim) {
        extents_.push_back(dim);
        return Dim::symbol(static_cast<ir::Symbol>(extents_.size() - 1));
    };
    const auto extent_of = [&](Dim dim) {
        const auto place = std::ranges::find(extents_, dim) - extents_.begin();
        return static_cast<std::size_t>(place) == extents_.size() ? add(dim)
                                                                  : Dim::symbol(static_cast<ir::Symbol>(place));
    };
    // Extents are never negative. What may be, as padding that removes elements, is an expression of some.
    const auto may_be_negative = [this](Dim dim) {
        const auto low = dim.bounds([](ir::Symbol) { return Dim::Bounds{0, std::nullopt}; }).low;
        return (!low || *low < 0) && std::ranges::find(extents_, dim) == extents_.end();
    };
    ir::map_dims(out, [&](Dim dim) {
        if (dim.is_constant()) return dim;
        if (!may_be_negative(dim)) return extent_of(dim);
        return dim.substitute([&](ir::Symbol s) { return extent_of(Dim::symbol(s)); });
    });
    // Each offset and stride is an extent of its own, whatever else has its value, so that kernels differ by structure
    // alone. But where many views of one value meet, as the elements of a window that is written out, their distances
    // are structure: they decide what neighbouring windows share.
    constexpr std::size_t many = 4;
    constexpr std::int64_t near = 16;
    if (!has_offsets(node)) return out;
    const std::int64_t most = windows_.at({node.operands[0].node, node.operands[0].index}) >= many ? near : 1;
    for (const ir::AttributeDef& def : node.op->attributes)
        if (is_offset(def))
            ir::for_each_dim_of(out[def.slot], [&](Dim& d) {
                if (d.is_constant() && d.constant() > most) d = add(d);
            });
    return out;
}

}  // namespace lathe::passes
