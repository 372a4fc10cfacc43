// Values of random graphs: those that are there, and new ones; and calls that type rules accept.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "ir/error.h"
#include "ir/ops/op.h"
#include "tools/fuzz/random_extents.h"
#include "tools/fuzz/random_graph.h"

namespace lathe::testing_support {

// A call that the type rule may accept. Values that it needs are already in the graph.
struct Call {
    std::vector<ir::Value> operands;
    ir::Attributes attributes;
};

class RandomValues : protected RandomExtents {
protected:
    using Attributes = ir::Attributes;
    using Dtype = ir::Dtype;
    using Integers = ir::Integers;
    using Literal = ir::Literal;
    using OpDef = ir::OpDef;
    using Type = ir::Type;
    using Value = ir::Value;

    RandomValues(std::uint64_t seed, const RandomGraphOptions& options) : RandomExtents(seed), options_(options) {}
    ~RandomValues() = default;
    RandomValues(const RandomValues&) = delete;
    RandomValues& operator=(const RandomValues&) = delete;

    // ---- choices

    template <class T>
    void shuffle(std::vector<T>& v) {
        for (std::size_t i = v.size(); i > 1; --i)
            std::swap(v[i - 1], v[static_cast<std::size_t>(below(random_, static_cast<std::int64_t>(i)))]);
    }

    // ---- values

    std::vector<Value> values_where(const std::function<bool(const Type&)>& accept) const {
        std::vector<Value> found;
        for (const ir::Node& node : graph_->nodes())
            for (std::uint32_t r = 0; r < node.results.size(); ++r)
                if (accept(node.results[r])) found.push_back({&node, r});
        return found;
    }
    // Later values more often, so that graphs grow deep.
    std::optional<Value> existing(const std::function<bool(const Type&)>& accept) {
        const std::vector<Value> found = values_where(accept);
        if (found.empty()) return std::nullopt;
        return found[static_cast<std::size_t>(high_below(std::ssize(found)))];
    }

    Shape random_shape() {
        static constexpr int ranks[] = {0, 1, 1, 1, 2, 2, 2, 2, 3, 3, 4};
        Shape shape;
        do {
            shape = {};
            for (int rank = ranks[number_below(std::size(ranks))]; rank > 0; --rank)
                shape.push_back(chance(12) ? Dim(1) : pick(dims_));
        } while (!fits(shape));
        return shape;
    }

    // A new parameter of the region that is drawn.
    virtual Value capture(const Type& type) = 0;

    Value parameter(const Type& type) {
        if (depth_ > 0) return capture(type);
        return graph_->add_parameter("x" + std::to_string(graph_->parameters().size()), type);
    }
    Value source(const Type& type) {
        if (!type.shape.is_constant() || chance(80)) return parameter(type);
        if (chance(50)) return graph_->constant(random_literal(type, random_, false));
        const Literal one = random_literal({type.dtype, {}}, random_, specials_);
        return graph_->constant(ir::make_literal(type, *one.bytes));
    }
    Dtype dtype_in(ir::DtypeSet set) {
        for (int i = 0; i < 4; ++i)
            if (const Dtype d = pick(favoured_); set.contains(d)) return d;
        std::vector<Dtype> all;
        for (Dtype d : ir::all_dtypes())
            if (set.contains(d)) all.push_back(d);
        return pick(all);
    }
    // A value of one of the dtypes: mostly one that is there.
    Value value_of_dtype(ir::DtypeSet set, std::size_t least_rank = 0) {
        if (!chance(15))
            if (const auto v =
                    existing([&](const Type& t) { return set.contains(t.dtype) && t.shape.rank() >= least_rank; }))
                return *v;
        Shape shape = random_shape();
        for (int tries = 0; shape.rank() < least_rank && tries < 100; ++tries) shape = random_shape();
        return source({dtype_in(set), shape});
    }
    Value value_of_type(const Type& type) {
        if (!chance(25))
            if (const auto v = existing([&](const Type& t) {
                    if (t.dtype != type.dtype || t.shape.rank() != type.shape.rank()) return false;
                    for (std::size_t i = 0; i < t.shape.rank(); ++i)
                        if (!always_equal(t.shape[i], type.shape[i])) return false;
                    return true;
                }))
                return *v;
        return source(type);
    }

    // ---- adding nodes

    // The node, where the type rule accepts the call and every choice of symbols' values can run it.
    const ir::Node* add(const OpDef& op, const Call& call) {
        std::vector<Type> types;
        for (const Value& v : call.operands) types.push_back(v.type());
        std::vector<ir::Precondition> preconditions;
        ir::TypeContext context(op, types, call.attributes, {}, &preconditions, graph_->symbols);
        try {
            for (const Type& t : infer_types(context))
                if (!fits(t.shape) || t.shape.rank() > 5) return nullptr;
        } catch (const TypeError&) {
            return nullptr;
        }
        for (const ir::Precondition& p : preconditions)
            for (std::size_t b = 0; b < bindings_.size(); ++b)
                if (value_of(p.a, b) != value_of(p.b, b)) return nullptr;
        ++made_;
        return &graph_->add(op, call.operands, call.attributes);
    }

    const RandomGraphOptions& options_;
    std::unique_ptr<ir::Graph> graph_ = std::make_unique<ir::Graph>();
    bool specials_ = false;
    int made_ = 0;
    std::vector<Dtype> favoured_;
    std::size_t depth_ = 0;  // of the region that is drawn
};

}  // namespace lathe::testing_support
