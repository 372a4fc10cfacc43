#include "frontend/nn/linear.h"

#include "frontend/nn/layer.h"

namespace lathe::nn {
namespace {

using detail::blame;
using detail::LocScope;

void check(std::string_view layer, std::initializer_list<std::int64_t> features, Dtype dtype, Where where) {
    require_float_weights(layer, dtype, where);
    for (const std::int64_t n : features)
        if (n < 0) throw UserError(std::string(layer) + ": a number of features is negative", blame(where));
}

// An input whose last extent is that number, of the weights' dtype.
void require_input(std::string_view layer, const Tensor& x, Dim features, Dtype dtype) {
    const ir::Type& given = x.type();
    const std::size_t rank = given.shape.rank();
    const std::string name = detail::spoken(layer);
    if (rank == 0 || !ir::functions::may_be_equal(given.shape[rank - 1], features))
        throw TypeError(name + ": wants an input whose last extent is " + features.to_string() +
                            (rank == 0 ? "" : ", not " + given.shape[rank - 1].to_string()) + " (" + given.to_string() +
                            ")",
                        blame({}));
    if (given.dtype != dtype)
        throw TypeError(name + ": wants an input of " + std::string(ir::name(dtype)) +
                            ", as its weights are; convert it (" + given.to_string() + ")",
                        blame({}));
}

}  // namespace

Linear::Linear(std::int64_t inputs, std::int64_t outputs, LinearOptions options, Generator& random, Where where)
    : Module(OfLibrary{}) {
    const LocScope scope(where, "Linear");
    check("Linear", {inputs, outputs}, options.dtype, where);
    const auto fan = static_cast<double>(inputs);
    weight =
        register_parameter("weight", uniform_by_fan(random, {inputs, outputs}, fan, options.dtype), Layout::transposed);
    bias = register_parameter("bias", options.bias ? uniform_by_fan(random, {outputs}, fan, options.dtype) : Tensor());
}

Tensor Linear::forward(const Tensor& x) const {
    require_input("Linear", x, weight.type().shape[0], weight.dtype());
    const Tensor product = matmul(x, weight);
    return bias.is_empty() ? product : product + bias;
}

Bilinear::Bilinear(std::int64_t a_inputs, std::int64_t b_inputs, std::int64_t outputs, LinearOptions options,
                   Generator& random, Where where)
    : ModuleOf(OfLibrary{}) {
    const LocScope scope(where, "Bilinear");
    check("Bilinear", {a_inputs, b_inputs, outputs}, options.dtype, where);
    const auto fan = static_cast<double>(a_inputs);
    weight = register_parameter("weight", uniform_by_fan(random, {outputs, a_inputs, b_inputs}, fan, options.dtype));
    bias = register_parameter("bias", options.bias ? uniform_by_fan(random, {outputs}, fan, options.dtype) : Tensor());
}

Tensor Bilinear::forward(const Tensor& a, const Tensor& b) const {
    require_input("Bilinear", a, weight.type().shape[1], weight.dtype());
    require_input("Bilinear", b, weight.type().shape[2], weight.dtype());
    return bias.is_empty() ? bilinear(a, b, weight) : bilinear(a, b, weight, bias);
}

}  // namespace lathe::nn
