#include "frontend/tensor/selection.h"

#include <algorithm>

#include <fmt/format.h>

#include "frontend/tensor/record.h"
#include "frontend/trace/trace.h"
#include "ir/error.h"
#include "ir/functions/movement.h"
#include "ir/functions/positions.h"
#include "ir/ops/ops.h"

namespace lathe::detail {
namespace {

namespace f = ir::functions;
namespace ops = ir::ops;

// What is taken from one axis, and whether the axis stays.
struct Cut {
    Dim start, size;
    std::int64_t step = 1;
    bool stays = true;
};

// Of an axis of x.
class Cutter {
public:
    Cutter(const ir::Type& type, std::size_t axis, Where where)
        : type_(type), axis_(axis), extent_(type.shape[axis]), where_(where) {}

    Cut position(Dim at) const {
        const Dim start = from_start(at);
        if (start.is_constant() && extent_.is_constant() &&
            (start.constant() < 0 || start.constant() >= extent_.constant()))
            throw IndexError(fmt::format("{}: index {} is out of range for axis {} of {}", spoken("index"),
                                         at.constant(), axis_, type_.to_string()),
                             blame(where_));
        return {.start = start, .size = 1, .step = 1, .stays = false};
    }

    Cut range(const Range& r) const {
        if (r.step == 0 || r.step > ir::max_step || r.step < -ir::max_step)
            throw TypeError(fmt::format("{}: a step of a range is {} ({})", spoken("index"), r.step, type_.to_string()),
                            blame(where_));
        return r.step > 0 ? upward(r) : downward(r);
    }

private:
    // Negative numbers count from the end. Of a symbol the sign is not known: that it counts from the start is
    // demanded.
    Dim from_start(Dim at) const {
        if (at.is_constant()) return at.constant() < 0 ? extent_ + at : at;
        if (max(at, 0) != at)
            if (Trace* const trace = Trace::current())
                trace->require_equal(max(at, 0), at, blame(where_), "index: a symbolic position is negative");
        return at;
    }

    // The forms of equal sizes are the same, where they can be: x[1:] and x[:-1].
    Cut upward(const Range& r) const {
        const Dim stop = r.stop ? max(min(from_start(*r.stop), extent_), 0) : extent_;
        const Dim first = r.start ? from_start(*r.start) : Dim(0);
        const bool from_end = r.start && r.start->is_constant() && r.start->constant() < 0;
        const Dim start = from_end ? max(first, 0) : min(first, extent_);
        const Dim count =
            from_end && !r.stop ? min(extent_, Dim(0) - *r.start) : max(stop - (from_end ? start : first), 0);
        return {.start = start, .size = ceildiv(count, r.step), .step = r.step};
    }
    Cut downward(const Range& r) const {
        const Dim last = extent_ - 1;
        const auto clip = [&](Dim at) { return max(min(from_start(at), last), -1); };
        const Dim start = r.start ? clip(*r.start) : last;
        const Dim stop = r.stop ? clip(*r.stop) : Dim(-1);
        return {.start = start, .size = ceildiv(max(start - stop, 0), -r.step), .step = r.step};
    }

    const ir::Type& type_;
    std::size_t axis_;
    Dim extent_;
    Where where_;
};

const ir::OpDef& elementwise_row(Update how) {
    switch (how) {
        case Update::add:
            return ops::add;
        case Update::multiply:
            return ops::mul;
        case Update::min:
            return ops::min;
        default:
            return ops::max;
    }
}

}  // namespace

std::vector<Tensor> true_positions(const Tensor& mask, std::string_view function, Where where) {
    if (mask.node()->symbolic)
        throw UserError(spoken(function) +
                            ": how many elements a mask chooses is not known while its function is being traced; "
                            "where() and nonzero_bounded() do without" +
                            spoken_operands(),
                        blame(where));
    const std::vector<std::int64_t> shape = mask.shape(where);
    if (shape.empty()) return {};
    const Tensor values = mask.eval(where);
    const std::span<const bool> is_true = values.data<bool>(where);
    const auto count = static_cast<std::size_t>(std::ranges::count(is_true, true));
    // Every place is written down; only behind one that is true does the next one go elsewhere.
    std::vector<std::vector<std::int64_t>> positions(shape.size(), std::vector<std::int64_t>(count + 1));
    const std::int64_t last = shape.back();
    std::vector<std::int64_t> row(shape.size(), 0);
    std::size_t next = 0;
    for (const bool* at = is_true.data(); next < count; at += last) {
        const std::size_t first = next;
        for (std::int64_t i = 0; i < last; ++i) {
            positions.back()[next] = i;
            next += at[i] ? 1 : 0;
        }
        for (std::size_t k = 0; k + 1 < shape.size(); ++k)
            std::fill(positions[k].begin() + static_cast<std::ptrdiff_t>(first),
                      positions[k].begin() + static_cast<std::ptrdiff_t>(next), row[k]);
        for (std::size_t k = shape.size() - 1; k-- > 0 && ++row[k] == shape[k];) row[k] = 0;
    }
    std::vector<Tensor> out;
    for (const auto& along : positions)
        out.push_back(Tensor::from(std::span(along).first(count), {static_cast<std::int64_t>(count)}, where));
    return out;
}

// ---- what the indices mean

class Selection::Parser {
public:
    Parser(Selection& out, std::span<const Index> indices, Where where)
        : out_(out), indices_(indices), where_(where), type_(out.x_.type()) {}

    void run() {
        const std::size_t rank = type_.shape.rank();
        std::size_t given = 0, ellipses = 0;
        for (const Index& i : indices_) {
            ellipses += i.kind() == Index::Kind::ellipsis ? 1 : 0;
            if (i.kind() == Index::Kind::position || i.kind() == Index::Kind::range) ++given;
            if (i.kind() == Index::Kind::tensor) given += axes_of(i);
        }
        if (given > rank) refuse(fmt::format("{} indices are more than the {} axes", given, rank), where_);
        if (ellipses > 1) refuse("more than one ellipsis", where_);
        find_block();
        for (std::size_t k = 0; k < indices_.size(); ++k) {
            const Index& i = indices_[k];
            if (block_at_ == k) out_.parts_.push_back({Part::Kind::block});
            switch (i.kind()) {
                case Index::Kind::position:
                    take(Cutter(type_, out_.start_.rank(), i.where()).position(i.position()));
                    break;
                case Index::Kind::range:
                    take(Cutter(type_, out_.start_.rank(), i.where()).range(i.range()));
                    break;
                case Index::Kind::tensor:
                    choose(i);
                    break;
                case Index::Kind::ellipsis:
                    take_whole(rank - given);
                    break;
                case Index::Kind::new_axis:
                    out_.parts_.push_back({Part::Kind::new_axis});
                    break;
            }
        }
        take_whole(rank - out_.start_.rank());
        if (!positions_.empty()) out_.positions_ = out_.join_positions(positions_);
    }

private:
    [[noreturn]] void refuse(const std::string& why, Where where) const {
        throw TypeError(fmt::format("{}: {} ({})", spoken("index"), why, type_.to_string()), blame(where));
    }

    std::size_t axes_of(const Index& i) const {
        const ir::Type& type = i.tensor()->type;
        if (type.dtype == Dtype::boolean) {
            if (type.shape.rank() == 0) refuse("a mask without dimensions", i.where());
            return type.shape.rank();
        }
        if (!ir::is_integer(type.dtype))
            refuse(fmt::format("an index of {} is neither integers nor a mask", type.to_string()), i.where());
        return 1;
    }

    // Where the dimensions of tensors come to stand: at the first of them, numbers among them, or in front where
    // something else is between.
    void find_block() {
        const auto has_tensor = [](const Index& i) { return i.kind() == Index::Kind::tensor; };
        if (std::ranges::none_of(indices_, has_tensor)) return;
        const auto chooses = [&](const Index& i) { return has_tensor(i) || i.kind() == Index::Kind::position; };
        const auto first = std::ranges::find_if(indices_, chooses);
        const auto behind = std::find_if_not(first, indices_.end(), chooses);
        if (std::any_of(behind, indices_.end(), chooses))
            out_.parts_.push_back({Part::Kind::block});
        else
            block_at_ = static_cast<std::size_t>(first - indices_.begin());
    }

    void add_axis(Dim extent, const Cut& cut) {
        out_.start_.push_back(cut.start);
        out_.size_.push_back(cut.size);
        out_.step_.push_back(cut.step);
        if (cut.stays) out_.left_.push_back(extent);
    }
    void take(const Cut& cut) {
        if (cut.stays) out_.parts_.push_back({Part::Kind::axis, static_cast<std::int64_t>(out_.left_.rank())});
        add_axis(cut.size, cut);
    }
    void take_whole(std::size_t axes) {
        for (; axes > 0; --axes) take({.start = 0, .size = type_.shape[out_.start_.rank()]});
    }
    void choose(const Index& i) {
        const Tensor index{resolve(i.tensor())};
        std::vector<Tensor> positions{index};
        if (index.dtype() == Dtype::boolean) {
            for (std::size_t k = 0; k < index.rank(); ++k)
                if (!f::may_be_equal(index.type().shape[k], type_.shape[out_.start_.rank() + k]))
                    refuse(fmt::format("the mask {} does not have the extents of what it chooses from",
                                       index.type().to_string()),
                           i.where());
            positions = true_positions(index, "index", i.where());
        }
        for (const Tensor& along : positions) {
            const Dim extent = type_.shape[out_.start_.rank()];
            out_.chosen_.push_back(static_cast<std::int64_t>(out_.left_.rank()));
            positions_.push_back(index.dtype() == Dtype::boolean ? along : f::from_start(along, extent));
            add_axis(extent, {.start = 0, .size = extent});
        }
    }

    Selection& out_;
    std::span<const Index> indices_;
    Where where_;
    const ir::Type& type_;
    std::optional<std::size_t> block_at_;
    std::vector<Tensor> positions_;
};

namespace {

// Where one mask of several dimensions is all that chooses by data, these are as good as one: its place among the
// indices, and the first axis that it speaks of. A mask that does not fit is for the parser to refuse.
struct JoinedMask {
    std::size_t at, axis;
};
std::optional<JoinedMask> joined_mask(const Tensor& x, std::span<const Index> indices) {
    std::optional<JoinedMask> found;
    std::size_t axis = 0;
    for (std::size_t k = 0; k < indices.size(); ++k) {
        const Index& i = indices[k];
        if (i.kind() == Index::Kind::ellipsis) return std::nullopt;
        if (i.kind() == Index::Kind::new_axis) continue;
        if (i.kind() == Index::Kind::tensor) {
            const ir::Type& type = i.tensor()->type;
            if (found || type.dtype != Dtype::boolean || type.shape.rank() < 2 || axis + type.shape.rank() > x.rank())
                return std::nullopt;
            for (std::size_t d = 0; d < type.shape.rank(); ++d)
                if (type.shape[d] != x.type().shape[axis + d]) return std::nullopt;
            found = {k, axis};
            axis += type.shape.rank();
        } else {
            ++axis;
        }
    }
    return found;
}

}  // namespace

Selection::Selection(const Tensor& x, std::span<const Index> indices, Where where)
    : x_(value_of(x)), shape_(x.type().shape) {
    const std::optional<JoinedMask> joined = joined_mask(x_, indices);
    if (!joined) {
        Parser(*this, indices, where).run();
        return;
    }
    std::vector<Index> list(indices.begin(), indices.end());
    const Tensor mask{resolve(list[joined->at].tensor())};
    Shape flat;
    for (std::size_t i = 0; i < joined->axis; ++i) flat.push_back(shape_[i]);
    flat.push_back(mask.type().shape.element_count());
    for (std::size_t i = joined->axis + mask.rank(); i < shape_.rank(); ++i) flat.push_back(shape_[i]);
    x_ = f::reshape(x_, flat);
    list[joined->at] = Index(f::reshape(mask, Shape{flat[joined->axis]}), list[joined->at].where());
    Parser(*this, list, where).run();
}

// ---- the slice

bool Selection::is_whole() const {
    return size_ == x_.type().shape && std::ranges::all_of(start_, [](Dim d) { return d == Dim(0); }) &&
           std::ranges::all_of(step_, [](std::int64_t s) { return s == 1; });
}

Tensor Selection::sliced() const {
    return f::reshape(is_whole() ? x_ : Tensor(f::slice(x_, start_, size_, step_)), left_);
}

Tensor Selection::with_slice(Update how, const Tensor& y) const {
    const auto met = [&](const Tensor& x, const Tensor& update) {
        return how == Update::set ? update : Tensor(elementwise_row(how)(x, update));
    };
    if (is_whole()) return met(x_, y);
    if (f::is_empty(size_)) return x_;
    const Shape& shape = x_.type().shape;
    const Tensor yes = number_of(Dtype::boolean, 1, 1), no = number_of(Dtype::boolean, 0, 0);
    const Tensor inside = f::unslice(f::broadcast_to(yes, size_), no, shape, start_, step_);
    const Tensor updates = f::unslice(y, f::number(y, 0), shape, start_, step_);
    return ops::select(inside, met(x_, updates), x_);
}

// ---- what is chosen of it

ir::Integers Selection::chosen_first() const {
    ir::Integers order = chosen_;
    for (std::size_t i = 0; i < left_.rank(); ++i)
        if (std::ranges::find(chosen_, static_cast<std::int64_t>(i)) == chosen_.end())
            order.push_back(static_cast<std::int64_t>(i));
    return order;
}

Shape Selection::joined_shape() const {
    Shape shape{1};
    for (std::int64_t axis : chosen_) shape[0] *= left_[static_cast<std::size_t>(axis)];
    const ir::Integers order = chosen_first();
    for (std::size_t i = chosen_.size(); i < order.size(); ++i)
        shape.push_back(left_[static_cast<std::size_t>(order[i])]);
    return shape;
}

Tensor Selection::join_positions(const std::vector<Tensor>& positions) const {
    if (!joins()) return positions[0];
    Tensor joined;
    for (std::size_t k = 0; k < positions.size(); ++k) {
        const Dim extent = left_[static_cast<std::size_t>(chosen_[k])];
        const Tensor at =
            f::convert(ops::checked_index.with({Shape{extent}, spoken("index") + ": index"}, positions[k]), Dtype::i64);
        joined = k == 0 ? at : Tensor(ops::add(ops::mul(joined, f::extent_value(at, extent, Dtype::i64)), at));
    }
    return joined;
}

ir::Integers Selection::taken_dimensions() const {
    ir::Integers block, out;
    for (std::size_t k = 0; k < positions_.rank(); ++k) block.push_back(static_cast<std::int64_t>(left_.rank() + k));
    if (joins()) out = block;
    for (std::size_t i = 0; i < left_.rank(); ++i) {
        const auto axis = static_cast<std::int64_t>(i);
        if (std::ranges::find(chosen_, axis) == chosen_.end())
            out.push_back(axis);
        else if (!joins())
            out.insert(out.end(), block.begin(), block.end());
    }
    return out;
}

// Which dimension of what is taken each of the result is.
ir::Integers Selection::placement() const {
    const ir::Integers taken = taken_dimensions();
    ir::Integers out;
    const auto place = [&](std::int64_t dimension) {
        out.push_back(std::ranges::find(taken, dimension) - taken.begin());
    };
    for (const Part& part : parts_) {
        if (part.kind == Part::Kind::axis) place(part.axis);
        if (part.kind == Part::Kind::block)
            for (std::size_t k = 0; k < positions_.rank(); ++k) place(static_cast<std::int64_t>(left_.rank() + k));
    }
    return out;
}

Shape Selection::shape(bool with_new_axes) const {
    Shape out;
    for (const Part& part : parts_) {
        if (part.kind == Part::Kind::axis) out.push_back(left_[static_cast<std::size_t>(part.axis)]);
        if (part.kind == Part::Kind::new_axis && with_new_axes) out.push_back(1);
        if (part.kind == Part::Kind::block)
            for (Dim d : positions_.type().shape) out.push_back(d);
    }
    return out;
}

Tensor Selection::take() const {
    Tensor out = sliced();
    if (!chosen_.empty()) {
        if (joins()) out = f::reshape(f::transpose(out, chosen_first()), joined_shape());
        out = ops::gather.with({joins() ? std::int64_t{0} : chosen_[0]}, out, positions_);
        out = f::transpose(out, placement());
    }
    return f::reshape(out, shape(true));
}

Tensor Selection::update(Update how, const Tensor& y) const {
    const Tensor wide = f::reshape(f::broadcast_to(y, shape(true)), shape(false));
    if (chosen_.empty()) return f::reshape(with_slice(how, f::reshape(wide, size_)), shape_);

    const ir::OpDef* const row = how == Update::set        ? &ops::scatter_set
                                 : how == Update::add      ? &ops::scatter_add
                                 : how == Update::multiply ? &ops::scatter_multiply
                                 : how == Update::min      ? &ops::scatter_min
                                                           : &ops::scatter_max;
    const Tensor updates = f::transpose(wide, ops::inverse(placement()));
    Tensor out = sliced();
    if (joins()) out = f::reshape(f::transpose(out, chosen_first()), joined_shape());
    out = row->with({joins() ? std::int64_t{0} : chosen_[0]}, out, positions_, updates);
    if (joins()) {
        Shape apart;
        for (std::int64_t axis : chosen_first()) apart.push_back(left_[static_cast<std::size_t>(axis)]);
        out = f::transpose(f::reshape(out, apart), ops::inverse(chosen_first()));
    }
    return f::reshape(with_slice(Update::set, f::reshape(out, size_)), shape_);
}

}  // namespace lathe::detail
