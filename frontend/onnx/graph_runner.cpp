#include "frontend/onnx/graph_runner.h"

#include <algorithm>

#include <fmt/format.h>

#include "frontend/functions/elementwise.h"
#include "frontend/onnx/counted.h"
#include "frontend/tensor/blame.h"
#include "frontend/tensor/node.h"
#include "ir/error.h"

namespace lathe::onnx {
namespace {

constexpr std::size_t deepest = 32;            // graphs and functions within each other
constexpr std::size_t most_nodes = 1'000'000;  // that functions and unrolled loops are made of
constexpr std::size_t most_known = 4096;       // elements: a shape has few

bool is_data(Known rule, std::size_t operand) {
    return rule == Known::moves_all || (rule == Known::moves_first && operand == 0) ||
           (rule == Known::moves_rest && operand > 0);
}

bool counts(Dtype d) { return d == Dtype::i64 || d == Dtype::i32; }

// Integers that are known: those that already are, and constants.
std::optional<KnownIntegers> known_integers(const Value& v) {
    if (v.known()) return v.known();
    if (!v.is_tensor() || !v.is_constant() || v.counted() || !counts(v.dtype())) return {};
    const Tensor& t = v.tensor();
    if (t.node()->symbolic) return {};
    for (const Dim d : t.type().shape)
        if (!d.is_constant()) return {};
    if (t.size() > static_cast<std::int64_t>(most_known)) return {};
    const std::vector<std::int64_t> numbers = convert(t, Dtype::i64).to_vector<std::int64_t>();
    return KnownIntegers{t.dtype(), t.shape(), {numbers.begin(), numbers.end()}};
}

// An operator that moves elements moves known integers as it moves their positions.
std::optional<Results> moved(const Operator& row, const Node& node, std::int64_t opset, std::span<const Value> operands,
                             ir::Loc loc, Surroundings& surroundings) {
    std::vector<Dim> elements;
    std::vector<Value> positions(operands.begin(), operands.end());
    Dtype dtype = Dtype::i64;
    bool any = false;
    for (std::size_t i = 0; i < operands.size(); ++i) {
        if (!is_data(row.known, i) || operands[i].is_missing()) continue;
        const std::optional<KnownIntegers> known = known_integers(operands[i]);
        if (!known) return {};
        any = any || operands[i].known().has_value();
        dtype = known->dtype;
        std::vector<std::int64_t> places(known->elements.size());
        for (std::size_t k = 0; k < places.size(); ++k) places[k] = static_cast<std::int64_t>(elements.size() + k);
        elements.insert(elements.end(), known->elements.begin(), known->elements.end());
        positions[i] = Tensor::from(places, known->shape);
    }
    if (!any || elements.size() > most_known) return {};
    for (std::size_t i = 0; i < operands.size(); ++i)
        if (!is_data(row.known, i) && !operands[i].is_missing() && !operands[i].is_constant() && !operands[i].known())
            return {};
    NodeCall call(node, opset, positions, loc, surroundings);
    Results results = row.record(call);
    for (Value& r : results) {
        if (r.is_missing()) continue;
        if (!r.is_tensor()) return {};
        KnownIntegers known{dtype, r.tensor().shape(), {}};
        for (const std::int64_t p : r.tensor().to_vector<std::int64_t>())
            known.elements.push_back(elements.at(static_cast<std::size_t>(p)));
        r = std::move(known);
    }
    return results;
}

// An operator that computes element by element, on operands of one shape, or single numbers.
std::optional<Results> computed(const Operator& row, std::span<const Value> operands) {
    std::vector<KnownIntegers> all;
    bool any = false;
    for (const Value& v : operands) {
        std::optional<KnownIntegers> known = known_integers(v);
        if (!known) return {};
        any = any || v.known().has_value();
        all.push_back(std::move(*known));
    }
    if (!any || all.empty()) return {};
    KnownIntegers result = all[0];
    if (row.of_one != nullptr) {
        std::ranges::transform(result.elements, result.elements.begin(), row.of_one);
        return Results{Value(std::move(result))};
    }
    const auto element = [](const KnownIntegers& k, std::size_t i) {
        return k.elements[k.elements.size() == 1 ? 0 : i];
    };
    for (std::size_t i = 1; i < all.size(); ++i) {
        const KnownIntegers& other = all[i];
        const std::size_t a = result.elements.size(), b = other.elements.size();
        // The one whose shape the other has, or broadcasts to.
        const bool is_other = b > a || (b == a && other.shape.size() > result.shape.size());
        const KnownIntegers &whole = is_other ? other : result, &part = is_other ? result : other;
        if ((a != b && a != 1 && b != 1) || part.shape.size() > whole.shape.size()) return {};
        KnownIntegers next{whole.dtype, whole.shape, {}};
        for (std::size_t k = 0; k < whole.elements.size(); ++k)
            next.elements.push_back(row.of_two(element(result, k), element(other, k)));
        result = std::move(next);
    }
    return Results{Value(std::move(result))};
}

}  // namespace

void GraphRunner::add_initializers(const Graph& graph, Scope& scope) {
    if (!graph.sparse_initializers.empty()) throw Malformed("sparse initializers are not supported");
    for (const Bytes tensor : graph.initializers) {
        const std::string_view name = read_tensor_header(tensor).name;
        if (!scope.initializers.emplace(name, tensor).second)
            throw Malformed("two initializers are called '" + ir::printable_line(std::string(name)) + "'");
    }
}

const Value& GraphRunner::look_up(std::string_view name, Scope& scope, ir::Loc loc) {
    for (Scope* s = &scope; s != nullptr; s = s->outer) {
        auto found = s->values.find(name);
        if (found == s->values.end()) {
            const auto initializer = s->initializers.find(name);
            if (initializer == s->initializers.end()) continue;
            const auto [weight, is_new] = tensors_.try_emplace(initializer->second.data());
            if (is_new) {
                // One copy of the file's bytes: the tensor borrows what becomes the model's weight.
                const auto array = std::make_shared<Array>(source_.read(initializer->second));
                weight->second = Tensor::borrow_as(array->dtype, array->bytes.data(), array->shape, {}, array);
                weights_.emplace_back(std::string(name), weight->second);
                elements_.emplace(weight->second.node().get(), array);
            }
            found = s->values.emplace(name, Value(weight->second)).first;
        }
        for (Scope* inner = &scope; inner != s; inner = inner->outer)
            inner->captured = united(inner->captured, found->second.origins());
        return found->second;
    }
    throw FormatError("nothing before this node computes '" + ir::printable_line(std::string(name)) + "'", loc);
}

void GraphRunner::resolve_references(Node& node, const Scope& scope) const {
    for (Attribute& a : node.attributes) {
        if (a.reference.empty()) continue;
        if (scope.function == nullptr) throw Malformed("an attribute refers to a function's, but is in none");
        const auto found = std::ranges::find(scope.function->attributes, a.reference, &Attribute::name);
        const std::string_view name = a.name;
        if (found != scope.function->attributes.end())
            a = *found;
        else
            a.type = Attribute::Type::undefined;  // left out
        a.name = name;
    }
    std::erase_if(node.attributes, [](const Attribute& a) { return a.type == Attribute::Type::undefined; });
}

// Loops go on after a body that failed: another way to record it may do.
class GraphRunner::Nesting {
public:
    explicit Nesting(GraphRunner& runner) : runner_(runner), depth_(runner.depth_), current_(runner.current_) {
        if (++runner.depth_ > deepest) throw Malformed("graphs are nested too deeply");
    }
    ~Nesting() {
        runner_.depth_ = depth_;
        runner_.current_ = current_;
    }
    Nesting(const Nesting&) = delete;
    Nesting& operator=(const Nesting&) = delete;

private:
    GraphRunner& runner_;
    std::size_t depth_;
    Scope* current_;
};

Results GraphRunner::call_function(const Function& function, const Node& node, std::span<const Value> operands) {
    FunctionCall of_function{function.opsets, node.attributes};
    for (const Bytes d : function.defaults) {
        const Attribute attribute = read_attribute(d);
        if (std::ranges::find(of_function.attributes, attribute.name, &Attribute::name) == of_function.attributes.end())
            of_function.attributes.push_back(attribute);
    }
    Scope inner{nullptr, &of_function, {}, {}, {}};
    for (std::size_t i = 0; i < function.inputs.size(); ++i)
        inner.values[function.inputs[i]] = i < operands.size() ? operands[i] : Value();
    const Nesting nesting(*this);
    run_nodes(function.nodes, inner);
    Results results;
    for (const std::string_view name : function.outputs) results.push_back(look_up(name, inner, {}));
    return results;
}

Results GraphRunner::call(const Operator& row, const Node& node, std::span<const Value> operands, Scope& scope,
                          ir::Loc loc) {
    const std::int64_t opset = opset_of(node.domain, opsets(scope));
    const bool moves = row.known != Known::no && row.known != Known::of_types;
    if (moves)
        if (std::optional<Results> results = moved(row, node, opset, operands, loc, *this)) return std::move(*results);
    if (row.of_one != nullptr || row.of_two != nullptr)
        if (std::optional<Results> results = computed(row, operands)) return std::move(*results);
    NodeCall call(node, opset, operands, loc, *this);
    if (row.counts == Counts::no)
        for (std::size_t i = 0; i < operands.size(); ++i)
            if (operands[i].is_counted()) call.need_extent(i);
    if (row.counts != Counts::by_elements) return row.record(call);
    const std::optional<Counted> counted = counted_by_elements(call);
    Results results = row.record(call);
    if (counted)
        for (Value& r : results) r.set_counted(counted);
    return results;
}

void GraphRunner::run_node(const Node& node, Scope& scope, ir::Loc loc) {
    if (++nodes_run_ > most_nodes) throw Malformed("functions and loops are made of too many nodes");
    current_ = &scope;
    std::vector<Value> operands;
    Origins origins;
    for (const std::string_view name : node.inputs) {
        operands.push_back(name.empty() ? Value() : look_up(name, scope, loc));
        origins = united(origins, operands.back().origins());
    }
    const Source::Callee callee = source_.find(node.domain, node.op, opsets(scope));
    const Origins outside = std::move(captured_);
    captured_ = {};
    Results results;
    if (callee.function != nullptr) {
        results = call_function(*callee.function, node, operands);
    } else {
        if (callee.row == nullptr) throw FormatError(fmt::format("{} is not supported", node.op), loc);
        const detail::LocScope here(loc);
        results = call(*callee.row, node, operands, scope, loc);
        origins = united(origins, captured_);
        if (callee.row->known == Known::of_types && std::ranges::none_of(operands, &Value::is_counted)) origins = {};
    }
    captured_ = outside;
    current_ = &scope;
    for (std::size_t i = 0; i < node.outputs.size(); ++i) {
        const std::string_view name = node.outputs[i];
        if (name.empty()) continue;
        if (i >= results.size()) throw FormatError(fmt::format("{}: result {} is not supported", node.op, i), loc);
        if (callee.row != nullptr) results[i].set_origins(origins);
        if (!scope.values.emplace(name, std::move(results[i])).second)
            throw FormatError("'" + ir::printable_line(std::string(name)) + "' is computed twice", loc);
    }
}

void GraphRunner::run_nodes(std::span<const Bytes> nodes, Scope& scope) {
    std::uint32_t number = 0;
    for (const Bytes bytes : nodes) {
        Node node = read_node(bytes);
        resolve_references(node, scope);
        const ir::Loc loc =
            ir::Loc::of(source_.path(), ++number, ir::Loc::context(ir::printable_line(std::string(node.name)), {}));
        try {
            run_node(node, scope, loc);
        } catch (const Malformed& e) {
            throw FormatError(fmt::format("{}: {}", node.op, e.what()), loc);
        } catch (const FormatError&) {
            throw;
        } catch (const UserError& e) {  // types that do not fit: the file's mistake, not the caller's
            throw FormatError(fmt::format("{}: {}", node.op, e.message()), loc);
        }
    }
}

std::vector<Value> GraphRunner::run_body(Bytes bytes, std::span<const Value> arguments) {
    const Graph graph = read_graph(bytes);
    const Nesting nesting(*this);
    Scope scope{current_, current_->function, {}, {}, {}};
    add_initializers(graph, scope);
    if (graph.inputs.size() != arguments.size())
        throw Malformed(fmt::format("a graph within takes {} values, not {}", graph.inputs.size(), arguments.size()));
    for (std::size_t i = 0; i < arguments.size(); ++i)
        scope.values[read_value_info(graph.inputs[i]).name] = arguments[i];
    run_nodes(graph.nodes, scope);
    std::vector<Value> results;
    for (const Bytes output : graph.outputs) results.push_back(look_up(read_value_info(output).name, scope, {}));
    captured_ = united(captured_, scope.captured);
    return results;
}

std::optional<Array> GraphRunner::take_weight(const Tensor& weight) {
    const auto found = elements_.find(weight.node().get());
    if (found == elements_.end()) return {};
    return std::move(*found->second);  // the elements stay where they are
}

std::vector<Value> GraphRunner::run(const Graph& graph, std::unordered_map<std::string_view, Value> inputs) {
    Scope scope{nullptr, nullptr, std::move(inputs), {}, {}};
    add_initializers(graph, scope);
    run_nodes(graph.nodes, scope);
    std::vector<Value> results;
    for (const Bytes output : graph.outputs) results.push_back(look_up(read_value_info(output).name, scope, {}));
    return results;
}

}  // namespace lathe::onnx
