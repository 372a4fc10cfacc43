#include "ir/graph/interpret.h"

#include <array>
#include <atomic>
#include <cstring>
#include <new>
#include <numeric>

#include "ir/float_environment.h"
#include "ir/graph/host_functions.h"
#include "ir/loops/interpret.h"
#include "ir/loops/order.h"
#include "ir/loops/text.h"
#include "ir/ops/control.h"

namespace lathe::ir {
namespace {

using Extents = std::vector<std::int64_t>;
using Words = std::vector<std::uint64_t>;

constexpr std::int64_t max_bytes = std::int64_t{1} << 36;

Extents extents_of(const Shape& shape) {
    Extents extents;
    for (Dim d : shape) extents.push_back(d.constant());
    return extents;
}

std::int64_t count_of(const Extents& extents) {
    return std::accumulate(extents.begin(), extents.end(), std::int64_t{1}, std::multiplies<>{});
}

Extents strides_of(const Extents& extents) {
    Extents strides(extents.size(), 1);
    for (std::size_t i = extents.size(); i-- > 1;) strides[i - 1] = strides[i] * extents[i];
    return strides;
}

// Steps to the next index in row-major order.
void advance(Extents& index, const Extents& extents) {
    for (std::size_t i = extents.size(); i-- > 0;) {
        if (++index[i] < extents[i]) return;
        index[i] = 0;
    }
}

std::int64_t offset_of(const Extents& index, const Extents& strides) {
    return std::inner_product(index.begin(), index.end(), strides.begin(), std::int64_t{0});
}

// Elements of a literal, by row-major position.
class Reader {
public:
    explicit Reader(const Literal& literal)
        : data_(literal.bytes->data()), size_(size_of(literal.type.dtype)), step_(literal.is_splat() ? 0 : size_) {}
    std::uint64_t operator[](std::int64_t position) const {
        std::uint64_t bits = 0;
        std::memcpy(&bits, data_ + static_cast<std::size_t>(position) * step_, size_);
        return bits;
    }

private:
    const std::byte* data_;
    std::size_t size_, step_;
};

// A result while it is written.
class Writer {
public:
    explicit Writer(const Type& type) : type_(type), size_(size_of(type.dtype)) {
        std::size_t bytes = size_;
        for (Dim d : type.shape) bytes *= static_cast<std::size_t>(d.constant());
        bytes_ = std::make_shared<std::vector<std::byte>>(bytes);
    }
    std::int64_t count() const { return static_cast<std::int64_t>(bytes_->size() / size_); }
    void set(std::int64_t position, std::uint64_t bits) {
        std::memcpy(bytes_->data() + static_cast<std::size_t>(position) * size_, &bits, size_);
    }
    std::uint64_t get(std::int64_t position) const {
        std::uint64_t bits = 0;
        std::memcpy(&bits, bytes_->data() + static_cast<std::size_t>(position) * size_, size_);
        return bits;
    }
    Literal finish() { return {type_, std::move(bytes_)}; }

private:
    Type type_;
    std::size_t size_;
    std::shared_ptr<std::vector<std::byte>> bytes_;
};

// A node's computation with everything concrete.
struct Job {
    const Node& node;
    std::span<const Literal> operands;
    std::span<const std::int64_t> symbol_values;
    std::vector<Type> operand_types, result_types;

    Dim concrete(Dim d) const {
        const auto value = d.evaluate(symbol_values);
        if (!value || *value < 0)
            throw TypeError(std::string(node.op->name) + ": an extent has no value, or a negative one", node.loc);
        return *value;
    }
    std::vector<Dtype> operand_dtypes() const {
        std::vector<Dtype> dtypes;
        for (const Type& t : operand_types) dtypes.push_back(t.dtype);
        return dtypes;
    }
    // Attributes with their Dims evaluated, so that rules see constants only.
    Attributes concrete_attributes() const {
        Attributes result = node.attributes;
        map_dims(result, [this](Dim d) {
            const auto value = d.evaluate(symbol_values);
            if (!value) throw TypeError(std::string(node.op->name) + ": an attribute has no value", node.loc);
            return Dim(*value);
        });
        return result;
    }
};

// ---- elementwise and index

std::vector<Literal> run_elementwise(const Job& job) {
    const ScalarProgram& program =
        scalar_program(*job.node.op, job.operand_dtypes(), job.node.attributes, job.result_types[0].dtype);
    const Extents extents = extents_of(job.result_types[0].shape);
    std::vector<Reader> readers;
    std::vector<Extents> strides;
    for (const Literal& x : job.operands) {
        readers.emplace_back(x);
        const Extents own = extents_of(x.type.shape), own_strides = strides_of(own);
        Extents& aligned = strides.emplace_back(extents.size(), 0);
        for (std::size_t i = 0; i < own.size(); ++i)
            if (own[i] != 1) aligned[extents.size() - own.size() + i] = own_strides[i];
    }
    std::vector<Writer> writers;
    for (const Type& t : job.result_types) writers.emplace_back(t);
    Words x(readers.size()), y(writers.size()), scratch;
    Extents index(extents.size(), 0);
    for (std::int64_t position = 0; position < writers[0].count(); ++position, advance(index, extents)) {
        for (std::size_t k = 0; k < x.size(); ++k) x[k] = readers[k][offset_of(index, strides[k])];
        execute(program, x, y, scratch);
        for (std::size_t k = 0; k < y.size(); ++k) writers[k].set(position, y[k]);
    }
    std::vector<Literal> results;
    for (Writer& w : writers) results.push_back(w.finish());
    return results;
}

Literal run_index(const Job& job) {
    const Dtype index_dtype = Dtype::i64;
    const ScalarProgram& program =
        scalar_program(*job.node.op, {&index_dtype, 1}, job.node.attributes, job.result_types[0].dtype);
    const auto axis = static_cast<std::size_t>(job.node.op->axes({}, job.node.attributes)[0]);
    Writer writer(job.result_types[0]);
    const Extents extents = extents_of(job.result_types[0].shape);
    Extents index(extents.size(), 0);
    Words scratch;
    for (std::int64_t position = 0; position < writer.count(); ++position, advance(index, extents)) {
        const auto x = static_cast<std::uint64_t>(index[axis]);
        std::uint64_t y = 0;
        execute(program, {&x, 1}, {&y, 1}, scratch);
        writer.set(position, y);
    }
    return writer.finish();
}

// ---- views

// An index expression over the output's index, as an affine function where it is one.
class IndexFunction {
public:
    IndexFunction(Dim expression, std::size_t rank) : expression_(expression), coefficients_(rank, 0) {
        Dim rest = expression;
        for (Symbol s = 0; s < rank; ++s) {
            const auto affine = rest.affine_in(s);
            if (!affine || !affine->coefficient.is_constant()) return;
            coefficients_[s] = affine->coefficient.constant();
            rest = affine->rest;
        }
        is_affine_ = rest.is_constant();
        if (is_affine_) constant_ = rest.constant();
    }
    // `values` starts with the output's index.
    std::int64_t operator()(const Extents& values) const {
        if (!is_affine_) return expression_.evaluate(values).value_or(-1);
        return std::inner_product(coefficients_.begin(), coefficients_.end(), values.begin(), constant_);
    }

private:
    Dim expression_;
    Extents coefficients_;
    std::int64_t constant_ = 0;
    bool is_affine_ = false;
};

// Evaluates a row's view rule at one output index after another.
class Viewer {
public:
    // `out` is the type whose index the rule gets: the result, or for a scatter the updates.
    Viewer(const Job& job, const Type& out)
        : job_(job), rank_(out.shape.rank()), attributes_(job.concrete_attributes()) {
        Context context(*this);
        context.operands = job.operand_types;
        context.result = &out;
        context.attributes = attributes_;
        std::vector<Dim> index;
        for (std::size_t i = 0; i < rank_; ++i) index.push_back(Dim::symbol(static_cast<Symbol>(i)));
        for (const ViewPiece& piece : job.node.op->view(context, index)) {
            Piece& p = pieces_.emplace_back();
            p.operand = piece.operand;
            p.extents = extents_of(job.operand_types[piece.operand].shape);
            for (Dim d : piece.index) p.index.emplace_back(d, rank_);
            for (Dim d : piece.guards) p.guards.emplace_back(d, rank_);
        }
    }

    // Which operand, and the position in it.
    std::pair<std::size_t, std::int64_t> operator()(const Extents& index) {
        values_.assign(index.begin(), index.end());
        for (const LoadedIndex& load : loads_) values_.push_back(read(load));
        for (const Piece& piece : pieces_) {
            bool applies = true;
            for (const IndexFunction& guard : piece.guards) applies = applies && guard(values_) >= 0;
            if (applies) return {piece.operand, position(piece)};
        }
        throw InternalError(std::string(job_.node.op->name) + ": the view rule has no piece for an element");
    }

private:
    struct Piece {
        std::size_t operand = 0;
        Extents extents;
        std::vector<IndexFunction> index, guards;
    };
    struct LoadedIndex {
        std::size_t operand = 0;
        std::vector<IndexFunction> index;
        std::int64_t bound = 0;
    };
    class Context final : public ViewContext {
    public:
        explicit Context(Viewer& viewer) : viewer_(viewer) {}
        Dim loaded_index(std::size_t operand, std::vector<Dim> index, Dim bound) const override {
            LoadedIndex& load = viewer_.loads_.emplace_back();
            load.operand = operand;
            load.bound = bound.constant();
            for (Dim d : index) load.index.emplace_back(d, viewer_.rank_);
            return Dim::symbol(static_cast<Symbol>(viewer_.rank_ + viewer_.loads_.size() - 1));
        }

    private:
        Viewer& viewer_;
    };

    std::int64_t position(const Piece& piece) const {
        return linear_offset(std::span<const std::int64_t>(piece.extents), [&](std::size_t i) {
            const std::int64_t at = piece.index[i](values_);
            if (at < 0 || at >= piece.extents[i])
                throw InternalError(std::string(job_.node.op->name) + ": the view rule leaves its operand");
            return at;
        });
    }

    std::int64_t read(const LoadedIndex& load) const {
        const Literal& indices = job_.operands[load.operand];
        const Extents extents = extents_of(indices.type.shape);
        const std::int64_t at = linear_offset(std::span<const std::int64_t>(extents),
                                              [&](std::size_t i) { return load.index[i](values_); });
        const std::uint64_t bits = Reader(indices)[at];
        const Dtype d = indices.type.dtype;
        const unsigned unused = 64 - 8 * static_cast<unsigned>(size_of(d));
        const std::int64_t value = is_signed_integer(d) ? static_cast<std::int64_t>(bits << unused) >> unused
                                                        : static_cast<std::int64_t>(bits);
        if (value < 0 || value >= load.bound)
            throw IndexError(index_name(job_.node) + " " + Fault{0, d == Dtype::u64, value, load.bound, at}.to_string(),
                             job_.node.loc);
        return value;
    }

    const Job& job_;
    std::size_t rank_;
    Attributes attributes_;
    std::vector<Piece> pieces_;
    std::vector<LoadedIndex> loads_;
    Extents values_;
};

Literal run_view(const Job& job) {
    Viewer viewer(job, job.result_types[0]);
    Writer writer(job.result_types[0]);
    std::vector<Reader> readers(job.operands.begin(), job.operands.end());
    const Extents extents = extents_of(job.result_types[0].shape);
    Extents index(extents.size(), 0);
    for (std::int64_t position = 0; position < writer.count(); ++position, advance(index, extents)) {
        const auto [operand, at] = viewer(index);
        writer.set(position, readers[operand][at]);
    }
    return writer.finish();
}

// ---- folds

// A node's reducer for given element dtypes, and folding in the defined order (ir/loops/order.h).
class Folder {
public:
    Folder(const Node& node, std::span<const Dtype> elements)
        : step_(part(node, ReducerPart::step, elements)),
          combine_(part(node, ReducerPart::combine, elements)),
          finish_(part(node, ReducerPart::finish, elements)) {
        const ScalarProgram& init = part(node, ReducerPart::init, elements);
        initial_.resize(init.results.size());
        execute(init, {}, initial_, scratch_);
    }

    const Words& initial() const { return initial_; }

    void step(Words& acc, std::span<const std::uint64_t> elements, std::int64_t index) {
        arguments_ = acc;
        arguments_.insert(arguments_.end(), elements.begin(), elements.end());
        arguments_.push_back(static_cast<std::uint64_t>(index));
        execute(step_, arguments_, acc, scratch_);
    }
    void combine(Words& earlier, const Words& later) {
        arguments_ = earlier;
        arguments_.insert(arguments_.end(), later.begin(), later.end());
        execute(combine_, arguments_, earlier, scratch_);
    }
    std::uint64_t finish(const Words& acc) {
        std::uint64_t result = 0;
        execute(finish_, acc, {&result, 1}, scratch_);
        return result;
    }

    // `take(acc, r)` folds element r into acc.
    template <class Take>
    Words fold(std::int64_t extent, LaneOrder order, Take&& take) {
        Words total = initial_;
        for (std::int64_t begin = 0; begin < extent; begin += order.block) {
            std::vector<Words> lanes(static_cast<std::size_t>(order.lanes), initial_);
            const std::int64_t end = std::min(extent, begin + order.block);
            for (std::int64_t r = begin; r < end; ++r) take(lanes[static_cast<std::size_t>(r % order.lanes)], r);
            for (std::size_t half = lanes.size() / 2; half > 0; half /= 2)
                for (std::size_t l = 0; l < half; ++l) combine(lanes[l], lanes[l + half]);
            combine(total, lanes[0]);
        }
        return total;
    }

private:
    static const ScalarProgram& part(const Node& node, ReducerPart part, std::span<const Dtype> elements) {
        return reducer_program(*node.op, part, elements, reducer_attributes(*node.op, node.attributes));
    }

    const ScalarProgram &step_, &combine_, &finish_;
    Words initial_, arguments_, scratch_;
};

// Offsets of the elements at all indices of some axes, in row-major order.
Extents offsets_over(const Extents& extents, const Extents& strides) {
    Extents offsets(static_cast<std::size_t>(count_of(extents)));
    Extents index(extents.size(), 0);
    for (std::int64_t& offset : offsets) {
        offset = offset_of(index, strides);
        advance(index, extents);
    }
    return offsets;
}

Extents pick(const Extents& all, const Integers& axes) {
    Extents some;
    for (std::int64_t axis : axes) some.push_back(all[static_cast<std::size_t>(axis)]);
    return some;
}

Literal run_reduction(const Job& job) {
    const std::vector<Dtype> elements = job.operand_dtypes();
    Folder folder(job.node, elements);
    const Extents extents = extents_of(job.operand_types[0].shape), strides = strides_of(extents);
    const Integers axes = job.node.op->axes(job.operand_types, job.node.attributes);
    Integers kept;
    for (std::int64_t i = 0; i < static_cast<std::int64_t>(extents.size()); ++i)
        if (!std::ranges::binary_search(axes, i)) kept.push_back(i);
    const FoldOrder order = reduction_order(lane_dtype(*job.node.op, elements[0]), extents.size(), axes);
    const auto first_inner = axes.end() - static_cast<std::ptrdiff_t>(order.inner_loops);
    const Integers outer_axes(axes.begin(), first_inner), inner_axes(first_inner, axes.end());
    const Extents kept_offsets = offsets_over(pick(extents, kept), pick(strides, kept));
    const Extents outer = offsets_over(pick(extents, outer_axes), pick(strides, outer_axes));
    const Extents inner = offsets_over(pick(extents, inner_axes), pick(strides, inner_axes));
    const auto inner_count = static_cast<std::int64_t>(inner.size());
    const Reader x(job.operands[0]);
    Writer writer(job.result_types[0]);
    for (std::int64_t position = 0; position < writer.count(); ++position) {
        const auto inner_fold = [&](std::int64_t o) {
            const std::int64_t base =
                kept_offsets[static_cast<std::size_t>(position)] + outer[static_cast<std::size_t>(o)];
            return folder.fold(inner_count, order.inner, [&](Words& acc, std::int64_t r) {
                const std::uint64_t element = x[base + inner[static_cast<std::size_t>(r)]];
                folder.step(acc, {&element, 1}, o * inner_count + r);
            });
        };
        const Words total = outer_axes.empty()
                                ? inner_fold(0)
                                : folder.fold(static_cast<std::int64_t>(outer.size()), order.outer,
                                              [&](Words& acc, std::int64_t o) { folder.combine(acc, inner_fold(o)); });
        writer.set(position, folder.finish(total));
    }
    return writer.finish();
}

Literal run_contraction(const Job& job) {
    const std::vector<Dtype> elements = job.operand_dtypes();
    Folder folder(job.node, elements);
    const Extents result_extents = extents_of(job.result_types[0].shape);
    const ContractionMaps maps = job.node.op->contraction(job.operand_types, job.node.attributes);
    const FoldOrder order = contraction_order(lane_dtype(*job.node.op, elements[0]), maps, result_extents.size());
    Extents contracted_extents;
    for (Dim d : maps.contracted_extents) contracted_extents.push_back(d.constant());

    std::array<Extents, 2> result_offsets, contracted_offsets;
    for (std::size_t side = 0; side < 2; ++side) {
        const Extents strides = strides_of(extents_of(job.operand_types[side].shape));
        Extents over_result(result_extents.size(), 0), over_contracted(maps.contracted, 0);
        for (std::size_t d = 0; d < strides.size(); ++d) {
            const std::size_t loop = maps.operands[side][d];
            (loop < over_result.size() ? over_result[loop] : over_contracted[loop - over_result.size()]) = strides[d];
        }
        result_offsets[side] = offsets_over(result_extents, over_result);
        contracted_offsets[side] = offsets_over(contracted_extents, over_contracted);
    }
    const Reader lhs(job.operands[0]), rhs(job.operands[1]);
    Writer writer(job.result_types[0]);
    for (std::int64_t position = 0; position < writer.count(); ++position) {
        const auto p = static_cast<std::size_t>(position);
        const auto count = static_cast<std::int64_t>(contracted_offsets[0].size());
        const Words total = folder.fold(count, order.inner, [&](Words& acc, std::int64_t r) {
            const auto k = static_cast<std::size_t>(r);
            const std::uint64_t x[] = {lhs[result_offsets[0][p] + contracted_offsets[0][k]],
                                       rhs[result_offsets[1][p] + contracted_offsets[1][k]]};
            folder.step(acc, x, r);
        });
        writer.set(position, folder.finish(total));
    }
    return writer.finish();
}

Literal run_scatter(const Job& job) {
    const Dtype elements[] = {job.operand_types.back().dtype};
    Folder folder(job.node, elements);
    const Reader x(job.operands[0]), updates(job.operands.back());
    Writer writer(job.result_types[0]);
    for (std::int64_t position = 0; position < writer.count(); ++position) writer.set(position, x[position]);
    const Type& update_type = job.operand_types.back();
    Viewer viewer(job, update_type);
    const Extents extents = extents_of(update_type.shape);
    Extents index(extents.size(), 0);
    Words acc(1);
    for (std::int64_t u = 0; u < count_of(extents); ++u, advance(index, extents)) {
        const std::int64_t at = viewer(index).second;
        const std::uint64_t update = updates[u];
        acc[0] = writer.get(at);
        folder.step(acc, {&update, 1}, u);
        writer.set(at, folder.finish(acc));
    }
    return writer.finish();
}

}  // namespace

namespace {

// ---- regions

std::vector<Literal> run_graph(const Graph& graph, std::span<const Literal> inputs,
                               std::span<const std::int64_t> symbol_values);

bool is_true(const Literal& x) { return x.bytes->front() != std::byte{0}; }

// Slice i of axis 0.
Literal slice_of(const Literal& x, std::int64_t i) {
    const Type type = slice_type(x.type);
    if (x.is_splat()) return {type, x.bytes};
    const std::size_t bytes = x.bytes->size() / static_cast<std::size_t>(x.type.shape[0].constant());
    return make_literal(type, std::span(*x.bytes).subspan(static_cast<std::size_t>(i) * bytes, bytes));
}

std::vector<Literal> run_scan(const Job& job) {
    const ScanParts parts = parts_of_scan(job.node);
    const Graph& body = *regions_of(job.node)[0];
    const auto in = job.operands;
    const std::int64_t length = job.concrete(ops::scan_length(job.node.attributes)[0]).constant();
    const bool reverse = ops::scan_reverse(job.node.attributes);
    std::vector<Literal> carried(in.begin(), in.begin() + static_cast<std::ptrdiff_t>(parts.carried));
    std::vector<Writer> stacks;
    for (std::size_t y = 0; y < parts.stacked; ++y) stacks.emplace_back(job.result_types[parts.carried + y]);
    for (std::int64_t n = 0; n < length; ++n) {
        const std::int64_t i = reverse ? length - 1 - n : n;
        std::vector<Literal> inputs = carried;
        for (std::size_t x = 0; x < parts.sequences; ++x) inputs.push_back(slice_of(in[parts.carried + x], i));
        inputs.insert(inputs.end(), in.end() - static_cast<std::ptrdiff_t>(parts.captures), in.end());
        std::vector<Literal> out = run_graph(body, inputs, job.symbol_values);
        for (std::size_t y = 0; y < parts.stacked; ++y) {
            const Reader element(out[parts.carried + y]);
            const std::int64_t count = stacks[y].count() / length;
            for (std::int64_t e = 0; e < count; ++e) stacks[y].set(i * count + e, element[e]);
        }
        out.resize(parts.carried);
        carried = std::move(out);
    }
    for (Writer& stack : stacks) carried.push_back(stack.finish());
    return carried;
}

std::vector<Literal> run_while(const Job& job) {
    const std::vector<const Graph*> regions = regions_of(job.node);
    std::vector<Literal> values(job.operands.begin(), job.operands.end());
    const std::size_t carried = job.node.results.size();
    while (is_true(run_graph(*regions[0], values, job.symbol_values)[0])) {
        std::vector<Literal> next = run_graph(*regions[1], values, job.symbol_values);
        std::move(next.begin(), next.end(), values.begin());
    }
    values.resize(carried);
    return values;
}

std::vector<Literal> run_control(const Job& job) {
    switch (job.node.op->control) {
        case Control::branch:
            return run_graph(*regions_of(job.node)[is_true(job.operands[0]) ? 0 : 1], job.operands.subspan(1),
                             job.symbol_values);
        case Control::loop_while:
            return run_while(job);
        case Control::scan:
            return run_scan(job);
        case Control::once:
            return run_graph(*regions_of(job.node)[0], job.operands, job.symbol_values);
        case Control::none:
            break;
    }
    throw InternalError("the interpreter does not know how to run " + std::string(job.node.op->name));
}

// As what it is made of. The types are constant, so that no symbol occurs there.
std::vector<Literal> run_composite(const Job& job) {
    Graph graph;
    std::vector<Value> x;
    for (const Type& t : job.operand_types) x.push_back(graph.add_parameter("x", t));
    const Node& node = graph.add(*job.node.op, x, job.concrete_attributes(), job.node.loc);
    for (const Value& y : node.op->expand({node, x})) graph.add_output("y", y);
    return run_graph(graph, job.operands, {});
}

std::vector<Literal> run(const Job& job) {
    const Node& node = job.node;
    switch (node.op->lowering) {
        case Lowering::source:
            if (const Literal* literal = literal_of(node)) return {*literal};
            break;
        case Lowering::elementwise:
            return run_elementwise(job);
        case Lowering::index:
            return {run_index(job)};
        case Lowering::view:
            return {run_view(job)};
        case Lowering::reduction:
            return {run_reduction(job)};
        case Lowering::contraction:
            return {run_contraction(job)};
        case Lowering::scatter:
            return {run_scatter(job)};
        case Lowering::relayout:
            return {job.operands[0]};
        case Lowering::control:
            return run_control(job);
        case Lowering::opaque:
            if (node.op->reference == nullptr)
                return run_host_function(*node.op, {job.operands, job.concrete_attributes(), job.result_types});
            return node.op->reference({job.operands, job.concrete_attributes(), job.result_types});
        case Lowering::composite:
            return run_composite(job);
    }
    throw InternalError("the interpreter does not know how to run " + std::string(node.op->name));
}

[[noreturn]] void fail_for_memory(const Node& node, const Type& type) {
    throw ResourceError(std::string(node.op->name) + ": " + type.to_string() + " does not fit in memory", node.loc);
}

std::atomic<MemoryCheck> memory_check{nullptr};

// Splats may be larger than memory; what is computed element by element may not.
void require_addressable(const Node& node, const Type& type) {
    std::int64_t left = max_bytes / static_cast<std::int64_t>(size_of(type.dtype));
    for (Dim d : type.shape)
        if (d == Dim(0)) return;
    for (Dim d : type.shape)
        if ((left /= d.constant()) == 0) fail_for_memory(node, type);
    std::uint64_t bytes = size_of(type.dtype);
    for (Dim d : type.shape) bytes *= static_cast<std::uint64_t>(d.constant());
    if (const MemoryCheck check = memory_check.load(std::memory_order_relaxed); check != nullptr) try {
            check(bytes);
        } catch (const std::bad_alloc&) {
            fail_for_memory(node, type);
        }
}

}  // namespace

void set_memory_check(MemoryCheck check) { memory_check.store(check, std::memory_order_relaxed); }

std::vector<Literal> interpret_node(const Node& node, std::span<const Literal> operands,
                                    std::span<const std::int64_t> symbol_values) {
    const FloatEnvironment floats;
    Job job{node, operands, symbol_values, {}, {}};
    for (const Literal& x : operands) job.operand_types.push_back(x.type);
    for (const Type& t : node.results) {
        Type& concrete = job.result_types.emplace_back(t);
        for (std::size_t i = 0; i < t.shape.rank(); ++i) concrete.shape[i] = job.concrete(t.shape[i]);
    }
    if (node.op->lowering != Lowering::source) {
        for (const Type& t : job.operand_types) require_addressable(node, t);
        for (const Type& t : job.result_types) require_addressable(node, t);
    }
    try {
        return run(job);
    } catch (const std::bad_alloc&) {
        fail_for_memory(node, job.result_types[0]);
    }
}

std::vector<Literal> interpret(const Graph& graph, std::span<const Literal> inputs) {
    std::vector<Type> types;
    for (const Literal& x : inputs) types.push_back(x.type);
    return run_graph(graph, inputs, bind_symbols(graph, types));
}

namespace {

std::vector<Literal> run_graph(const Graph& graph, std::span<const Literal> inputs,
                               std::span<const std::int64_t> symbol_values) {
    std::vector<std::vector<Literal>> values(graph.nodes().size());
    std::vector<std::uint32_t> uses(graph.nodes().size(), 0);
    for (const Node& node : graph.nodes())
        for (const Value& v : node.operands) ++uses[v.node->id];
    for (const Value& v : graph.outputs()) ++uses[v.node->id];
    for (std::size_t i = 0; i < inputs.size(); ++i) values[graph.parameters()[i].node->id] = {inputs[i]};

    for (const Node& node : graph.nodes()) {
        if (uses[node.id] == 0 || !values[node.id].empty()) continue;
        std::vector<Literal> operands;
        for (const Value& v : node.operands) operands.push_back(values[v.node->id][v.index]);
        values[node.id] = interpret_node(node, operands, symbol_values);
        for (const Value& v : node.operands)
            if (--uses[v.node->id] == 0) values[v.node->id].clear();
    }
    std::vector<Literal> outputs;
    for (const Value& v : graph.outputs()) outputs.push_back(values[v.node->id][v.index]);
    return outputs;
}

}  // namespace

}  // namespace lathe::ir
