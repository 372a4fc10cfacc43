#include "passes/loops/register_tile.h"

namespace lathe::passes {

using ir::Dim;
using ir::LoopKind;
using ir::Statements;
using ir::ValueId;

TileWriter::TileWriter(ir::LoopNest& nest, const Contraction& contraction, const LoopTarget& target)
    : nest_(nest), contraction_(contraction), reduce_(*contraction.reduce) {
    accumulator_ = reduce_.op->reducer.accumulator(reduce_.elements[0]);
    width_ = target.vector_bytes / static_cast<std::int64_t>(size_of(accumulator_));
    panel_columns_ = ir::panel_columns(accumulator_);
    tile_columns_ = width_ * (target.vector_registers >= 32 ? 4 : 2);
}

ir::BufferId TileWriter::scratch(const char* name, ir::Dtype dtype, ir::Shape shape, Statements& into) {
    const ir::BufferId b = nest_.add_buffer({name, ir::BufferRole::scratch, {dtype, shape}});
    into.push_back({ir::Alloc{b}});
    return b;
}

ValueId TileWriter::load(ir::BufferId b, std::vector<Dim> index, Statements& into) {
    const ValueId v = nest_.add_value(nest_.buffers[static_cast<std::size_t>(b)].type.dtype);
    into.push_back({ir::Load{v, b, std::move(index), {}}});
    return v;
}

ValueId TileWriter::init(Statements& into) {
    const ValueId v = nest_.add_value(accumulator_);
    into.push_back({ir::Compute{{v}, reduce_.op, ir::ComputePart::init, reduce_.attributes, {}, reduce_.elements}});
    return v;
}

ir::Stmt TileWriter::fill_with_init(ir::BufferId b, std::int64_t rows, std::int64_t columns) {
    return elements(rows, columns, width_, [&](Dim r, Dim c) {
        Statements s;
        s.push_back({ir::Store{b, {r, c}, init(s), {}, false}});
        return s;
    });
}

ValueId TileWriter::combine(ValueId earlier, ValueId later, Statements& into) {
    const ValueId sum = nest_.add_value(accumulator_);
    into.push_back({ir::Compute{
        {sum}, reduce_.op, ir::ComputePart::combine, reduce_.attributes, {earlier, later}, reduce_.elements}});
    return sum;
}

StatementCopy TileWriter::at(Dim row, Dim column) const {
    StatementCopy copy(nest_);
    for (const auto& [s, d] : outer_) copy.replace_symbol(s, d);
    if (contraction_.rows != nullptr) copy.replace_symbol(contraction_.rows->var, row);
    copy.replace_symbol(contraction_.columns->var, column);
    return copy;
}

void TileWriter::fold(const std::vector<ValueId>& operands, Dim k, ir::BufferId acc, Dim r, Dim c, Statements& into) {
    std::vector<ValueId> all{load(acc, {r, c}, into)};
    all.insert(all.end(), operands.begin(), operands.end());
    const ValueId index = nest_.add_value(ir::Dtype::i64);
    into.push_back({ir::IndexValue{index, k}});
    all.push_back(index);
    const ValueId next = nest_.add_value(accumulator_);
    into.push_back(
        {ir::Compute{{next}, reduce_.op, ir::ComputePart::step, reduce_.attributes, std::move(all), reduce_.elements}});
    into.push_back({ir::Store{acc, {r, c}, next, {}, false}});
}

Statements TileWriter::step(Dim row, Dim column, Dim k, ir::BufferId acc, Dim r, Dim c) {
    StatementCopy copy = at(row, column);
    copy.replace_symbol(reduce_.var, k);
    Statements b = copy.copy(reduce_.body);
    std::vector<ValueId> operands;
    for (ValueId e : reduce_.element) operands.push_back(copy.copy(e));
    fold(operands, k, acc, r, c, b);
    return b;
}

void TileWriter::epilogue(Dim row, Dim column, ValueId sum, Statements& into) {
    StatementCopy copy = at(row, column);
    const ValueId result = nest_.add_value(nest_.value_dtypes[static_cast<std::size_t>(reduce_.results[0])]);
    into.push_back(
        {ir::Compute{{result}, reduce_.op, ir::ComputePart::finish, reduce_.attributes, {sum}, reduce_.elements}});
    copy.replace_value(reduce_.results[0], result);
    for (std::size_t i = 0; i < contraction_.body->size(); ++i)
        if (i != contraction_.at) into.push_back(copy.copy((*contraction_.body)[i]));
}

Statements TileWriter::in_place(Dim row, std::int64_t rows, Dim column, std::int64_t columns, bool masked) {
    const Dim lanes = masked ? min(width_, contraction_.columns->extent - column) : Dim(width_);
    Statements out;
    const ir::BufferId total = scratch("total", accumulator_, {rows, columns}, out);
    out.push_back(fill_with_init(total, rows, columns));
    const Dim k = reduce_.extent;
    out.push_back(loop("kb", k, reduce_.block, LoopKind::serial, [&](Dim kb) {
        Statements statements;
        const ir::BufferId acc = scratch("acc", accumulator_, {rows, columns}, statements);
        statements.push_back(fill_with_init(acc, rows, columns));
        statements.push_back(loop("k", min(reduce_.block, k - kb), 1, LoopKind::serial, [&](Dim kk) {
            Statements b;
            b.push_back(elements(rows, columns, lanes,
                                 [&](Dim r, Dim c) { return step(row + r, column + c, kb + kk, acc, r, c); }));
            return b;
        }));
        statements.push_back(elements(rows, columns, width_, [&](Dim r, Dim c) {
            Statements b;
            const ValueId earlier = load(total, {r, c}, b), later = load(acc, {r, c}, b);
            b.push_back({ir::Store{total, {r, c}, combine(earlier, later, b), {}, false}});
            return b;
        }));
        return statements;
    }));
    out.push_back(elements(rows, columns, lanes, [&](Dim r, Dim c) {
        Statements b;
        epilogue(row + r, column + c, load(total, {r, c}, b), b);
        return b;
    }));
    return out;
}

}  // namespace lathe::passes
