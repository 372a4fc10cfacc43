// A value is computed where it is first needed, at the index at which it is needed, in the outermost loop that knows
// that index; asking again for the same element gives the same scalar. Everything else follows: producers end up inside
// the loops of their consumers, what does not change in a loop outside of it, and a reduction's result once per row.
#include "passes/fuse/lower.h"

#include <algorithm>
#include <map>
#include <span>

#include "ir/loops/order.h"
#include "ir/ops/forward.h"
#include "ir/program/index_maps.h"
#include "passes/fuse/extents.h"
#include "passes/fuse/lower_call.h"
#include "passes/fuse/lower_scopes.h"
#include "passes/fuse/stacks.h"

namespace lathe::passes {
namespace {

using ir::BufferId;
using ir::Dim;
using ir::Dtype;
using ir::fold_extents;
using ir::FoldKind;
using ir::FoldOutput;
using ir::Group;
using ir::Layout;
using ir::Node;
using ir::Symbol;
using ir::SymbolRole;
using ir::Type;
using ir::Value;
using ir::ValueId;

using Index = std::vector<Dim>;

class Lowerer {
public:
    explicit Lowerer(const ir::Program::Fused& fused)
        : fused_(fused), group_(fused.group), classes_(fused.group), scopes_(nest()) {
        for (std::size_t i = 0; i < classes_.extents().size(); ++i)
            nest().add_symbol(SymbolRole::extent, "n" + std::to_string(i));
        out_.extents = classes_.extents();
    }

    ir::Program::Kernel run() {
        nest().name = group_name();
        for (const Value& v : group_.inputs) add_argument(v, ir::BufferRole::input);
        for (const Value& v : group_.outputs) add_argument(v, ir::BufferRole::output);
        out_.arguments = fused_.inputs;
        out_.arguments.insert(out_.arguments.end(), fused_.outputs.begin(), fused_.outputs.end());
        if (!group_.members.empty() && group_.members[0]->op->lowering == ir::Lowering::scatter) {
            scatter(*group_.members[0]);
        } else {
            domain();
        }
        nest().body = scopes_.close();
        return std::move(out_);
    }

private:
    ir::LoopNest& nest() { return out_.nest; }

    std::string group_name() const {
        std::string name;
        std::size_t shown = 0;
        for (const Node* n : group_.members) {
            if (shown == 4) {
                name += "_etc";
                break;
            }
            if (!name.empty()) name += "_";
            name += n->op->name;
            ++shown;
        }
        return name.empty() ? "copy" : name;
    }

    void add_argument(Value v, ir::BufferRole role) {
        const Type type = classes_.type_of(v);
        auto& buffers = role == ir::BufferRole::input ? inputs_ : outputs_;
        const std::size_t number = inputs_.size() + outputs_.size();
        buffers[{v.node->id, v.index}] =
            nest().add_buffer({(role == ir::BufferRole::input ? "in" : "out") + std::to_string(number),
                               role,
                               {type.dtype, ir::layout_of(v).memory_shape(type.shape)}});
    }

    using Buffers = std::map<std::pair<std::uint32_t, std::uint32_t>, BufferId>;
    static BufferId find(const Buffers& buffers, Value v) {
        const auto found = buffers.find({v.node->id, v.index});
        return found == buffers.end() ? -1 : found->second;
    }

    // ---- loops over the domain

    // Loops that are open, one inside the other, and the index that they stand for. Extents of 1 need no loop.
    struct Walk {
        Index at;
        std::vector<Dim> open;  // extents
    };
    // Dimensions [from, to) of a shape, in the order in which memory is written.
    void enter(Walk& walk, const ir::Shape& shape, std::size_t from, std::size_t to, const char* name,
               const Layout& layout = {}) {
        walk.at.resize(to, Dim(0));
        for (std::size_t i = from; i < to; ++i) {
            const std::size_t dim = layout.value_dim(i);
            if (shape[dim] == Dim(1)) continue;
            const Symbol s = nest().add_symbol(SymbolRole::loop, name + std::to_string(dim));
            scopes_.open(s);
            walk.at[dim] = Dim::symbol(s);
            walk.open.push_back(shape[dim]);
        }
    }
    void leave(Walk& walk, std::size_t depth) {
        for (; walk.open.size() > depth; walk.open.pop_back()) {
            const Symbol s = scopes_.variable();
            ir::Statements body = scopes_.close();
            scopes_.append({ir::Loop{s, walk.open.back(), 1, ir::LoopKind::serial, 1, std::move(body)}});
        }
    }

    void domain() {
        const ir::Shape shape = domain_shape();
        // Loops run as the result lies in memory; those of a product as its tiles want them.
        const Layout layout =
            group_.kind == ir::FoldKind::contraction ? Layout() : ir::layout_of(group_.outputs.front());
        if (!layout.blocks.empty()) return blocks(layout);
        const std::size_t outer = group_.outer_rank;
        choose_fold_stores();
        Walk walk;
        enter(walk, shape, 0, outer, "i", layout);
        for (const Node* fold : group_.folds) {
            element({fold, 0}, walk.at, {});
            for (const FoldStore& store : fold_stores_)
                if (store.fold == fold && store.read_back)
                    in_memory_.push_back({store.value, store.buffer, rows_of(*fold, walk.at)});
        }
        std::vector<Value> rows, points;
        for (const Value& v : group_.outputs)
            if (!group_.is_fold_output(v))
                (v.type().shape.rank() == outer && outer != shape.rank() ? rows : points).push_back(v);
        store(rows, walk.at);
        if (!points.empty()) {
            enter(walk, shape, outer, shape.rank(), "i", layout);
            store(points, walk.at);
        }
        leave(walk, 0);
    }

    // A value that is stored in blocks: over all of the memory. Zeros are read beyond the last element.
    void blocks(const Layout& layout) {
        const Value v = group_.outputs.front();
        const ir::Shape shape = classes_.type_of(v).shape, memory = layout.memory_shape(shape);
        Walk walk;
        enter(walk, memory, 0, memory.rank(), "m");
        const Index at = layout.value_index(walk.at);
        Index guards;
        for (std::size_t d = 0; d < at.size(); ++d)
            if (layout.block(d) > 1) guards.push_back(shape[d] - 1 - at[d]);
        const ValueId id = element(v, at, guards);
        scopes_.append({ir::Store{find(outputs_, v), walk.at, id, {}, false}});
        leave(walk, 0);
    }

    ir::Shape domain_shape() const {
        for (const Value& v : group_.outputs)
            if (v.type().shape.rank() == group_.domain.rank() && !group_.is_fold_output(v))
                return classes_.type_of(v).shape;
        throw InternalError("lower: a group without an output of its domain");
    }

    // Everything is read before anything is written: an output may have taken over the memory of an input.
    void store(const std::vector<Value>& outputs, const Index& at) {
        std::vector<ValueId> values;
        for (const Value& v : outputs) values.push_back(element(v, at, {}));
        for (std::size_t i = 0; i < outputs.size(); ++i)
            scopes_.append({ir::Store{
                find(outputs_, outputs[i]), ir::layout_of(outputs[i]).memory_index(at), values[i], {}, false}});
    }

    // ---- elements

    bool is_member(const Node& node) const { return std::ranges::find(group_.members, &node) != group_.members.end(); }

    // Statements for an element go to the outermost scope that knows its index, whatever is open.
    ValueId element(Value v, const Index& index, const Index& guards) {
        const Element wanted(v, index, guards);
        if (const auto found = scopes_.find(wanted)) return *found;
        const std::size_t scope = scopes_.scope_of(index, guards);
        const Scopes::Target here(scopes_, scope);
        const ValueId id = compute(v, index, guards);
        scopes_.remember(wanted, id);
        return id;
    }

    // ---- what the loop of a fold stores: outputs, and a value that the rest of the row needs again, as softmax does
    // its exponentials. That goes to the memory of a result of the row, which is overwritten last.

    struct FoldStore {
        Value value;
        const Node* fold = nullptr;
        BufferId buffer = -1;
        bool read_back = false;  // by what follows, instead of computing it again
    };
    // What a fold of this row has stored of a value: only the elements of the row. A fold over other axes may need
    // those of all rows, although it has as many rows.
    struct InMemory {
        Value value;
        BufferId buffer = -1;
        std::vector<std::optional<Dim>> rows;  // by dimension of the value: its index there; none: all are stored

        bool has(const Index& index) const {
            for (std::size_t d = 0; d < rows.size(); ++d)
                if (rows[d] && *rows[d] != index[d]) return false;
            return true;
        }
    };
    static std::vector<std::optional<Dim>> rows_of(const Node& fold, const Index& at) {
        const ir::Integers axes = fold.op->axes(ir::operand_types(fold), fold.attributes);
        std::vector<std::optional<Dim>> rows;
        std::size_t kept = 0;
        for (std::size_t d = 0; d < fold.operands[0].type().shape.rank(); ++d)
            if (std::ranges::find(axes, static_cast<std::int64_t>(d)) != axes.end())
                rows.emplace_back();
            else
                rows.emplace_back(at[kept++]);
        return rows;
    }
    static constexpr std::size_t worth_keeping = 12;  // scalar instructions: less is computed in the time of a load

    void choose_fold_stores() {
        for (const FoldOutput& out : group_.fold_outputs)
            fold_stores_.push_back({out.value, out.fold, find(outputs_, out.value),
                                    ir::scalar_instructions(*out.value.node) >= worth_keeping});
        if (group_.kind != FoldKind::row || group_.outer_rank == group_.domain.rank()) return;
        for (const Node* fold : group_.folds) {
            const Value v = fold->operands[0];
            if (!is_member(*v.node) || v.node->op->lowering != ir::Lowering::elementwise ||
                v.node->results.size() != 1 || !(v.type().shape == group_.domain) || fold_extents(*fold).size() != 1)
                continue;
            if (ir::scalar_instructions(*v.node) < worth_keeping) continue;
            const bool needed_again = std::ranges::any_of(group_.members, [&](const Node* m) {
                return ir::fold_kind(*m) == FoldKind::none && std::ranges::find(m->operands, v) != m->operands.end();
            });
            for (const Value& out : group_.outputs)
                if (needed_again && out != v && ir::layout_of(out).is_dense() && out.type() == v.type() &&
                    !group_.is_fold_output(out)) {
                    fold_stores_.push_back({v, fold, find(outputs_, out), true});
                    return;
                }
        }
    }

    ValueId compute(Value v, const Index& index, const Index& guards) {
        const Node& node = *v.node;
        if (guards.empty())
            for (const InMemory& kept : in_memory_)
                if (v == kept.value && kept.has(index)) return load(kept.buffer, v, index, {});
        const BufferId stored = find(inputs_, v);
        if (stored >= 0 || !(is_member(node) || ir::is_free(node))) return load(stored, v, index, guards);
        switch (node.op->lowering) {
            case ir::Lowering::source:
                return splat(*literal_of(node));
            case ir::Lowering::view:
                return view(node, index, guards);
            case ir::Lowering::index:
            case ir::Lowering::elementwise:
                return scalar(v, index, guards);
            case ir::Lowering::relayout:
                return element(node.operands[0], index, guards);
            case ir::Lowering::reduction:
            case ir::Lowering::contraction:
                return fold(node, index);
            default:
                throw InternalError("lower: " + std::string(node.op->name) + " inside a group", node.loc);
        }
    }

    ValueId load(BufferId buffer, Value v, const Index& index, const Index& guards) {
        if (buffer < 0)
            throw InternalError("lower: " + std::string(v.node->op->name) + " is not an input", v.node->loc);
        const ValueId id = nest().add_value(v.type().dtype);
        scopes_.emit({ir::Load{id, buffer, ir::layout_of(v).memory_index(index), guards}});
        return id;
    }

    ValueId splat(const ir::Literal& literal) {
        std::uint64_t bits = 0;
        for (std::size_t i = literal.bytes->size(); i-- > 0;)
            bits = (bits << 8) | std::to_integer<std::uint64_t>((*literal.bytes)[i]);
        return scopes_.constant(literal.type.dtype, bits);
    }

    ValueId scalar(Value v, const Index& index, const Index& guards) {
        const Node& node = *v.node;
        std::vector<ValueId> operands;
        if (node.op->lowering == ir::Lowering::index) {
            const ValueId id = nest().add_value(Dtype::i64);
            const ir::Integers axis = node.op->axes({}, node.attributes);
            scopes_.emit({ir::IndexValue{id, index[static_cast<std::size_t>(axis[0])]}});
            operands.push_back(id);
        }
        for (Value x : node.operands)
            operands.push_back(
                element(x, ir::broadcast_index(classes_.type_of(x), index, node.results[0].shape), guards));
        ir::Compute compute{{}, node.op, ir::ComputePart::scalar, {}, std::move(operands), {}};
        if (node.op->lowering == ir::Lowering::elementwise) compute.attributes = node.attributes;
        for (const Type& t : node.results) compute.results.push_back(nest().add_value(t.dtype));
        const std::vector<ValueId> results = compute.results;
        scopes_.emit({std::move(compute)});
        for (std::uint32_t r = 0; r < results.size(); ++r) {
            if (r == v.index) continue;
            scopes_.remember(Element({&node, r}, index, guards), results[r]);
        }
        return results[v.index];
    }

    // ---- views

    class View final : public ir::ViewContext {
    public:
        View(Lowerer& lowerer, const Node& node, Index guards)
            : lowerer_(lowerer),
              node_(node),
              guards_(std::move(guards)),
              result_(lowerer.classes_.type_of({&node, 0})) {
            for (Value v : node.operands) types_.push_back(lowerer.classes_.type_of(v));
            operands = types_;
            result = &result_;
            attributes = lowerer.classes_.attributes_of(node);
        }
        Dim loaded_index(std::size_t operand, Index index, Dim bound) const override {
            return lowerer_.bind_index(node_, operand, index, bound, guards_);
        }

    private:
        Lowerer& lowerer_;
        const Node& node_;
        Index guards_;
        Type result_;
        std::vector<Type> types_;
    };

    Dim bind_index(const Node& node, std::size_t operand, const Index& index, Dim bound, const Index& guards) {
        const ValueId value = element(node.operands[operand], index, guards);
        std::vector<std::uint64_t> key{static_cast<std::uint64_t>(value), node.id, bound.bits()};
        for (Dim d : guards) key.push_back(d.bits());
        if (const auto found = bound_.find(key); found != bound_.end()) return found->second;
        const Symbol s = nest().add_symbol(SymbolRole::loaded, "x" + std::to_string(bound_.size()));
        const auto site = static_cast<std::int32_t>(out_.sites.size());
        out_.sites.push_back({ir::index_name(node), node.loc});
        const std::size_t scope = scopes_.scope_of(index, guards);
        const Scopes::Target here(scopes_, scope);
        const Dim position = ir::linear_offset(classes_.type_of(node.operands[operand]).shape, index);
        scopes_.emit({ir::BindIndex{s, value, bound, position, guards, site}});
        scopes_.define(scope, s);
        return bound_[key] = Dim::symbol(s);
    }

    // Adds a guard; of those that imply each other whatever the extents, one stays.
    static void require(Index& guards, Dim guard) {
        const auto implies = [](Dim a, Dim b) {
            const auto low = (b - a).bounds([](Symbol) { return Dim::Bounds{0, std::nullopt}; }).low;
            return low && *low >= 0;
        };
        if (std::ranges::any_of(guards, [&](Dim g) { return implies(g, guard); })) return;
        std::erase_if(guards, [&](Dim g) { return implies(guard, g); });
        guards.push_back(guard);
    }

    ValueId view(const Node& node, const Index& index, const Index& guards) {
        const View context(*this, node, guards);
        const std::vector<ir::ViewPiece> pieces = node.op->view(context, index);
        // Where an earlier piece applies, this one's index may lie outside its operand. Pieces that are chosen by one
        // bound can be kept apart; behind one with several (padding) stands a piece that is indexed by nothing.
        std::vector<Index> earlier(pieces.size());
        for (std::size_t p = 1; p < pieces.size(); ++p) {
            earlier[p] = earlier[p - 1];
            if (pieces[p - 1].guards.size() == 1) require(earlier[p], Dim(-1) - pieces[p - 1].guards[0]);
        }
        ValueId result = -1;
        for (std::size_t p = pieces.size(); p-- > 0;) {  // the last piece is the default
            const ir::ViewPiece& piece = pieces[p];
            Index inner = guards;
            for (Dim g : piece.guards) require(inner, g);
            for (Dim g : earlier[p]) require(inner, g);
            const ValueId value = element(node.operands[piece.operand], piece.index, inner);
            if (result < 0) {
                result = value;
                continue;
            }
            const ValueId condition = nest().add_value(Dtype::boolean);
            scopes_.emit({ir::Condition{condition, piece.guards}});
            const ValueId chosen = nest().add_value(node.results[0].dtype);
            scopes_.emit(
                {ir::Compute{{chosen}, &ir::ops::select, ir::ComputePart::scalar, {}, {condition, value, result}, {}}});
            result = chosen;
        }
        return result;
    }

    // ---- folds

    struct Flat {
        Dim extent;   // of the one loop that runs over several
        Index index;  // of each of them, given the loop's variable
    };
    static Flat flatten(const std::vector<Dim>& extents, Dim var) {
        Flat out{1, Index(extents.size(), Dim(0))};
        Dim rest = var;
        for (std::size_t i = extents.size(); i-- > 0;) {
            out.extent *= extents[i];
            if (extents[i] == Dim(1)) continue;
            bool more = false;  // whether an earlier loop is not of extent 1
            for (std::size_t j = 0; j < i; ++j) more = more || extents[j] != Dim(1);
            out.index[i] = more ? rest - extents[i] * floordiv(rest, extents[i]) : rest;
            rest = floordiv(rest, extents[i]);
        }
        return out;
    }

    // Extents of the folded dimensions, as arguments of the kernel.
    std::vector<Dim> mapped_fold_extents(const Node& node) const {
        const std::size_t rank = node.results[0].shape.rank();
        const std::size_t count = fold_extents(node).size();
        Index at(rank, Dim(-1));
        Index loops;
        for (std::size_t i = 0; i < count; ++i) loops.push_back(Dim::symbol(static_cast<Symbol>(i)));
        std::vector<Dim> extents(count, Dim(1));
        for (std::size_t o = 0; o < node.operands.size(); ++o) {
            const Index index = ir::fold_operand_index(node, o, at, loops);
            const Type type = classes_.type_of(node.operands[o]);
            for (std::size_t i = 0; i < index.size(); ++i)
                if (const auto s = index[i].as_symbol()) extents[*s] = type.shape[i];
        }
        return extents;
    }

    ValueId fold(const Node& node, const Index& at) {
        const std::vector<Dim> extents = mapped_fold_extents(node);
        std::vector<Dtype> elements;
        for (Value v : node.operands) elements.push_back(v.type().dtype);
        const ir::FoldOrder order = ir::fold_order(node);
        // Loops beyond the inner fold (leading axes of a fold over leading and trailing ones) fold its partial results.
        const auto inner_count = static_cast<std::ptrdiff_t>(order.inner_loops);
        const std::vector<Dim> leading(extents.begin(), extents.end() - inner_count);
        const std::vector<Dim> inner(extents.end() - inner_count, extents.end());
        if (leading.empty()) return fold_loop(node, at, {}, inner, elements, order.inner, true)[0];
        const Symbol var = nest().add_symbol(SymbolRole::loop, "r" + std::to_string(fold_loops_++));
        const Flat flat = flatten(leading, Dim::symbol(var));
        std::vector<ValueId> partial;
        ir::Reduce reduce;
        reduce.body = scopes_.within_target(
            var, [&] { partial = fold_loop(node, at, flat.index, inner, elements, order.inner, false); });
        reduce.op = node.op;
        reduce.attributes = ir::reducer_attributes(*node.op, node.attributes);
        reduce.elements = elements;
        reduce.var = var;
        reduce.extent = flat.extent;
        reduce.lanes = order.outer.lanes;
        reduce.block = order.outer.block;
        reduce.merges = true;
        reduce.element = partial;
        const ValueId result = nest().add_value(node.results[0].dtype);
        reduce.results = {result};
        scopes_.emit({std::move(reduce)});
        return result;
    }

    std::vector<ValueId> fold_loop(const Node& node, const Index& at, const Index& leading,
                                   const std::vector<Dim>& inner, const std::vector<Dtype>& elements,
                                   ir::LaneOrder order, bool finish) {
        const Symbol var = nest().add_symbol(SymbolRole::loop, "r" + std::to_string(fold_loops_++));
        const Flat flat = flatten(inner, Dim::symbol(var));
        Index loops = leading;
        loops.insert(loops.end(), flat.index.begin(), flat.index.end());
        ir::Reduce reduce;
        reduce.op = node.op;
        reduce.attributes = ir::reducer_attributes(*node.op, node.attributes);
        reduce.elements = elements;
        reduce.var = var;
        reduce.extent = flat.extent;
        reduce.lanes = order.lanes;
        reduce.block = order.block;
        reduce.finish = finish;
        reduce.body = scopes_.within_target(var, [&] {
            for (std::size_t o = 0; o < node.operands.size(); ++o)
                reduce.element.push_back(element(node.operands[o], ir::fold_operand_index(node, o, at, loops), {}));
            for (const FoldStore& store : fold_stores_)
                if (store.fold == &node) {
                    const Index to = ir::fold_operand_index(node, 0, at, loops);
                    const ValueId v = element(store.value, to, {});
                    scopes_.append({ir::Store{store.buffer, to, v, {}, false}});
                }
        });
        if (finish) {
            for (const Type& t : node.results) reduce.results.push_back(nest().add_value(t.dtype));
        } else {
            const ir::ScalarProgram& init = program_of(reduce, ir::ReducerPart::init);
            for (std::int32_t r : init.results) reduce.results.push_back(nest().add_value(init.dtype_of(r)));
        }
        std::vector<ValueId> results = reduce.results;
        scopes_.emit({std::move(reduce)});
        return results;
    }

    // ---- scatters: a copy, then out[where(u)] += updates[u] for ascending u

    void scatter(const Node& node) {
        const Value x = node.operands.front();
        const Value updates = node.operands.back();
        const BufferId out = find(outputs_, {&node, 0});
        const ir::Shape all = classes_.type_of(x).shape;
        Walk copy;
        enter(copy, all, 0, all.rank(), "i");
        {
            const Scopes::Target inside(scopes_, scopes_.innermost());
            scopes_.append({ir::Store{out, copy.at, element(x, copy.at, {}), {}, false}});
        }
        leave(copy, 0);

        const ir::Shape shape = classes_.type_of(updates).shape;
        Walk update;
        enter(update, shape, 0, shape.rank(), "u");
        {
            const Scopes::Target inside(scopes_, scopes_.innermost());
            const View context(*this, node, {});
            const Index to = node.op->view(context, update.at).front().index;
            const ValueId old = load(out, {&node, 0}, to, {});
            const ValueId added = element(updates, update.at, {});
            const ValueId sum = nest().add_value(node.results[0].dtype);
            const ValueId index = nest().add_value(Dtype::i64);
            scopes_.emit({ir::IndexValue{index, ir::linear_offset(shape, update.at)}});
            scopes_.emit({ir::Compute{{sum},
                                      node.op,
                                      ir::ComputePart::step,
                                      ir::reducer_attributes(*node.op, node.attributes),
                                      {old, added, index},
                                      {updates.type().dtype}}});
            scopes_.append({ir::Store{out, to, sum, {}, false}});
        }
        leave(update, 0);
    }

    const ir::Program::Fused& fused_;
    const Group& group_;
    ExtentClasses classes_;
    ir::Program::Kernel out_;
    Scopes scopes_;
    std::vector<FoldStore> fold_stores_;
    std::vector<InMemory> in_memory_;
    std::size_t fold_loops_ = 0;
    Buffers inputs_, outputs_;
    std::map<std::vector<std::uint64_t>, Dim> bound_;
};

}  // namespace

ir::Program::Kernel lower_group(const ir::Program::Fused& fused) { return Lowerer(fused).run(); }

void lower(ir::Program& program, const LoopTarget&) {
    for_each_list(program.steps, [&](std::vector<ir::Program::Step>& steps) {
        for (ir::Program::Step& step : steps) {
            if (const auto* fused = std::get_if<ir::Program::Fused>(&step.node)) {
                const std::vector<const Node*>& members = fused->group.members;
                if (!members.empty() && members[0]->op->lowering == ir::Lowering::opaque) {
                    ir::Program::Call call = lower_call(*fused);
                    step.node = std::move(call);
                } else {
                    ir::Program::Kernel kernel = lower_group(*fused);
                    step.node = std::move(kernel);
                }
            }
            if (auto* loop = std::get_if<ir::Program::Loop>(&step.node)) store_in_stacks(program, *loop);
        }
    });
}

}  // namespace lathe::passes
