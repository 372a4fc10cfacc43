// Which dimensions of a fused group are the same extent, by the structure of its ops alone, and which are products of
// others.
#pragma once

#include <map>
#include <unordered_map>
#include <utility>
#include <vector>

#include "ir/program/group.h"

namespace lathe::passes {

// Numbers the extents of a group. Constant extents of 1 have no number, nor have products of others: where a reshape
// joins or splits dimensions, index arithmetic takes positions apart by that.
class ExtentClasses {
public:
    explicit ExtentClasses(const ir::Group& group);

    // The type of a value of the group with every dimension replaced by the symbol of its extent (or 1).
    ir::Type type_of(ir::Value v) const;
    // The extents by symbol, over the graph's symbols.
    const std::vector<ir::Dim>& extents() const { return extents_; }
    // Attributes of a node of the group, with Dims that are no constants replaced by extents likewise, and so what
    // offsets of views are, but for small ones. Other constants stay: what a view does depends on them.
    const ir::Attributes& attributes_of(const ir::Node& node) const { return attributes_.at(&node); }

private:
    ir::Attributes map_attributes(const ir::Node& node);
    std::size_t position(ir::Value v, std::size_t dim);
    void add_value(ir::Value v);
    void unify_node(const ir::Node& node);
    void unify(ir::Value a, std::size_t i, ir::Value b, std::size_t j);
    std::size_t root(std::size_t p) const;
    void find_products(const ir::Node& node);
    bool depends_on(std::size_t product, std::size_t factor) const;
    ir::Dim extent_at(std::size_t p) const;  // by symbols

    std::unordered_map<const ir::Node*, std::size_t> first_;  // position of result 0's first dimension
    std::vector<const ir::Node*> nodes_;
    std::vector<std::size_t> parent_;
    std::vector<ir::Dim> dims_;         // by position
    std::vector<std::int64_t> symbol_;  // by root position; -1: an extent of 1, or a product
    std::unordered_map<std::size_t, std::vector<std::size_t>> factors_;  // of products: by root, positions
    std::map<std::pair<const ir::Node*, std::uint32_t>, std::size_t>
        windows_;  // by value: how many views with offsets a value has
    std::vector<ir::Dim> extents_;
    std::unordered_map<const ir::Node*, ir::Attributes> attributes_;
};

}  // namespace lathe::passes
