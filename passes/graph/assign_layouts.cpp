// A contraction vectorizes over the last dimension of its result, which is one of its second operand: that has to be
// the operand's innermost in memory. And each element of its operands is read many times: where an element is chosen
// among several places (a concatenation, padding), the choice is made once, and the operand stored; likewise a
// concatenation of which other nodes read each element at many places, as windows that are written out do. A second
// operand that is the same in most runs is stored in panels, as the contraction's tiles read it: if it depends on
// constants alone, that costs nothing per run, else only when a steady input has changed.
#include "passes/graph/assign_layouts.h"

#include <algorithm>
#include <map>
#include <optional>
#include <ranges>
#include <tuple>

#include "ir/functions/basic.h"
#include "ir/ops/memory.h"
#include "ir/ops/op.h"
#include "ir/ops/views.h"
#include "ir/program/group.h"
#include "ir/program/index_maps.h"
#include "ir/program/layout.h"
#include "passes/graph/rebuild.h"

namespace lathe::passes {
namespace {

using ir::Dim;
using ir::Node;
using ir::Value;

// What an operand is read from, through views that choose nothing.
struct Read {
    Value base;
    std::vector<Dim> index;
    bool chooses = false;  // among several places, further down
};

constexpr int most_views = 32;  // fusion sees through no more

// By node: whether its value is stored where it is made, though it is a view.
using Stored = std::vector<bool>;

Read see_through(Value v, std::vector<Dim> index, const Stored& stored) {
    Read read{v, std::move(index), false};
    for (int i = 0; i < most_views && read.base.node->op->lowering == ir::Lowering::view &&
                    ir::is_free(*read.base.node) && !stored[read.base.node->id];
         ++i) {
        const Node& view = *read.base.node;
        std::vector<ir::ViewPiece> pieces = view.op->view(ir::NodeView(view), read.index);
        if (pieces.size() != 1 || !pieces[0].guards.empty()) {
            read.chooses = true;
            break;
        }
        read.base = view.operands[pieces[0].operand];
        read.index = std::move(pieces[0].index);
    }
    return read;
}

// Whether a contraction's kernel transposes its second operand by itself, while it packs it. What is constant, or the
// same in all iterations of a loop, is stored otherwise once instead; so is what several contractions read.
bool is_packed_transposed(const Node& node, const Read& read, const std::vector<Dim>& index, const std::vector<Dim>& at,
                          const std::vector<Dim>& fold, const Stored& stored) {
    if (node.graph->is_region || at.size() < 2 || fold.size() != 1 || ir::literal_of(*read.base.node) != nullptr)
        return false;
    if (std::ranges::find(index, at[at.size() - 2]) != index.end()) return false;  // no rows that share it
    const auto along = ir::linear_offset(read.base.type().shape, read.index).affine_in(*fold[0].as_symbol());
    if (!along || along->coefficient != Dim(1)) return false;
    // Each iteration of a loop around the rows packs anew, unless it is one of the second operand as well, or the rows
    // lie so that both become one loop.
    const Read first = see_through(node.operands[0], ir::fold_operand_index(node, 0, at, fold), stored);
    const Dim offset = ir::linear_offset(first.base.type().shape, first.index);
    for (std::size_t i = 0; i + 2 < at.size(); ++i) {
        if (std::ranges::find(index, at[i]) != index.end()) continue;
        const auto outer = offset.affine_in(*at[i].as_symbol()), inner = offset.affine_in(*at[i + 1].as_symbol());
        if (first.chooses || !outer || !inner ||
            outer->coefficient != inner->coefficient * node.results[0].shape[i + 1])
            return false;
    }
    const Value v = node.operands[1];
    return std::ranges::count_if(node.graph->nodes(), [&](const Node& other) {
               return other.op->contraction != nullptr && std::ranges::find(other.operands, v) != other.operands.end();
           }) == 1;
}

// By node: what is the same in most runs.
std::vector<bool> steady_nodes(const ir::Graph& graph) {
    std::vector<bool> out(graph.nodes().size(), false);
    for (std::size_t i = 0; i < graph.parameters().size(); ++i)
        out[graph.parameters()[i].node->id] = graph.is_steady(i);
    for (const Node& node : graph.nodes())
        out[node.id] = node.op->lowering == ir::Lowering::source
                           ? out[node.id] || ir::literal_of(node) != nullptr
                           : !node.operands.empty() && !ir::has_symbols(node.attributes) &&
                                 std::ranges::all_of(node.operands, [&](Value v) { return out[v.node->id]; });
    return out;
}

// The attributes of a relayout.
struct Wanted {
    ir::Integers permutation, blocks;
    auto operator<=>(const Wanted&) const = default;
};

// The panels that the tiles of a contraction read its second operand from: [outer dimensions][N / 16][K][16]. Nothing
// where that is not the matrix of a product, or where each of its elements is read once.
std::optional<Wanted> panels(const Node& node, const std::vector<Dim>& index, const std::vector<Dim>& at,
                             const std::vector<Dim>& fold) {
    if (at.size() < 2 || std::ranges::find(index, at[at.size() - 2]) != index.end()) return std::nullopt;
    if (index.size() + 1 > ir::max_rank) return std::nullopt;  // blocks are a dimension of their own
    Wanted wanted;
    const auto place = [&](Dim d) {
        const auto found = std::ranges::find(index, d);
        if (found != index.end()) wanted.permutation.push_back(found - index.begin());
    };
    std::ranges::for_each(at, place);
    const bool has_columns =
        !wanted.permutation.empty() && index[static_cast<std::size_t>(wanted.permutation.back())] == at.back();
    std::ranges::for_each(fold, place);
    if (!has_columns || wanted.permutation.size() != index.size()) return std::nullopt;
    wanted.blocks.assign(index.size(), 1);
    const ir::Dtype accumulator = node.op->reducer.accumulator(node.operands[1].type().dtype);
    wanted.blocks[static_cast<std::size_t>(std::ranges::find(index, at.back()) - index.begin())] =
        ir::panel_columns(accumulator);
    return wanted;
}

// Tiles read rows of the first operand along k. Where those lie side by side instead, each group of columns would copy
// them anew: if there are many columns, they are stored transposed, once.
constexpr std::int64_t many_columns = 512;
std::optional<Wanted> transposed_rows(const Node& node, const Read& read, const std::vector<Dim>& index,
                                      const std::vector<Dim>& at, const std::vector<Dim>& fold) {
    const ir::Shape& result = node.results[0].shape;
    if (at.size() < 2 || fold.size() != 1 || !result[at.size() - 1].is_constant() ||
        result[at.size() - 1].constant() < many_columns)
        return std::nullopt;
    const Dim row = at[at.size() - 2];
    const auto along_rows = ir::linear_offset(read.base.type().shape, read.index).affine_in(*row.as_symbol());
    if (!along_rows || along_rows->coefficient != Dim(1)) return std::nullopt;
    const auto found = std::ranges::find(index, fold[0]);
    if (found == index.end() || std::ranges::find(index, row) == index.end()) return std::nullopt;
    Wanted wanted;
    for (std::size_t i = 0; i < index.size(); ++i)
        if (index[i] != fold[0]) wanted.permutation.push_back(static_cast<std::int64_t>(i));
    wanted.permutation.push_back(found - index.begin());
    wanted.blocks.assign(index.size(), 1);
    return wanted;
}

// Whether the elements lie along the contracted loop in another order, as of a transposed image that was flattened: to
// find them takes quotients. Windows do so too, but they are more than there is in memory.
bool is_scattered(const Value& v, const Read& read, const std::vector<Dim>& fold) {
    if (fold.size() != 1 || v.type().shape.element_count() != read.base.type().shape.element_count()) return false;
    return !ir::linear_offset(read.base.type().shape, read.index).affine_in(*fold[0].as_symbol());
}

// The loops of a contraction, by symbols behind those of the graph, and where an operand is read in them.
struct OperandLoops {
    std::vector<Dim> at, fold, index;

    OperandLoops(const Node& node, std::size_t operand) {
        const auto first = static_cast<ir::Symbol>(node.graph->symbols.size());
        const std::size_t rank = node.results[0].shape.rank();
        for (std::size_t i = 0; i < rank; ++i) at.push_back(Dim::symbol(first + static_cast<ir::Symbol>(i)));
        for (std::size_t i = 0; i < ir::fold_extents(node).size(); ++i)
            fold.push_back(Dim::symbol(first + static_cast<ir::Symbol>(rank + i)));
        index = ir::fold_operand_index(node, operand, at, fold);
    }

    // Each element is read once for each point of the result's dimensions that are none of the operand's.
    bool read_again() const {
        return std::ranges::any_of(at, [&](Dim d) { return std::ranges::find(index, d) == index.end(); });
    }
};

bool vectors_lie_side_by_side(const Read& read, const OperandLoops& loops) {
    const auto affine = ir::linear_offset(read.base.type().shape, read.index).affine_in(*loops.at.back().as_symbol());
    return affine && affine->coefficient == Dim(1);
}

// What chooses the elements of an operand among several places, if to store that is as good as to store the operand:
// it is no larger, and others may read it, too.
const Node* chooser_to_store(const Node& node, std::size_t operand, const Stored& stored) {
    const Value v = node.operands[operand];
    const OperandLoops loops(node, operand);
    const Read read = see_through(v, loops.index, stored);
    if (!read.chooses || !loops.read_again()) return nullptr;
    if (operand == 1 && (loops.at.empty() || !vectors_lie_side_by_side(read, loops))) return nullptr;
    const Dim all = v.type().shape.element_count(), own = read.base.type().shape.element_count();
    return floordiv(all, own) * own == all ? read.base.node : nullptr;
}

// The relayout in front of an operand, or nothing where the operand may stay as it is.
std::optional<Wanted> wanted_layout(const Node& node, std::size_t operand, const std::vector<bool>& steady,
                                    const Stored& stored) {
    const std::size_t rank = node.results[0].shape.rank();
    const Value v = node.operands[operand];
    if (v.node->op->lowering == ir::Lowering::relayout) return std::nullopt;
    const OperandLoops loops(node, operand);
    const auto& [at, fold, index] = loops;
    const Read read = see_through(v, index, stored);
    const bool is_kept =
        node.graph->is_region || v.type().shape.is_constant();  // else it would be laid out in each run
    if (operand == 1 && steady[v.node->id] && is_kept && !ir::is_free(*read.base.node))
        if (std::optional<Wanted> wanted = panels(node, index, at, fold)) return wanted;

    ir::Integers order(index.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::int64_t>(i);
    // The dimension that vectorizes. Where there is none, as in a matrix times a vector, the contracted loop does.
    const auto vector = operand == 1 && rank > 0 ? std::ranges::find(index, at[rank - 1]) : index.end();
    const bool has_vector = vector != index.end();
    if (has_vector)
        std::ranges::rotate(order.begin() + (vector - index.begin()), order.begin() + (vector - index.begin()) + 1,
                            order.end());
    Wanted reordered{order, ir::Integers(order.size(), 1)};
    if (read.chooses || (operand == 0 && is_scattered(v, read, fold)))
        return loops.read_again() ? std::optional(reordered) : std::nullopt;
    if (operand == 0) return transposed_rows(node, read, index, at, fold);
    if (!has_vector) return std::nullopt;
    if (vectors_lie_side_by_side(read, loops)) return std::nullopt;
    if (is_packed_transposed(node, read, index, at, fold, stored)) return std::nullopt;
    return reordered;
}

// What leaves a graph, enters a region, or is read by a function of the library is dense.
Value dense(Value v) {
    while (v.node->op->lowering == ir::Lowering::relayout) v = v.node->operands[0];
    return v;
}
bool is_dense(Value v) { return dense(v) == v; }
bool wants_dense_operands(const Node& node) {
    return node.op->lowering == ir::Lowering::control || node.op->lowering == ir::Lowering::opaque;
}

std::vector<Value> add_with_dense_operands(ir::Graph& graph, const Node& node, const ValueMap& values) {
    std::vector<Value> operands;
    for (const Value& v : node.operands) operands.push_back(dense(mapped(values, v)));
    return results_of(graph.add(*node.op, operands, node.attributes, node.loc));
}

Wanted as_it_is(const Value& v) {
    const std::size_t rank = v.type().shape.rank();
    return {ir::functions::all_axes(rank), ir::Integers(rank, 1)};
}
bool is_row_major(const Wanted& wanted) {
    return std::ranges::is_sorted(wanted.permutation) &&
           std::ranges::all_of(wanted.blocks, [](std::int64_t n) { return n == 1; });
}
// What a value is a reshape of.
Value reshaped(Value v) {
    while (keeps_positions(*v.node)) v = v.node->operands[0];
    return v;
}

// Of a view, the operands that its elements are chosen from; what padding is filled with is none.
bool is_source(const Value& operand) { return operand.type().shape.rank() > 0; }
bool is_concatenation(const Node& node) {
    return node.op->lowering == ir::Lowering::view && std::ranges::count_if(node.operands, is_source) > 1;
}

// By node: whether it is a concatenation that is read at many places, through views that are none.
Stored concatenations_to_store(const ir::Graph& graph) {
    constexpr std::size_t many_places = 4;
    std::vector<std::size_t> through_views(graph.nodes().size(), 0);
    std::vector<bool> at_once(graph.nodes().size(), false);  // read at one place
    Stored out(graph.nodes().size(), false);
    for (const Node& node : std::views::reverse(graph.nodes())) {
        const std::size_t places = through_views[node.id] + (at_once[node.id] ? 1 : 0);
        const bool joins = is_concatenation(node);
        out[node.id] = joins && places >= many_places;
        for (const Value& v : node.operands) {
            if (node.op->lowering != ir::Lowering::view || joins)
                at_once[v.node->id] = true;
            else if (is_source(v))
                through_views[v.node->id] += places;
        }
    }
    return out;
}

class Layouts {
public:
    Layouts(const std::vector<bool>& steady, const Stored& stored) : steady_(steady), stored_(stored) {}

    std::vector<Value> add(ir::Graph& graph, const Node& node, const ValueMap& values) {
        if (wants_dense_operands(node)) return add_with_dense_operands(graph, node, values);
        if (stored_[node.id]) {
            const Value view = add_copy(graph, node, values).front();
            return {stored(graph, view, as_it_is(view), node.loc)};
        }
        if (node.op->contraction == nullptr) return add_copy(graph, node, values);
        std::vector<Value> operands;
        for (std::size_t i = 0; i < node.operands.size(); ++i) {
            const auto wanted = wanted_layout(node, i, steady_, stored_);
            operands.push_back(wanted ? relaid(graph, node.operands[i], *wanted, values, node.loc)
                                      : mapped(values, node.operands[i]));
        }
        return results_of(graph.add(*node.op, operands, node.attributes, node.loc));
    }

private:
    static Value stored(ir::Graph& graph, const Value& v, const Wanted& wanted, ir::Loc loc) {
        return {&graph.add(ir::ops::relayout, std::span(&v, 1), {wanted.permutation, wanted.blocks}, loc), 0};
    }

    // What several read in the same layout is stored once. What is stored dimension by dimension needs no quotients,
    // which a reshape of it would.
    Value relaid(ir::Graph& graph, const Value& old, const Wanted& wanted, const ValueMap& values, ir::Loc loc) {
        if (const Value whole = reshaped(old); whole != old && is_row_major(wanted)) {
            const Value dense = relaid(graph, whole, as_it_is(whole), values, loc);
            return {&graph.add(ir::ops::reshape, std::span(&dense, 1), {old.type().shape}, loc), 0};
        }
        const Value v = mapped(values, old);
        const auto [found, fresh] = known_.try_emplace({v.node->id, v.index, wanted});
        if (fresh) found->second = stored(graph, v, wanted, loc);
        return found->second;
    }

    const std::vector<bool>& steady_;
    const Stored& stored_;
    std::map<std::tuple<std::uint32_t, std::uint32_t, Wanted>, Value> known_;
};

bool wants_a_layout(const Node& node, const std::vector<bool>& steady, const Stored& stored) {
    if (node.op->contraction == nullptr) return false;
    for (std::size_t i = 0; i < node.operands.size(); ++i)
        if (wanted_layout(node, i, steady, stored)) return true;
    return false;
}

}  // namespace

std::unique_ptr<ir::Graph> assign_layouts(const ir::Graph& graph) {
    const std::vector<bool> steady = steady_nodes(graph);
    Stored stored = concatenations_to_store(graph);
    for (const Node& node : graph.nodes())
        if (node.op->contraction != nullptr)
            for (std::size_t i = 0; i < node.operands.size(); ++i)
                if (const Node* const chooser = chooser_to_store(node, i, stored)) stored[chooser->id] = true;
    const auto stays = [&](const Node& node) {
        return !stored[node.id] && !wants_a_layout(node, steady, stored) &&
               (!wants_dense_operands(node) || std::ranges::all_of(node.operands, is_dense));
    };
    if (std::ranges::all_of(graph.nodes(), stays) && std::ranges::all_of(graph.outputs(), is_dense)) return nullptr;
    Layouts layouts(steady, stored);
    ValueMap values;
    std::unique_ptr<ir::Graph> result = rebuild(
        graph, [&](ir::Graph& into, const Node& node, const ValueMap& known) { return layouts.add(into, node, known); },
        values);
    for (std::size_t i = 0; i < graph.outputs().size(); ++i)
        result->add_output(graph.output_name(i), dense(mapped(values, graph.outputs()[i])));
    return result;
}

}  // namespace lathe::passes
