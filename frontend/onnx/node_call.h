// One node of an ONNX graph, as the function sees it that records what the node computes.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "frontend/onnx/proto.h"
#include "frontend/onnx/value.h"
#include "ir/error.h"
#include "ir/loc.h"

namespace lathe::onnx {

// Values of inputs have to be known while the model is imported: shapes, axes and the like.
struct NeedsInputs {
    Origins inputs;
    std::string message;  // of the node that wants them
    ir::Loc loc;
    bool as_extents = false;  // symbols would do
};

// Likewise, but they change from one call of a loop's body to the next: none has a value that could be given.
class NeedsChanging : public FormatError {
    using FormatError::FormatError;
};

// What a node needs of the graph that it stands in.
class Surroundings {
public:
    virtual ~Surroundings() = default;
    virtual Array read(Bytes tensor) = 0;
    // The results of a graph within this one, whose nodes see what is around it.
    virtual std::vector<Value> run_body(Bytes graph, std::span<const Value> arguments) = 0;
};

class NodeCall {
public:
    NodeCall(const Node& node, std::int64_t opset, std::span<const Value> operands, ir::Loc loc,
             Surroundings& surroundings)
        : node_(node), opset_(opset), operands_(operands), loc_(loc), surroundings_(surroundings) {}

    std::string_view op() const { return node_.op; }
    std::int64_t opset() const { return opset_; }
    // "Conv: why", at this node. A FormatError: the model is wrong, or says what is not supported.
    [[noreturn]] void refuse(const std::string& why) const;
    ir::Loc loc() const { return loc_; }

    // ---- operands

    std::size_t size() const { return operands_.size(); }
    bool has(std::size_t i) const { return i < operands_.size() && !operands_[i].is_missing(); }
    const Value& value(std::size_t i) const;  // not left out
    const Tensor& operator[](std::size_t i) const;
    // An empty tensor where it was left out.
    Tensor optional(std::size_t i) const { return has(i) ? (*this)[i] : Tensor(); }
    // Its elements can be asked for now. Throws as need() where they cannot.
    const Tensor& constant(std::size_t i) const;
    // The elements, which have to be known now. Throws NeedsInputs where they follow from inputs.
    std::vector<std::int64_t> integers(std::size_t i) const;
    std::vector<double> numbers(std::size_t i) const;
    std::vector<Dim> dims(std::size_t i) const;  // also of symbols
    // Says that they have to be known, be it as symbols, where they are not.
    [[noreturn]] void need_dims(std::size_t i) const;
    Shape shape(std::size_t i) const;
    // The only element.
    std::int64_t integer(std::size_t i) const;
    double number(std::size_t i) const;
    Dim dim(std::size_t i) const;
    // Says that the elements have to be known, where they are not: those of an operand, or of what a body computes.
    [[noreturn]] void need(std::size_t i) const;
    [[noreturn]] void need(const Value& v, const std::string& what) const;
    // Says that the values have to be known that decide how long an operand is.
    [[noreturn]] void need_extent(std::size_t i) const;

    // ---- attributes

    const Attribute* find(std::string_view name) const;
    std::int64_t integer(std::string_view name, std::int64_t otherwise) const;
    std::int64_t integer(std::string_view name) const;  // refuses where there is none
    bool flag(std::string_view name, bool otherwise = false) const { return integer(name, otherwise ? 1 : 0) != 0; }
    double number(std::string_view name, double otherwise) const;
    std::string text(std::string_view name, std::string_view otherwise) const;
    std::vector<std::string_view> texts(std::string_view name) const;
    // None: there is no such attribute.
    std::optional<std::vector<std::int64_t>> integers(std::string_view name) const;
    std::optional<std::vector<double>> numbers(std::string_view name) const;
    std::optional<Array> array(std::string_view name) const;
    // A dtype by ONNX's number, as of the attribute `to`.
    Dtype dtype(std::string_view name, Dtype otherwise) const;

    // ---- results

    std::size_t result_count() const { return node_.outputs.size(); }
    bool wants(std::size_t i) const { return i < node_.outputs.size() && !node_.outputs[i].empty(); }

    // ---- graphs within

    std::vector<Value> run_body(std::string_view attribute, std::span<const Value> arguments) const;

    // Axes counted from the front; refuses those that there are not, and those that occur twice.
    std::int64_t natural_axis(std::int64_t axis, std::size_t rank) const;
    std::vector<std::int64_t> natural_axes(std::vector<std::int64_t> axes, std::size_t rank) const;
    void require_floats(std::size_t i) const;

private:
    const Attribute* find(std::string_view name, Attribute::Type type) const;

    const Node& node_;
    std::int64_t opset_;
    std::span<const Value> operands_;
    ir::Loc loc_;
    Surroundings& surroundings_;
};

// Axes, sizes and the like were attributes before they became operands: whichever is there.
std::optional<std::vector<std::int64_t>> integers_of(const NodeCall& call, std::size_t operand,
                                                     std::string_view attribute);

}  // namespace lathe::onnx
