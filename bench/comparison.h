// What rows of the comparison share: how both sides are run in turns, and ours as a call that is recorded each time, or
// compiled.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <nlohmann/json.hpp>

#include "bench/peer.h"
#include "lathe.h"
#include "runtime/buffer.h"

namespace comparison {

using namespace lathe;
using peer::Floats;

struct Options {
    int threads = 2;
    std::string only, json;
    bool quick = false;
};
inline Options options;

Floats random_floats(std::size_t n, unsigned seed, float low = -1, float high = 1);
inline Tensor tensor(const Floats& data, std::vector<std::int64_t> shape) {
    return Tensor::from(data, std::move(shape));
}
// "1K", "10M".
std::string short_count(std::int64_t n);

class Comparison {
public:
    void row(const std::string& name, const std::string& how, const peer::Work& ours, const peer::Work& theirs,
             float tolerance = 1e-4F);
    // Prints the geometric mean and the least ratio of the rows since the last call, in so many words.
    void summarize(const std::string& rows);
    // Writes what was asked for; whether all results agreed.
    bool finish() const;

private:
    nlohmann::json rows_ = nlohmann::json::array();
    std::size_t summarized_ = 0;
    bool all_agree_ = true;
};

template <class F>
peer::Work lazy(F f) {
    auto out = std::make_shared<Tensor>();
    return {[f, out] { *out = f().eval(); }, [out] { return out->to_vector<float>(); }};
}

// A function of f32 inputs, compiled, and bound to those; it runs into one buffer.
using Dims = std::vector<std::variant<std::int64_t, std::string>>;
peer::Work run_on(const Model& model, const std::vector<std::pair<Floats, std::vector<std::int64_t>>>& inputs,
                  Dtype result);
std::vector<TensorSpec> specs_of(const std::vector<std::pair<Floats, std::vector<std::int64_t>>>& inputs,
                                 const std::vector<Dims>& dims);
template <class F>
peer::Work compiled(const F& f, const std::vector<std::pair<Floats, std::vector<std::int64_t>>>& inputs,
                    const std::vector<Dims>& dims = {}, Dtype result = Dtype::f32) {
    return run_on(trace(f, specs_of(inputs, dims)), inputs, result);
}

// Every elementwise function and reduction that both sides have, at 1K and 1M: compare_functions.cpp.
void functions(Comparison& c);
// Decompositions of matrices, equations, Fourier transforms: compare_matrices.cpp.
void matrices(Comparison& c);
// Orders, the different elements, counts: compare_searches.cpp.
void searches(Comparison& c);

}  // namespace comparison
