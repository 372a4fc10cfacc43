// Groups while fusion grows them. A draft knows at which index it reads every value that it does not compute, so
// joining a node replaces the reads of its result by reads of its operands.
#pragma once

#include <map>
#include <set>
#include <span>
#include <tuple>
#include <vector>

#include "ir/program/group.h"
#include "ir/program/index_maps.h"
#include "ir/program/program.h"
#include "passes/fuse/fuse.h"

namespace lathe::passes {

using ir::broadcast_index;
using ir::fold_extents;
using ir::fold_kind;
using ir::fold_operand_index;
using ir::FoldKind;
using ir::Group;
using ir::is_free;
using ir::scalar_instructions;
using Index = std::vector<ir::Dim>;

constexpr int domain_level = -1;

struct Access {
    Index index;
    int level = domain_level;  // or the fold in whose loop the read happens
    friend bool operator==(const Access&, const Access&) = default;
};

struct ValueOrder {
    bool operator()(const ir::Value& a, const ir::Value& b) const {
        return std::tuple(a.node->id, a.index) < std::tuple(b.node->id, b.index);
    }
};

struct Draft {
    Group group;
    std::size_t cost = 0;                // scalar instructions of the members
    std::size_t views = 0;               // seen through
    std::size_t choices = 0;             // of those, between values
    std::size_t loads = 0;               // elements of `reads`
    std::size_t computed = 0;            // members, each as often as there are places where it is computed
    std::vector<Index> fold_identity;    // per fold: the index at which its loop reads operand 0
    std::vector<ir::Shape> fold_domain;  // per fold: extents of that read
    std::map<ir::Value, std::vector<Access>, ValueOrder> reads;

    bool has_contraction() const { return group.kind == FoldKind::contraction; }
    // About, once lowered.
    std::size_t statements() const { return computed + loads + 2 * choices + group.outputs.size(); }
    // Whether it reads its operands from memory, whole, as what accumulates into memory, runs regions or calls a
    // function of the library does: what it reads is no part of it.
    bool is_closed() const;
    // Whether it stores a value in another layout.
    bool relayouts() const;
};

class Drafts {
public:
    explicit Drafts(const ir::Graph& graph);

    const Draft& operator[](int g) const { return drafts_[static_cast<std::size_t>(g)]; }

    bool is_output(const ir::Node& node) const;  // of the graph
    bool needed(ir::Value v) const;              // by a group, or as an output
    std::vector<int> readers_of(const ir::Node& node) const;
    std::size_t statements(const ir::Node& node, int g) const;  // about, that it would add to the group
    // Whether some path leads from one group to another; yes when the search grows too long.
    bool reaches(int from, int to) const;

    // The first reduction along rows whose loop visits each element of the node once, where only reductions read it.
    // Over a single value there is none: its loop is one thread's.
    const ir::Node* storing_fold(const ir::Node& node, int g) const;

    // Where a group computes the point of its domain (or of its rows) that it is at.
    Index domain_index(std::size_t rank) const;

    void start(const ir::Node& node);  // a group of its own, which stores it
    void join(const ir::Node& node, int g, bool stored);
    void merge(int a, int b);  // moves everything of group b into group a

    // The groups, in an order that respects their dependencies. The drafts are empty afterwards.
    std::vector<Group> finish();

private:
    class Reads;

    Draft& at(int g) { return drafts_[static_cast<std::size_t>(g)]; }
    ir::Dim domain_symbol(std::size_t i) const;
    ir::Dim fold_symbol(std::size_t fold, std::size_t i) const;

    std::vector<int> order() const;
    std::vector<ir::Value> overwritten(const Draft& d) const;
    void find_seen_through(const ir::Graph& graph);
    void add_reader(const ir::Node& node, int g);
    void read(int g, ir::Value v, const Index& index, int level);
    void read_through(int g, const ir::Node& view, const Index& index, int level);
    void read_operands(int g, const ir::Node& node, const Index& at, int level);

    void add_member(const ir::Node& node, int g, std::span<const Access> accesses);
    void add_fold(const ir::Node& node, int g);
    void store(const ir::Node& node, int g, const ir::Node* fold = nullptr);

    ir::Symbol first_symbol_, next_loaded_;
    std::vector<Draft> drafts_;
    std::vector<std::vector<int>> readers_;   // by node: groups that read a result of it
    std::vector<bool> seen_through_;          // by node: read as index arithmetic
    std::vector<std::uint32_t> read_values_;  // by node: values that it reads, through views
    std::set<ir::Value, ValueOrder> stored_;  // the graph's outputs
};

}  // namespace lathe::passes
