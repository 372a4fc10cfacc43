// What the names of an ONNX graph stand for while it is imported.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "frontend/tensor/tensor.h"

namespace lathe::onnx {

// Integers that are known while a graph is imported: numbers, and symbols for extents that are not known yet. What
// computes shapes works on them, so that a shape never becomes data.
struct KnownIntegers {
    Dtype dtype = Dtype::i64;
    std::vector<std::int64_t> shape;
    std::vector<Dim> elements;  // row-major

    static KnownIntegers vector(std::vector<Dim> elements) {
        return {Dtype::i64, {static_cast<std::int64_t>(elements.size())}, std::move(elements)};
    }
    static KnownIntegers scalar(Dim d) { return {Dtype::i64, {}, {d}}; }
};

// The inputs of the model that a value follows from, by number, ascending. A value that follows from none is constant.
using Origins = std::vector<std::uint32_t>;
// Stands for what changes from one call of a loop's body to the next: nobody can name its value in advance.
inline constexpr std::uint32_t changing = UINT32_MAX;

// What DequantizeLinear makes a tensor of: (bytes - zero) * scale. One scale and one zero, or one for each index of an
// axis; an empty zero is 0.
struct Dequantized {
    Tensor bytes, scale, zero;
    std::int64_t axis = 0;
};

// Values decide how long a tensor is along an axis, as of what NonZero finds: it has as many elements there as there
// may be, of which the first ones count. What is behind them is anything. Counts are equal if they are one tensor.
struct Counted {
    std::size_t axis = 0;
    Tensor count;  // i64, of rank 0
};

class Value {
public:
    Value() = default;                                                         // left out
    Value(Tensor tensor) : tensor_(std::move(tensor)), kind_(Kind::tensor) {}  // NOLINT(google-explicit-constructor)
    Value(KnownIntegers known)                                                 // NOLINT(google-explicit-constructor)
        : known_(std::move(known)), kind_(Kind::tensor) {}
    static Value sequence(std::vector<Value> elements) {
        Value v;
        v.elements_ = std::move(elements);
        v.kind_ = Kind::sequence;
        return v;
    }

    bool is_missing() const { return kind_ == Kind::missing; }
    bool is_tensor() const { return kind_ == Kind::tensor; }
    bool is_sequence() const { return kind_ == Kind::sequence; }

    // Integers that are known so far are recorded as a tensor where one is wanted.
    const Tensor& tensor() const;
    const std::optional<KnownIntegers>& known() const { return known_; }
    std::size_t rank() const;
    Dtype dtype() const;
    const std::vector<Value>& elements() const { return elements_; }  // of a sequence

    const std::optional<Counted>& counted() const { return counted_; }
    void set_counted(std::optional<Counted> counted) { counted_ = std::move(counted); }
    // Or an element is, of a sequence.
    bool is_counted() const;

    const Origins& origins() const { return origins_; }
    void set_origins(Origins origins) { origins_ = std::move(origins); }
    bool is_constant() const { return origins_.empty(); }

    // Null where it is none: products of such are ones of integers.
    const Dequantized* dequantized() const { return dequantized_.get(); }
    void set_dequantized(Dequantized parts) { dequantized_ = std::make_shared<const Dequantized>(std::move(parts)); }

private:
    enum class Kind : std::uint8_t { missing, tensor, sequence };
    mutable Tensor tensor_;
    std::optional<KnownIntegers> known_;
    std::vector<Value> elements_;
    std::optional<Counted> counted_;
    Origins origins_;
    std::shared_ptr<const Dequantized> dequantized_;
    Kind kind_ = Kind::missing;
};

Origins united(const Origins& a, const Origins& b);

}  // namespace lathe::onnx
