#include "frontend/nn/nn.h"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <typeinfo>

#include "frontend/functions/functions.h"
#include "frontend/tensor/blame.h"
#include "ir/error.h"
#include "ir/float_environment.h"

namespace lathe::nn {

struct Generator::State {
    Tensor counter;    // the seed and a multiple of the golden ratio
    std::mutex mutex;  // held from reading the counter to setting it
};

Generator::Generator(std::uint64_t seed, Where where) : state_(std::make_shared<State>()) {
    const detail::LocScope scope(where, "Generator");
    state_->counter = variable(Tensor::scalar(seed), "random_state", false);
}

Tensor Generator::next_key(Where where) {
    // splitmix64: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014.
    const detail::LocScope scope(where, "next_key");
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

Tensor Module::operator()(const Tensor& x, Where where) const { return apply(x, -1, where); }

Tensor Module::apply(const Tensor& x, std::int64_t index, Where where) const {
    using detail::Frame;
    const Frame frame(of_library_ ? Frame::Code::library : Frame::Code::user, where, &typeid(*this), name_, index, &x);
    if (of_library_ && x.is_empty())
        throw UserError(detail::spoken("forward") + ": an empty tensor was used", detail::blame({}));
    return detail::value_of(forward(x));
}

std::vector<NamedParameter> Module::named_parameters(const std::string&) const { return {}; }

std::vector<Tensor> Module::parameters() const {
    std::vector<Tensor> out;
    for (auto& [name, tensor] : named_parameters()) out.push_back(tensor);
    return out;
}

Linear::Linear(std::int64_t inputs, std::int64_t outputs, Generator& random, Init init, bool with_bias, Dtype dtype,
               Where where)
    : Module(OfLibrary{}) {
    const detail::LocScope scope(where, "Linear");
    if (!is_float(dtype))
        throw TypeError("Linear: weights are floats, not " + std::string(ir::name(dtype)), detail::blame(where));
    if (inputs < 0 || outputs < 0) throw UserError("Linear: a number of features is negative", detail::blame(where));
    const ir::FloatEnvironment floats;
    const auto fan = static_cast<double>(init == Init::kaiming ? inputs : inputs + outputs);
    const double limit = std::sqrt(6.0 / std::max(fan, 1.0));  // no weights where there are no features
    weight = variable(convert(random_uniform(random.next_key(), {inputs, outputs}, -limit, limit), dtype), "weight");
    if (with_bias) bias = variable(zeros({outputs}, dtype), "bias");
}

Tensor Linear::forward(const Tensor& x) const {
    const ir::Type &given = x.type(), &own = weight.type();
    const Dim wanted = own.shape[0];
    const bool fits = given.shape.rank() > 0 && (given.shape[given.shape.rank() - 1] == wanted ||
                                                 !given.shape[given.shape.rank() - 1].is_constant());
    if (!fits)
        throw TypeError(
            "Linear: wants an input whose last extent is " + wanted.to_string() +
                (given.shape.rank() == 0 ? "" : ", not " + given.shape[given.shape.rank() - 1].to_string()) + " (" +
                given.to_string() + ")",
            detail::blame({}));
    if (given.dtype != own.dtype)
        throw TypeError("Linear: wants an input of " + std::string(ir::name(own.dtype)) +
                            ", as its weights are; convert it (" + given.to_string() + ")",
                        detail::blame({}));
    const Tensor product = matmul(x, weight);
    return bias.is_empty() ? product : product + bias;
}

std::vector<NamedParameter> Linear::named_parameters(const std::string& prefix) const {
    std::vector<NamedParameter> out{{prefix + "weight", weight}};
    if (!bias.is_empty()) out.emplace_back(prefix + "bias", bias);
    return out;
}

Tensor ReLU::forward(const Tensor& x) const { return relu(x); }
Tensor Tanh::forward(const Tensor& x) const { return tanh(x); }
Tensor Sigmoid::forward(const Tensor& x) const { return sigmoid(x); }
Tensor GELU::forward(const Tensor& x) const { return gelu(x); }

Tensor Sequential::forward(const Tensor& x) const {
    Tensor y = x;
    for (std::size_t i = 0; i < children_.size(); ++i) y = children_[i]->apply(y, static_cast<std::int64_t>(i), {});
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
