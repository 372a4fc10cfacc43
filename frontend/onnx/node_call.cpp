#include "frontend/onnx/node_call.h"

#include <algorithm>

#include <fmt/format.h>

#include "frontend/functions/elementwise.h"
#include "frontend/tensor/node.h"
#include "ir/error.h"

namespace lathe::onnx {

void NodeCall::refuse(const std::string& why) const { throw FormatError(fmt::format("{}: {}", op(), why), loc_); }

const Value& NodeCall::value(std::size_t i) const {
    if (!has(i)) refuse(fmt::format("operand {} is missing", i));
    return operands_[i];
}

const Tensor& NodeCall::operator[](std::size_t i) const {
    const Value& v = value(i);
    if (!v.is_tensor()) refuse(fmt::format("operand {} is no tensor", i));
    return v.tensor();
}

const Tensor& NodeCall::constant(std::size_t i) const {
    const Tensor& t = (*this)[i];
    if (!value(i).is_constant() || t.node()->symbolic) need(i);
    return t;
}

void NodeCall::need(std::size_t i) const { need(value(i), fmt::format("operand {}", i)); }
void NodeCall::need_extent(std::size_t i) const {
    need(value(i), fmt::format("operand {}, whose extent follows from values,", i));
}
void NodeCall::need(const Value& v, const std::string& what) const {
    const std::string why = fmt::format("{}: {} has to be known when the model is imported", op(), what);
    if (v.origins().empty()) throw FormatError(why, loc_);
    if (v.origins().back() == changing) throw NeedsChanging(why, loc_);
    throw NeedsInputs{v.origins(), why, loc_};
}

void NodeCall::need_dims(std::size_t i) const {
    try {
        need(i);
    } catch (NeedsInputs& needs) {
        needs.as_extents = true;
        throw;
    }
}

std::vector<Dim> NodeCall::dims(std::size_t i) const {
    const Value& v = value(i);
    if (v.known()) return v.known()->elements;
    if (!v.is_constant()) need_dims(i);
    const std::vector<std::int64_t> numbers = convert(constant(i), Dtype::i64).to_vector<std::int64_t>();
    return {numbers.begin(), numbers.end()};
}

std::vector<std::int64_t> NodeCall::integers(std::size_t i) const {
    if (!value(i).known()) static_cast<void>(constant(i));
    std::vector<std::int64_t> numbers;
    for (const Dim d : dims(i)) {
        if (!d.is_constant()) refuse(fmt::format("operand {} follows from extents that are not known", i));
        numbers.push_back(d.constant());
    }
    return numbers;
}

std::vector<double> NodeCall::numbers(std::size_t i) const {
    const Value& v = value(i);
    if (v.known()) {
        const std::vector<std::int64_t> known = integers(i);
        return {known.begin(), known.end()};
    }
    return convert(constant(i), Dtype::f64).to_vector<double>();
}

Shape NodeCall::shape(std::size_t i) const {
    const std::vector<Dim> extents = dims(i);
    if (extents.size() > ir::max_rank)
        refuse(fmt::format("a shape of {} dimensions, more than {}", extents.size(), ir::max_rank));
    return Shape(extents);
}

Dim NodeCall::dim(std::size_t i) const {
    const std::vector<Dim> all = dims(i);
    if (all.size() != 1) refuse(fmt::format("operand {} has {} elements, not one", i, all.size()));
    return all[0];
}
std::int64_t NodeCall::integer(std::size_t i) const {
    const std::vector<std::int64_t> all = integers(i);
    if (all.size() != 1) refuse(fmt::format("operand {} has {} elements, not one", i, all.size()));
    return all[0];
}
double NodeCall::number(std::size_t i) const {
    const std::vector<double> all = numbers(i);
    if (all.size() != 1) refuse(fmt::format("operand {} has {} elements, not one", i, all.size()));
    return all[0];
}

const Attribute* NodeCall::find(std::string_view name) const {
    const auto found = std::ranges::find(node_.attributes, name, &Attribute::name);
    return found == node_.attributes.end() ? nullptr : &*found;
}
const Attribute* NodeCall::find(std::string_view name, Attribute::Type type) const {
    const Attribute* const a = find(name);
    if (a != nullptr && a->type != type) refuse(fmt::format("the attribute {} has another type than its own", name));
    return a;
}

std::int64_t NodeCall::integer(std::string_view name, std::int64_t otherwise) const {
    const Attribute* const a = find(name, Attribute::Type::integer);
    return a == nullptr ? otherwise : a->integer;
}
std::int64_t NodeCall::integer(std::string_view name) const {
    if (find(name) == nullptr) refuse(fmt::format("the attribute {} is missing", name));
    return integer(name, 0);
}
double NodeCall::number(std::string_view name, double otherwise) const {
    const Attribute* const a = find(name, Attribute::Type::number);
    return a == nullptr ? otherwise : static_cast<double>(a->number);
}
std::string NodeCall::text(std::string_view name, std::string_view otherwise) const {
    const Attribute* const a = find(name, Attribute::Type::text);
    return std::string(a == nullptr ? otherwise : a->text);
}
std::vector<std::string_view> NodeCall::texts(std::string_view name) const {
    const Attribute* const a = find(name, Attribute::Type::texts);
    return a == nullptr ? std::vector<std::string_view>() : a->texts;
}
std::optional<std::vector<std::int64_t>> NodeCall::integers(std::string_view name) const {
    const Attribute* const a = find(name, Attribute::Type::integers);
    return a == nullptr ? std::nullopt : std::optional(a->integers);
}
std::optional<std::vector<double>> NodeCall::numbers(std::string_view name) const {
    const Attribute* const a = find(name, Attribute::Type::numbers);
    return a == nullptr ? std::nullopt : std::optional(std::vector<double>(a->numbers.begin(), a->numbers.end()));
}
std::optional<Array> NodeCall::array(std::string_view name) const {
    const Attribute* const a = find(name, Attribute::Type::tensor);
    return a == nullptr ? std::nullopt : std::optional(surroundings_.read(a->tensor));
}
Dtype NodeCall::dtype(std::string_view name, Dtype otherwise) const {
    const std::int64_t type = integer(name, data_type_of(otherwise));
    const std::optional<Dtype> dtype = dtype_of(type);
    if (!dtype) refuse(fmt::format("{} is not supported", data_type_name(type)));
    return *dtype;
}

std::vector<Value> NodeCall::run_body(std::string_view attribute, std::span<const Value> arguments) const {
    const Attribute* const a = find(attribute, Attribute::Type::graph);
    if (a == nullptr) refuse(fmt::format("the attribute {} is missing", attribute));
    return surroundings_.run_body(a->graph, arguments);
}

std::int64_t NodeCall::natural_axis(std::int64_t axis, std::size_t rank) const {
    const auto n = static_cast<std::int64_t>(rank);
    if (axis < -n || axis >= n) refuse(fmt::format("there is no axis {} in {} dimensions", axis, rank));
    return axis < 0 ? axis + n : axis;
}

std::vector<std::int64_t> NodeCall::natural_axes(std::vector<std::int64_t> axes, std::size_t rank) const {
    for (std::int64_t& axis : axes) axis = natural_axis(axis, rank);
    std::vector<std::int64_t> sorted = axes;
    std::ranges::sort(sorted);
    if (std::ranges::adjacent_find(sorted) != sorted.end()) refuse("an axis occurs twice");
    return axes;
}

void NodeCall::require_floats(std::size_t i) const {
    if (!ir::is_float((*this)[i].dtype())) refuse(fmt::format("operand {} is no tensor of floats", i));
}

std::optional<std::vector<std::int64_t>> integers_of(const NodeCall& call, std::size_t operand,
                                                     std::string_view attribute) {
    if (call.has(operand)) return call.integers(operand);
    return call.integers(attribute);
}

}  // namespace lathe::onnx
