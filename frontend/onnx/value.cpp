#include "frontend/onnx/value.h"

#include <algorithm>
#include <iterator>

#include "frontend/functions/creation.h"
#include "frontend/functions/elementwise.h"
#include "frontend/functions/joining.h"
#include "frontend/functions/movement.h"

namespace lathe::onnx {
namespace {

Tensor recorded(const KnownIntegers& known) {
    if (std::ranges::all_of(known.elements, [](Dim d) { return d.is_constant(); })) {
        std::vector<std::int64_t> numbers;
        for (const Dim d : known.elements) numbers.push_back(d.constant());
        return convert(Tensor::from(numbers, known.shape), known.dtype);
    }
    std::vector<Tensor> parts;
    for (const Dim d : known.elements) parts.push_back(arange(d, d + 1, 1, known.dtype));
    return reshape(concat(parts, 0), Shape(std::vector<Dim>(known.shape.begin(), known.shape.end())));
}

}  // namespace

const Tensor& Value::tensor() const {
    if (tensor_.is_empty() && known_) tensor_ = recorded(*known_);
    return tensor_;
}

std::size_t Value::rank() const { return known_ ? known_->shape.size() : tensor_.rank(); }
Dtype Value::dtype() const { return known_ ? known_->dtype : tensor_.dtype(); }

bool Value::is_counted() const { return counted_ || std::ranges::any_of(elements_, &Value::is_counted); }

Origins united(const Origins& a, const Origins& b) {
    if (a.empty()) return b;
    Origins out;
    std::ranges::set_union(a, b, std::back_inserter(out));
    return out;
}

}  // namespace lathe::onnx
