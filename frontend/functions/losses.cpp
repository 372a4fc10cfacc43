#include "frontend/functions/losses.h"

#include "frontend/tensor/record.h"
#include "ir/functions/losses.h"

namespace lathe {
namespace {

namespace f = ir::functions;
using detail::blaming;
using detail::LocScope;

}  // namespace

Tensor cross_entropy(const Tensor& logits, const Tensor& labels, CrossEntropyOptions options, Where where) {
    const LocScope scope(where, "cross_entropy", logits, labels);
    return blaming(where, "cross_entropy", [&] { return f::cross_entropy(logits, labels, options.ignore_index); });
}
Tensor mean_squared_error(const Tensor& prediction, const Tensor& target, Where where) {
    const LocScope scope(where, "mean_squared_error", prediction, target);
    return blaming(where, "mean_squared_error", [&] { return f::mean_squared_error(prediction, target); });
}

}  // namespace lathe
