#include "frontend/onnx/operators.h"

#include <unordered_map>

namespace lathe::onnx {
namespace {

using Rows = std::unordered_multimap<std::string_view, const Operator*>;
const Rows& rows_by_name() {
    static const Rows& rows = *new Rows([] {  // never destroyed
        Rows all;
        for (const Operators family :
             {elementwise_operators(), activation_operators(), reduction_operators(),     shape_operators(),
              movement_operators(),    indexing_operators(),   creation_operators(),      product_operators(),
              convolution_operators(), pooling_operators(),    normalization_operators(), resize_operators(),
              recurrent_operators(),   control_operators(),    sequence_operators(),      quantization_operators(),
              signal_operators(),      attention_operators(),  loss_operators(),          search_operators()})
            for (const Operator& row : family) all.emplace(row.name, &row);
        return all;
    }());
    return rows;
}

}  // namespace

const Operator* find_operator(std::string_view domain, std::string_view name, std::int64_t opset) {
    const auto [first, last] = rows_by_name().equal_range(name);
    for (auto i = first; i != last; ++i)
        if (i->second->domain == plain_domain(domain) && opset >= i->second->since && opset <= i->second->until)
            return i->second;
    return nullptr;
}

}  // namespace lathe::onnx
