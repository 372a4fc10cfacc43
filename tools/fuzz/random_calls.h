// Calls of random graphs: rows drawn by their samples at other extents, and operands that are indices.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ir/ops/samples.h"
#include "tools/fuzz/random_values.h"

namespace lathe::testing_support {

class RandomCalls : protected RandomValues {
protected:
    using RandomValues::RandomValues;
    ~RandomCalls() = default;

    // ---- indices

    // Integers below a bound, of any shape. At the top they are an input of the graph; in a region they are clamped.
    std::optional<Value> indices_below(Dim bound) {
        static const std::vector<Dtype> dtypes = {Dtype::i64, Dtype::i64, Dtype::i32, Dtype::i32, Dtype::u8,
                                                  Dtype::i8,  Dtype::u16, Dtype::i16, Dtype::u32, Dtype::u64};
        if (least(bound) == 0) {  // no index is in range where the axis is empty
            return depth_ == 0 ? std::optional(checked_parameter({pick(dtypes), Shape{bound}}, bound)) : std::nullopt;
        }
        const int p = number_below(100);
        if (p < 15 || (depth_ > 0 && !bound.is_constant())) {
            const ir::Node* iota = add(*ir::find_op("iota"), {{}, {Shape{bound}, std::int64_t{0}, Dtype::i32}});
            return iota == nullptr ? std::nullopt : std::optional(Value{iota, 0});
        }
        if ((p < 45 && bound.is_constant() && bound.constant() < 128) || depth_ > 0)  // whatever integers there are
            if (const auto v = existing([](const Type& t) { return is_integer(t.dtype); }))
                return clamped(*v, bound.constant());
        if (depth_ > 0) return {};
        Shape shape = random_shape();
        while (shape.rank() > 2) shape = random_shape();
        return checked_parameter({pick(dtypes), shape}, bound);
    }

    // The same of a type.
    std::optional<Value> indices_of(const Type& type, Dim bound) {
        for (std::size_t b = 0; b < bindings_.size(); ++b)
            if (value_of(bound, b) <= 0 && value_of(type.shape.element_count(), b) != 0) return {};
        if (depth_ == 0) return checked_parameter(type, bound);
        return bound.is_constant() && bound.constant() > 0 ? clamped(value_of_type(type), bound.constant())
                                                           : std::nullopt;
    }

    // ---- what the rows give as samples

    // A call of a sample, at extents of values that are there, or at others, where the type rule takes them.
    void sampled(const OpDef& op) {
        const std::vector<ir::Sample> samples = ir::samples::of(op, dtype_in(op.dtypes));
        if (samples.empty()) return;
        const ir::Sample& sample = pick(samples);
        if (chance(70))
            if (const ir::Sample other = at_other_extents(op, sample); accepts(op, other)) return call(op, other);
        if (accepts(op, sample)) call(op, sample);
    }

    struct Bound {
        std::size_t parameter;
        Dim bound;
    };
    std::vector<Bound> bounds_;  // parameters that hold indices

private:
    Value checked_parameter(const Type& type, Dim bound) {
        const Value v = parameter(type);
        bounds_.push_back({graph_->parameters().size() - 1, bound});
        return v;
    }

    // Clamped to [0, bound), as far as the dtype goes.
    std::optional<Value> clamped(const Value& v, std::int64_t bound) {
        const Dtype d = v.type().dtype;
        const int digits = static_cast<int>(8 * size_of(d)) - (is_signed_integer(d) ? 1 : 0);
        if (digits < 63) bound = std::min(bound, std::int64_t{1} << digits);
        const auto number = [&](std::int64_t n) { return graph_->constant(ir::splat_literal(d, {}, n)); };
        const ir::Node* low = add(*ir::find_op("max"), {{v, number(0)}, {}});
        if (low == nullptr) return {};
        const ir::Node* both = add(*ir::find_op("min"), {{{low, 0}, number(bound - 1)}, {}});
        return both == nullptr ? std::nullopt : std::optional(Value{both, 0});
    }

    // Each extent of a sample beyond 1 stands for itself, for another, or for what an operand that is there has in its
    // place: everywhere alike.
    ir::Sample at_other_extents(const OpDef& op, ir::Sample sample) {
        std::map<std::int64_t, Dim> other;
        for (const Type& type : sample.operands) {
            if (!chance(60)) continue;
            const auto found =
                existing([&](const Type& t) { return t.dtype == type.dtype && t.shape.rank() == type.shape.rank(); });
            for (std::size_t i = 0; found && i < type.shape.rank(); ++i)
                if (type.shape[i].constant() > 1) other.try_emplace(type.shape[i].constant(), found->type().shape[i]);
        }
        const auto changed = [&](Dim d) -> Dim {
            if (!d.is_constant() || d.constant() < 2) return d;
            const auto place = other.try_emplace(d.constant(), d);
            if (place.second && chance(40)) place.first->second = pick(dims_);
            return place.first->second;
        };
        for (Type& t : sample.operands)
            for (std::size_t i = 0; i < t.shape.rank(); ++i) t.shape[i] = changed(t.shape[i]);
        for (const ir::AttributeDef& def : op.attributes) {
            using enum ir::AttributeMeaning;
            if (def.meaning == shape || def.meaning == bound || def.meaning == sizes || def.meaning == region)
                ir::map_dims(std::span(sample.attributes).subspan(def.slot, 1), changed);
        }
        return sample;
    }

    bool accepts(const OpDef& op, const ir::Sample& sample) {
        std::vector<ir::Precondition> preconditions;
        ir::TypeContext context(op, sample.operands, sample.attributes, {}, &preconditions, graph_->symbols);
        try {
            for (const Type& t : infer_types(context))
                if (!fits(t.shape) || t.shape.rank() > 5) return false;
        } catch (const Error&) {
            return false;
        }
        std::int64_t work = 1;  // of a contraction, at most
        for (const Type& t : sample.operands) {
            if (!fits(t.shape)) return false;
            std::int64_t most = 1;
            for (std::size_t b = 0; b < bindings_.size(); ++b)
                most = std::max(most, value_of(t.shape.element_count(), b));
            work *= most;
        }
        if (op.lowering == ir::Lowering::contraction || op.lowering == ir::Lowering::composite)
            if (work > 100 * limit_) return false;
        return std::ranges::all_of(preconditions, [&](const ir::Precondition& p) {
            for (std::size_t b = 0; b < bindings_.size(); ++b)
                if (value_of(p.a, b) != value_of(p.b, b)) return false;
            return true;
        });
    }

    void call(const OpDef& op, const ir::Sample& sample) {
        std::vector<Value> operands;
        for (std::size_t i = 0; i < sample.operands.size(); ++i) {
            if (!op.indices || op.indices.operand != i) {
                operands.push_back(value_of_type(sample.operands[i]));
                continue;
            }
            const auto indices = indices_of(sample.operands[i], op.indices.bound(sample.operands, sample.attributes));
            if (!indices) return;
            operands.push_back(*indices);
        }
        add(op, {operands, sample.attributes});
    }
};

}  // namespace lathe::testing_support
