// The peer's elementwise functions and reductions by name, in the form that writes to a given result, where it has one.
#include <stdexcept>
#include <string_view>

#include "bench/torch_work.h"

namespace peer {
namespace {

using at::Tensor;

struct Unary {
    std::string_view name;
    Tensor (*run)(Tensor& out, const Tensor& x);
    at::ScalarType result = torch::kFloat32;
};
const Unary unaries[] = {
    {"abs", [](Tensor& o, const Tensor& x) { return at::abs_out(o, x); }},
    {"neg", [](Tensor& o, const Tensor& x) { return at::neg_out(o, x); }},
    {"sign", [](Tensor& o, const Tensor& x) { return at::sign_out(o, x); }},
    {"floor", [](Tensor& o, const Tensor& x) { return at::floor_out(o, x); }},
    {"ceil", [](Tensor& o, const Tensor& x) { return at::ceil_out(o, x); }},
    {"round", [](Tensor& o, const Tensor& x) { return at::round_out(o, x); }},
    {"trunc", [](Tensor& o, const Tensor& x) { return at::trunc_out(o, x); }},
    {"sqrt", [](Tensor& o, const Tensor& x) { return at::sqrt_out(o, x); }},
    {"rsqrt", [](Tensor& o, const Tensor& x) { return at::rsqrt_out(o, x); }},
    {"reciprocal", [](Tensor& o, const Tensor& x) { return at::reciprocal_out(o, x); }},
    {"square", [](Tensor& o, const Tensor& x) { return at::mul_out(o, x, x); }},
    {"exp", [](Tensor& o, const Tensor& x) { return at::exp_out(o, x); }},
    {"exp2", [](Tensor& o, const Tensor& x) { return at::exp2_out(o, x); }},
    {"expm1", [](Tensor& o, const Tensor& x) { return at::expm1_out(o, x); }},
    {"log", [](Tensor& o, const Tensor& x) { return at::log_out(o, x); }},
    {"log2", [](Tensor& o, const Tensor& x) { return at::log2_out(o, x); }},
    {"log10", [](Tensor& o, const Tensor& x) { return at::log10_out(o, x); }},
    {"log1p", [](Tensor& o, const Tensor& x) { return at::log1p_out(o, x); }},
    {"sin", [](Tensor& o, const Tensor& x) { return at::sin_out(o, x); }},
    {"cos", [](Tensor& o, const Tensor& x) { return at::cos_out(o, x); }},
    {"tan", [](Tensor& o, const Tensor& x) { return at::tan_out(o, x); }},
    {"asin", [](Tensor& o, const Tensor& x) { return at::asin_out(o, x); }},
    {"acos", [](Tensor& o, const Tensor& x) { return at::acos_out(o, x); }},
    {"atan", [](Tensor& o, const Tensor& x) { return at::atan_out(o, x); }},
    {"sinh", [](Tensor& o, const Tensor& x) { return at::sinh_out(o, x); }},
    {"cosh", [](Tensor& o, const Tensor& x) { return at::cosh_out(o, x); }},
    {"tanh", [](Tensor& o, const Tensor& x) { return at::tanh_out(o, x); }},
    {"asinh", [](Tensor& o, const Tensor& x) { return at::asinh_out(o, x); }},
    {"acosh", [](Tensor& o, const Tensor& x) { return at::acosh_out(o, x); }},
    {"atanh", [](Tensor& o, const Tensor& x) { return at::atanh_out(o, x); }},
    {"sigmoid", [](Tensor& o, const Tensor& x) { return at::sigmoid_out(o, x); }},
    {"erf", [](Tensor& o, const Tensor& x) { return at::erf_out(o, x); }},
    {"erfc", [](Tensor& o, const Tensor& x) { return at::erfc_out(o, x); }},
    {"erfinv", [](Tensor& o, const Tensor& x) { return at::erfinv_out(o, x); }},
    {"lgamma", [](Tensor& o, const Tensor& x) { return at::lgamma_out(o, x); }},
    {"digamma", [](Tensor& o, const Tensor& x) { return at::digamma_out(o, x); }},
    {"relu", [](Tensor& o, const Tensor& x) { return at::clamp_min_out(o, x, 0); }},
    {"relu6", [](Tensor& o, const Tensor& x) { return at::hardtanh_out(o, x, 0, 6); }},
    {"leaky_relu", [](Tensor& o, const Tensor& x) { return at::leaky_relu_out(o, x); }},
    {"elu", [](Tensor& o, const Tensor& x) { return at::elu_out(o, x); }},
    {"selu", [](Tensor& o, const Tensor& x) { return at::elu_out(o, x, 1.6732632423543772, 1.0507009873554805, 1); }},
    {"celu", [](Tensor& o, const Tensor& x) { return at::elu_out(o, x, 1, 1, 1); }},
    {"gelu", [](Tensor& o, const Tensor& x) { return at::gelu_out(o, x); }},
    {"gelu_tanh", [](Tensor& o, const Tensor& x) { return at::gelu_out(o, x, "tanh"); }},
    {"silu", [](Tensor& o, const Tensor& x) { return at::silu_out(o, x); }},
    {"mish", [](Tensor& o, const Tensor& x) { return at::mish_out(o, x); }},
    {"softplus", [](Tensor& o, const Tensor& x) { return at::softplus_out(o, x); }},
    {"softsign", [](Tensor& o, const Tensor& x) { return at::div_out(o, x, at::abs(x).add_(1)); }},
    {"hardtanh", [](Tensor& o, const Tensor& x) { return at::hardtanh_out(o, x); }},
    {"hardsigmoid", [](Tensor& o, const Tensor& x) { return at::hardsigmoid_out(o, x); }},
    {"hardswish", [](Tensor& o, const Tensor& x) { return at::hardswish_out(o, x); }},
    {"log_sigmoid", [](Tensor& o, const Tensor& x) { return at::log_sigmoid_out(o, x); }},
    {"softshrink", [](Tensor& o, const Tensor& x) { return at::softshrink_out(o, x); }},
    {"hardshrink", [](Tensor& o, const Tensor& x) { return at::hardshrink_out(o, x); }},
    {"isnan", [](Tensor& o, const Tensor& x) { return at::ne_out(o, x, x); }, torch::kBool},
    {"isinf", [](Tensor&, const Tensor& x) { return at::isinf(x); }, torch::kBool},
    {"isfinite", [](Tensor&, const Tensor& x) { return at::isfinite(x); }, torch::kBool},
};

struct Binary {
    std::string_view name;
    Tensor (*run)(Tensor& out, const Tensor& x, const Tensor& y);
    at::ScalarType result = torch::kFloat32;
};
const Binary binaries[] = {
    {"add", [](Tensor& o, const Tensor& x, const Tensor& y) { return at::add_out(o, x, y); }},
    {"sub", [](Tensor& o, const Tensor& x, const Tensor& y) { return at::sub_out(o, x, y); }},
    {"mul", [](Tensor& o, const Tensor& x, const Tensor& y) { return at::mul_out(o, x, y); }},
    {"div", [](Tensor& o, const Tensor& x, const Tensor& y) { return at::div_out(o, x, y); }},
    {"pow", [](Tensor& o, const Tensor& x, const Tensor& y) { return at::pow_out(o, x, y); }},
    {"fmod", [](Tensor& o, const Tensor& x, const Tensor& y) { return at::fmod_out(o, x, y); }},
    {"remainder", [](Tensor& o, const Tensor& x, const Tensor& y) { return at::remainder_out(o, x, y); }},
    {"floor_divide", [](Tensor& o, const Tensor& x, const Tensor& y) { return at::floor_divide_out(o, x, y); }},
    {"atan2", [](Tensor& o, const Tensor& x, const Tensor& y) { return at::atan2_out(o, x, y); }},
    {"hypot", [](Tensor& o, const Tensor& x, const Tensor& y) { return at::hypot_out(o, x, y); }},
    {"copysign", [](Tensor& o, const Tensor& x, const Tensor& y) { return at::copysign_out(o, x, y); }},
    {"nextafter", [](Tensor& o, const Tensor& x, const Tensor& y) { return at::nextafter_out(o, x, y); }},
    {"logaddexp", [](Tensor& o, const Tensor& x, const Tensor& y) { return at::logaddexp_out(o, x, y); }},
    {"logaddexp2", [](Tensor& o, const Tensor& x, const Tensor& y) { return at::logaddexp2_out(o, x, y); }},
    {"xlogy", [](Tensor& o, const Tensor& x, const Tensor& y) { return at::xlogy_out(o, x, y); }},
    {"heaviside", [](Tensor& o, const Tensor& x, const Tensor& y) { return at::heaviside_out(o, x, y); }},
    {"maximum", [](Tensor& o, const Tensor& x, const Tensor& y) { return at::maximum_out(o, x, y); }},
    {"minimum", [](Tensor& o, const Tensor& x, const Tensor& y) { return at::minimum_out(o, x, y); }},
    {"fmax", [](Tensor& o, const Tensor& x, const Tensor& y) { return at::fmax_out(o, x, y); }},
    {"fmin", [](Tensor& o, const Tensor& x, const Tensor& y) { return at::fmin_out(o, x, y); }},
    {"eq", [](Tensor& o, const Tensor& x, const Tensor& y) { return at::eq_out(o, x, y); }, torch::kBool},
    {"lt", [](Tensor& o, const Tensor& x, const Tensor& y) { return at::lt_out(o, x, y); }, torch::kBool},
    {"clamp",
     [](Tensor& o, const Tensor& x, const Tensor& y) {
         at::clamp_min_out(o, x, -0.5);
         return at::minimum_out(o, o, y);
     }},
    {"lerp", [](Tensor& o, const Tensor& x, const Tensor& y) { return at::lerp_out(o, x, y, 0.3); }},
    {"where", [](Tensor& o, const Tensor& x, const Tensor& y) { return at::where_out(o, x > y, x, y); }},
    {"addcmul", [](Tensor& o, const Tensor& x, const Tensor& y) { return at::addcmul_out(o, x, x, y, 0.5); }},
};

struct Reduction {
    std::string_view name;
    Tensor (*all)(const Tensor& x);
    Tensor (*along)(Tensor& out, const Tensor& x, std::int64_t axis);
    at::ScalarType result = torch::kFloat32;
};
const Reduction reductions[] = {
    {"sum", [](const Tensor& x) { return at::sum(x); },
     [](Tensor& o, const Tensor& x, std::int64_t a) { return at::sum_out(o, x, a); }},
    {"mean", [](const Tensor& x) { return at::mean(x); },
     [](Tensor& o, const Tensor& x, std::int64_t a) { return at::mean_out(o, x, a); }},
    {"prod", [](const Tensor& x) { return at::prod(x); },
     [](Tensor& o, const Tensor& x, std::int64_t a) { return at::prod_out(o, x, a); }},
    {"amax", [](const Tensor& x) { return at::amax(x); },
     [](Tensor& o, const Tensor& x, std::int64_t a) { return at::amax_out(o, x, a); }},
    {"amin", [](const Tensor& x) { return at::amin(x); },
     [](Tensor& o, const Tensor& x, std::int64_t a) { return at::amin_out(o, x, a); }},
    {"all", [](const Tensor& x) { return at::all(x); },
     [](Tensor& o, const Tensor& x, std::int64_t a) { return at::all_out(o, x, a); }, torch::kBool},
    {"any", [](const Tensor& x) { return at::any(x); },
     [](Tensor& o, const Tensor& x, std::int64_t a) { return at::any_out(o, x, a); }, torch::kBool},
    {"count_nonzero", [](const Tensor& x) { return at::count_nonzero(x); },
     [](Tensor&, const Tensor& x, std::int64_t a) { return at::count_nonzero(x, at::IntArrayRef(a)); }, torch::kInt64},
    {"var", [](const Tensor& x) { return at::var(x); },
     [](Tensor& o, const Tensor& x, std::int64_t a) { return at::var_out(o, x, at::IntArrayRef(a)); }},
    {"std", [](const Tensor& x) { return at::std(x); },
     [](Tensor& o, const Tensor& x, std::int64_t a) { return at::std_out(o, x, at::IntArrayRef(a)); }},
    {"norm", [](const Tensor& x) { return at::norm(x); },
     [](Tensor& o, const Tensor& x, std::int64_t a) { return at::norm_out(o, x, 2, a); }},
    {"logsumexp", [](const Tensor& x) { return at::logsumexp(x, {0, 1}); },
     [](Tensor& o, const Tensor& x, std::int64_t a) { return at::logsumexp_out(o, x, a); }},
    {"argmax", [](const Tensor& x) { return at::argmax(x); },
     [](Tensor& o, const Tensor& x, std::int64_t a) { return at::argmax_out(o, x, a); }, torch::kInt64},
    {"argmin", [](const Tensor& x) { return at::argmin(x); },
     [](Tensor& o, const Tensor& x, std::int64_t a) { return at::argmin_out(o, x, a); }, torch::kInt64},
};

template <class Table>
const auto& find(const Table& table, const std::string& name) {
    for (const auto& row : table)
        if (row.name == name) return row;
    throw std::invalid_argument("the peer has no row " + name);
}

}  // namespace

Work unary(const std::string& name, const Floats& data) {
    const Unary& row = find(unaries, name);
    const Tensor x = tensor(data);
    return work([run = row.run, x, out = at::empty_like(x, row.result)]() mutable { return run(out, x); });
}

Work binary(const std::string& name, const Floats& first, const Floats& second) {
    const Binary& row = find(binaries, name);
    const Tensor x = tensor(first), y = tensor(second);
    return work([run = row.run, x, y, out = at::empty_like(x, row.result)]() mutable { return run(out, x, y); });
}

Work reduction(const std::string& name, const Floats& data, std::int64_t rows, std::int64_t columns, int axis) {
    const Reduction& row = find(reductions, name);
    const Tensor x = tensor(data, {rows, columns});
    if (axis < 0) return work([run = row.all, x] { return run(x); });
    return work([run = row.along, x, axis, out = at::empty({axis == 0 ? columns : rows}, row.result)]() mutable {
        return run(out, x, axis);
    });
}

}  // namespace peer
