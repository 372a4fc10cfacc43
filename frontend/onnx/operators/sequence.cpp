// Sequences and optional values. How long a sequence is, and whether an optional value is there, is known while a model
// is imported; neither is left of them then.
#include <algorithm>

#include <fmt/format.h>

#include "frontend/functions/joining.h"
#include "frontend/functions/movement.h"
#include "frontend/onnx/operators.h"

namespace lathe::onnx {
namespace {

using Values = std::vector<Value>;

const Values& sequence(const NodeCall& c, std::size_t i) {
    const Value& v = c.value(i);
    if (!v.is_sequence()) c.refuse(fmt::format("operand {} is no sequence", i));
    return v.elements();
}
// What follows from whether there is such an element follows from the sequence, too.
Value element(const NodeCall& c, std::size_t i, std::size_t at) {
    Value v = c.value(i).elements()[at];
    v.set_origins(united(v.origins(), c.value(i).origins()));
    return v;
}
// Negative ones count from the end.
std::size_t position(const NodeCall& c, std::size_t i, std::size_t count) {
    const std::int64_t given = c.integer(i), n = static_cast<std::int64_t>(count);
    if (given < -n || given >= n) c.refuse(fmt::format("there is no position {} among {}", given, count));
    return static_cast<std::size_t>(given < 0 ? given + n : given);
}

Results empty(NodeCall& c) {
    static_cast<void>(c.dtype("dtype", Dtype::f32));
    return {Value::sequence({})};
}
Results construct(NodeCall& c) {
    Values elements;
    for (std::size_t i = 0; i < c.size(); ++i) {
        if (!c.value(i).is_tensor()) c.refuse(fmt::format("operand {} is no tensor", i));
        if (c.value(i).dtype() != c.value(0).dtype()) c.refuse("the operands' dtypes differ");
        elements.push_back(c.value(i));
    }
    return {Value::sequence(std::move(elements))};
}
Results length(NodeCall& c) { return {Value(KnownIntegers::scalar(static_cast<std::int64_t>(sequence(c, 0).size())))}; }
Results at(NodeCall& c) { return {element(c, 0, position(c, 1, sequence(c, 0).size()))}; }
Results insert(NodeCall& c) {
    Values elements = sequence(c, 0);
    if (!c.value(1).is_tensor()) c.refuse("operand 1 is no tensor");
    if (!elements.empty() && elements[0].dtype() != c.value(1).dtype())
        c.refuse("a tensor of another dtype than the sequence's");
    // Before the element that is there, or behind all of them.
    std::size_t place = elements.size();
    if (c.has(2) && c.integer(2) != static_cast<std::int64_t>(elements.size())) place = position(c, 2, elements.size());
    elements.insert(elements.begin() + static_cast<std::ptrdiff_t>(place), c.value(1));
    return {Value::sequence(std::move(elements))};
}
Results erase(NodeCall& c) {
    Values elements = sequence(c, 0);
    if (elements.empty()) c.refuse("the sequence is empty");
    const std::size_t place = c.has(1) ? position(c, 1, elements.size()) : elements.size() - 1;
    elements.erase(elements.begin() + static_cast<std::ptrdiff_t>(place));
    return {Value::sequence(std::move(elements))};
}

constexpr std::int64_t most_parts = 100'000;

Results split_up(NodeCall& c) {
    if (c.value(0).counted()) c.need_extent(0);
    const Tensor x = c[0];
    const std::int64_t axis = c.natural_axis(c.integer("axis", 0), x.rank());
    const Dim extent = x.type().shape[static_cast<std::size_t>(axis)];
    std::vector<Dim> sizes;
    if (c.has(1) && c.value(1).rank() == 1) {
        sizes = c.dims(1);
    } else {
        const std::int64_t size = c.has(1) ? c.integer(1) : 1;
        if (size < 1) c.refuse(fmt::format("parts of {} elements", size));
        if (!extent.is_constant()) c.refuse("how many parts there are follows from an extent that is not known");
        if (extent.constant() / size > most_parts) c.refuse(fmt::format("more than {} parts", most_parts));
        for (std::int64_t i = 0; i < extent.constant(); i += size)
            sizes.emplace_back(std::min(size, extent.constant() - i));
    }
    Dim all = 0;
    for (const Dim size : sizes) all += size;
    if (all.is_constant() && extent.is_constant() && all != extent)
        c.refuse(fmt::format("parts of {} elements together, of an extent of {}", all.constant(), extent.constant()));
    Values elements;
    for (const Tensor& part : split(x, sizes, axis))
        elements.emplace_back(c.has(1) || c.flag("keepdims", true) ? part : squeeze(part, {axis}));
    return {Value::sequence(std::move(elements))};
}

Results join(NodeCall& c) {
    std::vector<Tensor> parts;
    if (c.value(0).is_counted()) c.need_extent(0);
    for (const Value& v : sequence(c, 0)) parts.push_back(v.tensor());
    if (parts.empty()) c.refuse("the sequence is empty");
    const bool is_new = c.flag("new_axis");
    const std::int64_t axis = c.natural_axis(c.integer("axis"), parts[0].rank() + (is_new ? 1 : 0));
    return {is_new ? stack(parts, axis) : concat(parts, axis)};
}

Results map(NodeCall& c) {
    const std::size_t count = sequence(c, 0).size();
    std::vector<Values> results(c.result_count());
    for (std::size_t i = 0; i < count; ++i) {
        Values arguments;
        for (std::size_t k = 0; k < c.size(); ++k) {
            const bool is_sequence = c.value(k).is_sequence();
            if (is_sequence && c.value(k).elements().size() != count) c.refuse("the sequences differ in length");
            arguments.push_back(is_sequence ? element(c, k, i) : c.value(k));
        }
        Values of_one = c.run_body("body", arguments);
        if (of_one.size() < results.size()) c.refuse("the body has fewer results than the node");
        for (std::size_t k = 0; k < results.size(); ++k) results[k].push_back(std::move(of_one[k]));
    }
    Results sequences;
    for (Values& r : results) sequences.push_back(Value::sequence(std::move(r)));
    return sequences;
}

// ---- an optional value is the value, or left out

Results optional(NodeCall& c) {
    if (!c.has(0) && c.find("type") == nullptr) c.refuse("there is neither a value nor a type");
    return {c.has(0) ? c.value(0) : Value()};
}
Results optional_element(NodeCall& c) {
    if (!c.has(0)) c.refuse("the optional value is not there");
    return {c.value(0)};
}
Results has_element(NodeCall& c) { return {Tensor::scalar(c.has(0))}; }

constexpr auto rows =
    counting(Counts::by_itself, {
                                    {"ConcatFromSequence", join, Known::no, nullptr, nullptr, 11},
                                    {"Optional", optional, Known::no, nullptr, nullptr, 15},
                                    {"OptionalGetElement", optional_element, Known::no, nullptr, nullptr, 15},
                                    {"OptionalHasElement", has_element, Known::of_types, nullptr, nullptr, 15},
                                    {"SequenceAt", at, Known::no, nullptr, nullptr, 11},
                                    {"SequenceConstruct", construct, Known::no, nullptr, nullptr, 11},
                                    {"SequenceEmpty", empty, Known::no, nullptr, nullptr, 11},
                                    {"SequenceErase", erase, Known::no, nullptr, nullptr, 11},
                                    {"SequenceInsert", insert, Known::no, nullptr, nullptr, 11},
                                    {"SequenceLength", length, Known::of_types, nullptr, nullptr, 11},
                                    {"SequenceMap", map, Known::no, nullptr, nullptr, 17},
                                    {"SplitToSequence", split_up, Known::no, nullptr, nullptr, 11},
                                });

}  // namespace

Operators sequence_operators() { return rows; }

}  // namespace lathe::onnx
