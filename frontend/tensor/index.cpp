#include "frontend/tensor/index.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "frontend/tensor/record.h"
#include "frontend/trace/trace.h"
#include "ir/error.h"
#include "ir/functions/basic.h"
#include "ir/ops/views.h"

namespace lathe {
namespace {

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
            throw IndexError(fmt::format("{}: index {} is out of range for axis {} of {}", detail::spoken("index"),
                                         at.constant(), axis_, type_.to_string()),
                             detail::blame(where_));
        return {.start = start, .size = 1, .step = 1, .stays = false};
    }

    Cut range(const Range& r) const {
        if (r.step == 0 || r.step > ir::max_step || r.step < -ir::max_step)
            throw TypeError(fmt::format("{}: a step of {} ({})", detail::spoken("index"), r.step, type_.to_string()),
                            detail::blame(where_));
        return r.step > 0 ? upward(r) : downward(r);
    }

private:
    // Negative numbers count from the end. Of a symbol the sign is not known: that it counts from the start is
    // demanded.
    Dim from_start(Dim at) const {
        if (at.is_constant()) return at.constant() < 0 ? extent_ + at : at;
        if (max(at, 0) != at)
            if (Trace* const trace = Trace::current())
                trace->require_equal(max(at, 0), at, detail::blame(where_), "index: a symbolic position is negative");
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

}  // namespace

Tensor Tensor::operator[](std::initializer_list<Index> indices) const {
    const Where line = indices.size() == 0 ? Where() : indices.begin()->where();
    const detail::LocScope scope(line, "index", *this);
    const ir::Type& type = node_->type;
    const std::size_t rank = type.shape.rank();
    const auto count = [&](Index::Kind kind) {
        return static_cast<std::size_t>(std::ranges::count(indices, kind, &Index::kind));
    };
    const auto refuse = [&](const std::string& why) {
        throw TypeError(fmt::format("{}: {} ({})", detail::spoken("index"), why, type.to_string()),
                        detail::blame(line));
    };
    const std::size_t given = count(Index::Kind::position) + count(Index::Kind::range);
    if (given > rank) refuse(fmt::format("{} indices of a tensor of rank {}", given, rank));
    if (count(Index::Kind::ellipsis) > 1) refuse("more than one ellipsis");

    Shape start, size, result;
    ir::Integers step;
    const auto take = [&](const Cut& cut) {
        start.push_back(cut.start);
        size.push_back(cut.size);
        step.push_back(cut.step);
        if (cut.stays) result.push_back(cut.size);
    };
    const auto take_whole = [&](std::size_t axes) {
        for (; axes > 0; --axes) take({.start = 0, .size = type.shape[start.rank()]});
    };
    for (const Index& i : indices) {
        const auto cutter = [&] { return Cutter(type, start.rank(), i.where()); };
        switch (i.kind()) {
            case Index::Kind::position:
                take(cutter().position(i.position()));
                break;
            case Index::Kind::range:
                take(cutter().range(i.range()));
                break;
            case Index::Kind::ellipsis:
                take_whole(rank - given);
                break;
            case Index::Kind::new_axis:
                result.push_back(1);
                break;
        }
    }
    take_whole(rank - start.rank());

    Tensor out = detail::value_of(*this);
    const bool whole = size == type.shape && std::ranges::all_of(start, [](Dim d) { return d == Dim(0); }) &&
                       std::ranges::all_of(step, [](std::int64_t s) { return s == 1; });
    if (!whole) out = ir::functions::slice(out, start, size, std::move(step));
    return ir::functions::reshape(out, result);
}

}  // namespace lathe
