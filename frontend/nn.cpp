#include "frontend/nn.h"

#include <algorithm>
#include <cmath>
#include <mutex>

#include "frontend/functions.h"
#include "ir/float_environment.h"

namespace lathe::nn {

struct Generator::State {
    Tensor counter;    // the seed and a multiple of the golden ratio
    std::mutex mutex;  // held from reading the counter to setting it
};

Generator::Generator(std::uint64_t seed) : state_(std::make_shared<State>()) {
    state_->counter = variable(Tensor::scalar(seed), "random_state", false);
}

Tensor Generator::next_key(Where where) {
    // splitmix64: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014.
    const detail::LocScope scope(where);
    Tensor z;
    {
        const std::lock_guard lock(state_->mutex);
        z = state_->counter + 0x9e3779b97f4a7c15ULL;
        state_->counter.set(z, where);
    }
    z = bit_xor(z, shift_right(z, 30)) * 0xbf58476d1ce4e5b9ULL;
    z = bit_xor(z, shift_right(z, 27)) * 0x94d049bb133111ebULL;
    return bit_xor(z, shift_right(z, 31));
}

Tensor Module::operator()(const Tensor& x, Where where) const {
    const detail::LocScope scope(where);
    return detail::value_of(forward(x));
}

std::vector<NamedParameter> Module::named_parameters(const std::string&) const { return {}; }

std::vector<Tensor> Module::parameters() const {
    std::vector<Tensor> out;
    for (auto& [name, tensor] : named_parameters()) out.push_back(tensor);
    return out;
}

Linear::Linear(std::int64_t inputs, std::int64_t outputs, Generator& random, Init init, bool with_bias, Dtype dtype,
               Where where) {
    const detail::LocScope scope(where);
    if (!is_float(dtype))
        throw TypeError("Linear: weights are floats, not " + std::string(ir::name(dtype)), ir::Loc::of(where));
    if (inputs < 0 || outputs < 0) throw UserError("Linear: a number of features is negative", ir::Loc::of(where));
    const ir::FloatEnvironment floats;
    const auto fan = static_cast<double>(init == Init::kaiming ? inputs : inputs + outputs);
    const double limit = std::sqrt(6.0 / std::max(fan, 1.0));  // no weights where there are no features
    weight = variable(convert(random_uniform(random.next_key(), {inputs, outputs}, -limit, limit), dtype), "weight");
    if (with_bias) bias = variable(zeros({outputs}, dtype), "bias");
}

Tensor Linear::forward(const Tensor& x) const {
    const Tensor product = matmul(x, weight);
    return bias ? product + bias : product;
}

std::vector<NamedParameter> Linear::named_parameters(const std::string& prefix) const {
    std::vector<NamedParameter> out{{prefix + "weight", weight}};
    if (bias) out.emplace_back(prefix + "bias", bias);
    return out;
}

Tensor ReLU::forward(const Tensor& x) const { return relu(x); }
Tensor Tanh::forward(const Tensor& x) const { return tanh(x); }
Tensor Sigmoid::forward(const Tensor& x) const { return sigmoid(x); }
Tensor GELU::forward(const Tensor& x) const { return gelu(x); }

Tensor Sequential::forward(const Tensor& x) const {
    Tensor y = x;
    for (const auto& child : children_) y = child->forward(y);
    return y;
}

std::vector<NamedParameter> Sequential::named_parameters(const std::string& prefix) const {
    std::vector<NamedParameter> out;
    for (std::size_t i = 0; i < children_.size(); ++i) {
        auto inner = children_[i]->named_parameters(prefix + std::to_string(i) + ".");
        out.insert(out.end(), inner.begin(), inner.end());
    }
    return out;
}

}  // namespace lathe::nn
