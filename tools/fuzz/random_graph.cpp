#include "tools/fuzz/random_graph.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <optional>

#include "ir/error.h"
#include "ir/ops/control.h"
#include "tools/fuzz/random_calls.h"
#include "tools/fuzz/random_transform.h"
#include "tools/fuzz/values.h"

namespace lathe::testing_support {
namespace {

using ir::Attributes;
using ir::Dim;
using ir::Dtype;
using ir::Integers;
using ir::Literal;
using ir::OpDef;
using ir::Shape;
using ir::Type;
using ir::Value;

bool has_attribute(const OpDef& op, ir::AttributeMeaning meaning) {
    return std::ranges::find(op.attributes, meaning, &ir::AttributeDef::meaning) != op.attributes.end();
}

class Generator : RandomCalls {
public:
    Generator(std::uint64_t seed, const RandomGraphOptions& options)
        : RandomCalls(seed * 0x9E3779B97F4A7C15U + 1, options) {}

    RandomGraph run() {
        limit_ = options_.elements * (chance(4) ? 10 : 1);
        specials_ = chance(25);
        make_dims(*graph_, static_cast<std::size_t>(options_.bindings));
        constexpr auto dtypes = ir::all_dtypes();
        const std::vector<Dtype> all(dtypes.begin(), dtypes.end());
        for (int i = chance(60) ? 1 : 3; i > 0; --i) favoured_.push_back(chance(40) ? Dtype::f32 : pick(all));
        crowded_ = chance(2);
        const int nodes = crowded_ ? 8 * options_.nodes : 1 + static_cast<int>(high_below(options_.nodes));
        for (int tries = 0; made_ < nodes && tries < 20 * nodes; ++tries) step();
        name_outputs();
        bind_open_symbols();
        return finish();
    }

private:
    void step() {
        std::vector<const OpDef*> ops;
        const int p = number_below(crowded_ ? 55 : 100);
        if (!crowded_ && depth_ < 2 && chance(depth_ == 0 ? 5 : 8)) return control();
        if (!crowded_ && chance(2)) return updates();
        if (!crowded_ && chance(25)) return any_row();
        const auto wanted = [&](const OpDef& op) {
            using ir::Lowering;
            if (p < 50) return op.lowering == Lowering::elementwise;
            if (p < 66) return op.lowering == Lowering::reduction;
            if (p < 75) return op.lowering == Lowering::contraction;
            if (p < 93) return op.lowering == Lowering::view;
            if (p < 96) return op.lowering == Lowering::scatter;
            if (p < 98) return op.lowering == Lowering::opaque || op.lowering == Lowering::composite;
            return op.lowering == Lowering::index;
        };
        for (const OpDef* op : ir::op_table())
            if (wanted(*op)) ops.push_back(op);
        const OpDef& op = *pick(ops);
        switch (op.lowering) {
            case ir::Lowering::elementwise:
                elementwise(op);
                break;
            case ir::Lowering::index:
                add(op, iota_call(op, random_shape()));
                break;
            case ir::Lowering::reduction:
                reduction(op);
                break;
            case ir::Lowering::contraction:
                contraction(op);
                break;
            case ir::Lowering::opaque:
            case ir::Lowering::composite:
                if (!works_along_axis(op) || !along_axis(op)) sampled(op);
                break;
            case ir::Lowering::view:
                if (!op.indices) {
                    view(op);
                    break;
                }
                [[fallthrough]];
            case ir::Lowering::scatter:
                indexed(op);
                break;
            case ir::Lowering::source:
            case ir::Lowering::relayout:
            case ir::Lowering::control:
                break;  // these come as sources, among the samples of any row, and from control()
        }
    }

    // Any row at all, each as often as the others.
    void any_row() {
        const OpDef* op = nullptr;
        do op = ir::op_table()[static_cast<std::size_t>(below(random_, std::ssize(ir::op_table())))];
        while (op->lowering == ir::Lowering::source);
        sampled(*op);
    }

    // ---- elementwise

    // Attributes of kinds that need no operands.
    Attributes plain_attributes(const OpDef& op) {
        Attributes out;
        for (const ir::AttributeDef& a : op.attributes) {
            if (a.kind() == ir::AttributeKind::dtype) out.emplace_back(dtype_in(ir::any_dtype));
            if (a.kind() == ir::AttributeKind::boolean) out.emplace_back(chance(50));
            if (a.kind() == ir::AttributeKind::integer) out.emplace_back(below(random_, 4));
        }
        return out;
    }

    // Dtypes of the operands: all the same, or a condition first, as the type rule says.
    std::vector<Dtype> operand_dtypes(const OpDef& op, Dtype d, const Attributes& attributes) {
        std::vector<Dtype> dtypes(static_cast<std::size_t>(op.arity.minimum), d);
        for (const bool condition : {false, true}) {
            if (condition) dtypes[0] = Dtype::boolean;
            if (takes(op, dtypes, attributes)) return dtypes;
        }
        return {};
    }
    static bool takes(const OpDef& op, const std::vector<Dtype>& dtypes, const Attributes& attributes) {
        std::vector<Type> types;
        for (Dtype o : dtypes) types.push_back({o, {}});
        ir::TypeContext context(op, types, attributes, {}, nullptr);
        try {
            infer_types(context);
            return true;
        } catch (const TypeError&) {
            return false;
        }
    }

    bool broadcasts(const Shape& a, const Shape& b) const {
        for (std::size_t i = 0; i < std::min(a.rank(), b.rank()); ++i) {
            const Dim x = a[a.rank() - 1 - i], y = b[b.rank() - 1 - i];
            if (!(x == Dim(1)) && !(y == Dim(1)) && !always_equal(x, y)) return false;
        }
        return true;
    }

    Shape shape_that_broadcasts(const Shape& to) {
        const std::size_t drop =
            chance(30) ? static_cast<std::size_t>(below(random_, 1 + static_cast<int>(to.rank()))) : 0;
        Shape shape;
        for (std::size_t i = drop; i < to.rank(); ++i) shape.push_back(chance(20) ? Dim(1) : to[i]);
        return shape;
    }

    const ir::Node* elementwise(const OpDef& op, std::optional<Value> given = {}) {
        const Value base = given ? *given : value_of_dtype(op.dtypes);
        Call call;
        call.attributes = plain_attributes(op);
        const std::vector<Dtype> dtypes = operand_dtypes(op, base.type().dtype, call.attributes);
        if (dtypes.empty()) return nullptr;
        const std::size_t place = dtypes.size() - 1 -
                                  static_cast<std::size_t>(below(
                                      random_, dtypes.front() != dtypes.back() ? 2 : static_cast<int>(dtypes.size())));
        for (std::size_t i = 0; i < dtypes.size(); ++i) {
            if (i == place) {
                call.operands.push_back(base);
                continue;
            }
            std::optional<Value> other;
            if (!chance(25))
                other = existing(
                    [&](const Type& t) { return t.dtype == dtypes[i] && broadcasts(t.shape, base.type().shape); });
            call.operands.push_back(other ? *other : source({dtypes[i], shape_that_broadcasts(base.type().shape)}));
        }
        // Outside an op's domain there is mostly NaN, which hides what comes after it.
        if (op.domain.low > 0 && is_float(base.type().dtype) && chance(85)) {
            const ir::Node* magnitude = add(*ir::find_op("abs"), {{base}, {}});
            if (magnitude == nullptr) return nullptr;
            call.operands[place] = {magnitude, 0};
        }
        return add(op, call);
    }

    // Many values that do not need each other, each from its own, as an optimiser makes of its parameters: of one type,
    // or of several.
    void updates() {
        Type type{dtype_in(ir::numbers), random_shape()};
        const OpDef* const ops[] = {ir::find_op(chance(50) ? "add" : "sub"), ir::find_op(chance(50) ? "mul" : "max")};
        const Value rate = value_of_type({type.dtype, {}});
        const int before = made_;
        for (int left = 2 + number_below(12); left > 0; --left) {
            if (chance(30)) type.shape = random_shape();
            if (const ir::Node* const scaled = add(*ops[1], {{source(type), rate}, {}}))
                add(*ops[0], {{source(type), {scaled, 0}}, {}});
        }
        made_ = before + 1;
    }

    // ---- functions of the library

    // Of one operand, with no attributes but an axis and flags.
    static bool works_along_axis(const OpDef& op) {
        return op.arity.minimum == 1 && !op.arity.variadic && has_attribute(op, ir::AttributeMeaning::axis) &&
               std::ranges::all_of(op.attributes, [](const ir::AttributeDef& a) {
                   return a.meaning == ir::AttributeMeaning::axis || a.meaning == ir::AttributeMeaning::flag;
               });
    }
    bool along_axis(const OpDef& op) {
        const Value x = value_of_dtype(op.dtypes, 1);
        const auto rank = static_cast<std::int64_t>(x.type().shape.rank());
        if (rank == 0) return false;
        Attributes attributes;
        for (const ir::AttributeDef& a : op.attributes) {
            if (a.meaning == ir::AttributeMeaning::axis) attributes.emplace_back(below(random_, 2 * rank) - rank);
            if (a.meaning == ir::AttributeMeaning::flag) attributes.emplace_back(chance(50));
        }
        return add(op, {{x}, std::move(attributes)}) != nullptr;
    }

    // ---- folds

    void reduction(const OpDef& op) {
        const Value x = value_of_dtype(op.dtypes, 1);
        const auto rank = static_cast<std::int64_t>(x.type().shape.rank());
        if (rank == 0) return;
        Integers axes;
        const int percent = chance(50) ? 70 : 35;
        for (std::int64_t i = 0; i < rank; ++i)
            if (chance(percent)) axes.push_back(chance(20) ? i - rank : i);
        if (axes.empty() && !chance(5)) axes.push_back(below(random_, rank));
        const ir::Node* node = add(op, {{x}, {axes}});
        if (node == nullptr) {  // some take one axis only
            axes = {below(random_, rank)};
            node = add(op, {{x}, {axes}});
        }
        if (node == nullptr || !chance(60)) return;
        // Back over what was reduced, as normalisations do.
        Shape kept = x.type().shape;
        for (std::int64_t axis : axes) kept[static_cast<std::size_t>(axis < 0 ? axis + rank : axis)] = 1;
        const ir::Node* wide = add(*ir::find_op("reshape"), {{{node, 0}}, {kept}});
        if (wide == nullptr) return;
        Value again{wide, 0};
        if (again.type().dtype != x.type().dtype)
            again = {add(*ir::find_op("convert"), {{again}, {x.type().dtype}}), 0};
        std::vector<const OpDef*> binary;
        for (const OpDef* o : ir::op_table())
            if (o->lowering == ir::Lowering::elementwise && o->arity.minimum == 2 && o->dtypes.contains(x.type().dtype))
                binary.push_back(o);
        const OpDef& rejoins = *pick(binary);
        add(rejoins, chance(50) ? Call{{x, again}, {}} : Call{{again, x}, {}});
    }

    void contraction(const OpDef& op) {
        const Value lhs = value_of_dtype(op.dtypes, chance(80) ? 1 : 0);
        std::optional<Value> rhs;
        if (chance(50))
            rhs = existing([&](const Type& t) { return t.dtype == lhs.type().dtype && t.shape.rank() > 0; });
        const Shape& a = lhs.type().shape;
        Integers batch[2], contract[2];
        if (rhs) {
            const Shape& b = rhs->type().shape;
            std::vector<bool> taken(b.rank(), false);
            for (std::size_t i = 0; i < a.rank(); ++i)
                for (std::size_t j = 0; j < b.rank(); ++j) {
                    if (taken[j] || !always_equal(a[i], b[j]) || !chance(60)) continue;
                    const bool as_batch = chance(25);
                    (as_batch ? batch : contract)[0].push_back(static_cast<std::int64_t>(i));
                    (as_batch ? batch : contract)[1].push_back(static_cast<std::int64_t>(j));
                    taken[j] = true;
                    break;
                }
        } else {
            // Roles of the right side's dimensions, then shuffled.
            std::vector<std::pair<Dim, int>> roles;  // own position in lhs for shared ones: role*8+i
            for (std::size_t i = 0; i < a.rank(); ++i) {
                const int role = number_below(100);
                if (role < 20) roles.emplace_back(a[i], static_cast<int>(i));
                if (role >= 20 && role < 65) roles.emplace_back(a[i], 8 + static_cast<int>(i));
            }
            for (int free = number_below(3); free > 0; --free) roles.emplace_back(pick(dims_), -1);
            shuffle(roles);
            if (roles.size() > 5) return;
            Shape b;
            for (const auto& [dim, role] : roles) {
                const auto at = static_cast<std::int64_t>(b.rank());
                b.push_back(dim);
                if (role < 0) continue;
                Integers* sides = role < 8 ? batch : contract;
                sides[0].push_back(role % 8);
                sides[1].push_back(at);
            }
            if (!fits(b)) return;
            rhs = source({lhs.type().dtype, b});
        }
        // Work is bounded as values are.
        for (std::size_t k = 0; k < bindings_.size(); ++k) {
            std::int64_t work = 1;
            for (Dim d : a) work *= value_of(d, k);
            for (std::size_t j = 0; j < rhs->type().shape.rank(); ++j)
                if (std::ranges::find(batch[1], static_cast<std::int64_t>(j)) == batch[1].end() &&
                    std::ranges::find(contract[1], static_cast<std::int64_t>(j)) == contract[1].end())
                    work *= value_of(rhs->type().shape[j], k);
            if (work > 8 * limit_) return;
        }
        if (chance(50))
            add(op, {{lhs, *rhs}, {batch[0], batch[1], contract[0], contract[1]}});
        else
            add(op, {{*rhs, lhs}, {batch[1], batch[0], contract[1], contract[0]}});
    }

    // ---- views, by what the row's attributes mean

    void view(const OpDef& op) {
        if (has_attribute(op, ir::AttributeMeaning::number)) return windows(op);
        using Sampler = std::optional<Call> (Generator::*)(const OpDef&);
        static constexpr std::pair<ir::AttributeMeaning, Sampler> samplers[] = {
            {ir::AttributeMeaning::strides, &Generator::strided_call},
            {ir::AttributeMeaning::permutation, &Generator::permutation_call},
            {ir::AttributeMeaning::starts, &Generator::slice_call},
            {ir::AttributeMeaning::padding, &Generator::pad_call},
            {ir::AttributeMeaning::axis, &Generator::concat_call},
            {ir::AttributeMeaning::shape, &Generator::shape_call},
        };
        for (const auto& [meaning, sampler] : samplers)
            if (has_attribute(op, meaning)) {
                if (const auto call = (this->*sampler)(op)) add(op, *call);
                return;
            }
    }

    // Windows along an axis of something, whose elements become a new last one.
    void windows(const OpDef& op) {
        const Value x = value_of_dtype(op.dtypes, 1);
        Shape shape = x.type().shape;
        const auto rank = static_cast<std::int64_t>(shape.rank());
        if (rank == 0 || rank > 4) return;
        const std::int64_t axis = below(random_, rank), size = 1 + number_below(3), dilation = 1 + number_below(2);
        const std::int64_t stride = 1 + number_below(3), room = least(shape[static_cast<std::size_t>(axis)]);
        const std::int64_t free = room - (size - 1) * dilation - 1;
        if (free < 0) return;
        shape.push_back(1);
        const ir::Node* column = add(*ir::find_op("reshape"), {{x}, {shape}});
        if (column == nullptr) return;
        shape[shape.rank() - 1] = size;
        const ir::Node* wide = add(*ir::find_op("broadcast_to"), {{{column, 0}}, {shape}});
        if (wide == nullptr) return;
        const Dim count = chance(50)
                              ? Dim(1 + below(random_, free / stride + 1))
                              : floordiv(shape[static_cast<std::size_t>(axis)] - (size - 1) * dilation - 1, stride) + 1;
        add(op, {{{wide, 0}}, {axis, rank, Shape{count}, stride, dilation}});
    }

    std::optional<Call> strided_call(const OpDef&) {
        const Value x = value_of_dtype(ir::any_dtype, 1);
        const Dim count = x.type().shape.element_count();
        const ir::Node* const flat = add(*ir::find_op("reshape"), {{x}, {Shape{count}}});
        std::int64_t room = least(count) - 1;
        if (flat == nullptr || room < 0) return {};
        Shape shape, strides;
        for (int more = number_below(4); more > 0; --more) {
            const std::int64_t extent = 1 + number_below(4);
            const std::int64_t stride =
                extent == 1 ? number_below(9) : std::min<std::int64_t>(number_below(5), room / (extent - 1));
            room -= (extent - 1) * stride;
            shape.push_back(extent);
            strides.push_back(stride);
        }
        return Call{{{flat, 0}}, {shape, strides}};
    }

    std::optional<Call> permutation_call(const OpDef& op) {
        const Value x = value_of_dtype(op.dtypes, chance(90) ? 2 : 0);
        Integers permutation(x.type().shape.rank());
        std::iota(permutation.begin(), permutation.end(), 0);
        shuffle(permutation);
        return Call{{x}, {permutation}};
    }

    std::optional<Call> slice_call(const OpDef& op) {
        const Value x = value_of_dtype(op.dtypes, 1);
        Shape start, size;
        Integers step;
        for (Dim d : x.type().shape) {
            const int p = number_below(100);
            const std::int64_t room = least(d);
            if (p < 35 || room == 0) {
                const bool turned = chance(30);
                start.push_back(turned ? d - 1 : Dim(0));
                size.push_back(d);
                step.push_back(turned ? -1 : 1);
            } else if (p < 50 && !d.is_constant()) {  // all but the first few
                const std::int64_t skip = below(random_, room + 1);
                start.push_back(skip);
                size.push_back(d - skip);
                step.push_back(1);
            } else if (p < 60) {  // every second
                start.push_back(0);
                size.push_back(ceildiv(d, 2));
                step.push_back(2);
            } else {
                const std::int64_t stride = 1 + number_below(3), count = below(random_, (room - 1) / stride + 2);
                const std::int64_t span = count == 0 ? 0 : (count - 1) * stride + 1;
                const std::int64_t first = below(random_, room - span + 1);
                const bool turned = chance(40) && count > 0;
                start.push_back(turned ? first + span - 1 : first);
                size.push_back(count);
                step.push_back(turned ? -stride : stride);
            }
        }
        return Call{{x}, {start, size, step}};
    }

    std::optional<Call> pad_call(const OpDef& op) {
        const Value x = value_of_dtype(op.dtypes);
        Shape low, high;
        for (Dim d : x.type().shape) {
            for (Shape* side : {&low, &high}) {
                const int p = number_below(100);
                side->push_back(p < 45   ? Dim(0)
                                : p < 85 ? Dim(1 + number_below(3))
                                : p < 93 ? Dim(-below(random_, std::min<std::int64_t>(least(d) / 2, 3) + 1))
                                         : pick(dims_));
            }
        }
        return Call{{x, value_of_type({x.type().dtype, {}})}, {low, high}};
    }

    std::optional<Call> concat_call(const OpDef& op) {
        const Value first = value_of_dtype(op.dtypes, 1);
        const auto rank = static_cast<std::int64_t>(first.type().shape.rank());
        if (rank == 0) return {};
        const std::int64_t axis = below(random_, rank);
        Call call{{first}, {axis}};
        for (int more = number_below(4); more > 0; --more) {
            Type type = first.type();
            type.shape[static_cast<std::size_t>(axis)] = pick(dims_);
            const auto found = existing([&](const Type& t) {
                bool same = t.dtype == type.dtype && t.shape.rank() == type.shape.rank();
                for (std::size_t i = 0; same && i < t.shape.rank(); ++i)
                    same = static_cast<std::int64_t>(i) == axis || always_equal(t.shape[i], type.shape[i]);
                return same;
            });
            call.operands.push_back(found && chance(70) ? *found : source(type));
        }
        return call;
    }

    // A shape for the same elements, or one that x broadcasts to; the type rule says which is meant.
    std::optional<Call> shape_call(const OpDef& op) {
        const Value x = value_of_dtype(op.dtypes);
        Call call{{x}, {}};
        Shape shapes[] = {wider(x.type().shape), regrouped(x.type().shape)};
        if (chance(50)) std::swap(shapes[0], shapes[1]);
        for (const Shape& shape : shapes) {
            call.attributes = {shape};
            std::vector<ir::Precondition> preconditions;
            const Type types[] = {x.type()};
            ir::TypeContext context(op, types, call.attributes, {}, &preconditions);
            try {
                infer_types(context);
            } catch (const TypeError&) {
                continue;
            }
            if (preconditions.empty()) return call;
        }
        return {};
    }
    Shape wider(const Shape& shape) {
        Shape out;
        if (shape.rank() < 4)
            for (int more = number_below(3); more > 0; --more) out.push_back(pick(dims_));
        for (Dim d : shape) out.push_back(d == Dim(1) && chance(60) ? pick(dims_) : d);
        return out;
    }
    Shape regrouped(const Shape& shape) {
        std::vector<Dim> factors;
        for (Dim d : shape) {
            if (d == Dim(1) && chance(60)) continue;
            const std::int64_t n = d.is_constant() ? d.constant() : 0;
            std::int64_t divisor = 0;
            for (std::int64_t k : {2, 3, 5, 7})
                if (n > k && n % k == 0 && chance(40)) divisor = k;
            if (divisor > 0) {
                factors.emplace_back(divisor);
                factors.emplace_back(n / divisor);
            } else {
                factors.push_back(d);
            }
        }
        if (chance(30)) shuffle(factors);
        Shape out;
        bool join = false;
        for (Dim f : factors) {
            if (chance(8) && out.rank() < 5) out.push_back(1), join = false;
            if (join || out.rank() >= 5) {
                out[out.rank() - 1] *= f;
            } else {
                out.push_back(f);
            }
            join = chance(35);
        }
        if (chance(8) && out.rank() < 5) out.push_back(1);
        return out;
    }

    Call iota_call(const OpDef& op, Shape shape) {
        if (shape.rank() == 0) shape.push_back(pick(dims_));
        Attributes attributes;
        for (const ir::AttributeDef& a : op.attributes) {
            if (a.kind() == ir::AttributeKind::dims) attributes.emplace_back(shape);
            if (a.kind() == ir::AttributeKind::integer)
                attributes.emplace_back(below(random_, static_cast<std::int64_t>(shape.rank())));
            if (a.kind() == ir::AttributeKind::dtype) attributes.emplace_back(dtype_in(ir::numbers));
        }
        return {{}, attributes};
    }

    // ---- gathers and scatters

    void indexed(const OpDef& op) {
        if (op.arity.minimum == 1) {
            const Dim below = pick(dims_);
            if (const auto indices = indices_below(below))
                add(op, {{*indices}, {Shape{below}, std::string("checked: index")}});
            return;
        }
        const Value x = value_of_dtype(op.dtypes, 1);
        const Shape& shape = x.type().shape;
        if (shape.rank() == 0) return;
        const std::int64_t axis = below(random_, static_cast<std::int64_t>(shape.rank()));
        const Dim bound = shape[static_cast<std::size_t>(axis)];
        const auto indices = indices_below(bound);
        if (!indices) return;
        Call call{{x, *indices}, {axis}};
        if (op.arity.minimum == 3) {
            if (shape.rank() - 1 + indices->type().shape.rank() > 5) return;
            Shape taken;
            for (std::size_t i = 0; i < shape.rank(); ++i) {
                if (static_cast<std::int64_t>(i) != axis) {
                    taken.push_back(shape[i]);
                    continue;
                }
                for (Dim d : indices->type().shape) taken.push_back(d);
            }
            if (!fits(taken)) return;
            call.operands.push_back(value_of_type({x.type().dtype, taken}));
        }
        add(op, call);
    }

    // ---- regions: what one takes from outside becomes an operand of its node

    struct Region {
        std::unique_ptr<ir::Graph> around;  // while this one is drawn
        std::vector<Value>* operands;       // none: it may have no more
    };
    Value capture(const Type& type) override {
        Region& region = regions_[depth_ - 1];
        if (region.operands == nullptr) {
            const Value one = graph_->constant(random_literal({type.dtype, {}}, random_, specials_));
            return {&graph_->add(*ir::find_op("broadcast_to"), {{one}}, {type.shape}), 0};
        }
        std::swap(graph_, region.around), --depth_;
        region.operands->push_back(value_of_type(type));
        std::swap(graph_, region.around), ++depth_;
        return graph_->add_parameter("c" + std::to_string(graph_->parameters().size()), region.operands->back().type());
    }
    // Parameters of these types, and some nodes; `results` are asked for at the end.
    ir::Region region(std::vector<Value>* operands, const std::vector<Type>& parameters,
                      const std::function<std::vector<Value>()>& results) {
        const int before = made_;
        regions_.resize(depth_++);
        regions_.push_back({std::exchange(graph_, std::make_unique<ir::Graph>()), operands});
        for (const Type& t : parameters) graph_->add_parameter("p" + std::to_string(graph_->parameters().size()), t);
        for (int i = number_below(6); i > 0; --i) step();
        for (const Value& v : results()) graph_->add_output("r" + std::to_string(graph_->outputs().size()), v);
        --depth_;
        made_ = before;
        return {std::exchange(graph_, std::move(regions_[depth_].around))};
    }
    static std::vector<Type> types_of(const std::vector<Value>& values) {
        std::vector<Type> types(values.size());
        std::ranges::transform(values, types.begin(), [](const Value& v) { return v.type(); });
        return types;
    }
    std::vector<Value> some(std::size_t most) {
        std::vector<Value> out(1 + static_cast<std::size_t>(below(random_, static_cast<std::int64_t>(most))));
        for (Value& v : out) v = value_of_dtype(ir::any_dtype);
        return out;
    }
    std::vector<Value> of_types(const std::vector<Type>& types) {
        std::vector<Value> out;
        for (const Type& t : types) out.push_back(value_of_type(t));
        return out;
    }

    void control() {
        std::vector<Value> operands = some(2);
        if (chance(33)) {  // a cond
            std::vector<Type> results;
            const ir::Region then = region(&operands, types_of(operands), [&] { return some(3); });
            for (const Value& v : then.graph->outputs()) results.push_back(v.type());
            const ir::Region other = region(nullptr, types_of(operands), [&] { return of_types(results); });
            operands.insert(operands.begin(), value_of_type({Dtype::boolean, {}}));
            return void(add(*ir::find_op("cond"), {operands, {then, other}}));
        }
        if (chance(20)) {
            const ir::Region body = region(&operands, types_of(operands), [&] { return some(3); });
            if (chance(50))
                add(*ir::find_op("checkpoint"), {operands, {body}});
            else
                with_rule(operands, body);
            return;
        }
        if (chance(25)) return count(std::move(operands));
        const std::vector<Type> carried = types_of(operands);
        std::vector<Type> parameters = carried;
        Dim length = pick(dims_);
        if (!fits({length * (limit_ / 40)})) length = 3;  // loops are short
        const std::int64_t sequences = number_below(3);
        for (std::int64_t i = 0; i < sequences; ++i) {
            const Shape slice = chance(60) ? Shape{pick(dims_)} : Shape{};
            const Dtype d = dtype_in(ir::any_dtype);
            const Type stack = ir::stack_type({d, slice}, length);
            if (!fits(stack.shape)) return;
            operands.push_back(value_of_type(stack));
            parameters.push_back({d, slice});
        }
        const ir::Region body = region(&operands, parameters, [&] {
            std::vector<Value> out = of_types(carried), ys = some(2);
            if (chance(80)) out.insert(out.end(), ys.begin(), ys.end());
            return out;
        });
        add(*ir::find_op("scan"),
            {operands, {body, Shape{length}, static_cast<std::int64_t>(carried.size()), sequences, chance(30)}});
    }

    // A body with a rule for its derivatives, which gives cotangents of some of the first float operands.
    void with_rule(const std::vector<Value>& operands, const ir::Region& body) {
        const auto is_float_type = [](const Type& t) { return is_float(t.dtype); };
        const std::vector<Type> given = types_of(operands);
        std::vector<Type> seen, floats;
        for (const Value& y : body.graph->outputs()) seen.push_back(y.type());
        std::ranges::copy_if(std::vector(seen), std::back_inserter(seen), is_float_type);
        seen.insert(seen.end(), given.begin(), given.end());
        std::ranges::copy_if(given, std::back_inserter(floats), is_float_type);
        floats.resize(static_cast<std::size_t>(below(random_, std::ssize(floats) + 1)));
        add(*ir::find_op("custom"), {operands, {body, region(nullptr, seen, [&] { return of_types(floats); })}});
    }

    // A while_loop that counts to a few, whatever else it does.
    void count(std::vector<Value> operands) {
        const auto number = [&](std::int64_t n) { return graph_->constant(ir::splat_literal(Dtype::i64, {}, n)); };
        operands.insert(operands.begin(), chance(50) ? number(0) : value_of_type({Dtype::i64, {}}));
        const std::vector<Type> carried = types_of(operands);
        const ir::Region body = region(&operands, carried, [&] {
            std::vector<Value> out = of_types(carried);
            const Value one = number(1), start = number(0), at = graph_->parameters()[0];
            const Value from = {&graph_->add(*ir::find_op("max"), {{at, start}}), 0};
            out[0] = {&graph_->add(*ir::find_op("add"), {{from, one}}), 0};
            return out;
        });
        const ir::Region condition = region(nullptr, types_of(operands), [&]() -> std::vector<Value> {
            const Value most = number(below(random_, 4)), at = graph_->parameters()[0];
            return {{&graph_->add(*ir::find_op("lt"), {{at, most}}), 0}};
        });
        add(*ir::find_op("while_loop"), {operands, {condition, body}});
    }

    // ---- the end

    void name_outputs() {
        std::vector<int> uses(graph_->nodes().size(), 0);
        for (const ir::Node& node : graph_->nodes())
            for (const Value& v : node.operands) ++uses[v.node->id];
        std::vector<Value> outputs;
        for (const ir::Node& node : graph_->nodes())
            for (std::uint32_t r = 0; r < node.results.size(); ++r) {
                const bool is_source = node.op->lowering == ir::Lowering::source;
                const int percent = is_source ? 3 : uses[node.id] == 0 ? 92 : 15;
                if (chance(percent)) outputs.push_back({&node, r});
            }
        if (outputs.empty()) outputs.push_back({&graph_->nodes().back(), 0});
        if (chance(5)) outputs.push_back(outputs.front());
        for (std::size_t i = 0; i < outputs.size(); ++i) graph_->add_output("y" + std::to_string(i), outputs[i]);
    }

    // Every symbol needs an input that says what it is.
    void bind_open_symbols() {
        for (ir::Symbol s = 0; s < graph_->symbols.size(); ++s) {
            bool known = false;
            for (const Value& v : graph_->parameters())
                for (Dim d : v.type().shape) known = known || d.as_symbol() == s;
            if (!known) parameter({Dtype::u8, Shape{Dim::symbol(s)}});
        }
    }

    RandomGraph finish() {
        RandomGraph out;
        for (std::size_t b = 0; b < bindings_.size(); ++b) {
            std::vector<Literal>& inputs = out.inputs.emplace_back();
            for (std::size_t i = 0; i < graph_->parameters().size(); ++i) {
                Type type = graph_->parameters()[i].type();
                for (std::size_t k = 0; k < type.shape.rank(); ++k) type.shape[k] = value_of(type.shape[k], b);
                const auto bound = std::ranges::find(bounds_, i, &Bound::parameter);
                inputs.push_back(bound == bounds_.end() ? random_literal(type, random_, specials_)
                                                        : random_indices(type, value_of(bound->bound, b), random_));
            }
        }
        for (const Bound& b : bounds_) out.indices.push_back(b.parameter);
        out.graph = std::move(graph_);
        return out;
    }

    bool crowded_ = false;  // many nodes, most of them elementwise
    std::vector<Region> regions_;
};

}  // namespace

RandomGraph random_graph(std::uint64_t seed, const RandomGraphOptions& options) {
    RandomGraph drawn = Generator(seed, options).run();
    return options.transforms ? transformed(std::move(drawn), seed) : std::move(drawn);
}

}  // namespace lathe::testing_support
